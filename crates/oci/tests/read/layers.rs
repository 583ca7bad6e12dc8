//! Merged roots: whiteouts, links, replacements, and reading inside layers.

use std::path::Path;

use armistice_oci::{Archive, FileKind, Image, Lookup, Root};
use serde_json::json;
use tar::EntryType;

use super::common::{Layout, Tar, docker_archive, elf, gzip, long_name, on_disk};

/// An image of these layers, plain and compressed.
fn images(tars: &[Vec<u8>], check: impl Fn(&Image)) {
    let plain = docker_archive(&json!({}), tars);
    let mut layout = Layout::new();
    let packed: Vec<Vec<u8>> = tars.iter().map(|t| gzip(t)).collect();
    let manifest = layout.image(&json!({}), &packed, tars);
    layout.manifests.push(manifest);
    // And compressed layers in a docker-archive, whose only digest is of the tar.
    let config = super::common::config(&json!({}), tars);
    let names: Vec<String> = (0..tars.len()).map(|i| format!("{i}.tar")).collect();
    let manifest = json!([{"Config": "c", "Layers": names}]).to_string();
    let mut mixed = Tar::new().file("manifest.json", manifest).file("c", config);
    for (name, layer) in names.iter().zip(&packed) {
        mixed = mixed.file(name, layer);
    }
    for bytes in [plain, layout.tar(), mixed.end()] {
        let (_dir, path) = on_disk(&bytes);
        check(&Archive::open(&path).unwrap().images()[0]);
    }
}

fn text(image: &Image, path: &str) -> Option<String> {
    match image.lookup(Path::new(path)).unwrap() {
        Lookup::Found(info) if info.kind == FileKind::Regular => {
            let bytes = image.first_bytes(Path::new(path), 100).unwrap();
            Some(String::from_utf8(bytes).unwrap())
        }
        Lookup::Found(info) => Some(format!("{:?}", info.kind)),
        Lookup::Missing(_) => None,
    }
}

fn expect(image: &Image, wanted: &[(&str, Option<&str>)]) {
    for (path, content) in wanted {
        assert_eq!(text(image, path).as_deref(), *content, "{path}");
    }
}

#[test]
fn upper_layers_replace_and_hide() {
    let lower = Tar::new()
        .dir("d/")
        .file("d/a", "a1")
        .file("d/b", "b1")
        .file("gone", "x")
        .dir("tree/")
        .file("tree/leaf", "x")
        .file("file-to-dir", "x")
        .dir("dir-to-file/")
        .file("dir-to-file/x", "x");
    let upper = Tar::new()
        .file("d/a", "a2")
        .file(".wh.gone", "")
        .file(".wh.tree", "")
        .file(".wh.never-was", "")
        .file("no/.wh.folder", "")
        .file(".wh..wh.plnk", "")
        .dir("file-to-dir/")
        .file("file-to-dir/y", "y")
        .file("dir-to-file", "f");
    images(&[lower.end(), upper.end()], |image| {
        expect(
            image,
            &[
                ("/d/a", Some("a2")),
                ("/d/b", Some("b1")),
                ("/gone", None),
                ("/tree", None),
                ("/tree/leaf", None),
                ("/file-to-dir/y", Some("y")),
                ("/dir-to-file", Some("f")),
                ("/dir-to-file/x", None),
                ("/.wh.gone", None),
                ("/.wh..wh.plnk", None),
                ("/no", None),
            ],
        );
    });
}

#[test]
fn whiteouts_spare_their_own_layer() {
    let lower = Tar::new()
        .dir("d/")
        .file("d/old", "o")
        .dir("d/sub/")
        .file("d/sub/x", "x")
        .file("f", "1");
    // The mark comes last, but holds for lower layers only.
    let upper = Tar::new()
        .dir("d/")
        .file("d/new", "n")
        .file("d/.wh..wh..opq", "")
        .file("f", "2")
        .file(".wh.f", "");
    images(&[lower.end(), upper.end()], |image| {
        expect(
            image,
            &[
                ("/d/new", Some("n")),
                ("/d/old", None),
                ("/d/sub/x", None),
                ("/f", Some("2")),
            ],
        );
    });
}

#[test]
fn a_file_can_come_back_above_its_whiteout() {
    let layers = [
        Tar::new().file("f", "1").end(),
        Tar::new().file(".wh.f", "").end(),
        Tar::new().file("f", "3").end(),
        Tar::new().file(".wh..wh..opq", "").file("g", "4").end(),
    ];
    images(&layers[..2], |image| expect(image, &[("/f", None)]));
    images(&layers[..3], |image| expect(image, &[("/f", Some("3"))]));
    images(&layers, |image| {
        expect(image, &[("/f", None), ("/g", Some("4"))])
    });
}

