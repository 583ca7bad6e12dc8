//! The operations under test: for each, an instruction and what should equal
//! it.
//!
//! Registers as in `guest.c`: v0 is the addend, v1 and v2 (or x1) the
//! operands; the result goes to v0, x0 or NZCV.

use armistice_softfp::{self as fp, Float, Fp, Rounding};

use super::operands::{DOUBLE, HALF, Rng, SINGLE, Shape, integer};

const BF16: Shape = Shape { exp: 8, frac: 7 };

/// The state an instruction starts from.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    pub(crate) fpcr: u32,
    pub(crate) x: u64,
    pub(crate) v: [u128; 3],
}

/// The result, where the instruction has one.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) enum Output {
    V(u128),
    X(u64),
    Nzcv(u8),
}

impl Output {
    /// The result as a number.
    pub(crate) fn bits(self) -> u128 {
        match self {
            Self::V(v) => v,
            Self::X(x) => x.into(),
            Self::Nzcv(nzcv) => nzcv.into(),
        }
    }
}

/// What the registers hold.
#[derive(Clone, Copy)]
pub(crate) enum Operands {
    /// Related values in each lane: `v1`, `v2`, and `v0` often near their
    /// negated product.
    Lanes(Shape),
    /// Single-precision addends in v0, narrower factors in v1 and v2.
    Widening(Shape),
    /// Integers everywhere.
    Integers,
}

/// What an instruction should do.
type Run = Box<dyn Fn(&mut Fp, &Input) -> Output>;

pub(crate) struct Op {
    pub(crate) instruction: String,
    pub(crate) operands: Operands,
    pub(crate) run: Run,
}

/// Lane `index` of a register.
fn lane(register: u128, index: usize, width: u32) -> u64 {
    let width = width as usize;
    (register >> (index * width)) as u64 & (u64::MAX >> (64 - width))
}

impl Operands {
    /// Whether all lanes are of half precision.
    pub(crate) fn is_half(self) -> bool {
        matches!(self, Self::Lanes(shape) if shape.width() == HALF.width())
    }

    /// Registers of this kind, with this FPCR.
    pub(crate) fn draw(self, rng: &mut Rng, fpcr: u32) -> Input {
        let mut input = Input {
            fpcr,
            x: integer(rng),
            v: [0; 3],
        };
        match self {
            Self::Integers => {
                for v in &mut input.v {
                    *v = u128::from(integer(rng)) << 64 | u128::from(integer(rng));
                }
            }
            Self::Lanes(shape) => {
                for index in 0..128 / shape.width() {
                    let (a, b) = shape.pair(rng);
                    let c = if rng.below(3) == 0 {
                        shape.near(rng, product(shape, a, b))
                    } else {
                        shape.float(rng)
                    };
                    for (v, value) in input.v.iter_mut().zip([c, a, b]) {
                        *v |= u128::from(value) << (index * shape.width());
                    }
                }
            }
            Self::Widening(shape) => {
                for index in 0..128 / shape.width() {
                    let (a, b) = shape.pair(rng);
                    for (v, value) in input.v[1..].iter_mut().zip([a, b]) {
                        *v |= u128::from(value) << (index * shape.width());
                    }
                }
                for index in 0..4 {
                    input.v[0] |= u128::from(SINGLE.float(rng)) << (index * 32);
                }
            }
        }
        input
    }
}

/// The product, to draw an addend that cancels it.
fn product(shape: Shape, a: u64, b: u64) -> u64 {
    let mut fp = Fp::default();
    match shape.width() {
        16 => fp::mul(&mut fp, a as u16, b as u16).into(),
        32 => fp::mul(&mut fp, a as u32, b as u32).into(),
        _ => fp::mul(&mut fp, a, b),
    }
}

/// A format and how instructions name it.
trait Named: Float + Into<u64> + 'static {
    const SHAPE: Shape;
    /// The scalar register's letter, and the vector arrangement.
    const LETTER: char;
    const ARRANGEMENT: &'static str;
    fn take(register: u128, index: usize) -> Self;
}

