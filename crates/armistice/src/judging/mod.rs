//! What the kernel would do with a call, and what mends it: for `explain`, and for `status`,
//! which asks it of every handler's emulator.
//!
//! - [`call`]: what is executed, and where; replayed and judged.
//! - [`verdict`]: how it ends, in words.
//! - [`place`]: where it would run, and which files are there.
//! - `fix`: changes that are tried on copies before anybody is told of them.
//! - [`describe`]: files in words.

pub(crate) mod call;
pub(crate) mod describe;
mod fix;
pub(crate) mod place;
pub(crate) mod verdict;

use std::path::PathBuf;

use armistice_binfmt::{Entry, Matching, Snapshot};

use crate::output::shown;
use crate::own;
use crate::remedy::Words;
use call::Call;
use place::Place;

/// What is wrong with an entry's emulator, as far as it can be looked at: why programs
/// that the entry takes would not run.
pub(crate) fn fault_of(entry: &Entry, words: Words) -> Option<String> {
    let live = Snapshot {
        enabled: true,
        entries: vec![Entry {
            enabled: true,
            ..entry.clone()
        }],
    };
    let (program, head) = match &entry.matching {
        Matching::Magic(pattern) => {
            let head = match own::arch_of(entry) {
                Some(arch) => place::header(arch),
                None => pattern.sample(),
            };
            (PathBuf::from("program"), head)
        }
        Matching::Extension(ending) => (PathBuf::from(format!("program.{ending}")), Vec::new()),
        Matching::Unknown => return None,
    };
    let call = Call {
        argv: vec![program.as_os_str().to_owned()],
        path: program.clone(),
        place: Place::Sample { program, head },
        otherwise: None,
    };
    let run = call.replay(&live);
    let verdict = call.judge(&live, &run, words);
    let text = verdict.text.as_str();
    let takes = format!("{} takes it, but ", shown(&entry.name));
    (!verdict.runs && run.handler().is_some())
        .then(|| text.strip_prefix(&takes).unwrap_or(text).to_owned())
}
