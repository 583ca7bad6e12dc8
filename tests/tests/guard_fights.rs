//! Promise: `armistice guard` gives way where another program puts something else in
//! place again and again. It says what stands there, waits longer and longer, and is
//! not ready meanwhile.

use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use e2e::command::wait_until;
use e2e::{Guard, PrivateTable};

const SOON: Duration = Duration::from_secs(60);
/// Longer than the first time of waiting.
const WHILE: Duration = Duration::from_secs(20);
/// More than a guard may do in that time; without a brake it is some hundreds.
const MANY: usize = 12;

fn guard(table: &PrivateTable, ready: &Path, args: &[&str]) -> Guard {
    let ready = ready.to_string_lossy();
    let all = [args, &["--interval", "1", "--ready-file", &ready]].concat();
    Guard::start(table, &all)
}

fn times(guard: &Guard, text: &str) -> usize {
    guard.said().matches(text).count()
}

/// How often the entry's text becomes another, while nobody disturbs.
fn changes(table: &PrivateTable, name: &str, time: Duration) -> usize {
    let started = Instant::now();
    let (mut before, mut count) = (table.entry(name), 0);
    while started.elapsed() < time {
        thread::sleep(Duration::from_millis(20));
        let now = table.entry(name);
        count += usize::from(now != before);
        before = now;
    }
    count
}

/// Two guards, and what they differ in.
fn two(other: &[&str]) {
    let table = PrivateTable::new();
    let folder = e2e::temporary();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let mut one = guard(&table, &first, &["arm64"]);
    wait_until("the first guard is ready", SOON, || first.exists());
    let mut two = guard(&table, &second, &[&["arm64"], other].concat());
    wait_until("one of them gives way", SOON, || {
        let said = "each time soon after it had been put in place";
        one.said().contains(said) || two.said().contains(said)
    });
    let changed = changes(&table, "qemu-aarch64", WHILE);
    assert!(changed <= MANY, "changed {changed} times in {WHILE:?}");
    for guard in [&one, &two] {
        assert!(times(guard, "Put back") <= MANY, "{}", guard.said());
    }
    let told = if one.said().contains("It is left as it is") {
        one.said()
    } else {
        two.said()
    };
    for part in [
        "There now: qemu-aarch64 (",
        "which another run of armistice has made",
        "Other guards here: ",
        "guard arm64",
        "End one of the two",
    ] {
        assert!(told.contains(part), "{part}:\n{told}");
    }
    // What each wants can't be there at once.
    assert!(!(first.exists() && second.exists()), "both are ready");
    // With the other gone, the one that is left has its way.
    let (ended, left, ready) = if first.exists() {
        (&mut one, &two, &second)
    } else {
        (&mut two, &one, &first)
    };
    let _ = ended.stop();
    wait_until("the other one is ready", Duration::from_secs(120), || {
        ready.exists()
    });
    assert!(times(left, "Put back") <= MANY, "{}", left.said());
}

/// A bug once: each registered anew what the other had just done, for ever.
#[test]
fn two_guards_with_other_flags_do_not_fight_for_ever() {
    two(&["--no-credentials"]);
}

#[test]
fn two_guards_with_other_emulators_do_not_fight_for_ever() {
    two(&["--engine", "qemu"]);
}

/// Another tool in a loop; ends with the test.
struct Tool(Child);

impl Tool {
    fn start(table: &PrivateTable, script: &str) -> Tool {
        let mut command = table.command("sh");
        // At the end of its input: with the test, also when that is killed.
        command
            .args(["-c", &format!("{script} & cat; kill $!")])
            .stdin(Stdio::piped());
        Tool(command.spawn().expect("a shell can be started"))
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// As `docker run tonistiigi/binfmt --uninstall qemu-* --install all` does, in a loop.
#[test]
fn a_tool_that_takes_the_place_again_and_again_is_given_way_to() {
    let table = PrivateTable::new();
    let folder = e2e::temporary();
    let ready = folder.path().join("ready");
    let mut guard = guard(&table, &ready, &["arm64"]);
    wait_until("the guard is ready", SOON, || ready.exists());
    let theirs = ":qemu-aarch64:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00:\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:/usr/bin/qemu-aarch64-static:F";
    let tool = Tool::start(
        &table,
        &format!(
            "cd /proc/sys/fs/binfmt_misc; while sleep 0.3; do \
             for e in qemu-aarch64 armistice-aarch64; do [ -e $e ] && echo -1 > $e; done; \
             printf '%s' '{theirs}' > register; done 2> /dev/null"
        ),
    );
    wait_until("the guard gives way", SOON, || {
        guard.said().contains("It is left as it is")
    });
    let before = times(&guard, "Put back");
    thread::sleep(WHILE);
    let after = times(&guard, "Put back");
    assert!(after - before <= 3, "{}", guard.said());
    assert!(!ready.exists(), "not ready while another stands there");
    let told = guard.said();
    assert!(
        told.contains("There now: qemu-aarch64 (/usr/bin/qemu-aarch64-static, flags F), which is somebody else's"),
        "{told}"
    );
    // While the tool still takes the place: without it, the guard would have its way.
    assert_eq!(guard.stop().code(), Some(1), "not all was in place");
    drop(tool);
}

/// The fight is about one entry; the others are put back at once.
#[test]
fn what_nobody_contests_is_put_back_meanwhile() {
    let table = PrivateTable::new();
    let folder = e2e::temporary();
    let ready = folder.path().join("ready");
    let guard = guard(&table, &ready, &["arm64", "riscv64"]);
    wait_until("the guard is ready", SOON, || ready.exists());
    let _tool = Tool::start(
        &table,
        "cd /proc/sys/fs/binfmt_misc; while sleep 0.2; do \
         [ -e qemu-aarch64 ] && echo 0 > qemu-aarch64; done 2> /dev/null",
    );
    wait_until("the guard gives way", SOON, || {
        guard.said().contains("It is left as it is")
    });
    table
        .sh("echo -1 > /proc/sys/fs/binfmt_misc/qemu-riscv64")
        .ok();
    wait_until("the other is put back", Duration::from_secs(10), || {
        table.names().iter().any(|name| name == "qemu-riscv64")
    });
    assert!(!ready.exists());
}
