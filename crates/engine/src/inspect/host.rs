//! Host code as text: a region's, disassembled, with names for what it refers
//! to.
//!
//! Words of the guest's state are shown by name (`[rbp+x5]`), branches go to
//! labels, and the guest addresses whose code starts somewhere stand there on
//! lines of their own. So the text of a region depends neither on where it
//! lies nor on the layout of the state.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use guest::Guest;
use iced_x86::{
    Decoder, DecoderOptions, Formatter as _, Instruction, Mnemonic, NasmFormatter, OpKind,
    Register, SymbolResolver, SymbolResult,
};
use ir::{Key, Mode, Region};
use x64::convention::{BIAS, Layout};
use x64::lower::{Exit, Lowered};

/// How much is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// All of it, with each instruction's offset.
    Full,
    /// Without offsets, padding, and the thunks of exits, which are all alike:
    /// what matters when two versions are compared.
    Plain,
}

/// Adds the text of a region's code to `out`.
pub fn disassemble<G: Guest>(
    region: &Region,
    lowered: &Lowered,
    code: &[u8],
    layout: &Layout,
    style: Style,
    out: &mut String,
) {
    let insns: Vec<Instruction> = Decoder::with_ip(64, code, 0, DecoderOptions::NONE)
        .into_iter()
        .collect();
    let labels = labels(region, lowered, &insns, code.len());
    let mut formatter = formatter(Box::new(Names {
        labels: labels.clone(),
        state: state::<G>(layout),
    }));
    let (mut text, mut in_thunk) = (String::new(), false);
    // What stands above the next instruction that is shown, also where it leads to padding.
    let mut above = String::new();
    for insn in &insns {
        let at = insn.ip();
        in_thunk |= lowered.exits.iter().any(|exit| u64::from(exit.thunk) == at);
        if !(style == Style::Plain && in_thunk) {
            headings(region, lowered, at, &mut above);
            if let Some(label) = labels.get(&at) {
                let _ = writeln!(above, "  {label}:");
            }
            if style == Style::Full || insn.mnemonic() != Mnemonic::Nop {
                out.push_str(&above);
                above.clear();
                text.clear();
                let options = formatter.options_mut();
                options.set_signed_immediate_operands(is_signed(insn));
                formatter.format(insn, &mut text);
                let _ = match style {
                    Style::Full => writeln!(out, "  {at:4x}  {text}"),
                    Style::Plain => writeln!(out, "    {text}"),
                };
            }
        }
        // A thunk ends where it leaves.
        in_thunk &= insn.mnemonic() != Mnemonic::Jmp;
    }
}

/// Whether its constant is best read as a signed one: distances are short, but
/// constants that are moved may be masks or words.
fn is_signed(insn: &Instruction) -> bool {
    let extended = |kind| {
        matches!(
            kind,
            OpKind::Immediate8to16
                | OpKind::Immediate8to32
                | OpKind::Immediate8to64
                | OpKind::Immediate32to64
        )
    };
    insn.mnemonic() != Mnemonic::Mov && insn.op_kinds().any(extended)
}

/// The guest addresses whose code, or whose way in, is at an offset.
fn headings(region: &Region, lowered: &Lowered, at: u64, out: &mut String) {
    let mut entries = lowered.entries.iter();
    let entry = entries.find(|entry| u64::from(entry.offset) == at);
    let mut blocks = lowered.blocks.iter();
    if let Some((pc, _)) = blocks.find(|(_, offset)| u64::from(*offset) == at) {
        let block = region.block_at(*pc);
        let looped = block.is_some_and(|block| region.blocks[block].loop_head);
        let _ = write!(out, "  guest {pc:x}");
        if looped {
            out.push_str(", loop");
        }
        if entry.is_some() {
            out.push_str(", entry");
        }
        out.push_str(":\n");
    } else if let Some(entry) = entry {
        let _ = writeln!(out, "  entry of guest {:x}:", entry.pc);
    }
}

/// Names for what is branched to: exits by where they lead, the rest by
/// numbers.
fn labels(
    region: &Region,
    lowered: &Lowered,
    insns: &[Instruction],
    length: usize,
) -> BTreeMap<u64, String> {
    let targets = insns
        .iter()
        .filter(|insn| insn.op0_kind() == OpKind::NearBranch64)
        .map(Instruction::near_branch64)
        .filter(|&target| target < length as u64);
    let mut labels: BTreeMap<u64, String> = targets.map(|at| (at, String::new())).collect();
    for exit in &lowered.exits {
        labels.insert(exit.thunk.into(), exit_name(region, exit));
    }
    let unnamed = labels.values_mut().filter(|name| name.is_empty());
    for (n, name) in unnamed.enumerate() {
        let _ = write!(name, "L{n}");
    }
    labels
}

