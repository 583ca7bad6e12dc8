//! Images by each tool that people make and push them with, from a real registry and as
//! archives: what is unpacked is what was put in.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::process::Command;

use e2e::image_store::ImageStore;
use e2e::registry::{Registry, skopeo_copy};
use e2e::{Dockerd, Podman, need, run};

const MINE: &str = "the test's own files";

/// Two layers by Buildah, the second of which removes things of the first.
fn build(podman: &Podman) -> String {
    let buildah = |args: &[&str]| {
        let done = run(podman.buildah().args(args)).ok();
        done.stdout.trim().to_owned()
    };
    let first = buildah(&["from", "scratch"]);
    let root = buildah(&["mount", &first]);
    let script = r#"
        cd "$1" && mkdir dir gone.d && echo one > dir/suid && chown 7:8 dir/suid && chmod 4755 dir/suid
        ln dir/suid dir/hard && ln -s suid dir/soft && echo x > dir/gone && echo x > gone.d/x
        truncate -s 1M dir/hole && touch -d @1000000000 dir/suid"#;
    let second_script = r#"
        cd "$1" && rm -r dir/gone gone.d && mkdir gone.d && echo two > gone.d/new && echo two > later"#;
    let within = |root: &str, script: &str| {
        let _ = run(Command::new("sh").args(["-ec", script, "sh", root])).ok();
    };
    within(&root, script);
    buildah(&["config", "--arch", "arm64", "--cmd", "/later", &first]);
    buildah(&["umount", &first]);
    buildah(&["commit", "--rm", &first, "localhost/e2e/one"]);
    let second = buildah(&["from", "--pull-never", "localhost/e2e/one"]);
    let root = buildah(&["mount", &second]);
    within(&root, second_script);
    buildah(&["umount", &second]);
    buildah(&["commit", "--rm", &second, "localhost/e2e/two:1"]);
    "localhost/e2e/two:1".to_owned()
}

/// Pulls into a store of its own, and looks at what is there.
fn is_whole(what: &str, args: &[&str]) {
    let store = ImageStore::new();
    let done = store.run(&[&["pull", "-o", "json"], args].concat());
    assert!(done.status.success(), "{what}:\n{done}");
    let answer = done.json();
    assert_eq!(answer["platform"], "linux/arm64", "{what}");
    assert_eq!(answer["layers"], 2, "{what}");
    let below = store.with("dir/suid").join("dir");
    let suid = fs::metadata(below.join("suid")).expect("it is there");
    assert_eq!(
        (suid.mode() & 0o7777, suid.uid(), suid.gid(), suid.mtime()),
        (0o4755, 7, 8, 1_000_000_000),
        "{what}"
    );
    let hard = fs::metadata(below.join("hard")).expect("it is there");
    assert_eq!(hard.ino(), suid.ino(), "{what}");
    assert_eq!(
        fs::read_link(below.join("soft")).expect("a link"),
        Path::new("suid"),
        "{what}"
    );
    let hole = fs::metadata(below.join("hole")).expect("it is there");
    assert_eq!((hole.len(), hole.blocks()), (1 << 20, 0), "{what}");
    let above = store.with("later");
    let gone = fs::symlink_metadata(above.join("dir/gone")).expect("a whiteout is there");
    assert!(
        gone.file_type().is_char_device() && gone.rdev() == 0,
        "{what}"
    );
    // Tools say it in either way: the folder hides what is below, or the file is gone.
    let mut value = [0; 1];
    let opaque = rustix::fs::lgetxattr(above.join("gone.d"), "user.overlay.opaque", &mut value[..]);
    let x = fs::symlink_metadata(above.join("gone.d/x"));
    assert!(
        opaque.is_ok() || x.is_ok_and(|m| m.file_type().is_char_device()),
        "{what}: gone.d/x is back"
    );
    store.is_intact();
}

