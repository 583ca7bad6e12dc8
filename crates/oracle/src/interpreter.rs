//! The reference interpreter as an executor.

use std::panic::{AssertUnwindSafe, catch_unwind};

use guest::Exception;
use guest::memory::Memory as _;

use crate::case::{Batch, Program, Results};
use crate::sandbox::{ENDLESS, PANICKED, Sandbox, ended, is_stray};
use crate::tested::{End, State as _, Tested};

/// More than any program takes.
const STEPS: u32 = 100_000;

/// Runs a batch.
#[must_use]
pub fn run<G: Tested>(batch: &Batch<G>) -> Results<G> {
    Sandbox::new(batch).run(batch, |sandbox, program, before| {
        let after = catch_unwind(AssertUnwindSafe(|| execute::<G>(sandbox, program, before)));
        after.unwrap_or_else(|_| {
            before.ended(End {
                signal: PANICKED,
                ..End::default()
            })
        })
    })
}

/// Leaves out states that end in a fault where a process of QEMU has pages of its own.
pub fn leave_out_strays<G: Tested>(batch: &mut Batch<G>) {
    let mut ends = run(batch).states.into_iter();
    let is_kept = |_: &_| ends.next().is_none_or(|end| !is_stray::<G>(end.end()));
    batch.states.retain(is_kept);
}

fn execute<G: Tested>(
    sandbox: &mut Sandbox,
    program: &Program,
    before: &G::Registers,
) -> G::Registers {
    let mut cpu = G::cpu(before, program);
    for _ in 0..STEPS {
        let (mode, pc) = (G::mode(&cpu), G::pc(&cpu));
        if sandbox.is_end::<G>(pc, mode) {
            return ended::<G>(&cpu, before, None);
        }
        let result = G::fetch(mode, pc, |pc, size| sandbox.fetch(pc, size))
            .map_err(Exception::Fault)
            .and_then(|word| G::decode(mode, word).ok_or(Exception::Undefined))
            .and_then(|insn| G::step(&mut cpu, sandbox, insn));
        match result {
            Ok(()) => {}
            Err(Exception::Supervisor(_)) => G::unknown_call(&mut cpu),
            Err(exception) => return ended::<G>(&cpu, before, Some(exception)),
        }
    }
    before.ended(End {
        signal: ENDLESS,
        ..End::default()
    })
}
