//! Filters of system calls: what a command may not ask of the kernel at all, and what is
//! answered for it (`played`). Programs of all architectures are under them: an emulator
//! makes x86-64's calls.
//!
//! A call is judged by its number, and by numbers among its arguments, never by what they
//! point to.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use rustix::io::Errno;

/// A call's name, and its number among x86-64's calls and among i386's, 0 where it has none.
type Call = (&'static str, u32, u32);

/// Calls through which a container reaches what no namespace divides, or that are for
/// those who set up or debug a machine; docker refuses them, too.
const REFUSED: [Call; 31] = [
    ("add_key", 248, 286),
    ("request_key", 249, 287),
    ("keyctl", 250, 288),
    ("perf_event_open", 298, 336),
    ("bpf", 321, 357),
    ("userfaultfd", 323, 374),
    ("io_uring_setup", 425, 425),
    ("io_uring_enter", 426, 426),
    ("io_uring_register", 427, 427),
    ("open_by_handle_at", 304, 342),
    ("lookup_dcookie", 212, 253),
    ("kexec_load", 246, 283),
    ("kexec_file_load", 320, 0),
    ("init_module", 175, 128),
    ("finit_module", 313, 350),
    ("delete_module", 176, 129),
    ("iopl", 172, 110),
    ("ioperm", 173, 101),
    ("acct", 163, 51),
    ("swapon", 167, 87),
    ("swapoff", 168, 115),
    ("reboot", 169, 88),
    ("quotactl", 179, 131),
    ("quotactl_fd", 443, 443),
    ("nfsservctl", 180, 169),
    ("vm86", 0, 166),
    ("syslog", 103, 103),
    ("vm86old", 0, 113),
    // In a user namespace within, which anybody may make, a file system that is mounted anew
    // may be the machine's: its groups of processes (cgroup).
    ("mount", 165, 21),
    ("fsopen", 430, 430),
    ("fspick", 433, 433),
];

/// `socket`'s numbers among x86-64's calls and among i386's, and the family of sockets (vsock, to a
/// machine that this one runs in or that it runs) that no namespace of networks divides. What i386's
/// older `socketcall` asks for lies in memory and is not judged.
const SOCKET: (u32, u32) = (41, 359);
const VSOCK: u32 = libc::AF_VSOCK.unsigned_abs();

/// Calls about whose a process is, which are answered outside, or that change what it may
/// become, which are told there. So is prctl(PR_SET_KEEPCAPS).
const PLAYED: [libc::c_long; 18] = [
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getresuid,
    libc::SYS_getresgid,
    libc::SYS_getgroups,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_execve,
    libc::SYS_execveat,
];

/// Calls that give a file to somebody, and where user and group are among the arguments.
const CHOWNS: [(libc::c_long, u32); 4] = [
    (libc::SYS_chown, 1),
    (libc::SYS_fchown, 1),
    (libc::SYS_lchown, 1),
    (libc::SYS_fchownat, 2),
];

/// `AUDIT_ARCH_X86_64` and `AUDIT_ARCH_I386`.
const X86_64: u32 = 0xc000_003e;
const I386: u32 = 0x4000_0003;
/// The bit of x32's numbers.
const X32: u32 = 0x4000_0000;

/// Where a filter sees the number, the architecture, and the lower halves of arguments.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const fn argument(n: u32) -> u32 {
    16 + 8 * n
}

const fn answer(errno: i32) -> u32 {
    #[allow(clippy::cast_sign_loss, reason = "error numbers are positive")]
    let errno = errno as u32;
    libc::SECCOMP_RET_ERRNO | errno
}

/// A filter in the making: a list of steps, in BPF.
#[derive(Default)]
struct Program(Vec<libc::sock_filter>);

impl Program {
    fn step(&mut self, code: u32, yes: usize, no: usize, k: u32) {
        let small = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
        self.0.push(libc::sock_filter {
            code: u16::try_from(code).unwrap_or(u16::MAX),
            jt: small(yes),
            jf: small(no),
            k,
        });
    }

    fn load(&mut self, at: u32) {
        self.step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, at);
    }

    /// Steps over some where the number that is loaded is this, else over others.
    fn equal(&mut self, k: u32, yes: usize, no: usize) {
        self.step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, yes, no, k);
    }

    fn ret(&mut self, action: u32) {
        self.step(libc::BPF_RET | libc::BPF_K, 0, 0, action);
    }

    /// Sets the filter on this process, for good. Needs CAP_SYS_ADMIN in its user
    /// namespace, so that set-user-ID programs keep their rights.
    fn set(mut self, flags: libc::c_ulong) -> io::Result<i32> {
        let program = libc::sock_fprog {
            len: u16::try_from(self.0.len()).unwrap_or(u16::MAX),
            filter: self.0.as_mut_ptr(),
        };
        // SAFETY: the program lives through the call, and has as many steps as it says.
        let done = unsafe {
            libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                flags,
                &raw const program,
            )
        };
        if done < 0 {
            return Err(io::Error::last_os_error());
        }
        i32::try_from(done).map_err(io::Error::other)
    }
}

