//! `armistice guard` in a private table, and what it says.

#![allow(
    clippy::print_stdout,
    reason = "what the guard said belongs to a failed test's output"
)]

use std::io::{BufRead, BufReader};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::command::wait_until;
use crate::{PrivateTable, product};

/// Longer than a guard takes that is in the midst of a proof when it is told to end.
const ENDS: Duration = Duration::from_secs(60);

/// A guard in a private table.
#[derive(Debug)]
pub struct Guard {
    process: Child,
    said: Arc<Mutex<String>>,
}

impl Guard {
    /// Starts one with these arguments.
    ///
    /// # Panics
    /// When it can't be started.
    #[must_use]
    pub fn start(table: &PrivateTable, args: &[&str]) -> Guard {
        let mut process = table
            .command(product::binary())
            .arg("guard")
            .args(args)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the guard can be started");
        let said = Arc::new(Mutex::new(String::new()));
        let stderr = process.stderr.take().expect("its stderr is a pipe");
        let keep = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut all = keep.lock().unwrap_or_else(PoisonError::into_inner);
                all.push_str(&line);
                all.push('\n');
            }
        });
        Guard { process, said }
    }

    /// What it has said on stderr so far.
    #[must_use]
    pub fn said(&self) -> String {
        self.said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Tells it to end, and waits for that.
    ///
    /// # Panics
    /// When it is gone, or does not end.
    #[track_caller]
    pub fn stop(&mut self) -> ExitStatus {
        let pid = i32::try_from(self.process.id())
            .ok()
            .and_then(Pid::from_raw);
        let _ = kill_process(pid.expect("a process id"), Signal::TERM);
        let mut ended = None;
        wait_until("the guard that was told to end has ended", ENDS, || {
            ended = self.process.try_wait().expect("it is this process's child");
            ended.is_some()
        });
        ended.expect("just seen")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        println!("the guard said:\n{}", self.said());
    }
}
