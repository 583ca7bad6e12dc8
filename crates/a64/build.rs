//! Makes the decoder, the field accessors and the coverage data from
//! `a64.isa`, whose head describes the format.
//!
//! Refused at build time: malformed rows, a field name with two places, and
//! two rows that claim one word when neither is a part of the other. The last
//! is exact: the bits that two `where` expressions read are few, so all their
//! values are tried.
#![allow(
    clippy::unwrap_used,
    reason = "a build script that panics has said what is wrong with the table"
)]
#![allow(
    clippy::cast_possible_truncation,
    reason = "the table is far smaller than any of these types"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// A named run of bits.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    name: String,
    lsb: u32,
    width: u32,
}

impl Field {
    fn mask(&self) -> u32 {
        (((1u64 << self.width) - 1) as u32) << self.lsb
    }
}

/// A line of the table.
#[derive(Debug)]
struct Row {
    name: String,
    feature: String,
    class: String,
    mask: u32,
    value: u32,
    fields: Vec<Field>,
    constraint: Option<Expr>,
}

/// A `where` expression. Truth is 1 and 0.
#[derive(Clone, Debug)]
enum Expr {
    Number(i64),
    Field(Field),
    Not(Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
}

/// Rust's binary operators over integers and truth values, by precedence,
/// loosest first.
const LEVELS: [&[&str]; 8] = [
    &["||"],
    &["&&"],
    &["==", "!=", "<=", ">=", "<", ">"],
    &["|"],
    &["^"],
    &["&"],
    &["<<", ">>"],
    &["+", "-"],
];

impl Expr {
    fn eval(&self, word: u32) -> i64 {
        match self {
            Self::Number(n) => *n,
            Self::Field(f) => i64::from((word & f.mask()) >> f.lsb),
            Self::Not(e) => i64::from(e.eval(word) == 0),
            Self::Binary(op, a, b) => {
                let (a, b) = (a.eval(word), b.eval(word));
                match *op {
                    "||" => i64::from(a != 0 || b != 0),
                    "&&" => i64::from(a != 0 && b != 0),
                    "==" => i64::from(a == b),
                    "!=" => i64::from(a != b),
                    "<=" => i64::from(a <= b),
                    ">=" => i64::from(a >= b),
                    "<" => i64::from(a < b),
                    ">" => i64::from(a > b),
                    "|" => a | b,
                    "^" => a ^ b,
                    "&" => a & b,
                    "<<" => a << b,
                    ">>" => a >> b,
                    "+" => a + b,
                    _ => a - b,
                }
            }
        }
    }

    /// The bits the expression reads.
    fn bits(&self) -> u32 {
        match self {
            Self::Number(_) => 0,
            Self::Field(f) => f.mask(),
            Self::Not(e) => e.bits(),
            Self::Binary(_, a, b) => a.bits() | b.bits(),
        }
    }

    /// The words refused, when they are all those that match one pattern:
    /// mask and value.
    fn refused(&self) -> Option<(u32, u32)> {
        let (bits, mut word) = (self.bits(), 0u32);
        let (mut all, mut any, mut count) = (bits, 0, 0u32);
        loop {
            if self.eval(word) == 0 {
                (all, any, count) = (all & word, any | word, count + 1);
            }
            // The next subset of the bits.
            word = word.wrapping_sub(bits) & bits;
            if word == 0 {
                break;
            }
        }
        let mask = bits & !(all ^ any);
        (count == 1 << (bits & !mask).count_ones()).then_some((mask, all & mask))
    }

    fn rust(&self) -> String {
        match self {
            Self::Number(n) => n.to_string(),
            Self::Field(f) => format!("(w >> {} & {:#x})", f.lsb, f.mask() >> f.lsb),
            Self::Not(e) => format!("!({})", e.rust()),
            Self::Binary(op, a, b) => format!("({} {op} {})", a.rust(), b.rust()),
        }
    }
}

/// Reads one `where` expression.
struct Parser<'a> {
    rest: &'a str,
    fields: &'a BTreeMap<String, Field>,
}

