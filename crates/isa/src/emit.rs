//! Rust text of the rows: their names and classes, what is told of them, what the
//! decoder compares, and the accessors of fields.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::expression::Expr;
use super::field::Field;
use super::table::Row;

/// The manual's title of a row, as far as the name tells.
fn title(name: &str) -> String {
    match name.split_once('_') {
        Some(("B", "cond")) => "B.cond".to_owned(),
        Some((mnemonic, rest)) => format!("{mnemonic} ({})", rest.replace('_', " ")),
        None => name.to_owned(),
    }
}

pub(crate) fn rows(out: &mut String, rows: &[Row], places: &BTreeMap<String, Field>, table: &str) {
    let constraints = constraints(rows);
    let doc = format!("/// An instruction: a row of `{table}.isa`.\n");
    let derive = "#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]\n";
    let camel = "#[allow(non_camel_case_types, reason = \"the manual's names\")]\n";
    writeln!(out, "{doc}{derive}{camel}#[repr(u16)]\npub enum Op {{").unwrap();
    for r in rows {
        writeln!(out, "/// {}.\n{},", title(&r.name), r.name).unwrap();
    }
    out.push_str("}\n");
    let classes: BTreeSet<_> = rows.iter().map(|r| r.class.as_str()).collect();
    let doc = "/// An encoding group of the manual.\n";
    writeln!(out, "{doc}{derive}{camel}#[repr(u8)]\npub enum Class {{").unwrap();
    for c in &classes {
        writeln!(out, "/// {}.\n{c},", c.replace('_', " ")).unwrap();
    }
    writeln!(
        out,
        "}}\nimpl Class {{\n/// All of them.\npub const ALL: &[Self] = &["
    )
    .unwrap();
    for c in &classes {
        writeln!(out, "Self::{c},").unwrap();
    }
    out.push_str("];\n/// The table's name of it.\n#[must_use]\npub const fn name(self) -> &'static str {\nmatch self {\n");
    for c in &classes {
        writeln!(out, "Self::{c} => {c:?},").unwrap();
    }
    out.push_str("}\n}\n}\nimpl Op {\n/// All of them, in the table's order.\n");
    writeln!(out, "pub const ALL: &[Self; {}] = &[", rows.len()).unwrap();
    for r in rows {
        writeln!(out, "Self::{},", r.name).unwrap();
    }
    out.push_str("];\n}\n");
    told(out, rows, places);
    writeln!(out, "static MATCH: [Match; {}] = [", rows.len()).unwrap();
    for r in rows {
        let (mask, value) = (r.mask, r.value);
        // No word matches the pattern of mask 0 and value 1.
        let (refused_mask, refused_value, c) = match &r.constraint {
            None => (0, 1, 0),
            Some(e) => match e.refused() {
                Some((mask, value)) => (mask, value, 0),
                None => (0, 1, constraints[&e.rust()]),
            },
        };
        writeln!(
            out,
            "Match {{ mask: {mask:#x}, value: {value:#x}, refused_mask: {refused_mask:#x}, refused_value: {refused_value:#x}, constraint: {c} }},"
        )
        .unwrap();
    }
    out.push_str("];\n#[allow(clippy::all, unused_variables, reason = \"generated\")]\n");
    out.push_str("const fn constraint(id: u32, w: u32) -> bool {\nmatch id {\n");
    for (rust, id) in &constraints {
        // Without the outermost parentheses.
        let bare = rust.strip_prefix('(').and_then(|r| r.strip_suffix(')'));
        writeln!(out, "{id} => {},", bare.unwrap_or(rust)).unwrap();
    }
    out.push_str("_ => true,\n}\n}\n");
}

/// The accessor of each field.
pub(crate) fn fields(places: &BTreeMap<String, Field>) -> String {
    let allow =
        "#[allow(clippy::identity_op, clippy::len_without_is_empty, reason = \"generated\")]\n";
    let mut out = format!("{allow}impl Insn {{\n");
    for f in places.values() {
        let (name, lsb, mask) = (f.name.to_lowercase(), f.lsb, f.mask() >> f.lsb);
        let high = f.lsb + f.width - 1;
        writeln!(out, "/// `{}`, bits {high}:{lsb}.\n#[must_use]\n#[inline]\npub const fn {name}(self) -> u32 {{ self.word >> {lsb} & {mask:#x} }}", f.name).unwrap();
    }
    out.push_str("}\n");
    out
}

/// What is told of instructions: texts and lists of fields each in one piece,
/// and rows that say which parts of them are theirs.
fn told(out: &mut String, rows: &[Row], places: &BTreeMap<String, Field>) {
    let mut texts = String::new();
    let mut text = |text: &str| {
        let start = texts.find(text).unwrap_or_else(|| {
            texts.push_str(text);
            texts.len() - text.len()
        });
        assert!(start < 1 << 16, "the texts are too long for parts of them");
        format!("Part {{ start: {start}, length: {} }}", text.len())
    };
    writeln!(out, "static PLACES: [Place; {}] = [", places.len()).unwrap();
    for Field { name, lsb, width } in places.values() {
        let name = text(name);
        writeln!(out, "Place {{ name: {name}, lsb: {lsb}, width: {width} }},").unwrap();
    }
    let mut lists: Vec<u8> = Vec::new();
    writeln!(out, "];\nstatic ROWS: [Row; {}] = [", rows.len()).unwrap();
    for r in rows {
        let title = title(&r.name);
        let mnemonic = title.split(' ').next().unwrap();
        let place = |field: &Field| places.keys().position(|name| *name == field.name).unwrap();
        let fields = r.fields.iter().map(|f| u8::try_from(place(f)).unwrap());
        let (start, length) = (lists.len(), r.fields.len());
        lists.extend(fields);
        writeln!(
            out,
            "Row {{ name: {}, title: {}, mnemonic: {}, feature: Feature::{}, should: {:#x}, has_where: {}, fields: Part {{ start: {start}, length: {length} }} }},",
            text(&r.name),
            text(&title),
            text(mnemonic),
            r.feature,
            r.should,
            r.constraint.is_some()
        )
        .unwrap();
    }
    writeln!(
        out,
        "];\nstatic FIELDS: [u8; {}] = {lists:?};\nconst TEXTS: &str = {texts:?};",
        lists.len()
    )
    .unwrap();
    writeln!(out, "static CLASSES: [Class; {}] = [", rows.len()).unwrap();
    for r in rows {
        writeln!(out, "Class::{},", r.class).unwrap();
    }
    out.push_str("];\n");
}

/// The different constraints that no one pattern refuses, as Rust text,
/// numbered from 1.
fn constraints(rows: &[Row]) -> BTreeMap<String, usize> {
    let all: BTreeSet<_> = rows
        .iter()
        .filter_map(|r| r.constraint.as_ref())
        .filter(|e| e.refused().is_none())
        .map(Expr::rust)
        .collect();
    all.into_iter().zip(1..).collect()
}
