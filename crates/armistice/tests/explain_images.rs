//! What `explain` says of images: without a command, and of those that `armistice pull`
//! brought. No engine and no network is asked.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

#[path = "../../binfmt/tests/common/mod.rs"]
mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use armistice_arch::Arch;
use armistice_binfmt::STANDARD_PATH;
use armistice_oci::Digest;
use serde_json::{Value, json};

/// A file of a tar.
enum Member<'a> {
    File(&'a str, u32, &'a [u8]),
    Link(&'a str, &'a str),
    /// Hides what is below.
    Whiteout(&'a str),
}

fn tar(members: &[Member<'_>]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for member in members {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        let (path, bytes) = match member {
            Member::File(path, mode, bytes) => {
                header.set_mode(*mode);
                ((*path).to_owned(), *bytes)
            }
            Member::Link(path, to) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_mode(0o777);
                header.set_link_name(to).unwrap();
                ((*path).to_owned(), &b""[..])
            }
            Member::Whiteout(path) => {
                let (folder, name) = path.rsplit_once('/').unwrap();
                (format!("{folder}/.wh.{name}"), &b""[..])
            }
        };
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, path, bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

/// A docker-archive of one image.
fn archive(name: &str, architecture: &str, config: &Value, layers: &[Vec<u8>]) -> Vec<u8> {
    let digests: Vec<String> = layers.iter().map(|l| Digest::of(l).to_string()).collect();
    let document = json!({
        "os": "linux", "architecture": architecture, "config": config,
        "rootfs": {"type": "layers", "diff_ids": digests},
    })
    .to_string();
    let names: Vec<String> = (0..layers.len()).map(|n| format!("{n}.tar")).collect();
    let manifest = json!([{"Config": "config.json", "RepoTags": [name], "Layers": names}]);
    let manifest = manifest.to_string();
    let mut members = vec![
        Member::File("manifest.json", 0o644, manifest.as_bytes()),
        Member::File("config.json", 0o644, document.as_bytes()),
    ];
    for (name, layer) in names.iter().zip(layers) {
        members.push(Member::File(name, 0o644, layer));
    }
    tar(&members)
}

struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    fn archive(&self, config: &Value, layers: &[Vec<u8>]) -> PathBuf {
        self.named("example.test/image:1", "arm64", config, layers)
    }

    fn named(&self, name: &str, platform: &str, config: &Value, layers: &[Vec<u8>]) -> PathBuf {
        let path = self.folder.path().join("image.tar");
        fs::write(&path, archive(name, platform, config, layers)).unwrap();
        path
    }

    fn armistice(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_armistice"))
            .args(args)
            .current_dir(self.folder.path())
            .env("PATH", "")
            .env("ARMISTICE_STORE", self.folder.path().join("store"))
            .output()
            .unwrap()
    }

    fn pull(&self, image: &Path) {
        let done = self.armistice(&["pull", "-q", &image.to_string_lossy()]);
        assert!(done.status.success(), "{done:?}");
        fs::remove_file(image).unwrap();
    }

    #[track_caller]
    fn explain(&self, what: &str, more: &[&str]) -> Value {
        let args = [&["explain", "-o", "json"], more, &["--", what]].concat();
        let done = self.armistice(&args);
        let answer: Value =
            serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{done:?}"));
        let runs = answer["verdict"]["runs"] == true;
        assert_eq!(done.status.success(), runs, "{answer}");
        answer
    }
}

/// A handler for arm64 with an emulator that can be looked at.
fn register(flags: &str) {
    let pattern = Arch::by_name("aarch64").unwrap().pattern();
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("\\x{b:02x}")).collect() };
    let (magic, mask) = (hex(&pattern.magic), hex(&pattern.mask));
    let line = format!(
        ":theirs:M::{magic}:{mask}:{}:{flags}",
        env!("CARGO_BIN_EXE_armistice")
    );
    fs::write(Path::new(STANDARD_PATH).join("register"), line).unwrap();
}

fn with_scene(name: &str, body: impl FnOnce(&Scene)) {
    common::in_namespaces(name, || {
        common::mount_table();
        let folder = tempfile::tempdir().unwrap();
        body(&Scene { folder });
    });
}

fn program() -> Vec<u8> {
    Arch::by_name("aarch64")
        .unwrap()
        .sample_header(2, 0)
        .to_vec()
}

