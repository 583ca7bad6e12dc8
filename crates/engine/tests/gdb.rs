//! Promise: with `-g`, GDB drives the guest: breakpoints, registers, memory,
//! steps, watched data, signals, threads, `fork` and `exec`; and whatever comes
//! over the connection, the engine stays sound.
//!
//! Needs Debian's gdb-multiarch and cross compilers, which `cargo xtask test`
//! installs.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use common::compiled::{self, Target};
use common::engine;
use tempfile::TempDir;

fn compile(dir: &TempDir) -> PathBuf {
    compiled(dir, "debugged.c")
}

fn compiled(dir: &TempDir, source: &str) -> PathBuf {
    let flags = ["-g", "-O1", "-fno-inline", "-static", "-pthread"];
    compiled::compile(Target::Guest, source, &flags, dir.path().join("program"))
}

/// A program that waits for a debugger, or has one.
struct Debugged {
    child: Child,
    place: String,
    error: BufReader<std::process::ChildStderr>,
}

impl Drop for Debugged {
    /// A test that fails leaves nothing behind, and says how far it came.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let ended = self.child.try_wait();
            let _ = self.child.kill();
            let mut error = String::new();
            let _ = self.error.read_to_string(&mut error);
            let after = self.child.wait();
            let _ = writeln!(
                std::io::stderr(),
                "the program: {ended:?}, {after:?}\n{error}"
            );
        }
    }
}

impl Debugged {
    /// Started, and waiting there.
    fn start(options: &[&str], place: &str, program: &Path, arguments: &[&str]) -> Self {
        let mut child = engine()
            .args(options)
            .args(["-g", place])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut error = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        error.read_line(&mut line).unwrap();
        let (_, place) = line
            .trim_end()
            .split_once("waiting for GDB; tell it: target remote ")
            .unwrap_or_else(|| panic!("{line}"));
        let place = place.to_owned();
        Self {
            child,
            place,
            error,
        }
    }

    /// GDB, which does the commands, one a line.
    fn gdb(&self, commands: &str) -> Command {
        let mut gdb = Command::new("gdb-multiarch");
        gdb.args(["-nx", "-batch", "-iex", "set debuginfod enabled off"]);
        for command in ["set confirm off", "set pagination off", "set width 0"] {
            gdb.args(["-ex", command]);
        }
        gdb.arg("-ex").arg(format!("target remote {}", self.place));
        for command in commands.lines() {
            gdb.args(["-ex", command.trim()]);
        }
        gdb.env("LC_ALL", "C").stdin(Stdio::null());
        gdb
    }

    /// What GDB prints that does the commands, and what the program does: its
    /// standard output and its end.
    fn driven(mut self, commands: &str) -> (String, String, ExitStatus) {
        let output = self
            .gdb(commands)
            .output()
            .expect("gdb-multiarch: cargo xtask test installs it");
        let text = String::from_utf8(output.stdout).unwrap();
        let (stdout, status) = self.end();
        (text, stdout, status)
    }

    fn end(&mut self) -> (String, ExitStatus) {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        let mut output = self.child.stdout.take().unwrap();
        output.read_to_string(&mut stdout).unwrap();
        self.error.read_to_string(&mut stderr).unwrap();
        assert_eq!(stderr, "");
        (stdout, self.child.wait().unwrap())
    }
}

/// All of these come in this order.
#[track_caller]
fn has_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let Some(at) = rest.find(part) else {
            panic!("no {part:?} where it should be, in\n{text}");
        };
        rest = &rest[at + part.len()..];
    }
}

const PLAIN: &str = "break add\ncontinue\nbacktrace\nprint counter\nprint $x1\nprint text\n\
    finish\ncontinue\nnext\nprint counter\nset var value = 7\nprint value\n\
    print $cpsr = 0x60000000\nprint $v5.q.u[0] = 0x1234\nstepi\nprint/x $v5.s.u[0]\n\
    print/x $cpsr\ndelete\nprint add(20, 1)\nwatch counter\ncontinue\ndelete\ntbreak handler\n\
    continue\nprint $_siginfo.si_signo\ncontinue\nbacktrace\ncontinue\nx/i $pc\nprint/x *(int *)$pc\n\
    jump *($pc + 4)";

