//! Runs a command to its end, within a time limit, and keeps all it said, so
//! that a failing test shows the command, its exit code and both streams.

use std::fmt;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any command here takes; an end to the ones that hang.
const LIMIT: Duration = Duration::from_secs(300);

/// A command that ended.
#[derive(Debug, Clone)]
pub struct Done {
    /// The command, as a person would type it.
    pub line: String,
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "$ {}\n{}\n--- stdout\n{}--- stderr\n{}---",
            self.line, self.status, self.stdout, self.stderr
        )
    }
}

impl Done {
    /// Requires exit code 0.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.exits(0)
    }

    /// Requires this exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.status.code(),
            Some(code),
            "expected exit code {code}:\n{self}"
        );
        self
    }

    /// Requires any exit code but 0.
    #[track_caller]
    pub fn fails(self) -> Self {
        assert!(!self.status.success(), "expected to fail:\n{self}");
        self
    }

    /// Requires this text, in either stream, in any letter case.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        let all = format!("{}{}", self.stdout, self.stderr).to_lowercase();
        assert!(
            all.contains(&text.to_lowercase()),
            "expected to read '{text}':\n{self}"
        );
        self
    }

    /// Requires exactly this on stdout, but for white space at the ends.
    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        assert_eq!(
            self.stdout.trim(),
            text,
            "expected '{text}' on stdout:\n{self}"
        );
        self
    }

    /// What is on stdout, as JSON.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        match serde_json::from_str(self.stdout.trim()) {
            Ok(value) => value,
            Err(error) => panic!("expected JSON on stdout ({error}):\n{self}"),
        }
    }
}

/// Runs a command to its end.
///
/// # Panics
/// When it can't be started, or doesn't end within five minutes.
#[track_caller]
#[must_use]
pub fn run(command: &mut Command) -> Done {
    run_within(command, LIMIT, |_| ())
}

/// The same with another time limit, and with something to be done as soon as
/// the process is there.
///
/// # Panics
/// When it can't be started, or doesn't end within the limit.
#[track_caller]
#[must_use]
pub fn run_within(
    command: &mut Command,
    limit: Duration,
    started: impl FnOnce(&mut Child),
) -> Done {
    let line = line_of(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("can't start `{line}`: {error}"));
    let stdout = reader(child.stdout.take());
    let stderr = reader(child.stderr.take());
    started(&mut child);
    let since = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if since.elapsed() < limit => thread::sleep(Duration::from_millis(5)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                panic!("`{line}` did not end within {limit:?}");
            }
            Err(error) => panic!("can't wait for `{line}`: {error}"),
        }
    };
    Done {
        line,
        status,
        stdout: stdout.join().unwrap_or_default(),
        stderr: stderr.join().unwrap_or_default(),
    }
}

/// Reads a stream to its end beside the waiting, so that no pipe fills up.
fn reader(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Gives a command what another's environment would be changed by.
pub fn take_environment(command: &mut Command, of: &Command) {
    for (name, value) in of.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
}

/// The command as a person would type it.
#[must_use]
pub fn line_of(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    for arg in command.get_args() {
        let word = arg.to_string_lossy();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            words.push(word.into_owned());
        } else {
            words.push(format!("'{}'", word.replace('\'', r"'\''")));
        }
    }
    words.join(" ")
}

/// Asks again and again until the answer is yes.
///
/// # Panics
/// When it still isn't after the time limit.
#[track_caller]
pub fn wait_until(what: &str, limit: Duration, mut yes: impl FnMut() -> bool) {
    let started = Instant::now();
    while !yes() {
        assert!(
            started.elapsed() < limit,
            "waited {limit:?} in vain until {what}"
        );
        thread::sleep(Duration::from_millis(20));
    }
}

/// Copies a program so that everybody may execute it, at once.
///
/// A child writes the copy: what this process has open for writing, the children
/// that other threads start meanwhile have too, and then it can't be executed
/// (ETXTBSY).
#[track_caller]
pub fn copy_program(from: &Path, to: &Path) {
    run(Command::new("install").args(["-m", "755"]).args([from, to])).ok();
}
