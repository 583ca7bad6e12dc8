//! The Linux Test Project's tests of system calls, out of a checkout that the
//! caller has (`--source`): built for both architectures (statically for
//! the guest), folder by folder as they are wanted, and started as its list of them says.
//!
//! Those that would disturb the machine, or take it too long, are left out,
//! with a reason a line (`ltp-left-out.txt`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use e2e::command::{Done, line_of};

use super::compared::{Suite, Test, Verdict, Verdicts, of_program};
use super::reasons::Reasons;
use super::source;
use crate::guest::{Arch, Guest};
use crate::setup::{Need, need};

/// To build it.
pub(super) const NEEDS: &[Need] = &[
    need("autoconf", "autoconf", "configures LTP"),
    need("automake", "automake", "configures LTP"),
    need("m4", "m4", "configures LTP"),
    need("pkg-config", "pkg-config", "configures LTP"),
    need("make", "make", "builds LTP"),
];

/// What all need: built and installed first, in order.
const PARTS: [&str; 3] = ["lib", "libs", "testcases/lib"];

/// Where the tests are, each in a folder with those of the same system call.
const TESTS: &str = "testcases/kernel/syscalls";

/// The list of tests.
const LIST: &str = "runtest/syscalls";

const LEFT_OUT: &str = include_str!("ltp-left-out.txt");

/// Tests stop themselves sooner than that.
const LIMIT: Duration = Duration::from_secs(180);

pub(super) fn suite(guest: Guest, folder: &Path, checkout: &Path) -> Result<Suite> {
    let ltp = Arc::new(Ltp {
        work: folder.join("ltp"),
        guest,
        folders: folders(&checkout.join(TESTS))?,
        building: guest.both().map(|_| Mutex::new(())),
    });
    for arch in guest.both() {
        if !ltp.root(arch).is_dir() {
            ltp.configure(checkout, arch)?;
        }
    }
    let text = std::fs::read_to_string(checkout.join(LIST)).context(LIST)?;
    let left_out: Reasons<1> = Reasons::read("ltp-left-out.txt", LEFT_OUT)?;
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut tests = Vec::new();
    for line in lines {
        let (name, command) = line.split_once(char::is_whitespace).context(LIST)?;
        if left_out.of([name]).is_none() {
            tests.push(test(&ltp, name, command.trim()));
        }
    }
    Ok(Suite {
        name: "ltp",
        guest,
        about: format!(
            "The Linux Test Project's tests of system calls ({}), static. {} are left out, as they \
             would disturb the machine or take too long.",
            source::version(checkout)?,
            left_out.names().count()
        ),
        tests,
    })
}

/// The folder of each program's source.
fn folders(tests: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![tests.to_owned()];
    while let Some(folder) = waiting.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|end| end == "c") {
                let name = path.file_stem().unwrap_or_default().to_string_lossy();
                let relative = folder.strip_prefix(tests)?;
                found.insert(name.into_owned(), relative.to_owned());
            }
        }
    }
    Ok(found)
}

/// Copies of the checkout that programs are built in, and what is installed
/// from them.
struct Ltp {
    work: PathBuf,
    guest: Guest,
    folders: BTreeMap<String, PathBuf>,
    /// Held, by architecture, while something is built.
    building: [Mutex<()>; 2],
}

impl Ltp {
    fn root(&self, arch: Arch) -> PathBuf {
        self.work.join(arch.name())
    }

    fn tree(&self, arch: Arch) -> PathBuf {
        self.work.join(format!("{}-tree", arch.name()))
    }

    /// Whole or not at all.
    fn configure(&self, checkout: &Path, arch: Arch) -> Result<()> {
        println!(
            "Building LTP's library for {}: takes some minutes.",
            arch.name()
        );
        std::fs::create_dir_all(&self.work)?;
        let tree = self.tree(arch);
        source::copy(checkout, &tree)?;
        self.step(arch, Command::new("make").arg("autotools"))?;
        // There is no root with the guest's libraries; and none but libc, that both
        // have the same tests.
        let linked = match arch {
            Arch::Amd64 => "LDFLAGS=",
            _ => "LDFLAGS=-static",
        };
        let mut configure = Command::new("./configure");
        configure
            .arg(format!("--host={}", arch.gnu()))
            .arg(format!("--prefix={}", self.root(arch).display()))
            .args([linked, "CFLAGS=-O1", "PKG_CONFIG=false"]);
        self.step(arch, &mut configure)?;
        for part in PARTS {
            self.step(arch, Command::new("make").args(["-k", "-j2", "-C", part]))?;
        }
        std::fs::create_dir_all(self.root(arch))?;
        Ok(())
    }

