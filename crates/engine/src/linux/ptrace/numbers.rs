//! Numbers of `ptrace`: options and events.

/// `PTRACE_O_...`.
pub(in crate::linux) mod options {
    pub(in crate::linux) const SYSGOOD: u32 = 1;
    pub(in crate::linux) const FORK: u32 = 1 << 1;
    pub(in crate::linux) const VFORK: u32 = 1 << 2;
    pub(in crate::linux) const CLONE: u32 = 1 << 3;
    pub(in crate::linux) const EXEC: u32 = 1 << 4;
    pub(in crate::linux) const VFORK_DONE: u32 = 1 << 5;
    pub(in crate::linux) const EXIT: u32 = 1 << 6;
    /// `TRACESECCOMP`.
    pub(in crate::linux) const SECCOMP: u32 = 1 << 7;
    pub(in crate::linux) const EXITKILL: u32 = 1 << 20;
    /// All that there are, but for one that suspends filters.
    pub(in crate::linux) const ALL: u32 =
        SYSGOOD | FORK | VFORK | CLONE | EXEC | VFORK_DONE | EXIT | SECCOMP | EXITKILL;
    /// Those that the host's kernel acts on. What becomes another program always tells.
    pub(in crate::linux) const HOST: u32 = FORK | VFORK | CLONE | VFORK_DONE | EXIT | EXITKILL;

    /// Whether an option is set.
    pub(in crate::linux) const fn has(options: u32, option: u32) -> bool {
        options & option != 0
    }
}

/// `PTRACE_EVENT_...`.
pub(in crate::linux) mod event {
    pub(in crate::linux) const EXEC: u32 = 4;
    pub(in crate::linux) const SECCOMP: u32 = 7;
    pub(in crate::linux) const STOP: u32 = 128;
}
