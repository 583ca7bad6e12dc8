//! `register`: plan, apply beside what is there, prove, then commit or take back.

use anyhow::{Result, bail};
use armistice_arch::Arch;
use armistice_binfmt::situation::{self, How, Opened, Scope};
use armistice_binfmt::{
    Action, BinfmtError, Change, KernelVersion, Locked, Reason, Registration, Rules, STANDARD_PATH,
    Snapshot, Table, Transaction, plan, replay,
};

use armistice_emulators::Emulator;

use crate::cli::{Format, Register};
use crate::outcome::Outcome;
use crate::output::{Output, shown};
use crate::own;
use crate::proving::{self, Wish};
use crate::registration::persist::{self, Installed, Original};
use crate::registration::report::{HandlerLine, Report};
use crate::registration::request::{self, Item, Request};
use crate::select::Wanted;
use crate::verbs::dry_run;

pub(crate) fn run(args: &Register, output: Output) -> Result<Outcome> {
    if args.persist {
        persist::check_possible()?;
    }
    if args.dry_run {
        return dry_run::run(args, output);
    }
    // All that can be wrong with what was typed or installed is found before
    // anything is touched: opening the table for writing may mount it.
    let request = make_request(args, &look()?, output)?;
    if request.arches().is_empty() {
        output
            .note("Nothing to register: all that an emulator is installed for runs here already.");
        if args.output == Format::Json {
            let nothing = Report {
                schema: 1,
                ..Report::default()
            };
            nothing.answer(output)?;
        }
        return Ok(Outcome::Done);
    }
    let opened = situation::open_for_writing()?;
    say_how(&opened, output);
    let table = opened.table;
    say_flags(&request, output);
    let table = own::lock(&table, output)?;
    let report = if args.persist {
        apply_and_persist(&table, &request, args.replace, output)?
    } else {
        apply(&table, &request, &rules(args.replace), output)?
    };
    match args.output {
        Format::Json => report.answer(output)?,
        Format::Name => report.handlers.iter().for_each(|h| output.data(&h.name)),
        Format::Table => report.print(output),
    }
    if report.all_proven() {
        Ok(Outcome::Done)
    } else {
        unproven(&report)
    }
}

pub(crate) fn make_request(args: &Register, live: &Snapshot, output: Output) -> Result<Request> {
    let wanted = Wanted::read(&args.names.names)?;
    request::check_native(&wanted, &args.force, output)?;
    let mut search = request::search(&args.emulators);
    if args.persist {
        // Persisting takes from the distribution, not from its own copies.
        search
            .dirs
            .retain(|d| d.path != std::path::Path::new(persist::COPIES));
    }
    request::make_with(&wanted, &search, &request::flags(args.flags), live, output)
}

/// The table as it is; empty where none is in sight.
pub(crate) fn look() -> Result<Snapshot> {
    match situation::open_for_reading() {
        Ok(table) => Ok(table.snapshot()?),
        Err(error) if error.is_no_view() => Ok(Snapshot {
            enabled: true,
            entries: Vec::new(),
        }),
        Err(error) => Err(error.into()),
    }
}

/// How entries of somebody else's are dealt with.
pub(crate) fn rules(replace_foreign: bool) -> Rules {
    Rules {
        replace_foreign,
        reserved: Vec::new(),
    }
}

/// The same for what stays over reboots, beside what others have there.
pub(crate) fn persisted(replace_foreign: bool) -> Rules {
    Rules {
        replace_foreign,
        reserved: persist::names_of_others(),
    }
}

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

/// The same, from copies that stay, with the rules for the next boot. Files
/// and table change together or not at all.
fn apply_and_persist(
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
    let mut installed = Installed::default();
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
        installed.keep();
    }
    Ok(report)
}

/// Each emulator once, in the order of the items.
fn emulators(items: &[Item]) -> Vec<crate::registration::report::EmulatorLine> {
    let mut lines: Vec<crate::registration::report::EmulatorLine> = Vec::new();
    for item in items {
        if lines.iter().all(|l| l.path != item.emulator.path) {
            lines.push(item.emulator.clone());
        }
    }
    lines
}

pub(crate) fn action_text(change: &Change, arch: &Arch, live: &Snapshot) -> String {
    let done = match &change.action {
        Action::Keep => "kept".to_owned(),
        Action::Add => "added".to_owned(),
        // Which one it was: with another engine, the flags and the pattern are the same.
        Action::Replace {
            old,
            why: Reason::Interpreter,
        } => format!(
            "replaced: its interpreter was {}",
            shown(&old.interpreter.to_string_lossy())
        ),
        Action::Replace { why, .. } => format!("replaced: {why}"),
    };
    match own::behind(live, arch) {
        // Removed, or kept as it is.
        Some(other) if other.name == change.wanted.name => done,
        Some(other) => format!(
            "{done}, before {}, which takes over again after: armistice unregister {}",
            own::described(other),
            arch.display_name()
        ),
        None => done,
    }
}

/// For the ends that need no words beyond the report's own.
fn unproven(report: &Report) -> Result<Outcome> {
    let names: Vec<&str> = report
        .handlers
        .iter()
        .filter(|h| !h.proof.proven)
        .map(|h| h.name.as_str())
        .collect();
    bail!(
        "not proven to work: {}; nothing was changed, the table is what it was",
        names.join(", ")
    )
}

/// Says where a table was found, where that is not the usual place, and who else
/// uses it.
pub(crate) fn say_how(opened: &Opened, output: Output) {
    match opened.how {
        How::Mounted => output.detail("binfmt_misc is mounted here."),
        How::HeldElsewhere => output.detail("binfmt_misc is mounted on the host, out of sight from here."),
        How::MountedHere => output.note(format!("Mounted binfmt_misc at {STANDARD_PATH}.")),
        How::MountedOnHost => output.note(format!(
            "Mounted binfmt_misc on the host, at {STANDARD_PATH}: nothing there held it, and the registrations would \
             have been lost with this container."
        )),
    }
    if let Some(at) = &opened.bystander {
        output.note(format!(
            "The binfmt_misc at {} is another user namespace's table, in which exec does not look from here; it stays \
             as it is.",
            at.display()
        ));
    }
    match opened.scope {
        Scope::Initial => {}
        Scope::Private => output.note(
            "This table is private to this user namespace: programs outside of it do not see what is registered in it, \
             and it ends with the namespace.",
        ),
        Scope::Inherited => output.note(
            "This table is that of an outer user namespace (the machine's, or an outer container's), as this one has \
             none of its own: what is registered in it holds for all programs there, too.",
        ),
        Scope::Unclear => output.note(
            "This table is this user namespace's own or that of an outer one, which only CAP_SYS_ADMIN would show: what \
             is registered in it may hold for programs outside, too.",
        ),
    }
}

/// Says aloud what C means.
fn say_flags(request: &Request, output: Output) {
    if request.flags().credentials {
        output.note(
            "Flag C: set-user-ID programs (sudo, su) get their owner's rights, with the emulator in between; \
             to leave it out: --no-credentials",
        );
    }
}