macro_rules! named {
    ($bits:ty, $shape:ident, $letter:literal, $arrangement:literal) => {
        impl Named for $bits {
            const SHAPE: Shape = $shape;
            const LETTER: char = $letter;
            const ARRANGEMENT: &'static str = $arrangement;
            fn take(register: u128, index: usize) -> Self {
                lane(register, index, $shape.width()) as Self
            }
        }
    };
}
named!(u16, HALF, 'h', "8h");
named!(u32, SINGLE, 's', "4s");
named!(u64, DOUBLE, 'd', "2d");

fn scalar<F: Named>(value: F) -> Output {
    Output::V(u128::from(value.into()))
}

/// The list while it is made.
struct Table(Vec<Op>);

impl Table {
    fn add(
        &mut self,
        instruction: impl Into<String>,
        operands: Operands,
        run: impl Fn(&mut Fp, &Input) -> Output + 'static,
    ) {
        self.0.push(Op {
            instruction: instruction.into(),
            operands,
            run: Box::new(run),
        });
    }

    /// `name D0, D1`
    fn unary<F: Named>(&mut self, name: &str, run: fn(&mut Fp, F) -> F) {
        let r = F::LETTER;
        self.add(
            format!("{name} {r}0, {r}1"),
            Operands::Lanes(F::SHAPE),
            move |fp, input| scalar(run(fp, F::take(input.v[1], 0))),
        );
    }

    /// `name D0, D1, D2`
    fn binary<F: Named>(&mut self, name: &str, run: fn(&mut Fp, F, F) -> F) {
        let r = F::LETTER;
        let instruction = format!("{name} {r}0, {r}1, {r}2");
        self.add(instruction, Operands::Lanes(F::SHAPE), move |fp, input| {
            scalar(run(fp, F::take(input.v[1], 0), F::take(input.v[2], 0)))
        });
    }

    /// `name D0, D1, D2`, giving a mask.
    fn truth<F: Named>(&mut self, name: &str, run: fn(&mut Fp, F, F) -> bool) {
        let r = F::LETTER;
        let instruction = format!("{name} {r}0, {r}1, {r}2");
        self.add(instruction, Operands::Lanes(F::SHAPE), move |fp, input| {
            let truth = run(fp, F::take(input.v[1], 0), F::take(input.v[2], 0));
            Output::V(if truth { F::SHAPE.mask().into() } else { 0 })
        });
    }
}

/// The whole table.
pub(crate) fn all() -> Vec<Op> {
    let mut table = Table(Vec::new());
    format_ops::<u16>(&mut table);
    format_ops::<u32>(&mut table);
    format_ops::<u64>(&mut table);
    frint_n_ops::<u32>(&mut table);
    frint_n_ops::<u64>(&mut table);
    conversions(&mut table);
    widening(&mut table);
    table.0
}

fn format_ops<F: Named>(table: &mut Table) {
    arithmetic::<F>(table);
    comparisons::<F>(table);
    frint::<F>(table);
    to_integer::<F>(table);
    from_integer::<F>(table);
    complex::<F>(table);
}

fn arithmetic<F: Named>(table: &mut Table) {
    table.unary::<F>("fneg", |_, op| fp::neg(op));
    table.unary::<F>("fabs", |_, op| fp::abs(op));
    table.unary::<F>("fsqrt", fp::sqrt);
    table.unary::<F>("frecpe", fp::recip_estimate);
    table.unary::<F>("frsqrte", fp::rsqrt_estimate);
    table.unary::<F>("frecpx", fp::recpx);
    table.binary::<F>("fadd", fp::add);
    table.binary::<F>("fsub", fp::sub);
    table.binary::<F>("fmul", fp::mul);
    table.binary::<F>("fdiv", fp::div);
    table.binary::<F>("fmulx", fp::mulx);
    table.binary::<F>("fmax", fp::max);
    table.binary::<F>("fmin", fp::min);
    table.binary::<F>("fmaxnm", fp::max_num);
    table.binary::<F>("fminnm", fp::min_num);
    table.binary::<F>("frecps", fp::recip_step);
    table.binary::<F>("frsqrts", fp::rsqrt_step);
    let r = F::LETTER;
    for (name, negate_addend, negate_product) in [
        ("fmadd", false, false),
        ("fmsub", false, true),
        ("fnmadd", true, true),
        ("fnmsub", true, false),
    ] {
        let instruction = format!("{name} {r}0, {r}1, {r}2, {r}0");
        table.add(instruction, Operands::Lanes(F::SHAPE), move |fp, input| {
            let [mut addend, mut op1, op2] = input.v.map(|v| F::take(v, 0));
            if negate_addend {
                addend = fp::neg(addend);
            }
            if negate_product {
                op1 = fp::neg(op1);
            }
            scalar(fp::mul_add(fp, addend, op1, op2))
        });
    }
}

