//! The manual's rules about floating point, each by an example: what a
//! reader would look up, and what no host has to compare with.

use armistice_softfp::{
    self as fp, FPCR_AHP, FPCR_DN, FPCR_FZ, FPCR_FZ16, FPSR_DZC, FPSR_IDC, FPSR_IOC, FPSR_IXC,
    FPSR_OFC, FPSR_UFC, Fp, Rounding,
};

const RP: u32 = 1 << 22;
const RM: u32 = 2 << 22;
const RZ: u32 = 3 << 22;

/// Runs an operation under a control word: its result and exceptions.
fn run<T>(fpcr: u32, operation: impl FnOnce(&mut Fp) -> T) -> (T, u32) {
    let mut fp = Fp::new(fpcr);
    let result = operation(&mut fp);
    assert_eq!(fp.fpcr, fpcr);
    (result, fp.fpsr)
}

#[test]
fn a_signalling_operand_decides_before_a_quiet_one() {
    let (q1, q2, s2) = (0x7FC0_0001_u32, 0xFFC0_0002, 0xFF80_0003);
    assert_eq!(run(0, |fp| fp::add(fp, q1, q2)), (q1, 0));
    assert_eq!(run(0, |fp| fp::add(fp, q1, s2)), (0xFFC0_0003, FPSR_IOC));
    assert_eq!(run(FPCR_DN, |fp| fp::add(fp, q2, q1)), (0x7FC0_0000, 0));
    // FSUB doesn't turn the sign of a NaN.
    assert_eq!(run(0, |fp| fp::sub(fp, 0x3F80_0000, q2)), (q2, 0));
    // The addend is first in a fused operation.
    assert_eq!(run(0, |fp| fp::mul_add(fp, q1, q2, q2)), (q1, 0));
    assert_eq!(
        run(0, |fp| fp::mul_add(fp, q1, q2, s2)),
        (0xFFC0_0003, FPSR_IOC)
    );
    // The step operations negate their first operand, also as a NaN.
    assert_eq!(run(0, |fp| fp::recip_step(fp, q1, 0)), (0xFFC0_0001, 0));
}

#[test]
fn a_quiet_addend_does_not_hide_infinity_times_zero() {
    let (quiet, signalling, infinity) = (0x7FC0_1234_u32, 0x7F80_1234, 0x7F80_0000);
    assert_eq!(
        run(0, |fp| fp::mul_add(fp, quiet, infinity, 0)),
        (0x7FC0_0000, FPSR_IOC)
    );
    assert_eq!(
        run(0, |fp| fp::mul_add(fp, signalling, infinity, 0)),
        (0x7FC0_1234, FPSR_IOC)
    );
}

#[test]
fn flushing_an_output_is_underflow_and_not_inexact() {
    let (min_normal, half) = (0x0080_0000_u32, 0x3F00_0000);
    assert_eq!(run(0, |fp| fp::mul(fp, min_normal, half)), (0x0040_0000, 0));
    assert_eq!(
        run(FPCR_FZ, |fp| fp::mul(fp, min_normal, half)),
        (0, FPSR_UFC)
    );
    // Tiny before rounding, though it would round to the smallest normal.
    let below_one = 0x3F7F_FFFF;
    let product = run(0, |fp| fp::mul(fp, min_normal, below_one));
    assert_eq!(product, (0x0080_0000, FPSR_UFC | FPSR_IXC));
    assert_eq!(
        run(FPCR_FZ, |fp| fp::mul(fp, min_normal, below_one)),
        (0, FPSR_UFC)
    );
}

