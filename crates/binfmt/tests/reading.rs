//! Reading what kernels print, also what newer ones will.

use armistice_arch::Arch;
use armistice_binfmt::replay::{Answer, ask, hidden_by, overlapping, winner};
use armistice_binfmt::{Flags, KernelVersion, Mark, Matching, Snapshot, mounts, parse_entry};
use proptest::prelude::*;

const DEBIAN: &str = "enabled\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\nflags: POF\noffset 0\n\
    magic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n";

#[test]
fn a_distributions_entry_is_read_as_foreign() {
    let entry = parse_entry("qemu-aarch64", DEBIAN);
    assert!(entry.enabled);
    assert_eq!(entry.mark, Mark::Foreign);
    assert_eq!(entry.flags.to_string(), "POF");
    assert_eq!(
        entry.pattern(),
        Some(&Arch::by_name("aarch64").unwrap().pattern())
    );
}

#[test]
fn lines_and_flags_of_newer_kernels_are_kept_not_refused() {
    let entry = parse_entry("x", "enabled\nbpf 12 handler\nflags: PFTL\n");
    assert_eq!(entry.matching, Matching::Unknown);
    assert_eq!(entry.unknown_lines, ["bpf 12 handler"]);
    assert_eq!(
        entry.flags,
        Flags {
            unknown: "TL".into(),
            ..Flags::parse("PF")
        }
    );
    assert_eq!(entry.flags.to_string(), "PFTL");
}

#[test]
fn an_entry_by_ending_and_one_without_a_mask() {
    let entry = parse_entry(
        "jar",
        "disabled\ninterpreter /usr/bin/jexec\nflags: \nextension .jar\n",
    );
    assert_eq!(entry.matching, Matching::Extension("jar".into()));
    assert_eq!(ask(&entry, b"PK", "/x/a.jar"), Answer::Disabled);
    let entry = parse_entry(
        "cli",
        "enabled\ninterpreter /usr/bin/mono\nflags: \noffset 2\nmagic 4d5a\n",
    );
    assert_eq!(entry.pattern().unwrap().mask, [0xff, 0xff]);
    assert_eq!(ask(&entry, b"..MZ", "a.exe"), Answer::Takes);
}

fn live() -> Snapshot {
    let aarch64 = DEBIAN;
    let rosetta = aarch64.replace("/usr/libexec/qemu-binfmt/aarch64-binfmt-P", "/mnt/rosetta");
    let off = aarch64.replace("enabled", "disabled");
    Snapshot {
        enabled: true,
        entries: vec![
            parse_entry("off", &off),
            parse_entry("rosetta", &rosetta),
            parse_entry("qemu-aarch64", aarch64),
        ],
    }
}

#[test]
fn the_newest_enabled_entry_wins_and_the_loser_is_told() {
    let live = live();
    let program = Arch::by_name("aarch64").unwrap().sample_header(3, 0);
    assert_eq!(
        winner(&live, &program, "ls").map(|e| e.name.as_str()),
        Some("rosetta")
    );
    let ours = live.get("qemu-aarch64").unwrap();
    let rivals: Vec<_> = overlapping(&live, ours)
        .into_iter()
        .map(|(e, first)| (e.name.as_str(), first))
        .collect();
    assert_eq!(rivals, [("rosetta", true)]);
    assert_eq!(winner(&live, b"#!/bin/sh", "ls"), None);
}

#[test]
fn to_overlap_is_not_to_hide() {
    let by_magic = |name: &str, magic: &str| {
        let text = format!("enabled\ninterpreter /bin/{name}\nflags: \noffset 0\nmagic {magic}\n");
        parse_entry(name, &text)
    };
    let by_ending = |name: &str| {
        let text = "enabled\ninterpreter /bin/x\nflags: \nextension .exe\n";
        parse_entry(name, text)
    };
    let hidden = |entries: Vec<armistice_binfmt::Entry>| {
        let live = Snapshot {
            enabled: true,
            entries,
        };
        let by = |entry| hidden_by(&live, entry).map(|other| other.name.clone());
        live.entries.iter().map(by).collect::<Vec<_>>()
    };
    let (mz, ape) = (
        || by_magic("mz", "4d5a"),
        || by_magic("ape", "4d5a71467044"),
    );
    assert_eq!(hidden(vec![ape(), mz()]), [None, None]);
    assert_eq!(hidden(vec![mz(), ape()]), [None, Some("mz".to_owned())]);
    let endings = vec![by_ending("new"), mz(), by_ending("old")];
    assert_eq!(hidden(endings), [None, None, Some("new".to_owned())]);
    let off = armistice_binfmt::Entry {
        enabled: false,
        ..mz()
    };
    assert_eq!(hidden(vec![off, ape()]), [None, None]);
}

#[test]
fn mountinfo_with_escapes_shares_and_bad_lines() {
    let text = "22 27 0:21 / /proc rw - proc proc rw\n\
        64 22 0:40 / /proc/sys/fs/binfmt_misc rw,relatime shared:7 - binfmt_misc systemd-1 rw\n\
        70 22 0:21 /sys/fs/binfmt_misc /host\\040table rw shared:9 - proc proc rw\nnonsense\n";
    let mounts = mounts::parse(text);
    assert_eq!(mounts.len(), 3);
    assert_eq!(
        mounts::of_binfmt_misc(&mounts),
        [std::path::Path::new("/proc/sys/fs/binfmt_misc")]
    );
    assert_eq!(
        mounts::shared_binds(&mounts),
        [std::path::PathBuf::from("/host table")]
    );
}

#[test]
fn kernel_releases() {
    let v = |text| KernelVersion::parse(text);
    assert!(v("6.7.0") >= KernelVersion::NAMESPACED);
    assert!(v("6.6.99-generic") < KernelVersion::NAMESPACED);
    assert!(v("5.12-rc1") >= KernelVersion::ARGV0_TOLD);
    assert_eq!(v("odd").to_string(), "0.0");
}

proptest! {
    #[test]
    fn reading_never_panics(text in "\\PC{0,200}", name in "\\PC{0,20}") {
        let _ = parse_entry(&name, &text);
        let _ = mounts::parse(&text);
        let _ = KernelVersion::parse(&text);
    }

    #[test]
    fn reading_an_entry_of_odd_bytes_never_panics(
        lines in prop::collection::vec("(enabled|disabled|interpreter |flags: |offset |magic |mask |extension )[0-9a-f. ]{0,90}", 0..8)
    ) {
        let entry = parse_entry("x", &lines.join("\n"));
        let _ = ask(&entry, &[0x7f], "f");
    }
}
