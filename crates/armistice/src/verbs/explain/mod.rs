//! `explain`: what would run this program, image or root folder, or why
//! nothing would, and the command that mends it. Reads only.

mod engine;
mod subject;
mod verdict;

use std::path::PathBuf;

use anyhow::Result;
use armistice_binfmt::{BinfmtError, Snapshot, Table, situation};
use serde::Serialize;

use crate::cli::{Explain, Format};
use crate::outcome::Outcome;
use crate::output::{BAD, GOOD, ODD, Output, shown};
use subject::Subject;
use verdict::{EntryAnswer, Verdict};

/// The whole answer.
#[derive(Debug, Serialize)]
struct Answer {
    schema: u32,
    what: PathBuf,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    /// The program, then what runs it if it is a script, and so on.
    steps: Vec<String>,
    handlers: Vec<EntryAnswer>,
    verdict: Verdict,
}

pub(crate) fn run(args: &Explain, output: Output) -> Result<Outcome> {
    let table = situation::look().table;
    let out_of_sight = table.as_ref().is_err_and(BinfmtError::is_no_view);
    let live = live(table, output)?;
    let subject = Subject::find(&args.what, args.platform.as_deref())?;
    let (mut verdict, handlers) = subject.judge(&live);
    if out_of_sight {
        verdict = subject.ask_exec(verdict);
    }
    let answer = Answer {
        schema: 1,
        what: args.what.clone(),
        kind: subject.kind.clone(),
        platform: subject.platform.as_ref().map(ToString::to_string),
        steps: subject.steps.clone(),
        handlers,
        verdict,
    };
    match args.output {
        Format::Json => output.json(&answer)?,
        Format::Name => output.data(answer.verdict.code),
        Format::Table => print(&answer, output),
    }
    Ok(if answer.verdict.runs {
        Outcome::Done
    } else {
        Outcome::NotWorking
    })
}

/// The table, or an empty one where none is in sight: then nothing is registered.
fn live(table: Result<Table, BinfmtError>, output: Output) -> Result<Snapshot> {
    match table {
        Ok(table) => Ok(table.snapshot()?),
        Err(error) if error.is_no_view() => {
            output
                .note("No handler is in sight from here: the kernel is asked whether it has one.");
            Ok(Snapshot {
                enabled: true,
                entries: Vec::new(),
            })
        }
        Err(error) => Err(error.into()),
    }
}

fn print(answer: &Answer, output: Output) {
    let platform = answer
        .platform
        .as_ref()
        .map(|p| format!(" for {p}"))
        .unwrap_or_default();
    output.data(format!(
        "{}: {}{platform}",
        shown(&answer.what.to_string_lossy()),
        answer.kind
    ));
    for step in &answer.steps {
        output.data(format!("  {step}"));
    }
    for handler in &answer.handlers {
        output.data(format!("  {handler}"));
    }
    let v = &answer.verdict;
    if v.runs {
        output.data(format!("{GOOD}Yes:{GOOD:#} {}", v.text));
    } else {
        output.data(format!("{BAD}No:{BAD:#} {}", v.text));
    }
    for warning in &v.warnings {
        output.data(format!("{ODD}But:{ODD:#} {warning}"));
    }
    if let Some(remedy) = &v.remedy {
        output.data(format!("Run: {remedy}"));
    }
}
