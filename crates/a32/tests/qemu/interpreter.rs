//! The reference interpreter as an executor.

use armistice_a32::cpu::{Cpu, Flags};
use armistice_a32::decode::{State as Set, decode, fetch};
use armistice_a32::interp::step;
use guest::memory::{Barrier, Fault, FaultKind, Memory, Size, atomic_alignment};
use guest::{Environment, Exception};

use crate::case::{Batch, CODE, CODE_SIZE, DATA, DATA_SIZE, Program, Results, State};

/// Not a signal: the program did not end within the steps that it may take.
const ENDLESS: u32 = 1000;
const STEPS: u32 = 10_000;

/// The data area, and the programs, which a store may hit by chance; nothing else is mapped.
struct Sandbox {
    data: Vec<u8>,
    code: Vec<u8>,
}

impl Sandbox {
    fn range(&mut self, address: u64, size: Size, write: bool) -> Result<&mut [u8], Fault> {
        let (data, code) = (u64::from(DATA), u64::from(CODE));
        for n in 0..size.bytes() {
            let at = address + n;
            let in_code = (code..code + u64::from(CODE_SIZE)).contains(&at);
            if !in_code && !(data..data + u64::from(DATA_SIZE)).contains(&at) {
                return Err(Fault {
                    address: at,
                    kind: FaultKind::Translation,
                    write,
                });
            }
        }
        let (bytes, base) = if address >= data {
            (&mut self.data, data)
        } else {
            (&mut self.code, code)
        };
        let at = (address - base) as usize;
        Ok(&mut bytes[at..at + size.bytes() as usize])
    }
}

impl Memory for Sandbox {
    fn load(&mut self, address: u64, size: Size) -> Result<u128, Fault> {
        let from = self.range(address, size, false)?;
        let mut bytes = [0; 16];
        bytes[..from.len()].copy_from_slice(from);
        Ok(u128::from_le_bytes(bytes))
    }

    fn store(&mut self, address: u64, size: Size, value: u128) -> Result<(), Fault> {
        let to = self.range(address, size, true)?;
        to.copy_from_slice(&value.to_le_bytes()[..to.len()]);
        Ok(())
    }

    fn compare_exchange(
        &mut self,
        address: u64,
        size: Size,
        expected: u128,
        new: u128,
    ) -> Result<u128, Fault> {
        assert!(
            atomic_alignment(address, size),
            "it is the interpreter's to check"
        );
        self.range(address, size, true)?;
        let old = self.load(address, size)?;
        if old == expected {
            self.store(address, size, new)?;
        }
        Ok(old)
    }

    fn fetch(&mut self, address: u64, size: Size) -> Result<u32, Fault> {
        self.load(address, size).map(|word| word as u32)
    }

    fn barrier(&mut self, _: Barrier) {}

    fn invalidate_code(&mut self, _: u64, _: u64) {}
}

impl Environment for Sandbox {
    fn counter(&mut self) -> u64 {
        0
    }

    fn frequency(&mut self) -> u64 {
        1_000_000_000
    }
}

fn cpu_of(state: &State, program: &Program) -> Cpu {
    let mut cpu = Cpu {
        pc: program.address.into(),
        flags: Flags::from_nzcv((state.cpsr >> 28) as u8),
        thumb: u32::from(program.set == Set::Thumb),
        tpidrurw: state.tpidrurw.into(),
        ..Cpu::default()
    };
    cpu.set_fpscr(state.fpscr);
    cpu.set_ge(state.cpsr >> 16 & 15);
    cpu.set_q(state.cpsr >> 27 & 1);
    for (r, &value) in cpu.r.iter_mut().zip(&state.r) {
        *r = value.into();
    }
    for (v, pair) in cpu.v.iter_mut().zip(state.d.chunks(2)) {
        *v = u128::from(pair[1]) << 64 | u128::from(pair[0]);
    }
    cpu
}

fn state_of(cpu: &Cpu, end: Option<Exception>) -> State {
    let (signal, address) = match end {
        None => (0, 0),
        Some(Exception::Fault(fault)) => match fault.kind {
            FaultKind::Translation | FaultKind::Permission => (11, fault.address),
            FaultKind::Alignment | FaultKind::External => (7, fault.address),
        },
        Some(Exception::Undefined) => (4, cpu.pc),
        Some(Exception::Breakpoint(_)) => (5, cpu.pc),
        Some(Exception::Supervisor(_)) => (ENDLESS, 0),
    };
    // Bits 26:25 are IT's low ones, 15:10 the high.
    let it = (cpu.it() & 3) << 25 | cpu.it() >> 2 << 10;
    State {
        r: std::array::from_fn(|n| cpu.r[n] as u32),
        pc: if signal == 0 { 0 } else { cpu.pc as u32 },
        cpsr: cpu.cpsr() | cpu.thumb << 5 | it,
        fpscr: cpu.fpscr(),
        signal,
        address: address as u32,
        code: 0,
        tpidrurw: cpu.tpidrurw as u32,
        d: std::array::from_fn(|n| (cpu.v[n / 2] >> (64 * (n % 2))) as u64),
    }
}

/// Runs a batch whose programs end in branches to `leave`.
pub(crate) fn run(batch: &Batch, leave: [u32; 2]) -> Results {
    let mut results = Results::default();
    let mut sandbox = Sandbox {
        data: Vec::new(),
        code: batch.image(leave),
    };
    for (program, before) in &batch.states {
        sandbox.data.clone_from(&batch.pattern);
        let state = execute(&mut sandbox, batch, &batch.programs[*program], before);
        results.states.push(state);
        results.data.extend(&sandbox.data);
    }
    results
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