#[test]
fn a_program_is_driven() {
    let dir = TempDir::new().unwrap();
    let program = compile(&dir);
    for options in [&[][..], &["--interpret"]] {
        let debugged = Debugged::start(options, "0", &program, &[]);
        let (text, stdout, status) = debugged.driven(PLAIN);
        has_in_order(
            &text,
            &[
                " in _start ()\n",
                "Breakpoint 1, add (a=",
                "#0  add (a=",
                " in plain () at ",
                " in main (count=",
                "$1 = 0\n$2 = 2\n",
                "\"hello\"\n",
                "Value returned is $4 = 2\n",
                "Breakpoint 1, add (a=",
                "$5 = 2\n$6 = 7\n$7 = 1610612736\n$8 = 4660\n",
                "$9 = 0x1234\n$10 = 0x60000000\n$11 = 21\n",
                "Hardware watchpoint 2: counter\n",
                "Old value = 22\nNew value = 26\n",
                "received signal SIGUSR1, User defined signal 1.\n",
                "$12 = 10\n",
                "breakpoint 3, handler (signal=10)",
                "<signal handler called>\n",
                " in plain () at ",
                "received signal SIGTRAP, Trace/breakpoint trap.\n",
                "brk\t#0x7\n$13 = 0xd42000e0\n",
                "exited with code 07]",
            ],
        );
        assert_eq!(stdout, "hello\n1032\n");
        assert_eq!(status.code(), Some(7));
    }
}

const IN_A_LOOP: &str = "handle SIGALRM stop nopass\ncontinue\nprint/x $x3\nprint/x $x11\n\
    print/x $x28\nprint $x1 > 1000\nbreak *multiply_loop\ncontinue\nprint/x $x12\ndelete\n\
    print $x1 = 8\nstepi 31\nprint/x $x13\nprint $x1\nprint/x $x11 = 0x77\nstepi\nprint/x $x11\n\
    print $x19 = 7\nprint $x20\ntbreak *(long)&multiply_over - 64\ncontinue\nprint/x $x11\ncontinue";

/// A loop that has other registers than the rest is stopped, looked at, and changed.
#[test]
fn a_loop_that_multiplies_is_driven() {
    let dir = TempDir::new().unwrap();
    let program = compiled(&dir, "swapped.c");
    let debugged = Debugged::start(&[], "0", &program, &["debugged"]);
    let (text, stdout, status) = debugged.driven(IN_A_LOOP);
    has_in_order(
        &text,
        &[
            "received signal SIGALRM",
            "$1 = 0x3333\n$2 = 0x1111\n$3 = 0x2828\n$4 = 1\n",
            "Breakpoint 1, ",
            "$5 = 0x1212\n",
            "$6 = 8\n",
            "$7 = 0x1313\n",
            "$9 = 0x77\n",
            "$10 = 0x77\n",
            "$11 = 7\n",
            "Temporary breakpoint 2, ",
            "$13 = 0x77\n",
            "exited normally]",
        ],
    );
    assert_eq!(stdout, "done\n");
    assert_eq!(status.code(), Some(0));
}

