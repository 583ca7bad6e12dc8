//! The operations that x86-64 has too, against the host's own hardware: SSE,
//! FMA and F16C under all rounding modes, with results and exceptions.
//!
//! The two architectures differ, as both manuals say, in
//! - the default NaN's sign, and which of two NaN operands decides;
//! - tininess: before rounding here, after rounding there;
//! - flushing: with UFC alone here, inexact too there, and inputs silently;
//! - infinity times zero plus a quiet NaN: invalid here, not there;
//! - what an integer conversion out of range gives.
//!
//! [`Case::check`] allows just these. `ARMISTICE_LONG=1` takes 2,000,000
//! inputs an operation instead of 20,000.
#![cfg(target_arch = "x86_64")]
#![allow(
    clippy::cast_possible_truncation,
    reason = "fields are cut from registers"
)]

#[path = "oracle/operands.rs"]
mod operands;

use armistice_softfp::{
    self as fp, FPCR_FZ, FPSR_DZC, FPSR_IDC, FPSR_IOC, FPSR_IXC, FPSR_OFC, FPSR_UFC, Fp, Rounding,
};
use operands::{DOUBLE, HALF, Rng, SINGLE, Shape, integer};

/// All exceptions masked, none raised.
const MXCSR_DEFAULT: u32 = 0x1F80;
/// Flush results (FTZ) and operands (DAZ).
const MXCSR_FLUSH: u32 = 0x8040;

/// MXCSR for FPCR's RMode and FZ.
fn mxcsr(fpcr: u32) -> u32 {
    let rounding = match fpcr >> 22 & 3 {
        0 => 0,
        1 => 2 << 13,
        2 => 1 << 13,
        _ => 3 << 13,
    };
    let flush = if fpcr & FPCR_FZ != 0 { MXCSR_FLUSH } else { 0 };
    MXCSR_DEFAULT | rounding | flush
}

/// MXCSR's exceptions as FPSR's; that an operand was denormal isn't told by
/// Arm.
fn fpsr(mxcsr: u32) -> u32 {
    let pairs = [
        (0, FPSR_IOC),
        (2, FPSR_DZC),
        (3, FPSR_OFC),
        (4, FPSR_UFC),
        (5, FPSR_IXC),
    ];
    pairs
        .iter()
        .filter(|(bit, _)| mxcsr >> bit & 1 != 0)
        .fold(0, |bits, (_, flag)| bits | flag)
}

/// `fn(mxcsr, a, b, c) -> (result, mxcsr)` for an instruction, which finds
/// `a`, `b`, `c` in x1, x2, x0 (and `a` in r), and leaves its result in x0,
/// or in r.
macro_rules! host {
    ($text:expr) => {
        host!($text, "vmovq {r}, {x0}")
    };
    ($text:expr, $result:literal) => {
        |mxcsr: u32, a: u64, b: u64, c: u64| -> (u64, u32) {
            let mut control = mxcsr;
            let default = MXCSR_DEFAULT;
            let mut r = a;
            // SAFETY: registers are declared, MXCSR is as before at the end,
            // and the two pointers are to live words; the test has
            // asked for AVX, FMA and F16C.
            unsafe {
                std::arch::asm!(
                    "ldmxcsr [{control}]",
                    "vmovq {x1}, {a}",
                    "vmovq {x2}, {b}",
                    "vmovq {x0}, {c}",
                    $text,
                    $result,
                    "stmxcsr [{control}]",
                    "ldmxcsr [{default}]",
                    control = in(reg) &raw mut control,
                    default = in(reg) &raw const default,
                    a = in(reg) a,
                    b = in(reg) b,
                    c = in(reg) c,
                    r = inout(reg) r,
                    x0 = out(xmm_reg) _,
                    x1 = out(xmm_reg) _,
                    x2 = out(xmm_reg) _,
                    options(nostack),
                );
            }
            (r, control)
        }
    };
}

/// A result in r already.
macro_rules! host_to_integer {
    ($text:literal) => {
        host!($text, "/* {x0} */")
    };
}

/// What a result is, and so how it is compared.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// A value of this format.
    Float(Shape2),
    /// An integer of this width; out of range, only the exceptions.
    Integer(u32),
    /// A truth value in bit 0.
    Truth,
}

/// Widths of exponent and fraction, comparable.
type Shape2 = (u32, u32);

