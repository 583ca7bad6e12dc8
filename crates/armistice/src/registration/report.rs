//! What a registration did, for people and for programs.

use std::path::PathBuf;

use anyhow::bail;
use armistice_arch::pattern::hex;
use armistice_binfmt::{Entry, Registration};
use serde::Serialize;

use crate::cli::Format;
use crate::engine::EngineLine;
use crate::output::{BAD, GOOD, HEAD, ODD, Output, megabytes, shown};
use crate::rootless::{self, Joined};

/// What `register` and `verify` report.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) schema: u32,
    pub(crate) emulators: Vec<EmulatorLine>,
    pub(crate) handlers: Vec<HandlerLine>,
}

/// An emulator's file.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct EmulatorLine {
    pub(crate) path: PathBuf,
    pub(crate) size: u64,
    pub(crate) version: String,
    pub(crate) sha256: String,
    #[serde(rename = "static")]
    pub(crate) is_static: bool,
}

/// The action of a report that changed nothing.
const FOUND: &str = "found";

/// An entry and its proof.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct HandlerLine {
    pub(crate) name: String,
    pub(crate) platform: &'static str,
    /// `kept`, `added`, `replaced`; for `verify`: `found`.
    pub(crate) action: String,
    pub(crate) interpreter: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) engine: Option<EngineLine>,
    pub(crate) flags: String,
    pub(crate) offset: usize,
    pub(crate) magic: String,
    pub(crate) mask: String,
    pub(crate) proof: ProofLine,
}

/// What the test program's run showed.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct ProofLine {
    /// Everything that was promised was shown.
    pub(crate) proven: bool,
    pub(crate) text: String,
    /// What could not be tried, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) not_tried: Vec<String>,
}

impl HandlerLine {
    /// A line for an entry as it was wanted.
    pub(crate) fn new(
        wanted: &Registration,
        platform: &'static str,
        action: String,
        proof: ProofLine,
    ) -> HandlerLine {
        HandlerLine {
            name: wanted.name.clone(),
            platform,
            action,
            interpreter: wanted.interpreter.clone(),
            engine: EngineLine::new(&wanted.interpreter, &wanted.pin.version),
            flags: wanted.flags.to_string(),
            offset: wanted.pattern.offset,
            magic: hex(&wanted.pattern.magic),
            mask: hex(&wanted.pattern.mask),
            proof,
        }
    }

    /// A line for an entry as it was found.
    pub(crate) fn of_entry(entry: &Entry, platform: &'static str, proof: ProofLine) -> HandlerLine {
        let (offset, magic, mask) = entry
            .pattern()
            .map_or((0, String::new(), String::new()), |p| {
                (p.offset, hex(&p.magic), hex(&p.mask))
            });
        HandlerLine {
            name: entry.name.clone(),
            platform,
            action: FOUND.to_owned(),
            interpreter: entry.interpreter.clone(),
            engine: EngineLine::of(entry),
            flags: entry.flags.to_string(),
            offset,
            magic,
            mask,
            proof,
        }
    }
}

impl HandlerLine {
    /// A line for an entry of a table that is out of sight.
    pub(crate) fn out_of_sight(platform: &'static str, proof: ProofLine) -> HandlerLine {
        HandlerLine {
            name: "(cannot be read from here)".to_owned(),
            platform,
            action: FOUND.to_owned(),
            interpreter: PathBuf::new(),
            engine: None,
            flags: String::new(),
            offset: 0,
            magic: String::new(),
            mask: String::new(),
            proof,
        }
    }
}

/// A report, as programs read it.
#[derive(Serialize)]
struct InJson<'r> {
    #[serde(flatten)]
    report: &'r Report,
    /// The rootless engine for which it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    rootless: Option<Joined>,
    verdict: ReportVerdict,
}

/// Whether all of it works.
#[derive(Serialize)]
struct ReportVerdict {
    works: bool,
    text: String,
}

