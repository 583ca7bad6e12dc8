//! What the host's signals become: the handlers of the process.
//!
//! A fault in a range of the exception table becomes an error that the range
//! returns (`memory/routines.rs`); one in translated code is given to the
//! [`Hook`]; any other fault is the engine's own and is said so. A signal that
//! somebody sent is noted for the thread ([`super::attention`]), which tells the
//! guest at its next safe point; in translated code the hook brings it there,
//! and a system call that has not happened is given up ([`super::interruptible`]).
//!
//! The handlers run on the thread's signal stack, with every other signal
//! blocked, and touch no heap and no guest memory. They take one lock, that of the
//! room below a first stack ([`own::stack`]), for a fault there alone: who holds that
//! lock does not fault.

use core::arch::global_asm;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use core::{mem, ptr};

use super::attention::{self, Attention, Block, FORGET, HOLD, KEPT, LOOK, SERVE, TAKE};
use super::interruptible;
use super::taken::{self, TAKEN};
use super::traced;
use crate::host::message;
use crate::host::own;
use crate::host::signal::{
    self, Action, Context, Info, Registers, SA_NODEFER, SA_ONSTACK, SA_RESTORER, SA_SIGINFO,
    SIGBUS, SIGSEGV, SIGSTOP, SIGTRAP, SignalInfo, set_action,
};
use crate::host::sys::{self, Errno, number};
use crate::memory::routines;

/// The processor steps: EFLAGS.TF.
const TF: u64 = 1 << 8;
/// `si_code` of the `SIGTRAP` by which a thread asks another one to leave
/// translated code. Negative, as the kernel demands of those that are sent.
const KICK: i32 = -0x4b49;
/// And of [`ask_to_hold`]'s.
const KICK_TO_HOLD: i32 = KICK - 1;
/// And of [`ask_to_look`]'s, whose signal is the one that is kept.
const KICK_TO_LOOK: i32 = KICK - 2;
/// And of [`ask_to_take`]'s.
const KICK_TO_TAKE: i32 = KICK - 3;

/// And of [`ask_to_serve`]'s; one before it is [`traced::CHANGED`].
const KICK_TO_SERVE: i32 = KICK - 5;

/// What happened to a thread that may be in translated code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It faulted: taken when in translated code.
    Fault,
    /// It is to stop at a safe point, or has made a step to one.
    Stop,
}

/// What the hook says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The thread is not in translated code, or leaves it now.
    Done,
    /// It must go on, instruction by instruction.
    Step,
    /// Not in translated code: the fault is somebody else's.
    Elsewhere,
}

/// Deals with threads in translated code, by changing their registers.
pub type Hook = unsafe fn(Event, &mut Registers) -> Outcome;

static HOOK: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

/// Sets who deals with threads in translated code.
pub fn set_hook(hook: Hook) {
    HOOK.store(hook as *mut (), Ordering::Release);
}

/// Asks the hook.
///
/// # Safety
/// The registers are those of an interrupted thread of this process, which is
/// the calling one.
unsafe fn ask(event: Event, registers: &mut Registers) -> Outcome {
    let hook = HOOK.load(Ordering::Acquire);
    if hook.is_null() {
        return Outcome::Elsewhere;
    }
    // SAFETY: only `set_hook` stores there, and it stores a `Hook`; the caller
    // answers for the registers.
    unsafe { mem::transmute::<*mut (), Hook>(hook)(event, registers) }
}

global_asm!(
    ".p2align 4",
    "armistice_signal_return:",
    "mov eax, 15", // rt_sigreturn
    "syscall",
    "ud2",
);

// SAFETY: the routine above; it is never called from Rust, only named to the kernel.
unsafe extern "C" {
    fn armistice_signal_return();
}

/// What the host does on a signal that the engine gets.
#[must_use]
pub fn own_action(signal: i32, flags: u64) -> Action {
    let fault = TAKEN & signal::bit(signal) != 0;
    let again = if fault { SA_NODEFER } else { 0 };
    Action {
        handler: if fault {
            handler as *const () as u64
        } else {
            arrival as *const () as u64
        },
        flags: SA_SIGINFO | SA_RESTORER | SA_ONSTACK | again | flags,
        restorer: armistice_signal_return as *const () as u64,
        // A step's trap and a kick wait for the handler to end; a fault in
        // it is to be said.
        mask: !(signal::bit(SIGSEGV) | signal::bit(SIGBUS)),
    }
}

/// Takes `SIGSEGV`, `SIGBUS` and `SIGTRAP` for the process; the calling thread
/// has them in its mapping. Returns which of the three were ignored until now.
///
/// # Errors
/// The kernel's.
pub fn install(block: &Block) -> Result<u64, Errno> {
    block.use_for_signals()?;
    block.attention().claim();
    let mut ignored = 0;
    for signal in [SIGSEGV, SIGBUS, SIGTRAP] {
        if take(signal, 0)?.handler == signal::SIG_IGN {
            ignored |= signal::bit(signal);
        }
    }
    Ok(ignored)
}

