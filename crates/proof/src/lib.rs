//! Tiny test programs, run through the kernel in an empty root.
//!
//! A registration is believed only when a program of its architecture has run
//! through it. [`prove`] executes one by path in a root where no emulator's file
//! can be found: it runs only if the kernel held the emulator open (flag F). It
//! prints its `argv[0]`, which arrives only under flag P, and exits with its
//! effective user id, which is the file's owner's only under flag C.
//!
//! What could not be tried is said to be not tried, with the reason. A program
//! that this machine runs by itself needs no handler, so its proof says nothing
//! of one.
//!
//! - [`program`]: the programs, one for each row of the table.
//! - [`prove`]: which executions are needed, and what follows from them.
//! - [`runs_natively`]: what this machine runs without a handler.
//! - [`emulator_of`]: which emulator's file really runs.
//! - `root`: the empty roots, strongest first.
//! - `child`: what happens between fork and exec.
//! - `run`: one execution, watched.
//! - `report`: the results.

mod child;
mod expect;
mod look;
mod native;
mod program;
mod prove;
mod report;
mod root;
mod run;

pub use expect::Expect;
pub use look::emulator_of;
pub use native::{Native, runs_natively};
pub use program::program;
pub use prove::prove;
pub use report::{
    Argv0, Credentials, Failure, NotTried, Obstacle, Proof, ProofError, Ran, Root, Step,
};
pub use rustix::io::Errno;
