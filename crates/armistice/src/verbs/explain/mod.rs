//! `explain`: what would run this program, image or root folder, or why
//! nothing would, and the command that mends it. Reads only.

mod answers;
mod describe;
mod place;
mod remedy;
mod subject;
mod verdict;

use std::path::{Path, PathBuf};

use anyhow::Result;
use armistice_arch::{Arch, ElfHeader, Platform};
use armistice_binfmt::exec::{Run, Step, Stop, Taken};
use armistice_binfmt::situation::Situation;
use armistice_binfmt::{Entry, Matching, Snapshot, lookup, situation};
use serde::Serialize;

use crate::cli::{Explain, Format};
use crate::obtain::Otherwise;
use crate::outcome::Outcome;
use crate::output::{BAD, GOOD, ODD, Output, quoted_path, shown, shown_path};
use crate::own;
use crate::registration::live::{self, Live};
use crate::remedy::Words;
use crate::rootless::{self, Joined, choice};
use answers::EntryAnswer;
use place::Place;
use subject::{Subject, What};
use verdict::{Call, Verdict};

/// The whole answer.
#[derive(Debug, Serialize)]
struct Answer {
    schema: u32,
    what: PathBuf,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    /// `program`: the file that would be started was looked at. `platform`: any program
    /// of the platform is judged, as an engine has the files, or the image names no command.
    judged: &'static str,
    /// The program, then what runs it if it is a script, and so on.
    steps: Vec<String>,
    /// What is started in the end, with which arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    argv: Vec<String>,
    handlers: Vec<EntryAnswer>,
    verdict: Verdict,
    /// Whether the remedy is the host's business: this is a container.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    remedy_on_host: bool,
    /// The same in words, behind "run".
    #[serde(skip)]
    remedy_place: &'static str,
    /// The rootless engine in which it was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    rootless: Option<Joined>,
}

impl Answer {
    /// An answer without a verdict yet.
    fn of(what: &Path, subject: &Subject, rootless: Option<Joined>) -> Answer {
        Answer {
            schema: 1,
            what: what.to_owned(),
            kind: subject.kind.clone(),
            platform: subject.platform.as_ref().map(ToString::to_string),
            judged: "program",
            steps: Vec::new(),
            argv: Vec::new(),
            handlers: Vec::new(),
            verdict: Verdict::no("unknown", String::new()),
            remedy_on_host: false,
            remedy_place: "",
            rootless,
        }
    }

    /// Shows the way to what is started in the end. What is not executable is shown as if it
    /// were; the way that is shown is given back.
    fn show_way<'s>(&mut self, call: &Call, run: Run<'s>, live: &'s Snapshot) -> Run<'s> {
        let run = if run.steps.is_empty() {
            call.replay_if_executable(live)
        } else {
            run
        };
        self.handlers = answers::answers(live, &run);
        self.steps = steps(&run, self.verdict.runs);
        // An engine's image has its files out of sight: the program was not looked at.
        if matches!(call.place, Place::Platform { .. }) {
            self.judged = "platform";
            if !self.steps.is_empty() {
                self.steps.remove(0);
            }
        }
        run
    }
}

