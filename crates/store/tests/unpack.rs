//! Layers on their way to folders: what overlay will see, and what no layer may do.
//! As root owners are compared too; as an ordinary user they are lost.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use armistice_arch::Platform;
use armistice_oci::Digest;
use armistice_oci::document::{self, BlobRef};
use armistice_store::{
    Error, Held, Ids, Limits, Near, Owners, Source, SourceError, Store, Wanted, scratch,
};
use tar::{Builder, EntryType, Header};

/// A tar, entry by entry.
struct Layer(Builder<Vec<u8>>);

impl Layer {
    fn new() -> Layer {
        Layer(Builder::new(Vec::new()))
    }

    fn header(kind: EntryType, mode: u32, size: usize) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size as u64);
        header.set_mtime(1_000_000);
        header.set_uid(0);
        header.set_gid(0);
        header
    }

    /// Names are written as they are, with no care for what they lead to.
    fn raw(mut self, kind: EntryType, name: &str, link: &str, mode: u32, bytes: &[u8]) -> Layer {
        let mut header = Layer::header(kind, mode, bytes.len());
        let gnu = header.as_gnu_mut().unwrap();
        gnu.name[..name.len()].copy_from_slice(name.as_bytes());
        gnu.linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        self.0.append(&header, bytes).unwrap();
        self
    }

    fn file(self, name: &str, text: &str) -> Layer {
        self.raw(EntryType::Regular, name, "", 0o644, text.as_bytes())
    }

    fn dir(self, name: &str, mode: u32) -> Layer {
        self.raw(EntryType::Directory, name, "", mode, b"")
    }

    fn symlink(self, name: &str, to: &str) -> Layer {
        self.raw(EntryType::Symlink, name, to, 0o777, b"")
    }

    fn hard(self, name: &str, to: &str) -> Layer {
        self.raw(EntryType::Link, name, to, 0o644, b"")
    }

    fn pax(mut self, records: &[(&str, &[u8])]) -> Layer {
        self.0
            .append_pax_extensions(records.iter().copied())
            .unwrap();
        self
    }

    fn done(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

/// Layers as an image at hand.
fn near(layers: Vec<Vec<u8>>) -> impl Source {
    let ids: Vec<String> = layers.iter().map(|l| Digest::of(l).to_string()).collect();
    let config = serde_json::json!({
        "architecture": "arm64", "os": "linux",
        "config": {"Cmd": ["/bin/sh"]},
        "rootfs": {"type": "layers", "diff_ids": ids},
    })
    .to_string()
    .into_bytes();
    let blob = |bytes: &[u8]| BlobRef {
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
    };
    let blobs: Vec<BlobRef> = layers.iter().map(|l| blob(l)).collect();
    Near {
        manifest: document::manifest_of(&blob(&config), &blobs),
        config,
        layers: move |number: usize| -> Result<Box<dyn Read + Send>, SourceError> {
            Ok(Box::new(std::io::Cursor::new(layers[number].clone())))
        },
    }
}

fn wanted() -> Wanted {
    Wanted {
        exactly: None,
        otherwise: Platform::parse("arm64").unwrap(),
    }
}

/// Pulls layers, and holds the image.
fn pull(layers: Vec<Vec<u8>>) -> Result<(tempfile::TempDir, Held), Error> {
    let temp = tempfile::tempdir().unwrap();
    let store = Store::open(temp.path(), Ids::of_this_process())?;
    let names = ["localhost/x:latest".to_owned()];
    store.pull(&near(layers), &names, &wanted(), &|_| ())?;
    let image = store.find(&names[0], &wanted())?.unwrap();
    let held = store.hold(&image)?;
    Ok((temp, held))
}

fn text(path: PathBuf) -> String {
    fs::read_to_string(path).unwrap()
}

fn is_whiteout(path: &Path) -> bool {
    let meta = fs::symlink_metadata(path).unwrap();
    meta.file_type().is_char_device() && meta.rdev() == 0
}

fn is_opaque(path: &Path) -> bool {
    let mut value = [0; 8];
    rustix::fs::getxattr(path, c"user.overlay.opaque", &mut value)
        .is_ok_and(|n| &value[..n] == b"y")
}

#[test]
fn files_modes_times_and_links() {
    let layer = Layer::new()
        .dir("d/", 0o2750)
        .raw(EntryType::Regular, "d/suid", "", 0o4755, b"#!")
        .raw(EntryType::Regular, "d/none", "", 0, b"x")
        .hard("d/same", "d/suid")
        .symlink("d/link", "/etc/passwd")
        .raw(EntryType::Fifo, "d/pipe", "", 0o600, b"")
        .file("/abs/olute", "a")
        .file("./dot/./ted", "b")
        .done();
    let (_temp, held) = pull(vec![layer]).unwrap();
    let root = &held.lowers[0];
    let meta = |name: &str| fs::symlink_metadata(root.join(name)).unwrap();
    assert_eq!(meta("d").mode() & 0o7777, 0o2750);
    assert_eq!(meta("d/suid").mode() & 0o7777, 0o4755);
    assert_eq!(meta("d/none").mode() & 0o7777, 0);
    assert_eq!(meta("d/suid").ino(), meta("d/same").ino());
    assert_eq!(meta("d/suid").mtime(), 1_000_000);
    assert_eq!(meta("d").mtime(), 1_000_000);
    assert_eq!(
        fs::read_link(root.join("d/link")).unwrap(),
        Path::new("/etc/passwd")
    );
    assert!(meta("d/pipe").file_type().is_fifo());
    assert_eq!(text(root.join("abs/olute")), "a");
    assert_eq!(text(root.join("dot/ted")), "b");
    assert_eq!(held.config.cmd, ["/bin/sh"]);
}

#[test]
fn whiteouts_are_overlays() {
    let below = Layer::new()
        .file("a/one", "1")
        .file("a/two", "2")
        .file("b/x", "x")
        .done();
    let above = Layer::new()
        .file("a/.wh.one", "")
        .file("b/.wh..wh..opq", "")
        .file("b/y", "y")
        .file("nowhere/.wh.x", "")
        .file("a/.wh..wh.plnk", "")
        .done();
    let (_temp, held) = pull(vec![below, above]).unwrap();
    let (above, below) = (&held.lowers[0], &held.lowers[1]);
    assert!(is_whiteout(&above.join("a/one")));
    assert!(is_opaque(&above.join("b")));
    assert!(!above.join("nowhere").exists(), "nothing to delete there");
    assert_eq!(fs::read_dir(above.join("a")).unwrap().count(), 1);
    assert_eq!(text(below.join("a/two")), "2");
}

#[test]
fn a_folder_in_the_place_of_what_was_deleted_hides_what_is_below() {
    let below = Layer::new().file("d/old", "1").done();
    for above in [
        Layer::new().file(".wh.d", "").file("d/new", "2").done(),
        Layer::new().file("d/new", "2").file(".wh.d", "").done(),
        Layer::new()
            .file(".wh.d", "")
            .dir("d", 0o755)
            .file("d/new", "2")
            .done(),
        Layer::new()
            .file("d", "now a file")
            .dir("d", 0o755)
            .file("d/new", "2")
            .done(),
    ] {
        let (_temp, held) = pull(vec![below.clone(), above]).unwrap();
        assert!(is_opaque(&held.lowers[0].join("d")));
        assert_eq!(text(held.lowers[0].join("d/new")), "2");
    }
}

#[test]
fn what_a_layer_does_not_list_is_as_below() {
    let below = Layer::new()
        .dir("tmp", 0o1777)
        .dir("usr/bin", 0o751)
        .symlink("bin", "usr/bin")
        .done();
    let above = Layer::new().file("tmp/x", "x").file("bin/tool", "t").done();
    let (_temp, held) = pull(vec![below, above]).unwrap();
    let above = &held.lowers[0];
    let mode = |name: &str| fs::metadata(above.join(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("tmp"), 0o1777);
    assert_eq!(mode("usr/bin"), 0o751);
    assert_eq!(text(above.join("usr/bin/tool")), "t");
    assert!(
        fs::symlink_metadata(above.join("bin")).is_err(),
        "the link below stays in sight"
    );
}

#[test]
fn a_hard_link_may_have_its_target_below() {
    let below = Layer::new().file("d/f", "below").done();
    let above = Layer::new().hard("g", "d/f").done();
    let (_temp, held) = pull(vec![below.clone(), above]).unwrap();
    let root = &held.lowers[0];
    assert_eq!(text(root.join("g")), "below");
    let ino = |name: &str| fs::metadata(root.join(name)).unwrap().ino();
    assert_eq!(ino("g"), ino("d/f"));

    let below_with = Layer::new()
        .pax(&[("SCHILY.xattr.user.mine", b"yes")])
        .file("d/f", "below")
        .done();
    let above = Layer::new().hard("g", "d/f").done();
    let (_temp, held) = pull(vec![below_with, above]).unwrap();
    let mut value = [0; 8];
    let linked = held.lowers[0].join("g");
    assert_eq!(
        rustix::fs::getxattr(&linked, c"user.mine", &mut value),
        Ok(3)
    );

    let deleted = Layer::new().file("d/.wh.f", "").done();
    let above = Layer::new().hard("g", "d/f").done();
    let error = pull(vec![below, deleted, above]).unwrap_err().to_string();
    assert!(error.contains("'g' is linked to 'd/f'"), "{error}");
}

#[test]
fn no_path_leaves_the_root() {
    let outside = tempfile::tempdir().unwrap();
    let out = outside.path().to_str().unwrap().to_owned();
    let up = "../".repeat(12);
    let escapes = [
        Layer::new().file(&format!("{up}escaped"), "x"),
        Layer::new().file("a/../../escaped", "x"),
        Layer::new().symlink("l", &out).file("l/escaped", "x"),
        Layer::new()
            .symlink("l", &format!("{up}{out}"))
            .file("l/escaped", "x"),
        Layer::new()
            .symlink("l", "..")
            .file("l/l/l/l/l/l/l/l/escaped", "x"),
        Layer::new().symlink("l", &out).dir("l/escaped", 0o777),
        Layer::new().symlink("l", &out).symlink("l/escaped", "x"),
        Layer::new()
            .symlink("l", &format!("{out}/escaped"))
            .file("l", "x"),
        Layer::new().symlink("l", &out).file("l/.wh.keep", ""),
        Layer::new().symlink("l", &out).file("l/.wh..wh..opq", ""),
        Layer::new().hard("h", &format!("{up}{out}/keep")),
        Layer::new()
            .symlink("l", &out)
            .hard("h", "l/keep")
            .file("h", "changed"),
        Layer::new()
            .dir("d", 0o755)
            .dir("d/e", 0o755)
            .symlink("d/e", &out)
            .file("d/e/escaped", "x"),
        Layer::new()
            .symlink("loop", "loop")
            .file("loop/escaped", "x"),
        Layer::new()
            .symlink("a", "b")
            .symlink("b", "a")
            .file("a/escaped", "x"),
        Layer::new()
            .symlink("proc", "/proc/self/root")
            .file("proc/tmp/escaped", "x"),
    ];
    let keep = outside.path().join("keep");
    for (number, layer) in escapes.into_iter().enumerate() {
        fs::write(&keep, "kept").unwrap();
        // It may be an error, or be put inside: never outside.
        let result = pull(vec![layer.done()]);
        let left: Vec<_> = fs::read_dir(outside.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(left, ["keep"], "escape {number}: {result:?}");
        assert_eq!(text(keep.clone()), "kept", "escape {number}");
        assert!(!Path::new("/escaped").exists() && !Path::new("/tmp/escaped").exists());
    }
}

#[test]
fn a_lower_layers_links_lead_nowhere_outside() {
    let outside = tempfile::tempdir().unwrap();
    let out = outside.path().to_str().unwrap();
    let below = Layer::new()
        .symlink("l", out)
        .symlink("m", "../../../../etc")
        .done();
    let above = Layer::new()
        .file("l/x", "x")
        .file("m/armistice-test-x", "x")
        .done();
    let (_temp, held) = pull(vec![below, above]).unwrap();
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    assert!(!Path::new("/etc/armistice-test-x").exists());
    assert_eq!(text(held.lowers[0].join("etc/armistice-test-x")), "x");
}

#[test]
fn devices_are_not_made_and_attributes_of_overlay_are_dropped() {
    let temp = tempfile::tempdir().unwrap();
    let store = Store::open(temp.path(), Ids::of_this_process()).unwrap();
    let layer = Layer::new()
        .raw(EntryType::Char, "dev/null", "", 0o666, b"")
        .raw(EntryType::Block, "dev/sda", "", 0o660, b"")
        .pax(&[
            ("SCHILY.xattr.user.mine", b"yes"),
            ("SCHILY.xattr.user.overlay.redirect", b"/x"),
            ("SCHILY.xattr.trusted.overlay.opaque", b"y"),
            ("SCHILY.xattr.security.selinux", b"x"),
        ])
        .file("f", "x")
        .done();
    let names = ["localhost/x:latest".to_owned()];
    let pulled = store
        .pull(&near(vec![layer]), &names, &wanted(), &|_| ())
        .unwrap();
    assert_eq!(pulled.left_out.devices, 2);
    assert_eq!(pulled.left_out.device_names, ["dev/null", "dev/sda"]);
    assert_eq!(pulled.left_out.xattrs, 3);
    let held = store
        .hold(&store.find(&names[0], &wanted()).unwrap().unwrap())
        .unwrap();
    let f = held.lowers[0].join("f");
    let mut value = [0; 8];
    assert_eq!(rustix::fs::getxattr(&f, c"user.mine", &mut value), Ok(3));
    rustix::fs::getxattr(&f, c"user.overlay.redirect", &mut value).unwrap_err();
    rustix::fs::getxattr(&f, c"trusted.overlay.opaque", &mut value).unwrap_err();
    assert!(!held.lowers[0].join("dev/null").exists());
}

#[test]
fn sparse_and_long_names() {
    let long = "long/".repeat(60) + "name";
    let mut data = b"2\n1048576\n3\n2097152\n0\n".to_vec();
    data.resize(512, 0);
    data.extend(b"end");
    let layer = Layer::new()
        .pax(&[
            ("GNU.sparse.major", b"1"),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.name", b"holes"),
            ("GNU.sparse.realsize", b"2097152"),
        ])
        .raw(
            EntryType::Regular,
            "GNUSparseFile.0/holes",
            "",
            0o644,
            &data,
        )
        .pax(&[("path", long.as_bytes()), ("mtime", b"12.5")])
        .file("short", "long")
        .done();
    let (_temp, held) = pull(vec![layer]).unwrap();
    let root = &held.lowers[0];
    let meta = fs::metadata(root.join("holes")).unwrap();
    assert_eq!(meta.len(), 2 << 20);
    assert!(meta.blocks() * 512 < 512 * 1024, "{} blocks", meta.blocks());
    let bytes = fs::read(root.join("holes")).unwrap();
    assert_eq!(&bytes[1 << 20..(1 << 20) + 3], b"end");
    assert!(bytes[..1 << 20].iter().all(|b| *b == 0));
    assert_eq!(text(root.join(&long)), "long");
    let meta = fs::metadata(root.join(&long)).unwrap();
    assert_eq!((meta.mtime(), meta.mtime_nsec()), (12, 500_000_000));
}

#[test]
fn a_mode_that_is_not_filled_in_is_zero() {
    let mut header = Header::new_gnu();
    header.set_size(0);
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_data(&mut header, "f", &[][..]).unwrap();
    let (_temp, held) = pull(vec![tar.into_inner().unwrap()]).unwrap();
    let mode = std::fs::metadata(held.lowers[0].join("f"))
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o7777, 0);
}

#[test]
fn owners_are_kept_or_lost_by_what_this_process_may() {
    let mut header = Layer::header(EntryType::Regular, 0o644, 0);
    header.set_path("f").unwrap();
    header.set_uid(1234);
    header.set_gid(4321);
    header.set_cksum();
    let mut layer = Layer::new();
    layer.0.append(&header, &b""[..]).unwrap();
    let ids = Ids::of_this_process();
    let (_temp, held) = pull(vec![layer.done()]).unwrap();
    let meta = fs::metadata(held.lowers[0].join("f")).unwrap();
    match ids.owners {
        Owners::Kept => assert_eq!((meta.uid(), meta.gid()), (1234, 4321)),
        Owners::Lost => assert_eq!(meta.uid(), rustix::process::geteuid().as_raw()),
    }
}

/// A bug once: for an owner that no Linux has, a longer range in /etc/subuid was advised.
#[test]
fn an_owner_that_linux_does_not_have_is_told_from_one_that_is_not_mapped() {
    for (uid, gid) in [
        (5_000_000_000, 0),
        (4_294_967_295, 0),
        (0, 4_294_967_295),
        (0, 1 << 40),
    ] {
        let mut header = Layer::header(EntryType::Regular, 0o644, 0);
        header.set_path("f").unwrap();
        header.set_uid(uid);
        header.set_gid(gid);
        header.set_cksum();
        let mut layer = Layer::new();
        layer.0.append(&header, &b""[..]).unwrap();
        let pulled = pull(vec![layer.done()]);
        if Ids::of_this_process().owners == Owners::Lost {
            pulled.unwrap();
            continue;
        }
        let error = pulled.map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::NoOwner { .. }), "{error:?}");
        let said = error.to_string();
        assert!(said.contains("above 4294967294"), "{said}");
        assert!(!said.contains("subuid"), "{said}");
    }
}

