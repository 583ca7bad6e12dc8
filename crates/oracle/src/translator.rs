//! The translator as an executor: translated code, in this process, on a data
//! area at the guest's address.
//!
//! There is one at a time: the addresses and the signal handler are the
//! process's. It runs on the thread that made it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use a64::Aarch64;
use a64::decode::{Op, decode};
use engine::thread::attention::Block;
use engine::thread::handlers;
use engine::translator::source::{Code, Observer};
use engine::translator::translate;
use engine::translator::vcpu::Vcpu;
use guest::Exception;
use guest::memory::Size;
use ir::Region;
use x64::features::HostFeatures;
use x64::lower::Lowered;

use crate::case::{Batch, CODE, DATA, DATA_SIZE, Program, Results, State};
use crate::sandbox::{END, Sandbox, cpu_of, state_of, unknown_call};

/// Held by the translator that lives.
static ONLY: Mutex<()> = Mutex::new(());

impl Code for Sandbox {
    fn fetch(&self, pc: u64, _: Size) -> Option<u32> {
        let word = pc.wrapping_sub(CODE) / 4;
        self.code.get(word as usize).copied()
    }

    fn calls(&self) -> Option<u64> {
        self.calls
    }
}

/// How often an instruction was translated.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    /// To host code of its own.
    pub native: u64,
    /// To a call of the interpreter.
    pub interpreted: u64,
}

/// Counts what is translated.
#[derive(Debug, Default)]
pub struct Counts {
    /// Regions.
    pub regions: u64,
    /// Bytes of host code.
    pub bytes: u64,
    /// Words that were left to the interpreter.
    pub interpreted: BTreeMap<Op, u64>,
}

impl Observer for Counts {
    fn translated(&mut self, region: &Region, _: &Lowered, _: u64, code: &[u8]) {
        self.regions += 1;
        self.bytes += code.len() as u64;
        let words = region.ops.iter().filter_map(|inst| match inst.op {
            ir::Op::Interpret { word } => Some(word),
            _ => None,
        });
        let ends = region.blocks.iter().filter_map(|block| match block.term {
            ir::Term::Interpret { word, .. } => Some(word),
            _ => None,
        });
        for insn in words.chain(ends).filter_map(decode) {
            *self.interpreted.entry(insn.op).or_default() += 1;
        }
    }
}

/// The executor.
#[derive(Debug)]
pub struct Translator {
    engine: translate::Translator<Aarch64>,
    vcpu: Box<Vcpu<Aarch64>>,
    sandbox: Sandbox,
    /// What was translated.
    pub counts: Counts,
    _only: MutexGuard<'static, ()>,
}

impl Translator {
    /// A translator for a host with these features.
    ///
    /// # Errors
    /// When the data area's address is taken, or there is no memory.
    pub fn new(host: HostFeatures) -> io::Result<Self> {
        let only = ONLY.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: only free addresses are taken.
        let data = unsafe {
            libc::mmap(
                DATA as *mut _,
                DATA_SIZE as usize,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE,
                -1,
                0,
            )
        };
        if data as u64 != DATA {
            return Err(io::Error::last_os_error());
        }
        let errno = |errno| io::Error::other(format!("{errno}"));
        let engine = translate::Translator::eager(host).map_err(errno)?;
        let block = Block::new().map_err(errno)?;
        handlers::install(&block).map_err(errno)?;
        engine.take_faults();
        Ok(Self {
            vcpu: engine.thread::<Sandbox>(a64::cpu::Cpu::default()),
            engine,
            // SAFETY: mapped until the translator is dropped; nobody else
            // knows of it.
            sandbox: unsafe { Sandbox::new(data.cast()) },
            counts: Counts::default(),
            _only: only,
        })
    }

    /// Runs a batch.
    pub fn run(&mut self, batch: &Batch) -> Results {
        self.engine.forget(&mut self.vcpu);
        self.sandbox.place(batch);
        let mut results = Results::default();
        for (program, before) in &batch.states {
            if !batch.pattern.is_empty() {
                self.sandbox.data().copy_from_slice(&batch.pattern);
            }
            let after = self.execute(&batch.programs[*program], before);
            results.states.push(after);
            if !batch.pattern.is_empty() {
                results.data.extend_from_slice(self.sandbox.data());
            }
        }
        results
    }

    fn execute(&mut self, program: &Program, before: &State) -> State {
        self.vcpu.cpu = cpu_of(before, program.address);
        loop {
            let Some(exception) =
                self.engine
                    .run(&mut self.vcpu, &mut self.sandbox, &mut self.counts)
            else {
                continue;
            };
            let cpu = &mut self.vcpu.cpu;
            match exception {
                Exception::Supervisor(_) => unknown_call(cpu),
                Exception::Breakpoint(END) if cpu.pc == program.end() => {
                    return state_of(cpu, before, None);
                }
                exception => return state_of(cpu, before, Some(exception)),
            }
        }
    }
}

impl Drop for Translator {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`; the sandbox is not used any more.
        unsafe {
            libc::munmap(DATA as *mut _, DATA_SIZE as usize);
        }
    }
}
