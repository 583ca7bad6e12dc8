//! Archives of others: every form, merged layers, and every error by name.

#![allow(clippy::unwrap_used, reason = "a failed helper is a failed test")]

#[path = "../common/mod.rs"]
mod common;
mod errors;
mod layers;
mod properties;

use std::path::Path;

use armistice_oci::{Archive, Root};
use common::{INDEX, Layout, Tar, docker_archive, gzip, on_disk, zstd};
use serde_json::json;

/// Opens bytes as an archive.
fn open(bytes: &[u8]) -> Result<Archive, armistice_oci::Error> {
    let (_dir, path) = on_disk(bytes);
    // The archive keeps its file open, so the folder may go.
    Archive::open(&path)
}

fn layer() -> Vec<u8> {
    Tar::new().program("bin/hello", "hello").end()
}

fn hello(archive: &Archive) -> Vec<u8> {
    let image = &archive.images()[0];
    image.first_bytes(Path::new("/bin/hello"), 3).unwrap()
}

#[test]
fn docker_archive_plain_and_compressed() {
    let run = json!({"Cmd": ["hello"], "Env": null, "Labels": null});
    let bytes = docker_archive(&run, &[layer()]);
    for bytes in [bytes.clone(), gzip(&bytes), zstd(&bytes)] {
        let archive = open(&bytes).unwrap();
        let image = &archive.images()[0];
        assert_eq!(image.names(), ["t:1"]);
        assert_eq!(image.platform().to_string(), "linux/arm64");
        assert_eq!(image.config().argv(), ["hello"]);
        assert_eq!(image.digest(), None);
        assert_eq!(hello(&archive), b"hel");
    }
}

#[test]
fn docker_archive_made_by_tar_from_a_folder() {
    // Names with "./", and Docker's links for layers that are there twice.
    let config = common::config(&json!({}), &[layer(), layer()]);
    let manifest =
        json!([{"Config": "c.json", "RepoTags": null, "Layers": ["a/layer.tar", "b/layer.tar"]}]);
    let bytes = Tar::new()
        .dir("./")
        .file("./c.json", config)
        .file("./a/layer.tar", layer())
        .symlink("./b/layer.tar", "../a/layer.tar")
        .file("./manifest.json", manifest.to_string())
        .end();
    let archive = open(&bytes).unwrap();
    assert!(archive.images()[0].names().is_empty());
    assert_eq!(hello(&archive), b"hel");
}

#[test]
fn oci_layers_plain_gzip_and_zstd() {
    let tar = layer();
    for stored in [
        tar.clone(),
        gzip(&tar),
        zstd(&tar),
        [zstd(&tar[..512]), zstd(&tar[512..])].concat(),
    ] {
        let mut layout = Layout::new();
        let mut manifest = layout.image(&json!({}), &[stored], std::slice::from_ref(&tar));
        manifest["annotations"] = json!({"org.opencontainers.image.ref.name": "t:1"});
        layout.manifests.push(manifest);
        let archive = open(&layout.tar()).unwrap();
        assert_eq!(archive.images()[0].names(), ["t:1"]);
        assert_eq!(hello(&archive), b"hel");
        let dir = tempfile::tempdir().unwrap();
        layout.folder(dir.path());
        assert_eq!(hello(&Archive::open(dir.path()).unwrap()), b"hel");
    }
}

