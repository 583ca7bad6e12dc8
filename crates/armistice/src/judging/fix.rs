//! What would make the program run. A change is tried on a copy of the table and of the files
//! before anybody is told of it; a change after which the program still does not run is no
//! remedy.

use std::path::{Path, PathBuf};

use armistice_arch::Arch;
use armistice_binfmt::exec::{Cannot, Files, Program};
use armistice_binfmt::{Entry, Flags, Mark, Matching, STANDARD_PATH, Snapshot};
use rustix::io::Errno;

use super::place::Place;
use crate::output::quoted_path;
use crate::remedy::Words;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fix {
    /// The file becomes executable; its path where the program runs.
    Executable(PathBuf),
    /// The file loses the carriage returns at its lines' ends.
    LineEnds(PathBuf),
    /// binfmt_misc is switched on as a whole.
    SwitchOn,
    /// The entry is switched on.
    Enable(String),
    /// A handler is registered.
    Register {
        arch: &'static Arch,
        /// In the place of somebody else's.
        replace: bool,
    },
}

impl Fix {
    /// The command; `None` where none on this machine reaches the file.
    pub(super) fn command(&self, place: &Place, words: Words) -> Option<String> {
        let table = Path::new(STANDARD_PATH);
        let switch = |file: PathBuf| words.write("1", &quoted_path(&file));
        Some(match self {
            Fix::Executable(path) => {
                format!("chmod +x {}", quoted_path(&place.on_this_machine(path)?))
            }
            Fix::LineEnds(path) => format!(
                r"sed -i 's/\r$//' {}",
                quoted_path(&place.on_this_machine(path)?)
            ),
            Fix::SwitchOn => switch(table.join("status")),
            Fix::Enable(name) => switch(table.join(name)),
            Fix::Register { arch, replace } => {
                let replace = if *replace { "--replace " } else { "" };
                words.registering(&format!("{replace}{}", arch.display_name()))
            }
        })
    }

    /// Whether it changes the table, which is the host's business in a container.
    pub(super) fn changes_table(&self) -> bool {
        !matches!(self, Fix::Executable(_) | Fix::LineEnds(_))
    }
}

/// The table and the files as they would be.
pub(super) struct Changed<'a> {
    place: &'a Place,
    pub(super) live: Snapshot,
    files: Vec<Fix>,
}

impl<'a> Changed<'a> {
    pub(super) fn new(place: &'a Place, live: &Snapshot) -> Changed<'a> {
        Changed {
            place,
            live: live.clone(),
            files: Vec::new(),
        }
    }

    /// Makes a change.
    pub(super) fn apply(&mut self, fix: &Fix) {
        match fix {
            Fix::SwitchOn => self.live.enabled = true,
            Fix::Enable(name) => {
                for entry in self.live.entries.iter_mut().filter(|e| e.name == *name) {
                    entry.enabled = true;
                }
            }
            Fix::Register { arch, .. } => {
                let name = arch.entry_name();
                self.live.entries.retain(|e| e.name != name);
                self.live.entries.insert(0, registered(name, arch));
            }
            Fix::Executable(_) | Fix::LineEnds(_) => self.files.push(fix.clone()),
        }
    }
}

/// An entry as `register` makes it. It has been proven to run before anybody
/// sees it, so where its emulator lies does not matter.
fn registered(name: String, arch: &Arch) -> Entry {
    Entry {
        name,
        enabled: true,
        interpreter: PathBuf::new(),
        flags: Flags::all(),
        matching: Matching::Magic(arch.pattern()),
        mark: Mark::OursOtherLayout(0),
        unknown_lines: Vec::new(),
    }
}

impl Files for Changed<'_> {
    fn open(&self, path: &Path) -> Result<Program, Cannot> {
        let has = |fix: Fix| self.files.contains(&fix);
        let mut program = match self.place.open(path) {
            Err(Cannot::Execute(Errno::ACCESS)) if has(Fix::Executable(path.to_owned())) => {
                self.place.look(path)?
            }
            other => other?,
        };
        if has(Fix::LineEnds(path.to_owned()))
            && let Some(at) = program.head.windows(2).position(|w| w == b"\r\n")
        {
            program.head.remove(at);
        }
        Ok(program)
    }

    fn pinned(&self, entry: &Entry) -> Option<Program> {
        self.place.pinned(entry)
    }
}
