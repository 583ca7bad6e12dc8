//! An engine's own table: found, or made where its namespace has none.
//!
//! The first mount hides the tables of outer namespaces from the engine for as long as
//! the namespace lives. So it is made only when
//! 1. the outer table does not run all that is wanted already;
//! 2. the emulators are proven to run, in a namespace of their own that ends;
//! 3. what the outer table runs can be carried over, or is what is wanted.
//!
//! What is carried over are copies, in the same order: what is registered for the
//! machine later is not seen by the engine.

use std::fs::File;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use armistice_arch::Arch;
use armistice_binfmt::situation::{self, Scope, Situation};
use armistice_binfmt::{Action, KernelVersion, Rules, Snapshot, Table, lookup, plan};
use armistice_container::rootless::{Child, give_table};
use armistice_container::{Options, enter_private};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::Joined;
use crate::outcome::in_full;
use crate::output::{Output, shown};
use crate::own;
use crate::registration::apply::prove_in;
use crate::registration::live::{self, Live};
use crate::registration::request::Request;

/// How long another run may take to make the table.
const LIMIT: Duration = Duration::from_secs(60);

/// What an engine's programs are run by.
pub(crate) enum Found {
    /// A table of its own.
    Own(Table),
    /// An outer table, which runs all that is wanted as it is wanted.
    Outer(Snapshot),
}

/// The table for a request, in the namespace that this process has joined.
///
/// # Errors
/// Where what is wanted does not run, or an outer table would be hidden that runs
/// more than can be carried over. Then nothing is mounted.
pub(crate) fn open(
    joined: Joined,
    request: &Request,
    replace: bool,
    output: Output,
) -> Result<Found> {
    if is_own(&situation::look()) {
        return Ok(Found::Own(live::writable()?));
    }
    if let Some(live) = outer_that_does(request)? {
        return Ok(Found::Outer(live));
    }
    prove_aside(request, output)?;
    let _lock = lock()?;
    let situation = situation::look();
    if !is_own(&situation) {
        make(joined, request, situation, replace, output)?;
    }
    Ok(Found::Own(live::writable()?))
}

fn is_own(situation: &Situation) -> bool {
    situation.scope == Scope::Private && situation.table.is_ok()
}

/// Says what a real run would do beside writing entries.
pub(crate) fn say_planned(joined: Joined, output: Output) {
    if !is_own(&situation::look()) {
        output.note(format!(
            "Before that, a binfmt_misc would be mounted for {}, which would hide the machine's from it, with copies of the \
             other entries that are enabled there.",
            joined.named()
        ));
    }
}

/// An outer table that has all that is wanted, as it is wanted.
fn outer_that_does(request: &Request) -> Result<Option<Snapshot>> {
    let Live::Seen(live) = live::look()? else {
        return Ok(None);
    };
    let rules = Rules::default();
    let kept = plan(
        &live,
        request.provisional()?,
        &rules,
        KernelVersion::running(),
    )
    .is_ok_and(|changes| changes.iter().all(|c| c.action == Action::Keep));
    Ok((live.enabled && kept).then_some(live))
}

/// Runs the test programs in a namespace that ends with it, so that nothing is
/// mounted for what would not run.
fn prove_aside(request: &Request, output: Output) -> Result<()> {
    let options = Options {
        map_root: true,
        ..Options::default()
    };
    let try_it = || match enter_private(&options, |path| prove_in(path, request, output)) {
        Ok(entered) if entered.setup.is_empty() => 0,
        Ok(_) => 1,
        Err(error) => {
            output.error(shown(&in_full(&error.into())));
            1
        }
    };
    match Child::start(try_it)?.wait() {
        Some(0) => Ok(()),
        _ => bail!("not proven to work, as said above; nothing was changed, and nothing mounted"),
    }
}

/// One process at a time makes the table: the lock is on the namespace, which all
/// of them see.
fn lock() -> Result<File> {
    let path = "/proc/self/ns/user";
    let file = File::open(path).with_context(|| format!("cannot open {path}"))?;
    let start = Instant::now();
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::WOULDBLOCK) if start.elapsed() < LIMIT => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(errno) => {
                return Err(errno).context(
                    "another armistice is making the engine's table; nothing was changed",
                );
            }
        }
    }
}

