//! Every error of reading, by name.

use std::path::Path;

use armistice_oci::{Archive, Error, Found, Root};
use serde_json::{Value, json};
use tar::EntryType;

use super::common::{self, INDEX, Layout, Tar, docker_archive, gzip, on_disk, zstd};
use super::{layer, open};

/// What is wrong when a file is looked for.
fn lookup(bytes: &[u8]) -> Error {
    let archive = open(bytes).unwrap();
    archive.images()[0].lookup(Path::new("/f")).unwrap_err()
}

fn of_layer(tar: Vec<u8>) -> Error {
    lookup(&docker_archive(&json!({}), &[tar]))
}

/// A layout of one image, changed before it is put together.
fn layout(change: impl FnOnce(&mut Layout)) -> Vec<u8> {
    let mut layout = Layout::new();
    let manifest = layout.image(&json!({}), &[layer()], &[layer()]);
    layout.manifests.push(manifest);
    change(&mut layout);
    layout.tar()
}

macro_rules! assert_error {
    ($error:expr, $pattern:pat) => {
        let error = $error;
        assert!(matches!(error, $pattern), "{error:?}");
        assert!(!error.to_string().is_empty());
    };
}

#[test]
fn open_errors() {
    assert_error!(
        Archive::open(Path::new("/nonexistent")).unwrap_err(),
        Error::Open { .. }
    );
}

