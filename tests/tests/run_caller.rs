//! Promise: a container has of its caller what was given to it, and nothing else: no
//! open file, no umask; and its user has the standard streams.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use e2e::command::take_environment;
use e2e::run_place::{EVERYBODY, Place, USER, Who};
use e2e::{need, run};

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
    take_environment(&mut command, inner);
    command
}

/// Has a command get the machine's root by these numbers.
fn hand_down_root(command: &mut Command, numbers: &'static [i32]) {
    let root = File::open("/").expect("the machine has a root");
    // SAFETY: system calls that take numbers.
    unsafe {
        command.pre_exec(move || {
            for to in numbers {
                if libc::dup2(root.as_raw_fd(), *to) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
            }
            Ok(())
        });
    }
}

/// A hole once: a folder that the caller had open was a way out of the container.
#[test]
fn no_open_file_of_the_callers() {
    for who in EVERYBODY {
        for init in [&[][..], &["--init"]] {
            let place = Place::new(who);
            let mut inner = place.command(
                init,
                &[
                    "sh",
                    "-c",
                    "for n in 3 4 9 99; do test ! -e /proc/self/fd/$n || echo $n; done",
                ],
            );
            hand_down_root(&mut inner, &[9, 99]);
            // dash opens nothing beyond these by itself.
            run(&mut inner).ok().prints("");
        }
    }
}

/// A hole once: from a folder among the standard streams paths led to the machine's files.
#[test]
fn no_standard_stream_is_a_folder() {
    let inside = [
        "sh",
        "-c",
        "cat /proc/self/fd/0/../etc/hostname /proc/self/fd/[12]/../etc/hostname",
    ];
    for who in EVERYBODY {
        let place = Place::of(who);
        for (options, given, stream) in [
            (&["-i"][..], "</etc", "input"),
            (&[], "1</etc", "output"),
            (&["--init", "-i"], "1</etc", "output"),
        ] {
            let command = by_script(&format!("\"$@\" {given}"), &place.command(options, &inside));
            run(&mut { command })
                .exits(125)
                .says(&format!("standard {stream} is a folder"));
        }
        // What the container does not get may be one.
        let command = by_script("\"$@\" </etc", &place.command(&[], &["echo", "well"]));
        run(&mut { command }).ok().prints("well");
        let command = by_script("\"$@\" 2</etc", &place.command(&[], &inside));
        run(&mut { command }).exits(125).prints("");
    }
}

/// A hole once: an input was written to and given away, an output that is appended to was
/// cut, by the streams' names in /proc.
#[test]
fn the_callers_files_stay_as_they_are() {
    for who in EVERYBODY {
        let place = Place::of(who);
        let folder = place.home();
        let (input, log) = (folder.join("input"), folder.join("log"));
        fs::write(&input, "given\n").unwrap();
        fs::write(&log, "precious\n").unwrap();
        for (path, mode) in [(&input, 0o444), (&log, 0o666)] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let script = "cat; for n in 0 1 2; do echo over > /proc/self/fd/$n; chmod 777 /proc/self/fd/$n; done 2>/dev/null; \
                      echo error >&2; : > /dev/stdout; echo last; exit 3";
        for init in [&["-i"][..], &["-i", "--init"]] {
            let files = format!("\"$@\" < {} >> {} 2>&1", input.display(), log.display());
            let command = place.command(init, &["sh", "-c", script]);
            run(&mut by_script(&files, &command)).exits(3);
        }
        assert_eq!(fs::read_to_string(&input).unwrap(), "given\n");
        let once = "given\nover\nerror\nlast\n";
        let said = fs::read_to_string(&log).unwrap();
        assert_eq!(said, format!("precious\n{once}{once}"), "{who:?}");
        for (path, mode) in [(&input, 0o444), (&log, 0o666)] {
            let now = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(now & 0o7777, mode, "{who:?}: {}", path.display());
        }
        // A file that takes nothing is told of.
        let command = place.command(&[], &["sh", "-c", "head -c 100000 /dev/zero"]);
        let full = format!("ulimit -f 8; trap '' XFSZ; \"$@\" > {}", log.display());
        run(&mut by_script(&full, &command))
            .exits(125)
            .says("write what the container has written");
    }
}

