//! The whole answer: the verdict, and the way to what is started in the end.

use std::path::{Path, PathBuf};

use armistice_arch::{Arch, ElfHeader, Platform};
use armistice_binfmt::exec::{Run, Step, Stop, Taken};
use armistice_binfmt::{Snapshot, lookup};
use serde::Serialize;

use super::entries::{self, EntryAnswer};
use super::subject::{Subject, What};
use super::without_root::Way;
use crate::judging::call::Call;
use crate::judging::describe;
use crate::judging::place::Place;
use crate::judging::verdict::Verdict;
use crate::obtain::Otherwise;
use crate::output::{quoted_path, shown};
use crate::registration::live::Live;
use crate::remedy::Words;
use crate::rootless::Joined;

/// The whole answer.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    schema: u32,
    pub(super) what: PathBuf,
    pub(super) kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) platform: Option<String>,
    /// `program`: the file that would be started was looked at. `platform`: any program
    /// of the platform is judged, as an engine has the files, or the image names no command.
    judged: &'static str,
    /// The program, then what runs it if it is a script, and so on.
    pub(super) steps: Vec<String>,
    /// What is started in the end, with which arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    argv: Vec<String>,
    pub(super) handlers: Vec<EntryAnswer>,
    pub(super) verdict: Verdict,
    /// Whether the remedy is the host's business: this is a container.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) remedy_on_host: bool,
    /// The same in words, behind "run".
    #[serde(skip)]
    pub(super) remedy_place: &'static str,
    /// The rootless engine in which it was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rootless: Option<Joined>,
}

impl Answer {
    /// An answer without a verdict yet.
    pub(super) fn of(what: &Path, subject: &Subject, rootless: Option<Joined>) -> Answer {
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

    /// Judges what was named. Where the table is out of sight, exec is asked.
    pub(super) fn judge(
        &mut self,
        subject: Subject,
        wanted: Option<&Platform>,
        live: Live,
        words: Words,
    ) {
        let out_of_sight = matches!(live, Live::OutOfSight(_));
        let live = live.or_nothing();
        let call = match subject.what {
            What::Call(call) => call,
            What::Nothing(verdict) => {
                self.verdict = verdict;
                return;
            }
        };
        let run = call.replay(&live);
        let mut verdict = call.judge(&live, &run, words);
        if out_of_sight {
            verdict = ask_exec(verdict, &run);
        }
        if words.want_root() && verdict.remedy_changes_table {
            let way = Way::of(subject.engine, &call.place);
            let arch = made_for(&run);
            verdict.without_root = arch
                .and_then(|arch| way.command(&self.what, arch, wanted, &verdict.remedy_of_files));
        }
        let in_root = matches!(call.place, Place::Root { .. });
        let label = subject.platform.as_ref().filter(|_| in_root);
        let otherwise = subject
            .otherwise
            .or_else(|| label.and_then(|label| otherwise(label, &run)));
        if let Some(otherwise) = &otherwise {
            verdict.warnings.insert(0, shown(&otherwise.to_string()));
        }
        if let (Some(engine), "native") = (subject.engine, verdict.code) {
            verdict.warnings.push(by_label_only(engine, &self.what));
        }
        if subject.no_command {
            let platform = otherwise.map(|o| o.platform).or(subject.platform);
            verdict = verdict.of_any_program(platform.as_ref());
        } else if run.stop.is_none() {
            let words = run.argv.iter().map(|w| w.to_string_lossy().into_owned());
            self.argv = words.collect();
        }
        let run = self.show_way(&call, run, &live, verdict.runs);
        if self.platform.is_none() {
            let arch = made_for(&run);
            if let Some(wanted) = wanted {
                verdict = verdict.of_program_for(arch, wanted);
            }
            self.platform = arch.and_then(Platform::of).map(|p| p.to_string());
        }
        self.verdict = verdict;
    }

    /// Shows the way to what is started in the end. What is not executable is shown as if it
    /// were; the way that is shown is given back.
    fn show_way<'s>(
        &mut self,
        call: &Call,
        run: Run<'s>,
        live: &'s Snapshot,
        runs: bool,
    ) -> Run<'s> {
        let run = if run.steps.is_empty() {
            call.replay_if_executable(live)
        } else {
            run
        };
        self.handlers = entries::answers(live, &run);
        self.steps = steps(&run, runs);
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
