//! What people type leads to the right row.

use armistice_arch::name::{Platform, find};
use armistice_arch::{ARCHES, Arch};

#[test]
fn every_name_of_every_row_finds_it() {
    for a in ARCHES {
        let names = [a.name, a.entry_name().leak()];
        for name in names
            .into_iter()
            .chain(a.platforms.iter().copied())
            .chain(a.aliases.iter().copied())
        {
            assert_eq!(find(name).map(|f| f.name), Ok(a.name), "by {name}");
        }
        if let Some(debian) = a.debian {
            assert_eq!(
                find(debian).map(|f| f.name),
                Ok(a.name),
                "by Debian's {debian}"
            );
        }
    }
}

#[test]
fn spellings_that_containerd_normalises() {
    for (typed, normal) in [
        ("aarch64", "linux/arm64"),
        ("arm64/v8", "linux/arm64"),
        ("linux/arm64/8", "linux/arm64"),
        ("LINUX/ARM64", "linux/arm64"),
        ("arm64/v9", "linux/arm64/v9"),
        ("arm", "linux/arm/v7"),
        ("arm/7", "linux/arm/v7"),
        ("arm/v6", "linux/arm/v6"),
        ("armhf", "linux/arm/v7"),
        ("armel", "linux/arm/v6"),
        ("x86_64", "linux/amd64"),
        ("amd64/v1", "linux/amd64"),
        ("amd64/v3", "linux/amd64/v3"),
        ("i386", "linux/386"),
        ("windows/amd64", "windows/amd64"),
    ] {
        assert_eq!(
            Platform::parse(typed).map(|p| p.to_string()).as_deref(),
            Some(normal),
            "{typed}"
        );
    }
    for bad in ["", "/", "linux/", "a/b/c/d"] {
        assert_eq!(Platform::parse(bad), None, "{bad}");
    }
}

#[test]
fn variants_lead_to_the_row_of_their_architecture() {
    for (typed, name) in [
        ("linux/arm64/v9", "aarch64"),
        ("amd64/v3", "x86_64"),
        ("linux/arm/v5", "arm"),
        ("ppc64el", "ppc64le"),
        ("loong64", "loongarch64"),
        ("loongarch64", "loongarch64"),
        ("qemu-riscv64", "riscv64"),
        ("386", "i386"),
        ("i686", "i386"),
        ("armv7l", "arm"),
        ("mips64le", "mips64el"),
    ] {
        assert_eq!(find(typed).map(|a| a.name), Ok(name), "{typed}");
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let error = find("aarch46").unwrap_err();
    assert_eq!(error.nearest.first(), Some(&"aarch64"));
    assert!(
        error
            .to_string()
            .starts_with("unknown architecture 'aarch46'; did you mean aarch64")
    );
    assert!(
        find("zzz")
            .unwrap_err()
            .to_string()
            .starts_with("unknown architecture 'zzz'; known are the names of Docker (arm64")
    );
    assert!(find("windows/arm64").is_err());
}

#[test]
fn names_are_unique_and_the_host_is_in_the_table() {
    for (i, a) in ARCHES.iter().enumerate() {
        assert!(
            ARCHES[i + 1..].iter().all(|b| b.name != a.name),
            "{} twice",
            a.name
        );
        assert!(
            Arch::by_name(a.emulator).is_some(),
            "{} is run by a row",
            a.name
        );
    }
    assert_eq!(Arch::host().name, std::env::consts::ARCH);
}