pub(crate) fn run(args: &Explain, output: Output) -> Result<Outcome> {
    // Asked of the engines before a namespace is joined, in which they would be others.
    let wanted = args.platform.as_deref().map(subject::platform);
    let wanted = wanted.transpose()?;
    let subject = Subject::find(&args.what, wanted.as_ref(), output)?;
    let joined = enter(args, subject.engine, output)?;
    let situation = situation::look();
    let words = Words::of(&situation);
    let Situation { table, .. } = situation;
    let live = live::of(table)?;
    let out_of_sight = matches!(live, Live::OutOfSight(_));
    if out_of_sight {
        output.note("No handler is in sight from here: the kernel is asked whether it has one.");
    }
    let live = live.or_nothing();
    let mut answer = Answer::of(&args.what, &subject, joined);
    match subject.what {
        What::Nothing(verdict) => answer.verdict = verdict,
        What::Call(call) => {
            let run = call.replay(&live);
            answer.verdict = call.judge(&live, &run, words);
            if out_of_sight {
                answer.verdict = ask_exec(answer.verdict, &run);
            }
            let otherwise = subject
                .otherwise
                .or_else(|| match (&call.place, &answer.platform) {
                    (Place::Root { .. }, Some(_)) => otherwise(subject.platform.as_ref()?, &run),
                    _ => None,
                });
            let warnings = &mut answer.verdict.warnings;
            if let Some(otherwise) = &otherwise {
                warnings.insert(0, shown(&otherwise.to_string()));
            }
            if let (Some(engine), "native") = (subject.engine, answer.verdict.code) {
                warnings.push(by_label_only(engine, &args.what));
            }
            if subject.no_command {
                let platform = otherwise.map(|o| o.platform).or(subject.platform);
                answer.verdict = answer.verdict.of_any_program(platform.as_ref());
            } else if run.stop.is_none() {
                let words = run.argv.iter().map(|w| w.to_string_lossy().into_owned());
                answer.argv = words.collect();
            }
            let run = answer.show_way(&call, run, &live);
            if answer.platform.is_none() {
                let arch = made_for(&run);
                if let Some(wanted) = &wanted {
                    answer.verdict = answer.verdict.of_program_for(arch, wanted);
                }
                answer.platform = arch.and_then(Platform::of).map(|p| p.to_string());
            }
        }
    }
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

/// What is wrong with an entry's emulator, as far as it can be looked at: why programs
/// that the entry takes would not run.
pub(crate) fn fault_of(entry: &Entry, words: Words) -> Option<String> {
    let live = Snapshot {
        enabled: true,
        entries: vec![Entry {
            enabled: true,
            ..entry.clone()
        }],
    };
    let (program, head) = match &entry.matching {
        Matching::Magic(pattern) => {
            let head = match own::arch_of(entry) {
                Some(arch) => subject::header(arch),
                None => pattern.sample(),
            };
            (PathBuf::from("program"), head)
        }
        Matching::Extension(ending) => (PathBuf::from(format!("program.{ending}")), Vec::new()),
        Matching::Unknown => return None,
    };
    let call = Call {
        argv: vec![program.as_os_str().to_owned()],
        path: program.clone(),
        place: Place::Sample { program, head },
        otherwise: None,
    };
    let run = call.replay(&live);
    let verdict = call.judge(&live, &run, words);
    let text = verdict.text.as_str();
    let takes = format!("{} takes it, but ", shown(&entry.name));
    (!verdict.runs && run.handler().is_some())
        .then(|| text.strip_prefix(&takes).unwrap_or(text).to_owned())
}

/// Joins the engine that was named, or the user's own that has the image. A file is
/// judged as it runs here.
fn enter(args: &Explain, has_it: Option<&str>, output: Output) -> Result<Option<Joined>> {
    match (args.about.whose, has_it) {
        (Some(_), _) => rootless::enter_for(args.about.whose, choice::Purpose::Look, output),
        (None, Some(engine)) => match choice::of_image(engine) {
            Some(keeper) => {
                rootless::enter(&keeper)?;
                Ok(rootless::joined())
            }
            None => Ok(None),
        },
        (None, None) => Ok(None),
    }
}

/// The verdict where the table in which exec looks is out of sight: exec is
/// asked whether it has a handler for the file that nothing in sight takes.
fn ask_exec(verdict: Verdict, run: &Run<'_>) -> Verdict {
    let (Some(Stop::NoFormat), Some(last)) = (&run.stop, run.steps.last()) else {
        return verdict;
    };
    match lookup::takes_one(&last.program.head) {
        Some(takes) => verdict.out_of_sight(takes),
        None => verdict,
    }
}

/// The files on the way. An emulator that runs is not one that people ask about.
fn steps(run: &Run<'_>, runs: bool) -> Vec<String> {
    let mut steps = &run.steps[..];
    if let ([.., before, _], true) = (steps, runs)
        && matches!(before.taken, Some(Taken::Handler(_)))
    {
        steps = &steps[..steps.len() - 1];
    }
    steps.iter().map(describe::step).collect()
}

/// The program that decides: what a handler takes, else the last on the way.
fn deciding<'r>(run: &'r Run<'_>) -> Option<&'r Step<'r>> {
    let at = run.handler().map(|(at, _)| at);
    at.map_or(run.steps.last(), |at| run.steps.get(at))
}

/// Whether an image's program is not what the image's label says.
fn otherwise(label: &Platform, run: &Run<'_>) -> Option<Otherwise> {
    let step = deciding(run)?;
    Otherwise::of(label, &step.path, &step.program.head)
}

/// What an engine's image is, is known by its label alone.
fn by_label_only(engine: &str, image: &Path) -> String {
    let image = quoted_path(image);
    format!(
        "only its label says what it is for; '{engine} save {image} -o x.tar', then 'armistice explain x.tar', looks \
         at its programs"
    )
}

/// What the program is made for by its header, or its interpreter by its own.
fn made_for(run: &Run<'_>) -> Option<&'static Arch> {
    let step = deciding(run)?;
    Arch::of_elf(&ElfHeader::parse(&step.program.head).ok()?)
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
}
