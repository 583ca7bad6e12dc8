//! `unregister`: remove what Armistice registered, and nothing else unless told.
//!
//! With its removal, an entry that was behind Armistice's takes the programs again.

use anyhow::{Context, Result, bail};
use armistice_arch::{ARCHES, Arch};
use armistice_binfmt::{Entry, Snapshot};

use crate::cli::Unregister;
use crate::outcome::Outcome;
use crate::output::{Output, shown};
use crate::own;
use crate::registration::{chosen, live, persist};
use crate::remedy::{Words, on_the_machine};
use crate::rootless::{self, Joined, choice};
use crate::select::Wanted;

pub(crate) fn run(args: &Unregister, output: Output) -> Result<Outcome> {
    let wanted = Wanted::read(&args.names.names)?;
    if args.only_persist
        && let Some(engine) = args.about.whose.and_then(choice::engine_of)
    {
        // The unit is the user's, whether or not the engine runs.
        rootless::unit::remove(engine, output)?;
        return Ok(Outcome::Done);
    }
    let joined = enter(args, output)?;
    if args.only_persist {
        undo(joined, &wanted, output)?;
        return Ok(Outcome::Done);
    }
    let live = match joined {
        Some(_) => live::look_at_private()?,
        None => live::look_to_change()?,
    };
    let going = choose(&live, &wanted, args.others)?;
    if args.dry_run {
        going
            .iter()
            .for_each(|e| output.data(format!("would remove {}", shown(&e.name))));
        if going.is_empty() {
            output.note(format!(
                "{}: nothing would be removed.",
                nothing_there(&wanted)
            ));
        }
        return Ok(Outcome::Done);
    }
    let nothing = going.is_empty();
    if !nothing {
        // Only where something is to go: opening the table for writing may mount it.
        remove(args, joined, &wanted, output)?;
    }
    if !matches!(wanted, Wanted::These(_)) {
        chosen::forget(output)?;
    }
    say_persisted(args, joined, &wanted, output)?;
    if nothing {
        output.note(format!(
            "{}: the table is as it was.",
            nothing_there(&wanted)
        ));
    }
    Ok(Outcome::Done)
}

/// Removes the entries that are meant, and says who runs their programs now.
fn remove(
    args: &Unregister,
    joined: Option<Joined>,
    wanted: &Wanted,
    output: Output,
) -> Result<()> {
    let table = live::writable()?;
    let table = own::lock(&table, output)?;
    // As it is now that nobody else changes it.
    let live = table.snapshot()?;
    let going = choose(&live, wanted, args.others)?;
    for entry in &going {
        table.remove(&entry.name)?;
        output.report(format!("Removed {}", shown(&entry.name)));
    }
    say_what_runs_now(&going, &table.snapshot()?, output);
    if let Some(joined) = joined {
        output.note(format!(
            "It keeps its own table without them, which hides the machine's. That ends {}.",
            joined.ends_with()
        ));
    }
    Ok(())
}

/// That there is nothing to remove.
fn nothing_there(wanted: &Wanted) -> String {
    match wanted {
        Wanted::These(arches) => {
            let names: Vec<&str> = arches.iter().map(|a| a.display_name()).collect();
            format!(
                "Nothing of Armistice's was registered for {}",
                names.join(", ")
            )
        }
        Wanted::All | Wanted::Default => "Nothing of Armistice's was registered".to_owned(),
    }
}

/// Joins the engine that is meant. Where it does not run, its table is gone, and what was
/// persisted stays: that says what undoes it.
fn enter(args: &Unregister, output: Output) -> Result<Option<Joined>> {
    let whose = args.about.whose;
    let joined = rootless::enter_for(whose, rootless::to_change(args.dry_run), output);
    match whose.and_then(choice::engine_of) {
        Some(engine) if rootless::unit::is_there(engine) => joined.with_context(|| {
            format!(
                "cannot change its table (what was persisted is undone all the same by: armistice unregister \
                 --only-persist --for {})",
                engine.name()
            )
        }),
        _ => joined,
    }
}

/// Undoes `register --persist`.
fn undo(joined: Option<Joined>, wanted: &Wanted, output: Output) -> Result<()> {
    match joined {
        // One unit is for all architectures.
        Some(joined) => rootless::unit::remove(joined.engine, output),
        None => persist::undo(wanted, output),
    }
}

/// Undoes it where that was asked for, or tells of it.
fn say_persisted(
    args: &Unregister,
    joined: Option<Joined>,
    wanted: &Wanted,
    output: Output,
) -> Result<()> {
    if args.persist {
        undo(joined, wanted, output)?;
    } else if let Some(joined) = joined {
        if rootless::unit::is_there(joined.engine) {
            output.note(format!(
                "Your systemd's guard, if it is enabled, puts it back; undo that with: {}",
                joined.command("unregister", "--persist")
            ));
        }
    } else if persist::is_persisted(wanted) {
        output.note(format!(
            "It comes back at the next boot: it was registered with --persist; undo that with: {}",
            Words::here().verb("unregister", "--persist")
        ));
    }
    Ok(())
}

/// The entries that go: ours among those meant; somebody else's only if told.
fn choose<'s>(live: &'s Snapshot, wanted: &Wanted, others_too: bool) -> Result<Vec<&'s Entry>> {
    let mut going = Vec::new();
    for arch in ARCHES.iter().filter(|a| wanted.includes(a)) {
        let ours = live.entries.iter().filter(|e| own::is_for(e, arch));
        let before = going.len();
        going.extend(ours);
        let foreign: Vec<&Entry> = live.entries.iter().filter(|e| is_others(e, arch)).collect();
        match foreign.first() {
            Some(_) if others_too => going.extend(foreign),
            // Named by the user, but not ours: not to be passed over in silence.
            Some(entry) if going.len() == before && matches!(wanted, Wanted::These(_)) => bail!(
                "{} is somebody else's, and Armistice removes only what it registered; it goes with the package or \
                 the program that brought it, or with: {}",
                own::described(entry),
                Words::here().verb("unregister", &format!("--others {}", arch.display_name()))
            ),
            _ => {}
        }
    }
    Ok(going)
}

/// Whether an entry is somebody else's for this architecture: it has the usual
/// name, or another and takes these programs first of all.
fn is_others(entry: &Entry, arch: &Arch) -> bool {
    let called = entry.name == arch.entry_name();
    !entry.mark.is_ours() && (called || own::arch_of(entry).is_some_and(|a| a.name == arch.name))
}

/// For each architecture whose entry went: who runs it now, or will again.
fn say_what_runs_now(gone: &[&Entry], live: &Snapshot, output: Output) {
    let went = |arch: &&Arch| gone.iter().any(|entry| own::is_for(entry, arch));
    let mut later = Vec::new();
    // What is registered for the machine at a boot does not reach an engine's own table.
    let others = match rootless::joined() {
        Some(_) => Vec::new(),
        None => persist::names_of_others(),
    };
    for arch in ARCHES.iter().filter(went) {
        let name = arch.entry_name();
        if let Some(entry) = own::behind(live, arch) {
            output.note(format!(
                "{} is run by {} again, which is somebody else's",
                arch.display_name(),
                own::described(entry)
            ));
        } else if live.get(&name).is_none() && others.contains(&name) {
            later.push(name);
        }
    }
    if !later.is_empty() {
        output.note(format!(
            "Other packages' files in binfmt.d register {} at the next boot; to have that now, {}",
            later.join(", "),
            on_the_machine("systemctl restart systemd-binfmt")
        ));
    }
}