impl Parser<'_> {
    fn eat(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start();
        // `<` is no prefix of `<<` or `<=`, nor `&` of `&&`, and so on.
        let longer = ["||", "&&", "<<", ">>", "<=", ">=", "!="]
            .iter()
            .any(|l| l.len() > token.len() && rest.starts_with(l) && l.starts_with(token));
        if longer || !rest.starts_with(token) {
            return false;
        }
        self.rest = &rest[token.len()..];
        true
    }

    fn level(&mut self, level: usize) -> Expr {
        if level == LEVELS.len() {
            return self.unary();
        }
        let mut left = self.level(level + 1);
        while let Some(op) = LEVELS[level].iter().find(|op| self.eat(op)) {
            left = Expr::Binary(op, Box::new(left), Box::new(self.level(level + 1)));
        }
        left
    }

    fn unary(&mut self) -> Expr {
        if self.eat("!") {
            return Expr::Not(Box::new(self.unary()));
        }
        if self.eat("(") {
            let inner = self.level(0);
            assert!(self.eat(")"), "no ) before {:?}", self.rest);
            return inner;
        }
        let rest = self.rest.trim_start();
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        if let Ok(number) = word.parse() {
            return Expr::Number(number);
        }
        let field = self.fields.get(word);
        Expr::Field(field.unwrap_or_else(|| panic!("no field {word:?}")).clone())
    }
}

/// The table, and the place of every field name.
fn read(text: &str) -> (Vec<Row>, BTreeMap<String, Field>) {
    let mut rows = Vec::new();
    let mut places = BTreeMap::new();
    let mut wheres = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (row, condition) = read_row(line);
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
    let names: BTreeSet<_> = rows.iter().map(|r| &r.name).collect();
    assert_eq!(names.len(), rows.len(), "a name occurs twice");
    (rows, places)
}

/// One line, with its `where` unread.
fn read_row(line: &str) -> (Row, Option<&str>) {
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
    let (mut bit, mut mask, mut value, mut fields) = (32u32, 0, 0, Vec::new());
    for piece in pattern.split_whitespace() {
        if let Some((field, width)) = piece.split_once(':') {
            let width: u32 = width.parse().unwrap();
            bit = bit
                .checked_sub(width)
                .unwrap_or_else(|| panic!("over 32 bits: {line}"));
            if field != "x" {
                fields.push(Field {
                    name: field.to_owned(),
                    lsb: bit,
                    width,
                });
            }
            continue;
        }
        for c in piece.chars() {
            bit = bit
                .checked_sub(1)
                .unwrap_or_else(|| panic!("over 32 bits: {line}"));
            mask |= 1 << bit;
            value |= c.to_digit(2).unwrap_or_else(|| panic!("no bit: {line}")) << bit;
        }
    }
    assert_eq!(bit, 0, "not 32 bits: {line}");
    let row = Row {
        name: name.trim().to_owned(),
        feature: feature.to_owned(),
        class: class.to_owned(),
        mask,
        value,
        fields,
        constraint: None,
    };
    (row, condition)
}

/// Whether some word matches both patterns.
fn overlap(a: &Row, b: &Row) -> bool {
    (a.value ^ b.value) & a.mask & b.mask == 0
}

/// Panics when two rows claim one word and neither pattern is a part of the
/// other's.
fn refuse_ambiguity(rows: &[Row]) {
    for (i, a) in rows.iter().enumerate() {
        for b in rows[i + 1..].iter().filter(|b| overlap(a, b)) {
            let both = a.mask | b.mask;
            if a.mask != b.mask && (both == a.mask || both == b.mask) {
                continue;
            }
            let claims = |r: &Row, w| r.constraint.as_ref().is_none_or(|c| c.eval(w) != 0);
            let read = |r: &Row| r.constraint.as_ref().map_or(0, Expr::bits);
            let free = (read(a) | read(b)) & !both;
            let mut bits = 0u32;
            loop {
                let word = a.value | b.value | bits;
                assert!(
                    !(claims(a, word) && claims(b, word)),
                    "{} and {} both claim {word:#010x}",
                    a.name,
                    b.name
                );
                // The next subset of the free bits.
                bits = bits.wrapping_sub(free) & free;
                if bits == 0 {
                    break;
                }
            }
        }
    }
}

/// The manual's title of a row, as far as the name tells.
fn title(name: &str) -> String {
    match name.split_once('_') {
        Some(("B", "cond")) => "B.cond".to_owned(),
        Some((mnemonic, rest)) => format!("{mnemonic} ({})", rest.replace('_', " ")),
        None => name.to_owned(),
    }
}

