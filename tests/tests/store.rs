//! `pull`, `images`, `rmi` and `prune`: from real registries and archives, from a registry that
//! misbehaves, as root and as an ordinary user. Whatever fails, the store is intact.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use e2e::fake_registry::{Fake, Manners};
use e2e::image_store::{ImageStore, layer};
use e2e::registry::{Registry, add_index, digest, skopeo_copy};
use e2e::run_place::{Place, Who};
use e2e::{Userland, command, need, product, run};

#[test]
fn a_real_registry_gives_the_platform_that_is_asked_for() {
    let registry = Registry::plain();
    let temp = e2e::temporary();
    let layout = temp.path().join("layout");
    let at = layout.display();
    for (userland, format) in [(Userland::ARM64, "gzip"), (Userland::S390X, "zstd")] {
        let from = format!("docker-archive:{}", userland.archive().display());
        let to = format!("oci:{at}:{}", userland.debian);
        let options = [
            "--format=oci",
            "--dest-compress",
            "--dest-compress-format",
            format,
        ];
        skopeo_copy(&options, &from, &to);
    }
    add_index(&layout, &[("arm64", "arm64"), ("s390x", "s390x")]);
    let name = format!("{}/debian:multi", registry.host);
    skopeo_copy(
        &["--all"],
        &format!("oci:{at}:multi"),
        &format!("docker://{name}"),
    );

    let store = ImageStore::new();
    // The same, by an address that is not known to be this machine's.
    let far = name.replacen("127.0.0.1", "0.0.0.0", 1);
    let refused = store.run(&["pull", &far]).exits(1);
    let refused = refused.says("a registry without TLS needs --insecure");
    assert!(
        !refused.stderr.contains("InvalidContentType"),
        "{}",
        refused.stderr
    );
    let pulled = store.run(&["pull", "-o", "json", &name]).ok().json();
    assert_eq!(pulled["platform"], "linux/arm64");
    assert_eq!(pulled["new_layers"], 1);
    let again = store
        .run(&["pull", "--insecure", "-o", "json", &name])
        .ok()
        .json();
    assert_eq!(again["new_layers"], 0);
    assert_eq!(again["digest"], pulled["digest"]);
    let zstd = [
        "pull",
        "--insecure",
        "--platform",
        "s390x",
        "-o",
        "json",
        &name,
    ];
    assert_eq!(store.run(&zstd).ok().json()["platform"], "linux/s390x");
    let _ = store
        .run(&["pull", "--insecure", "--platform", "linux/riscv64", &name])
        .exits(1)
        .says("is not there for linux/riscv64; it is for linux/arm64, linux/s390x");
    let root = store.with("bin/dash");
    let mode = fs::metadata(root.join("tmp"))
        .expect("Debian has /tmp")
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o1777);
    let images = store.run(&["images", "-o", "json"]).ok().json();
    assert_eq!(images["images"].as_array().map(Vec::len), Some(2));
    store.is_intact();
    let _ = store
        .run(&["rmi", "--platform", "s390x", &name])
        .ok()
        .says("layer");
    let _ = store.run(&["rmi", &name]).ok();
    let _ = store.run(&["rmi", &name]).exits(1).says("there is no");
    let _ = store.run(&["images", "-o", "name"]).ok().prints("");
    store.is_intact();
}

#[test]
fn tls_wants_an_authority_that_is_trusted() {
    let registry = Registry::tls();
    let temp = e2e::temporary();
    let archive = small_archive(temp.path());
    let name = format!("{}/small:1", registry.host);
    skopeo_copy(
        &[],
        &format!("oci-archive:{}", archive.display()),
        &format!("docker://{name}"),
    );
    let store = ImageStore::new();
    let ca = registry.ca();
    let ca = ca.to_str().expect("a plain path");
    let _ = store.run(&["pull", &name]).exits(1).says("--tls-ca");
    let _ = store.run(&["pull", "--tls-ca", ca, &name]).ok();
    let _ = store.run(&["rmi", &name]).ok();
    let _ = run(store.command(&["pull", &name]).env("SSL_CERT_FILE", ca)).ok();
    let _ = store.run(&["pull", "--insecure", &name]).ok();
    let _ = store
        .run(&["pull", "--tls-ca", "/dev/null", &name])
        .exits(1)
        .says("no certificate");
}

