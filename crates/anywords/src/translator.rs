//! What translating promises of any words: no panic, blocks of the words that are there, host code
//! of whole instructions whose every access to guest memory can be told from where it faults, exits
//! that can be patched in one write, and the same code wherever the words lie.

use std::collections::BTreeSet;

use engine::translator::vcpu::layout;
use guest::Guest;
use guest::memory::Size;
use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess,
    Register,
};
use ir::form::{Former, Limits, Source};
use ir::live::Live;
use ir::region::Block;
use ir::{Key, Mode, Region, Term};
use x64::convention::Convention;
use x64::features::HostFeatures;
use x64::lower::{Lowered, Lowerer, Options};

use crate::Words;

/// Where the words are taken to lie, and where they are translated once more.
const PLACES: [u64; 2] = [0x4000_0000, 0x9555_0000];

/// Words of a mode from an address on.
struct Placed<'a, G> {
    mode: Mode,
    base: u64,
    bytes: &'a [u8],
    guest: std::marker::PhantomData<G>,
}

impl<G: Guest> Placed<'_, G> {
    fn read(&self, pc: u64, size: Size) -> Option<u32> {
        let at = usize::try_from(pc.checked_sub(self.base)?).ok()?;
        let length = usize::try_from(size.bytes()).ok()?;
        let bytes = self.bytes.get(at..)?.get(..length)?;
        let value = bytes.iter().rev();
        Some(value.fold(0, |value, &byte| value << 8 | u32::from(byte)))
    }
}

impl<G: Guest> Source for Placed<'_, G> {
    fn fetch(&self, pc: u64) -> Option<u32> {
        G::fetch(self.mode, pc, |pc, size| self.read(pc, size).ok_or(())).ok()
    }

    fn translated(&self, pc: u64) -> bool {
        // Some of what is outside, and nothing inside.
        self.fetch(pc).is_none() && pc & 8 == 0
    }
}

/// Translates words from the one of the number `head` on, in this mode and for this host.
///
/// # Panics
/// When the promise is not kept.
pub fn translate<G: Words>(words: &[u32], head: usize, mode: Mode, host: HostFeatures) {
    let (mut bytes, mut start) = (Vec::new(), 0);
    for (n, &word) in words.iter().enumerate() {
        if n == head {
            start = bytes.len() as u64;
        }
        G::put(mode, word, &mut bytes);
    }
    let at = |base| Placed::<G> {
        mode,
        base,
        bytes: &bytes,
        guest: std::marker::PhantomData,
    };
    let [here, there] = PLACES.map(at);
    let apart = Options::default();
    let (region, lowered, code) = translate_at(&here, start, host, apart);
    let walked = Walked::new(&here, &region);
    walked.check(start);
    Code::new(&walked, &lowered, &code).check();
    // Elsewhere it is the same, but for what is listed.
    let (_, moved, expected) = translate_at(&there, start, host, apart);
    let mut code = code;
    lowered
        .relocations
        .apply(&mut code, moved.relocations.origin);
    assert_eq!(lowered.relocations.list, moved.relocations.list);
    assert!(code == expected, "the code is another elsewhere");
    // And what many processes use in place is the same to the byte.
    let [here, there] = [&here, &there].map(|placed| {
        let base = Some(placed.base);
        let in_place = Options { base, ..apart };
        let (_, lowered, code) = translate_at(placed, start, host, in_place);
        (lowered.base_words, code)
    });
    assert!(here == there, "the code in place is another elsewhere");
}

/// Translates the words of a place, from so many bytes behind its start on.
fn translate_at<G: Words>(
    placed: &Placed<'_, G>,
    start: u64,
    host: HostFeatures,
    options: Options,
) -> (Region, Lowered, Vec<u8>) {
    let (mut region, mut lowered) = (Region::default(), Lowered::default());
    let limits = Limits { insns: 512 };
    let lifter = G::lifter(placed.mode, None);
    Former::default().form(&lifter, placed, placed.base + start, limits, &mut region);
    let mut lowerer = Lowerer::new(Convention::new(layout::<G>(), host));
    // What is live elsewhere is different from place to place.
    let outside =
        |key: Key| [Live::Dead, Live::Weak, Live::Live, Live::Live][(key.pc >> 2 & 3) as usize];
    lowerer.lower(&region, options, outside, &mut lowered);
    let code = lowerer.asm.code().to_vec();
    (region, lowered, code)
}

/// A region and where its instructions are.
struct Walked<'a, G> {
    placed: &'a Placed<'a, G>,
    region: &'a Region,
    /// Of each block the addresses of its instructions, and of what is behind them.
    addresses: Vec<Vec<u64>>,
}

impl<'a, G: Words> Walked<'a, G> {
    fn new(placed: &'a Placed<'a, G>, region: &'a Region) -> Self {
        let mut words = region.words.iter();
        let addresses = |block: &Block| {
            let mut addresses = vec![block.pc];
            let mut pc = block.pc;
            for &word in words.by_ref().take(block.insns as usize) {
                assert_eq!(Some(word), placed.fetch(pc), "another word at {pc:#x}");
                pc += G::length(placed.mode, word);
                addresses.push(pc);
            }
            addresses
        };
        let addresses = region.blocks.iter().map(addresses).collect();
        assert_eq!(words.next(), None, "words of no block");
        Self {
            placed,
            region,
            addresses,
        }
    }

