//! What makes an image's programs run: an emulator for its architecture, in a table
//! of the container's own.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use armistice_arch::{Arch, Platform};
use armistice_binfmt::{Snapshot, Table, replay};
use armistice_container::run::{Handlers, read_only_copy};

use crate::cli::{Emulators, FlagSwitches, Force, Names};
use crate::native;
use crate::output::Output;
use crate::own;
use crate::request::{self, Request};
use crate::verbs::register;

/// An emulator for an architecture.
pub(crate) struct Foreign {
    arch: &'static Arch,
    /// Where none was found, why.
    request: Result<Request>,
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
        let empty = Snapshot {
            enabled: true,
            entries: Vec::new(),
        };
        let all = FlagSwitches {
            no_fix_binary: false,
            no_preserve_argv0: false,
            no_open_binary: false,
            no_credentials: false,
        };
        let request = request::make(&names, emulators, all, &Force::default(), &empty, output);
        Ok(Some(Foreign {
            arch,
            request,
            output,
        }))
    }

    fn register(&self, path: &Path) -> Result<()> {
        let request = self.request.as_ref().map_err(|e| anyhow!("{e:#}"))?;
        let table =
            Table::at(path).with_context(|| format!("no binfmt_misc at {}", path.display()))?;
        let table = own::lock(&table, self.output)?;
        for mut registration in request.provisional()? {
            // Nobody inside writes to the emulator through a process's /proc/PID/exe.
            let copy: OwnedFd = read_only_copy(&registration.interpreter)
                .map_err(std::io::Error::from)
                .with_context(|| format!("cannot show {}", registration.interpreter.display()))?;
            registration.interpreter = PathBuf::from(format!("/proc/self/fd/{}", copy.as_raw_fd()));
            table.register(&registration)?;
        }
        Ok(())
    }
}

impl Handlers for Foreign {
    fn fill(&self, table: &Path) -> Result<(), String> {
        self.register(table).map_err(|error| format!("{error:#}"))
    }

    fn are_outside(&self) -> bool {
        let header = self.arch.sample_header(2, 0);
        register::look()
            .is_ok_and(|live| live.enabled && replay::winner(&live, &header, "").is_some())
    }
}

/// The start of a program.
pub(super) fn head(path: &Path) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)
        .ok()?
        .take(64)
        .read_to_end(&mut head)
        .ok()?;
    Some(head)
}
