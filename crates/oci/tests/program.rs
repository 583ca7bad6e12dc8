//! Which program starts, the same from an image and from a folder.

#![allow(clippy::unwrap_used, reason = "a failed helper is a failed test")]

mod common;

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use armistice_oci::program::{inspect, start};
use armistice_oci::{
    Archive, DirRoot, Error, FileKind, Interpreter, Lookup, Missing, ProgramKind, Root, Start,
};
use common::{Tar, docker_archive, elf, elf_for};
use serde_json::json;
use tempfile::TempDir;

/// The same tree twice: an image in an archive, and a folder.
struct Both {
    _guards: [TempDir; 2],
    archive: Archive,
    dir: DirRoot,
}

impl Both {
    fn each(&self, check: impl Fn(&dyn Root)) {
        check(&self.archive.images()[0]);
        check(&self.dir);
    }
}

fn tree() -> Both {
    let script = "#! /bin/sh  -e  \necho\n";
    let tar = Tar::new()
        .dir("usr/")
        .dir("usr/bin/")
        .symlink("bin", "usr/bin")
        .program("usr/bin/dash", elf(Some("/lib/ld.so")))
        .symlink("usr/bin/sh", "dash")
        .program("usr/bin/static", elf(None))
        .program(
            "usr/bin/far",
            elf_for("s390x", Some("/lib/absent.so"), 70_000),
        )
        .program("usr/bin/arm", elf_for("arm", Some("lib/ld.so"), 52))
        .program("usr/bin/script", script)
        .file("usr/bin/notes", "text")
        .dir("usr/bin/folder")
        .dir("lib/")
        .file("lib/ld-2.so", "x")
        .symlink("lib/ld.so", "/../lib/./ld-2.so")
        .symlink("loop-a", "loop-b")
        .symlink("loop-b", "/loop-a")
        .symlink("out", "../../../../usr/bin/sh")
        .symlink("dangling", "/nowhere")
        .end();
    let dir = tempfile::tempdir().unwrap();
    unpack(&tar, dir.path());
    let (guard, path) = common::on_disk(&docker_archive(&json!({}), &[tar]));
    Both {
        dir: DirRoot::open(dir.path()).unwrap(),
        archive: Archive::open(&path).unwrap(),
        _guards: [guard, dir],
    }
}

fn unpack(tar: &[u8], to: &Path) {
    for entry in tar::Archive::new(tar).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = to.join(entry.path().unwrap());
        match entry.header().entry_type() {
            tar::EntryType::Directory => std::fs::create_dir(path).unwrap(),
            tar::EntryType::Symlink => symlink(entry.link_name().unwrap().unwrap(), path).unwrap(),
            _ => {
                let mut file = std::fs::File::create(&path).unwrap();
                std::io::copy(&mut entry, &mut file).unwrap();
                let mode = entry.header().mode().unwrap();
                std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
            }
        }
    }
}

fn found(root: &dyn Root, path: &str) -> String {
    match root.lookup(Path::new(path)).unwrap() {
        Lookup::Found(info) => info.path.to_str().unwrap().to_owned(),
        Lookup::Missing(why) => format!("{why:?}"),
    }
}

#[test]
fn paths_are_followed_inside_the_root() {
    tree().each(|root| {
        for (path, leads) in [
            ("/bin/sh", "/usr/bin/dash"),
            ("bin/sh", "/usr/bin/dash"),
            ("/../../bin/sh", "/usr/bin/dash"),
            ("/out", "/usr/bin/dash"),
            ("/lib/ld.so", "/lib/ld-2.so"),
            ("/", "/"),
            ("", "/"),
            ("/bin/", "/usr/bin"),
            ("/bin/../lib", "/usr/lib-is-not-here"),
            ("/bin/sh/x", "NotADirectory"),
            ("/bin/sh/", "NotADirectory"),
            ("/bin/sh/..", "NotADirectory"),
            ("/bin/static/.", "NotADirectory"),
            ("/loop-a", "Loop"),
            ("/dangling", "NoEntry"),
            ("/bin/none/x", "NoEntry"),
            ("/a\0b", "NoEntry"),
        ] {
            let leads = if leads.ends_with("not-here") {
                "NoEntry"
            } else {
                leads
            };
            assert_eq!(found(root, path), leads, "{path}");
        }
        let long = format!("/{}", "x/".repeat(3000));
        assert_eq!(found(root, &long), "NoEntry");
        let info = root
            .lookup(Path::new("/bin/notes"))
            .unwrap()
            .found()
            .unwrap();
        assert_eq!(
            (info.kind, info.mode, info.size),
            (FileKind::Regular, 0o644, 4)
        );
    });
}

#[test]
fn reading_what_is_no_file_is_an_error() {
    tree().each(|root| {
        for path in ["/bin", "/loop-a", "/nowhere"] {
            let result = root.first_bytes(Path::new(path), 9);
            assert!(
                matches!(result, Err(Error::NoFile { .. })),
                "{path}: {result:?}"
            );
        }
        assert_eq!(
            root.first_bytes(Path::new("/bin/notes"), usize::MAX)
                .unwrap(),
            b"text"
        );
        assert_eq!(root.read_at(Path::new("/bin/notes"), 2, 9).unwrap(), b"xt");
        assert_eq!(root.read_at(Path::new("/bin/notes"), 9, 9).unwrap(), b"");
        let far = root.read_at(Path::new("/bin/notes"), u64::MAX, 9);
        assert!(far.map_or(true, |bytes| bytes.is_empty()));
    });
}

