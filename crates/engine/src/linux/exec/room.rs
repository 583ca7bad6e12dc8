//! How much room the kernel gives to arguments and environment, and what is
//! too much: `E2BIG`.
//!
//! The strings and the pointers to them may take a quarter of the stack's limit,
//! 128 KiB at least and 6 MiB at most, and a string 128 KiB. What scripts add is
//! counted too, and what they take away comes back. The engine counts by itself,
//! since it hands more to the next engine than the program's own, which must not
//! count, and since what it adds does not fit where the program's own just does.

use alloc::vec::Vec;

use crate::host::sys::{self, Errno};
use crate::memory::guest_memory;

/// `MAX_ARG_STRLEN`, with the zero at the end.
const LONGEST: u64 = 128 << 10;
/// `ARG_MAX`.
const LEAST: u64 = 128 << 10;
/// Three quarters of `_STK_LIM`.
const MOST: u64 = 6 << 20;
const PAGE: u64 = 4096;

/// What a program is given: pointers of the guest's to its strings.
#[derive(Debug)]
pub(super) struct Lists {
    pub(super) arguments: Vec<u64>,
    pub(super) environment: Vec<u64>,
}

impl Lists {
    /// Reads the arrays.
    pub(super) fn read(arguments: u64, environment: u64) -> Result<Self, Errno> {
        Ok(Self {
            arguments: words_until_null(arguments)?,
            environment: words_until_null(environment)?,
        })
    }
}

/// The room as it is used up.
#[derive(Debug)]
pub(super) struct Room {
    limit: u64,
    stack: u64,
    used: u64,
}

impl Room {
    /// With the program's name and what it is given in it.
    pub(super) fn of(name: &[u8], lists: &Lists) -> Result<Self, Errno> {
        let mut room = Self::new(sys::stack_limit(), lists)?;
        room.add(name)?;
        // As the kernel copies them: which error comes first depends on it.
        let strings = [&lists.environment, &lists.arguments];
        for &string in strings.into_iter().flat_map(|list| list.iter().rev()) {
            room.take(length(string)?)?;
        }
        if lists.arguments.is_empty() {
            room.add(b"")?;
        }
        Ok(room)
    }

    fn new(stack: u64, lists: &Lists) -> Result<Self, Errno> {
        let limit = (stack / 4).clamp(LEAST, MOST);
        let pointers = lists.arguments.len().max(1) + lists.environment.len();
        let limit = limit.saturating_sub(8 * pointers as u64);
        if limit == 0 {
            return Err(Errno::E2BIG);
        }
        Ok(Self {
            limit,
            stack,
            used: 0,
        })
    }

    /// Adds a string.
    pub(super) fn add(&mut self, string: &[u8]) -> Result<(), Errno> {
        self.take(string.len() as u64 + 1)
    }

    /// Takes a string of a length away, that was there.
    pub(super) const fn give_back(&mut self, length: u64) {
        self.used -= length;
    }

    /// Whether there is room for so much more, at the most.
    pub(super) fn holds(&self, more: u64) -> bool {
        self.fits(self.used + more)
    }

    fn fits(&self, used: u64) -> bool {
        // Above them the stack has a word. One page is there from the start.
        let pages = (used + 8).next_multiple_of(PAGE);
        used <= self.limit && (pages <= self.stack || pages == PAGE)
    }

    /// Adds a string of a length, with its end.
    fn take(&mut self, length: u64) -> Result<(), Errno> {
        if length > LONGEST {
            return Err(Errno::E2BIG);
        }
        self.used += length;
        if self.fits(self.used) {
            Ok(())
        } else {
            Err(Errno::E2BIG)
        }
    }
}

/// The length of a string of the guest's, with its end.
///
/// # Errors
/// When it cannot be read, or is too long for an argument.
pub(super) fn length(address: u64) -> Result<u64, Errno> {
    let mut found = 0;
    let mut chunk = [0; 256];
    while found <= LONGEST {
        let at = address.wrapping_add(found);
        // Not into the next page, which need not be there.
        let room = usize::try_from(PAGE - at % PAGE).unwrap_or(1);
        let chunk = &mut chunk[..room.min(256)];
        guest_memory::read(at, chunk)?;
        match chunk.iter().position(|&byte| byte == 0) {
            Some(end) if found + end as u64 >= LONGEST => break,
            Some(end) => return Ok(found + end as u64 + 1),
            None => found += chunk.len() as u64,
        }
    }
    Err(Errno::E2BIG)
}

/// A string of the guest's with its end, appended.
pub(super) fn append(to: &mut Vec<u8>, address: u64) -> Result<(), Errno> {
    let length = length(address)?;
    let start = to.len();
    to.resize(start + usize::try_from(length).unwrap_or(0), 0);
    guest_memory::read(address, &mut to[start..])?;
    // Another thread may have written to it meanwhile.
    let end = to[start..].iter().position(|&byte| byte == 0);
    to.truncate(start + end.unwrap_or(to.len() - start - 1));
    to.push(0);
    Ok(())
}

/// An array of the guest's, without its null.
fn words_until_null(mut at: u64) -> Result<Vec<u64>, Errno> {
    /// As many as the kernel takes.
    const MOST: usize = 0x7fff_ffff / 8;
    let mut words = Vec::new();
    if at == 0 {
        return Ok(words);
    }
    while words.len() < MOST {
        let mut word = [0; 8];
        guest_memory::read(at, &mut word)?;
        match u64::from_le_bytes(word) {
            0 => return Ok(words),
            word => words.push(word),
        }
        at = at.wrapping_add(8);
    }
    Err(Errno::E2BIG)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(stack: u64, arguments: usize) -> Result<Room, Errno> {
        let lists = Lists {
            arguments: alloc::vec![0; arguments],
            environment: Vec::new(),
        };
        Room::new(stack, &lists)
    }

    #[test]
    fn a_quarter_of_the_stack() {
        for (stack, limit) in [
            (8 << 20, 2 << 20),
            (u64::MAX, MOST),
            (1 << 20, 256 << 10),
            (256 << 10, LEAST),
        ] {
            let mut room = room(stack, 0).unwrap();
            assert_eq!(room.limit, limit - 8);
            for _ in 0..limit / LONGEST - 1 {
                room.take(LONGEST).unwrap();
            }
            room.take(LONGEST - 8).unwrap();
            assert_eq!(room.take(1), Err(Errno::E2BIG));
        }
    }

    #[test]
    fn pointers_and_long_strings() {
        assert_eq!(room(0, 16384).unwrap_err(), Errno::E2BIG);
        assert_eq!(room(0, 16383).unwrap().limit, 8);
        let mut room = room(8 << 20, 1).unwrap();
        assert_eq!(room.take(LONGEST + 1), Err(Errno::E2BIG));
    }

    #[test]
    fn no_more_than_the_stack() {
        let mut room = room(64 << 10, 1).unwrap();
        room.take((64 << 10) - 8).unwrap();
        assert_eq!(room.take(1), Err(Errno::E2BIG));
        let mut none = super::tests::room(0, 1).unwrap();
        none.take(4000).unwrap();
        assert_eq!(none.take(4000), Err(Errno::E2BIG));
    }
}
