//! `status`, `fdinfo` and `personality`: the lines that would tell of the engine's signals,
//! of x86-64, and of its flags of `open`.

use alloc::vec::Vec;
use core::fmt::Write as _;

use super::text::Text;
use crate::linux::abi::open_flags::OpenFlags;
use crate::linux::pending::ThreadSignals;
use crate::linux::process::READ_IMPLIES_EXEC;

/// Signals as the guest sees them, in sets as `status` has them.
#[derive(Clone, Debug)]
pub struct Signals {
    /// Each thread's own.
    pub threads: Vec<ThreadSignals>,
    /// What the engine keeps for the process.
    pub pending: u64,
    /// What the process ignores.
    pub ignored: u64,
    /// What it handles.
    pub caught: u64,
}

/// The guest's `status` of a thread, with the signals of its process where they
/// are known. Where not, the host's stay.
pub(super) fn guest(host: &[u8], signals: Option<&Signals>) -> Vec<u8> {
    let mut text = Text::default();
    let own = signals.and_then(|signals| {
        let thread = owner(host)?.thread;
        let mut threads = signals.threads.iter();
        threads.find(|own| u64::from(own.thread) == thread)
    });
    for line in host.split_inclusive(|&byte| byte == b'\n') {
        let (name, set) = match line.split(|&byte| byte == b'\t').next() {
            Some(b"SigPnd:") => ("SigPnd", own.map(|own| set(line) | own.pending)),
            Some(b"ShdPnd:") => ("ShdPnd", signals.map(|all| set(line) | all.pending)),
            Some(b"SigBlk:") => ("SigBlk", own.map(|own| own.blocked)),
            Some(b"SigIgn:") => ("SigIgn", signals.map(|signals| signals.ignored)),
            Some(b"SigCgt:") => ("SigCgt", signals.map(|signals| signals.caught)),
            // x86-64's shadow stack.
            Some(b"x86_Thread_features:" | b"x86_Thread_features_locked:") => continue,
            _ => ("", None),
        };
        match set {
            Some(set) => {
                let _ = writeln!(text, "{name}:\t{set:016x}");
            }
            None => text.bytes(line),
        }
    }
    text.0
}

/// `personality` of a thread of the guest, which may have `READ_IMPLIES_EXEC`.
pub(super) fn personality(host: &[u8], implied: bool) -> Option<Vec<u8>> {
    let digits = core::str::from_utf8(host).ok()?;
    let host = u64::from_str_radix(digits.trim_ascii(), 16).ok()?;
    let bit = if implied { READ_IMPLIES_EXEC } else { 0 };
    Some(alloc::format!("{:08x}\n", host | bit).into_bytes())
}

/// The set in a line.
fn set(line: &[u8]) -> u64 {
    let digits = line.rsplit(|&byte| byte == b'\t').next();
    digits
        .and_then(|digits| core::str::from_utf8(digits).ok())
        .and_then(|digits| u64::from_str_radix(digits.trim_ascii(), 16).ok())
        .unwrap_or(0)
}

/// The numbers of a process and of its thread, in their own PID namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) process: u64,
    pub(super) thread: u64,
}

/// Whose `status` a text is, if it is one.
pub(super) fn owner(text: &[u8]) -> Option<Owner> {
    let last = |name: &[u8]| {
        let mut lines = text.split(|&byte| byte == b'\n');
        let numbers = lines.find_map(|line| line.strip_prefix(name))?;
        let last = numbers.rsplit(|&byte| byte == b'\t').next()?;
        core::str::from_utf8(last).ok()?.parse().ok()
    };
    text.starts_with(b"Name:\t").then_some(())?;
    Some(Owner {
        process: last(b"NStgid:\t")?,
        thread: last(b"NSpid:\t")?,
    })
}

/// The guest's `fdinfo` of one of its own descriptors.
pub(super) fn descriptor(host: &[u8], guests: OpenFlags) -> Vec<u8> {
    let mut text = Text::default();
    for line in host.split_inclusive(|&byte| byte == b'\n') {
        let flags = line
            .strip_prefix(b"flags:\t")
            .and_then(|flags| core::str::from_utf8(flags).ok())
            .and_then(|flags| u64::from_str_radix(flags.trim_ascii(), 8).ok());
        match flags {
            Some(flags) => {
                let _ = writeln!(text, "flags:\t0{:o}", guests.to_guest(flags));
            }
            None => text.bytes(line),
        }
    }
    text.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &[u8] =
        b"Name:\ta\nPid:\t12\nNStgid:\t76\t11\nNSpid:\t77\t12\nSigPnd:\t0000000000000001\n\
        ShdPnd:\t0000000000000200\nSigBlk:\t0000000000000002\n\
        SigIgn:\t0000000000000004\nSigCgt:\t0000000000000450\nx86_Thread_features:\tshstk \n\
        x86_Thread_features_locked:\t\nCapInh:\t0\n";

    #[test]
    fn status_of_the_threads() {
        let mut signals = Signals {
            threads: alloc::vec![ThreadSignals {
                thread: 12,
                pending: 0x10,
                blocked: 0x8000_0000_0000_0000,
            }],
            pending: 0x400,
            ignored: 0x20,
            caught: 0x40,
        };
        assert_eq!(
            guest(HOST, Some(&signals)),
            b"Name:\ta\nPid:\t12\nNStgid:\t76\t11\nNSpid:\t77\t12\nSigPnd:\t0000000000000011\n\
              ShdPnd:\t0000000000000600\nSigBlk:\t8000000000000000\n\
              SigIgn:\t0000000000000020\nSigCgt:\t0000000000000040\nCapInh:\t0\n"
        );
        signals.threads.clear();
        let other = guest(HOST, Some(&signals));
        assert!(other.windows(18).any(|text| text == b"SigBlk:\t0000000000"));
        let unknown = guest(HOST, None);
        assert!(
            unknown
                .windows(24)
                .any(|text| text == b"SigCgt:\t0000000000000450")
        );
        assert!(!unknown.windows(4).any(|text| text == b"x86_"));
    }

    #[test]
    fn the_owner_by_the_innermost_numbers() {
        let text = b"Name:\tNStgid:\nNStgid:\t90\t12\nNSpid:\t95\t13\n";
        let found = Owner {
            process: 12,
            thread: 13,
        };
        assert_eq!(owner(text), Some(found));
        assert_eq!(owner(b"Name:\ta\nPid:\t1\n"), None);
        assert_eq!(owner(b"NStgid:\t1\nNSpid:\t1\n"), None);
    }

    #[test]
    fn flags_of_a_descriptor() {
        let host = b"pos:\t5\nflags:\t02100002\nmnt_id:\t29\nino:\t6\n";
        let guest = descriptor(
            host,
            OpenFlags(&[(0o100_000, 0o400_000), (0o400_000, 0o100_000)]),
        );
        assert_eq!(guest, b"pos:\t5\nflags:\t02400002\nmnt_id:\t29\nino:\t6\n");
        assert_eq!(descriptor(b"flags:\t9\n", OpenFlags(&[])), b"flags:\t9\n");
    }
}
