//! Every instruction of the tables on random operands and states, three ways: the interpreter, the
//! translator, and `qemu-arm`, a process and a black box.
//!
//! Short by default; `ARMISTICE_LONG=1` takes 10,000 states an instruction, `ARMISTICE_SEED`
//! another seed, `ARMISTICE_STATES` another number, `ARMISTICE_OP` only rows whose name starts so (`A32.ADD`).

#![allow(clippy::unwrap_used, reason = "a failed helper is a failed test")]
#![allow(clippy::print_stderr, reason = "tests show what they compared")]
#![allow(
    clippy::cast_possible_truncation,
    reason = "operands are cut from random words"
)]

mod case;
mod compare;
mod generate;
mod interpreter;
mod known;
mod qemu;
mod random;
mod sandbox;
mod translator;
mod vectors;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use armistice_a32::decode::{Insn, decode};

use case::{Batch, MAX_STATES};
use compare::{Place, differences};
use generate::Row;
use qemu::Qemu;
use random::Rng;
use sandbox::Sandbox;
use translator::Translator;

/// How many states each program runs on.
const STATES: usize = 4;
/// How many states an instruction.
const COUNT: usize = if cfg!(armistice_long) { 10_000 } else { 64 };

fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// Programs and states about a row.
fn batch(rng: &mut Rng, row: Row, states: usize) -> Batch {
    let mut batch = Batch {
        pattern: generate::pattern(rng),
        ..Batch::default()
    };
    while batch.states.len() < states && batch.has_room() {
        let (program, insn) = generate::program(rng, row, batch.next_address());
        for _ in 0..STATES.min(states - batch.states.len()) {
            let state = generate::state(rng, &program, insn);
            batch.states.push((batch.programs.len(), state));
        }
        batch.programs.push(program);
    }
    batch
}

/// A case and its differences as text.
fn show(batch: &Batch, n: usize, found: &[(Place, u64, u64)], other: &str) -> String {
    let (program, before) = &batch.states[n];
    let program = &batch.programs[*program];
    let mut text = format!("  at {:#x}:", program.address);
    for &word in &program.words {
        let name = decode(program.set, word).map_or("-", Insn::name);
        let _ = write!(text, " {word:08x} {name};");
    }
    let _ = writeln!(
        text,
        "\n  before: {:08x?} cpsr {:08x}",
        before.r, before.cpsr
    );
    for (place, ours, theirs) in found.iter().take(8) {
        let _ = writeln!(
            text,
            "  {place:?}: interpreter {ours:#x}, {other} {theirs:#x}"
        );
    }
    text
}

#[test]
fn every_instruction_is_the_same_on_qemu() {
    let seed = setting("ARMISTICE_SEED").map_or(1, |text| text.parse().expect("a number"));
    let only = setting("ARMISTICE_OP").unwrap_or_default();
    let count = setting("ARMISTICE_STATES").map_or(COUNT, |text| text.parse().expect("a number"));
    let mut qemu = Qemu::start();
    let (mut sandbox, mut translator) = (Sandbox::new(), Translator::new());
    let (mut states, mut faults, mut rows) = (0, 0, 0);
    let mut known = BTreeMap::<&str, u32>::new();
    let mut failures = BTreeMap::<String, (u32, String)>::new();
    for row in Row::all() {
        let name = row.name();
        if !name.starts_with(&only) || !is_run(&name) {
            continue;
        }
        rows += 1;
        let (mut rng, mut left) = (Rng::named(seed, &name), count);
        while left > 0 {
            let batch = batch(&mut rng, row, left.min(MAX_STATES));
            left -= batch.states.len();
            let theirs = qemu
                .run(&batch)
                .unwrap_or_else(|error| panic!("{name}: QEMU: {error}"));
            let ours = interpreter::run(&mut sandbox, &batch, qemu.leave);
            let translated = translator.run(&mut sandbox, &batch, qemu.leave);
            for n in 0..batch.states.len() {
                let found = differences(
                    (&ours.states[n], ours.data_of(n)),
                    (&translated.states[n], translated.data_of(n)),
                );
                let places: Vec<Place> = found.iter().map(|f| f.0).collect();
                if found.is_empty() || known::is_open(&name, &places, &ours.states[n]) {
                    continue;
                }
                let failure = failures
                    .entry(name.clone())
                    .or_insert_with(|| (0, show(&batch, n, &found, "translator")));
                failure.0 += 1;
            }
            for n in 0..batch.states.len() {
                states += 1;
                faults += u32::from(ours.states[n].signal != 0);
                let found = differences(
                    (&ours.states[n], ours.data_of(n)),
                    (&theirs.states[n], theirs.data_of(n)),
                );
                if found.is_empty() {
                    continue;
                }
                let places: Vec<Place> = found.iter().map(|f| f.0).collect();
                let entry = known::explained(&name, &places, &ours.states[n], &theirs.states[n]);
                if let Some(entry) = entry {
                    *known.entry(entry.reason).or_default() += 1;
                    continue;
                }
                let failure = failures
                    .entry(name.clone())
                    .or_insert_with(|| (0, show(&batch, n, &found, "QEMU")));
                failure.0 += 1;
            }
        }
    }
    eprintln!(
        "{}, seed {seed}: {rows} rows, {states} states, of which {faults} ended in a fault",
        qemu.version
    );
    let left: u64 = translator.counts.left.values().sum();
    eprintln!(
        "translated {} instructions, of which {left} are the interpreter's, of {} rows",
        translator.counts.all,
        translator.counts.left.len()
    );
    for (reason, count) in &known {
        eprintln!("{count} times: {reason}");
    }
    let mut text = String::new();
    for (name, (count, example)) in &failures {
        let _ = writeln!(text, "{name}: {count}\n{example}");
    }
    assert!(
        failures.is_empty(),
        "{} rows differ:\n{text}",
        failures.len()
    );
    assert!(states > 0 || !only.is_empty(), "nothing was compared");
}

/// Whether a row is run: not what asks the kernel for something, or waits.
fn is_run(name: &str) -> bool {
    !["SVC", "WFE", "WFI"]
        .iter()
        .any(|end| name.ends_with(&format!(".{end}")))
}
