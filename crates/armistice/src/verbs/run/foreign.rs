//! What makes an image's programs run: an emulator for its architecture, in a table
//! of the container's own. Where there can be none, Armistice's engine needs none: it
//! executes programs of its architecture by itself.

use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use armistice_arch::{Arch, ElfHeader, Platform};
use armistice_binfmt::{Registration, Snapshot, Table, replay};
use armistice_container::run::{Handlers, Start, Starter, read_only_copy};
use armistice_emulators::Maker;
use armistice_emulators::search::{has_own, own_name};

use crate::cli::{Emulators, FlagSwitches, Force, Names};
use crate::native;
use crate::outcome::in_full;
use crate::output::Output;
use crate::own;
use crate::registration::live::{self, Live};
use crate::registration::request::{self, Request};
use crate::select;

/// An emulator for an architecture, and those for others that are here, too: a container
/// for arm64 runs armhf's programs as a machine does where both are registered.
pub(crate) struct Foreign {
    arch: &'static Arch,
    /// Where none was found, why.
    request: Result<Request>,
    others: Request,
    output: Output,
}

impl Foreign {
    /// For a platform; `None` where the machine runs it by itself.
    ///
    /// # Errors
    /// Where it has no architecture that is known.
    pub(crate) fn of(
        platform: &Platform,
        emulators: &Emulators,
        output: Output,
    ) -> Result<Option<Foreign>> {
        let arch = platform.arch().with_context(|| {
            format!("nothing is known of {platform}, so its programs cannot be run")
        })?;
        if native::is_native(arch) {
            return Ok(None);
        }
        let names = Names {
            names: vec![arch.name.to_owned()],
        };
        let empty = Snapshot::empty();
        let all = FlagSwitches::default();
        let request = request::make(&names, emulators, all, &Force::default(), &empty, output);
        let search = request::search(emulators);
        let others = select::foreign().filter(|other| other.name != arch.name);
        let others = others.filter_map(|other| Some((other, search.find(other).ok()?.emulator)));
        Ok(Some(Foreign {
            arch,
            request,
            others: Request::new(others.collect(), request::flags(all)),
            output,
        }))
    }

    /// The emulator that was found; else why there is none, and what helps.
    fn request(&self) -> Result<&Request> {
        // Words, as each caller is asked for words: the error's types end here.
        self.request
            .as_ref()
            .map_err(|error| anyhow!("{}", in_full(error)))
    }

    fn register(&self, path: &Path) -> Result<()> {
        let request = self.request()?;
        let table =
            Table::at(path).with_context(|| format!("no binfmt_misc at {}", path.display()))?;
        let table = own::lock(&table, self.output)?;
        let register = |mut registration: Registration| {
            let copy = shown(&registration.interpreter)?;
            registration.interpreter = PathBuf::from(format!("/proc/self/fd/{}", copy.as_raw_fd()));
            anyhow::Ok(table.register(&registration)?)
        };
        request.provisional()?.into_iter().try_for_each(register)?;
        // Nobody has asked for these.
        for registration in self.others.provisional()? {
            let name = registration.name.clone();
            if let Err(error) = register(registration) {
                self.output
                    .detail(format!("Without {name} in the container: {error:#}"));
            }
        }
        Ok(())
    }
}

/// The emulator's file as those inside have it: nobody writes to it through a process's
/// /proc/PID/exe.
fn shown(emulator: &Path) -> Result<OwnedFd> {
    read_only_copy(emulator).with_context(|| format!("cannot show {}", emulator.display()))
}

/// How an architecture's engine is called for a program. Its command line is read in
/// `crates/engine/src/cli/`; `--help` leaves out `--execfn`, which names the script that was
/// executed. The options end before the program, whose name may look like one.
fn engines_arguments(arch: &str, start: &Start) -> Vec<CString> {
    let name = Arch::by_name(arch).map(own_name).unwrap_or_default();
    let mut words = vec![
        CString::new(name).unwrap_or_default(),
        c"--execfn".to_owned(),
        start.executed.clone(),
        c"--argv0".to_owned(),
        start.arguments.first().cloned().unwrap_or_default(),
        c"--".to_owned(),
        start.program.clone(),
    ];
    words.extend(start.arguments.iter().skip(1).cloned());
    words
}

/// An architecture's engine, which executes programs by itself.
pub(crate) fn by_engine(file: OwnedFd, arch: &str) -> Starter {
    Starter {
        file,
        of: arch.to_owned(),
        takes: is_engines,
        arguments: engines_arguments,
    }
}

/// Whether a program is for an architecture's engine.
fn is_engines(arch: &str, head: &[u8]) -> bool {
    let of = ElfHeader::parse(head).ok().and_then(|h| Arch::of_elf(&h));
    of.is_some_and(|of| of.name == arch)
}

impl Handlers for Foreign {
    fn fill(&self, table: &Path) -> Result<(), String> {
        self.register(table).map_err(|error| in_full(&error))
    }

    fn are_outside(&self) -> bool {
        let header = self.arch.sample_header(2, 0);
        // An emulator that is opened only when a program starts is not in the container.
        let serves = |live: &Snapshot| {
            let winner = replay::winner(live, &header, "");
            winner.is_some_and(|entry| entry.flags.fix_binary)
        };
        live::look()
            .map(Live::or_nothing)
            .is_ok_and(|live| live.enabled && serves(&live))
    }

    fn without_table(&self, why: &str) -> Result<Starter, String> {
        let starter = || {
            let request = self.request()?;
            let (arch, engine) = request
                .paths()
                .find(|(arch, path)| has_own(arch) && Maker::of(path) == Maker::Armistice)
                .with_context(|| {
                    format!("{why}. Without a table only Armistice's own engines run programs: arm64's and 32-bit Arm's")
                })?;
            anyhow::Ok(by_engine(shown(engine)?, arch.name))
        };
        let starter = starter().map_err(|error| in_full(&error))?;
        self.output
            .detail(format!("The engine executes programs by itself: {why}"));
        Ok(starter)
    }
}
