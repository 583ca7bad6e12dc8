//! Promise: a container has of its caller what was given to it, and nothing else: no
//! open file, no umask; and its user has the standard streams.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use e2e::run;
use e2e::run_place::{EVERYBODY, Place, Who};

/// The same command, started by a script of its user's as `"$@"`.
fn by_script(script: &str, inner: &Command) -> Command {
    let words: Vec<&OsStr> = [inner.get_program()]
        .into_iter()
        .chain(inner.get_args())
        .collect();
    let is_it = |word: &&OsStr| Path::new(word).file_name() == Some(OsStr::new("armistice"));
    let at = words.iter().position(is_it).expect("the command");
    let mut all = words[..at].to_vec();
    all.extend(["/bin/sh", "-c", script, "sh"].map(OsStr::new));
    all.extend(&words[at..]);
    let mut command = Command::new(all[0]);
    command.args(&all[1..]);
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// A hole once: a folder that the caller had open was a way out of the container.
#[test]
fn no_open_file_of_the_callers() {
    for who in EVERYBODY {
        for init in [&[][..], &["--init"]] {
            let place = Place::new(who);
            let root = File::open("/").unwrap();
            let mut inner = place.command(
                init,
                &[
                    "sh",
                    "-c",
                    "for n in 3 4 9 99; do test ! -e /proc/self/fd/$n || echo $n; done",
                ],
            );
            let fd = root.as_raw_fd();
            // SAFETY: system calls that take numbers.
            unsafe {
                inner.pre_exec(move || {
                    for to in [9, 99] {
                        if libc::dup2(fd, to) < 0 {
                            return Err(std::io::Error::last_os_error());
                        }
                    }
                    Ok(())
                });
            }
            // dash opens nothing beyond these by itself.
            run(&mut inner).ok().prints("");
        }
    }
}

/// A fault once: the caller's umask hid the container's own files from its users.
#[test]
fn no_umask_of_the_callers() {
    for who in [Who::Ranges, Who::User] {
        let place = Place::of(who);
        let script = "umask; cat /etc/hosts >/dev/null && pwd";
        let inner = place.command(&["-u", "1000", "-w", "/made/new"], &["sh", "-c", script]);
        run(&mut by_script("umask 077; exec \"$@\"", &inner))
            .ok()
            .prints("0022\n/made/new");
    }
}

/// A fault once: `/dev/stdout` could not be opened by a user who is not root.
#[test]
fn the_user_opens_its_streams_by_name() {
    for who in EVERYBODY {
        let place = Place::new(who);
        let script = "cat /dev/stdin >/dev/stdout; echo b >/dev/stderr";
        let inner = place.command(&["-i", "-u", "1000"], &["sh", "-c", script]);
        let outer = "echo a | { \"$@\" 2>&1; echo $?; } | cat";
        run(&mut by_script(outer, &inner)).ok().prints("a\nb\n0");
    }
}

/// Faults once: -1 was root, and a pipe for a file of users was waited for.
#[test]
fn users_that_cannot_be() {
    let place = Place::of(Who::Ranges);
    for user in ["4294967295", "12:4294967295", "+5", "2147483648"] {
        place.run(&["-u", user], &["id"]).exits(125).says("no ");
    }
    let pipe = place.folder.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o666),
        0,
    )
    .unwrap();
    fs::set_permissions(&pipe, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    for (source, says) in [
        (pipe.to_str().unwrap(), "no regular file"),
        ("/dev/zero", "no regular file"),
    ] {
        let volume = format!("{source}:/etc/passwd");
        place
            .run(&["-v", &volume, "-u", "app"], &["true"])
            .exits(125)
            .says(says);
    }
}
