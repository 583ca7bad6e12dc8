//! The translator as an executor: translated code, in this process.

use std::collections::BTreeMap;

use armistice_a32::Aarch32;
use armistice_a32::cpu::Cpu;
use engine::thread::attention::Block;
use engine::thread::handlers;
use engine::translator::source::Observer;
use engine::translator::translate;
use engine::translator::vcpu::Vcpu;
use guest::{Exception, Guest as _};
use ir::Region;
use x64::features::HostFeatures;
use x64::lower::Lowered;

use crate::case::{Batch, Program, Results, State};
use crate::sandbox::{Sandbox, cpu_of, state_of};

/// How often rows were left to the interpreter, and how many instructions were translated.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) left: BTreeMap<&'static str, u64>,
    pub(crate) all: u64,
}

impl Observer for Counts {
    fn translated(&mut self, region: &Region, _: &Lowered, _: u64, _: &[u8]) {
        self.all += region.words.len() as u64;
        let words = region.ops.iter().filter_map(|inst| match inst.op {
            ir::Op::Interpret { word } => Some(word),
            _ => None,
        });
        let ends = region.blocks.iter().filter_map(|block| match block.term {
            ir::Term::Interpret { word, .. } => Some(word),
            _ => None,
        });
        let insns = words.chain(ends);
        for insn in insns.filter_map(|word| Aarch32::decode(region.mode, word)) {
            *self.left.entry(insn.name()).or_default() += 1;
        }
    }
}

/// The executor.
pub(crate) struct Translator {
    engine: translate::Translator<Aarch32>,
    vcpu: Box<Vcpu<Aarch32>>,
    pub(crate) counts: Counts,
    _block: Block,
}

impl Translator {
    pub(crate) fn new() -> Self {
        let engine = translate::Translator::eager(HostFeatures::detect()).unwrap();
        let block = Block::new().unwrap();
        handlers::install(&block).unwrap();
        engine.take_faults();
        Self {
            vcpu: engine.thread::<Sandbox>(Cpu::default()),
            engine,
            counts: Counts::default(),
            _block: block,
        }
    }

    /// Runs a batch whose programs end in branches to `leave`.
    pub(crate) fn run(&mut self, sandbox: &mut Sandbox, batch: &Batch, leave: [u32; 2]) -> Results {
        self.engine.forget(&mut self.vcpu);
        sandbox.place(batch, leave);
        let mut results = Results::default();
        for (program, before) in &batch.states {
            sandbox.data().copy_from_slice(&batch.pattern);
            let state = self.execute(sandbox, batch, &batch.programs[*program], before);
            results.states.push(state);
            results
                .data
                .extend_from_slice(&sandbox.data()[..batch.data_size()]);
        }
        results
    }

    fn execute(
        &mut self,
        sandbox: &mut Sandbox,
        batch: &Batch,
        program: &Program,
        before: &State,
    ) -> State {
        self.vcpu.cpu = cpu_of(before, program);
        loop {
            let ended = self.engine.run(&mut self.vcpu, sandbox, &mut self.counts);
            let cpu = &self.vcpu.cpu;
            match ended {
                None => {}
                Some(Exception::Breakpoint(_)) if batch.is_end(cpu.pc as u32, cpu.state()) => {
                    return state_of(cpu, None);
                }
                exception => return state_of(cpu, exception),
            }
        }
    }
}
