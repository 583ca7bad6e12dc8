//! What the container image starts: the forms that users of other images type,
//! so that existing scripts and `docker/setup-qemu-action` work unchanged.
//! Anything else is an ordinary command line.
//!
//! | form | whose | what it does |
//! | --- | --- | --- |
//! | no argument | all | registers, or verifies what an earlier run registered or chose; answers in JSON |
//! | `--install all\|LIST` | tonistiigi/binfmt | registers these, answers in JSON |
//! | `--uninstall GLOB\|LIST` | tonistiigi/binfmt | removes these, answers in JSON |
//! | `--version` | tonistiigi/binfmt | versions of this command and its emulators |
//! | `--help` | all | these forms |
//! | `--reset [-p yes] [-c yes]` | multiarch/qemu-user-static | removes `qemu-*`; with `-p yes` registers all |
//!
//! The answer goes to stdout, the report for people to stderr. Unlike theirs,
//! failure exits non-zero.
//!
//! Invariant: once `--install` has spoken, the form without arguments registers
//! nothing. What tells it is an entry of ours in the table, or where `--install`
//! had nothing to register, a note there (`registration/chosen.rs`).

use std::ffi::OsString;

use anyhow::{Context, Result, bail};
use armistice_arch::{ARCHES, Arch};
use armistice_binfmt::{Entry, Snapshot, replay};
use serde::Serialize;

use crate::cli::{Cli, Emulators, FlagSwitches, Global};
use crate::native;
use crate::outcome::{self, Outcome, Usage};
use crate::output::{Output, shown};
use crate::own;
use crate::registration::apply::apply;
use crate::registration::{chosen, live, plan, request, verify};
use crate::select::{self, Wanted};

/// A line of another image's form.
#[derive(Debug, Default, PartialEq, Eq)]
struct Legacy {
    help: bool,
    version: bool,
    install: Option<String>,
    uninstall: Option<String>,
    reset: bool,
    /// `-p yes`: register with flag F.
    persistent: bool,
}

/// What the image's `--help` prints.
const HELP: &str = "\
Usage: docker run --rm --privileged [--pid=host] IMAGE [FORM]

Registers emulators with the machine's kernel, proves that foreign programs run, and
answers in JSON: which platforms run here, and which emulators are registered.

Forms:
  (none)                  Register what this machine does not run; only check and list
                          where an earlier run has registered or chosen something
  --install all|LIST      Register these: arm64,riscv64,linux/arm/v7, ...
  --uninstall GLOB|LIST   Remove these: qemu-*, qemu-arm, arm64, ...
  --reset [-p yes]        Remove qemu-*; with -p yes register all
  --version               Versions of Armistice and of the emulators in the image
  --help                  This text
  VERB [OPTION...]        A verb of the command: register, unregister, status, verify,
                          explain, guard, ...; `IMAGE VERB --help` has its options

--pid=host lets it mount binfmt_misc on a machine where it is not mounted.
Exit codes: 0 done; 1 it did not work, and stderr says why; 2 wrong usage.";

/// What came of a line.
pub(crate) enum Line {
    /// It was one of these forms, or none that can be read.
    Done(Outcome),
    /// It is an ordinary one, still to be run.
    Ordinary(Box<Cli>),
}

pub(crate) fn run(args: Vec<OsString>) -> Line {
    let output = Output::new(Global::default()).report_on_stderr();
    let failed = |error: &anyhow::Error| outcome::failed(error, output);
    Line::Done(match parse(&args) {
        Ok(Some(legacy)) => legacy_form(&legacy, output).unwrap_or_else(|error| failed(&error)),
        Ok(None) => match outcome::read(std::iter::once(OsString::from("armistice")).chain(args)) {
            Ok(cli) => return Line::Ordinary(Box::new(cli)),
            Err(outcome) => outcome,
        },
        Err(error) => failed(&error),
    })
}

/// Reads a legacy form; `None` where the line is an ordinary one.
fn parse(args: &[OsString]) -> Result<Option<Legacy>> {
    let words: Vec<&str> = args
        .iter()
        .map(|a| a.to_str().unwrap_or("\u{fffd}"))
        .collect();
    let mut legacy = Legacy::default();
    let mut rest = words.iter().copied();
    while let Some(word) = rest.next() {
        let (word, inline) = match word.split_once('=') {
            Some((word, value)) => (word, Some(value)),
            None => (word, None),
        };
        let mut value = || {
            inline
                .or_else(|| rest.next())
                .map(str::to_owned)
                .ok_or_else(|| Usage(format!("{word} wants a value")))
        };
        match word
            .strip_prefix('-')
            .map(|w| w.strip_prefix('-').unwrap_or(w))
        {
            Some("help" | "h") => legacy.help = true,
            Some("version") => legacy.version = true,
            Some("install") => legacy.install = Some(value()?),
            Some("uninstall") => legacy.uninstall = Some(value()?),
            Some("reset") => legacy.reset = true,
            Some("p" | "persistent") => legacy.persistent = value()? == "yes",
            // Credentials are on anyway.
            Some("c" | "credential") => drop(value()?),
            _ if legacy == Legacy::default() => return Ok(None),
            _ => bail!(Usage(format!(
                "{} does not go with the options before it",
                shown(word)
            ))),
        }
    }
    Ok(Some(legacy))
}

