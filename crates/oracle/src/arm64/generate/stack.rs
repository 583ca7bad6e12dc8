//! Instructions that move SP, to where it is a multiple of 16 and to where it is
//! not, and mostly about the data area.

use crate::random::Rng;

/// SP as a register of these instructions.
const SP: u32 = 31;
/// `ADD Xd, Xn, #imm`, `AND Xd, Xn, #imm` and so on, 64 bits.
const ADD: u32 = 0x9100_0000;
const SUB: u32 = 0xd100_0000;
const ADD_EXTENDED: u32 = 0x8b20_0000;
const SUB_EXTENDED: u32 = 0xcb20_0000;
const AND: u32 = 0x9200_0000;
const ORR: u32 = 0xb200_0000;
const EOR: u32 = 0xd200_0000;

/// N, immr and imms of all but the low `bits` bits, as a logical immediate.
const fn without_low(bits: u32) -> u32 {
    1 << 22 | (64 - bits) << 16 | (63 - bits) << 10
}

/// N, immr and imms of the bit of that number.
const fn one_bit(bit: u32) -> u32 {
    1 << 22 | ((64 - bit) & 63) << 16
}

/// An instruction that moves SP, from an address in one of `bases` or from where
/// it is, perhaps by what one of `indices` holds.
pub fn moved(rng: &mut Rng, bases: &[u32], indices: &[u32]) -> u32 {
    let base = rng.pick(bases);
    let registers = |from: u32| SP | from << 5;
    let by = match rng.below(4) {
        0 => 0,
        1 => 8 * rng.below(8),
        2 => 16 * rng.below(8),
        _ => rng.below(64),
    } as u32;
    let add = rng.pick(&[ADD, SUB]);
    let index = rng.pick(indices) << 16;
    let extended = rng.pick(&[ADD_EXTENDED, SUB_EXTENDED]) | index;
    // UXTB, UXTW, UXTX, SXTB and SXTW, shifted by 0 to 4.
    let option = rng.pick(&[0, 2, 3, 4, 6]) << 13 | (rng.below(5) as u32) << 10;
    match rng.below(12) {
        0 | 1 => ADD | registers(base),
        2 => add | by << 10 | registers(base),
        3 | 4 => add | by << 10 | registers(SP),
        5 => extended | option | registers(base),
        6 => extended | option | registers(SP),
        7 => rng.pick(&[ORR, EOR]) | one_bit(rng.below(5) as u32) | registers(base),
        8 => AND | without_low(1 + rng.below(3) as u32) | registers(base),
        _ => AND | without_low(4) | registers(base),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arm64::{Batch, Program, State};
    use crate::interpreter::run;

    #[test]
    fn sp_is_moved_to_all_alignments() {
        let mut rng = Rng::new(3);
        let mut batch = Batch::default();
        for _ in 0..2000 {
            let words = vec![moved(&mut rng, &[19, 20], &[23])];
            let address = batch.next_address();
            let number = batch.add(Program::new(address, words));
            let mut before = State::default();
            before.x[19] = 0x1_0000;
            before.x[20] = 0x1_0018;
            before.x[23] = rng.below(256);
            before.x[31] = 0x1_0100;
            batch.states.push((number, before));
        }
        let after = run(&batch).states;
        let mut seen = [0_u32; 16];
        for ((_, before), after) in batch.states.iter().zip(&after) {
            assert_eq!(after.signal, 0);
            assert_eq!(after.x[..31], before.x[..31], "nothing but SP is moved");
            assert!(
                (0xe000..0x1_2000).contains(&after.x[31]),
                "{:#x}",
                after.x[31]
            );
            seen[(after.x[31] % 16) as usize] += 1;
        }
        assert!(seen.iter().all(|&times| times > 2), "{seen:?}");
    }
}
