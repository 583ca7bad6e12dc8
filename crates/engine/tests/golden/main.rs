//! Promise: what host code each guest instruction becomes is under review.
//!
//! Each instruction of the table is translated by itself, in several forms,
//! for a host with AVX-512 and for one with AVX2 only, and disassembled; so
//! are some short sequences. The text is compared with the files in `golden/`:
//! a change of the lifter or the lowering shows as a difference there. To
//! renew them after one, run with `ARMISTICE_BLESS=1` and read the difference.
//! Of 32-bit Arm there are sequences (`arm.rs`), and its vDSO, alone.
//! Instructions that are left to the interpreter are in the files as such. A file's
//! first line counts the host's instructions in it, for each host: what became longer
//! or shorter is seen at a glance. What each stage makes is in `stages.rs`.
//!
//! Nothing is run, and nothing depends on the processor the tests run on. Each
//! translation is also checked for instructions that its host lacks.
#![cfg(feature = "disassembler")]
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod arm;
mod elsewhere;
mod features;
mod forms;
mod translated;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use a32::Aarch32;
use a64::Aarch64;
use a64::decode::{Class, Op};
use a64::lift::ANY_STACK;
use armistice_engine::inspect::guest::GuestInsn;
use armistice_engine::linux::abi;
use armistice_engine::linux::abi::library::Library;
use guest::Guest;
use ir::Mode;
use translated::{CALLS, Translated};
use x64::features::HostFeatures;
use x64::lower::Options;

