//! Code translated twice, for guest code that lies in two places.

use a64::Aarch64;
use a64::lift::A64;
use guest::Guest;
use iced_x86::{Decoder, DecoderOptions, OpKind, Register};
use ir::{Key, Mode};
use x64::features::HostFeatures;
use x64::lower::Options;

use crate::translated::{CALLS, HEAD, Translated};

/// How far the guest's code is moved: to where its addresses have 16, 32, 47 and 64
/// bits, the last such that they are negative numbers of 32.
const MOVES: [u64; 4] = [0x5000, 0x8000_0000, 0x5555_5555_0000, 0xffff_ffff_8000_0000];

/// The same where addresses have 32 bits: the last is such that they are negative numbers of these.
const MOVES_OF_32_BITS: [u64; 3] = [0x5000, 0x7654_0000, 0xfffd_0000];

fn moves<G: Guest>() -> &'static [u64] {
    match G::IGNORED >> 32 {
        0xffff_ffff => &MOVES_OF_32_BITS,
        _ => &MOVES,
    }
}

/// Checks that the code of words is the same wherever these lie, but for what is
/// listed, and gives how much is listed.
pub(crate) fn check<G: Guest>(mode: Mode, head: u64, words: &[u32], host: HostFeatures) -> usize {
    let translated = |moved: u64, options| -> Translated<G> {
        let guest = G::lifter(mode, Some(CALLS.wrapping_add(moved)));
        Translated::of(&guest, head.wrapping_add(moved), words, host, options)
    };
    let here = translated(0, Options::default());
    holds_no_host_address(&here, words);
    for &moved in moves::<G>() {
        let there = translated(moved, Options::default());
        same(&here, &there, moved, words);
    }
    in_place(&translated, head, words);
    here.lowered.relocations.list.len()
}

/// Code that is used in place is the same to the byte, and reaches nothing beside it but
/// what is listed.
fn in_place<G: Guest>(
    translated: &dyn Fn(u64, Options) -> Translated<G>,
    head: u64,
    words: &[u32],
) {
    let of = |moved: u64| {
        let options = Options {
            counters: None,
            base: Some((head & !0xfff).wrapping_add(moved)),
        };
        translated(moved, options)
    };
    let here = of(0);
    let lowered = &here.lowered;
    assert!(lowered.relocations.list.is_empty(), "{words:08x?}");
    for &moved in moves::<G>() {
        let there = of(moved);
        assert!(here.code == there.code, "{words:08x?} moved by {moved:#x}");
        assert_eq!(lowered.base_words, there.lowered.base_words);
    }
    let slots = lowered.exits.iter().filter_map(|exit| exit.slot);
    let mut listed: Vec<u32> = slots.chain(lowered.base_words.iter().copied()).collect();
    listed.sort_unstable();
    let mut relative = Vec::new();
    for insn in &mut Decoder::with_ip(64, &here.code, 0, DecoderOptions::NONE) {
        if insn.is_ip_rel_memory_operand() {
            relative.push(u32::try_from(insn.next_ip() - 4).unwrap());
        }
    }
    assert_eq!(relative, listed, "{words:08x?}");
    assert!(lowered.exits.iter().all(|exit| exit.slot.is_some()));
}

/// The same of code that counts its blocks.
pub(crate) fn check_counting(words: &[u32], host: HostFeatures) {
    let counting = Options {
        counters: Some(7),
        base: None,
    };
    let translated = |moved: u64| -> Translated<Aarch64> {
        let head = HEAD.wrapping_add(moved);
        Translated::of(&A64::default(), head, words, host, counting)
    };
    let here = translated(0);
    holds_no_host_address(&here, words);
    for moved in MOVES {
        same(&here, &translated(moved), moved, words);
    }
}

fn same<G>(here: &Translated<G>, there: &Translated<G>, moved: u64, words: &[u32]) {
    let text = || format!("{words:08x?} moved by {moved:#x}");
    let (from, to) = (&here.lowered, &there.lowered);
    let (list, origin) = (&from.relocations.list, to.relocations.origin);
    assert_eq!(*list, to.relocations.list, "{}", text());
    let mut code = here.code.clone();
    if !list.is_empty() {
        assert_ne!(code, there.code, "{}", text());
    }
    from.relocations.apply(&mut code, origin);
    assert!(code == there.code, "the code differs: {}", text());
    // What is known of the code is the same, too.
    let key = |key: Key| (key.pc.wrapping_add(moved), key.mode);
    let exits = |of: &x64::lower::Lowered| -> Vec<_> {
        let places = |exit: &x64::lower::Exit| (exit.patch, exit.thunk, exit.number);
        of.exits.iter().map(places).collect()
    };
    assert_eq!(exits(from), exits(to), "{}", text());
    for (a, b) in from.exits.iter().zip(&to.exits) {
        assert_eq!(key(a.target), (b.target.pc, b.target.mode), "{}", text());
    }
    assert_eq!(from.faults.len(), to.faults.len(), "{}", text());
    for (a, b) in from.faults.iter().zip(&to.faults) {
        let pc = a.pc.wrapping_add(moved);
        assert_eq!((a.host, pc), (b.host, b.pc), "{}", text());
        assert_eq!(a.flags, b.flags, "{}", text());
    }
    assert_eq!(from.entries.len(), to.entries.len(), "{}", text());
    for (a, b) in from.entries.iter().zip(&to.entries) {
        let pc = a.pc.wrapping_add(moved);
        assert_eq!((a.offset, pc), (b.offset, b.pc), "{}", text());
    }
}

/// No operand is relative to where the code lies, or an address of the host's, and no
/// branch leaves the code: it may lie anywhere.
fn holds_no_host_address<G>(translated: &Translated<G>, words: &[u32]) {
    let length = translated.code.len() as u64;
    for insn in &mut Decoder::with_ip(64, &translated.code, 0, DecoderOptions::NONE) {
        for operand in insn.op_kinds() {
            match operand {
                OpKind::Memory => {
                    let (base, index) = (insn.memory_base(), insn.memory_index());
                    assert_ne!(base, Register::RIP, "{words:08x?}: {insn}");
                    let absolute = base == Register::None && index == Register::None;
                    assert!(!absolute, "{words:08x?}: {insn}");
                }
                // An exit that is not linked is patched.
                OpKind::NearBranch64 => {
                    assert!(insn.near_branch64() < length, "{words:08x?}: {insn}");
                }
                _ => {}
            }
        }
    }
}
