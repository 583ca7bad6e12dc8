//! What the kernel would do with a program, and what mends it.
//!
//! Pure: the table's snapshot and the program's facts go in, a verdict comes
//! out. Whether a file exists is asked through [`Facts`].

use std::path::Path;

use armistice_arch::{Arch, ElfHeader};
use armistice_binfmt::replay::{self, Answer};
use armistice_binfmt::{Entry, Snapshot};
use serde::Serialize;

use crate::engine::EngineLine;
use crate::output::{quoted, shown};

/// What is known of the program that would start.
#[derive(Debug, Clone)]
pub(super) struct Program {
    /// Its path where it lies.
    pub(super) path: String,
    /// Its first bytes, up to 256; of an image known by platform only, those
    /// that its programs have.
    pub(super) head: Vec<u8>,
    /// Whether it is executable; `None` where that is not known.
    pub(super) executable: Option<bool>,
    /// Whether it is set-user-ID or set-group-ID.
    pub(super) setuid: bool,
    /// Its own PT_INTERP, and whether that file is there.
    pub(super) loader: Option<(String, bool)>,
    /// Whether it runs in a root of its own (image, root folder), where an
    /// emulator of this machine is not found by path.
    pub(super) own_root: bool,
}

/// What the verdict needs to know of this machine beside the table.
pub(super) trait Facts {
    /// Whether an emulator's file is there, for a program in its root.
    fn exists_for_program(&self, path: &Path) -> bool;
    /// The PT_INTERP of an emulator on this machine; `None` if static or not there.
    fn loader_of_emulator(&self, path: &Path) -> Option<String>;
}

/// How it ends.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Verdict {
    /// Whether it would run.
    pub(super) runs: bool,
    /// A word that stays the same between versions.
    pub(super) code: &'static str,
    /// In a sentence.
    pub(super) text: String,
    /// The command that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
    /// Things to know even so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<String>,
}

impl Verdict {
    fn no(code: &'static str, text: String) -> Verdict {
        Verdict {
            runs: false,
            code,
            text,
            remedy: None,
            warnings: Vec::new(),
        }
    }

    fn yes(code: &'static str, text: String) -> Verdict {
        Verdict {
            runs: true,
            ..Verdict::no(code, text)
        }
    }

    /// The same, of a table that is out of sight, by whether it has a handler.
    pub(super) fn out_of_sight(self, takes: bool) -> Verdict {
        match (self.code, takes) {
            ("no-handler", true) => {
                let text = "a handler takes it, of a table that is out of sight here (an outer user namespace's)";
                let mut verdict = Verdict::yes("handled", text.to_owned());
                verdict
                    .warnings
                    .push("whether its emulator works, armistice verify shows".to_owned());
                verdict
            }
            ("no-handler", false) => Verdict {
                text: format!(
                    "{}, nor does one of a table out of sight; on the host:",
                    self.text
                ),
                ..self
            },
            _ => self,
        }
    }

    fn mended_by(self, command: impl Into<String>) -> Verdict {
        Verdict {
            remedy: Some(command.into()),
            ..self
        }
    }
}

/// How one entry answered, for people and programs.
#[derive(Debug, Clone, Serialize)]
pub(super) struct EntryAnswer {
    name: String,
    takes: bool,
    why: String,
}

impl std::fmt::Display for EntryAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.why)
    }
}

/// Every entry's answer, in the kernel's order.
pub(super) fn answers(live: &Snapshot, program: &Program) -> Vec<EntryAnswer> {
    let mut taken = false;
    live.entries
        .iter()
        .map(|entry| {
            let answer = replay::ask(entry, &program.head, &program.path);
            let takes = answer == Answer::Takes && !taken;
            let why = match answer {
                Answer::Takes if taken => "would take it, but an entry before it does".to_owned(),
                Answer::Takes => "takes it".to_owned(),
                Answer::Disabled => "would take it, but is disabled".to_owned(),
                Answer::Byte(m) => format!(
                    "byte {} is {:02x}, wanted {:02x} (mask {:02x}){}",
                    m.at,
                    m.found,
                    m.wanted,
                    m.mask,
                    meaning(m.at)
                ),
                Answer::Ending => "the name ends otherwise".to_owned(),
                Answer::Unknown => "matches by a rule this version does not know".to_owned(),
            };
            taken |= takes;
            EntryAnswer {
                name: shown(&entry.name),
                takes,
                why,
            }
        })
        .collect()
}

/// What the header has at an offset.
fn meaning(at: usize) -> &'static str {
    match at {
        0..=3 => ": not an ELF file",
        4 => ": 32 or 64 bits",
        5 => ": byte order",
        6 => ": ELF version",
        7 => ": OS ABI",
        8 => ": ABI version (an AppImage has its mark here)",
        9..=15 => ": padding",
        16 | 17 => ": kind of file",
        18 | 19 => ": machine",
        20..=23 => ": version",
        _ => ": flags of the machine",
    }
}

