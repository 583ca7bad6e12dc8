//! Guest memory of the executors in this process: the data area and the
//! programs, at the addresses that all executors use; nothing else is mapped.

use a64::cpu::{Cpu, Flags};
use guest::memory::{Barrier, Fault, FaultKind, Memory, Size, atomic_alignment};
use guest::{Environment, Exception};

use engine::host::clock;

use crate::case::{Batch, CODE, DATA, DATA_SIZE, State};

/// The constant of the BRK behind each program.
pub const END: u16 = 0xa64;
/// `BRK #END`.
pub const END_WORD: u32 = 0xd420_0000 | (END as u32) << 5;
/// `NOP`, in the place of the head that only QEMU's programs have.
pub const HEAD_WORD: u32 = 0xd503_201f;

/// Not a signal: the program did not end within the steps that it may take.
pub const ENDLESS: u64 = 1000;
/// Not a signal: the executor panicked.
pub const PANICKED: u64 = 1001;

/// `ENOSYS`, as a system call returns it.
const NO_CALL: u64 = -38i64 as u64;

/// The memory.
#[derive(Debug)]
pub struct Sandbox {
    /// The data area's bytes.
    data: *mut u8,
    /// The words from [`CODE`] on.
    pub code: Vec<u32>,
    /// The page whose hints may be calls.
    pub calls: Option<u64>,
}

impl Sandbox {
    /// With the data area at `data`.
    ///
    /// # Safety
    /// [`DATA_SIZE`] bytes there stay valid as long as the sandbox lives, and
    /// nobody has references to them while it is used.
    #[must_use]
    pub const unsafe fn new(data: *mut u8) -> Self {
        Self {
            data,
            code: Vec::new(),
            calls: None,
        }
    }

    /// The data area.
    pub fn data(&mut self) -> &mut [u8] {
        // SAFETY: as `new` demands.
        unsafe { std::slice::from_raw_parts_mut(self.data, DATA_SIZE as usize) }
    }

    /// Places a batch's programs.
    pub fn place(&mut self, batch: &Batch) {
        self.code = batch.image(HEAD_WORD, |_| END_WORD);
        self.calls = batch.calls.then_some(CODE);
    }

    /// The bytes of an access. The top byte of the address is ignored.
    fn range(&mut self, address: u64, size: Size, write: bool) -> Result<&mut [u8], Fault> {
        let start = address & !(0xff << 56);
        for n in 0..size.bytes() {
            if start.wrapping_add(n).wrapping_sub(DATA) >= DATA_SIZE {
                return Err(Fault {
                    address: start.wrapping_add(n),
                    kind: FaultKind::Translation,
                    write,
                });
            }
        }
        let at = (start - DATA) as usize;
        Ok(&mut self.data()[at..at + size.bytes() as usize])
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
        if !atomic_alignment(address, size) {
            return Err(Fault {
                address,
                kind: FaultKind::Alignment,
                write: true,
            });
        }
        let write = |fault| Fault {
            write: true,
            ..fault
        };
        let old = self.load(address, size).map_err(write)?;
        if old == expected & size.mask() {
            self.store(address, size, new)?;
        }
        Ok(old)
    }

    fn fetch(&mut self, address: u64, _: Size) -> Result<u32, Fault> {
        let word = address.wrapping_sub(CODE) / 4;
        self.code.get(word as usize).copied().ok_or(Fault {
            address,
            kind: FaultKind::Translation,
            write: false,
        })
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

    fn call(&mut self, pc: u64, function: u8, argument: u32) -> Option<[u64; 2]> {
        (self.calls? == guest::surroundings::page(pc)).then_some(())?;
        clock::call(function, argument)
    }
}

/// The interpreter's state from a case's.
#[must_use]
pub fn cpu_of(state: &State, pc: u64) -> Cpu {
    Cpu {
        x: state.x,
        v: state.v,
        pc,
        flags: Flags::from_nzcv((state.nzcv >> 28) as u8),
        fpcr: state.fpcr as u32,
        fpsr: state.fpsr as u32,
        tpidr: state.tpidr,
        ..Cpu::default()
    }
}

/// A case's final state from the interpreter's, after an end or an exception.
#[must_use]
pub fn state_of(cpu: &Cpu, before: &State, end: Option<Exception>) -> State {
    let (signal, code, address) = match end {
        None => (0, 0, 0),
        Some(Exception::Fault(fault)) => match fault.kind {
            FaultKind::Translation => (11, 1, fault.address),
            FaultKind::Permission => (11, 2, fault.address),
            FaultKind::Alignment => (7, 1, fault.address),
            FaultKind::External => (7, 2, fault.address),
        },
        Some(Exception::Undefined) => (4, 1, cpu.pc),
        Some(Exception::Breakpoint(_)) => (5, 1, cpu.pc),
        Some(Exception::Supervisor(_)) => (ENDLESS, 0, 0),
    };
    State {
        x: cpu.x,
        v: cpu.v,
        pc: if signal == 0 { before.pc } else { cpu.pc },
        nzcv: u64::from(cpu.flags.nzcv()) << 28,
        fpcr: u64::from(cpu.fpcr),
        fpsr: u64::from(cpu.fpsr),
        tpidr: before.tpidr,
        signal,
        code,
        address,
    }
}

/// What the kernel does on a system call that it does not know.
pub const fn unknown_call(cpu: &mut Cpu) {
    cpu.x[0] = NO_CALL;
}
