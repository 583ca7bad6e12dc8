//! The guest's system calls: arm64's numbers and structures on x86-64's
//! kernel.
//!
//! `table` says for each number what becomes of it; the other modules do, a
//! subject each, what is not the same on both. Pointers are passed on as they
//! are, since guest addresses are host addresses: the kernel checks them and
//! returns `EFAULT`. What the engine itself reads or writes for the guest
//! goes through [`guest_memory`], with the same result.

mod events;
mod files;
mod ioctl;
mod ipc;
mod memory;
mod prctl;
mod process;
mod signals;
pub mod table;
mod time;
mod trace;

use a64::cpu::Cpu;
use a64::mem::{Fault, Size};

use self::table::Handler;
use super::guest_memory;
use super::process::{Process, Thread};
use super::sys::{self, Errno};

/// A system call of the guest, while it is done.
#[derive(Debug)]
pub struct Call<'a> {
    /// The process.
    pub process: &'a Process,
    /// The thread that calls.
    pub thread: &'a mut Thread,
    /// X0 to X5.
    pub arguments: [u64; 6],
}

/// What the thread does after a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// It goes on behind the SVC.
    Continue,
    /// The process ends with this code.
    Exit(i32),
}

/// Does the system call that the registers ask for: X8 is its number, X0 to X5
/// are its arguments and X0 becomes its result. The PC is left alone.
pub fn call(process: &Process, thread: &mut Thread, cpu: &mut Cpu) -> Control {
    // The kernel takes the number from W8.
    let number = cpu.x[8] & 0xffff_ffff;
    let syscall = table::find(number);
    let [a, b, c, d, e, f, ..] = cpu.x;
    let mut call = Call {
        process,
        thread,
        arguments: [a, b, c, d, e, f],
    };
    // Those in the vDSO are no system calls to the guest.
    let traced = process.trace && !process.vdso.contains(&cpu.pc);
    let line = traced.then(|| trace::call(syscall, number, &call.arguments));
    let result = match syscall.map(|syscall| syscall.handler) {
        Some(Handler::Exit) => {
            line.into_iter().for_each(trace::ends);
            return Control::Exit(call.int(0) & 0xff);
        }
        // SAFETY: the table passes on what touches only memory that the
        // arguments name, and that is the guest's.
        Some(Handler::Pass(number)) => unsafe { sys::syscall(u32::from(number), call.arguments) },
        Some(Handler::Convert(own) | Handler::Emulate(own)) => own(&mut call),
        Some(Handler::Refuse(error, _)) => Err(error),
        None => Err(Errno::ENOSYS),
    };
    if let Some(line) = line {
        trace::returns(line, syscall, result);
    }
    cpu.x[0] = result.unwrap_or_else(Errno::as_result);
    Control::Continue
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

    /// Calls the host with the arguments as they are now.
    fn pass(&self, number: u32) -> Result<u64, Errno> {
        // SAFETY: whoever calls this changed the arguments so that the call
        // touches only memory that is the guest's or his own.
        unsafe { sys::syscall(number, self.arguments) }
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
