//! The guest's registers between translated code and the interpreter: what the mode
//! of translations says of them, and what the host's registers hold of them while
//! translated code runs.

use a64::cpu::{Cpu, Flags};
use a64::decode::decode;
use a64::interp::{Environment, Exception, step};
use a64::lift::{ANY_STACK, SOFT_FLOAT};
use guest::memory::Memory;
use ir::Mode;
use x64::lower::flags::{Compare, Form, Setter, Value};

use super::vcpu::Vcpu;

/// FPCR bits that the host's modes can't give: AHP, DN, FZ and FZ16.
const FPCR_SOFT: u32 = 1 << 26 | 1 << 25 | 1 << 24 | 1 << 19;

/// Whether an access whose base is SP finds it aligned.
const fn stack_aligned(cpu: &Cpu) -> bool {
    cpu.x[31].is_multiple_of(16)
}

/// One instruction that translated code leaves to the interpreter.
pub(super) fn interpret<M: Memory + Environment>(
    vcpu: &mut Vcpu,
    memory: &mut M,
    word: u32,
) -> Option<Exception> {
    let Some(insn) = decode(word) else {
        return Some(Exception::Undefined);
    };
    vcpu.tally(insn.op);
    let result = step(&mut vcpu.cpu, memory, insn);
    set_mode(vcpu);
    result.err()
}

/// The mode of translations for what the guest's registers hold.
pub(super) const fn mode_of(cpu: &Cpu) -> Mode {
    Mode::PLAIN
        .with(SOFT_FLOAT, cpu.fpcr & FPCR_SOFT != 0)
        .with(ANY_STACK, !stack_aligned(cpu))
}

/// Brings the modes of the host and of translations in line with the guest's
/// registers.
pub(super) fn set_mode(vcpu: &mut Vcpu) {
    let fpcr = vcpu.cpu.fpcr;
    // RMode: nearest, plus, minus, zero; MXCSR: nearest, minus, plus, zero.
    let rounding = [0, 2, 1, 3][(fpcr >> 22 & 3) as usize];
    vcpu.host.mxcsr = 0x1f80 | rounding << 13;
    let before = core::mem::replace(&mut vcpu.host.mode, mode_of(&vcpu.cpu));
    if before.has(SOFT_FLOAT) != vcpu.host.mode.has(SOFT_FLOAT) {
        vcpu.clear_targets();
    }
}

/// The interpreter as translated code calls it.
///
/// # Safety
/// `vcpu` is the thread's, and its `context` an `M` that nobody else uses now.
pub(super) unsafe extern "sysv64" fn interpreter<M: Memory + Environment>(
    vcpu: *mut Vcpu,
    word: u32,
) -> u32 {
    // SAFETY: `Translator::run` has borrowed both alone, has put the `M` into `context`,
    // and is in `enter` until this returns: so nobody else uses either.
    let (vcpu, memory) = unsafe { (&mut *vcpu, &mut *(*vcpu).host.context.cast::<M>()) };
    let Some(insn) = decode(word) else {
        vcpu.host.exception = Some(Exception::Undefined);
        return 1;
    };
    vcpu.tally(insn.op);
    let next = vcpu.cpu.pc.wrapping_add(4);
    let aligned = stack_aligned(&vcpu.cpu);
    match step(&mut vcpu.cpu, memory, insn) {
        // It leaves too when it goes on elsewhere: a copy of memory that is only
        // a part done. And when translated code may take SP for aligned no more.
        Ok(()) => u32::from(vcpu.cpu.pc != next || aligned && !stack_aligned(&vcpu.cpu)),
        Err(exception) => {
            vcpu.host.exception = Some(exception);
            1
        }
    }
}

/// MXCSR's sticky bits become FPSR's, and saturation QC.
pub(super) fn take_float_flags(vcpu: &mut Vcpu) {
    let sticky = vcpu.host.mxcsr & 0x3f;
    // IE, (DE), ZE, OE, UE, PE to IOC, DZC, OFC, UFC, IXC.
    vcpu.cpu.fpsr |= sticky & 1 | sticky >> 1 & 0x1e;
    vcpu.host.mxcsr &= !0x3f;
    if vcpu.host.saturated != 0 {
        vcpu.cpu.fpsr |= 1 << 27;
        vcpu.host.saturated = 0;
    }
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

/// The flags of a comparison whose operands are still there.
pub(super) fn compute(cpu: &Cpu, setter: &Setter) -> Flags {
    let bits = u32::from(setter.w.bits());
    let value = |value| {
        let value = match value {
            Value::Const(c) => c,
            Value::Slot(reg) if reg.is_zero() => 0,
            Value::Slot(reg) => cpu.x[usize::from(reg.0)],
            Value::Plus(reg, c) => cpu.x[usize::from(reg.0)].wrapping_add(c),
        };
        u128::from(value & setter.w.mask())
    };
    let (a, b) = (value(setter.a), value(setter.b));
    let mask = u128::from(setter.w.mask());
    let (result, carry, overflow) = match setter.op {
        Compare::Constant => return Flags::from_nzcv(setter.a.nzcv()),
        Compare::And => (a & b, false, false),
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
