//! The emulator that an entry of binfmt_misc has open (flag F), although no path
//! may lead to it any more: its container is gone, or its file was replaced.
//!
//! The kernel hands it out to whoever runs a program by the entry: a process
//! that is traced stops as soon as the emulator is its executable, and
//! `/proc/PID/exe` then is that file. An entry is given it back by a thread whose
//! root is a folder where the entry's path leads to it.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::{io, thread};

use rustix::mount::{MountFlags, MountPropagationFlags};
use rustix::process::{WaitOptions, waitpid};
use rustix::thread::UnshareFlags;

/// What runs this program at present, as long as it is open.
///
/// # Errors
/// When the program can't be run or its process can't be looked into.
pub fn emulator_of(program: &Path) -> io::Result<File> {
    let mut command = Command::new(program);
    // SAFETY: between fork and exec only this one system call is made, which
    // touches no memory.
    unsafe {
        command.pre_exec(
            || match libc::ptrace(libc::PTRACE_TRACEME, 0, 0usize, 0usize) {
                -1 => Err(io::Error::last_os_error()),
                _ => Ok(()),
            },
        );
    }
    let mut child = command.spawn()?;
    let pid = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .ok_or(io::ErrorKind::InvalidData)?;
    let stopped = waitpid(Some(pid), WaitOptions::UNTRACED).map_err(io::Error::from);
    let file = stopped.and_then(|_| File::open(format!("/proc/{}/exe", child.id())));
    let _ = child.kill();
    let _ = child.wait();
    file
}

/// A program with these bytes at this place, by a name with this extension.
///
/// # Errors
/// When it can't be written.
pub fn write_program(path: &Path, offset: usize, magic: &[u8]) -> io::Result<()> {
    let mut content = vec![0; offset];
    content.extend_from_slice(magic);
    // As much as the kernel reads of a file.
    content.resize(content.len().max(256), 0);
    fs::write(path, content)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

/// Registers an entry, whose text names `interpreter`, with this open file in
/// that file's place.
///
/// # Errors
/// When the thread can't have a root of its own, or the kernel refuses the line.
pub fn register(table: &Path, line: &str, interpreter: &Path, emulator: &File) -> io::Result<()> {
    let mut register = File::options().write(true).open(table.join("register"))?;
    let folder = crate::temporary();
    let root = folder.path();
    let place = root.join(interpreter.strip_prefix("/").unwrap_or(interpreter));
    // A link of this kind leads to the open file itself, whatever its name is.
    let link = format!("/proc-of-it/self/fd/{}", emulator.as_raw_fd());
    fs::create_dir_all(place.parent().unwrap_or(root))?;
    symlink(link, &place)?;
    let proc = root.join("proc-of-it");
    fs::create_dir(&proc)?;
    thread::scope(|scope| {
        let elsewhere = scope.spawn(|| -> io::Result<()> {
            // SAFETY: the flag takes neither memory nor descriptors from the thread.
            unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS)? };
            let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
            rustix::mount::mount_change("/", private)?;
            rustix::mount::mount("proc", &proc, "proc", MountFlags::empty(), None)?;
            rustix::process::chroot(root)?;
            register.write_all(line.as_bytes())
        });
        elsewhere
            .join()
            .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
    })
}
