//! Where an instruction leads, and what a program counter that is written to means.

use guest::Exception;

use crate::cpu::Cpu;
use crate::decode::State;

/// Where an instruction leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// To the next one.
    Next,
    /// To an address, in a state.
    To(u32, State),
}

/// What came of an instruction.
pub(super) type Done = Result<Target, Exception>;

/// `BXWritePC`: bit 0 tells the state.
pub(super) const fn exchange(address: u32) -> Target {
    if address & 1 == 1 {
        Target::To(address & !1, State::Thumb)
    } else {
        // Bit 1 is cleared, which is one of the choices.
        Target::To(address & !3, State::Arm)
    }
}

/// `ALUWritePC`: it may change from A32 to T32, not back.
pub(super) const fn write_pc(cpu: &Cpu, address: u32) -> Target {
    match cpu.state() {
        State::Arm => exchange(address),
        State::Thumb => Target::To(address & !1, State::Thumb),
    }
}