/// Stopped by the user while one thread waits in the kernel and two run: a
/// function is called in the one that waits, and it waits on.
#[test]
fn threads_are_driven() {
    let dir = TempDir::new().unwrap();
    let program = compile(&dir);
    let mut debugged = Debugged::start(&[], "0", &program, &["threads"]);
    let mut gdb = debugged
        .gdb(
            "set $n = 0\nbreak hit if ($n++, 0)\ncontinue\nprint $n\ninfo threads\nthread 1\n\
             print twice(21)\nprint spins[0] > 0 && spins[1] > 0\nthread apply all -q backtrace 1\n\
             delete\nbreak twice\ncontinue\nfinish\ncontinue",
        )
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(debugged.child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    // It reads, by the host's number.
    let call = format!("/proc/{}/syscall", debugged.child.id());
    while !std::fs::read_to_string(&call)
        .unwrap()
        .starts_with("0 0x0 ")
    {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let status = Command::new("kill")
        .arg("-INT")
        .arg(gdb.id().to_string())
        .status();
    assert!(status.unwrap().success());
    // Not before all that is up to the debugger has been done: the program
    // ends with what it reads.
    let mut output = BufReader::new(gdb.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("Breakpoint 2 at ") {
        assert!(output.read_line(&mut text).unwrap() > 0, "{text}");
    }
    let mut stdin = debugged.child.stdin.take().unwrap();
    stdin.write_all(b"abc").unwrap();
    output.read_to_string(&mut text).unwrap();
    gdb.wait().unwrap();
    has_in_order(
        &text,
        &[
            "received signal SIGINT, Interrupt.\n",
            " in read ()",
            "$1 = 20\n",
            "* 1    Thread ",
            " in read ()",
            "spin (",
            "spin (",
            "$2 = 42\n$3 = 1\n",
            "hit Breakpoint 2, twice (",
            "= 6\n",
            "exited with code 06]",
        ],
    );
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "read 3\n");
    assert_eq!(debugged.child.wait().unwrap().code(), Some(6));
}

/// A function is called in a thread that is in a system call: the call is done
/// once, and has its result.
#[test]
fn a_call_that_is_over_is_not_made_again() {
    let dir = TempDir::new().unwrap();
    let program = compile(&dir);
    let script = dir.path().join("commands");
    let commands = "break hit\ncommands\nthread 1\nset scheduler-locking on\nprint twice(21)\n\
                    set scheduler-locking off\ncontinue\nend\ncontinue\n";
    std::fs::write(&script, commands).unwrap();
    let debugged = Debugged::start(&[], "0", &program, &["writes"]);
    // What is written must be read meanwhile.
    let mut debugged = debugged;
    let mut stdout = debugged.child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        text
    });
    let output = debugged
        .gdb(&format!("source {}", script.display()))
        .output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    assert_eq!(text.matches(" = 42\n").count(), 10, "{text}");
    assert!(text.contains("exited with code 010]"), "{text}");
    let written = reader.join().unwrap();
    let (bytes, total) = written.trim_end().split_once('\n').unwrap();
    assert_eq!(bytes.len(), total.parse::<usize>().unwrap());
    assert_eq!(debugged.child.wait().unwrap().code(), Some(8));
}

/// A child runs on by itself, past breakpoints; the next program is debugged.
#[test]
fn children_and_the_next_program() {
    let dir = TempDir::new().unwrap();
    let program = compile(&dir);
    let debugged = Debugged::start(&[], "0", &program, &["children"]);
    let (text, stdout, status) = debugged
        .driven("break add\nbreak abort\ncontinue\nbacktrace\ncontinue\nbacktrace 3\ncontinue");
    has_in_order(
        &text,
        &[
            "is executing new program: ",
            "Breakpoint 2, ",
            " in abort ()",
            " in main (count=",
            "received signal SIGABRT, Aborted.\n",
            " in raise ()",
            "terminated with signal SIGABRT, Aborted.\n",
        ],
    );
    assert_eq!(stdout, "child 300\n");
    assert_eq!(status.signal(), Some(6));
}

