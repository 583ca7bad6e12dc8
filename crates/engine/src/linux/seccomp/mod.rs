//! Filters of system calls (seccomp) that the guest has set: they see the guest's
//! numbers, its arguments and its PC, and judge each call before it is
//! done.
//!
//! `bpf` checks and runs a filter; `carrier` lets the host's kernel carry them
//! on. Each thread has its own list, which its children inherit, and which
//! another thread of the process may bring up to its own (`TSYNC`); so they
//! are all here, and a thread finds in its [`Attention`] whether it has any.

pub mod bpf;
pub mod carrier;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use self::bpf::{Data, Program};
pub use self::carrier::Damaged;
use crate::host::lock::{Held, Lock};
use crate::host::signal::{SIGKILL, SIGSYS, SignalInfo};
use crate::host::sys::Errno;
use crate::thread::attention::Attention;

/// `si_code` of `SIGSYS` for what a filter said.
const SYS_SECCOMP: i32 = 1;

/// Flags of `SECCOMP_SET_MODE_FILTER`.
mod flag {
    pub(super) const TSYNC: u64 = 1;
    pub(super) const LOG: u64 = 2;
    pub(super) const SPEC_ALLOW: u64 = 4;
    pub(super) const TSYNC_ESRCH: u64 = 16;
}

/// Results of filters: the action in the upper half.
mod action {
    pub(super) const MASK: u32 = 0xffff_0000;
    pub(super) const KILL_PROCESS: u32 = 0x8000_0000;
    pub(super) const KILL_THREAD: u32 = 0;
    pub(super) const TRAP: u32 = 0x0003_0000;
    pub(super) const ERRNO: u32 = 0x0005_0000;
    pub(super) const USER_NOTIF: u32 = 0x7fc0_0000;
    pub(super) const TRACE: u32 = 0x7ff0_0000;
    pub(super) const LOG: u32 = 0x7ffc_0000;
    pub(super) const ALLOW: u32 = 0x7fff_0000;
}

/// A filter and those that were set before it.
#[derive(Debug)]
struct Filter {
    program: Program,
    /// How many come before it.
    before: u32,
    previous: Option<Arc<Filter>>,
}

/// What holds for a thread.
#[derive(Clone, Debug)]
enum Mode {
    /// All calls.
    Off,
    /// `read`, `write`, `exit` and `rt_sigreturn`.
    Strict,
    /// What the filters say.
    Filtered(Arc<Filter>),
}

/// A thread.
#[derive(Debug)]
struct Member {
    attention: &'static Attention,
    /// Its process, until it knows that itself.
    process: Option<u32>,
    mode: Mode,
}

impl Member {
    fn process(&self) -> u32 {
        self.process
            .unwrap_or_else(|| self.attention.process.load(Ordering::Relaxed))
    }

    fn set(&mut self, mode: Mode) {
        let watched = !matches!(mode, Mode::Off);
        self.mode = mode;
        self.attention
            .watched
            .store(watched.into(), Ordering::Release);
    }
}

/// All threads in this memory.
#[derive(Debug)]
pub struct Seccomp {
    members: Lock<Vec<Member>>,
}

/// What becomes of a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is done.
    Allow,
    /// A tracer is asked; this goes with it. Without one it is `ENOSYS`.
    Trace(u16),
    /// It is not done and has this result.
    Result(Result<u64, Errno>),
    /// It is not done, and the thread gets this signal.
    Signal(SignalInfo),
    /// The process ends by this signal.
    KillProcess(i32),
    /// The thread ends, as by this signal.
    KillThread(i32),
}

/// All held, so that a `fork` finds it sound.
#[derive(Debug)]
pub struct Forking<'a>(Held<'a, Vec<Member>>);

