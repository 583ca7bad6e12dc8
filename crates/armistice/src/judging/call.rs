//! What the kernel would do with a call, judged.
//!
//! The call is replayed by `armistice_binfmt::exec`; here its end is given a
//! code, a sentence, and a change that might help. A change is told of only if
//! the call, replayed with it, runs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use armistice_arch::{Arch, ElfHeader};
use armistice_binfmt::exec::{self, Cannot, Files, Loader, Run, Step, Stop, Taken};
use armistice_binfmt::replay::{self, Answer};
use armistice_binfmt::{Entry, Snapshot};
use armistice_emulators::search::own_engine_runs;
use rustix::io::Errno;

use super::describe;
use super::fix::{Changed, Fix};
use super::place::Place;
use super::verdict::Verdict;
use crate::engine::EngineLine;
use crate::output::{shown, shown_path};
use crate::remedy::Words;

/// How many changes one after another may be needed.
const FIXES_MAX: usize = 4;

/// Where the engine of an architecture finds Debian's cross libc
/// (`crates/engine/src/linux/loader/prefix.rs`).
const CROSS_LIBCS: [(&str, &str); 3] = [
    ("aarch64", "/usr/aarch64-linux-gnu"),
    ("arm", "/usr/arm-linux-gnueabihf"),
    ("arm", "/usr/arm-linux-gnueabi"),
];

/// What is executed, and where.
pub(crate) struct Call {
    pub(crate) path: PathBuf,
    pub(crate) argv: Vec<OsString>,
    pub(crate) place: Place,
    /// Where a file was named: what it is, if it is no program.
    pub(crate) otherwise: Option<String>,
}

/// A verdict, and a change that might help.
struct Finding(Verdict, Option<Fix>);

impl Finding {
    fn no(code: &'static str, text: String) -> Finding {
        Finding(Verdict::no(code, text), None)
    }

    fn perhaps(self, fix: Fix) -> Finding {
        Finding(self.0, Some(fix))
    }
}

