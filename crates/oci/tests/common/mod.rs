//! Makes tars, layers and archives for the tests, good ones and bad ones.
#![allow(clippy::unwrap_used, reason = "a failed helper is a failed test")]
#![allow(dead_code, reason = "each test binary uses a part")]

use std::io::Write;
use std::path::{Path, PathBuf};

use armistice_arch::{Arch, Platform};
use armistice_oci::{Content, ImageConfig, ImageSpec, Layer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

/// A tar being made.
#[derive(Default)]
pub(crate) struct Tar(Vec<u8>);

impl Tar {
    pub(crate) fn new() -> Tar {
        Tar::default()
    }

    pub(crate) fn raw(
        mut self,
        kind: EntryType,
        name: &[u8],
        link: &[u8],
        mode: u32,
        data: &[u8],
    ) -> Tar {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(data.len() as u64);
        // Written by hand, because the crate refuses `..` and absolute names.
        let old = header.as_old_mut();
        old.name[..name.len()].copy_from_slice(name);
        old.linkname[..link.len()].copy_from_slice(link);
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self.0.extend(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(crate) fn file(self, name: &str, data: impl AsRef<[u8]>) -> Tar {
        self.raw(
            EntryType::Regular,
            name.as_bytes(),
            b"",
            0o644,
            data.as_ref(),
        )
    }

    pub(crate) fn program(self, name: &str, data: impl AsRef<[u8]>) -> Tar {
        self.raw(
            EntryType::Regular,
            name.as_bytes(),
            b"",
            0o755,
            data.as_ref(),
        )
    }

    pub(crate) fn dir(self, name: &str) -> Tar {
        self.raw(EntryType::Directory, name.as_bytes(), b"", 0o755, b"")
    }

    pub(crate) fn symlink(self, name: &str, to: &str) -> Tar {
        self.raw(
            EntryType::Symlink,
            name.as_bytes(),
            to.as_bytes(),
            0o777,
            b"",
        )
    }

    pub(crate) fn hard_link(self, name: &str, to: &str) -> Tar {
        self.raw(EntryType::Link, name.as_bytes(), to.as_bytes(), 0o644, b"")
    }

    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    armistice_arch::pattern::hex(Sha256::digest(bytes).as_slice())
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// A zstd frame of raw blocks, which any decoder takes.
pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    // Single segment, content size in four bytes.
    let mut out = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    out.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
    let mut blocks = bytes.chunks(64 * 1024).peekable();
    while let Some(block) = blocks.next() {
        let last = u32::from(blocks.peek().is_none());
        let header = (u32::try_from(block.len()).unwrap() << 3) | last;
        out.extend(&header.to_le_bytes()[..3]);
        out.extend(block);
    }
    out
}

/// A configuration for layers whose tars have these digests.
pub(crate) fn config(run: &Value, tars: &[Vec<u8>]) -> Vec<u8> {
    let ids: Vec<String> = tars.iter().map(|t| format!("sha256:{}", hex(t))).collect();
    serde_json::to_vec(&json!({
        "architecture": "arm64", "os": "linux", "config": run,
        "rootfs": {"type": "layers", "diff_ids": ids},
    }))
    .unwrap()
}

/// A docker-archive as Docker 20.10 makes it.
pub(crate) fn docker_archive(run: &Value, tars: &[Vec<u8>]) -> Vec<u8> {
    let config = config(run, tars);
    let config_name = format!("{}.json", hex(&config));
    let names: Vec<String> = (0..tars.len())
        .map(|i| format!("{i:064}/layer.tar"))
        .collect();
    let manifest = json!([{"Config": config_name, "RepoTags": ["t:1"], "Layers": names}]);
    let mut tar = Tar::new().file(&config_name, config);
    for (name, layer) in names.iter().zip(tars) {
        tar = tar.file(name, layer);
    }
    tar.file("manifest.json", manifest.to_string()).end()
}

/// An OCI layout in parts, to be changed before it is put together.
pub(crate) struct Layout {
    pub(crate) blobs: Vec<(String, Vec<u8>)>,
    pub(crate) manifests: Vec<Value>,
}

impl Layout {
    pub(crate) fn new() -> Layout {
        Layout {
            blobs: Vec::new(),
            manifests: Vec::new(),
        }
    }

    pub(crate) fn blob(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let hex = hex(&bytes);
        let descriptor = json!({
            "mediaType": media_type, "digest": format!("sha256:{hex}"), "size": bytes.len(),
        });
        self.blobs.push((hex, bytes));
        descriptor
    }

    /// Adds an image; `layers` are as stored, `tars` as unpacked.
    pub(crate) fn image(&mut self, run: &Value, layers: &[Vec<u8>], tars: &[Vec<u8>]) -> Value {
        let config = self.blob(
            "application/vnd.oci.image.config.v1+json",
            config(run, tars),
        );
        let layers: Vec<Value> = layers
            .iter()
            .map(|l| self.blob("application/vnd.oci.image.layer.v1.tar", l.clone()))
            .collect();
        let manifest = json!({"schemaVersion": 2, "config": config, "layers": layers});
        self.blob(MANIFEST, manifest.to_string().into_bytes())
    }

    fn index(&self) -> String {
        json!({"schemaVersion": 2, "manifests": self.manifests}).to_string()
    }

    pub(crate) fn tar(&self) -> Vec<u8> {
        let mut tar = Tar::new()
            .file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#)
            .file("index.json", self.index());
        for (hex, bytes) in &self.blobs {
            tar = tar.file(&format!("blobs/sha256/{hex}"), bytes);
        }
        tar.end()
    }

    pub(crate) fn folder(&self, at: &Path) {
        std::fs::create_dir_all(at.join("blobs/sha256")).unwrap();
        std::fs::write(at.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        std::fs::write(at.join("index.json"), self.index()).unwrap();
        for (hex, bytes) in &self.blobs {
            std::fs::write(at.join("blobs/sha256").join(hex), bytes).unwrap();
        }
    }
}

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A file in a folder that is removed with the returned guard.
pub(crate) fn on_disk(bytes: &[u8]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    // A name that says nothing: only content counts.
    let path = dir.path().join("thing.bin");
    std::fs::write(&path, bytes).unwrap();
    (dir, path)
}

/// An ELF program for 64-bit Arm, with an interpreter if one is given.
pub(crate) fn elf(interpreter: Option<&str>) -> Vec<u8> {
    elf_for("aarch64", interpreter, 64)
}

/// An ELF program whose one program header lies at `phoff`, the path after it.
pub(crate) fn elf_for(arch: &str, interpreter: Option<&str>, phoff: usize) -> Vec<u8> {
    let arch = Arch::by_name(arch).unwrap();
    let wide = arch.class == armistice_arch::Class::Elf64;
    let big = arch.data == armistice_arch::Data::Big;
    let mut out = arch.sample_header(2, 0).to_vec();
    let put = |out: &mut Vec<u8>, at: usize, width: usize, value: usize| {
        let bytes = if big {
            (value as u64).to_be_bytes()[8 - width..].to_vec()
        } else {
            (value as u64).to_le_bytes()[..width].to_vec()
        };
        if out.len() < at + width {
            out.resize(at + width, 0);
        }
        out[at..at + width].copy_from_slice(&bytes);
    };
    let Some(path) = interpreter else { return out };
    let (header, word, at_phoff, at_size) = if wide {
        (56, 8, 32, 54)
    } else {
        (32, 4, 28, 42)
    };
    put(&mut out, at_phoff, word, phoff);
    put(&mut out, at_size, 2, header);
    put(&mut out, at_size + 2, 2, 1);
    let text = phoff + header;
    put(&mut out, phoff, 4, 3);
    let (offset, filesz) = if wide { (8, 32) } else { (4, 16) };
    put(&mut out, phoff + offset, word, text);
    put(&mut out, phoff + filesz, word, path.len() + 1);
    out.resize(text, 0);
    out.extend(path.as_bytes());
    out.push(0);
    out
}

/// A small image of ours: two layers, the second compressed.
pub(crate) fn sample_spec() -> ImageSpec {
    let mut first = Layer::new("programs");
    first
        .file("/usr/bin/tool", 0o755, Content::Bytes(elf(None)))
        .unwrap()
        .symlink("/bin", "usr/bin")
        .unwrap()
        .directory("/tmp", 0o1777)
        .unwrap();
    let mut second = Layer::new("notes");
    second.compression = armistice_oci::Compression::Gzip;
    second
        .file("/tmp/note", 0o600, Content::Bytes(b"hello".to_vec()))
        .unwrap();
    let mut config = ImageConfig::new(Platform::new("linux", "arm64", ""));
    config.entrypoint = vec!["tool".to_owned()];
    config.cmd = vec!["--help".to_owned()];
    config.env = vec!["PATH=/nowhere:/bin".to_owned()];
    config.labels = [
        ("b".to_owned(), "2".to_owned()),
        ("a".to_owned(), "1".to_owned()),
    ]
    .into();
    config.user = "65534:65534".to_owned();
    config.working_dir = "/tmp".to_owned();
    ImageSpec {
        layers: vec![first, second],
        config,
        tags: vec![
            "localhost/armistice/sample:2".to_owned(),
            "localhost/armistice/sample".to_owned(),
        ],
        timestamp: 1_700_000_000,
    }
}

pub(crate) fn bytes_of(spec: &ImageSpec) -> Vec<u8> {
    let mut out = Vec::new();
    spec.write_to(&mut out).unwrap();
    out
}

/// A tar made by the crate, for names longer than a header's field.
pub(crate) fn long_name(name: &str, data: &[u8]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_mode(0o755);
    header.set_size(data.len() as u64);
    tar.append_data(&mut header, name, data).unwrap();
    tar.into_inner().unwrap()
}