fn legacy_form(legacy: &Legacy, output: Output) -> Result<Outcome> {
    if legacy.help {
        output.answer(HELP);
        return Ok(Outcome::Done);
    }
    if legacy.version {
        version(output);
        return Ok(Outcome::Done);
    }
    if legacy.reset {
        uninstall("qemu-*", output)?;
        if legacy.persistent && legacy.install.is_none() {
            install(&Wanted::All, output)?;
        }
    }
    if let Some(pattern) = &legacy.uninstall {
        uninstall(pattern, output)?;
    }
    if let Some(list) = &legacy.install {
        install(&Wanted::read(std::slice::from_ref(list))?, output)?;
    }
    if !legacy.reset && legacy.uninstall.is_none() && legacy.install.is_none() {
        match ours()? {
            ours if ours.is_empty() && chosen::is_there()? => output.note(
                "An earlier --install had nothing to register, so nothing is registered now. To register all: --install all",
            ),
            ours if ours.is_empty() => install(&Wanted::All, output)?,
            // An earlier run chose what is registered: only look whether it works.
            ours => check(&Wanted::These(ours), output)?,
        }
    }
    answer(output)
}

/// The architectures whose programs an entry of ours takes.
fn ours() -> Result<Vec<&'static Arch>> {
    let live = live::look()?.in_sight()?;
    let winner = |a: &&Arch| replay::winner(&live, &a.sample_header(2, 0), "");
    Ok(ARCHES
        .iter()
        .filter(|a| winner(a).is_some_and(|e| e.mark.is_ours()))
        .collect())
}

/// Leaves the note for later runs that this one was told what to register.
fn note_choice(output: Output) {
    output.note("Nothing to register: these run here already.");
    chosen::leave(output);
}

fn check(wanted: &Wanted, output: Output) -> Result<()> {
    let report = verify::seen(wanted, &live::look()?.in_sight()?)?;
    report.print(output);
    if report.all_proven() {
        Ok(())
    } else {
        bail!("not every registration could be proven to work")
    }
}

/// Registers; what this machine or somebody else's handler runs is left alone.
fn install(wanted: &Wanted, output: Output) -> Result<()> {
    let live = live::look()?.or_nothing();
    let wanted = match wanted {
        Wanted::Default | Wanted::All => Wanted::Default,
        Wanted::These(arches) => Wanted::These(
            arches
                .iter()
                .copied()
                .filter(|a| !is_left_out(a, output) && !run_by_others(a, &live))
                .collect(),
        ),
    };
    if wanted == Wanted::These(Vec::new()) {
        note_choice(output);
        return Ok(());
    }
    let options = Emulators::default();
    let request = request::make_with(
        &wanted,
        &request::search(&options),
        &request::flags(FlagSwitches::default()),
        &live,
        output,
    )?;
    if request.arches().is_empty() {
        note_choice(output);
        return Ok(());
    }
    let table = live::open(output)?;
    let table = own::lock(&table, output)?;
    let report = apply(&table, &request, &plan::rules(false), output)?;
    report.print(output);
    if report.all_proven() {
        Ok(())
    } else {
        bail!("not every registration could be proven to work")
    }
}

/// What this machine runs by itself needs no handler.
fn is_left_out(arch: &Arch, output: Output) -> bool {
    let native = native::is_native(arch);
    if native {
        let name = arch.display_name();
        output.note(format!(
            "Left out: {name}, which this machine runs by itself"
        ));
    }
    native
}

fn run_by_others(arch: &Arch, live: &Snapshot) -> bool {
    live.enabled
        && replay::winner(live, &arch.sample_header(2, 0), "").is_some_and(|e| !e.mark.is_ours())
}

/// Removes by glob (`qemu-*`), entry name or architecture, whoever made it:
/// that is what this form says. Other programs' handlers (python, wine,
/// WSLInterop) are none of an emulator's naming and stay.
fn uninstall(list: &str, output: Output) -> Result<()> {
    // What was chosen before holds no longer.
    chosen::forget(output)?;
    let patterns: Vec<&str> = list.split(',').filter(|p| !p.is_empty()).collect();
    if named(&live::look_to_change()?, &patterns).is_empty() {
        output.note(format!(
            "Nothing is registered that matches {}",
            shown(list)
        ));
        return Ok(());
    }
    let table = live::writable()?;
    let table = own::lock(&table, output)?;
    for name in named(&table.snapshot()?, &patterns) {
        table
            .remove(&name)
            .with_context(|| format!("uninstalling {}", shown(&name)))?;
        output.note(format!("Removed {}", shown(&name)));
    }
    Ok(())
}

