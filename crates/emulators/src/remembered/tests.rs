//! A remembered identity is always the one that the file has now, and nothing is believed
//! that others could have written.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use proptest::prelude::*;

use super::*;

/// A folder for an emulator and one for what is remembered.
struct Fixture {
    _dir: tempfile::TempDir,
    folder: PathBuf,
    program: PathBuf,
}

impl Fixture {
    fn new() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let fixture = Fixture {
            folder: dir.path().join("remembered"),
            program: dir.path().join("qemu-x"),
            _dir: dir,
        };
        let source = fixture.program.with_extension("c");
        fs::write(
            &source,
            "#include <stdio.h>\nint main() { puts(\"qemu-x version 1.0 (first)\"); return 0; }",
        )
        .unwrap();
        let done = Command::new("gcc")
            .args(["-static", "-o"])
            .args([&fixture.program, &source])
            .status()
            .expect("gcc is needed (package gcc)");
        assert!(done.success());
        fixture.wait();
        fixture
    }

    /// Longer than a tick of any kernel's clock, and than [`Fixture::settled`].
    fn wait(&self) {
        std::thread::sleep(Duration::from_millis(60));
    }

    fn read(&self) -> Remembered {
        let owner = rustix::process::geteuid().as_raw();
        Remembered::read_from(&self.folder, owner, Duration::from_millis(50))
    }

    fn identify(&self, remembered: &mut Remembered) -> Identity {
        let emulator = Emulator::open(&self.program).unwrap();
        let mut found = remembered.identify_all(&[emulator]);
        found.pop().unwrap().unwrap()
    }

    /// As a run does: reads, identifies, writes. What it found, and whether that was new.
    fn run(&self) -> (Identity, bool) {
        let mut remembered = self.read();
        let identity = self.identify(&mut remembered);
        remembered.write().unwrap();
        (identity, remembered.news)
    }

    fn true_digest(&self) -> Digest {
        Digest(Sha256::digest(fs::read(&self.program).unwrap()).into())
    }

    fn kept(&self) -> PathBuf {
        self.folder.join(FILE)
    }
}

#[test]
fn an_unchanged_emulator_is_identified_once() {
    let fixture = Fixture::new();
    let (first, news) = fixture.run();
    assert!(news);
    let (second, news) = fixture.run();
    assert!(!news, "it was found out again");
    assert_eq!(first.sha256, fixture.true_digest());
    assert_eq!(second.sha256, first.sha256);
    assert_eq!(second.version.unwrap(), first.version.unwrap());
}

/// That what is remembered is used at all, and not found out beside it.
#[test]
fn what_is_remembered_is_taken_without_a_look_at_the_file() {
    let fixture = Fixture::new();
    fixture.run();
    let text = fs::read_to_string(fixture.kept()).unwrap();
    let body = text[..text.rfind(END).unwrap()].replace("\t1.0\t", "\t9.9\t");
    fs::write(fixture.kept(), sealed(body)).unwrap();
    assert_eq!(fixture.run().0.version.unwrap().number, "9.9");
}

#[test]
fn a_change_in_place_is_seen_though_size_and_time_of_modification_are_as_before() {
    let fixture = Fixture::new();
    let (first, _) = fixture.run();
    let before = fs::metadata(&fixture.program).unwrap();
    let mut content = fs::read(&fixture.program).unwrap();
    let at = content.windows(3).position(|w| w == b"1.0").unwrap();
    content[at..at + 3].copy_from_slice(b"2.0");
    let mut file = OpenOptions::new()
        .write(true)
        .open(&fixture.program)
        .unwrap();
    file.write_all(&content).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    drop(file);
    let after = fs::metadata(&fixture.program).unwrap();
    let same = |m: &Metadata| (m.dev(), m.ino(), m.size(), m.mtime(), m.mtime_nsec());
    assert_eq!(same(&before), same(&after));
    let (second, _) = fixture.run();
    assert_eq!(second.sha256, fixture.true_digest());
    assert_ne!(second.sha256, first.sha256);
    assert_eq!(second.version.unwrap().number, "2.0");
}

#[test]
fn what_changed_a_moment_ago_is_not_remembered() {
    let fixture = Fixture::new();
    let owner = rustix::process::geteuid().as_raw();
    let mut remembered = Remembered::read_from(&fixture.folder, owner, SETTLED);
    fixture.identify(&mut remembered);
    assert!(!remembered.news);
}

