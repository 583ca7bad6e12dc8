//! Promise: `armistice run` runs an image or a root folder, as root and as an ordinary
//! user, with docker's meaning of its options; and leaves nothing behind.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use e2e::run_place::{EVERYBODY, Place, Who};
use e2e::{Userland, command, need, run};

#[test]
fn everybody_runs_an_image() {
    for who in EVERYBODY {
        let place = Place::new(who);
        let done = place.run(&[], &["uname", "-m"]).ok();
        assert!(!done.stderr.contains("QEMU"), "not by the engine:\n{done}");
        done.prints("aarch64");
        // What one container writes, no other sees, and nothing stays.
        place
            .sh(&[], "echo x > /usr/written && cat /usr/written")
            .ok()
            .prints("x");
        place.sh(&[], "test ! -e /usr/written").ok();
        assert_eq!(place.running(), 0, "{who:?}");
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        assert!(!mounts.contains(&place.folder.path().display().to_string()));
    }
}

#[test]
fn a_root_folder_is_used_where_it_is() {
    let folder = e2e::temporary();
    run(Command::new("tar")
        .args(["--extract", "--exclude=./dev/*", "--file"])
        .arg(Userland::ARM64.tar())
        .arg("--directory")
        .arg(folder.path()))
    .ok();
    let place = Place::of(Who::Me);
    let root = folder.path().to_str().unwrap();
    let script = "uname -m && echo there > /stays";
    run(&mut place.armistice(&["run", root, "sh", "-c", script]))
        .ok()
        .prints("aarch64");
    assert_eq!(
        fs::read_to_string(folder.path().join("stays")).unwrap(),
        "there\n"
    );
    run(&mut place.armistice(&["run", "--platform", "linux/s390x", root, "true"]))
        .exits(125)
        .says("linux/arm64");
    run(&mut place.armistice(&["run", root]))
        .exits(125)
        .says("no command");
}

#[test]
fn programs_of_other_architectures_run_inside() {
    let folder = e2e::temporary();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let others = [Userland::ARMHF, Userland::S390X];
    let mut options = Vec::new();
    for other in &others {
        let root = folder.path().join(other.debian);
        fs::create_dir(&root).unwrap();
        run(Command::new("tar")
            .args(["--extract", "--exclude=./dev/*", "--file"])
            .arg(other.tar())
            .arg("--directory")
            .arg(&root))
        .ok();
        options.extend([
            "-v".to_owned(),
            format!("{}:/{}", root.display(), other.debian),
        ]);
    }
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    for who in EVERYBODY {
        Place::of(who)
            .sh(
                &options,
                "uname -m; for d in armhf s390x; do chroot /$d uname -m; done",
            )
            .ok()
            .prints(&format!(
                "aarch64\n{}\n{}",
                others[0].uname, others[1].uname
            ));
    }
}

#[test]
fn the_commands_exit_code_is_the_containers() {
    let place = Place::of(Who::User);
    for init in [&[][..], &["--init"]] {
        for code in [0, 1, 7, 125, 255] {
            place.sh(init, &format!("exit {code}")).exits(code);
        }
        place.sh(init, "sh -c 'kill -9 $$'").exits(137);
        place.run(init, &["nosuch"]).exits(127).says("PATH");
        place
            .run(init, &["/no/such"])
            .exits(127)
            .says("no such file");
        place.run(init, &["/etc"]).exits(126);
        place.run(init, &["/etc/debian_version"]).exits(126);
    }
    // Process 1 is not killed by itself, its child is.
    place.sh(&["--init"], "kill -TERM $$").exits(143);
    place.run(&["--nosuch"], &["true"]).exits(125);
    run(&mut place.armistice(&["run", "--pull", "never", "no.such/image", "true"]))
        .exits(125)
        .says("not here");
}

#[test]
fn what_docker_has_and_run_has_not_is_refused_by_name() {
    let place = Place::of(Who::User);
    for (flag, why) in [
        ("-p=80:80", "network"),
        ("-d", "daemon"),
        ("--memory=1g", "control groups"),
        ("--privileged", "capabilities"),
        ("--cap-add=ALL", "capabilities"),
        ("--name=x", "daemon"),
    ] {
        let name = flag.split('=').next().unwrap();
        place
            .run(&[flag], &["true"])
            .exits(125)
            .says(name)
            .says(why);
    }
    place
        .run(&["-v", "data:/data"], &["true"])
        .exits(125)
        .says("named volumes");
    // Behind the image, options are the command's.
    place
        .run(&[], &["echo", "-d", "--privileged", "-v"])
        .ok()
        .prints("-d --privileged -v");
}