struct Case {
    name: &'static str,
    /// The operands' format, how many of c, a, b there are, and the result.
    operands: Option<Shape>,
    arity: usize,
    result: Kind,
    host: fn(u32, u64, u64, u64) -> (u64, u32),
    ours: fn(&mut Fp, u64, u64, u64) -> u64,
    /// Whether an input is outside of what can be compared.
    skip: fn(Shape, &[u64]) -> bool,
}

fn is_nan(shape: Shape, bits: u64) -> bool {
    let magnitude = bits & shape.mask() >> 1;
    magnitude > ((1 << shape.exp) - 1) << shape.frac
}

fn never(_: Shape, _: &[u64]) -> bool {
    false
}

/// MAXSS and MINSS give the second operand for NaNs and for two zeros.
fn unordered(shape: Shape, operands: &[u64]) -> bool {
    let denormal_or_zero = |&op: &u64| (op >> shape.frac) & ((1 << shape.exp) - 1) == 0;
    nan_operand(shape, operands) || operands.iter().all(denormal_or_zero)
}

/// FNMADD doesn't turn a NaN factor's sign.
fn nan_operand(shape: Shape, operands: &[u64]) -> bool {
    operands.iter().any(|&op| is_nan(shape, op))
}

/// A NaN addend beside zero times infinity (perhaps of a flushed denormal).
fn nan_hides_invalid(shape: Shape, operands: &[u64]) -> bool {
    let exponent = |op: u64| (op >> shape.frac) & ((1 << shape.exp) - 1);
    let (a, b) = (exponent(operands[0]), exponent(operands[1]));
    is_nan(shape, operands[2]) && a.min(b) == 0 && a.max(b) == (1 << shape.exp) - 1
}

impl Case {
    /// Runs one input on both; what differs beyond what may.
    fn check(&self, rng: &mut Rng) -> Option<String> {
        let fpcr = (rng.next() as u32 & 0x00C0_0000) | if rng.below(4) == 0 { FPCR_FZ } else { 0 };
        let [a, b, c] = self.draw(rng);
        let operands = &[a, b, c][..self.arity];
        let shape = self.operands.unwrap_or(DOUBLE);
        if (self.skip)(shape, operands) {
            return None;
        }
        let mut env = Fp::new(fpcr);
        let ours = (self.ours)(&mut env, a, b, c);
        let (theirs, raised) = (self.host)(mxcsr(fpcr), a, b, c);
        let (our_flags, their_flags) = (env.fpsr & !FPSR_IDC, fpsr(raised));
        let nans = match self.operands {
            Some(shape) => operands.iter().filter(|&&op| is_nan(shape, op)).count(),
            None => 0,
        };
        let equal = match self.result {
            Kind::Truth => ours == theirs & 1 && our_flags == their_flags,
            Kind::Integer(_) if our_flags & FPSR_IOC != 0 => our_flags == their_flags,
            Kind::Integer(width) => {
                ours == theirs & u64::MAX >> (64 - width) && our_flags == their_flags
            }
            Kind::Float((exp, frac)) => {
                let shape = Shape { exp, frac };
                let theirs = theirs & shape.mask();
                equal_floats(shape, fpcr, (ours, our_flags), (theirs, their_flags), nans)
            }
        };
        (!equal).then(|| {
            format!(
                "{}: fpcr {fpcr:x} {a:x} {b:x} {c:x}: ours {ours:x} {our_flags:x}, \
                 host {theirs:x} {their_flags:x}",
                self.name
            )
        })
    }

    fn draw(&self, rng: &mut Rng) -> [u64; 3] {
        let Some(shape) = self.operands else {
            return [integer(rng), 0, 0];
        };
        let (a, b) = shape.pair(rng);
        let product = match shape.width() {
            32 => fp::mul(&mut Fp::default(), a as u32, b as u32).into(),
            _ => fp::mul(&mut Fp::default(), a, b),
        };
        let c = if rng.below(3) == 0 {
            shape.near(rng, product)
        } else {
            shape.float(rng)
        };
        [a, b, c]
    }
}

