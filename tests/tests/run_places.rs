//! Promise: what a container is given lies where it was asked for, in the container's own
//! root; an image's links put it nowhere else, and lead nobody to what is open outside.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use armistice_arch::Platform;
use e2e::run_place::{EVERYBODY, Place, USER, Who};
use e2e::{Userland, need, run};

/// A root folder of the place's user.
fn root_folder(place: &Place, name: &str) -> PathBuf {
    let folder = place.home().join(name);
    fs::create_dir(&folder).expect("the test's own files");
    let mut tar = Command::new(need::program("tar", "tar"));
    tar.arg("-xf").arg(Userland::ARM64.tar());
    run(tar
        .args(["--exclude=./dev", "--no-same-owner", "-C"])
        .arg(&folder))
    .ok();
    give(&folder);
    folder
}

fn give(path: &Path) {
    run(Command::new("chown")
        .args(["-hR", &USER.to_string()])
        .arg(path))
    .ok();
}

/// A hole once: over a root whose /proc was a link to `/`, the kernel's files lay unprotected,
/// and the machine's root inside wrote to them.
#[test]
fn a_link_in_the_place_of_proc_sys_or_dev_is_refused() {
    let script = "cat /../sys/kernel/ostype /../keys /../firmware 2>/dev/null; cat /proc/sys/kernel/ostype; echo ran";
    for who in EVERYBODY {
        let place = Place::new(who);
        let root = root_folder(&place, "root");
        let shown = root.to_str().unwrap();
        for name in ["proc", "sys", "dev"] {
            let at = root.join(name);
            let _ = fs::remove_dir_all(&at);
            for target in ["/", ".", "usr", "proc/self/root", "none"] {
                symlink(target, &at).unwrap();
                run(&mut place.armistice(&["run", shown, "sh", "-c", script]))
                    .exits(125)
                    .prints("")
                    .says(&format!("/{name} is a link"));
                fs::remove_file(&at).unwrap();
            }
        }
        // What is not there is made.
        run(&mut place.armistice(&["run", shown, "sh", "-c", script]))
            .ok()
            .prints("Linux\nran");
    }
}

/// A fault once: over /dev, the links of a container's own were made in the caller's folder,
/// and the error spoke of /proc.
#[test]
fn what_a_container_has_of_its_own_is_not_covered() {
    for who in EVERYBODY {
        let place = Place::new(who);
        let given = place.home().join("given");
        fs::create_dir(&given).unwrap();
        give(&given);
        let given = given.to_str().unwrap();
        let root = root_folder(&place, "root");
        symlink("/", root.join("top")).unwrap();
        symlink("/dev", root.join("devices")).unwrap();
        let root = root.to_str().unwrap();
        for (target, says) in [
            ("/dev", "a /dev of its own"),
            ("/dev/", "a /dev of its own"),
            ("/proc", "a /proc of its own"),
            ("/proc/sys/kernel", "a /proc of its own"),
            ("/devices", "leads to /dev"),
            ("/top", "leads to /: it is the container's root"),
            ("/top/proc/self", "a /proc of its own"),
        ] {
            for option in [&["-v", &format!("{given}:{target}")], &["--tmpfs", target]] {
                let args = [&["run"], &option[..], &[root, "ls", "/proc/self/fd"]].concat();
                run(&mut place.armistice(&args))
                    .exits(125)
                    .prints("")
                    .says(says);
                assert_eq!(fs::read_dir(given).unwrap().count(), 0, "{target}");
            }
        }
        // A folder that is not there is not made for that.
        let none = place.home().join("none");
        let volume = format!("{}:/dev", none.display());
        place.run(&["-v", &volume], &["true"]).exits(125);
        assert!(!none.exists());
        // What docker allows.
        fs::write(place.home().join("uptime"), "7 8\n").unwrap();
        let uptime = format!("{}:/proc/uptime", place.home().join("uptime").display());
        let shm = format!("{given}:/dev/shm");
        let options = ["-v", &uptime, "-v", &shm, "--tmpfs", "/dev/mine"];
        place
            .sh(
                &options,
                "cat /proc/uptime; touch /dev/shm/x /dev/mine/x && echo well",
            )
            .ok()
            .prints("7 8\nwell");
    }
}