/// Mounts the table and carries over what the outer one runs.
fn make(
    joined: Joined,
    request: &Request,
    situation: Situation,
    replace: bool,
    output: Output,
) -> Result<()> {
    let outer = match live::of(situation.table)? {
        Live::Seen(outer) => Some(outer),
        Live::OutOfSight(_) => None,
    };
    match &outer {
        Some(outer) => {
            check_carried(outer, request, replace)?;
        }
        None => check_unseen(request, replace)?,
    }
    let at = give_table()?;
    let table = Table::at(&at).with_context(|| format!("no binfmt_misc at {}", at.display()))?;
    let carried = match &outer {
        Some(outer) => carry(&table, outer, request, output)?,
        None => Vec::new(),
    };
    output.note(format!(
        "Mounted a binfmt_misc for {}: from now on it does not use the machine's. It ends {}.",
        joined.named(),
        joined.ends_with()
    ));
    if !carried.is_empty() {
        output.note(format!(
            "What the machine's table runs runs there, too, by copies of these entries: {}",
            carried.join(", ")
        ));
    }
    Ok(())
}

/// Whether an entry of the outer table runs something.
fn counts(outer: &Snapshot) -> impl Iterator<Item = &armistice_binfmt::Entry> {
    let all = outer.entries.iter().filter(|e| e.enabled);
    all.filter(|_| outer.enabled)
}

/// Whether an entry takes only programs that are wanted otherwise.
fn is_wanted(entry: &armistice_binfmt::Entry, request: &Request) -> bool {
    own::arch_of(entry).is_some_and(|arch| request.arches().iter().any(|a| a.name == arch.name))
}

/// Refuses before the mount what could not be carried over after it. In a namespace of
/// their own that ends, the entries are made for a try.
fn check_carried(outer: &Snapshot, request: &Request, replace: bool) -> Result<()> {
    if replace || counts(outer).all(|entry| is_wanted(entry, request)) {
        return Ok(());
    }
    let options = Options {
        map_root: true,
        ..Options::default()
    };
    let (mut answer, told) = std::io::pipe().context("cannot make a pipe")?;
    let try_it = || {
        let lost = enter_private(&options, |path| -> Result<Vec<String>> {
            let table = Table::at(path).context("no binfmt_misc")?;
            let locked = table.lock(LIMIT, |_| ())?;
            let others = counts(outer).filter(|e| !is_wanted(e, request));
            let tried = others.map(|entry| (entry, locked.carry(entry)));
            Ok(tried
                .filter_map(|(entry, carried)| {
                    let why = carried.err()?;
                    Some(format!("{}: {why}", own::described(entry)))
                })
                .collect())
        });
        let lost = match lost {
            Ok(entered) => entered.setup,
            Err(error) => vec![in_full(&error.into())],
        };
        let text = lost.join("; ");
        u8::from(std::io::Write::write_all(&mut &told, text.as_bytes()).is_err())
    };
    let child = Child::start(try_it)?;
    drop(told);
    let mut lost = String::new();
    std::io::Read::read_to_string(&mut answer, &mut lost)
        .context("cannot read the child's answer")?;
    match child.wait() {
        Some(0) if lost.is_empty() => Ok(()),
        _ => bail!(
            "a table of its own would hide the machine's from the engine, and this cannot be carried over: {}; \
             nothing was changed. To do without it there: --replace",
            shown(&lost)
        ),
    }
}

/// Refuses where a table that is out of sight runs more than is wanted.
fn check_unseen(request: &Request, replace: bool) -> Result<()> {
    let wanted = |arch: &&'static Arch| request.arches().iter().any(|a| a.name == arch.name);
    let hidden: Vec<&str> = lookup::handled()
        .into_iter()
        .filter(|arch| !wanted(arch))
        .map(Arch::display_name)
        .collect();
    if replace || hidden.is_empty() {
        return Ok(());
    }
    bail!(
        "a table of its own would hide the outer one, which cannot be read from here and runs {}; nothing was changed. \
         Name these, too, or do without them there: --replace",
        hidden.join(", ")
    )
}

/// Makes the outer table's entries here, the oldest first; the names of those made.
/// What can't be made was said to be given up, or is wanted otherwise.
fn carry(
    table: &Table,
    outer: &Snapshot,
    request: &Request,
    output: Output,
) -> Result<Vec<String>> {
    let locked = own::lock(table, output)?;
    let mut entries: Vec<_> = counts(outer).collect();
    entries.reverse();
    let mut carried = Vec::new();
    for entry in entries {
        match locked.carry(entry) {
            Ok(()) => carried.push(shown(&entry.name)),
            Err(error) if is_wanted(entry, request) => {
                output.detail(format!("Not carried over: {}", in_full(&error.into())));
            }
            Err(error) => output.note(format!(
                "Not run there any more: {}",
                in_full(&error.into())
            )),
        }
    }
    Ok(carried)
}

/// Whether the outer table's entries for all of a request's architectures are in
/// effect still.
pub(crate) fn outer_still_does(request: &Request) -> bool {
    outer_that_does(request).is_ok_and(|live| live.is_some())
}
