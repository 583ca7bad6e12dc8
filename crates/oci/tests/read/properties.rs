//! Whatever is done to an archive's bytes, it is read or it is an error.

use std::path::Path;
use std::sync::LazyLock;

use armistice_oci::{Archive, Root};
use proptest::prelude::*;
use serde_json::json;

use super::common::{Layout, Tar, bytes_of, docker_archive, elf, gzip, sample_spec, zstd};

/// One small archive of each form.
static ARCHIVES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let run = json!({"Entrypoint": ["sh"], "Env": ["PATH=/bin"]});
    let lower = Tar::new()
        .program("bin/sh", elf(Some("/ld")))
        .symlink("ld", "bin/sh")
        .end();
    let upper = Tar::new()
        .hard_link("x", "bin/sh")
        .file(".wh.ld", "")
        .file("d/.wh..wh..opq", "")
        .end();
    let tars = [lower, upper];
    let docker = docker_archive(&run, &tars);
    let layouts = [gzip, zstd].map(|pack: fn(&[u8]) -> Vec<u8>| {
        let mut layout = Layout::new();
        let stored: Vec<Vec<u8>> = tars.iter().map(|t| pack(t)).collect();
        let manifest = layout.image(&run, &stored, &tars);
        layout.manifests.push(manifest);
        layout.tar()
    });
    let [with_gzip, with_zstd] = layouts;
    let packed = [gzip(&docker), zstd(&docker)];
    let mut all = vec![docker, with_gzip, with_zstd, bytes_of(&sample_spec())];
    all.extend(packed);
    all
});

/// Asks all there is to ask.
fn use_all(bytes: &[u8]) {
    let (_dir, path) = super::on_disk(bytes);
    let Ok(archive) = Archive::open(&path) else {
        return;
    };
    for image in archive.images() {
        let _ = image.start();
        for path in ["/bin/sh", "/ld", "/x", "/d", "/tmp/note"] {
            let _ = image.lookup(Path::new(path));
            let _ = image.first_bytes(Path::new(path), 5000);
        }
    }
}

fn archive() -> impl Strategy<Value = Vec<u8>> {
    (0..ARCHIVES.len()).prop_map(|i| ARCHIVES[i].clone())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn truncation_never_panics(bytes in archive(), at: prop::sample::Index) {
        use_all(&bytes[..at.index(bytes.len())]);
    }

    #[test]
    fn bit_flips_never_panic(
        mut bytes in archive(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 1..20),
    ) {
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        use_all(&bytes);
    }

    /// Digests stop a flipped layer early, so here they are made to fit again.
    #[test]
    fn damaged_layers_never_panic(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut: Option<prop::sample::Index>,
        form in 0..3,
        fix: bool,
    ) {
        let mut tar = Tar::new()
            .dir("a/")
            .program("bin/sh", elf(Some("/ld")))
            .symlink("ld", "bin/sh")
            .hard_link("a/x", "bin/sh")
            .file("a/.wh.y", "")
            .end();
        let damage = |bytes: &mut Vec<u8>| {
            for (at, new) in &flips {
                let at = at.index(bytes.len());
                bytes[at] = *new;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
        };
        if fix {
            damage(&mut tar);
            fix_checksums(&mut tar);
        }
        let mut stored = match form {
            0 => tar.clone(),
            1 => gzip(&tar),
            _ => zstd(&tar),
        };
        if !fix {
            damage(&mut stored);
        }
        let mut layout = Layout::new();
        let run = json!({"Cmd": ["/bin/sh"]});
        let manifest = layout.image(&run, &[stored], &[tar]);
        layout.manifests.push(manifest);
        use_all(&layout.tar());
    }

    #[test]
    fn any_bytes_at_all(bytes in prop::collection::vec(any::<u8>(), 0..2000), prefix in 0..4) {
        let prefix: &[u8] = match prefix {
            0 => b"",
            1 => b"\x1f\x8b\x08",
            2 => b"\x28\xb5\x2f\xfd",
            _ => b"\x50\x2a\x4d\x18",
        };
        use_all(&[prefix, &bytes].concat());
    }
}

/// Makes the checksum right in each block that may be a header.
fn fix_checksums(tar: &mut [u8]) {
    for block in tar.chunks_exact_mut(512) {
        if block[257..262] == *b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
}