    fn check(&self, start: u64) {
        let head = self.placed.base + start;
        let blocks = &self.region.blocks;
        assert!(blocks.iter().any(|block| block.pc == head && block.entry));
        assert!(blocks.windows(2).all(|pair| pair[0].pc < pair[1].pc));
        for (block, addresses) in blocks.iter().zip(&self.addresses) {
            self.check_overlaps(block, addresses);
            self.check_operations(block, addresses);
        }
    }

    /// No block has an instruction that begins another, but for the interpreter, which does one
    /// that has a context.
    fn check_overlaps(&self, block: &Block, addresses: &[u64]) {
        let own = match block.term {
            Term::Interpret { .. } => addresses.len() - 2,
            _ => addresses.len() - 1,
        };
        let begun = |pc: &u64| self.region.blocks.iter().any(|other| other.pc == *pc);
        let twice = addresses[..own].iter().skip(1).find(|&pc| begun(pc));
        assert_eq!(twice, None, "blocks overlap");
    }

    /// Each operation is of an instruction of its block.
    fn check_operations(&self, block: &Block, addresses: &[u64]) {
        for inst in self.region.block_ops(block) {
            let pc = block.pc + u64::from(inst.offset);
            assert!(addresses.contains(&pc), "an operation at {pc:#x}");
            assert_eq!(Some(inst.word), self.placed.fetch(pc));
            // What is no instruction may have something to leave in the state first.
            let none = block.term
                == (Term::Undefined {
                    word: inst.word,
                    pc,
                });
            assert!(none || G::decode(self.placed.mode, inst.word).is_some());
        }
    }

    /// Whether an instruction is there, or a block is over.
    fn has(&self, pc: u64) -> bool {
        self.addresses.iter().any(|block| block.contains(&pc))
    }
}

/// Host code, taken apart again.
struct Code<'a, G> {
    walked: &'a Walked<'a, G>,
    lowered: &'a Lowered,
    length: usize,
    insns: Vec<Instruction>,
    starts: BTreeSet<u64>,
}

impl<'a, G: Words> Code<'a, G> {
    fn new(walked: &'a Walked<'a, G>, lowered: &'a Lowered, code: &[u8]) -> Self {
        let insns: Vec<_> = Decoder::with_ip(64, code, 0, DecoderOptions::NONE)
            .into_iter()
            .collect();
        Self {
            walked,
            lowered,
            length: code.len(),
            starts: insns.iter().map(Instruction::ip).collect(),
            insns,
        }
    }

    fn check(&self) {
        self.check_instructions();
        self.check_faults();
        self.check_ways();
    }

    /// All bytes are instructions, branches go to instructions, and the last
    /// is not fallen out of.
    fn check_instructions(&self) {
        for insn in &self.insns {
            assert!(!insn.is_invalid(), "no instruction at {:#x}", insn.ip());
            if insn.is_jcc_short_or_near() || insn.is_jmp_short_or_near() {
                let target = insn.near_branch_target();
                assert!(
                    self.starts.contains(&target),
                    "{:#x} goes to {target:#x}",
                    insn.ip()
                );
            }
        }
        let last = self.insns.last().expect("an instruction");
        let leaves = matches!(
            last.flow_control(),
            FlowControl::UnconditionalBranch | FlowControl::IndirectBranch
        );
        assert!(
            leaves || last.mnemonic() == Mnemonic::Nop,
            "falls out at its end"
        );
    }

    /// Each access to guest memory has a fault point, and each fault point is
    /// at an instruction of the region, or at a block's end.
    fn check_faults(&self) {
        let faults = &self.lowered.faults;
        assert!(faults.windows(2).all(|pair| pair[0].host < pair[1].host));
        for fault in faults {
            assert!(self.starts.contains(&u64::from(fault.host)));
            assert!(self.walked.has(fault.pc), "{fault:?}");
        }
        let mut factory = InstructionInfoFactory::new();
        for insn in &self.insns {
            let info = factory.info(insn);
            let guest = info.used_memory().iter().any(|memory| {
                let state = matches!(memory.base(), Register::RBP | Register::RSP);
                !state && !matches!(memory.access(), OpAccess::None | OpAccess::NoMemAccess)
            });
            let known = faults
                .binary_search_by_key(&insn.ip(), |fault| fault.host.into())
                .is_ok();
            assert!(known || !guest, "no fault point: {:#x} {insn}", insn.ip());
        }
    }

    /// Entries are those of blocks; exits can be patched.
    fn check_ways(&self) {
        let blocks = &self.walked.region.blocks;
        for entry in &self.lowered.entries {
            assert!(self.starts.contains(&entry.offset.into()));
            assert!(blocks.iter().any(|b| b.pc == entry.pc && b.entry));
        }
        let entries = blocks.iter().filter(|block| block.entry);
        assert_eq!(self.lowered.entries.len(), entries.count());
        for exit in &self.lowered.exits {
            assert!(exit.patch.is_multiple_of(4), "not patched at once");
            for at in [exit.patch, exit.number] {
                assert!(at as usize + 4 <= self.length);
            }
            assert!(self.starts.contains(&exit.thunk.into()));
            let ends = |insn: &&Instruction| insn.next_ip() == u64::from(exit.patch) + 4;
            let branch = self.insns.iter().find(ends).expect("a branch to patch");
            assert_eq!(branch.near_branch_target(), u64::from(exit.thunk));
        }
    }
}
