//! Promise: the command says what was asked for, no more, and in words that fit
//! the place where it runs.

use e2e::{Done, PrivateTable, product, run};

#[track_caller]
fn armistice(table: &PrivateTable, args: &[&str]) -> Done {
    run(table.command(product::binary()).args(args))
}

/// Neither stream has anything.
#[track_caller]
fn is_silent(done: &Done) {
    assert!(done.stdout.is_empty() && done.stderr.is_empty(), "{done}");
}

#[test]
fn quiet_prints_no_reports_but_answers_and_errors() {
    let table = PrivateTable::new();
    is_silent(&armistice(&table, &["-q", "register", "arm64", "riscv64"]).ok());
    is_silent(&armistice(&table, &["register", "-q", "arm64"]).ok());
    is_silent(&armistice(&table, &["-q", "verify"]).ok());
    // What was asked for is an answer.
    let names = armistice(&table, &["-q", "verify", "-o", "name"]).ok();
    assert_eq!(names.stdout.lines().count(), 2, "{names}");
    armistice(&table, &["-q", "status", "-o", "name"])
        .ok()
        .says("qemu-riscv64");
    is_silent(&armistice(&table, &["-q", "unregister"]).ok());
    // An error is one.
    armistice(&table, &["-q", "verify"])
        .exits(1)
        .says("no handler");
}

#[test]
fn quiet_still_says_what_is_not_proven() {
    let table = PrivateTable::new();
    table
        .sh("printf ':qemu-riscv64:M::\\\\x7fELF\\\\x02\\\\x01\\\\x01\\\\x00\\\\x00\\\\x00\\\\x00\\\\x00\\\\x00\\\\x00\\\\x00\\\\x00\\\\x02\\\\x00\\\\xf3\\\\x00:\\\\xff\\\\xff\\\\xff\\\\xff\\\\xff\\\\xff\\\\xff\\\\x00\\\\xff\\\\xff\\\\xff\\\\xff\\\\xff\\\\xff\\\\xff\\\\xff\\\\xfe\\\\xff\\\\xff\\\\xff:/bin/true:F' > /proc/sys/fs/binfmt_misc/register")
        .ok();
    let done = armistice(&table, &["-q", "verify"])
        .exits(1)
        .says("NOT verified");
    assert!(done.stdout.is_empty(), "{done}");
}

#[test]
fn a_dry_run_of_all_is_a_plan_and_of_some_their_lines() {
    let table = PrivateTable::new();
    let all = armistice(&table, &["register", "--dry-run"]).ok();
    assert!(all.stdout.lines().all(|line| line.len() < 200), "{all}");
    all.says("would be added").says("with -v");
    let lines = |args: &[&str]| {
        let done = armistice(&table, args).ok();
        done.stdout
            .lines()
            .filter(|l| l.starts_with(":qemu-"))
            .count()
    };
    assert_eq!(lines(&["register", "--dry-run", "arm64", "riscv64"]), 2);
    assert!(lines(&["register", "--dry-run", "-v"]) > 5);
    let json = armistice(&table, &["register", "--dry-run", "arm64", "-o", "json"]).ok();
    let plan = json.json();
    assert_eq!(plan["plan"][0]["name"], "qemu-aarch64", "{json}");
    let line = plan["plan"][0]["line"].as_str().expect("a line");
    // The line is what the kernel takes.
    let script = "printf '%s' \"$1\" > /proc/sys/fs/binfmt_misc/register";
    run(table.command("sh").args(["-c", script, "sh", line])).ok();
    assert_eq!(table.names(), ["qemu-aarch64"]);
    armistice(&table, &["register", "--dry-run", "arm64"])
        .ok()
        .says("would be kept");
    armistice(&table, &["register", "--dry-run", "arm64", "-o", "name"])
        .ok()
        .prints("qemu-aarch64");
}
