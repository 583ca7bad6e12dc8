//! The guest's system calls on x86-64's kernel.
//!
//! A guest's table ([`Abi::find`]) says for each number what becomes of it. What is done
//! for all guests alike is here, a subject each; what a guest has of its own is in its
//! room in [`super::abi`]. Pointers are passed on as they are, since guest addresses are
//! host addresses: the kernel checks them and returns `EFAULT`. What the engine itself
//! reads or writes for the guest goes through [`crate::memory::guest_memory`], with the
//! same result.

pub(super) mod advice;
pub(super) mod brk;
pub mod call;
mod chosen;
pub(super) mod copies;
pub(super) mod descriptors;
pub(super) mod events;
pub(super) mod files;
pub(super) mod ioctl;
pub(super) mod ipc;
pub(super) mod memory;
pub(super) mod mremap;
pub(super) mod observing;
pub(super) mod paths;
pub(super) mod permission;
pub(super) mod placement;
pub(super) mod prctl;
pub(super) mod process;
mod procmap;
pub(super) mod ptrace;
mod ranges;
pub(super) mod remote;
pub(super) mod seccomp;
pub(super) mod sends;
pub(super) mod signals;
pub mod syscall;
pub(super) mod texts;
pub(super) mod time;
pub mod trace;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::Ordering;

pub use self::call::{Call, Control};
use self::copies::Copies;
use self::syscall::{Handler, Syscall};
use super::abi::interface::Asked;
use super::abi::{Abi, State};
use super::process::{Process, Thread};
use super::ptrace::tracee::{Asks, Tracee};
use super::seccomp::Verdict;
use super::seccomp::bpf::Data;
use super::views;
use crate::host::own;
use crate::host::sys::Errno;

/// Does the system call that the registers ask for. They stay as they are until it is
/// over ([`ended`], [`Abi::finish`]).
pub fn call<A: Abi>(process: &Process, thread: &mut Thread, state: &State<A>) -> Control {
    let Asked {
        number,
        arguments: registers,
        sp,
        pc,
    } = A::asked(state);
    let syscall = A::find(number);
    let arguments = syscall.map_or(registers, |syscall| A::arguments(syscall, registers));
    let [a, b, c, d, e, f] = arguments;
    // The kernel's own accesses would find nothing there.
    own::stack::grow_to(&[a, b, c, d, e, f, sp]);
    let mut call = Call {
        process,
        thread,
        arguments,
        sp,
        called: false,
        copies: Copies::default(),
        control: None,
    };
    // Nobody sees those that the vDSO does without one.
    let seen = !is_of_vdso(process, syscall, a, pc);
    let line = (process.trace && seen)
        .then(|| trace::call(process.platform, syscall, number, &call.arguments));
    if let Some(tracer) = process.tracer {
        tracer.call_begins(call.thread.attention());
    }
    let judged = seen.then(|| call.judge(number, pc, registers)).flatten();
    let result = judged.unwrap_or_else(|| call.handle::<A>(syscall, &arguments, state));
    let control = call.control.take();
    if let Some(line) = line {
        match control {
            Some(_) => trace::ends(line),
            // Not made yet: it is printed when it is.
            None if result == Err(Errno::RESTART) => {}
            None => trace::returns(line, syscall, result),
        }
    }
    control.unwrap_or(Control::Result(result))
}

/// A system call is over. Returns whether the registers still wait for its result: a
/// debugger may have given the thread others.
#[must_use]
pub fn ended(process: &Process, thread: &Thread, result: Result<u64, Errno>) -> bool {
    process
        .tracer
        .is_none_or(|tracer| tracer.call_ends(thread.attention(), result))
}

/// Whether the call is one of the vDSO's for a clock that the guest's kernel reads there.
fn is_of_vdso(process: &Process, syscall: Option<&Syscall>, clock: u64, pc: u64) -> bool {
    /// `REALTIME`, `MONOTONIC`, `MONOTONIC_RAW`, the two coarse ones,
    /// `BOOTTIME`, `TAI`.
    const CLOCKS: [u64; 7] = [0, 1, 4, 5, 6, 7, 11];
    process.vdso.contains(&pc)
        && match syscall.map_or("", |syscall| syscall.name) {
            "clock_gettime" | "clock_gettime64" | "clock_getres" | "clock_getres_time64" => {
                CLOCKS.contains(&(clock & 0xffff_ffff))
            }
            "gettimeofday" => true,
            _ => false,
        }
}

