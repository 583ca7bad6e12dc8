//! What holds for any bytes: shared with the fuzz target.

use armistice_oci::document::{self, Document};
use armistice_store::{Limits, scratch};

/// Unpacks into a folder beside a file that nobody may touch.
pub(crate) fn layer(bytes: &[u8]) {
    let temp = tempfile::tempdir().expect("a temporary folder can be made");
    let root = temp.path().join("root");
    std::fs::create_dir(&root).expect("a folder can be made");
    std::fs::write(temp.path().join("kept"), "kept").expect("a file can be written");
    let limits = Limits {
        entries: 1000,
        bytes: 1 << 20,
    };
    if let Err(error) = scratch(bytes, &root, limits) {
        assert!(!error.to_string().is_empty());
    }
    let kept = std::fs::read_to_string(temp.path().join("kept"));
    assert_eq!(kept.expect("it is there"), "kept");
    let count = std::fs::read_dir(temp.path()).expect("it is there").count();
    assert_eq!(count, 2, "something was written outside the root");
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
