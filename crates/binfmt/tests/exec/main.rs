//! `exec::replay` says what execve(2) does: beside the real kernel, with random
//! tables, files and calls. Each difference that was ever found has a test of
//! its own below.
//!
//! `ARMISTICE_LONG=1` tries many more.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

#[path = "../common/mod.rs"]
mod common;
mod kernel;
mod probe;
mod world;

use std::cell::Cell;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use armistice_binfmt::exec::{self, Cannot, Files, Loader, Program, Run, Stop};
use armistice_binfmt::{Entry, Table};
use common::in_namespaces;
use kernel::Outcome;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rustix::io::Errno;
use rustix::mount::MountFlags;

/// Where the worlds are made: a file system of their own.
const ROOT: &str = "/tmp";

/// The files as they are on the disk.
struct Disk {
    root: PathBuf,
    capabilities: bool,
}

impl Disk {
    fn program(&self, path: &Path) -> Program {
        let bytes = fs::read(self.root.join(path)).unwrap();
        Program {
            head: bytes[..bytes.len().min(exec::HEAD)].to_vec(),
            loader: loader(&bytes),
        }
    }
}

impl Files for Disk {
    fn open(&self, path: &Path) -> Result<Program, Cannot> {
        if path.as_os_str().is_empty() {
            // The kernel takes it for the working directory.
            return Err(Cannot::Execute(Errno::ACCESS));
        }
        let metadata = fs::metadata(self.root.join(path))
            .map_err(|e| Cannot::Execute(Errno::from_io_error(&e).unwrap()))?;
        let bits = if self.capabilities { 0o111 } else { 0o100 };
        if !metadata.is_file() || metadata.permissions().mode() & bits == 0 {
            return Err(Cannot::Execute(Errno::ACCESS));
        }
        Ok(self.program(path))
    }

    fn pinned(&self, entry: &Entry) -> Option<Program> {
        Some(self.program(&entry.interpreter))
    }
}

/// `PT_INTERP`, which the probes have in their first segment.
fn loader(bytes: &[u8]) -> Loader {
    let (wide, at) = match (bytes.get(18), bytes.get(4)) {
        (Some(62), _) => (true, 64),
        _ => (false, 52),
    };
    let number = |at: usize, width: usize| {
        let field = bytes.get(at..at + width).unwrap_or_default();
        field
            .iter()
            .rev()
            .fold(0_usize, |n, b| n << 8 | usize::from(*b))
    };
    if !bytes.starts_with(b"\x7fELF") || number(at, 4) != 3 {
        return Loader::None;
    }
    let (offset, size) = if wide {
        (number(at + 8, 8), number(at + 32, 8))
    } else {
        (number(at + 4, 4), number(at + 16, 4))
    };
    let path = bytes[offset..offset + size - 1].to_vec();
    Loader::At(PathBuf::from(OsString::from_vec(path)))
}

/// What a replayed call ends in, in the kernel's terms.
fn outcome(run: &Run<'_>, disk: &Disk) -> Outcome {
    if let Some(Stop::Dies(_)) = &run.stop {
        return Outcome::Died(libc::SIGSEGV);
    }
    if let Some(stop) = &run.stop {
        return Outcome::Failed(stop.errno().unwrap().raw_os_error());
    }
    let last = run.steps.last().unwrap();
    let started = match &last.program.loader {
        Loader::At(path) => path,
        _ => &last.path,
    };
    let bytes = fs::read(disk.root.join(started)).unwrap();
    let identity = probe::identity_of(&bytes).unwrap();
    Outcome::Ran(OsString::from_vec(identity), run.argv.clone())
}

/// Runs one world in both ways.
fn compare(world: &world::World, table: &Table) -> (Outcome, Outcome, String) {
    let (root, at) = (Path::new(ROOT), table.path().unwrap());
    world.set_up(root, at);
    let call = world.call.path(root);
    let outcomes = call_both(table, &call, &world.argv, world.root);
    world.tear_down(root, at);
    outcomes
}

/// The same call replayed and executed, and the way that was replayed.
fn call_both(
    table: &Table,
    path: &Path,
    argv: &[&str],
    capabilities: bool,
) -> (Outcome, Outcome, String) {
    let root = Path::new(ROOT);
    let live = table.snapshot().unwrap();
    let disk = Disk {
        root: root.to_owned(),
        capabilities,
    };
    let words: Vec<OsString> = argv.iter().map(OsString::from).collect();
    let run = exec::replay(&live, &disk, path, &words);
    let replayed = outcome(&run, &disk);
    let real = kernel::execute(path, argv, root, capabilities);
    (replayed, real, way(&run))
}

/// The files on the way, for a failure's message.
fn way(run: &Run<'_>) -> String {
    let steps = run.steps.iter().map(|step| {
        let head = &step.program.head;
        let head = head[..head.len().min(60)].escape_ascii();
        format!(
            "{} {head} {:?} {:?}",
            step.path.display(),
            step.program.loader,
            step.taken
        )
    });
    steps.collect::<Vec<_>>().join("\n")
}

