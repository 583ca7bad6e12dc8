//! Identities that are played: in a container that has one user or one group only, programs
//! still become others, as package managers and servers do when they give up rights. Their
//! calls come here, to the process outside, which answers as if they were. To the kernel all
//! stay the one user: what a program could do before, it can do after. Only a command that
//! begins as another user begins without capabilities.
//!
//! Who a thread says it is has to be inherited by what it starts, also when it has ended
//! itself by then. So the kernel carries it: in the thread's timer slack, by how late timers
//! may be, which it hands on over fork and execve. Beyond the usual 50 µs it is so many
//! nanoseconds more as the identity's place in a list here. Without such a mark a thread is
//! whose the container's command is. The mark is no secret and no right: a thread that sets its
//! slack is taken for whom that stands, or for the first, and so is one with a real-time
//! policy, which has none.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use rustix::io::Errno;

use super::identity::{Identity, Ids, NONE};

/// `_IOWR('!', 0, struct seccomp_notif)` and so on (`linux/seccomp.h`).
const RECEIVE: libc::c_ulong = 0xc050_2100;
const SEND: libc::c_ulong = 0xc018_2101;
const STILL_VALID: libc::c_ulong = 0x4008_2102;

/// `SECCOMP_USER_NOTIF_FLAG_CONTINUE`. Safe, as no right hangs on what is seen: to the kernel all
/// are one user.
const CONTINUE: u32 = 1;

/// The slack of timers, in nanoseconds, that stands for no identity; the kernel's default.
const SLACK: usize = 50_000;

/// So many identities can be told from the first. More are refused.
const OTHERS_MAX: usize = 10_000;

/// The kernel's limit of a process's groups.
const GROUPS_MAX: u32 = 65536;

/// So many groups are remembered, of all identities together. More are refused.
const ALL_GROUPS_MAX: usize = 1 << 20;

/// Who is who in the container.
#[derive(Debug)]
pub(super) struct Players {
    listener: OwnedFd,
    /// Whose the command is.
    first: Identity,
    /// Each other that somebody has been, once; its place is what threads are marked with.
    others: Vec<Identity>,
}

impl Players {
    pub(super) fn new(listener: OwnedFd, first: Identity) -> Players {
        Players {
            listener,
            first,
            others: Vec::new(),
        }
    }

    /// Readable when somebody waits for an answer; hung up when nobody is left.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    /// Answers who waits.
    pub(super) fn answer(&mut self) {
        // SAFETY: zeros are a value of both structures of numbers, and what the kernel
        // wants of the first.
        let (mut call, mut answer): (libc::seccomp_notif, libc::seccomp_notif_resp) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        // SAFETY: the structure is the call's.
        if unsafe { libc::ioctl(self.listener.as_raw_fd(), RECEIVE, &raw mut call) } != 0 {
            return;
        }
        answer.id = call.id;
        match self.call(&call) {
            Ok(Some(value)) => answer.val = i64::from(value),
            Ok(None) => answer.flags = CONTINUE,
            Err(error) => answer.error = -error.raw_os_error(),
        }
        // SAFETY: the structure is the call's, which the kernel reads. An error means that the caller has gone.
        unsafe { libc::ioctl(self.listener.as_raw_fd(), SEND, &raw mut answer) };
    }

    /// A call's result; none where the kernel is to make it.
    fn call(&mut self, call: &libc::seccomp_notif) -> Result<Option<u32>, Errno> {
        let mut who = self.who(call.pid).clone();
        let was = who.clone();
        // Identities have 32 bits; the kernel looks at no more.
        #[allow(clippy::cast_possible_truncation, reason = "as the kernel does")]
        let [a, b, c] = [call.data.args[0], call.data.args[1], call.data.args[2]].map(|n| n as u32);
        let may = who.may();
        let done = |result: Result<(), Errno>| result.map(|()| 0);
        let number = libc::c_long::from(call.data.nr);
        let result = match number {
            libc::SYS_execve | libc::SYS_execveat => {
                who.keeps = false;
                Ok(0)
            }
            libc::SYS_prctl => {
                who.keeps = may && call.data.args[1] != 0;
                Ok(0)
            }
            libc::SYS_getuid => Ok(who.user.real),
            libc::SYS_geteuid => Ok(who.user.effective),
            libc::SYS_getgid => Ok(who.group.real),
            libc::SYS_getegid => Ok(who.group.effective),
            libc::SYS_getresuid => self.give_three(call, who.user),
            libc::SYS_getresgid => self.give_three(call, who.group),
            libc::SYS_getgroups => self.give_groups(call, &who.groups),
            libc::SYS_setuid => done(who.user.set(may, a)),
            libc::SYS_setgid => done(who.group.set(may, a)),
            libc::SYS_setreuid => done(who.user.set_two(may, a, b)),
            libc::SYS_setregid => done(who.group.set_two(may, a, b)),
            libc::SYS_setresuid => done(who.user.set_three(may, [a, b, c])),
            libc::SYS_setresgid => done(who.group.set_three(may, [a, b, c])),
            libc::SYS_setfsuid => Ok(who.user.set_file(may, a)),
            libc::SYS_setfsgid => Ok(who.group.set_file(may, a)),
            libc::SYS_setgroups if !may => Err(Errno::PERM),
            libc::SYS_setgroups => self.groups_of(call).map(|groups| {
                who.groups = groups;
                0
            }),
            _ => Err(Errno::NOSYS),
        };
        if who != was {
            self.mark(call.pid, who)?;
        }
        let kernels = [libc::SYS_execve, libc::SYS_execveat, libc::SYS_prctl].contains(&number);
        result.map(|value| (!kernels).then_some(value))
    }

