//! The system calls, by arm64's numbers: the one place that says which there
//! are and what becomes of each. A number that is not here is `ENOSYS`, as on
//! a kernel that does not have it yet.
//!
//! `tests/abi.rs` compares the numbers, arm64's and those passed on, with the
//! headers of both kernels, and so finds what is forgotten.

use super::syscall::Syscall;
use super::{
    advice, brk, descriptors, events, files, ioctl, ipc, memory, mremap, observing, placement,
    prctl, process, ptrace, remote, seccomp, sends, signals, time,
};
use crate::host::sys::Errno;

use super::syscall::Handler::{Convert, Emulate, Exit, ExitGroup, Follow, Pass, Refuse};

/// Where the letter of descriptors is.
const fn descriptors(arguments: &str) -> u8 {
    let letters = arguments.as_bytes();
    let mut bits = 0;
    let mut index = 0;
    while index < letters.len() {
        if letters[index] == b'f' {
            bits |= 1 << index;
        }
        index += 1;
    }
    bits
}

macro_rules! table {
    ($($number:literal $name:ident $arguments:literal $handler:expr,)*) => {
        /// All of them, in the order of their numbers.
        pub static TABLE: &[Syscall] = &[
            $(Syscall {
                number: $number,
                name: stringify!($name),
                arguments: $arguments,
                descriptors: descriptors($arguments),
                handler: $handler,
            },)*
        ];
    };
}

