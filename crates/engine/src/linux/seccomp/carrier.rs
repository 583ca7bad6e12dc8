//! The kernel carries the guest's filters from program to program.
//!
//! A filter is inherited by whatever a process becomes, and can't be taken
//! off. The guest's speaks of the guest's numbers and can't be the host's, whose
//! numbers are others and whose calls are the engine's. So the host gets a
//! filter that lets every call through, but answers one question: `seccomp`
//! with an operation that no kernel has. Its answers, twelve bits an error
//! number, are the guest's filter. An engine that starts asks, and is under the
//! same filters as the one before it. Nobody else is trusted for that: no file,
//! no descriptor, no variable.
//!
//! A guest's filter is a list of words: a signature, the number of its
//! instructions, the instructions. Where that is too long for one filter of
//! the host's, there are several, of which the first is set last: a list that
//! is there is whole. The host checks `no_new_privs`, counts, and lets other
//! threads have them (`TSYNC`), as it does with any filter.

use alloc::vec::Vec;

use super::bpf::code::{
    A, ABS, ALU, AND, IMM, JA, JEQ, JGE, JMP, LD, LDX, MEM, MISC, OR, RET, RSH, STX, TAX, X,
};
use super::bpf::{Instruction, LONGEST, Program};
use crate::host::sys::{self, Errno, number};

/// `SECCOMP_SET_MODE_FILTER`.
const SET_MODE_FILTER: u64 = 1;
/// The operation that asks: a kernel without the filter says `EINVAL`.
const QUESTION: u32 = 0x4136_3453;
/// The first word of a list. None of its thirds is an error of the kernel's.
const SIGNATURE: u32 = 0xa64a_5ec3;
/// How many words a filter of the host's holds.
const WORDS: usize = 1900;
/// Words of which one is looked for one by one: a jump is no longer than 255.
const BLOCK: usize = 64;

const AUDIT_ARCH_X86_64: u32 = 0xc000_003e;
const ALLOW: u32 = 0x7fff_0000;
const ERRNO: u32 = 0x0005_0000;

/// Where the question's parts are in `struct seccomp_data`: the halves of its
/// arguments.
mod asked {
    pub(super) const NUMBER: u32 = 0;
    pub(super) const ARCHITECTURE: u32 = 4;
    pub(super) const OPERATION: u32 = 16;
    pub(super) const FILTER: u32 = 24;
    pub(super) const PART: u32 = 32;
    pub(super) const WORD: u32 = 40;
    pub(super) const SHIFT: u32 = 48;
}

const fn plain(code: u16, k: u32) -> Instruction {
    Instruction {
        code,
        then: 0,
        otherwise: 0,
        k,
    }
}

const fn test(code: u16, k: u32, then: u8, otherwise: u8) -> Instruction {
    Instruction {
        code: JMP | code,
        then,
        otherwise,
        k,
    }
}

