//! From text to a region, for tests that say a region in words.
//!
//! It is the inverse of [`super::print`]: what that prints gives the same region again. Whatever
//! the text, there is a region or an [`Error`] with its place, and no panic. A region that is
//! read need not make sense: [`crate::verify`] judges that.

use super::print::{EXTENDS, is_plain};
use crate::fields::Source;
use crate::inst::Op;
use crate::mode::{Key, Mode};
use crate::operand::{Addr, Extend, Offset, Operand, Reg, SLOTS, Slots, VReg};
use crate::region::{Block, Inst, Region, Term};
use crate::vector::Arg;
use alloc::format;
use alloc::string::String;
use core::fmt;

/// What is wrong with a text, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.what
        )
    }
}

impl core::error::Error for Error {}

/// The region that a text says.
///
/// # Errors
/// Where the text is none, with line and column. Whether the region makes sense is
/// not asked: [`crate::verify`] does.
pub fn parse(text: &str) -> Result<Region, Error> {
    let mut reader = Reader::default();
    let mut last = 0;
    for (index, whole) in text.lines().enumerate() {
        last = index + 1;
        let text = whole.split(';').next().unwrap_or_default();
        let mut line = Line {
            whole,
            rest: text,
            number: last,
        };
        line.skip();
        if !line.rest.is_empty() {
            reader.line(&mut line)?;
        }
    }
    let end = |what| Error {
        line: last.max(1),
        column: 1,
        what: String::from(what),
    };
    if !reader.begun {
        return Err(end("a region begins with a line `region`"));
    }
    if reader.open {
        return Err(end(
            "the last block has no end: a line that begins with `=>`",
        ));
    }
    Ok(reader.region)
}

/// What is left of a line.
#[derive(Clone, Copy)]
struct Line<'a> {
    whole: &'a str,
    /// A part of `whole`.
    rest: &'a str,
    number: usize,
}