fn emit_ops(out: &mut String, rows: &[Row], places: &BTreeMap<String, Field>) {
    let constraints = constraints(rows);
    let doc = "/// An instruction: a row of `a64.isa`.\n";
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
    emit_rows(out, rows, places);
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
    out.push_str("];\n#[allow(clippy::all, reason = \"generated\")]\n");
    out.push_str("const fn constraint(id: u32, w: u32) -> bool {\nmatch id {\n");
    for (rust, id) in &constraints {
        // Without the outermost parentheses.
        let bare = rust.strip_prefix('(').and_then(|r| r.strip_suffix(')'));
        writeln!(out, "{id} => {},", bare.unwrap_or(rust)).unwrap();
    }
    out.push_str("_ => true,\n}\n}\n");
}

/// The accessor of each field.
fn emit_fields(places: &BTreeMap<String, Field>) -> String {
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
fn emit_rows(out: &mut String, rows: &[Row], places: &BTreeMap<String, Field>) {
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
            "Row {{ name: {}, title: {}, mnemonic: {}, feature: Feature::{}, has_where: {}, fields: Part {{ start: {start}, length: {length} }} }},",
            text(&r.name),
            text(&title),
            text(mnemonic),
            r.feature,
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

/// The two levels of the look-up: bits 31:21 find a block, in which bits
/// 15:10 find a list of candidates, the most specific first. Equal blocks and
/// lists are stored once.
fn emit_lookup(out: &mut String, rows: &[Row]) {
    const HIGH: u32 = 0xffe0_0000;
    const LOW: u32 = 0xfc00;
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(rows[i].mask.count_ones()));
    let mut candidates: Vec<usize> = Vec::new();
    let mut lists: BTreeMap<Vec<usize>, u32> = BTreeMap::new();
    let mut blocks: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
    let mut blocks_text = String::new();
    let mut first = Vec::new();
    for high in 0..2048u32 {
        let near: Vec<usize> = order
            .iter()
            .copied()
            .filter(|&i| (rows[i].value ^ high << 21) & rows[i].mask & HIGH == 0)
            .collect();
        let block: Vec<u32> = (0..64u32)
            .map(|low| {
                let list: Vec<usize> = near
                    .iter()
                    .copied()
                    .filter(|&i| (rows[i].value ^ low << 10) & rows[i].mask & LOW == 0)
                    .collect();
                *lists.entry(list).or_insert_with_key(|list| {
                    let start = candidates.len();
                    candidates.extend(list);
                    assert!(
                        start < 1 << 11 && list.len() < 1 << 5,
                        "a span no longer fits"
                    );
                    (start << 5 | list.len()) as u32
                })
            })
            .collect();
        let next = blocks.len();
        first.push(*blocks.entry(block).or_insert_with_key(|block| {
            writeln!(blocks_text, "{block:?},").unwrap();
            next
        }));
    }
    writeln!(out, "static FIRST: [u16; 2048] = {first:?};").unwrap();
    writeln!(
        out,
        "static SECOND: [[u16; 64]; {}] = [\n{blocks_text}];",
        blocks.len()
    )
    .unwrap();
    writeln!(out, "static CANDIDATES: [Op; {}] = [", candidates.len()).unwrap();
    for i in candidates {
        writeln!(out, "Op::{},", rows[i].name).unwrap();
    }
    out.push_str("];\n");
}

fn main() {
    println!("cargo::rerun-if-changed=a64.isa");
    println!("cargo::rerun-if-changed=build.rs");
    // Tests that take long are ignored by name, not passed in silence.
    println!("cargo::rustc-check-cfg=cfg(armistice_long)");
    println!("cargo::rerun-if-env-changed=ARMISTICE_LONG");
    if std::env::var_os("ARMISTICE_LONG").is_some_and(|v| v != "0") {
        println!("cargo::rustc-cfg=armistice_long");
    }
    let (rows, places) = read(&std::fs::read_to_string("a64.isa").unwrap());
    refuse_ambiguity(&rows);
    let mut out = String::new();
    emit_ops(&mut out, &rows, &places);
    emit_lookup(&mut out, &rows);
    let dir = std::env::var("OUT_DIR").unwrap();
    std::fs::write(Path::new(&dir).join("a64.rs"), out).unwrap();
    std::fs::write(Path::new(&dir).join("fields.rs"), emit_fields(&places)).unwrap();
}