/// From here on the calls of [`REFUSED`] and sockets of [`VSOCK`] are EPERM.
pub(super) fn refuse() -> io::Result<()> {
    let mut program = Program::default();
    program.load(ARCHITECTURE);
    let of = |arch: fn(&Call) -> u32| {
        let numbers = REFUSED.iter().map(arch).filter(|n| *n != 0);
        numbers.collect::<Vec<u32>>()
    };
    let (wide, narrow) = (of(|n| n.1), of(|n| n.2));
    // i386's part, stepped over for x86-64: load, comparisons, three steps for sockets, allow,
    // refuse.
    let part = |program: &mut Program, numbers: &[u32], socket: u32| {
        program.load(NUMBER);
        for (at, number) in numbers.iter().enumerate() {
            program.equal(*number, numbers.len() - at + 3, 0);
        }
        program.equal(socket, 0, 2);
        program.load(argument(0));
        program.equal(VSOCK, 1, 0);
        program.ret(libc::SECCOMP_RET_ALLOW);
        program.ret(answer(libc::EPERM));
    };
    program.equal(X86_64, narrow.len() + 8, 0);
    program.equal(I386, 1, 0);
    program.ret(answer(libc::ENOSYS));
    part(&mut program, &narrow, SOCKET.1);
    // x32's numbers are another way to the same calls.
    program.load(NUMBER);
    program.step(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, 0, 1, X32);
    program.ret(answer(libc::ENOSYS));
    part(&mut program, &wide, SOCKET.0);
    program.set(0).map(drop)
}

/// From here on calls about identities are asked of whoever reads the descriptor, and a
/// file that is given to somebody else stays whose it is. Only x86-64's calls.
pub(super) fn play() -> io::Result<OwnedFd> {
    let mut program = Program::default();
    program.load(ARCHITECTURE);
    program.equal(X86_64, 1, 0);
    program.ret(libc::SECCOMP_RET_ALLOW);
    program.load(NUMBER);
    for number in PLAYED {
        program.equal(u32::try_from(number).unwrap_or(u32::MAX), 0, 1);
        program.ret(libc::SECCOMP_RET_USER_NOTIF);
    }
    program.equal(u32::try_from(libc::SYS_prctl).unwrap_or(u32::MAX), 0, 4);
    program.load(argument(0));
    program.equal(libc::PR_SET_KEEPCAPS.unsigned_abs(), 0, 1);
    program.ret(libc::SECCOMP_RET_USER_NOTIF);
    program.ret(libc::SECCOMP_RET_ALLOW);
    for (number, first) in CHOWNS {
        // Root's, or nobody's: the kernel's; it is true.
        program.equal(u32::try_from(number).unwrap_or(u32::MAX), 0, 8);
        program.load(argument(first));
        program.equal(0, 1, 0);
        program.equal(u32::MAX, 0, 4);
        program.load(argument(first + 1));
        program.equal(0, 1, 0);
        program.equal(u32::MAX, 0, 1);
        program.ret(libc::SECCOMP_RET_ALLOW);
        program.ret(answer(0));
    }
    program.ret(libc::SECCOMP_RET_ALLOW);
    let listener = Program(program.0.clone())
        .set(libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | WAIT_KILLABLE)
        .or_else(|error| match Errno::from_io_error(&error) {
            // Before Linux 5.19.
            Some(Errno::INVAL) => program.set(libc::SECCOMP_FILTER_FLAG_NEW_LISTENER),
            _ => Err(error),
        })?;
    // SAFETY: a new descriptor, which nobody else has.
    Ok(unsafe { OwnedFd::from_raw_fd(listener) })
}

/// No signal but one that kills disturbs a call that is being answered.
const WAIT_KILLABLE: libc::c_ulong = libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;

#[cfg(test)]
mod tests {
    use super::*;

    /// Needs the kernel's headers (linux-libc-dev).
    #[test]
    fn numbers_are_the_kernels() {
        let header = |bits: u32| {
            let path = format!("/usr/include/x86_64-linux-gnu/asm/unistd_{bits}.h");
            std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
        };
        let number = |header: &str, name: &str| -> u32 {
            let start = format!("#define __NR_{name} ");
            let found = header.lines().find_map(|line| line.strip_prefix(&start));
            found.map_or(0, |number| number.trim().parse().unwrap())
        };
        let (wide, narrow) = (header(64), header(32));
        for call in REFUSED {
            let name = call.0;
            assert_eq!(call, (name, number(&wide, name), number(&narrow, name)));
            assert_ne!((call.1, call.2), (0, 0), "{name}");
        }
        let socket = (number(&wide, "socket"), number(&narrow, "socket"));
        assert_eq!(SOCKET, socket);
    }
}
