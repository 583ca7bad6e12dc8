//! What holds for any bytes: shared with the fuzz target.

use armistice_oci::document::{self, Document};
use armistice_store::{Limits, scratch};

/// Unpacks it, and again over itself, beside a file that nobody may touch.
pub(crate) fn layer(bytes: &[u8]) {
    let temp = tempfile::tempdir().expect("a temporary folder can be made");
    let root = temp.path().join("root");
    std::fs::create_dir(&root).expect("a folder can be made");
    std::fs::write(temp.path().join("kept"), "kept").expect("a file can be written");
    std::fs::write(root.join("kept"), "kept").expect("a file can be written");
    let limits = Limits {
        entries: 1000,
        bytes: 1 << 20,
    };
    if let Err(error) = scratch(&[bytes, bytes], &root, limits) {
        assert!(!error.to_string().is_empty());
    }
    for file in [temp.path().join("kept"), root.join("kept")] {
        let kept = std::fs::read_to_string(file);
        assert_eq!(kept.expect("it is there"), "kept");
    }
    let names = |folder: &std::path::Path| {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .expect("it is there")
            .map(|e| e.expect("it is there").file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(
        names(temp.path()),
        ["kept", "root"],
        "something was written outside"
    );
    let inside = names(&root);
    let whole = ["0", "1", "kept"];
    assert!(
        inside.iter().all(|name| whole.iter().any(|w| name == w)),
        "something was written beside the layers: {inside:?}"
    );
}

/// Gives the headers of a tar their right sums, so that damage gets behind them.
pub(crate) fn repair(bytes: &mut [u8]) {
    for block in bytes.chunks_exact_mut(512) {
        if block[257..262] == *b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
}

/// Reads bytes as each document.
pub(crate) fn documents(bytes: &[u8]) {
    for said in [
        "",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
    ] {
        if let Ok(Document::Image(manifest)) = Document::parse(bytes, said) {
            assert!(manifest.layers.len() <= document::LAYERS_MAX);
        }
    }
    if let Ok((_, ids)) = document::config(bytes, 1, None) {
        assert_eq!(document::chain_ids(&ids).len(), 1);
    }
}
