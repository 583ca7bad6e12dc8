//! Promise: what each stage of translation makes is under review, a stage at a time.
//!
//! Files of cases in `stages/`: `lift/` has words of the guest's and the IR they become,
//! `pass/` has IR and what a pass finds out about it, `lower/` has IR and its host code.
//! So a change of the lifter shows in the first, one of a pass in the second, and one of
//! the lowering in the third only. The golden files have the whole way.
//!
//! A file's first line says what is tested: `test lift`, `test link`, `test live`, `test
//! upper` or `test lower`, and behind it, by need, `mode N`, `outside dead` (or `weak`:
//! what of the flags is seen outside; else they are live) and `only avx2` (or
//! `avx-512`). A case is a title behind `==`, its input up to `----`, and what comes out.
//! To renew that, run with `ARMISTICE_BLESS=1` and read the difference. Words of the guest
//! are at 0x1000. Edges need not be in IR: they are counted before it is used.
//!
//! Nothing is run, and nothing depends on the processor the tests run on.
#![cfg(feature = "disassembler")]
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use a64::Aarch64;
use a64::decode::{Class, decode};
use a64::lift::A64;
use armistice_engine::inspect::guest::GuestInsn;
use armistice_engine::inspect::host::{Style, disassemble};
use armistice_engine::translator::vcpu::layout;
use ir::form::{Former, Limits, Source};
use ir::live::{Flags, Live};
use ir::passes::link;
use ir::text::{self, Place};
use ir::upper::Uppers;
use ir::vector::VOp;
use ir::verify::{self, Stage};
use ir::{Mode, Op, Region, Size, Term};
use x64::convention::Convention;
use x64::features::HostFeatures;
use x64::lower::{Lowered, Lowerer, Options};

/// Where the guest's words lie.
const HEAD: u64 = 0x1000;
/// The page whose hints are calls.
const CALLS: u64 = 0x1000;

/// The hosts whose code is kept, by name.
const HOSTS: [(&str, HostFeatures); 2] = [
    ("avx-512", HostFeatures::ALL),
    ("avx2", HostFeatures::ALL.without_avx512()),
];

/// What a file's first line says.
struct Test {
    stage: String,
    mode: Mode,
    /// What of the flags is seen outside.
    outside: Live,
    /// The only host, if not all.
    only: Option<String>,
}

impl Test {
    fn read(line: &str) -> Result<Self, String> {
        let mut words = line.split_whitespace();
        let unknown = || format!("the first line is no test: {line}");
        let (Some("test"), Some(stage)) = (words.next(), words.next()) else {
            return Err(unknown());
        };
        let mut test = Self {
            stage: stage.to_owned(),
            mode: Mode::PLAIN,
            outside: Live::Live,
            only: None,
        };
        while let Some(option) = words.next() {
            match (option, words.next()) {
                ("mode", Some(n)) => {
                    test.mode = Mode::from_number(n.parse().map_err(|_| unknown())?);
                }
                ("outside", Some("dead")) => test.outside = Live::Dead,
                ("outside", Some("weak")) => test.outside = Live::Weak,
                ("only", Some(host)) if HOSTS.iter().any(|(name, _)| *name == host) => {
                    test.only = Some(host.to_owned());
                }
                _ => return Err(unknown()),
            }
        }
        Ok(test)
    }

    /// What the stage makes of a case's input.
    fn run(&self, input: &str) -> Result<String, String> {
        if self.stage == "lift" {
            return self.lift(input);
        }
        let mut region = text::parse(input).map_err(|error| error.to_string())?;
        link::link(&mut region);
        verify::region(&region, Stage::Linked).map_err(|wrong| wrong.to_string())?;
        Ok(match self.stage.as_str() {
            "link" => text::print(&region),
            "live" => self.live(&region),
            "upper" => upper(&region),
            "lower" => self.lower(&region),
            other => return Err(format!("there is no stage {other}")),
        })
    }

    /// A case's input as it is written: behind each of the guest's words stands what
    /// it is.
    fn written(&self, input: &str) -> Result<String, String> {
        if self.stage != "lift" {
            return Ok(input.to_owned());
        }
        let line = |word: u32| {
            format!(
                "{word:08x} {}\n",
                GuestInsn::<Aarch64>::new(Mode::PLAIN, word)
            )
        };
        Ok(words(input)?.into_iter().map(line).collect())
    }

    fn lift(&self, input: &str) -> Result<String, String> {
        let words = words(input)?;
        let (mut region, limits) = (Region::default(), Limits { insns: 512 });
        let guest = A64 {
            mode: self.mode,
            calls: Some(CALLS),
        };
        Former::default().form(&guest, &Words(&words), HEAD, limits, &mut region);
        Ok(text::print(&region))
    }

    fn live(&self, region: &Region) -> String {
        let mut flags = Flags::default();
        flags.compute(region, |_| self.outside);
        verify::flags(region, &flags, |_| self.outside).unwrap();
        text::print_with(region, &|place| {
            let live = match place {
                Place::Block(n) => flags.live_in.get(n),
                Place::Op(n) => flags.after.get(n),
                Place::End(_) => None,
            };
            Some(format!("{:?}", live?).to_lowercase())
        })
    }

