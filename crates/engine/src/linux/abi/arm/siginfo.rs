//! `siginfo_t` with words of 32 bits. What lies behind the three numbers that all have is
//! told by the signal and its code, as the kernel's `siginfo_layout` does.

use crate::host::signal::{SI_TKILL, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP, SignalInfo};

/// Its bytes.
pub(super) const SIZE: usize = 128;

const SIGCHLD: i32 = 17;
const SIGPOLL: i32 = 29;
const SI_KERNEL: i32 = 0x80;
/// The codes of SIGPOLL, from 1 on.
const NSIGPOLL: i32 = 6;
const SI_TIMER: i32 = -2;
const SI_SIGIO: i32 = -5;

/// A part of it: where it is in the guest's, and in the host's; how many bytes there, and here.
type Part = (usize, usize, usize, usize);

/// Numbers of process and user.
const SENDER: [Part; 2] = [(12, 16, 4, 4), (16, 20, 4, 4)];
/// And a value, which is a pointer.
const QUEUED: [Part; 3] = [(12, 16, 4, 4), (16, 20, 4, 4), (20, 24, 4, 8)];
/// And a status and times.
const CHILD: [Part; 5] = [
    (12, 16, 4, 4),
    (16, 20, 4, 4),
    (20, 24, 4, 4),
    (24, 32, 4, 8),
    (28, 40, 4, 8),
];
/// An address, how many of its bits mean nothing, and a range or a key.
const FAULT: [Part; 4] = [
    (12, 16, 4, 8),
    (16, 24, 4, 4),
    (20, 32, 4, 8),
    (24, 40, 4, 8),
];
/// A band and a descriptor.
const POLL: [Part; 2] = [(12, 16, 4, 8), (16, 24, 4, 4)];
/// An address, a number, and an architecture.
const SYSCALL: [Part; 3] = [(12, 16, 4, 8), (16, 24, 4, 4), (20, 28, 4, 4)];
/// The three that all have.
const HEAD: [Part; 3] = [(0, 0, 4, 4), (4, 4, 4, 4), (8, 8, 4, 4)];

fn parts(signal: i32, code: i32) -> &'static [Part] {
    if code > 0 && code < SI_KERNEL {
        return match signal {
            SIGILL | SIGFPE | SIGSEGV | SIGBUS | SIGTRAP => &FAULT,
            SIGCHLD => &CHILD,
            SIGPOLL => &POLL,
            SIGSYS => &SYSCALL,
            // A signal that `F_SETSIG` chose.
            _ if code <= NSIGPOLL => &POLL,
            _ => &SENDER,
        };
    }
    match code {
        SI_TIMER => &QUEUED,
        SI_SIGIO => &POLL,
        SI_TKILL => &SENDER,
        _ if code < 0 => &QUEUED,
        _ => &SENDER,
    }
}

/// The guest's of the host's.
#[must_use]
pub(super) fn to_guest(info: &SignalInfo) -> [u8; SIZE] {
    let (host, mut guest) = (info.bytes(), [0; SIZE]);
    for &(to, from, length, _) in HEAD.iter().chain(parts(info.signal(), info.code())) {
        guest[to..to + length].copy_from_slice(&host[from..from + length]);
    }
    guest
}

/// The host's of the guest's.
#[must_use]
pub(super) fn to_host(guest: &[u8; SIZE]) -> SignalInfo {
    let word = |at: usize| i32::from_le_bytes(core::array::from_fn(|n| guest[at + n]));
    let mut host = [0; SIZE];
    for &(from, to, length, _) in HEAD.iter().chain(parts(word(0), word(8))) {
        host[to..to + length].copy_from_slice(&guest[from..from + length]);
    }
    let mut info = SignalInfo([0; 16]);
    for (word, bytes) in info.0.iter_mut().zip(host.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    info
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_have_their_address_behind_three_numbers() {
        let guest = to_guest(&SignalInfo::fault(SIGSEGV, 1, 0x1234_5678));
        let word = |at: usize| u32::from_le_bytes(core::array::from_fn(|n| guest[at + n]));
        assert_eq!(
            [word(0), word(4), word(8), word(12)],
            [11, 0, 1, 0x1234_5678]
        );
    }

    #[test]
    fn what_is_queued_there_and_back() {
        let mut guest = [0; SIZE];
        for (at, value) in [(0, 34_i32), (8, -1), (12, 77), (16, 1000), (20, -5)] {
            guest[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        let host = to_host(&guest);
        assert_eq!((host.signal(), host.code()), (34, -1));
        assert_eq!(host.0[2], 1000 << 32 | 77);
        assert_eq!(host.0[3], 0xffff_fffb);
        assert_eq!(to_guest(&host), guest);
    }
}
