//! Real code: every word of it is an instruction, the one that LLVM says.
//!
//! Of archives of object files, whose symbols tell code and data apart: of the cross
//! compiler by default, of Debian's packages in the long form, whose page of counts
//! `cargo xtask decode-real` keeps as results/real-code.md (`ARMISTICE_RESULTS` names a folder).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use armistice_a32::decode::{Insn, State, decode};
use isa::debian::{Packages, SUITE, files};

use crate::{differences, elf};

/// What was found in the code of some files.
#[derive(Default)]
struct Found {
    objects: usize,
    /// How often each word occurs, in A32 and T32 state.
    words: [BTreeMap<u32, usize>; 2],
}

impl Found {
    /// Adds an archive or an object file.
    fn take(&mut self, file: &[u8]) {
        let objects = elf::objects(file);
        self.objects += objects.len();
        for (state, word) in objects.into_iter().flat_map(elf::code) {
            let words = &mut self.words[usize::from(state == State::Thumb)];
            *words.entry(word).or_default() += 1;
        }
    }

    /// Adds what was found elsewhere.
    fn add(&mut self, other: Self) {
        self.objects += other.objects;
        for (sum, words) in self.words.iter_mut().zip(other.words) {
            for (word, count) in words {
                *sum.entry(word).or_default() += count;
            }
        }
    }

    /// The distinct words of each state.
    fn words(&self) -> impl Iterator<Item = (State, u32, usize)> {
        let states = [State::Arm, State::Thumb].into_iter().zip(&self.words);
        states.flat_map(|(state, words)| words.iter().map(move |(&w, &n)| (state, w, n)))
    }

    /// Every word is what LLVM says, but for the known differences, and there is none that is no
    /// instruction, but for those out of scope.
    fn is_what_llvm_says(&self, name: &str) {
        for (state, words) in [State::Arm, State::Thumb].into_iter().zip(&self.words) {
            let words: Vec<u32> = words.keys().copied().collect();
            let found = differences::beside_the_known(state, &words);
            assert!(found.is_empty(), "{name}: {state:?}: {found:08x?}");
        }
        let unknown = self.words().filter(|&(state, word, _)| {
            decode(state, word).is_none() && out_of_scope(word).is_none()
        });
        let unknown: Vec<_> = unknown.collect();
        assert!(unknown.is_empty(), "{name}: {unknown:08x?}");
    }

    /// The columns of the page.
    fn columns(&self) -> String {
        let [a32, t32] = self
            .words
            .each_ref()
            .map(|words| words.values().sum::<usize>());
        let mut rows = BTreeSet::new();
        let mut out = BTreeMap::<&str, usize>::new();
        for (state, word, count) in self.words() {
            match decode(state, word) {
                Some(insn) => {
                    rows.insert(row(insn));
                }
                None => *out.entry(out_of_scope(word).unwrap_or("-")).or_default() += count,
            }
        }
        let out: Vec<_> = out.iter().map(|(rule, n)| format!("{n} {rule}")).collect();
        let (objects, rows) = (self.objects, rows.len());
        format!(
            "{objects} | {a32} | {t32} | {rows} | 0 | {} |",
            out.join(", ")
        )
    }
}

/// What is undefined at EL0: libraries reach it after a look at HWCAP, or try it. Both states have
/// coprocessors in the same places.
const fn out_of_scope(word: u32) -> Option<&'static str> {
    if word & 0x0e00_0e00 == 0x0c00_0000 {
        // LDC and STC of coprocessors 0 and 1.
        Some("iWMMXt")
    } else if word & 0x0fef_0f10 == 0x0e09_0f10 {
        // MCR and MRC of CP15's C9.
        Some("performance monitors")
    } else {
        None
    }
}

/// A row's name with its table.
fn row(insn: Insn) -> String {
    let table = match insn {
        Insn::A32(_) => "A32",
        Insn::T32(_) => "T32",
        Insn::T16(_) => "T16",
        Insn::Fp(..) => "FP",
        Insn::Simd(_) => "SIMD",
    };
    format!("{table}.{}", insn.name())
}

