//! The guest's system calls: arm64's numbers and structures on x86-64's
//! kernel.
//!
//! `table` says for each number what becomes of it; the other modules do, a
//! subject each, what is not the same on both. Pointers are passed on as they
//! are, since guest addresses are host addresses: the kernel checks them and
//! returns `EFAULT`. What the engine itself reads or writes for the guest
//! goes through [`guest_memory`], with the same result.

mod advice;
mod brk;
mod descriptors;
mod events;
mod files;
mod ioctl;
mod ipc;
mod memory;
mod mremap;
mod observing;
mod paths;
mod permission;
mod placement;
mod prctl;
mod process;
mod ptrace;
mod ranges;
mod remote;
mod seccomp;
mod sends;
mod signals;
pub mod syscall;
pub mod table;
mod tagged;
mod time;
pub mod trace;

use core::sync::atomic::Ordering;

use guest::memory::{Fault, Size};

use self::syscall::{Handler, Syscall};
use super::abi::interface::Asked;
use super::abi::{Abi, State};
use super::executable::{Identity, Own};
use super::process::{Process, Thread};
use super::seccomp::bpf::Data;
use super::seccomp::{ARCHITECTURE, Verdict};
use super::views;
use crate::host::own;
use crate::host::signal::SignalInfo;
use crate::host::sys::{self, Errno, Status, fd_argument, number};
use crate::memory::guest_memory;
use crate::thread::attention::{KEPT, TAKEN_ALL};
use crate::thread::{clone, interruptible};

/// A system call of the guest, while it is done.
#[derive(Debug)]
pub struct Call<'a> {
    /// The process.
    pub process: &'a Process,
    /// The thread that calls.
    pub thread: &'a mut Thread,
    /// Its arguments.
    pub arguments: [u64; 6],
    /// The guest's SP.
    sp: u64,
    /// A call of the host's has been made.
    called: bool,
    /// What the host is given instead of what has tags.
    copies: tagged::Copies,
    /// What comes of it that is not a result.
    control: Option<Control>,
}

/// What comes of a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// The thread goes on, with this result.
    Result(Result<u64, Errno>),
    /// It ends with this code.
    Exit(i32),
    /// The process ends with this code.
    ExitGroup(i32),
    /// It goes on with what the signal frame says.
    SignalReturn,
    /// It makes another thread or process; the result is what that gives.
    Clone(clone::Request),
    /// It gets this signal, which it can't block or ignore.
    Signal(SignalInfo),
    /// The process ends by this signal.
    Kill(i32),
}

