//! Ends and removes what an engine leaves behind, by its temporary folder:
//! processes whose command line names it, mounts below it, its cgroup. Used
//! when an engine is dropped, and for the folders of a killed run ([`crate::killed_runs`]).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::mount::UnmountFlags;
use rustix::process::{Pid, Signal, kill_process};

/// A daemon writes its process id here, inside its folder.
pub const PID_FILE: &str = "daemon.pid";

/// Ends processes that work in this folder and unmounts what is below it.
pub fn clear_folder(folder: &Path) {
    for signal in [Signal::TERM, Signal::KILL] {
        let pids = processes_naming(folder);
        if pids.is_empty() {
            break;
        }
        for pid in pids {
            let _ = kill_process(pid, signal);
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    for at in mounts_below(folder).into_iter().rev() {
        let _ = rustix::mount::unmount(&at, UnmountFlags::DETACH);
    }
}

/// Removes an engine's cgroup and the empty ones below it, in each hierarchy
/// there is.
pub fn remove_cgroup(name: &str) {
    let name = name.trim_start_matches('/');
    let root = Path::new("/sys/fs/cgroup");
    remove_groups(&root.join(name));
    for hierarchy in fs::read_dir(root).into_iter().flatten().flatten() {
        remove_groups(&hierarchy.path().join(name));
    }
}

/// A cgroup is removed by removing its folder, children first; its files
/// are the kernel's. One with processes stays.
fn remove_groups(group: &Path) {
    for child in fs::read_dir(group).into_iter().flatten().flatten() {
        if child.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_groups(&child.path());
        }
    }
    let _ = fs::remove_dir(group);
}

/// Processes with the folder in their command line, other than this one.
fn processes_naming(folder: &Path) -> Vec<Pid> {
    let needle = folder.to_string_lossy().into_owned();
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_string_lossy().parse::<i32>().ok())
        .filter(|pid| u32::try_from(*pid).ok() != Some(std::process::id()))
        .filter(|pid| {
            fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&needle))
        })
        .filter_map(Pid::from_raw)
        .collect()
}

/// Mounts below the folder, in the order they were made.
fn mounts_below(folder: &Path) -> Vec<PathBuf> {
    fs::read_to_string("/proc/self/mountinfo")
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(PathBuf::from)
        .filter(|at| at.starts_with(folder))
        .collect()
}