#[test]
fn bombs_end() {
    let few = Limits {
        entries: 10,
        bytes: 1 << 20,
    };
    let refused = |layer: Vec<u8>, limits: Limits| {
        let temp = tempfile::tempdir().unwrap();
        let error = scratch(&[&layer[..]], temp.path(), limits).unwrap_err();
        (error.to_string(), armistice_store_usage(temp.path()))
    };
    let mut many = Layer::new();
    for n in 0..20 {
        many = many.file(&format!("f{n}"), "");
    }
    assert!(refused(many.done(), few).0.contains("more than 10 entries"));
    let large = Layer::new()
        .raw(EntryType::Regular, "f", "", 0o644, &vec![1; 2 << 20])
        .done();
    assert!(refused(large, few).0.contains("more than 1048576 bytes"));
    // Small when stored, and endless.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(
        &Layer::new()
            .raw(EntryType::Regular, "f", "", 0o644, &vec![0; 16 << 20])
            .done(),
    )
    .unwrap();
    let (said, used) = refused(gzip.finish().unwrap(), few);
    assert!(said.contains("more than"), "{said}");
    assert!(used < 2 << 20, "{used} bytes were written");
    // No files, but headers without an end.
    let mut header = Layer::header(EntryType::XGlobalHeader, 0, 0);
    header.set_cksum();
    let globals = header.as_bytes().repeat(8192);
    assert!(refused(globals, few).0.contains("more"), "global headers");
    let named = Layer::new()
        .pax(&[("comment", &vec![b'x'; 5 << 20])])
        .file("f", "")
        .done();
    refused(
        named,
        Limits {
            entries: 10,
            bytes: 1 << 30,
        },
    );
}

