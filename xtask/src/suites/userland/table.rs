//! The suites, as data.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use e2e::Done;

use super::outcome::Outcome;
use super::read;
use crate::setup;
use crate::step::run;

/// Debian's release.
pub(super) const RELEASE: &str = "trixie";

/// The packages of all suites.
pub(super) const PACKAGES: &[&str] = &[
    "gdb-minimal",
    "libglib2.0-tests",
    "libpython3.13-testsuite",
    "perl",
    "procps",
    "python3",
    "python3.13-full",
    "stress-ng",
    "systemd-tests",
];

/// Tests that are started in the same way.
#[derive(Debug)]
pub(super) struct Suite {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// The package whose version the page tells.
    pub(super) package: &'static str,
    /// For the shell: prints the tests' names.
    pub(super) list: &'static str,
    /// For the shell: runs the test `$1`.
    pub(super) command: &'static str,
    /// How long a test may take, in seconds.
    pub(super) patience: u64,
    /// Not run, and why.
    pub(super) excluded: &'static [(&'static str, &'static str)],
    /// Between a test's name and that of a part of it.
    pub(super) part: char,
    pub(super) read: fn(test: &str, done: &Done) -> Outcome,
}

/// All of them.
pub(super) const SUITES: [Suite; 6] = [
    Suite {
        name: "cpython",
        title: "CPython's own tests",
        package: "libpython3.13-testsuite",
        list: "python3 -m test --list-tests",
        // Of its resources (network, much memory, ...) it is given none.
        command: r#"cd /tmp && exec python3 -m test -v --randseed 1 --timeout 560 "$1""#,
        patience: 600,
        excluded: &[],
        part: '.',
        read: read::cpython,
    },
    Suite {
        name: "glib",
        title: "GLib's installed tests",
        package: "libglib2.0-tests",
        list: "cd /usr/share/installed-tests/glib && ls | sed 's/[.]test$//'",
        command: r#"cd /tmp && eval exec "$(sed -n s/^Exec=//p "/usr/share/installed-tests/glib/$1.test")""#,
        patience: 300,
        excluded: &[],
        part: ':',
        read: read::tap,
    },
    Suite {
        name: "perl",
        title: "Perl's own tests",
        package: "perl",
        // Not those of its sources (porting), and of other systems.
        list: "cd /perl/t && find base class cmd comp io lib mro op opbasic perf re run test_pl uni \
               ../lib ../dist ../ext -name '*.t' -type f",
        command: PERL,
        patience: 600,
        excluded: &[],
        part: ':',
        read: read::tap,
    },
    Suite {
        name: "perl-cpan",
        title: "The tests of what Perl takes from CPAN",
        package: "perl",
        list: "cd /perl/t && find ../cpan -name '*.t' -type f",
        command: PERL,
        patience: 600,
        excluded: &[],
        part: ':',
        read: read::tap,
    },
    Suite {
        name: "stress-ng",
        title: "stress-ng's stressors, each verifying what it does",
        package: "stress-ng",
        list: r"stress-ng --stressors | tr ' ' '\n'",
        // As root, but for those that refuse to.
        command: r#"cd /tmp; case "$1" in exec | spawn) as="setpriv --reuid 65534 --clear-groups" ;; esac
            exec $as stress-ng --verify --oomable "--$1" 1 "--$1-ops" 50 --timeout 4"#,
        patience: 120,
        excluded: &[],
        part: ':',
        read: read::stress_ng,
    },
    Suite {
        name: "systemd",
        title: "systemd's unit tests",
        package: "systemd-tests",
        list: "cd /usr/lib/systemd/tests/unit-tests && find test-* -maxdepth 0 -type f",
        command: r#"cd /tmp && exec "/usr/lib/systemd/tests/unit-tests/$1""#,
        patience: 300,
        excluded: &[],
        part: ':',
        read: read::exit_code,
    },
];

const PERL: &str = r#"cd /perl/t && exec ./perl TEST -v "$1""#;

/// Perl's sources, into a new root: the tests need what is beside them. Their
/// perl is the installed one, its modules lie where the tests look for them.
pub(super) fn add_perl(root: &Path, scratch: &Path) -> Result<()> {
    let apt = setup::lists(scratch, "deb-src", RELEASE)?;
    // The description of a security update may not be on the mirror yet.
    apt.get(&["source", "--download-only", "--tar-only", "perl"])?;
    let sources = apt.file("perl_", ".orig.tar.xz")?;
    let perl = root.join("perl");
    std::fs::create_dir(&perl)?;
    run(Command::new("tar")
        .args(["--extract", "--strip-components=1", "--directory"])
        .arg(&perl)
        .arg("--file")
        .arg(sources))?;
    for installed in [
        "usr/share/perl/5.*.*",
        "usr/lib/*/perl/5.*.*",
        "usr/lib/*/perl-base",
    ] {
        // The shell finds what matches.
        run(Command::new("sh")
            .args(["-ec", r#"cd "$1"; cp -a $2/. perl/lib/"#, "sh"])
            .arg(root)
            .arg(installed))?;
    }
    for link in ["perl", "t/perl"] {
        std::os::unix::fs::symlink("/usr/bin/perl", perl.join(link))
            .with_context(|| format!("{} can't be made", perl.join(link).display()))?;
    }
    Ok(())
}
