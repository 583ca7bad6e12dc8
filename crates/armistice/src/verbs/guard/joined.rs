//! What `guard` guards in a rootless engine's namespace: the engine's own table, or nothing as
//! long as an outer table runs all that is wanted.

use std::time::Duration;

use anyhow::Result;
use armistice_binfmt::Table;

use super::ready;
use super::stop::StopSignal;
use crate::cli::Guard;
use crate::output::Output;
use crate::registration::report::Report;
use crate::registration::request::Request;
use crate::rootless::table::Found;
use crate::rootless::{self, Joined};

/// What there is to guard in an engine's namespace.
pub(super) enum Held {
    /// A table of its own.
    Own(Table),
    /// None until told to end; whether an outer table ran all meanwhile.
    None { ran: bool },
}

/// The table of a rootless engine, or the end of waiting for one.
/// As long as an outer table runs all, proven, the engine needs none of its own.
///
/// # Errors
/// Where the table can't be had, or a system call fails.
pub(super) fn open(
    joined: Joined,
    request: &Request,
    args: &Guard,
    stop: &StopSignal,
    output: Output,
) -> Result<Held> {
    let mut said = None;
    loop {
        let live = match rootless::table::open(joined, request, args.replace, output)? {
            Found::Own(table) => return Ok(Held::Own(table)),
            Found::Outer(live) => live,
        };
        let report = rootless::outer::prove(request, &live);
        let proven = report.all_proven();
        if said != Some(proven) {
            say(&report, output);
            said = Some(proven);
        }
        if proven && let Some(path) = &args.ready_file {
            ready::write(path)?;
        }
        loop {
            if stop.or_event(None, Duration::from_secs(args.interval))? {
                output.note("Told to end.");
                args.ready_file.as_deref().map_or(Ok(()), ready::remove)?;
                return Ok(Held::None { ran: proven });
            }
            // What is not proven is tried again.
            if !proven || !rootless::table::outer_still_does(request) {
                break;
            }
        }
        args.ready_file.as_deref().map_or(Ok(()), ready::remove)?;
    }
}

/// What the outer table does, when that is news.
fn say(report: &Report, output: Output) {
    if report.all_proven() {
        output.note(
            "The machine's table runs all of this there: it is left to that as long as it does.",
        );
    } else {
        report.print(output);
        output.error(
            "the machine's table has all of this for the engine, and not all of it works there: it is not ready, and is \
             tried again",
        );
    }
}
