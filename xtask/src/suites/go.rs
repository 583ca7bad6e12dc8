//! The tests of Go's standard library, out of Debian's packages of a fixed
//! version, which are unpacked into the target folder: nothing is installed.
//!
//! The compiler runs natively. So does the `go` command that tests call, which
//! then builds the guest's programs for the runtime's tests of crashes, signals and
//! profiles.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use e2e::command::Done;

use super::compared::{Suite, Test, Verdict, Verdicts, of_program};
use crate::guest::{Arch, Guest};
use crate::setup;
use crate::step::run;

const RELEASE: &str = "trixie";
const VERSION: &str = "1.24";

/// How long the tests of a package may take natively.
const LIMIT: Duration = Duration::from_secs(1800);

pub(super) fn suite(guest: Guest, folder: &Path) -> Result<Suite> {
    let go = Go::new(guest, folder)?;
    let packages = go.packages()?.into_iter();
    let tests = packages
        .map(|(package, place)| go.test(package, place))
        .collect();
    Ok(Suite {
        name: "go",
        guest,
        about: format!(
            "The tests of Go's standard library ({}), with `-test.short`.",
            go.version()?
        ),
        tests,
    })
}

/// An unpacked Go.
#[derive(Debug, Clone)]
struct Go {
    guest: Guest,
    root: PathBuf,
    /// Caches and programs.
    work: PathBuf,
}

impl Go {
    /// Whole or not at all.
    fn new(guest: Guest, folder: &Path) -> Result<Self> {
        let go = Self {
            guest,
            root: folder.join("go"),
            work: folder.join("go-work"),
        };
        std::fs::create_dir_all(go.work.join("programs"))?;
        if go.root.is_dir() {
            return Ok(go);
        }
        println!("Missing: Debian's Go {VERSION} of {RELEASE} (70 MB).");
        let at = folder.join("go-apt");
        let apt = setup::lists(&at, "deb", RELEASE)?;
        let packages = [
            format!("golang-{VERSION}-go"),
            format!("golang-{VERSION}-src"),
        ];
        apt.get(&["download", &packages[0], &packages[1]])?;
        let unpacked = at.join("unpacked");
        for package in &packages {
            run(Command::new("dpkg-deb")
                .arg("--extract")
                .arg(apt.file(&format!("{package}_"), ".deb")?)
                .arg(&unpacked))?;
        }
        // Its parts are links to another folder of the packages.
        let partial = folder.join("go-partial");
        let _ = std::fs::remove_dir_all(&partial);
        run(Command::new("cp")
            .args(["--recursive", "--dereference"])
            .arg(unpacked.join(format!("usr/lib/go-{VERSION}")))
            .arg(&partial))?;
        std::fs::rename(&partial, &go.root)?;
        std::fs::remove_dir_all(&at)?;
        Ok(go)
    }

    /// What the `go` command is to see, when it builds and when tests call it.
    fn env(&self, arch: &str) -> Vec<String> {
        let (root, work) = (self.root.display(), self.work.display());
        let path = std::env::var("PATH").unwrap_or_default();
        vec![
            format!("GOROOT={root}"),
            format!("PATH={root}/bin:{path}"),
            format!("GOARCH={arch}"),
            format!("GOCACHE={work}/cache"),
            format!("GOPATH={work}/path"),
            format!("HOME={work}"),
            "CGO_ENABLED=0".to_owned(),
            "GOTOOLCHAIN=local".to_owned(),
            "GOPROXY=off".to_owned(),
            "GOFLAGS=".to_owned(),
        ]
    }

    fn command(&self, arch: &str) -> Command {
        let mut command = Command::new("env");
        command.args(self.env(arch)).arg("go");
        command
    }

