//! Filters of system calls: what a command may not ask of the kernel at all, and what is
//! answered for it (`played`). Programs of all architectures are under them: an emulator
//! makes x86-64's calls.
//!
//! A call is judged by its number, and by numbers among its arguments, never by what they
//! point to.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use rustix::io::Errno;

/// Calls through which a container reaches what no namespace divides, or that are for
/// those who set up or debug a machine; docker refuses them, too. By x86-64's number and
/// i386's, 0 where it has none.
const REFUSED: [(u32, u32); 26] = [
    (248, 286), // add_key
    (249, 287), // request_key
    (250, 288), // keyctl
    (298, 336), // perf_event_open
    (321, 357), // bpf
    (323, 374), // userfaultfd
    (425, 425), // io_uring_setup
    (426, 426), // io_uring_enter
    (427, 427), // io_uring_register
    (304, 342), // open_by_handle_at
    (212, 253), // lookup_dcookie
    (246, 283), // kexec_load
    (320, 0),   // kexec_file_load
    (175, 128), // init_module
    (313, 350), // finit_module
    (176, 129), // delete_module
    (172, 110), // iopl
    (173, 101), // ioperm
    (163, 51),  // acct
    (167, 87),  // swapon
    (168, 115), // swapoff
    (169, 88),  // reboot
    (179, 131), // quotactl
    (443, 443), // quotactl_fd
    (180, 169), // nfsservctl
    (0, 166),   // vm86
];

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

/// From here on the calls of [`REFUSED`] are EPERM.
pub(super) fn refuse() -> io::Result<()> {
    let mut program = Program::default();
    program.load(ARCHITECTURE);
    let of = |arch: fn(&(u32, u32)) -> u32| {
        let numbers = REFUSED.iter().map(arch).filter(|n| *n != 0);
        numbers.collect::<Vec<u32>>()
    };
    let (wide, narrow) = (of(|n| n.0), of(|n| n.1));
    // i386's part, stepped over for x86-64: load, comparisons, allow, refuse.
    let part = |program: &mut Program, numbers: &[u32]| {
        program.load(NUMBER);
        for (at, number) in numbers.iter().enumerate() {
            program.equal(*number, numbers.len() - at, 0);
        }
        program.ret(libc::SECCOMP_RET_ALLOW);
        program.ret(answer(libc::EPERM));
    };
    program.equal(X86_64, narrow.len() + 5, 0);
    program.equal(I386, 1, 0);
    program.ret(answer(libc::ENOSYS));
    part(&mut program, &narrow);
    // x32's numbers are another way to the same calls.
    program.load(NUMBER);
    program.step(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, 0, 1, X32);
    program.ret(answer(libc::ENOSYS));
    part(&mut program, &wide);
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
