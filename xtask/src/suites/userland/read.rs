//! What the tests' own words say.

use e2e::Done;

use super::outcome::Outcome;

/// How a test ended that says nothing else.
fn ended(done: &Done) -> Outcome {
    let how = match done.status.code() {
        Some(124 | 137) => "not done in time".to_owned(),
        Some(code) => format!("exit code {code}"),
        None => done.status.to_string(),
    };
    Outcome::Failed {
        how,
        parts: Vec::new(),
    }
}

fn failed(mut parts: Vec<String>) -> Outcome {
    parts.sort();
    parts.dedup();
    Outcome::Failed {
        how: format!("{} fail", parts.len()),
        parts,
    }
}

/// Its last line; `FAIL: test_x (test.test_os.Class.test_x)` for each that failed.
pub(super) fn cpython(test: &str, done: &Done) -> Outcome {
    let lines = || done.stdout.lines().chain(done.stderr.lines());
    let result = lines().rfind(|line| line.starts_with("Result: "));
    let parts = lines().filter_map(|line| {
        let rest = line
            .strip_prefix("FAIL: ")
            .or(line.strip_prefix("ERROR: "))?;
        let (_, name) = rest.split_once(" (")?;
        let name = name.split_once(')')?.0;
        // `test.test_os` is called `test_os`, too.
        let name = name.strip_prefix("test.").unwrap_or(name);
        let name = if test.starts_with("test.") {
            format!("test.{name}")
        } else {
            name.to_owned()
        };
        name.starts_with(test).then_some(name)
    });
    match (done.status.code(), result) {
        (Some(0), Some("Result: SUCCESS")) => {
            if lines().any(|line| line.ends_with(" test skipped:")) {
                return Outcome::Skipped;
            }
            Outcome::Passed
        }
        (Some(_), Some("Result: NO TESTS RAN" | "Result: SKIPPED")) => Outcome::Skipped,
        (Some(2), _) => match parts.collect::<Vec<_>>() {
            parts if parts.is_empty() => ended(done),
            parts => failed(parts),
        },
        _ => ended(done),
    }
}

/// `not ok 3 - text`, but for what is known to the authors.
pub(super) fn tap(test: &str, done: &Done) -> Outcome {
    let lines = || done.stdout.lines().map(str::trim_start);
    let parts: Vec<String> = lines()
        .filter_map(|line| line.strip_prefix("not ok "))
        .filter(|line| !line.to_lowercase().contains("# todo"))
        .filter_map(|line| Some(format!("{test}:{}", line.split(' ').next()?)))
        .collect();
    // Perl's driver: a failure of its own, when it is all there was to run.
    let skipped = lines().any(|line| line == "skipped");
    match exit_code(test, done) {
        Outcome::Failed { .. } if skipped && parts.is_empty() => Outcome::Skipped,
        Outcome::Failed { .. } if !parts.is_empty() => failed(parts),
        outcome => outcome,
    }
}

/// 0, or 77 where it does not apply.
pub(super) fn exit_code(_: &str, done: &Done) -> Outcome {
    match done.status.code() {
        Some(0) => Outcome::Passed,
        Some(77) => Outcome::Skipped,
        _ => ended(done),
    }
}

/// Its counts.
pub(super) fn stress_ng(_: &str, done: &Done) -> Outcome {
    let counts = |what: &str| {
        let mut lines = done.stdout.lines().chain(done.stderr.lines());
        lines.any(|line| line.contains(&format!("] {what}: 1")))
    };
    match done.status.code() {
        Some(0) if counts("passed") => Outcome::Passed,
        Some(0 | 3 | 4) if counts("skipped") => Outcome::Skipped,
        _ => ended(done),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;

    fn done(code: i32, stdout: &str, stderr: &str) -> Done {
        Done {
            line: String::new(),
            status: ExitStatus::from_raw(code << 8),
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
        }
    }

    fn parts(outcome: &Outcome) -> &[String] {
        let Outcome::Failed { parts, .. } = outcome else {
            panic!("{outcome:?}");
        };
        parts
    }

    #[test]
    fn cpython_names_what_fails() {
        let passed = done(0, "Total test files: run=1/1\nResult: SUCCESS\n", "");
        assert_eq!(cpython("test_os", &passed), Outcome::Passed);
        let skipped = done(0, "1 test skipped:\n    test_os\nResult: SUCCESS\n", "");
        assert_eq!(cpython("test_os", &skipped), Outcome::Skipped);
        let fails = "ERROR: test_b (test.test_os.C.test_b) (size=3)\n\
                     FAIL: test_a (test.test_os.C.test_a)\n";
        let failed = done(2, "Result: FAILURE\n", fails);
        let outcome = cpython("test_os", &failed);
        assert_eq!(parts(&outcome), ["test_os.C.test_a", "test_os.C.test_b"]);
        let deeper = done(2, "FAIL: test_a (test.test_x.test_y.C.test_a)\n", "");
        let outcome = cpython("test.test_x.test_y", &deeper);
        assert_eq!(parts(&outcome), ["test.test_x.test_y.C.test_a"]);
        for broken in [done(139, fails, ""), done(124, fails, ""), done(2, "", "")] {
            assert!(parts(&cpython("test_os", &broken)).is_empty());
        }
        assert_ne!(cpython("test_os", &done(0, "", "")), Outcome::Passed);
    }

    #[test]
    fn tap_numbers_what_fails() {
        assert_eq!(tap("op/a.t", &done(0, "ok\n", "")), Outcome::Passed);
        let failed = "t/op/a ... 1..3\nok 1\nnot ok 2 - text\nnot ok 3 - x # TODO later\n";
        assert_eq!(parts(&tap("op/a.t", &done(1, failed, ""))), ["op/a.t:2"]);
        let skipped = "t/op/a ... 1..0 # Skip why\nskipped\n";
        assert_eq!(tap("op/a.t", &done(255, skipped, "")), Outcome::Skipped);
        assert!(parts(&tap("op/a.t", &done(255, "", ""))).is_empty());
        assert_eq!(tap("op/a.t", &done(77, "", "")), Outcome::Skipped);
    }

    #[test]
    fn stress_ng_counts() {
        let said = |what: &str| format!("stress-ng: info:  [1] {what}: 1: aio (1)\n");
        let ended = |code, what| stress_ng("aio", &done(code, &said(what), ""));
        assert_eq!(ended(0, "passed"), Outcome::Passed);
        assert_eq!(ended(3, "skipped"), Outcome::Skipped);
        assert!(parts(&ended(2, "failed")).is_empty());
        assert_ne!(ended(2, "passed"), Outcome::Passed);
        assert_ne!(ended(0, "failed"), Outcome::Passed);
    }
}