impl Call {
    pub(crate) fn replay<'s>(&self, live: &'s Snapshot) -> Run<'s> {
        exec::replay(live, &self.place, &self.path, &self.argv)
    }

    /// The same as if the program were executable.
    pub(crate) fn replay_if_executable<'s>(&self, live: &'s Snapshot) -> Run<'s> {
        let mut changed = Changed::new(&self.place, live);
        changed.apply(&Fix::Executable(self.path.clone()));
        exec::replay(live, &changed, &self.path, &self.argv)
    }

    /// The verdict on a replayed call.
    pub(crate) fn judge(&self, live: &Snapshot, run: &Run<'_>, words: Words) -> Verdict {
        let Finding(mut verdict, mut fix) = self.find(live, &self.place, run);
        verdict.error = run
            .stop
            .as_ref()
            .and_then(Stop::errno)
            .and_then(exec::errno_name);
        let mut changed = Changed::new(&self.place, live);
        let mut commands = Vec::new();
        let mut of_files = Vec::new();
        let mut changes_table = false;
        let mut then = None;
        for _ in 0..FIXES_MAX {
            let Some((next, command)) = fix.and_then(|f| Some((f.command(&self.place, words)?, f)))
            else {
                break;
            };
            if command.changes_table() {
                changes_table = true;
            } else {
                of_files.push(next.clone());
            }
            // While it is switched off as a whole, nothing else of the table can be mended.
            let at = match command {
                Fix::SwitchOn => 0,
                _ => commands.len(),
            };
            commands.insert(at, next);
            changed.apply(&command);
            let live = changed.live.clone();
            let run = exec::replay(&live, &changed, &self.path, &self.argv);
            let Finding(after, more) = self.find(&live, &changed, &run);
            if after.runs {
                verdict.warnings.extend(unseen(&run));
                verdict.remedy = Some(commands.join(" && "));
                verdict.remedy_changes_table = changes_table;
                verdict.remedy_of_files = of_files;
                return verdict;
            }
            then = then.or(Some(after));
            fix = more;
        }
        // What is behind the first obstacle says more than the obstacle.
        if let Some(then) = then.filter(|then| then.code != verdict.code) {
            if verdict.code == "not-executable" && then.code == "not-a-program" {
                verdict.code = then.code;
                verdict.text = then.text;
            } else {
                verdict.text = format!("{}; and if it were: {}", verdict.text, then.text);
            }
        }
        verdict
    }

    fn find(&self, live: &Snapshot, files: &dyn Files, run: &Run<'_>) -> Finding {
        let Some(stop) = &run.stop else {
            return self.started(files, run);
        };
        let last = run.steps.last();
        match (stop, last) {
            (Stop::Unknown(path, why), _) => Finding::no(
                "unknown",
                format!("{} cannot be looked at: {why}", shown_path(path)),
            ),
            (Stop::Open(path, errno), None) => self.not_opened(path, *errno),
            (Stop::Open(path, errno), Some(last)) => match &last.taken {
                Some(Taken::Handler(entry)) => self.no_emulator(entry, path, *errno, last),
                _ => self.no_interpreter(path, *errno, last),
            },
            (Stop::TooMany, _) => Finding::no(
                "too-many",
                "more than five interpreters in a row: the kernel follows no further".to_owned(),
            ),
            (_, None) => Finding::no("unknown", "it is not known what stops it".to_owned()),
            (Stop::Twice, Some(last)) => bad_emulator(
                run,
                format!(
                    "its emulator {} needs an interpreter itself, which flags O and C do not allow",
                    shown_path(&next_path(last))
                ),
            ),
            (Stop::Loader(loader, errno), Some(last)) => self.no_loader(run, last, loader, *errno),
            (Stop::Dies(loader), Some(last)) => Finding::no(
                "no-loader",
                format!(
                    "{} dies as it starts: its loader {} is no library",
                    shown_path(&last.path),
                    shown_path(loader)
                ),
            ),
            (Stop::NoFormat, Some(last)) => match run.handler() {
                Some((_, entry)) if emulates(run, entry) => bad_emulator(
                    run,
                    format!(
                        "its emulator {} does not run here: it is {}",
                        shown_path(&last.path),
                        describe::program(&last.program)
                    ),
                ),
                _ => self.no_format(live, run, last),
            },
        }
    }

    /// The program itself cannot be executed.
    fn not_opened(&self, path: &Path, errno: Errno) -> Finding {
        let shown = shown_path(path);
        if errno != Errno::ACCESS {
            let text = format!("{shown} {}", missing(errno));
            return Finding::no("not-found", text);
        }
        self.no_right(path)
    }

    /// A file that may not be executed: what is in the way.
    fn no_right(&self, path: &Path) -> Finding {
        let shown = shown_path(path);
        match self.place.look(path) {
            Ok(_) if self.place.is_noexec(path) => Finding::no(
                "not-executable",
                format!("{shown} lies on a file system that is mounted noexec"),
            ),
            Ok(_) => Finding::no("not-executable", format!("{shown} is not executable"))
                .perhaps(Fix::Executable(path.to_owned())),
            Err(Cannot::Look(why)) => {
                Finding::no("unknown", format!("{shown} cannot be looked at: {why}"))
            }
            Err(Cannot::Execute(_)) => {
                Finding::no("not-executable", format!("{shown} is no regular file"))
            }
        }
    }

    /// A script's interpreter cannot be executed.
    fn no_interpreter(&self, path: &Path, errno: Errno, script: &Step<'_>) -> Finding {
        if path.as_os_str().is_empty() {
            let text = format!(
                "the #! line of {} names no interpreter",
                shown_path(&script.path)
            );
            return Finding::no("no-interpreter", text).perhaps(Fix::LineEnds(script.path.clone()));
        }
        let wants = format!("{} wants {}", shown_path(&script.path), shown_path(path));
        if errno == Errno::ACCESS {
            let Finding(verdict, fix) = self.no_right(path);
            let text = format!("{wants}; {}", verdict.text);
            return Finding(Verdict { text, ..verdict }, fix);
        }
        let odd = describe::odd_interpreter(path);
        let finding = Finding::no(
            "no-interpreter",
            format!("{wants}, which {}{odd}", missing(errno)),
        );
        match odd {
            "" => finding,
            _ => finding.perhaps(Fix::LineEnds(script.path.clone())),
        }
    }

    /// An entry without flag F whose emulator cannot be executed.
    fn no_emulator(&self, entry: &Entry, path: &Path, errno: Errno, program: &Step<'_>) -> Finding {
        let state = if errno == Errno::ACCESS {
            "may not be executed there"
        } else {
            "is not there"
        };
        let text = format!(
            "{} takes it, but has no flag F: its emulator {} is looked up where the program runs, and {state}",
            shown(&entry.name),
            shown_path(path)
        );
        let finding = Finding::no("no-fix-binary", text);
        match arch_of(&program.program.head) {
            Some(arch) => finding.perhaps(register(entry, arch)),
            None => finding,
        }
    }

    /// The loader of the program that would be started is not there: the
    /// emulator's, or a native program's own.
    fn no_loader(&self, run: &Run<'_>, last: &Step<'_>, loader: &Path, errno: Errno) -> Finding {
        let loader = shown_path(loader);
        let state = match errno {
            Errno::ACCESS => "may not be executed",
            Errno::LIBBAD | Errno::IO => "is no library of this machine",
            _ => "is missing",
        };
        match run.handler() {
            Some((at, entry)) if emulates(run, entry) => {
                let text = format!(
                    "{} takes it, but its emulator {} is not static: it needs {loader}, which {state} where the \
                     program runs",
                    shown(&entry.name),
                    shown_path(&last.path)
                );
                let finding = Finding::no("dynamic-emulator", text);
                let taken = run.steps.get(at);
                match taken.and_then(|step| arch_of(&step.program.head)) {
                    Some(arch) => finding.perhaps(register(entry, arch)),
                    None => finding,
                }
            }
            _ => Finding::no(
                "no-loader",
                format!(
                    "it is this machine's own kind of program, but its loader {loader} {state}"
                ),
            ),
        }
    }

    /// Nothing takes a file.
    fn no_format(&self, live: &Snapshot, run: &Run<'_>, last: &Step<'_>) -> Finding {
        let head = &last.program.head;
        let whose = if run.steps.len() > 1 {
            format!("its interpreter {} is ", shown_path(&last.path))
        } else {
            String::new()
        };
        let arch = arch_of(head).filter(|a| !a.is_native_to(Arch::host()));
        let built = match arch {
            Some(arch) => {
                let platform = arch.platforms.first().copied().unwrap_or(arch.name);
                format!("{whose}built for {platform}")
            }
            None => format!(
                "{} is no program: it is {}",
                shown_path(&last.path),
                describe::program(&last.program)
            ),
        };
        let would = |entry: &&Entry| {
            let answer = replay::ask(entry, head, &last.path);
            answer == Answer::Disabled || (!live.enabled && answer == Answer::Takes)
        };
        if let Some(entry) = live.entries.iter().find(would) {
            return if live.enabled {
                let name = shown(&entry.name);
                let text = format!("{built}; the handler {name} would take it, but is disabled");
                Finding::no("disabled", text).perhaps(Fix::Enable(entry.name.clone()))
            } else {
                let text = format!("{built}; binfmt_misc is switched off as a whole");
                Finding::no("switched-off", text).perhaps(Fix::SwitchOn)
            };
        }
        let Some(arch) = arch else {
            return self.no_program(last, built);
        };
        if let Some(m) = arch.pattern().first_mismatch(head) {
            let text = format!(
                "{built}, but marked so that the usual handler does not take it: byte {} is {:02x}, wanted {:02x}{}",
                m.at,
                m.found,
                m.wanted,
                describe::meaning(m.at, m.wanted, head)
            );
            return Finding::no("odd-header", text);
        }
        Finding::no("no-handler", format!("{built}; no handler here matches it")).perhaps(
            Fix::Register {
                arch,
                replace: false,
            },
        )
    }

    /// A file that no kernel of any machine takes.
    fn no_program(&self, last: &Step<'_>, built: String) -> Finding {
        let head = &last.program.head;
        let path = shown_path(&last.path);
        let machine = ElfHeader::parse(head).ok().map(|h| h.machine);
        match (machine, &self.otherwise) {
            (Some(machine), _) if arch_of(head).is_none() => {
                let text =
                    format!("{path} is for ELF machine {machine}, for which no emulator is known");
                Finding::no("unknown-machine", text)
            }
            (None, Some(otherwise)) if last.path == self.path => {
                let text = format!(
                    "{path} is neither a program nor an image: it is {otherwise}; give a file made by 'docker \
                     save', 'podman save' or 'buildx --output type=oci'"
                );
                Finding::no("not-a-program", text)
            }
            _ => Finding::no("not-a-program", built),
        }
    }

    /// The kernel starts something: would that run the program?
    fn started(&self, files: &dyn Files, run: &Run<'_>) -> Finding {
        let Some((at, entry)) = run.handler() else {
            let text = "this machine runs it by itself".to_owned();
            return Finding(Verdict::yes("native", text), None);
        };
        let Some(taken) = run.steps.get(at) else {
            return Finding(Verdict::yes("handled", shown(&entry.name)), None);
        };
        let name = shown(&entry.name);
        let mut libc = "";
        if let Loader::At(loader) = &taken.program.loader
            && is_missing(files, loader)
        {
            let arch = arch_of(&taken.program.head);
            libc = match arch.and_then(|arch| cross_libc(files, entry, arch, loader)) {
                Some(folder) => folder,
                None => return self.no_own_loader(&name, loader),
            };
        }
        let engine = EngineLine::of(entry).map(|engine| format!(" ({engine})"));
        let text = format!(
            "{name} runs it with {}{}{}",
            shown_path(&entry.interpreter),
            engine.unwrap_or_default(),
            match libc {
                "" => String::new(),
                folder => format!(" and the libraries in {folder}"),
            }
        );
        let mut verdict = Verdict::yes("handled", text);
        verdict.warnings = self.warnings(entry, taken);
        verdict.warnings.extend(unseen(run));
        Finding(verdict, None)
    }

    /// An entry takes the program, whose own loader is not there.
    fn no_own_loader(&self, name: &str, loader: &Path) -> Finding {
        let text = format!(
            "{name} takes it, but the program's own loader {} is missing {}",
            shown_path(loader),
            if self.place.is_elsewhere() {
                "in its root"
            } else {
                "on this machine: run it in a root of its architecture"
            }
        );
        Finding::no("no-loader", text)
    }

    fn warnings(&self, entry: &Entry, taken: &Step<'_>) -> Vec<String> {
        let name = shown(&entry.name);
        let mut warnings = Vec::new();
        if self.place.mode(&taken.path) & 0o6000 != 0 && !entry.flags.credentials {
            warnings.push(format!(
                "it is set-user-ID, but {name} has no flag C: it will not get its owner's rights (sudo says so)"
            ));
        }
        let is_elf = taken.program.head.starts_with(b"\x7fELF");
        if is_elf && !entry.flags.preserve_argv0 {
            warnings.push(format!(
                "{name} has no flag P: programs that look at the name they were called by (busybox) go wrong"
            ));
        }
        warnings
    }
}

