//! A region's fault points, kept small: every translated program has them by the
//! thousand, and hardly one is ever looked at.
//!
//! Most differ from the one before in two offsets only. So those are listed, twelve bytes
//! a point, and the rest is in a table that points share.
//!
//! Invariant: `find` gives each point back as it was.

use alloc::boxed::Box;
use alloc::vec::Vec;

use ir::Reg;
use x64::lower::FaultPoint;
use x64::lower::flags::FlagsAt;

/// How many of the table's last rows are compared with a new one.
const LOOKED_AT: usize = 8;

/// The points of one region, ascending.
#[derive(Debug, Default)]
pub struct FaultPoints {
    points: Box<[Point]>,
    states: Box<[State]>,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    /// From the start of the region's code.
    host: u32,
    /// The guest's program counter, from the region's first.
    pc: u32,
    /// The row of `states`.
    state: u32,
}

/// What several points have in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct State {
    flags: FlagsAt,
    spilled: bool,
    stand_ins: [Reg; 8],
}

impl FaultPoints {
    /// The points of a region whose guest code starts at `origin`, less than 4 GiB below
    /// that of any of them.
    #[must_use]
    pub fn new(points: &[FaultPoint], origin: u64) -> Self {
        let mut states: Vec<State> = Vec::new();
        let mut row = |point: &FaultPoint| {
            let state = State {
                flags: point.flags,
                spilled: point.spilled,
                stand_ins: point.stand_ins,
            };
            let from = states.len().saturating_sub(LOOKED_AT);
            let here = states[from..].iter().rposition(|&other| other == state);
            here.map_or_else(
                || {
                    states.push(state);
                    states.len() - 1
                },
                |at| from + at,
            )
        };
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a region has some hundred points, and reaches 16 KiB far"
        )]
        let points = points.iter().map(|point| Point {
            host: point.host,
            pc: point.pc.wrapping_sub(origin) as u32,
            state: row(point) as u32,
        });
        Self {
            points: points.collect(),
            states: states.into(),
        }
    }

    /// The point at this offset of the code of the region, whose guest code starts at
    /// `origin`.
    #[must_use]
    pub fn find(&self, host: u32, origin: u64) -> Option<FaultPoint> {
        let at = self.points.binary_search_by_key(&host, |point| point.host);
        let point = self.points.get(at.ok()?)?;
        let state = self.states.get(point.state as usize)?;
        Some(FaultPoint {
            host,
            pc: origin.wrapping_add(point.pc.into()),
            flags: state.flags,
            spilled: state.spilled,
            stand_ins: state.stand_ins,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use ir::Width;
    use x64::lower::flags::{Compare, Form, Setter, Value};

    const ORIGIN: u64 = 0xffff_8000_1000;

    /// Points whose flags are in all places, each way more often than is looked at.
    fn points() -> Vec<FaultPoint> {
        (0..100)
            .map(|n: u32| FaultPoint {
                host: n * 7,
                pc: ORIGIN + u64::from(n) * 4,
                flags: match n % 5 {
                    0 => FlagsAt::State,
                    1 => FlagsAt::Host(Form::Plain),
                    2 => FlagsAt::Host(Form::Inverted),
                    _ => FlagsAt::Setter(Setter {
                        op: Compare::Sub,
                        w: Width::W64,
                        a: Value::Slot(Reg(1)),
                        b: Value::Const(u64::from(n / 20)),
                    }),
                },
                spilled: n.is_multiple_of(11),
                stand_ins: [Reg((n % 3) as u8); 8],
            })
            .collect()
    }

    #[test]
    fn each_point_is_found_as_it_was() {
        let points = points();
        let kept = FaultPoints::new(&points, ORIGIN);
        for point in &points {
            let found = kept.find(point.host, ORIGIN).expect("it is there");
            assert_eq!(format!("{found:?}"), format!("{point:?}"));
            assert!(kept.find(point.host + 1, ORIGIN).is_none());
        }
        assert!(FaultPoints::default().find(0, ORIGIN).is_none());
    }

    #[test]
    fn what_points_share_is_there_once() {
        let mut points = points();
        for point in &mut points {
            (point.flags, point.spilled) = (FlagsAt::State, false);
            point.stand_ins = [Reg::ZERO; 8];
        }
        let kept = FaultPoints::new(&points, ORIGIN);
        assert_eq!((kept.points.len(), kept.states.len()), (100, 1));
        assert_eq!(size_of::<Point>(), 12);
    }
}