/// The verdict on an ELF program (scripts have been followed before).
pub(super) fn on(program: &Program, live: &Snapshot, facts: &dyn Facts) -> Verdict {
    if program.executable == Some(false) {
        let text = format!("{} is not executable", shown(&program.path));
        return Verdict::no("not-executable", text)
            .mended_by(format!("chmod +x {}", quoted(&program.path)));
    }
    if let Some(entry) = replay::winner(live, &program.head, &program.path).filter(|_| live.enabled)
    {
        return by_handler(entry, program, facts);
    }
    let header = match ElfHeader::parse(&program.head) {
        Ok(header) => header,
        Err(error) => {
            return Verdict::no(
                "not-a-program",
                format!("{} is {error}", shown(&program.path)),
            );
        }
    };
    match Arch::of_elf(&header) {
        Some(arch) if arch.is_native_to(Arch::host()) => natively(program),
        Some(arch) => unhandled(program, live, arch),
        None => Verdict::no(
            "unknown-machine",
            format!(
                "{} is for ELF machine {}, for which no emulator is known",
                shown(&program.path),
                header.machine
            ),
        ),
    }
}

fn natively(program: &Program) -> Verdict {
    match &program.loader {
        Some((loader, false)) => Verdict::no(
            "no-loader",
            format!(
                "it is this machine's own kind of program, but its loader {} is missing",
                shown(loader)
            ),
        ),
        _ => Verdict::yes("native", "this machine runs it by itself".to_owned()),
    }
}

/// An entry takes it: would its emulator start, and the program with it?
fn by_handler(entry: &Entry, program: &Program, facts: &dyn Facts) -> Verdict {
    let name = shown(&entry.name);
    let emulator = &entry.interpreter;
    let shown_emulator = shown(&emulator.to_string_lossy());
    let register = remedy_for(&program.head, " --replace");
    if !entry.flags.fix_binary && !facts.exists_for_program(emulator) {
        let text = format!(
            "{name} takes it, but has no flag F: its emulator {shown_emulator} is looked up where the program runs, \
             and is not there"
        );
        return Verdict::no("no-fix-binary", text).mended_by(register);
    }
    if let (true, Some(loader)) = (program.own_root, facts.loader_of_emulator(emulator)) {
        let text = format!(
            "{name} takes it, but its emulator {shown_emulator} is not static: it needs {loader}, which is not found \
             where the program runs"
        );
        return Verdict::no("dynamic-emulator", text).mended_by(register);
    }
    if let Some((loader, false)) = &program.loader {
        let text = format!(
            "{name} takes it, but the program's own loader {} is missing {}",
            shown(loader),
            if program.own_root {
                "in its root"
            } else {
                "on this machine: run it in a root of its architecture"
            }
        );
        return Verdict::no("no-loader", text);
    }
    let engine = EngineLine::of(entry).map(|engine| format!(" ({engine})"));
    let text = format!(
        "{name} runs it with {shown_emulator}{}",
        engine.unwrap_or_default()
    );
    let mut verdict = Verdict::yes("handled", text);
    if program.setuid && !entry.flags.credentials {
        verdict.warnings.push(format!(
            "it is set-user-ID, but {name} has no flag C: it will not get its owner's rights (sudo says so)"
        ));
    }
    if !entry.flags.preserve_argv0 {
        verdict.warnings.push(format!(
            "{name} has no flag P: programs that look at the name they were called by (busybox) go wrong"
        ));
    }
    verdict
}

/// No entry takes it.
fn unhandled(program: &Program, live: &Snapshot, arch: &Arch) -> Verdict {
    let platform = arch.platforms.first().copied().unwrap_or(arch.name);
    let would = |e: &&Entry| replay::ask(e, &program.head, &program.path) == Answer::Disabled;
    if !live.enabled && !live.entries.is_empty() {
        let text = format!("built for {platform}; binfmt_misc is switched off as a whole");
        return Verdict::no("switched-off", text).mended_by(format!(
            "echo 1 | sudo tee {}/status",
            armistice_binfmt::STANDARD_PATH
        ));
    }
    if let Some(entry) = live.entries.iter().find(would) {
        let text = format!(
            "built for {platform}; the handler {} would take it, but is disabled",
            shown(&entry.name)
        );
        let file = format!("{}/{}", armistice_binfmt::STANDARD_PATH, entry.name);
        return Verdict::no("disabled", text)
            .mended_by(format!("echo 1 | sudo tee {}", quoted(&file)));
    }
    if let Some(m) = arch.pattern().first_mismatch(&program.head) {
        let text = format!(
            "built for {platform}, but marked so that the usual handler does not take it: byte {} is {:02x}, wanted \
             {:02x}{}",
            m.at,
            m.found,
            m.wanted,
            meaning(m.at)
        );
        return Verdict::no("odd-header", text);
    }
    Verdict::no(
        "no-handler",
        format!("built for {platform}; no handler here matches it"),
    )
    .mended_by(format!("sudo armistice register {}", arch.display_name()))
}

fn remedy_for(head: &[u8], extra: &str) -> String {
    let arch = ElfHeader::parse(head).ok().and_then(|h| Arch::of_elf(&h));
    format!(
        "sudo armistice register{} {}",
        extra,
        arch.map_or("all", |a| a.display_name())
    )
}
