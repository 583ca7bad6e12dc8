//! `shell`: a command in a user namespace with a table of its own. Needs no
//! root; nothing outside changes; the table ends with the command.

use anyhow::{Context, Result, bail};
use armistice_binfmt::{Snapshot, Table};
use armistice_container::{Options, default_shell, enter_private, exec};

use crate::cli::{Names, Shell};
use crate::inherited::Inherited;
use crate::outcome::{self, Outcome};
use crate::output::Output;
use crate::request::{self, Request};
use crate::verbs::register;

/// The code for Armistice's own failure, as `docker run` has it.
pub(crate) const OWN_FAILURE: u8 = 125;

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
    let empty = Snapshot {
        enabled: true,
        entries: Vec::new(),
    };
    // Emulators are found outside, where all of them can be read.
    let request = request::make(&names, &args.emulators, args.flags, &empty, output)?;
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
    let mut words = args.command.iter().cloned();
    let program = words
        .next()
        .unwrap_or_else(|| default_shell(std::env::var_os("SHELL").as_deref()));
    let rest: Vec<_> = words.collect();
    inherited.give_back();
    Err(exec(&program, &rest).into())
}

/// Registers and proves in the new table.
fn fill(path: &std::path::Path, request: &Request, output: Output) -> Result<()> {
    let table = Table::at(path).with_context(|| format!("no binfmt_misc at {}", path.display()))?;
    let report = register::apply(&table, request, false, output)?;
    if !report.all_proven() {
        report.print(output.report_on_stderr());
        bail!("not every registration could be proven to work");
    }
    Ok(())
}
