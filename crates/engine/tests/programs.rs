//! Promise: what compilers make of C and C++ computes what it computes
//! natively, and what standards say it must: integers, floating point to the
//! bit, ciphers and digests, libc's string functions, jumps, exceptions, the
//! C++ library. Static, at all levels of optimising, which give very different
//! code.
//!
//! The sources are in `programs/`, and in benches/engine. Each program is
//! compiled for this machine too, and both print the same; where an answer is
//! known from elsewhere, it stands here. Needs Debian's cross compilers, which
//! `cargo xtask test` installs.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::compiled::{self, Target};
use common::engine;
use tempfile::TempDir;

const LEVELS: [&str; 4] = ["-O0", "-O1", "-O2", "-O3"];

/// A source, by its path from `programs/`.
struct Source {
    path: &'static str,
    flags: &'static [&'static str],
}

const fn source(path: &'static str) -> Source {
    Source { path, flags: &[] }
}

/// Same bits everywhere: no contraction, no folding of what rounding modes
/// change.
const EXACT: &[&str] = &["-ffp-contract=off", "-frounding-math"];

impl Source {
    fn compile(&self, dir: &TempDir, target: Target, level: &str, more: &[&str]) -> PathBuf {
        let standard = if self.path.ends_with(".cc") {
            "-std=c++17"
        } else {
            "-std=gnu17"
        };
        let usual = [level, "-static", "-Wall", "-Wextra", standard, "-lm"];
        let flags = [&usual, self.flags, more].concat();
        let program = dir.path().join(format!("program{level}-{target:?}"));
        compiled::compile(target, self.path, &flags, program)
    }

    fn guest(&self, dir: &TempDir, level: &str, more: &[&str]) -> PathBuf {
        self.compile(dir, Target::Guest, level, more)
    }

    /// At all levels, with these arguments: what is printed is what the same
    /// prints natively. Returns that of the last level.
    fn as_native(&self, argument_lists: &[&[&str]]) -> String {
        let dir = TempDir::new().unwrap();
        let mut text = String::new();
        for level in LEVELS {
            let native = self.compile(&dir, Target::Host, level, &[]);
            let guest = self.guest(&dir, level, &[]);
            for arguments in argument_lists {
                text = printed(&Command::new(&native).args(*arguments).output().unwrap());
                assert!(!text.is_empty(), "{} {arguments:?}", self.path);
                let ours = printed(&ours(translated(level), &guest, arguments));
                same(
                    &ours,
                    &text,
                    &format!("{} {level} {arguments:?}", self.path),
                );
            }
        }
        text
    }

    /// At all levels: exactly this is printed.
    fn prints(&self, more: &[&str], expected: &str) {
        let dir = TempDir::new().unwrap();
        for level in LEVELS {
            let guest = self.guest(&dir, level, more);
            let text = printed(&ours(translated(level), &guest, &[]));
            same(&text, expected, &format!("{} {level} {more:?}", self.path));
        }
    }

    /// In the reference interpreter, which is slow: one level.
    fn interpreted(&self, arguments: &[&str]) -> String {
        let dir = TempDir::new().unwrap();
        let guest = self.guest(&dir, "-O2", &[]);
        printed(&ours(&["--interpret"], &guest, arguments))
    }
}

/// Everything is translated, but at one level, where it is as for users: what
/// runs a few times only is interpreted.
fn translated(level: &str) -> &'static [&'static str] {
    if level == "-O1" { &[] } else { &["--eager"] }
}

fn ours(options: &[&str], guest: &Path, arguments: &[&str]) -> Output {
    engine()
        .args(options)
        .arg(guest)
        .args(arguments)
        .output()
        .unwrap()
}

