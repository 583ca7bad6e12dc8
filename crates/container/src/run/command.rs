//! The life of process 1, from its birth to the command that takes its place. Between the
//! two it starts itself again (`again`).

use std::convert::Infallible;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::process::{
    DumpableBehavior, Signal, chdir, ioctl_tiocsctty, set_dumpable_behavior,
    set_parent_process_death_signal, setsid,
};
use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
use rustix::thread::{
    UnshareFlags, set_thread_groups, set_thread_res_gid, set_thread_res_uid, unshare_unsafe,
};

use crate::limits;

use super::again::{self, Rest};
use super::mounts::{self, Mounts};
use super::place::{self, Kind};
use super::report::{self, Failure, Outside};
use super::root;
use super::system::{self, System};
use super::{
    Container, Handlers, Network, Starter, filter, init, mount, program, signals, user, watch,
};

/// What root may do inside (capabilities(7)); docker's default. All is within the user
/// namespace: none of it reaches what is outside.
const CAPABILITIES: [i32; 14] = [
    0,  // chown
    1,  // dac_override
    3,  // fowner
    4,  // fsetid
    5,  // kill
    6,  // setgid
    7,  // setuid
    8,  // setpcap
    10, // net_bind_service
    13, // net_raw
    18, // sys_chroot
    27, // mknod
    29, // audit_write
    31, // setfcap
];

/// The file system of pipes without a name (`PIPEFS_MAGIC`, `linux/magic.h`).
const PIPES: rustix::fs::FsWord = 0x5049_5045;

/// Makes the container around this process and becomes the command.
pub(super) fn be_process_1(
    container: &Container,
    handlers: Option<&dyn Handlers>,
    streams: Result<(), Errno>,
    mut outside: Outside,
) -> ! {
    let failure = match streams {
        Ok(()) => never(begin(container, handlers, &mut outside)),
        Err(error) => Failure::doing("take the standard streams")(error),
    };
    report::tell(outside.report, &failure);
    end(failure.code)
}

fn end(code: u8) -> ! {
    // SAFETY: ends the process at once, without the destructors and exit handlers of the
    // process that it was forked from.
    unsafe { libc::_exit(code.into()) }
}

/// Makes the container, and becomes a copy of this program that does the rest.
fn begin(
    container: &Container,
    handlers: Option<&dyn Handlers>,
    outside: &mut Outside,
) -> Result<Infallible, Failure> {
    // What the caller has open beyond the standard streams is not the container's: a
    // folder among it would lead out. What is opened from here on closes by itself.
    keep_from_command().map_err(Failure::doing("close the caller's files"))?;
    // The caller's umask is about the caller's files.
    rustix::process::umask(Mode::from_raw_mode(0o022));
    die_with_parent(&outside.report)?;
    setsid().map_err(Failure::doing("begin a session"))?;
    let none = container.network == Network::None;
    for (flag, kind) in [
        (UnshareFlags::NEWNS, "mnt"),
        (UnshareFlags::NEWIPC, "ipc"),
        (UnshareFlags::NEWUTS, "uts"),
        (UnshareFlags::NEWNET, "net"),
    ] {
        if none || flag != UnshareFlags::NEWNET {
            limits::unshare(flag, kind)
                .map_err(Failure::doing("make the container's namespaces"))?;
        }
    }
    // SAFETY: file descriptors stay shared, which is all that the function's contract is about. Without it, the container sees its place among the machine's groups.
    let _ = unsafe { unshare_unsafe(UnshareFlags::NEWCGROUP) };
    root::keep_mounts_inside()?;
    let (mounts, starter) = Mounts::gather(container, handlers)?;
    let copy = again::copy().map_err(Failure::doing("copy this program's own file"))?;
    root::enter(container)?;
    let system = mounts.put()?;
    rustix::system::sethostname(container.hostname.as_bytes())
        .map_err(Failure::doing("set the host's name"))?;
    if container.network == Network::None {
        loopback_up().map_err(Failure::doing("bring the loopback interface up"))?;
    }
    streams(container.input, outside.terminal.take(), &system)?;
    let user = user::look_up(&container.user).map_err(Failure::own)?;
    let folder = working_dir(container)?;
    mounts::make_folders(container)?;
    if container.read_only {
        root::make_read_only()?;
    }
    let rest = Rest {
        env: program::environment(&container.env, &user),
        argv: container.argv.clone(),
        init: container.init,
        folder,
        user,
        starter: starter.as_ref().map_or(String::new(), |s| s.of.clone()),
    };
    again::become_copy(&copy, &rest, outside, starter.as_ref().map(|s| &s.file))
}

