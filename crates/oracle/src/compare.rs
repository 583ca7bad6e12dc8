//! What differs between two final states, and how it is shown.

use std::fmt::{self, Write as _};

use guest::Guest;
use ir::Mode;

use crate::case::{Batch, Results};
pub use crate::place::{Difference, Place};
use crate::tested::{State as _, Tested};

fn name<G: Tested>(place: Place) -> String {
    let [general, vector] = G::LETTERS;
    match place {
        Place::General(n) => match G::NAMES.iter().find(|(number, _)| *number == n) {
            Some((_, name)) => (*name).into(),
            None => format!("{general}{n}"),
        },
        Place::Vector(n) => format!("{vector}{n}"),
        Place::Status(name) => name.into(),
        Place::Signal => "signal".into(),
        Place::Pc => "pc".into(),
        Place::Data(n) => format!("data+{n:#x}"),
    }
}

/// Where two executors' states of a number differ. `si_code` and `si_addr` are not compared: they
/// are the kernel's matter.
#[must_use]
pub fn differences<G: Tested>(left: &Results<G>, right: &Results<G>, n: usize) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |place, left: u128, right: u128| {
        if left != right {
            found.push(Difference { place, left, right });
        }
    };
    let (l, r) = (&left.states[n], &right.states[n]);
    let signals = [l, r].map(|state| state.end().signal.into());
    compare(Place::Signal, signals[0], signals[1]);
    compare(Place::Pc, l.pc().into(), r.pc().into());
    for ((place, left), (_, right)) in l.registers().into_iter().zip(r.registers()) {
        compare(place, left, right);
    }
    let (left, right) = (left.data_of(n), right.data_of(n));
    if left != right {
        for (n, (&l, &r)) in left.iter().zip(right).enumerate() {
            compare(Place::Data(n), l.into(), r.into());
        }
    }
    found
}

/// A word as text, with the instruction's name and fields.
struct Text<G>(Mode, u32, std::marker::PhantomData<G>);

impl<G: Guest> fmt::Display for Text<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        G::write(self.0, self.1, f)
    }
}

/// A case and what two executors made of it.
#[must_use]
pub fn show<G: Tested>(
    batch: &Batch<G>,
    state: usize,
    names: (&str, &str),
    differences: &[Difference],
) -> String {
    let (number, before) = &batch.states[state];
    let program = &batch.programs[*number];
    let mut text = String::new();
    for (address, word) in program.instructions::<G>() {
        let insn = Text::<G>(program.mode, word, std::marker::PhantomData);
        let _ = writeln!(text, "  {address:#x}: {word:08x} {insn}");
    }
    let shown = G::shown(program);
    let registers = before.registers().into_iter();
    let wanted = registers
        .filter(|(place, _)| matches!(place, Place::Status(_)) || shown.contains(place))
        .map(|(place, value)| format!("{}={value:#x}", name::<G>(place)));
    text.push_str("  before:");
    for (n, register) in wanted.enumerate() {
        let _ = write!(
            text,
            "{}{register}",
            if n % 4 == 0 { "\n    " } else { " " }
        );
    }
    text.push('\n');
    for difference in differences.iter().take(12) {
        let _ = writeln!(
            text,
            "  {}: {} has {:#x}, {} has {:#x}",
            name::<G>(difference.place),
            names.0,
            difference.left,
            names.1,
            difference.right
        );
    }
    if differences.len() > 12 {
        let _ = writeln!(text, "  and {} more", differences.len() - 12);
    }
    text
}
