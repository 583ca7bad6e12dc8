//! A request applied: entries are registered beside what is there, proven, and then
//! committed or taken back. With `--persist` the files for the next boots change with the
//! table: both or neither.

use std::path::Path;

use anyhow::{Context, Result, bail};
use armistice_binfmt::{
    Action, BinfmtError, KernelVersion, Locked, Registration, Rules, Table, Transaction, plan,
    replay,
};
use armistice_emulators::Emulator;

use crate::output::{Output, shown};
use crate::own;
use crate::proving::{self, Wish};
use crate::registration::persist::{Installed, Original};
use crate::registration::plan::{action_text, persisted};
use crate::registration::report::{EmulatorLine, HandlerLine, Report};
use crate::registration::request::{Item, Request};

/// Applies a request as one transaction: proven before anything old goes, and
/// taken back whole where one part cannot be proven.
///
/// # Errors
/// Where the plan is refused, the kernel refuses, or a proof cannot be run.
pub(crate) fn apply(
    table: &Locked<'_>,
    request: &Request,
    rules: &Rules,
    output: Output,
) -> Result<Report> {
    let live = table.snapshot()?;
    if !live.enabled {
        bail!(BinfmtError::SwitchedOff);
    }
    let kernel = KernelVersion::running();
    let changes = plan(&live, request.provisional()?, rules, kernel)?;
    let transaction = Transaction::begin(table, &live, &changes)?;
    // Reading the emulators whole and running the test programs side by side.
    let proofs = std::thread::scope(|scope| {
        // Where no further thread may be had, they are read below.
        let _ = std::thread::Builder::new().spawn_scoped(scope, || request.items().is_ok());
        let wanted = request.arches().iter().zip(&changes);
        proving::all(wanted.map(|(arch, change)| Wish {
            arch,
            flags: request.flags(),
            // What is kept has no handler on trial.
            trial: change.action != Action::Keep,
        }))
    });
    let items = request.items()?;
    let finals: Vec<_> = items
        .iter()
        .zip(&changes)
        .map(|(item, change)| item.registration.named(&change.wanted.name))
        .collect();
    let lines = finals.iter().zip(items).zip(&changes).zip(proofs).map(
        |(((wanted, item), change), proof)| {
            let action = action_text(change, item.arch, &live);
            HandlerLine::new(wanted, item.arch.display_name(), action, proof)
        },
    );
    let report = Report {
        schema: 1,
        emulators: emulators(items),
        handlers: lines.collect(),
    };
    if report.all_proven() {
        transaction.commit(&finals)?;
        check_in_effect(table, items, &finals)?;
        request.remember(output);
    } else {
        transaction.rollback()?;
        output.detail("Taken back: the table is what it was.");
    }
    Ok(report)
}

/// What was registered and proven, and is not in effect all the same.
#[derive(Debug)]
pub(crate) struct Overtaken(String);

impl std::fmt::Display for Overtaken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Overtaken {}

/// What was proven on trial takes all programs now, unless somebody who takes
/// no lock came in between.
fn check_in_effect(table: &Table, items: &[Item], finals: &[Registration]) -> Result<()> {
    let live = table.snapshot()?;
    for (item, wanted) in items.iter().zip(finals) {
        let head = item.arch.sample_header(2, 0);
        match replay::winner(&live, &head, "") {
            Some(entry) if entry.name == wanted.name => {}
            Some(entry) => bail!(Overtaken(format!(
                "{} was registered and proven, but somebody has put {} before it meanwhile; run this again, \
                 or let `armistice guard` keep it in front",
                shown(&wanted.name),
                own::described(entry)
            ))),
            None => bail!(Overtaken(format!(
                "{} was registered and proven, but somebody has removed it meanwhile; run this again, \
                 or let `armistice guard` put it back",
                shown(&wanted.name)
            ))),
        }
    }
    Ok(())
}

/// [`apply`], with emulators copied to stay and the rules for the next boot. Files and
/// table change together or not at all.
pub(crate) fn apply_and_persist(
    table: &Locked<'_>,
    request: &Request,
    replace: bool,
    output: Output,
) -> Result<Report> {
    // What would be refused anyway is refused before files are written.
    let rules = persisted(replace);
    let live = table.snapshot()?;
    let changes = plan(
        &live,
        request.provisional()?,
        &rules,
        KernelVersion::running(),
    )?;
    let mut installed = Installed::new()?;
    let originals = request.items()?;
    // For the next run, which compares by it whether they are to be copied again.
    request.remember(output);
    let emulators: Vec<Original<'_>> = originals
        .iter()
        .map(|item| Original {
            path: &item.emulator.path,
            arch: item.arch.name,
            size: item.emulator.size,
            sha256: &item.emulator.sha256,
        })
        .collect();
    let mut copies = Vec::new();
    for (arch, copy) in request
        .arches()
        .iter()
        .zip(installed.copy_emulators(&emulators)?)
    {
        copies.push((*arch, Emulator::open(&copy)?));
    }
    let copied = Request::new(copies, request.flags().clone());
    let lines: Vec<_> = copied
        .items()?
        .iter()
        .zip(changes)
        .map(|(item, change)| item.registration.named(&change.wanted.name))
        .collect();
    installed.write_rules(&lines)?;
    let report = apply(table, &copied, &rules, output)?;
    if report.all_proven() {
        // All is in effect already; the next run tries again.
        if let Err(error) = installed.keep() {
            output.note(format!("{error:#}"));
        }
    }
    Ok(report)
}

/// Registers and proves in a new table that is nobody else's. Those that do not work
/// come back, and why is said.
///
/// # Errors
/// Where the table does not take an entry.
pub(crate) fn prove_in(
    path: &Path,
    request: &Request,
    output: Output,
) -> Result<Vec<&'static str>> {
    let table = Table::at(path).with_context(|| format!("no binfmt_misc at {}", path.display()))?;
    let table = own::lock(&table, output)?;
    for registration in request.provisional()? {
        table.register(&registration)?;
    }
    let proofs = proving::all(request.arches().iter().map(|arch| Wish {
        arch,
        flags: request.flags(),
        trial: false,
    }));
    let mut failed = Vec::new();
    for (arch, proof) in request.arches().iter().zip(proofs) {
        if !proof.proven {
            output.error(format!("{}: {}", arch.display_name(), proof.text));
            failed.push(arch.display_name());
        }
    }
    Ok(failed)
}

/// Each emulator once, in the order of the items.
fn emulators(items: &[Item]) -> Vec<EmulatorLine> {
    let mut lines: Vec<EmulatorLine> = Vec::new();
    for item in items {
        if lines.iter().all(|l| l.path != item.emulator.path) {
            lines.push(item.emulator.clone());
        }
    }
    lines
}