/// The next program may be the other guest's: GDB is told of its registers.
#[test]
fn the_next_program_is_the_other_guests() {
    let dir = TempDir::new().unwrap();
    let first = compiled(&dir, "executes.c");
    let other = dir.path().join("other");
    let flags = ["-g", "-O1", "-fno-inline", "-static"];
    let other = compiled::compile(Target::Hard, "both.c", &flags, other);
    let name = other.to_str().unwrap();
    let debugged = Debugged::start(&[], "0", &first, &[name, "child", "plain"]);
    let commands = format!(
        "catch exec\ncontinue\nfile {name}\nshow architecture\nbreak child\ncontinue\n\
         backtrace\nprint argv[2]\nprint sizeof(long)\nprint $r0 == argc\ndelete\ncontinue"
    );
    let (text, stdout, status) = debugged.driven(&commands);
    has_in_order(
        &text,
        &[
            "is executing new program: ",
            "currently \"arm",
            "\n#0  child (argc=argc@entry=3, ",
            "#1 ",
            " in main (argc=3, ",
            "\"plain\"\n",
            " = 4\n",
            " = 1\n",
            "exited with code 07",
        ],
    );
    assert!(stdout.contains("plain: 32 bits"), "{stdout}");
    assert_eq!(status.code(), Some(7));
}

#[test]
fn left_alone_or_killed() {
    let dir = TempDir::new().unwrap();
    let program = compile(&dir);
    let debugged = Debugged::start(&[], "0", &program, &["abort"]);
    let (_, _, status) = debugged.driven("break abort\ncontinue\nkill");
    assert_eq!(status.signal(), Some(9));
    // Its brk ends it, and what it printed is lost.
    let commands = "break add\ncontinue\nset $x1 = 3\ndetach";
    let debugged = Debugged::start(&[], "0", &program, &["children"]);
    let (text, stdout, status) = debugged.driven("break main\ncontinue\nbreak add\ndetach");
    assert!(text.contains("Breakpoint 1, main ("), "{text}");
    assert_eq!((&*stdout, status.signal()), ("child 300\n", Some(6)));
    let debugged = Debugged::start(&[], "0", &program, &[]);
    let (_, stdout, status) = debugged.driven(commands);
    assert_eq!((&*stdout, status.signal()), ("", Some(5)));
}

/// The sum of a packet's bytes, and its frame.
fn packet(text: &str) -> String {
    let sum = text.bytes().fold(0_u8, u8::wrapping_add);
    format!("${text}#{sum:02x}")
}

/// A connection without GDB.
fn connected(debugged: &Debugged) -> TcpStream {
    TcpStream::connect(&debugged.place).unwrap()
}

/// Sends a packet; the answer, up to the end of its frame.
fn asked(stream: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    let mut byte = [0];
    while answer.iter().rev().nth(2) != Some(&b'#') {
        if let Err(error) = stream.read_exact(&mut byte) {
            panic!("{}: {error}", String::from_utf8_lossy(bytes));
        }
        answer.push(byte[0]);
    }
    answer
}

