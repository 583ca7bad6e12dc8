//! What translating promises of any words at all. Shared by the test and the
//! fuzzing target.

use std::collections::BTreeSet;

use a64::Aarch64;
use a64::decode::{Class, Op, decode};
use a64::lift::A64;
use armistice_engine::translator::vcpu::layout;
use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess,
    Register,
};
use ir::form::{Former, Limits, Source};
use ir::live::Live;
use ir::{Key, Mode, Region};
use x64::convention::Convention;
use x64::features::HostFeatures;
use x64::lower::{Lowered, Lowerer, Options};

/// Where the words are taken to lie.
const HEAD: u64 = 0x40_0000;

/// A word of the row that `choice` stands for, its other bits from `bits`; the
/// word `bits` itself where there is no such row. Branches go nearby, so that
/// regions have more than one block.
pub(crate) fn word(choice: u16, bits: u32) -> u32 {
    let Some(op) = Op::ALL.get(usize::from(choice) % (Op::COUNT + Op::COUNT / 4)) else {
        return bits;
    };
    let info = op.info();
    let word = info.value | bits & !info.mask;
    let near = |lsb: u32, width: u32| {
        let mask = ((1_u32 << width) - 1) << lsb;
        let distance = (bits >> 3 & 15).wrapping_sub(8);
        word & !mask | distance << lsb & mask
    };
    match info.class {
        Class::branch_imm => near(0, 26),
        Class::branch_cond | Class::compare_branch => near(5, 19),
        Class::test_branch => near(5, 14),
        _ => word,
    }
}

/// How far the words are moved, to be translated there once more.
const MOVED: u64 = 0x5555_5555_0000;

/// Words from an address on.
struct Words<'a>(u64, &'a [u32]);

impl Source for Words<'_> {
    fn fetch(&self, pc: u64) -> Option<u32> {
        let index = usize::try_from(pc.checked_sub(self.0)? / 4).ok()?;
        self.1.get(index).copied()
    }

    fn translated(&self, pc: u64) -> bool {
        // Some of what is outside, and nothing inside.
        self.fetch(pc).is_none() && pc & 8 == 0
    }
}

/// Translates the words, from the one at `head` on, in this mode and for this
/// host.
pub(crate) fn translate(words: &[u32], head: usize, mode: Mode, host: HostFeatures) {
    let head = HEAD + 4 * head as u64;
    let (region, lowered, code) = translate_at(HEAD, words, head, mode, host);
    check_region(&region, head, words);
    Code::new(&region, &lowered, &code).check();
    // Elsewhere it is the same, but for what is listed.
    let (_, there, moved) = translate_at(HEAD + MOVED, words, head + MOVED, mode, host);
    let mut code = code;
    lowered
        .relocations
        .apply(&mut code, there.relocations.origin);
    assert_eq!(lowered.relocations.list, there.relocations.list);
    assert!(code == moved, "the code is another elsewhere");
}

/// Translates the words that lie at `base`.
fn translate_at(
    base: u64,
    words: &[u32],
    head: u64,
    mode: Mode,
    host: HostFeatures,
) -> (Region, Lowered, Vec<u8>) {
    let (mut region, mut lowered) = (Region::default(), Lowered::default());
    let limits = Limits { insns: 512 };
    Former::default().form(
        &A64 { mode, calls: None },
        &Words(base, words),
        head,
        limits,
        &mut region,
    );
    let mut lowerer = Lowerer::new(Convention::new(layout::<Aarch64>(), host));
    // What is live elsewhere is different from place to place.
    let outside =
        |key: Key| [Live::Dead, Live::Weak, Live::Live, Live::Live][(key.pc >> 2 & 3) as usize];
    lowerer.lower(&region, Options::default(), outside, &mut lowered);
    let code = lowerer.asm.code().to_vec();
    (region, lowered, code)
}

fn check_region(region: &Region, head: u64, words: &[u32]) {
    assert!(
        region
            .blocks
            .iter()
            .any(|block| block.pc == head && block.entry)
    );
    for pair in region.blocks.windows(2) {
        let end = pair[0].pc + 4 * u64::from(pair[0].insns);
        assert!(end <= pair[1].pc, "blocks overlap");
    }
    for block in &region.blocks {
        for inst in region.block_ops(block) {
            assert!(inst.offset < 4 * block.insns);
            let at = usize::try_from((block.pc + u64::from(inst.offset) - HEAD) / 4).unwrap();
            assert_eq!(inst.word, words[at]);
            assert!(decode(inst.word).is_some());
        }
    }
}

/// Host code, taken apart again.
struct Code<'a> {
    region: &'a Region,
    lowered: &'a Lowered,
    length: usize,
    insns: Vec<Instruction>,
    starts: BTreeSet<u64>,
}

impl<'a> Code<'a> {
    fn new(region: &'a Region, lowered: &'a Lowered, code: &[u8]) -> Self {
        let insns: Vec<_> = Decoder::with_ip(64, code, 0, DecoderOptions::NONE)
            .into_iter()
            .collect();
        Self {
            region,
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
        let last = self.insns.last().unwrap();
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
    /// at an instruction of the block that it names, or at its end.
    fn check_faults(&self) {
        let faults = &self.lowered.faults;
        assert!(faults.windows(2).all(|pair| pair[0].host < pair[1].host));
        for fault in faults {
            assert!(self.starts.contains(&u64::from(fault.host)));
            let inside = self.region.blocks.iter().any(|block| {
                (block.pc..=block.pc + 4 * u64::from(block.insns)).contains(&fault.pc)
            });
            assert!(inside && fault.pc.is_multiple_of(4), "{fault:?}");
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
        let blocks = &self.region.blocks;
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
