//! The toy's assembler: a function an instruction.
#![allow(dead_code, reason = "each test uses a part of it")]

/// The conditions' numbers.
pub(crate) const EQ: u16 = 0;
pub(crate) const NE: u16 = 1;
pub(crate) const CS: u16 = 2;
pub(crate) const ALWAYS: u16 = 14;

pub(crate) const fn add(d: u16, a: u16, b: u16) -> u16 {
    d << 8 | a << 4 | b
}

pub(crate) const fn sub(d: u16, a: u16, b: u16) -> u16 {
    0x1000 | d << 8 | a << 4 | b
}

pub(crate) const fn step(d: u16, imm: u16) -> u16 {
    0x2000 | d << 8 | imm
}

pub(crate) const fn load(d: u16, a: u16, n: u16) -> u16 {
    0x3000 | d << 8 | a << 4 | n
}

pub(crate) const fn store(d: u16, a: u16, n: u16) -> u16 {
    0x4000 | d << 8 | a << 4 | n
}

/// By so many halfwords.
pub(crate) const fn branch(cond: u16, by: i8) -> u16 {
    0x5000 | cond << 8 | by.cast_unsigned() as u16
}

pub(crate) const fn jump(a: u16) -> u16 {
    0x6000 | a << 4
}

pub(crate) const fn and(d: u16, a: u16, b: u16) -> u16 {
    0x7000 | d << 8 | a << 4 | b
}

pub(crate) const fn where_(cond: u16, count: u16) -> u16 {
    0x8000 | cond << 8 | count << 4
}

pub(crate) const TURN: u16 = 0x9000;

pub(crate) const fn call(imm: u16) -> u16 {
    0xa000 | imm
}

pub(crate) const fn stop(imm: u16) -> u16 {
    0xb000 | imm
}

pub(crate) const fn count(d: u16, a: u16) -> u16 {
    0xc000 | d << 8 | a << 4
}

pub(crate) const fn set(d: u16, imm: u32) -> [u16; 2] {
    [0xe000 | d << 8 | (imm >> 16) as u16, imm as u16]
}

/// By so many halfwords.
pub(crate) const fn link(by: i32) -> [u16; 2] {
    let by = by.cast_unsigned();
    [0xf000 | (by >> 16 & 0x7ff) as u16, by as u16]
}

/// One that names any register.
const fn any(op: u32, d: u16, a: u16, rest: u32) -> [u16; 2] {
    let word = 0xf000_0000 | op << 24 | (d as u32) << 18 | (a as u32) << 12 | rest;
    [(word >> 16) as u16, word as u16]
}

pub(crate) const fn far(d: u16, a: u16, b: u16) -> [u16; 2] {
    any(8, d, a, (b as u32) << 6)
}

pub(crate) const fn xor(d: u16, a: u16, b: u16) -> [u16; 2] {
    any(9, d, a, (b as u32) << 6)
}

pub(crate) const fn many(d: u16, a: u16, count: u16) -> [u16; 2] {
    any(10, d, a, (count as u32) << 9)
}