fn argv(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

#[test]
fn the_program_is_found_as_runtimes_find_it() {
    tree().each(|root| {
        let path = |words: &[&str], path, cwd| match start(root, &argv(words), path, cwd).unwrap() {
            Start::Program(p) => p.path,
            other => panic!("{words:?}: {other:?}"),
        };
        assert_eq!(path(&["sh", "-c"], None, ""), Path::new("/usr/bin/sh"));
        assert_eq!(
            path(&["sh"], Some("/nowhere:/bin"), "/"),
            Path::new("/bin/sh")
        );
        assert_eq!(path(&["./sh"], None, "/bin"), Path::new("/bin/./sh"));
        assert_eq!(path(&["bin/sh"], None, "/usr"), Path::new("/usr/bin/sh"));
        assert_eq!(path(&["sh"], Some("bin"), "/usr"), Path::new("/usr/bin/sh"));
        assert_eq!(path(&["/out"], None, "/tmp"), Path::new("/out"));
        assert_eq!(start(root, &[], None, "/").unwrap(), Start::NoCommand);
        match start(root, &argv(&["none"]), Some("/bin:/loop-a"), "/").unwrap() {
            Start::NotFound { name, tried } => {
                assert_eq!(name, "none");
                assert_eq!(
                    tried,
                    [
                        (PathBuf::from("/bin/none"), Missing::NoEntry),
                        (PathBuf::from("/loop-a/none"), Missing::Loop)
                    ]
                );
            }
            other => panic!("{other:?}"),
        }
        for name in ["notes", "/bin/notes", "folder", "/bin"] {
            let result = start(root, &argv(&[name]), Some("/bin"), "/").unwrap();
            assert!(
                matches!(result, Start::NotExecutable { .. }),
                "{name}: {result:?}"
            );
        }
        let empty = start(root, &argv(&[""]), Some("/bin"), "/").unwrap();
        assert!(matches!(empty, Start::NotFound { .. }), "{empty:?}");
    });
}

#[test]
fn what_the_program_is() {
    tree().each(|root| {
        let at = |path: &str| inspect(root, Path::new(path)).unwrap().unwrap();
        let shell = at("/bin/sh");
        assert_eq!(shell.first, elf(Some("/lib/ld.so")));
        let ProgramKind::Elf(Interpreter::At { path, lookup }) = shell.kind else {
            panic!("{:?}", shell.kind)
        };
        assert_eq!(path, Path::new("/lib/ld.so"));
        assert_eq!(lookup.found().unwrap().path, Path::new("/lib/ld-2.so"));
        assert_eq!(at("/bin/static").kind, ProgramKind::Elf(Interpreter::None));
        let far = at("/bin/far");
        assert_eq!(far.first.len(), 256);
        assert_eq!(
            far.kind,
            ProgramKind::Elf(Interpreter::At {
                path: "/lib/absent.so".into(),
                lookup: Lookup::Missing(Missing::NoEntry)
            })
        );
        let ProgramKind::Elf(Interpreter::At { lookup, .. }) = at("/bin/arm").kind else {
            panic!("{:?}", at("/bin/arm").kind)
        };
        assert!(lookup.found().is_some());
        assert_eq!(
            at("/bin/script").kind,
            ProgramKind::Script {
                interpreter: "/bin/sh".into(),
                argument: b"-e".to_vec()
            }
        );
        assert_eq!(at("/bin/notes").kind, ProgramKind::Other);
        assert_eq!(inspect(root, Path::new("/bin/folder")).unwrap(), None);
        assert_eq!(inspect(root, Path::new("/nowhere")).unwrap(), None);
    });
}

#[test]
fn damaged_programs_are_told() {
    let whole = elf(Some("/lib/ld.so"));
    let dir = tempfile::tempdir().unwrap();
    let root = DirRoot::open(dir.path()).unwrap();
    let kind = |bytes: &[u8]| {
        std::fs::write(dir.path().join("p"), bytes).unwrap();
        inspect(&root, Path::new("/p")).unwrap().unwrap().kind
    };
    for len in 4..whole.len() {
        let kind = kind(&whole[..len]);
        assert!(
            matches!(kind, ProgramKind::Elf(Interpreter::Unreadable(_))),
            "{len}: {kind:?}"
        );
    }
    for at in 4..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            kind(&bytes);
        }
    }
}

#[test]
fn a_folder_is_never_left_and_no_pipe_is_opened() {
    let outer = tempfile::tempdir().unwrap();
    std::fs::write(outer.path().join("secret"), "x").unwrap();
    let inner = outer.path().join("root");
    std::fs::create_dir(&inner).unwrap();
    symlink("../secret", inner.join("up")).unwrap();
    symlink(outer.path().join("secret"), inner.join("full")).unwrap();
    symlink("/proc/self/cwd", inner.join("magic")).unwrap();
    let root = DirRoot::open(&inner).unwrap();
    for path in ["up", "full", "magic", "../secret"] {
        assert_eq!(found(&root, path), "NoEntry", "{path}");
    }
    let pipe = inner.join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o755),
        0,
    )
    .unwrap();
    let info = root.lookup(Path::new("pipe")).unwrap().found().unwrap();
    assert_eq!(info.kind, FileKind::Other);
    assert!(matches!(
        root.first_bytes(Path::new("pipe"), 1),
        Err(Error::NoFile { .. })
    ));
    assert!(matches!(
        DirRoot::open(&outer.path().join("no")),
        Err(Error::Open { .. })
    ));
    assert!(matches!(
        DirRoot::open(&outer.path().join("secret")),
        Err(Error::Open { .. })
    ));
}