impl<'a> Line<'a> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// An error where a part of the line is.
    fn error_at(&self, part: &str, what: String) -> Error {
        let before = part.as_ptr() as usize - self.whole.as_ptr() as usize;
        let before = self.whole.get(..before).unwrap_or_default();
        Error {
            line: self.number,
            column: before.chars().count() + 1,
            what,
        }
    }

    /// An error at what comes next.
    fn error<T>(&self, what: &str) -> Result<T, Error> {
        let found = self.rest.split_whitespace().next();
        let found = found.map_or(String::from("the line ends"), |next| {
            format!("found `{next}`")
        });
        Err(self.error_at(self.rest, format!("{what}; {found}")))
    }

    /// What comes up to a space or a comma.
    fn next(&mut self) -> &'a str {
        self.skip();
        let end = self.rest.find([' ', '\t', ',']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.skip();
        word
    }

    /// Whether this comes next, which is passed then.
    fn eat(&mut self, what: &str) -> bool {
        self.skip();
        match self.rest.strip_prefix(what) {
            Some(rest) => {
                self.rest = rest;
                self.skip();
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, what: &str) -> Result<(), Error> {
        if self.eat(what) {
            return Ok(());
        }
        self.error(&format!("`{what}` is wanted"))
    }

    fn end(&self) -> Result<(), Error> {
        if self.rest.trim().is_empty() {
            return Ok(());
        }
        self.error("nothing more is wanted here")
    }

    /// A number, decimal or hexadecimal behind `0x`.
    fn number(&mut self, most: u128) -> Result<u128, Error> {
        self.skip();
        let hex = self.rest.strip_prefix("0x");
        let digits = hex.unwrap_or(self.rest);
        let radix = if hex.is_some() { 16 } else { 10 };
        let end = digits.find(|c: char| !c.is_digit(radix));
        let (digits, rest) = digits.split_at(end.unwrap_or(digits.len()));
        if digits.is_empty() {
            return self.error("a number is wanted");
        }
        match u128::from_str_radix(digits, radix) {
            Ok(number) if number <= most => {
                self.rest = rest;
                self.skip();
                Ok(number)
            }
            _ => self.error(&format!("a number of at most {most:#x} is wanted")),
        }
    }

    #[allow(clippy::cast_possible_truncation, reason = "at most u64::MAX")]
    fn address(&mut self) -> Result<u64, Error> {
        Ok(self.number(u64::MAX.into())? as u64)
    }

    #[allow(clippy::cast_possible_truncation, reason = "at most u8::MAX")]
    fn small(&mut self) -> Result<u8, Error> {
        Ok(self.number(u8::MAX.into())? as u8)
    }

    /// Eight hexadecimal digits.
    fn word(&mut self) -> Result<u32, Error> {
        let digits = self.rest.get(..8);
        // Reading a number would take a sign.
        let digits = digits.filter(|digits| digits.bytes().all(|c| c.is_ascii_hexdigit()));
        let word = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let Some(word) = word else {
            return self.error("a word of eight hexadecimal digits is wanted");
        };
        self.rest = &self.rest[8..];
        self.skip();
        Ok(word)
    }

    fn mode(&mut self) -> Result<Mode, Error> {
        let most = Mode::COUNT as u128 - 1;
        #[allow(clippy::cast_possible_truncation, reason = "less than COUNT")]
        Ok(Mode::from_number(self.number(most)? as u32))
    }

    fn slots(&mut self) -> Result<Slots, Error> {
        let mut count = || {
            #[allow(clippy::cast_possible_truncation, reason = "at most SLOTS")]
            let count = self.number(SLOTS as u128)? as u8;
            Ok(count)
        };
        let (ints, vectors) = (count()?, count()?);
        Ok(Slots { ints, vectors })
    }

    fn slot(&mut self) -> Result<Reg, Error> {
        if self.eat("rz") {
            return Ok(Reg::ZERO);
        }
        if !self.rest.starts_with('r') {
            return self.error("an integer slot is wanted, `r0` or `rz`");
        }
        self.rest = &self.rest[1..];
        let reg = Reg(self.small()?);
        if reg.is_zero() {
            return self.error("the slot that is zero is `rz`");
        }
        Ok(reg)
    }

    fn vector(&mut self) -> Result<VReg, Error> {
        if !self.rest.starts_with('v') {
            return self.error("a vector slot is wanted, as `v0`");
        }
        self.rest = &self.rest[1..];
        Ok(VReg(self.small()?))
    }

    fn extend(&mut self) -> Result<(Extend, u8), Error> {
        let here = *self;
        let name = self.next();
        match EXTENDS.iter().find(|(_, of)| *of == name) {
            Some(&(extend, _)) => Ok((extend, self.small()?)),
            None => here.error("what is done to the register is wanted, as `lsl 2`"),
        }
    }
}

/// What has been read.
#[derive(Default)]
struct Reader {
    region: Region,
    begun: bool,
    /// Whether the last block has no end yet.
    open: bool,
    before: (u32, u32),
}

impl Reader {
    fn line(&mut self, line: &mut Line<'_>) -> Result<(), Error> {
        if !self.begun {
            if !line.eat("region") {
                return line.error("a region begins with `region`");
            }
            if line.eat("mode") {
                self.region.mode = line.mode()?;
            }
            if line.eat("slots") {
                self.region.slots = line.slots()?;
            }
            if line.eat("scratch") {
                #[allow(clippy::cast_possible_truncation, reason = "at most u32::MAX")]
                let scratch = line.number(u32::MAX.into())? as u32;
                self.region.scratch = scratch;
            }
            self.begun = true;
            return line.end();
        }
        if line.rest.starts_with("block ") {
            return self.block(line);
        }
        if !self.open {
            return line.error("a block is wanted, as `block 0x1000`");
        }
        if line.eat("words") {
            return self.words(line);
        }
        if line.eat("=>") {
            let term = operation(line, "end of a block", Term::read)?;
            if let Some(block) = self.region.blocks.last_mut() {
                block.term = term;
            }
            self.open = false;
            return Ok(());
        }
        self.operation(line)
    }

    fn block(&mut self, line: &mut Line<'_>) -> Result<(), Error> {
        if self.open {
            return line.error("the block before has no end: a line that begins with `=>`");
        }
        line.expect("block")?;
        let pc = line.address()?;
        let start = count(self.region.ops.len());
        let mut block = Block {
            pc,
            start,
            end: start,
            insns: 0,
            term: Term::NoFetch { pc },
            entry: false,
            loop_head: false,
            preds: 0,
        };
        while !line.rest.is_empty() {
            if line.eat("entry") {
                block.entry = true;
            } else if line.eat("loop") {
                block.loop_head = true;
            } else if line.eat("preds") {
                #[allow(clippy::cast_possible_truncation, reason = "at most u32::MAX")]
                let preds = line.number(u32::MAX.into())? as u32;
                block.preds = preds;
            } else {
                return line.error("`entry`, `loop` or `preds` is wanted");
            }
        }
        self.region.blocks.push(block);
        (self.open, self.before) = (true, (0, 0));
        Ok(())
    }

    fn words(&mut self, line: &mut Line<'_>) -> Result<(), Error> {
        let Some(block) = self.region.blocks.last_mut() else {
            return Ok(());
        };
        while !line.rest.is_empty() {
            self.region.words.push(line.word()?);
            block.insns += 1;
        }
        Ok(())
    }

    fn operation(&mut self, line: &mut Line<'_>) -> Result<(), Error> {
        if line.eat("+") {
            #[allow(clippy::cast_possible_truncation, reason = "at most u32::MAX")]
            let offset = line.number(u32::MAX.into())? as u32;
            // Where nobody asks for the word, it can be left out.
            let word = if line.rest.starts_with(':') {
                0
            } else {
                line.word()?
            };
            self.before = (offset, word);
            line.expect(":")?;
        }
        let marked = line.eat("!");
        let flushes = line.eat("flushed");
        let here = *line;
        let op = operation(line, "operation", Op::read)?;
        if op.may_fault() != marked {
            return here.error(if marked {
                "an operation that can't fault has no `!` before it"
            } else {
                "an operation that may fault has `!` before it"
            });
        }
        let (offset, word) = self.before;
        self.region.ops.push(Inst {
            op,
            offset,
            word,
            flushes,
        });
        if let Some(block) = self.region.blocks.last_mut() {
            block.end += 1;
        }
        Ok(())
    }
}

/// A count of what fits a text.
#[allow(clippy::cast_possible_truncation, reason = "a text is not that long")]
const fn count(n: usize) -> u32 {
    n as u32
}

/// Reads a line to its end.
fn operation<'a, T>(
    line: &mut Line<'a>,
    what: &str,
    read: impl FnOnce(&str, &mut Fields<'a>) -> Option<Result<T, Error>>,
) -> Result<T, Error> {
    let here = *line;
    let head = line.next();
    let (name, modifiers) = head.split_once('.').unwrap_or((head, &head[head.len()..]));
    let mut fields = Fields {
        modifiers,
        operands: *line,
        first: true,
    };
    let Some(read) = read(name, &mut fields) else {
        return here.error(&format!("no {what} is called `{name}`"));
    };
    let read = read?;
    if !fields.modifiers.is_empty() {
        let what = format!("`{}` is too much", fields.modifiers);
        return Err(line.error_at(fields.modifiers, what));
    }
    fields.operands.end()?;
    Ok(read)
}

/// The fields of a line.
struct Fields<'a> {
    /// Behind dots.
    modifiers: &'a str,
    operands: Line<'a>,
    first: bool,
}

