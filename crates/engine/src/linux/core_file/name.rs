//! The name of a core file, from `core_pattern`: core(5).

use alloc::vec::Vec;
use core::fmt::Write as _;

use crate::linux::views::text::Text;

/// What a pattern may ask for.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts<'a> {
    /// The process's number in its own PID namespace, and in the first one.
    pub(super) process: [u64; 2],
    /// The same of the thread.
    pub(super) thread: [u64; 2],
    pub(super) user: u64,
    pub(super) group: u64,
    pub(super) signal: u64,
    pub(super) processor: u64,
    /// Seconds since 1970.
    pub(super) time: u64,
    pub(super) host: &'a [u8],
    /// The thread's name.
    pub(super) command: &'a [u8],
    /// The program's path.
    pub(super) path: &'a [u8],
    /// The soft limit of core files.
    pub(super) limit: u64,
    /// The process's dumpable mode.
    pub(super) dumpable: u64,
    /// Whether `core_uses_pid` is set.
    pub(super) with_process: bool,
}

/// Whether a pattern that starts so names a file: no program that reads a pipe,
/// and no socket.
pub(super) const fn is_file(first: Option<u8>) -> bool {
    !matches!(first, Some(b'|' | b'@'))
}

/// The path that the pattern of a file gives.
pub(super) fn expand(pattern: &[u8], facts: &Facts<'_>) -> Vec<u8> {
    /// The kernel's limit of the length, without its end.
    const MOST: usize = 127;
    let mut name = Text::default();
    let mut has_process = false;
    let mut bytes = pattern.iter().copied().take(MOST);
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            name.bytes(&[byte]);
            continue;
        }
        let Some(letter) = bytes.next() else { break };
        has_process |= letter == b'p';
        let number = match letter {
            b'p' => facts.process[0],
            b'P' => facts.process[1],
            b'i' => facts.thread[0],
            b'I' => facts.thread[1],
            b'u' => facts.user,
            b'g' => facts.group,
            b'd' => facts.dumpable,
            b's' => facts.signal,
            b't' => facts.time,
            b'c' => facts.limit,
            b'C' => facts.processor,
            _ => {
                match letter {
                    b'%' => name.bytes(b"%"),
                    b'h' => harmless(&mut name, facts.host),
                    b'e' => harmless(&mut name, facts.command),
                    b'f' => {
                        let file = facts.path.rsplit(|&byte| byte == b'/').next();
                        harmless(&mut name, file.unwrap_or_default());
                    }
                    b'E' => harmless(&mut name, facts.path),
                    // The kernel leaves out what it does not know.
                    _ => {}
                }
                continue;
            }
        };
        let _ = write!(name, "{number}");
    }
    if facts.with_process && !has_process {
        let _ = write!(name, ".{}", facts.process[0]);
    }
    name.0
}

/// Adds a text that comes from elsewhere: it leads to no other directory.
fn harmless(name: &mut Text, text: &[u8]) {
    let start = name.0.len();
    name.bytes(text);
    let added = &mut name.0[start..];
    added
        .iter_mut()
        .filter(|byte| **byte == b'/')
        .for_each(|byte| *byte = b'!');
    match added {
        [b'.'] | [b'.', b'.'] => added[0] = b'!',
        [] => name.bytes(b"!"),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let facts = Facts {
            process: [7, 70],
            thread: [8, 80],
            user: 1,
            group: 2,
            signal: 11,
            processor: 3,
            time: 99,
            host: b"here",
            command: b"a/b",
            path: b"/bin/prog",
            limit: 5,
            dumpable: 1,
            with_process: false,
        };
        for (pattern, expected) in [
            ("core", "core"),
            ("core.%p", "core.7"),
            ("%P-%i-%I-%u-%g-%s-%t-%c-%d", "70-8-80-1-2-11-99-5-1"),
            ("%e.%f.%E.%h.core", "a!b.prog.!bin!prog.here.core"),
            ("100%%%q%C%", "100%3"),
        ] {
            assert_eq!(expand(pattern.as_bytes(), &facts), expected.as_bytes());
        }
        let facts = Facts {
            with_process: true,
            command: b"..",
            ..facts
        };
        assert_eq!(expand(b"core", &facts), b"core.7");
        assert_eq!(expand(b"core.%p", &facts), b"core.7");
        assert_eq!(expand(b"%e", &facts), b"!..7");
    }

    #[test]
    fn paths() {
        let facts = Facts {
            process: [7, 70],
            command: b"../a",
            path: b"/bin/prog",
            with_process: true,
            ..Facts::default()
        };
        for (pattern, expected) in [
            ("/var/%E/%e", "/var/!bin!prog/..!a.7"),
            ("cores/%p", "cores/7"),
            ("", ".7"),
        ] {
            assert_eq!(expand(pattern.as_bytes(), &facts), expected.as_bytes());
        }
    }

    #[test]
    fn files_and_others() {
        for (pattern, expected) in [
            ("core", true),
            ("/tmp/core", true),
            ("", true),
            ("|/bin/cat", false),
            ("@/run/socket", false),
        ] {
            assert_eq!(is_file(pattern.bytes().next()), expected, "{pattern}");
        }
    }
}
