//! Which process keeps an engine's namespaces.
//!
//! Each engine writes its process's number to a file. Where that file is can be
//! changed (`--tmpdir`, `--pidfile`), so where none leads to a process, the user's
//! processes are looked at. What is found has to be a process with the engine's
//! command line, in a user namespace that the caller owns.

use std::cell::OnceCell;
use std::io::Read as _;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use armistice_binfmt::INITIAL_USER_NS;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, fstat, open};
use rustix::process::{Pid, PidfdFlags, getuid, pidfd_open};

use super::{Engine, Keeper};

/// `_IO(0xb7, 4)` (`include/uapi/linux/nsfs.h`).
const NS_GET_OWNER_UID: libc::Ioctl = 0xB704;

/// How long after its file was written a Podman may take to become a pause process.
const BECOMING: Duration = Duration::from_secs(20);

/// Where engines are looked for: the files of a user's session, and processes.
#[derive(Debug)]
pub struct Place {
    runtime: Option<PathBuf>,
    running: OnceCell<Vec<(i32, Vec<String>)>>,
}

impl Place {
    /// With the value of XDG_RUNTIME_DIR, where it is set.
    #[must_use]
    pub fn new(runtime: Option<PathBuf>) -> Place {
        Place {
            runtime,
            running: OnceCell::new(),
        }
    }

    /// The caller's processes and their command lines, as they are when first
    /// asked for.
    fn running(&self) -> &[(i32, Vec<String>)] {
        self.running.get_or_init(|| {
            let own = getuid().as_raw();
            let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
            all.filter_map(|entry| {
                let pid = entry.file_name().to_str()?.parse().ok()?;
                (entry.metadata().ok()?.uid() == own).then_some(())?;
                Some((pid, command_line(pid)?))
            })
            .collect()
        })
    }

    /// The folders of a session's files, the likeliest first.
    fn folders(&self) -> Vec<PathBuf> {
        let usual = PathBuf::from(format!("/run/user/{}", getuid().as_raw()));
        let mut folders: Vec<PathBuf> = self.runtime.iter().cloned().collect();
        folders.push(usual);
        folders.dedup();
        folders
    }
}

/// Why a file led to no keeper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// The file is not there.
    NoFile,
    /// It names no process that runs.
    Ended,
    /// It names a process of another program.
    AnotherProgram(String),
    /// It names a process that is not in a user namespace of the caller's.
    NotOwned,
}

impl std::fmt::Display for Miss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Miss::NoFile => f.write_str("is not there"),
            Miss::Ended => f.write_str("names a process that has ended"),
            Miss::AnotherProgram(name) => write!(f, "names a process of another program, {name}"),
            Miss::NotOwned => {
                f.write_str("names a process that is in no user namespace of this user's")
            }
        }
    }
}

/// What a search came to.
#[derive(Debug)]
pub struct Searched {
    /// The process, if there is one.
    pub keeper: Option<Keeper>,
    /// The files that were looked at before, and why they led nowhere.
    pub misses: Vec<(PathBuf, Miss)>,
    /// How many user namespaces the engine's processes are in, where none of them
    /// was chosen because there are several.
    pub several: usize,
}

/// Looks for the process that keeps an engine's namespaces.
#[must_use]
pub fn find(engine: Engine, place: &Place) -> Searched {
    let mut searched = Searched {
        keeper: None,
        misses: Vec::new(),
        several: 0,
    };
    for file in files(engine, place) {
        match by_file(engine, &file) {
            Ok(keeper) => {
                searched.keeper = Some(keeper);
                return searched;
            }
            Err(miss) => searched.misses.push((file, miss)),
        }
    }
    let mut found: Vec<Keeper> = Vec::new();
    let running = place.running().iter();
    let called = running.filter(|(_, words)| is_keeper(engine, words));
    for keeper in called.filter_map(|(pid, _)| take(engine, *pid, None).ok()) {
        if found.iter().all(|k| k.namespace != keeper.namespace) {
            found.push(keeper);
        }
    }
    if found.len() > 1 {
        searched.several = found.len();
    } else {
        searched.keeper = found.pop();
    }
    searched
}

