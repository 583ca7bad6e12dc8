//! Sequences of 32-bit Arm, `arm.in`, and their host code, `arm.txt`.
//!
//! A title says whether they are T32, and whether FPSCR asks to flush denormals (FZ).

use std::fmt::Write as _;

use a32::Aarch32;
use a32::lift::{FLUSHES, THUMB};
use armistice_engine::inspect::guest::GuestInsn;
use guest::Guest as _;
use ir::Mode;
use x64::features::HostFeatures;
use x64::lower::Options;

use crate::translated::{self, HEAD, Translated};
use crate::{HOSTS, compare, counted, elsewhere, features, said_once, sequences_of};

/// The mode that a title names.
fn mode(title: &str) -> Mode {
    Mode::PLAIN
        .with(THUMB, title.ends_with(" (T32)"))
        .with(FLUSHES, title.ends_with(" (FZ)"))
}

fn translated(mode: Mode, words: &[u32], host: HostFeatures) -> Translated<Aarch32> {
    let lifter = Aarch32::lifter(mode, None);
    Translated::of(&lifter, HEAD, words, host, Options::default())
}

#[test]
fn arm_sequences() {
    let mut text = String::new();
    for (title, words) in sequences_of("arm.in") {
        let (mode, mut pc) = (mode(&title), HEAD);
        let _ = writeln!(text, "== {title}");
        for &word in &words {
            let length = translated::length(&Aarch32::lifter(mode, None), word);
            let digits = if length == 2 { 4 } else { 8 };
            let insn = GuestInsn::<Aarch32>::new(mode, word);
            let _ = writeln!(text, "{pc:x} {word:0digits$x} {insn}");
            pc += length;
        }
        said_once(
            HOSTS.map(|(_, host)| translated(mode, &words, host).text()),
            &mut text,
        );
        text.push('\n');
    }
    if let Err(difference) = compare("arm.txt", &counted(&text)) {
        panic!("{difference}run with ARMISTICE_BLESS=1 and read the difference");
    }
}

/// Code says where the guest's lies in its relocations and nowhere else, in numbers of 32 bits, too.
#[test]
fn code_of_arm_is_the_same_elsewhere() {
    let mut relocated = 0;
    for (_, host) in HOSTS {
        for (title, words) in sequences_of("arm.in") {
            relocated += elsewhere::check::<Aarch32>(mode(&title), HEAD, &words, host);
        }
    }
    assert!(relocated > 100, "only {relocated} relocations");
}

/// On each host no instruction comes out that it lacks.
#[test]
fn hosts_have_the_instructions_of_arm() {
    let hosts = HOSTS.map(|(_, host)| host);
    for host in hosts.into_iter().chain(features::hosts()) {
        for (title, words) in sequences_of("arm.in") {
            features::check(&translated(mode(&title), &words, host), &host);
        }
    }
}