fn is_missing(files: &dyn Files, path: &Path) -> bool {
    matches!(
        files.open(path),
        Err(Cannot::Execute(Errno::NOENT | Errno::NOTDIR | Errno::LOOP))
    )
}

/// Where Armistice's engine looks for a loader that is missing: the folder of
/// Debian's cross libc, if the loader is there.
fn cross_libc(
    files: &dyn Files,
    entry: &Entry,
    arch: &Arch,
    loader: &Path,
) -> Option<&'static str> {
    // An entry that is only thought of has no emulator yet.
    let engine = if entry.interpreter.as_os_str().is_empty() {
        own_engine_runs()
    } else {
        EngineLine::of(entry).is_some_and(|engine| engine.name == "armistice")
    };
    let loader = loader.strip_prefix("/").ok()?;
    let of_arch = CROSS_LIBCS
        .iter()
        .filter(|(name, _)| engine && *name == arch.name);
    let mut folders = of_arch.map(|(_, folder)| *folder);
    folders.find(|folder| !is_missing(files, &Path::new(folder).join(loader)))
}

/// An entry takes the program and has an emulator that cannot run it.
fn bad_emulator(run: &Run<'_>, why: String) -> Finding {
    let Some((at, entry)) = run.handler() else {
        return Finding::no("bad-emulator", why);
    };
    let finding = Finding::no(
        "bad-emulator",
        format!("{} takes it, but {why}", shown(&entry.name)),
    );
    let taken = run.steps.get(at);
    match taken.and_then(|step| arch_of(&step.program.head)) {
        Some(arch) => finding.perhaps(register(entry, arch)),
        None => finding,
    }
}