impl Seccomp {
    /// That of a program whose first thread is told so: under the filters
    /// that the kernel has carried here.
    ///
    /// # Errors
    /// When these are damaged.
    pub fn inherited(attention: &'static Attention) -> Result<Self, Damaged> {
        let mut mode = Mode::Off;
        let mut before = 0;
        while let Some(program) = carrier::get(before)? {
            let previous = match mode {
                Mode::Filtered(filter) => Some(filter),
                _ => None,
            };
            mode = Mode::Filtered(Arc::new(Filter {
                program,
                before,
                previous,
            }));
            before += 1;
        }
        let mut first = Member {
            attention,
            process: None,
            mode: Mode::Off,
        };
        first.set(mode);
        Ok(Self {
            members: Lock::new(alloc::vec![first]),
        })
    }

    /// A thread is about to be made by another one, in the same process or in
    /// one of its own.
    pub fn join(&self, of: &Attention, attention: &'static Attention, same_process: bool) {
        let mut members = self.members.hold();
        let Some(parent) = find(&mut members, of) else {
            return;
        };
        let mode = parent.mode.clone();
        let process = parent.process();
        let mut member = Member {
            attention,
            process: same_process.then_some(process),
            mode: Mode::Off,
        };
        member.set(mode);
        members.push(member);
    }

    /// A thread is gone.
    pub fn leave(&self, attention: &Attention) {
        let mut members = self.members.hold();
        members.retain(|member| !core::ptr::eq(member.attention, attention));
    }

    /// To be called before a `fork`.
    #[must_use]
    pub fn before_fork(&self) -> Forking<'_> {
        Forking(self.members.hold())
    }

    /// Judges a system call of the thread that is told so; in strict mode it may be one of these.
    #[must_use]
    pub fn judge(&self, attention: &Attention, data: &Data, strict_calls: &[u32; 4]) -> Verdict {
        let mode = find(&mut self.members.hold(), attention).map(|member| member.mode.clone());
        match mode {
            None | Some(Mode::Off) => Verdict::Allow,
            Some(Mode::Strict) => {
                if strict_calls.contains(&data.number) {
                    Verdict::Allow
                } else {
                    self.kill(attention, SIGKILL)
                }
            }
            Some(Mode::Filtered(filter)) => match strictest(&filter, data) {
                (action::ALLOW | action::LOG, _) => Verdict::Allow,
                (action::ERRNO, 0) => Verdict::Result(Ok(0)),
                (action::ERRNO, error) => Verdict::Result(Err(Errno(error.min(4095)))),
                (action::TRACE, value) => Verdict::Trace(value),
                // Nobody listens.
                (action::USER_NOTIF, _) => Verdict::Result(Err(Errno::ENOSYS)),
                (action::TRAP, value) => Verdict::Signal(trapped(data, value)),
                (action::KILL_THREAD, _) => self.kill(attention, SIGSYS),
                _ => Verdict::KillProcess(SIGSYS),
            },
        }
    }

    /// Ends the thread; the process with it when there is no other.
    fn kill(&self, attention: &Attention, signal: i32) -> Verdict {
        let mut members = self.members.hold();
        let process = find(&mut members, attention).map(|member| member.process());
        let threads = members
            .iter()
            .filter(|member| Some(member.process()) == process);
        if threads.count() > 1 {
            Verdict::KillThread(signal)
        } else {
            Verdict::KillProcess(signal)
        }
    }

    /// `SECCOMP_SET_MODE_STRICT`.
    ///
    /// # Errors
    /// `EINVAL` when there are filters.
    pub fn set_strict(&self, attention: &Attention) -> Result<u64, Errno> {
        let mut members = self.members.hold();
        let member = find(&mut members, attention).ok_or(Errno::EINVAL)?;
        if matches!(member.mode, Mode::Filtered(_)) {
            return Err(Errno::EINVAL);
        }
        member.set(Mode::Strict);
        Ok(0)
    }

    /// Adds a filter, with those of the flags that [`check_flags`] lets
    /// through.
    ///
    /// # Errors
    /// The kernel's.
    pub fn add(&self, attention: &Attention, program: Program, flags: u64) -> Result<u64, Errno> {
        let mut members = self.members.hold();
        let member = find(&mut members, attention).ok_or(Errno::EINVAL)?;
        let previous = match &member.mode {
            Mode::Off => None,
            Mode::Filtered(filter) => Some(Arc::clone(filter)),
            Mode::Strict => return Err(Errno::EINVAL),
        };
        let process = member.process();
        let before = previous.as_ref().map_or(0, |filter| filter.before + 1);
        // The host's would write all that is not let through into its log.
        let result = carrier::set(before, &program, flags & !flag::LOG)?;
        if result != 0 {
            return Ok(result);
        }
        let filter = Arc::new(Filter {
            program,
            before,
            previous,
        });
        for member in members.iter_mut() {
            let own = core::ptr::eq(member.attention, attention);
            if own || flags & flag::TSYNC != 0 && member.process() == process {
                member.set(Mode::Filtered(Arc::clone(&filter)));
            }
        }
        Ok(0)
    }
}

