//! Telling the guest of signals: its handler is called, or what it does without
//! one is done.
//!
//! All of this runs in the thread itself, at a safe point: the registers are
//! those between two instructions.

use core::sync::atomic::Ordering;

use guest::{Exception, Guest};

use super::abi::frame::{BadFrame, Contents};
use super::abi::{Abi, State};
use super::core_file;
use super::process::{AlternateStack, Process, Thread};
use super::ptrace::tracer;
use super::signals::{self, Default, OTHER_FAULTS};
use crate::host::signal::{
    Action, SA_NODEFER, SA_ONSTACK, SA_RESETHAND, SA_RESTORER, SA_SIGINFO, SIG_DFL, SIG_IGN,
    SIGILL, SIGSEGV, SIGTRAP, SignalInfo, bit,
};
use crate::thread::attention::{HOLD, KEPT, NOTES, TAKE};

const SEGV_MAPERR: i32 = 1;
const ILL_ILLOPC: i32 = 1;
const TRAP_BRKPT: i32 = 1;
const SI_KERNEL: i32 = 0x80;

/// The signal that ends the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fatal(pub i32);

type Told = Result<(), Fatal>;

impl Thread {
    /// Whether there may be something to tell.
    #[must_use]
    #[inline]
    pub fn is_wanted(&self) -> bool {
        self.attention().wanted() || self.suspended.is_some() || self.lets_through() != 0
    }

    /// What of the kept signals the thread does not block.
    #[must_use]
    #[inline]
    pub fn lets_through(&self) -> u64 {
        self.pending.bits(self.attention()) & !self.blocked()
    }

    /// Keeps what has arrived of the signals that the engine takes.
    pub fn settle(&self) {
        let attention = self.attention();
        let asked = attention.word.fetch_and(!(KEPT | TAKE), Ordering::AcqRel) & TAKE != 0;
        for n in 0..NOTES {
            if let Some(info) = attention.take_taken(n) {
                let ignored = self.ignores(info.signal());
                self.pending.arrived(attention, &info, ignored);
            }
        }
        if asked {
            self.pending.offer_again(attention, !0);
        }
    }

