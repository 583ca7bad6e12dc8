//! System calls of the host: the instruction, the numbers, the errors.
//!
//! Nothing is remembered of a call but its result: there is no `errno`, so
//! any thread and any signal handler may call.

use alloc::vec::Vec;
use core::arch::asm;
use core::ffi::CStr;
use core::fmt;
use core::ptr;

/// An error number of the kernel; the numbers below 35 and nearly all above
/// are the same on every architecture that uses the generic list, as x86-64
/// does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub u16);

macro_rules! errors {
    ($($number:literal $name:ident $text:literal,)*) => {
        impl Errno {
            $(#[doc = $text] pub const $name: Self = Self($number);)*

            /// Its name and what it means, where the table has it.
            #[must_use]
            pub const fn described(self) -> Option<(&'static str, &'static str)> {
                match self.0 {
                    $($number => Some((stringify!($name), $text)),)*
                    _ => None,
                }
            }
        }
    };
}

errors! {
    1 EPERM "operation not permitted",
    2 ENOENT "no such file or directory",
    3 ESRCH "no such process",
    4 EINTR "interrupted system call",
    5 EIO "input or output error",
    6 ENXIO "no such device or address",
    7 E2BIG "argument list too long",
    8 ENOEXEC "exec format error",
    9 EBADF "bad file descriptor",
    10 ECHILD "no child processes",
    11 EAGAIN "resource temporarily unavailable",
    12 ENOMEM "out of memory",
    13 EACCES "permission denied",
    14 EFAULT "bad address",
    15 ENOTBLK "block device required",
    16 EBUSY "device or resource busy",
    17 EEXIST "file exists",
    18 EXDEV "invalid cross-device link",
    19 ENODEV "no such device",
    20 ENOTDIR "not a directory",
    21 EISDIR "is a directory",
    22 EINVAL "invalid argument",
    23 ENFILE "too many open files in the system",
    24 EMFILE "too many open files",
    25 ENOTTY "inappropriate ioctl for device",
    26 ETXTBSY "text file busy",
    27 EFBIG "file too large",
    28 ENOSPC "no space left on device",
    29 ESPIPE "illegal seek",
    30 EROFS "read-only file system",
    31 EMLINK "too many links",
    32 EPIPE "broken pipe",
    33 EDOM "numerical argument out of domain",
    34 ERANGE "result too large",
    35 EDEADLK "resource deadlock avoided",
    36 ENAMETOOLONG "file name too long",
    37 ENOLCK "no locks available",
    38 ENOSYS "not implemented",
    39 ENOTEMPTY "directory not empty",
    40 ELOOP "too many levels of symbolic links",
    42 ENOMSG "no message of desired type",
    43 EIDRM "identifier removed",
    44 ECHRNG "channel number out of range",
    45 EL2NSYNC "level 2 not synchronized",
    46 EL3HLT "level 3 halted",
    47 EL3RST "level 3 reset",
    48 ELNRNG "link number out of range",
    49 EUNATCH "protocol driver not attached",
    50 ENOCSI "no CSI structure available",
    51 EL2HLT "level 2 halted",
    52 EBADE "invalid exchange",
    53 EBADR "invalid request descriptor",
    54 EXFULL "exchange full",
    55 ENOANO "no anode",
    56 EBADRQC "invalid request code",
    57 EBADSLT "invalid slot",
    59 EBFONT "bad font file format",
    60 ENOSTR "device not a stream",
    61 ENODATA "no data available",
    62 ETIME "timer expired",
    63 ENOSR "out of streams resources",
    64 ENONET "machine is not on the network",
    65 ENOPKG "package not installed",
    66 EREMOTE "object is remote",
    67 ENOLINK "link has been severed",
    68 EADV "advertise error",
    69 ESRMNT "srmount error",
    70 ECOMM "communication error on send",
    71 EPROTO "protocol error",
    72 EMULTIHOP "multihop attempted",
    73 EDOTDOT "RFS specific error",
    74 EBADMSG "bad message",
    75 EOVERFLOW "value too large for defined data type",
    76 ENOTUNIQ "name not unique on network",
    77 EBADFD "file descriptor in bad state",
    78 EREMCHG "remote address changed",
    79 ELIBACC "can not access a needed shared library",
    80 ELIBBAD "accessing a corrupted shared library",
    81 ELIBSCN ".lib section in a.out corrupted",
    82 ELIBMAX "attempting to link in too many shared libraries",
    83 ELIBEXEC "cannot exec a shared library directly",
    84 EILSEQ "invalid or incomplete multibyte or wide character",
    85 ERESTART "interrupted system call should be restarted",
    86 ESTRPIPE "streams pipe error",
    87 EUSERS "too many users",
    88 ENOTSOCK "socket operation on non-socket",
    89 EDESTADDRREQ "destination address required",
    90 EMSGSIZE "message too long",
    91 EPROTOTYPE "protocol wrong type for socket",
    92 ENOPROTOOPT "protocol not available",
    93 EPROTONOSUPPORT "protocol not supported",
    94 ESOCKTNOSUPPORT "socket type not supported",
    95 EOPNOTSUPP "operation not supported",
    96 EPFNOSUPPORT "protocol family not supported",
    97 EAFNOSUPPORT "address family not supported by protocol",
    98 EADDRINUSE "address already in use",
    99 EADDRNOTAVAIL "cannot assign requested address",
    100 ENETDOWN "network is down",
    101 ENETUNREACH "network is unreachable",
    102 ENETRESET "network dropped connection on reset",
    103 ECONNABORTED "software caused connection abort",
    104 ECONNRESET "connection reset by peer",
    105 ENOBUFS "no buffer space available",
    106 EISCONN "transport endpoint is already connected",
    107 ENOTCONN "transport endpoint is not connected",
    108 ESHUTDOWN "cannot send after transport endpoint shutdown",
    109 ETOOMANYREFS "too many references: cannot splice",
    110 ETIMEDOUT "connection timed out",
    111 ECONNREFUSED "connection refused",
    112 EHOSTDOWN "host is down",
    113 EHOSTUNREACH "no route to host",
    114 EALREADY "operation already in progress",
    115 EINPROGRESS "operation now in progress",
    116 ESTALE "stale file handle",
    117 EUCLEAN "structure needs cleaning",
    118 ENOTNAM "not a XENIX named type file",
    119 ENAVAIL "no XENIX semaphores available",
    120 EISNAM "is a named type file",
    121 EREMOTEIO "remote I/O error",
    122 EDQUOT "disk quota exceeded",
    123 ENOMEDIUM "no medium found",
    124 EMEDIUMTYPE "wrong medium type",
    125 ECANCELED "operation canceled",
    126 ENOKEY "required key not available",
    127 EKEYEXPIRED "key has expired",
    128 EKEYREVOKED "key has been revoked",
    129 EKEYREJECTED "key was rejected by service",
    130 EOWNERDEAD "owner died",
    131 ENOTRECOVERABLE "state not recoverable",
    132 ERFKILL "operation not possible due to RF-kill",
}

impl Errno {
    /// No error of the kernel's: the call was not made, and is to be made again
    /// when the signal that came has been handled.
    pub const RESTART: Self = Self(u16::MAX);

    /// The value a system call returns for it.
    #[must_use]
    pub const fn as_result(self) -> u64 {
        (self.0 as u64).wrapping_neg()
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.described() {
            Some((_, text)) => f.write_str(text),
            None => write!(f, "error {}", self.0),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.described() {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "Errno({})", self.0),
        }
    }
}

/// Numbers of the host's system calls.
pub mod number {
    #![allow(missing_docs, reason = "the names are the kernel's")]

    macro_rules! numbers {
        ($($name:ident $number:literal)*) => { $(pub const $name: u32 = $number;)* };
    }

    numbers! {
        READ 0 WRITE 1 CLOSE 3 FSTAT 5 LSEEK 8 MMAP 9 MPROTECT 10 MUNMAP 11
        RT_SIGACTION 13 RT_SIGPROCMASK 14 IOCTL 16 PREAD64 17 PWRITE64 18 READV 19
        WRITEV 20 SCHED_YIELD 24 SOCKET 41 SENDMSG 46 BIND 49 LISTEN 50 GETSOCKNAME 51 SETSOCKOPT 54 MREMAP 25 MSYNC 26 MINCORE 27 MADVISE 28 SHMAT 30
        SHMCTL 31 DUP 32 PAUSE 34 NANOSLEEP 35 GETITIMER 36 SETITIMER 38 GETPID 39
        CLONE 56 EXECVE 59 EXIT 60 WAIT4 61 KILL 62 UNAME 63 SEMCTL 66 SHMDT 67 FCNTL 72 FLOCK 73
        FSYNC 74 FDATASYNC 75 TRUNCATE 76 FTRUNCATE 77 GETCWD 79 CHDIR 80 FCHDIR 81
        FCHMOD 91 FCHOWN 93 UMASK 95 GETTIMEOFDAY 96 GETRUSAGE 98 SYSINFO 99 TIMES 100 PTRACE 101
        GETUID 102 GETGID 104 SETUID 105 SETGID 106 GETEUID 107 GETEGID 108 SETPGID 109
        GETPPID 110 SETSID 112 GETGROUPS 115 GETPGID 121 SETFSUID 122 GETSID 124 CAPGET 125 RT_SIGPENDING 127
        RT_SIGTIMEDWAIT 128 RT_SIGQUEUEINFO 129 RT_SIGSUSPEND 130 SIGALTSTACK 131
        PERSONALITY 135 STATFS 137 FSTATFS 138 GETPRIORITY 140 SETPRIORITY 141
        MLOCK 149 MUNLOCK 150 MLOCKALL 151 PRCTL 157 SETRLIMIT 160 CHROOT 161 SYNC 162 GETTID 186 TKILL 200 FUTEX 202
        SCHED_SETAFFINITY 203 SCHED_GETAFFINITY 204 REMAP_FILE_PAGES 216 GETDENTS64 217
        SET_TID_ADDRESS 218 FADVISE64 221 TIMER_CREATE 222 TIMER_SETTIME 223
        TIMER_GETTIME 224 TIMER_GETOVERRUN 225 TIMER_DELETE 226 CLOCK_GETTIME 228
        CLOCK_GETRES 229 CLOCK_NANOSLEEP 230 EXIT_GROUP 231 EPOLL_CTL 233 TGKILL 234
        MBIND 237 GET_MEMPOLICY 239 WAITID 247 OPENAT 257 MKDIRAT 258 FCHOWNAT 260 NEWFSTATAT 262 UNLINKAT 263
        RENAMEAT 264 LINKAT 265 SYMLINKAT 266 READLINKAT 267 FCHMODAT 268 FACCESSAT 269
        PSELECT6 270 PPOLL 271 UNSHARE 272 SET_ROBUST_LIST 273 GET_ROBUST_LIST 274 UTIMENSAT 280
        MOVE_PAGES 279 EPOLL_PWAIT 281 TIMERFD_CREATE 283 FALLOCATE 285 TIMERFD_SETTIME 286
        TIMERFD_GETTIME 287 ACCEPT4 288 SIGNALFD4 289 EVENTFD2 290 EPOLL_CREATE1 291 DUP3 292
        PIPE2 293 PREADV 295 PWRITEV 296 RT_TGSIGQUEUEINFO 297 FANOTIFY_INIT 300
        PRLIMIT64 302 SENDMMSG 307 OPEN_BY_HANDLE_AT 304 GETCPU 309 PROCESS_VM_READV 310
        PROCESS_VM_WRITEV 311 KCMP 312 RENAMEAT2 316 SECCOMP 317 GETRANDOM 318
        MEMFD_CREATE 319 EXECVEAT 322 MEMBARRIER 324 MLOCK2 325 COPY_FILE_RANGE 326 PREADV2 327
        PWRITEV2 328 PKEY_MPROTECT 329 PKEY_ALLOC 330 PKEY_FREE 331 STATX 332 IO_PGETEVENTS 333 PIDFD_SEND_SIGNAL 424 OPEN_TREE 428 PIDFD_OPEN 434 CLOSE_RANGE 436 OPENAT2 437
        PIDFD_GETFD 438 FACCESSAT2 439 PROCESS_MADVISE 440 EPOLL_PWAIT2 441
        SET_MEMPOLICY_HOME_NODE 450 STATMOUNT 457 MSEAL 462
    }
}

/// Calls the kernel.
///
/// # Safety
/// The call does with the process's memory what its manual says; whoever
/// calls answers for that.
#[inline]
pub unsafe fn syscall(number: u32, arguments: [u64; 6]) -> Result<u64, Errno> {
    let [a, b, c, d, e, f] = arguments;
    let result: u64;
    // SAFETY: the kernel changes rax, rcx and r11 and no other register, and
    // memory as the caller answers for.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") u64::from(number) => result,
            in("rdi") a,
            in("rsi") b,
            in("rdx") c,
            in("r10") d,
            in("r8") e,
            in("r9") f,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    outcome(result)
}

/// What the kernel's result says: the last 4,095 numbers are errors.
///
/// # Errors
/// The kernel's.
pub fn outcome(result: u64) -> Result<u64, Errno> {
    match u16::try_from(result.wrapping_neg()) {
        Ok(error @ 1..=4095) => Err(Errno(error)),
        _ => Ok(result),
    }
}

/// Lets others run.
pub fn yield_processor() {
    // SAFETY: the call touches no memory.
    let _ = unsafe { syscall(number::SCHED_YIELD, [0; 6]) };
}

/// Sleeps for some nanoseconds, or until a signal.
pub fn pause(nanoseconds: u64) {
    let time = [0, nanoseconds];
    // SAFETY: the kernel reads the array only.
    let _ = unsafe { syscall(number::NANOSLEEP, [time.as_ptr() as u64, 0, 0, 0, 0, 0]) };
}

/// Ends the process with all its threads.
pub fn exit_group(code: i32) -> ! {
    loop {
        // SAFETY: the call does not return and touches no memory.
        let _ = unsafe {
            syscall(
                number::EXIT_GROUP,
                [u64::from(code.cast_unsigned()), 0, 0, 0, 0, 0],
            )
        };
    }
}

/// Writes all of `bytes` to the descriptor.
///
/// # Errors
/// The kernel's, after which some may have been written.
pub fn write_all(fd: i32, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        // SAFETY: the kernel reads the slice only.
        let written = unsafe {
            syscall(
                number::WRITE,
                [
                    fd_argument(fd),
                    bytes.as_ptr() as u64,
                    bytes.len() as u64,
                    0,
                    0,
                    0,
                ],
            )
        };
        match written.map(usize::try_from) {
            Ok(Ok(n)) if n > 0 => bytes = bytes.get(n..).unwrap_or_default(),
            Ok(_) => return Err(Errno::EIO),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The longest path there is.
pub const PATH_MAX: usize = 4096;
/// `AT_FDCWD`: paths are relative to the working directory.
pub const AT_FDCWD: i32 = -100;
/// `O_RDONLY | O_NONBLOCK | O_CLOEXEC`, as x86-64 has them: a pipe that nobody
/// writes must not hold up who opens it.
const OPEN: u64 = 0x8_0800;

/// A descriptor as an argument of a system call.
#[must_use]
pub const fn fd_argument(fd: i32) -> u64 {
    fd as i64 as u64
}

/// A file descriptor that is closed when dropped.
#[derive(Debug)]
pub struct Fd(i32);

impl Fd {
    /// Takes over a descriptor that is open.
    #[must_use]
    pub const fn new(fd: i32) -> Self {
        Self(fd)
    }

    /// The number.
    #[must_use]
    pub const fn number(&self) -> i32 {
        self.0
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// The kernel's.
    pub fn open(path: &CStr) -> Result<Self, Errno> {
        Self::open_in(AT_FDCWD, path)
    }

    /// Opens a file for reading, by a path that starts in a directory.
    ///
    /// # Errors
    /// The kernel's.
    pub fn open_in(directory: i32, path: &CStr) -> Result<Self, Errno> {
        Self::open_at(directory, path, OPEN)
    }

    /// Another descriptor, closed on exec, of what is open at one.
    ///
    /// # Errors
    /// The kernel's.
    pub fn duplicate(descriptor: i32) -> Result<Self, Errno> {
        const F_DUPFD_CLOEXEC: u64 = 1030;
        let arguments = [fd_argument(descriptor), F_DUPFD_CLOEXEC, 0, 0, 0, 0];
        // SAFETY: the call touches no memory.
        let fd = unsafe { syscall(number::FCNTL, arguments) }?;
        i32::try_from(fd).map(Self).map_err(|_| Errno::EBADF)
    }

    /// Reads at `offset` until `buffer` is full or the file ends; returns how
    /// many bytes there were.
    ///
    /// # Errors
    /// The kernel's.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let at = offset.checked_add(done as u64).ok_or(Errno::EINVAL)?;
            // SAFETY: the kernel writes into the slice only.
            let n = unsafe {
                syscall(
                    number::PREAD64,
                    [
                        fd_argument(self.0),
                        rest.as_mut_ptr() as u64,
                        rest.len() as u64,
                        at,
                        0,
                        0,
                    ],
                )
            };
            match n.map(usize::try_from) {
                Ok(Ok(0)) => break,
                Ok(Ok(n)) => done += n,
                Ok(Err(_)) => return Err(Errno::EIO),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// All of a file that has no size, as those of `/proc`. The space is taken before
    /// reading, since taking it changes `/proc/self/maps`.
    ///
    /// # Errors
    /// The kernel's; `ENOMEM` where there is no space.
    pub fn read_all(&self) -> Result<Vec<u8>, Errno> {
        let mut space = 1 << 15;
        loop {
            let mut text = Vec::new();
            text.try_reserve_exact(space).map_err(|_| Errno::ENOMEM)?;
            text.resize(space, 0);
            let length = self.read_at(&mut text, 0)?;
            if length < text.len() {
                text.truncate(length);
                return Ok(text);
            }
            space *= 4;
        }
    }

    /// A file that has a size: all of it, or the first `most` bytes.
    ///
    /// # Errors
    /// The kernel's.
    pub fn read_sized(&self, most: u64) -> Result<Vec<u8>, Errno> {
        let length = self.status()?.size.cast_unsigned().min(most);
        let mut bytes = alloc::vec![0; usize::try_from(length).map_err(|_| Errno::EFBIG)?];
        let read = self.read_at(&mut bytes, 0)?;
        bytes.truncate(read);
        Ok(bytes)
    }
}

impl Fd {
    /// What the file is.
    ///
    /// # Errors
    /// The kernel's.
    pub fn status(&self) -> Result<Status, Errno> {
        let mut status = Status::default();
        // SAFETY: the kernel writes into the struct only.
        unsafe {
            syscall(
                number::FSTAT,
                [
                    fd_argument(self.0),
                    ptr::from_mut(&mut status) as u64,
                    0,
                    0,
                    0,
                    0,
                ],
            )
        }?;
        Ok(status)
    }

    /// Opens a file with these flags of the host's.
    ///
    /// # Errors
    /// The kernel's.
    pub fn open_at(directory: i32, path: &CStr, flags: u64) -> Result<Self, Errno> {
        let arguments = [fd_argument(directory), path.as_ptr() as u64, flags, 0, 0, 0];
        // SAFETY: the kernel reads the string only.
        let fd = unsafe { syscall(number::OPENAT, arguments) }?;
        i32::try_from(fd).map(Self).map_err(|_| Errno::EBADF)
    }

    /// Opens a file with these flags of the host's, which may make it, with this mode.
    ///
    /// # Errors
    /// The kernel's.
    pub fn create(path: &CStr, flags: u64, mode: u64) -> Result<Self, Errno> {
        let arguments = [
            fd_argument(AT_FDCWD),
            path.as_ptr() as u64,
            flags,
            mode,
            0,
            0,
        ];
        // SAFETY: the kernel reads the string only.
        let fd = unsafe { syscall(number::OPENAT, arguments) }?;
        i32::try_from(fd).map(Self).map_err(|_| Errno::EBADF)
    }

    /// The file's path without symbolic links, as far as there is one.
    #[must_use]
    pub fn path(&self) -> Vec<u8> {
        let link = alloc::format!("/proc/self/fd/{}\0", self.0);
        CStr::from_bytes_with_nul(link.as_bytes())
            .ok()
            .and_then(read_link)
            .unwrap_or_default()
    }

    /// Whether the process may execute the file.
    #[must_use]
    pub fn may_execute(&self) -> bool {
        const X_OK: u64 = 1;
        const AT_EACCESS: u64 = 0x200;
        const AT_EMPTY_PATH: u64 = 0x1000;
        // SAFETY: the kernel reads the string only.
        let result = unsafe {
            syscall(
                number::FACCESSAT2,
                [
                    fd_argument(self.0),
                    c"".as_ptr() as u64,
                    X_OK,
                    AT_EACCESS | AT_EMPTY_PATH,
                    0,
                    0,
                ],
            )
        };
        // Before Linux 5.8 there is no way to ask by descriptor.
        matches!(result, Ok(_) | Err(Errno::ENOSYS))
    }
}

/// What the file is that a path leads to, with flags of `fstatat`.
///
/// # Errors
/// The kernel's.
pub fn status_at(directory: i32, path: &CStr, flags: u64) -> Result<Status, Errno> {
    let mut status = Status::default();
    let place = ptr::from_mut(&mut status) as u64;
    let arguments = [
        fd_argument(directory),
        path.as_ptr() as u64,
        place,
        flags,
        0,
        0,
    ];
    // SAFETY: the kernel reads the string, and writes into the struct only.
    unsafe { syscall(number::NEWFSTATAT, arguments) }?;
    Ok(status)
}

/// What a symbolic link says.
///
/// # Errors
/// The kernel's.
pub fn link_at(directory: i32, path: &CStr) -> Result<Vec<u8>, Errno> {
    let mut text = alloc::vec![0; PATH_MAX];
    let arguments = [
        fd_argument(directory),
        path.as_ptr() as u64,
        text.as_mut_ptr() as u64,
        text.len() as u64,
        0,
        0,
    ];
    // SAFETY: the kernel reads the string and writes into the vector only.
    let length = unsafe { syscall(number::READLINKAT, arguments) }?;
    text.truncate(usize::try_from(length).unwrap_or(0));
    Ok(text)
}

/// What a symbolic link says, if it is one.
#[must_use]
pub fn read_link(link: &CStr) -> Option<Vec<u8>> {
    link_at(AT_FDCWD, link).ok()
}

/// The host's `struct stat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
#[allow(missing_docs, reason = "the names are the kernel's")]
pub struct Status {
    pub dev: u64,
    pub ino: u64,
    pub nlink: u64,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub padding: u32,
    pub rdev: u64,
    pub size: i64,
    pub blksize: i64,
    pub blocks: i64,
    /// Access, modification and change: seconds and nanoseconds each.
    pub times: [[u64; 2]; 3],
    pub reserved: [i64; 3],
}

const _: () = assert!(size_of::<Status>() == 144);

impl Status {
    /// Whether it is a regular file.
    #[must_use]
    pub const fn is_regular(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }

    /// Whether its file system is on no device of its own, as the kernel's
    /// are.
    #[must_use]
    pub const fn is_on_no_device(&self) -> bool {
        let major = self.dev >> 8 & 0xfff | self.dev >> 32 & !0xfff;
        major == 0
    }
}

/// The soft limit of the stack's size; all bits set when there is none.
#[must_use]
pub fn stack_limit() -> u64 {
    const RLIMIT_STACK: u64 = 3;
    limit(RLIMIT_STACK).unwrap_or(8 << 20)
}

/// That of the address space.
#[must_use]
pub fn address_limit() -> u64 {
    const RLIMIT_AS: u64 = 9;
    limit(RLIMIT_AS).unwrap_or(u64::MAX)
}

/// That of data.
#[must_use]
pub fn data_limit() -> u64 {
    const RLIMIT_DATA: u64 = 2;
    limit(RLIMIT_DATA).unwrap_or(u64::MAX)
}

/// That of the numbers of descriptors.
#[must_use]
pub fn descriptor_limit() -> u64 {
    const RLIMIT_NOFILE: u64 = 7;
    limit(RLIMIT_NOFILE).unwrap_or(1024)
}

/// The soft limit of a resource.
#[must_use]
pub fn limit(resource: u64) -> Option<u64> {
    limits(resource).map(|[soft, _]| soft)
}

/// The soft and the hard limit of a resource.
#[must_use]
pub fn limits(resource: u64) -> Option<[u64; 2]> {
    let mut limits = [0_u64; 2];
    let arguments = [0, resource, 0, limits.as_mut_ptr() as u64, 0, 0];
    // SAFETY: the kernel writes into the array only.
    unsafe { syscall(number::PRLIMIT64, arguments) }.ok()?;
    Some(limits)
}

/// Sets the soft and the hard limit of a resource.
///
/// # Errors
/// The kernel's.
pub fn set_limits(resource: u64, limits: [u64; 2]) -> Result<(), Errno> {
    let arguments = [0, resource, limits.as_ptr() as u64, 0, 0, 0];
    // SAFETY: the kernel reads the array only.
    unsafe { syscall(number::PRLIMIT64, arguments) }.map(drop)
}

impl Drop for Fd {
    fn drop(&mut self) {
        // SAFETY: the descriptor is ours.
        let _ = unsafe { syscall(number::CLOSE, [fd_argument(self.0), 0, 0, 0, 0, 0]) };
    }
}

/// `PROT_READ`.
pub const PROT_READ: u32 = 1;
/// `PROT_WRITE`.
pub const PROT_WRITE: u32 = 2;
/// `PROT_EXEC`.
pub const PROT_EXEC: u32 = 4;

/// `MAP_PRIVATE`.
pub const MAP_PRIVATE: u32 = 0x2;
/// `MAP_FIXED`.
pub const MAP_FIXED: u32 = 0x10;
/// `MAP_ANONYMOUS`.
pub const MAP_ANONYMOUS: u32 = 0x20;
/// `MAP_NORESERVE`.
pub const MAP_NORESERVE: u32 = 0x4000;
/// `MAP_POPULATE`.
pub const MAP_POPULATE: u32 = 0x8000;
/// `MAP_STACK`.
pub const MAP_STACK: u32 = 0x2_0000;
/// `MAP_FIXED_NOREPLACE`.
pub const MAP_FIXED_NOREPLACE: u32 = 0x10_0000;

/// Maps pages.
///
/// # Safety
/// With [`MAP_FIXED`], what was mapped in the range must be nobody's.
pub unsafe fn mmap(
    address: u64,
    length: u64,
    protection: u32,
    flags: u32,
    file: Option<(&Fd, u64)>,
) -> Result<u64, Errno> {
    let (fd, offset) = match file {
        Some((fd, offset)) => (fd.number(), offset),
        None => (-1, 0),
    };
    // SAFETY: the caller answers for what a fixed mapping replaces; any other
    // takes free addresses.
    unsafe {
        syscall(
            number::MMAP,
            [
                address,
                length,
                u64::from(protection),
                u64::from(flags),
                fd_argument(fd),
                offset,
            ],
        )
    }
}

/// Gives a file another name, in place of what has it.
///
/// # Errors
/// The kernel's.
pub fn rename(from: &CStr, to: &CStr) -> Result<(), Errno> {
    let directory = fd_argument(AT_FDCWD);
    let arguments = [
        directory,
        from.as_ptr() as u64,
        directory,
        to.as_ptr() as u64,
        0,
        0,
    ];
    // SAFETY: the kernel reads the strings only.
    unsafe { syscall(number::RENAMEAT, arguments) }.map(drop)
}

/// Takes a file's name away.
pub fn unlink(path: &CStr) {
    let arguments = [fd_argument(AT_FDCWD), path.as_ptr() as u64, 0, 0, 0, 0];
    // SAFETY: the kernel reads the string only.
    let _ = unsafe { syscall(number::UNLINKAT, arguments) };
}

/// Unmaps pages.
///
/// # Safety
/// Nobody uses them any more.
pub unsafe fn munmap(address: u64, length: u64) -> Result<(), Errno> {
    // SAFETY: the caller answers for the range.
    unsafe { syscall(number::MUNMAP, [address, length, 0, 0, 0, 0]) }.map(drop)
}

/// Changes what may be done with pages.
///
/// # Safety
/// Nobody relies on what was allowed.
pub unsafe fn mprotect(address: u64, length: u64, protection: u32) -> Result<(), Errno> {
    // SAFETY: the caller answers for the range.
    unsafe {
        syscall(
            number::MPROTECT,
            [address, length, u64::from(protection), 0, 0, 0],
        )
    }
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_come_back_as_numbers() {
        // SAFETY: closing a descriptor that cannot be open does nothing.
        let closed = unsafe { syscall(number::CLOSE, [fd_argument(-1), 0, 0, 0, 0, 0]) };
        assert_eq!(closed, Err(Errno::EBADF));
        assert_eq!(Errno::EBADF.as_result(), 0xffff_ffff_ffff_fff7);
    }

    #[test]
    fn reads_a_file_at_an_offset() {
        let fd = Fd::open(c"/proc/self/exe").unwrap();
        let mut bytes = [0; 3];
        assert_eq!(fd.read_at(&mut bytes, 1), Ok(3));
        assert_eq!(&bytes, b"ELF");
        assert_eq!(Fd::open(c"/nonexistent/file").unwrap_err(), Errno::ENOENT);
    }
}