/// The hosts whose code is kept, by name.
const HOSTS: [(&str, HostFeatures); 2] = [
    ("avx-512", HostFeatures::ALL),
    ("avx2", HostFeatures::ALL.without_avx512()),
];

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Compares a file with what it should hold, or writes it.
fn compare(name: &str, text: &str) -> Result<(), String> {
    let text = &format!("{}\n", text.trim_end_matches('\n'));
    let path = directory().join(name);
    if std::env::var_os("ARMISTICE_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, text).unwrap();
        return Ok(());
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    if kept == *text {
        return Ok(());
    }
    let line = kept.lines().zip(text.lines()).take_while(|(a, b)| a == b);
    let at = line.count();
    let context = |text: &str| {
        let lines = text.lines().skip(at.saturating_sub(3)).take(10);
        lines.fold(String::new(), |all, line| all + "    " + line + "\n")
    };
    Err(format!(
        "{name} differs from line {}\n  kept:\n{}  now:\n{}",
        at + 1,
        context(&kept),
        context(text)
    ))
}

/// The text of a file of host code, behind a line that counts the host's instructions
/// on each host.
fn counted(text: &str) -> String {
    let mut counts = [0; HOSTS.len()];
    let mut only = None;
    for line in text.lines() {
        let name = line.trim().trim_start_matches('[').trim_end_matches(']');
        let code = line.strip_prefix("    ");
        let is_code = code.is_some_and(|code| !matches!(code, "interpreter" | "nothing"));
        if line.starts_with("  [") {
            only = HOSTS.iter().position(|(host, _)| *host == name);
        } else if !line.starts_with(' ') {
            only = None;
        } else if is_code {
            let all = counts.iter_mut().enumerate();
            let of = all.filter(|(host, _)| only.is_none_or(|only| only == *host));
            of.for_each(|(_, count)| *count += 1);
        }
    }
    let mut head = String::from("host instructions:");
    for ((name, _), count) in HOSTS.iter().zip(counts) {
        let _ = write!(head, " {count} ({name})");
    }
    format!("{head}\n\n{text}")
}

/// The host code of `words` on each host; said once where it is the same.
fn on_all_hosts(words: &[u32], out: &mut String) {
    in_mode(Mode::PLAIN, words, out);
}

/// The same in a mode.
fn in_mode(mode: Mode, words: &[u32], out: &mut String) {
    let translated = |host| Translated::in_mode(mode, translated::HEAD, words, host);
    let text = |host| shortened(translated(host).text(), words);
    said_once(HOSTS.map(|(_, host)| text(host)), out);
}

/// The texts for each host, or the one of all.
fn said_once(texts: [String; HOSTS.len()], out: &mut String) {
    if texts[0] == texts[1] {
        return out.push_str(&texts[0]);
    }
    for ((name, _), text) in HOSTS.iter().zip(texts) {
        let _ = writeln!(out, "  [{name}]");
        out.push_str(&text);
    }
}

/// The text without what is the same for each instruction by itself: that it
/// is entered, and that what comes after it is elsewhere.
fn shortened(text: String, words: &[u32]) -> String {
    if words.len() > 1 {
        return text;
    }
    let text = text.strip_prefix("  guest 1000, entry:\n").unwrap_or(&text);
    text.strip_suffix("    jmp     exit_1004\n")
        .unwrap_or(text)
        .to_owned()
}

/// Whether the interpreter does a word on all hosts.
fn interpreted(word: &u32) -> bool {
    let on = HOSTS.map(|(_, host)| Translated::new(&[*word], host).interpreted());
    on.into_iter().all(|interpreted| interpreted)
}

/// All forms of an instruction.
fn instruction(op: Op, out: &mut String) {
    let forms = forms::of(op);
    assert!(!forms.is_empty(), "{op:?} has no form");
    if forms.iter().all(interpreted) {
        let _ = writeln!(out, "{}: interpreter\n", op.name());
        return;
    }
    for word in forms {
        let _ = writeln!(
            out,
            "{word:08x} {}",
            GuestInsn::<Aarch64>::new(Mode::PLAIN, word)
        );
        let start = out.len();
        if interpreted(&word) {
            out.push_str("    interpreter\n");
        } else {
            on_all_hosts(&[word], out);
        }
        if out.len() == start {
            out.push_str("    nothing\n");
        }
        out.push('\n');
    }
}

#[test]
fn instructions() {
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    for &op in Op::ALL {
        let file = files.entry(op.class().name()).or_default();
        instruction(op, file);
    }
    assert_eq!(files.len(), Class::ALL.len());
    let differences: Vec<String> = files
        .iter()
        .filter_map(|(class, text)| compare(&format!("{class}.txt"), &counted(text)).err())
        .collect();
    assert!(
        differences.is_empty(),
        "{}run with ARMISTICE_BLESS=1 and read the difference",
        differences.concat()
    );
}

/// What of the table is translated, by features: the coverage report.
#[test]
fn coverage() {
    #[derive(Default)]
    struct Covered {
        whole: usize,
        part: Vec<&'static str>,
        none: Vec<&'static str>,
    }
    let mut features: BTreeMap<String, Covered> = BTreeMap::new();
    for &op in Op::ALL {
        let covered = features
            .entry(format!("{:?}", op.info().feature))
            .or_default();
        let forms = forms::of(op);
        match forms.iter().filter(|word| interpreted(word)).count() {
            0 => covered.whole += 1,
            count if count == forms.len() => covered.none.push(op.name()),
            _ => covered.part.push(op.name()),
        }
    }
    let list = |names: &[&str]| names.iter().map(|name| format!("    {name}\n")).collect();
    let mut text = String::new();
    let mut sums = [0; 3];
    for (feature, covered) in &features {
        let counts = [covered.whole, covered.part.len(), covered.none.len()];
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum += count;
        }
        let [whole, part, none] = counts;
        let _ = writeln!(
            text,
            "{feature}: {whole} translated, {part} in part, {none} not"
        );
        for (title, names) in [("in part", &covered.part), ("not", &covered.none)] {
            if !names.is_empty() {
                let names: String = list(names);
                let _ = write!(text, "  {title}:\n{names}");
            }
        }
    }
    let [whole, part, none] = sums;
    assert_eq!(whole + part + none, Op::COUNT);
    let head = format!(
        "Of {} instructions {whole} are translated, {part} in some\n\
         forms, {none} not: these are the interpreter's.\n\n",
        Op::COUNT
    );
    if let Err(difference) = compare("coverage.txt", &(head + &text)) {
        panic!("{difference}run with ARMISTICE_BLESS=1 and read the difference");
    }
}

/// In a title: the sequence is translated for any SP.
const ANY: &str = " (any sp)";

/// The mode that a title names.
fn mode(title: &str) -> Mode {
    Mode::PLAIN.with(ANY_STACK, title.ends_with(ANY))
}

/// The sequences of a file: a title after `==`, then a word a line and what it is;
/// comments after `#`.
fn sequences_of(file: &str) -> Vec<(String, Vec<u32>)> {
    let text = std::fs::read_to_string(directory().join(file)).unwrap();
    let mut all: Vec<(String, Vec<u32>)> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("== ") {
            all.push((title.to_owned(), Vec::new()));
        } else if !line.is_empty() && !line.starts_with('#') {
            let word = line.split(' ').next().unwrap();
            let word = u32::from_str_radix(word, 16).unwrap();
            all.last_mut().unwrap().1.push(word);
        }
    }
    all
}