/// The cross compiler's libraries; the folder is Debian's.
const LIBRARIES: &str = "/usr/arm-linux-gnueabihf/lib";

#[test]
fn libraries_are_all_instructions() {
    for name in ["libc.a", "libm.a"] {
        let path = Path::new(LIBRARIES).join(name);
        let file = std::fs::read(&path).unwrap_or_else(|error| {
            panic!("{}: {error}. Install it: apt-get install libc6-dev-armhf-cross (`cargo xtask test` does so)", path.display())
        });
        let mut found = Found::default();
        found.take(&file);
        assert!(found.objects > 100, "{name}");
        println!("{name}: {}", found.columns());
        found.is_what_llvm_says(name);
    }
}

/// What to look at, for both: what the project promises to run, and what has code by hand.
const PACKAGES: &[&str] = &[
    "libstdc++-14-dev",
    "libgcc-14-dev",
    "libpython3.13-dev",
    "libffi-dev",
    "libgcrypt20-dev",
    "libgmp-dev",
    "libsodium-dev",
    "libsqlite3-dev",
    "libzstd-dev",
    "nettle-dev",
];

/// For armhf alone: Advanced SIMD, and compilers of other languages; and those of which Debian's server
/// named a version for armel that it did not have.
const HARD_FLOAT: &[&str] = &[
    "libavcodec-dev",
    "libc6-dev",
    "libfftw3-dev",
    "libjpeg62-turbo-dev",
    "libluajit-5.1-dev",
    "libopenblas-pthread-dev",
    "libopus-dev",
    "libspeexdsp-dev",
    "libssl-dev",
    "libstd-rust-dev",
    "libswscale-dev",
    "libvpx-dev",
    "libx264-dev",
    "zlib1g-dev",
];

/// For armel alone: the cross compiler's libc.
const SOFT_FLOAT: &[&str] = &["libc6-dev-armel-cross"];

#[test]
#[cfg_attr(not(armistice_long), ignore = "fetches from Debian: ARMISTICE_LONG=1")]
fn debian_objects_are_what_llvm_says() {
    let (mut all, mut table) = (Found::default(), String::new());
    for (architecture, more) in [("armhf", HARD_FLOAT), ("armel", SOFT_FLOAT)] {
        let packages = [PACKAGES, more].concat();
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("debian-{architecture}"));
        let debian = Packages::fetch(root, architecture, &packages);
        for package in packages {
            let mut found = Found::default();
            for path in files(&debian.folder(package)) {
                found.take(&std::fs::read(path).unwrap());
            }
            assert!(found.objects > 0, "{package} has no objects");
            let version = debian.version(package);
            let columns = found.columns();
            println!("{architecture} {package} {version}: {columns}");
            found.is_what_llvm_says(package);
            writeln!(table, "| {architecture} {package} {version} | {columns}").unwrap();
            all.add(found);
        }
    }
    if let Some(folder) = std::env::var_os("ARMISTICE_RESULTS") {
        let place = Path::new(&folder).join("real-code.md");
        std::fs::write(place, page(&all, &table)).unwrap();
    }
}

/// The page of results, of a run that has passed: its column of unknown words
/// is 0 because anything else has failed the test.
fn page(all: &Found, table: &str) -> String {
    format!(
        "# Real code, decoded\n\nBy `cargo xtask decode-real`: every instruction of every object \
         file in these packages of Debian {SUITE},\nas mapping symbols tell A32, T32 and data \
         apart, against {}. Each word is the\ninstruction that LLVM says, but for \
         tests/decoder/llvm.differences; an unknown word fails the run. Out of scope is what is\nundefined at EL0: libraries reach it after a look at HWCAP, or try it.\n\n\
         | Package | Objects | A32 | T32 | Rows in use | Unknown | Out of scope |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | --- |\n| all | {}\n{table}",
        isa::llvm::version(),
        all.columns(),
    )
}