/// Equal but for NaNs' signs and underflow.
fn equal_floats(
    shape: Shape,
    fpcr: u32,
    (ours, our_flags): (u64, u32),
    (theirs, their_flags): (u64, u32),
    nans: usize,
) -> bool {
    let sign = 1 << (shape.width() - 1);
    if is_nan(shape, ours) {
        let same = match nans {
            0 => ours | sign == theirs,
            1 => ours == theirs,
            _ => is_nan(shape, theirs),
        };
        return same && our_flags == their_flags;
    }
    let min_normal = 1 << shape.frac;
    let flushed = fpcr & FPCR_FZ != 0 && our_flags == FPSR_UFC && ours & !sign == 0;
    if flushed {
        // Theirs was rounded first.
        return theirs == ours || theirs == ours | min_normal;
    }
    if ours != theirs {
        return false;
    }
    let rounded_up = ours & !sign == min_normal;
    our_flags == their_flags
        || rounded_up && our_flags & !FPSR_UFC == their_flags && our_flags & FPSR_UFC != 0
}

const FLOAT_H: Kind = Kind::Float((5, 10));
const FLOAT_S: Kind = Kind::Float((8, 23));
const FLOAT_D: Kind = Kind::Float((11, 52));

/// A case: name, format of the operands and their number, result, the two
/// sides, and what to skip.
macro_rules! case {
    ($name:expr, $shape:expr, $arity:expr, $result:expr, $host:expr, $ours:expr, $skip:expr) => {
        Case {
            name: $name,
            operands: $shape,
            arity: $arity,
            result: $result,
            host: $host,
            ours: $ours,
            skip: $skip,
        }
    };
}

/// Single and double precision of an instruction: mnemonic without "ss" and
/// "sd", its operands, result (or `float`), our side for values of type `F`.
macro_rules! both {
    ($cases:ident, $mnemonic:literal, $text:literal, $arity:literal, float,
     |$e:ident, $a:ident, $b:ident, $c:ident| $ours:expr, $skip:expr) => {{
        both!(@one $cases, u32, SINGLE, FLOAT_S, host!(concat!($mnemonic, "ss ", $text)),
              concat!($mnemonic, "ss"), $arity, |$e, $a, $b, $c| $ours, $skip);
        both!(@one $cases, u64, DOUBLE, FLOAT_D, host!(concat!($mnemonic, "sd ", $text)),
              concat!($mnemonic, "sd"), $arity, |$e, $a, $b, $c| $ours, $skip);
    }};
    ($cases:ident, $mnemonic:literal, $text:literal, truth,
     |$e:ident, $a:ident, $b:ident| $ours:expr) => {{
        both!(@one $cases, u32, SINGLE, Kind::Truth, host!(concat!($mnemonic, "ss ", $text)),
              concat!($mnemonic, "ss ", $text), 2, |$e, $a, $b, _c| $ours, never);
        both!(@one $cases, u64, DOUBLE, Kind::Truth, host!(concat!($mnemonic, "sd ", $text)),
              concat!($mnemonic, "sd ", $text), 2, |$e, $a, $b, _c| $ours, never);
    }};
    (@one $cases:ident, $bits:ty, $shape:ident, $result:expr, $host:expr, $name:expr,
     $arity:literal, |$e:ident, $a:ident, $b:ident, $c:ident| $ours:expr, $skip:expr) => {
        $cases.push(case!($name, Some($shape), $arity, $result, $host, |$e, a, b, c| {
            let ($a, $b, $c) = (a as $bits, b as $bits, c as $bits);
            u64::from($ours)
        }, $skip));
    };
}

fn arithmetic(cases: &mut Vec<Case>) {
    both!(
        cases,
        "vadd",
        "{x0}, {x1}, {x2}",
        2,
        float,
        |e, a, b, _c| fp::add(e, a, b),
        never
    );
    both!(
        cases,
        "vsub",
        "{x0}, {x1}, {x2}",
        2,
        float,
        |e, a, b, _c| fp::sub(e, a, b),
        never
    );
    both!(
        cases,
        "vmul",
        "{x0}, {x1}, {x2}",
        2,
        float,
        |e, a, b, _c| fp::mul(e, a, b),
        never
    );
    both!(
        cases,
        "vdiv",
        "{x0}, {x1}, {x2}",
        2,
        float,
        |e, a, b, _c| fp::div(e, a, b),
        never
    );
    both!(
        cases,
        "vsqrt",
        "{x0}, {x1}, {x1}",
        1,
        float,
        |e, a, _b, _c| fp::sqrt(e, a),
        never
    );
    both!(
        cases,
        "vfmadd231",
        "{x0}, {x1}, {x2}",
        3,
        float,
        |e, a, b, c| fp::mul_add(e, c, a, b),
        nan_hides_invalid
    );
    both!(
        cases,
        "vfnmadd231",
        "{x0}, {x1}, {x2}",
        3,
        float,
        |e, a, b, c| fp::mul_add(e, c, fp::neg(a), b),
        nan_operand
    );
    both!(
        cases,
        "vmax",
        "{x0}, {x1}, {x2}",
        2,
        float,
        |e, a, b, _c| fp::max(e, a, b),
        unordered
    );
    both!(
        cases,
        "vmin",
        "{x0}, {x1}, {x2}",
        2,
        float,
        |e, a, b, _c| fp::min(e, a, b),
        unordered
    );
}

