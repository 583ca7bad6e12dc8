//! Promise: on a kernel that is too old for a container (Linux before 5.12), `armistice
//! run` says that, and what to do instead.

use std::process::Command;

use e2e::need;
use e2e::run_place::{Place, Who};

#[test]
fn a_kernel_before_5_12_is_named() {
    is_named(&["mount_setattr:error=ENOSYS"]);
}

/// A fault once: what such a kernel lacks, too, was told first, and as an invalid argument.
#[test]
fn a_kernel_before_5_11_is_named() {
    for error in ["EINVAL", "ENOSYS"] {
        let close_range = format!("close_range:error={error}");
        is_named(&["mount_setattr:error=ENOSYS", &close_range]);
    }
}

fn is_named(injections: &[&str]) {
    for (who, command) in [
        (Who::Me, "run: armistice register"),
        (Who::User, "run: sudo armistice register"),
    ] {
        is_named_to(who, command, injections);
    }
}

fn is_named_to(who: Who, command: &str, injections: &[&str]) {
    let place = Place::of(who);
    let run = place.command(&[], &["true"]);
    let mut strace = Command::new(need::program("strace", "strace"));
    strace.args(["-f", "-qq", "-o", "/dev/null"]);
    strace.arg("--trace=mount_setattr,close_range");
    for injection in injections {
        strace.arg(format!("--inject={injection}"));
    }
    strace.arg(run.get_program()).args(run.get_args());
    e2e::command::take_environment(&mut strace, &run);
    e2e::run(&mut strace)
        .exits(125)
        .says("needs Linux 5.12")
        .says(command);
}
