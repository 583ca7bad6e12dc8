//! The toy's machine: memory of this process, a translator, and the engine's handlers.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

pub(crate) mod words;

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use armistice_toy::Toy;
use armistice_toy::state::{PENDING, State};
use engine::thread::attention::Block;
use engine::thread::handlers;
use engine::translator::source::{Code, Observer};
use engine::translator::translate::Translator;
use engine::translator::vcpu::Vcpu;
use guest::memory::{Barrier, Fault, FaultKind, Memory, Size};
use guest::{Environment, Exception, Guest};
use ir::{Key, Region};
use x64::features::HostFeatures;
use x64::lower::Lowered;

/// Where instructions lie, and data: what `SET` can name.
pub(crate) const CODE: u64 = 0x60_0000;
pub(crate) const DATA: u64 = 0x70_0000;
const SIZE: u64 = 0x4000;

/// Addresses and handlers are the process's: one test at a time.
static ONLY: Mutex<()> = Mutex::new(());

/// The toy's memory, as each of its threads sees it.
#[derive(Debug, Default)]
pub(crate) struct World {
    version: AtomicU64,
    changed: Mutex<Vec<Range<u64>>>,
    breakpoint: AtomicU64,
}

impl World {
    /// Writes instructions, and says so.
    pub(crate) fn write(&self, at: u64, code: &[u16]) {
        let end = at + 2 * code.len() as u64;
        assert!(CODE <= at && end <= CODE + SIZE);
        for (n, &half) in code.iter().enumerate() {
            // SAFETY: mapped as long as there is a machine; each half is written whole.
            unsafe { ((at + 2 * n as u64) as *mut u16).write_volatile(half) };
        }
        self.tell(at..end);
    }

    fn tell(&self, range: Range<u64>) {
        self.changed.lock().unwrap().push(range);
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// Has the guest stop at an address, and nowhere else.
    pub(crate) fn stop_at(&self, address: u64) {
        let before = self.breakpoint.swap(address, Ordering::Relaxed);
        for changed in [before, address] {
            self.tell(changed..changed + 2);
        }
    }
}

/// Eight bytes of data.
pub(crate) fn data(index: u64) -> &'static AtomicU64 {
    assert!(index < SIZE / 8);
    // SAFETY: mapped as long as there is a machine, and accessed by atomics and the
    // guest alone.
    unsafe { &*((DATA + 8 * index) as *const AtomicU64) }
}

/// One thread's view.
pub(crate) struct View<'a>(pub(crate) &'a World);

fn within(area: u64, address: u64, size: Size, write: bool) -> Result<u64, Fault> {
    if address.wrapping_sub(area) <= SIZE - size.bytes() {
        return Ok(address);
    }
    Err(Fault {
        address,
        kind: FaultKind::Translation,
        write,
    })
}

impl Memory for View<'_> {
    fn load(&mut self, address: u64, size: Size) -> Result<u128, Fault> {
        let at = within(DATA, address, size, false)?;
        // SAFETY: it is within what is mapped.
        Ok(unsafe {
            match size {
                Size::Quad => (at as *const u128).read_unaligned(),
                _ => {
                    assert_eq!(size, Size::Double);
                    (at as *const u64).read_unaligned().into()
                }
            }
        })
    }

    #[allow(clippy::cast_possible_truncation, reason = "8 bytes")]
    fn store(&mut self, address: u64, size: Size, value: u128) -> Result<(), Fault> {
        assert_eq!(size, Size::Double);
        let at = within(DATA, address, size, true)?;
        // SAFETY: it is within what is mapped.
        unsafe { (at as *mut u64).write_unaligned(value as u64) };
        Ok(())
    }

    fn compare_exchange(&mut self, _: u64, _: Size, _: u128, _: u128) -> Result<u128, Fault> {
        unreachable!("the toy has no such instruction")
    }

    fn fetch(&mut self, address: u64, size: Size) -> Result<u32, Fault> {
        Code::fetch(self, address, size).ok_or(Fault {
            address,
            kind: FaultKind::Translation,
            write: false,
        })
    }

    fn has_breakpoint(&self, address: u64) -> bool {
        self.0.breakpoint.load(Ordering::Relaxed) == address
    }

    fn barrier(&mut self, _: Barrier) {}

    fn invalidate_code(&mut self, _: u64, _: u64) {}
}