impl Forking<'_> {
    /// In the child, whose only thread this is.
    pub fn child(mut self, attention: &Attention) {
        self.0
            .retain(|member| core::ptr::eq(member.attention, attention));
        for member in self.0.iter_mut() {
            member.process = None;
        }
    }
}

fn find<'a>(members: &'a mut [Member], attention: &Attention) -> Option<&'a mut Member> {
    members
        .iter_mut()
        .find(|member| core::ptr::eq(member.attention, attention))
}

/// The action that is strictest, and the newest filter's value for it.
#[allow(clippy::cast_possible_truncation, reason = "the lower half")]
fn strictest(newest: &Filter, data: &Data) -> (u32, u16) {
    // The strictest is the smallest, as a signed number.
    let rank = |result: u32| (result & action::MASK).cast_signed();
    let mut found = action::ALLOW;
    let mut next = Some(newest);
    while let Some(filter) = next {
        let result = filter.program.run(data);
        if rank(result) < rank(found) {
            found = result;
        }
        next = filter.previous.as_deref();
    }
    (found & action::MASK, found as u16)
}

/// The `siginfo` of `SECCOMP_RET_TRAP`.
fn trapped(data: &Data, value: u16) -> SignalInfo {
    let mut info = SignalInfo::fault(SIGSYS, SYS_SECCOMP, data.place);
    info.0[0] |= u64::from(value) << 32;
    info.0[3] = u64::from(data.number) | u64::from(data.architecture) << 32;
    info
}

/// The `siginfo` of a process that a filter ends for a system call of an architecture, at
/// the PC.
#[must_use]
pub fn killed(signal: i32, pc: u64, call: u64, audit: u32) -> SignalInfo {
    let mut info = SignalInfo::fault(signal, SYS_SECCOMP, pc);
    info.0[3] = call & 0xffff_ffff | u64::from(audit) << 32;
    info
}

/// Whether an action is known (`SECCOMP_GET_ACTION_AVAIL`). Nobody can listen.
#[must_use]
pub const fn is_available(action: u32) -> bool {
    matches!(
        action,
        action::KILL_PROCESS
            | action::KILL_THREAD
            | action::TRAP
            | action::ERRNO
            | action::TRACE
            | action::LOG
            | action::ALLOW
    )
}

/// Whether the flags of a filter are known: as on a kernel that has no
/// listeners (before Linux 5.0).
///
/// # Errors
/// `EINVAL` when they are not.
pub const fn check_flags(flags: u64) -> Result<(), Errno> {
    const KNOWN: u64 = flag::TSYNC | flag::LOG | flag::SPEC_ALLOW | flag::TSYNC_ESRCH;
    if flags & !KNOWN == 0 {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

/// Whether the calling thread may set a filter at all.
///
/// # Errors
/// `EACCES`, or the kernel's.
pub fn may_set() -> Result<(), Errno> {
    carrier::may_set()
}
