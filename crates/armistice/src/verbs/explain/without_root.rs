//! What runs a program, an image or a root folder for who is not root, where the command that mends
//! it is root's: `run` or `shell`. Told only if this machine lets the user do that.

use std::path::{Path, PathBuf};

use armistice_arch::{Arch, Platform};
use armistice_container::{try_private_table, try_userns};

use crate::judging::place::Place;
use crate::obtain;
use crate::output::quoted_path;
use crate::warm::Guest;

/// How what was named is started without root.
pub(super) enum Way {
    /// A program of this machine's, in a shell.
    Shell,
    /// An image, an archive or a root folder, in a container.
    Run,
    /// An image that only this engine has.
    Saved(&'static str),
}

impl Way {
    /// For what is judged in a place, or is an engine's.
    pub(super) fn of(engine: Option<&'static str>, place: &Place) -> Way {
        match (engine, place) {
            (Some(engine), _) => Way::Saved(engine),
            (None, Place::Here | Place::Sample { .. }) => Way::Shell,
            (None, Place::Root { .. } | Place::Platform { .. }) => Way::Run,
        }
    }

    /// The command, for programs of an architecture; `before` it these.
    pub(super) fn command(
        self,
        what: &Path,
        arch: &Arch,
        wanted: Option<&Platform>,
        before: &[String],
    ) -> Option<String> {
        // Our own engines need no table.
        let own = Guest::of(arch.name).is_ok();
        let may = match self {
            Way::Run | Way::Saved(_) if own => try_userns().is_ok(),
            _ => try_private_table().is_ok(),
        };
        if !may {
            return None;
        }
        let platform = wanted.map_or_else(String::new, |wanted| format!("--platform {wanted} "));
        let command = match self {
            Way::Shell => format!(
                "armistice shell -a {} -- {}",
                arch.display_name(),
                quoted_path(&as_path(what))
            ),
            Way::Run if what.is_dir() => {
                format!("armistice run {platform}{}", quoted_path(&as_path(what)))
            }
            Way::Run => format!("armistice run {platform}{}", quoted_path(what)),
            Way::Saved(engine) => obtain::saved(engine, what),
        };
        let all: Vec<&str> = before
            .iter()
            .chain([&command])
            .map(String::as_str)
            .collect();
        Some(all.join(" && "))
    }
}

/// As it is written where a word alone would be taken for a name.
fn as_path(what: &Path) -> PathBuf {
    let has_folder = what.components().count() > 1 || what.has_root();
    let is_dot = what.starts_with(".") || what.starts_with("..");
    if (has_folder && !what.is_dir()) || what.has_root() || is_dot {
        what.to_owned()
    } else {
        Path::new(".").join(what)
    }
}