/// Gives `body` an empty folder to make worlds in, and a private table.
fn with_worlds(name: &str, body: impl FnOnce(Table)) {
    in_namespaces(name, || {
        common::mount_table();
        rustix::mount::mount("tmpfs", ROOT, "tmpfs", MountFlags::empty(), None).unwrap();
        std::env::set_current_dir(ROOT).unwrap();
        body(Table::at(Path::new(armistice_binfmt::STANDARD_PATH)).unwrap());
    });
}

#[test]
fn random_worlds_run_as_replayed() {
    let cases = if std::env::var_os("ARMISTICE_LONG").is_some() {
        30_000
    } else {
        1_000
    };
    with_worlds("random_worlds_run_as_replayed", |table| {
        let mut runner = TestRunner::new(Config {
            cases,
            failure_persistence: None,
            ..Config::default()
        });
        let started = Cell::new(0_u32);
        let result = runner.run(&world::world(), |world| {
            let (replayed, real, way) = compare(&world, &table);
            started.set(started.get() + u32::from(matches!(real, Outcome::Ran(..))));
            prop_assert_eq!(replayed, real, "{}", way);
            Ok(())
        });
        if let Err(error) = result {
            panic!("{error}");
        }
        assert!(started.get() > cases / 20, "hardly any program was started");
    });
}

/// A small world by hand: files that may be executed, and lines for the table.
struct Scene {
    table: Table,
}

