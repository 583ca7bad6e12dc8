//! The guest's registers between translated code and the interpreter: what the mode
//! of translations says of them, and what the host's registers hold of them while
//! translated code runs.

use guest::memory::Memory;
use guest::{Environment, Exception, Flags, Guest, Rounding};
use ir::Reg;
use x64::lower::flags::{Compare, Form, Setter, Value};

use super::vcpu::Vcpu;

/// One instruction that translated code leaves to the interpreter.
pub(super) fn interpret<G: Guest, M: Memory + Environment>(
    vcpu: &mut Vcpu<G>,
    memory: &mut M,
    word: u32,
) -> Option<Exception> {
    let Some(insn) = G::decode(G::mode(&vcpu.cpu), word) else {
        return Some(Exception::Undefined);
    };
    vcpu.tally(G::row(insn));
    let result = G::step(&mut vcpu.cpu, memory, insn);
    set_mode(vcpu);
    result.err()
}

/// Brings the modes of the host and of translations in line with the guest's
/// registers.
pub(super) fn set_mode<G: Guest>(vcpu: &mut Vcpu<G>) {
    // MXCSR: nearest, minus, plus, zero.
    let rounding = match G::rounding(&vcpu.cpu) {
        Rounding::Nearest => 0,
        Rounding::Down => 1,
        Rounding::Up => 2,
        Rounding::Zero => 3,
    };
    vcpu.host.mxcsr = 0x1f80 | rounding << 13;
    vcpu.set_mode(G::mode(&vcpu.cpu));
}

/// The interpreter as translated code calls it.
///
/// # Safety
/// `vcpu` is the thread's, and its `context` an `M` that nobody else uses now.
pub(super) unsafe extern "sysv64" fn interpreter<G: Guest, M: Memory + Environment>(
    vcpu: *mut Vcpu<G>,
    word: u32,
) -> u32 {
    // SAFETY: `run` has set both, and waits in `enter`: nobody else uses them.
    let (vcpu, memory) = unsafe { (&mut *vcpu, &mut *(*vcpu).host.context.cast::<M>()) };
    let before = G::mode(&vcpu.cpu);
    let Some(insn) = G::decode(before, word) else {
        vcpu.host.exception = Some(Exception::Undefined);
        return 1;
    };
    vcpu.tally(G::row(insn));
    let next = G::pc(&vcpu.cpu).wrapping_add(G::length(before, word));
    match G::step(&mut vcpu.cpu, memory, insn) {
        // It leaves too when it goes on elsewhere: a copy of memory that is only
        // a part done. And when translated code may take its mode for granted no more.
        Ok(()) => {
            let leave = G::must_leave(before, G::mode(&vcpu.cpu));
            u32::from(G::pc(&vcpu.cpu) != next || leave)
        }
        Err(exception) => {
            vcpu.host.exception = Some(exception);
            1
        }
    }
}

/// MXCSR's sticky bits become the guest's, those that were taken out of it, and saturation.
pub(super) fn take_float_flags<G: Guest>(vcpu: &mut Vcpu<G>) {
    let sticky = (vcpu.host.mxcsr | core::mem::take(&mut vcpu.host.status)) & 0x3f;
    let saturated = core::mem::take(&mut vcpu.host.saturated) != 0;
    vcpu.host.mxcsr &= !0x3f;
    // Without DE, which guests don't have so.
    G::raise(&mut vcpu.cpu, sticky & 1 | sticky >> 1 & 0x1e, saturated);
}

/// The guest's flags in EFLAGS.
pub(super) fn from_eflags(eflags: u64, form: Form) -> Flags {
    let bit = |n: u32| (eflags >> n & 1) as u8;
    let (cf, pf, zf, sf, of) = (bit(0), bit(2), bit(6), bit(7), bit(11));
    Flags::from_nzcv(match form {
        Form::Plain => sf << 3 | zf << 2 | cf << 1 | of,
        Form::Inverted => sf << 3 | zf << 2 | (cf ^ 1) << 1 | of,
        Form::Float => match (zf, pf, cf) {
            (_, 1, _) => 0b0011,
            (1, ..) => 0b0110,
            (.., 1) => 0b1000,
            _ => 0b0010,
        },
    })
}

/// The flags of a comparison whose operands are still there; `saved` are the state's.
pub(super) fn compute(ints: &[u64], setter: &Setter, saved: Flags) -> Flags {
    let bits = u32::from(setter.w.bits());
    // The zero register is none of them.
    let slot = |reg: Reg| ints.get(usize::from(reg.0)).copied().unwrap_or(0);
    let value = |value| {
        let value = match value {
            Value::Const(c) => c,
            Value::Slot(reg) => slot(reg),
            Value::Plus(reg, c) => slot(reg).wrapping_add(c),
        };
        u128::from(value & setter.w.mask())
    };
    let (a, b) = (value(setter.a), value(setter.b));
    let mask = u128::from(setter.w.mask());
    let (result, carry, overflow) = match setter.op {
        Compare::Constant => return Flags::from_nzcv(setter.a.nzcv()),
        Compare::And => (a & b, false, false),
        Compare::Signs => (a & b, saved.nzcv() & 2 != 0, saved.nzcv() & 1 != 0),
        Compare::Add => {
            let sum = a + b;
            (
                sum & mask,
                sum > mask,
                (!(a ^ b) & (a ^ sum)) >> (bits - 1) & 1 == 1,
            )
        }
        Compare::Sub => {
            let difference = a.wrapping_sub(b) & mask;
            (
                difference,
                a >= b,
                ((a ^ b) & (a ^ difference)) >> (bits - 1) & 1 == 1,
            )
        }
    };
    let n = u8::from(result >> (bits - 1) & 1 == 1);
    Flags::from_nzcv(
        n << 3 | u8::from(result == 0) << 2 | u8::from(carry) << 1 | u8::from(overflow),
    )
}