    /// The host code, and where it may fault.
    fn lower(&self, region: &Region) -> String {
        let hosts = HOSTS
            .iter()
            .filter(|(name, _)| self.only.is_none() || self.only.as_deref() == Some(name));
        let texts: Vec<_> = hosts
            .map(|&(name, host)| (name, self.lowered(region, host)))
            .collect();
        if texts.iter().all(|(_, text)| *text == texts[0].1) {
            return texts[0].1.clone();
        }
        let mut out = String::new();
        for (name, text) in texts {
            let _ = write!(out, "  [{name}]\n{text}");
        }
        out
    }

    fn lowered(&self, region: &Region, host: HostFeatures) -> String {
        let mut lowered = Lowered::default();
        let mut lowerer = Lowerer::new(Convention::new(layout::<Aarch64>(), host));
        let options = Options::default();
        lowerer.lower(region, options, |_| self.outside, &mut lowered);
        let mut out = String::new();
        let code = lowerer.asm.code();
        disassemble::<Aarch64>(
            region,
            &lowered,
            code,
            &layout::<Aarch64>(),
            Style::Plain,
            &mut out,
        );
        let starts = |pc| region.block_at(pc).is_some();
        for fault in lowered.faults.iter().filter(|fault| !starts(fault.pc)) {
            let _ = writeln!(out, "  may fault: {:x}, flags: {:?}", fault.pc, fault.flags);
        }
        out
    }
}

/// The words of lines that begin with one.
fn words(input: &str) -> Result<Vec<u32>, String> {
    let word = |line: &str| {
        let word = line.split(' ').next().unwrap_or_default();
        u32::from_str_radix(word, 16).map_err(|_| format!("no word: {line}"))
    };
    input.lines().map(word).collect()
}

/// What is known of upper bits at the start of each block.
fn upper(region: &Region) -> String {
    let mut uppers = Uppers::default();
    uppers.compute(region);
    verify::uppers(region, &uppers).unwrap();
    text::print_with(region, &|place| {
        let Place::Block(n) = place else {
            return None;
        };
        let known = uppers.at_start[n].known().map(|(reg, size)| {
            let bits = if size == Size::B4 { 32 } else { 64 };
            format!(" v{} above {bits}", reg.0)
        });
        let known: Vec<String> = known.collect();
        (!known.is_empty()).then(|| format!("zero:{}", known.join(",")))
    })
}

/// The words at [`HEAD`]; all that is outside has been translated.
struct Words<'a>(&'a [u32]);

impl Source for Words<'_> {
    fn fetch(&self, pc: u64) -> Option<u32> {
        let index = usize::try_from(pc.checked_sub(HEAD)? / 4).ok()?;
        self.0.get(index).copied()
    }

    fn translated(&self, pc: u64) -> bool {
        self.fetch(pc).is_none()
    }
}

/// A case of a file.
struct Case {
    title: String,
    input: String,
    kept: String,
}

/// A file: its first lines, and its cases.
struct File {
    head: String,
    cases: Vec<Case>,
}

impl File {
    fn read(text: &str) -> Self {
        let mut file = Self {
            head: String::new(),
            cases: Vec::new(),
        };
        let mut made = false;
        for line in text.lines() {
            if let Some(title) = line.strip_prefix("== ") {
                file.cases.push(Case {
                    title: title.to_owned(),
                    input: String::new(),
                    kept: String::new(),
                });
                made = false;
                continue;
            }
            let into = match file.cases.last_mut() {
                None => &mut file.head,
                Some(_) if line == "----" => {
                    made = true;
                    continue;
                }
                Some(case) if made => &mut case.kept,
                Some(case) => &mut case.input,
            };
            if !line.is_empty() {
                let _ = writeln!(into, "{line}");
            }
        }
        file
    }