/// The host's filter that answers with these words of a part of a filter.
#[allow(
    clippy::cast_possible_truncation,
    reason = "as many as a filter may have instructions"
)]
fn answering(filter: u32, part: u32, words: &[u32]) -> Vec<Instruction> {
    let mut code = Vec::with_capacity(2 * words.len() + 128);
    for (place, value) in [
        (asked::NUMBER, number::SECCOMP),
        (asked::ARCHITECTURE, AUDIT_ARCH_X86_64),
        (asked::OPERATION, QUESTION),
        (asked::FILTER, filter),
        (asked::PART, part),
    ] {
        code.push(plain(LD | ABS, place));
        code.push(test(JEQ, value, 1, 0));
        code.push(plain(RET, ALLOW));
    }
    // X becomes the word: the last whose number is not above A.
    code.push(plain(LD | ABS, asked::WORD));
    code.push(plain(LDX | IMM, 0));
    let mut to_the_end = Vec::new();
    for (block, words) in words.chunks(BLOCK).enumerate() {
        let first = block * BLOCK;
        // Behind this block: past its tests, its words and its jump.
        code.push(test(JGE, (first + BLOCK) as u32, 0, 1));
        code.push(plain(JMP | JA, 2 * words.len() as u32 + 1));
        for (at, &word) in (first as u32..).zip(words) {
            code.push(test(JGE, at, 0, 1));
            code.push(plain(LDX | IMM, word));
        }
        to_the_end.push(code.len());
        code.push(plain(JMP | JA, 0));
    }
    let end = code.len();
    for at in to_the_end {
        code[at].k = (end - at - 1) as u32;
    }
    code.extend([
        plain(STX, 0),
        plain(LD | ABS, asked::SHIFT),
        plain(MISC | TAX, 0),
        plain(LD | MEM, 0),
        plain(ALU | RSH | X, 0),
        plain(ALU | AND, 0xfff),
        plain(ALU | OR, ERRNO),
        plain(RET | A, 0),
    ]);
    debug_assert!(code.len() <= LONGEST, "{}", code.len());
    code
}

/// The list of a filter.
#[allow(clippy::cast_possible_truncation, reason = "at most 4096")]
fn list(program: &Program) -> Vec<u32> {
    let instructions = program.instructions();
    let mut words = alloc::vec![SIGNATURE, instructions.len() as u32];
    words.extend(instructions.iter().flat_map(|one| one.words()));
    words
}

/// Gives the kernel a filter of the guest's to carry, which is the thread's
/// first, second, ... with flags of `SECCOMP_SET_MODE_FILTER`. What it returns
/// is what the guest's call returns.
///
/// # Errors
/// The kernel's.
pub(super) fn set(filter: u32, program: &Program, flags: u64) -> Result<u64, Errno> {
    let words = list(program);
    let parts: Vec<(u32, &[u32])> = (0..).zip(words.chunks(WORDS)).collect();
    for &(part, words) in parts.iter().rev() {
        let result = install(&answering(filter, part, words), flags)?;
        if result != 0 {
            return Ok(result);
        }
    }
    Ok(0)
}

/// Sets a filter of the host's.
fn install(code: &[Instruction], flags: u64) -> Result<u64, Errno> {
    let bytes: Vec<[u32; 2]> = code.iter().map(|one| one.words()).collect();
    let program = [bytes.len() as u64, bytes.as_ptr() as u64];
    // SAFETY: the kernel reads the arrays only. The filter lets all calls
    // through but those that `ask` makes.
    unsafe {
        sys::syscall(
            number::SECCOMP,
            [SET_MODE_FILTER, flags, program.as_ptr() as u64, 0, 0, 0],
        )
    }
}