/// Makes the engine get a signal, with more flags. Gives what the host did with
/// it before.
///
/// # Errors
/// The kernel's.
pub fn take(signal: i32, flags: u64) -> Result<Action, Errno> {
    // SAFETY: the handlers keep to the rules at the top.
    unsafe { set_action(signal, &own_action(signal, flags)) }
}

/// Asks a thread to leave translated code. Returns whether there is such a
/// thread.
pub fn kick(of: &Attention) -> bool {
    let process = of.process.load(Ordering::Relaxed);
    let thread = of.thread.load(Ordering::Relaxed);
    tell(process, thread, SIGTRAP, KICK) != Err(Errno::ESRCH)
}

/// Asks a thread, also of another process, to stop ([`super::holds`]).
///
/// # Errors
/// The kernel's: `ESRCH` when there is no such thread.
pub fn ask_to_hold(process: u32, thread: u32) -> Result<(), Errno> {
    tell(process, thread, SIGTRAP, KICK_TO_HOLD)
}

/// Asks a thread of the process to do what only it can, as the one that traces
/// ([`crate::linux::ptrace::tracer::serve`]).
///
/// # Errors
/// The kernel's: `ESRCH` when there is no such thread in the process.
pub fn ask_to_serve(process: u32, thread: u32) -> Result<(), Errno> {
    tell(process, thread, SIGTRAP, KICK_TO_SERVE)
}

/// Asks a thread of the process to look at what is kept ([`crate::linux::pending`]), by
/// the signal that is: a call that the thread is in goes on or ends as it would
/// after that one.
pub fn ask_to_look(of: &Attention, signal: i32) {
    tell_of(of, signal, KICK_TO_LOOK);
}

/// The same of a thread that is to take it, which others are not told of.
pub fn ask_to_take(of: &Attention, signal: i32) {
    tell_of(of, signal, KICK_TO_TAKE);
}

fn tell_of(of: &Attention, signal: i32, code: i32) {
    let process = of.process.load(Ordering::Relaxed);
    let thread = of.thread.load(Ordering::Relaxed);
    // A thread that is gone needs not look.
    let _ = tell(process, thread, signal, code);
}

/// Whether a `siginfo` is of the engine's own signals.
#[must_use]
pub fn is_own(info: &SignalInfo) -> bool {
    matches!(
        info.code(),
        KICK | KICK_TO_HOLD | KICK_TO_LOOK | KICK_TO_TAKE | KICK_TO_SERVE | traced::CHANGED
    )
}

/// Notes a sent one of the signals that the engine takes, also of its own, in
/// the thread's handler or with all signals blocked.
pub fn note(attention: &Attention, info: &SignalInfo) {
    let bit = match info.code() {
        KICK => 0,
        KICK_TO_HOLD => HOLD,
        KICK_TO_SERVE => SERVE,
        KICK_TO_LOOK => KEPT,
        KICK_TO_TAKE => KEPT | TAKE,
        _ => {
            if let Some(index) = taken::taken_index(info.signal()) {
                attention.note_taken(index, *info);
                ARRIVALS.fetch_add(1, Ordering::Release);
            }
            0
        }
    };
    attention.word.fetch_or(bit, Ordering::Release);
}

/// How many of the signals that the engine takes have come to the process's threads.
static ARRIVALS: AtomicU32 = AtomicU32::new(0);

/// How many so far, of the signals that the engine takes.
pub fn arrivals() -> u32 {
    ARRIVALS.load(Ordering::Acquire)
}

/// Whether more of them have come by now. Another thread that has been given one may not have
/// got to its handler yet, so this waits for it some milliseconds.
pub fn has_arrived_since(arrivals: u32) -> bool {
    const TIMES: u32 = 100;
    for _ in 0..TIMES {
        if self::arrivals() != arrivals {
            return true;
        }
        sys::pause(50_000);
    }
    false
}

/// Puts a signal back that has arrived but is blocked by now: it waits in the
/// kernel for the calling thread, which blocks it on the host.
pub fn put_back(attention: &Attention, info: &SignalInfo) {
    let signal = u64::from(info.signal().unsigned_abs());
    let process = attention.process.load(Ordering::Relaxed).into();
    let thread = attention.thread.load(Ordering::Relaxed).into();
    let info = info.0.as_ptr() as u64;
    // SAFETY: the kernel reads the array only. When it has no room for it, the
    // signal is lost, as it would have been before.
    let _ = unsafe {
        sys::syscall(
            number::RT_TGSIGQUEUEINFO,
            [process, thread, signal, info, 0, 0],
        )
    };
}

fn tell(process: u32, thread: u32, signal: i32, code: i32) -> Result<(), Errno> {
    let all = SignalInfo::fault(signal, code, 0).0;
    let arguments = [
        process.into(),
        thread.into(),
        u64::from(signal.cast_unsigned()),
        all.as_ptr() as u64,
        0,
        0,
    ];
    // SAFETY: the kernel reads the array only.
    unsafe { sys::syscall(number::RT_TGSIGQUEUEINFO, arguments) }.map(drop)
}

