//! Promise: what people know from QEMU's user works or is told: `-L DIR` and the
//! variable for it, `-E`, `-U`; programs that a cross compiler linked to shared
//! libraries run on a machine that has the cross libc.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::compiled::{Target, compile, said};
use common::guests::BOTH;
use common::{engine, run};
use tempfile::TempDir;

/// Where Debian's libc6-arm64-cross is.
const CROSS: &str = "/usr/aarch64-linux-gnu";

/// A program with shared libraries, whose loader is at this path.
fn dynamic(dir: &TempDir, loader: &str) -> PathBuf {
    let loader = format!("-Wl,--dynamic-linker={loader}");
    let program = dir.path().join("program");
    compile(
        Target::Guest,
        "sysroot.c",
        &["-O1", "-std=gnu17", &loader],
        program,
    )
}

/// A folder with the loader at a path that no machine has, and files.
fn root(dir: &TempDir) -> PathBuf {
    let root = dir.path().join("root");
    fs::create_dir_all(root.join("only-there")).unwrap();
    fs::create_dir_all(root.join("proc")).unwrap();
    fs::create_dir_all(root.join("lib")).unwrap();
    let lib = Path::new(CROSS).join("lib");
    fs::copy(
        lib.join("ld-linux-aarch64.so.1"),
        root.join("only-there/loader"),
    )
    .unwrap();
    fs::copy(lib.join("libc.so.6"), root.join("lib/libc.so.6")).unwrap();
    fs::write(root.join("only-there/file"), "from the folder\n").unwrap();
    symlink("/only-there/file", root.join("only-there/link")).unwrap();
    root
}

const LOADER: &str = "/only-there/loader";

