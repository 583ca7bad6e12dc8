//! Numbers of signals: GDB's protocol has its own, the same for every system.

use crate::host::signal::COUNT;

/// Linux's 1 to 31 in GDB's numbers; 143 where it has none.
const GDB: [u8; 31] = [
    1, 2, 3, 4, 5, 6, 10, 8, 9, 30, 11, 31, 13, 14, 15, 143, 20, 19, 17, 18, 21, 22, 16, 24, 25,
    26, 27, 28, 23, 32, 12,
];

/// GDB's number of a signal.
#[must_use]
pub(super) fn to_gdb(signal: i32) -> u8 {
    match u8::try_from(signal) {
        Ok(low @ 1..=31) => GDB[usize::from(low) - 1],
        Ok(32) => 77,
        Ok(real @ 33..=63) => real + 12,
        Ok(64) => 78,
        _ => 143,
    }
}

/// The signal with GDB's number.
#[must_use]
pub(super) fn from_gdb(number: u64) -> Option<i32> {
    (1..=COUNT).find(|&signal| u64::from(to_gdb(signal)) == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for signal in 1..=COUNT {
            assert_eq!(from_gdb(to_gdb(signal).into()), Some(signal));
        }
        assert_eq!(
            [to_gdb(2), to_gdb(11), to_gdb(10), to_gdb(34)],
            [2, 11, 30, 46]
        );
        assert_eq!(from_gdb(0), None);
    }
}