/// Whether the calling thread may set a filter: it has given up getting more
/// rights, or may administer the system.
///
/// # Errors
/// `EACCES` when it may not; the kernel's.
pub(super) fn may_set() -> Result<(), Errno> {
    let nowhere = [1_u64, !7];
    // SAFETY: the kernel reads the array only, and no program has that address.
    let result = unsafe {
        sys::syscall(
            number::SECCOMP,
            [SET_MODE_FILTER, 0, nowhere.as_ptr() as u64, 0, 0, 0],
        )
    };
    match result {
        Ok(_) | Err(Errno::EFAULT) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A third of a word, or what a kernel says that has no such filter.
fn third(filter: u32, place: usize, shift: u32) -> u32 {
    let arguments = [
        u64::from(QUESTION),
        u64::from(filter),
        (place / WORDS) as u64,
        (place % WORDS) as u64,
        u64::from(shift),
        0,
    ];
    // SAFETY: an operation that the kernel does not have does nothing.
    match unsafe { sys::syscall(number::SECCOMP, arguments) } {
        Ok(_) => 0,
        Err(error) => error.0.into(),
    }
}

fn ask(filter: u32, place: usize) -> u32 {
    third(filter, place, 0) | third(filter, place, 12) << 12 | third(filter, place, 24) << 24
}

/// A list that says it is one, and isn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

/// The filter that the kernel carries, if there are so many.
///
/// # Errors
/// When what it carries is none.
pub(super) fn get(filter: u32) -> Result<Option<Program>, Damaged> {
    // Nearly always that is all that is asked.
    if third(filter, 0, 0) != SIGNATURE & 0xfff || ask(filter, 0) != SIGNATURE {
        return Ok(None);
    }
    let count = ask(filter, 1) as usize;
    if count > LONGEST {
        return Err(Damaged);
    }
    let instructions = (0..count).map(|n| {
        let word = |n| u64::from(ask(filter, n));
        Instruction::from_word(word(2 * n + 2) | word(2 * n + 3) << 32)
    });
    match Program::new(instructions.collect()) {
        Ok(program) => Ok(Some(program)),
        Err(_) => Err(Damaged),
    }
}

/// The filter, the part and the words of a filter of the host's, if it is one that answers.
fn answered(code: &[Instruction]) -> Option<(u32, u32, Vec<u32>)> {
    // Behind each place that is looked at is what has to be there.
    let asked = |place| {
        let at = code.iter().position(|one| *one == plain(LD | ABS, place))?;
        Some(code.get(at + 1)?.k)
    };
    let (filter, part) = (asked(asked::FILTER)?, asked(asked::PART)?);
    let words = code.iter().filter(|one| one.code == LDX | IMM);
    // Before the first word there is a zero.
    let words: Vec<u32> = words.skip(1).map(|one| one.k).collect();
    let is_same = words.len() <= WORDS && answering(filter, part, &words) == code;
    is_same.then_some((filter, part, words))
}

/// The guest's filter of this number, of those that the kernel carries for another thread.
/// `get` gives a filter of the host's by its number, the oldest first, and returns how many
/// instructions it has; with the address 0 it writes none.
///
/// # Errors
/// `ENOENT` where there are not so many, and those of `get`.
pub fn of_another(
    number: u64,
    get: impl Fn(u64, u64) -> Result<u64, Errno>,
) -> Result<Program, Errno> {
    let mut parts = Vec::new();
    for at in 0.. {
        let count = match get(at, 0) {
            Ok(count) => usize::try_from(count).unwrap_or(LONGEST).min(LONGEST),
            Err(Errno::ENOENT) => break,
            Err(error) => return Err(error),
        };
        let mut words = alloc::vec![0_u64; LONGEST];
        get(at, words.as_mut_ptr() as u64)?;
        let code = words[..count]
            .iter()
            .map(|&word| Instruction::from_word(word));
        if let Some((filter, part, words)) = answered(&code.collect::<Vec<_>>())
            && u64::from(filter) == number
        {
            parts.push((part, words));
        }
    }
    // A part may be there twice, from a filter that could not be set whole at first. The
    // kernel answers by the newest.
    parts.reverse();
    parts.sort_by_key(|&(part, _)| part);
    parts.dedup_by_key(|&mut (part, _)| part);
    let words: Vec<u32> = parts.into_iter().flat_map(|(_, words)| words).collect();
    let [SIGNATURE, count, words @ ..] = &words[..] else {
        return Err(Errno::ENOENT);
    };
    let (pairs, _) = words.as_chunks::<2>();
    let count = usize::try_from(*count).unwrap_or(0);
    let instructions = pairs
        .get(..count)
        .ok_or(Errno::ENOENT)?
        .iter()
        .map(|&[low, high]| Instruction::from_word(u64::from(low) | u64::from(high) << 32));
    Program::new(instructions.collect()).map_err(|_| Errno::ENOENT)
}

#[cfg(test)]
mod tests {
    use super::super::bpf::Data;
    use super::*;

    /// A list that could not be set whole is there before the one that could.
    #[test]
    fn of_a_part_that_is_there_twice_the_newest_counts() {
        let filter = |value, length| {
            let mut code = alloc::vec![plain(LD | IMM, value); length];
            code.push(plain(RET | A, 0));
            Program::new(code).unwrap()
        };
        let (old, new) = (filter(1, 2000), filter(2, 1500));
        let carried = |program: &Program, parts: usize| -> Vec<Vec<Instruction>> {
            let words = list(program);
            (0..)
                .zip(words.chunks(WORDS).take(parts))
                .map(|(part, words)| answering(3, part, words))
                .collect()
        };
        let asked = |carried: &[Vec<Instruction>]| {
            of_another(3, |at, place| {
                let code = usize::try_from(at).ok().and_then(|at| carried.get(at));
                let code = code.ok_or(Errno::ENOENT)?;
                for (n, one) in code.iter().enumerate().filter(|_| place != 0) {
                    let [low, high] = one.words();
                    let word = u64::from(low) | u64::from(high) << 32;
                    // SAFETY: there is place for the longest filter.
                    unsafe { (place as *mut u64).add(n).write(word) };
                }
                Ok(code.len() as u64)
            })
            .map(|program| program.instructions().to_vec())
        };
        assert!(carried(&new, 9).len() > 1);
        let both = [carried(&old, 1), carried(&new, 9)].concat();
        assert_eq!(asked(&both), Ok(new.instructions().to_vec()));
        // In part it is none.
        assert_eq!(asked(&carried(&old, 1)), Err(Errno::ENOENT));
    }

    /// The answers as this crate's own interpreter finds them; the kernel's are
    /// in `tests/linux.rs`.
    #[test]
    fn what_is_set_is_what_is_asked() {
        let mut instructions: Vec<Instruction> = (0..4095_u32)
            .map(|n| plain(LD | IMM, n.wrapping_mul(0x9e37_79b9)))
            .collect();
        instructions.push(plain(RET | A, 0));
        let program = Program::new(instructions).unwrap();
        let words = list(&program);
        let parts: Vec<Program> = (0..)
            .zip(words.chunks(WORDS))
            .map(|(part, words)| Program::new(answering(7, part, words)).unwrap())
            .collect();
        assert_eq!(parts.len(), 5);
        let answer = |place: usize, shift: u64| {
            let part = place / WORDS;
            let data = Data {
                number: number::SECCOMP,
                architecture: AUDIT_ARCH_X86_64,
                place: 0,
                arguments: [
                    QUESTION.into(),
                    7,
                    part as u64,
                    (place % WORDS) as u64,
                    shift,
                    0,
                ],
            };
            let result = parts[part].run(&data);
            assert_eq!(result & 0xffff_f000, ERRNO);
            result & 0xfff
        };
        for (place, &word) in words.iter().enumerate() {
            let found = answer(place, 0) | answer(place, 12) << 12 | answer(place, 24) << 24;
            assert_eq!(found, word, "{place}");
        }
    }

    #[test]
    fn other_calls_are_let_through() {
        let filter = Program::new(answering(0, 0, &[1, 2, 3])).unwrap();
        let data = |number, operation: u64, which| Data {
            number,
            architecture: AUDIT_ARCH_X86_64,
            place: 0,
            arguments: [operation, which, 0, 0, 0, 0],
        };
        let question = u64::from(QUESTION);
        for data in [
            data(0, question, 0),
            data(number::SECCOMP, 1, 0),
            data(number::SECCOMP, question, 1),
        ] {
            assert_eq!(filter.run(&data), ALLOW);
        }
        assert_eq!(filter.run(&data(number::SECCOMP, question, 0)), ERRNO | 1);
    }

    /// What kernels say to an operation that they don't have.
    #[test]
    fn the_signature_is_no_error() {
        for shift in [0, 12] {
            assert!(SIGNATURE >> shift & 0xfff > 1000);
        }
    }
}
