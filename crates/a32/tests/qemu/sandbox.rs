//! Guest memory of the executors in this process: programs and data area at the addresses that
//! all executors use, between pages where nothing is. A store to programs faults, here and under QEMU:
//! else one program could change another, whose first words are QEMU's alone.
//!
//! There is one at a time: the addresses are the process's.

use std::sync::{Mutex, MutexGuard, PoisonError};

use armistice_a32::cpu::{Cpu, Flags};
use armistice_a32::decode::State as Set;
use engine::translator::source::Code;
use guest::memory::{Barrier, Fault, FaultKind, Memory, Size, atomic_alignment};
use guest::{Environment, Exception};

use crate::case::{Batch, CODE, CODE_SIZE, DATA, DATA_SIZE, Program, State};

/// Not a signal: the program did not end within the steps that it may take.
pub(crate) const ENDLESS: u32 = 1000;

/// Held by the sandbox that lives.
static ONLY: Mutex<()> = Mutex::new(());

/// The data area, and the programs, which are read only.
pub(crate) struct Sandbox {
    /// Where programs end, in both states.
    ends: Vec<u64>,
    _only: MutexGuard<'static, ()>,
}

const AREAS: [(u32, u32); 2] = [(CODE, CODE_SIZE), (DATA, DATA_SIZE)];

impl Sandbox {
    pub(crate) fn new() -> Self {
        let only = ONLY.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, size) in AREAS {
            // SAFETY: only free addresses are taken.
            let mapped = unsafe {
                libc::mmap(
                    at as usize as *mut _,
                    size as usize,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE,
                    -1,
                    0,
                )
            };
            assert_eq!(mapped as u64, u64::from(at));
        }
        Self {
            ends: Vec::new(),
            _only: only,
        }
    }

    fn protect_programs(access: i32) {
        let (at, size) = AREAS[0];
        // SAFETY: `new` has mapped the area, into which there are no references between calls.
        let done = unsafe { libc::mprotect(at as usize as *mut _, size as usize, access) };
        assert_eq!(done, 0, "the programs are protected");
    }

    fn area(&mut self, (at, size): (u32, u32)) -> &mut [u8] {
        // SAFETY: mapped as long as there is a sandbox, and nobody else has references.
        unsafe { std::slice::from_raw_parts_mut(at as usize as *mut u8, size as usize) }
    }

    /// The data area.
    pub(crate) fn data(&mut self) -> &mut [u8] {
        self.area(AREAS[1])
    }

    /// Places a batch's programs, which end in branches to `leave`.
    pub(crate) fn place(&mut self, batch: &Batch, leave: [u32; 2]) {
        Self::protect_programs(libc::PROT_READ | libc::PROT_WRITE);
        self.area(AREAS[0]).copy_from_slice(&batch.image(leave));
        Self::protect_programs(libc::PROT_READ);
        let ends = |p: &Program| [Set::Arm, Set::Thumb].map(|set| u64::from(p.end_in(set)));
        self.ends = batch.programs.iter().flat_map(ends).collect();
        self.ends.sort_unstable();
    }

    fn range(address: u64, size: Size, write: bool) -> Result<*mut u8, Fault> {
        let address = address & 0xffff_ffff;
        for n in 0..size.bytes() {
            let at = address + n;
            let within = |&(from, size): &(u32, u32)| {
                (u64::from(from)..u64::from(from + size)).contains(&at)
            };
            let kind = match AREAS.iter().position(within) {
                None => FaultKind::Translation,
                Some(0) if write => FaultKind::Permission,
                Some(_) => continue,
            };
            return Err(Fault {
                address: at,
                kind,
                write,
            });
        }
        Ok(address as usize as *mut u8)
    }

    fn read(address: u64, size: Size) -> Result<u128, Fault> {
        let from = Self::range(address, size, false)?;
        let mut bytes = [0; 16];
        // SAFETY: it is within what is mapped.
        unsafe { from.copy_to_nonoverlapping(bytes.as_mut_ptr(), size.bytes() as usize) };
        Ok(u128::from_le_bytes(bytes))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for (at, size) in AREAS {
            // SAFETY: mapped by `new`, and not used any more.
            unsafe { libc::munmap(at as usize as *mut _, size as usize) };
        }
    }
}

impl Memory for Sandbox {
    fn load(&mut self, address: u64, size: Size) -> Result<u128, Fault> {
        Self::read(address, size)
    }

    fn store(&mut self, address: u64, size: Size, value: u128) -> Result<(), Fault> {
        let to = Self::range(address, size, true)?;
        let bytes = value.to_le_bytes();
        // SAFETY: it is within the data area.
        unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), size.bytes() as usize) };
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
        Self::range(address, size, true)?;
        let old = self.load(address, size)?;
        if old == expected {
            self.store(address, size, new)?;
        }
        Ok(old)
    }

    fn fetch(&mut self, address: u64, size: Size) -> Result<u32, Fault> {
        self.load(address, size).map(|word| word as u32)
    }

    fn has_breakpoint(&self, address: u64) -> bool {
        self.ends.binary_search(&address).is_ok()
    }

    fn barrier(&mut self, _: Barrier) {}

    fn invalidate_code(&mut self, _: u64, _: u64) {}
}

impl Code for Sandbox {
    fn fetch(&self, pc: u64, size: Size) -> Option<u32> {
        Self::read(pc, size).ok().map(|word| word as u32)
    }

    fn has_breakpoint(&self, pc: u64) -> bool {
        Memory::has_breakpoint(self, pc)
    }
}

impl Environment for Sandbox {
    fn counter(&mut self) -> u64 {
        0
    }

    fn frequency(&mut self) -> u64 {
        1_000_000_000
    }
}

/// The guest's registers from a case's.
pub(crate) fn cpu_of(state: &State, program: &Program) -> Cpu {
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

/// A case's final state, after an end or an exception.
pub(crate) fn state_of(cpu: &Cpu, end: Option<Exception>) -> State {
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