/// One line, without an end.
fn line(output: &Output) -> String {
    said(output).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_cross_built_program_runs_on_a_plain_host() {
    let dir = TempDir::new().unwrap();
    let program = dynamic(&dir, "/lib/ld-linux-aarch64.so.1");
    assert!(
        !Path::new("/lib/ld-linux-aarch64.so.1").exists(),
        "this machine has an arm64 loader of its own"
    );
    assert_eq!(said(&run(&[&program])), "ran\nexit status: 0\n");
    // Whatever becomes of it later: what it executes finds it by itself.
    let output = BOTH[0]
        .alone()
        .arg(&program)
        .arg("--")
        .arg(&program)
        .output()
        .unwrap();
    assert_eq!(said(&output), "ran\nexit status: 0\n");
}

/// Each program finds its own libraries, whichever executes it.
#[test]
fn cross_built_programs_execute_each_other() {
    let dir = TempDir::new().unwrap();
    let all = [Target::Guest, Target::Hard, Target::Soft].map(|target| {
        let program = dir.path().join(format!("{target:?}"));
        compile(target, "executes.c", &["-O1"], program)
    });
    let last = dynamic(&dir, "/lib/ld-linux-aarch64.so.1");
    for guest in &BOTH {
        for first in &all {
            for second in &all {
                let chain = [first, second, &last];
                let output = guest.alone().args(chain).output().unwrap();
                assert_eq!(said(&output), "ran\nexit status: 0\n", "{chain:?}");
            }
        }
    }
}

#[test]
fn paths_are_looked_for_below_the_folder_first() {
    let dir = TempDir::new().unwrap();
    let program = dynamic(&dir, LOADER);
    let root = root(&dir);
    let nothing = "No such file or directory";
    let expected = format!(
        "/only-there/file: open ok 'from the folder', open to write ok, stat ok, lstat ok, statx ok, \
         access ok, statfs ok, chdir {nothing}\n\
         /only-there/link: open ok 'from the folder', open to write ok, stat ok, lstat ok, statx ok, \
         access ok, statfs ok, readlink '/only-there/file', chdir {nothing}\n\
         /only-there/nothing: open {nothing}, open to write {nothing}, stat {nothing}, lstat {nothing}, \
         statx {nothing}, access {nothing}, statfs {nothing}, chdir {nothing}\n\
         ran\nexit status: 0\n"
    );
    let paths = [
        "/only-there/file",
        "/only-there/link",
        "/only-there/nothing",
    ];
    for option in ["-L", "--root"] {
        let output = engine()
            .arg(option)
            .arg(&root)
            .arg(&program)
            .args(paths)
            .output();
        assert_eq!(said(&output.unwrap()), expected);
    }
    // A folder by a relative path stays that one.
    let binary = fs::canonicalize(env!("CARGO_BIN_EXE_armistice-aarch64")).unwrap();
    let output = Command::new(binary)
        .args(["-L", "root", "program"])
        .args(paths)
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_eq!(said(&output), expected);
    for variable in ["ARMISTICE_LD_PREFIX", "QEMU_LD_PREFIX"] {
        let output = engine()
            .env(variable, &root)
            .arg(&program)
            .args(paths)
            .output();
        assert_eq!(said(&output.unwrap()), expected, "{variable}");
    }
    // The option comes before the variable.
    let output = engine()
        .env("ARMISTICE_LD_PREFIX", "/usr")
        .arg("-L")
        .args([&root, &program])
        .output()
        .unwrap();
    assert_eq!(said(&output), "ran\nexit status: 0\n");
}

/// The environment that counts is what the next program is given.
#[test]
fn the_next_programs_environment_names_its_folder() {
    let dir = TempDir::new().unwrap();
    let program = dynamic(&dir, LOADER);
    let root = root(&dir);
    let executes = dir.path().join("executes");
    let executes = compile(Target::Guest, "executes.c", &["-O1"], executes);
    let named = |folder: &Path| format!("QEMU_LD_PREFIX={}", folder.display());
    let run = |before: &str, then: &[String]| {
        let (name, value) = before.split_once('=').unwrap();
        let output = BOTH[0]
            .alone()
            .env(name, value)
            .arg(&executes)
            .args(then)
            .arg(&program)
            .output();
        said(&output.unwrap())
    };
    let nowhere = named(Path::new("/nonexistent"));
    let ran = "ran\nexit status: 0\n";
    assert_eq!(run(&nowhere, &[named(&root)]), ran);
    let cross = named(Path::new(CROSS));
    assert_eq!(run(&cross, &[named(&root)]), ran);
    // The folder of who executes it does not count: its loader is nowhere, and it is not begun.
    let executes = dir.path().join("static");
    let executes = compile(Target::Guest, "executes.c", &["-static"], executes);
    let output = BOTH[0]
        .alone()
        .env("QEMU_LD_PREFIX", &root)
        .args([&executes, Path::new(&nowhere), &program])
        .output();
    assert_eq!(said(&output.unwrap()), "exit status: 9\n");
}

#[test]
fn the_kernels_folders_are_the_machines() {
    let dir = TempDir::new().unwrap();
    let program = dynamic(&dir, LOADER);
    let root = root(&dir);
    fs::create_dir_all(root.join("dev")).unwrap();
    fs::write(root.join("dev/null"), "not the device\n").unwrap();
    let output = engine()
        .arg("-L")
        .args([&root, &program])
        .args(["/dev/null", "/../only-there/file"])
        .output()
        .unwrap();
    let text = said(&output);
    assert!(text.starts_with("/dev/null: open ok ''"), "{text}");
    assert!(text.contains("/../only-there/file: open No such"), "{text}");
}

#[test]
fn what_it_executes_gets_the_folder_too() {
    let dir = TempDir::new().unwrap();
    let program = dynamic(&dir, LOADER);
    let root = root(&dir);
    let twice = |command: &mut Command| {
        command
            .arg(&program)
            .args(["--"])
            .arg(&program)
            .args(["--"])
            .arg(&program)
            .arg("/only-there/file");
        said(&command.output().unwrap())
    };
    let by_option = twice(BOTH[0].alone().arg("-L").arg(&root));
    assert!(by_option.contains("from the folder"), "{by_option}");
    let by_variable = twice(BOTH[0].alone().env("QEMU_LD_PREFIX", &root));
    assert_eq!(by_option, by_variable);
}

#[test]
fn a_missing_loader_or_folder_is_told_with_what_to_do() {
    let dir = TempDir::new().unwrap();
    let program = dynamic(&dir, LOADER);
    let output = run(&[&program]);
    assert_eq!(output.status.code(), Some(127));
    let text = line(&output);
    for part in [
        "its dynamic loader /only-there/loader is not there",
        "-L DIR",
        "ARMISTICE_LD_PREFIX",
        "apt-get install libc6-arm64-cross",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let output = engine()
        .args(["-L", "/usr"])
        .arg(&program)
        .output()
        .unwrap();
    assert!(line(&output).contains("is not there, nor below /usr: "));
    for folder in ["/nonexistent", "/etc/passwd"] {
        let output = engine()
            .args(["-L", folder])
            .arg(&program)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(126));
        let text = line(&output);
        assert!(text.contains("(-L) cannot be opened: "), "{text}");
    }
    // A variable of an image that this machine is not.
    let program = dynamic(&dir, "/lib/ld-linux-aarch64.so.1");
    let output = engine()
        .env("QEMU_LD_PREFIX", "/nonexistent")
        .arg(&program)
        .output()
        .unwrap();
    assert_eq!(said(&output), "ran\nexit status: 0\n");
}

#[test]
fn variables_are_set_and_removed() {
    let dir = TempDir::new().unwrap();
    let program = dynamic(&dir, "/lib/ld-linux-aarch64.so.1");
    let output = engine()
        .env_clear()
        .envs([("KEPT", "1"), ("GONE", "2"), ("CHANGED", "3")])
        .args(["-E", "CHANGED=4", "-U", "GONE", "-E", "NEW=a=b,c"])
        .arg(&program)
        .arg("environment")
        .output()
        .unwrap();
    assert_eq!(
        said(&output),
        "KEPT=1\nCHANGED=4\nNEW=a=b,c\nexit status: 0\n"
    );
}

#[test]
fn options_of_qemus_only_are_refused_by_name() {
    for (option, advice) in [
        ("-cpu", "leave it out"),
        ("-s", "ulimit -s"),
        ("-R", "ulimit -v"),
        ("-d", "--print-guest"),
        ("-singlestep", "--interpret"),
    ] {
        let output = run(&[option, "value", "program"]);
        assert_eq!(output.status.code(), Some(2));
        let text = line(&output);
        assert!(text.contains(&format!("'{option}' is an option of QEMU's only")));
        assert!(text.contains(advice), "{text}");
    }
    // And these are the same.
    assert_eq!(run(&["-version"]).stdout, run(&["--version"]).stdout);
    assert_eq!(run(&["-help"]).stdout, run(&["--help"]).stdout);
}