#[test]
fn the_environment_is_dockers() {
    let place = Place::of(Who::User);
    let file = place.folder.path().join("env");
    fs::write(&file, "# comment\nFROM_FILE=1\nBOTH=file\nPASSED\n").unwrap();
    let file = file.to_str().unwrap();
    let options = [
        "-e",
        "A=b c",
        "--env",
        "BOTH=flag",
        "-e",
        "GIVEN",
        "-e",
        "ABSENT",
    ];
    let mut command = place.command(&[&options[..], &["--env-file", file]].concat(), &["env"]);
    command
        .env("GIVEN", "here")
        .env("PASSED", "too")
        .env("SECRET", "not inside");
    let done = run(&mut command).ok();
    let lines: Vec<&str> = done.stdout.lines().collect();
    for line in [
        "A=b c",
        "BOTH=flag",
        "GIVEN=here",
        "FROM_FILE=1",
        "PASSED=too",
    ] {
        assert!(lines.contains(&line), "no {line}:\n{done}");
    }
    for name in ["SECRET", "ABSENT", "ARMISTICE_STORE", "TERM"] {
        let there = lines.iter().any(|l| l.starts_with(&format!("{name}=")));
        assert!(!there, "{name} came inside:\n{done}");
    }
    assert!(done.stdout.contains("PATH=/usr/local/sbin:") && done.stdout.contains("HOME="));
    place.run(&["-e", "=x"], &["true"]).exits(125);
}

