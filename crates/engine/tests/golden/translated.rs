//! A few words translated for a host, not placed and not run.

use std::marker::PhantomData;

use a64::Aarch64;
use a64::lift::A64;
use armistice_engine::inspect::host::{Style, disassemble};
use armistice_engine::translator::vcpu::layout;
use guest::Guest;
use ir::form::{Former, Lifter, Limits, Source};
use ir::live::Live;
use ir::{Mode, Op, Region, Term};
use x64::convention::Convention;
use x64::features::HostFeatures;
use x64::lower::{Lowered, Lowerer, Options};

/// Where the words are taken to lie.
pub(crate) const HEAD: u64 = 0x1000;
/// Where those of the vDSO are taken to lie, whose hints may be calls.
pub(crate) const CALLS: u64 = 0x2000;

/// A region of some words, and its code.
pub(crate) struct Translated<G = Aarch64> {
    region: Region,
    pub(crate) lowered: Lowered,
    pub(crate) code: Vec<u8>,
    guest: PhantomData<G>,
}

/// The words from an address on; all that is outside has been translated.
struct Words<'a, L>(&'a L, u64, &'a [u32]);

impl<L: Lifter> Source for Words<'_, L> {
    fn fetch(&self, pc: u64) -> Option<u32> {
        let &Self(guest, mut at, words) = self;
        words.iter().copied().find(|&word| {
            let here = at == pc;
            at = at.wrapping_add(length(guest, word));
            here
        })
    }

    fn translated(&self, pc: u64) -> bool {
        self.fetch(pc).is_none()
    }
}

/// How long an instruction is.
pub(crate) fn length<L: Lifter>(guest: &L, word: u32) -> u64 {
    let (length, _) = guest.flow(HEAD, word, &mut L::Context::default());
    length.into()
}

impl Translated {
    /// Translates `words` at [`HEAD`]; behind them all flags are looked at.
    pub(crate) fn new(words: &[u32], host: HostFeatures) -> Self {
        Self::at(HEAD, words, host)
    }

    /// Translates `words` at an address.
    pub(crate) fn at(head: u64, words: &[u32], host: HostFeatures) -> Self {
        Self::in_mode(Mode::PLAIN, head, words, host)
    }

    /// Translates `words` at an address in a mode.
    pub(crate) fn in_mode(mode: Mode, head: u64, words: &[u32], host: HostFeatures) -> Self {
        let calls = Some(CALLS);
        let guest = A64 { mode, calls };
        Self::of(&guest, head, words, host, Options::default())
    }
}

impl<G: Guest> Translated<G> {
    /// Translates `words` at an address as a guest has them lifted.
    pub(crate) fn of(
        guest: &G::Lifter,
        head: u64,
        words: &[u32],
        host: HostFeatures,
        options: Options,
    ) -> Self {
        let (mut region, mut lowered) = (Region::default(), Lowered::default());
        let limits = Limits { insns: 512 };
        Former::default().form(guest, &Words(guest, head, words), head, limits, &mut region);
        let mut lowerer = Lowerer::new(Convention::new(layout::<G>(), host));
        lowerer.lower(&region, options, |_| Live::Live, &mut lowered);
        Self {
            region,
            lowered,
            code: lowerer.asm.code().to_vec(),
            guest: PhantomData,
        }
    }

    /// Whether it does nothing but call the interpreter.
    pub(crate) fn interpreted(&self) -> bool {
        let ops = &self.region.ops;
        let term = self.region.blocks.last().map(|block| block.term);
        let all = ops
            .iter()
            .all(|inst| matches!(inst.op, Op::Interpret { .. }));
        match term {
            Some(Term::Interpret { .. }) => all,
            Some(Term::Jump { .. }) => all && !ops.is_empty(),
            _ => false,
        }
    }

    /// Its code as text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let Self {
            region,
            lowered,
            code,
            ..
        } = self;
        disassemble::<G>(
            region,
            lowered,
            code,
            &layout::<G>(),
            Style::Plain,
            &mut text,
        );
        text
    }
}
