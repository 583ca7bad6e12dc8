//! What the first line of a script says, as the kernel reads it
//! (`fs/binfmt_script.c`, `script` in execve(2)).
//!
//! The kernel looks at the file's first 256 bytes and nothing else. Blanks are
//! spaces and tabs. A carriage return is no blank: it belongs to the word that
//! it stands in, which is why scripts with Windows line ends do not run.

/// As much of a file as the kernel looks at (`BINPRM_BUF_SIZE`).
pub const FIRST_BYTES: usize = 256;

/// A script's interpreter, and the one argument that its line may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shebang {
    /// The path as it is written. Empty where the line is `#!` and a zero byte.
    pub interpreter: Vec<u8>,
    /// All that follows, with blanks inside; `None` where nothing does.
    pub argument: Option<Vec<u8>>,
}

impl Shebang {
    /// Reads the first bytes of a file. `None` where the kernel takes the file
    /// for no script: it does not begin with `#!`, the line names nothing, or
    /// the interpreter's path does not end within the first 256 bytes.
    #[must_use]
    pub fn parse(file: &[u8]) -> Option<Shebang> {
        let blank = |b: &u8| matches!(b, b' ' | b'\t');
        let mut buffer = [0; FIRST_BYTES];
        let len = file.len().min(FIRST_BYTES);
        buffer[..len].copy_from_slice(&file[..len]);
        let rest = buffer.strip_prefix(b"#!")?;
        // A line break behind a zero byte is not seen.
        let line_break = rest
            .iter()
            .take_while(|b| **b != 0)
            .position(|b| *b == b'\n');
        let line = match line_break {
            Some(end) => &rest[..end],
            None => {
                // The last byte is given up for the end of the string.
                let start = rest.iter().position(|b| !blank(b))?;
                rest[start..].iter().position(|b| blank(b) || *b == 0)?;
                &rest[..rest.len() - 1]
            }
        };
        let end = line.iter().rposition(|b| !blank(b)).map_or(0, |at| at + 1);
        let line = &line[..end];
        let line = &line[line.iter().position(|b| !blank(b))?..];
        let end = line.iter().position(|b| blank(b) || *b == 0);
        let (interpreter, after) = line.split_at(end.unwrap_or(line.len()));
        // A zero byte ends all. Blanks before one are followed by an argument,
        // an empty one.
        let begins = |after: &[u8]| after.iter().position(|b| !blank(b)).filter(|at| *at > 0);
        let argument = begins(after).and_then(|at| after[at..].split(|b| *b == 0).next());
        Some(Shebang {
            interpreter: interpreter.to_vec(),
            argument: argument.map(<[u8]>::to_vec),
        })
    }
}
