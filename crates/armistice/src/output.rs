//! Where text goes: data to stdout, all else to stderr, each in the colours
//! and the amount that were asked for. Nothing else in the command prints.
//!
//! A line of data that could not be written is remembered, and [`written`] makes
//! it the end of the run: an answer that nobody got is not given. A reader that
//! went away (a closed pipe) has read enough.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use anstyle::{AnsiColor, Style};

use crate::cli::{Color, Global};
use crate::inherited::had_output;

/// What ends well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What ends badly.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What wants attention.
pub(crate) const ODD: Style = AnsiColor::Yellow.on_default();
/// Headings.
pub(crate) const HEAD: Style = Style::new().bold();

/// The two streams.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    quiet: bool,
    verbose: bool,
    /// Reports go to stderr, for stdout is taken by an answer in JSON.
    report_to_stderr: bool,
}

impl Output {
    pub(crate) fn new(global: Global) -> Output {
        match global.color {
            Color::Auto => {}
            Color::Always => anstream::ColorChoice::Always.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
        Output {
            quiet: global.quiet,
            verbose: global.verbose,
            report_to_stderr: false,
        }
    }

    /// The same, with reports on stderr.
    pub(crate) fn report_on_stderr(self) -> Output {
        Output {
            report_to_stderr: true,
            ..self
        }
    }

    /// The same, without what people may want to know beside it.
    pub(crate) fn without_notes(self) -> Output {
        Output {
            quiet: true,
            ..self
        }
    }

    /// A line of data.
    pub(crate) fn data(self, line: impl std::fmt::Display) {
        if self.report_to_stderr {
            let _ = writeln!(anstream::stderr(), "{line}");
        } else {
            self.answer(line);
        }
    }

    /// A line that stays on stdout whatever reports do.
    pub(crate) fn answer(self, line: impl std::fmt::Display) {
        to_stdout(|stdout| writeln!(stdout, "{line}"));
    }

    /// A report of what was done and went well: data, but not for those who want
    /// to hear of errors only.
    pub(crate) fn report(self, line: impl std::fmt::Display) {
        if !self.quiet {
            self.data(line);
        }
    }

    /// Whether errors only are wanted.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Whether details are wanted.
    pub(crate) fn is_verbose(self) -> bool {
        self.verbose
    }

    /// Something people want to know.
    pub(crate) fn note(self, line: impl std::fmt::Display) {
        if !self.quiet {
            let _ = writeln!(anstream::stderr(), "{line}");
        }
    }

    /// Something only some people want to know.
    pub(crate) fn detail(self, line: impl std::fmt::Display) {
        if self.verbose {
            let _ = writeln!(anstream::stderr(), "{line}");
        }
    }

    /// Something that people should know even if quiet.
    pub(crate) fn error(self, line: impl std::fmt::Display) {
        complain(line);
    }

    /// The answer for programs: one, whole.
    pub(crate) fn json(self, value: &impl serde::Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(value)?;
        HAS_ANSWERED.store(true, Ordering::Relaxed);
        self.answer(text);
        Ok(())
    }
}

/// Whether there was an answer in JSON.
static HAS_ANSWERED: AtomicBool = AtomicBool::new(false);

/// Whether programs have got their answer.
pub(crate) fn has_answered() -> bool {
    HAS_ANSWERED.load(Ordering::Relaxed)
}

/// A line about what went wrong.
pub(crate) fn complain(line: impl std::fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{BAD}armistice:{BAD:#} {line}");
}

/// The first error of writing to stdout.
static UNWRITTEN: Mutex<Option<io::Error>> = Mutex::new(None);

/// Writes to stdout; what fails is remembered, and nothing is written after it.
pub(crate) fn to_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
    let mut unwritten = UNWRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    if unwritten.is_some() {
        return;
    }
    let mut stdout = anstream::stdout().lock();
    let result = if had_output() {
        write(&mut stdout).and_then(|()| stdout.flush())
    } else {
        Err(rustix::io::Errno::BADF.into())
    };
    *unwritten = result.err();
}

/// Whether all data has reached its reader, or the reader wants no more.
///
/// # Errors
/// Why some of it could not be written.
pub(crate) fn written() -> io::Result<()> {
    let mut unwritten = UNWRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    match unwritten.take() {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// A borderless table of padded columns, its heading bold.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    rows: Vec<Vec<(String, Style)>>,
}

impl Columns {
    pub(crate) fn new(heading: &[&str]) -> Columns {
        Columns {
            rows: vec![heading.iter().map(|h| ((*h).to_owned(), HEAD)).collect()],
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<(String, Style)>) {
        self.rows.push(cells);
    }

    pub(crate) fn print(&self, output: Output) {
        let count = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|r| r.get(column))
                .map(|(text, _)| text.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..count).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (i, (text, style)) in row.iter().enumerate() {
                let pad = if i + 1 < row.len() {
                    widths[i].saturating_sub(text.chars().count()) + 2
                } else {
                    0
                };
                line.push_str(&format!("{style}{text}{style:#}{:pad$}", ""));
            }
            output.data(line.trim_end());
        }
    }
}

/// A size for people.
pub(crate) fn megabytes(size: u64) -> String {
    let tenths = size / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

/// A cell without colour.
pub(crate) fn plain(text: impl Into<String>) -> (String, Style) {
    (text.into(), Style::new())
}

/// Makes bytes that a terminal would act on visible.
pub(crate) fn shown(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() {
                c.escape_default().to_string()
            } else {
                c.to_string()
            }
        })
        .collect()
}

/// A word as a shell would need it typed.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// [`shown`], of bytes that may be no UTF-8.
pub(crate) fn shown_bytes(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        out.push_str(&shown(chunk.valid()));
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

/// [`shown_bytes`], of a path.
pub(crate) fn shown_path(path: &Path) -> String {
    shown_bytes(path.as_os_str().as_bytes())
}

/// A path as a shell would need it typed, whatever its bytes are.
pub(crate) fn quoted_path(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    // Not to be taken for an option.
    let path = if bytes.starts_with(b"-") {
        [b"./", bytes].concat()
    } else {
        bytes.to_vec()
    };
    match std::str::from_utf8(&path) {
        Ok(text) if !text.chars().any(char::is_control) => quoted(text),
        _ => {
            let escape = |byte: &u8| match byte {
                b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
                0x20..=0x7e => char::from(*byte).to_string(),
                other => format!("\\x{other:02x}"),
            };
            // ANSI-C quoting of bash, zsh, ksh and POSIX 2024.
            format!("$'{}'", path.iter().map(escape).collect::<String>())
        }
    }
}