#[test]
fn images_that_each_tool_pushes() {
    let registry = Registry::plain();
    let podman = Podman::new();
    let image = build(&podman);
    let of = |name: &str| format!("{}/{name}:1", registry.host);
    let pull = |name: &str| is_whole(name, &["--insecure", &of(name)]);
    for format in ["gzip", "zstd"] {
        let buildah = format!("buildah-{format}");
        let push = [
            "push",
            "--tls-verify=false",
            "--format",
            "oci",
            "--compression-format",
            format,
        ];
        let _ = run(podman.buildah().args(push).arg(&image).arg(of(&buildah))).ok();
        pull(&buildah);
        let name = format!("podman-{format}");
        let _ = run(podman.podman().args(push).arg(&image).arg(of(&name))).ok();
        pull(&name);
    }
    let buildah = [
        "push",
        "--tls-verify=false",
        "--format",
        "v2s2",
        "--disable-compression",
    ];
    let _ = run(podman.buildah().args(buildah).arg(&image).arg(of("plain"))).ok();
    pull("plain");
    for format in ["oci", "v2s2"] {
        let name = format!("skopeo-{format}");
        let from = format!("docker://{}", of("buildah-gzip"));
        skopeo_copy(
            &["--format", format],
            &from,
            &format!("docker://{}", of(&name)),
        );
        pull(&name);
    }

    // Docker takes it over, and pushes what it made of it.
    let temp = e2e::temporary();
    let archive = temp.path().join("two.tar");
    let to = format!("docker-archive:{}:e2e/two:1", archive.display());
    let _ = run(podman.buildah().args(["push", &image, &to])).ok();
    let docker = Dockerd::shared();
    let loaded = docker.load(&archive);
    let saved = temp.path().join("saved.tar");
    let _ = run(docker
        .docker()
        .args(["save", "-o"])
        .arg(&saved)
        .arg(&loaded))
    .ok();
    is_whole("docker save", &[saved.to_str().expect(MINE)]);
    let name = registry.push(&docker, &loaded);
    is_whole("docker push", &["--insecure", &name]);
    let _ = run(docker.docker().args(["image", "rm", "-f", &loaded]));
}

#[test]
fn archives_that_each_tool_writes() {
    let podman = Podman::new();
    let image = build(&podman);
    let temp = e2e::temporary();
    let at = |name: &str| temp.path().join(name).display().to_string();
    for (transport, end) in [("docker-archive", ""), ("oci-archive", ""), ("oci", ":1")] {
        let name = at(&format!("buildah-{transport}"));
        let _ = run(podman
            .buildah()
            .args(["push", &image, &format!("{transport}:{name}{end}")]))
        .ok();
        is_whole(transport, &[&name]);
    }
    for format in ["docker-archive", "oci-archive", "oci-dir"] {
        let name = at(&format!("podman-{format}"));
        let _ = run(podman
            .podman()
            .args(["save", "--format", format, "-o", &name, &image]))
        .ok();
        is_whole(format, &[&name]);
    }
    let from = format!("oci:{}:1", at("buildah-oci"));
    for transport in ["docker-archive", "oci-archive"] {
        let name = at(&format!("skopeo-{transport}"));
        skopeo_copy(&[], &from, &format!("{transport}:{name}"));
        is_whole(&format!("skopeo's {transport}"), &[&name]);
        let _ = run(Command::new("gzip").arg(&name)).ok();
        is_whole("one compressed by gzip", &[&format!("{name}.gz")]);
    }
    // umoci unpacks, and packs the same again.
    let umoci = need::program("umoci", "umoci");
    let layout = at("umoci");
    skopeo_copy(&["--format", "oci"], &from, &format!("oci:{layout}:old"));
    let bundle = at("bundle");
    let do_umoci = |args: &[&str]| {
        let _ = run(Command::new(&umoci).args(args)).ok();
    };
    let old = format!("{layout}:old");
    do_umoci(&["unpack", "--image", &old, &bundle]);
    fs::write(format!("{bundle}/rootfs/umoci"), "three").expect(MINE);
    fs::remove_file(format!("{bundle}/rootfs/later")).expect(MINE);
    do_umoci(&["repack", "--image", &format!("{layout}:new"), &bundle]);
    do_umoci(&["rm", "--image", &old]);
    let tar = at("umoci.tar");
    let _ = run(Command::new("tar").args(["-C", &layout, "-cf", &tar, "."])).ok();
    for path in [&layout, &tar] {
        let store = ImageStore::new();
        let answer = store.run(&["pull", "-o", "json", path]).ok().json();
        assert_eq!(answer["layers"], 3);
        let top = store.with("umoci").join("later");
        let later = fs::symlink_metadata(top).expect("a whiteout is there");
        assert!(later.file_type().is_char_device());
    }
}
