//! The command that mends something is worded for where it has to be run: in a
//! container (here: a child user namespace that uses the outer table) on the host,
//! by whatever verb it is told.

use std::process::Command;

use e2e::{PrivateTable, product, run};

/// In the table's own namespace, or in a child of it that has none of its own.
#[derive(Clone, Copy)]
enum Where {
    Host,
    Container,
}

fn armistice(table: &PrivateTable, at: Where, args: &[&str]) -> Command {
    let mut command = match at {
        Where::Host => table.command(product::binary()),
        Where::Container => {
            let mut command = table.command("unshare");
            command.args(["--user", "--map-root-user", "--mount", "--"]);
            command.arg(product::binary());
            command
        }
    };
    command.args(args);
    command
}

/// Each verb in both places: what it says, with the place in the words.
#[track_caller]
fn each_says(table: &PrivateTable, verbs: &[&[&str]], remedy: &str) {
    for verb in verbs {
        run(&mut armistice(table, Where::Host, verb))
            .exits(1)
            .says(&format!("; run: {remedy}"));
        run(&mut armistice(table, Where::Container, verb))
            .exits(1)
            .says(&format!("; run on the host: {remedy}"));
    }
}

#[test]
fn what_is_not_registered_is_registered_on_the_host() {
    let table = PrivateTable::new();
    each_says(
        &table,
        &[&["verify", "arm64"]],
        "sudo armistice register arm64",
    );
    each_says(&table, &[&["verify"]], "sudo armistice register");
}

#[test]
fn what_is_switched_off_is_switched_on_on_the_host() {
    let table = PrivateTable::new();
    run(&mut armistice(
        &table,
        Where::Host,
        &["register", "-q", "arm"],
    ))
    .ok();
    table.sh("echo 0 > /proc/sys/fs/binfmt_misc/status").ok();
    each_says(
        &table,
        &[
            &["verify", "arm"],
            &["register", "arm"],
            &["guard", "arm", "--interval", "1"],
        ],
        "echo 1 | sudo tee /proc/sys/fs/binfmt_misc/status",
    );
}

/// What there was nothing to do about is named, with what is now.
#[test]
fn what_was_not_there_is_named() {
    let table = PrivateTable::new();
    let host = |args: &[&str]| run(&mut armistice(&table, Where::Host, args));
    host(&["unregister", "arm64"])
        .ok()
        .says("Nothing of Armistice's was registered for arm64: the table is as it was");
    host(&["register", "zzzzzzzz"])
        .exits(2)
        .says("unknown architecture 'zzzzzzzz'; known are the names of Docker");
    host(&["register", "-q", "arm"]).ok();
    host(&["register", "--dry-run", "arm"])
        .ok()
        .says("nothing would be: all of it is registered already");
}
