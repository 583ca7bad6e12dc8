//! The guest's system calls: arm64's numbers and structures on x86-64's
//! kernel.
//!
//! `table` says for each number what becomes of it; the other modules do, a
//! subject each, what is not the same on both. Pointers are passed on as they
//! are, since guest addresses are host addresses: the kernel checks them and
//! returns `EFAULT`. What the engine itself reads or writes for the guest
//! goes through [`guest_memory`], with the same result.

mod files;
mod memory;
mod process;
mod signals;
pub mod table;

use a64::cpu::Cpu;
use a64::mem::Fault;

use self::table::Handler;
use super::clone;
use super::guest_memory;
use super::process::{Process, Thread};
use super::sys::{self, Errno};
use super::window;

/// A system call of the guest, while it is done.
#[derive(Debug)]
pub struct Call<'a> {
    /// The process.
    pub process: &'a Process,
    /// The thread that calls.
    pub thread: &'a mut Thread,
    /// X0 to X5.
    pub arguments: [u64; 6],
    /// The guest's SP.
    sp: u64,
    /// A call of the host's has been made.
    called: bool,
    /// What comes of it that is not a result.
    control: Option<Control>,
}

/// What the thread does after a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// It goes on behind the SVC.
    Continue,
    /// It ends with this code.
    Exit(i32),
    /// The process ends with this code.
    ExitGroup(i32),
    /// It goes on with what the signal frame says.
    SignalReturn,
    /// It makes another thread or process; the result is what that gives.
    Clone(clone::Request),
}

/// Does the system call that the registers ask for: X8 is its number, X0 to X5
/// are its arguments and X0 becomes its result. The PC is left alone, but where
/// a signal came first: then SVC is to be done again.
pub fn call(process: &Process, thread: &mut Thread, cpu: &mut Cpu) -> Control {
    // The kernel takes the number from W8.
    let handler = table::find(cpu.x[8] & 0xffff_ffff).map(|syscall| syscall.handler);
    let [a, b, c, d, e, f, ..] = cpu.x;
    let mut call = Call {
        process,
        thread,
        arguments: [a, b, c, d, e, f],
        sp: cpu.x[31],
        called: false,
        control: None,
    };
    let result = match handler {
        Some(Handler::Exit) => return Control::Exit(call.int(0) & 0xff),
        Some(Handler::ExitGroup) => return Control::ExitGroup(call.int(0) & 0xff),
        Some(Handler::Pass(number)) => call.pass(number),
        Some(Handler::Own(own)) => own(&mut call),
        None => Err(Errno::ENOSYS),
    };
    if let Some(control) = call.control {
        return control;
    }
    finish(cpu, result);
    Control::Continue
}

/// Gives the guest the result of a system call.
pub fn finish(cpu: &mut Cpu, result: Result<u64, Errno>) {
    match result {
        Ok(value) => cpu.x[0] = value,
        Err(Errno::RESTART) => cpu.pc = cpu.pc.wrapping_sub(4),
        Err(error) => cpu.x[0] = error.as_result(),
    }
}

impl From<Fault> for Errno {
    fn from(_: Fault) -> Self {
        Self::EFAULT
    }
}

impl Call<'_> {
    /// An argument that is an `int`: its upper half means nothing.
    #[allow(clippy::cast_possible_truncation, reason = "an int is the low half")]
    fn int(&self, index: usize) -> i32 {
        self.arguments[index] as i32
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
            let result = window::syscall(self.thread.attention(), number, self.arguments);
            self.called = result != Err(Errno::RESTART);
            result
        }
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
            let mut bytes = [0; 8];
            guest_memory::read(address, &mut bytes)?;
            *word = u64::from_le_bytes(bytes);
        }
        Ok(words)
    }

    /// Writes words of 64 bits to the guest.
    fn write_words(&self, address: u64, words: &[u64]) -> Result<(), Errno> {
        for (address, word) in (address..).step_by(8).zip(words) {
            self.write(address, &word.to_le_bytes())?;
        }
        Ok(())
    }
}
