//! `verify`: run a test program of each architecture through the kernel, now,
//! and say whether it ran. Changes nothing.

use anyhow::Result;

use crate::cli::Verify;
use crate::outcome::Outcome;
use crate::output::Output;
use crate::registration::live::{self, Live};
use crate::registration::verify;
use crate::rootless;
use crate::rootless::choice::Purpose;
use crate::select::Wanted;

pub(crate) fn run(args: &Verify, output: Output) -> Result<Outcome> {
    let wanted = Wanted::read(&args.names.names)?;
    rootless::enter_for(args.about.whose, Purpose::Look, output)?;
    let report = match live::look()? {
        Live::Seen(live) => verify::seen(&wanted, &live)?,
        Live::OutOfSight(error) => verify::out_of_sight(&wanted, error)?,
    };
    report.show(args.output, output)?;
    if report.all_proven() {
        Ok(Outcome::Done)
    } else {
        Ok(Outcome::NotWorking)
    }
}
