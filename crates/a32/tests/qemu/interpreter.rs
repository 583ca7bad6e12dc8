//! The reference interpreter as an executor.

use armistice_a32::decode::{decode, fetch};
use armistice_a32::interp::step;
use guest::Exception;
use guest::memory::Memory as _;

use crate::case::{Batch, CODE, CODE_SIZE, DATA, DATA_SIZE, Program, Results, State};
use crate::sandbox::{ENDLESS, Sandbox, cpu_of, state_of};

const STEPS: u32 = 10_000;

/// Runs a batch whose programs end in branches to `leave`.
pub(crate) fn run(sandbox: &mut Sandbox, batch: &Batch, leave: [u32; 2]) -> Results {
    let mut results = Results::default();
    sandbox.place(batch, leave);
    for (program, before) in &batch.states {
        sandbox.data().copy_from_slice(&batch.pattern);
        let state = execute(sandbox, batch, &batch.programs[*program], before);
        results.states.push(state);
        results
            .data
            .extend_from_slice(&sandbox.data()[..batch.data_size()]);
    }
    results
}

/// Leaves out states that end in a fault far from the data area and from programs: there, a process of
/// QEMU has pages of its own.
pub(crate) fn leave_out_strays(sandbox: &mut Sandbox, batch: &mut Batch) {
    let about = [
        DATA - 0x1000..DATA + DATA_SIZE + 0x1000,
        CODE..CODE + CODE_SIZE,
    ];
    let ends = run(sandbox, batch, [CODE; 2]).states;
    let mut ends = ends.iter();
    let is_about = |address| about.iter().any(|range| range.contains(&address));
    batch.states.retain(|_| {
        ends.next()
            .is_none_or(|end| end.signal != 11 || is_about(end.address))
    });
}

fn execute(sandbox: &mut Sandbox, batch: &Batch, program: &Program, before: &State) -> State {
    let mut cpu = cpu_of(before, program);
    for _ in 0..STEPS {
        let set = cpu.state();
        if batch.is_end(cpu.pc as u32, set) {
            return state_of(&cpu, None);
        }
        let result = fetch(set, cpu.pc, |pc, size| sandbox.fetch(pc, size))
            .map_err(Exception::Fault)
            .and_then(|word| decode(set, word).ok_or(Exception::Undefined))
            .and_then(|insn| step(&mut cpu, sandbox, insn));
        if let Err(exception) = result {
            return state_of(&cpu, Some(exception));
        }
    }
    State {
        signal: ENDLESS,
        ..*before
    }
}