    fn output(&self, args: &[&str]) -> Result<String> {
        let output = self.command(self.guest.own().go()).args(args).output();
        let output = output.context("can't start go")?;
        if !output.status.success() {
            bail!(
                "go {}: {}",
                args.join(" "),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn version(&self) -> Result<String> {
        Ok(self.output(&["version"])?.trim().to_owned())
    }

    /// Those with tests, and their folders.
    fn packages(&self) -> Result<Vec<(String, PathBuf)>> {
        const WITH_TESTS: &str =
            "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{.Dir}}{{end}}";
        let list = self.output(&["list", "-f", WITH_TESTS, "std"])?;
        let words = list.lines().filter_map(|line| line.split_once(' '));
        Ok(words
            .map(|(name, place)| (name.to_owned(), place.into()))
            .collect())
    }

    fn program(&self, package: &str, arch: Arch) -> PathBuf {
        let name = format!("{}.{}", package.replace('/', "_"), arch.name());
        self.work.join("programs").join(name)
    }

    fn test(&self, package: String, folder: PathBuf) -> Test {
        let start = |arch: Arch| {
            let mut command = vec!["env".to_owned()];
            command.extend(self.env(arch.go()));
            command.push(self.program(&package, arch).display().to_string());
            // In the form that marks the lines about tests.
            command
                .extend(["-test.short", "-test.timeout=0", "-test.v=test2json"].map(str::to_owned));
            command
        };
        let (go, name) = (self.clone(), package.clone());
        Test {
            build: Box::new(move |arch| go.build(&name, arch)),
            native: start(self.guest.native()),
            own: start(self.guest.own()),
            temporary: self
                .guest
                .both()
                .map(|arch| self.program(&package, arch))
                .into(),
            name: package,
            folder,
            limit: LIMIT,
            read,
        }
    }

    /// Without `vet`, which is not about what runs.
    fn build(&self, package: &str, arch: Arch) -> Result<bool> {
        let program = self.program(package, arch);
        if program.is_file() {
            return Ok(true);
        }
        let mut command = self.command(arch.go());
        command.args(["test", "-c", "-vet=off", "-p", "2", "-o"]);
        let output = command.arg(&program).arg(package).output();
        let output = output.context("can't start go")?;
        Ok(output.status.success() && program.is_file())
    }
}

/// Go's verdicts by test. The lines about tests begin with the byte 0x16.
fn read(package: &str, done: &Done) -> Verdicts {
    const MARK: char = '\u{16}';
    let mut verdicts: Verdicts = Vec::new();
    for line in done.stdout.split(MARK).skip(1) {
        let line = line.lines().next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let (first, what, test) = (words.next(), words.next(), words.next());
        let (Some(what), Some(test)) = (what, test) else {
            continue;
        };
        // Parts of tests are told by their tests.
        if test.contains('/') {
            continue;
        }
        let verdict = match (first, what) {
            (Some("==="), "RUN") => Verdict::Failed("does not end".to_owned()),
            (Some("---"), "PASS:") => Verdict::Passed,
            (Some("---"), "SKIP:") => Verdict::Skipped,
            (Some("---"), "FAIL:") => Verdict::Failed("fails".to_owned()),
            _ => continue,
        };
        let name = format!("{package}.{test}");
        verdicts.retain(|(other, _)| *other != name);
        verdicts.push((name, verdict));
    }
    // A package may also fail as a whole, for no fault of a test.
    let told = verdicts
        .iter()
        .any(|(_, verdict)| matches!(verdict, Verdict::Failed(_)));
    let whole = if done.status.success() || told {
        Verdict::Passed
    } else {
        Verdict::Failed(of_program(done))
    };
    verdicts.push((package.to_owned(), whole));
    verdicts
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;

    fn verdicts(code: i32, stdout: &str) -> Verdicts {
        read(
            "p",
            &Done {
                line: String::new(),
                status: ExitStatus::from_raw(code << 8),
                stdout: stdout.replace('@', "\u{16}"),
                stderr: String::new(),
            },
        )
    }

    #[test]
    fn what_tests_say_is_understood() {
        let text = "@=== RUN   TestA\n@=== RUN   TestA/part\n@    --- PASS: TestA/part (0s)\n\
                    text@--- PASS: TestA (0.00s)\n@=== RUN   TestB\n--- PASS: TestB\n\
                    @--- SKIP: TestB (0.00s)\n@=== RUN   TestC\n";
        let expected = |whole: Verdict| {
            vec![
                ("p.TestA".to_owned(), Verdict::Passed),
                ("p.TestB".to_owned(), Verdict::Skipped),
                (
                    "p.TestC".to_owned(),
                    Verdict::Failed("does not end".to_owned()),
                ),
                ("p".to_owned(), whole),
            ]
        };
        assert_eq!(verdicts(2, text), expected(Verdict::Passed));
        // A package that fails for no fault of a test.
        let silent = verdicts(2, "@=== RUN   TestA\n@--- PASS: TestA (0s)\n");
        assert!(
            matches!(silent.last(), Some((_, Verdict::Failed(_)))),
            "{silent:?}"
        );
    }
}