/// The files that may name the process.
fn files(engine: Engine, place: &Place) -> Vec<PathBuf> {
    let below = match engine {
        Engine::Podman => "libpod/tmp/pause.pid",
        Engine::Docker => "docker.pid",
        // buildkitd writes none.
        Engine::BuildKit => return Vec::new(),
    };
    let mut folders = place.folders();
    if engine == Engine::Podman {
        // Where there is no session.
        folders.push(format!("/tmp/podman-run-{}", getuid().as_raw()).into());
    }
    folders.iter().map(|folder| folder.join(below)).collect()
}

fn by_file(engine: Engine, file: &Path) -> Result<Keeper, Miss> {
    let mut opened = std::fs::File::open(file).map_err(|_| Miss::NoFile)?;
    let mut text = String::new();
    let _ = opened.read_to_string(&mut text);
    let pid = text.trim().parse().map_err(|_| Miss::Ended)?;
    let written = opened.metadata().and_then(|metadata| metadata.modified());
    loop {
        let taken = take(engine, pid, Some(file));
        let is_new = || written.as_ref().is_ok_and(is_recent);
        match &taken {
            Err(Miss::AnotherProgram(name)) if becomes(engine, name) && is_new() => {
                std::thread::sleep(Duration::from_millis(5));
            }
            _ => return taken,
        }
    }
}

/// Whether a program of this name, whose number the engine has just written, is going to be what
/// keeps the namespaces: Podman writes the number before its child executes the pause process.
fn becomes(engine: Engine, name: &str) -> bool {
    engine == Engine::Podman && Path::new(name).file_name().is_some_and(|n| n == "podman")
}

fn is_recent(written: &SystemTime) -> bool {
    written.elapsed().is_ok_and(|age| age < BECOMING)
}

/// A process, if it is what it has to be.
fn take(engine: Engine, pid: i32, file: Option<&Path>) -> Result<Keeper, Miss> {
    // Held from here on: what is read by number below is about this process if
    // it has not ended by then.
    let process = Some(pid)
        .filter(|pid| *pid > 0)
        .and_then(Pid::from_raw)
        .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
        .ok_or(Miss::Ended)?;
    let words = command_line(pid).ok_or(Miss::Ended)?;
    if !is_keeper(engine, &words) {
        let name = words.into_iter().next().unwrap_or_default();
        return Err(Miss::AnotherProgram(name));
    }
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let user =
        open(format!("/proc/{pid}/ns/user"), flags, Mode::empty()).map_err(|_| Miss::NotOwned)?;
    let namespace = inode(&user);
    let own = open("/proc/self/ns/user", flags, Mode::empty()).map_err(|_| Miss::NotOwned)?;
    // The machine's own belongs to root, whose processes are no rootless engine's.
    if namespace == INITIAL_USER_NS || owner(&user) != Some(getuid().as_raw()) {
        return Err(Miss::NotOwned);
    }
    if has_ended(&process) {
        return Err(Miss::Ended);
    }
    Ok(Keeper {
        engine,
        pid,
        file: file.map(Path::to_owned),
        joined: namespace == inode(&own),
        namespace,
        process,
    })
}

fn command_line(pid: i32) -> Option<Vec<String>> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words = line.split(|byte| *byte == 0);
    Some(
        words
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect(),
    )
}

/// Whether a command line is that of the process which keeps the namespaces.
fn is_keeper<S: AsRef<str>>(engine: Engine, words: &[S]) -> bool {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let program = words.first().map(Path::new);
    let Some(name) = program.and_then(|p| p.file_name()?.to_str()) else {
        return false;
    };
    let rest = &words[1..];
    match engine {
        // What Podman starts as its pause process, with and without a program for it.
        Engine::Podman => match name {
            "catatonit" => rest.first() == Some(&"-P"),
            "podman" => rest.contains(&"pause"),
            other => other == "podman pause",
        },
        Engine::Docker => name == "dockerd",
        Engine::BuildKit => name == "buildkitd",
    }
}

