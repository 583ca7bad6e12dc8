//! `status`: the table as it is, whose it is, and what would really run.
//!
//! Reads only; the emulators are run only where `--probe` asks for it.

use std::path::PathBuf;

use anyhow::Result;
use armistice_arch::Arch;
use armistice_arch::pattern::hex;
use armistice_binfmt::replay::{hidden_by, overlapping, winner};
use armistice_binfmt::situation::{self, Scope, Situation};
use armistice_binfmt::{BinfmtError, Entry, KernelVersion, Matching, Snapshot, Table, lookup};
use serde::Serialize;

use crate::cli::{Format, Status};
use crate::engine::EngineLine;
use crate::judging;
use crate::outcome::{Outcome, in_full};
use crate::output::{BAD, Columns, GOOD, ODD, Output, plain, shown};
use crate::own;
use crate::pinned::{self, Pinned};
use crate::registration::live::{self, Live};
use crate::remedy::Words;
use crate::rootless::choice::Purpose;
use crate::rootless::{self, Joined};
use crate::select::Wanted;

/// The whole answer. `schema` grows when a field changes its meaning or goes.
#[derive(Debug, Serialize)]
struct Answer {
    schema: u32,
    /// The rootless engine whose table it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    rootless: Option<Joined>,
    kernel: String,
    scope: String,
    mounted_at: Option<PathBuf>,
    /// Where another table is mounted, in which exec does not look from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    bystander: Option<PathBuf>,
    enabled: bool,
    handlers: Vec<Handler>,
    /// Platforms for which exec has a handler, found out by asking it, where the
    /// table in which it looks cannot be read from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    out_of_sight: Option<Vec<&'static str>>,
}

/// One entry of the table.
#[derive(Debug, Serialize)]
struct Handler {
    name: String,
    platform: Option<&'static str>,
    enabled: bool,
    owner: &'static str,
    interpreter: PathBuf,
    /// Armistice's own or QEMU, and the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<EngineLine>,
    flags: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    magic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mask: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extension: Option<String>,
    pinned: Pinned,
    /// Why its emulator would not run, though it takes its files.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    /// Whether it takes its files: enabled, and no other before it.
    wins: bool,
    /// The entry before it that takes all of its files, or all usual ones of its
    /// architecture. To overlap is not enough for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden_by: Option<String>,
    overlaps: Vec<Overlap>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<String>,
}

/// Another entry that competes for some of the same files.
#[derive(Debug, Serialize)]
struct Overlap {
    name: String,
    /// It is asked before this one.
    comes_first: bool,
}

pub(crate) fn run(args: &Status, output: Output) -> Result<Outcome> {
    let wanted = Wanted::read(&args.names.names)?;
    let joined = rootless::enter_for(args.about.whose, Purpose::Look, output)?;
    let situation = situation::look();
    let words = Words::of(&situation);
    let Situation {
        scope,
        table,
        bystander,
        ..
    } = situation;
    let mounted_at = table.as_ref().ok().and_then(Table::path).map(PathBuf::from);
    let (live, out_of_sight) = match live::of(table)? {
        Live::Seen(live) => (live, None),
        Live::OutOfSight(error) => {
            let handled = asked(&wanted);
            // Where exec has handlers, the table is mounted somewhere.
            if handled.is_empty() && matches!(error, BinfmtError::NotMounted { .. }) {
                output.note(format!("armistice: {}", in_full(&error.into())));
            }
            let live = Snapshot {
                enabled: !handled.is_empty(),
                entries: Vec::new(),
            };
            (live, Some(handled))
        }
    };
    let answer = Answer {
        schema: 1,
        rootless: joined,
        kernel: KernelVersion::running().to_string(),
        scope: scope.to_string(),
        mounted_at,
        bystander,
        enabled: live.enabled,
        handlers: live
            .entries
            .iter()
            .filter(|e| is_meant(&wanted, e))
            .map(|e| handler(&live, e, args.probe, words))
            .collect(),
        out_of_sight,
    };
    match args.output {
        Format::Json => output.json(&answer)?,
        Format::Name => answer
            .handlers
            .iter()
            .for_each(|h| output.data(shown(&h.name))),
        Format::Table => print(&answer, output),
    }
    Ok(if all_there(&wanted, &answer) {
        Outcome::Done
    } else {
        Outcome::NotWorking
    })
}

/// The platforms meant for which exec has a handler.
fn asked(wanted: &Wanted) -> Vec<&'static str> {
    let handled = lookup::handled().into_iter();
    handled
        .filter(|arch| wanted.includes(arch))
        .map(Arch::display_name)
        .collect()
}

/// Whether every architecture named has a handler that takes its programs, and whose
/// emulator is none that cannot run.
fn all_there(wanted: &Wanted, answer: &Answer) -> bool {
    let Wanted::These(arches) = wanted else {
        return true;
    };
    if let Some(handled) = &answer.out_of_sight {
        return arches.iter().all(|a| handled.contains(&a.display_name()));
    }
    answer.enabled
        && arches.iter().all(|a| {
            answer
                .handlers
                .iter()
                .any(|h| h.wins && h.fault.is_none() && h.platform == Some(a.display_name()))
        })
}

fn is_meant(wanted: &Wanted, entry: &Entry) -> bool {
    match wanted {
        Wanted::Default | Wanted::All => true,
        Wanted::These(_) => own::arch_of(entry).is_some_and(|arch| wanted.includes(arch)),
    }
}

