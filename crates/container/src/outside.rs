//! A child that stays in the caller's own namespaces and answers questions.
//!
//! What a process in a user namespace starts is user 0 there, to which a session bus or
//! an agent of the user's may refuse to speak. So a child is forked before the namespace is
//! entered, and waits. A question is answered by a function of the caller's, in the child.
//! The child ends when its asker is dropped, or when that and all that it has forked since are
//! dead; a question that it is at is answered first.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};

use rustix::process::{Pid, WaitOptions, waitpid};

use crate::Error;
use crate::enter::one_thread;

/// The longest question or answer.
const LEN_MAX: u32 = 1 << 20;

/// The child, as its asker has it.
#[derive(Debug)]
pub struct Outside {
    /// `None` once it was told to end.
    stream: Mutex<Option<UnixStream>>,
    child: Pid,
}

impl Outside {
    /// Starts the child. The process must have one thread only.
    ///
    /// # Errors
    /// [`Error::Threads`], or what the system refuses.
    pub fn start(answer: impl Fn(&[u8]) -> Vec<u8>) -> Result<Outside, Error> {
        one_thread()?;
        let failed = |source| Error::System {
            doing: "start a helper process",
            source,
        };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        // SAFETY: the process has one thread, as was seen above, so the child may
        // do anything a process may.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            drop(ours);
            let work = std::panic::AssertUnwindSafe(|| serve(theirs, &answer));
            let _ = std::panic::catch_unwind(work);
            // SAFETY: ends the child at once, without the parent's destructors and exit
            // handlers, whose copies it holds.
            unsafe { libc::_exit(0) }
        }
        let child = Pid::from_raw(pid).filter(|_| pid > 0);
        Ok(Outside {
            stream: Mutex::new(Some(ours)),
            child: child.ok_or_else(|| failed(io::Error::last_os_error()))?,
        })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// What the connection to the child ran into.
    pub fn ask(&self, question: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(stream) = stream.as_mut() else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        send(stream, question)?;
        receive(stream)
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        // The child sees the end of its questions.
        *self.stream.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let wait = || waitpid(Some(self.child), WaitOptions::empty());
        let _ = rustix::io::retry_on_intr(wait);
    }
}

/// The child's life. An asker that is gone is the end of it.
fn serve(mut stream: UnixStream, answer: &dyn Fn(&[u8]) -> Vec<u8>) {
    while let Ok(question) = receive(&mut stream) {
        if send(&mut stream, &answer(&question)).is_err() {
            return;
        }
    }
}

fn send(stream: &mut UnixStream, bytes: &[u8]) -> io::Result<()> {
    let len = u32::try_from(bytes.len())
        .ok()
        .filter(|len| *len <= LEN_MAX);
    let len = len.ok_or(io::ErrorKind::InvalidInput)?;
    stream.write_all(&len.to_le_bytes())?;
    stream.write_all(bytes)
}

fn receive(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut len = [0; 4];
    stream.read_exact(&mut len)?;
    let len = u32::from_le_bytes(len);
    if len > LEN_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    stream.take(len.into()).read_to_end(&mut bytes)?;
    if bytes.len() < len as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}