fn armistice_store_usage(path: &Path) -> u64 {
    let entries = fs::read_dir(path).unwrap();
    entries
        .map(|e| e.unwrap().metadata().unwrap().blocks() * 512)
        .sum()
}

#[test]
fn what_is_no_layer_is_told() {
    let cut = {
        let mut tar = Layer::new().file("a", &"x".repeat(5000)).done();
        tar.truncate(2000);
        tar
    };
    let cases: [(&str, Vec<u8>, &str); 5] = [
        (
            "text",
            b"hello ".repeat(200),
            "neither a tar nor compressed",
        ),
        ("cut", cut, "cut off"),
        (
            "gzip cut",
            b"\x1f\x8b\x08\0\0\0\0\0\0\0".to_vec(),
            "cut off",
        ),
        (
            "root as a file",
            Layer::new().file("./", "x").symlink(".", "/etc").done(),
            "the place of the root",
        ),
        (
            "empty link",
            Layer::new().symlink("l", "").done(),
            "empty or too long",
        ),
    ];
    for (what, layer, said) in cases {
        let error = pull(vec![layer]).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(said), "{what}: {error}");
    }
    // Without the padding at its end, as umoci writes it, nothing is missing.
    let mut unpadded = Layer::new().file("a", "text").done();
    unpadded.truncate(512 + 4);
    let (_temp, held) = pull(vec![unpadded]).unwrap();
    assert_eq!(text(held.lowers[0].join("a")), "text");
    // Of no bytes, as some builders write it, is a layer that changes nothing.
    pull(vec![Vec::new()]).unwrap();
}