#[test]
fn hard_links_outlive_what_they_were_made_from() {
    let lower = Tar::new()
        .file("a", "one")
        .hard_link("b", "a")
        .hard_link("d/c", "/./b")
        .end();
    let upper = Tar::new()
        .file("a", "two")
        .hard_link("across", "b")
        .file(".wh.b", "")
        .file("b2", "")
        .end();
    images(std::slice::from_ref(&lower), |image| {
        expect(
            image,
            &[
                ("/a", Some("one")),
                ("/b", Some("one")),
                ("/d/c", Some("one")),
            ],
        );
    });
    // A layer whose link is to a file that its own whiteout hides is no layer.
    let (_dir, path) = on_disk(&docker_archive(&json!({}), &[lower.clone(), upper]));
    let archive = Archive::open(&path).unwrap();
    assert!(archive.images()[0].lookup(Path::new("/a")).is_err());
    let upper = Tar::new().file("a", "two").hard_link("across", "b").end();
    images(&[lower, upper], |image| {
        expect(
            image,
            &[
                ("/a", Some("two")),
                ("/b", Some("one")),
                ("/across", Some("one")),
            ],
        );
    });
}

#[test]
fn entries_below_a_link_of_a_lower_layer() {
    let lower = Tar::new()
        .dir("usr/bin/")
        .file("usr/bin/a", "a")
        .symlink("bin", "usr/bin")
        .symlink("sbin", "/bin");
    // No entry for the folder: the link is followed. With one: it is replaced.
    let follow = Tar::new().file("bin/b", "b").file("sbin/c", "c").end();
    let replace = Tar::new().dir("bin/").file("bin/d", "d").end();
    let lower = lower.end();
    images(&[lower.clone(), follow], |image| {
        expect(
            image,
            &[
                ("/usr/bin/b", Some("b")),
                ("/usr/bin/c", Some("c")),
                ("/bin/a", Some("a")),
            ],
        );
    });
    images(&[lower, replace], |image| {
        expect(
            image,
            &[
                ("/bin/d", Some("d")),
                ("/bin/a", None),
                ("/usr/bin/a", Some("a")),
            ],
        );
    });
}

#[test]
fn names_as_tars_write_them() {
    let long = format!("{}/file", "long".repeat(60));
    let tar = Tar::new()
        .raw(EntryType::Regular, b"./dot", b"", 0o644, b"1")
        .raw(EntryType::Regular, b"/absolute", b"", 0o644, b"2")
        .raw(EntryType::Regular, b"x/../plain", b"", 0o644, b"3")
        .raw(EntryType::Regular, b"old-folder/", b"", 0o755, b"")
        .raw(EntryType::Fifo, b"pipe", b"", 0o644, b"")
        .raw(
            EntryType::XGlobalHeader,
            b"pax",
            b"",
            0o644,
            b"12 comment=x\n",
        )
        .raw(EntryType::Directory, b"./", b"", 0o700, b"")
        .end();
    images(&[tar, long_name(&long, b"4")], |image| {
        expect(
            image,
            &[
                ("/dot", Some("1")),
                ("/absolute", Some("2")),
                ("/plain", Some("3")),
                ("/old-folder", Some("Directory")),
                ("/pipe", Some("Other")),
                (&long, Some("4")),
            ],
        );
        let root = image.lookup(Path::new("/")).unwrap().found().unwrap();
        assert_eq!(root.mode, 0o700);
    });
}

#[test]
fn empty_layers() {
    images(
        &[
            vec![0; 1024],
            Tar::new().file("f", "1").end(),
            vec![0; 10240],
        ],
        |image| {
            expect(image, &[("/f", Some("1"))]);
        },
    );
    let (_dir, path) = on_disk(&docker_archive(&json!({}), &[Vec::new()]));
    expect(&Archive::open(&path).unwrap().images()[0], &[("/f", None)]);
}

#[test]
fn bytes_beyond_a_kept_beginning() {
    let mut program = elf(None);
    program.extend((0..200_000_u32).flat_map(u32::to_le_bytes));
    let tar = Tar::new()
        .file("first", "x")
        .program("p", &program)
        .file("last", "y")
        .end();
    images(&[tar], |image| {
        for (offset, len) in [
            (0, 10),
            (1000, 24),
            (1000, 25),
            (5, 700_000),
            (790_000, 99_999),
        ] {
            let end = program.len().min(offset + len);
            let read = image.read_at(Path::new("/p"), offset as u64, len).unwrap();
            assert!(
                read == program[offset..end],
                "{offset} {len}: {}",
                read.len()
            );
        }
        assert_eq!(image.read_at(Path::new("/p"), u64::MAX, 5).unwrap(), b"");
    });
}

/// GNU tar stores a file with holes as its blocks only.
#[test]
fn sparse_files() {
    let dir = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(dir.path().join("holes")).unwrap();
    std::os::unix::fs::FileExt::write_at(&file, b"end", 1 << 20).unwrap();
    let made = std::process::Command::new("tar")
        .args(["--sparse", "--format=gnu", "-C"])
        .arg(dir.path())
        .args(["-cf", "-", "holes"])
        .output()
        .expect("GNU tar runs; apt-get install tar");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    assert!(
        made.stdout.len() < 100_000,
        "the file system keeps no holes"
    );
    images(&[made.stdout], |image| {
        let info = image.lookup(Path::new("/holes")).unwrap().found().unwrap();
        assert_eq!(info.size, (1 << 20) + 3);
        assert_eq!(
            image
                .read_at(Path::new("/holes"), (1 << 20) - 1, 9)
                .unwrap(),
            b"\0end"
        );
    });
}