/// A bug once: such an image was said to run, with a command `/` that it does not name.
#[test]
fn an_image_without_a_command_is_judged_by_its_platform_and_says_so() {
    let name = "an_image_without_a_command_is_judged_by_its_platform_and_says_so";
    with_scene(name, |scene| {
        let layers = [tar(&[Member::File("bin/sh", 0o755, &program())])];
        let says =
            "given a command for linux/arm64, as the image names none (no Entrypoint, no Cmd): ";
        for (config, layers) in [
            (json!({}), &layers[..]),
            (json!({"Entrypoint": [], "Cmd": null}), &layers[..]),
            (json!({}), &[]),
        ] {
            let path = scene.archive(&config, layers);
            let answer = scene.explain(&path.to_string_lossy(), &[]);
            let text = answer["verdict"]["text"].as_str().unwrap();
            assert_eq!(answer["verdict"]["code"], "no-handler", "{answer}");
            assert_eq!(
                text,
                format!("{says}built for linux/arm64; no handler here matches it")
            );
            assert_eq!(answer["judged"], "platform", "{answer}");
        }
        register("PF");
        let path = scene.archive(&json!({}), &layers);
        let answer = scene.explain(&path.to_string_lossy(), &[]);
        let text = answer["verdict"]["text"].as_str().unwrap();
        assert!(
            text.starts_with(&format!("{says}theirs runs it with ")),
            "{answer}"
        );
        assert_eq!(
            (&answer["argv"], &answer["steps"]),
            (&Value::Null, &json!([]))
        );
        // One that names a command is judged by that.
        let path = scene.archive(&json!({"Cmd": ["/bin/sh"]}), &layers);
        let answer = scene.explain(&path.to_string_lossy(), &[]);
        assert_eq!(answer["judged"], "program", "{answer}");
        assert_eq!(answer["argv"][1], "/bin/sh", "{answer}");
    });
}

/// A bug once: with an empty table each "No" was followed by an emulator that cannot be looked at,
/// though none is involved.
#[test]
fn where_no_handler_matches_no_emulator_is_spoken_of() {
    let name = "where_no_handler_matches_no_emulator_is_spoken_of";
    with_scene(name, |scene| {
        let root = scene.folder.path().join("root");
        fs::create_dir_all(root.join("bin")).unwrap();
        for path in [root.join("bin/sh"), scene.folder.path().join("program")] {
            fs::write(&path, program()).unwrap();
            executable(&path);
        }
        let layer = tar(&[Member::File("bin/sh", 0o755, &program())]);
        let tarred = scene.folder.path().join("rootfs.tar");
        fs::write(&tarred, &layer).unwrap();
        let image = scene.archive(&json!({"Cmd": ["/bin/sh"]}), &[layer]);
        scene.pull(&image);
        for what in [
            "./program",
            "./root",
            "./rootfs.tar",
            "example.test/image:1",
        ] {
            let answer = scene.explain(what, &[]);
            let verdict = &answer["verdict"];
            assert_eq!(verdict["code"], "no-handler", "{answer}");
            assert!(
                verdict["remedy"]
                    .as_str()
                    .unwrap()
                    .contains("register arm64")
            );
            assert_eq!(verdict["warnings"], Value::Null, "{answer}");
        }
    });
}

fn executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A bug once: `explain` refused what `run` and `pull` take.
#[test]
fn a_tar_of_a_root_is_explained_by_its_first_program() {
    let name = "a_tar_of_a_root_is_explained_by_its_first_program";
    with_scene(name, |scene| {
        let path = scene.folder.path().join("rootfs.tar");
        let members = [
            Member::File("etc/passwd", 0o644, b"root"),
            Member::File("./bin/ls", 0o755, &program()),
        ];
        fs::write(&path, tar(&members)).unwrap();
        let answer = scene.explain("rootfs.tar", &[]);
        assert_eq!(answer["kind"], "a tar of a root folder", "{answer}");
        assert_eq!(answer["platform"], "linux/arm64", "{answer}");
        assert_eq!(answer["judged"], "platform", "{answer}");
        assert_eq!(answer["verdict"]["code"], "no-handler", "{answer}");
        let other = scene.explain("rootfs.tar", &["--platform", "s390x"]);
        assert_eq!(other["verdict"]["code"], "no-platform", "{other}");
        register("PF");
        let answer = scene.explain("rootfs.tar", &[]);
        assert_eq!(answer["verdict"]["code"], "handled", "{answer}");
        // One without a program is what it was.
        fs::write(&path, tar(&[Member::File("notes", 0o644, b"text")])).unwrap();
        let answer = scene.explain("rootfs.tar", &[]);
        assert_eq!(answer["verdict"]["code"], "not-a-program", "{answer}");
    });
}