#[test]
fn an_index_of_platforms_with_attestations() {
    let mut layout = Layout::new();
    let mut inner = Vec::new();
    for (arch, variant) in [("amd64", ""), ("arm", "v6"), ("aarch64", "v8")] {
        let tar = Tar::new().program("bin/hello", arch).end();
        let config = serde_json::from_slice::<serde_json::Value>(&common::config(
            &json!({}),
            std::slice::from_ref(&tar),
        ));
        let mut config = config.unwrap();
        config["architecture"] = json!(arch);
        let config = layout.blob(
            "application/vnd.oci.image.config.v1+json",
            config.to_string().into(),
        );
        let layer = layout.blob("application/vnd.oci.image.layer.v1.tar", tar);
        let manifest = json!({"schemaVersion": 2, "config": config, "layers": [layer]});
        let mut descriptor = layout.blob(common::MANIFEST, manifest.to_string().into());
        descriptor["platform"] = json!({"os": "linux", "architecture": arch, "variant": variant});
        inner.push(descriptor);
    }
    let mut attestation = layout.image(&json!({}), &[], &[]);
    attestation["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    inner.push(attestation);
    let absent = format!("sha256:{:064}", 7);
    inner.push(
        json!({"mediaType": common::MANIFEST, "digest": absent, "size": 9,
        "platform": {"os": "linux", "architecture": "s390x"}}),
    );
    let index = json!({"schemaVersion": 2, "manifests": inner});
    let mut index = layout.blob(INDEX, index.to_string().into());
    for name in ["docker.io/library/t:1", "docker.io/library/t:2"] {
        index["annotations"] = json!({
            "io.containerd.image.name": name, "org.opencontainers.image.ref.name": "1",
        });
        layout.manifests.push(index.clone());
    }
    // A signature is no image.
    let config = layout.blob(
        "application/vnd.dev.cosign.simplesigning.v1+json",
        b"{}".to_vec(),
    );
    let signature = json!({"schemaVersion": 2, "config": config, "layers": []});
    let signature = layout.blob(common::MANIFEST, signature.to_string().into());
    layout.manifests.push(signature);

    let archive = open(&layout.tar()).unwrap();
    let seen: Vec<String> = archive
        .images()
        .iter()
        .map(|i| i.platform().to_string())
        .collect();
    assert_eq!(seen, ["linux/amd64", "linux/arm/v6", "linux/arm64"]);
    for (image, content) in archive.images().iter().zip(["amd64", "arm", "aarch64"]) {
        assert_eq!(
            image.first_bytes(Path::new("bin/hello"), 9).unwrap(),
            content.as_bytes()
        );
        assert_eq!(
            image.names(),
            ["docker.io/library/t:1", "docker.io/library/t:2"]
        );
    }
    let [missing] = archive.absent() else {
        panic!("{:?}", archive.absent())
    };
    assert_eq!(missing.digest, absent);
    assert_eq!(
        missing.platform.as_ref().unwrap().to_string(),
        "linux/s390x"
    );
}

#[test]
fn an_index_without_layers_beside_a_manifest_with_them() {
    let run = json!({"Cmd": ["hello"]});
    let tar = layer();
    let mut layout = Layout::new();
    let config = common::config(&run, std::slice::from_ref(&tar));
    let config = layout.blob("application/vnd.oci.image.config.v1+json", config);
    let config_member = config["digest"]
        .as_str()
        .unwrap()
        .replace("sha256:", "blobs/sha256/");
    let stored = layout.blob("application/vnd.oci.image.layer.v1.tar", tar);
    let layer_member = stored["digest"]
        .as_str()
        .unwrap()
        .replace("sha256:", "blobs/sha256/");
    let list = json!([{"Config": config_member, "RepoTags": ["t:1"], "Layers": [layer_member]}]);
    // An image without layers, an index without images, one whose image is elsewhere.
    let bare = json!({"schemaVersion": 2, "config": config, "layers": null});
    let bare = layout.blob(common::MANIFEST, bare.to_string().into());
    let absent =
        json!({"mediaType": common::MANIFEST, "digest": format!("sha256:{:064}", 7), "size": 9});
    for manifests in [vec![bare], vec![], vec![absent]] {
        layout.manifests = manifests;
        let folder = tempfile::tempdir().unwrap();
        layout.folder(folder.path());
        std::fs::write(folder.path().join("manifest.json"), list.to_string()).unwrap();
        let archive = Archive::open(folder.path()).unwrap();
        assert_eq!(archive.images().len(), 1);
        assert_eq!(archive.images()[0].names(), ["t:1"]);
        assert_eq!(hello(&archive), b"hel");
    }
}

#[test]
fn an_entrypoint_of_one_empty_word_is_none() {
    let bytes = docker_archive(&json!({"Entrypoint": [""], "Cmd": ["hello"]}), &[layer()]);
    let archive = open(&bytes).unwrap();
    assert_eq!(archive.images()[0].config().argv(), ["hello"]);
}

#[test]
fn a_tar_of_many_other_files_is_given_up_early() {
    let mut tar = Tar::new();
    for at in 0..1500 {
        tar = tar.file(&format!("usr/share/{at}"), "x");
    }
    let cut = tar.end();
    // Not even its cut-off end is reached.
    let error = open(&cut[..cut.len() - 1400]).unwrap_err();
    assert!(
        error.to_string().contains("a tar without index.json"),
        "{error}"
    );
    // What an image has is found behind as many as stand before it in any.
    let mut tar = Tar::new();
    for at in 0..1500 {
        tar = tar.file(&format!("{at:064}/layer.tar"), "x");
    }
    let image = docker_archive(&json!({}), &[layer()]);
    let mut all = tar.end();
    all.truncate(all.len() - 1024);
    all.extend(image);
    assert_eq!(hello(&open(&all).unwrap()), b"hel");
}
