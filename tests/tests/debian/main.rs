//! Promise: Debian for arm64 runs on the engine as Debian for amd64 runs
//! without: it is built with all maintainer scripts, and what programs print
//! and how they end is the same, by chroot, under Docker and under Podman.
//!
//! The cases are scripts in this folder, which print nothing that depends on the
//! architecture. Their heads name the packages they need, and what they need of npm
//! and PyPI (`fetched.rs`); those marked `ci` run always. `ARMISTICE_LONG=1`
//! runs all of them, in two releases, on the engine, on the engine with a storm of
//! signals, and on QEMU, and writes what came out to `results/debian.md`. That
//! takes hours: `ARMISTICE_CASES=a,b`, `ARMISTICE_RELEASES=trixie` and
//! `ARMISTICE_WAYS=storm,qemu` (beside the engine, which always runs; `engine` is it
//! alone) run only these, and the page keeps what it says of others, with the date.

mod case;
mod fetched;
mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use armistice_arch::Platform;
use case::Case;
use e2e::shared::Shared;
use e2e::{DebianRoot, Dockerd, HostTable, Podman, archive, armistice, need, product, run};
use report::{Outcome, Report, Way};

/// What takes minutes when it is calm, such as debootstrap, would be waited for for
/// hours.
const LONGEST_STORM: Duration = Duration::from_secs(900);

/// Debian twice: for this machine, and for arm64.
#[derive(Debug)]
struct Pair {
    amd64: DebianRoot,
    arm64: DebianRoot,
    cases: Vec<Case>,
    /// What the roots see at `/mnt`.
    shared: tempfile::TempDir,
}

impl Pair {
    fn make(suite: &str, cases: Vec<Case>) -> Pair {
        let packages = case::packages(&cases, suite);
        let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
        let engine = product::engine();
        let (amd64, arm64) = thread::scope(|scope| {
            let amd64 = scope.spawn(|| DebianRoot::make(suite, &packages, None));
            let arm64 = DebianRoot::make(suite, &packages, Some(&engine));
            (amd64.join(), arm64)
        });
        let shared = e2e::temporary();
        case::write_all(shared.path());
        fetched::lay_out(&cases, suite, shared.path());
        for (compiler, name) in [("gcc", "amd64"), ("aarch64-linux-gnu-gcc", "arm64")] {
            run(Command::new(need::program(compiler, compiler))
                .args(["-O2", "-shared", "-fPIC", "-o"])
                .arg(shared.path().join(format!("storm-{name}.so")))
                .arg(case::folder().join("storm.c")))
            .ok();
        }
        Pair {
            amd64: amd64.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            arm64,
            cases,
            shared,
        }
    }

    /// The pair of the short tests that run at this time.
    fn short() -> Arc<Pair> {
        static SHARED: Shared<Pair> = Shared::new();
        SHARED.get(|| {
            let mut cases = case::all();
            cases.retain(|case| case.ci);
            Pair::make("bookworm", cases)
        })
    }

    /// Runs a case in the ways that are wanted.
    fn outcome(&self, case: &Case, qemu: &Path) -> Outcome {
        let at = self.shared.path();
        let timed = |root: &DebianRoot| {
            let started = Instant::now();
            let said = case::text(&root.run(at, &case.command(None)));
            (said, started.elapsed())
        };
        let (expected, natively) = timed(&self.amd64);
        let (engine, on_engine) = timed(&self.arm64);
        // In a storm some programs never end: each signal comes before what the
        // last one interrupted is done again.
        let stormy = |root: &DebianRoot, name: &str, calm: Duration| {
            let patience = (calm * 20).min(LONGEST_STORM) + Duration::from_secs(120);
            let patience = patience.as_secs().to_string();
            let mut command = ["timeout", "--foreground", "--kill-after=5", &patience]
                .map(str::to_owned)
                .to_vec();
            command.extend(case.command(Some(&format!("/mnt/storm-{name}.so"))));
            case::text(&root.run(at, &command))
        };
        let storm = if !wanted("ARMISTICE_WAYS", "storm") {
            Way::NotRun
        } else if stormy(&self.amd64, "amd64", natively) != expected {
            Way::NativelyNot
        } else {
            let storm = stormy(&self.arm64, "arm64", on_engine);
            case.difference(&expected, &storm).into()
        };
        let qemu = if wanted("ARMISTICE_WAYS", "qemu") {
            let done = self.arm64.run_on(Some(qemu), at, &case.command(None));
            case.difference(&expected, &case::text(&done)).into()
        } else {
            Way::NotRun
        };
        Outcome {
            lines: expected.lines().count(),
            seconds: on_engine.as_secs(),
            engine: case.difference(&expected, &engine).into(),
            storm,
            qemu,
        }
    }

