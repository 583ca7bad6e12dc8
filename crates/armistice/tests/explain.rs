//! What `explain` says, case by case, with a private table. Whether the kernel
//! agrees, `explain_kernel` asks.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

#[path = "../../binfmt/tests/common/mod.rs"]
mod common;

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use armistice_arch::Arch;
use armistice_binfmt::STANDARD_PATH;
use serde_json::Value;

/// An empty folder, and an empty table.
struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, mode: u32, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// An arm64 program, as far as its header goes.
    fn arm64(&self, name: &str) -> PathBuf {
        let arch = Arch::by_name("aarch64").unwrap();
        self.file(name, 0o755, arch.sample_header(2, 0))
    }

    fn entry(&self, line: &str) {
        fs::write(Path::new(STANDARD_PATH).join("register"), line).unwrap();
    }

    /// An entry for arm64 programs.
    fn arm64_entry(&self, interpreter: &Path, flags: &str) {
        let pattern = Arch::by_name("aarch64").unwrap().pattern();
        let hex =
            |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("\\x{b:02x}")).collect() };
        let (magic, mask) = (hex(&pattern.magic), hex(&pattern.mask));
        let interpreter = interpreter.display();
        self.entry(&format!(":theirs:M::{magic}:{mask}:{interpreter}:{flags}"));
    }

    fn run(&self, args: &[&str], what: &Path) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_armistice"));
        command.current_dir(self.folder.path());
        // No engine is asked.
        command.env("PATH", "").env("NO_COLOR", "1");
        command.arg("explain").args(args).arg("--").arg(what);
        command.output().unwrap()
    }

    /// What people read.
    fn text(&self, args: &[&str], what: &Path) -> String {
        let done = self.run(args, what);
        let text = [done.stdout, done.stderr].concat();
        for byte in &text {
            let raw = byte.is_ascii_control() && *byte != b'\n';
            assert!(!raw, "a raw byte {byte:02x}: {}", text.escape_ascii());
        }
        String::from_utf8(text).unwrap()
    }

    /// The verdict that programs read.
    fn verdict(&self, what: &Path) -> Value {
        let done = self.run(&["-o", "json"], what);
        let answer: Value =
            serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{done:?}"));
        assert_eq!(
            done.status.success(),
            answer["verdict"]["runs"] == true,
            "{answer}"
        );
        answer["verdict"].clone()
    }

    #[track_caller]
    fn says(&self, what: &Path, code: &str, remedy: Option<&str>) -> String {
        let verdict = self.verdict(what);
        assert_eq!(verdict["code"], code, "{verdict}");
        assert_eq!(verdict["remedy"].as_str(), remedy, "{verdict}");
        verdict["text"].as_str().unwrap().to_owned()
    }
}

fn with_scene(name: &str, body: impl FnOnce(&Scene)) {
    common::in_namespaces(name, || {
        common::mount_table();
        let folder = tempfile::tempdir().unwrap();
        body(&Scene { folder });
    });
}

/// A bug once: of a program, a script and a folder the platform that was asked for was not
/// looked at.
#[test]
fn a_file_is_judged_by_the_platform_that_is_asked_for() {
    let name = "a_file_is_judged_by_the_platform_that_is_asked_for";
    with_scene(name, |scene| {
        scene.arm64("root/bin/sh");
        let program = scene.arm64("program");
        let script = scene.file("script", 0o755, format!("#!{}\n", program.display()));
        let code = |what: &Path, platform: &str| {
            let done = scene.run(&["-o", "json", "--platform", platform], what);
            let answer: Value = serde_json::from_slice(&done.stdout).unwrap();
            assert_ne!(answer["verdict"]["runs"], true, "{answer}");
            answer["verdict"]["code"].as_str().unwrap().to_owned()
        };
        for what in [&program, &script, &scene.path("root")] {
            assert_eq!(code(what, "linux/arm64"), "no-handler");
            // A header tells no variant.
            assert_eq!(code(what, "linux/arm64/v8"), "no-handler");
            for other in ["linux/amd64", "arm/v7", "windows/arm64"] {
                assert_eq!(code(what, other), "no-platform", "{what:?} {other}");
            }
        }
        let text = scene.text(&["--platform", "s390x"], &program);
        let says = "No: it is made for linux/arm64, not for linux/s390x\n";
        assert!(text.ends_with(says), "{text}");
        // This machine's own are for no other.
        let own = Path::new("/proc/self/exe");
        assert_eq!(code(own, "arm64"), "no-platform");
        // Where nothing tells, that is said.
        let words = scene.file("words", 0o755, "words\n");
        let text = scene.text(&["--platform", "arm64"], &words);
        let says = "But: nothing in it says whether it is for linux/arm64\n";
        assert!(text.contains(says), "{text}");
    });
}

