//! Promise: Debian for arm64 runs on the engine as Debian for amd64 runs
//! without, and Debian for 32-bit Arm as Debian for i386: it is
//! built with all maintainer scripts, and what programs print and how they end is
//! the same, by chroot, under Docker and under Podman.
//!
//! The cases are scripts in this folder, which print nothing that depends on the
//! architecture. Their heads name the packages they need, and what they need of npm
//! and PyPI (`fetched.rs`), and where they can't run (`# not on armhf: why`); those marked `ci` run always, some of them for 32-bit
//! Arm. `ARMISTICE_LONG=1`
//! runs all of them, in two releases, on the engine, on the engine with a storm of
//! signals, and on QEMU, and writes what came out to `results/debian.md` (32-bit Arm's to
//! `results/debian-armhf.md`). That takes hours: `ARMISTICE_CASES=a,b`,
//! `ARMISTICE_RELEASES=trixie` and `ARMISTICE_WAYS=storm,qemu` (beside the engine, which
//! always runs; `engine` is it alone) run only these, and the page keeps what it says of
//! others, with the date.

mod case;
mod fetched;
mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
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

/// A guest, and who runs the same natively: Debian's names.
#[derive(Debug)]
struct Guest {
    native: &'static str,
    foreign: &'static str,
    /// Whose lines will do where the native ones are others: i386 computes in 80 bits, the guest in
    /// 64 as amd64 does.
    also: Option<&'static str>,
    /// As images name them, in the same order.
    platforms: [&'static str; 2],
    /// Its place in [`product::ENGINES`].
    engine: usize,
    /// Names a QEMU for the long runs, and what it is called without that.
    qemu: [&'static str; 2],
    /// Compilers for both.
    compilers: [&'static str; 2],
    /// What the long runs write.
    page: &'static str,
    /// The cases of the short form: those marked `ci`, and only those of these names
    /// where there are any.
    short: &'static [&'static str],
}

static ARM64: Guest = Guest {
    native: "amd64",
    foreign: "arm64",
    also: None,
    platforms: ["linux/amd64", "linux/arm64"],
    engine: 0,
    qemu: ["ARMISTICE_QEMU_AARCH64", "qemu-aarch64-static"],
    compilers: ["gcc", "aarch64-linux-gnu-gcc"],
    page: "debian.md",
    short: &[],
};

static ARMHF: Guest = Guest {
    native: "i386",
    foreign: "armhf",
    also: Some("amd64"),
    platforms: ["linux/386", "linux/arm/v7"],
    engine: 1,
    qemu: ["ARMISTICE_QEMU_ARM", "qemu-arm-static"],
    compilers: ["i686-linux-gnu-gcc", "arm-linux-gnueabihf-gcc"],
    page: "debian-armhf.md",
    short: &["archives", "bash", "coreutils"],
};

impl Guest {
    fn engine(&self) -> PathBuf {
        let engines = product::engines();
        engines[self.engine].clone()
    }

    fn names(&self) -> [&'static str; 2] {
        [self.native, self.foreign]
    }
}

/// Debian twice: for this machine, and for the guest.
#[derive(Debug)]
struct Pair {
    guest: &'static Guest,
    native: DebianRoot,
    foreign: DebianRoot,
    /// The third, and the release and packages that it is made of when it is asked.
    also: OnceLock<DebianRoot>,
    suite: String,
    packages: Vec<String>,
    cases: Vec<Case>,
    /// What the roots see at `/mnt`.
    shared: tempfile::TempDir,
}

impl Pair {
    fn make(guest: &'static Guest, suite: &str, mut cases: Vec<Case>) -> Pair {
        cases.retain(|case| case.runs_on(guest.foreign));
        let names: Vec<String> = case::packages(&cases, suite).into_iter().collect();
        let packages: Vec<&str> = names.iter().map(String::as_str).collect();
        let engine = guest.engine();
        let (native, foreign) = thread::scope(|scope| {
            let native = scope.spawn(|| DebianRoot::of(guest.native, suite, &packages, None));
            let foreign = DebianRoot::of(guest.foreign, suite, &packages, Some(&engine));
            (native.join(), foreign)
        });
        let shared = e2e::temporary();
        case::write_all(shared.path());
        fetched::lay_out(&cases, suite, &guest.names(), shared.path());
        for (compiler, name) in guest.compilers.into_iter().zip(guest.names()) {
            run(Command::new(need::program(compiler, compiler))
                .args(["-O2", "-shared", "-fPIC", "-o"])
                .arg(shared.path().join(format!("storm-{name}.so")))
                .arg(case::folder().join("storm.c")))
            .ok();
        }
        Pair {
            guest,
            native: native.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            foreign,
            also: OnceLock::new(),
            suite: suite.to_owned(),
            packages: names,
            cases,
            shared,
        }
    }

    /// What the third architecture prints, if there is one.
    fn also(&self, case: &Case) -> Option<String> {
        let architecture = self.guest.also?;
        let root = self.also.get_or_init(|| {
            let packages: Vec<&str> = self.packages.iter().map(String::as_str).collect();
            DebianRoot::of(architecture, &self.suite, &packages, None)
        });
        Some(case::text(
            &root.run(self.shared.path(), &case.command(None)),
        ))
    }

    /// The pair of a guest's short tests that run at this time.
    fn short(guest: &'static Guest) -> Arc<Pair> {
        static SHARED: [Shared<Pair>; 2] = [const { Shared::new() }; 2];
        SHARED[guest.engine].get(|| Pair::short_of(guest))
    }

    fn short_of(guest: &'static Guest) -> Pair {
        let mut cases = case::all();
        cases.retain(|case| case.ci);
        cases.retain(|case| guest.short.is_empty() || guest.short.contains(&&*case.name));
        Pair::make(guest, "bookworm", cases)
    }

    /// Runs each case in both userlands by chroot: they print the same and end the same way.
    #[track_caller]
    fn same_by_chroot(&self) {
        let at = self.shared.path();
        let mut wrong = Vec::new();
        for case in &self.cases {
            let [expected, found] = [&self.native, &self.foreign]
                .map(|root| case::text(&root.run(at, &case.command(None))));
            wrong.extend(self.difference(case, &expected, &found));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// Runs a case in the ways that are wanted.
    fn outcome(&self, case: &Case, qemu: &Path) -> Outcome {
        let at = self.shared.path();
        let timed = |root: &DebianRoot| {
            let started = Instant::now();
            let said = case::text(&root.run(at, &case.command(None)));
            (said, started.elapsed())
        };
        let (expected, natively) = timed(&self.native);
        let (engine, on_engine) = timed(&self.foreign);
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
        } else if stormy(&self.native, self.guest.native, natively) != expected {
            Way::NativelyNot
        } else {
            let storm = stormy(&self.foreign, self.guest.foreign, on_engine);
            self.difference(case, &expected, &storm).into()
        };
        let qemu = if wanted("ARMISTICE_WAYS", "qemu") {
            let done = self.foreign.run_on(Some(qemu), at, &case.command(None));
            self.difference(case, &expected, &case::text(&done)).into()
        } else {
            Way::NotRun
        };
        Outcome {
            lines: expected.lines().count(),
            seconds: on_engine.as_secs(),
            engine: self.difference(case, &expected, &engine).into(),
            storm,
            qemu,
        }
    }

    /// What differs between this machine and the guest, if anything does.
    fn difference(&self, case: &Case, expected: &str, found: &str) -> Option<String> {
        case.difference(&self.guest.names(), [expected, found])?;
        let expected = case::either(expected, self.also(case).as_deref(), found);
        case.difference(&self.guest.names(), [&expected, found])
    }

    /// The userlands as image archives, this machine's first.
    fn archives(&self) -> [PathBuf; 2] {
        let [native, foreign] = self.guest.names();
        let [of_native, of_foreign] = self.guest.platforms;
        [
            (&self.native, of_native, native),
            (&self.foreign, of_foreign, foreign),
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
            file
        })
    }
}

fn image(architecture: &str) -> String {
    format!("armistice.test/configured:{architecture}")
}

fn is_long() -> bool {
    std::env::var_os("ARMISTICE_LONG").is_some_and(|value| value == "1")
}

#[test]
fn programs_do_what_they_do_on_amd64() {
    if is_long() {
        everything(&ARM64);
    } else {
        Pair::short(&ARM64).same_by_chroot();
    }
}

#[test]
fn programs_of_32_bit_arm_do_what_they_do_on_i386() {
    if is_long() {
        everything(&ARMHF);
    } else {
        Pair::short(&ARMHF).same_by_chroot();
    }
}

/// In containers: the same image, once for each architecture.
#[track_caller]
fn in_containers(pair: &Pair, load: impl Fn(&PathBuf), client: impl Fn() -> Command) {
    for archive in pair.archives() {
        load(&archive);
    }
    let mut wrong = Vec::new();
    for case in &pair.cases {
        let [expected, found] = [0, 1].map(|side| {
            let [name, platform] = [pair.guest.names()[side], pair.guest.platforms[side]];
            case::text(&run(client()
                .args(["run", "--rm", "--network=none", "--hostname=case"])
                .arg(format!("--volume={}:/mnt:ro", pair.shared.path().display()))
                .arg(format!("--platform={platform}"))
                .arg(image(name))
                .args(case.command(None))))
        });
        wrong.extend(pair.difference(case, &expected, &found));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn programs_do_the_same_under_docker() {
    under_docker(&ARM64);
}

#[test]
fn programs_of_32_bit_arm_do_the_same_under_docker() {
    under_docker(&ARMHF);
}

#[track_caller]
fn under_docker(guest: &'static Guest) {
    let pair = Pair::short(guest);
    let docker = Dockerd::shared();
    let _host = HostTable::mounted();
    run(armistice().args(["register", guest.foreign])).ok();
    in_containers(
        &pair,
        |archive| drop(docker.load(archive)),
        || docker.docker(),
    );
}

#[test]
fn programs_do_the_same_under_podman() {
    under_podman(&ARM64);
}

#[test]
fn programs_of_32_bit_arm_do_the_same_under_podman() {
    under_podman(&ARMHF);
}

#[track_caller]
fn under_podman(guest: &'static Guest) {
    let pair = Pair::short(guest);
    let podman = Podman::shared();
    let _host = HostTable::mounted();
    run(armistice().args(["register", guest.foreign])).ok();
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
fn everything(guest: &'static Guest) {
    let [named, installed] = guest.qemu;
    let qemu = std::env::var_os(named).map_or_else(
        || need::program(installed, "qemu-user-static"),
        PathBuf::from,
    );
    let mut report = Report::new(guest.page, guest.names(), &guest.engine(), &qemu);
    let releases = ["bookworm", "trixie"];
    for suite in releases.map(|suite| wanted("ARMISTICE_RELEASES", suite).then_some(suite)) {
        let Some(suite) = suite else { continue };
        let pair = Pair::make(guest, suite, case::all());
        report.userland(&pair.foreign);
        for case in &pair.cases {
            report.case(suite, case, &pair.outcome(case, &qemu));
        }
    }
    report.finish();
}
