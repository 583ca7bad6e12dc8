//! Debian's arm64 programs (long form).
//!
//! `ARMISTICE_RESULTS` names a folder for the page of counts, which
//! `cargo xtask decode-real` keeps as results/real-code.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use armistice_a64::decode::Op;
use isa::debian::{Packages, SUITE, files};

use crate::programs::Found;
use crate::{elf, programs};

/// What to look at: what the project promises to run, and by kind what is
/// likely to have rare instructions.
const PACKAGES: &[&str] = &[
    // Promised.
    "libc6",
    "libstdc++6",
    "libssl3t64",
    "libnode115",
    "golang-1.24-go",
    "python3.13-minimal",
    "libpython3.13",
    // Compilers, and other languages' own code generators and runtimes.
    "cpp-14-aarch64-linux-gnu",
    "erlang-base",
    "libgfortran5",
    "libjavascriptcoregtk-4.1-0",
    "libllvm19",
    "libluajit-5.1-2",
    "libmozjs-128-0",
    "libruby3.3",
    "libstd-rust-1.85",
    "mono-runtime-sgen",
    "openjdk-21-jre-headless",
    "perl-base",
    "php8.4-cli",
    "sbcl",
    // Cryptography, compression, long numbers and matrices by hand.
    "libfftw3-double3",
    "libgcrypt20",
    "libgmp10",
    "libgnutls30t64",
    "libnettle8t64",
    "libopenblas0-pthread",
    "libsodium23",
    "libzstd1",
    // Video.
    "libaom3",
    "libavcodec61",
    "libdav1d7",
    "libvpx9",
    "libx264-164",
    "libx265-215",
    // Servers and tools.
    "busybox",
    "libsqlite3-0",
    "mariadb-server-core",
    "postgresql-17",
    "systemd",
];

/// The counts of many files.
#[derive(Default)]
struct Sum {
    files: usize,
    words: usize,
    data: usize,
    rows: BTreeSet<&'static str>,
    out: BTreeMap<&'static str, usize>,
}

impl Sum {
    fn take(&mut self, found: &Found) {
        self.files += 1;
        self.words += found.words();
        self.data += found.data();
        self.rows.extend(found.rows().map(Op::name));
        for (rule, count) in found.out_of_scope() {
            *self.out.entry(rule).or_default() += count;
        }
    }

    /// The columns from the words on.
    fn columns(&self) -> String {
        let out: Vec<_> = self
            .out
            .iter()
            .map(|(rule, count)| format!("{count} {rule}"))
            .collect();
        format!(
            "{} | {} | {} | 0 | {} |",
            self.words,
            self.rows.len(),
            self.data,
            out.join(", ")
        )
    }
}

/// The page of results, of a run that has passed: its column of unknown words
/// is 0 because anything else has failed the test.
fn page(sum: &Sum, packages: &str, table: &str) -> String {
    let kinds = sum.columns();
    format!(
        "# Real code, decoded\n\nBy `cargo xtask decode-real`: every word of every executable \
         section of every AArch64\nELF file in these packages of Debian {SUITE}, against {}.\n\n\
         - *Unknown*: LLVM, told of the features that are advertised, has an instruction and the\n  \
         decoder none (but for tests/decoder/llvm.differences). Such a word fails the run.\n\
         - *Data*: no instruction to LLVM told of every feature: constants between functions.\n\
         - *Out of scope*: an instruction only to LLVM told of every feature; the rules and their\n  \
         encodings are in tests/decoder/scope.rs. Programs reach these after a look at HWCAP;\n  \
         constants look like them too.\n\n\
         | Package | Files | Words | Rows in use | Data | Unknown | Out of scope |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | --- |\n| all | {} | {kinds}\n{packages}\n\
         ## By file\n\n| File | Words | Rows in use | Data | Unknown | Out of scope |\n\
         | --- | ---: | ---: | ---: | ---: | --- |\n{table}",
        isa::llvm::version(),
        sum.files,
    )
}

#[test]
#[cfg_attr(not(armistice_long), ignore = "fetches from Debian: ARMISTICE_LONG=1")]
fn debian_programs_are_what_llvm_says() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("debian-arm64");
    let debian = Packages::fetch(root, "arm64", PACKAGES);
    let (mut all, mut packages, mut table) = (Sum::default(), String::new(), String::new());
    for package in PACKAGES {
        let place = debian.folder(package);
        let mut sum = Sum::default();
        for path in files(&place) {
            let file = std::fs::read(&path).unwrap();
            if !elf::is_aarch64(&file) {
                continue;
            }
            let name = path.strip_prefix(&place).unwrap().display().to_string();
            let found = programs::examine(&file);
            found.print(&format!("{package}: {name}"));
            found.has_no_disagreement();
            let mut one = Sum::default();
            one.take(&found);
            writeln!(table, "| {name} | {}", one.columns()).unwrap();
            sum.take(&found);
            all.take(&found);
        }
        assert!(sum.words > 0, "{package} has no code");
        let version = debian.version(package);
        writeln!(
            packages,
            "| {package} {version} | {} | {}",
            sum.files,
            sum.columns()
        )
        .unwrap();
    }
    println!("{} of {} rows occur", all.rows.len(), Op::COUNT);
    if let Some(folder) = std::env::var_os("ARMISTICE_RESULTS") {
        let place = Path::new(&folder).join("real-code.md");
        std::fs::write(place, page(&all, &packages, &table)).unwrap();
    }
}
