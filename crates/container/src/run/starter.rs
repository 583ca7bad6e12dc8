//! What is behind a file that is executed, and what executes it where the kernel has no table
//! of foreign programs: an emulator that needs none.
//!
//! The kernel is asked first ([`Starter::start`] is for what it does not execute).
//! Behind a script its interpreter is looked for, as execve(2) does, and interpreters of
//! interpreters; the emulator is then executed with the program, by its descriptor, as it has
//! no name inside. What that executes later is its own affair.

use std::ffi::{CStr, CString, OsStr};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;

use super::lookup;

/// So much of a file the kernel looks at.
const HEAD: usize = 256;

/// Interpreters of interpreters, as the kernel has it.
const DEPTH: usize = 5;

/// An emulator that executes programs by itself.
pub struct Starter {
    /// Its file, which need not be readable.
    pub file: OwnedFd,
    /// What it executes, in words for the next two.
    pub of: String,
    /// Whether a program is for it, by these words and the program's first bytes.
    pub takes: fn(&str, &[u8]) -> bool,
    /// Its own arguments for a program's start, its own name first.
    pub arguments: fn(&str, &Start) -> Vec<CString>,
}

impl fmt::Debug for Starter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Starter").field(&self.file).finish()
    }
}

/// What is to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The program's path.
    pub program: CString,
    /// What execve(2) was called with: the program, or a script before it.
    pub executed: CString,
    /// The program's arguments, its own name first.
    pub arguments: Vec<CString>,
}

impl Starter {
    /// Becomes the emulator with what is behind a file; returns why that failed.
    pub(super) fn start(&self, file: &CStr, arguments: &[CString], env: &[CString]) -> Errno {
        let start = Start {
            program: file.to_owned(),
            executed: file.to_owned(),
            arguments: arguments.to_vec(),
        };
        match self.behind(start) {
            Ok(start) => execute(&self.file, &(self.arguments)(&self.of, &start), env),
            Err(error) => error,
        }
    }

    /// The program behind scripts.
    fn behind(&self, mut start: Start) -> Result<Start, Errno> {
        for _ in 0..=DEPTH {
            let path = Path::new(OsStr::from_bytes(start.program.to_bytes()));
            let head = head(path)?;
            if (self.takes)(&self.of, &head) {
                return Ok(start);
            }
            let line = Line::read(&head).ok_or(Errno::NOEXEC)?;
            // The script takes the place of argument 0.
            let mut before = vec![string(line.interpreter)?];
            if let Some(argument) = line.argument {
                before.push(string(argument)?);
            }
            let interpreter = before.first().cloned().unwrap_or_default();
            before.push(std::mem::replace(&mut start.program, interpreter));
            start.arguments.splice(..1, before);
        }
        Err(Errno::LOOP)
    }
}

/// Becomes a program that is open; returns why that failed.
pub(super) fn execute(file: &OwnedFd, arguments: &[CString], env: &[CString]) -> Errno {
    let (arguments, env) = (pointers(arguments), pointers(env));
    // SAFETY: an empty C string, and two arrays of C strings that end with null, all alive.
    unsafe {
        libc::execveat(
            file.as_raw_fd(),
            c"".as_ptr(),
            arguments.as_ptr().cast(),
            env.as_ptr().cast(),
            libc::AT_EMPTY_PATH,
        )
    };
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// As execve(2) takes strings: valid as long as they are.
pub(super) fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    let each = strings.iter().map(|s| s.as_ptr());
    each.chain([std::ptr::null()]).collect()
}

/// The path, if there is one, by which a program or the interpreter behind a script is what
/// this process has open ([`lookup`]).
pub(super) fn of_open_files(program: &Path) -> Option<PathBuf> {
    let mut path = program.to_owned();
    for _ in 0..=DEPTH {
        let file = match lookup::regular(&path) {
            Ok(file) => file,
            Err(error) => return lookup::is_of_open_files(&path, error).then_some(path),
        };
        let head = start_of(file).ok()?;
        let interpreter = Line::read(&head)?.interpreter;
        path = Path::new(OsStr::from_bytes(interpreter)).to_owned();
    }
    None
}

fn string(bytes: &[u8]) -> Result<CString, Errno> {
    CString::new(bytes).map_err(|_| Errno::NOEXEC)
}

/// The start of a file that may be executed.
fn head(path: &Path) -> Result<Vec<u8>, Errno> {
    accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS)?;
    start_of(lookup::regular(path)?)
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

fn start_of(file: File) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    file.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// The first line of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line<'a> {
    interpreter: &'a [u8],
    /// With the blanks that it has inside.
    argument: Option<&'a [u8]>,
}

