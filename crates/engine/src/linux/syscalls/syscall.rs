//! A row of a guest's table of system calls, and the macro that writes such a table.

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
    /// The same, but of the file that a text stands for, where the first argument is
    /// a text's descriptor (`texts.rs`).
    OfFile(u16),
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
    /// Whether it puts two new descriptors into memory.
    pub gives_two: bool,
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

/// Whether a call of this name puts two new descriptors into memory.
#[must_use]
pub const fn gives_two(name: &str) -> bool {
    matches!(name.as_bytes(), b"pipe" | b"pipe2" | b"socketpair")
}

/// Arguments whose registers have 32 bits, by their letters: a number of 64 bits (`q`) is
/// in two, its low half first, and if `even`, in a register of an even number; one with
/// a sign (`d`) has it in all bits.
#[must_use]
pub fn widened(letters: &str, registers: [u64; 6], even: bool) -> [u64; 6] {
    let half = |index: usize| registers.get(index).map_or(0, |&word| word & 0xffff_ffff);
    let (mut arguments, mut next) = ([0; 6], 0);
    for (letter, argument) in letters.bytes().zip(&mut arguments) {
        if letter == b'q' && even {
            next += next & 1;
        }
        *argument = match letter {
            b'q' => half(next) | half(next + 1) << 32,
            b'd' => (half(next) << 32)
                .cast_signed()
                .wrapping_shr(32)
                .cast_unsigned(),
            _ => half(next),
        };
        next += if letter == b'q' { 2 } else { 1 };
    }
    arguments
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
                gives_two: $crate::linux::syscalls::syscall::gives_two(stringify!($name)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_of_registers_of_32_bits() {
        // pread64: a pair, behind a register that is left out.
        let registers = [3, 0x1_0000, 16, 99, 0x8000_0001, 2];
        let wide = widened("fpuq", registers, true);
        assert_eq!(wide, [3, 0x1_0000, 16, 0x2_8000_0001, 0, 0]);
        let wide = widened("fpuq", registers, false);
        assert_eq!(wide, [3, 0x1_0000, 16, 0x8000_0001_0000_0063, 0, 0]);
        // Arm's fadvise64_64: two pairs, the advice before them.
        let wide = widened("fxqq", [3, 4, 5, 6, 7, 8], true);
        assert_eq!(wide, [3, 4, 5 | 6 << 32, 7 | 8 << 32, 0, 0]);
        // What has a sign, and what has none; the upper halves mean nothing.
        let minus = u64::from(u32::MAX) | 7 << 32;
        let wide = widened("du", [minus; 6], true);
        assert_eq!(wide, [u64::MAX, 0xffff_ffff, 0, 0, 0, 0]);
    }

    #[test]
    fn numbers_that_begin_elsewhere() {
        const fn row(number: u32, name: &'static str) -> Syscall {
            Syscall {
                number,
                name,
                arguments: "",
                descriptors: 0,
                gives_two: false,
                handler: Handler::Exit,
            }
        }
        static ROWS: [Syscall; 2] = [row(0xf_0002, "cacheflush"), row(0xf_0005, "set_tls")];
        static PLACES: [u16; 6] = places(0xf_0000, &ROWS);
        static TABLE: Table = Table::new(0xf_0000, &ROWS, &PLACES);
        let found = |number| TABLE.find(number).map(|row| row.name);
        assert_eq!(found(0xf_0005), Some("set_tls"));
        for number in [0, 5, 0xe_ffff, 0xf_0000, 0xf_0004, 0xf_0006, u64::MAX] {
            assert_eq!(found(number), None, "{number:#x}");
        }
    }
}
