//! `where` expressions: which of the words that match a row's fixed bits are its
//! instruction.

use std::collections::BTreeMap;

use super::field::Field;

/// A `where` expression. Truth is 1 and 0.
#[derive(Clone, Debug)]
pub(crate) enum Expr {
    Number(i64),
    Field(Field),
    Not(Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
}

/// Rust's binary operators over integers and truth values, by precedence,
/// loosest first.
pub(crate) const LEVELS: [&[&str]; 8] = [
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
    pub(crate) fn eval(&self, word: u32) -> i64 {
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
    pub(crate) fn bits(&self) -> u32 {
        match self {
            Self::Number(_) => 0,
            Self::Field(f) => f.mask(),
            Self::Not(e) => e.bits(),
            Self::Binary(_, a, b) => a.bits() | b.bits(),
        }
    }

    /// The words refused, when they are all those that match one pattern:
    /// mask and value.
    pub(crate) fn refused(&self) -> Option<(u32, u32)> {
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

    pub(crate) fn rust(&self) -> String {
        match self {
            Self::Number(n) => n.to_string(),
            Self::Field(f) => format!("(w >> {} & {:#x})", f.lsb, f.mask() >> f.lsb),
            Self::Not(e) => format!("!({})", e.rust()),
            Self::Binary(op, a, b) => format!("({} {op} {})", a.rust(), b.rust()),
        }
    }
}

/// Reads one `where` expression.
pub(crate) struct Parser<'a> {
    pub(crate) rest: &'a str,
    pub(crate) fields: &'a BTreeMap<String, Field>,
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

    pub(crate) fn level(&mut self, level: usize) -> Expr {
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
