//! One system call of the guest while it is done: its arguments, and what the functions that do
//! calls have in common.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use guest::memory::{Fault, Size};

use super::copies::Copies;
use crate::host::signal::SignalInfo;
use crate::host::sys::{self, Errno, Status, fd_argument, number};
use crate::linux::abi::platform::Width;
use crate::linux::executable::{Identity, Own};
use crate::linux::process::{Process, Thread};
use crate::memory::guest_memory;
use crate::thread::attention::{KEPT, TAKEN_ALL};
use crate::thread::interruptible::{self, Entry};
use crate::thread::taken::TAKEN;
use crate::thread::{clone, handlers};

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
    pub(in crate::linux) sp: u64,
    /// A call of the host's has been made.
    pub(in crate::linux) called: bool,
    /// What the host is given instead of what has tags.
    pub(in crate::linux) copies: Copies,
    /// What comes of it that is not a result.
    pub(in crate::linux) control: Option<Control>,
}

/// What comes of a system call. Nearly all have a result, so what is large and rare lies
/// elsewhere: every call passes this value on.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    Clone(Box<clone::Request>),
    /// It gets this signal, which it can't block or ignore.
    Signal(Box<SignalInfo>),
    /// The process ends by this signal.
    Kill(i32),
    /// A filter asks the thread's tracer first, with this.
    Trace(u16),
}

impl From<Fault> for Errno {
    fn from(_: Fault) -> Self {
        Self::EFAULT
    }
}

/// What a newer kernel would know of a structure, and this one does not, must
/// be zero.
pub(in crate::linux) fn unknown_is_zero(address: u64, length: u64) -> Result<(), Errno> {
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
    pub(in crate::linux) fn int(&self, index: usize) -> i32 {
        self.arguments[index] as i32
    }

    /// The call has no result.
    pub(in crate::linux) fn end(&mut self, control: Control) -> Result<u64, Errno> {
        self.control = Some(control);
        Ok(0)
    }

    /// Calls the host with the arguments as they are now. The first such call
    /// is not made when a signal comes before it: then the error is
    /// [`Errno::RESTART`], which the guest's call must end with.
    pub(in crate::linux) fn pass(&mut self, number: u32) -> Result<u64, Errno> {
        self.pass_by(Entry::Wide, number)
    }

    /// The same by either of the kernel's entries.
    pub(in crate::linux) fn pass_by(&mut self, entry: Entry, number: u32) -> Result<u64, Errno> {
        /// What nobody tells anything.
        static NOTHING: AtomicU32 = AtomicU32::new(0);
        let word = if self.called {
            &NOTHING
        } else {
            &self.thread.attention().word
        };
        // SAFETY: the table passes on what touches only memory that the
        // arguments name, and that is the guest's; whoever else calls this
        // changed the arguments so that that is so.
        unsafe {
            if self.called && entry == Entry::Wide {
                return sys::syscall(number, self.arguments);
            }
            let arrivals = handlers::arrivals();
            let result = interruptible::enter(word, entry, number, &self.arguments);
            if self.called {
                return result;
            }
            let result = match result {
                Err(Errno::EINTR) if self.only_looked(arrivals) => Err(Errno::RESTART),
                result => result,
            };
            self.called = result != Err(Errno::RESTART);
            result
        }
    }

    /// A call was interrupted: whether by what the guest is not told. `arrivals` was
    /// read before the call.
    fn only_looked(&self, arrivals: u32) -> bool {
        let word = self.thread.attention().word.load(Ordering::Acquire);
        if word == 0 {
            // A signal of the process's that this thread was woken for, and that the kernel then
            // gave to another one. Natively no thread is woken for what it blocks.
            return self.thread.blocked() & TAKEN != 0
                && handlers::has_arrived_since(arrivals)
                && !self.thread.is_interrupted();
        }
        word & (KEPT | TAKEN_ALL) != 0 && !self.thread.is_interrupted()
    }

    /// What the process knows of its own executable.
    pub(in crate::linux) fn own(&self) -> Own {
        self.thread.own(self.process)
    }

    /// Which file the host leads a path to, which is asked without a look at
    /// the path.
    pub(in crate::linux) fn file_at(&self, directory: i32, path: u64) -> Option<Identity> {
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
    pub(in crate::linux) fn write(&self, address: u64, bytes: &[u8]) -> Result<(), Errno> {
        // SAFETY: the guest named the address as its own to write.
        Ok(unsafe { guest_memory::write(address, bytes) }?)
    }

    /// Reads words of 64 bits from the guest.
    pub(in crate::linux) fn words<const N: usize>(&self, address: u64) -> Result<[u64; N], Errno> {
        let mut words = [0; N];
        for (address, word) in (address..).step_by(8).zip(&mut words) {
            #[allow(clippy::cast_possible_truncation, reason = "it has 8 bytes")]
            let value = guest_memory::load(address, Size::Double)? as u64;
            *word = value;
        }
        Ok(words)
    }

    /// Writes words of 64 bits to the guest.
    pub(in crate::linux) fn write_words(&self, address: u64, words: &[u64]) -> Result<(), Errno> {
        for (address, &word) in (address..).step_by(8).zip(words) {
            // SAFETY: the guest named the address as its own to write.
            unsafe { guest_memory::store(address, Size::Double, u128::from(word)) }?;
        }
        Ok(())
    }

    /// Reads words as wide as the guest's `long` and its addresses.
    pub(in crate::linux) fn longs<const N: usize>(&self, address: u64) -> Result<[u64; N], Errno> {
        longs(self.process.platform.elf.width, address)
    }

    /// Writes such.
    pub(in crate::linux) fn write_longs(&self, address: u64, longs: &[u64]) -> Result<(), Errno> {
        let width = self.process.platform.elf.width;
        let bytes = longs.iter().flat_map(|long| long.to_le_bytes());
        let bytes = bytes.enumerate().filter(|(n, _)| n % 8 < width.bytes());
        let bytes: Vec<u8> = bytes.map(|(_, byte)| byte).collect();
        self.write(address, &bytes)
    }

    /// So many bytes have so many such words.
    pub(in crate::linux) const fn long_bytes(&self, longs: u64) -> u64 {
        longs * self.process.platform.elf.width.bytes() as u64
    }
}

/// Words of this width at an address of the guest's.
fn longs<const N: usize>(width: Width, address: u64) -> Result<[u64; N], Errno> {
    let mut longs = [0; N];
    let length = width.bytes();
    for (address, long) in (address..).step_by(length).zip(&mut longs) {
        let mut bytes = [0; 8];
        guest_memory::read(address, &mut bytes[..length])?;
        *long = u64::from_le_bytes(bytes);
    }
    Ok(longs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thread::attention::Block;
    use crate::thread::handlers;

    #[test]
    fn words_of_both_widths() {
        let _ = handlers::install(&Block::new().unwrap());
        let words = [0x1111_2222_3333_4444_u64, 5];
        let at = words.as_ptr() as u64;
        assert_eq!(longs(Width::Bits64, at), Ok(words));
        let narrow = [0x3333_4444, 0x1111_2222, 5, 0];
        assert_eq!(longs(Width::Bits32, at), Ok(narrow));
        assert_eq!(longs::<1>(Width::Bits32, 8), Err(Errno::EFAULT));
    }
}
