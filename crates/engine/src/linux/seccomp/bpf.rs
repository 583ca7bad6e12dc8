//! Classic BPF as seccomp has it: which programs the kernel takes, and what
//! they say of a system call.
//!
//! A program only jumps forward and ends with a return, so it ends; whatever
//! it reads of its sixteen words has been written on every way there. Both
//! are checked once, in [`Program::new`], and [`Program::run`] relies on it.

use alloc::boxed::Box;
use alloc::vec::Vec;

/// `struct sock_filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What it does.
    pub code: u16,
    /// How many instructions are left out when the test holds.
    pub then: u8,
    /// And when it doesn't.
    pub otherwise: u8,
    /// The constant.
    pub k: u32,
}

impl Instruction {
    /// From its eight bytes in memory, read as one number.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the fields, one by one")]
    pub const fn from_word(word: u64) -> Self {
        Self {
            code: word as u16,
            then: (word >> 16) as u8,
            otherwise: (word >> 24) as u8,
            k: (word >> 32) as u32,
        }
    }

    /// Its two halves.
    #[must_use]
    pub fn words(self) -> [u32; 2] {
        let head =
            u32::from(self.code) | u32::from(self.then) << 16 | u32::from(self.otherwise) << 24;
        [head, self.k]
    }
}

/// The most instructions of a program: `BPF_MAXINSNS`.
pub const LONGEST: usize = 4096;
/// Words of memory: `BPF_MEMWORDS`.
const MEMORY: usize = 16;

/// Codes of instructions: a class, and what each class adds.
#[allow(missing_docs, reason = "the names are the kernel's")]
pub mod code {
    pub const LD: u16 = 0x00;
    pub const LDX: u16 = 0x01;
    pub const ST: u16 = 0x02;
    pub const STX: u16 = 0x03;
    pub const ALU: u16 = 0x04;
    pub const JMP: u16 = 0x05;
    pub const RET: u16 = 0x06;
    pub const MISC: u16 = 0x07;

    pub const IMM: u16 = 0x00;
    pub const ABS: u16 = 0x20;
    pub const MEM: u16 = 0x60;
    pub const LEN: u16 = 0x80;

    pub const ADD: u16 = 0x00;
    pub const SUB: u16 = 0x10;
    pub const MUL: u16 = 0x20;
    pub const DIV: u16 = 0x30;
    pub const OR: u16 = 0x40;
    pub const AND: u16 = 0x50;
    pub const LSH: u16 = 0x60;
    pub const RSH: u16 = 0x70;
    pub const NEG: u16 = 0x80;
    pub const XOR: u16 = 0xa0;

    pub const JA: u16 = 0x00;
    pub const JEQ: u16 = 0x10;
    pub const JGT: u16 = 0x20;
    pub const JGE: u16 = 0x30;
    pub const JSET: u16 = 0x40;

    pub const K: u16 = 0x00;
    pub const X: u16 = 0x08;
    pub const A: u16 = 0x10;

    pub const TAX: u16 = 0x00;
    pub const TXA: u16 = 0x80;
}

/// `struct seccomp_data`: what is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data {
    /// The system call.
    pub number: u32,
    /// `AUDIT_ARCH_...`.
    pub architecture: u32,
    /// Where it is called from, behind the instruction.
    pub place: u64,
    /// Its arguments.
    pub arguments: [u64; 6],
}

impl Data {
    /// Its size in memory.
    pub const SIZE: u32 = 64;

    /// The word at an offset, a multiple of 4 below [`Self::SIZE`].
    #[allow(clippy::cast_possible_truncation, reason = "halves of a number")]
    fn word(&self, offset: u32) -> u32 {
        let half = |value: u64| (value >> (offset % 8 * 8)) as u32;
        match offset / 8 {
            0 if offset == 0 => self.number,
            0 => self.architecture,
            1 => half(self.place),
            n => half(*self.arguments.get(n as usize - 2).unwrap_or(&0)),
        }
    }
}

/// A program that the kernel would take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program(Box<[Instruction]>);

/// A program that the kernel refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid;

impl Program {
    /// Checks a program.
    ///
    /// # Errors
    /// When the kernel would refuse it.
    pub fn new(instructions: Vec<Instruction>) -> Result<Self, Invalid> {
        if instructions.is_empty() || instructions.len() > LONGEST {
            return Err(Invalid);
        }
        for (at, instruction) in instructions.iter().enumerate() {
            if !is_known(instruction) || !lands(instruction, instructions.len() - at - 1) {
                return Err(Invalid);
            }
        }
        let returns = instructions
            .last()
            .is_some_and(|last| last.code & 7 == code::RET);
        if !returns || !reads_what_is_written(&instructions) {
            return Err(Invalid);
        }
        Ok(Self(instructions.into_boxed_slice()))
    }

