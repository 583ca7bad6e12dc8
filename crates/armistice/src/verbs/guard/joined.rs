//! The table that is guarded in a rootless engine's namespace.

use std::time::Duration;

use anyhow::Result;
use armistice_binfmt::Table;

use super::ready;
use super::stop::StopSignal;
use crate::cli::Guard;
use crate::output::Output;
use crate::registration::request::Request;
use crate::rootless::table::Found;
use crate::rootless::{self, Joined};

/// The table of a rootless engine; `None` where told to end before there was one.
/// As long as an outer table runs all, the engine needs none of its own.
///
/// # Errors
/// Where the table can't be had, or a system call fails.
pub(super) fn open(
    joined: Joined,
    request: &Request,
    args: &Guard,
    stop: &StopSignal,
    output: Output,
) -> Result<Option<Table>> {
    let mut said = false;
    loop {
        match rootless::table::open(joined, request, args.replace, output)? {
            Found::Own(table) => return Ok(Some(table)),
            Found::Outer(_) if !said => {
                output.note("The machine's table runs all of this there: it is left to that as long as it does.");
                said = true;
            }
            Found::Outer(_) => {}
        }
        if let Some(path) = &args.ready_file {
            ready::write(path)?;
        }
        while rootless::table::outer_still_does(request) {
            if stop.or_event(None, Duration::from_secs(args.interval))? {
                output.note("Told to end.");
                args.ready_file.as_deref().map_or(Ok(()), ready::remove)?;
                return Ok(None);
            }
        }
        args.ready_file.as_deref().map_or(Ok(()), ready::remove)?;
    }
}
