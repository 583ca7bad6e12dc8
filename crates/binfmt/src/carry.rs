//! An entry of one table, made in another as it is.
//!
//! A user namespace's own table hides those of outer namespaces. To have there what the outer table
//! runs, its entries are carried over: name, pattern with whatever mark it has, interpreter and
//! flags. Flag F opens the file that is at the interpreter's path now.

use rustix::io::Errno;

use crate::entry::{Entry, Matching};
use crate::error::{BinfmtError, refusal};
use crate::line;
use crate::lock::Locked;
use crate::mark::{self, Mark};

impl Locked<'_> {
    /// Makes an entry of another table here. One of that name that is here already
    /// stays.
    ///
    /// # Errors
    /// [`BinfmtError::BadRegistration`] where the entry has something that cannot be
    /// written as a line; [`BinfmtError::Refused`] by the kernel.
    pub fn carry(&self, entry: &Entry) -> Result<(), BinfmtError> {
        let line = line_of(entry)?;
        match self.write("register", &line) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(BinfmtError::Refused {
                name: entry.name.clone(),
                meaning: refusal(errno, &entry.interpreter),
                source: errno.into(),
            }),
        }
    }
}

/// The line that makes an entry like this one.
fn line_of(entry: &Entry) -> Result<String, BinfmtError> {
    let bad = |why: &str| BinfmtError::BadRegistration {
        name: entry.name.clone(),
        why: why.into(),
    };
    if !entry.unknown_lines.is_empty() {
        return Err(bad("it has properties that this version does not know"));
    }
    let interpreter = entry
        .interpreter
        .to_str()
        .ok_or_else(|| bad("the interpreter's path is not UTF-8"))?;
    let ending = match &entry.matching {
        Matching::Extension(ending) => ending.as_str(),
        Matching::Magic(_) => "",
        Matching::Unknown => return Err(bad("it matches by something unknown")),
    };
    let delimiter = line::delimiter(&[&entry.name, interpreter, ending])
        .ok_or_else(|| bad("no delimiter is left"))?;
    let d = delimiter;
    let (kind, offset, magic, mask) = match &entry.matching {
        Matching::Magic(pattern) => {
            let whole = match &entry.mark {
                Mark::Ours(pin) => mark::attach(pattern, pin),
                Mark::OursOtherLayout(_) | Mark::Foreign => pattern.clone(),
            };
            let (magic, mask) = (line::escape(&whole.magic), line::escape(&whole.mask));
            ('M', whole.offset.to_string(), magic, mask)
        }
        _ => ('E', String::new(), ending.to_owned(), String::new()),
    };
    Ok(format!(
        "{d}{}{d}{kind}{d}{offset}{d}{magic}{d}{mask}{d}{interpreter}{d}{}",
        entry.name, entry.flags,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::parse_entry;

    #[test]
    fn an_entry_comes_out_as_its_line() {
        let text = "enabled\ninterpreter /usr/bin/python3.11\nflags: \noffset 0\nmagic a70d0d0a\n";
        assert_eq!(
            line_of(&parse_entry("python3.11", text)).unwrap(),
            r":python3.11:M:0:\xa7\x0d\x0d\x0a:\xff\xff\xff\xff:/usr/bin/python3.11:"
        );
        let text = "enabled\ninterpreter /usr/bin/a:b\nflags: POC\nextension .jar\n";
        assert_eq!(
            line_of(&parse_entry("jar", text)).unwrap(),
            "|jar|E||jar||/usr/bin/a:b|POC"
        );
    }

    #[test]
    fn what_is_not_known_is_not_carried() {
        let text = "enabled\ninterpreter /x\nflags: \nnew thing\noffset 0\nmagic 00\n";
        assert!(line_of(&parse_entry("new", text)).is_err());
        let text = "enabled\nbpf something\n";
        assert!(line_of(&parse_entry("bpf", text)).is_err());
    }
}