/// Packets that mean nothing, cut off or absurd: each is answered, and the
/// program runs as if there had been none. The debugger goes without a word.
#[test]
fn packets_that_mean_nothing() {
    let dir = TempDir::new().unwrap();
    let program = compile(&dir);
    let mut debugged = Debugged::start(&[], "0", &program, &["children"]);
    let mut stream = connected(&debugged);
    let mut bytes = packet("QStartNoAckMode").into_bytes();
    assert_eq!(asked(&mut stream, &bytes), b"+$OK#9a");
    let long = "A".repeat(20_000);
    let mut packets: Vec<String> = [
        "",
        "?",
        "g",
        "G",
        "G00",
        "p",
        "pff",
        "p44",
        "P",
        "P0",
        "P0=",
        "P0=0",
        "Pffff=00",
        "m",
        "m0,8",
        "m10000000000000000,1",
        "m0,ffffffffffffffff",
        "mffffffffffffffff,ffff",
        "M",
        "M0,1:00",
        "M0,5:00",
        "X",
        "X0,2:a",
        "H",
        "Hg",
        "Hgzz",
        "Hg1",
        "Hg-1",
        "T",
        "T1",
        "Z",
        "Z0",
        "Z0,",
        "Z0,0,4",
        "Z1,3,4",
        "Z2,0,8",
        "Z2,ffffffffffffffff,ffffffff",
        "Z3,0,1",
        "Z9,0,1",
        "z0,0,4",
        "z2,0,1",
        "vCont",
        "vCont?",
        "vCont;",
        "vCont;x",
        "vCont;C",
        "vCont;Cff",
        "vCont;c:zz",
        "vFile:",
        "vFile:open",
        "vFile:open:",
        "vFile:open:2f,0,0",
        "vFile:open:2f6e6f,0,0",
        "vFile:open:2f,1,0",
        "vFile:pread:0,0,0",
        "vFile:pread:9,ff,0",
        "vFile:close:0",
        "vFile:close:0",
        "vFile:fstat:ffffffff",
        "vFile:readlink:2f",
        "vFile:unlink:2f",
        "qXfer:",
        "qXfer:features:read:target.xml",
        "qXfer:features:read:target.xml:0",
        "qXfer:features:read:target.xml:0,ffffffffffffffff",
        "qXfer:features:read:other:0,10",
        "qXfer:auxv:write:0:00",
        "qXfer:auxv:read::ffffff,1",
        "qXfer:siginfo:read::0,100",
        "qThreadExtraInfo,",
        "qThreadExtraInfo,ffffffffffffffff",
        "QPassSignals:",
        "QPassSignals:zz;ffff;e",
        "qSupported",
        "qSupported:",
        "qC",
        "qRcmd,00",
        "\u{1}\u{2}",
        "é",
    ]
    .map(str::to_owned)
    .to_vec();
    packets.push(format!("m0,{long}"));
    packets.push(format!("M0,1:{long}"));
    for text in packets {
        bytes = packet(&text).into_bytes();
        let answer = asked(&mut stream, &bytes);
        assert!(answer.starts_with(b"$"), "{text}: {answer:?}");
    }
    // No packets at all.
    stream.write_all(b"#00$#zz+-$g#00\x03").unwrap();
    let answer = asked(&mut stream, packet("?").as_bytes());
    let state = String::from_utf8_lossy(&answer).into_owned();
    assert!(state.starts_with("$T02thread:"), "{state}");
    drop(stream);
    let (stdout, status) = debugged.end();
    assert_eq!(stdout, "child 300\n");
    assert_eq!(status.signal(), Some(6));
}

/// What is not the program's is not the debugger's either.
#[test]
fn the_engine_is_out_of_reach() {
    let dir = TempDir::new().unwrap();
    let program = compile(&dir);
    let mut debugged = Debugged::start(&[], "0", &program, &["abort"]);
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", debugged.child.id())).unwrap();
    let engine = maps
        .lines()
        .find(|line| line.contains("armistice-aarch64"))
        .unwrap();
    let address = engine.split('-').next().unwrap();
    let mut stream = connected(&debugged);
    for what in [format!("m{address},4"), format!("M{address},1:00")] {
        let answer = asked(&mut stream, packet(&what).as_bytes());
        assert_eq!(
            String::from_utf8(answer).unwrap(),
            format!("+{}", packet("E0e"))
        );
    }
    stream.write_all(packet("k").as_bytes()).unwrap();
    let (_, status) = debugged.end();
    assert_eq!(status.signal(), Some(9));
}

#[test]
fn only_the_user_connects() {
    let dir = TempDir::new().unwrap();
    let program = compile(&dir);
    let path = dir.path().join("socket");
    let debugged = Debugged::start(&[], path.to_str().unwrap(), &program, &[]);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = engine()
        .args(["-g", path.to_str().unwrap()])
        .arg(&program)
        .output()
        .unwrap();
    let error = String::from_utf8(again.stderr).unwrap();
    assert!(error.contains("no debugger can connect to "), "{error}");
    assert_eq!(again.status.code(), Some(126));
    let (text, ..) = debugged.driven("kill");
    assert!(text.contains(" in _start ()"), "{text}");
    assert!(!path.exists());
    let debugged = Debugged::start(&[], "0", &program, &[]);
    assert!(
        debugged.place.starts_with("127.0.0.1:"),
        "{}",
        debugged.place
    );
    debugged.driven("kill");
}