    /// A call was interrupted: whether by what the guest is told. A kept signal
    /// is this thread's then.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.settle();
        let ignored = || self.actions.with(|actions| actions.taken_ignored());
        self.attention().has_signal() || self.pending.claim(self.attention(), ignored)
    }

    /// At a safe point: stops where it is wanted to, and tells all that has arrived and is
    /// not blocked.
    ///
    /// # Errors
    /// With a signal that ends the process.
    #[inline]
    pub fn attend<A: Abi>(&mut self, process: &Process, cpu: &mut State<A>) -> Told {
        if !self.is_wanted() {
            return Ok(());
        }
        if self.attention().word.load(Ordering::Relaxed) & HOLD != 0 {
            self.stay::<A>(process, cpu);
        }
        tracer::serve(&process.tracees, self.attention());
        self.heed::<A>(process, cpu)?;
        self.tell_all::<A>(process, cpu)
    }

    /// Stops, for as long as another process of the same memory wants that, or for good
    /// where the process ends and its core file shows the registers.
    fn stay<A: Abi>(&self, process: &Process, cpu: &State<A>) {
        let attention = self.attention();
        let registers = || A::register_sets(cpu);
        if process.parking.park(attention, self.mask, registers) {
            core_file::wait_for_the_end()
        }
        process.holds.wait(attention, registers());
    }

    fn tell_all<A: Abi>(&mut self, process: &Process, cpu: &mut State<A>) -> Told {
        loop {
            self.settle();
            let attention = self.attention();
            let kept = self.kept_before(attention.arrived());
            if let Some(info) = self.pending.take(attention, kept) {
                self.tell::<A>(process, cpu, &info)?;
            } else if let Some(info) = attention.take_signal() {
                // All are blocked on the host until the mask is set.
                if self.suspended.unwrap_or(self.mask) & bit(info.signal()) == 0 {
                    self.tell::<A>(process, cpu, &info)?;
                } else {
                    signals::put_back(self.attention(), &info);
                }
                // Lets others come that waited for this one.
                self.set_mask(self.mask);
            } else if self.suspended.take().is_some() {
                self.block(self.mask);
            } else {
                return Ok(());
            }
        }
    }

    /// What of the kept signals may be told before one that has arrived: as from
    /// the kernel those that faults have come first, of these the lowest.
    fn kept_before(&self, arrived: Option<i32>) -> u64 {
        match arrived {
            Some(signal) if OTHER_FAULTS & bit(signal) != 0 => {
                self.lets_through() & (bit(signal) - 1)
            }
            _ => self.lets_through(),
        }
    }

    /// Tells a signal, or what a debugger puts in its place.
    ///
    /// # Errors
    /// With a signal that ends the process.
    pub fn tell<A: Abi>(
        &mut self,
        process: &Process,
        cpu: &mut State<A>,
        info: &SignalInfo,
    ) -> Told {
        match self.followed::<A>(process, cpu, info) {
            Some(info) => self.deliver::<A>(process, cpu, &info),
            None => Ok(()),
        }
    }

    /// What whoever follows the thread lets through of a signal.
    fn followed<A: Abi>(
        &mut self,
        process: &Process,
        cpu: &mut State<A>,
        info: &SignalInfo,
    ) -> Option<SignalInfo> {
        match process.tracer {
            Some(tracer) => tracer.signal(self.attention(), info),
            None => self.stops_for::<A>(process, cpu, info),
        }
    }

    /// Tells of an exception of the guest.
    ///
    /// # Errors
    /// With a signal that ends the process.
    pub fn raise<A: Abi>(
        &mut self,
        process: &Process,
        cpu: &mut State<A>,
        exception: Exception,
    ) -> Told {
        let pc = A::Guest::pc(cpu);
        let info = match exception {
            Exception::Fault(fault) => {
                let told = A::fault(fault, pc);
                self.fault_address = fault.address;
                self.syndrome = told.syndrome;
                SignalInfo::fault(told.signal, told.code, fault.address)
            }
            Exception::Breakpoint(_) => SignalInfo::fault(SIGTRAP, TRAP_BRKPT, pc),
            Exception::Undefined if A::is_trap(cpu) => SignalInfo::fault(SIGTRAP, TRAP_BRKPT, pc),
            Exception::Undefined | Exception::Supervisor(_) => {
                SignalInfo::fault(SIGILL, ILL_ILLOPC, pc)
            }
        };
        self.force::<A>(process, cpu, &info)
    }

    /// A signal that can be neither blocked nor ignored.
    ///
    /// # Errors
    /// With a signal that ends the process.
    pub fn force<A: Abi>(
        &mut self,
        process: &Process,
        cpu: &mut State<A>,
        info: &SignalInfo,
    ) -> Told {
        let Some(info) = self.followed::<A>(process, cpu, info) else {
            return Ok(());
        };
        self.cause = info;
        let signal = info.signal();
        let action = self.actions.with(|actions| actions.of(signal));
        let ignored = action.is_none_or(|action| action.handler == SIG_IGN);
        if ignored || self.mask & bit(signal) != 0 {
            return Err(Fatal(signal));
        }
        self.deliver::<A>(process, cpu, &info)
    }

    fn deliver<A: Abi>(
        &mut self,
        process: &Process,
        cpu: &mut State<A>,
        info: &SignalInfo,
    ) -> Told {
        self.cause = *info;
        let signal = info.signal();
        let action = self.actions.with(|actions| {
            let action = actions.of(signal)?;
            if action.handler > SIG_IGN && action.flags & SA_RESETHAND != 0 {
                let handler = SIG_DFL;
                // Failing leaves what was before: it cannot fail for a signal
                // that has a handler.
                let _ = actions.set(signal, Action { handler, ..action });
            }
            Some(action)
        });
        let Some(action) = action else { return Ok(()) };
        match action.handler {
            SIG_IGN => Ok(()),
            SIG_DFL => match signals::default_of(signal) {
                Default::Terminate => Err(Fatal(signal)),
                Default::Ignore => Ok(()),
                Default::Stop => {
                    self.stops_with_group::<A>(process, cpu, signal);
                    Ok(())
                }
            },
            _ => match self.call::<A>(process, cpu, info, &action) {
                Ok(()) => Ok(()),
                Err(BadFrame) if signal == SIGSEGV => Err(Fatal(SIGSEGV)),
                Err(BadFrame) => {
                    self.force::<A>(process, cpu, &SignalInfo::fault(SIGSEGV, SI_KERNEL, 0))
                }
            },
        }
    }

    /// Lets the thread go on in a handler.
    fn call<A: Abi>(
        &mut self,
        process: &Process,
        cpu: &mut State<A>,
        info: &SignalInfo,
        action: &Action,
    ) -> Result<(), BadFrame> {
        let trampoline = action.flags & SA_RESTORER == 0;
        let restorer = if trampoline {
            process.trampoline()
        } else {
            action.restorer
        };
        let contents = Contents {
            info: *info,
            with_info: action.flags & SA_SIGINFO != 0,
            stack: self.alternate_stack,
            mask: self.mask,
            fault_address: self.fault_address,
            syndrome: self.syndrome,
            handler: action.handler,
            restorer,
            trampoline,
        };
        let sp = A::sp(cpu);
        let alternate = self.alternate_stack;
        let switch = action.flags & SA_ONSTACK != 0 && alternate.size != 0 && !alternate.holds(sp);
        let top = if switch {
            alternate.base.wrapping_add(alternate.size)
        } else {
            // A handler that runs on it must not run off it.
            if alternate.holds(sp) && !alternate.holds(sp.wrapping_sub(A::FRAME)) {
                return Err(BadFrame);
            }
            sp
        };
        A::push(cpu, &contents, top)?;
        if alternate.flags & AlternateStack::AUTODISARM != 0 {
            self.alternate_stack = AlternateStack::NONE;
        }
        let own = if action.flags & SA_NODEFER == 0 {
            bit(info.signal())
        } else {
            0
        };
        let before = self.suspended.take().unwrap_or(self.mask);
        self.set_mask(before | action.mask | own);
        Ok(())
    }

    /// `rt_sigreturn`: goes on with what the frame at SP says.
    ///
    /// # Errors
    /// With a signal that ends the process.
    pub fn signal_return<A: Abi>(&mut self, process: &Process, cpu: &mut State<A>) -> Told {
        match A::pop(cpu) {
            Ok(returned) => {
                self.set_mask(returned.mask);
                if let Some(stack) = returned.stack {
                    // One that cannot be set is not: the kernel says nothing either.
                    let smallest = A::PLATFORM.smallest_stack;
                    let _ = self.alternate_stack.replace(stack, A::sp(cpu), smallest);
                }
                Ok(())
            }
            Err(BadFrame) => {
                let sp = A::sp(cpu);
                self.force::<A>(process, cpu, &SignalInfo::fault(SIGSEGV, SEGV_MAPERR, sp))
            }
        }
    }
}