    /// From now on a thread is this.
    fn mark(&mut self, thread: u32, who: Identity) -> Result<(), Errno> {
        let place = match self.others.iter().position(|known| *known == who) {
            _ if who == self.first => 0,
            Some(known) => known + 1,
            None => {
                let groups: usize = self.others.iter().map(|o| o.groups.len()).sum();
                let too_many = groups + who.groups.len() > ALL_GROUPS_MAX;
                if self.others.len() >= OTHERS_MAX || too_many {
                    return Err(Errno::AGAIN);
                }
                self.others.push(who);
                self.others.len()
            }
        };
        fs::write(slack_of(thread), (SLACK + place).to_string())
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::PERM))
    }

    /// Who a thread is.
    fn who(&self, thread: u32) -> &Identity {
        if self.others.is_empty() {
            return &self.first;
        }
        let slack = fs::read_to_string(slack_of(thread)).unwrap_or_default();
        let place = slack.trim().parse::<usize>().ok();
        let place = place.and_then(|slack| slack.checked_sub(SLACK + 1));
        place
            .and_then(|place| self.others.get(place))
            .unwrap_or(&self.first)
    }

    /// Real, effective and saved, where the caller wants them.
    fn give_three(&self, call: &libc::seccomp_notif, ids: Ids) -> Result<u32, Errno> {
        let values = [ids.real, ids.effective, ids.saved];
        for (address, value) in call.data.args.iter().zip(values) {
            self.write(call, *address, &value.to_ne_bytes())?;
        }
        Ok(0)
    }

    fn give_groups(&self, call: &libc::seccomp_notif, groups: &[u32]) -> Result<u32, Errno> {
        let [room, address, ..] = call.data.args;
        let count = u32::try_from(groups.len()).map_err(|_| Errno::INVAL)?;
        #[allow(clippy::cast_possible_truncation, reason = "the kernel takes an int")]
        let room = room as u32;
        if room.cast_signed() < 0 || (room != 0 && room < count) {
            return Err(Errno::INVAL);
        }
        if room != 0 {
            let bytes: Vec<u8> = groups.iter().flat_map(|g| g.to_ne_bytes()).collect();
            self.write(call, address, &bytes)?;
        }
        Ok(count)
    }

    /// Writes to the caller's memory.
    fn write(&self, call: &libc::seccomp_notif, address: u64, bytes: &[u8]) -> Result<(), Errno> {
        self.memory(call, File::options().write(true))?
            .write_all_at(bytes, address)
            .map_err(|_| Errno::FAULT)
    }

    /// The caller's memory. Once it is open it is the caller's, if that still waits: its number
    /// is nobody else's as long.
    fn memory(&self, call: &libc::seccomp_notif, how: &fs::OpenOptions) -> Result<File, Errno> {
        let memory = how
            .open(format!("/proc/{}/mem", call.pid))
            .map_err(|_| Errno::FAULT)?;
        // SAFETY: the number lives through the call.
        let waits = unsafe {
            libc::ioctl(
                self.listener.as_raw_fd(),
                STILL_VALID,
                std::ptr::from_ref(&call.id),
            )
        };
        match waits {
            0 => Ok(memory),
            _ => Err(Errno::INTR),
        }
    }

    /// The list that setgroups(2) is called with.
    fn groups_of(&self, call: &libc::seccomp_notif) -> Result<Vec<u32>, Errno> {
        let [count, address, ..] = call.data.args;
        #[allow(clippy::cast_possible_truncation, reason = "the kernel takes an int")]
        let count = count as u32;
        if count > GROUPS_MAX {
            return Err(Errno::INVAL);
        }
        let mut bytes = vec![0; count as usize * 4];
        self.memory(call, File::options().read(true))?
            .read_exact_at(&mut bytes, address)
            .map_err(|_| Errno::FAULT)?;
        let numbers = bytes.chunks_exact(4).filter_map(|b| b.first_chunk());
        let groups: Vec<u32> = numbers.map(|b| u32::from_ne_bytes(*b)).collect();
        match groups.contains(&NONE) {
            true => Err(Errno::INVAL),
            false => Ok(groups),
        }
    }
}

fn slack_of(thread: u32) -> String {
    format!("/proc/{thread}/timerslack_ns")
}

/// Whether this process's user namespace has one user or one group only.
pub(super) fn are_wanted() -> io::Result<bool> {
    let one = |file: &str| -> io::Result<bool> {
        let map = fs::read_to_string(file)?;
        Ok(map.split_whitespace().skip(2).eq(["1"]))
    };
    Ok(one("/proc/self/uid_map")? || one("/proc/self/gid_map")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_remembered_within_a_bound() {
        let kept = std::thread::spawn(|| {
            let nobody = File::open("/dev/null").unwrap().into();
            let mut players = Players::new(nobody, Identity::new(0, 0, Vec::new()));
            let thread = rustix::thread::gettid().as_raw_pid().unsigned_abs();
            let many = vec![7; GROUPS_MAX as usize];
            let marked = |user: &u32| {
                let who = Identity::new(*user, 0, many.clone());
                players.mark(thread, who).is_ok()
            };
            (1..100).take_while(marked).count()
        });
        assert_eq!(kept.join().unwrap(), ALL_GROUPS_MAX / GROUPS_MAX as usize);
    }
}