/// Does the system call that the registers ask for. They stay as they are until it is
/// over ([`ended`], [`Abi::finish`]).
pub fn call<A: Abi>(process: &Process, thread: &mut Thread, state: &State<A>) -> Control {
    let Asked {
        number,
        arguments,
        sp,
        pc,
    } = A::asked(state);
    let syscall = table::find(number);
    let [a, b, c, d, e, f] = arguments;
    // The kernel's own accesses would find nothing there.
    own::stack::grow_to(&[a, b, c, d, e, f, sp]);
    let mut call = Call {
        process,
        thread,
        arguments,
        sp,
        called: false,
        copies: tagged::Copies::default(),
        control: None,
    };
    // Nobody sees those that the vDSO does without one.
    let seen = !is_of_vdso(process, number, a, pc);
    let line = (process.trace && seen).then(|| trace::call(syscall, number, &call.arguments));
    if let Some(tracer) = process.tracer {
        tracer.call_begins(call.thread.attention());
    }
    let judged = seen.then(|| call.judge(number, pc)).flatten();
    let result = judged.unwrap_or_else(|| call.handle(syscall));
    let control = call.control;
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

/// Whether the call is one of the vDSO's for a clock that an arm64 kernel's
/// reads there.
fn is_of_vdso(process: &Process, number: u64, clock: u64, pc: u64) -> bool {
    /// `REALTIME`, `MONOTONIC`, `MONOTONIC_RAW`, the two coarse ones,
    /// `BOOTTIME`, `TAI`.
    const CLOCKS: [u64; 7] = [0, 1, 4, 5, 6, 7, 11];
    process.vdso.contains(&pc)
        && match number {
            113 | 114 => CLOCKS.contains(&(clock & 0xffff_ffff)),
            169 => true,
            _ => false,
        }
}

impl From<Fault> for Errno {
    fn from(_: Fault) -> Self {
        Self::EFAULT
    }
}

/// What a newer kernel would know of a structure, and this one does not, must
/// be zero.
fn unknown_is_zero(address: u64, length: u64) -> Result<(), Errno> {
    for n in 0..length {
        let mut byte = [0];
        guest_memory::read(address.wrapping_add(n), &mut byte)?;
        if byte != [0] {
            return Err(Errno::E2BIG);
        }
    }
    Ok(())
}

impl Call<'_> {
    /// An argument that is an `int`: its upper half means nothing.
    #[allow(clippy::cast_possible_truncation, reason = "an int is the low half")]
    fn int(&self, index: usize) -> i32 {
        self.arguments[index] as i32
    }

    /// What the filters say, where they do not let it through.
    fn judge(&mut self, number: u64, pc: u64) -> Option<Result<u64, Errno>> {
        let attention = self.thread.attention();
        if attention.watched.load(Ordering::Relaxed) == 0 {
            return None;
        }
        #[allow(clippy::cast_possible_truncation, reason = "it was cut before")]
        let data = Data {
            number: number as u32,
            architecture: ARCHITECTURE,
            place: pc,
            arguments: self.arguments,
        };
        let control = match self.process.seccomp.judge(attention, &data) {
            Verdict::Allow => return None,
            Verdict::Result(result) => return Some(result),
            Verdict::Signal(info) => Control::Signal(info),
            Verdict::KillProcess(signal) => Control::Kill(signal),
            Verdict::KillThread(signal) => Control::Exit(signal),
        };
        Some(self.end(control))
    }

    fn handle(&mut self, syscall: Option<&Syscall>) -> Result<u64, Errno> {
        let Some(syscall) = syscall else {
            return Err(Errno::ENOSYS);
        };
        if syscall.descriptors != 0 {
            descriptors::hide(self, syscall);
        }
        let given = self.arguments;
        match self.act(syscall) {
            Err(Errno::EMFILE) if self.thread.executable.give_up() => {
                self.arguments = given;
                self.act(syscall)
            }
            result => result,
        }
    }

    fn act(&mut self, syscall: &Syscall) -> Result<u64, Errno> {
        if !self.thread.takes_tags {
            return self.perform(syscall);
        }
        tagged::take_off(self, syscall);
        let result = self.perform(syscall)?;
        core::mem::take(&mut self.copies).give_back()?;
        Ok(result)
    }

    fn perform(&mut self, syscall: &Syscall) -> Result<u64, Errno> {
        // As long as the call takes.
        let _path = self.process.prefix.as_ref().and_then(|prefix| {
            let (index, path) = prefix.lead_call(syscall.name, &self.arguments, views::string)?;
            self.arguments[index] = path.as_ptr() as u64;
            Some(path)
        });
        match syscall.handler {
            Handler::Exit => self.end(Control::Exit(self.int(0) & 0xff)),
            Handler::ExitGroup => self.end(Control::ExitGroup(self.int(0) & 0xff)),
            Handler::Pass(number) => self.pass(u32::from(number)),
            Handler::Follow(number) => paths::follow(self, syscall.name, u32::from(number)),
            Handler::Convert(own) | Handler::Emulate(own) => own(self),
            Handler::Refuse(error, _) => Err(error),
        }
    }

    /// The call has no result.
    const fn end(&mut self, control: Control) -> Result<u64, Errno> {
        self.control = Some(control);
        Ok(0)
    }

    /// Calls the host with the arguments as they are now. The first such call
    /// is not made when a signal comes before it: then the error is
    /// [`Errno::RESTART`], which the guest's call must end with.
    fn pass(&mut self, number: u32) -> Result<u64, Errno> {
        // SAFETY: the table passes on what touches only memory that the
        // arguments name, and that is the guest's; whoever else calls this
        // changed the arguments so that that is so.
        unsafe {
            if self.called {
                return sys::syscall(number, self.arguments);
            }
            let result = interruptible::syscall(self.thread.attention(), number, self.arguments);
            let result = match result {
                Err(Errno::EINTR) if self.only_looked() => Err(Errno::RESTART),
                result => result,
            };
            self.called = result != Err(Errno::RESTART);
            result
        }
    }

    /// A call was interrupted: whether by what the guest is not told.
    fn only_looked(&self) -> bool {
        let word = self.thread.attention().word.load(Ordering::Acquire);
        word & (KEPT | TAKEN_ALL) != 0 && !self.thread.is_interrupted()
    }

    /// What the process knows of its own executable.
    fn own(&self) -> Own {
        self.thread.own(self.process)
    }

    /// Which file the host leads a path to, which is asked without a look at
    /// the path.
    fn file_at(&self, directory: i32, path: u64) -> Option<Identity> {
        let mut status = Status::default();
        let arguments = [
            fd_argument(directory),
            path,
            core::ptr::from_mut(&mut status) as u64,
            0,
            0,
            0,
        ];
        // SAFETY: the kernel reads a string of the guest's and writes into the
        // struct only.
        unsafe { sys::syscall(number::NEWFSTATAT, arguments) }.ok()?;
        Some(Identity::from(&status))
    }

    /// Writes a structure to the guest.
    fn write(&self, address: u64, bytes: &[u8]) -> Result<(), Errno> {
        // SAFETY: the guest named the address as its own to write.
        Ok(unsafe { guest_memory::write(address, bytes) }?)
    }

    /// Reads words of 64 bits from the guest.
    fn words<const N: usize>(&self, address: u64) -> Result<[u64; N], Errno> {
        let mut words = [0; N];
        for (address, word) in (address..).step_by(8).zip(&mut words) {
            #[allow(clippy::cast_possible_truncation, reason = "it has 8 bytes")]
            let value = guest_memory::load(address, Size::Double)? as u64;
            *word = value;
        }
        Ok(words)
    }

    /// Writes words of 64 bits to the guest.
    fn write_words(&self, address: u64, words: &[u64]) -> Result<(), Errno> {
        for (address, &word) in (address..).step_by(8).zip(words) {
            // SAFETY: the guest named the address as its own to write.
            unsafe { guest_memory::store(address, Size::Double, u128::from(word)) }?;
        }
        Ok(())
    }
}
