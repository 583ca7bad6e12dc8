//! Promise: `cargo xtask dist` makes all that a release consists of, the same to
//! the byte each time, and a user without Rust installs it as the README says.
//!
//! Of the binaries under test, so that nothing is built here; that the binaries
//! themselves come out the same in two folders is `cargo xtask dist --check`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use e2e::{PrivateTable, product, run};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A release of the binaries under test, by a caller with this umask.
fn dist(target_dir: &Path, umask: &str) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run(Command::new(cargo)
        .args(["build", "--quiet", "--package", "xtask"])
        .current_dir(product::workspace()))
    .ok();
    // Built once, in the tests' own target folder.
    let cyclonedx = product::target_dir().join("tools/cargo-cyclonedx/bin");
    let path = std::env::var("PATH").unwrap_or_default();
    let xtask = product::target_dir().join("x86_64-unknown-linux-gnu/debug/xtask");
    run(Command::new("sh")
        .args(["-ec", &format!("umask {umask}; exec \"$1\" dist"), "sh"])
        .arg(xtask)
        .env("PATH", format!("{}:{path}", cyclonedx.display()))
        .env("ARMISTICE_BIN", product::binary())
        .env("CARGO_TARGET_DIR", target_dir))
    .ok();
}

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| {
            let entry = entry.expect("it can be listed");
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).expect("it can be read"))
        })
        .collect()
}

#[test]
fn two_releases_are_the_same_and_one_installs_without_rust() {
    let (one, two) = (e2e::temporary(), e2e::temporary());
    dist(one.path(), "022");
    let longer = two.path().join("another/folder");
    fs::create_dir_all(&longer).expect("a folder");
    dist(&longer, "077");
    let folder = one.path().join("dist");
    let (first, second) = (contents(&folder), contents(&longer.join("dist")));
    let names: Vec<String> = first.keys().cloned().collect();
    assert_eq!(
        names,
        [
            "SHA256SUMS".to_owned(),
            format!("armistice-{VERSION}-image.tar"),
            format!("armistice-{VERSION}-x86_64-linux.tar.gz"),
            format!("armistice-{VERSION}.cdx.json"),
            format!("armistice-aarch64-{VERSION}.cdx.json"),
            format!("armistice-arm-{VERSION}.cdx.json"),
            format!("armistice_{VERSION}_amd64.deb"),
        ]
    );
    for (name, content) in &first {
        assert!(second.get(name) == Some(content), "{name} differs");
    }

    lists_what_it_is_made_of(&first);
    installs(&folder);
}

fn lists_what_it_is_made_of(files: &BTreeMap<String, Vec<u8>>) {
    for (binary, parts) in [
        ("armistice", ["clap", "rustix", "armistice-binfmt"]),
        (
            "armistice-aarch64",
            ["hashbrown", "armistice-a64", "armistice-x64"],
        ),
        (
            "armistice-arm",
            ["hashbrown", "armistice-a32", "armistice-x64"],
        ),
    ] {
        let text = &files[&format!("{binary}-{VERSION}.cdx.json")];
        let bom: serde_json::Value = serde_json::from_slice(text).expect("it is JSON");
        assert_eq!(bom["bomFormat"], "CycloneDX");
        assert_eq!(bom["metadata"]["component"]["version"], VERSION);
        let names: Vec<&str> = bom["components"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|part| part["name"].as_str())
            .collect();
        for part in parts {
            assert!(names.contains(&part), "{part} is not in {names:?}");
        }
    }
}

/// The README's lines, with `/usr/local/bin` elsewhere, and a table of its own.
fn installs(folder: &Path) {
    let table = PrivateTable::new();
    let script = format!(
        "cd '{}'
        sha256sum --check --ignore-missing SHA256SUMS
        tar -xzf armistice-*-x86_64-linux.tar.gz
        mkdir bin; install armistice-*-x86_64-linux/bin/* bin
        bin/armistice register arm64 arm/v7
        bin/armistice explain armistice-{VERSION}-image.tar",
        folder.display()
    );
    table
        .sh(&script)
        .ok()
        .says("bin/armistice-aarch64")
        .says("bin/armistice-arm")
        .says("linux/amd64");
    assert_eq!(table.names(), ["qemu-aarch64", "qemu-arm"]);
}
