//! Promise: `armistice cache warm` translates what an image runs before it is needed, `register`
//! and `run` take that, and what does not fit, or is not ours alone, is passed over.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::run_place::{IMAGE, Place, Who};
use e2e::{HostTable, OrdinaryUser, PrivateTable, Userland, run};
use serde_json::Value;

/// A command of a place's user, with a folder for what is kept.
fn command(place: &Place, cache: &Path, args: &[&str]) -> Command {
    let mut command = place.armistice(args);
    command.env("ARMISTICE_CACHE_DIR", cache);
    command
}

/// What is kept, as `cache show` says it.
fn kept(place: &Place, cache: &Path) -> Value {
    let shown = run(&mut command(place, cache, &["cache", "show", "-o", "json"])).ok();
    serde_json::from_str::<Value>(&shown.stdout).unwrap()["kept"].clone()
}

/// The emulator that `register` puts into a table.
fn registered(place: &Place, cache: &Path, more: &[&str]) -> PathBuf {
    let table = PrivateTable::new();
    let armistice = |args: &[&str]| {
        let mut command = table.command(place.folder.path().join("armistice"));
        run(command.env("ARMISTICE_CACHE_DIR", cache).args(args))
    };
    armistice(&[&["register", "arm64"], more].concat()).ok();
    interpreter(&armistice(&["status", "arm64", "-o", "json"]).stdout)
}

/// The emulator that `status -o json` names for arm64.
fn interpreter(status: &str) -> PathBuf {
    interpreter_of(status, "aarch64")
}

/// The same for an architecture by QEMU's name.
fn interpreter_of(status: &str, arch: &str) -> PathBuf {
    let status: Value = serde_json::from_str(status).unwrap();
    let handlers = status["handlers"].as_array().unwrap();
    let ours = handlers
        .iter()
        .find(|h| h["name"] == format!("qemu-{arch}"));
    PathBuf::from(ours.unwrap()["interpreter"].as_str().unwrap())
}

/// Root and an ordinary user: what is usual in an image runs, and its translations are in what is
/// registered then, until they are left out, do not fit, or are removed.
#[test]
fn an_image_is_warmed() {
    for who in [Who::Me, Who::User] {
        let place = Place::of(who);
        let cache = place.home().join("cache");
        let plain = place.folder.path().join("armistice-aarch64");
        assert_eq!(kept(&place, &cache).as_array().unwrap().len(), 0);
        let verify = ["cache", "verify"];
        assert_eq!(
            run(&mut command(&place, &cache, &verify)).status.code(),
            Some(1)
        );
        run(&mut command(&place, &cache, &["cache", "warm", IMAGE])).ok();

        let baked = cache.join("armistice-aarch64");
        let size = |path: &Path| fs::metadata(path).unwrap().len();
        assert!(size(&baked) > size(&plain) + (1 << 20), "hardly anything");
        let line = &kept(&place, &cache)[0];
        assert_eq!(line["of"][0], IMAGE);
        assert!(line["fault"].is_null(), "{line}");
        run(&mut command(&place, &cache, &verify)).ok();
        // Nothing else is left there.
        assert_eq!(fs::read_dir(&cache).unwrap().count(), 2);

        let script = "for a in 1 2 3; do echo $a; done | sort -r | sha256sum";
        let words = ["run", IMAGE, "sh", "-c", script];
        let warm = run(&mut command(&place, &cache, &words)).ok();
        let cold = place.run(&[], &words[2..]).ok();
        assert_eq!(warm.stdout, cold.stdout);

        if who == Who::Me {
            assert_eq!(registered(&place, &cache, &[]), baked);
            assert_eq!(registered(&place, &cache, &["--no-cache"]), plain);
        }
        not_ours_alone(&place, &cache, &baked);
        run(&mut command(&place, &cache, &["cache", "clear"])).ok();
        assert!(!cache.exists());
    }
}

/// What others may write to, or what is not what was written, is told of, and not used.
fn not_ours_alone(place: &Place, cache: &Path, baked: &Path) {
    let verify = || run(&mut command(place, cache, &["cache", "verify"]));
    fs::set_permissions(cache, Permissions::from_mode(0o777)).unwrap();
    verify().exits(1).says("can be changed by others");
    fs::set_permissions(cache, Permissions::from_mode(0o755)).unwrap();
    verify().ok();
    let mut bytes = fs::read(baked).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(baked, &bytes).unwrap();
    verify().exits(1).says("not what was written");
}

/// Faults once: in Podman's namespace the user was taken for root, so that `register` looked for the
/// copy in root's folder, and `--warm` wanted to write there.
#[test]
fn podman_gets_what_its_user_has_warmed() {
    let _host = HostTable::mounted();
    let user = OrdinaryUser::new();
    let archive = user.copy_archive(&Userland::ARM64);
    let register = ["register", "--for", "podman", "--warm"];
    run(user.armistice().args(register).arg(archive).arg("arm64")).ok();
    let status = ["status", "--for", "podman", "arm64", "-o", "json"];
    let shown = run(user.armistice().args(status)).ok();
    let baked = user.at(".cache/armistice/baked/armistice-aarch64");
    assert_eq!(interpreter(&shown.stdout), baked);
}