#[test]
fn what_is_no_program_gets_no_chmod() {
    with_scene("what_is_no_program_gets_no_chmod", |scene| {
        let mut header = tar::Header::new_gnu();
        header.set_path("etc/passwd").unwrap();
        header.set_size(0);
        header.set_mode(0o644);
        header.set_cksum();
        let tar = [header.as_bytes().as_slice(), &[0; 1024]].concat();
        for (name, bytes, says) in [
            ("text", &b"hello\n"[..], "text"),
            ("empty", b"", "empty"),
            (
                "plain.tar",
                &tar,
                "neither a program nor an image: it is a tar without index.json",
            ),
            ("a.zip", b"PK\x03\x04", "a zip file"),
            ("a.exe", b"MZ", "Windows"),
        ] {
            for mode in [0o644, 0o755] {
                let path = scene.file(name, mode, bytes);
                let text = scene.says(&path, "not-a-program", None);
                assert!(text.contains(says), "{text}");
            }
        }
    });
}

#[test]
fn chmod_is_told_where_it_helps_with_what_else_is_needed() {
    let name = "chmod_is_told_where_it_helps_with_what_else_is_needed";
    with_scene(name, |scene| {
        let script = scene.file("script", 0o644, "#!/bin/sh\n");
        let chmod = format!("chmod +x {}", script.display());
        scene.says(&script, "not-executable", Some(&chmod));
        let program = scene.arm64("program");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o644)).unwrap();
        let both = format!("chmod +x {} && armistice register arm64", program.display());
        scene.says(&program, "not-executable", Some(&both));
    });
}

#[test]
fn unrelated_handlers_are_told_only_when_asked_for() {
    with_scene("unrelated_handlers_are_told_only_when_asked_for", |scene| {
        let program = scene.arm64("program");
        scene.entry(":java:E::jar::/bin/true:");
        scene.entry(":wine:M::MZ::/bin/true:");
        scene.arm64_entry(Path::new("/bin/true"), "PF");
        let text = scene.text(&[], &program);
        assert!(text.contains("theirs: takes it"), "{text}");
        assert!(!text.contains("java") && !text.contains("wine"), "{text}");
        let text = scene.text(&["-v"], &program);
        assert!(text.contains("java: the name ends otherwise"), "{text}");
        assert!(text.contains("wine: byte 0 is 7f, wanted 4d"), "{text}");
    });
}

#[test]
fn a_byte_is_explained_by_elf_only_where_elf_is_wanted() {
    with_scene(
        "a_byte_is_explained_by_elf_only_where_elf_is_wanted",
        |scene| {
            scene.entry(":wine:M::MZ::/bin/true:");
            scene.entry(":later:M:4:ABCD::/bin/true:");
            scene.arm64_entry(Path::new("/bin/true"), "PF");
            let line = |program: &Path, name: &str| {
                let text = scene.text(&["-v"], program);
                let own = text.lines().find(|l| l.trim().starts_with(name));
                own.unwrap_or_else(|| panic!("{text}")).to_owned()
            };
            let program = scene.file("program", 0o755, fs::read("/bin/true").unwrap());
            assert!(line(&program, "wine:").ends_with("(mask ff)"));
            assert!(line(&program, "theirs:").ends_with(": machine"));
            let windows = scene.file("windows", 0o755, "MZ and more");
            assert!(line(&windows, "later:").ends_with("(mask ff)"));
            assert!(line(&windows, "theirs:").ends_with(": not an ELF file"));
        },
    );
}