fn inode(ns: &OwnedFd) -> u64 {
    fstat(ns).map_or(0, |s| s.st_ino)
}

/// The user who made a user namespace, by the caller's numbers.
fn owner(ns: &OwnedFd) -> Option<u32> {
    let mut uid: libc::uid_t = 0;
    // SAFETY: the request writes one uid_t to where its argument points.
    let answer = unsafe { libc::ioctl(ns.as_raw_fd(), NS_GET_OWNER_UID, &raw mut uid) };
    (answer == 0).then_some(uid)
}

/// Whether a process has ended.
pub(super) fn has_ended(process: impl AsFd) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(process.as_fd(), PollFlags::IN)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    !matches!(poll(&mut fds, Some(&now)), Ok(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_of_keepers() {
        let podman: [&[&str]; 4] = [
            &["catatonit", "-P"],
            &["/usr/libexec/podman/catatonit", "-P", ""],
            &["/usr/bin/podman", "pause"],
            &["podman pause"],
        ];
        for words in podman {
            assert!(is_keeper(Engine::Podman, words), "{words:?}");
        }
        let others: [&[&str]; 5] = [
            &[],
            &[""],
            // A container's init, not the pause process.
            &["catatonit", "--", "sh"],
            &["/usr/bin/podman", "run"],
            &["dockerd"],
        ];
        for words in others {
            assert!(!is_keeper(Engine::Podman, words), "{words:?}");
        }
        assert!(is_keeper(Engine::Docker, &["dockerd", "--data-root", "/x"]));
        assert!(is_keeper(Engine::BuildKit, &["/usr/bin/buildkitd"]));
    }

    #[test]
    fn stale_files_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pause.pid");
        let miss = |text: &str| {
            std::fs::write(&file, text).unwrap();
            by_file(Engine::Podman, &file).unwrap_err()
        };
        assert_eq!(miss(""), Miss::Ended);
        assert_eq!(miss("-1\n"), Miss::Ended);
        assert_eq!(miss("0"), Miss::Ended);
        // Beyond the largest number that there can be (PID_MAX_LIMIT).
        assert_eq!(miss("4194305"), Miss::Ended);
        let own = std::process::id().to_string();
        assert!(matches!(miss(&own), Miss::AnotherProgram(_)));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(by_file(Engine::Podman, &file).unwrap_err(), Miss::NoFile);
    }

    /// A number that was used again by another Podman is not waited for.
    #[test]
    fn what_was_written_long_ago_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pause.pid");
        let mut child = std::process::Command::new("bash")
            .args(["-c", "exec -a podman sleep 60"])
            .spawn()
            .unwrap();
        let pid = child.id().try_into().unwrap();
        let is_podman = || command_line(pid).is_some_and(|words| words[0] == "podman");
        while !is_podman() {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::fs::write(&file, child.id().to_string()).unwrap();
        let opened = std::fs::File::options().write(true).open(&file).unwrap();
        opened
            .set_modified(SystemTime::now() - 2 * BECOMING)
            .unwrap();
        let start = std::time::Instant::now();
        let miss = by_file(Engine::Podman, &file).unwrap_err();
        let took = start.elapsed();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(miss, Miss::AnotherProgram("podman".to_owned()));
        assert!(took < BECOMING / 2, "{took:?}");
    }

    #[test]
    fn a_process_that_ended_is_seen_so() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let pid = Pid::from_child(&child);
        let process = pidfd_open(pid, PidfdFlags::empty()).unwrap();
        assert!(!has_ended(&process));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(has_ended(&process));
    }
}
