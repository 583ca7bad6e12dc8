//! The programs themselves: their headers, and that each does under its own
//! emulator, run directly, what the proofs take for granted. Needs no root.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use armistice_arch::{ARCHES, Arch, ElfHeader};
use armistice_proof::program;

fn bytes(arch: &Arch) -> &'static [u8] {
    program(arch).unwrap_or_else(|| panic!("{} has no program", arch.name))
}

#[test]
fn every_architecture_has_a_small_program_of_its_own() {
    let mut seen = HashSet::new();
    for arch in ARCHES {
        let bytes = bytes(arch);
        assert!(bytes.len() < 512, "{}: {} bytes", arch.name, bytes.len());
        assert!(seen.insert(bytes), "{} has another's program", arch.name);
    }
}

#[test]
fn every_program_is_recognised_as_its_architecture() {
    for arch in ARCHES {
        let bytes = bytes(arch);
        assert_eq!(
            arch.pattern().first_mismatch(bytes),
            None,
            "{}'s own pattern",
            arch.name
        );
        let header = ElfHeader::parse(bytes).unwrap();
        assert_eq!(Arch::of_elf(&header).map(|a| a.name), Some(arch.name));
        assert_eq!(header.e_type, 2, "{}: ET_EXEC", arch.name);
    }
}

#[test]
fn the_folder_of_programs_has_no_others() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/bin");
    let names: HashSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let wanted: HashSet<String> = ARCHES.iter().map(|a| a.name.to_owned()).collect();
    assert_eq!(names, wanted);
}

/// Runs a program by its emulator, with this `argv[0]`.
fn emulate(arch: &Arch, argv0: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("program");
    std::fs::write(&file, bytes(arch)).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    Command::new(support::emulator(arch.emulator))
        .args(["-0", argv0])
        .arg(&file)
        .output()
        .unwrap()
}

#[test]
fn every_program_prints_its_argv0_and_exits_with_the_user_under_its_emulator() {
    let user = i32::try_from(rustix::process::geteuid().as_raw() & 0x7f).unwrap();
    let long = "x".repeat(1000);
    let mut wrong = Vec::new();
    for arch in ARCHES {
        for argv0 in ["", "a", "a name of its own", &long] {
            let output = emulate(arch, argv0);
            if output.stdout != format!("{argv0}\n").as_bytes()
                || output.status.code() != Some(user)
                || !output.stderr.is_empty()
            {
                wrong.push(format!("{} with {argv0:?}: {output:?}", arch.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