#[test]
fn not_an_image() {
    let other = Tar::new().file("bin/sh", "x").end();
    let old = Tar::new().file("repositories", "{}").end();
    for (bytes, wanted) in [
        (&b""[..], Found::Empty),
        (&other, Found::OtherTar),
        (&old, Found::OldDocker),
        (&common::elf(None), Found::Elf),
        (b"#!/bin/sh\n", Found::Script),
        (b" [{}]", Found::Json),
        (b"PK\x03\x04", Found::Zip),
        (&gzip(b"text"), Found::CompressedOther),
        (&zstd(b"text"), Found::CompressedOther),
        (&gzip(&other), Found::OtherTar),
        (
            b"\xfd7zXZ\0",
            Found::Compressed {
                by: "xz",
                unpack: "xz -dk FILE",
            },
        ),
        (
            b"BZh9",
            Found::Compressed {
                by: "bzip2",
                unpack: "bzip2 -dk FILE",
            },
        ),
        (b"plain text", Found::Other),
    ] {
        match open(bytes) {
            Err(Error::NotAnImage { found, .. }) => assert_eq!(found, wanted),
            other => panic!("{wanted}: {other:?}"),
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let found = |path: &Path| match Archive::open(path) {
        Err(Error::NotAnImage { found, .. }) => found,
        other => panic!("{other:?}"),
    };
    assert_eq!(found(dir.path()), Found::Folder);
    assert_eq!(found(Path::new("/dev/zero")), Found::Special);
    let socket = dir.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert_eq!(found(&socket), Found::Special);
}

#[test]
fn cut_off() {
    let whole = docker_archive(&json!({}), &[layer()]);
    assert_error!(
        open(&whole[..whole.len() - 1500]).unwrap_err(),
        Error::CutOff { .. }
    );
    assert_error!(open(&whole[..600]).unwrap_err(), Error::CutOff { .. });
    for packed in [gzip(&whole), zstd(&whole)] {
        assert_error!(
            open(&packed[..packed.len() - 9]).unwrap_err(),
            Error::CutOff { .. }
        );
    }
    // The same for layers, whose digests are checked only when all else is well.
    let long = Tar::new().file("f", vec![7; 5000]).end();
    assert_error!(of_layer(long[..3000].to_vec()), Error::CutOff { .. });
    for packed in [gzip(&long), zstd(&long)] {
        assert_error!(
            of_layer(packed[..packed.len() - 9].to_vec()),
            Error::CutOff { .. }
        );
        assert_error!(of_layer(packed[..20].to_vec()), Error::CutOff { .. });
    }
    assert_error!(of_layer(gzip(&long[..3000])), Error::CutOff { .. });
}

#[test]
fn damaged() {
    let mut whole = docker_archive(&json!({}), &[layer()]);
    let at = whole.len() - 1024 - 1024;
    whole[at] ^= 1;
    assert_error!(open(&whole).unwrap_err(), Error::Damaged { .. });
    assert_error!(
        of_layer(b"neither a tar nor compressed".to_vec()),
        Error::Damaged { .. }
    );
    let mut packed = gzip(&layer());
    let crc = packed.len() - 6;
    packed[crc] ^= 1;
    assert_error!(of_layer(packed), Error::Damaged { .. });
    let looped = Tar::new()
        .symlink("a", "b")
        .symlink("b", "a")
        .file("a/f", "x")
        .end();
    assert_error!(of_layer(looped), Error::Damaged { .. });
}

/// Long names are read into memory, so they must not be as long as they like.
#[test]
fn endless_headers_are_damage() {
    let name = vec![b'n'; 100 << 20];
    let tar = Tar::new()
        .raw(EntryType::GNULongName, b"././@LongLink", b"", 0, &name)
        .file("f", "")
        .end();
    assert_error!(of_layer(gzip(&tar)), Error::Damaged { .. });
    assert_error!(of_layer(tar), Error::Damaged { .. });
}

/// The temporary folder is the whole process's, so this program is started again
/// with another, for this test alone.
#[test]
fn spool() {
    const INSIDE: &str = "ARMISTICE_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        return spool_in_a_folder_that_is_not_there();
    }
    let test = std::env::current_exe().unwrap();
    let output = std::process::Command::new(test)
        .args(["--exact", "errors::spool", "--nocapture"])
        .env("TMPDIR", "/nonexistent")
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn spool_in_a_folder_that_is_not_there() {
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    let path = dir.path().join("image");
    std::fs::write(&path, gzip(&docker_archive(&json!({}), &[layer()]))).unwrap();
    assert_error!(Archive::open(&path).unwrap_err(), Error::Spool { .. });
}

#[test]
fn bad_json() {
    for text in ["", "{", "[1]", "[{}]", "{\"manifests\": []}"] {
        let bytes = Tar::new().file("manifest.json", text).end();
        assert_error!(open(&bytes).unwrap_err(), Error::BadJson { .. });
    }
    let deep = Tar::new().file("index.json", "[".repeat(100_000)).end();
    assert_error!(open(&deep).unwrap_err(), Error::BadJson { .. });
}

#[test]
fn too_large() {
    let bytes = Tar::new().file("manifest.json", " ".repeat(5 << 20)).end();
    assert_error!(open(&bytes).unwrap_err(), Error::TooLarge { .. });
}

#[test]
fn missing_blob() {
    let manifest = json!([{"Config": "../../etc/passwd", "Layers": []}]);
    let bytes = Tar::new().file("manifest.json", manifest.to_string()).end();
    assert_error!(open(&bytes).unwrap_err(), Error::MissingBlob { .. });
    let without_config = layout(|l| drop(l.blobs.remove(0)));
    assert_error!(
        open(&without_config).unwrap_err(),
        Error::MissingBlob { .. }
    );
    let without_layer = layout(|l| drop(l.blobs.remove(1)));
    assert_error!(lookup(&without_layer), Error::MissingBlob { .. });
    // Links in a circle are missing as well.
    let config = common::config(&json!({}), &[layer()]);
    let manifest = json!([{"Config": "c", "Layers": ["a"]}]).to_string();
    let tar = Tar::new().file("manifest.json", manifest).file("c", config);
    let bytes = tar.symlink("a", "b").symlink("b", "a").end();
    assert_error!(lookup(&bytes), Error::MissingBlob { .. });
}

#[test]
fn wrong_digest() {
    for blob in [0, 2] {
        // Configuration and manifest: another byte, the same size.
        let bytes = layout(|l| l.blobs[blob].1[1] ^= 2);
        assert_error!(open(&bytes).unwrap_err(), Error::WrongDigest { .. });
    }
    let mut docker = docker_archive(&json!({}), &[layer()]);
    docker[600] ^= 1;
    assert_error!(open(&docker).unwrap_err(), Error::WrongDigest { .. });
    // Layers that are read through: by the digest of what is stored, ...
    let mut sound = Layout::new();
    let packed = gzip(&layer());
    let manifest = sound.image(&json!({}), &[packed], &[layer()]);
    sound.manifests.push(manifest);
    // The time in gzip's header changes nothing but the digest.
    sound.blobs[1].1[4] ^= 1;
    assert_error!(lookup(&sound.tar()), Error::WrongDigest { .. });
    // ... or of the tar where there is no other.
    let config = common::config(&json!({}), &[b"another".to_vec()]);
    let manifest = json!([{"Config": "c", "Layers": ["l"]}]).to_string();
    let tar = Tar::new().file("manifest.json", manifest).file("c", config);
    assert_error!(
        lookup(&tar.file("l", gzip(&layer())).end()),
        Error::WrongDigest { .. }
    );
}

#[test]
fn wrong_size() {
    let bytes = layout(|l| l.manifests[0]["size"] = json!(5));
    assert_error!(open(&bytes).unwrap_err(), Error::WrongSize { .. });
    let bytes = layout(|l| l.blobs[1].1.extend([0; 512]));
    assert_error!(lookup(&bytes), Error::WrongSize { .. });
}

#[test]
fn bad_digest() {
    for digest in ["", "sha256:../../../etc/passwd", "sha512:00", "sha256:ABC"] {
        let bytes = layout(|l| l.manifests[0]["digest"] = json!(digest));
        assert_error!(open(&bytes).unwrap_err(), Error::BadDigest { .. });
    }
}

#[test]
fn bad_path() {
    for name in [&b"../f"[..], b"a/../../f", b"/../f"] {
        let tar = Tar::new()
            .raw(EntryType::Regular, name, b"", 0o644, b"x")
            .end();
        assert_error!(of_layer(gzip(&tar)), Error::BadPath { .. });
        assert_error!(of_layer(tar), Error::BadPath { .. });
    }
    assert_error!(
        of_layer(Tar::new().hard_link("f", "../g").end()),
        Error::BadPath { .. }
    );
    assert_error!(
        of_layer(common::long_name(&"x/".repeat(3000), b"")),
        Error::BadPath { .. }
    );
}

#[test]
fn bad_hard_link() {
    for tar in [
        Tar::new().hard_link("f", "later").file("later", "x"),
        Tar::new().dir("d").hard_link("f", "d"),
        Tar::new().hard_link("f", "f"),
        Tar::new().hard_link("f", ""),
        Tar::new().file("g", "").hard_link("", "g"),
    ] {
        assert_error!(of_layer(tar.end()), Error::BadHardLink { .. });
    }
}

#[test]
fn layer_count() {
    let mut layout = Layout::new();
    let manifest = layout.image(&json!({}), &[layer()], &[]);
    layout.manifests.push(manifest);
    assert_error!(open(&layout.tar()).unwrap_err(), Error::LayerCount { .. });
}

#[test]
fn too_deep() {
    let mut layout = Layout::new();
    let mut inner = layout.image(&json!({}), &[], &[]);
    for _ in 0..10 {
        let index = json!({"schemaVersion": 2, "manifests": [inner]});
        inner = layout.blob(INDEX, index.to_string().into());
    }
    layout.manifests.push(inner);
    assert_error!(open(&layout.tar()).unwrap_err(), Error::TooDeep { .. });
}

#[test]
fn too_many() {
    let mut layout = Layout::new();
    let mut inner = layout.image(&json!({}), &[], &[]);
    for _ in 0..5 {
        let index = json!({"schemaVersion": 2, "manifests": vec![inner; 50]});
        inner = layout.blob(INDEX, index.to_string().into());
    }
    layout.manifests.push(inner);
    assert_error!(open(&layout.tar()).unwrap_err(), Error::TooDeep { .. });
}

#[test]
fn no_image() {
    let empty: [Value; 0] = [];
    let bytes = Tar::new()
        .file("manifest.json", json!(empty).to_string())
        .end();
    assert_error!(open(&bytes).unwrap_err(), Error::NoImage { .. });
    assert_error!(
        open(&layout(|l| l.manifests.clear())).unwrap_err(),
        Error::NoImage { .. }
    );
    assert_error!(
        open(&layout(|l| l.blobs.clear())).unwrap_err(),
        Error::NoImage { .. }
    );
}

#[test]
fn read_errors_name_the_blob() {
    // A blob that is a folder can't be there; one that can't be read fails.
    let dir = tempfile::tempdir().unwrap();
    let mut l = Layout::new();
    let manifest = l.image(&json!({}), &[layer()], &[layer()]);
    l.manifests.push(manifest);
    l.folder(dir.path());
    let blob = dir.path().join("blobs/sha256").join(&l.blobs[1].0);
    std::fs::remove_file(&blob).unwrap();
    std::os::unix::fs::symlink(&blob, &blob).unwrap();
    let archive = Archive::open(dir.path()).unwrap();
    let error = archive.images()[0].lookup(Path::new("/f")).unwrap_err();
    assert_error!(error, Error::Read { .. });
    std::fs::remove_file(&blob).unwrap();
    std::fs::create_dir(&blob).unwrap();
    let error = archive.images()[0].lookup(Path::new("/f")).unwrap_err();
    assert_error!(error, Error::MissingBlob { .. });
    drop(on_disk(b""));
}
