//! A process as messages name it: one that writes to the table, or holds its lock.

/// A process, as far as it could still be seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Who {
    /// Its PID.
    pub pid: i32,
    /// Its command line, or its name in brackets; empty where it was gone.
    pub command: String,
    /// Its control group, which names the container or the unit.
    pub cgroup: String,
}

/// How much of a command line is shown: enough to know the program by.
const COMMAND_SHOWN: usize = 160;

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.pid == 0 {
            // What fanotify says of a process that has no number here.
            write!(
                f,
                "a process of another PID namespace, which cannot be seen from here"
            )?;
        } else if self.command.is_empty() {
            write!(f, "PID {} (gone already)", self.pid)?;
        } else {
            let mut begin: String = self.command.chars().take(COMMAND_SHOWN).collect();
            if begin.len() < self.command.len() {
                begin.push_str("...");
            }
            write!(f, "{begin} (PID {})", self.pid)?;
        }
        if self.cgroup.is_empty() {
            Ok(())
        } else {
            write!(f, " in {}", self.cgroup)
        }
    }
}
