//! What `run` and `pull` say where they can't: the cause, and not what it merely led to.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use e2e::fake_registry::{Fake, Manners};
use e2e::image_store::{ImageStore, layer};
use e2e::run_place::{Place, Who};
use e2e::{command, need, run};

/// Faults once: of a registry of this machine without TLS only the attempt by TLS was told, and
/// its token server was refused.
#[test]
fn what_fails_without_tls_is_told_as_that() {
    let fake = Fake::new();
    fake.image("1", "arm64", &[layer(&[("f", 10)])]);
    let store = ImageStore::new();
    let refuse = |status, header: String| {
        fake.behave(Manners {
            refuse: Some((99, status, header)),
            ..Manners::default()
        });
        store.run(&["pull", &fake.name("1")]).exits(1)
    };
    refuse(302, "Location: /v2/test/manifests/1".to_owned()).says("redirects more than 10 times");
    refuse(200, format!("X: {}", "a".repeat(200_000))).says("headers are too long");
    fake.behave(Manners {
        password: Some("ann:secret".to_owned()),
        ..Manners::default()
    });
    store.run(&["pull", &fake.name("1")]).exits(1).says("login");
}

#[test]
fn what_is_here_for_another_platform_is_told() {
    let fake = Fake::new();
    fake.image("1", "amd64", &[layer(&[("f", 10)])]);
    let store = ImageStore::new();
    let name = fake.name("1");
    store.run(&["pull", "--platform", "amd64", &name]).ok();
    fake.behave(Manners {
        refuse: Some((99, 500, "X: y".to_owned())),
        ..Manners::default()
    });
    for more in [&[][..], &["--pull", "never"]] {
        let words = [
            &["run", "--platform", "linux/arm64"],
            more,
            &[&name, "true"],
        ]
        .concat();
        store
            .run(&words)
            .exits(125)
            .says("is here for linux/amd64 only");
    }
    store.run(&["images", "nosuch"]).says("nosuch is not here");
}

#[test]
fn a_platform_that_no_machine_has_is_told_with_those_that_there_are() {
    let store = ImageStore::new();
    for verb in ["pull", "run"] {
        store
            .run(&[verb, "--platform", "linux/amr64", "x"])
            .exits(if verb == "run" { 125 } else { 2 })
            .says("no platform linux/amr64")
            .says("linux/arm64");
    }
}

#[test]
fn an_archive_by_xz_is_told_with_the_command_that_unpacks_it() {
    let store = ImageStore::new();
    let file = store.home().join("root.tar.xz");
    fs::write(&file, b"\xfd7zXZ\0 and more").unwrap();
    store
        .run(&["pull", file.to_str().unwrap()])
        .exits(1)
        .says("'xz -dk FILE'");
}

/// Docker takes the last of each, and an empty name or folder for none.
#[test]
fn options_given_twice_or_empty_are_as_dockers() {
    let place = Place::of(Who::User);
    let twice = [
        "--rm",
        "--rm",
        "--init",
        "--init",
        "-i",
        "-i",
        "--network",
        "host",
        "--network",
        "none",
    ];
    place
        .sh(
            &[
                &twice[..],
                &[
                    "-w", "/tmp", "-w", "", "-h", "first", "-h", "", "-e", "A=1", "-e", "B=2",
                ],
            ]
            .concat(),
            "read -r name < /proc/sys/kernel/hostname; echo $A$B $PWD ${#name}",
        )
        .ok()
        .prints("12 / 12");
}

#[test]
fn a_volume_of_a_folder_that_has_gone_is_named() {
    let place = Place::of(Who::User);
    let script = r#"mkdir gone; cd gone; rmdir ../gone; exec "$@""#;
    let mut inside = Command::new("sh");
    let of = place.command(&["-v", ".:/x"], &["true"]);
    command::take_environment(&mut inside, &of);
    inside.current_dir(place.folder.path());
    inside
        .args(["-c", script, "sh"])
        .arg(of.get_program())
        .args(of.get_args());
    run(&mut inside).exits(125).says("-v .:/x");
}

/// The place's user's command, started through another program by that user.
fn through(place: &Place, of: &Command, program: PathBuf, before: &[&str]) -> Command {
    let words: Vec<_> = of.get_args().collect();
    let product = place.folder.path().join("armistice");
    let at = words.iter().position(|w| **w == product).unwrap();
    let mut command = Command::new(of.get_program());
    command::take_environment(&mut command, of);
    command.current_dir(place.home()).args(&words[..at]);
    command.arg(program).args(before).args(&words[at..]);
    command
}

/// A fault once: `No space left on device`, as of a full disk.
#[test]
fn a_limit_of_namespaces_is_named() {
    let place = Place::of(Who::User);
    for kind in ["pid", "mnt", "net", "ipc", "uts"] {
        let script = format!("echo 0 > /proc/sys/user/max_{kind}_namespaces; exec \"$@\"");
        let of = place.command(&["--network", "none"], &["true"]);
        let unshare = need::program("unshare", "util-linux");
        let before = ["-Ur", "sh", "-c", &script, "sh"];
        let mut inside = through(&place, &of, unshare, &before);
        let done = run(&mut inside)
            .exits(125)
            .says(&format!("user.max_{kind}_namespaces"));
        assert!(!done.stderr.contains("No space"), "{done}");
    }
}

/// A fault once: the images unpacked under the user's ranges were looked for under one identity,
/// and then in a registry.
#[test]
fn a_user_who_may_start_no_process_is_not_sent_to_a_registry() {
    let place = Place::of(Who::Ranges);
    for most in ["1", "2"] {
        let of = place.command(&[], &["true"]);
        let prlimit = need::program("prlimit", "util-linux");
        let mut inside = through(&place, &of, prlimit, &[&format!("--nproc={most}")]);
        let done = run(&mut inside).exits(125).says("identities");
        assert!(!done.stderr.contains("can't get"), "{done}");
    }
}