/// An OCI archive of one small layer, made by umoci and skopeo.
fn small_archive(folder: &Path) -> PathBuf {
    let umoci = need::program("umoci", "umoci");
    let do_umoci = |args: &[&str]| {
        let _ = run(Command::new(&umoci).args(args).current_dir(folder)).ok();
    };
    do_umoci(&["init", "--layout", "made"]);
    do_umoci(&["new", "--image", "made:one"]);
    fs::create_dir(folder.join("content")).expect("a folder can be made");
    fs::write(folder.join("content/hello"), "from umoci").expect("a file can be written");
    do_umoci(&[
        "insert",
        "--rootless",
        "--image",
        "made:one",
        "content",
        "/data",
    ]);
    do_umoci(&[
        "config",
        "--image",
        "made:one",
        "--architecture",
        "arm64",
        "--os",
        "linux",
    ]);
    let archive = folder.join("small.oci.tar");
    let from = format!("oci:{}:one", folder.join("made").display());
    skopeo_copy(
        &[],
        &from,
        &format!("oci-archive:{}:localhost/small:1", archive.display()),
    );
    archive
}

/// A fault once: of a registry such an image was taken, of a layout it was refused.
#[test]
fn a_layout_may_list_a_platform_twice() {
    let temp = e2e::temporary();
    let blobs = temp.path().join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    fs::write(
        temp.path().join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .unwrap();
    let blob = |bytes: &[u8]| {
        let digest = digest(bytes);
        fs::write(blobs.join(&digest["sha256:".len()..]), bytes).unwrap();
        serde_json::json!({"digest": digest, "size": bytes.len()})
    };
    let image = |file: &str, variant: &str| {
        let tar = layer(&[(file, 10)]);
        let config = serde_json::json!({"architecture": "arm64", "os": "linux", "variant": variant,
            "rootfs": {"type": "layers", "diff_ids": [digest(&tar)]}});
        let of_kind = |mut blob: serde_json::Value, kind: &str| {
            blob["mediaType"] = format!("application/vnd.oci.image.{kind}").into();
            blob
        };
        let manifest = serde_json::json!({"schemaVersion": 2,
            "config": of_kind(blob(config.to_string().as_bytes()), "config.v1+json"),
            "layers": [of_kind(blob(&tar), "layer.v1.tar")]});
        let mut entry = of_kind(blob(manifest.to_string().as_bytes()), "manifest.v1+json");
        entry["platform"] =
            serde_json::json!({"architecture": "arm64", "os": "linux", "variant": variant});
        entry
    };
    let entries = [image("first", ""), image("second", "v8")];
    let write = |names: [&str; 2]| {
        let mut entries = entries.clone();
        for (entry, name) in entries.iter_mut().zip(names) {
            entry["annotations"] = serde_json::json!({"org.opencontainers.image.ref.name": name});
        }
        let index = serde_json::json!({"schemaVersion": 2, "manifests": entries});
        fs::write(temp.path().join("index.json"), index.to_string()).unwrap();
    };
    let path = temp.path().to_str().unwrap();
    let store = ImageStore::new();
    write(["it:1", "it:1"]);
    let pulled = store.run(&["pull", "-o", "json", path]).ok().json();
    assert_eq!(pulled["digest"], entries[0]["digest"]);
    write(["it:1", "another:1"]);
    store
        .run(&["pull", path])
        .exits(1)
        .says("several images for one platform");
}

#[test]
fn archives_layouts_and_tars_of_a_root() {
    let temp = e2e::temporary();
    let archive = small_archive(temp.path());
    let store = ImageStore::new();
    let pull = |path: &Path| {
        store
            .run(&["pull", "-o", "json", path.to_str().expect("plain")])
            .ok()
            .json()
    };
    let from_tar = pull(&archive);
    assert_eq!(from_tar["names"][0], "localhost/small:1");
    let layout = pull(&temp.path().join("made"));
    assert_eq!(layout["names"][0], "localhost/made:one");
    assert_eq!(layout["new_layers"], 0, "the same layer");
    let text = fs::read_to_string(store.with("data/hello").join("data/hello"));
    assert_eq!(text.expect("it is there"), "from umoci");

    let docker = pull(&Userland::ARMHF.archive());
    assert_eq!(docker["platform"], "linux/arm/v7");
    let root = pull(&Userland::ARMHF.tar());
    assert_eq!(root["platform"], "linux/arm/v7", "its programs tell");
    assert_eq!(root["new_layers"], 0, "the same layer");
    let tar = Userland::ARMHF.tar();
    let tar = tar.to_str().expect("a plain path");
    let _ = store
        .run(&["pull", "--platform", "arm64", tar])
        .exits(1)
        .says("it is for linux/arm/v7");
    let _ = store.run(&["pull", "/etc"]).exits(2).says("root folder");
    store.is_intact();
}

#[test]
fn a_token_is_had_with_the_users_password() {
    let fake = Fake::new();
    fake.image("1", "arm64", &[layer(&[("f", 10)])]);
    fake.behave(Manners {
        password: Some("ann:secret".to_owned()),
        ..Manners::default()
    });
    let store = ImageStore::new();
    let _ = store.pull(&fake, "1").exits(1).says("login");
    // base64 of ann:secret, and of ann:wrong.
    for (auth, code) in [("YW5uOnNlY3JldA==", 0), ("YW5uOndyb25n", 1)] {
        let text = format!(r#"{{"auths": {{"{}": {{"auth": "{auth}"}}}}}}"#, fake.host);
        let file = store.home().join("auth.json");
        fs::write(&file, &text).expect("a file can be written");
        let file = file.to_str().expect("a plain path");
        let name = fake.name("1");
        let named = store
            .run(&["pull", "--insecure", "--authfile", file, &name])
            .exits(code);
        if code == 1 {
            let _ = named.says("wrong password");
        }
        // Docker's own file, too.
        fs::write(store.home().join("config.json"), &text).expect("a file can be written");
        let _ = store.pull(&fake, "1").exits(code);
    }
}

#[test]
fn refusals_are_told_with_what_to_do() {
    let fake = Fake::new();
    fake.image("1", "arm64", &[layer(&[("f", 10)])]);
    let store = ImageStore::new();
    let _ = store.pull(&fake, "none").exits(1).says("has no test:none");
    let refuse = |times, status, header: &str| {
        fake.behave(Manners {
            refuse: Some((times, status, header.to_owned())),
            ..Manners::default()
        });
    };
    // With --insecure TLS is tried first, which is no request to this server.
    refuse(99, 403, "X: y");
    let _ = store.pull(&fake, "1").exits(1).says("refuses test");
    refuse(99, 401, "X: y");
    let _ = store.pull(&fake, "1").exits(1).says("401");
    refuse(99, 500, "X: y");
    let _ = store.pull(&fake, "1").exits(1).says("answers 500");
    refuse(99, 429, "Retry-After: 3600");
    let _ = store
        .pull(&fake, "1")
        .exits(1)
        .says("for another 3600 seconds");
    refuse(1, 429, "Retry-After: 1");
    let _ = store.pull(&fake, "1").ok();
    let _ = store
        .run(&["pull", "127.0.0.1:1/x"])
        .exits(1)
        .says("can't reach 127.0.0.1:1");
    let _ = store
        .run(&["pull", "armistice-test.invalid/x"])
        .exits(1)
        .says("is there a network");
    let _ = store.run(&["pull", "Not A Name"]).exits(2);
    let _ = store.run(&["pull", "--platform", "a/b/c/d", "x"]).exits(2);
    store.is_intact();
}

#[test]
fn what_is_not_as_it_should_be_is_not_kept() {
    let fake = Fake::new();
    let store = ImageStore::new();
    let good = layer(&[("f", 10_000)]);
    let put = |what: &str, bytes: &[u8]| fake.put(what, bytes, "application/octet-stream");
    let blob = format!("blobs/{}", digest(&good));

    fake.image("wrong", "arm64", std::slice::from_ref(&good));
    let mut wrong = good.clone();
    wrong[600] ^= 1;
    put(&blob, &wrong);
    let _ = store
        .pull(&fake, "wrong")
        .exits(1)
        .says("damaged: its digest is");
    assert!(
        fs::read_dir(store.path().join("partial"))
            .expect("a folder")
            .next()
            .is_none(),
        "nothing of a wrong layer is kept"
    );
    put(&blob, &[&good[..], b"more"].concat());
    let _ = store.pull(&fake, "wrong").exits(1);
    put(&blob, &good);
    let _ = store.pull(&fake, "wrong").ok();

    fake.image_typed(
        "squash",
        "arm64",
        std::slice::from_ref(&good),
        "application/vnd.squashfs",
    );
    let _ = store
        .pull(&fake, "squash")
        .exits(1)
        .says("application/vnd.squashfs");
    fake.image("text", "arm64", &[b"no tar ".repeat(2000)]);
    let _ = store
        .pull(&fake, "text")
        .exits(1)
        .says("neither a tar nor compressed");
    let up = {
        let mut tar = layer(&[("xx/f", 10)]);
        tar[..4].copy_from_slice(b"../f");
        let sum: u32 = tar[..512]
            .iter()
            .enumerate()
            .map(|(i, b)| {
                if (148..156).contains(&i) {
                    32
                } else {
                    u32::from(*b)
                }
            })
            .sum();
        tar[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar
    };
    fake.image("up", "arm64", &[up]);
    let _ = store
        .pull(&fake, "up")
        .exits(1)
        .says("leads out of the root");
    for (tag, bytes) in [
        ("json", "{"),
        ("other", r#"{"mediaType": "text/html"}"#),
        ("list", "[]"),
    ] {
        fake.put(
            &format!("manifests/{tag}"),
            bytes.as_bytes(),
            "application/json",
        );
        let _ = store.pull(&fake, tag).exits(1).says("can't be used");
    }
    // What says of itself that it is one of them, and the other one as well.
    let digest = digest(b"");
    let both = format!(
        r#"{{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [], "layers": [], "config": {{"digest": "{digest}", "size": 0}}}}"#
    );
    fake.put("manifests/both", both.as_bytes(), "application/json");
    let _ = store
        .pull(&fake, "both")
        .exits(1)
        .says("both an index and a manifest");
    store.is_intact();
    let images = store.run(&["images", "-o", "name"]).ok();
    assert_eq!(images.stdout.lines().count(), 1, "{images}");
}

#[test]
fn nothing_that_a_registry_sends_steers_the_terminal() {
    let fake = Fake::new();
    let store = ImageStore::new();
    let evil = r"x\u001b]0;title\u0007\r\n\u009b31m";
    let is_tame = |args: &[&str], shows: &str| {
        let done = run(store.command(args).args(["--color", "always"]));
        let text = format!("{}{}", done.stdout, done.stderr);
        assert!(text.contains(shows), "{args:?} does not show it: {text:?}");
        let wild = |c: char| c.is_control() && c != '\n' && c != '\x1b';
        assert!(
            !text.contains(wild) && !text.contains("\x1b]"),
            "{args:?}: {text:?}"
        );
    };
    let shown = r"x\u{1b}]0;title\u{7}\r\n\u{9b}31m";
    let index = "application/vnd.oci.image.index.v1+json";
    let listed = format!(
        r#"{{"schemaVersion": 2, "mediaType": "{index}", "manifests": [{{"digest": "{}", "size": 1,
            "platform": {{"os": "linux", "architecture": "{evil}"}}}}]}}"#,
        digest(b"")
    );
    for (tag, bytes) in [
        ("type", format!(r#"{{"mediaType": "{evil}"}}"#)),
        ("platform", listed),
    ] {
        fake.put(&format!("manifests/{tag}"), bytes.as_bytes(), index);
        let name = fake.name(tag);
        is_tame(&["pull", "--insecure", "--platform", "arm64", &name], shown);
    }
    // An image that can be pulled, and is then listed and removed.
    fake.image("named", "arm64\u{1b}]0;title\u{7}", &[layer(&[("f", 10)])]);
    let name = fake.name("named");
    let shown = r"arm64\u{1b}]0;title\u{7}";
    is_tame(&["pull", "--insecure", &name], shown);
    is_tame(&["images"], shown);
    is_tame(&["rmi", &name], shown);
}

#[test]
fn a_redirect_leads_away_from_tls_only_with_insecure() {
    let fake = Fake::new();
    fake.image("1", "arm64", &[layer(&[("f", 10)])]);
    let registry = Registry::tls();
    let path = "v2/test/manifests/1";
    let (_server, host) = registry.redirecting(path, &format!("http://{}/{path}", fake.host));
    let store = ImageStore::new();
    let ca = registry.ca();
    let ca = ca.to_str().expect("a plain path");
    let name = format!("{host}/test:1");
    let _ = store
        .run(&["pull", "--tls-ca", ca, &name])
        .exits(1)
        .says("it redirects to where there is no TLS")
        .says("; --insecure allows that");
    assert_eq!(fake.asked("manifests"), 0, "it was asked in clear");
    let _ = store.run(&["pull", "--insecure", &name]);
    assert_eq!(fake.asked("manifests"), 1, "--insecure follows it");
}

#[test]
fn an_interrupted_pull_goes_on() {
    let fake = Fake::new();
    let large = layer(&[("large", 1_000_000)]);
    fake.image("1", "arm64", std::slice::from_ref(&large));
    let store = ImageStore::new();
    // It breaks off again and again, and comes all the same.
    fake.behave(Manners {
        cut_after: Some(300_000),
        ..Manners::default()
    });
    let _ = store.pull(&fake, "1").ok();
    assert_eq!(
        fake.asked("range=300000"),
        1,
        "the second part was asked for"
    );
    let _ = store.run(&["prune", "-a"]).ok();

    // Killed in the middle, and then gone on with.
    for no_ranges in [false, true] {
        fake.behave(Manners {
            stall_after: Some(400_000),
            ..Manners::default()
        });
        let mut child = store
            .command(&["pull", "--insecure", &fake.name("1")])
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let partial = store.path().join("partial").join(&digest(&large)[7..]);
        command::wait_until("a part is there", Duration::from_secs(60), || {
            partial.metadata().is_ok_and(|m| m.len() == 400_000)
        });
        child.kill().expect("it runs");
        child.wait().expect("it ended");
        store.is_intact();
        let before = fake.asked("range=400000");
        fake.behave(Manners {
            no_ranges,
            ..Manners::default()
        });
        let said = store.pull(&fake, "1").ok().says("goes on at 0.4 MB");
        if no_ranges {
            let _ = said.says("begins again");
        }
        assert_eq!(fake.asked("range=400000"), before + 1);
        let file = store.with("large").join("large");
        assert_eq!(file.metadata().expect("it is there").len(), 1_000_000);
        let _ = store.run(&["prune", "-a"]).ok();
    }
}

#[test]
fn what_an_interrupted_pull_left_survives_the_removal_of_another_image() {
    let fake = Fake::new();
    fake.image("other", "arm64", &[layer(&[("other", 10)])]);
    fake.image(
        "1",
        "arm64",
        &[layer(&[("a", 10)]), layer(&[("b", 500_000)])],
    );
    let store = ImageStore::new();
    let _ = store.pull(&fake, "other").ok();
    fake.behave(Manners {
        cut_after: Some(100_000),
        no_ranges: true,
        ..Manners::default()
    });
    let _ = store.pull(&fake, "1").exits(1);
    let left = || {
        let partial = fs::read_dir(store.path().join("partial"));
        partial.into_iter().flatten().count()
    };
    assert!(left() > 0, "the broken pull left nothing to go on with");
    let _ = store.run(&["rmi", &fake.name("other")]).ok().says("layer");
    assert!(left() > 0, "rmi removed what another pull goes on with");
    let _ = store.run(&["prune"]).ok().says("unfinished layer");
    assert_eq!(left(), 0);
}

#[test]
fn several_pulls_at_once_all_succeed() {
    let fake = Fake::new();
    // More than come at a time, so that one pull gets to what another one has done.
    let layers: Vec<Vec<u8>> = (0..12)
        .map(|n| layer(&[(&format!("f{n}"), 400_000)]))
        .collect();
    fake.image("1", "arm64", &layers);
    let store = ImageStore::new();
    let spawn = || {
        store
            .command(&["pull", "-q", "--insecure", &fake.name("1")])
            .spawn()
            .expect("it starts")
    };
    let mut pulls = [spawn(), spawn(), spawn(), spawn()];
    for pull in &mut pulls {
        assert!(pull.wait().expect("it ends").success());
    }
    let images = store.run(&["images", "-o", "json"]).ok().json();
    assert_eq!(images["images"].as_array().map(Vec::len), Some(1));
    for layer in &layers {
        let asked = fake.asked(&format!("blobs/{}", digest(layer)));
        assert_eq!(asked, 1, "a layer came more than once");
    }
    store.is_intact();
}

#[test]
fn an_index_may_be_in_an_index() {
    let fake = Fake::new();
    let store = ImageStore::new();
    let index = "application/vnd.oci.image.index.v1+json";
    let put = |tag: &str, entries: &[(&str, String, usize, &str)]| {
        let entries: Vec<String> = entries
            .iter()
            .map(|(kind, digest, size, more)| {
                let kind = format!("application/vnd.oci.image.{kind}.v1+json");
                format!(r#"{{"mediaType": "{kind}", "digest": "{digest}", "size": {size}{more}}}"#)
            })
            .collect();
        let text = format!(
            r#"{{"schemaVersion": 2, "mediaType": "{index}", "manifests": [{}]}}"#,
            entries.join(",")
        );
        let own = digest(text.as_bytes());
        for name in [tag, own.as_str()] {
            fake.put(&format!("manifests/{name}"), text.as_bytes(), index);
        }
        (own, text.len())
    };
    let image = |architecture: &str| {
        let own = fake.image(architecture, architecture, &[layer(&[(architecture, 10)])]);
        let size = fake.size(&format!("manifests/{own}"));
        (own, size)
    };
    let (arm, arm_size) = image("arm64");
    let (amd, amd_size) = image("amd64");
    let platform = |architecture: &str| {
        format!(r#", "platform": {{"os": "linux", "architecture": "{architecture}"}}"#)
    };
    let arm_entry = ("manifest", arm, arm_size, &*platform("arm64").leak());
    let inner = put("inner", &[arm_entry]);
    let amd_entry = ("manifest", amd, amd_size, &*platform("amd64").leak());
    let _ = put(
        "outer",
        &[amd_entry, ("index", inner.0.clone(), inner.1, "")],
    );
    for architecture in ["arm64", "amd64"] {
        let name = fake.name("outer");
        let args = [
            "pull",
            "--insecure",
            "--platform",
            architecture,
            "-o",
            "json",
            &name,
        ];
        let pulled = store.run(&args).ok().json();
        assert_eq!(pulled["platform"], format!("linux/{architecture}"));
    }
    let none = [
        "pull",
        "--insecure",
        "--platform",
        "s390x",
        &fake.name("outer"),
    ];
    let _ = store
        .run(&none)
        .exits(1)
        .says("it is for linux/amd64, linux/arm64");
    // Deeper than any real one.
    let mut last = inner;
    for _ in 0..20 {
        last = put("deep", &[("index", last.0, last.1, "")]);
    }
    let _ = store
        .pull(&fake, "deep")
        .exits(1)
        .says("more than 16 indexes");
    // What is listed as one is the other.
    let (arm, size) = image("arm64");
    let _ = put("lies", &[("index", arm, size, "")]);
    let _ = store.pull(&fake, "lies").exits(1).says("not an index");
    store.is_intact();
}

#[test]
fn a_layer_may_be_as_large_as_the_user_says() {
    let fake = Fake::new();
    // Two gigabytes of a hole, of which some kilobytes are stored.
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_size(0);
    header.set_mode(0o644);
    header.set_path("huge").expect("a short name");
    let gnu = header.as_gnu_mut().expect("it is GNU's");
    gnu.set_real_size(2 << 30);
    // The hole ends with no bytes.
    gnu.sparse[0].set_offset(2 << 30);
    gnu.sparse[0].set_length(0);
    header.set_cksum();
    tar.append(&header, &[][..])
        .expect("a tar in memory can be written");
    let tar = tar.into_inner().expect("a tar in memory can be written");
    fake.image("1", "arm64", &[tar]);
    let store = ImageStore::new();
    let _ = store.pull(&fake, "1").exits(1).says("--max-layer");
    let name = fake.name("1");
    for (size, code) in [("1g", 1), ("2047M", 1), ("2048m", 0)] {
        let args = ["pull", "--insecure", "--max-layer", size, &name];
        let _ = store.run(&args).exits(code);
    }
    assert_eq!(
        store
            .with("huge")
            .join("huge")
            .metadata()
            .expect("it is there")
            .len(),
        2 << 30
    );
    for wrong in ["", "x", "10q", "99999999999g"] {
        let args = ["pull", "--max-layer", wrong, &name];
        let _ = store.run(&args).exits(2).says("20g");
    }
    store.is_intact();
}

#[test]
fn a_full_disk_leaves_nothing_unfinished_behind() {
    need::host_root();
    let fake = Fake::new();
    fake.image("small", "arm64", &[layer(&[("small", 10_000)])]);
    fake.image("large", "arm64", &[layer(&[("large", 6_000_000)])]);
    let store = ImageStore::new();
    fs::create_dir(store.path()).expect("a folder can be made");
    let script = r#"
        mount -t tmpfs -o size=8m,mode=700 tmpfs "$ARMISTICE_STORE"
        "$1" pull --insecure "$2" || exit 10
        if "$1" pull --insecure "$3" 2> "$4"; then exit 11; fi
        "$1" images -o name
        "$1" prune
        "$1" prune --dry-run | grep -v '^Would free' && exit 12
        "$1" pull --insecure "$2" || exit 13"#;
    let said = store.home().join("said");
    let mut command = Command::new(need::program("unshare", "util-linux"));
    store.prepare(&mut command);
    command
        .args([
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .arg(product::binary())
        .args([fake.name("small"), fake.name("large")])
        .arg(&said);
    let done = run(&mut command).ok();
    assert!(
        done.stdout.contains("test:small") && !done.stdout.contains("test:large"),
        "{done}"
    );
    let said = fs::read_to_string(said).expect("it said something");
    assert!(
        said.contains("No space left") && said.contains("armistice prune"),
        "{said}"
    );
}

#[test]
fn a_tree_deeper_than_a_process_has_descriptors_can_go() {
    let fake = Fake::new();
    let deep = format!("{}f", "d/".repeat(1500));
    fake.image("deep", "arm64", &[layer(&[(&deep, 10)])]);
    // A file takes the tree's place while it is unpacked.
    let replaced = layer(&[(&deep, 10), ("d", 10)]);
    fake.image("replaced", "arm64", &[replaced]);
    let store = ImageStore::new();
    for tag in ["deep", "replaced"] {
        let name = fake.name(tag);
        for args in [&["pull", "--insecure", &name][..], &["rmi", &name]] {
            let mut command = Command::new(need::program("prlimit", "util-linux"));
            store.prepare(&mut command);
            command.args(["--nofile=128", "--"]).arg(product::binary());
            let _ = run(command.args(args)).ok();
        }
    }
    store.is_intact();
    assert!(
        fs::read_dir(store.path().join("layers/all"))
            .into_iter()
            .flatten()
            .next()
            .is_none(),
        "layers are left"
    );
}

/// Root with another's HOME, as `sudo -E` has it: that user would reach a set-user-ID
/// program of root's that anybody's image brought.
#[test]
fn nobody_works_in_another_users_store() {
    need::host_root();
    let fake = Fake::new();
    fake.image("1", "arm64", &[layer(&[("f", 10)])]);
    let store = ImageStore::new();
    fs::create_dir(store.path()).expect("a folder can be made");
    std::os::unix::fs::chown(store.path(), Some(12_345), Some(12_345))
        .expect("root may give it away");
    let _ = store
        .pull(&fake, "1")
        .exits(1)
        .says("belongs to another user (12345)");
    let _ = store.run(&["prune", "-a"]).exits(1);
    let written = fs::read_dir(store.path()).expect("it is there").count();
    assert_eq!(written, 0, "something was written into it");
}

#[test]
fn an_ordinary_user_pulls_and_removes() {
    need::host_root();
    let fake = Fake::new();
    fake.image("1", "arm64", &[layer(&[("deep/er/f", 10)])]);
    let folder = e2e::temporary();
    let own = |path: &Path| {
        std::os::unix::fs::chown(path, Some(12_345), Some(12_345)).expect("root may give it away");
    };
    own(folder.path());
    // Where an ordinary user can execute it, too.
    let binary = folder.path().join("armistice");
    e2e::copy_program(product::binary(), &binary);
    let user = |args: &[&str]| {
        let store = folder.path().join("store");
        run(Command::new(need::program("setpriv", "util-linux"))
            .args(["--reuid=12345", "--regid=12345", "--clear-groups", "--"])
            .arg(&binary)
            .args(args)
            .env("HOME", folder.path())
            .env("ARMISTICE_STORE", store))
    };
    let _ = user(&["pull", "--insecure", &fake.name("1")])
        .ok()
        .says("container's root");
    let _ = user(&["images", "-o", "name"]).ok().prints(&fake.name("1"));
    let store = folder.path().join("store");
    let meta = fs::metadata(&store).expect("the store is there");
    assert_eq!(meta.permissions().mode() & 0o777, 0o700);
    let _ = user(&["prune", "-a"]).ok().says("layer");
    let _ = user(&["prune", "--dry-run"])
        .ok()
        .prints("Would free 0.0 MB");
}

#[test]
fn a_user_with_ranges_keeps_the_owners_within_them() {
    let fake = Fake::new();
    fake.image("1", "arm64", &[layer(&[("deep/er/f", 10)])]);
    let mut far = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    header.set_mode(0o644);
    header.set_uid(70_000);
    header.set_gid(8);
    far.append_data(&mut header, "far", &[][..])
        .expect("a tar in memory can be written");
    let far = far.into_inner().expect("a tar in memory can be written");
    fake.image("far", "arm64", &[far]);
    let place = Place::new(Who::Ranges);
    let user = |args: &[&str]| run(&mut place.armistice(args));
    let _ = user(&["prune", "-a"]).ok();
    let _ = user(&["pull", "--insecure", &fake.name("1")]).ok();
    let found = Command::new("find")
        .arg(place.home())
        .args(["-name", "f", "-printf", "%U:%G"])
        .output()
        .expect("find can be started");
    // Inside 0 is the user, and 1 the first of the ranges.
    assert_eq!(String::from_utf8_lossy(&found.stdout), "200006:200007");
    let _ = user(&["pull", "--insecure", &fake.name("far")])
        .exits(1)
        .says("'far' of layer")
        .says("70000:8")
        .says("/etc/subuid");
    let _ = user(&["prune", "-a"]).ok();
    let _ = user(&["prune", "--dry-run"])
        .ok()
        .prints("Would free 0.0 MB");
}

/// At moments of the unpacking, not only of the fetching.
#[test]
fn a_killed_pull_leaves_nothing_that_is_taken_for_whole() {
    let fake = Fake::new();
    let files: Vec<String> = (0..20).map(|n| format!("d{n}/f")).collect();
    let files: Vec<(&str, usize)> = files.iter().map(|f| (f.as_str(), 100)).collect();
    fake.image("1", "arm64", &[layer(&files), layer(&[("top", 10)])]);
    let name = fake.name("1");
    for (call, when) in [
        ("openat2", 10),
        ("fchmod", 5),
        ("utimensat", 30),
        ("rename", 1),
        ("rename", 2),
        ("syncfs", 1),
        ("rename", 3),
        ("rename", 4),
        ("rename", 5),
    ] {
        let store = ImageStore::new();
        let mut command = Command::new(need::program("strace", "strace"));
        store.prepare(&mut command);
        command
            .args(["-f", "-qq", "-o", "/dev/null", "-e"])
            .arg(format!("trace={call}"))
            .arg(format!("--inject={call}:signal=KILL:when={when}"))
            .arg(product::binary())
            .args(["pull", "--insecure", &name]);
        let done = run(&mut command);
        assert!(
            !done.status.success(),
            "{call} {when} was not reached:\n{done}"
        );
        let images = store.run(&["images", "-o", "json"]).ok().json();
        let whole = images["images"].as_array().map_or(0, Vec::len);
        let _ = store.run(&["pull", "--insecure", &name]).ok();
        for (file, size) in files.iter().chain(&[("top", 10)]) {
            let found = store.with(file).join(file).metadata().expect("it is there");
            assert_eq!(
                found.len(),
                *size as u64,
                "after {call} {when}, {whole} images"
            );
        }
        let _ = store.run(&["prune"]).ok();
        store.is_intact();
    }
}
