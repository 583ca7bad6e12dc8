//! Where else an image may be, when none of that name could be had: in docker's or podman's own
//! store, or in a folder here.

use anyhow::Error;
use armistice_container::Outside;
use armistice_oci::Reference;
use rustix::process::geteuid;

use super::instead::{folder, no_file, way};
use super::{Given, local};
use crate::output::{Output, shown};

/// Who tells where else an image may be.
pub(crate) struct Elsewhere {
    output: Output,
    asker: Asker,
}

/// Who asks docker and podman.
enum Asker {
    /// This process.
    Itself,
    /// A child that stays outside of the user namespace which this process enters. There,
    /// podman would take the user for root, and look in root's store.
    Outside(Outside),
    /// Nobody, as no child could be started.
    Nobody,
}

impl Elsewhere {
    /// To be had before a user namespace is entered; the process must have one thread.
    pub(crate) fn new(given: &Given, output: Output) -> Elsewhere {
        let asker = match given {
            Given::Image(reference) if !geteuid().is_root() && !is_here(reference) => {
                let has_it = move |name: &[u8]| {
                    let name = String::from_utf8_lossy(name);
                    let found = local::find(&name, output);
                    found.map_or_else(|_| Vec::new(), |image| image.engine.into())
                };
                Outside::start(has_it).map_or(Asker::Nobody, Asker::Outside)
            }
            _ => Asker::Itself,
        };
        Elsewhere { output, asker }
    }

    /// The error, with where else what was typed may be.
    pub(crate) fn told(&self, error: Error, typed: &str) -> Error {
        let saved = self.engine(typed).map(|engine| {
            let way = way(&engine, typed);
            format!("{engine} has one: {way}")
        });
        let ways: Vec<String> = folder(typed).into_iter().chain(saved).collect();
        let no_file = no_file(typed);
        if ways.is_empty() && no_file.is_none() {
            return error;
        }
        let it = no_file.map_or_else(
            || format!("{} is", shown(typed)),
            |no_file| format!("{no_file}, so it is"),
        );
        let ways = match ways.is_empty() {
            true => String::new(),
            false => format!(" ({})", ways.join("; ")),
        };
        error.context(format!(
            "{it} taken for the name of a registry's image{ways}"
        ))
    }

    /// The engine that has an image of that name.
    fn engine(&self, name: &str) -> Option<String> {
        match &self.asker {
            Asker::Itself => Some(local::find(name, self.output).ok()?.engine.to_owned()),
            Asker::Outside(outside) => {
                let answer = String::from_utf8(outside.ask(name.as_bytes()).ok()?).ok()?;
                (!answer.is_empty()).then_some(answer)
            }
            Asker::Nobody => None,
        }
    }
}

/// Whether the user's store has an image of that name already, so that nobody need be asked.
fn is_here(reference: &Reference) -> bool {
    let folder = super::folder();
    folder.is_ok_and(|folder| !armistice_store::view(&folder, &reference.to_string()).is_empty())
}