impl Call<'_> {
    /// What the filters say, where they do not let it through.
    fn judge(&mut self, number: u64, pc: u64, registers: [u64; 6]) -> Option<Result<u64, Errno>> {
        let attention = self.thread.attention();
        if attention.watched.load(Ordering::Relaxed) == 0 {
            return None;
        }
        #[allow(clippy::cast_possible_truncation, reason = "it was cut before")]
        let data = Data {
            number: number as u32,
            architecture: self.process.platform.audit,
            place: pc,
            arguments: registers,
        };
        let strict_calls = &self.process.platform.strict_calls;
        let verdict = self.process.seccomp.judge(attention, &data, strict_calls);
        let control = match verdict {
            Verdict::Allow => return None,
            Verdict::Trace(value) => match self.asks_tracer() {
                Asks::Nobody => return Some(Err(Errno::ENOSYS)),
                Asks::Again => return None,
                Asks::First => Control::Trace(value),
            },
            Verdict::Result(result) => return Some(result),
            Verdict::Signal(info) => Control::Signal(Box::new(info)),
            Verdict::KillProcess(signal) => Control::Kill(signal),
            Verdict::KillThread(signal) => Control::Exit(signal),
        };
        Some(self.end(control))
    }

    fn asks_tracer(&self) -> Asks {
        let tracee = self.thread.tracee.as_deref();
        tracee.map_or(Asks::Nobody, Tracee::asks)
    }

    /// The arguments are those that the call has, for a second time.
    fn handle<A: Abi>(
        &mut self,
        syscall: Option<&Syscall>,
        arguments: &[u64; 6],
        state: &State<A>,
    ) -> Result<u64, Errno> {
        let Some(syscall) = syscall else {
            let refused = A::refused(state).ok_or(Errno::ENOSYS)?;
            return self.end(Control::Signal(Box::new(refused)));
        };
        if syscall.descriptors != 0 {
            descriptors::hide(self, syscall);
        }
        match self.act::<A>(syscall) {
            Err(Errno::EMFILE) if self.thread.executable.give_up(syscall.gives_two) => {
                // The engine has no descriptor any more that would be hidden.
                self.arguments = *arguments;
                self.act::<A>(syscall)
            }
            Ok(result) => {
                // Another thread with the same table could take the number in between.
                if Arc::strong_count(&self.thread.executable) == 1 {
                    let given = (!syscall.gives_two).then_some(result);
                    self.thread.executable.make_room(given);
                }
                Ok(result)
            }
            error => error,
        }
    }

    fn act<A: Abi>(&mut self, syscall: &Syscall) -> Result<u64, Errno> {
        A::prepare(self, syscall);
        let result = self.perform(syscall)?;
        self.copies.give_back()?;
        Ok(result)
    }

    fn perform(&mut self, syscall: &Syscall) -> Result<u64, Errno> {
        // As long as the call takes.
        let _path = self.process.prefix.as_ref().and_then(|prefix| {
            let flags = self.process.platform.open_flags;
            let (index, path) =
                prefix.lead_call(flags, syscall.name, &self.arguments, views::string)?;
            self.arguments[index] = path.as_ptr() as u64;
            Some(path)
        });
        match syscall.handler {
            Handler::Exit => self.end(Control::Exit(self.int(0) & 0xff)),
            Handler::ExitGroup => self.end(Control::ExitGroup(self.int(0) & 0xff)),
            Handler::Pass(number) => self.pass(u32::from(number)),
            Handler::Follow(number) => paths::follow(self, syscall.name, u32::from(number)),
            Handler::OfFile(number) => texts::pass(self, u32::from(number)),
            Handler::Convert(own) | Handler::Emulate(own) => own(self),
            Handler::Refuse(error, _) => Err(error),
        }
    }
}