#[test]
fn programs_read_a_handlers_name_as_it_is() {
    with_scene("programs_read_a_handlers_name_as_it_is", |scene| {
        scene.entry(":a\x1b[31mb:E::x::/bin/true:");
        let done = scene.run(&["-o", "json"], &scene.file("f.x", 0o755, ""));
        let answer: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(answer["handlers"][0]["name"], "a\x1b[31mb", "{answer}");
        let text = scene.text(&[], &scene.path("f.x"));
        assert!(text.contains(r"a\u{1b}[31mb: takes it"), "{text}");
    });
}

#[test]
fn a_handler_that_is_nearly_the_files_is_told() {
    with_scene("a_handler_that_is_nearly_the_files_is_told", |scene| {
        scene.arm64_entry(Path::new("/bin/true"), "PF");
        let mut bytes = Arch::by_name("aarch64").unwrap().sample_header(2, 0);
        bytes[8..11].copy_from_slice(b"AI\x02");
        let appimage = scene.file("appimage", 0o755, bytes);
        let text = scene.text(&[], &appimage);
        assert!(text.contains("theirs: byte 8 is 41, wanted 00"), "{text}");
        scene.says(&appimage, "odd-header", None);
    });
}

#[test]
fn the_name_that_is_matched_is_the_one_called() {
    with_scene("the_name_that_is_matched_is_the_one_called", |scene| {
        scene.entry(":x:E::x::/bin/true:");
        let file = scene.file("a.x", 0o755, "text");
        symlink(&file, scene.path("b")).unwrap();
        scene.says(&file, "handled", None);
        scene.says(&scene.path("b"), "not-a-program", None);
        symlink("/bin/true", scene.path("c.x")).unwrap();
        let text = scene.says(&scene.path("c.x"), "handled", None);
        assert!(text.contains("x runs it with /bin/true"), "{text}");
    });
}

#[test]
fn a_handler_that_takes_scripts_comes_before_the_script_is_followed() {
    let name = "a_handler_that_takes_scripts_comes_before_the_script_is_followed";
    with_scene(name, |scene| {
        let script = scene.file("a.x", 0o755, "#!/nonexistent\n");
        scene.says(&script, "no-interpreter", None);
        scene.entry(":x:E::x::/bin/true:");
        scene.says(&script, "handled", None);
        fs::write(Path::new(STANDARD_PATH).join("x"), "-1").unwrap();
        scene.entry(":mark:M::#!::/bin/true:");
        let text = scene.says(&script, "handled", None);
        assert!(text.starts_with("mark runs it"), "{text}");
    });
}

#[test]
fn an_emulator_that_does_not_run_is_no_yes() {
    with_scene("an_emulator_that_does_not_run_is_no_yes", |scene| {
        let program = scene.arm64("program");
        let register = Some("armistice register arm64");
        let again = || fs::write(Path::new(STANDARD_PATH).join("theirs"), "-1").unwrap();
        for (bytes, flags, says) in [
            ("", "F", "an empty file"),
            ("text", "", "text"),
            ("#!/bin/sh\n", "OF", "needs an interpreter itself"),
            ("#!/bin/sh\n", "C", "needs an interpreter itself"),
        ] {
            let emulator = scene.file("emulator", 0o755, bytes);
            scene.arm64_entry(&emulator, flags);
            let text = scene.says(&program, "bad-emulator", register);
            assert!(text.contains(says), "{text}");
            again();
        }
        // Without those flags a script may be one.
        let emulator = scene.file("emulator", 0o755, "#!/bin/sh\n");
        scene.arm64_entry(&emulator, "F");
        scene.says(&program, "handled", None);
        again();
        // What it is that runs an emulator may be missing, too.
        let emulator = scene.file("emulator", 0o755, "#!/nonexistent\n");
        scene.arm64_entry(&emulator, "F");
        let text = scene.says(&program, "no-interpreter", None);
        assert!(text.contains("/nonexistent"), "{text}");
    });
}