/// An exit by where it leads, and to which mode if that is another.
fn exit_name(region: &Region, exit: &Exit) -> String {
    let Key { pc, mode } = exit.target;
    if mode == region.mode {
        format!("exit_{pc:x}")
    } else {
        format!("exit_{pc:x}_mode_{}", mode.number())
    }
}

/// The words of the state by their distance from `rbp`: name and size.
fn state<G: Guest>(layout: &Layout) -> BTreeMap<i64, (String, u32)> {
    let mut names = BTreeMap::new();
    let mut add = |offset: u32, name: String, size: u32| {
        names.insert(i64::from(offset) - i64::from(BIAS), (name, size));
    };
    for n in 0..u32::from(layout.slots.ints) {
        let own = G::NAMES.iter().find(|(slot, _)| *slot == n as usize);
        let name = own.map_or_else(|| format!("x{n}"), |(_, name)| String::from(*name));
        add(layout.int + 8 * n, name, 8);
    }
    for n in 0..u32::from(layout.slots.vectors) {
        add(layout.vec + 16 * n, format!("v{n}"), 16);
    }
    let [control, status] = G::FLOAT_NAMES;
    for (offset, name, size) in [
        (layout.pc, "pc", 8),
        (layout.flags, "flags", 4),
        (layout.thread, "thread", 8),
        (layout.spill, "spill", 8),
        (layout.swapped, "swapped", 96),
        (layout.scratch, "scratch", 64),
        (layout.aside, "aside", 128),
        (layout.mxcsr, "mxcsr", 4),
        (layout.host_mxcsr, "host_mxcsr", 4),
        (layout.status_before, "status_before", 4),
        (layout.status_after, "status_after", 4),
        (layout.status, "status", 4),
        (layout.host_rsp, "host_rsp", 8),
        (layout.leave, "leave", 8),
        (layout.interpret, "interpret", 8),
        (layout.interpreter, "interpreter", 8),
        (layout.attention, "attention", 8),
        (layout.counters, "counters", 8),
        (layout.functions, "functions", 16),
        (layout.monitor, "monitor", 32),
        (layout.float_control, control, 4),
        (layout.float_status, status, 4),
    ] {
        add(offset, String::from(name), size);
    }
    if let Some((offset, _)) = layout.by_target {
        add(offset, String::from("by_target"), 4);
    }
    let [targets, apart] = [Mode::PLAIN, G::APART].map(|mode| layout.targets[mode.number()]);
    let name = format!("targets_{}", G::APART_NAME);
    for (offset, name) in [(targets, String::from("targets")), (apart, name)] {
        add(offset, name, 16 << layout.targets_log2);
    }
    names
}

/// What addresses are called.
struct Names {
    labels: BTreeMap<u64, String>,
    state: BTreeMap<i64, (String, u32)>,
}

impl SymbolResolver for Names {
    fn symbol(
        &mut self,
        insn: &Instruction,
        _operand: u32,
        operand: Option<u32>,
        address: u64,
        _size: u32,
    ) -> Option<SymbolResult<'_>> {
        match insn.op_kind(operand?) {
            OpKind::NearBranch64 => {
                let name = self.labels.get(&address)?;
                Some(SymbolResult::with_str(address, name))
            }
            OpKind::Memory if insn.memory_base() == Register::RBP => {
                // As wide as the displacement; the formatter adds what is
                // left between the name's address and this one.
                let disp = insn.memory_displacement64().cast_signed();
                let (&at, (name, size)) = self.state.range(..=disp).next_back()?;
                let inside = disp - at < i64::from(*size);
                let start = address.wrapping_sub((disp - at).cast_unsigned());
                inside.then(|| SymbolResult::with_str(start, name))
            }
            _ => None,
        }
    }
}

fn formatter(names: Box<Names>) -> NasmFormatter {
    let mut formatter = NasmFormatter::with_options(Some(names), None);
    let options = formatter.options_mut();
    options.set_uppercase_hex(false);
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_space_after_operand_separator(true);
    options.set_show_branch_size(false);
    options.set_first_operand_char_index(8);
    formatter
}