    /// The userlands as image archives, amd64's first.
    fn archives(&self) -> [(PathBuf, &'static str); 2] {
        [
            (&self.amd64, "linux/amd64", "amd64"),
            (&self.arm64, "linux/arm64", "arm64"),
        ]
        .map(|(root, platform, name)| {
            let file = self.shared.path().join(format!("{name}.docker.tar"));
            if !file.is_file() {
                let layer = self.shared.path().join(format!("{name}.tar"));
                root.write_tar(&layer);
                let of = Platform::parse(platform).expect("a platform of the table");
                archive::write(&file, &layer, &of, &image(name)).expect("the archive is written");
                fs::remove_file(&layer).expect("what was written can be removed");
            }
            (file, name)
        })
    }
}

fn image(architecture: &str) -> String {
    format!("armistice.test/configured:{architecture}")
}

/// Each case in both userlands prints the same and ends the same way.
#[test]
fn programs_do_what_they_do_on_amd64() {
    if std::env::var_os("ARMISTICE_LONG").is_some_and(|value| value == "1") {
        return everything();
    }
    let pair = Pair::short();
    let mut wrong = Vec::new();
    for case in &pair.cases {
        let expected = case::text(&pair.amd64.run(pair.shared.path(), &case.command(None)));
        let found = case::text(&pair.arm64.run(pair.shared.path(), &case.command(None)));
        wrong.extend(case.difference(&expected, &found));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// In containers: the same image, once for each architecture.
#[track_caller]
fn in_containers(pair: &Pair, load: impl Fn(&PathBuf), client: impl Fn() -> Command) {
    for (archive, _) in pair.archives() {
        load(&archive);
    }
    let mut wrong = Vec::new();
    for case in &pair.cases {
        let [expected, found] = ["amd64", "arm64"].map(|name| {
            case::text(&run(client()
                .args(["run", "--rm", "--network=none", "--hostname=case"])
                .arg(format!("--volume={}:/mnt:ro", pair.shared.path().display()))
                .arg(format!("--platform=linux/{name}"))
                .arg(image(name))
                .args(case.command(None))))
        });
        wrong.extend(case.difference(&expected, &found));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn programs_do_the_same_under_docker() {
    let pair = Pair::short();
    let docker = Dockerd::shared();
    let _host = HostTable::mounted();
    run(armistice().args(["register", "arm64"])).ok();
    in_containers(
        &pair,
        |archive| drop(docker.load(archive)),
        || docker.docker(),
    );
}

#[test]
fn programs_do_the_same_under_podman() {
    let pair = Pair::short();
    let podman = Podman::shared();
    let _host = HostTable::mounted();
    run(armistice().args(["register", "arm64"])).ok();
    in_containers(
        &pair,
        |archive| drop(podman.load(archive)),
        || podman.podman(),
    );
}

/// Whether a variable, a list with commas, names something; without it, all
/// are meant.
fn wanted(variable: &str, name: &str) -> bool {
    std::env::var(variable).map_or(true, |names| names.split(',').any(|one| one == name))
}

/// All cases in two releases, with and without a storm, and on QEMU. Fails
/// where the engine fails and `debian/known.txt` does not say why.
fn everything() {
    let qemu = std::env::var_os("ARMISTICE_QEMU_AARCH64").map_or_else(
        || need::program("qemu-aarch64-static", "qemu-user-static"),
        PathBuf::from,
    );
    let mut report = Report::new(&product::engine(), &qemu);
    let releases = ["bookworm", "trixie"];
    for suite in releases.map(|suite| wanted("ARMISTICE_RELEASES", suite).then_some(suite)) {
        let Some(suite) = suite else { continue };
        let pair = Pair::make(suite, case::all());
        report.userland(&pair.arm64);
        for case in &pair.cases {
            report.case(suite, case, &pair.outcome(case, &qemu));
        }
    }
    report.finish();
}