#[test]
fn flushing_an_input_is_told_but_for_half_precision() {
    assert_eq!(run(FPCR_FZ, |fp| fp::add(fp, 1_u32, 0)), (0, FPSR_IDC));
    assert_eq!(run(FPCR_FZ16, |fp| fp::add(fp, 1_u32, 0)), (1, 0));
    assert_eq!(run(FPCR_FZ16, |fp| fp::add(fp, 1_u16, 0)), (0, 0));
    assert_eq!(run(FPCR_FZ, |fp| fp::add(fp, 1_u16, 0)), (1, 0));
    // A conversion between formats ignores FZ16, to fixed point it doesn't.
    let convert = |fp: &mut Fp| fp::convert::<u16, u32>(fp, 1, Rounding::TieEven);
    assert_eq!(run(FPCR_FZ16, convert), (0x3380_0000, 0));
    let fixed = |fp: &mut Fp| fp::to_fixed(fp, 1_u16, 24, false, Rounding::Zero, 32);
    assert_eq!(run(0, fixed), (1, 0));
    assert_eq!(run(FPCR_FZ16, fixed), (0, 0));
}

#[test]
fn exact_cancellation_takes_its_sign_from_the_rounding() {
    for (fpcr, zero) in [(0, 0), (RP, 0), (RM, 0x8000_0000_u32), (RZ, 0)] {
        assert_eq!(
            run(fpcr, |fp| fp::sub(fp, 0x3F80_0000_u32, 0x3F80_0000)),
            (zero, 0)
        );
    }
    assert_eq!(
        run(RP, |fp| fp::add(fp, 0x8000_0000_u32, 0x8000_0000)),
        (0x8000_0000, 0)
    );
}

#[test]
fn alternative_half_precision_has_neither_infinity_nor_nan() {
    let narrow = |op| move |fp: &mut Fp| fp::convert::<u32, u16>(fp, op, Rounding::TieEven);
    assert_eq!(run(FPCR_AHP, narrow(0x7F80_0000)), (0x7FFF, FPSR_IOC));
    assert_eq!(run(FPCR_AHP, narrow(0xFFC0_0000)), (0x8000, FPSR_IOC));
    assert_eq!(run(FPCR_AHP, narrow(0x4800_0000)), (0x7FFF, FPSR_IOC)); // 2^17
    assert_eq!(run(FPCR_AHP, narrow(0x4780_0000)), (0x7C00, 0)); // 2^16
    assert_eq!(run(0, narrow(0x4780_0000)), (0x7C00, FPSR_OFC | FPSR_IXC));
    let widen = |fp: &mut Fp| fp::convert::<u16, u32>(fp, 0x7C00, Rounding::TieEven);
    assert_eq!(run(FPCR_AHP, widen), (0x4780_0000, 0));
    // Arithmetic doesn't know it.
    assert_eq!(run(FPCR_AHP, |fp| fp::add(fp, 0x7C00_u16, 0)), (0x7C00, 0));
}

#[test]
fn maxnum_prefers_a_number_to_a_quiet_nan_only() {
    let (one, quiet, signalling) = (0x3F80_0000_u32, 0x7FC0_0001, 0x7F80_0001);
    assert_eq!(run(0, |fp| fp::max_num(fp, quiet, one)), (one, 0));
    assert_eq!(run(0, |fp| fp::min_num(fp, one, quiet)), (one, 0));
    assert_eq!(
        run(0, |fp| fp::max_num(fp, one, signalling)),
        (quiet, FPSR_IOC)
    );
    assert_eq!(run(0, |fp| fp::max(fp, quiet, one)), (quiet, 0));
    assert_eq!(run(0, |fp| fp::max(fp, 0x8000_0000_u32, 0)), (0, 0));
    assert_eq!(
        run(0, |fp| fp::min(fp, 0, 0x8000_0000_u32)),
        (0x8000_0000, 0)
    );
}

#[test]
fn mulx_of_zero_and_infinity_is_two() {
    assert_eq!(run(0, |fp| fp::mulx(fp, 0x8000_u16, 0x7C00)), (0xC000, 0));
    assert_eq!(
        run(0, |fp| fp::mulx(fp, 0_u64, 0x7FF0 << 48)),
        (0x4000 << 48, 0)
    );
    assert_eq!(
        run(0, |fp| fp::mul(fp, 0_u32, 0x7F80_0000)),
        (0x7FC0_0000, FPSR_IOC)
    );
}

