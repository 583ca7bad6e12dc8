//! `cargo xtask test`: everything that has to pass before a change lands.
//!
//! Stops at the first failure, and clears what it left in either case.

use std::time::Instant;

use anyhow::Result;
use e2e::killed_runs;

use crate::setup;
use crate::step::{as_root, build, cargo, run};

/// How much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All.
    All,
    /// What needs no container engine. Some of it wants root.
    Quick,
}

/// End-to-end tests that need no container engine.
const QUICK_TESTS: &[&str] = &[
    "--test=engine",
    "--test=guard",
    "--test=persist",
    "--test=status",
];

/// The same of the image archives' crate.
const OCI_QUICK_TESTS: &[&str] = &["--test=program", "--test=read", "--test=write"];

/// Runs the checks and tests.
pub(crate) fn test(extent: Extent) -> Result<()> {
    let started = Instant::now();
    killed_runs::clear();
    let done = steps(extent);
    killed_runs::clear();
    done?;
    let minutes = started.elapsed().as_secs_f32() / 60.0;
    println!("\nAll checks and tests passed in {minutes:.1} minutes.");
    Ok(())
}

fn steps(extent: Extent) -> Result<()> {
    setup::install(&[setup::QUICK])?;
    if extent == Extent::All {
        setup::install(&[setup::ENGINES])?;
        setup::buildx()?;
        setup::cargo_cyclonedx()?;
    }
    let binary = build()?;
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    run(&mut cargo(&[
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-Dwarnings",
    ]))?;
    run(cargo(&["doc", "--quiet", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-Dwarnings"))?;
    if extent == Extent::All {
        let deny = setup::cargo_deny()?;
        run(std::process::Command::new(deny)
            .args([
                "check",
                "--hide-inclusion-graph",
                "bans",
                "licenses",
                "sources",
            ])
            .current_dir(e2e::product::workspace()))?;
    }
    // What is compared with QEMU is compared with the newest: older ones have more
    // faults, and less of the instruction set.
    let qemu = setup::newest_qemu()?;
    let qemu_arm = setup::newest_qemu_arm()?;
    let kernel = setup::kernel()?;
    if extent == Extent::All {
        run(cargo(&["test", "--workspace", "--exclude", "e2e"])
            .env("ARMISTICE_QEMU_AARCH64", qemu)
            .env("ARMISTICE_QEMU_ARM", qemu_arm)
            .env("ARMISTICE_KERNEL", kernel))?;
    } else {
        // The image archives have a test file that needs the engines.
        let others = [
            "test",
            "--workspace",
            "--exclude",
            "e2e",
            "--exclude",
            "armistice-oci",
        ];
        run(cargo(&others)
            .env("ARMISTICE_QEMU_AARCH64", qemu)
            .env("ARMISTICE_QEMU_ARM", qemu_arm)
            .env("ARMISTICE_KERNEL", kernel))?;
        run(cargo(&["test", "--package", "armistice-oci", "--lib"]).args(OCI_QUICK_TESTS))?;
    }
    let mut end_to_end = cargo(&["test", "--package", "e2e"]);
    if extent == Extent::Quick {
        end_to_end.args(QUICK_TESTS);
    } else {
        as_root(&mut end_to_end);
    }
    run(end_to_end.env("ARMISTICE_BIN", binary))
}
