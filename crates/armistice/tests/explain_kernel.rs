//! `explain` says what execve(2) does: beside the real kernel, with random
//! tables, files and names. And its remedies help: each that this test can
//! carry out is carried out, and the program runs then.
//!
//! `ARMISTICE_LONG=1` tries many more.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

#[path = "../../binfmt/tests/common/mod.rs"]
mod common;
#[path = "../../binfmt/tests/exec/kernel.rs"]
mod kernel;
#[allow(dead_code, reason = "used whole by armistice-binfmt's own tests")]
#[path = "../../binfmt/tests/exec/probe.rs"]
mod probe;
#[allow(dead_code, reason = "used whole by armistice-binfmt's own tests")]
#[path = "../../binfmt/tests/exec/world.rs"]
mod world;

use std::cell::Cell;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use armistice_binfmt::exec::errno_name;
use armistice_binfmt::replay::winner;
use armistice_binfmt::{STANDARD_PATH, Table};
use kernel::Outcome;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rustix::io::Errno;
use rustix::mount::MountFlags;
use serde_json::Value;

/// Where the worlds are made: a file system of their own, beside which the
/// command is still to be found.
const ROOT: &str = "/mnt";

#[test]
fn random_worlds_run_as_explained() {
    let cases = if std::env::var_os("ARMISTICE_LONG").is_some() {
        10_000
    } else {
        400
    };
    common::in_namespaces("random_worlds_run_as_explained", || {
        common::mount_table();
        rustix::mount::mount("tmpfs", ROOT, "tmpfs", MountFlags::empty(), None).unwrap();
        std::env::set_current_dir(ROOT).unwrap();
        let table = Table::at(Path::new(STANDARD_PATH)).unwrap();
        let mut runner = TestRunner::new(Config {
            cases,
            failure_persistence: None,
            ..Config::default()
        });
        let remedies = Cell::new(0_u32);
        let result = runner.run(&world::world(), |world| {
            let (root, at) = (Path::new(ROOT), table.path().unwrap());
            // What a failed case left.
            world.tear_down(root, at);
            world.set_up(root, at);
            let result = if takes_our_tools(&table) {
                Ok(())
            } else {
                one(&world, root, &remedies)
            };
            world.tear_down(root, at);
            result
        });
        if let Err(error) = result {
            panic!("{error}");
        }
        println!("{} remedies", remedies.get());
        assert!(remedies.get() > 0, "no remedy was tried");
    });
}

/// Whether an entry would take the command itself, or what carries out remedies.
fn takes_our_tools(table: &Table) -> bool {
    let live = table.snapshot().unwrap();
    let tools = [
        env!("CARGO_BIN_EXE_armistice"),
        "/bin/sh",
        "/bin/sed",
        "/bin/chmod",
        "/usr/bin/tee",
    ];
    live.enabled
        && tools.into_iter().any(|tool| {
            let mut head = [0; 256];
            let read = std::fs::File::open(tool).unwrap().read(&mut head).unwrap();
            winner(&live, &head[..read], tool).is_some()
        })
}

fn one(world: &world::World, root: &Path, remedies: &Cell<u32>) -> Result<(), TestCaseError> {
    let path = world.call.path(root);
    let text = path.to_str().unwrap();
    let execute = || kernel::execute(&path, &[text], root, world.root);
    let (real, answer) = (execute(), explain(&path, world.root));
    let verdict = &answer["verdict"];
    if path.is_dir() || verdict["code"] == "unknown" {
        // A root folder without a shell; a file that this user may not read.
        prop_assert_eq!(&verdict["runs"], false, "{}", answer);
        return Ok(());
    }
    if verdict["warnings"]
        .to_string()
        .contains("cannot be looked at")
    {
        // Nor may it read the emulator, which the kernel has open.
        return Ok(());
    }
    let error = match &real {
        Outcome::Failed(errno) => errno_name(Errno::from_raw_os_error(*errno)),
        Outcome::Ran(..) | Outcome::Died(_) => None,
    };
    let runs = matches!(real, Outcome::Ran(..));
    prop_assert_eq!(&verdict["runs"], runs, "{:?} {}", real, answer);
    if verdict["code"] != "not-found" {
        prop_assert_eq!(verdict["error"].as_str(), error, "{:?} {}", real, answer);
    }
    if let Outcome::Ran(_, argv) = &real {
        let words = argv.iter().map(|w| w.to_string_lossy().into_owned());
        let told: Vec<&str> = answer["argv"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        prop_assert_eq!(told, words.collect::<Vec<_>>(), "{}", answer);
    }
    let remedy = verdict["remedy"].as_str().unwrap_or_default();
    prop_assert!(!runs || remedy.is_empty(), "{}", answer);
    if !remedy.is_empty() && !remedy.contains("armistice register") {
        let script = remedy.replace("sudo ", "");
        let done = Command::new("/bin/sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        let mended = execute();
        prop_assert!(
            matches!(mended, Outcome::Ran(..)),
            "{:?} {:?} {}",
            mended,
            done,
            answer
        );
        remedies.set(remedies.get() + 1);
    }
    Ok(())
}

/// The answer to `armistice explain`, asked with or without root's capabilities.
fn explain(path: &Path, capabilities: bool) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_armistice"));
    command.args(["explain", "-o", "json", "--"]).arg(path);
    if !capabilities {
        // SAFETY: two system calls, on no memory of the parent's.
        unsafe { command.pre_exec(kernel::without_capabilities) };
    }
    let done = command.output().unwrap();
    serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{done:?}"))
}