fn comparisons<F: Named>(table: &mut Table) {
    let r = F::LETTER;
    for (name, signal) in [("fcmp", false), ("fcmpe", true)] {
        table.add(
            format!("{name} {r}1, {r}2"),
            Operands::Lanes(F::SHAPE),
            move |fp, input| {
                let [_, op1, op2] = input.v.map(|v| F::take(v, 0));
                Output::Nzcv(fp::compare(fp, op1, op2, signal))
            },
        );
    }
    table.truth::<F>("fcmeq", fp::compare_eq);
    table.truth::<F>("fcmge", fp::compare_ge);
    table.truth::<F>("fcmgt", fp::compare_gt);
}

fn frint<F: Named>(table: &mut Table) {
    table.unary::<F>("frintn", |fp, op| {
        fp::round_int(fp, op, Rounding::TieEven, false)
    });
    table.unary::<F>("frintp", |fp, op| {
        fp::round_int(fp, op, Rounding::PlusInf, false)
    });
    table.unary::<F>("frintm", |fp, op| {
        fp::round_int(fp, op, Rounding::MinusInf, false)
    });
    table.unary::<F>("frintz", |fp, op| {
        fp::round_int(fp, op, Rounding::Zero, false)
    });
    table.unary::<F>("frinta", |fp, op| {
        fp::round_int(fp, op, Rounding::TieAway, false)
    });
    table.unary::<F>("frinti", |fp, op| {
        fp::round_int(fp, op, fp.rounding(), false)
    });
    table.unary::<F>("frintx", |fp, op| {
        fp::round_int(fp, op, fp.rounding(), true)
    });
}

fn frint_n_ops<F: Named>(table: &mut Table) {
    table.unary::<F>("frint32z", |fp, op| {
        fp::round_int_n(fp, op, Rounding::Zero, 32)
    });
    table.unary::<F>("frint32x", |fp, op| {
        fp::round_int_n(fp, op, fp.rounding(), 32)
    });
    table.unary::<F>("frint64z", |fp, op| {
        fp::round_int_n(fp, op, Rounding::Zero, 64)
    });
    table.unary::<F>("frint64x", |fp, op| {
        fp::round_int_n(fp, op, fp.rounding(), 64)
    });
}

fn to_integer<F: Named>(table: &mut Table) {
    let r = F::LETTER;
    for (mode, rounding) in [
        ('n', Rounding::TieEven),
        ('p', Rounding::PlusInf),
        ('m', Rounding::MinusInf),
        ('z', Rounding::Zero),
        ('a', Rounding::TieAway),
    ] {
        for (sign, unsigned) in [('s', false), ('u', true)] {
            for (general, width) in [('w', 32), ('x', 64)] {
                let instruction = format!("fcvt{mode}{sign} {general}0, {r}1");
                table.add(instruction, Operands::Lanes(F::SHAPE), move |fp, input| {
                    let op = F::take(input.v[1], 0);
                    Output::X(fp::to_fixed(fp, op, 0, unsigned, rounding, width))
                });
            }
            // To an integer of the format's own width.
            let instruction = format!("fcvt{mode}{sign} {r}0, {r}1");
            table.add(instruction, Operands::Lanes(F::SHAPE), move |fp, input| {
                let op = F::take(input.v[1], 0);
                let width = F::SHAPE.width();
                Output::V(fp::to_fixed(fp, op, 0, unsigned, rounding, width).into())
            });
        }
    }
    for (sign, unsigned) in [('s', false), ('u', true)] {
        for (general, width, fbits) in [
            ('w', 32, 1),
            ('w', 32, 13),
            ('w', 32, 32),
            ('x', 64, 1),
            ('x', 64, 31),
            ('x', 64, 64),
        ] {
            let instruction = format!("fcvtz{sign} {general}0, {r}1, {fbits}");
            table.add(instruction, Operands::Lanes(F::SHAPE), move |fp, input| {
                let op = F::take(input.v[1], 0);
                Output::X(fp::to_fixed(fp, op, fbits, unsigned, Rounding::Zero, width))
            });
        }
        let width = F::SHAPE.width();
        for fbits in [1, 9, width] {
            let instruction = format!("fcvtz{sign} {r}0, {r}1, {fbits}");
            table.add(instruction, Operands::Lanes(F::SHAPE), move |fp, input| {
                let op = F::take(input.v[1], 0);
                Output::V(fp::to_fixed(fp, op, fbits, unsigned, Rounding::Zero, width).into())
            });
        }
    }
}