/// The life of process 1 from when it is a copy of this program.
pub(super) fn go_on(rest: &Rest, mut outside: Outside, starter: Option<&Starter>) -> ! {
    let become_it = |outside: &Outside| never(become_command(rest, outside, starter));
    let failure = if rest.init {
        // Nobody inside reads or changes it, from the command's first moment on.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
        // SAFETY: the process has one thread, so the child may do anything a process may.
        match unsafe { libc::fork() } {
            -1 => Failure::doing("start the command")(std::io::Error::last_os_error()),
            0 => {
                lead_group();
                become_it(&outside)
            }
            command => {
                // These are about the command only.
                drop(outside.players.take());
                drop(outside.report);
                end(init::stay(command))
            }
        }
    } else {
        become_it(&outside)
    };
    report::tell(outside.report, &failure);
    end(failure.code)
}

/// Makes a process group of this process, and the one that the terminal's signals go to, where
/// there is a terminal: process 1, which hands on what it gets, is not to get them, too.
fn lead_group() {
    let _ = rustix::process::setpgid(None, None);
    let _ = rustix::termios::tcsetpgrp(rustix::stdio::stdin(), rustix::process::getpid());
}

/// Has all descriptors but the standard streams closed when the command starts.
fn keep_from_command() -> std::io::Result<()> {
    // SAFETY: a system call that takes numbers (Linux 5.11); nothing is closed yet.
    let done = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            3,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    let error = std::io::Error::last_os_error();
    match error.raw_os_error() {
        _ if done == 0 => Ok(()),
        // Such a kernel is too old for what follows, which says so.
        Some(libc::ENOSYS | libc::EINVAL) => Ok(()),
        _ => Err(error),
    }
}

/// Gives the user the standard streams that it may have to open by name (`/dev/stdout`):
/// pipes without a name, and the container's own terminal. Files stay whose they are.
fn give_streams(user: &user::User) {
    let terminals = rustix::fs::stat("/dev/pts").map(|s| s.st_dev).ok();
    for stream in [
        rustix::stdio::stdin(),
        rustix::stdio::stdout(),
        rustix::stdio::stderr(),
    ] {
        let Ok(stat) = rustix::fs::fstat(stream) else {
            continue;
        };
        let kind = rustix::fs::FileType::from_raw_mode(stat.st_mode);
        let own_terminal = kind.is_char_device() && Some(stat.st_dev) == terminals;
        let unnamed = || {
            let system = rustix::fs::fstatfs(stream).map(|s| s.f_type);
            system.is_ok_and(|system| system == PIPES)
        };
        if (kind.is_fifo() && unnamed()) || own_terminal {
            // Best effort: a pipe may be of somebody who is nobody here.
            let _ = rustix::fs::fchown(stream, Some(rustix::fs::Uid::from_raw(user.uid)), None);
        }
    }
}

fn never(result: Result<Infallible, Failure>) -> Failure {
    match result {
        Ok(never) => match never {},
        Err(failure) => failure,
    }
}