#[test]
fn a_remedy_for_arm_is_none_for_windows() {
    with_scene("a_remedy_for_arm_is_none_for_windows", |scene| {
        let program = scene.file("a.exe", 0o755, "MZ");
        scene.entry(":wine:M::MZ::/nonexistent/wine:");
        scene.says(&program, "no-fix-binary", None);
        fs::write(Path::new(STANDARD_PATH).join("wine"), "-1").unwrap();
        scene.entry(":wine:M::MZ::/bin/true:");
        fs::write(Path::new(STANDARD_PATH).join("wine"), "0").unwrap();
        let switch = format!("echo 1 > {STANDARD_PATH}/wine");
        scene.says(&program, "disabled", Some(&switch));
        // Switching on alone does not help where the emulator is not there.
        scene.entry(":dos:M::MZ::/nonexistent/dos:");
        fs::write(Path::new(STANDARD_PATH).join("dos"), "0").unwrap();
        scene.says(&program, "disabled", None);
    });
}

#[test]
fn native_scripts_are_followed_as_far_as_the_kernel_follows() {
    let name = "native_scripts_are_followed_as_far_as_the_kernel_follows";
    with_scene(name, |scene| {
        let mut last = PathBuf::from("/bin/true");
        for level in 1..=6 {
            let script = format!("#!{}\n", last.display());
            last = scene.file(&level.to_string(), 0o755, script);
        }
        scene.says(&scene.path("5"), "native", None);
        scene.says(&scene.path("6"), "too-many", None);
    });
}

#[test]
fn odd_bytes_of_lines_and_names_are_made_visible() {
    with_scene("odd_bytes_of_lines_and_names_are_made_visible", |scene| {
        let windows = scene.file("windows", 0o755, "#!/bin/sh\r\necho\r\n");
        let text = scene.text(&[], &windows);
        assert!(
            text.contains(r"wants /bin/sh\r, which is not there"),
            "{text}"
        );
        let sed = format!(r"sed -i 's/\r$//' {}", windows.display());
        let said = scene.says(&windows, "no-interpreter", Some(&sed));
        assert!(said.contains("carriage return"), "{said}");
        // A bug once: it wanted nothing, "which is not there".
        let bare = scene.file("bare", 0o755, "#!");
        let said = scene.says(&bare, "no-interpreter", None);
        let expected = format!("the #! line of {} names no interpreter", bare.display());
        assert_eq!(said, expected);
        let text = scene.text(&[], &bare);
        assert!(
            text.contains("a script whose #! line names no interpreter"),
            "{text}"
        );
        let colour = scene.file("colour", 0o755, "#!/bin/\x1b[31msh \x1b]0;title\x07\n");
        let text = scene.text(&[], &colour);
        assert!(text.contains(r"\u{1b}[31msh"), "{text}");
        // A name, in the first line and in the command.
        let name = std::ffi::OsString::from_vec(b"-\x1b[31m \xff'\n".to_vec());
        let odd = scene.file("odd", 0o644, "#!/bin/sh\n");
        fs::rename(&odd, scene.folder.path().join(&name)).unwrap();
        let text = scene.text(&[], Path::new(&name));
        assert!(
            text.contains(r"Run: chmod +x $'./-\x1b[31m \xff\'\x0a'"),
            "{text}"
        );
    });
}

#[test]
fn a_command_names_files_of_this_machine_only() {
    with_scene("a_command_names_files_of_this_machine_only", |scene| {
        scene.file("root/usr/bin/dash", 0o644, fs::read("/bin/true").unwrap());
        fs::create_dir(scene.path("root/bin")).unwrap();
        symlink("/usr/bin/dash", scene.path("root/bin/sh")).unwrap();
        let verdict = scene.verdict(&scene.path("root"));
        assert_eq!(verdict["code"], "not-executable", "{verdict}");
        // That alone would not help: its loader is not there.
        assert_eq!(verdict["remedy"], Value::Null, "{verdict}");
        let script = scene.file("root/usr/bin/dash", 0o644, "#!/static\n");
        scene.arm64("root/static");
        scene.arm64_entry(Path::new("/bin/true"), "");
        scene.file("root/bin/true", 0o755, probe());
        let chmod = format!("chmod +x {}", script.display());
        scene.says(&scene.path("root"), "not-executable", Some(&chmod));
    });
}

