//! A few words translated for a host, not placed and not run.

use a64::Aarch64;
use a64::lift::A64;
use armistice_engine::inspect::host::{Style, disassemble};
use armistice_engine::translator::vcpu::layout;
use ir::form::{Former, Limits, Source};
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
pub(crate) struct Translated {
    region: Region,
    pub(crate) lowered: Lowered,
    pub(crate) code: Vec<u8>,
}

/// The words from an address on; all that is outside has been translated.
struct Words<'a>(u64, &'a [u32]);

impl Source for Words<'_> {
    fn fetch(&self, pc: u64) -> Option<u32> {
        let index = usize::try_from(pc.checked_sub(self.0)? / 4).ok()?;
        self.1.get(index).copied()
    }

    fn translated(&self, pc: u64) -> bool {
        self.fetch(pc).is_none()
    }
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

    /// Translates `words` at an address as a guest has them lifted.
    pub(crate) fn of(
        guest: &A64,
        head: u64,
        words: &[u32],
        host: HostFeatures,
        options: Options,
    ) -> Self {
        let (mut region, mut lowered) = (Region::default(), Lowered::default());
        let limits = Limits { insns: 512 };
        Former::default().form(guest, &Words(head, words), head, limits, &mut region);
        let mut lowerer = Lowerer::new(Convention::new(layout::<Aarch64>(), host));
        lowerer.lower(&region, options, |_| Live::Live, &mut lowered);
        Self {
            region,
            lowered,
            code: lowerer.asm.code().to_vec(),
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
        } = self;
        disassemble::<Aarch64>(
            region,
            lowered,
            code,
            &layout::<Aarch64>(),
            Style::Plain,
            &mut text,
        );
        text
    }
}
