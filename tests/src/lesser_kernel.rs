//! A kernel that lacks something, as older ones and other builds do: a command under a
//! filter of system calls, whose calls about mounts this process answers. What the
//! lesser kernel would refuse is refused with its error; all else is the real kernel's.
//!
//! Root may set such a filter without giving up new rights, so set-user-ID programs
//! (newuidmap) work under it. A process has one such listener at most.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::command::{Done, run};

/// What is not there, and the error number that says so.
#[derive(Debug, Clone, Copy)]
pub enum Lack {
    /// A kind of file system, by fsopen(2) and mount(2).
    FileSystem(&'static str, i32),
    /// An option of a file system, by fsconfig(2).
    Option(&'static str, i32),
}

/// Runs a command as [`run`] does, on a kernel that lacks these.
///
/// # Panics
/// When this is not root's.
#[track_caller]
#[must_use]
pub fn run_lacking(lacks: &[Lack], mut command: Command) -> Done {
    crate::need::host_root();
    let (ours, theirs) = UnixStream::pair().expect("a pair of sockets can be made");
    // SAFETY: between fork and exec only system calls are made, and nothing is allocated.
    unsafe { command.pre_exec(move || hand_over(&theirs, listen()?.as_fd())) };
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let ended = &ended;
        scope.spawn(move || {
            let moment = Some(Duration::from_millis(100));
            ours.set_read_timeout(moment)
                .expect("a socket has a time limit");
            while !ended.load(Ordering::Relaxed) {
                if let Some(listener) = take_over(&ours) {
                    answer_all(&listener, lacks, ended);
                }
            }
        });
        let _at_the_end = Sets(ended);
        run(&mut command)
    })
}

/// Sets it when dropped, also where the command disappoints.
struct Sets<'a>(&'a AtomicBool);

impl Drop for Sets<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn hand_over(to: &UnixStream, listener: BorrowedFd<'_>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [listener];
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(to, &[IoSlice::new(b"l")], &mut control, SendFlags::empty())?;
    Ok(())
}

fn take_over(from: &UnixStream) -> Option<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut parts = [IoSliceMut::new(&mut byte)];
    recvmsg(from, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC).ok()?;
    control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    })
}

/// The calls that are answered: by each, which argument is the name.
const ANSWERED: [(libc::c_long, usize); 3] = [
    (libc::SYS_fsopen, 0),
    (libc::SYS_mount, 2),
    (libc::SYS_fsconfig, 2),
];

/// Sets the filter on this process and its children.
fn listen() -> io::Result<OwnedFd> {
    const fn step(code: u32, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
        #[allow(clippy::cast_possible_truncation, reason = "BPF's codes have 16 bits")]
        libc::sock_filter {
            code: code as u16,
            jt,
            jf,
            k,
        }
    }
    const EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    const RETURN: u32 = libc::BPF_RET | libc::BPF_K;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers of system calls are small"
    )]
    const fn number(n: usize) -> u32 {
        ANSWERED[n].0 as u32
    }
    let mut program = [
        // The number is first of what a filter sees.
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(EQUAL, 2, 0, number(0)),
        step(EQUAL, 1, 0, number(1)),
        step(EQUAL, 0, 1, number(2)),
        step(RETURN, 0, 0, libc::SECCOMP_RET_USER_NOTIF),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: 6,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: the program lives through the call, and has as many steps as it says.
    let listener = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &raw const program,
        )
    };
    match i32::try_from(listener) {
        // SAFETY: a new descriptor, which nobody else has.
        Ok(listener) if listener >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(listener) }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// `_IOWR('!', 0, struct seccomp_notif)`.
const RECEIVE: libc::c_ulong = 0xc050_2100;
/// `_IOWR('!', 1, struct seccomp_notif_resp)`.
const SEND: libc::c_ulong = 0xc018_2101;

/// Answers until nobody is under the filter any more.
fn answer_all(listener: &OwnedFd, lacks: &[Lack], ended: &AtomicBool) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let moment = Timespec {
        tv_sec: 0,
        tv_nsec: 100_000_000,
    };
    while !ended.load(Ordering::Relaxed) {
        let mut polled = [PollFd::new(listener, PollFlags::IN)];
        if !matches!(poll(&mut polled, Some(&moment)), Ok(1)) {
            continue;
        }
        if !polled[0].revents().contains(PollFlags::IN) {
            return;
        }
        // SAFETY: zeros are a value of both structures of numbers, and what the kernel
        // wants of the first.
        let (mut call, mut answer): (libc::seccomp_notif, libc::seccomp_notif_resp) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        // SAFETY: the structure is the call's.
        if unsafe { libc::ioctl(listener.as_raw_fd(), RECEIVE, &raw mut call) } != 0 {
            continue;
        }
        answer.id = call.id;
        match lacking(&call, lacks) {
            Some(error) => answer.error = -error,
            None => answer.flags = 1, // SECCOMP_USER_NOTIF_FLAG_CONTINUE
        }
        // SAFETY: the structure is the call's; the kernel only reads it.
        unsafe { libc::ioctl(listener.as_raw_fd(), SEND, &raw mut answer) };
    }
}

/// The error of a call that asks for what is not there.
fn lacking(call: &libc::seccomp_notif, lacks: &[Lack]) -> Option<i32> {
    let number = libc::c_long::from(call.data.nr);
    let (_, argument) = ANSWERED.iter().find(|(answered, _)| *answered == number)?;
    let name = text_at(call.pid, call.data.args[*argument])?;
    lacks.iter().find_map(|lack| match *lack {
        Lack::FileSystem(kind, error) => {
            let mounts = [libc::SYS_fsopen, libc::SYS_mount].contains(&number);
            (mounts && name == kind).then_some(error)
        }
        Lack::Option(option, error) => {
            (number == libc::SYS_fsconfig && name == option).then_some(error)
        }
    })
}

/// A short string in a process's memory.
fn text_at(process: u32, address: u64) -> Option<String> {
    let memory = File::open(format!("/proc/{process}/mem")).ok()?;
    let mut bytes = [0; 64];
    let count = memory.read_at(&mut bytes, address).ok()?;
    let text = bytes.get(..count)?.split(|b| *b == 0).next()?;
    String::from_utf8(text.to_vec()).ok()
}