/// Faults once: the errors did not name the cause.
#[test]
fn a_file_is_not_shown_over_a_folder() {
    for who in EVERYBODY {
        let place = Place::new(who);
        let (file, folder) = (place.home().join("file"), place.home().join("folder"));
        fs::write(&file, "x").unwrap();
        fs::create_dir(&folder).unwrap();
        for (source, target, says) in [
            (&file, "/tmp", "/tmp is a folder"),
            (
                &folder,
                "/etc/debian_version",
                "/etc/debian_version is no folder",
            ),
            (
                &file,
                "/etc/debian_version/x",
                "/etc/debian_version is no folder",
            ),
        ] {
            let volume = format!("{}:{target}", source.display());
            place
                .run(&["-v", &volume], &["true"])
                .exits(125)
                .says(&format!("cannot show {} at {target}", source.display()))
                .says(says);
        }
        let unmapped = if who == Who::Me {
            "4294967295"
        } else {
            "4000000000"
        };
        for (options, says) in [
            (format!("/t:uid={unmapped}"), "not among the identities"),
            (format!("/t:gid={unmapped}"), "not among the identities"),
            ("/t:size=much".to_owned(), "size=much"),
        ] {
            place
                .run(&["--tmpfs", &options], &["true"])
                .exits(125)
                .says("a tmpfs at /t")
                .says(says);
        }
    }
}

/// A fault once: the folder of the machine's that a WORKDIR or a VOLUME led to by what is
/// open was told to the image, and made in it by its name.
#[test]
fn no_folder_of_an_images_is_what_is_open_outside() {
    const NUMBERS: [u8; 7] = [0, 2, 3, 4, 5, 7, 9];
    for who in EVERYBODY {
        let place = Place::new(who);
        let root = root_folder(&place, "root");
        let shown = root.to_str().unwrap();
        for number in NUMBERS {
            let link = format!("link{number}");
            symlink(format!("/proc/self/fd/{number}"), root.join(&link)).unwrap();
        }
        symlink("/proc/self/cwd", root.join("cwd")).unwrap();
        let inside = || {
            let names = fs::read_dir(&root).unwrap();
            names
                .map(|e| e.unwrap().file_name())
                .collect::<BTreeSet<_>>()
        };
        run(&mut place.armistice(&["run", shown, "true"])).ok();
        let before = inside();
        for number in NUMBERS {
            for folder in [
                format!("/link{number}"),
                format!("/proc/self/fd/{number}/deeper"),
            ] {
                run(&mut place.armistice(&["run", "-w", &folder, shown, "pwd"]))
                    .exits(125)
                    .prints("");
            }
        }
        assert_eq!(inside(), before);
        run(&mut place.armistice(&["run", "-w", "/cwd", shown, "pwd"]))
            .exits(125)
            .says("open outside the container");
        let archive = place.folder.path().join("volumes.tar");
        let name = "armistice.test/open:1";
        let platform = Platform::parse("linux/arm64").unwrap();
        e2e::archive::write_with(
            &archive,
            &Userland::ARM64.tar(),
            &platform,
            name,
            |config| {
                config["Volumes"] = serde_json::json!({"/proc/self/cwd/made": {}});
            },
        )
        .unwrap();
        run(place.armistice(&["pull"]).arg(&archive)).ok();
        run(&mut place.armistice(&["run", name, "true"]))
            .exits(125)
            .says("open outside the container");
    }
}

/// A hole once: as the machine's root, a container used the machine's disks by nodes in a root
/// folder, and by a volume that has some.
#[test]
fn devices_of_a_root_folder_or_a_volume_are_none() {
    let place = Place::new(Who::Me);
    let root = root_folder(&place, "root");
    let null = root.join("null");
    let node = |path: &Path| {
        let number = rustix::fs::makedev(1, 3);
        let mode = rustix::fs::Mode::from_raw_mode(0o666);
        let kind = rustix::fs::FileType::CharacterDevice;
        rustix::fs::mknodat(rustix::fs::CWD, path, kind, mode, number).unwrap();
        run(Command::new("chmod").arg("666").arg(path)).ok();
    };
    node(&null);
    let shown = root.to_str().unwrap();
    let script = "for d in /null /given/null /layer; do (: < $d) 2>/dev/null && echo $d; done; cat /one; echo tried";
    let volume = format!("{shown}:/given");
    let one = "/dev/null:/one";
    let args = ["run", "-v", &volume, "-v", one, shown, "sh", "-c", script];
    run(&mut place.armistice(&args)).ok().prints("tried");
    let args = ["-v", &volume, "-v", one];
    place.sh(&args, script).ok().prints("tried");
}