#[test]
fn users_and_working_directories() {
    let place = Place::of(Who::Ranges);
    let script = "echo $(id -u) $(id -g) $(id -G) $(pwd) $HOME";
    place
        .sh(&["-u", "1000:50"], script)
        .ok()
        .prints("1000 50 50 / /");
    place
        .sh(&["-w", "/made/new"], script)
        .ok()
        .prints("0 0 0 /made/new /");
    let passwd = place.folder.path().join("inner");
    fs::write(
        &passwd,
        "root:x:0:0::/root:/bin/sh\nann:x:1000:100::/home/ann:/bin/sh\n",
    )
    .unwrap();
    let group = place.folder.path().join("groups");
    fs::write(&group, "users:x:100:\naudio:x:29:ann\n").unwrap();
    let passwd = format!("{}:/etc/passwd:ro", passwd.display());
    let group = format!("{}:/etc/group:ro", group.display());
    let files = ["-v", &passwd, "-v", &group];
    let with = |more: &[&'static str]| [&files[..], more].concat();
    place
        .sh(&with(&["-u", "ann"]), script)
        .ok()
        .prints("1000 100 100 29 / /home/ann");
    place
        .sh(&with(&["-u", "ann:audio"]), script)
        .ok()
        .prints("1000 29 29 / /home/ann");
    place
        .sh(&with(&["-u", "bob"]), script)
        .exits(125)
        .says("bob");
    // Where there is one identity, the others are played.
    Place::of(Who::User)
        .sh(&["-u", "1000:50"], script)
        .ok()
        .prints("1000 50 50 / /");
    // An ordinary user inside has no rights of root's.
    for place in [place, Place::of(Who::User)] {
        place
            .sh(&["-u", "1000"], "cat /proc/self/status")
            .ok()
            .says("CapEff:\t0000000000000000");
    }
}

#[test]
fn volumes_memory_and_a_read_only_root() {
    let place = Place::of(Who::User);
    let shared = place.home().join("shared");
    let at = shared.to_str().unwrap();
    let (write, read) = (format!("{at}:/w"), format!("{at}:/deep/r:ro"));
    let options = [
        "-v",
        &write,
        "-v",
        &read,
        "--tmpfs",
        "/run:size=1m",
        "--read-only",
    ];
    let script = "echo one > /w/one && cat /deep/r/one && echo x > /run/x && cat /run/x \
                  && ! touch /deep/r/two && ! touch /usr/x && ! touch /etc/x";
    place.sh(&options, script).ok().prints("one\nx");
    assert_eq!(fs::read_to_string(shared.join("one")).unwrap(), "one\n");
}

#[test]
fn the_containers_own_names_processes_and_network() {
    for who in EVERYBODY {
        let place = Place::of(who);
        let done = place.sh(
            &[
                "--network",
                "none",
                "--hostname",
                "boat",
                "--add-host",
                "pier:10.0.0.1",
            ],
            "echo $$; uname -n; cat /etc/hostname /etc/hosts; tail -n +3 /proc/net/dev; ls /proc",
        );
        let done = done.ok();
        let lines: Vec<&str> = done.stdout.lines().collect();
        assert_eq!(&lines[..3], ["1", "boat", "boat"], "{done}");
        assert!(lines.contains(&"10.0.0.1\tpier"), "{done}");
        let networks: Vec<_> = lines.iter().filter(|l| l.contains(": ")).collect();
        assert!(networks.len() == 1 && networks[0].contains("lo:"), "{done}");
        let processes = lines.iter().filter(|l| l.parse::<u32>().is_ok()).count();
        assert!(processes <= 3, "others' processes are seen:\n{done}");
        place
            .sh(&[], "uname -n; tail -n +3 /proc/net/dev | wc -l")
            .ok();
    }
}

#[test]
fn the_machine_is_not_changed_from_inside() {
    for who in EVERYBODY {
        let place = Place::of(who);
        let script = "for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /sys/kernel/uevent_seqnum \
                      /proc/sys/fs/binfmt_misc/register; do (echo x > $f) 2>/dev/null && echo $f; done; \
                      cat /proc/self/status; ls /proc/acpi /sys/firmware 2>/dev/null";
        let done = place.sh(&[], script);
        let written: Vec<_> = done.stdout.lines().filter(|l| l.starts_with('/')).collect();
        assert!(written.iter().all(|l| l.ends_with(':')), "written:\n{done}");
        done.says("CapBnd:\t00000000a80425fb");
    }
}

/// A hole once: as root, the container saw what the machine's kernel shows of itself in
/// file systems below /sys.
#[test]
fn the_machines_inside_is_not_seen() {
    let mounts = "mount -t debugfs debugfs /sys/kernel/debug; mount -t tracefs tracefs /sys/kernel/tracing; \
                  ls /sys/kernel/debug /sys/kernel/tracing | wc -l >&2; exec \"$@\"";
    let script = "for d in /proc/acpi /proc/asound /proc/scsi /sys/firmware /sys/fs/bpf /sys/fs/pstore \
                  /sys/kernel/debug /sys/kernel/tracing /sys/kernel/security /sys/kernel/config \
                  /sys/devices/virtual/powercap; do test ! -d $d || ls -A $d; done; \
                  for f in interrupts kcore keys latency_stats timer_list; do \
                  test ! -e /proc/$f || head -c 9 /proc/$f; done";
    for who in EVERYBODY {
        let place = Place::of(who);
        let inner = place.command(&[], &["sh", "-c", script]);
        let mut outer = Command::new("unshare");
        outer.args(["--mount", "sh", "-ec", mounts, "sh"]);
        outer.arg(inner.get_program()).args(inner.get_args());
        command::take_environment(&mut outer, &inner);
        outer.current_dir(inner.get_current_dir().unwrap());
        let done = run(&mut outer).ok();
        let outside: u32 = done.stderr.lines().next().unwrap().trim().parse().unwrap();
        assert!(outside > 5, "nothing is mounted outside:\n{done}");
        done.prints("");
    }
}

/// A command that goes on for long, once it has said that it runs.
struct Long {
    child: Child,
    out: fs::File,
}

impl Long {
    fn start(place: &Place, options: &[&str], script: &str) -> Long {
        let path = place
            .folder
            .path()
            .join(format!("out-{:?}", std::thread::current().id()));
        let out = fs::File::create(&path).expect("the test's own files");
        let child = place
            .command(options, &["sh", "-c", script])
            .stdout(out)
            .stdin(Stdio::null())
            .spawn()
            .expect("the test's own files");
        let long = Long {
            child,
            out: fs::File::open(&path).expect("the test's own files"),
        };
        long.wait_for("ready");
        long
    }

    fn said(&self) -> String {
        use std::os::unix::fs::FileExt;
        let mut bytes = vec![0; 4096];
        let count = self
            .out
            .read_at(&mut bytes, 0)
            .expect("the test's own files");
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    #[track_caller]
    fn wait_for(&self, word: &str) {
        command::wait_until(word, Duration::from_secs(60), || self.said().contains(word));
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("the test's own files");
    }

    fn code(&mut self) -> Option<i32> {
        self.child.wait().expect("the test's own files").code()
    }
}

#[test]
fn signals_reach_the_command() {
    use rustix::process::Signal;
    let place = Place::of(Who::User);
    for init in [&[][..], &["--init"]] {
        for (signal, name, code) in [(Signal::TERM, "TERM", 41), (Signal::USR1, "USR1", 42)] {
            let script = format!(
                "trap 'echo got; exit {code}' {name}; echo ready; while :; do sleep 0.1; done"
            );
            let mut long = Long::start(&place, init, &script);
            long.signal(signal);
            assert_eq!(long.code(), Some(code), "{init:?} {name}: {}", long.said());
        }
    }
    let mut long = Long::start(&place, &["--init"], "echo ready; exec sleep 100");
    long.signal(Signal::TERM);
    assert_eq!(long.code(), Some(143));
}

#[test]
fn process_1_reaps() {
    let place = Place::of(Who::User);
    let shared = place.home().join("reaped");
    let mount = format!("{}:/w", shared.display());
    // The orphan comes to process 1; only an init waits for it, and sleep does not.
    let script = "(sleep 0.1 &); (sleep 1; cat /proc/[0-9]*/stat > /w/stat) & exec sleep 2";
    for (init, left) in [(&["--init"][..], false), (&[], true)] {
        let options = [&["-v", mount.as_str()], init].concat();
        place.sh(&options, script).ok();
        let stat = fs::read_to_string(shared.join("stat")).unwrap();
        assert_eq!(stat.contains(" Z "), left, "{init:?}: {stat}");
    }
}

#[test]
fn a_killed_run_ends_the_container_and_prune_removes_the_rest() {
    use rustix::process::Signal;
    // The kernel forgets whose death process 1 is to die with when that becomes another.
    let another = "echo a:x:1000:1000::/:/bin/sh >> /etc/passwd; \
                   exec start-stop-daemon --start --name none --chuid a --startas /bin/sleep --";
    for who in EVERYBODY {
        for (init, sleep) in [(&[][..], "sleep"), (&["--init"], "sleep"), (&[], another)] {
            let place = Place::new(who);
            let mark = format!("1{}", std::process::id());
            let script = format!("touch /usr/x; echo ready; {sleep} {mark}; echo over");
            let mut long = Long::start(&place, init, &script);
            // A container that runs is not prune's.
            run(&mut place.armistice(&["prune"])).ok();
            assert_eq!(place.running(), 1);
            long.signal(Signal::KILL);
            assert_eq!(long.code(), None);
            command::wait_until("the container ends", Duration::from_secs(10), || {
                !has_process(&[&mark])
            });
            // Its folder is held until it has ended.
            let mut said = String::new();
            command::wait_until("prune removes the rest", Duration::from_secs(10), || {
                said += &run(&mut place.armistice(&["prune"])).ok().to_string();
                place.running() == 0
            });
            assert!(said.contains("left by a killed run"), "{said}");
            place.run(&[], &["true"]).ok();
        }
    }
}

/// Whether a process has these words at the end of its command line.
fn has_process(words: &[&str]) -> bool {
    let wanted: Vec<u8> = words
        .iter()
        .flat_map(|w| [w.as_bytes(), b"\0"].concat())
        .collect();
    let processes = fs::read_dir("/proc")
        .expect("the test's own files")
        .flatten();
    processes
        .filter_map(|p| fs::read(p.path().join("cmdline")).ok())
        .any(|line| line.ends_with(&wanted))
}

#[test]
fn input_is_given_only_when_asked_for() {
    use std::io::Write;
    let place = Place::of(Who::User);
    for (options, read) in [(&["-i"][..], "hello"), (&[], "")] {
        let mut child = place
            .command(options, &["cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(b"hello");
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), read, "{options:?}");
    }
    place.run(&["-it"], &["true"]).exits(125).says("terminal");
}

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
        command::take_environment(&mut session, &inner);
        command::run_within(&mut session, Duration::from_secs(60), |_| ()).exits(9);
    }
}