impl Environment for View<'_> {
    fn counter(&mut self) -> u64 {
        0
    }

    fn frequency(&mut self) -> u64 {
        1
    }
}

impl Code for View<'_> {
    fn fetch(&self, pc: u64, size: Size) -> Option<u32> {
        assert_eq!(size, Size::Half, "the toy reads by halves");
        let at = within(CODE, pc, size, false).ok()?;
        // SAFETY: it is within what is mapped.
        Some(unsafe { (at as *const u16).read_volatile() }.into())
    }

    fn has_breakpoint(&self, pc: u64) -> bool {
        Memory::has_breakpoint(self, pc)
    }

    fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    fn changed(&self) -> Vec<Range<u64>> {
        std::mem::take(&mut self.0.changed.lock().unwrap())
    }
}

/// What was translated: where regions begin.
#[derive(Debug, Default)]
pub(crate) struct Heads(pub(crate) Vec<Key>);

impl Observer for Heads {
    fn formed(&mut self, head: u64, region: &Region) -> Option<u32> {
        self.0.push(region.key(head));
        None
    }

    fn translated(&mut self, _: &Region, _: &Lowered, _: u64, _: &[u8]) {}
}

/// A process of the toy's with one thread.
pub(crate) struct Machine {
    pub(crate) world: World,
    pub(crate) translator: Translator<Toy>,
    pub(crate) heads: Heads,
    pub(crate) vcpu: Box<Vcpu<Toy>>,
    _block: Block,
    _only: MutexGuard<'static, ()>,
}

impl Machine {
    /// One that translates everything before it runs.
    pub(crate) fn eager() -> Self {
        Self::new(Translator::eager)
    }

    /// One that interprets what has not run often.
    pub(crate) fn cold() -> Self {
        Self::new(Translator::new)
    }

    fn new<E: std::fmt::Debug>(
        make: impl FnOnce(HostFeatures) -> Result<Translator<Toy>, E>,
    ) -> Self {
        let only = ONLY.lock().unwrap_or_else(PoisonError::into_inner);
        for area in [CODE, DATA] {
            // SAFETY: only free addresses are taken.
            let at = unsafe {
                libc::mmap(
                    area as *mut _,
                    SIZE as usize,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE,
                    -1,
                    0,
                )
            };
            assert_eq!(at as u64, area);
        }
        let translator = make(HostFeatures::detect()).unwrap();
        let block = Block::new().unwrap();
        handlers::install(&block).unwrap();
        translator.take_faults();
        let mut vcpu = translator.thread::<View<'_>>(State::default());
        translator.join(&mut vcpu, block.attention());
        Self {
            world: World::default(),
            heads: Heads::default(),
            translator,
            vcpu,
            _block: block,
            _only: only,
        }
    }

    /// Runs translated code from an address to `STOP` or a fault.
    pub(crate) fn run(&mut self, pc: u64) -> Exception {
        self.vcpu.cpu.pc = pc;
        let mut view = View(&self.world);
        self.translator.refresh(&mut self.vcpu, &view);
        loop {
            let ran = self
                .translator
                .run(&mut self.vcpu, &mut view, &mut self.heads);
            match ran {
                None | Some(Exception::Supervisor(_)) => {}
                Some(exception) => return exception,
            }
        }
    }

    /// The same in the interpreter, from this state.
    pub(crate) fn interpret(&self, state: &mut State) -> Exception {
        let mut view = View(&self.world);
        loop {
            let word = match guest::fetch::<Toy>(Toy::mode(state), state.pc, &mut view) {
                Ok(word) => word,
                Err(fault) => return Exception::Fault(fault),
            };
            let Some(insn) = Toy::decode(Toy::mode(state), word) else {
                return Exception::Undefined;
            };
            match Toy::step(state, &mut view, insn) {
                Ok(()) | Err(Exception::Supervisor(_)) => {}
                Err(exception) => return exception,
            }
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        for area in [CODE, DATA] {
            // SAFETY: mapped by `new`, and the guest runs no more.
            unsafe { libc::munmap(area as *mut _, SIZE as usize) };
        }
    }
}

/// What programs can see of a state.
pub(crate) fn seen(state: &State) -> State {
    let mut seen = state.clone();
    seen.r[PENDING + 1..].fill(0);
    seen
}