impl<'a> Fields<'a> {
    /// The next modifier, and what comes behind it.
    fn modifier(&self) -> (&'a str, &'a str) {
        let all = self.modifiers;
        all.split_once('.').unwrap_or((all, &all[all.len()..]))
    }

    /// Where the next operand begins.
    fn next(&mut self) -> Result<&mut Line<'a>, Error> {
        if !core::mem::take(&mut self.first) {
            self.operands.expect(",")?;
        }
        self.operands.skip();
        Ok(&mut self.operands)
    }

    /// Where the next operand begins, behind the name that the operand has.
    fn named(&mut self, name: &str) -> Result<&mut Line<'a>, Error> {
        let line = self.next()?;
        if !is_plain(name) {
            line.expect(name)?;
        }
        Ok(line)
    }
}

impl Source for Fields<'_> {
    type Error = Error;

    fn word(&mut self, names: &[&'static str]) -> Result<usize, Error> {
        let (name, rest) = self.modifier();
        let Some(which) = names.iter().position(|of| *of == name) else {
            let found = if name.is_empty() { "nothing" } else { name };
            let what = format!("one of {} is wanted; found {found}", names.join(", "));
            return Err(self.operands.error_at(self.modifiers, what));
        };
        self.modifiers = rest;
        Ok(which)
    }

    fn flag(&mut self, name: &'static str) -> Result<bool, Error> {
        let (found, rest) = self.modifier();
        if found == name {
            self.modifiers = rest;
        }
        Ok(found == name)
    }

    fn slot(&mut self) -> Result<Reg, Error> {
        self.next()?.slot()
    }

    fn vector(&mut self) -> Result<VReg, Error> {
        self.next()?.vector()
    }

    fn number(&mut self, name: &'static str, most: u128) -> Result<u128, Error> {
        self.named(name)?.number(most)
    }

    fn instruction(&mut self) -> Result<u32, Error> {
        #[allow(clippy::cast_possible_truncation, reason = "at most u32::MAX")]
        Ok(self.next()?.number(u32::MAX.into())? as u32)
    }

    fn operand(&mut self) -> Result<Operand, Error> {
        let line = self.next()?;
        if line.rest.starts_with(|c: char| c.is_ascii_digit()) {
            return line.address().map(Operand::Imm);
        }
        let reg = line.slot()?;
        if line.rest.is_empty() || line.rest.starts_with(',') {
            return Ok(Operand::Reg(reg));
        }
        let (extend, amount) = line.extend()?;
        Ok(Operand::Ext {
            reg,
            extend,
            amount,
        })
    }

    fn arg(&mut self) -> Result<Arg, Error> {
        let line = self.next()?;
        if line.eat("zero") {
            return Ok(Arg::Zero);
        }
        if line.rest.starts_with(|c: char| c.is_ascii_digit()) {
            return line.address().map(Arg::Const);
        }
        let reg = line.vector()?;
        if !line.eat("[") {
            return Ok(Arg::Each(reg));
        }
        let lane = line.small()?;
        line.expect("]")?;
        Ok(Arg::Lane(reg, lane))
    }

    fn addr(&mut self) -> Result<Addr, Error> {
        let line = self.next()?;
        line.expect("[")?;
        let addr = if line.eat("@") {
            Addr::guest(line.address()?)
        } else {
            let base = line.slot()?;
            let offset = offset(line)?;
            Addr { base, offset }
        };
        line.expect("]")?;
        Ok(addr)
    }

    fn key(&mut self, name: &'static str) -> Result<Key, Error> {
        let line = self.named(name)?;
        let pc = line.address()?;
        line.expect("mode")?;
        let mode = line.mode()?;
        Ok(Key { pc, mode })
    }
}

/// What is added to a base.
fn offset(line: &mut Line<'_>) -> Result<Offset, Error> {
    const MOST: u128 = i64::MAX as u128;
    if line.rest.starts_with(']') {
        return Ok(Offset::Imm(0));
    }
    let here = *line;
    if line.eat("-") {
        let distance = line.number(MOST + 1)?;
        #[allow(clippy::cast_possible_truncation, reason = "at most 2^63")]
        return Ok(Offset::Imm((distance as u64).wrapping_neg().cast_signed()));
    }
    if !line.eat("+") {
        return here.error("`+`, `-` or `]` is wanted");
    }
    if !line.rest.starts_with('r') {
        #[allow(clippy::cast_possible_truncation, reason = "less than 2^63")]
        return Ok(Offset::Imm(line.number(MOST)? as i64));
    }
    let reg = line.slot()?;
    let (extend, amount) = line.extend()?;
    Ok(Offset::Reg {
        reg,
        extend,
        amount,
    })
}
