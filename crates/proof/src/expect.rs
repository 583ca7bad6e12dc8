//! What is expected of a handler.

use std::time::Duration;

/// What is expected of a handler, and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expect {
    /// That `argv[0]` is kept (flag P).
    pub argv0: bool,
    /// That credentials are taken from the program (flag C). Where this is
    /// `false`, no set-user-ID file is made.
    pub credentials: bool,
    /// That it runs where no emulator's file can be found (flag F). Where this
    /// is `false`, it is run in the caller's own root.
    pub empty_root: bool,
    /// That it is a trial's handler, which takes a trial's programs only
    /// ([`armistice_arch::trial`]).
    pub trial: bool,
    /// When to end an execution; usually there is but one.
    pub limit: Duration,
}

impl Default for Expect {
    /// Everything, of the handler that takes all, each execution in 10 seconds.
    fn default() -> Expect {
        Expect {
            argv0: true,
            credentials: true,
            empty_root: true,
            trial: false,
            limit: Duration::from_secs(10),
        }
    }
}
