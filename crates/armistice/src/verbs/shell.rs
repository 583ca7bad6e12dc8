//! `shell`: a command in a user namespace with a table of its own. Needs no
//! root; nothing outside changes; the table ends with the command.

use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use armistice_arch::{ARCHES, Arch};
use armistice_binfmt::{Snapshot, replay};
use armistice_container::{Options, default_shell, enter_private, exec};
use armistice_oci::config::DEFAULT_PATH;

use crate::cli::{Names, Shell};
use crate::inherited::Inherited;
use crate::outcome::{self, OWN_FAILURE, Outcome};
use crate::output::Output;
use crate::registration::apply::prove_in;
use crate::registration::live::{self, Live};
use crate::registration::request::{self, Request};

pub(crate) fn run(args: &Shell, inherited: &Inherited, output: Output) -> Result<Outcome> {
    match enter_and_exec(args, inherited, output) {
        Ok(never) => match never {},
        Err(error) => {
            let outcome = outcome::failed(&error, output);
            Ok(if outcome == Outcome::Usage {
                outcome
            } else {
                Outcome::Command(code_of(&error))
            })
        }
    }
}

/// 127 where the command is not there, 126 where it cannot be executed.
fn code_of(error: &anyhow::Error) -> u8 {
    match error.downcast_ref() {
        Some(armistice_container::Error::Exec { source, .. })
            if source.kind() == std::io::ErrorKind::NotFound =>
        {
            127
        }
        Some(armistice_container::Error::Exec { .. }) => 126,
        _ if error.is::<NotRun>() => 126,
        _ => OWN_FAILURE,
    }
}

fn enter_and_exec(
    args: &Shell,
    inherited: &Inherited,
    output: Output,
) -> Result<std::convert::Infallible> {
    let names = Names {
        names: args.arches.clone(),
    };
    // Emulators are found outside, where all of them can be read.
    let request = request::make(
        &names,
        &args.emulators,
        args.flags,
        &args.force,
        &Snapshot::empty(),
        output,
    )?;
    let mut words = args.command.iter().cloned();
    let program = words
        .next()
        .unwrap_or_else(|| default_shell(std::env::var_os("SHELL").as_deref()));
    let rest: Vec<_> = words.collect();
    let path = std::env::var_os("PATH");
    let path = if args.map_root {
        Some(with_roots_folders(path))
    } else {
        path
    };
    will_run(&program, path.as_deref(), &request)?;
    say_hidden(&request, output);
    let options = Options {
        map_root: args.map_root,
        ..Options::default()
    };
    let entered = enter_private(&options, |path| fill(path, &request, output))?;
    let names: Vec<&str> = request.arches().iter().map(|a| a.display_name()).collect();
    output.detail(format!(
        "A private table at {} runs {}",
        entered.table.display(),
        names.join(", ")
    ));
    inherited.give_back();
    Err(exec(&program, &rest, path.as_deref()).into())
}

/// What `--map-root` adds to PATH where it is not there: root's programs (chroot, mount, ...) are
/// in folders that many users' PATH has not.
const ROOTS_FOLDERS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// PATH as root inside has it: the caller's, and then what root's has besides.
fn with_roots_folders(path: Option<OsString>) -> OsString {
    let Some(mut path) = path else {
        return DEFAULT_PATH.into();
    };
    for folder in ROOTS_FOLDERS {
        if std::env::split_paths(&path).all(|there| there != Path::new(folder)) {
            path.push(":");
            path.push(folder);
        }
    }
    path
}

/// A command of an architecture that will not run inside.
#[derive(Debug)]
struct NotRun(String);

impl std::fmt::Display for NotRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotRun {}

/// Refuses a program that nothing inside would run: what the kernel refuses, the C
/// library would have executed as a shell script.
fn will_run(program: &OsStr, folders: Option<&OsStr>, request: &Request) -> Result<()> {
    let Some((path, header)) = program_at(program, folders) else {
        return Ok(());
    };
    let of = |arch: &&Arch| arch.pattern().matches(&header);
    let Some(arch) = ARCHES.iter().find(of) else {
        return Ok(());
    };
    if arch.is_native_to(Arch::host()) || request.arches().iter().any(|a| a.name == arch.name) {
        return Ok(());
    }
    let name = arch.display_name();
    bail!(NotRun(format!(
        "{} is a program for {name}, which is not run inside; add --arch {name}",
        path.display()
    )))
}

/// The file that a command's name leads to, and how it starts.
fn program_at(program: &OsStr, folders: Option<&OsStr>) -> Option<(PathBuf, Vec<u8>)> {
    let path = if program.as_bytes().contains(&b'/') {
        PathBuf::from(program)
    } else {
        std::env::split_paths(folders?)
            .map(|folder| folder.join(program))
            .find(|path| path.is_file())?
    };
    // Opening anything else (a pipe, say) could wait.
    if !path.is_file() {
        return None;
    }
    let mut header = Vec::new();
    let file = std::fs::File::open(&path).ok()?;
    file.take(256).read_to_end(&mut header).ok()?;
    Some((path, header))
}

/// Says what runs outside and will not inside: the private table hides the machine's.
fn say_hidden(request: &Request, output: Output) {
    let Ok(live) = live::look().map(Live::or_nothing) else {
        return;
    };
    let hidden: Vec<&str> = ARCHES
        .iter()
        .filter(|a| !a.is_native_to(Arch::host()))
        .filter(|a| request.arches().iter().all(|wanted| wanted.name != a.name))
        .filter(|a| live.enabled && replay::winner(&live, &a.sample_header(2, 0), "").is_some())
        .map(Arch::display_name)
        .collect();
    if !hidden.is_empty() {
        output.note(format!(
            "Not run inside, though outside: {} (the private table hides the machine's); to have them too: add --arch {}",
            hidden.join(", "),
            hidden.join(" --arch ")
        ));
    }
}

/// Registers and proves in the new table. It is empty and nobody else's, so the
/// entries get their names at once; and nobody is told which emulators they are,
/// so these are not read whole for their digests.
fn fill(path: &Path, request: &Request, output: Output) -> Result<()> {
    let failed = prove_in(path, request, output)?;
    if !failed.is_empty() {
        bail!(
            "not proven to work: {}; the command was not run; to run it without: name the others with --arch",
            failed.join(", ")
        );
    }
    Ok(())
}