fn sequences() -> Vec<(String, Vec<u32>)> {
    sequences_of("sequences.in")
}

#[test]
fn short_sequences() {
    let mut text = String::new();
    let sequences = sequences();
    assert!(sequences.len() > 10);
    for (title, words) in sequences {
        let _ = writeln!(text, "== {title}");
        for (pc, word) in (translated::HEAD..).step_by(4).zip(&words) {
            let _ = writeln!(
                text,
                "{pc:x} {word:08x} {}",
                GuestInsn::<Aarch64>::new(Mode::PLAIN, *word)
            );
        }
        in_mode(mode(&title), &words, &mut text);
        text.push('\n');
    }
    if let Err(difference) = compare("sequences.txt", &counted(&text)) {
        panic!("{difference}run with ARMISTICE_BLESS=1 and read the difference");
    }
}

/// The functions of a guest's vDSO, the calls of the engine among them.
fn functions(library: &Library) -> Vec<(&'static str, u64, Vec<u32>)> {
    let image = library.image();
    let functions = library.functions().map(|(name, range)| {
        let index = |at: u64| usize::try_from(at).unwrap();
        let words = image[index(range.start)..index(range.end)].as_chunks().0;
        let words = words.iter().map(|&word| u32::from_le_bytes(word));
        (name, CALLS + range.start, words.collect())
    });
    functions.collect()
}

/// Their host code.
fn library<G: Guest>(file: &str, library: &Library) {
    let mut text = String::new();
    for (name, head, words) in functions(library) {
        let _ = writeln!(text, "== {name}");
        for (pc, word) in (head..).step_by(4).zip(&words) {
            let _ = writeln!(
                text,
                "{pc:x} {word:08x} {}",
                GuestInsn::<G>::new(Mode::PLAIN, *word)
            );
        }
        let lifter = G::lifter(Mode::PLAIN, Some(CALLS));
        said_once(
            HOSTS.map(|(_, host)| {
                Translated::<G>::of(&lifter, head, &words, host, Options::default()).text()
            }),
            &mut text,
        );
        text.push('\n');
    }
    if let Err(difference) = compare(file, &counted(&text)) {
        panic!("{difference}run with ARMISTICE_BLESS=1 and read the difference");
    }
}

#[test]
fn vdso() {
    library::<Aarch64>("vdso.txt", &abi::arm64::vdso::LIBRARY);
}

#[test]
fn vdso_of_arm() {
    library::<Aarch32>("arm_vdso.txt", &abi::arm::vdso::LIBRARY);
}

/// Code says where the guest's lies in its relocations and nowhere else.
#[test]
fn code_is_the_same_elsewhere() {
    let mut relocated = 0;
    for (_, host) in HOSTS {
        for &op in Op::ALL {
            for word in forms::of(op) {
                relocated +=
                    elsewhere::check::<Aarch64>(Mode::PLAIN, translated::HEAD, &[word], host);
            }
        }
        for (title, words) in sequences() {
            relocated += elsewhere::check::<Aarch64>(mode(&title), translated::HEAD, &words, host);
            elsewhere::check_counting(&words, host);
        }
        for (_, head, words) in functions(&abi::arm64::vdso::LIBRARY) {
            relocated += elsewhere::check::<Aarch64>(Mode::PLAIN, head, &words, host);
        }
        for (_, head, words) in functions(&abi::arm::vdso::LIBRARY) {
            relocated += elsewhere::check::<Aarch32>(Mode::PLAIN, head, &words, host);
        }
    }
    assert!(relocated > 1000, "only {relocated} relocations");
}

/// On each host, and on one with nothing but x86-64-v3, no instruction comes
/// out that it lacks, nor anything that is none.
#[test]
fn hosts_have_the_instructions() {
    let hosts = HOSTS.map(|(_, host)| host);
    for host in hosts.into_iter().chain(features::hosts()) {
        for &op in Op::ALL {
            for word in forms::of(op) {
                features::check(&Translated::new(&[word], host), &host);
            }
        }
        for (title, words) in sequences() {
            let mode = mode(&title);
            let translated = Translated::in_mode(mode, translated::HEAD, &words, host);
            features::check(&translated, &host);
        }
    }
}
