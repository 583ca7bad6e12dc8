//! Guest memory of the executors in this process: programs and data area at the addresses that
//! all executors use, between pages where nothing is. Programs can be read only, here and
//! under QEMU: else one could change another, whose head is QEMU's alone.
//!
//! There is one at a time: the addresses are the process's.

use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::host::clock;
use engine::translator::source::Code;
use guest::memory::{Barrier, Fault, FaultKind, Memory, Size, atomic_alignment};
use guest::{Environment, Exception};
use ir::Mode;

use crate::case::{Batch, CODE_SIZE, DATA_AT, DATA_SIZE, Program, Results};
use crate::tested::{End, Tested, bit_0};

/// Not a signal: the program did not end within the steps that it may take.
pub const ENDLESS: u32 = 1000;
/// Not a signal: the executor panicked.
pub const PANICKED: u32 = 1001;

/// Held by the sandbox that lives.
static ONLY: Mutex<()> = Mutex::new(());

/// The programs of a batch, and the data area.
#[derive(Debug)]
pub struct Sandbox {
    /// Where programs are.
    code: u64,
    /// The bits of an address that an access does not look at.
    ignored: u64,
    /// Where programs end, in order, with bit 0 of an indirect branch there.
    ends: Vec<(u64, bool)>,
    /// The page whose hints may be calls.
    calls: Option<u64>,
    _only: MutexGuard<'static, ()>,
}

/// Maps an area where nothing is.
fn map(at: u64, size: u64) {
    // SAFETY: only free addresses are taken.
    let mapped = unsafe {
        libc::mmap(
            at as *mut _,
            size as usize,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE,
            -1,
            0,
        )
    };
    assert_eq!(mapped as u64, at, "the address is free");
}

impl Sandbox {
    /// Places a batch's programs.
    ///
    /// # Panics
    /// When an address is taken.
    #[must_use]
    pub fn new<G: Tested>(batch: &Batch<G>) -> Self {
        let only = ONLY.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ends: Vec<_> = batch.ends().into_iter().collect();
        ends.sort_unstable();
        let sandbox = Self {
            code: G::CODE,
            ignored: G::IGNORED,
            ends: ends
                .into_iter()
                .map(|(at, mode)| (at, bit_0::<G>(mode)))
                .collect(),
            calls: batch.calls.then_some(G::CODE),
            _only: only,
        };
        let image = batch.image();
        map(sandbox.code, CODE_SIZE);
        map(sandbox.code + DATA_AT, DATA_SIZE);
        let code = sandbox.code as *mut u8;
        // SAFETY: the area is as large as an image may be, was mapped just now, and nobody
        // else knows of it.
        let done = unsafe {
            code.copy_from_nonoverlapping(image.as_ptr(), image.len());
            libc::mprotect(code.cast(), CODE_SIZE as usize, libc::PROT_READ)
        };
        assert_eq!(done, 0, "the programs are protected");
        sandbox
    }

    /// The data area.
    pub fn data(&mut self) -> &mut [u8] {
        let data = (self.code + DATA_AT) as *mut u8;
        // SAFETY: mapped as long as there is a sandbox, and nobody else has references.
        unsafe { std::slice::from_raw_parts_mut(data, DATA_SIZE as usize) }
    }

    /// Runs its batch by what executes a program on a state.
    pub(crate) fn run<G: Tested>(
        &mut self,
        batch: &Batch<G>,
        mut execute: impl FnMut(&mut Self, &Program, &G::Registers) -> G::Registers,
    ) -> Results<G> {
        let mut results = Results {
            states: Vec::new(),
            data: Vec::new(),
        };
        for (program, before) in &batch.states {
            if !batch.pattern.is_empty() {
                self.data().copy_from_slice(&batch.pattern);
            }
            let after = execute(self, &batch.programs[*program], before);
            results.states.push(after);
            if !batch.pattern.is_empty() {
                results.data.extend_from_slice(self.data());
            }
        }
        results
    }

    /// Whether a program ends there.
    pub(crate) fn is_end<G: Tested>(&self, pc: u64, mode: Mode) -> bool {
        self.ends.binary_search(&(pc, bit_0::<G>(mode))).is_ok()
    }