    /// Its instructions.
    #[must_use]
    pub const fn instructions(&self) -> &[Instruction] {
        &self.0
    }

    /// What it says of a system call: `SECCOMP_RET_...`.
    #[must_use]
    pub fn run(&self, data: &Data) -> u32 {
        let mut state = State::default();
        let mut rest = self.0.iter();
        while let Some(instruction) = rest.next() {
            match state.step(instruction, data) {
                Next::Skip(0) => {}
                Next::Skip(n) => drop(rest.nth(n as usize - 1)),
                Next::Return(value) => return value,
            }
        }
        // Not reached: the last one returns, and jumps land before it.
        0
    }
}

/// Whether it is one of those that seccomp takes.
fn is_known(instruction: &Instruction) -> bool {
    use code::{
        A, ABS, ADD, ALU, AND, DIV, IMM, JA, JEQ, JGE, JGT, JMP, JSET, K, LD, LDX, LEN, LSH, MEM,
        MISC, MUL, NEG, OR, RET, RSH, ST, STX, SUB, TAX, TXA, X, XOR,
    };
    let k = instruction.k;
    let code = instruction.code;
    let operand = code & X;
    match code & 7 {
        LD if code == LD | ABS => k < Data::SIZE && k.is_multiple_of(4),
        LD | LDX => match code & !1 {
            IMM | LEN => true,
            MEM => (k as usize) < MEMORY,
            _ => false,
        },
        ST | STX => (code == ST || code == STX) && (k as usize) < MEMORY,
        ALU => match code & !(7 | X) {
            ADD | SUB | MUL | OR | AND | XOR => true,
            DIV => operand == X || k != 0,
            LSH | RSH => operand == X || k < 32,
            NEG => operand == K,
            _ => false,
        },
        JMP => match code & !(7 | X) {
            JA => operand == K,
            JEQ | JGT | JGE | JSET => true,
            _ => false,
        },
        RET => code == RET | K || code == RET | A,
        _ => code == MISC | TAX || code == MISC | TXA,
    }
}

/// Whether its jumps stay among the `left` instructions behind it.
fn lands(instruction: &Instruction, left: usize) -> bool {
    use code::{JA, JMP};
    match instruction.code {
        code if code & 7 != JMP => true,
        code if code == JMP | JA => (instruction.k as usize) < left,
        _ => usize::from(instruction.then.max(instruction.otherwise)) < left,
    }
}

/// Whether each word of memory that is read has been written on every way
/// there. Jumps go forward, so one pass sees all ways.
fn reads_what_is_written(instructions: &[Instruction]) -> bool {
    use code::{JA, JMP, LD, LDX, MEM, ST, STX};
    // By instruction: the words that are written on every way to it that has
    // been seen.
    let mut written = alloc::vec![u16::MAX; instructions.len()];
    // On the way that falls through.
    let mut here = 0_u16;
    for (at, instruction) in instructions.iter().enumerate() {
        here &= written[at];
        let word = 1_u16.checked_shl(instruction.k).unwrap_or(0);
        let mut jump = |distance: usize, words: u16| {
            if let Some(there) = written.get_mut(at + 1 + distance) {
                *there &= words;
            }
        };
        match instruction.code {
            ST | STX => here |= word,
            code if (code == LD | MEM || code == LDX | MEM) && here & word == 0 => return false,
            code if code == JMP | JA => {
                jump(instruction.k as usize, here);
                here = u16::MAX;
            }
            code if code & 7 == JMP => {
                jump(usize::from(instruction.then), here);
                jump(usize::from(instruction.otherwise), here);
                here = u16::MAX;
            }
            _ => {}
        }
    }
    true
}

/// What comes after an instruction.
enum Next {
    /// Leaving out so many.
    Skip(u32),
    /// The result.
    Return(u32),
}

/// The registers and the memory.
#[derive(Default)]
struct State {
    a: u32,
    x: u32,
    memory: [u32; MEMORY],
}