impl<'a> Line<'a> {
    /// As the kernel reads it: blanks are spaces and tabs; a line that does not end
    /// within the head is cut, unless that would cut the interpreter's name.
    fn read(head: &'a [u8]) -> Option<Line<'a>> {
        let ends = |b: &u8| is_blank(*b) || *b == 0;
        let rest = head.strip_prefix(b"#!")?;
        let whole = rest.contains(&b'\n') || head.len() < HEAD;
        let line = trimmed(rest.split(|b| *b == b'\n').next()?);
        if line.is_empty() || (!whole && !line.iter().any(ends)) {
            return None;
        }
        let end = line.iter().position(ends).unwrap_or(line.len());
        let (interpreter, rest) = line.split_at(end);
        // Behind a zero there is nothing.
        let argument = trimmed(rest.split(|b| *b == 0).next().unwrap_or_default());
        Some(Line {
            interpreter,
            argument: Some(argument).filter(|a| !a.is_empty()),
        })
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Without blanks at its ends.
fn trimmed(line: &[u8]) -> &[u8] {
    let ends = |b: &u8| !is_blank(*b);
    let start = line.iter().position(ends).unwrap_or(line.len());
    let end = line.iter().rposition(ends).map_or(start, |last| last + 1);
    line.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn line(text: &[u8]) -> Option<(String, Option<String>)> {
        let string = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Line::read(text).map(|line| (string(line.interpreter), line.argument.map(string)))
    }

    #[test]
    fn first_lines() {
        for text in [&b"#!/a\n"[..], b"#! \t /a \t \nb", b"#!/a", b"#!/a\0b\n"] {
            assert_eq!(line(text), Some(("/a".into(), None)), "{text:?}");
        }
        assert_eq!(
            line(b"#!/a\t b  c \n"),
            Some(("/a".into(), Some("b  c".into())))
        );
        assert_eq!(line(b"#!/a\r\n"), Some(("/a\r".into(), None)));
        for text in [&b""[..], b"#", b"#!", b"#!\n/a", b"#! \t \n", b" #!/a\n"] {
            assert_eq!(line(text), None, "{text:?}");
        }
        let long = |name: usize, argument: usize| {
            let mut text = [b"#!".to_vec(), vec![b'i'; name], b" ".to_vec()].concat();
            text.extend(vec![b'a'; argument]);
            text.truncate(HEAD);
            Line::read(&text).map(|l| (l.interpreter.len(), l.argument.map_or(0, <[u8]>::len)))
        };
        assert_eq!(long(10, 500), Some((10, 243)));
        assert_eq!(long(254, 9), None);
    }

    /// One that takes what begins with "program".
    fn starter() -> Starter {
        Starter {
            file: File::open("/dev/null").unwrap().into(),
            of: "program".to_owned(),
            takes: |of, head| head.starts_with(of.as_bytes()),
            arguments: |_, _| Vec::new(),
        }
    }

    #[test]
    fn behind_scripts() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let write = |name: &str, text: &str, mode: u32| {
            fs::write(at(name), text).unwrap();
            fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
        };
        write("program", "program", 0o755);
        write("script", &format!("#!{} -x y\n", at("program")), 0o755);
        write("above", &format!("#! {}\n", at("script")), 0o755);
        write("round", &format!("#!{}\n", at("round")), 0o755);
        write("plain", "echo\n", 0o755);
        write("closed", "program", 0o644);
        write("of closed", &format!("#!{}\n", at("closed")), 0o755);
        let strings = |words: &[&str]| {
            let each = words.iter().map(|w| CString::new(*w).unwrap());
            each.collect::<Vec<_>>()
        };
        let behind = |name: &str| {
            starter().behind(Start {
                program: CString::new(at(name)).unwrap(),
                executed: CString::new(at(name)).unwrap(),
                arguments: strings(&["zero", "one"]),
            })
        };
        let (program, script, above) = (at("program"), at("script"), at("above"));
        assert_eq!(
            behind("program").unwrap().arguments,
            strings(&["zero", "one"])
        );
        let found = behind("script").unwrap();
        assert_eq!(
            found.arguments,
            strings(&[&program, "-x y", &script, "one"])
        );
        assert_eq!(found.program, CString::new(&*program).unwrap());
        let found = behind("above").unwrap();
        assert_eq!(
            found.arguments,
            strings(&[&program, "-x y", &script, &above, "one"])
        );
        assert_eq!(found.executed, CString::new(&*above).unwrap());
        assert_eq!(behind("round"), Err(Errno::LOOP));
        assert_eq!(behind("plain"), Err(Errno::NOEXEC));
        assert_eq!(behind("closed"), Err(Errno::ACCESS));
        assert_eq!(behind("of closed"), Err(Errno::ACCESS));
        assert_eq!(behind("nothing"), Err(Errno::NOENT));
    }
}