/// What a run has printed, which has to have ended well.
#[track_caller]
fn printed(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {error}", output.status);
    assert_eq!(error, "");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Compares line by line, for messages that can be read.
#[track_caller]
fn same(ours: &str, expected: &str, what: &str) {
    for (i, (left, right)) in ours.lines().zip(expected.lines()).enumerate() {
        assert_eq!(left, right, "{what}: line {}", i + 1);
    }
    assert_eq!(ours.lines().count(), expected.lines().count(), "{what}");
}

const INTEGER: Source = source("../../../../benches/engine/integer.c");

#[test]
fn integer_kernels() {
    let kernels: [&[&str]; 5] = [
        &["mixed", "50"],
        &["list", "60"],
        &["matrix", "300"],
        &["state", "300"],
        &["crc", "300"],
    ];
    INTEGER.as_native(&kernels);
    let interpreted = INTEGER.interpreted(&["mixed", "1"]);
    let dir = TempDir::new().unwrap();
    let guest = INTEGER.guest(&dir, "-O2", &[]);
    same(
        &interpreted,
        &printed(&ours(&["--eager"], &guest, &["mixed", "1"])),
        "interpreted",
    );
}

/// Carries in the flags across multiplications and rounds of loops.
#[test]
fn big_number_kernels() {
    let kernels: [&[&str]; 3] = [
        &["montgomery", "50"],
        &["chained", "50"],
        &["schoolbook", "100"],
    ];
    source("../../../../benches/engine/bignum.c").as_native(&kernels);
}

/// A fault amid products, sums and carries is handled, and the loop goes on.
#[test]
fn products_across_faults() {
    let text = source("products.c").as_native(&[&[]]);
    assert!(text.ends_with("\n160 faults\n"), "{text}");
}

#[test]
fn call_kernels() {
    source("../../../../benches/engine/calls.c").as_native(&[
        &["fib", "1"],
        &["ackermann", "2"],
        &["switch", "5000"],
        &["threaded", "5000"],
        &["pointers", "5000"],
        &["qsort", "2"],
        &["scripted", "1"],
    ]);
}

#[test]
fn floating_point_kernels() {
    let kernels = Source {
        path: "../../../../benches/engine/float.c",
        flags: &["-ffp-contract=off"],
    };
    kernels.as_native(&[
        &["nbody", "5000"],
        &["mandelbrot", "60"],
        &["matrix", "10"],
        &["fused", "10"],
        &["fourier", "50"],
        &["saxpy", "500"],
        &["dot", "500"],
    ]);
}

#[test]
fn simd_kernels() {
    source("../../../../benches/engine/simd.c").as_native(&[
        &["search", "2000"],
        &["blend", "300"],
        &["multiply", "500"],
        &["table", "500"],
        &["difference", "500"],
        &["dot", "500"],
        &["plain", "200"],
    ]);
}

#[test]
fn string_kernels() {
    source("../../../../benches/engine/strings.c").as_native(&[
        &["memcpy", "300"],
        &["memmove", "300"],
        &["memset", "300"],
        &["strlen", "300"],
        &["memcmp", "300"],
        &["strchr", "300"],
        &["strcmp", "300"],
    ]);
}

#[test]
fn floating_point_bit_by_bit() {
    let text = Source {
        path: "numbers.c",
        flags: EXACT,
    }
    .as_native(&[&[]]);
    // Euler's number correctly rounded, and what only Arm does.
    assert!(text.contains(" e 4005bf0a8b14576"), "{text}");
    assert!(text.ends_with("\nown\n"), "{text}");
}

#[test]
fn wide_integers_and_quadruple_precision() {
    let text = source("wide.c").as_native(&[&[]]);
    assert!(text.contains(" 295232799039604140847618609643520000000\n"));
    // e in quadruple precision, by its first 64 bits.
    assert!(text.contains(" e 40005bf0a8b14576"), "{text}");
}

/// What an arm64 program prints besides: its long double is quadruple.
const QUADRUPLE: &str = "\
0.3333333333333333333333333333333333
3.141592653589793238462643383279503e+00
0.333333
0x1.5555555555555555555555555555p-2
1000000000000000000000000000000.500 0.000000
";

#[test]
fn printf_in_all_formats() {
    let source = Source {
        path: "printed.c",
        flags: EXACT,
    };
    let dir = TempDir::new().unwrap();
    for level in LEVELS {
        let native = source.compile(&dir, Target::Host, level, &[]);
        let expected = printed(&Command::new(native).output().unwrap());
        assert!(expected.contains("%.17g|0.10000000000000001|\n"));
        assert!(!expected.contains("read back"), "{expected}");
        let text = printed(&ours(
            translated(level),
            &source.guest(&dir, level, &[]),
            &[],
        ));
        same(&text, &(expected + QUADRUPLE), level);
    }
}

/// FIPS 197, appendix C; FIPS 180-4's and FIPS 202's examples (the last, of a
/// thousand letters, by Python's hashlib); RFC 8439, 2.3.2 and 2.4.2; the check
/// values of both CRCs.
const CRYPTO: &str = "\
aes-128 69c4e0d86a7b0430d8cdb78070b4c55a
 back 00112233445566778899aabbccddeeff
 again 00112233445566778899aabbccddeeff
aes-192 dda97ca4864cdfe06eaf70a0ec0d7191
 back 00112233445566778899aabbccddeeff
 again 00112233445566778899aabbccddeeff
aes-256 8ea2b7ca516745bfeafc49904b496089
 back 00112233445566778899aabbccddeeff
 again 00112233445566778899aabbccddeeff
nothing
 sha-1 da39a3ee5e6b4b0d3255bfef95601890afd80709
 sha-256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
 sha-512 cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e
abc
 sha-1 a9993e364706816aba3e25717850c26c9cd0d89d
 sha-256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
 sha-512 ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f
two blocks
 sha-1 84983e441c3bd26ebaae4aa1f95129e5e54670f1
 sha-256 248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1
 sha-512 204a8fc6dda82f0a0ced7beb8e08a41657c16ef468b228a8279be331a703c33596fd15c13b1b07f9aa1d3bea57789ca031ad85c7a71dd70354ec631238ca3445
a million
 sha-1 34aa973cd4c4daa4f61eeb2bdbad27316534016f
 sha-256 cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0
 sha-512 e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b
sha3-256 a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a
sha3-256 3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532
sha3-256 8f3934e6f7a15698fe0f396b95d8c4440929a8fa6eae140171c068b4549fbf81
chacha20 block 10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4ed2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e
chacha20 6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab8f593dabcd62b3571639d624e65152ab8f530c359f0861d807ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab77937365af90bbf74a35be6b40b8eedf2785e42874d
crc32 cbf43926
crc32c e3069283
";

#[test]
fn crypto_in_c() {
    source("crypto.c").prints(&[], CRYPTO);
}

#[test]
fn crypto_by_instructions() {
    let flags = ["-march=armv8-a+crypto+crc", "-DINTRINSICS"];
    source("crypto.c").prints(&flags, CRYPTO);
    // And those for SHA-512 and SHA-3.
    let flags = ["-march=armv8.2-a+crypto+sha3", "-DINTRINSICS"];
    source("crypto.c").prints(&flags, CRYPTO);
}

const TEXT: Source = Source {
    path: "text.c",
    flags: &["-fno-builtin"],
};

#[test]
fn string_functions_over_all_alignments() {
    TEXT.prints(&[], "507456 checks\n");
}

#[test]
fn string_functions_interpreted() {
    let dir = TempDir::new().unwrap();
    let native = TEXT.compile(&dir, Target::Host, "-O2", &[]);
    let expected = printed(&Command::new(native).arg("13").output().unwrap());
    same(&TEXT.interpreted(&["13"]), &expected, "interpreted");
}

const FRAMES: &str = "\
outer 0: 0, 1.5 2.5 -3.25, 11 22 33
outer 1: 1, 1.5 2.5 -3.25, 11 22 33
outer 2: 2, 1.5 2.5 -3.25, 11 22 33
outer 3: 3, 1.5 2.5 -3.25, 11 22 33
sum 266, unwound 0
 1 2 3 4 5 6 7 8 9 10 again 1
 1 2 3 4 5 6 7 8 9 10
 1 1.5 2 2.5 3 3.5 4 4.5 5 5.5 6 6.5 7 7.5 8 8.5 9 9.5 10 10.5 again 1
 1.5 2 3.5 4 5.5 6.5
 (1.25 -2.5) {1 5} (1.25 -2.5) xyz (1.25 -2.5) fffffffffffffffb:7 (1.25 -2.5) {1 5} (1.25 -2.5)
 1 fffffffffffffffb:7 2 fffffffffffffffb:7 3 fffffffffffffffb:7 again 1
 1 0.1 a 2 0.2 b 3 0.3 c 4 0.4 d 5 0.5 e
1 two 3.000 4 5 6.5 77 eight 9 10 11.25
apple banana cherry date fig pear
";

#[test]
fn jumps_and_variable_arguments() {
    let frames = source("frames.c");
    frames.prints(&[], FRAMES);
    same(&frames.interpreted(&[]), FRAMES, "interpreted");
}

const THROWS: &str = "\
int 42, alive 0, most 2
exception deep, alive 0, most 9
left of both 1, alive 0, most 16
string text, alive 0, most 23
range, alive 0, most 30
exception of memory, alive 0, most 37
something, alive 0, most 44
2450
, alive 0, most 51
half, alive 0
right 2 of both; inner 7; again both, alive 0
nested none
through qsort: yes
try 1
try 2
once 3
sum 51000
bad cast, 1
";

#[test]
fn exceptions() {
    source("throws.cc").prints(&[], THROWS);
}

#[test]
fn cpp_library() {
    let text = source("library.cc").as_native(&[&[]]);
    // mt19937's first number of seed 1, and what any library prints.
    assert!(text.contains("\n1791095845 "), "{text}");
    assert!(text.contains("29.02.2024 31.12.2025 from <2024>"), "{text}");
}
