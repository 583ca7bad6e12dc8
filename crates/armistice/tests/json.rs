//! Promise: with `-o json` a verb's answer is one JSON document on stdout, whatever
//! happens: where there is nothing, where it fails, and where what was typed makes no sense.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

#[path = "../../binfmt/tests/common/mod.rs"]
mod common;

use std::path::Path;
use std::process::Command;

use armistice_binfmt::STANDARD_PATH;
use serde_json::Value;

/// The exit code, and the answer.
#[track_caller]
fn answer(folder: &Path, args: &[&str]) -> (Option<i32>, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_armistice"))
        .args(args)
        .env("PATH", "")
        .env("ARMISTICE_STORE", folder.join("store"))
        .env("ARMISTICE_CACHE_DIR", folder.join("cache"))
        .current_dir(folder)
        .output()
        .unwrap();
    let answer = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{args:?}: {error}: {output:?}"));
    (output.status.code(), answer)
}

/// A bug once: `verify -o json` printed nothing where there was no handler.
#[test]
fn every_verb_answers_in_json_whatever_happens() {
    common::in_namespaces("every_verb_answers_in_json_whatever_happens", || {
        common::mount_table();
        let folder = tempfile::tempdir().unwrap();
        let emulators = folder.path().join("none");
        std::fs::create_dir(&emulators).unwrap();
        std::fs::write(emulators.join("qemu-riscv64"), "#!/bin/sh\n").unwrap();
        let off = || std::fs::write(Path::new(STANDARD_PATH).join("status"), "0").unwrap();
        let on = || std::fs::write(Path::new(STANDARD_PATH).join("status"), "1").unwrap();
        for (args, code, works, verdict) in [
            (&["verify"][..], 1, Some(false), Some("failed")),
            (&["verify", "arm64"], 1, Some(false), Some("failed")),
            (&["verify", "amd64"], 1, Some(false), Some("failed")),
            (&["verify", "zzz"], 2, Some(false), Some("usage")),
            (&["verify", "--zzz"], 2, Some(false), Some("usage")),
            (&["status"], 0, None, None),
            (&["cache", "show"], 0, None, None),
            (&["cache", "verify"], 1, None, None),
            (&["cache", "show", "--zzz"], 2, Some(false), Some("usage")),
            (&["status", "arm64"], 1, None, None),
            (&["status", "zzz"], 2, Some(false), Some("usage")),
            (&["explain", "/nonexistent"], 1, None, Some("not-found")),
            (&["explain", "no/such:image"], 1, None, Some("not-found")),
            (&["explain", "/"], 0, None, Some("native")),
            (&["explain", "/", "--platform", ""], 2, None, Some("usage")),
            (&["explain"], 2, None, Some("usage")),
            (&["register", "amd64"], 1, Some(false), Some("failed")),
            (
                &["register", "amd64", "--dry-run"],
                1,
                Some(false),
                Some("failed"),
            ),
            (&["register", "zzz"], 2, Some(false), Some("usage")),
            (
                &["register", "arm64", "--emulator-dir", "/nonexistent"],
                1,
                Some(false),
                Some("failed"),
            ),
            (&["pull", "nothing.tar"], 1, Some(false), Some("failed")),
            (&["pull", "A"], 2, Some(false), Some("usage")),
            (&["pull"], 2, Some(false), Some("usage")),
            (&["images"], 0, None, None),
            (&["images", "A"], 2, Some(false), Some("usage")),
            (&["images", "nothing"], 1, None, None),
        ] {
            let (status, answer) = answer(folder.path(), &[args, &["-o", "json"]].concat());
            assert_eq!(status, Some(code), "{args:?}: {answer}");
            assert_eq!(answer["schema"], 1, "{args:?}: {answer}");
            if works.is_some() {
                assert_eq!(answer["verdict"]["works"].as_bool(), works, "{args:?}");
            }
            assert_eq!(
                answer["verdict"]["code"].as_str(),
                verdict,
                "{args:?}: {answer}"
            );
        }
        off();
        for args in [&["verify"][..], &["register", "arm64"], &["status"]] {
            let (_, answer) = answer(folder.path(), &[args, &["--output=json"]].concat());
            assert_eq!(answer["schema"], 1, "{args:?}: {answer}");
        }
        on();
    });
}
