//! Makes a sequence in which executors differ shorter: instructions become
//! NOPs as long as they still differ.

use std::io;

use ir::Mode;

use crate::case::{Batch, Program, Results};
use crate::compare::{differences, show};
use crate::drive::{Executors, Three, With};
use crate::interpreter;
use crate::known::{context, excuse};
use crate::sandbox::{ENDLESS, PANICKED, is_stray};
use crate::tested::{SEQUENCES, State as _, Tested};

/// A batch of this case only, the program at its place.
pub(crate) fn alone<G: Tested>(batch: &Batch<G>, n: usize) -> Batch<G> {
    let (number, state) = batch.states[n];
    let program = batch.programs[number].clone();
    let mut single = Batch {
        pattern: batch.pattern.clone(),
        ..Batch::default()
    };
    // A program that nobody runs fills the place before it.
    let address = single.next_address();
    if address != program.address {
        single.programs.push(Program::new(address, Vec::new()));
        while single.next_address() < program.address {
            single.programs[0].words.push(G::nop(Mode::PLAIN, 0));
        }
    }
    let number = single.add(program);
    single.states.push((number, state));
    single
}

/// What somebody made of it.
fn theirs<G: Tested>(three: &Three<G>, with: With) -> &Results<G> {
    match with {
        With::Translator => &three.translator,
        With::Qemu => &three.qemu,
    }
}

/// How the case still differs.
fn differs<G: Tested>(three: &Three<G>, batch: &Batch<G>, with: With, version: &str) -> bool {
    let theirs = theirs(three, with);
    let found = differences(&three.interpreter, theirs, 0);
    let context = context(SEQUENCES, batch, (&three.interpreter, theirs), 0);
    !found.is_empty()
        && match with {
            With::Translator => !G::is_open(&found, &context),
            With::Qemu => excuse(&found, &context, version).is_none(),
        }
}

/// Makes the case shorter and shows it.
///
/// # Errors
/// QEMU's.
pub fn shrink<G: Tested>(
    executors: &mut Executors<G>,
    batch: &Batch<G>,
    n: usize,
    with: With,
) -> io::Result<String> {
    let version = executors.qemu.version.clone();
    let mut batch = alone(batch, n);
    let last = batch.programs.len() - 1;
    let mode = batch.programs[last].mode;
    let mut changed = true;
    while changed {
        changed = false;
        for at in (0..batch.programs[last].words.len()).rev() {
            let word = batch.programs[last].words[at];
            let nop = G::nop(mode, word);
            if word == nop {
                continue;
            }
            batch.programs[last].words[at] = nop;
            // The others may not find the end of what the interpreter doesn't.
            let end = interpreter::run(&batch).states[0].end();
            let ends = end.signal != ENDLESS && end.signal != PANICKED && !is_stray::<G>(end);
            if ends && differs(&executors.run(&batch)?, &batch, with, &version) {
                changed = true;
            } else {
                batch.programs[last].words[at] = word;
            }
        }
    }
    let three = executors.run(&batch)?;
    let found = differences(&three.interpreter, theirs(&three, with), 0);
    Ok(show(&batch, 0, ("interpreter", with.name()), &found))
}

#[cfg(test)]
mod tests {
    use a32::Aarch32;
    use a64::Aarch64;

    use super::*;
    use crate::arm::sequences;
    use crate::arm64::generate::sequence::sequence;
    use crate::random::Rng;

    /// Each case alone is the same program at the same address, on the same state and data.
    fn cases_are_alone_what_they_were<G: Tested>(batch: &Batch<G>) {
        for n in 0..batch.states.len() {
            let single = alone(batch, n);
            let program = &single.programs[single.states[0].0];
            let was = &batch.programs[batch.states[n].0];
            assert_eq!((program.address, program.mode), (was.address, was.mode));
            assert_eq!(program.words, was.words);
            assert_eq!(single.states[0].1, batch.states[n].1);
            assert!(single.pattern == batch.pattern);
        }
    }

    #[test]
    fn cases_of_arm64_are_alone_what_they_were() {
        let mut rng = Rng::new(5);
        let mut batch = Batch::<Aarch64>::default();
        for length in 1..20 {
            let number = batch.add(sequence(&mut rng, batch.next_address(), length).program);
            batch.states.push((number, crate::arm64::State::default()));
        }
        cases_are_alone_what_they_were(&batch);
    }

    #[test]
    fn cases_of_arm_are_alone_what_they_were() {
        let batch: Batch<Aarch32> = sequences::batch(&mut Rng::new(6), 40, 1);
        cases_are_alone_what_they_were(&batch);
    }
}
