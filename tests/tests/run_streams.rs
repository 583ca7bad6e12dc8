//! Promise: of its caller's standard streams a container gets the bytes, in order and all of
//! them, and gives its own; the streams themselves stay the caller's.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use e2e::command::take_environment;
use e2e::run_place::{EVERYBODY, Place, USER, Who};
use e2e::{need, run};

/// A bash script with a place's command as `"$@"`.
fn script(script: &str, inner: &Command) -> Command {
    let mut command = Command::new(need::program("bash", "bash"));
    command.args(["-c", script, "bash"]);
    command.arg(inner.get_program()).args(inner.get_args());
    take_environment(&mut command, inner);
    command
}

/// A folder of the place's user, for files of a test's.
fn folder(place: &Place, name: &str) -> PathBuf {
    let folder = place.home().join(name);
    fs::create_dir(&folder).expect("the test's own files");
    std::os::unix::fs::chown(&folder, Some(USER), Some(USER)).expect("the test's own files");
    folder
}

/// Holes once: a command read from its output what others had written into the pipe, wrote to
/// its input, and left the caller's pipe to its user, and as one that does not wait.
#[test]
fn a_pipe_of_the_callers_stays_the_callers() {
    let inside = "exec 2>/dev/null; for n in 1 2; do dd if=/proc/self/fd/$n iflag=nonblock of=/tmp/x count=1; \
                  read line < /tmp/x; case $line in *secret*) echo leaked;; esac; done; \
                  echo evil > /proc/self/fd/0; echo x | dd oflag=nonblock";
    let outer = "state() { stat -L -c '%u %a' /proc/self/fd/$1; grep flags /proc/self/fdinfo/$1; }; \
                 sleep 3 | { exec 7>&1 8<&0; state 7 >before; state 8 >>before; echo secret; \
                 \"$@\" 7>&- 8<&-; state 7 >after; state 8 >>after; cat; } | { sleep 3; cat; } > out; \
                 cmp before after && cat out";
    for who in EVERYBODY {
        let place = Place::new(who);
        let folder = folder(&place, "pipes");
        let inner = place.command(&["-i", "-u", "1000"], &["sh", "-c", inside]);
        let mut command = script(outer, &inner);
        run(command.current_dir(folder)).ok().prints("secret\nx");
    }
}

/// A hole once: a socket led to the machine's network, whatever network the container had.
#[test]
fn a_socket_of_the_callers_stays_the_callers() {
    for who in EVERYBODY {
        let place = Place::of(who);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (unix, peer) = UnixStream::pair().unwrap();
        for (ours, theirs) in [
            (
                OwnedFd::from(listener.accept().unwrap().0),
                OwnedFd::from(tcp),
            ),
            (unix.into(), peer.into()),
        ] {
            let inside = "cat; for n in 0 1 2; do readlink /proc/self/fd/$n | cut -d: -f1; done";
            let mut command = place.command(&["-i", "--network", "none"], &["sh", "-c", inside]);
            let stream = || Stdio::from(theirs.try_clone().unwrap());
            command.stdin(stream()).stdout(stream()).stderr(stream());
            let mut child = command.spawn().unwrap();
            drop((command, theirs));
            // Both kinds are read and written alike.
            let mut ours = UnixStream::from(ours);
            ours.write_all(b"given\n").unwrap();
            ours.shutdown(std::net::Shutdown::Write).unwrap();
            let mut said = String::new();
            ours.read_to_string(&mut said).unwrap();
            assert!(child.wait().unwrap().success(), "{said}");
            assert_eq!(said, "given\npipe\npipe\npipe\n", "{who:?}");
        }
    }
}

