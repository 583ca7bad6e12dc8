//! The system calls, by arm64's numbers: the one place that says which there
//! are and what becomes of each. A number that is not here is `ENOSYS`.

use super::{Call, files, memory, process, signals};
use crate::linux::sys::{Errno, number as host};

/// What becomes of a system call.
#[derive(Clone, Copy, Debug)]
pub enum Handler {
    /// The host's call of this number, with the same arguments: all numbers,
    /// flags and structures are the same on both.
    Pass(u32),
    /// Done here.
    Own(fn(&mut Call<'_>) -> Result<u64, Errno>),
    /// The thread ends with the first argument.
    Exit,
    /// The process ends with the first argument.
    ExitGroup,
}

/// A system call of arm64.
#[derive(Clone, Copy, Debug)]
pub struct Syscall {
    /// Its number.
    pub number: u16,
    /// Its name in the kernel.
    pub name: &'static str,
    /// What becomes of it.
    pub handler: Handler,
}

use Handler::{Exit, ExitGroup, Own, Pass};

macro_rules! table {
    ($($number:literal $name:ident $handler:expr,)*) => {
        /// All of them, in the order of their numbers.
        pub static TABLE: &[Syscall] = &[
            $(Syscall { number: $number, name: stringify!($name), handler: $handler },)*
        ];
    };
}

table! {
    17 getcwd Pass(host::GETCWD),
    19 eventfd2 Pass(host::EVENTFD2),
    20 epoll_create1 Pass(host::EPOLL_CREATE1),
    21 epoll_ctl Own(signals::epoll_ctl),
    22 epoll_pwait Own(signals::epoll_pwait),
    23 dup Pass(host::DUP),
    24 dup3 Pass(host::DUP3),
    25 fcntl Own(files::fcntl),
    29 ioctl Pass(host::IOCTL),
    32 flock Pass(host::FLOCK),
    34 mkdirat Pass(host::MKDIRAT),
    35 unlinkat Pass(host::UNLINKAT),
    36 symlinkat Pass(host::SYMLINKAT),
    37 linkat Pass(host::LINKAT),
    38 renameat Pass(host::RENAMEAT),
    43 statfs Pass(host::STATFS),
    44 fstatfs Pass(host::FSTATFS),
    45 truncate Pass(host::TRUNCATE),
    46 ftruncate Pass(host::FTRUNCATE),
    47 fallocate Pass(host::FALLOCATE),
    48 faccessat Pass(host::FACCESSAT),
    49 chdir Pass(host::CHDIR),
    50 fchdir Pass(host::FCHDIR),
    52 fchmod Pass(host::FCHMOD),
    53 fchmodat Pass(host::FCHMODAT),
    54 fchownat Pass(host::FCHOWNAT),
    55 fchown Pass(host::FCHOWN),
    56 openat Own(files::openat),
    57 close Pass(host::CLOSE),
    59 pipe2 Own(files::pipe2),
    61 getdents64 Pass(host::GETDENTS64),
    62 lseek Pass(host::LSEEK),
    63 read Pass(host::READ),
    64 write Pass(host::WRITE),
    65 readv Pass(host::READV),
    66 writev Pass(host::WRITEV),
    67 pread64 Pass(host::PREAD64),
    68 pwrite64 Pass(host::PWRITE64),
    69 preadv Pass(host::PREADV),
    70 pwritev Pass(host::PWRITEV),
    72 pselect6 Own(signals::pselect6),
    73 ppoll Own(signals::ppoll),
    74 signalfd4 Pass(host::SIGNALFD4),
    78 readlinkat Own(files::readlinkat),
    79 newfstatat Own(files::newfstatat),
    80 fstat Own(files::fstat),
    81 sync Pass(host::SYNC),
    82 fsync Pass(host::FSYNC),
    83 fdatasync Pass(host::FDATASYNC),
    85 timerfd_create Pass(host::TIMERFD_CREATE),
    86 timerfd_settime Pass(host::TIMERFD_SETTIME),
    87 timerfd_gettime Pass(host::TIMERFD_GETTIME),
    88 utimensat Pass(host::UTIMENSAT),
    93 exit Exit,
    94 exit_group ExitGroup,
    95 waitid Pass(host::WAITID),
    96 set_tid_address Pass(host::SET_TID_ADDRESS),
    98 futex Pass(host::FUTEX),
    99 set_robust_list Pass(host::SET_ROBUST_LIST),
    100 get_robust_list Pass(host::GET_ROBUST_LIST),
    101 nanosleep Pass(host::NANOSLEEP),
    102 getitimer Pass(host::GETITIMER),
    103 setitimer Pass(host::SETITIMER),
    107 timer_create Pass(host::TIMER_CREATE),
    108 timer_gettime Pass(host::TIMER_GETTIME),
    109 timer_getoverrun Pass(host::TIMER_GETOVERRUN),
    110 timer_settime Pass(host::TIMER_SETTIME),
    111 timer_delete Pass(host::TIMER_DELETE),
    113 clock_gettime Pass(host::CLOCK_GETTIME),
    114 clock_getres Pass(host::CLOCK_GETRES),
    115 clock_nanosleep Pass(host::CLOCK_NANOSLEEP),
    122 sched_setaffinity Pass(host::SCHED_SETAFFINITY),
    123 sched_getaffinity Pass(host::SCHED_GETAFFINITY),
    124 sched_yield Pass(host::SCHED_YIELD),
    129 kill Pass(host::KILL),
    130 tkill Pass(host::TKILL),
    131 tgkill Pass(host::TGKILL),
    132 sigaltstack Own(signals::sigaltstack),
    133 rt_sigsuspend Own(signals::rt_sigsuspend),
    134 rt_sigaction Own(signals::rt_sigaction),
    135 rt_sigprocmask Own(signals::rt_sigprocmask),
    136 rt_sigpending Own(signals::rt_sigpending),
    137 rt_sigtimedwait Own(signals::rt_sigtimedwait),
    138 rt_sigqueueinfo Pass(host::RT_SIGQUEUEINFO),
    139 rt_sigreturn Own(signals::rt_sigreturn),
    140 setpriority Pass(host::SETPRIORITY),
    141 getpriority Pass(host::GETPRIORITY),
    144 setgid Pass(host::SETGID),
    146 setuid Pass(host::SETUID),
    153 times Pass(host::TIMES),
    154 setpgid Pass(host::SETPGID),
    155 getpgid Pass(host::GETPGID),
    156 getsid Pass(host::GETSID),
    157 setsid Pass(host::SETSID),
    158 getgroups Pass(host::GETGROUPS),
    160 uname Own(process::uname),
    165 getrusage Pass(host::GETRUSAGE),
    166 umask Pass(host::UMASK),
    168 getcpu Pass(host::GETCPU),
    169 gettimeofday Pass(host::GETTIMEOFDAY),
    172 getpid Pass(host::GETPID),
    173 getppid Pass(host::GETPPID),
    174 getuid Pass(host::GETUID),
    175 geteuid Pass(host::GETEUID),
    176 getgid Pass(host::GETGID),
    177 getegid Pass(host::GETEGID),
    178 gettid Pass(host::GETTID),
    179 sysinfo Pass(host::SYSINFO),
    214 brk Own(memory::brk),
    215 munmap Own(memory::munmap),
    216 mremap Own(memory::mremap),
    220 clone Own(process::clone),
    221 execve Own(process::execve),
    222 mmap Own(memory::mmap),
    223 fadvise64 Pass(host::FADVISE64),
    226 mprotect Own(memory::mprotect),
    227 msync Pass(host::MSYNC),
    232 mincore Pass(host::MINCORE),
    233 madvise Own(memory::madvise),
    240 rt_tgsigqueueinfo Pass(host::RT_TGSIGQUEUEINFO),
    260 wait4 Pass(host::WAIT4),
    261 prlimit64 Pass(host::PRLIMIT64),
    276 renameat2 Pass(host::RENAMEAT2),
    278 getrandom Pass(host::GETRANDOM),
    279 memfd_create Pass(host::MEMFD_CREATE),
    281 execveat Own(process::execveat),
    283 membarrier Pass(host::MEMBARRIER),
    285 copy_file_range Pass(host::COPY_FILE_RANGE),
    286 preadv2 Pass(host::PREADV2),
    287 pwritev2 Pass(host::PWRITEV2),
    291 statx Pass(host::STATX),
    // The kernel would write into the guest's rseq area by where the engine
    // is, not by where the guest is.
    293 rseq Own(process::not_implemented),
    424 pidfd_send_signal Pass(host::PIDFD_SEND_SIGNAL),
    434 pidfd_open Pass(host::PIDFD_OPEN),
    435 clone3 Own(process::clone3),
    438 pidfd_getfd Pass(host::PIDFD_GETFD),
    439 faccessat2 Pass(host::FACCESSAT2),
    441 epoll_pwait2 Own(signals::epoll_pwait2),
}

/// More than the largest number.
const NUMBERS: usize = 512;

/// The place in [`TABLE`] for each number, plus one; 0 where there is none.
static INDEX: [u8; NUMBERS] = {
    let mut index = [0; NUMBERS];
    let mut place = 0;
    while place < TABLE.len() {
        let number = TABLE[place].number as usize;
        assert!(index[number] == 0, "a number is there twice");
        assert!(place == 0 || TABLE[place - 1].number < TABLE[place].number);
        assert!(place < u8::MAX as usize);
        #[allow(clippy::cast_possible_truncation, reason = "checked above")]
        let entry = place as u8 + 1;
        index[number] = entry;
        place += 1;
    }
    index
};

/// The system call with this number.
#[must_use]
pub fn find(number: u64) -> Option<&'static Syscall> {
    let place = *INDEX.get(usize::try_from(number).ok()?)?;
    TABLE.get(usize::from(place).checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_by_number() {
        for syscall in TABLE {
            let found = find(u64::from(syscall.number)).unwrap();
            assert_eq!(found.name, syscall.name);
        }
        assert_eq!(find(64).unwrap().name, "write");
        assert!(find(0).is_none());
        assert!(find(511).is_none());
        assert!(find(512).is_none());
        assert!(find(u64::MAX).is_none());
    }
}