    /// Where an access lies, which nothing but the data area takes if it writes.
    fn range(&self, address: u64, size: Size, write: bool) -> Result<*mut u8, Fault> {
        let start = address & !self.ignored;
        for address in (0..size.bytes()).map(|n| start.wrapping_add(n)) {
            let from = address.wrapping_sub(self.code);
            let kind = if from.wrapping_sub(DATA_AT) < DATA_SIZE || from < CODE_SIZE && !write {
                continue;
            } else if from < CODE_SIZE {
                FaultKind::Permission
            } else {
                FaultKind::Translation
            };
            return Err(Fault {
                address,
                kind,
                write,
            });
        }
        Ok(start as *mut u8)
    }

    fn read(&self, address: u64, size: Size) -> Result<u128, Fault> {
        let from = self.range(address, size, false)?;
        let mut bytes = [0; 16];
        // SAFETY: it is within what is mapped.
        unsafe { from.copy_to_nonoverlapping(bytes.as_mut_ptr(), size.bytes() as usize) };
        Ok(u128::from_le_bytes(bytes))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for (at, size) in [(self.code, CODE_SIZE), (self.code + DATA_AT, DATA_SIZE)] {
            // SAFETY: mapped by `new`, and not used any more.
            unsafe { libc::munmap(at as *mut _, size as usize) };
        }
    }
}

impl Memory for Sandbox {
    fn load(&mut self, address: u64, size: Size) -> Result<u128, Fault> {
        self.read(address, size)
    }

    fn store(&mut self, address: u64, size: Size, value: u128) -> Result<(), Fault> {
        let to = self.range(address, size, true)?;
        let bytes = value.to_le_bytes();
        // SAFETY: it is within the data area, to which there are no references now.
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
        if !atomic_alignment(address, size) {
            return Err(Fault {
                address,
                kind: FaultKind::Alignment,
                write: true,
            });
        }
        self.range(address, size, true)?;
        let old = self.read(address, size)?;
        if old == expected & size.mask() {
            self.store(address, size, new)?;
        }
        Ok(old)
    }

    fn fetch(&mut self, address: u64, size: Size) -> Result<u32, Fault> {
        self.read(address, size).map(|word| word as u32)
    }

    fn has_breakpoint(&self, address: u64) -> bool {
        Code::has_breakpoint(self, address)
    }

    fn barrier(&mut self, _: Barrier) {}

    fn invalidate_code(&mut self, _: u64, _: u64) {}
}

impl Code for Sandbox {
    fn fetch(&self, pc: u64, size: Size) -> Option<u32> {
        self.read(pc, size).ok().map(|word| word as u32)
    }

    fn has_breakpoint(&self, pc: u64) -> bool {
        let found = self.ends.binary_search_by_key(&pc, |&(end, _)| end);
        found.is_ok()
    }

    fn calls(&self) -> Option<u64> {
        self.calls
    }
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

/// A case's final state, after an end or an exception.
pub(crate) fn ended<G: Tested>(
    cpu: &G::State,
    before: &G::Registers,
    exception: Option<Exception>,
) -> G::Registers {
    let (signal, code, address) = match exception {
        None => (0, 0, 0),
        Some(Exception::Fault(fault)) => match fault.kind {
            FaultKind::Translation => (11, 1, fault.address),
            FaultKind::Permission => (11, 2, fault.address),
            FaultKind::Alignment => (7, 1, fault.address),
            FaultKind::External => (7, 2, fault.address),
        },
        Some(Exception::Undefined) => (4, 1, G::pc(cpu)),
        Some(Exception::Breakpoint(_)) => (5, 1, G::pc(cpu)),
        Some(Exception::Supervisor(_)) => (ENDLESS, 0, 0),
    };
    let end = End {
        signal,
        code,
        address,
    };
    G::registers(cpu, before, end)
}

/// Whether it is a fault far from the data area and from programs: there, a process of QEMU
/// has pages of its own.
pub(crate) fn is_stray<G: Tested>(end: End) -> bool {
    let page = 0x1000;
    let from = end.address.wrapping_sub(G::CODE);
    end.signal == 11
        && from >= CODE_SIZE
        && from.wrapping_sub(DATA_AT - page) >= DATA_SIZE + 2 * page
}