fn from_integer<F: Named>(table: &mut Table) {
    let r = F::LETTER;
    for (sign, unsigned) in [('s', false), ('u', true)] {
        for (general, width) in [('w', 32), ('x', 64)] {
            for fbits in [0, 1, 13, width] {
                let suffix = if fbits == 0 {
                    String::new()
                } else {
                    format!(", {fbits}")
                };
                let instruction = format!("{sign}cvtf {r}0, {general}1{suffix}");
                table.add(instruction, Operands::Integers, move |fp, input| {
                    let rounding = fp.rounding();
                    let value = input.x;
                    scalar(fp::from_fixed::<F>(
                        fp, value, fbits, unsigned, width, rounding,
                    ))
                });
            }
        }
        let width = F::SHAPE.width();
        for fbits in [0, 1, 9, width] {
            let suffix = if fbits == 0 {
                String::new()
            } else {
                format!(", {fbits}")
            };
            let instruction = format!("{sign}cvtf {r}0, {r}1{suffix}");
            table.add(instruction, Operands::Integers, move |fp, input| {
                let rounding = fp.rounding();
                let value = lane(input.v[1], 0, width);
                scalar(fp::from_fixed::<F>(
                    fp, value, fbits, unsigned, width, rounding,
                ))
            });
        }
    }
}

/// Each complex element of the vectors.
fn each_complex<F: Named>(
    input: &Input,
    mut run: impl FnMut([fp::Complex<F>; 3]) -> fp::Complex<F>,
) -> Output {
    let width = F::SHAPE.width();
    let mut result = 0;
    for pair in 0..(64 / width) as usize {
        let elements = input
            .v
            .map(|v| (F::take(v, 2 * pair), F::take(v, 2 * pair + 1)));
        let (re, im) = run(elements);
        result |= u128::from(re.into()) << (2 * pair * width as usize);
        result |= u128::from(im.into()) << ((2 * pair + 1) * width as usize);
    }
    Output::V(result)
}

fn complex<F: Named>(table: &mut Table) {
    let t = F::ARRANGEMENT;
    for (rot, degrees) in [(0, 0), (1, 90), (2, 180), (3, 270)] {
        let instruction = format!("fcmla v0.{t}, v1.{t}, v2.{t}, {degrees}");
        table.add(instruction, Operands::Lanes(F::SHAPE), move |fp, input| {
            each_complex::<F>(input, |[addend, op1, op2]| {
                fp::complex_mul_add(fp, addend, op1, op2, rot)
            })
        });
    }
    for (degrees, rotate_270) in [(90, false), (270, true)] {
        let instruction = format!("fcadd v0.{t}, v1.{t}, v2.{t}, {degrees}");
        table.add(instruction, Operands::Lanes(F::SHAPE), move |fp, input| {
            each_complex::<F>(input, |[_, op1, op2]| {
                fp::complex_add(fp, op1, op2, rotate_270)
            })
        });
    }
}

