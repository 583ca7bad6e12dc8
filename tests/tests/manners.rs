//! Promise: the command says what was asked for, no more, and in words that fit
//! the place where it runs.

use std::process::Command;

use e2e::{Done, PrivateTable, need, product, run};

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

#[test]
fn an_image_goes_to_standard_output_where_it_is_called_so() {
    let folder = e2e::temporary();
    let build = |target: &str| {
        let script = format!(
            "'{}' image build --arch riscv64 -o - {target}",
            product::binary().display()
        );
        run(Command::new("bash")
            .args(["-c", &script])
            .current_dir(folder.path()))
    };
    build("> archive.tar").ok();
    let files = || std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(files(), 1, "a file named - was written");
    let named = folder.path().join("named.tar");
    run(Command::new(product::binary())
        .args(["image", "build", "--arch", "riscv64", "-o"])
        .arg(&named))
    .ok();
    assert_eq!(
        std::fs::read(folder.path().join("archive.tar")).expect("written"),
        std::fs::read(&named).expect("written")
    );
    build("> /dev/full")
        .exits(1)
        .says("standard output: No space left");
    is_silent(&build("2>&1 | true; exit ${PIPESTATUS[0]}").exits(1));
    // A terminal is none for an archive.
    let mut on_terminal = Command::new(need::program("script", "bsdutils"));
    let line = format!(
        "'{}' image build --arch riscv64 -o -",
        product::binary().display()
    );
    on_terminal.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    run(&mut on_terminal).exits(2).says("docker load");
    // A folder that is not there is called so.
    run(Command::new(product::binary())
        .args(["image", "build", "--arch", "riscv64", "-o", "no/such.tar"])
        .current_dir(folder.path()))
    .exits(1)
    .says("there is no folder no; make it first");
}

#[test]
fn a_shell_says_what_it_hides_and_refuses_what_it_would_not_run() {
    let folder = e2e::temporary();
    let program = folder.path().join("program");
    let proof = product::workspace().join("crates/proof/programs/bin/aarch64");
    run(Command::new("install")
        .args(["-m", "755"])
        .arg(proof)
        .arg(&program))
    .ok();
    let table = PrivateTable::new();
    armistice(&table, &["register", "arm64"]).ok();
    let inside = |args: &[&str]| {
        let mut command = table.command(product::binary());
        run(command.arg("shell").args(args).arg("--").arg(&program))
    };
    inside(&["--arch", "arm/v7"])
        .exits(126)
        .says("is a program for arm64, which is not run inside; add --arch arm64");
    let done = inside(&["--arch", "arm64"]);
    assert_eq!(done.stdout.trim(), program.to_string_lossy(), "{done}");
    armistice(&table, &["shell", "-a", "arm/v7", "--", "true"])
        .ok()
        .says("Not run inside, though outside: arm64")
        .says("add --arch arm64");
    is_silent(&armistice(&table, &["shell", "-a", "arm64", "--", "true"]).ok());
    // Nobody is told of a digest that was not computed.
    let status = armistice(
        &table,
        &[
            "shell",
            "-a",
            "arm64",
            "--",
            &product::binary().to_string_lossy(),
            "status",
            "-o",
            "json",
        ],
    )
    .ok();
    let handler = &status.json()["handlers"][0];
    assert_eq!(handler["pinned"]["state"], "current", "{status}");
    assert!(handler["pinned"].get("sha256").is_none(), "{status}");
}