    /// The file with the input of each case, and what came out of it.
    fn with(&self, made: &[(String, String)]) -> String {
        let mut text = self.head.clone();
        for (Case { title, .. }, (input, made)) in self.cases.iter().zip(made) {
            let _ = write!(text, "\n== {title}\n{input}----\n{made}");
        }
        text
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stages")
}

/// The files of a folder, by name.
fn files(of: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder().join(of)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Runs the cases of a file, and says what is otherwise than it was.
fn check(path: &Path, stages: &[&str]) -> Result<usize, String> {
    let text = std::fs::read_to_string(path).unwrap();
    let file = File::read(&text);
    let name = path.strip_prefix(folder()).unwrap().display().to_string();
    let test = Test::read(file.head.lines().next().unwrap_or_default())
        .map_err(|error| format!("{name}: {error}\n"))?;
    if !stages.contains(&test.stage.as_str()) {
        return Err(format!(
            "{name} tests {}, which has another folder\n",
            test.stage
        ));
    }
    let mut made = Vec::new();
    for case in &file.cases {
        let input = test.written(&case.input);
        let out = input.and_then(|input| Ok((input, test.run(&case.input)?)));
        made.push(out.map_err(|error| format!("{name}, {}: {error}\n", case.title))?);
    }
    let now = file.with(&made);
    if now == text {
        return Ok(file.cases.len());
    }
    if std::env::var_os("ARMISTICE_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(path, now).unwrap();
        return Ok(file.cases.len());
    }
    let differs = file
        .cases
        .iter()
        .zip(&made)
        .find(|(case, (_, made))| case.kept != *made);
    Err(match differs {
        Some((Case { title, kept, .. }, (_, made))) => {
            format!("{name}, {title}\n  kept:\n{kept}  now:\n{made}")
        }
        None => format!("{name} is written otherwise than this test would\n"),
    })
}

/// Runs all files of a folder; there must be some cases.
fn check_all(of: &str, stages: &[&str], least: usize) {
    let (mut wrong, mut cases) = (String::new(), 0);
    for path in files(of) {
        match check(&path, stages) {
            Ok(checked) => cases += checked,
            Err(error) => wrong += &error,
        }
    }
    assert!(
        wrong.is_empty(),
        "{wrong}run with ARMISTICE_BLESS=1 and read the difference"
    );
    assert!(cases >= least, "only {cases} cases");
}

#[test]
fn lifting() {
    check_all("lift", &["lift"], 600);
}

#[test]
fn passes() {
    check_all("pass", &["link", "live", "upper"], 10);
}

#[test]
fn lowering() {
    check_all("lower", &["lower"], 400);
}

/// Each class of instructions of the table is lifted somewhere.
#[test]
fn every_class_is_lifted() {
    let mut classes: Vec<Class> = Vec::new();
    for path in files("lift") {
        let file = File::read(&std::fs::read_to_string(path).unwrap());
        for word in file
            .cases
            .iter()
            .flat_map(|case| words(&case.input).unwrap())
        {
            classes.extend(decode(word).map(|insn| insn.op.class()));
        }
    }
    let missing = Class::ALL.iter().filter(|class| !classes.contains(class));
    let missing: Vec<&str> = missing.map(|class| class.name()).collect();
    assert!(missing.is_empty(), "nothing lifts {missing:?}");
}

/// Each operation of the table, and each end of a block, is lowered somewhere.
#[test]
fn every_operation_is_lowered() {
    let (mut ops, mut ends) = (BTreeSet::new(), BTreeSet::new());
    for path in files("lower") {
        let file = File::read(&std::fs::read_to_string(path).unwrap());
        for case in &file.cases {
            let region = text::parse(&case.input).unwrap();
            ops.extend(region.ops.iter().map(|inst| inst.op.name()));
            ends.extend(region.blocks.iter().map(|block| block.term.name()));
        }
    }
    let of_ops = Op::NAMES.iter().chain(VOp::NAMES);
    let missing: Vec<&&str> = of_ops
        .filter(|name| !ops.contains(**name))
        .chain(Term::NAMES.iter().filter(|name| !ends.contains(**name)))
        .collect();
    assert!(missing.is_empty(), "nothing lowers {missing:?}");
}

/// A listing has each label that it branches to.
#[test]
fn branches_lead_to_labels() {
    let mut branches = 0;
    for path in files("lower") {
        let file = File::read(&std::fs::read_to_string(path).unwrap());
        for case in &file.cases {
            // Each host has labels of its own.
            let hosts = case.kept.split("\n  [");
            branches += hosts
                .map(|host| branches_of(host, &case.title))
                .sum::<usize>();
        }
    }
    assert!(branches > 100, "only {branches} branches");
}

/// Checks the branches of a listing, and counts them.
fn branches_of(listing: &str, title: &str) -> usize {
    let code = listing.lines().filter_map(|line| line.strip_prefix("    "));
    let targets = code.filter_map(|insn| insn.split_whitespace().next_back());
    let numbered = |target: &&str| {
        let number = target.strip_prefix('L');
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    };
    let targets = targets.filter(numbered);
    let has = |target: &str| listing.contains(&format!("  {target}:\n"));
    targets
        .inspect(|target| assert!(has(target), "{title}: no {target}"))
        .count()
}

/// What is lifted is what a lowering starts from: an input that the lifter makes no more
/// tests nothing that happens.
#[test]
fn lowering_starts_from_what_is_lifted() {
    for path in files("lower") {
        let name = path.file_name().unwrap();
        let lifted = folder().join("lift").join(name);
        if !lifted.exists() {
            continue;
        }
        let read = |path: &Path| File::read(&std::fs::read_to_string(path).unwrap());
        let made: Vec<String> = read(&lifted)
            .cases
            .into_iter()
            .map(|case| case.kept)
            .collect();
        for case in read(&path).cases {
            let input = &case.input;
            assert!(made.contains(input), "{name:?}, {}: not lifted", case.title);
        }
    }
}