#[test]
fn estimates_have_eight_bits_and_known_ends() {
    assert_eq!(
        run(0, |fp| fp::recip_estimate(fp, 0x3F80_0000_u32)),
        (0x3F7F_8000, 0)
    );
    assert_eq!(
        run(0, |fp| fp::recip_estimate(fp, 0_u32)),
        (0x7F80_0000, FPSR_DZC)
    );
    // Below 2^-128 the reciprocal overflows, by the rounding.
    let overflow = FPSR_OFC | FPSR_IXC;
    assert_eq!(
        run(0, |fp| fp::recip_estimate(fp, 1_u32)),
        (0x7F80_0000, overflow)
    );
    assert_eq!(
        run(RM, |fp| fp::recip_estimate(fp, 1_u32)),
        (0x7F7F_FFFF, overflow)
    );
    // 511/512 of 2^-127.
    let large = 0x7F00_0000_u32;
    assert_eq!(run(0, |fp| fp::recip_estimate(fp, large)), (0x003F_E000, 0));
    assert_eq!(
        run(FPCR_FZ, |fp| fp::recip_estimate(fp, large)),
        (0, FPSR_UFC)
    );
    assert_eq!(
        run(0, |fp| fp::rsqrt_estimate(fp, 0x3F80_0000_u32)),
        (0x3F7F_8000, 0)
    );
    assert_eq!(
        run(0, |fp| fp::rsqrt_estimate(fp, 0x8000_0000_u32)),
        (0xFF80_0000, FPSR_DZC)
    );
    assert_eq!(
        run(0, |fp| fp::rsqrt_estimate(fp, 0xBF80_0000_u32)),
        (0x7FC0_0000, FPSR_IOC)
    );
    assert_eq!(fp::unsigned_recip_estimate(0x8000_0000), 0xFF80_0000);
    assert_eq!(fp::unsigned_recip_estimate(0x7FFF_FFFF), 0xFFFF_FFFF);
    assert_eq!(fp::unsigned_rsqrt_estimate(0x4000_0000), 0xFF80_0000);
    assert_eq!(
        run(0, |fp| fp::recpx(fp, 0x3F80_0000_u32)),
        (0x4000_0000, 0)
    );
    assert_eq!(
        run(0, |fp| fp::recpx(fp, 0x8000_0000_u32)),
        (0xFF00_0000, 0)
    );
}

#[test]
fn to_fixed_saturates_and_a_nan_is_zero() {
    let to = |op, unsigned| {
        move |fp: &mut Fp| fp::to_fixed::<u32>(fp, op, 0, unsigned, Rounding::Zero, 32)
    };
    assert_eq!(run(0, to(0x7FC0_0000, false)), (0, FPSR_IOC));
    assert_eq!(run(0, to(0x7F80_0000, false)), (0x7FFF_FFFF, FPSR_IOC));
    assert_eq!(run(0, to(0xFF80_0000, false)), (0x8000_0000, FPSR_IOC));
    assert_eq!(run(0, to(0xCF00_0000, false)), (0x8000_0000, 0));
    assert_eq!(run(0, to(0xBF80_0000, true)), (0, FPSR_IOC));
    assert_eq!(run(0, to(0xBF00_0000, true)), (0, FPSR_IXC));
    assert_eq!(run(0, to(0x3FC0_0000, false)), (1, FPSR_IXC));
}

#[test]
fn javascript_conversion_is_modular_and_tells_exactness() {
    let js = |value: f64| run(0, |fp| fp::to_fixed_js(fp, value.to_bits()));
    assert_eq!(js(5.0), ((5, true), 0));
    assert_eq!(js(-5.5), ((-5_i32 as u32, false), FPSR_IXC));
    assert_eq!(js(4_294_967_297.0), ((1, false), FPSR_IOC));
    assert_eq!(js(-0.0), ((0, false), 0));
    assert_eq!(js(f64::NAN), ((0, false), FPSR_IOC));
    assert_eq!(js(1e300), ((0, false), FPSR_IOC));
    assert_eq!(
        run(FPCR_FZ, |fp| fp::to_fixed_js(fp, 1)),
        ((0, false), FPSR_IDC)
    );
}

