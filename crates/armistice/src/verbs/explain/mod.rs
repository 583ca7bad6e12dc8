//! `explain`: what would run this program, image or root folder, or why
//! nothing would, and the command that mends it. Reads only.

mod answer;
mod entries;
mod subject;
mod without_root;

use anyhow::Result;
use armistice_binfmt::situation;

use crate::cli::{Explain, Format};
use crate::outcome::Outcome;
use crate::output::{BAD, GOOD, ODD, Output, shown_path};
use crate::registration::live::{self, Live};
use crate::remedy::Words;
use crate::rootless::{self, Joined, choice};
use answer::Answer;
use subject::Subject;

pub(crate) fn run(args: &Explain, output: Output) -> Result<Outcome> {
    // Asked of the engines before a namespace is joined, in which they would be others.
    let wanted = args.platform.as_deref().map(subject::platform);
    let wanted = wanted.transpose()?;
    let subject = Subject::find(&args.what, wanted.as_ref(), output)?;
    let joined = enter(args, subject.engine, output)?;
    let situation = situation::look();
    let words = Words::of(&situation);
    let live = live::of(situation.table)?;
    if matches!(live, Live::OutOfSight(_)) {
        output.note("The kernel's table cannot be read from here: the kernel is asked whether it has a handler.");
    }
    let mut answer = Answer::of(&args.what, &subject, joined);
    answer.judge(subject, wanted.as_ref(), live, words);
    if answer.verdict.remedy_changes_table {
        answer.remedy_place = words.place();
        answer.remedy_on_host = words.is_on_host();
    }
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

/// Joins the engine that was named, or the user's own that has the image. A file is
/// judged as it runs here.
fn enter(args: &Explain, has_it: Option<&str>, output: Output) -> Result<Option<Joined>> {
    match (args.whose, has_it) {
        (Some(_), _) => rootless::enter_for(args.whose, choice::Purpose::Look, output),
        (None, Some(engine)) => match choice::of_image(engine) {
            Some(keeper) => {
                rootless::enter(&keeper)?;
                Ok(rootless::joined())
            }
            None => Ok(None),
        },
        (None, None) => {
            choice::tell_of_others(output);
            Ok(None)
        }
    }
}

fn print(answer: &Answer, output: Output) {
    let platform = answer
        .platform
        .as_ref()
        .map(|p| format!(" for {}", crate::output::shown(p)))
        .unwrap_or_default();
    output.data(format!(
        "{}: {}{platform}",
        shown_path(&answer.what),
        answer.kind
    ));
    if let Some(joined) = answer.rootless {
        output.data(format!("  in {}", joined.named()));
    }
    for step in &answer.steps {
        output.data(format!("  {step}"));
    }
    for handler in &answer.handlers {
        if handler.related {
            output.data(format!("  {handler}"));
        } else {
            output.detail(format!("  {handler}"));
        }
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
        output.data(format!("Run{}: {remedy}", answer.remedy_place));
    }
    if let Some(command) = &v.without_root {
        output.data(format!("Or, without root: {command}"));
    }
}
