//! Makes a sequence in which executors differ shorter: instructions become
//! NOPs as long as they still differ.

use std::io;

use crate::case::{Batch, CODE, Program};
use crate::compare::{Outcome, differences, show};
use crate::drive::{Executors, Three, With, excuse};
use crate::known::Context;
use crate::sandbox::{ENDLESS, PANICKED};

const NOP: u32 = 0xd503_201f;

/// A batch of this case only, the program at its place.
fn alone(batch: &Batch, n: usize) -> Batch {
    let (number, state) = batch.states[n];
    let program = batch.programs[number].clone();
    let mut single = Batch {
        pattern: batch.pattern.clone(),
        ..Batch::default()
    };
    if program.address > CODE + 4 {
        // A tail and a head are between.
        let words = (program.address - CODE - 12) / 4;
        single.programs.push(Program {
            address: CODE + 4,
            words: vec![NOP; words as usize],
        });
    }
    single.states.push((single.programs.len(), state));
    single.programs.push(program);
    single
}

/// How the case still differs.
fn differs(three: &Three, batch: &Batch, with: With, version: &str) -> bool {
    let outcome = |results: &'_ crate::case::Results| {
        let data = results.data_of(0).to_vec();
        (results.states[0], data)
    };
    let (ours, data) = outcome(&three.interpreter);
    let (theirs, their_data) = outcome(match with {
        With::Translator => &three.translator,
        With::Qemu => &three.qemu,
    });
    let left = Outcome {
        state: &ours,
        data: &data,
    };
    let right = Outcome {
        state: &theirs,
        data: &their_data,
    };
    let found = differences(left, right);
    let (number, before) = &batch.states[0];
    let context = Context {
        program: &batch.programs[*number],
        sequence: true,
        before,
        ours: &ours,
        theirs: &theirs,
    };
    !found.is_empty() && (with == With::Translator || excuse(&found, &context, version).is_none())
}

/// Makes the case shorter and shows it.
///
/// # Errors
/// QEMU's.
pub fn shrink(
    executors: &mut Executors,
    batch: &Batch,
    n: usize,
    with: With,
) -> io::Result<String> {
    let version = executors.qemu.version.clone();
    let mut batch = alone(batch, n);
    let last = batch.programs.len() - 1;
    let mut changed = true;
    while changed {
        changed = false;
        for at in (0..batch.programs[last].words.len()).rev() {
            let word = batch.programs[last].words[at];
            if word == NOP {
                continue;
            }
            batch.programs[last].words[at] = NOP;
            // The others may not find the end of what the interpreter doesn't.
            let signal = executors.interpreter.run(&batch).states[0].signal;
            let ends = signal != ENDLESS && signal != PANICKED;
            if ends && differs(&executors.run(&batch)?, &batch, with, &version) {
                changed = true;
            } else {
                batch.programs[last].words[at] = word;
            }
        }
    }
    let three = executors.run(&batch)?;
    let other = match with {
        With::Translator => &three.translator,
        With::Qemu => &three.qemu,
    };
    let found = differences(
        Outcome {
            state: &three.interpreter.states[0],
            data: three.interpreter.data_of(0),
        },
        Outcome {
            state: &other.states[0],
            data: other.data_of(0),
        },
    );
    Ok(show(&batch, 0, ("interpreter", with.name()), &found))
}
