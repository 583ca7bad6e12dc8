//! What was typed and is no image here or at a registry leads on to what was meant. No network
//! is asked.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

use std::fs;
use std::process::{Command, Output};

struct Scene(tempfile::TempDir);

impl Scene {
    fn new() -> Scene {
        Scene(tempfile::tempdir().unwrap())
    }

    fn armistice(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_armistice"))
            .args(args)
            .current_dir(self.0.path())
            .env("PATH", "")
            .env("ARMISTICE_STORE", self.0.path().join("store"))
            .env("ARMISTICE_MIRROR", "mirror.example")
            .output()
            .unwrap()
    }

    #[track_caller]
    fn says(&self, args: &[&str], code: i32, text: &str) {
        let done = self.armistice(args);
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(text), "{args:?}: {said}");
    }
}

/// A bug once: with a folder `r` here, `run r` spoke of a registry alone.
#[test]
fn a_folder_is_told_how_it_is_written() {
    let scene = Scene::new();
    // Nobody listens there, so no network is asked.
    fs::create_dir_all(scene.0.path().join("127.0.0.1:1/r")).unwrap();
    let told = "there is a folder here: write ./127.0.0.1:1/r";
    scene.says(&["run", "127.0.0.1:1/r", "true"], 125, told);
    scene.says(
        &["run", "--pull", "never", "127.0.0.1:1/r", "true"],
        125,
        told,
    );
    scene.says(&["pull", "127.0.0.1:1/r"], 1, told);
    fs::create_dir(scene.0.path().join("q")).unwrap();
    let told = "there is a folder here: write ./q";
    scene.says(&["run", "q/", "true"], 125, told);
    scene.says(&["pull", "q/"], 2, told);
    let done = scene.armistice(&["pull", "127.0.0.1:1/none"]);
    assert!(
        !String::from_utf8_lossy(&done.stderr).contains("there is a folder"),
        "{done:?}"
    );
}

/// A bug once: a file's name with a slip in it went to a registry, whose error spoke of an image.
#[test]
fn a_file_that_is_not_there_is_told() {
    let scene = Scene::new();
    // Nobody listens there, so no network is asked.
    let typed = "127.0.0.1:1/x.tar";
    let told =
        "there is no file 127.0.0.1:1/x.tar, so it is taken for the name of a registry's image: ";
    scene.says(&["run", typed, "true"], 125, told);
    scene.says(&["run", "--pull", "never", typed, "true"], 125, told);
    scene.says(&["pull", typed], 1, told);
    scene.says(&["cache", "warm", typed], 1, told);
    // No image's name.
    let told = "there is no file X.tar.gz, and 'X.tar.gz' is not an image name";
    scene.says(&["run", "X.tar.gz", "true"], 125, told);
    scene.says(&["pull", "X.tar.gz"], 2, told);
    scene.says(&["cache", "warm", "X.tar.gz"], 2, told);
    scene.says(&["register", "--warm", "X.tar.gz", "arm64"], 2, told);
    // What is in a folder that is here may be meant.
    fs::create_dir_all(scene.0.path().join("127.0.0.1:1")).unwrap();
    let told = "there is no file or folder 127.0.0.1:1/root, so it is taken for the name of";
    scene.says(&["pull", "127.0.0.1:1/root"], 1, told);
    for path in ["./x.tar", "../x", "/nowhere/x.tar"] {
        let told = format!("there is no file or folder {path}");
        scene.says(&["run", path, "true"], 125, &told);
        scene.says(&["pull", path], 1, &told);
        scene.says(&["cache", "warm", path], 1, &told);
    }
}

#[test]
fn transports_and_verbs_of_others_lead_on() {
    let scene = Scene::new();
    let told = "docker save app:1 -o x.tar, then armistice run x.tar";
    scene.says(&["pull", "docker-daemon:app:1"], 2, told);
    scene.says(&["run", "docker-daemon:app:1", "true"], 125, told);
    let told = "podman save app -o x.tar, then armistice run x.tar";
    scene.says(&["pull", "containers-storage:app"], 2, told);
    scene.says(&["ps"], 2, "there is no verb ps here");
    scene.says(&["image", "ls"], 2, "armistice images");
    scene.says(&["login"], 2, "--authfile");
    scene.says(&["frob"], 2, "unrecognized subcommand 'frob'");
}

/// A bug once: a variable that was set stood in the usage line as if it were required.
#[test]
fn a_variable_is_not_in_the_usage_line() {
    let usage = "Usage: armistice run [OPTIONS] <IMAGE|ROOTFS|ARCHIVE> [COMMAND]...";
    Scene::new().says(&["run"], 125, usage);
    Scene::new().says(
        &["pull"],
        2,
        "Usage: armistice pull [OPTIONS] <IMAGE|ARCHIVE>",
    );
}

/// A bug once: `images -q` printed the whole table.
#[test]
fn quiet_images_are_names_alone() {
    let scene = Scene::new();
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(1);
    tar.append_data(&mut header, "f", &b"x"[..]).unwrap();
    fs::write(scene.0.path().join("root.tar"), tar.into_inner().unwrap()).unwrap();
    for platform in ["arm64", "s390x"] {
        let args = ["pull", "-q", "--platform", platform, "root.tar"];
        assert!(scene.armistice(&args).status.success());
    }
    let done = scene.armistice(&["images", "-q"]);
    assert_eq!(
        String::from_utf8_lossy(&done.stdout),
        "localhost/root:latest\n"
    );
    assert!(
        scene
            .armistice(&["rmi", "localhost/root:latest"])
            .status
            .success()
    );
}

/// A bug once: no way out was named.
#[test]
fn a_store_that_cannot_be_made_is_told_with_the_way_out() {
    let scene = Scene::new();
    fs::write(scene.0.path().join("store"), "a file").unwrap();
    scene.says(&["images"], 1, "ARMISTICE_STORE");
}
