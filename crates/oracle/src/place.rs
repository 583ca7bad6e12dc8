//! A part of the state, and a difference there.

/// A part of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A general register, SP among them.
    General(usize),
    /// A vector register.
    Vector(usize),
    /// A register of flags or modes.
    Status(&'static str),
    /// The signal that ended it.
    Signal,
    /// Where it ended.
    Pc,
    /// A byte of the data area.
    Data(usize),
}

/// A place with two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The place.
    pub place: Place,
    /// What the first has there.
    pub left: u128,
    /// What the second has.
    pub right: u128,
}
