//! Promise: root without rights, as in a container that was started with no
//! options, is told what runs there, and what is missing only to change it.

use std::process::Command;

use e2e::{Done, product};

/// Root of the machine's user namespace, without capabilities, where binfmt_misc
/// is not mounted.
fn armistice(args: &[&str]) -> Done {
    let script = "while umount /proc/sys/fs/binfmt_misc 2>/dev/null; do :; done; \
                  exec setpriv --bounding-set -all --inh-caps -all -- \"$@\"";
    e2e::run(
        Command::new("unshare")
            .args(["--mount", "sh", "-c", script, "sh"])
            .arg(product::binary())
            .args(args),
    )
}

#[test]
fn who_only_looks_needs_no_right_to_change() {
    armistice(&["status"]).ok().says("not in sight");
    let status = armistice(&["status", "-o", "json"]).ok().json();
    assert!(status["out_of_sight"].is_array(), "{status}");
    armistice(&["explain", "/bin/true"]).ok().says("Yes");
    armistice(&["register", "arm64", "--dry-run"]).ok();
    for verb in ["register", "guard"] {
        armistice(&[verb, "arm64"])
            .exits(1)
            .says("no right to change binfmt_misc");
    }
}
