//! Any bytes as a layer, and real layers that were damaged: unpacked or an error,
//! never a crash, and nothing outside. fuzz/fuzz_targets/layer.rs asserts the same.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod check;

use proptest::prelude::*;

/// A tar with each kind of entry.
fn real() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |kind, name: &str, link: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o755);
        header.set_size(bytes.len() as u64);
        if !link.is_empty() {
            header.set_link_name(link).unwrap();
        }
        tar.append_data(&mut header, name, bytes).unwrap();
    };
    add(tar::EntryType::Directory, "d", "", b"");
    add(tar::EntryType::Regular, "d/f", "", &[7; 700]);
    add(tar::EntryType::Link, "d/g", "d/f", b"");
    add(tar::EntryType::Symlink, "l", "d", b"");
    add(tar::EntryType::Regular, "l/x", "", b"through the link");
    add(tar::EntryType::Regular, "d/.wh.y", "", b"");
    add(tar::EntryType::Regular, "d/.wh..wh..opq", "", b"");
    add(tar::EntryType::Fifo, "p", "", b"");
    tar.into_inner().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        check::layer(&bytes);
        check::documents(&bytes);
    }

    #[test]
    fn a_damaged_layer(damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12), cut in any::<prop::sample::Index>()) {
        let mut bytes = real();
        for (at, new) in damage {
            let at = at.index(bytes.len());
            bytes[at] = new;
        }
        check::repair(&mut bytes);
        check::layer(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        check::layer(&bytes);
    }

    #[test]
    fn any_document(text in r#"\{("(mediaType|manifests|layers|config|digest|size|platform)": ?(\[\{\}\]|\{\}|null|[0-9]{1,20}|"[a-z/.+:]{0,20}"),?){0,5}\}"#) {
        check::documents(text.as_bytes());
    }
}