/// A static program of this machine, as far as the kernel's checks go.
fn probe() -> Vec<u8> {
    let mut bytes = Arch::host().sample_header(2, 0).to_vec();
    bytes[54] = 56;
    bytes[56] = 1;
    bytes.resize(256, 0);
    bytes
}

/// An arm64 program with a loader of its own.
fn dynamic() -> Vec<u8> {
    let loader = b"/lib/ld-linux-aarch64.so.1\0";
    let mut bytes = Arch::by_name("aarch64")
        .unwrap()
        .sample_header(2, 0)
        .to_vec();
    bytes[32] = 64; // the program header's place, size and number
    bytes[54] = 56;
    bytes[56] = 1;
    bytes.resize(120, 0);
    bytes[64] = 3; // PT_INTERP
    bytes[72] = 120;
    let length = u8::try_from(loader.len()).unwrap();
    (bytes[96], bytes[104]) = (length, length);
    bytes.extend(loader);
    bytes.resize(256, 0);
    bytes
}

/// The engine looks there for a loader that is missing; QEMU does not.
#[test]
fn a_cross_compilers_libc_counts_for_our_engine() {
    with_scene("a_cross_compilers_libc_counts_for_our_engine", |scene| {
        let libc = Path::new("/usr/aarch64-linux-gnu");
        let flags = rustix::mount::MountFlags::empty();
        rustix::mount::mount("none", libc, "tmpfs", flags, None)
            .expect("libc6-arm64-cross is installed");
        let program = scene.file("program", 0o755, dynamic());
        let ours = scene.file("armistice-aarch64", 0o755, probe());
        let theirs = scene.file("qemu-aarch64-static", 0o755, probe());
        let switch = |interpreter: &Path| {
            let _ = fs::write(Path::new(STANDARD_PATH).join("theirs"), "-1");
            scene.arm64_entry(interpreter, "F");
        };
        switch(&ours);
        scene.says(&program, "no-loader", None);
        let loader = libc.join("lib/ld-linux-aarch64.so.1");
        fs::create_dir(loader.parent().unwrap()).unwrap();
        fs::write(&loader, dynamic()).unwrap();
        fs::set_permissions(&loader, fs::Permissions::from_mode(0o755)).unwrap();
        let text = scene.says(&program, "handled", None);
        assert!(
            text.contains("libraries in /usr/aarch64-linux-gnu"),
            "{text}"
        );
        switch(&theirs);
        scene.says(&program, "no-loader", None);
    });
}

#[test]
fn where_there_is_no_program_there_is_a_verdict() {
    with_scene("where_there_is_no_program_there_is_a_verdict", |scene| {
        fs::create_dir(scene.path("folder")).unwrap();
        symlink("nowhere", scene.path("dangling")).unwrap();
        symlink("loop", scene.path("loop")).unwrap();
        let pipe = scene.path("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o644),
            0,
        )
        .unwrap();
        for (name, code) in [
            ("folder", "no-program"),
            ("dangling", "not-found"),
            ("missing", "not-found"),
            ("folder/missing", "not-found"),
            ("pipe", "not-a-program"),
        ] {
            let text = scene.says(&scene.path(name), code, None);
            assert!(text.contains(name), "{text}");
        }
        scene.says(&scene.path("loop"), "not-found", None);
        let cut = scene.file("cut.tar", 0o644, &cut_archive()[..700]);
        let text = scene.says(&cut, "unreadable", None);
        assert!(text.contains("cut off"), "{text}");
        // A name that could be an image's, and no engine to ask.
        let text = scene.says(Path::new("debian:13"), "not-found", None);
        assert!(text.contains("neither docker nor podman"), "{text}");
    });
}

/// A tar of one file, to be cut off in the middle of the file.
fn cut_archive() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(1000);
    header.set_mode(0o644);
    tar.append_data(&mut header, "manifest.json", &[b' '; 1000][..])
        .unwrap();
    tar.into_inner().unwrap()
}
