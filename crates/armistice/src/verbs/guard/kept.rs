//! What `guard` keeps when no architecture is named: what Armistice has registered or persisted
//! here, and nothing more. Where that is nothing, `guard/mod.rs` takes what `register` would take.
//!
//! Each architecture keeps its emulator, so that an entry of QEMU's stays QEMU's. Where
//! the emulator's file is gone, the usual search finds another. Options on the command line win.

use std::path::PathBuf;

use anyhow::{Result, bail};
use armistice_arch::{ARCHES, Arch};
use armistice_binfmt::{Flags, Snapshot};
use armistice_emulators::Emulator;

use crate::cli::{FlagSwitches, Force, Guard, Names};
use crate::output::Output;
use crate::own;
use crate::registration::persist;
use crate::registration::request::{self, Request};
use crate::rootless;

/// One registration that is or was here.
struct Kept {
    arch: &'static Arch,
    interpreter: PathBuf,
    flags: Flags,
}

/// A request for all of them; `None` where there is nothing.
///
/// # Errors
/// Where an emulator is to be had nowhere, or the flags of two differ.
pub(crate) fn request(args: &Guard, live: &Snapshot, output: Output) -> Result<Option<Request>> {
    let kept = all(live)?;
    let Some(first) = kept.first() else {
        return Ok(None);
    };
    let names: Vec<&str> = kept.iter().map(|k| k.arch.display_name()).collect();
    output.note(format!("Keeping what is registered: {}", names.join(", ")));
    let emulators = &args.emulators;
    let chosen = emulators.engine.is_some() || !emulators.dirs.is_empty() || emulators.no_cache;
    if chosen || args.flags != FlagSwitches::default() {
        let names = Names {
            names: kept.iter().map(|k| k.arch.name.to_owned()).collect(),
        };
        // What this machine runs itself was insisted on when it was registered.
        let reason = args.force.force_native.clone();
        let force = Force {
            force_native: reason.or_else(|| Some("it is registered already".to_owned())),
        };
        return request::make(&names, &args.emulators, args.flags, &force, live, output).map(Some);
    }
    if let Some(other) = kept.iter().find(|k| k.flags != first.flags) {
        bail!(
            "{} is registered with flags {}, and {} with flags {}: name what to guard, and which flags to leave out",
            first.arch.display_name(),
            first.flags,
            other.arch.display_name(),
            other.flags
        );
    }
    let search = request::search(&args.emulators);
    let mut found = Vec::new();
    for Kept {
        arch, interpreter, ..
    } in &kept
    {
        let emulator = match Emulator::open(interpreter) {
            Ok(emulator) => emulator,
            Err(_) => search.find(arch)?.emulator,
        };
        found.push((*arch, emulator));
    }
    Ok(Some(Request::new(found, first.flags.clone())))
}

/// Those of the table, then those of the rules for the next boot.
fn all(live: &Snapshot) -> Result<Vec<Kept>> {
    let mut kept: Vec<Kept> = Vec::new();
    // What is persisted for the machine is not meant for an engine's own table.
    let persisted = match rootless::joined() {
        Some(_) => Vec::new(),
        None => persist::rules()?,
    };
    for arch in ARCHES {
        let entry = live.entries.iter().find(|e| own::is_for(e, arch));
        let names = own::names(arch);
        let rule = persisted.iter().find(|rule| names.contains(&rule.name));
        let found = match (entry, rule) {
            (Some(entry), _) => Some((entry.interpreter.clone(), entry.flags.clone())),
            (None, Some(rule)) => Some((rule.interpreter.clone(), rule.flags.clone())),
            (None, None) => None,
        };
        if let Some((interpreter, flags)) = found {
            kept.push(Kept {
                arch,
                interpreter,
                flags,
            });
        }
    }
    Ok(kept)
}
