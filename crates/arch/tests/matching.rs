//! Which platform of an image is taken.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

use armistice_arch::Platform;

fn platform(text: &str) -> Platform {
    Platform::parse(text).unwrap()
}

/// The platforms that serve, the best first.
fn serving(wanted: &str, there: &[&str]) -> Vec<String> {
    let wanted = platform(wanted);
    let mut found: Vec<(u32, String)> = there
        .iter()
        .filter_map(|p| Some((platform(p).distance_from(&wanted)?, (*p).to_owned())))
        .collect();
    found.sort();
    found.into_iter().map(|(_, p)| p).collect()
}

const ALL: &[&str] = &[
    "linux/386",
    "linux/amd64",
    "linux/amd64/v2",
    "linux/amd64/v3",
    "linux/arm/v5",
    "linux/arm/v6",
    "linux/arm/v7",
    "linux/arm64",
    "linux/arm64/v8.1",
    "linux/arm64/v9",
    "linux/riscv64",
    "linux/s390x",
    "windows/amd64",
    "windows/arm64",
];

#[test]
fn the_same_architecture_only_and_the_nearest_variant_first() {
    assert_eq!(serving("arm64", ALL), ["linux/arm64"]);
    assert_eq!(
        serving("arm64/v9", ALL),
        ["linux/arm64/v9", "linux/arm64/v8.1", "linux/arm64"]
    );
    assert_eq!(
        serving("arm64/v8.4", ALL),
        ["linux/arm64/v8.1", "linux/arm64"]
    );
    assert_eq!(
        serving("arm/v7", ALL),
        ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]
    );
    assert_eq!(serving("armel", ALL), ["linux/arm/v6", "linux/arm/v5"]);
    assert_eq!(serving("amd64", ALL), ["linux/amd64"]);
    assert_eq!(
        serving("amd64/v3", ALL),
        ["linux/amd64/v3", "linux/amd64/v2", "linux/amd64"]
    );
    assert_eq!(serving("riscv64", ALL), ["linux/riscv64"]);
    assert_eq!(serving("386", ALL), ["linux/386"]);
    assert_eq!(serving("mips64le", ALL), [] as [&str; 0]);
}

#[test]
fn arm64_is_never_served_by_32_bit_arm() {
    for wanted in ["arm64", "arm64/v8", "arm64/v9.2"] {
        assert!(serving(wanted, &["linux/arm/v8", "linux/arm/v7", "linux/amd64"]).is_empty());
    }
}

#[test]
fn odd_variants_serve_only_themselves() {
    assert_eq!(serving("arm64/vx", &["arm64/vx", "arm64"]), ["arm64/vx"]);
    assert!(serving("arm64", &["arm64/v8.99999999999", "arm64/v10"]).is_empty());
    assert!(serving("ppc64le/power9", &["ppc64le/power8"]).is_empty());
}
