//! `register` for an engine whose namespace uses an outer table that has all that is
//! wanted, as it is wanted: that is proven there, and nothing is changed.

use anyhow::Result;
use armistice_binfmt::{Snapshot, replay};

use super::Joined;
use crate::cli::{Format, Register};
use crate::outcome::Outcome;
use crate::output::Output;
use crate::proving::{self, Wish};
use crate::registration::report::{HandlerLine, Report};
use crate::registration::request::Request;
use crate::verbs::register;

/// Proves what is there, and reports it.
///
/// # Errors
/// Where it does not work.
pub(crate) fn run(
    joined: Joined,
    args: &Register,
    request: &Request,
    live: &Snapshot,
    output: Output,
) -> Result<Outcome> {
    let wishes = request.arches().iter().map(|arch| Wish {
        arch,
        flags: request.flags(),
        trial: false,
    });
    let proofs = proving::all(wishes);
    let handlers = request.arches().iter().zip(proofs);
    let report = Report {
        schema: 1,
        emulators: Vec::new(),
        handlers: handlers
            .filter_map(|(arch, proof)| {
                let entry = replay::winner(live, &arch.sample_header(2, 0), "")?;
                Some(HandlerLine::of_entry(entry, arch.display_name(), proof))
            })
            .collect(),
    };
    output.note(format!(
        "{} uses the machine's table, or an outer container's, which runs this already: nothing was changed.",
        joined.named()
    ));
    match args.output {
        Format::Json => report.answer(output)?,
        Format::Name => report.handlers.iter().for_each(|h| output.data(&h.name)),
        Format::Table => report.print(output),
    }
    if !report.all_proven() {
        return register::unproven(&report);
    }
    if args.persist {
        super::unit::write(joined, args, request, output)?;
    }
    Ok(Outcome::Done)
}
