//! Promise: on a kernel that is too old for a container (Linux before 5.12), `armistice
//! run` says that, and what to do instead.

use std::process::Command;

use e2e::need;
use e2e::run_place::{Place, Who};

#[test]
fn a_kernel_before_5_12_is_named() {
    let place = Place::of(Who::Me);
    let run = place.command(&[], &["true"]);
    let mut strace = Command::new(need::program("strace", "strace"));
    strace
        .args(["-f", "-qq", "-o", "/dev/null", "--trace=mount_setattr"])
        .arg("--inject=mount_setattr:error=ENOSYS")
        .arg(run.get_program())
        .args(run.get_args());
    for (name, value) in run.get_envs() {
        match value {
            Some(value) => strace.env(name, value),
            None => strace.env_remove(name),
        };
    }
    e2e::run(&mut strace)
        .exits(125)
        .says("needs Linux 5.12")
        .says("armistice register");
}