/// Has the kernel kill this process when its parent dies, and ends it where that
/// has happened already.
fn die_with_parent(report: &OwnedFd) -> Result<(), Failure> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(Failure::doing("tie the container to this process"))?;
    let mut pipe = [rustix::event::PollFd::new(
        report,
        rustix::event::PollFlags::empty(),
    )];
    let now = rustix::event::Timespec::default();
    let _ = rustix::event::poll(&mut pipe, Some(&now));
    let gone = rustix::event::PollFlags::ERR | rustix::event::PollFlags::HUP;
    if pipe[0].revents().intersects(gone) {
        return Err(Failure::own("the process outside has gone"));
    }
    Ok(())
}

/// Standard streams: a new terminal's, or those of the caller.
fn streams(input: bool, terminal: Option<OwnedFd>, system: &System) -> Result<(), Failure> {
    let failed = |e: Errno| Failure::own(format!("cannot make a terminal: {e}"));
    let Some(to) = terminal else {
        if !input {
            let null = system.open("null", OFlags::RDWR);
            null.and_then(rustix::stdio::dup2_stdin)
                .map_err(Failure::doing("open /dev/null"))?;
        }
        return own_devices(system);
    };
    let ptmx =
        openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).map_err(failed)?;
    unlockpt(&ptmx).map_err(failed)?;
    let name = ptsname(&ptmx, Vec::new()).map_err(failed)?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let pts = open(name.as_c_str(), flags, Mode::empty()).map_err(failed)?;
    watch::hand_over(&to, ptmx.as_fd(), b"t").map_err(failed)?;
    ioctl_tiocsctty(&pts).map_err(failed)?;
    let console = Path::new("/dev/console");
    let path = Path::new(std::ffi::OsStr::new(
        name.to_str().map_err(|_| failed(Errno::INVAL))?,
    ));
    let place = place::make(console, Kind::File).map_err(Failure::doing("make /dev/console"))?;
    mount::copy(path)
        .and_then(|mount| mount::put_at(mount, &place))
        .map_err(failed)?;
    rustix::stdio::dup2_stdin(&pts)
        .and_then(|()| rustix::stdio::dup2_stdout(&pts))
        .and_then(|()| rustix::stdio::dup2_stderr(&pts))
        .map_err(failed)
}

/// Devices among the standard streams become the container's own: as root, by the caller's,
/// somebody inside would change the mode or the owner of the machine's.
fn own_devices(system: &System) -> Result<(), Failure> {
    type Put = fn(OwnedFd) -> Result<(), Errno>;
    let streams: [(_, Put); 3] = [
        (rustix::stdio::stdin(), |new| rustix::stdio::dup2_stdin(new)),
        (rustix::stdio::stdout(), |new| {
            rustix::stdio::dup2_stdout(new)
        }),
        (rustix::stdio::stderr(), |new| {
            rustix::stdio::dup2_stderr(new)
        }),
    ];
    for (stream, put) in streams {
        let device = rustix::fs::fstat(stream).ok();
        if let Some(name) = device.and_then(|given| system::device(&given)) {
            let access = rustix::fs::fcntl_getfl(stream).unwrap_or(OFlags::RDWR);
            let opened = system.open(name, access).and_then(put);
            opened.map_err(Failure::doing(format!("open /dev/{name}")))?;
        }
    }
    Ok(())
}

/// The folder in which the command starts, made where it is not there.
fn working_dir(container: &Container) -> Result<String, Failure> {
    let wanted = match &*container.working_dir {
        "" => "/",
        other => other,
    };
    let place = place::make(Path::new(wanted), Kind::Folder).map_err(Failure::doing(format!(
        "make the working directory {wanted}"
    )))?;
    Ok(place.path.to_string_lossy().into_owned())
}