fn handler(live: &Snapshot, entry: &Entry, probe: bool, words: Words) -> Handler {
    let overlaps: Vec<Overlap> = overlapping(live, entry)
        .into_iter()
        .map(|(other, comes_first)| Overlap {
            name: other.name.clone(),
            comes_first,
        })
        .collect();
    let arch = own::arch_of(entry);
    let before = |arch: &'static Arch| winner(live, &arch.sample_header(2, 0), "");
    let hidden_by = hidden_by(live, entry)
        .or_else(|| {
            arch.and_then(before)
                .filter(|other| other.name != entry.name)
        })
        .filter(|_| entry.enabled)
        .map(|other| other.name.clone());
    let wins = entry.enabled && live.enabled && hidden_by.is_none();
    let pinned = match arch {
        Some(arch) if probe && wins => pinned::by_running(entry, arch),
        _ => pinned::by_mark(entry),
    };
    let pattern = entry.pattern();
    Handler {
        name: entry.name.clone(),
        platform: arch.map(Arch::display_name),
        enabled: entry.enabled,
        owner: if entry.mark.is_ours() {
            "armistice"
        } else {
            "other"
        },
        interpreter: entry.interpreter.clone(),
        engine: engine(entry, &pinned),
        flags: entry.flags.to_string(),
        offset: pattern.map(|p| p.offset),
        magic: pattern.map(|p| hex(&p.magic)),
        mask: pattern.map(|p| hex(&p.mask)),
        extension: match &entry.matching {
            Matching::Extension(ending) => Some(ending.clone()),
            Matching::Magic(_) | Matching::Unknown => None,
        },
        pinned,
        fault: judging::fault_of(entry, words),
        wins,
        hidden_by,
        overlaps,
        unknown: entry.unknown_lines.clone(),
    }
}

/// By its mark; by running it, where that was asked for and the mark has none.
fn engine(entry: &Entry, pinned: &Pinned) -> Option<EngineLine> {
    EngineLine::new(
        &entry.interpreter,
        pinned.version.as_deref().unwrap_or_default(),
    )
}

fn print(answer: &Answer, output: Output) {
    if let Some(joined) = answer.rootless {
        output.data(of_engine(joined, answer));
    }
    output.data(scope_line(answer));
    if let Some(at) = &answer.bystander {
        output.data(format!(
            "The binfmt_misc at {} is another user namespace's table, in which exec does not look from here.",
            at.display()
        ));
    }
    if let Some(handled) = &answer.out_of_sight {
        output.data(if handled.is_empty() {
            "Asked, the kernel has no handler for other architectures here.".to_owned()
        } else {
            format!("Asked, the kernel has handlers for: {}", handled.join(", "))
        });
        return;
    }
    if answer.handlers.is_empty() {
        output.data("No handlers are registered.");
        return;
    }
    let mut columns = Columns::new(&[
        "NAME", "PLATFORM", "STATE", "FLAGS", "OWNER", "ENGINE", "EMULATOR", "PINNED",
    ]);
    for h in &answer.handlers {
        let state = match (answer.enabled, h.enabled, &h.hidden_by) {
            (false, _, _) => ("all off".to_owned(), BAD),
            (_, false, _) => ("disabled".to_owned(), BAD),
            (_, _, Some(first)) => (format!("hidden by {}", shown(first)), ODD),
            _ if h.fault.is_some() => ("does not work".to_owned(), BAD),
            _ => ("enabled".to_owned(), GOOD),
        };
        columns.row(vec![
            plain(shown(&h.name)),
            plain(h.platform.unwrap_or("-")),
            state,
            plain(if h.flags.is_empty() { "-" } else { &h.flags }),
            plain(h.owner),
            plain(h.engine.as_ref().map_or("-", |engine| engine.name)),
            plain(shown(&h.interpreter.to_string_lossy())),
            (
                h.pinned.to_string(),
                if h.pinned.is_stale() { ODD } else { GOOD },
            ),
        ]);
    }
    columns.print(output);
    for h in &answer.handlers {
        if let Some(fault) = &h.fault {
            output.data(format!("{BAD}{}:{BAD:#} {fault}", shown(&h.name)));
        }
    }
}

/// Whose containers it is about, and how long what is registered stays.
fn of_engine(joined: Joined, answer: &Answer) -> String {
    let stays = if answer.scope == Scope::Private.to_string() {
        let kept = if rootless::unit::is_there(joined.engine) {
            "; the guard in your systemd brings it back, if it is enabled"
        } else {
            ""
        };
        format!(
            "It has a table of its own, which ends {}{kept}.",
            joined.ends_with()
        )
    } else {
        "It has no table of its own.".to_owned()
    };
    format!("Containers of {}. {stays}", joined.named())
}

fn scope_line(answer: &Answer) -> String {
    let visible = answer.out_of_sight.is_none();
    let place = match (&answer.mounted_at, visible) {
        (Some(path), _) => format!("mounted at {}", path.display()),
        (None, true) => "not mounted here".to_owned(),
        (None, false) => "cannot be read from here".to_owned(),
    };
    let is = |scope: Scope| answer.scope == scope.to_string();
    let whose = if is(Scope::Initial) {
        "this machine's table"
    } else if is(Scope::Private) {
        "a table private to this user namespace, which hides the machine's"
    } else if is(Scope::Inherited) {
        "the table of an outer user namespace, inherited"
    } else {
        "the table of this user namespace or of an outer one"
    };
    let switch = if answer.enabled || !visible {
        ""
    } else {
        ", SWITCHED OFF as a whole"
    };
    format!(
        "binfmt_misc: {whose}, {place}{switch} (Linux {})",
        answer.kernel
    )
}
