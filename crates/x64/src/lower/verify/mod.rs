//! Checks what lowering says of its code (entries, exits, faults, relocations) against
//! the code and the region.
//!
//! Each check is a rule with a name and a sentence, as in [`ir::verify`]. All rules are
//! checked after each lowering in builds with debug assertions, and thus in all tests.

use super::Lowered;
use alloc::format;
use alloc::string::String;
use ir::Region;
use ir::verify::Violation;

/// Something that is so of all lowered code.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// What it is called.
    pub name: &'static str,
    /// What is so.
    pub says: &'static str,
    /// What is not so, and where.
    check: fn(&Region, &Lowered, &[u8]) -> Option<String>,
}

/// All rules of lowered code.
pub const RULES: &[Rule] = &[
    Rule {
        name: "code",
        says: "each block has code, in the order of blocks",
        check: blocks_have_code,
    },
    Rule {
        name: "entries",
        says: "each block that is entered from outside has one way in, and no other has",
        check: entries_are_the_region_s,
    },
    Rule {
        name: "exits",
        says: "an exit can be patched in one write, and has a thunk with a number behind it",
        check: exits_are_patchable,
    },
    Rule {
        name: "faults",
        says: "the places where the state is known are in the order of the code, and each is \
               of a block's start, or has an operation of its block at or behind it that may \
               fault",
        check: faults_are_of_operations,
    },
    Rule {
        name: "relocations",
        says: "the bytes that are listed are apart, and hold what the list says",
        check: relocations_hold,
    },
    Rule {
        name: "base",
        says: "the displacements to the base word are apart, and to be filled in",
        check: base_words_are_apart,
    },
];

/// Whether what was lowered keeps to all rules.
///
/// # Errors
/// The first that it does not keep to.
pub fn lowered(region: &Region, lowered: &Lowered, code: &[u8]) -> Result<(), Violation> {
    for rule in RULES {
        if let Some(what) = (rule.check)(region, lowered, code) {
            return Err(Violation {
                rule: rule.name,
                says: rule.says,
                what,
            });
        }
    }
    Ok(())
}

/// Whether bytes from an offset on are in the code.
const fn holds(code: &[u8], offset: u32, bytes: usize) -> bool {
    offset as usize + bytes <= code.len()
}

fn blocks_have_code(region: &Region, lowered: &Lowered, code: &[u8]) -> Option<String> {
    let of = |n: usize| lowered.blocks.get(n).copied();
    let mut from = 0;
    for (n, block) in region.blocks.iter().enumerate() {
        match of(n) {
            Some((pc, at)) if pc == block.pc && at >= from && holds(code, at, 1) => from = at,
            other => return Some(format!("block {:#x}: {other:x?}", block.pc)),
        }
    }
    (lowered.blocks.len() > region.blocks.len()).then(|| String::from("blocks of no region"))
}

fn entries_are_the_region_s(region: &Region, lowered: &Lowered, code: &[u8]) -> Option<String> {
    let outside = |entry: &&super::Entry| !holds(code, entry.offset, 1);
    if let Some(entry) = lowered.entries.iter().find(outside) {
        return Some(format!("{entry:x?} is not in the code"));
    }
    let of = |pc| {
        lowered
            .entries
            .iter()
            .filter(|entry| entry.pc == pc)
            .count()
    };
    let wrong = |block: &&ir::Block| of(block.pc) != usize::from(block.entry);
    if let Some(block) = region.blocks.iter().find(wrong) {
        return Some(format!(
            "block {:#x} has {} entries",
            block.pc,
            of(block.pc)
        ));
    }
    let mut entries = lowered.entries.iter();
    let entry = entries.find(|entry| region.block_at(entry.pc).is_none())?;
    Some(format!("{entry:x?} of no block"))
}

fn exits_are_patchable(_: &Region, lowered: &Lowered, code: &[u8]) -> Option<String> {
    let exit = lowered.exits.iter().find(|exit| {
        let patchable = exit.patch.is_multiple_of(4) && holds(code, exit.patch, 4);
        let number = exit.number > exit.thunk && holds(code, exit.number, 4);
        let slot = exit
            .slot
            .is_none_or(|slot| slot == exit.thunk + 2 && slot < exit.number);
        !patchable || !number || !slot || exit.thunk < exit.patch
    })?;
    Some(format!("{exit:x?}"))
}

fn faults_are_of_operations(region: &Region, lowered: &Lowered, code: &[u8]) -> Option<String> {
    let ascend = lowered
        .faults
        .windows(2)
        .find(|pair| pair[0].host >= pair[1].host);
    if let Some(pair) = ascend {
        return Some(format!("{:x?} is behind {:x?}", pair[1], pair[0]));
    }
    let mut faults = lowered.faults.iter();
    let wrong = faults.find(|fault| {
        // Blocks of instructions of different lengths may overlap.
        let mut blocks = region.blocks.iter().filter(|block| block.pc <= fault.pc);
        let known = blocks.any(|block| {
            // An access may go before its turn: then an earlier operation's address is told.
            let offset = fault.pc - block.pc;
            let mut ops = region.block_ops(block).iter();
            offset == 0 || ops.any(|inst| u64::from(inst.offset) >= offset && inst.op.may_fault())
        });
        !known || !holds(code, fault.host, 1)
    })?;
    Some(format!("{wrong:x?}"))
}

fn base_words_are_apart(_: &Region, lowered: &Lowered, code: &[u8]) -> Option<String> {
    let mut end = 0;
    for &at in &lowered.base_words {
        let there = code.get(at as usize..at as usize + 4);
        if at < end || there != Some(&[0; 4]) {
            return Some(format!("{at:#x}: {there:x?}"));
        }
        end = at + 4;
    }
    None
}

fn relocations_hold(_: &Region, lowered: &Lowered, code: &[u8]) -> Option<String> {
    let relocations = &lowered.relocations;
    let mut end = 0;
    for relocation in &relocations.list {
        let bytes = relocation.kind.bytes(relocations.origin, relocation.addend);
        let at = relocation.offset as usize;
        let there = code.get(at..at + bytes.len());
        if at < end || there != Some(&bytes) {
            return Some(format!("{relocation:x?}: {there:x?}"));
        }
        end = at + bytes.len();
    }
    None
}

#[cfg(test)]
mod tests;