fn convert<S: Named, D: Named>(table: &mut Table) {
    let instruction = format!("fcvt {}0, {}1", D::LETTER, S::LETTER);
    table.add(instruction, Operands::Lanes(S::SHAPE), |fp, input| {
        let rounding = fp.rounding();
        scalar(fp::convert::<S, D>(fp, S::take(input.v[1], 0), rounding))
    });
}

fn conversions(table: &mut Table) {
    convert::<u16, u32>(table);
    convert::<u16, u64>(table);
    convert::<u32, u16>(table);
    convert::<u32, u64>(table);
    convert::<u64, u16>(table);
    convert::<u64, u32>(table);
    table.add("fcvtxn s0, d1", Operands::Lanes(DOUBLE), |fp, input| {
        scalar(fp::convert::<u64, u32>(
            fp,
            input.v[1] as u64,
            Rounding::Odd,
        ))
    });
    table.add("fjcvtzs w0, d1", Operands::Lanes(DOUBLE), |fp, input| {
        Output::X(fp::to_fixed_js(fp, input.v[1] as u64).0.into())
    });
    table.add("fjcvtzs w0, d1", Operands::Lanes(DOUBLE), |fp, input| {
        Output::Nzcv(u8::from(fp::to_fixed_js(fp, input.v[1] as u64).1) << 2)
    });
    table.add("bfcvt h0, s1", Operands::Lanes(SINGLE), |fp, input| {
        scalar(fp::convert_bf(fp, input.v[1] as u32))
    });
    for (instruction, run) in [
        (
            "urecpe v0.4s, v1.4s",
            fp::unsigned_recip_estimate as fn(u32) -> u32,
        ),
        ("ursqrte v0.4s, v1.4s", fp::unsigned_rsqrt_estimate),
    ] {
        table.add(instruction, Operands::Integers, move |_, input| {
            singles(|index| run(u32::take(input.v[1], index)))
        });
    }
}

/// A vector of four single-precision results.
fn singles(mut each: impl FnMut(usize) -> u32) -> Output {
    Output::V((0..4).fold(0, |v, index| v | u128::from(each(index)) << (32 * index)))
}

fn widening(table: &mut Table) {
    for (name, upper, negate) in [
        ("fmlal", 0, false),
        ("fmlal2", 4, false),
        ("fmlsl", 0, true),
        ("fmlsl2", 4, true),
    ] {
        let instruction = format!("{name} v0.4s, v1.4h, v2.4h");
        table.add(instruction, Operands::Widening(HALF), move |fp, input| {
            singles(|index| {
                let op1 = u16::take(input.v[1], upper + index);
                let op1 = if negate { fp::neg(op1) } else { op1 };
                let op2 = u16::take(input.v[2], upper + index);
                fp::mul_add_h(fp, u32::take(input.v[0], index), op1, op2)
            })
        });
    }
    for (name, odd) in [("bfmlalb", 0), ("bfmlalt", 1)] {
        let instruction = format!("{name} v0.4s, v1.8h, v2.8h");
        table.add(instruction, Operands::Widening(BF16), move |fp, input| {
            singles(|index| {
                let [op1, op2] = [1, 2].map(|n| u16::take(input.v[n], 2 * index + odd));
                fp::bf_mul_add_h(fp, u32::take(input.v[0], index), op1, op2)
            })
        });
    }
    table.add(
        "bfdot v0.4s, v1.8h, v2.8h",
        Operands::Widening(BF16),
        |_, input| {
            singles(|index| {
                let [addend, a, b] = [0, 1, 2].map(|n| u32::take(input.v[n], index));
                fp::bf_dot_add(
                    addend,
                    a as u16,
                    (a >> 16) as u16,
                    b as u16,
                    (b >> 16) as u16,
                )
            })
        },
    );
    table.add(
        "bfmmla v0.4s, v1.8h, v2.8h",
        Operands::Widening(BF16),
        |_, input| {
            let addend = std::array::from_fn(|index| u32::take(input.v[0], index));
            let [op1, op2] = [1, 2].map(|n| std::array::from_fn(|i| u16::take(input.v[n], i)));
            let result = fp::bf_mat_mul_add(addend, op1, op2);
            singles(|index| result[index])
        },
    );
}