/// A hole once: without -t, too, the container read the caller's terminal and set it.
#[test]
fn the_callers_terminal_is_not_the_containers() {
    for who in EVERYBODY {
        let place = Place::of(who);
        let script = "for n in 0 1 2; do test -t $n && echo $n; done; readlink /proc/self/fd/1 | cut -d: -f1; exit 5";
        let command = place.command(&["-i"], &["sh", "-c", script]);
        let terminal = need::program("script", "bsdutils");
        let in_terminal = "TERMINAL --quiet --return --command \"$(printf ' %s' \"$@\" | sed 's/sh -c .*//') sh -c '$SCRIPT'\" /dev/null";
        let in_terminal = in_terminal.replace("TERMINAL", &terminal.display().to_string());
        let mut command = by_script(&in_terminal, &command);
        command.env("SCRIPT", script);
        run(&mut command).exits(5).prints("pipe");
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

/// A fault once: a pipe of the machine's, with a name and an owner, was given away.
#[test]
fn a_pipe_with_a_name_stays_whose_it_is() {
    use std::os::unix::fs::MetadataExt;
    for who in [Who::Me, Who::Ranges] {
        let place = Place::new(who);
        let pipe = place.home().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o666);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        if who != Who::Me {
            std::os::unix::fs::chown(&pipe, Some(USER), Some(USER)).unwrap();
        }
        let before = fs::metadata(&pipe).unwrap().uid();
        let inner = place.command(&["-i", "-u", "1000"], &["true"]);
        let script = format!("exec 0<>{}; \"$@\"", pipe.display());
        run(&mut by_script(&script, &inner)).ok();
        assert_eq!(fs::metadata(&pipe).unwrap().uid(), before, "{who:?}");
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

/// A hole once: process 1 was the machine's own file of this program, to which links of
/// /proc led an image's ENTRYPOINT, and with it root's writes inside.
#[test]
fn no_program_is_what_process_1_has_open() {
    for who in EVERYBODY {
        let place = Place::new(who);
        let folder = place.folder.path().join("links");
        fs::create_dir(&folder).unwrap();
        symlink("/proc/self/exe", folder.join("link")).unwrap();
        for (name, interpreter) in [
            ("script", "/proc/self/exe"),
            ("by-link", "/links/link"),
            ("by-script", "/links/script"),
            ("folder", "/proc/self/root/bin/sh"),
        ] {
            let script = folder.join(name);
            fs::write(&script, format!("#!{interpreter} --version\n")).unwrap();
            fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let volume = format!("{}:/links", folder.display());
        for init in [&[][..], &["--init"]] {
            let options = [init, &["-v", &volume]].concat();
            for program in [
                "/proc/self/exe",
                "/proc/1/exe",
                "/links/link",
                "/links/script",
                "/links/by-link",
                "/links/by-script",
                "/links/folder",
            ] {
                place
                    .run(&options, &[program, "--version"])
                    .exits(126)
                    .prints("")
                    .says("open outside the container");
            }
            // What PATH leads to.
            let path = [&options[..], &["-e", "PATH=/none:/links:/bin"]].concat();
            place
                .run(&path, &["link", "--version"])
                .exits(126)
                .says("open outside the container");
            place.run(&path, &["uname", "-m"]).ok().prints("aarch64");
            let mut inner = place.command(init, &["/proc/self/fd/9/bin/true"]);
            hand_down_root(&mut inner, &[9]);
            run(&mut inner).exits(127).prints("");
        }
    }
}

/// With --init, process 1 is this program as long as the container lives.
#[test]
fn nobody_inside_changes_the_file_of_process_1() {
    use std::os::unix::fs::MetadataExt;
    for who in EVERYBODY {
        let place = Place::new(who);
        let file = place.folder.path().join("armistice");
        if who != Who::Me {
            std::os::unix::fs::chown(&file, Some(USER), Some(USER)).unwrap();
        }
        let before = (
            fs::read(&file).unwrap(),
            fs::metadata(&file).unwrap().mode(),
        );
        let script = "for f in /proc/1/exe /proc/1/map_files/* /proc/1/root/x /proc/1/fd/9; do \
                      (echo x >> $f) 2>/dev/null && echo written $f; \
                      (chmod 7777 $f) 2>/dev/null && echo changed $f; done; echo tried";
        place.sh(&["--init"], script).ok().prints("tried");
        let after = (
            fs::read(&file).unwrap(),
            fs::metadata(&file).unwrap().mode(),
        );
        assert!(before == after, "{who:?}");
        // Nor could they by whatever else led there: not even the machine's root can.
        let mut child = place
            .command(&["--init"], &["sh", "-c", "echo; exec sleep 1000"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0];
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut ready)
            .unwrap();
        let inside: Vec<String> = descendants(child.id())
            .into_iter()
            .filter(|pid| is_process_1(pid))
            .collect();
        let refused: Vec<Option<i32>> = inside
            .iter()
            .map(|pid| {
                let mode = fs::Permissions::from_mode(0o755);
                let changed = fs::set_permissions(format!("/proc/{pid}/exe"), mode);
                changed.err().and_then(|e| e.raw_os_error())
            })
            .collect();
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        child.wait().unwrap();
        assert_eq!(refused, [Some(libc::EROFS)], "{who:?}");
    }
}

/// The number of a process, and of all that it has started.
fn descendants(pid: u32) -> Vec<String> {
    let mut all = vec![pid.to_string()];
    let mut at = 0;
    while let Some(pid) = all.get(at) {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        all.extend(children.split_whitespace().map(str::to_owned));
        at += 1;
    }
    all
}

/// Whether a process is the first of its namespace.
fn is_process_1(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("NSpid:"));
    let numbers: Vec<&str> = line.unwrap_or_default().split_whitespace().collect();
    numbers.len() > 1 && numbers.last() == Some(&"1")
}

/// A program whose file has gone from its path, as after an upgrade.
#[test]
fn a_command_that_was_removed_runs() {
    let place = Place::of(Who::User);
    let copies = place.home().join("removed");
    fs::create_dir(&copies).unwrap();
    for name in ["armistice", "armistice-aarch64"] {
        fs::copy(place.folder.path().join(name), copies.join(name)).unwrap();
    }
    let inner = place.command(&[], &["uname", "-m"]);
    let at = copies.display();
    let script = format!(
        "exec 3<{at}/armistice; rm {at}/armistice; shift 2; \
         exec /proc/self/fd/3 run --emulator-dir {at} \"$@\""
    );
    run(&mut by_script(&script, &inner)).ok().prints("aarch64");
}