/// A bug once: what `docker import` makes of an arm64 root on this machine was believed to be
/// for amd64.
#[test]
fn a_label_that_the_programs_belie_is_told() {
    let name = "a_label_that_the_programs_belie_is_told";
    with_scene(name, |scene| {
        let layers = [tar(&[
            Member::File("bin/sh", 0o755, &program()),
            Member::File("opt/own", 0o755, &program()),
        ])];
        for (config, named) in [
            (json!({}), "/bin/sh"),
            (json!({"Cmd": ["/opt/own"]}), "/opt/own"),
        ] {
            let image = scene.named("example.test/odd:1", "amd64", &config, &layers);
            let answer = scene.explain(&image.to_string_lossy(), &[]);
            assert_eq!(answer["verdict"]["code"], "no-handler", "{answer}");
            let says = format!("labelled linux/amd64, but {named} in it is a program for arm64");
            assert_eq!(answer["verdict"]["warnings"], json!([says]), "{answer}");
            // A container of it is refused for what it is not, with the way that there is.
            let args = ["pull", "--platform", "arm64", &image.to_string_lossy()];
            let done = scene.armistice(&args);
            let said = String::from_utf8_lossy(&done.stderr);
            assert!(!done.status.success(), "{done:?}");
            assert!(
                said.contains("but /bin/sh in it is a program for arm64"),
                "{said}"
            );
            assert!(said.contains("without --platform"), "{said}");
            scene.pull(&image);
            let args = ["run", "--platform", "amd64", "example.test/odd:1", "true"];
            let done = scene.armistice(&args);
            let said = String::from_utf8_lossy(&done.stderr);
            assert_eq!(done.status.code(), Some(125), "{said}");
            assert!(
                said.contains("but /bin/sh in it is a program for arm64"),
                "{said}"
            );
        }
        let image = scene.archive(&json!({}), &layers);
        let answer = scene.explain(&image.to_string_lossy(), &[]);
        assert_eq!(answer["verdict"]["warnings"], Value::Null, "{answer}");
    });
}

/// A bug once: only engines were asked for images.
#[test]
fn an_image_that_was_pulled_is_explained_from_the_store() {
    with_scene(
        "an_image_that_was_pulled_is_explained_from_the_store",
        |scene| {
            let below = tar(&[
                Member::File("bin/old", 0o755, b"#!/bin/gone\n"),
                Member::File("usr/bin/real", 0o755, &program()),
                Member::File("opt/script", 0o755, b"#!/usr/bin/run -x\n"),
            ]);
            let above = tar(&[
                Member::Whiteout("bin/old"),
                Member::Link("usr/bin/run", "/up/real"),
                Member::Link("up", "usr/../usr/bin"),
            ]);
            let image = scene.archive(
                &json!({"Entrypoint": ["/opt/script"]}),
                &[below.clone(), above.clone()],
            );
            scene.pull(&image);
            let answer = scene.explain("example.test/image:1", &[]);
            assert_eq!(answer["kind"], "an image that armistice has", "{answer}");
            assert_eq!(answer["platform"], "linux/arm64", "{answer}");
            assert_eq!(answer["verdict"]["code"], "no-handler", "{answer}");
            assert!(
                answer["steps"][0]
                    .as_str()
                    .unwrap()
                    .contains("a script for /usr/bin/run"),
                "{answer}"
            );
            register("PF");
            let answer = scene.explain("example.test/image:1", &[]);
            assert_eq!(answer["verdict"]["code"], "handled", "{answer}");
            // What an upper layer removes is not there.
            let image = scene.named(
                "docker.io/library/gone:latest",
                "arm64",
                &json!({"Cmd": ["old"], "Env": ["PATH=/bin"]}),
                &[below, above],
            );
            scene.pull(&image);
            let answer = scene.explain("gone", &[]);
            assert_eq!(answer["verdict"]["code"], "not-found", "{answer}");
            let text = answer["verdict"]["text"].as_str().unwrap();
            assert!(text.contains("the image would start old"), "{answer}");
            // A file of that name is meant first; a name that is not there, or of another
            // platform, is an engine's.
            fs::write(scene.folder.path().join("gone"), "text").unwrap();
            assert_eq!(scene.explain("gone", &[])["kind"], "a file");
            for (what, more) in [
                ("example.test/image:2", &[][..]),
                ("example.test/image:1", &["--platform", "linux/s390x"]),
            ] {
                let answer = scene.explain(what, more);
                let text = answer["verdict"]["text"].as_str().unwrap();
                assert!(
                    text.contains("neither docker nor podman is installed"),
                    "{answer}"
                );
            }
        },
    );
}