impl Report {
    /// For programs.
    pub(crate) fn answer(&self, output: Output) -> anyhow::Result<()> {
        let unproven = self.unproven();
        let text = match (&unproven[..], self.handlers.is_empty()) {
            (_, true) => {
                "nothing to register: all that an emulator is installed for runs here already"
                    .to_owned()
            }
            ([], false) => "all of it is proven to work".to_owned(),
            (names, false) => format!("not proven to work: {}", names.join(", ")),
        };
        output.json(&InJson {
            report: self,
            rootless: rootless::joined(),
            verdict: ReportVerdict {
                works: unproven.is_empty(),
                text,
            },
        })
    }

    /// As it was asked for. By name: what is in effect and proven.
    pub(crate) fn show(&self, format: Format, output: Output) -> anyhow::Result<()> {
        match format {
            Format::Json => self.answer(output)?,
            Format::Name => self
                .handlers
                .iter()
                .filter(|h| h.proof.proven && (h.action == FOUND || self.all_proven()))
                .for_each(|h| output.data(&h.name)),
            Format::Table => self.print(output),
        }
        Ok(())
    }

    /// Refuses to call it done where a part is not proven. For what was taken back then,
    /// or changed nothing.
    ///
    /// # Errors
    /// The names of what is not proven.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        if self.all_proven() {
            return Ok(());
        }
        bail!(
            "not proven to work: {}; nothing was changed, the table is what it was",
            self.unproven().join(", ")
        )
    }

    /// The names of what is not proven.
    fn unproven(&self) -> Vec<&str> {
        let unproven = self.handlers.iter().filter(|h| !h.proof.proven);
        unproven.map(|h| h.name.as_str()).collect()
    }

    /// Whether everything that was promised was shown.
    pub(crate) fn all_proven(&self) -> bool {
        self.handlers.iter().all(|h| h.proof.proven)
    }

    /// For people. Those who want to hear of errors only hear what is not proven.
    pub(crate) fn print(&self, output: Output) {
        if output.is_quiet() {
            for h in self.handlers.iter().filter(|h| !h.proof.proven) {
                output.error(format!("{}: {}", shown(&h.name), h.proof.text));
            }
            return;
        }
        if !self.emulators.is_empty() {
            output.data(format!("{HEAD}Installed emulators:{HEAD:#}"));
        }
        for e in &self.emulators {
            let kind = if e.is_static { "static" } else { "dynamic" };
            output.data(format!(
                "  {}  {}  {}  {kind}  sha256:{}",
                e.path.display(),
                megabytes(e.size),
                e.version,
                e.sha256.get(..12).unwrap_or(&e.sha256)
            ));
        }
        if self.handlers.is_empty() {
            return;
        }
        let found = self.handlers.iter().all(|h| h.action == FOUND);
        let title = match (found, self.all_proven()) {
            (true, _) => "Handlers",
            (false, true) => "Registered",
            // One that can't be proven takes all back.
            (false, false) => "Tried, and taken back",
        };
        let whose = rootless::joined();
        let whose = whose.map_or_else(String::new, |joined| format!(" for {}", joined.named()));
        output.data(format!("{HEAD}{title}{whose}:{HEAD:#}"));
        for h in &self.handlers {
            print_handler(h, output);
        }
    }
}

fn print_handler(h: &HandlerLine, output: Output) {
    output.data(format!(
        "  {HEAD}{}{HEAD:#}  {}  enabled  ({})",
        shown(&h.name),
        h.platform,
        h.action
    ));
    if !h.interpreter.as_os_str().is_empty() {
        print_entry(h, output);
    }
    let style = if h.proof.proven { GOOD } else { BAD };
    output.data(format!("    {style}{}{style:#}", h.proof.text));
    for reason in &h.proof.not_tried {
        output.data(format!("    {ODD}not tried: {reason}{ODD:#}"));
    }
}

fn print_entry(h: &HandlerLine, output: Output) {
    let engine = h.engine.as_ref().map(|e| format!("  ({e})"));
    output.data(format!(
        "    interpreter {}{}",
        h.interpreter.display(),
        engine.unwrap_or_default()
    ));
    output.data(format!(
        "    flags {}  offset {}",
        if h.flags.is_empty() { "-" } else { &h.flags },
        h.offset
    ));
    output.data(format!("    magic {}", h.magic));
    output.data(format!("    mask  {}", h.mask));
}