#[test]
fn frint32_gives_the_minimum_for_what_does_not_fit() {
    let frint = |op| move |fp: &mut Fp| fp::round_int_n::<u32>(fp, op, Rounding::Zero, 32);
    assert_eq!(run(0, frint(0x7FC0_0000)), (0xCF00_0000, FPSR_IOC));
    assert_eq!(run(0, frint(0x4F00_0000)), (0xCF00_0000, FPSR_IOC));
    assert_eq!(run(0, frint(0xCF00_0000)), (0xCF00_0000, 0));
    assert_eq!(run(0, frint(0xBF00_0000)), (0x8000_0000, FPSR_IXC));
}

#[test]
fn rounding_to_odd_never_overflows() {
    let odd = |op| move |fp: &mut Fp| fp::convert::<u64, u32>(fp, op, Rounding::Odd);
    assert_eq!(
        run(0, odd(1e300_f64.to_bits())),
        (0x7F7F_FFFF, FPSR_OFC | FPSR_IXC)
    );
    assert_eq!(run(0, odd(0x3FF0_0000_0000_0001)), (0x3F80_0001, FPSR_IXC));
}

/// No instruction asks for these two, yet every mode does what it says.
#[test]
fn ties_away_in_a_format_and_odd_integers() {
    let away = |op| move |fp: &mut Fp| fp::convert::<u64, u32>(fp, op, Rounding::TieAway);
    assert_eq!(run(0, away(0x3FF0_0000_1000_0000)), (0x3F80_0001, FPSR_IXC));
    assert_eq!(run(0, away(0x3FF0_0000_1000_0001)), (0x3F80_0001, FPSR_IXC));
    assert_eq!(run(0, away(0xBFF0_0000_0FFF_FFFF)), (0xBF80_0000, FPSR_IXC));
    let odd = |op: f32| {
        move |fp: &mut Fp| {
            fp::to_fixed::<u32>(fp, op.to_bits(), 0, false, Rounding::Odd, 32).cast_signed()
        }
    };
    for (op, integer) in [(2.25, 3), (3.75, 3), (-2.25, -3), (-3.75, -3)] {
        let expected = (i64::from(integer) & 0xFFFF_FFFF, FPSR_IXC);
        assert_eq!(run(0, odd(op)), expected);
    }
    assert_eq!(run(0, odd(2.0)), (2, 0));
}

#[test]
fn bf16_products_ignore_the_control_word() {
    let one = 0x3F80;
    assert_eq!(fp::bf_dot_add(0, one, one, one, one), 0x4000_0000);
    assert_eq!(fp::bf_dot_add(1, 0, 0, 0, 0), 0);
    // A sum of opposite zeros is plus zero, of minus zeros minus zero.
    let minus_zero = 0x8000_0000;
    assert_eq!(fp::bf_dot_add(minus_zero, 0, 0, one, one), 0);
    assert_eq!(fp::bf_dot_add(minus_zero, 0x8000, 0, one, one), 0);
    assert_eq!(
        fp::bf_dot_add(minus_zero, 0x8000, 0x8000, one, one),
        minus_zero
    );
    assert_eq!(fp::bf_dot_add(0, 0x7F81, 0, one, 0), 0x7FC0_0000);
    // To odd: 1 + 2^-40.
    assert_eq!(fp::bf_dot_add(0x3F80_0000, 0x2B80, 0, one, 0), 0x3F80_0001);
    assert_eq!(
        run(0, |fp| fp::convert_bf(fp, 0x3F80_8000)),
        (0x3F80, FPSR_IXC)
    );
    assert_eq!(
        run(RP, |fp| fp::convert_bf(fp, 0x3F80_0001)),
        (0x3F81, FPSR_IXC)
    );
    assert_eq!(
        run(0, |fp| fp::convert_bf(fp, 0x7F80_0001)),
        (0x7FC0, FPSR_IOC)
    );
}
