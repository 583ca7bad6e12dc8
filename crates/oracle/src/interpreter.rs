//! The reference interpreter as an executor.

use std::panic::{AssertUnwindSafe, catch_unwind};

use a64::decode::decode;
use a64::interp::{Exception, step};
use guest::memory::{Memory, Size};

use crate::case::{Batch, DATA_SIZE, Program, Results, State};
use crate::sandbox::{ENDLESS, PANICKED, Sandbox, cpu_of, state_of, unknown_call};

/// More than any program takes.
const STEPS: u32 = 100_000;

/// The executor, with a data area of its own.
#[derive(Debug)]
pub struct Interpreter {
    sandbox: Sandbox,
    /// What the sandbox points to.
    _data: Box<[u8]>,
}

impl Default for Interpreter {
    fn default() -> Self {
        let mut data = vec![0; DATA_SIZE as usize].into_boxed_slice();
        // SAFETY: the box is kept beside it and not used otherwise.
        let sandbox = unsafe { Sandbox::new(data.as_mut_ptr()) };
        Self {
            sandbox,
            _data: data,
        }
    }
}

impl Interpreter {
    /// Runs a batch.
    pub fn run(&mut self, batch: &Batch) -> Results {
        self.sandbox.place(batch);
        let mut results = Results::default();
        for (program, before) in &batch.states {
            if !batch.pattern.is_empty() {
                self.sandbox.data().copy_from_slice(&batch.pattern);
            }
            let program = &batch.programs[*program];
            let after = catch_unwind(AssertUnwindSafe(|| self.execute(program, before)));
            results.states.push(after.unwrap_or(State {
                signal: PANICKED,
                ..*before
            }));
            if !batch.pattern.is_empty() {
                results.data.extend_from_slice(self.sandbox.data());
            }
        }
        results
    }

    fn execute(&mut self, program: &Program, before: &State) -> State {
        let mut cpu = cpu_of(before, program.address);
        for _ in 0..STEPS {
            if cpu.pc == program.end() {
                return state_of(&cpu, before, None);
            }
            let result = match self.sandbox.fetch(cpu.pc, Size::Word) {
                Err(fault) => Err(Exception::Fault(fault)),
                Ok(word) => match decode(word) {
                    None => Err(Exception::Undefined),
                    Some(insn) => step(&mut cpu, &mut self.sandbox, insn),
                },
            };
            match result {
                Ok(()) => {}
                Err(Exception::Supervisor(_)) => unknown_call(&mut cpu),
                Err(exception) => return state_of(&cpu, before, Some(exception)),
            }
        }
        State {
            signal: ENDLESS,
            ..*before
        }
    }
}
