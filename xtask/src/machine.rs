//! `cargo xtask machine`: the tests that need a machine of their own, which QEMU
//! makes (docs/testing.md). With `--long`, in all releases of Debian's, and
//! tests/results/machine.md is written.

use anyhow::Result;
use e2e::killed_runs;

use crate::setup;
use crate::step::{as_root, build, cargo, run};

/// Runs them.
pub(crate) fn machine(long: bool) -> Result<()> {
    setup::install(&[setup::QUICK, setup::ENGINES])?;
    let binary = build()?;
    let mut tests = cargo(&["test", "--package", "e2e", "--test=machine"]);
    as_root(&mut tests);
    tests.env("ARMISTICE_BIN", binary);
    if long {
        tests.env("ARMISTICE_LONG", "1");
    }
    killed_runs::clear();
    let done = run(&mut tests);
    killed_runs::clear();
    done
}