impl State {
    fn step(&mut self, instruction: &Instruction, data: &Data) -> Next {
        use code::{A, ABS, ALU, JA, JMP, LD, LDX, LEN, MEM, MISC, NEG, RET, ST, STX, TAX, TXA, X};
        let Instruction { code, k, .. } = *instruction;
        let place = k as usize % MEMORY;
        match code {
            _ if code == LD | ABS => self.a = data.word(k),
            LD => self.a = k,
            LDX => self.x = k,
            _ if code == LD | LEN => self.a = Data::SIZE,
            _ if code == LDX | LEN => self.x = Data::SIZE,
            _ if code == LD | MEM => self.a = self.memory[place],
            _ if code == LDX | MEM => self.x = self.memory[place],
            ST => self.memory[place] = self.a,
            STX => self.memory[place] = self.x,
            _ if code == MISC | TAX => self.x = self.a,
            _ if code == MISC | TXA => self.a = self.x,
            _ if code == RET | A => return Next::Return(self.a),
            _ if code & 7 == RET => return Next::Return(k),
            _ if code == JMP | JA => return Next::Skip(k),
            _ if code == ALU | NEG => self.a = self.a.wrapping_neg(),
            _ => {
                let operand = if code & X == X { self.x } else { k };
                if code & 7 == JMP {
                    let holds = self.test(code, operand);
                    let skip = if holds {
                        instruction.then
                    } else {
                        instruction.otherwise
                    };
                    return Next::Skip(skip.into());
                }
                match self.compute(code, operand) {
                    Some(value) => self.a = value,
                    // As the kernel ends a program that divides by 0.
                    None => return Next::Return(0),
                }
            }
        }
        Next::Skip(0)
    }

    const fn test(&self, code: u16, operand: u32) -> bool {
        match code & !(7 | code::X) {
            code::JEQ => self.a == operand,
            code::JGT => self.a > operand,
            code::JGE => self.a >= operand,
            _ => self.a & operand != 0,
        }
    }

    const fn compute(&self, code: u16, operand: u32) -> Option<u32> {
        let a = self.a;
        Some(match code & !(7 | code::X) {
            code::ADD => a.wrapping_add(operand),
            code::SUB => a.wrapping_sub(operand),
            code::MUL => a.wrapping_mul(operand),
            code::DIV => return a.checked_div(operand),
            code::OR => a | operand,
            code::AND => a & operand,
            code::LSH => a.wrapping_shl(operand),
            code::RSH => a.wrapping_shr(operand),
            _ => a ^ operand,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instruction(code: u16, k: u32) -> Instruction {
        Instruction {
            code,
            then: 0,
            otherwise: 0,
            k,
        }
    }

    const DATA: Data = Data {
        number: 64,
        architecture: 0xc000_00b7,
        place: 0x1122_3344_5566_7788,
        arguments: [1, 0xaabb_ccdd_0102_0304, 3, 4, 5, 6],
    };

    #[test]
    fn every_word_of_the_data() {
        let word = |k| {
            let program = [
                instruction(code::LD | code::ABS, k),
                instruction(code::RET | code::A, 0),
            ];
            Program::new(program.to_vec()).unwrap().run(&DATA)
        };
        let words: Vec<u32> = (0..16).map(|n| word(4 * n)).collect();
        assert_eq!(words[..4], [64, 0xc000_00b7, 0x5566_7788, 0x1122_3344]);
        assert_eq!(words[4..8], [1, 0, 0x0102_0304, 0xaabb_ccdd]);
        assert_eq!(words[14..], [6, 0]);
    }

    #[test]
    fn what_is_written_on_one_way_only_is_not_read() {
        let jump = Instruction {
            code: code::JMP | code::JEQ,
            then: 1,
            otherwise: 0,
            k: 0,
        };
        let mut program = alloc::vec![
            instruction(code::LD, 7),
            jump,
            instruction(code::ST, 3),
            instruction(code::LD | code::MEM, 3),
            instruction(code::RET | code::A, 0),
        ];
        assert_eq!(Program::new(program.clone()), Err(Invalid));
        program.insert(1, instruction(code::ST, 3));
        assert_eq!(Program::new(program).unwrap().run(&DATA), 7);
    }

    #[test]
    fn no_instruction_leaves_the_program() {
        let mut jump = instruction(code::JMP | code::JA, 1);
        let end = instruction(code::RET, 0);
        assert_eq!(Program::new(alloc::vec![jump, end]), Err(Invalid));
        jump.k = 0;
        assert!(Program::new(alloc::vec![jump, end]).is_ok());
        assert_eq!(Program::new(alloc::vec![end, jump]), Err(Invalid));
    }
}
