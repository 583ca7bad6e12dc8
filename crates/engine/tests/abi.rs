//! Promise: the table of system calls forgets none that arm64's headers have,
//! names x86-64's numbers as its headers do, and every number, flag, request
//! and structure that is passed on as it is, is the same on both. What differs
//! is listed here, each with where it is converted.
//!
//! The compilers of both read the kernel's headers of both, and write what
//! they find into assembler, so that nothing has to run. Needs Debian's cross
//! compilers, which `cargo xtask test` installs.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use armistice_engine::linux::abi::arm;
use armistice_engine::linux::abi::arm64::syscalls::table::ROWS;
use armistice_engine::linux::syscalls::syscall::Handler;

const ARM: &str = "aarch64-linux-gnu-gcc";
const HOST: &str = "gcc";
/// 32-bit Arm's.
const NARROW: &str = "arm-linux-gnueabihf-gcc";

/// What the compiler makes of a C file, on standard output.
fn compile(compiler: &str, mode: &[&str], source: &str) -> String {
    let mut child = Command::new(compiler)
        .args(mode)
        .args(["-w", "-xc", "-", "-o", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{compiler}: {error}; cargo xtask test installs it"));
    let mut stdin = child.stdin.take().unwrap();
    let source = source.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(source.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{compiler}");
    String::from_utf8(output.stdout).unwrap()
}

/// The macros without arguments that the headers define, and their bodies.
fn macros(compiler: &str, includes: &str) -> BTreeMap<String, String> {
    compile(compiler, &["-E", "-dM"], includes)
        .lines()
        .filter_map(|line| line.strip_prefix("#define ")?.split_once(' '))
        .filter(|(name, _)| !name.contains('('))
        .map(|(name, body)| (name.to_owned(), body.to_owned()))
        .collect()
}

/// The values of constant expressions.
fn values(compiler: &str, includes: &str, expressions: &[String]) -> BTreeMap<String, i128> {
    let mut source = format!("{includes}\n#include <stddef.h>\nvoid f(void) {{\n");
    for (index, expression) in expressions.iter().enumerate() {
        source += &format!("asm volatile(\"\\n@@{index} %0\" :: \"i\"((long)({expression})));\n");
    }
    source += "}\n";
    compile(compiler, &["-S", "-O1"], &source)
        .lines()
        .filter_map(|line| line.strip_prefix("@@")?.split_once(' '))
        .map(|(index, value)| {
            let value = value.trim().trim_start_matches(['#', '$']);
            let expression = &expressions[index.parse::<usize>().unwrap()];
            (expression.clone(), value.parse().unwrap())
        })
        .collect()
}

/// The numbers of system calls in the headers.
fn numbers(compiler: &str) -> BTreeMap<String, u32> {
    const INCLUDE: &str = "#include <asm/unistd.h>\n";
    /// Not names of system calls.
    const OTHERS: [&str; 6] = [
        "syscalls",
        "arch_specific_syscall",
        "sync_file_range2",
        "SYSCALL_BASE",
        "OABI_SYSCALL_BASE",
        "SYSCALL_MASK",
    ];
    let names: Vec<String> = macros(compiler, INCLUDE)
        .into_keys()
        .filter(|name| name.starts_with("__NR_"))
        .collect();
    let mut numbers: BTreeMap<String, u32> = values(compiler, INCLUDE, &names)
        .into_iter()
        .map(|(name, number)| (name["__NR_".len()..].to_owned(), number.try_into().unwrap()))
        .filter(|(name, _)| !OTHERS.contains(&name.as_str()))
        .collect();
    numbers.remove("");
    numbers
}

#[test]
fn every_system_call_is_in_the_table() {
    let arm = numbers(ARM);
    let newest = *arm.values().max().unwrap();
    assert!(arm.len() > 300 && newest >= 450, "{} {newest}", arm.len());
    let table: BTreeMap<String, u32> = ROWS
        .iter()
        .map(|syscall| (syscall.name.to_owned(), syscall.number))
        .collect();
    for (name, number) in &arm {
        assert_eq!(table.get(name), Some(number), "{name} of arm64's headers");
    }
    for (name, number) in &table {
        assert!(
            arm.contains_key(name) || *number > newest,
            "{name} is not in arm64's headers"
        );
    }
}

#[test]
fn numbers_passed_on_are_the_hosts() {
    let host = numbers(HOST);
    let newest = *host.values().max().unwrap();
    let mut passed = 0;
    for syscall in ROWS {
        let (Handler::Pass(number) | Handler::Follow(number) | Handler::OfFile(number)) =
            syscall.handler
        else {
            continue;
        };
        passed += 1;
        match host.get(syscall.name) {
            Some(&expected) => assert_eq!(u32::from(number), expected, "{}", syscall.name),
            // Newer than the headers: from 424 on, both have one number.
            None => assert!(
                u32::from(number) > newest && u32::from(number) == syscall.number,
                "{} {number}",
                syscall.name
            ),
        }
    }
    assert!(passed > 200);
}

#[test]
fn every_system_call_of_32_bit_arm_is_in_the_table() {
    /// As the kernel's headers have it; the system call is `sync_file_range2`.
    const RENAMED: &str = "arm_sync_file_range";
    let rows = arm::syscalls::table::ROWS;
    let mut headers = numbers(NARROW);
    let renamed = headers.remove(RENAMED).unwrap();
    headers.insert("sync_file_range2".into(), renamed);
    let newest = *headers.values().max().unwrap();
    assert!(
        headers.len() > 390 && newest >= 450,
        "{} {newest}",
        headers.len()
    );
    let table: BTreeMap<&str, u32> = rows
        .iter()
        .map(|syscall| (syscall.name, syscall.number))
        .collect();
    for (name, number) in &headers {
        assert_eq!(
            table.get(name.as_str()),
            Some(number),
            "{name} of arm's headers"
        );
    }
    for (&name, &number) in &table {
        assert!(
            headers.contains_key(name) || number > newest,
            "{name} is not in arm's headers"
        );
    }
}

/// The host has one call where 32-bit Arm has another for wide numbers, and none for two
/// that others can do.
#[test]
fn numbers_that_32_bit_arm_passes_on_are_the_hosts() {
    let host = numbers(HOST);
    let mut passed = 0;
    for syscall in arm::syscalls::table::ROWS {
        let (Handler::Pass(number) | Handler::Follow(number) | Handler::OfFile(number)) =
            syscall.handler
        else {
            continue;
        };
        passed += 1;
        let name = match syscall.name {
            "send" => "sendto",
            "recv" => "recvfrom",
            name if host.contains_key(name) => name,
            name => name
                .strip_suffix("32")
                .or_else(|| name.strip_suffix("64"))
                .unwrap_or(name),
        };
        let expected = host.get(name).copied();
        let newer = expected.is_none() && u32::from(number) == syscall.number && number > 449;
        assert!(newer || expected == Some(number.into()), "{name} {number}");
    }
    assert!(passed > 180, "{passed}");
}

/// The macros that `wanted` takes: those whose values differ, and those that
/// one side lacks.
fn differing_macros(includes: &str, wanted: fn(&str, &str) -> bool) -> [BTreeSet<String>; 2] {
    let values_of = |compiler| {
        let names: Vec<String> = macros(compiler, includes)
            .into_iter()
            .filter(|(name, body)| wanted(name, body))
            .map(|(name, _)| name)
            .collect();
        values(compiler, includes, &names)
    };
    let (arm, host) = (values_of(ARM), values_of(HOST));
    assert!(arm.len() > 100, "{}", arm.len());
    let (both, one): (BTreeSet<String>, BTreeSet<String>) = arm
        .keys()
        .chain(host.keys())
        .cloned()
        .partition(|name| arm.contains_key(name) && host.contains_key(name));
    let differ = both.into_iter().filter(|name| arm[name] != host[name]);
    [differ.collect(), one]
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn is_number(body: &str) -> bool {
    let body = body.trim_matches(['(', ')']).trim_start_matches('-');
    let digits = body.trim_end_matches(['U', 'L', 'u', 'l']);
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    !digits.is_empty()
        && digits.chars().all(|c| c.is_ascii_hexdigit())
        && body.starts_with(|c: char| c.is_ascii_digit())
}

/// Those that each architecture has for itself.
const OWN_HEADERS: &[&str] = &[
    "asm/errno",
    "asm/fcntl",
    "asm/ioctls",
    "asm/mman",
    "asm/poll",
    "asm/resource",
    "asm/siginfo",
    "asm/signal",
    "asm/socket",
    "asm/sockios",
    "asm/termbits",
];

/// Those of all, which may include others.
const COMMON_HEADERS: &[&str] = &[
    "linux/aio_abi",
    "linux/audit",
    "linux/bpf",
    "linux/capability",
    "linux/close_range",
    "linux/eventpoll",
    "linux/falloc",
    "linux/fanotify",
    "linux/filter",
    "linux/fs",
    "linux/futex",
    "linux/if_link",
    "linux/if_packet",
    "linux/in",
    "linux/inotify",
    "linux/ipc",
    "linux/keyctl",
    "linux/landlock",
    "linux/magic",
    "linux/membarrier",
    "linux/memfd",
    "linux/mempolicy",
    "linux/mount",
    "linux/mqueue",
    "linux/msg",
    "linux/net",
    "linux/netlink",
    "linux/perf_event",
    "linux/personality",
    "linux/prctl",
    "linux/quota",
    "linux/random",
    "linux/reboot",
    "linux/rtnetlink",
    "linux/sched",
    "linux/seccomp",
    "linux/sem",
    "linux/stat",
    "linux/tcp",
    "linux/time",
    "linux/timerfd",
    "linux/udp",
    "linux/utsname",
    "linux/wait",
    "linux/xattr",
];

#[test]
fn flags_and_numbers_are_the_same_but_those_converted() {
    let includes = |headers: &[&str]| -> String {
        let lines = headers
            .iter()
            .map(|header| format!("#include <{header}.h>\n"));
        lines.collect()
    };
    let wanted = |name: &str, body: &str| !name.starts_with('_') && is_number(body);
    // x86-64's headers of signals include that of time.
    let own = includes(&["linux/time"]) + &includes(OWN_HEADERS);
    let [differ, one] = differing_macros(&own, wanted);
    assert_eq!(
        differ,
        set(&[
            // syscalls/files.rs
            "O_DIRECT",
            "O_DIRECTORY",
            "O_LARGEFILE",
            "O_NOFOLLOW",
            // sigaltstack, and the frames.
            "MINSIGSTKSZ",
            "SIGSTKSZ",
        ])
    );
    // MAP_32BIT is taken off, syscalls/memory.rs, NSIG is not the kernel's; what arm64 has more is refused by both
    // kernels where the processor lacks it.
    assert_eq!(one, set(&["MAP_32BIT", "NSIG", "PROT_BTI", "PROT_MTE"]));
    // What one side lacks of these, its headers are too old for.
    let [all, _] = differing_macros(&includes(COMMON_HEADERS), wanted);
    assert_eq!(&all - &differ, set(&[]));
}

#[test]
fn requests_of_ioctl_are_the_same() {
    let mut includes =
        String::from("#include <stdint.h>\n#include <sys/types.h>\n#include <time.h>\n");
    for header in [
        "asm/ioctls",
        "asm/termbits",
        "linux/serial",
        "linux/blktrace_api",
        "linux/auto_fs",
        "linux/blkpg",
        "linux/blkzoned",
        "linux/btrfs",
        "linux/cdrom",
        "linux/dm-ioctl",
        "linux/dma-buf",
        "linux/fb",
        "linux/fiemap",
        "linux/fs",
        "linux/fscrypt",
        "linux/fsverity",
        "linux/fuse",
        "linux/gpio",
        "linux/hidraw",
        "linux/i2c-dev",
        "linux/if_tun",
        "linux/input",
        "linux/kd",
        "linux/loop",
        "linux/media",
        "linux/mtio",
        "linux/nbd",
        "linux/nsfs",
        "linux/perf_event",
        "linux/ppp-ioctl",
        "linux/ptp_clock",
        "linux/random",
        "linux/raid/md_u",
        "linux/rtc",
        "linux/seccomp",
        "linux/sockios",
        "linux/spi/spidev",
        "linux/uinput",
        "linux/usbdevice_fs",
        "linux/userfaultfd",
        "linux/uvcvideo",
        "linux/vfio",
        "linux/vhost",
        "linux/videodev2",
        "linux/vt",
        "linux/watchdog",
        "sound/asound",
    ] {
        includes += &format!("#include <{header}.h>\n");
    }
    let wanted = |name: &str, body: &str| {
        // Of 32-bit programs, with structures that only the kernel has.
        let narrow = body.contains("compat_") || body.contains("32)");
        !(name.starts_with('_') || narrow)
            && (body.contains("_IO(")
                || body.contains("_IOR(")
                || body.contains("_IOW(")
                || body.contains("_IOWR(")
                || body.starts_with("0x54")
                || body.starts_with("0x89"))
    };
    let [differ, _] = differing_macros(&includes, wanted);
    assert_eq!(differ, set(&[]));
}

/// Structures that cross the system call, with their fields.
const STRUCTURES: &[(&str, &str)] = &[
    (
        "struct stat",
        "st_dev st_ino st_mode st_nlink st_uid st_gid st_rdev st_size st_blksize st_blocks st_atime st_atime_nsec st_mtime st_ctime",
    ),
    ("struct epoll_event", "events data"),
    (
        "struct semid64_ds",
        "sem_perm sem_otime sem_ctime sem_nsems",
    ),
    ("struct ipc64_perm", "key uid gid cuid cgid mode seq"),
    (
        "struct msqid64_ds",
        "msg_perm msg_stime msg_rtime msg_ctime msg_cbytes msg_qnum msg_qbytes msg_lspid msg_lrpid",
    ),
    (
        "struct shmid64_ds",
        "shm_perm shm_segsz shm_atime shm_dtime shm_ctime shm_cpid shm_lpid shm_nattch",
    ),
    ("struct shminfo64", "shmmax shmmin shmmni shmseg shmall"),
    (
        "struct statfs",
        "f_type f_bsize f_blocks f_bfree f_bavail f_files f_ffree f_fsid f_namelen f_frsize f_flags",
    ),
    (
        "struct statx",
        "stx_mask stx_mode stx_ino stx_size stx_mtime stx_rdev_major stx_mnt_id",
    ),
    ("struct flock", "l_type l_whence l_start l_len l_pid"),
    ("struct f_owner_ex", "type pid"),
    (
        "struct termios",
        "c_iflag c_oflag c_cflag c_lflag c_line c_cc",
    ),
    ("struct termios2", "c_iflag c_cc c_ispeed c_ospeed"),
    (
        "struct sigaction",
        "sa_handler sa_flags sa_restorer sa_mask",
    ),
    ("stack_t", "ss_sp ss_flags ss_size"),
    (
        "siginfo_t",
        "si_signo si_errno si_code si_pid si_uid si_value si_addr si_status si_band si_fd si_overrun",
    ),
    (
        "struct sigevent",
        "sigev_value sigev_signo sigev_notify sigev_notify_thread_id",
    ),
    ("struct __kernel_itimerspec", "it_interval it_value"),
    (
        "struct timex",
        "modes offset freq maxerror status time tick ppsfreq tai",
    ),
    ("struct rusage", "ru_utime ru_stime ru_maxrss ru_nivcsw"),
    (
        "struct sysinfo",
        "uptime loads totalram procs totalhigh mem_unit",
    ),
    ("struct rlimit64", "rlim_cur rlim_max"),
    ("struct new_utsname", "sysname machine domainname"),
    (
        "struct clone_args",
        "flags pidfd child_tid parent_tid exit_signal stack stack_size tls set_tid cgroup",
    ),
    ("struct open_how", "flags mode resolve"),
    (
        "struct iocb",
        "aio_data aio_key aio_lio_opcode aio_fildes aio_buf aio_nbytes aio_offset aio_resfd",
    ),
    ("struct io_event", "data obj res res2"),
    ("struct mq_attr", "mq_flags mq_maxmsg mq_msgsize mq_curmsgs"),
    (
        "struct sched_attr",
        "size sched_policy sched_flags sched_runtime sched_util_max",
    ),
    ("struct file_handle", "handle_bytes handle_type f_handle"),
    (
        "struct fanotify_event_metadata",
        "event_len vers mask fd pid",
    ),
    ("struct inotify_event", "wd mask cookie len"),
    (
        "struct perf_event_attr",
        "type size config sample_type read_format bp_type config1 sample_regs_user aux_watermark sig_data",
    ),
    ("union bpf_attr", "map_type insns"),
    (
        "struct landlock_path_beneath_attr",
        "allowed_access parent_fd",
    ),
    ("struct if_dqblk", "dqb_bhardlimit dqb_curspace dqb_valid"),
    (
        "struct nlmsghdr",
        "nlmsg_len nlmsg_type nlmsg_seq nlmsg_pid",
    ),
    ("struct seccomp_data", "nr arch instruction_pointer args"),
    ("struct sock_fprog", "len filter"),
    (
        "struct robust_list_head",
        "list futex_offset list_op_pending",
    ),
    ("struct futex_waitv", "val uaddr flags"),
    (
        "struct mount_attr",
        "attr_set attr_clr propagation userns_fd",
    ),
    (
        "struct __user_cap_data_struct",
        "effective permitted inheritable",
    ),
    (
        "struct loop_info",
        "lo_number lo_device lo_inode lo_rdevice lo_offset lo_encrypt_key lo_init reserved",
    ),
    ("struct loop_info64", "lo_device lo_number lo_flags lo_init"),
    ("struct msginfo", "msgpool msgmax msgseg"),
    ("struct sembuf", "sem_num sem_op sem_flg"),
];

#[test]
fn structures_are_the_same_but_those_converted() {
    let mut includes = String::from("#define __KERNEL_STRICT_NAMES\n");
    for header in [
        "linux/types",
        "linux/time",
        "asm/stat",
        "linux/eventpoll",
        "linux/sem",
        "linux/msg",
        "linux/shm",
        "asm/statfs",
        "linux/stat",
        "linux/fcntl",
        "asm/termbits",
        "linux/signal",
        "asm/siginfo",
        "linux/timex",
        "linux/resource",
        "linux/sysinfo",
        "linux/utsname",
        "linux/sched",
        "linux/openat2",
        "linux/aio_abi",
        "linux/mqueue",
        "linux/sched/types",
        "linux/fanotify",
        "linux/inotify",
        "linux/perf_event",
        "linux/bpf",
        "linux/landlock",
        "linux/quota",
        "linux/netlink",
        "linux/seccomp",
        "linux/filter",
        "linux/futex",
        "linux/mount",
        "linux/capability",
        "linux/loop",
    ] {
        includes += &format!("#include <{header}.h>\n");
    }
    // glibc's header alone has it.
    includes += "struct file_handle { unsigned handle_bytes; int handle_type; unsigned char f_handle[0]; };\n";
    let mut expressions = Vec::new();
    for (name, fields) in STRUCTURES {
        expressions.push(format!("sizeof({name})"));
        for field in fields.split_whitespace() {
            expressions.push(format!("offsetof({name}, {field})"));
            expressions.push(format!("sizeof((({name} *)0)->{field})"));
        }
    }
    let arm = values(ARM, &includes, &expressions);
    let host = values(HOST, &includes, &expressions);
    assert_eq!(
        (arm.len(), host.len()),
        (expressions.len(), expressions.len())
    );
    let mut differing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, _) in STRUCTURES {
        let mine = expressions
            .iter()
            .filter(|e| e.contains(&format!("({name}")));
        let unlike: Vec<&str> = mine
            .filter(|&e| arm[e] != host[e])
            .map(String::as_str)
            .collect();
        if !unlike.is_empty() {
            differing.insert(name, unlike);
        }
    }
    let names: Vec<&str> = differing.keys().copied().collect();
    assert_eq!(
        names,
        // syscalls/events.rs, ioctl.rs, ipc.rs and files.rs.
        [
            "struct epoll_event",
            "struct loop_info",
            "struct semid64_ds",
            "struct stat"
        ],
        "{differing:#?}"
    );
    // As converted there.
    for (expression, in_arm, in_host) in [
        ("sizeof(struct epoll_event)", 16, 12),
        ("offsetof(struct epoll_event, events)", 0, 0),
        ("offsetof(struct epoll_event, data)", 8, 4),
        ("sizeof(struct semid64_ds)", 88, 104),
        ("offsetof(struct semid64_ds, sem_otime)", 48, 48),
        ("offsetof(struct semid64_ds, sem_ctime)", 56, 64),
        ("offsetof(struct semid64_ds, sem_nsems)", 64, 80),
        ("sizeof(struct stat)", 128, 144),
        ("offsetof(struct stat, st_mode)", 16, 24),
        ("offsetof(struct stat, st_nlink)", 20, 16),
        ("sizeof(((struct stat *)0)->st_nlink)", 4, 8),
        ("offsetof(struct stat, st_uid)", 24, 28),
        ("offsetof(struct stat, st_gid)", 28, 32),
        ("offsetof(struct stat, st_rdev)", 32, 40),
        ("offsetof(struct stat, st_size)", 48, 48),
        ("offsetof(struct stat, st_blksize)", 56, 56),
        ("sizeof(((struct stat *)0)->st_blksize)", 4, 8),
        ("offsetof(struct stat, st_blocks)", 64, 64),
        ("offsetof(struct stat, st_atime)", 72, 72),
        ("sizeof(struct ipc64_perm)", 48, 48),
        ("sizeof(struct loop_info)", 160, 168),
        ("offsetof(struct loop_info, lo_device)", 4, 8),
        ("sizeof(((struct loop_info *)0)->lo_device)", 4, 8),
        ("offsetof(struct loop_info, lo_inode)", 8, 16),
        ("offsetof(struct loop_info, lo_rdevice)", 16, 24),
        ("offsetof(struct loop_info, lo_offset)", 20, 32),
        ("offsetof(struct loop_info, lo_encrypt_key)", 100, 112),
        ("offsetof(struct loop_info, lo_init)", 136, 144),
        ("offsetof(struct loop_info, reserved)", 152, 160),
    ] {
        assert_eq!(
            (arm[expression], host[expression]),
            (in_arm, in_host),
            "{expression}"
        );
    }
}
