//! What differs between two final states.

use crate::case::{CPSR, CPSR_IT, State};

/// A part of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    R(usize),
    D(usize),
    Cpsr,
    Fpscr,
    Signal,
    Pc,
    Data(usize),
}

/// Where two final states with their data areas differ, and the values.
pub(crate) fn differences(
    (left, left_data): (&State, &[u8]),
    (right, right_data): (&State, &[u8]),
) -> Vec<(Place, u64, u64)> {
    let mut found = Vec::new();
    let mut compare = |place, left: u64, right: u64| {
        if left != right {
            found.push((place, left, right));
        }
    };
    compare(Place::Signal, left.signal.into(), right.signal.into());
    compare(Place::Pc, left.pc.into(), right.pc.into());
    for n in 0..15 {
        compare(Place::R(n), left.r[n].into(), right.r[n].into());
    }
    for n in 0..32 {
        compare(Place::D(n), left.d[n], right.d[n]);
    }
    // At an end, MRS has read them: without IT.
    let bits = if left.signal == 0 {
        CPSR
    } else {
        CPSR | CPSR_IT
    };
    let (l, r) = (left.cpsr & bits, right.cpsr & bits);
    compare(Place::Cpsr, l.into(), r.into());
    compare(Place::Fpscr, left.fpscr.into(), right.fpscr.into());
    if left_data == right_data {
        return found;
    }
    for (n, (&l, &r)) in left_data.iter().zip(right_data).enumerate() {
        compare(Place::Data(n), l.into(), r.into());
    }
    found
}