#[test]
fn dpkg_installs_a_package() {
    for who in EVERYBODY {
        let place = Place::of(who);
        let package = hello_package(place.folder.path(), who);
        let mount = format!("{}:/mnt/hello.deb:ro", package.display());
        // dpkg wants these to be there, and uses neither for this package.
        let script = "ln -s /bin/true /usr/bin/diff && ln -s /bin/true /sbin/ldconfig && \
                      dpkg -i /mnt/hello.deb && hello && cat /configured && dpkg -s hello";
        let done = place.sh(&["-v", &mount], script).ok();
        for text in ["hello from arm64", "aarch64", "install ok installed"] {
            assert!(done.stdout.contains(text), "no '{text}':\n{done}");
        }
    }
}

/// A package with a program and a script that runs when it is installed.
fn hello_package(folder: &Path, who: Who) -> PathBuf {
    let at = folder.join(format!("hello-{who:?}"));
    let _ = fs::remove_dir_all(&at);
    fs::create_dir_all(at.join("DEBIAN")).expect("the test's own files");
    fs::create_dir_all(at.join("usr/bin")).expect("the test's own files");
    fs::write(
        at.join("DEBIAN/control"),
        "Package: hello\nVersion: 1\nArchitecture: arm64\nMaintainer: e2e <e2e@example.org>\nDescription: says hello\n",
    )
    .expect("the test's own files");
    let script = |path: PathBuf, text: &str| {
        fs::write(&path, text).expect("the test's own files");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            .expect("the test's own files");
    };
    script(
        at.join("DEBIAN/postinst"),
        "#!/bin/sh\nset -e\nuname -m > /configured\n",
    );
    script(
        at.join("usr/bin/hello"),
        "#!/bin/sh\necho hello from arm64\n",
    );
    let deb = at.with_extension("deb");
    run(Command::new(need::program("dpkg-deb", "dpkg"))
        .args(["--build", "--root-owner-group"])
        .arg(&at)
        .arg(&deb))
    .ok();
    deb
}
