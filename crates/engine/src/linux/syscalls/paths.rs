//! System calls that are given a path, and may be given that of a link to an
//! executable (`/proc/PID/exe`): the host would do to the engine what is meant
//! for a guest's program. The same holds for a path to a text in place of a file
//! of `/proc` ([`texts::lead`]).
//!
//! A call that changes something is looked at before it is made, to see where its path leads.
//! Any other call is looked at afterwards ([`TELLING`]), unless it failed with an error that no
//! executable causes. Calls that open a file, or tell which file it is, are looked at by their
//! results alone ([`super::files`]); `execve` looks by itself.

use alloc::ffi::CString;

use super::{Call, texts};
use crate::host::sys::{AT_FDCWD, Errno, fd_argument};
use crate::linux::exe_link::{self, Target};
use crate::linux::executable::is_engine;
use crate::linux::views;

/// When the last link of a path is followed.
#[derive(Clone, Copy)]
enum When {
    Always,
    /// Unless this argument has this flag.
    Unless(usize, u64),
    /// If it has.
    If(usize, u64),
}

use When::{Always, If, Unless};

const AT_SYMLINK_NOFOLLOW: u64 = 0x100;
const AT_SYMLINK_FOLLOW: u64 = 0x400;
const IN_DONT_FOLLOW: u64 = 0x200_0000;
const FAN_MARK_DONT_FOLLOW: u64 = 4;
const FSPICK_SYMLINK_NOFOLLOW: u64 = 2;
const MOVE_MOUNT_F_SYMLINKS: u64 = 1;
const MOVE_MOUNT_T_SYMLINKS: u64 = 0x10;

