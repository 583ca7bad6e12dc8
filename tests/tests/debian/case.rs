//! The cases: scripts whose output is compared.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use e2e::Done;

/// One script.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// The file's name without `.sh`.
    pub(crate) name: String,
    /// Whether it is one of the short ones.
    pub(crate) ci: bool,
    packages: Vec<String>,
    npm: Vec<String>,
    wheels: Vec<String>,
    /// Where it can't run, by Debian's name of the architecture.
    not_on: Option<String>,
}

/// The folder of the scripts.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/debian")
}

/// All cases, or those that `ARMISTICE_CASES` names.
pub(crate) fn all() -> Vec<Case> {
    let wanted = std::env::var("ARMISTICE_CASES").ok();
    let mut cases: Vec<Case> = fs::read_dir(folder())
        .expect("the cases are in the repository")
        .map(|entry| entry.expect("a folder that is read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sh"))
        .map(|path| Case::read(&path))
        .filter(|case| {
            wanted
                .as_ref()
                .is_none_or(|names| names.split(',').any(|name| name == case.name))
        })
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!cases.is_empty(), "no such case: {wanted:?}");
    cases
}

/// The packages that these need in a release: `NAME`, or `RELEASE:NAME`.
pub(crate) fn packages(cases: &[Case], suite: &str) -> BTreeSet<String> {
    cases
        .iter()
        .flat_map(|case| &case.packages)
        .filter_map(|package| match package.split_once(':') {
            Some((only, name)) => (only == suite).then(|| name.to_owned()),
            None => Some(package.clone()),
        })
        .collect()
}

/// Copies the scripts to a folder that all users may read.
pub(crate) fn write_all(to: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let all = fs::Permissions::from_mode(0o755);
    fs::set_permissions(to, all).expect("a folder of our own");
    for entry in fs::read_dir(folder()).expect("the cases are in the repository") {
        let path = entry.expect("a folder that is read").path();
        if path.extension().is_some_and(|extension| extension == "sh") {
            let name = path.file_name().expect("a file has a name");
            fs::copy(&path, to.join(name)).expect("a script can be copied");
        }
    }
}

impl Case {
    /// Reads the head of a script: comments up to the first that has none.
    fn read(path: &Path) -> Case {
        let text = fs::read_to_string(path).expect("a script can be read");
        let head = |name: &str| {
            text.lines()
                .take_while(|line| line.starts_with('#'))
                .find_map(|line| line.strip_prefix(&format!("# {name}")))
        };
        let list = |name: &str| -> Option<Vec<String>> {
            head(name).map(|line| line.split_whitespace().map(str::to_owned).collect())
        };
        Case {
            name: path
                .file_stem()
                .expect("a script has a name")
                .to_string_lossy()
                .into_owned(),
            ci: head("ci").is_some(),
            packages: list("packages:")
                .unwrap_or_else(|| panic!("{} does not name its packages", path.display())),
            npm: list("npm:").unwrap_or_default(),
            wheels: list("wheels:").unwrap_or_default(),
            not_on: head("not on ").and_then(|line| Some(line.split_once(':')?.0.to_owned())),
        }
    }

    /// Whether it can run on this architecture of Debian's; its head says why if it can't.
    pub(crate) fn runs_on(&self, architecture: &str) -> bool {
        self.not_on.as_deref() != Some(architecture)
    }

    /// What it needs of npm's packages, `NAME@VERSION`.
    pub(crate) fn npm(&self) -> impl Iterator<Item = &str> {
        self.npm.iter().map(String::as_str)
    }

    /// What it needs of PyPI's wheels, `NAME==VERSION`.
    pub(crate) fn wheels(&self) -> impl Iterator<Item = &str> {
        self.wheels.iter().map(String::as_str)
    }

    /// How it is run in a userland, in a folder of its own, with a library
    /// preloaded into each program.
    pub(crate) fn command(&self, preload: Option<&str>) -> [String; 3] {
        let preload = preload.map_or(String::new(), |path| format!("export LD_PRELOAD={path};"));
        [
            "sh".to_owned(),
            "-c".to_owned(),
            format!(
                "{preload} mkdir /tmp/case; cd /tmp/case; exec bash /mnt/{}.sh 2>&1",
                self.name
            ),
        ]
    }

    /// What differs, if anything does, as a text to be read.
    pub(crate) fn difference(
        &self,
        [native, foreign]: &[&str; 2],
        [expected, found]: [&str; 2],
    ) -> Option<String> {
        if expected == found {
            return None;
        }
        let (expected, found): (Vec<_>, Vec<_>) =
            (expected.lines().collect(), found.lines().collect());
        let same = expected
            .iter()
            .zip(&found)
            .take_while(|(a, b)| a == b)
            .count();
        let few = |lines: &[&str]| {
            lines[same.min(lines.len())..]
                .iter()
                .take(5)
                .map(|line| format!("    {line}\n"))
                .collect::<String>()
        };
        Some(format!(
            "{}, from line {}:\n  on {native}:\n{}  on {foreign}:\n{}",
            self.name,
            same + 1,
            few(&expected),
            few(&found)
        ))
    }
}

/// What it printed, and how it ended.
pub(crate) fn text(done: &Done) -> String {
    format!("{}{}{}\n", done.stdout, done.stderr, done.status)
}

/// What is expected of one that prints `found`: its lines, where there are as many, are those of
/// `expected` or, in the same place, of `also`.
pub(crate) fn either(expected: &str, also: Option<&str>, found: &str) -> String {
    let Some(also) = also else {
        return expected.to_owned();
    };
    let count = found.lines().count();
    if [expected, also].map(|text| text.lines().count()) != [count; 2] {
        return expected.to_owned();
    }
    expected
        .lines()
        .zip(also.lines())
        .zip(found.lines())
        .map(|((expected, also), found)| if also == found { also } else { expected })
        .map(|line| format!("{line}\n"))
        .collect()
}

/// A line of the third counts where it stands, and only where all have as many lines.
#[test]
fn a_line_may_be_that_of_either() {
    assert_eq!(either("a\n1.5\n", Some("b\n1.4\n"), "a\n1.4\n"), "a\n1.4\n");
    assert_eq!(either("a\n1.5\n", Some("b\n1.4\n"), "c\n1.4\n"), "a\n1.4\n");
    assert_eq!(either("a\n1.5\n", Some("1.4\n"), "a\n1.4\n"), "a\n1.5\n");
    assert_eq!(either("a\n1.5\n", None, "a\n1.4\n"), "a\n1.5\n");
}