/// All bytes come through, by each kind of stream, and each end is seen at the other.
#[test]
fn streams_are_as_without_a_container() {
    let place = Place::new(Who::User);
    let folder = folder(&place, "streams");
    let volume = format!("{}:/w", folder.display());
    let carried = |options: &[&str], words: &[&str], outer: &str| {
        let options = [options, &["-v", &volume]].concat();
        let mut command = script(outer, &place.command(&options, words));
        run(command.current_dir(&folder))
    };
    run(Command::new("sh")
        .args(["-c", "head -c 3000000 /dev/urandom > bytes; mkfifo fifo"])
        .current_dir(&folder))
    .ok();
    for outer in [
        "\"$@\" < bytes | cmp - bytes",
        "cat bytes | \"$@\" > file; cmp file bytes",
        "cat bytes > fifo & \"$@\" < fifo | cmp - bytes",
        "cat fifo > file & cat bytes | \"$@\" > fifo; wait; cmp file bytes",
        // Some that do not wait.
        "{ sleep 1; cat bytes; sleep 1; } | python3 -c 'import os, sys, subprocess as s; \
         os.set_blocking(0, False); os.set_blocking(1, False); s.run(sys.argv[1:])' \"$@\" | (sleep 2; cmp - bytes)",
    ] {
        carried(&["-i"], &["cat"], outer).ok().prints("");
    }
    // Who reads no more ends who writes (process 1 gets no signal, and sees the error), and the
    // other way round.
    let outer = "\"$@\" 2>/dev/null | head -n 1; echo ${PIPESTATUS[@]}";
    carried(&[], &["yes"], outer).ok().prints("y\n1 0");
    carried(&["--init"], &["yes"], outer)
        .ok()
        .prints("y\n141 0");
    // A hang once: the shell passed over the error, for ever.
    let endless = "while :; do echo y; done";
    carried(&[], &["sh", "-c", endless], outer)
        .ok()
        .prints("y\n141 0");
    let outer = "yes | \"$@\"; echo ${PIPESTATUS[@]}";
    carried(&["-i"], &["head", "-n", "1"], outer)
        .ok()
        .prints("y\n141 0");
    // The first write after that shows it, and those behind it fail.
    let idle =
        "trap '' PIPE; echo first; sleep 2; echo second; sleep 2; echo third || echo > /w/gone";
    carried(&[], &["sh", "-c", idle], "\"$@\" 2>/dev/null | head -n 1")
        .ok()
        .prints("first");
    assert!(folder.join("gone").exists());
    // A file is written behind what is there, and the exit code is the command's.
    let outer = "echo one > log; \"$@\" >> log 2>&1 < /dev/null; echo $?; cat log";
    let inside = "cat; echo two; echo three >&2; echo four; exit 7";
    carried(&["-i"], &["sh", "-c", inside], outer)
        .ok()
        .prints("7\none\ntwo\nthree\nfour");
    // Data were lost in silence once, where an input broke off.
    carried(&["-i"], &["cat"], "\"$@\" 0>file")
        .exits(125)
        .says("cannot read the standard input");
    // A hang once: the other end of a pipe.
    carried(
        &["-i"],
        &["cat"],
        "\"$@\" 0>&1 | cat; exit ${PIPESTATUS[0]}",
    )
    .exits(125)
    .says("cannot read the standard input");
    // Without -i nothing is read, also ahead.
    let outer = "printf 'a\\nb\\n' | while read line; do \"$@\"; echo $line; done";
    carried(&[], &["cat"], outer).ok().prints("a\nb");
}

/// What every container has itself is not carried.
#[test]
fn devices_are_the_containers_own() {
    let place = Place::new(Who::User);
    let folder = folder(&place, "devices");
    let volume = format!("{}:/w", folder.display());
    let inside = "exec 5<&0 6>&1 7>&2; cd /proc/self/fd; stat -L -c %t:%T 5 6 7 > /w/state";
    let inner = place.command(&["-i", "-v", &volume], &["sh", "-c", inside]);
    let outer = "\"$@\" < /dev/zero > /dev/full 2> /dev/null";
    run(&mut script(outer, &inner)).ok();
    let state = fs::read_to_string(folder.join("state")).unwrap();
    assert_eq!(state, "1:5\n1:7\n1:3\n");
}

/// A fault once: whatever process 1 wrote elsewhere counted, once the caller's reader had gone.
#[test]
fn who_writes_nothing_to_a_reader_that_has_gone_goes_on() {
    let inside = "end=$(($(date +%s) + 4)); while [ $(date +%s) -lt $end ]; do echo x > /tmp/x; done; exit 7";
    for who in EVERYBODY {
        let place = Place::of(who);
        let inner = place.command(&[], &["sh", "-c", inside]);
        let mut command = script("\"$@\" | true; echo ${PIPESTATUS[0]}", &inner);
        run(&mut command).ok().prints("7");
    }
}

/// A hang once: nobody had a command go on that was stopped as by Ctrl-Z.
#[test]
fn a_command_under_init_is_not_stopped_for_good() {
    for who in EVERYBODY {
        let place = Place::of(who);
        let mut command = place.command(&["--init"], &["sh", "-c", "kill -TSTP $$; exit 5"]);
        let _ = run(&mut command).exits(5);
    }
}