#[test]
fn of_several_platforms_the_one_that_is_asked_for_is_explained() {
    let name = "of_several_platforms_the_one_that_is_asked_for_is_explained";
    with_scene(name, |scene| {
        for platform in ["amd64", "s390x", "arm64"] {
            let image = scene.named("example.test/two:1", platform, &json!({}), &[tar(&[])]);
            let args = [
                "pull",
                "-q",
                "--platform",
                platform,
                &image.to_string_lossy(),
            ];
            let done = scene.armistice(&args);
            assert!(done.status.success(), "{done:?}");
        }
        let platform =
            |more: &[&str]| scene.explain("example.test/two:1", more)["platform"].clone();
        assert_eq!(platform(&["--platform", "linux/s390x"]), "linux/s390x");
        assert_eq!(platform(&["--platform", "linux/amd64"]), "linux/amd64");
        assert_ne!(
            platform(&[]),
            "linux/amd64",
            "the question lies with the foreign ones"
        );
    });
}

/// Where layers are missing, the documents tell the platform.
#[test]
fn an_image_whose_layers_are_gone_is_judged_by_its_platform() {
    with_scene(
        "an_image_whose_layers_are_gone_is_judged_by_its_platform",
        |scene| {
            let layers = [tar(&[Member::File("bin/sh", 0o755, &program())])];
            let image = scene.archive(&json!({"Cmd": ["/bin/sh"]}), &layers);
            scene.pull(&image);
            for key in fs::read_dir(scene.folder.path().join("store/layers")).unwrap() {
                for layer in fs::read_dir(key.unwrap().path()).unwrap() {
                    fs::remove_dir_all(layer.unwrap().path()).unwrap();
                }
            }
            register("PF");
            let answer = scene.explain("example.test/image:1", &[]);
            assert_eq!(answer["judged"], "platform", "{answer}");
            assert_eq!(answer["verdict"]["code"], "handled", "{answer}");
        },
    );
}

/// A bug once: `status` called a handler fine whose emulator `explain` called empty.
#[test]
fn status_says_of_an_emulator_what_explain_says() {
    with_scene("status_says_of_an_emulator_what_explain_says", |scene| {
        let file = |name: &str, bytes: &[u8]| {
            use std::os::unix::fs::PermissionsExt;
            let path = scene.folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        let entry = |name: &str, rule: &str, emulator: &Path, flags: &str| {
            let line = format!(":{name}:{rule}:{}:{flags}", emulator.display());
            fs::write(Path::new(STANDARD_PATH).join("register"), line).unwrap();
        };
        let (empty, script) = (file("empty", b""), file("script", b"#!/bin/sh\n"));
        let fine = Path::new(env!("CARGO_BIN_EXE_armistice"));
        let text = file("text", b"text\n");
        entry("empty", "M::ABCD:", &empty, "F");
        entry("script", "M::BCDE:", &script, "OC");
        entry("text", "E::txt:", &text, "");
        entry("gone", "M:2:CDEF:", Path::new("/nonexistent/emulator"), "");
        entry("fine", "M::DEFG:", fine, "F");
        entry("fine-script", "E::fs:", &script, "");
        let done = scene.armistice(&["status", "-o", "json"]);
        let answer: Value = serde_json::from_slice(&done.stdout).unwrap();
        let fault = |name: &str| {
            let mut all = answer["handlers"].as_array().unwrap().iter();
            let handler = all.find(|h| h["name"] == name).unwrap();
            handler["fault"].as_str().unwrap_or_default().to_owned()
        };
        assert!(
            fault("empty").ends_with("empty does not run here: it is an empty file"),
            "{answer}"
        );
        assert!(
            fault("script")
                .contains("needs an interpreter itself, which flags O and C do not allow"),
            "{answer}"
        );
        assert!(
            fault("text").ends_with("text does not run here: it is text without a #! line"),
            "{answer}"
        );
        assert!(
            fault("gone").contains(
                "/nonexistent/emulator is looked up where the program runs, and is not there"
            ),
            "{answer}"
        );
        assert_eq!(
            (fault("fine"), fault("fine-script")),
            (String::new(), String::new())
        );
        let table = String::from_utf8(scene.armistice(&["status"]).stdout).unwrap();
        assert_eq!(table.matches("does not work").count(), 4, "{table}");
        assert!(table.contains("empty: its emulator "), "{table}");
        // One for arm64 programs that cannot run is none.
        let pattern = Arch::by_name("aarch64").unwrap().pattern();
        let hex =
            |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("\\x{b:02x}")).collect() };
        let rule = format!("M::{}:{}", hex(&pattern.magic), hex(&pattern.mask));
        entry("arm64", &rule, &empty, "F");
        assert_eq!(scene.armistice(&["status", "arm64"]).status.code(), Some(1));
    });
}
