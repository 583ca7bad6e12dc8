//! `register`: plan, apply beside what is there, prove, then commit or take back.

use anyhow::{Result, bail};
use armistice_binfmt::KernelVersion;

use crate::cli::{Format, Register};
use crate::outcome::Outcome;
use crate::output::Output;
use crate::own;
use crate::registration::apply::{apply, apply_and_persist};
use crate::registration::report::Report;
use crate::registration::request::{self, Request};
use crate::registration::{live, persist, plan};
use crate::rootless;
use crate::rootless::table::Found;
use crate::verbs::dry_run;

pub(crate) fn run(args: &Register, output: Output) -> Result<Outcome> {
    let joined = rootless::enter_for(args.about.whose, rootless::to_change(args.dry_run), output)?;
    match joined {
        Some(joined) if args.persist => rootless::unit::check_possible(joined)?,
        None if args.persist => persist::check_possible()?,
        _ => {}
    }
    if args.dry_run {
        return dry_run::run(args, output);
    }
    // All that can be wrong with what was typed or installed is found before
    // anything is touched: opening the table for writing may mount it.
    let request = request::of_register(args, &live::look()?.or_nothing(), output)?;
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
    let table = match joined {
        None => live::open(output)?,
        Some(joined) => match rootless::table::open(joined, &request, args.replace, output)? {
            Found::Own(table) => table,
            Found::Outer(live) => {
                return rootless::outer::run(joined, args, &request, &live, output);
            }
        },
    };
    say_flags(&request, output);
    let table = own::lock(&table, output)?;
    let report = if args.persist && joined.is_none() {
        apply_and_persist(&table, &request, args.replace, output)?
    } else {
        apply(&table, &request, &plan::rules(args.replace), output)?
    };
    match args.output {
        Format::Json => report.answer(output)?,
        Format::Name => report.handlers.iter().for_each(|h| output.data(&h.name)),
        Format::Table => report.print(output),
    }
    if !report.all_proven() {
        return unproven(&report);
    }
    if let Some(joined) = joined.filter(|_| args.persist) {
        rootless::unit::write(joined, args, &request, output)?;
    }
    Ok(Outcome::Done)
}

/// For the ends that need no words beyond the report's own.
pub(crate) fn unproven(report: &Report) -> Result<Outcome> {
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

/// Says aloud what C means, and why P is not there.
fn say_flags(request: &Request, output: Output) {
    let kernel = KernelVersion::running();
    if !request.flags().preserve_argv0 && kernel < KernelVersion::ARGV0_TOLD {
        output.note(format!(
            "Without flag P: before Linux {} (this is {kernel}) the kernel does not tell an emulator of it. Programs \
             see their path in place of the name that they were called by.",
            KernelVersion::ARGV0_TOLD
        ));
    }
    if request.flags().credentials {
        output.note(
            "Flag C: set-user-ID programs (sudo, su) get their owner's rights, with the emulator in between; \
             to leave it out: --no-credentials",
        );
    }
}