/// What the kernel calls for the signals that the engine takes.
///
/// # Safety
/// The pointers are those of a signal frame on a thread's signal stack.
unsafe extern "C" fn handler(signal: i32, info: *const Info, context: *mut Context) {
    // SAFETY: the kernel made both, on this stack.
    let (info, context) = unsafe { (&*info, &mut *context) };
    if signal == SIGTRAP && info.code > 0 && traced::is_stop(context.registers.rip) {
        return;
    }
    if signal == SIGTRAP && context.registers.eflags & TF != 0 {
        // SAFETY: the registers are the interrupted thread's.
        unsafe { stop(&mut context.registers) };
        if info.code > 0 {
            return;
        }
    }
    if info.code > 0 {
        // SAFETY: the kernel made both, on this stack.
        return unsafe { fault(info, context) };
    }
    // SAFETY: the stack is the thread's signal stack.
    let attention = unsafe { attention::current() };
    // SAFETY: the kernel's siginfo has 128 bytes.
    let all = unsafe { *ptr::from_ref(info).cast::<SignalInfo>() };
    if signal == SIGTRAP && all.code() == traced::CHANGED {
        // SAFETY: the context is that of the thread that the signal interrupted.
        return unsafe { changed(attention, &traced::original(&all), context) };
    }
    note(attention, &all);
    if is_own(&all) {
        // SAFETY: the registers are the interrupted thread's.
        unsafe { stop(&mut context.registers) };
        if attention.word.load(Ordering::Relaxed) & !(FORGET | LOOK | HOLD | SERVE) == 0 {
            interruptible::resume(&mut context.registers);
        }
        interruptible::interrupt(&mut context.registers);
        return;
    }
    // SAFETY: the context is that of the thread that the signal interrupted.
    unsafe { interrupt(context) };
}

/// What the kernel calls for signals that the guest handles.
///
/// # Safety
/// As for [`handler`].
unsafe extern "C" fn arrival(_: i32, info: *const SignalInfo, context: *mut Context) {
    // SAFETY: the kernel made both, on the thread's signal stack.
    let (attention, info, context) = unsafe { (attention::current(), &*info, &mut *context) };
    attention.note_signal(*info);
    // No other comes until the thread has taken this one.
    context.mask = !TAKEN;
    // SAFETY: the registers are the interrupted thread's.
    unsafe { interrupt(context) };
}

/// A tracer's engine has put `SIGTRAP` in the place of this signal, or wants the thread to
/// stop.
///
/// # Safety
/// As for [`ask`].
unsafe fn changed(attention: &Attention, info: &SignalInfo, context: &mut Context) {
    if info.signal() != 0 && !signal::is_signal(info.signal()) {
        // No tracer's engine has sent that.
        return;
    }
    attention.traced.store(1, Ordering::Relaxed);
    match info.signal() {
        0 => attention.note_halt(None),
        SIGSTOP => attention.note_halt(Some(*info)),
        // A tracer's engine changes none of these.
        signal if TAKEN & signal::bit(signal) != 0 => note(attention, info),
        _ => {
            if attention.has_signal() {
                put_back(attention, info);
            } else {
                attention.note_signal(*info);
            }
            // No other comes until the thread has taken this one.
            context.mask = !TAKEN;
        }
    }
    interruptible::give_up(&mut context.registers);
    // SAFETY: the caller's.
    unsafe { stop(&mut context.registers) };
}

/// The thread has been told something: it is to look.
///
/// # Safety
/// As for [`ask`].
unsafe fn interrupt(context: &mut Context) {
    interruptible::interrupt(&mut context.registers);
    // SAFETY: the caller's.
    unsafe { stop(&mut context.registers) };
}

/// Brings the thread to a safe point.
///
/// # Safety
/// As for [`ask`].
unsafe fn stop(registers: &mut Registers) {
    // SAFETY: the caller's.
    match unsafe { ask(Event::Stop, registers) } {
        Outcome::Step => registers.eflags |= TF,
        Outcome::Done | Outcome::Elsewhere => registers.eflags &= !TF,
    }
}

/// A fault of the process itself.
///
/// # Safety
/// As for [`ask`].
unsafe fn fault(info: &Info, context: &mut Context) {
    if info.signal == SIGSEGV && own::stack::grow(info.address) {
        return;
    }
    if routines::recover(info, context) || interruptible::without_entry(&mut context.registers) {
        return;
    }
    // SAFETY: the caller's.
    let outcome = unsafe { ask(Event::Fault, &mut context.registers) };
    if outcome != Outcome::Elsewhere {
        context.registers.eflags &= !TF;
        return;
    }
    message::internal_error(format_args!(
        "{} at {:#x} for address {:#x}",
        match info.signal {
            SIGBUS => "SIGBUS",
            SIGTRAP => "SIGTRAP",
            _ => "SIGSEGV",
        },
        context.registers.rip,
        info.address
    ))
}
