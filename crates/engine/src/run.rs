//! Running the guest's program to its end: translated code, system calls,
//! signals.

use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use a64::cpu::Cpu;
use a64::interp::Exception;
use x64::convention::BIAS;
use x64::features::HostFeatures;

use crate::interpret::{End, signal_of};
use crate::linux::address_space::Watcher;
use crate::linux::faults::{self, Context, Info, SIGILL, SIGTRAP};
use crate::linux::guest_memory::GuestMemory;
use crate::linux::process::{Process, Thread};
use crate::linux::sys::Errno;
use crate::linux::syscalls::{self, Control};
use crate::translate::{Code, Engine, Observer};
use crate::vcpu::{HostFault, Vcpu};

/// Where translated code lies, and where a thread that faulted there goes on.
static CODE_START: AtomicU64 = AtomicU64::new(0);
static CODE_END: AtomicU64 = AtomicU64::new(0);
static FAULT_STUB: AtomicU64 = AtomicU64::new(0);

/// Set when translations are no longer true.
#[derive(Debug)]
pub struct Stale(AtomicBool);

/// The process's.
pub static STALE: Stale = Stale(AtomicBool::new(false));

impl Watcher for Stale {
    fn forget(&self, _: Range<u64>) {
        self.0.store(true, Ordering::Release);
    }
}

impl Stale {
    /// Whether it was set; it no longer is.
    pub fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

impl Code for GuestMemory<'_> {
    fn fetch(&self, pc: u64) -> Option<u32> {
        self.read_code(pc)
    }

    fn stale(&self) -> bool {
        STALE.take()
    }
}

/// Takes a fault in translated code: the thread goes on in the stub that
/// leaves, with all its registers.
///
/// # Safety
/// `context` is that of a fault of this process.
unsafe fn take_fault(info: &Info, context: &mut Context) -> bool {
    let registers = &mut context.registers;
    let code = CODE_START.load(Ordering::Acquire)..CODE_END.load(Ordering::Acquire);
    if info.code <= 0 || !code.contains(&registers.rip) {
        return false;
    }
    let vcpu = (registers.rbp as *mut u8)
        .wrapping_offset(-(BIAS as isize))
        .cast::<Vcpu>();
    // SAFETY: in translated code rbp points that far into the thread's Vcpu,
    // which nobody else looks at meanwhile.
    unsafe {
        (*vcpu).host.fault = HostFault {
            rip: registers.rip,
            eflags: registers.eflags,
            address: info.address,
            signal: info.signal,
            code: info.code,
            write: registers.error & 2 != 0,
        };
    }
    registers.rip = FAULT_STUB.load(Ordering::Acquire);
    true
}

/// Gives faults in the engine's code to the engine.
pub fn take_faults(engine: &Engine) {
    let (code, stub) = engine.fault_stub();
    FAULT_STUB.store(stub, Ordering::Release);
    CODE_START.store(code.start, Ordering::Release);
    CODE_END.store(code.end, Ordering::Release);
    faults::set_hook(take_fault);
}

/// Runs the guest to its end.
///
/// # Errors
/// When there is no memory for translated code.
pub fn run(
    process: &Process,
    thread: &mut Thread,
    cpu: Cpu,
    observer: &mut dyn Observer,
) -> Result<End, Errno> {
    let mut engine = Engine::new(HostFeatures::detect())?;
    take_faults(&engine);
    observer.started(engine.stubs());
    let mut memory = GuestMemory::new(&process.space);
    let mut vcpu = engine.thread::<GuestMemory<'_>>(cpu);
    loop {
        let exception = engine.run(&mut vcpu, &mut memory, observer);
        let end = match exception {
            Exception::Supervisor(_) => match syscalls::call(process, thread, &mut vcpu.cpu) {
                Control::Continue => None,
                Control::Exit(code) => Some(End::Exit(code)),
            },
            Exception::Fault(fault) => Some(End::Signal(signal_of(fault))),
            Exception::Breakpoint(_) => Some(End::Signal(SIGTRAP)),
            Exception::Undefined => Some(End::Signal(SIGILL)),
        };
        if let Some(end) = end {
            return Ok(end);
        }
        if memory.stale() {
            engine.forget(&mut vcpu);
        }
    }
}
