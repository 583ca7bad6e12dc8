//! `register --dry-run`: the plan, and the exact lines that would be written.
//!
//! A line is some 900 characters long, because it carries the mark by which Armistice knows
//! its own entries. So the lines are printed only for architectures that were named, where somebody
//! is going to read them. For all architectures there is the plan alone; `-v` or `-o json` adds the lines.

use anyhow::Result;
use armistice_binfmt::{self as binfmt, Action, Change, KernelVersion, STANDARD_PATH, Snapshot};
use serde::Serialize;

use crate::cli::{Format, Register};
use crate::outcome::Outcome;
use crate::output::{Columns, HEAD, Output, plain, shown};
use crate::registration::request::Item;
use crate::registration::{live, persist, plan, request};
use crate::rootless;
use crate::select::Wanted;

/// The plan, for programs.
#[derive(Debug, Serialize)]
struct Plan<'s> {
    schema: u32,
    plan: &'s [Step],
}

/// What would become of one entry.
#[derive(Debug, Serialize)]
struct Step {
    name: String,
    platform: &'static str,
    /// As a real run would report it: `kept`, `added`, `replaced: ...`.
    action: String,
    interpreter: std::path::PathBuf,
    flags: String,
    /// What would be written to `register`; none for an entry that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<String>,
}

impl Step {
    fn new(change: &Change, item: &Item, live: &Snapshot) -> Result<Step> {
        let wanted = &change.wanted;
        let changed = change.action != Action::Keep;
        Ok(Step {
            name: wanted.name.clone(),
            platform: item.arch.display_name(),
            action: plan::action_text(change, item.arch, live),
            interpreter: wanted.interpreter.clone(),
            flags: wanted.flags.to_string(),
            line: changed.then(|| wanted.line()).transpose()?,
        })
    }
}

/// Shows what `register` would do.
///
/// # Errors
/// What would be refused.
pub(crate) fn show(args: &Register, output: Output) -> Result<Outcome> {
    let live = live::look()?.or_nothing();
    let request = request::of_register(args, &live, output)?;
    // With the identity that the entries' mark will have.
    let items = request.items()?;
    let wanted = items.iter().map(|i| i.registration.clone()).collect();
    let rules = if args.persist {
        plan::persisted(args.replace)
    } else {
        plan::rules(args.replace)
    };
    let changes = binfmt::plan(&live, wanted, &rules, KernelVersion::running())?;
    let steps = changes
        .iter()
        .zip(items)
        .map(|(change, item)| Step::new(change, item, &live))
        .collect::<Result<Vec<Step>>>()?;
    match args.output {
        Format::Json => output.json(&Plan {
            schema: 1,
            plan: &steps,
        })?,
        Format::Name => steps.iter().for_each(|s| output.data(&s.name)),
        Format::Table => print(args, &steps, output)?,
    }
    if let Some(joined) = rootless::joined().filter(|_| steps.iter().any(|s| s.line.is_some())) {
        rootless::table::say_planned(joined, output);
    }
    Ok(Outcome::Done)
}

fn print(args: &Register, steps: &[Step], output: Output) -> Result<()> {
    let named = matches!(Wanted::read(&args.names.names)?, Wanted::These(_));
    let lines = named || output.is_verbose();
    if lines {
        for step in steps {
            output.note(format!(
                "{HEAD}{}{HEAD:#}: {}",
                shown(&step.name),
                in_future(step)
            ));
            if let Some(line) = &step.line {
                output.data(line);
            }
        }
    } else {
        let mut columns = Columns::new(&["NAME", "PLATFORM", "EMULATOR", "FLAGS", "PLAN"]);
        for step in steps {
            columns.row(vec![
                plain(shown(&step.name)),
                plain(step.platform),
                plain(shown(&step.interpreter.to_string_lossy())),
                plain(if step.flags.is_empty() {
                    "-"
                } else {
                    &step.flags
                }),
                plain(in_future(step)),
            ]);
        }
        columns.print(output);
    }
    if args.persist {
        output.note(format!(
            "The emulators would be copied to {}, and these lines written to a file in /etc/binfmt.d.",
            persist::COPIES
        ));
    }
    let kept = steps.iter().all(|step| step.line.is_none());
    output.note(if kept {
        "Nothing was changed, and nothing would be: all of it is registered already.".to_owned()
    } else if lines {
        format!("Nothing was changed. Each line would be written to {STANDARD_PATH}/register")
    } else {
        "Nothing was changed. The exact lines: with -v, or name the architectures.".to_owned()
    });
    Ok(())
}

/// What would be done, in words of what is still to come.
fn in_future(step: &Step) -> String {
    match step.action.as_str() {
        "kept" => "would be kept as it is".to_owned(),
        action => format!("would be {action}"),
    }
}