fn comparisons(cases: &mut Vec<Case>) {
    // Equal, quiet; greater or equal and greater, signalling.
    both!(cases, "vcmp", "{x0}, {x1}, {x2}, 0", truth, |e, a, b| {
        fp::compare_eq(e, a, b)
    });
    both!(cases, "vcmp", "{x0}, {x1}, {x2}, 13", truth, |e, a, b| {
        fp::compare_ge(e, a, b)
    });
    both!(cases, "vcmp", "{x0}, {x1}, {x2}, 14", truth, |e, a, b| {
        fp::compare_gt(e, a, b)
    });
    // Less, quiet (17) and signalling (1): N of FPCompare.
    both!(cases, "vcmp", "{x0}, {x1}, {x2}, 17", truth, |e, a, b| {
        fp::compare(e, a, b, false) == 0b1000
    });
    both!(cases, "vcmp", "{x0}, {x1}, {x2}, 1", truth, |e, a, b| {
        fp::compare(e, a, b, true) == 0b1000
    });
    // Unordered, quiet: C and V.
    both!(cases, "vcmp", "{x0}, {x1}, {x2}, 3", truth, |e, a, b| {
        fp::compare(e, a, b, false) == 0b0011
    });
}

fn rounding(cases: &mut Vec<Case>) {
    // By MXCSR; and to even, down, up, to zero with inexactness untold (8).
    both!(
        cases,
        "vround",
        "{x0}, {x1}, {x1}, 4",
        1,
        float,
        |e, a, _b, _c| fp::round_int(e, a, e.rounding(), true),
        never
    );
    both!(
        cases,
        "vround",
        "{x0}, {x1}, {x1}, 8",
        1,
        float,
        |e, a, _b, _c| fp::round_int(e, a, Rounding::TieEven, false),
        never
    );
    both!(
        cases,
        "vround",
        "{x0}, {x1}, {x1}, 9",
        1,
        float,
        |e, a, _b, _c| fp::round_int(e, a, Rounding::MinusInf, false),
        never
    );
    both!(
        cases,
        "vround",
        "{x0}, {x1}, {x1}, 10",
        1,
        float,
        |e, a, _b, _c| fp::round_int(e, a, Rounding::PlusInf, false),
        never
    );
    both!(
        cases,
        "vround",
        "{x0}, {x1}, {x1}, 11",
        1,
        float,
        |e, a, _b, _c| fp::round_int(e, a, Rounding::Zero, false),
        never
    );
}

/// Conversions between formats.
fn formats(cases: &mut Vec<Case>) {
    let (h, s, d) = (Some(HALF), Some(SINGLE), Some(DOUBLE));
    cases.extend([
        case!(
            "vcvtss2sd",
            s,
            1,
            FLOAT_D,
            host!("vcvtss2sd {x0}, {x1}, {x1}"),
            |e, a, _, _| fp::convert::<u32, u64>(e, a as u32, e.rounding()),
            never
        ),
        case!(
            "vcvtsd2ss",
            d,
            1,
            FLOAT_S,
            host!("vcvtsd2ss {x0}, {x1}, {x1}"),
            |e, a, _, _| fp::convert::<u64, u32>(e, a, e.rounding()).into(),
            never
        ),
        case!(
            "vcvtph2ps",
            h,
            1,
            FLOAT_S,
            host!("vcvtph2ps {x0}, {x1}"),
            |e, a, _, _| fp::convert::<u16, u32>(e, a as u16, e.rounding()).into(),
            never
        ),
        case!(
            "vcvtps2ph",
            s,
            1,
            FLOAT_H,
            host!("vcvtps2ph {x0}, {x1}, 4"),
            |e, a, _, _| fp::convert::<u32, u16>(e, a as u32, e.rounding()).into(),
            never
        ),
    ]);
}