    /// A command in the tree, what it says in a file there.
    fn step(&self, arch: Arch, command: &mut Command) -> Result<()> {
        let tree = self.tree(arch);
        let log = tree.join("build.log");
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)?;
        command
            .current_dir(&tree)
            .stderr(file.try_clone()?)
            .stdout(file);
        let status = command.status()?;
        if !status.success() {
            bail!("`{}` failed: see {}", line_of(command), log.display());
        }
        Ok(())
    }

    /// Builds a program with all others of its folder, and installs them. Some
    /// folders have programs that are not for each architecture.
    fn build(&self, program: &str, arch: Arch) -> Result<bool> {
        let number = usize::from(arch == self.guest.own());
        let building = self.building.get(number).map(Mutex::lock);
        let _building = building.map(|lock| lock.unwrap_or_else(PoisonError::into_inner));
        let file = self.root(arch).join("testcases/bin").join(program);
        if file.is_file() {
            return Ok(true);
        }
        // Variants with other types of identities share a source.
        let source = program.trim_end_matches("_16").trim_end_matches("_64");
        let Some(folder) = self.folders.get(source) else {
            return Ok(false);
        };
        let folder = Path::new(TESTS).join(folder).display().to_string();
        for goals in [&["-k", "-j2"][..], &["-k", "install"]] {
            let _ = self.step(arch, Command::new("make").args(["-C", &folder]).args(goals));
        }
        Ok(file.is_file())
    }
}

fn test(ltp: &Arc<Ltp>, name: &str, command: &str) -> Test {
    let start = |arch: Arch| {
        let root = ltp.root(arch).display().to_string();
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let mut words = vec!["env".to_owned(), format!("LTPROOT={root}")];
        words.push(format!("PATH={root}/testcases/bin:{path}"));
        words.push("LTP_COLORIZE_OUTPUT=0".to_owned());
        // Emulators, and other tests beside.
        words.push("LTP_TIMEOUT_MUL=3".to_owned());
        words.extend(["sh", "-c"].map(str::to_owned));
        words.push(format!("exec {command}"));
        words
    };
    let program = command
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned();
    let builder = Arc::clone(ltp);
    Test {
        name: name.to_owned(),
        build: Box::new(move |arch| builder.build(&program, arch)),
        native: start(ltp.guest.native()),
        own: start(ltp.guest.own()),
        folder: ltp.work.clone(),
        limit: LIMIT,
        read,
        temporary: Vec::new(),
    }
}

/// What the exit code is made of, that is no failure: a warning, and that
/// something can't be tested here.
const WARNED: i32 = 4;
const SKIPPED: i32 = 32;

/// What is said of parts that only other architectures have.
const FOREIGN: [&str; 8] = [
    "syscall(-1) __NR",
    "This arch 'aarch64' is not supported",
    "16-bit version of",
    "compat_16.h",
    "for this architecture",
    "nly test on x86_64",
    "x86_64 feature",
    "Intel 32 bits",
];

/// Warnings don't count: each test warns that it may not protect itself from
/// the killer of memory hogs, as that takes the machine's root.
fn read(name: &str, done: &Done) -> Verdicts {
    let verdict = match done.status.code() {
        Some(code) if code & !(WARNED | SKIPPED) == 0 => without_failure(code, done),
        _ => Verdict::Failed(of_program(done)),
    };
    vec![(name.to_owned(), verdict)]
}

/// How many parts passed and were skipped tells the summary, which old tests
/// don't have.
fn without_failure(code: i32, done: &Done) -> Verdict {
    let all = || done.stderr.lines().chain(done.stdout.lines());
    let count = |what: &str| -> Option<usize> {
        all().find_map(|line| line.strip_prefix(what)?.trim().parse().ok())
    };
    let foreign = all()
        .filter(|line| line.contains("TCONF"))
        .filter(|line| FOREIGN.iter().any(|what| line.contains(what)))
        .count();
    let nothing = match count("passed") {
        Some(passed) => passed == 0,
        None => code & SKIPPED != 0,
    };
    match count("skipped").unwrap_or(0).saturating_sub(foreign) {
        _ if nothing && foreign > 0 => Verdict::Foreign,
        _ if nothing => Verdict::Skipped,
        0 => Verdict::Passed,
        parts => Verdict::Partly(parts),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;

    fn verdict(code: i32, stderr: &str) -> Verdict {
        let done = Done {
            line: String::new(),
            status: ExitStatus::from_raw(code << 8),
            stdout: String::new(),
            stderr: stderr.to_owned(),
        };
        let mut verdicts = read("t", &done);
        assert_eq!(verdicts.len(), 1);
        verdicts.remove(0).1
    }

    #[test]
    fn what_a_test_says_is_understood() {
        let summary = "passed   3\nfailed   0\nskipped  2\n";
        let one_foreign = "t.c:1: TCONF: syscall(-1) __NR_select not supported on your arch\n";
        assert_eq!(verdict(4, "passed   3\nskipped  0\n"), Verdict::Passed);
        assert_eq!(verdict(4, summary), Verdict::Partly(2));
        assert_eq!(
            verdict(0, &format!("{one_foreign}{summary}")),
            Verdict::Partly(1)
        );
        assert_eq!(verdict(32, "passed   0\nskipped  1\n"), Verdict::Skipped);
        assert_eq!(
            verdict(32, &format!("{one_foreign}passed   0\nskipped  1\n")),
            Verdict::Foreign
        );
        // Old tests have no summary.
        assert_eq!(verdict(0, "t 1 TPASS"), Verdict::Passed);
        assert_eq!(verdict(32, "t 1 TCONF"), Verdict::Skipped);
        for code in [1, 2, 5, 124, 139] {
            assert!(
                matches!(verdict(code, summary), Verdict::Failed(_)),
                "{code}"
            );
        }
    }
}
