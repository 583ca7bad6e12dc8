//! Archives of ours: the same every time, whole or not at all, and readable.

#![allow(clippy::unwrap_used, reason = "a failed helper is a failed test")]

mod common;

use std::io::{self, Write};
use std::path::Path;

use armistice_oci::{Archive, Compression, Content, Error, FileKind, Layer, Root, Start};
use common::{bytes_of, sample_spec};

#[test]
fn what_is_written_is_read_again() {
    let spec = sample_spec();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    spec.write_file(&path).unwrap();
    let archive = Archive::open(&path).unwrap();
    let [image] = archive.images() else {
        panic!("one image, not {}", archive.images().len())
    };
    assert_eq!(
        image.names(),
        [
            "localhost/armistice/sample:2",
            "localhost/armistice/sample:latest"
        ]
    );
    assert_eq!(image.config(), &spec.config);
    assert_eq!(image.layer_count(), 2);
    assert!(image.digest().is_some());
    assert_eq!(
        image.first_bytes(Path::new("/tmp/note"), 99).unwrap(),
        b"hello"
    );
    let tool = image
        .lookup(Path::new("/bin/tool"))
        .unwrap()
        .found()
        .unwrap();
    assert_eq!(
        (tool.path.to_str().unwrap(), tool.mode),
        ("/usr/bin/tool", 0o755)
    );
    let tmp = image.lookup(Path::new("/tmp")).unwrap().found().unwrap();
    assert_eq!(
        (tmp.kind, tmp.mode),
        (FileKind::Directory, 0o1777),
        "not undone by the second layer"
    );
    let Start::Program(program) = image.start().unwrap() else {
        panic!("{:?}", image.start())
    };
    assert_eq!(program.path, Path::new("/bin/tool"));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let once = bytes_of(&sample_spec());
    assert_eq!(once, bytes_of(&sample_spec()));
    // Whatever order the files were added in.
    let mut spec = sample_spec();
    spec.layers[0] = Layer::new("programs");
    spec.layers[0]
        .directory("tmp/", 0o1777)
        .unwrap()
        .symlink("./bin", "usr/bin")
        .unwrap()
        .file("usr/bin/tool", 0o755, Content::Bytes(common::elf(None)))
        .unwrap();
    spec.tags.reverse();
    assert_eq!(once, bytes_of(&spec));
    // And from a file as from memory.
    let (_dir, path) = common::on_disk(&common::elf(None));
    spec.layers[0] = Layer::new("programs");
    spec.layers[0]
        .file("/usr/bin/tool", 0o755, Content::File(path))
        .unwrap()
        .symlink("/bin", "usr/bin")
        .unwrap()
        .directory("/tmp", 0o1777)
        .unwrap();
    assert_eq!(once, bytes_of(&spec));
    spec.timestamp += 1;
    assert_ne!(once, bytes_of(&spec));
}

#[test]
fn equal_layers_are_one_blob() {
    let mut spec = sample_spec();
    spec.layers = vec![spec.layers[0].clone(), spec.layers[0].clone()];
    let (_dir, path) = common::on_disk(&bytes_of(&spec));
    let archive = Archive::open(&path).unwrap();
    assert_eq!(archive.images()[0].layer_count(), 2);
    assert!(
        archive.images()[0]
            .lookup(Path::new("/usr/bin/tool"))
            .unwrap()
            .found()
            .is_some()
    );
    let mut tar = tar::Archive::new(std::fs::File::open(&path).unwrap());
    // Two folders, three documents, configuration, manifest, one layer.
    assert_eq!(tar.entries().unwrap().count(), 8);
}

#[test]
fn large_and_long_named_files() {
    let long = format!("/opt/{}/{}/file", "d".repeat(180), "e".repeat(120));
    let data: Vec<u8> = (0..3_000_000_u32).map(|i| i.to_le_bytes()[1]).collect();
    for compression in [Compression::None, Compression::Gzip] {
        let mut spec = sample_spec();
        spec.layers[0].compression = compression;
        spec.layers[0]
            .file(&long, 0o644, Content::Bytes(data.clone()))
            .unwrap();
        spec.layers[0].symlink("/far", &long).unwrap();
        let (_dir, path) = common::on_disk(&bytes_of(&spec));
        let archive = Archive::open(&path).unwrap();
        let image = &archive.images()[0];
        let read = image
            .read_at(Path::new("/far"), 2_000_000, 2_000_000)
            .unwrap();
        assert!(read == data[2_000_000..], "{} bytes", read.len());
    }
}

