//! The flags of an entry.

use std::fmt;

/// Flags of an entry, as letters in `fs/binfmt_misc.c`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flags {
    /// `P`: the program's own argv\[0\] is handed to the interpreter.
    pub preserve_argv0: bool,
    /// `O`: the kernel opens the program and hands over a descriptor, so that
    /// files the user may run but not read work.
    pub open_binary: bool,
    /// `C`: a set-user-ID program gets its owner's credentials, although it is
    /// the interpreter that runs. Implies `O`.
    pub credentials: bool,
    /// `F`: the interpreter is opened when the entry is made, so that it is
    /// found in containers and chroots that do not have it.
    pub fix_binary: bool,
    /// Letters that newer kernels may print and this version does not know.
    pub unknown: String,
}

impl Flags {
    /// What Armistice registers: all four. Reads back as `POCF`.
    #[must_use]
    pub fn all() -> Flags {
        Flags {
            preserve_argv0: true,
            open_binary: true,
            credentials: true,
            fix_binary: true,
            unknown: String::new(),
        }
    }

    /// Reads the letters of a `flags:` line or of a register line.
    #[must_use]
    pub fn parse(letters: &str) -> Flags {
        let mut flags = Flags::default();
        for letter in letters.trim().chars() {
            match letter {
                'P' => flags.preserve_argv0 = true,
                'O' => flags.open_binary = true,
                'C' => {
                    flags.credentials = true;
                    flags.open_binary = true;
                }
                'F' => flags.fix_binary = true,
                other => flags.unknown.push(other),
            }
        }
        flags
    }
}

/// In the kernel's order: `POCF`, then the unknown ones.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (on, letter) in [
            (self.preserve_argv0, 'P'),
            (self.open_binary, 'O'),
            (self.credentials, 'C'),
            (self.fix_binary, 'F'),
        ] {
            if on {
                write!(f, "{letter}")?;
            }
        }
        f.write_str(&self.unknown)
    }
}