#[test]
fn what_somebody_may_be_writing_to_is_not_remembered() {
    let fixture = Fixture::new();
    let writer = OpenOptions::new()
        .write(true)
        .open(&fixture.program)
        .unwrap();
    let file = File::open(&fixture.program).unwrap();
    assert_eq!(fixture.read().settled(&file), None);
    drop(writer);
    assert_ne!(fixture.read().settled(&file), None);
}

#[test]
fn where_the_kernel_does_not_keep_the_times_nothing_is_remembered() {
    let fixture = Fixture::new();
    let proc = File::open("/proc/version").unwrap();
    assert_eq!(fixture.read().settled(&proc), None);
}

/// What the folder is like in which an honest text lies.
#[test]
fn what_others_can_write_to_is_not_believed() {
    let fixture = Fixture::new();
    fixture.run();
    let believed = || !fixture.read().known.is_empty();
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    assert!(believed());
    for path in [fixture.folder.clone(), fixture.kept()] {
        let usual = fs::metadata(&path).unwrap().mode();
        for open in [0o020, 0o002] {
            mode(&path, usual | open);
            assert!(!believed(), "{} with {open:o}", path.display());
        }
        mode(&path, usual);
        assert!(believed());
    }
    let another = rustix::process::geteuid().as_raw() + 1;
    let remembered = Remembered::read_from(&fixture.folder, another, SETTLED);
    assert!(remembered.known.is_empty(), "another's");
    let aside = fixture.folder.join("aside");
    fs::rename(fixture.kept(), &aside).unwrap();
    symlink(&aside, fixture.kept()).unwrap();
    assert!(!believed(), "a symbolic link");
}

#[test]
fn a_folder_that_others_can_write_to_is_not_written_to() {
    let fixture = Fixture::new();
    fs::create_dir(&fixture.folder).unwrap();
    fs::set_permissions(&fixture.folder, fs::Permissions::from_mode(0o777)).unwrap();
    let mut remembered = fixture.read();
    fixture.identify(&mut remembered);
    assert!(remembered.write().is_err());
    assert_eq!(fs::read_dir(&fixture.folder).unwrap().count(), 0);
}

#[test]
fn what_is_damaged_counts_as_nothing_and_is_written_anew() {
    let fixture = Fixture::new();
    fixture.run();
    let whole = fs::read(fixture.kept()).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        let read = std::str::from_utf8(&damaged).ok();
        let boot = fixture.read().boot.unwrap();
        assert_eq!(read.and_then(|text| parse(text, &boot)), None, "byte {at}");
        let cut = std::str::from_utf8(&whole[..at]).ok();
        assert_eq!(cut.and_then(|text| parse(text, &boot)), None, "cut at {at}");
    }
    fs::write(fixture.kept(), &whole[..whole.len() / 2]).unwrap();
    let (identity, news) = fixture.run();
    assert!(news);
    assert_eq!(identity.sha256, fixture.true_digest());
    assert_eq!(fs::read(fixture.kept()).unwrap(), whole);
}

#[test]
fn another_boot_begins_anew() {
    let fixture = Fixture::new();
    fixture.run();
    let text = fs::read_to_string(fixture.kept()).unwrap();
    assert!(parse(&text, &fixture.read().boot.unwrap()).is_some());
    assert_eq!(parse(&text, "another"), None);
}

proptest! {
    #[test]
    fn no_text_panics_and_a_sealed_one_means_what_it_says(
        text in "[\\x00-\\x7f]{0,300}",
        numbers in prop::array::uniform3(any::<u64>()),
        times in prop::array::uniform4(any::<i64>()),
        sha256 in any::<[u8; 32]>(),
        number in "[0-9.a-z]{1,10}",
        build in prop::option::of("[ -~]{1,20}"),
    ) {
        let _ = parse(&text, "boot");
        let _ = parse(&sealed(text), "boot");
        let key = Key {
            device: numbers[0],
            inode: numbers[1],
            size: numbers[2],
            modified: (times[0], times[1]),
            changed: (times[2], times[3]),
        };
        let version = Version { program: "qemu-x".to_owned(), number, build };
        let line = line(&key, Digest(sha256), &version);
        let read = parse(&sealed(format!("{HEAD} boot\n{line}\n")), "boot");
        prop_assert_eq!(read, Some(vec![(key, (Digest(sha256), version))]));
    }
}
