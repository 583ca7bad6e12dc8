//! The translator as an executor: translated code, in this process, on a data
//! area at the guest's address.
//!
//! There is one at a time: the signal handler is the process's. It runs on the thread that made it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::thread::attention::Block;
use engine::thread::handlers;
use engine::translator::source::Observer;
use engine::translator::translate;
use engine::translator::vcpu::Vcpu;
use guest::{Exception, Guest};
use ir::Region;
use x64::features::HostFeatures;
use x64::lower::Lowered;

use crate::case::{Batch, Program, Results};
use crate::sandbox::{Sandbox, ended};
use crate::tested::Tested;

/// Held by the translator that lives.
static ONLY: Mutex<()> = Mutex::new(());

/// Counts what is translated.
#[derive(Debug, Default)]
pub struct Counts {
    /// Regions.
    pub regions: u64,
    /// Their instructions.
    pub instructions: u64,
    /// Bytes of host code.
    pub bytes: u64,
    /// How often instructions of a name were left to the interpreter.
    pub interpreted: BTreeMap<&'static str, u64>,
}

/// The counts of a guest.
struct Counted<'a, G>(&'a mut Counts, std::marker::PhantomData<G>);

impl<G: Guest> Observer for Counted<'_, G> {
    fn translated(&mut self, region: &Region, _: &Lowered, _: u64, code: &[u8]) {
        let counts = &mut *self.0;
        counts.regions += 1;
        counts.instructions += region.words.len() as u64;
        counts.bytes += code.len() as u64;
        let words = region.ops.iter().filter_map(|inst| match inst.op {
            ir::Op::Interpret { word } => Some(word),
            _ => None,
        });
        let ends = region.blocks.iter().filter_map(|block| match block.term {
            ir::Term::Interpret { word, .. } => Some(word),
            _ => None,
        });
        let insns = words
            .chain(ends)
            .filter_map(|word| G::decode(region.mode, word));
        for name in insns.map(|insn| G::row_name(G::row(insn))) {
            *counts.interpreted.entry(name).or_default() += 1;
        }
    }
}

/// The executor.
#[derive(Debug)]
pub struct Translator<G: Tested> {
    engine: translate::Translator<G>,
    vcpu: Box<Vcpu<G>>,
    /// What was translated.
    pub counts: Counts,
    _block: Block,
    _only: MutexGuard<'static, ()>,
}

impl<G: Tested> Translator<G> {
    /// A translator for a host with these features.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn new(host: HostFeatures) -> io::Result<Self> {
        let only = ONLY.lock().unwrap_or_else(PoisonError::into_inner);
        let errno = |errno| io::Error::other(format!("{errno}"));
        let engine = translate::Translator::eager(host).map_err(errno)?;
        let block = Block::new().map_err(errno)?;
        handlers::install(&block).map_err(errno)?;
        engine.take_faults();
        Ok(Self {
            vcpu: engine.thread::<Sandbox>(G::State::default()),
            engine,
            counts: Counts::default(),
            _block: block,
            _only: only,
        })
    }

    /// Runs a batch.
    pub fn run(&mut self, batch: &Batch<G>) -> Results<G> {
        self.engine.forget(&mut self.vcpu);
        let execute =
            |sandbox: &mut _, program: &_, before: &_| self.execute(sandbox, program, before);
        Sandbox::new(batch).run(batch, execute)
    }

    fn execute(
        &mut self,
        sandbox: &mut Sandbox,
        program: &Program,
        before: &G::Registers,
    ) -> G::Registers {
        self.vcpu.cpu = G::cpu(before, program);
        let mut counted = Counted::<G>(&mut self.counts, std::marker::PhantomData);
        loop {
            let Some(exception) = self.engine.run(&mut self.vcpu, sandbox, &mut counted) else {
                continue;
            };
            let cpu = &mut self.vcpu.cpu;
            match exception {
                Exception::Supervisor(_) => G::unknown_call(cpu),
                Exception::Breakpoint(_) if sandbox.is_end::<G>(G::pc(cpu), G::mode(cpu)) => {
                    return ended::<G>(cpu, before, None);
                }
                exception => return ended::<G>(cpu, before, Some(exception)),
            }
        }
    }
}