/// Our side of a conversion to a signed integer.
macro_rules! to_signed {
    ($bits:ty, $width:literal, $rounding:expr) => {
        |e, a, _, _| {
            let rounding: fn(&Fp) -> Rounding = $rounding;
            let rounding = rounding(e);
            fp::to_fixed(e, a as $bits, 0, false, rounding, $width)
        }
    };
}

/// Our side of a conversion from a signed integer.
macro_rules! from_signed {
    ($bits:ty, $width:literal) => {
        |e, a, _, _| fp::from_fixed::<$bits>(e, a, 0, false, $width, e.rounding()).into()
    };
}

/// Conversions from and to integers.
fn integers(cases: &mut Vec<Case>) {
    let (s, d) = (Some(SINGLE), Some(DOUBLE));
    let (w, x) = (Kind::Integer(32), Kind::Integer(64));
    macro_rules! to {
        ($shape:ident, $bits:ty, $kind:ident, $width:literal, $text:literal, $rounding:expr) => {
            cases.push(case!(
                $text,
                $shape,
                1,
                $kind,
                host_to_integer!($text),
                to_signed!($bits, $width, $rounding),
                never
            ));
        };
    }
    to!(s, u32, w, 32, "vcvtss2si {r:e}, {x1}", Fp::rounding);
    to!(s, u32, x, 64, "vcvtss2si {r}, {x1}", Fp::rounding);
    to!(d, u64, w, 32, "vcvtsd2si {r:e}, {x1}", Fp::rounding);
    to!(d, u64, x, 64, "vcvtsd2si {r}, {x1}", Fp::rounding);
    to!(s, u32, w, 32, "vcvttss2si {r:e}, {x1}", |_| Rounding::Zero);
    to!(s, u32, x, 64, "vcvttss2si {r}, {x1}", |_| Rounding::Zero);
    to!(d, u64, w, 32, "vcvttsd2si {r:e}, {x1}", |_| Rounding::Zero);
    to!(d, u64, x, 64, "vcvttsd2si {r}, {x1}", |_| Rounding::Zero);
    macro_rules! from {
        ($bits:ty, $result:expr, $width:literal, $text:literal) => {
            cases.push(case!(
                $text,
                None,
                1,
                $result,
                host!($text),
                from_signed!($bits, $width),
                never
            ));
        };
    }
    from!(u32, FLOAT_S, 32, "vcvtsi2ss {x0}, {x1}, {r:e}");
    from!(u32, FLOAT_S, 64, "vcvtsi2ss {x0}, {x1}, {r}");
    from!(u64, FLOAT_D, 32, "vcvtsi2sd {x0}, {x1}, {r:e}");
    from!(u64, FLOAT_D, 64, "vcvtsi2sd {x0}, {x1}, {r}");
}

#[test]
fn shared_operations_equal_the_host() {
    for feature in [
        ("avx", is_x86_feature_detected!("avx")),
        ("fma", is_x86_feature_detected!("fma")),
        ("f16c", is_x86_feature_detected!("f16c")),
    ] {
        assert!(feature.1, "this machine lacks {}", feature.0);
    }
    let mut cases = Vec::new();
    arithmetic(&mut cases);
    comparisons(&mut cases);
    rounding(&mut cases);
    formats(&mut cases);
    integers(&mut cases);
    let long = std::env::var("ARMISTICE_LONG").is_ok_and(|value| value == "1");
    let count = if long { 2_000_000 } else { 20_000 };
    let mut failures = 0;
    for (number, case) in cases.iter().enumerate() {
        let mut rng = Rng(number as u64);
        let differences: Vec<_> = (0..count).filter_map(|_| case.check(&mut rng)).collect();
        failures += usize::from(!differences.is_empty());
        for line in differences.iter().take(4) {
            println!("{line} ({} of {count})", differences.len());
        }
    }
    println!("{} operations, {count} inputs each", cases.len());
    assert_eq!(failures, 0, "operations differ");
}
