//! Armistice's file in binfmt.d. It has a line for each entry, and comments: whether
//! Armistice made the folder above the copies of emulators, and, while a run changes what is
//! persisted, which copies no line names.
//!
//! Invariant: the file names each copy, and that folder, from before it is made until after
//! it is removed. So the next run knows what a killed run has left, and
//! touches nothing of other programs'.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use armistice_binfmt::Registration;

use super::{COPIES, RULES};

/// Before the names of copies that no line is about.
const UNNAMED: &str = "# Copies of no rule: ";
/// That the folder above the copies' was made for them.
const MADE: &str = "# The folder above the copies' was made for them.";

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RulesFile {
    /// Entries' names, and lines.
    pub(super) lines: Vec<(String, String)>,
    /// Copies that no line names.
    pub(super) unnamed: BTreeSet<PathBuf>,
    /// Whether the folder above the copies' was made for them.
    pub(super) made_folder: bool,
}

impl RulesFile {
    /// The file; empty where there is none.
    pub(super) fn read() -> Result<RulesFile> {
        let text = match fs::read_to_string(RULES) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {RULES}")),
        };
        let unnamed = text.lines().filter_map(|line| line.strip_prefix(UNNAMED));
        // A name alone: nothing else may be removed by what stands here.
        let unnamed = unnamed
            .flat_map(str::split_whitespace)
            .filter(|name| !name.contains('/') && !name.starts_with('.'))
            .map(|name| Path::new(COPIES).join(name))
            .collect();
        Ok(RulesFile {
            lines: lines_of(&text),
            unnamed,
            made_folder: text.lines().any(|line| line == MADE),
        })
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::from(
            "# Written by `armistice register --persist`; undo: armistice unregister --persist\n\
             # Format: binfmt.d(5)\n",
        );
        if self.made_folder {
            text.push_str(MADE);
            text.push('\n');
        }
        let names: Vec<_> = self
            .unnamed
            .iter()
            .filter_map(|copy| copy.file_name()?.to_str())
            .collect();
        if !names.is_empty() {
            text.push_str(UNNAMED);
            text.push_str(&names.join(" "));
            text.push('\n');
        }
        for (_, line) in &self.lines {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// With these entries as well, in place of those of the same name.
    pub(super) fn with(&self, registrations: &[Registration]) -> Result<RulesFile> {
        let mut lines = self.lines.clone();
        for registration in registrations {
            lines.retain(|(name, _)| !registration.is_called(name));
            lines.push((registration.name.clone(), registration.line()?));
        }
        Ok(self.with_lines(lines))
    }

    /// With these lines instead; the copies of those that go are unnamed.
    pub(super) fn with_lines(&self, lines: Vec<(String, String)>) -> RulesFile {
        let copies = self.copies();
        RulesFile {
            lines,
            ..self.clone()
        }
        .with_copies(copies)
    }

    /// With these copies beside those that are here.
    pub(super) fn with_copies(&self, copies: impl IntoIterator<Item = PathBuf>) -> RulesFile {
        let named = self.named();
        let mut unnamed = self.unnamed.clone();
        unnamed.extend(copies);
        unnamed.retain(|copy| !named.contains(copy));
        RulesFile {
            unnamed,
            ..self.clone()
        }
    }

    /// Whether it says of no entry and no copy.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.unnamed.is_empty()
    }

    /// All copies, named or not.
    fn copies(&self) -> BTreeSet<PathBuf> {
        self.named().union(&self.unnamed).cloned().collect()
    }

    fn named(&self) -> BTreeSet<PathBuf> {
        let named = self.lines.iter().filter_map(|(_, line)| copy_of(line));
        named.collect()
    }
}

/// The rules of a binfmt.d file, by entry name.
pub(super) fn lines_of(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter(|l| !l.trim().is_empty() && !l.starts_with(['#', ';']))
        .filter_map(|line| {
            let delimiter = line.chars().next()?;
            let name = line[delimiter.len_utf8()..].split(delimiter).next()?;
            Some((name.to_owned(), line.to_owned()))
        })
        .collect()
}

/// The copy that a rule is about: its interpreter, where that is one of ours.
fn copy_of(line: &str) -> Option<PathBuf> {
    let delimiter = line.chars().next()?;
    // Behind the first delimiter: name, type, offset, magic, mask, interpreter.
    let interpreter = PathBuf::from(line.split(delimiter).nth(6)?);
    (interpreter.parent() == Some(Path::new(COPIES))).then_some(interpreter)
}
