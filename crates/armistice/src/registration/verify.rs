//! What is registered, proven now: a test program of each architecture is run through the
//! kernel. Changes nothing.

use anyhow::{Context, Result, anyhow, bail};
use armistice_arch::{ARCHES, Arch};
use armistice_binfmt::{BinfmtError, Entry, Flags, Snapshot, lookup, replay};

use crate::native;
use crate::proving::{self, Wish};
use crate::registration::report::{HandlerLine, Report};
use crate::remedy::{self, registering};
use crate::select::Wanted;

/// Proves each architecture meant: those named, or those that have a handler.
///
/// # Errors
/// Where there is nothing to prove, or a named one has no handler.
pub(crate) fn seen(wanted: &Wanted, live: &Snapshot) -> Result<Report> {
    let handled: Vec<(&'static Arch, &Entry)> = ARCHES
        .iter()
        .filter(|a| wanted.includes(a))
        .filter_map(|a| Some((a, replay::winner(live, &a.sample_header(2, 0), "")?)))
        .collect();
    if let Wanted::These(arches) = wanted
        && let Some(missing) = arches
            .iter()
            .find(|a| handled.iter().all(|(h, _)| h.name != a.name))
    {
        let name = missing.display_name();
        if native::is_native(missing) {
            bail!("this machine runs {name} programs by itself: there is no handler to verify");
        }
        bail!(
            "no enabled handler takes programs of {name}; {}",
            registering(name)
        );
    }
    if handled.is_empty() {
        bail!(
            "no handler of any architecture is registered; {}",
            registering("")
        );
    }
    if !live.enabled {
        bail!(BinfmtError::SwitchedOff);
    }
    let proofs = proving::all(handled.iter().map(|(arch, entry)| Wish {
        arch,
        flags: &entry.flags,
        trial: false,
    }));
    let handlers = handled.iter().zip(proofs);
    Ok(Report {
        schema: 1,
        emulators: Vec::new(),
        handlers: handlers
            .map(|((arch, entry), proof)| HandlerLine::of_entry(entry, arch.display_name(), proof))
            .collect(),
    })
}

/// The same where the table is out of sight: exec is asked which architectures it
/// has handlers for. What their flags promise is not known.
///
/// # Errors
/// As [`seen`].
pub(crate) fn out_of_sight(wanted: &Wanted, error: BinfmtError) -> Result<Report> {
    let mut handled = lookup::handled();
    if let Wanted::These(arches) = wanted
        && let Some(missing) = arches.iter().find(|a| !handled.contains(a))
    {
        let name = missing.display_name();
        if native::is_native(missing) {
            bail!("this machine runs {name} programs by itself: there is no handler to verify");
        }
        let missing = format!("no handler takes programs of {name} here");
        if remedy::is_to_register(&error) {
            bail!("{missing}: {:#}; {}", anyhow!(error), registering(name));
        }
        return Err(error).context(missing);
    }
    handled.retain(|arch| wanted.includes(arch));
    if handled.is_empty() {
        return Err(error).context("no handler takes programs of any architecture here");
    }
    let flags = Flags {
        fix_binary: true,
        ..Flags::default()
    };
    let proofs = proving::all(handled.iter().map(|arch| Wish {
        arch,
        flags: &flags,
        trial: false,
    }));
    Ok(Report {
        schema: 1,
        emulators: Vec::new(),
        handlers: handled
            .iter()
            .zip(proofs)
            .map(|(arch, proof)| HandlerLine::out_of_sight(arch.display_name(), proof))
            .collect(),
    })
}
