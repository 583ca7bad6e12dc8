//! `register`: plan, apply beside what is there, prove, then commit or take back.

use anyhow::Result;
use armistice_binfmt::KernelVersion;

use crate::cli::{Format, Register};
use crate::outcome::Outcome;
use crate::output::Output;
use crate::own;
use crate::registration::apply::{apply, apply_and_persist};
use crate::registration::report::Report;
use crate::registration::request::{self, Request};
use crate::registration::{dry_run, live, persist, plan};
use crate::rootless::table::Found;
use crate::rootless::{self, Joined};
use crate::warm::{self, Guest};

pub(crate) fn run(args: &Register, output: Output) -> Result<Outcome> {
    let purpose = rootless::to_change(args.dry_run);
    let chosen = rootless::choice::choose(args.about.whose, purpose, output)?;
    if !args.warm.is_empty() {
        // Before a namespace is joined, whose user 0 has not this user's images.
        let platforms = warmed(&args.names.names);
        warm::warm(&args.warm, &platforms, &args.emulators, output)?;
    }
    let outside = rootless::outside::handled(chosen.as_ref());
    let joined = rootless::enter_chosen(chosen.as_ref())?;
    match joined {
        Some(joined) if args.persist => rootless::unit::check_possible(joined)?,
        None if args.persist => persist::check_possible()?,
        _ => {}
    }
    if args.dry_run {
        return dry_run::show(args, output);
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
                let report = rootless::outer::prove(&request, &live);
                output.note(format!(
                    "{} uses the machine's table, or an outer container's, which runs this already: nothing was changed.",
                    joined.named()
                ));
                return finish(&report, Some(joined), args, &request, output);
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
    let done = finish(&report, joined, args, &request, output)?;
    if let (Some(joined), Some(outside)) = (joined, outside) {
        rootless::outside::tell(joined, &request, &outside, output);
    }
    Ok(done)
}

/// Whose programs are warmed: those of the named architectures that engines of ours run; none where
/// that is left to what is warmed.
fn warmed(arches: &[String]) -> Vec<&str> {
    let mut guests = Vec::new();
    let mut platforms = Vec::new();
    for arch in arches {
        if let Ok(guest) = Guest::of(arch)
            && !guests.contains(&guest)
        {
            guests.push(guest);
            platforms.push(arch.as_str());
        }
    }
    platforms
}

/// Reports, and persists what is proven of an engine's.
fn finish(
    report: &Report,
    joined: Option<Joined>,
    args: &Register,
    request: &Request,
    output: Output,
) -> Result<Outcome> {
    report.show(args.output, output)?;
    report.check()?;
    if let Some(joined) = joined.filter(|_| args.persist) {
        rootless::unit::write(joined, args, request, output)?;
    }
    Ok(Outcome::Done)
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