/// Gives up what the command may not have, and becomes it.
fn become_command(
    rest: &Rest,
    outside: &Outside,
    starter: Option<&Starter>,
) -> Result<Infallible, Failure> {
    let user = &rest.user;
    // Paths are the command's from here on. Whether the user may be there is seen below.
    let _ = chdir(&*rest.folder);
    program::refuse_open_files(&rest.argv, &rest.env)?;
    give_streams(user);
    let plays_another = outside.players.is_some() && user.uid != 0;
    let kept: &[i32] = if plays_another { &[] } else { &CAPABILITIES };
    keep_capabilities(kept).map_err(Failure::doing("give up capabilities"))?;
    match filter::refuse() {
        // A kernel without filters.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL)) => {}
        done => done.map_err(Failure::doing("set a filter of system calls"))?,
    }
    match outside.players.as_ref().map(|to| (to, filter::play())) {
        Some((to, Ok(listener))) => {
            let who = user.identity().bytes();
            watch::hand_over(to, listener.as_fd(), &who)
                .map_err(Failure::doing("have identities played"))?;
        }
        Some((_, Err(error))) if !cannot_play(&error) => {
            return Err(Failure::doing("have identities played")(error));
        }
        _ => become_user(user)?,
    }
    // A change of identities makes the kernel forget it.
    if !rest.init {
        die_with_parent(&outside.report)?;
    }
    chdir(&*rest.folder).map_err(Failure::doing(format!(
        "go to the working directory {}",
        rest.folder
    )))?;
    signals::back_to_default();
    program::execute(&rest.argv, &rest.env, starter)
}

/// Whether there is nobody who plays identities: another listens to the process's calls
/// already, or the kernel has no such filters.
fn cannot_play(error: &std::io::Error) -> bool {
    let known = [libc::EBUSY, libc::ENOSYS, libc::EINVAL];
    error.raw_os_error().is_some_and(|e| known.contains(&e))
}

fn become_user(user: &user::User) -> Result<(), Failure> {
    let groups: Vec<_> = user
        .groups
        .iter()
        .map(|g| rustix::fs::Gid::from_raw(*g))
        .collect();
    match set_thread_groups(&groups) {
        // Where there is one identity only, groups can't be set, and none but this is had.
        Err(Errno::PERM) => {}
        other => other.map_err(Failure::doing("set the groups"))?,
    }
    let (uid, gid) = (
        rustix::fs::Uid::from_raw(user.uid),
        rustix::fs::Gid::from_raw(user.gid),
    );
    let unmapped = |what: &str, number: u32| {
        let text = format!("become {what} {number}");
        move |e: Errno| match e {
            Errno::INVAL => Failure::own(format!(
                "cannot {text}: it is not among the identities of this user (ranges in /etc/subuid and /etc/subgid, newuidmap)"
            )),
            e => Failure::own(format!("cannot {text}: {e}")),
        }
    };
    set_thread_res_gid(gid, gid, gid).map_err(unmapped("group", user.gid))?;
    set_thread_res_uid(uid, uid, uid).map_err(unmapped("user", user.uid))
}

/// Leaves these of those that can be had.
fn keep_capabilities(kept: &[i32]) -> Result<(), Errno> {
    for number in 0..64 {
        if kept.contains(&number) {
            continue;
        }
        // SAFETY: a system call that takes numbers.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) } != 0 {
            return match Errno::from_io_error(&std::io::Error::last_os_error()) {
                // Beyond the last one that the kernel knows.
                Some(Errno::INVAL) => Ok(()),
                other => Err(other.unwrap_or(Errno::IO)),
            };
        }
    }
    Ok(())
}

fn loopback_up() -> std::io::Result<()> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
    use std::os::fd::AsRawFd;
    let socket = socket_with(
        AddressFamily::INET,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    // SAFETY: an all-zero value of this struct of numbers is valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = (*from).cast_signed();
    }
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(libc::IFF_UP).unwrap_or_default();
    // SAFETY: the request lives through the call, and is what SIOCSIFFLAGS takes.
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    if done == 0 {
        Ok(())
    } else {
        Err(std::io::Error::last_os_error())
    }
}
