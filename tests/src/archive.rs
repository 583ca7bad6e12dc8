//! Image archives as `docker save` writes them: one layer and a platform.
//! (`docker import` of Docker 20.10 forgets the platform.)
//!
//! Format: the Docker Image Specification v1.2, "Combined Image JSON +
//! Filesystem Changeset Format".

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use armistice_arch::Platform;
use serde_json::json;
use sha2::{Digest, Sha256};

/// Writes an archive of one image: the layer as it is, for this platform.
///
/// # Errors
/// What reading the layer or writing the archive ran into.
pub fn write(archive: &Path, layer: &Path, platform: &Platform, name: &str) -> io::Result<()> {
    write_with(archive, layer, platform, name, |_| ())
}

/// The same with a configuration (`Cmd`, `Env`) that is changed.
///
/// # Errors
/// As [`write()`].
pub fn write_with(
    archive: &Path,
    layer: &Path,
    platform: &Platform,
    name: &str,
    change: impl FnOnce(&mut serde_json::Value),
) -> io::Result<()> {
    let mut hash = HashWriter(Sha256::new());
    io::copy(&mut File::open(layer)?, &mut hash)?;
    let mut config = json!({
        "architecture": platform.architecture,
        "os": platform.os,
        "config": {
            "Cmd": ["/bin/sh"],
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        },
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", hash.hex())]},
        "history": [{"created_by": "mmdebstrap"}],
    });
    change(&mut config["config"]);
    if !platform.variant.is_empty() {
        config["variant"] = json!(platform.variant);
    }
    let config = config.to_string();
    let mut hash = HashWriter(Sha256::new());
    hash.write_all(config.as_bytes())?;
    let config_name = format!("{}.json", hash.hex());
    let manifest =
        json!([{"Config": config_name, "RepoTags": [name], "Layers": ["layer.tar"]}]).to_string();

    let mut tar = tar::Builder::new(File::create(archive)?);
    for (path, text) in [
        (config_name.as_str(), &config),
        ("manifest.json", &manifest),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes())?;
    }
    tar.append_path_with_name(layer, "layer.tar")?;
    tar.into_inner()?.flush()
}

struct HashWriter(Sha256);

impl HashWriter {
    fn hex(self) -> String {
        self.0
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
