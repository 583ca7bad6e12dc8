//! The table's text, read: a row an instruction.

use std::collections::{BTreeMap, BTreeSet};

use super::expression::{Expr, Parser};
use super::field::Field;

/// A line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) feature: String,
    pub(crate) class: String,
    pub(crate) mask: u32,
    pub(crate) value: u32,
    /// The ones among the bits that should be so.
    pub(crate) should: u32,
    pub(crate) fields: Vec<Field>,
    pub(crate) constraint: Option<Expr>,
}

/// The table, and the place of every field name.
pub(crate) fn read(text: &str, bits: u32) -> (Vec<Row>, BTreeMap<String, Field>) {
    let mut rows = Vec::new();
    let mut places = BTreeMap::new();
    let mut wheres = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (row, condition) = read_row(line, bits);
        for field in &row.fields {
            let place = places
                .entry(field.name.clone())
                .or_insert_with(|| field.clone());
            assert_eq!(place, field, "{}: a second place for the field", row.name);
        }
        rows.push(row);
        wheres.push(condition);
    }
    for (row, condition) in rows.iter_mut().zip(wheres) {
        row.constraint = condition.map(|text| {
            let mut parser = Parser {
                rest: text,
                fields: &places,
            };
            let expr = parser.level(0);
            assert!(
                parser.rest.trim().is_empty(),
                "{}: left over {:?}",
                row.name,
                parser.rest
            );
            expr
        });
    }
    let mut names = BTreeSet::new();
    for row in &rows {
        assert!(names.insert(&row.name), "{} occurs twice", row.name);
    }
    (rows, places)
}

/// One line, with its `where` unread.
fn read_row(line: &str, bits: u32) -> (Row, Option<&str>) {
    let parts: Vec<&str> = line.split('"').collect();
    let [name, pattern, rest] = parts[..] else {
        panic!("not one quoted pattern: {line}");
    };
    let (rest, condition) = match rest.split_once(" where ") {
        Some((rest, condition)) => (rest, Some(condition)),
        None => (rest, None),
    };
    let columns: Vec<&str> = rest.split_whitespace().collect();
    let [feature, class] = columns[..] else {
        panic!("not FEATURE and class: {line}");
    };
    let (mut bit, mut mask, mut value, mut fields) = (bits, 0, 0, Vec::new());
    let mut should = 0;
    for piece in pattern.split_whitespace() {
        if let Some((field, width)) = piece.split_once(':') {
            let width: u32 = width.parse().unwrap();
            bit = bit
                .checked_sub(width)
                .unwrap_or_else(|| panic!("over {bits} bits: {line}"));
            if field != "x" {
                fields.push(Field {
                    name: field.to_owned(),
                    lsb: bit,
                    width,
                });
            }
            continue;
        }
        let inside = piece.strip_prefix('(').map(|rest| {
            rest.strip_suffix(')')
                .unwrap_or_else(|| panic!("no ) in {piece}: {line}"))
        });
        for c in inside.unwrap_or(piece).chars() {
            bit = bit
                .checked_sub(1)
                .unwrap_or_else(|| panic!("over {bits} bits: {line}"));
            let one = c.to_digit(2).unwrap_or_else(|| panic!("no bit: {line}")) << bit;
            if inside.is_some() {
                should |= one;
            } else {
                mask |= 1 << bit;
                value |= one;
            }
        }
    }
    assert_eq!(bit, 0, "not {bits} bits: {line}");
    let row = Row {
        name: name.trim().to_owned(),
        feature: feature.to_owned(),
        class: class.to_owned(),
        mask,
        value,
        should,
        fields,
        constraint: None,
    };
    (row, condition)
}