table! {
    0 io_setup "up" Pass(206),
    1 io_destroy "x" Pass(207),
    2 io_submit "xdp" Pass(209),
    3 io_cancel "xpp" Pass(210),
    4 io_getevents "xddpp" Pass(208),
    5 setxattr "sspux" Follow(188),
    6 lsetxattr "sspux" Pass(189),
    7 fsetxattr "fspux" Pass(190),
    8 getxattr "sspu" Follow(191),
    9 lgetxattr "sspu" Pass(192),
    10 fgetxattr "fspu" Pass(193),
    11 listxattr "spu" Follow(194),
    12 llistxattr "spu" Pass(195),
    13 flistxattr "fpu" Pass(196),
    14 removexattr "ss" Follow(197),
    15 lremovexattr "ss" Pass(198),
    16 fremovexattr "fs" Pass(199),
    17 getcwd "pu" Pass(79),
    18 lookup_dcookie "xpu" Refuse(Errno::ENOSYS, "removed in Linux 6.7"),
    19 eventfd2 "ux" Pass(290),
    20 epoll_create1 "x" Pass(291),
    21 epoll_ctl "fdfp" Convert(events::epoll_ctl),
    22 epoll_pwait "fpddp" Convert(events::epoll_pwait),
    23 dup "f" Pass(32),
    24 dup3 "fdO" Emulate(descriptors::dup3),
    25 fcntl "fdx" Convert(files::fcntl),
    26 inotify_init1 "x" Pass(294),
    27 inotify_add_watch "fsx" Follow(254),
    28 inotify_rm_watch "fd" Pass(255),
    29 ioctl "fxp" Convert(ioctl::ioctl),
    30 ioprio_set "ddx" Pass(251),
    31 ioprio_get "dd" Pass(252),
    32 flock "fx" Pass(73),
    33 mknodat "fsmx" Pass(259),
    34 mkdirat "fsm" Pass(258),
    35 unlinkat "fsx" Pass(263),
    36 symlinkat "sfs" Pass(266),
    37 linkat "fsfsx" Follow(265),
    38 renameat "fsfs" Pass(264),
    39 umount2 "sx" Pass(166),
    40 mount "sssxp" Follow(165),
    41 pivot_root "ss" Pass(155),
    42 nfsservctl "dpp" Refuse(Errno::ENOSYS, "removed in Linux 3.1"),
    43 statfs "sp" Follow(137),
    44 fstatfs "fp" Emulate(files::fstatfs),
    45 truncate "sd" Emulate(files::truncate),
    46 ftruncate "fd" Pass(77),
    47 fallocate "fxdd" Pass(285),
    48 faccessat "fsm" Emulate(files::faccessat),
    49 chdir "s" Pass(80),
    50 fchdir "f" Pass(81),
    51 chroot "s" Pass(161),
    52 fchmod "fm" Pass(91),
    53 fchmodat "fsm" Follow(268),
    54 fchownat "fsddx" Follow(260),
    55 fchown "fdd" Pass(93),
    56 openat "fsOm" Emulate(files::openat),
    57 close "f" Pass(3),
    58 vhangup "" Pass(153),
    59 pipe2 "pO" Convert(files::pipe2),
    60 quotactl "xsdp" Pass(179),
    61 getdents64 "fpu" Emulate(descriptors::getdents64),
    62 lseek "fdd" Emulate(files::lseek),
    63 read "fpu" Convert(observing::read),
    64 write "fbu" Pass(1),
    65 readv "fpd" Convert(observing::readv),
    66 writev "fpd" Pass(20),
    67 pread64 "fpud" Emulate(files::pread64),
    68 pwrite64 "fbud" Pass(18),
    69 preadv "fpdx" Pass(295),
    70 pwritev "fpdx" Pass(296),
    71 sendfile "ffpu" Pass(40),
    72 pselect6 "dppppp" Emulate(signals::pselect6),
    73 ppoll "pdpp" Emulate(signals::ppoll),
    74 signalfd4 "fpux" Pass(289),
    75 vmsplice "fpux" Pass(278),
    76 splice "fpfpux" Pass(275),
    77 tee "ffux" Pass(276),
    78 readlinkat "fspu" Emulate(files::readlinkat),
    79 newfstatat "fspx" Emulate(files::newfstatat),
    80 fstat "fp" Convert(files::fstat),
    81 sync "" Pass(162),
    82 fsync "f" Pass(74),
    83 fdatasync "f" Pass(75),
    84 sync_file_range "fddx" Pass(277),
    85 timerfd_create "dx" Pass(283),
    86 timerfd_settime "fxpp" Pass(286),
    87 timerfd_gettime "fp" Pass(287),
    88 utimensat "fspx" Follow(280),
    89 acct "s" Pass(163),
    90 capget "pp" Pass(125),
    91 capset "pp" Pass(126),
    92 personality "x" Emulate(process::personality),
    93 exit "d" Exit,
    94 exit_group "d" ExitGroup,
    95 waitid "ddpxp" Pass(247),
    96 set_tid_address "p" Pass(218),
    97 unshare "x" Convert(descriptors::unshare),
    98 futex "pxdppx" Pass(202),
    99 set_robust_list "pu" Pass(273),
    100 get_robust_list "dpp" Pass(274),
    101 nanosleep "pp" Convert(time::nanosleep),
    102 getitimer "dp" Pass(36),
    103 setitimer "dpp" Pass(38),
    104 kexec_load "xupx" Refuse(Errno::EPERM, "an arm64 kernel does not start on this machine"),
    105 init_module "pus" Refuse(Errno::ENOEXEC, "an arm64 module does not fit into this kernel"),
    106 delete_module "sx" Pass(176),
    107 timer_create "dpp" Convert(sends::timer_create),
    108 timer_gettime "dp" Pass(224),
    109 timer_getoverrun "d" Pass(225),
    110 timer_settime "dxpp" Pass(223),
    111 timer_delete "d" Pass(226),
    112 clock_settime "dp" Pass(227),
    113 clock_gettime "dp" Emulate(time::clock_gettime),
    114 clock_getres "dp" Pass(229),
    115 clock_nanosleep "dxpp" Convert(time::clock_nanosleep),
    116 syslog "dpd" Pass(103),
    117 ptrace "ddpp" Emulate(ptrace::ptrace),
    118 sched_setparam "dp" Pass(142),
    119 sched_setscheduler "ddp" Pass(144),
    120 sched_getscheduler "d" Pass(145),
    121 sched_getparam "dp" Pass(143),
    122 sched_setaffinity "dup" Pass(203),
    123 sched_getaffinity "dup" Pass(204),
    124 sched_yield "" Pass(24),
    125 sched_get_priority_max "d" Pass(146),
    126 sched_get_priority_min "d" Pass(147),
    127 sched_rr_get_interval "dp" Pass(148),
    128 restart_syscall "" Refuse(Errno::EINTR, "the kernel restarts what it interrupted by itself"),
    129 kill "dg" Emulate(sends::kill),
    130 tkill "dg" Emulate(sends::tkill),
    131 tgkill "ddg" Emulate(sends::tgkill),
    132 sigaltstack "pp" Emulate(signals::sigaltstack),
    133 rt_sigsuspend "pu" Emulate(signals::rt_sigsuspend),
    134 rt_sigaction "gppu" Emulate(signals::rt_sigaction),
    135 rt_sigprocmask "dppu" Emulate(signals::rt_sigprocmask),
    136 rt_sigpending "pu" Emulate(signals::rt_sigpending),
    137 rt_sigtimedwait "pppu" Emulate(observing::rt_sigtimedwait),
    138 rt_sigqueueinfo "dgp" Emulate(sends::rt_sigqueueinfo),
    139 rt_sigreturn "" Emulate(signals::rt_sigreturn),
    140 setpriority "ddd" Pass(141),
    141 getpriority "dd" Pass(140),
    142 reboot "xxxp" Pass(169),
    143 setregid "dd" Pass(114),
    144 setgid "d" Pass(106),
    145 setreuid "dd" Pass(113),
    146 setuid "d" Pass(105),
    147 setresuid "ddd" Pass(117),
    148 getresuid "ppp" Pass(118),
    149 setresgid "ddd" Pass(119),
    150 getresgid "ppp" Pass(120),
    151 setfsuid "d" Pass(122),
    152 setfsgid "d" Pass(123),
    153 times "p" Pass(100),
    154 setpgid "dd" Pass(109),
    155 getpgid "d" Pass(121),
    156 getsid "d" Pass(124),
    157 setsid "" Pass(112),
    158 getgroups "dp" Pass(115),
    159 setgroups "dp" Pass(116),
    160 uname "p" Emulate(process::uname),
    161 sethostname "su" Pass(170),
    162 setdomainname "su" Pass(171),
    163 getrlimit "dp" Pass(97),
    164 setrlimit "dp" Emulate(process::setrlimit),
    165 getrusage "dp" Pass(98),
    166 umask "m" Pass(95),
    167 prctl "dxxxx" Emulate(prctl::prctl),
    168 getcpu "ppp" Pass(309),
    169 gettimeofday "pp" Emulate(time::gettimeofday),
    170 settimeofday "pp" Pass(164),
    171 adjtimex "p" Pass(159),
    172 getpid "" Pass(39),
    173 getppid "" Pass(110),
    174 getuid "" Pass(102),
    175 geteuid "" Pass(107),
    176 getgid "" Pass(104),
    177 getegid "" Pass(108),
    178 gettid "" Pass(186),
    179 sysinfo "p" Pass(99),
    180 mq_open "sOmp" Pass(240),
    181 mq_unlink "s" Pass(241),
    182 mq_timedsend "fbuup" Pass(242),
    183 mq_timedreceive "fpupp" Pass(243),
    184 mq_notify "fp" Pass(244),
    185 mq_getsetattr "fpp" Pass(245),
    186 msgget "xx" Pass(68),
    187 msgctl "dxp" Pass(71),
    188 msgrcv "dpudx" Pass(70),
    189 msgsnd "dpux" Pass(69),
    190 semget "xdx" Pass(64),
    191 semctl "ddxx" Convert(ipc::semctl),
    192 semtimedop "dpup" Pass(220),
    193 semop "dpu" Pass(65),
    194 shmget "xux" Pass(29),
    195 shmctl "dxp" Pass(31),
    196 shmat "dpx" Emulate(ipc::shmat),
    197 shmdt "p" Emulate(ipc::shmdt),
    198 socket "dxd" Pass(41),
    199 socketpair "dxdp" Pass(53),
    200 bind "fpu" Pass(49),
    201 listen "fd" Pass(50),
    202 accept "fpp" Pass(43),
    203 connect "fpu" Pass(42),
    204 getsockname "fpp" Pass(51),
    205 getpeername "fpp" Pass(52),
    206 sendto "fbuxpu" Pass(44),
    207 recvfrom "fpuxpp" Pass(45),
    208 setsockopt "fddpu" Pass(54),
    209 getsockopt "fddpp" Pass(55),
    210 shutdown "fd" Pass(48),
    211 sendmsg "fpx" Convert(descriptors::sendmsg),
    212 recvmsg "fpx" Pass(47),
    213 readahead "fdu" Pass(187),
    214 brk "p" Emulate(brk::brk),
    215 munmap "pu" Emulate(memory::munmap),
    216 mremap "puuxp" Emulate(mremap::mremap),
    217 add_key "sspud" Pass(248),
    218 request_key "sssd" Pass(249),
    219 keyctl "dxxxx" Pass(250),
    220 clone "xpppp" Convert(process::clone),
    221 execve "spp" Emulate(process::execve),
    222 mmap "puPMfx" Emulate(memory::mmap),
    223 fadvise64 "fdud" Pass(221),
    224 swapon "sx" Pass(167),
    225 swapoff "s" Pass(168),
    226 mprotect "puP" Emulate(memory::mprotect),
    227 msync "pux" Emulate(memory::msync),
    228 mlock "pu" Emulate(memory::mlock),
    229 munlock "pu" Emulate(memory::munlock),
    230 mlockall "x" Emulate(memory::mlockall),
    231 munlockall "" Pass(152),
    232 mincore "pup" Emulate(memory::mincore),
    233 madvise "pud" Emulate(advice::madvise),
    234 remap_file_pages "puxux" Emulate(memory::remap_file_pages),
    235 mbind "pudpux" Emulate(memory::mbind),
    236 get_mempolicy "ppupx" Emulate(placement::get_mempolicy),
    237 set_mempolicy "dpu" Pass(238),
    238 migrate_pages "dupp" Pass(256),
    239 move_pages "dupppx" Emulate(placement::move_pages),
    240 rt_tgsigqueueinfo "ddgp" Emulate(sends::rt_tgsigqueueinfo),
    241 perf_event_open "pddfx" Pass(298),
    242 accept4 "fppx" Pass(288),
    243 recvmmsg "fpuxp" Pass(299),
    260 wait4 "dpxp" Emulate(ptrace::wait4),
    261 prlimit64 "ddpp" Emulate(process::prlimit64),
    262 fanotify_init "xO" Convert(files::fanotify_init),
    263 fanotify_mark "fxxfs" Follow(301),
    264 name_to_handle_at "fsppx" Follow(303),
    265 open_by_handle_at "fpO" Convert(files::open_by_handle_at),
    266 clock_adjtime "dp" Pass(305),
    267 syncfs "f" Pass(306),
    268 setns "fx" Pass(308),
    269 sendmmsg "fpux" Convert(descriptors::sendmmsg),
    270 process_vm_readv "dpupux" Emulate(remote::process_vm_readv),
    271 process_vm_writev "dpupux" Emulate(remote::process_vm_writev),
    272 kcmp "dddxx" Pass(312),
    273 finit_module "fsx" Refuse(Errno::ENOEXEC, "as init_module"),
    274 sched_setattr "dpx" Pass(314),
    275 sched_getattr "dpux" Pass(315),
    276 renameat2 "fsfsx" Pass(316),
    277 seccomp "dxp" Emulate(seccomp::seccomp),
    278 getrandom "pux" Pass(318),
    279 memfd_create "sx" Pass(319),
    280 bpf "dpu" Pass(321),
    281 execveat "fsppx" Emulate(process::execveat),
    282 userfaultfd "x" Refuse(Errno::ENOSYS, "faults of the engine's own reads would wait for the guest; programs fall back"),
    283 membarrier "dxd" Pass(324),
    284 mlock2 "pux" Emulate(memory::mlock2),
    285 copy_file_range "fpfpux" Pass(326),
    286 preadv2 "fpdxxx" Pass(327),
    287 pwritev2 "fpdxxx" Pass(328),
    288 pkey_mprotect "puPd" Refuse(Errno::ENOSYS, "the host's keys are set by an instruction that arm64 does not have"),
    289 pkey_alloc "xx" Refuse(Errno::ENOSYS, "as pkey_mprotect"),
    290 pkey_free "d" Refuse(Errno::ENOSYS, "as pkey_mprotect"),
    291 statx "fsxxp" Emulate(files::statx),
    292 io_pgetevents "xddppp" Pass(333),
    293 rseq "puxx" Refuse(Errno::ENOSYS, "the kernel would abort by where the engine's code is; libraries do without"),
    294 kexec_file_load "ffusx" Refuse(Errno::EPERM, "as kexec_load"),
    424 pidfd_send_signal "fgpx" Emulate(sends::pidfd_send_signal),
    425 io_uring_setup "up" Refuse(Errno::ENOSYS, "epoll_event and open's flags lie unconverted in the ring; programs fall back"),
    426 io_uring_enter "fuuxpu" Refuse(Errno::ENOSYS, "as io_uring_setup"),
    427 io_uring_register "fdpu" Refuse(Errno::ENOSYS, "as io_uring_setup"),
    428 open_tree "fsx" Follow(428),
    429 move_mount "fsfsx" Follow(429),
    430 fsopen "sx" Pass(430),
    431 fsconfig "fdspd" Pass(431),
    432 fsmount "fxx" Pass(432),
    433 fspick "fsx" Follow(433),
    434 pidfd_open "dx" Pass(434),
    435 clone3 "pu" Emulate(process::clone3),
    436 close_range "uux" Emulate(descriptors::close_range),
    437 openat2 "fspu" Emulate(files::openat2),
    438 pidfd_getfd "fdx" Convert(descriptors::pidfd_getfd),
    439 faccessat2 "fsmx" Emulate(files::faccessat2),
    440 process_madvise "fpudx" Emulate(advice::process_madvise),
    441 epoll_pwait2 "fpdpp" Convert(events::epoll_pwait2),
    442 mount_setattr "fsxpu" Follow(442),
    443 quotactl_fd "fxdp" Pass(443),
    444 landlock_create_ruleset "pux" Pass(444),
    445 landlock_add_rule "fdpx" Pass(445),
    446 landlock_restrict_self "fx" Pass(446),
    447 memfd_secret "x" Pass(447),
    448 process_mrelease "fx" Pass(448),
    449 futex_waitv "puxpd" Pass(449),
    450 set_mempolicy_home_node "puux" Emulate(memory::set_mempolicy_home_node),
    451 cachestat "fppx" Pass(451),
    452 fchmodat2 "fsmx" Follow(452),
    453 map_shadow_stack "pux" Refuse(Errno::EOPNOTSUPP, "no guarded control stack is advertised"),
    454 futex_wake "pxdx" Pass(454),
    455 futex_wait "pxxxpd" Pass(455),
    456 futex_requeue "pxdd" Pass(456),
    457 statmount "ppux" Pass(457),
    458 listmount "ppux" Pass(458),
    459 lsm_get_self_attr "uppx" Pass(459),
    460 lsm_set_self_attr "upux" Pass(460),
    461 lsm_list_modules "ppx" Pass(461),
    462 mseal "pux" Emulate(memory::mseal),
    463 setxattrat "fsxspu" Follow(463),
    464 getxattrat "fsxspu" Follow(464),
    465 listxattrat "fsxpu" Follow(465),
    466 removexattrat "fsxs" Follow(466),
    467 open_tree_attr "fsxpu" Follow(467),
    468 file_getattr "fspux" Follow(468),
    469 file_setattr "fspux" Follow(469),
    470 listns "ppux" Pass(470),
}

/// More than the largest number.
const NUMBERS: usize = 512;

/// The place in [`TABLE`] for each number, plus one; 0 where there is none.
static INDEX: [u16; NUMBERS] = {
    let mut index = [0; NUMBERS];
    let mut place = 0;
    while place < TABLE.len() {
        let number = TABLE[place].number as usize;
        assert!(index[number] == 0, "a number is there twice");
        assert!(place == 0 || TABLE[place - 1].number < TABLE[place].number);
        #[allow(clippy::cast_possible_truncation, reason = "as many as numbers")]
        let entry = place as u16 + 1;
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
            assert!(syscall.arguments.len() <= 6, "{}", syscall.name);
        }
        assert_eq!(find(64).unwrap().name, "write");
        assert_eq!(find(37).unwrap().descriptors, 0b101);
        assert!(find(244).is_none());
        assert!(find(511).is_none());
        assert!(find(512).is_none());
        assert!(find(u64::MAX).is_none());
    }
}