/// Whether the last step's file is the emulator of this entry, or runs it.
fn emulates(run: &Run<'_>, entry: &Entry) -> bool {
    let at = run.handler().map_or(0, |(at, _)| at);
    let behind = run.steps.get(at + 1).map(|step| step.path.as_path());
    behind == Some(entry.interpreter.as_path())
}

/// What a step names to take its file's place.
fn next_path(step: &Step<'_>) -> PathBuf {
    match &step.taken {
        Some(Taken::Handler(entry)) => entry.interpreter.clone(),
        _ => step.path.clone(),
    }
}

fn register(entry: &Entry, arch: &'static Arch) -> Fix {
    Fix::Register {
        arch,
        replace: !entry.mark.is_ours() && entry.name == arch.entry_name(),
    }
}

fn arch_of(head: &[u8]) -> Option<&'static Arch> {
    let header = ElfHeader::parse(head).ok()?;
    Arch::of_elf(&header)
}

fn missing(errno: Errno) -> &'static str {
    match errno {
        Errno::NOTDIR => "lies below something that is no folder",
        Errno::LOOP => "is a loop of symbolic links",
        Errno::NAMETOOLONG => "is too long for a path",
        _ => "is not there",
    }
}

/// What is to be said where the emulator that would run is pinned and out of sight.
fn unseen(run: &Run<'_>) -> Option<String> {
    // One that is only thought of has no emulator: `register` would choose it, and prove it.
    let thought_of = |entry: &Entry| entry.interpreter.as_os_str().is_empty();
    let (at, entry) = run.handler().filter(|_| run.unseen)?;
    if thought_of(entry) {
        return None;
    }
    let arch = run
        .steps
        .get(at)
        .and_then(|step| arch_of(&step.program.head));
    let hint = arch.map_or_else(String::new, |arch| {
        format!(
            "; `armistice verify {}` shows whether it runs",
            arch.display_name()
        )
    });
    Some(format!("its emulator cannot be looked at here{hint}"))
}
