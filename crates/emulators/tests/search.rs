//! Which file is chosen where there are several, and what is said where none is.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::{Path, PathBuf};

use armistice_arch::Arch;
use armistice_emulators::{Dir, Engine, Error, Maker, Origin, Processor, Search};
use common::{put, tiny_program};

fn arm() -> &'static Arch {
    Arch::by_name("arm").unwrap()
}

fn in_dirs(dirs: &[(&Path, Origin)]) -> Search {
    let dirs = dirs
        .iter()
        .map(|(path, origin)| Dir {
            path: (*path).to_owned(),
            origin: *origin,
        })
        .collect();
    Search {
        dirs,
        engine: Engine::default(),
        processor: Processor::default(),
        baked: Vec::new(),
    }
}

#[test]
fn the_distribution_has_one() {
    let found = Search::new(&[], None, None).find(arm()).unwrap();
    assert_eq!(
        found.emulator.path(),
        Path::new("/usr/bin/qemu-arm-static")
            .canonicalize()
            .unwrap()
    );
    assert_eq!(found.origin, Origin::Distribution);
}

#[test]
fn the_first_directory_wins_and_static_names_before_plain_ones() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    put(&a.path().join("qemu-arm"), &tiny_program(), 0o755);
    put(&b.path().join("qemu-arm-static"), &tiny_program(), 0o755);
    let search = in_dirs(&[(a.path(), Origin::Option), (b.path(), Origin::Option)]);
    let first = search.find(arm()).unwrap().emulator;
    assert!(first.path().ends_with("qemu-arm"));
    put(&a.path().join("qemu-arm-static"), &tiny_program(), 0o755);
    let first = search.find(arm()).unwrap().emulator;
    assert!(first.path().ends_with("qemu-arm-static"));
}

#[test]
fn a_dynamic_one_is_passed_over_in_the_distributions_folder_only() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let dynamic = std::fs::read("/bin/true").unwrap();
    put(&a.path().join("qemu-arm"), &dynamic, 0o755);
    put(&b.path().join("qemu-arm"), &tiny_program(), 0o755);

    let found = in_dirs(&[
        (a.path(), Origin::Distribution),
        (b.path(), Origin::Distribution),
    ])
    .find(arm())
    .unwrap();
    assert!(
        found
            .emulator
            .path()
            .starts_with(b.path().canonicalize().unwrap())
    );
    assert!(matches!(found.passed_over[..], [Error::Dynamic { .. }]));

    for origin in [Origin::Option, Origin::Environment] {
        let error = in_dirs(&[(a.path(), origin), (b.path(), Origin::Distribution)])
            .find(arm())
            .unwrap_err();
        assert!(matches!(error, Error::Dynamic { .. }), "{error}");
    }
}

#[test]
fn not_found_says_where_why_and_what_to_install() {
    let dir = tempfile::tempdir().unwrap();
    put(
        &dir.path().join("qemu-arm"),
        &std::fs::read("/bin/true").unwrap(),
        0o755,
    );
    let error = in_dirs(&[(dir.path(), Origin::Distribution)])
        .find(arm())
        .unwrap_err();
    let text = error.to_string();
    for part in [
        "for arm",
        dir.path().to_str().unwrap(),
        "dynamically linked",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_named_directory_must_exist() {
    let missing = PathBuf::from("/nonexistent/emulators");
    let error = Search::new(std::slice::from_ref(&missing), None, None)
        .find(arm())
        .unwrap_err();
    assert!(
        matches!(&error, Error::NoDirectory { dir, .. } if *dir == missing),
        "{error}"
    );
}

#[test]
fn the_own_engine_is_taken_only_where_it_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut search = in_dirs(&[(dir.path(), Origin::Distribution)]);
    search.engine = Engine::Armistice;
    let arm64 = Arch::by_name("aarch64").unwrap();
    let error = search.find(arm64).unwrap_err();
    assert!(matches!(error, Error::NoEngine { .. }), "{error}");
    let text = error.to_string();
    for part in ["armistice-aarch64", dir.path().to_str().unwrap()] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Any static program of this machine stands for it.
    let program = tiny_program();
    put(&dir.path().join("armistice-aarch64"), &program, 0o755);
    put(&dir.path().join("qemu-aarch64"), &program, 0o755);
    for (engine, name) in [
        (Engine::Armistice, "armistice-aarch64"),
        (Engine::Qemu, "qemu-aarch64"),
        (Engine::Any, "armistice-aarch64"),
    ] {
        search.engine = engine;
        let found = search.find(arm64).unwrap();
        assert!(found.emulator.path().ends_with(name), "{engine:?}");
    }
}

#[test]
fn the_own_engine_for_arm_comes_before_qemu_too() {
    let [own, distribution] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let program = tiny_program();
    let search = in_dirs(&[
        (own.path(), Origin::Own),
        (distribution.path(), Origin::Distribution),
    ]);
    let taken = || search.find(arm()).unwrap().maker;
    put(&distribution.path().join("qemu-arm"), &program, 0o755);
    assert_eq!(taken(), Maker::Qemu);
    put(&own.path().join("qemu-arm"), &program, 0o755);
    put(&own.path().join("armistice-arm"), &program, 0o755);
    assert_eq!(taken(), Maker::Armistice);
}

#[test]
fn beside_the_command_only_the_own_engine_counts() {
    let (beside, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = tiny_program();
    let search = in_dirs(&[(beside.path(), Origin::Beside), (own.path(), Origin::Own)]);
    let arm64 = Arch::by_name("aarch64").unwrap();
    put(&beside.path().join("qemu-aarch64"), &program, 0o755);
    put(&own.path().join("qemu-aarch64"), &program, 0o755);
    let found = search.find(arm64).unwrap();
    assert_eq!((found.origin, found.maker), (Origin::Own, Maker::Qemu));
    put(&beside.path().join("armistice-aarch64"), &program, 0o755);
    put(&own.path().join("armistice-aarch64"), &program, 0o755);
    let found = search.find(arm64).unwrap();
    assert_eq!(
        (found.origin, found.maker),
        (Origin::Beside, Maker::Armistice)
    );
}

#[test]
fn a_named_directory_with_qemu_only_means_qemu() {
    let (named, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = tiny_program();
    put(&named.path().join("qemu-aarch64"), &program, 0o755);
    put(&own.path().join("armistice-aarch64"), &program, 0o755);
    let search = in_dirs(&[(named.path(), Origin::Option), (own.path(), Origin::Own)]);
    let found = search.find(Arch::by_name("aarch64").unwrap()).unwrap();
    assert_eq!((found.origin, found.maker), (Origin::Option, Maker::Qemu));
}