/// A path of a system call: its name, the argument that says where a relative
/// path starts if that is not the working directory, the path's argument, and
/// when its last link is followed.
type Path = (&'static str, Option<usize>, usize, When);

/// All of those that a table says may be led to an executable.
const PATHS: [Path; 30] = [
    ("setxattr", None, 0, Always),
    ("getxattr", None, 0, Always),
    ("listxattr", None, 0, Always),
    ("removexattr", None, 0, Always),
    ("inotify_add_watch", None, 1, Unless(2, IN_DONT_FOLLOW)),
    ("linkat", Some(0), 1, If(4, AT_SYMLINK_FOLLOW)),
    ("mount", None, 0, Always),
    ("mount", None, 1, Always),
    ("statfs", None, 0, Always),
    ("faccessat", Some(0), 1, Always),
    ("fchmodat", Some(0), 1, Always),
    ("fchownat", Some(0), 1, Unless(4, AT_SYMLINK_NOFOLLOW)),
    ("utimensat", Some(0), 1, Unless(3, AT_SYMLINK_NOFOLLOW)),
    ("fanotify_mark", Some(3), 4, Unless(1, FAN_MARK_DONT_FOLLOW)),
    ("name_to_handle_at", Some(0), 1, If(4, AT_SYMLINK_FOLLOW)),
    ("open_tree", Some(0), 1, Unless(2, AT_SYMLINK_NOFOLLOW)),
    ("move_mount", Some(0), 1, If(4, MOVE_MOUNT_F_SYMLINKS)),
    ("move_mount", Some(2), 3, If(4, MOVE_MOUNT_T_SYMLINKS)),
    ("fspick", Some(0), 1, Unless(2, FSPICK_SYMLINK_NOFOLLOW)),
    ("faccessat2", Some(0), 1, Unless(3, AT_SYMLINK_NOFOLLOW)),
    ("mount_setattr", Some(0), 1, Unless(2, AT_SYMLINK_NOFOLLOW)),
    ("fchmodat2", Some(0), 1, Unless(3, AT_SYMLINK_NOFOLLOW)),
    ("setxattrat", Some(0), 1, Unless(2, AT_SYMLINK_NOFOLLOW)),
    ("getxattrat", Some(0), 1, Unless(2, AT_SYMLINK_NOFOLLOW)),
    ("listxattrat", Some(0), 1, Unless(2, AT_SYMLINK_NOFOLLOW)),
    ("removexattrat", Some(0), 1, Unless(2, AT_SYMLINK_NOFOLLOW)),
    ("open_tree_attr", Some(0), 1, Unless(2, AT_SYMLINK_NOFOLLOW)),
    ("file_getattr", Some(0), 1, Unless(4, AT_SYMLINK_NOFOLLOW)),
    ("file_setattr", Some(0), 1, Unless(4, AT_SYMLINK_NOFOLLOW)),
    ("truncate", None, 0, Always),
];

/// Those that tell something of a file and change nothing, nor what they are
/// given: they may be made twice.
const TELLING: [&str; 8] = [
    "getxattr",
    "listxattr",
    "statfs",
    "faccessat",
    "faccessat2",
    "getxattrat",
    "listxattrat",
    "file_getattr",
];

/// Makes a call with paths, which lead where the guest's lead.
pub(in crate::linux) fn follow(call: &mut Call<'_>, name: &str, number: u32) -> Result<u64, Errno> {
    if TELLING.contains(&name) {
        let result = call.pass(number);
        // A path that leads nowhere, or a signal that comes first.
        if let Err(Errno::ENOENT | Errno::ENOTDIR | Errno::RESTART) = result {
            return result;
        }
        let targets = lead_all(call, name);
        if targets.iter().all(Option::is_none) {
            return result;
        }
        // Once more, of another file.
        return call.pass(number);
    }
    // As long as the call takes.
    let _targets = lead_all(call, name);
    call.pass(number)
}

/// Puts other paths in the place of those that lead to a guest's executable, or to a text.
fn lead_all(call: &mut Call<'_>, name: &str) -> [Option<Led>; 2] {
    let mut targets = [None, None];
    let paths = PATHS.iter().filter(|(of, ..)| *of == name);
    for (&path, target) in paths.zip(&mut targets) {
        *target = lead(call, path);
    }
    targets
}

/// Where a path leads instead.
#[derive(Debug)]
#[expect(dead_code, reason = "what the call's arguments refer to")]
enum Led {
    Executable(Target),
    Text(texts::Led),
}

/// Puts another path in the place of one that leads to a guest's executable, or to a text.
fn lead(call: &mut Call<'_>, (_, directory, path, when): Path) -> Option<Led> {
    let followed = match when {
        Always => true,
        Unless(argument, flag) => call.arguments[argument] & flag == 0,
        If(argument, flag) => call.arguments[argument] & flag != 0,
    };
    if let Some(led) = texts::lead(call, directory, path, followed) {
        return Some(Led::Text(led));
    }
    if !followed {
        return None;
    }
    let start = directory.map_or(AT_FDCWD, |directory| call.int(directory));
    let target = target(call, start, call.arguments[path])?;
    // Without that argument both paths start at the working directory.
    if let Some(directory) = directory {
        call.arguments[directory] = fd_argument(target.directory);
    }
    call.arguments[path] = target.path.as_ptr() as u64;
    Some(Led::Executable(target))
}

/// The executable of a guest that the path at an address leads to.
pub(in crate::linux) fn target(call: &Call<'_>, directory: i32, address: u64) -> Option<Target> {
    // Nearly all lead elsewhere, which the kernel says without a copy.
    if address == 0 || !call.file_at(directory, address).is_some_and(is_engine) {
        return None;
    }
    let path = CString::new(views::string(address)?).ok()?;
    exe_link::of_path(call.own(), directory, &path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::abi::arm64::syscalls::table::ROWS;
    use crate::linux::syscalls::syscall::Handler;

    #[test]
    fn every_call_that_follows_has_a_path() {
        for syscall in ROWS {
            let known = PATHS.iter().any(|(name, ..)| *name == syscall.name);
            let follows = matches!(syscall.handler, Handler::Follow(_));
            assert!(known || !follows, "{}", syscall.name);
        }
        for (name, directory, path, _) in PATHS {
            let syscall = ROWS.iter().find(|syscall| syscall.name == name);
            let letters = syscall.unwrap_or_else(|| panic!("{name}")).arguments;
            assert_eq!(letters.as_bytes()[path], b's', "{name}");
            if let Some(directory) = directory {
                assert_eq!(letters.as_bytes()[directory], b'f', "{name}");
            }
        }
    }
}