/// 32-bit Arm's engine is another one, with translations of its own.
#[test]
fn an_image_of_32_bits_is_warmed() {
    let place = Place::of(Who::Me);
    let folder = e2e::temporary();
    let cache = folder.path().join("cache");
    let archive = Userland::ARMHF.archive();
    let archive = archive.to_str().unwrap();
    let warm = ["cache", "warm", "--platform", "linux/arm/v7", archive];
    run(&mut command(&place, &cache, &warm)).ok();
    let line = kept(&place, &cache)[0].clone();
    assert!(line["fault"].is_null(), "{line}");
    let baked = cache.join("armistice-arm");
    assert_eq!(line["path"], baked.to_str().unwrap());
    run(&mut command(&place, &cache, &["cache", "verify"])).ok();

    let script = "for a in 1 2 3; do echo $a; done | sort -r | sha256sum";
    let words = ["run", archive, "sh", "-c", script];
    let with = run(&mut command(&place, &cache, &words)).ok();
    let without = run(&mut command(
        &place,
        &cache,
        &[&words[..1], &["--no-cache"], &words[1..]].concat(),
    ))
    .ok();
    assert_eq!(with.stdout, without.stdout);
    assert_eq!(with.stdout.len(), 68, "{with}");

    let warmed = |arch: &str, name: &str| {
        let table = PrivateTable::new();
        let armistice = |args: &[&str]| {
            let mut command = table.command(place.folder.path().join("armistice"));
            run(command.env("ARMISTICE_CACHE_DIR", &cache).args(args)).ok()
        };
        armistice(&["register", arch]);
        interpreter_of(&armistice(&["status", arch, "-o", "json"]).stdout, name)
    };
    assert_eq!(warmed("arm", "arm"), baked);
    assert_ne!(warmed("arm64", "aarch64"), cache.join("armistice-aarch64"));
    let none = ["cache", "warm", "--platform", "linux/s390x", archive];
    run(&mut command(&place, &cache, &none))
        .exits(2)
        .says("linux/arm64 or linux/arm/v7");
    run(&mut command(&place, &cache, &["cache", "clear"])).ok();
    assert!(!cache.exists());

    // As it is registered, too: of the architecture that is named.
    let table = PrivateTable::new();
    let mut register = table.command(place.folder.path().join("armistice"));
    register.env("ARMISTICE_CACHE_DIR", &cache);
    run(register.args(["register", "arm", "--warm", archive])).ok();
    assert!(baked.exists() && !cache.join("armistice-aarch64").exists());
}

/// A fault once: whose programs a root folder or an archive has, had to be told.
#[test]
fn whose_programs_they_are_is_found() {
    let place = Place::of(Who::Me);
    let folder = e2e::temporary();
    let cache = folder.path().join("cache");
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--exclude=./dev/*", "--file"]);
    run(tar.arg(Userland::ARMHF.tar()).arg("--directory").arg(&root)).ok();
    let root = root.to_str().unwrap();
    let archive = Userland::ARM64.archive();
    let archive = archive.to_str().unwrap();
    // Each engine gets what is its own.
    run(&mut command(
        &place,
        &cache,
        &["cache", "warm", root, archive],
    ))
    .ok();
    let kept = kept(&place, &cache);
    let of = |engine: &str| {
        let path = cache.join(engine);
        let mut lines = kept.as_array().unwrap().iter();
        lines
            .find(|line| line["path"] == path.to_str().unwrap())
            .unwrap()["of"]
            .clone()
    };
    assert_eq!(of("armistice-arm"), serde_json::json!([root]));
    assert_eq!(of("armistice-aarch64"), serde_json::json!([archive]));
    run(&mut command(&place, &cache, &["cache", "clear"])).ok();

    // As it is registered, too.
    let table = PrivateTable::new();
    let mut register = table.command(place.folder.path().join("armistice"));
    register.env("ARMISTICE_CACHE_DIR", &cache);
    run(register.args(["register", "arm64", "arm", "--warm", root])).ok();
    let baked = |engine: &str| cache.join(engine).exists();
    assert!(baked("armistice-arm") && !baked("armistice-aarch64"));
    let mut register = table.command(place.folder.path().join("armistice"));
    register.env("ARMISTICE_CACHE_DIR", &cache);
    run(register.args(["register", "arm64", "--warm", root]))
        .exits(2)
        .says("root is for linux/arm/v7, not for arm64");

    let native = folder.path().join("native");
    fs::create_dir_all(native.join("bin")).unwrap();
    e2e::copy_program("/bin/sh".as_ref(), &native.join("bin/sh"));
    let native = native.to_str().unwrap();
    run(&mut command(&place, &cache, &["cache", "warm", native]))
        .exits(2)
        .says("is for linux/amd64; translations are kept for linux/arm64 or linux/arm/v7");
}

/// What can't be run there is an error, and nothing is kept of it.
#[test]
fn what_has_no_shell_is_told() {
    let place = Place::of(Who::Me);
    let folder = e2e::temporary();
    let root = folder.path().join("root");
    fs::create_dir_all(root.join("etc")).unwrap();
    let cache = folder.path().join("cache");
    let root = root.to_str().unwrap();
    run(&mut command(&place, &cache, &["cache", "warm", root]))
        .exits(2)
        .says("has no /bin/sh or other program that tells what it is for; say so with --platform");
    let told = ["cache", "warm", "--platform", "linux/arm64", root];
    run(&mut command(&place, &cache, &told))
        .exits(1)
        .says("needs a /bin/sh");
    // Not the same where there is nothing to make a container of.
    let nothing = ["cache", "warm", "/nonexistent"];
    let done = run(&mut command(&place, &cache, &nothing))
        .exits(1)
        .says("there is no file or folder /nonexistent");
    assert!(!done.stderr.contains("/bin/sh"), "{done}");
    assert!(!cache.join("armistice-aarch64").exists());
}
