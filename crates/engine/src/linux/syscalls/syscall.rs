//! One of the guest's system calls, as a table of them has it, and such a table.

use super::call::Call;
use crate::host::sys::Errno;

/// What becomes of a system call.
#[derive(Clone, Copy, Debug)]
pub enum Handler {
    /// The host's call of this number, with the same arguments: all numbers,
    /// flags and structures are the same on both.
    Pass(u16),
    /// The same, but where a path leads to the executable of a guest
    /// (`paths.rs`).
    Follow(u16),
    /// The host's call, with arguments or results that are not the same on
    /// both.
    Convert(Own),
    /// What the host would do is not what the guest is to see, or not all.
    Emulate(Own),
    /// Always this error, and why.
    Refuse(Errno, &'static str),
    /// The thread ends with the first argument.
    Exit,
    /// The process ends with the first argument.
    ExitGroup,
}

/// What does a system call here.
pub type Own = fn(&mut Call<'_>) -> Result<u64, Errno>;

/// A system call of a guest.
#[derive(Clone, Copy, Debug)]
pub struct Syscall {
    /// Its number.
    pub number: u32,
    /// Its name in the kernel.
    pub name: &'static str,
    /// Its arguments, a letter each, as `super::trace` prints them.
    pub arguments: &'static str,
    /// Which of them are descriptors, a bit each.
    pub descriptors: u8,
    /// What becomes of it.
    pub handler: Handler,
}

/// Which of the arguments are descriptors, by their letters.
#[must_use]
pub const fn descriptors(arguments: &str) -> u8 {
    let letters = arguments.as_bytes();
    let mut bits = 0;
    let mut index = 0;
    while index < letters.len() {
        if letters[index] == b'f' {
            bits |= 1 << index;
        }
        index += 1;
    }
    bits
}

/// Rows, found by their numbers. A guest whose numbers lie at several places has a table
/// for each.
#[derive(Debug)]
pub struct Table {
    first: u32,
    rows: &'static [Syscall],
    /// For each number from the first on the place of its row plus one; 0 where there is
    /// none.
    places: &'static [u16],
}

impl Table {
    /// The table of these rows.
    #[must_use]
    pub const fn new(first: u32, rows: &'static [Syscall], places: &'static [u16]) -> Self {
        Self {
            first,
            rows,
            places,
        }
    }

    /// The system call with this number.
    #[must_use]
    pub fn find(&self, number: u64) -> Option<&'static Syscall> {
        let index = number.checked_sub(self.first.into())?;
        let place = *self.places.get(usize::try_from(index).ok()?)?;
        self.rows.get(usize::from(place).checked_sub(1)?)
    }
}

/// The places of rows in a table of so many numbers.
///
/// # Panics
/// When it is made, which is when it is compiled: when the rows are not in the order of
/// their numbers, or one does not fit.
#[must_use]
pub const fn places<const NUMBERS: usize>(first: u32, rows: &[Syscall]) -> [u16; NUMBERS] {
    let mut places = [0; NUMBERS];
    let mut place = 0;
    while place < rows.len() {
        let number = rows[place].number;
        assert!(place == 0 || rows[place - 1].number < number);
        #[allow(clippy::cast_possible_truncation, reason = "as many as numbers")]
        let entry = place as u16 + 1;
        places[(number - first) as usize] = entry;
        place += 1;
    }
    places
}

/// Makes `ROWS` and `TABLE` of the first number, how many there may be, and a row each:
/// number, name, arguments' letters, what becomes of it.
macro_rules! table {
    ($first:literal, $numbers:literal;
     $($number:literal $name:ident $arguments:literal $handler:expr,)*) => {
        /// All of them, in the order of their numbers.
        pub static ROWS: &[$crate::linux::syscalls::syscall::Syscall] = &[
            $($crate::linux::syscalls::syscall::Syscall {
                number: $number,
                name: stringify!($name),
                arguments: $arguments,
                descriptors: $crate::linux::syscalls::syscall::descriptors($arguments),
                handler: $handler,
            },)*
        ];

        /// They by their numbers.
        pub static TABLE: $crate::linux::syscalls::syscall::Table = {
            static PLACES: [u16; $numbers] =
                $crate::linux::syscalls::syscall::places($first, ROWS);
            $crate::linux::syscalls::syscall::Table::new($first, ROWS, &PLACES)
        };
    };
}
pub(in crate::linux) use table;