#[test]
fn no_tags_is_an_image_without_a_name() {
    let mut spec = sample_spec();
    spec.tags.clear();
    let (_dir, path) = common::on_disk(&bytes_of(&spec));
    assert!(Archive::open(&path).unwrap().images()[0].names().is_empty());
}

#[test]
fn bad_input_paths_are_refused() {
    let mut layer = Layer::new("x");
    layer.file("/a/f", 0o644, Content::Bytes(vec![])).unwrap();
    layer.symlink("/l", "a").unwrap();
    let long = "x".repeat(5000);
    for path in [
        "", "/", "..", "/../x", "a/../..", "/a/.wh.f", "/a/f", "/a/f/g", "/a", "/l/x", "x\0y",
        &long,
    ] {
        let result = layer.file(path, 0o644, Content::Bytes(vec![]));
        assert!(matches!(result, Err(Error::BadInputPath { .. })), "{path}");
    }
    assert!(matches!(
        layer.symlink("/s", ""),
        Err(Error::BadInputPath { .. })
    ));
    // A folder that is there for its files may still be given a mode.
    layer.directory("/a", 0o700).unwrap();
}

#[test]
fn bad_tag() {
    let mut spec = sample_spec();
    spec.tags = vec!["Not A Name".to_owned()];
    assert!(matches!(
        spec.write_to(io::sink()),
        Err(Error::BadTag { .. })
    ));
}

#[test]
fn missing_input_names_the_file_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for input in ["/nonexistent/file", "/dev/zero"] {
        let mut spec = sample_spec();
        spec.layers[1]
            .file("/x", 0o644, Content::File(input.into()))
            .unwrap();
        match spec.write_file(&dir.path().join("image.tar")) {
            Err(Error::Input { path, name, .. }) => {
                assert_eq!((path.to_str().unwrap(), name.as_str()), (input, "/x"));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// Fails after so many bytes, or does something in the middle.
struct After<F> {
    left: usize,
    then: F,
}

impl<F: FnMut() -> io::Result<()>> Write for After<F> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.left < buf.len() {
            (self.then)()?;
        }
        self.left = self.left.saturating_sub(buf.len());
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_stream_that_fails_anywhere_is_an_error() {
    let spec = sample_spec();
    let whole = bytes_of(&spec).len();
    for left in (0..whole).step_by(97) {
        let full = || Err(io::Error::from_raw_os_error(28));
        match spec.write_to(After { left, then: full }) {
            Err(Error::Stream { source }) => assert_eq!(source.raw_os_error(), Some(28)),
            other => panic!("after {left}: {other:?}"),
        }
    }
}

#[test]
fn a_file_that_changes_meanwhile_is_an_error() {
    for compression in [Compression::None, Compression::Gzip] {
        for new in ["other data", "short", "much longer data than before"] {
            let (_dir, path) = common::on_disk(b"first data");
            let mut spec = sample_spec();
            spec.layers[0].compression = compression;
            spec.layers[0]
                .file("/x", 0o644, Content::File(path.clone()))
                .unwrap();
            // The first bytes come out when all layers have been measured.
            let change = || std::fs::write(&path, new);
            let result = spec.write_to(After {
                left: 0,
                then: change,
            });
            assert!(
                matches!(result, Err(Error::InputChanged { .. })),
                "{new}: {result:?}"
            );
        }
    }
}

#[test]
fn what_is_no_file_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let spec = sample_spec();
    assert!(matches!(
        spec.write_file(dir.path()),
        Err(Error::NotReplaceable { .. })
    ));
    assert!(matches!(
        spec.write_file(Path::new("/dev/null")),
        Err(Error::NotReplaceable { .. })
    ));
    let nowhere = dir.path().join("no/image.tar");
    match spec.write_file(&nowhere) {
        Err(Error::Write { path, source }) => {
            assert_eq!((path, source.kind()), (nowhere, io::ErrorKind::NotFound));
        }
        other => panic!("{other:?}"),
    }
    // A link to a file is kept, and the file replaced.
    let (file, link) = (dir.path().join("file"), dir.path().join("link"));
    std::fs::write(&file, "old").unwrap();
    std::os::unix::fs::symlink("file", &link).unwrap();
    spec.write_file(&link).unwrap();
    assert!(link.is_symlink());
    assert_eq!(std::fs::read(&file).unwrap(), bytes_of(&spec));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
}