impl Scene {
    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Scene {
        let path = Path::new(ROOT).join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn probe(&self, name: &str) -> &Scene {
        self.file(name, probe::elf(true, name, None))
    }

    fn entry(&self, line: &str) -> &Scene {
        fs::write(self.table.path().unwrap().join("register"), line).unwrap();
        self
    }

    /// What the kernel and the replay agree on, in words: who was started with
    /// which arguments, or the error.
    #[track_caller]
    fn call(&self, path: &str) -> String {
        let path = Path::new(ROOT).join(path);
        let (replayed, real, way) = call_both(&self.table, &path, &["zero"], true);
        assert_eq!(replayed, real, "{way}");
        match real {
            Outcome::Ran(who, argv) => {
                let words: Vec<_> = argv.iter().map(|w| w.to_string_lossy()).collect();
                let who = who.to_string_lossy();
                format!("{}: {}", who.trim_start_matches("probe:"), words.join(" "))
            }
            Outcome::Failed(errno) => {
                let name = exec::errno_name(Errno::from_raw_os_error(errno));
                name.unwrap_or("another error").to_owned()
            }
            Outcome::Died(signal) => format!("signal {signal}"),
        }
    }
}

fn with_scene(name: &str, body: impl FnOnce(&Scene)) {
    with_worlds(name, |table| body(&Scene { table }));
}

#[test]
fn a_handler_by_ending_wins_over_the_script_loader() {
    with_scene("a_handler_by_ending_wins_over_the_script_loader", |scene| {
        scene.probe("run").probe("sh").file("a.x", "#!/tmp/sh\n");
        assert_eq!(scene.call("a.x"), "sh: /tmp/sh /tmp/a.x");
        scene.entry(":x:E::x::/tmp/run:");
        assert_eq!(scene.call("a.x"), "run: /tmp/run /tmp/a.x");
    });
}

#[test]
fn a_handler_whose_magic_is_the_script_mark_wins_over_the_script_loader() {
    let name = "a_handler_whose_magic_is_the_script_mark_wins_over_the_script_loader";
    with_scene(name, |scene| {
        scene.probe("run").probe("sh").file("a", "#!/tmp/sh\n");
        scene.entry(":x:M::#!::/tmp/run:P");
        assert_eq!(scene.call("a"), "run: /tmp/run /tmp/a zero");
    });
}

#[test]
fn a_handler_may_take_native_programs() {
    with_scene("a_handler_may_take_native_programs", |scene| {
        scene.probe("run.y").probe("a.x");
        scene.entry(":x:E::x::/tmp/run.y:");
        assert_eq!(scene.call("a.x"), "run.y: /tmp/run.y /tmp/a.x");
    });
}

#[test]
fn the_name_that_counts_is_the_one_called() {
    with_scene("the_name_that_counts_is_the_one_called", |scene| {
        scene.probe("run").file("a.x", "text");
        std::os::unix::fs::symlink("a.x", "/tmp/b").unwrap();
        std::os::unix::fs::symlink("run", "/tmp/c.x").unwrap();
        scene.entry(":x:E::x::/tmp/run:");
        assert_eq!(scene.call("a.x"), "run: /tmp/run /tmp/a.x");
        assert_eq!(scene.call("b"), "ENOEXEC");
        assert_eq!(scene.call("c.x"), "run: /tmp/run /tmp/c.x");
    });
}

#[test]
fn the_newest_of_two_that_take_a_file_wins_and_the_other_has_the_rest() {
    let name = "the_newest_of_two_that_take_a_file_wins_and_the_other_has_the_rest";
    with_scene(name, |scene| {
        scene.probe("wine").probe("ape");
        scene.file("a", "MZ..").file("b", "MZqFpD");
        scene.entry(":wine:M::MZ::/tmp/wine:");
        scene.entry(":ape:M::MZqFpD::/tmp/ape:");
        assert_eq!(scene.call("a"), "wine: /tmp/wine /tmp/a");
        assert_eq!(scene.call("b"), "ape: /tmp/ape /tmp/b");
    });
}

#[test]
fn an_emulator_that_is_a_script_or_empty() {
    with_scene("an_emulator_that_is_a_script_or_empty", |scene| {
        scene
            .probe("sh")
            .file("run", "#!/tmp/sh -x\n")
            .file("empty", "");
        scene
            .file("a.x", "")
            .file("b.y", "")
            .file("c.z", "")
            .file("d.w", "");
        scene.entry(":x:E::x::/tmp/run:");
        scene.entry(":y:E::y::/tmp/empty:F");
        scene.entry(":z:E::z::/tmp/run:O");
        scene.entry(":w:E::w::/tmp/run:FC");
        assert_eq!(scene.call("a.x"), "sh: /tmp/sh -x /tmp/run /tmp/a.x");
        assert_eq!(scene.call("b.y"), "ENOEXEC");
        // The descriptor can be handed on only once.
        assert_eq!(scene.call("c.z"), "ENOEXEC");
        assert_eq!(scene.call("d.w"), "ENOEXEC");
    });
}

#[test]
fn five_interpreters_in_a_row_run_and_six_do_not() {
    with_scene("five_interpreters_in_a_row_run_and_six_do_not", |scene| {
        scene.probe("0");
        for at in 1..=6 {
            scene.file(&at.to_string(), format!("#!/tmp/{}\n", at - 1));
        }
        assert_eq!(
            scene.call("5"),
            "0: /tmp/0 /tmp/1 /tmp/2 /tmp/3 /tmp/4 /tmp/5"
        );
        assert_eq!(scene.call("6"), "ELOOP");
    });
}

#[test]
fn odd_first_lines() {
    with_scene("odd_first_lines", |scene| {
        scene.probe("sh");
        for (line, outcome) in [
            ("#!/tmp/sh\r\n", "ENOENT"),
            ("#!/tmp/sh -e\r\n", "sh: /tmp/sh -e\r /tmp/a"),
            ("#!/tmp/sh ", "sh: /tmp/sh  /tmp/a"),
            ("#!/tmp/sh -e ", "sh: /tmp/sh -e  /tmp/a"),
            ("#!sh", "sh: sh /tmp/a"),
            ("#!", "EACCES"),
            ("#!\n", "ENOEXEC"),
            ("#!/tmp\n", "EACCES"),
            ("#!/tmp/sh\0 -e\n", "sh: /tmp/sh /tmp/a"),
        ] {
            scene.file("a", line);
            assert_eq!(scene.call("a"), outcome, "{}", line.escape_debug());
        }
        scene.file("a", format!("#!{}/tmp/sh -e x\n", " ".repeat(242)));
        assert_eq!(scene.call("a"), "sh: /tmp/sh -e /tmp/a");
        scene.file("a", format!("#!{}/tmp/sh\n", " ".repeat(248)));
        assert_eq!(scene.call("a"), "ENOEXEC");
    });
}

#[test]
fn a_loader_that_is_none() {
    with_scene("a_loader_that_is_none", |scene| {
        let program = |loader: &str| probe::elf(true, "a", Some(loader.as_bytes()));
        scene
            .probe("ld")
            .file("text", [b'x'; 100])
            .file("short", "x");
        let mut object = probe::elf(true, "object", None);
        object[16] = 1;
        scene.file("object", object);
        for (loader, outcome) in [
            ("/tmp/ld", "ld: zero"),
            ("/tmp/none", "ENOENT"),
            ("/tmp/text", "ELIBBAD"),
            // Shorter than a header.
            ("/tmp/short", "EIO"),
            // Found out too late for an error.
            ("/tmp/object", "signal 11"),
        ] {
            scene.file("a", program(loader));
            assert_eq!(scene.call("a"), outcome, "{loader}");
        }
    });
}

#[test]
fn zeros_are_read_behind_the_end() {
    with_scene("zeros_are_read_behind_the_end", |scene| {
        scene.probe("run").file("empty", "").file("a", "A");
        scene.entry(r":x:M::\x00\x00::/tmp/run:");
        assert_eq!(scene.call("empty"), "run: /tmp/run /tmp/empty");
        assert_eq!(scene.call("a"), "ENOEXEC");
    });
}