/// The entries that these patterns mean.
fn named(live: &Snapshot, patterns: &[&str]) -> Vec<String> {
    let arches: Vec<&Arch> = patterns
        .iter()
        .filter_map(|p| armistice_arch::name::find(p).ok())
        // By its second name only the entry of that name is meant.
        .filter(|a| !patterns.contains(&a.second_entry_name().as_str()))
        .collect();
    let called = |name: &str| {
        name.starts_with("qemu-")
            && (arches.iter().any(|a| a.entry_name() == name)
                || patterns.iter().any(|p| glob(p, name)))
    };
    // One of ours beside somebody else's is meant by the usual name, too.
    let second = |entry: &Entry| {
        let mut all = ARCHES.iter();
        let by_own_name = patterns.iter().any(|p| glob(p, &entry.name));
        all.any(|a| own::is_for(entry, a) && (by_own_name || called(&a.entry_name())))
    };
    let meant = |entry: &&Entry| called(&entry.name) || second(entry);
    let going = live.entries.iter().filter(meant);
    going.map(|entry| entry.name.clone()).collect()
}

/// A shell's `*` and `?`, nothing more.
fn glob(pattern: &str, name: &str) -> bool {
    match pattern.chars().next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            name.char_indices()
                .map(|(i, _)| i)
                .chain([name.len()])
                .any(|i| glob(rest, &name[i..]))
        }
        Some(wanted) => match name.chars().next() {
            Some(found) if wanted == '?' || wanted == found => {
                glob(&pattern[wanted.len_utf8()..], &name[found.len_utf8()..])
            }
            _ => false,
        },
    }
}

fn version(output: Output) {
    output.answer(format!("armistice {}", env!("CARGO_PKG_VERSION")));
    let search = request::search(&Emulators::default());
    for arch in select::foreign() {
        if let Ok(found) = search.find(arch)
            && let Ok(version) = found.emulator.version()
        {
            output.answer(version.to_string());
        }
    }
}

/// tonistiigi/binfmt's answer: platforms that run here, and the emulators.
#[derive(Debug, Serialize)]
struct Answer {
    supported: Vec<String>,
    emulators: Vec<String>,
}

fn answer(output: Output) -> Result<Outcome> {
    let live = live::look()?.in_sight()?;
    let handled = |arch: &&Arch| {
        live.enabled && replay::winner(&live, &arch.sample_header(2, 0), "").is_some()
    };
    let runs = |arch: &&Arch| native::is_native(arch) || handled(arch);
    let emulators = live.entries.iter().filter(|e| e.enabled && live.enabled);
    output.json(&Answer {
        supported: native_first()
            .filter(runs)
            .flat_map(|a| a.platforms.iter().map(|p| (*p).to_owned()))
            .filter(|p| p != "linux/arm/v8")
            .collect(),
        emulators: emulators.map(|e| e.name.clone()).collect(),
    })?;
    Ok(Outcome::Done)
}

fn native_first() -> impl Iterator<Item = &'static Arch> {
    let native = |a: &&Arch| native::is_native(a);
    ARCHES
        .iter()
        .filter(native)
        .chain(ARCHES.iter().filter(move |a| !native(a)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Result<Option<Legacy>> {
        parse(
            &text
                .split_whitespace()
                .map(OsString::from)
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn forms_in_use_are_read() {
        let install = |list: &str| Legacy {
            install: Some(list.into()),
            ..Legacy::default()
        };
        for (text, wanted) in [
            ("", Legacy::default()),
            ("--install all", install("all")),
            ("-install=arm64,arm", install("arm64,arm")),
            (
                "--uninstall qemu-*",
                Legacy {
                    uninstall: Some("qemu-*".into()),
                    ..Legacy::default()
                },
            ),
            (
                "-h",
                Legacy {
                    help: true,
                    ..Legacy::default()
                },
            ),
            (
                "--help",
                Legacy {
                    help: true,
                    ..Legacy::default()
                },
            ),
            (
                "--version",
                Legacy {
                    version: true,
                    ..Legacy::default()
                },
            ),
            (
                "--reset -p yes",
                Legacy {
                    reset: true,
                    persistent: true,
                    ..Legacy::default()
                },
            ),
            (
                "--reset --credential yes --persistent yes",
                Legacy {
                    reset: true,
                    persistent: true,
                    ..Legacy::default()
                },
            ),
            (
                "--reset",
                Legacy {
                    reset: true,
                    ..Legacy::default()
                },
            ),
        ] {
            assert_eq!(line(text).unwrap(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn ordinary_lines_are_left_to_the_command() {
        for text in [
            "status -o json",
            "register arm64",
            "register --help",
            "-q status",
        ] {
            assert_eq!(line(text).unwrap(), None, "{text}");
        }
        assert!(line("--install").is_err());
        assert!(line("--reset status").is_err());
    }

    #[test]
    fn globs() {
        assert!(glob("qemu-*", "qemu-arm"));
        assert!(glob("*", ""));
        assert!(glob("q?mu-a*64", "qemu-aarch64"));
        assert!(!glob("qemu-*", "WSLInterop"));
        assert!(!glob("qemu-a", "qemu-arm"));
        assert!(glob("qemu-ä*", "qemu-äö"));
    }
}
