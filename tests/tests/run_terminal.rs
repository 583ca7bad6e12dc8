//! Promise: a container with a terminal behaves as one with docker: it has the terminal's size and
//! keys, leaves the caller's terminal as it was, and ends with the terminal or its reader.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use e2e::command::{run_within, take_environment};
use e2e::run_place::{Place, Who};
use e2e::{need, run};

/// A terminal's session with a container, by Python's pty.
const SESSION: &str = r#"
import fcntl, os, pty, struct, sys, termios, time
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
said = b""
def size(rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
def until(word):
    global said
    while word not in said:
        said += os.read(fd, 4096)
    said = said.split(word, 1)[1]
def type_in(text, word):
    os.write(fd, text)
    until(word)
size(33, 99)
type_in(b"echo rea''dy\n", b"ready")
type_in(b"stty size\n", b"33 99")
type_in(b"test -t 0 -a -t 1 -a -t 2 && echo te''rm $TERM\n", b"term xterm")
size(44, 111)
until_changed = time.time() + 30
while True:
    os.write(fd, b"stty size; echo en''d\n")
    until(b"stty size")
    line = b""
    while b"end" not in line:
        line += os.read(fd, 4096)
    if b"44 111" in line or time.time() > until_changed:
        break
assert b"44 111" in line, line
type_in(b"echo sl''eep; sleep 100\n", b"sleep\r\n")
time.sleep(0.5)
os.write(fd, b"\x03")
type_in(b"echo in''terrupted\n", b"interrupted")
os.write(fd, b"exit 9\n")
try:
    while os.read(fd, 4096): pass
except OSError: pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

#[test]
fn a_terminal_of_its_own() {
    for init in [&[][..], &["--init"]] {
        let place = Place::of(Who::User);
        let options = [&["-it"][..], init].concat();
        let inner = place.command(&options, &["sh"]);
        let mut session = Command::new(need::program("python3", "python3"));
        session
            .args(["-c", SESSION])
            .arg(inner.get_program())
            .args(inner.get_args());
        session.current_dir(place.home());
        take_environment(&mut session, &inner);
        run_within(&mut session, Duration::from_secs(60), |_| ()).exits(9);
    }
}

/// Starts a command with Python's pty in the place of a terminal, does this to the terminal (in
/// Python), and ends when the command did.
fn in_a_terminal(what: &str, inner: &Command) -> Command {
    let session = format!("{IN_A_TERMINAL}\n{what}\n{ENDS}");
    let mut command = Command::new(need::program("python3", "python3"));
    command.args(["-c", &session]);
    command.arg(inner.get_program()).args(inner.get_args());
    command.current_dir(inner.get_current_dir().expect("a place's command"));
    take_environment(&mut command, inner);
    command
}

const IN_A_TERMINAL: &str = r#"
import os, pty, signal, sys, time
pid, fd = pty.fork()
if pid == 0:
    # Whoever runs the tests may ignore it.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.execvp(sys.argv[1], sys.argv[1:])
def until(word):
    said = b""
    while word not in said:
        said += os.read(fd, 4096)
"#;

const ENDS: &str = r#"
for _ in range(1200):
    ended, status = os.waitpid(pid, os.WNOHANG)
    if ended:
        print(os.waitstatus_to_exitcode(status))
        sys.exit()
    time.sleep(0.1)
os.kill(pid, signal.SIGKILL)
print("does not end")
"#;

/// Faults once: a container lived on when its terminal was closed, and when nobody read what
/// it wrote; nor could it be ended by a signal as long as its reader stood still.
#[test]
fn a_container_ends_with_its_terminal_and_its_reader() {
    let place = Place::of(Who::User);
    let ends = |options: &[&str], script: &str, what: &str| {
        let inner = place.command(options, &["sh", "-c", script]);
        let done = run_within(
            &mut in_a_terminal(what, &inner),
            Duration::from_secs(200),
            |_| (),
        );
        done.ok().stdout.trim().to_owned()
    };
    let writes = "echo ready; while :; do echo a line of more than few letters; done";
    let closed = "until(b'ready'); os.close(fd)";
    for options in [&["-it"][..], &["-it", "--init"], &["-i"]] {
        assert_eq!(
            ends(options, "echo ready; sleep 1000", closed),
            "129",
            "{options:?}"
        );
    }
    assert_eq!(
        ends(
            &["-it"],
            "trap 'exit 7' HUP; echo ready; while :; do sleep 1; done",
            closed
        ),
        "7"
    );
    // Nobody reads any more.
    let mut unread = place
        .command(&["-t"], &["sh", "-c", writes])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(unread.stdout.take());
    assert_eq!(ended(&mut unread), Some(129));
    // The reader stands still.
    let mut stuck = place
        .command(&["-t", "--init"], &["yes"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = rustix::process::Pid::from_child(&stuck);
    std::thread::sleep(Duration::from_secs(5));
    for _ in 0..60 {
        // What it had written waits for its reader when it has ended, until another signal.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        std::thread::sleep(Duration::from_secs(1));
        if stuck.try_wait().unwrap().is_some() {
            break;
        }
    }
    assert_eq!(ended(&mut stuck), Some(143));
}

/// A shell that has a container with a terminal in its background, and then in the
/// foreground.
const BACKGROUND: &str = r#"
import os, pty, signal, sys, termios, time
pid, fd = pty.fork()
if pid == 0:
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        os.execvp(sys.argv[1], sys.argv[1:])
    while not os.path.exists(os.environ["READY"]):
        time.sleep(0.1)
    time.sleep(1)
    if not termios.tcgetattr(0)[3] & termios.ICANON:
        sys.exit("the shell's terminal is raw")
    print("asks", flush=True)
    print("shell got " + sys.stdin.readline(), flush=True)
    os.tcsetpgrp(0, job)
    os.kill(job, signal.SIGCONT)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(job, 0)[1]))
said = b""
def until(word):
    global said
    while word not in said:
        said += os.read(fd, 4096)
    said = said.split(word, 1)[1]
until(b"asks")
os.write(fd, b"mine\n")
until(b"shell got mine")
time.sleep(1)
os.write(fd, b"yours\n")
try:
    until(b"command got yours")
    while os.read(fd, 4096): pass
except OSError: pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

/// A fault once: in a shell's background, the shell's terminal was made raw for the
/// container, and the container had no input ever after.
#[test]
fn a_terminal_in_the_background_is_the_shells() {
    let place = Place::of(Who::User);
    let shared = place.home().join("background");
    fs::create_dir(&shared).unwrap();
    run(Command::new("chown")
        .arg(e2e::run_place::USER.to_string())
        .arg(&shared))
    .ok();
    let volume = format!("{}:/w", shared.display());
    let script = "echo > /w/ready; read line; echo command got $line; exit 5";
    let inner = place.command(&["-it", "-v", &volume], &["sh", "-c", script]);
    let mut session = Command::new(need::program("python3", "python3"));
    session.args(["-c", BACKGROUND]);
    session.arg(inner.get_program()).args(inner.get_args());
    take_environment(&mut session, &inner);
    session
        .current_dir(place.home())
        .env("READY", shared.join("ready"));
    run_within(&mut session, Duration::from_secs(60), |_| ()).exits(5);
}

/// The exit code of a child that ends within a minute.
fn ended(child: &mut Child) -> Option<i32> {
    for _ in 0..600 {
        if let Some(status) = child.try_wait().expect("a child") {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    child.kill().expect("a child");
    None
}
