//! Floating-point arithmetic by the host's instructions. Where the host's result may differ
//! from the guest's, the interpreter does the instruction again.
//!
//! The host rounds as MXCSR says and gathers the exceptions there, like the guest. It
//! differs in three things. Each shows in the result, so the result is looked at before it
//! is committed:
//! - which NaN comes out, and with which sign;
//! - Underflow, which the host finds after rounding and the guest before: the two differ
//!   only where the least normal number comes out;
//! - minima and maxima of NaNs and of zeros.
//!
//! The interpreter's exceptions include those that the host has gathered. Results of several
//! instructions may be looked at together ([`super::joined`]).

use crate::asm::{Cond as Cc, Label, Size as Host, V, Xmm};
use crate::constants::Const;
use crate::convention::{RAX, RCX};
use crate::lower::Lowering;
use crate::lower::cold::Cold;
use crate::lower::flags::Form;
use ir::vector::{Arg, FloatBin, FloatUnary, Fp, Rounding, Shape, VOp};
use ir::{Op, Size, VReg};

/// Rows for binary32 and binary64, scalar and packed.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub(super) ss: V,
    pub(super) sd: V,
    pub(super) ps: V,
    pub(super) pd: V,
}

impl Rows {
    pub(super) const fn pick(self, f: Fp, scalar: bool) -> V {
        match (f, scalar) {
            (Fp::S, true) => self.ss,
            (Fp::D, true) => self.sd,
            (Fp::S, false) => self.ps,
            (Fp::D, false) => self.pd,
        }
    }
}

macro_rules! rows {
    ($ss:ident $sd:ident $ps:ident $pd:ident) => {
        Rows {
            ss: V::$ss,
            sd: V::$sd,
            ps: V::$ps,
            pd: V::$pd,
        }
    };
}

const ADD: Rows = rows!(Addss Addsd Addps Addpd);
const SUB: Rows = rows!(Subss Subsd Subps Subpd);
pub(super) const MUL: Rows = rows!(Mulss Mulsd Mulps Mulpd);
const DIV: Rows = rows!(Divss Divsd Divps Divpd);
const MAX: Rows = rows!(Maxss Maxsd Maxps Maxpd);
const MIN: Rows = rows!(Minss Minsd Minps Minpd);
const SQRT: Rows = rows!(Sqrtss Sqrtsd Sqrtps Sqrtpd);
const COMPARE: Rows = rows!(Cmpss Cmpsd Cmpps Cmppd);
const RANGE: Rows = rows!(Rangess Rangesd Rangeps Rangepd);
const ROUND: Rows = rows!(Roundss Roundsd Roundps Roundpd);
const RNDSCALE: Rows = rows!(Rndscaless Rndscalesd Rndscaleps Rndscalepd);
/// d = a * b + d, and its variants.
const FMADD: Rows = rows!(Fmadd231ss Fmadd231sd Fmadd231ps Fmadd231pd);
const FMSUB: Rows = rows!(Fmsub231ss Fmsub231sd Fmsub231ps Fmsub231pd);
const FNMADD: Rows = rows!(Fnmadd231ss Fnmadd231sd Fnmadd231ps Fnmadd231pd);
const FNMSUB: Rows = rows!(Fnmsub231ss Fnmsub231sd Fnmsub231ps Fnmsub231pd);

/// The size of a number.
pub(super) const fn size(f: Fp) -> Size {
    match f {
        Fp::S => Size::B4,
        Fp::D => Size::B8,
    }
}

/// What results the interpreter looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Check {
    /// NaNs.
    Nan,
    /// NaNs and the least normal number.
    Tiny,
}

impl Lowering<'_> {
    /// A way to have the instruction done by the interpreter, coming back
    /// behind it. The flags must have been cared for.
    pub(super) fn detour(&mut self) -> Label {
        self.detour_from(None)
    }

    /// EFLAGS may be overwritten by who looks at the result.
    fn clobber_to_look(&mut self) {
        if !self.joining {
            self.clobber_to_look_once(self.at + 1);
        }
    }

    /// EFLAGS may be overwritten by who looks at a result, unless that costs something
    /// and no operation from `behind` on would gain by it: to look with the flags left
    /// alone takes longer, and to save them takes as long as to look so twice.
    pub(super) fn clobber_to_look_once(&mut self, behind: usize) {
        let rest = self.region.ops[behind..self.end].iter();
        let mut rest = rest.take_while(|inst| !inst.op.sets_flags());
        let looks = |op: &Op| {
            let Op::Vector(v) = op else { return false };
            matches!(v, VOp::Float { .. } | VOp::MulAdd { .. })
        };
        // What the interpreter leaves in the state can't become the form of floats again.
        let comes_back = !self.flags_here().is_in_host(Form::Float);
        if self.clobber_is_free() || !comes_back || rest.any(|inst| looks(&inst.op)) {
            self.clobber();
        }
    }

    /// Leaves if any lane of a mask is set. Where EFLAGS has flags, they stay. Overwrites
    /// `rax`, or `rcx`.
    pub(super) fn leave_if_any(&mut self, f: Fp, mask: Xmm, cold: Label) {
        if self.flags_in_host() {
            self.a.vmovmsk(f == Fp::D, RCX, mask);
            return self.leave_unless_zero(cold);
        }
        self.a.vmovmsk(f == Fp::D, RAX, mask);
        self.a.test_rr(Host::B32, RAX, RAX);
        self.a.jcc(Cc::NE, cold);
    }

    /// Leaves unless `rcx` is zero; leaves the flags alone.
    fn leave_unless_zero(&mut self, cold: Label) {
        let good = self.a.new_label();
        self.a.jrcxz(good);
        self.a.jmp(cold);
        self.a.bind(good);
    }

    /// Where code goes that leaves to the interpreter; a slot's register that has been
    /// overwritten is restored first.
    fn detour_from(&mut self, kept: Option<(Xmm, Xmm)>) -> Label {
        let (cold, back) = (self.a.new_label(), self.a.new_label());
        let what = Cold::interpret(self.pc, self.word(), self.flags_here(), back);
        self.cold
            .push((cold, what.restoring(kept, self.status_kept)));
        self.pending_back.push(back);
        cold
    }

    /// A source whose lanes that don't count raise nothing: zero above `half`.
    pub(super) fn clean(&mut self, shape: Shape, reg: VReg, scratch: Xmm) -> Xmm {
        if shape != Shape::Half || self.is_zero_above(reg, Size::B8) {
            return self.vread(reg, scratch);
        }
        let source = self.vsource(reg);
        self.a.v2(V::Movq, scratch, source);
        scratch
    }

    pub(super) fn clean_arg(&mut self, f: Fp, shape: Shape, arg: Arg, scratch: Xmm) -> Xmm {
        match arg {
            Arg::Each(reg) => self.clean(shape, reg, scratch),
            // The low lane of a scalar is there already.
            Arg::Lane(reg, 0) if shape == Shape::Scalar => self.vread(reg, scratch),
            _ => {
                let x = self.varg(size(f), arg, scratch);
                if shape == Shape::Half && !self.is_low(arg) {
                    self.a.v2(V::Movq, x, x);
                }
                x
            }
        }
    }

    /// Where to compute what one instruction makes of its sources. A run does not do that again from
    /// registers, so there it may overwrite a source.
    fn result(&self, d: VReg, sources: &[VReg]) -> Xmm {
        if self.joining {
            return self.vtarget(d, self.s(2));
        }
        self.apart(false, d, sources)
    }

    /// The end of a floating-point operation: zero above. `like`: a slot that
    /// the bits above come from, in scalar operations.
    pub(super) fn float_done(&mut self, f: Fp, shape: Shape, d: VReg, r: Xmm, like: Option<VReg>) {
        match shape {
            Shape::Full => self.vwrite(d, r),
            Shape::Half => self.vdone(true, d, r),
            Shape::Scalar => {
                if like.is_some_and(|reg| self.is_zero_above(reg, size(f))) {
                    self.vwrite(d, r);
                } else {
                    self.vdone_low(size(f), d, r);
                }
            }
        }
    }

    /// Leaves for the interpreter where the result wants it. Overwrites
    /// EFLAGS; uses scratch 3.
    pub(super) fn check(&mut self, check: Check, f: Fp, shape: Shape, r: Xmm) {
        self.check_kept(check, f, shape, r, None);
    }

    fn check_kept(&mut self, check: Check, f: Fp, shape: Shape, r: Xmm, kept: Option<(Xmm, Xmm)>) {
        if self.joining {
            return;
        }
        let cold = self.detour_from(kept);
        self.check_to(cold, check, f, shape, r);
        self.look_at_status(cold);
    }

    fn check_to(&mut self, cold: Label, check: Check, f: Fp, shape: Shape, r: Xmm) {
        let s = self.s(3);
        let (abs, abs_scalar, normal, compare) = match f {
            Fp::S => (Const::AbsS, Const::AbsScalarS, Const::NormalS, V::Ucomiss),
            Fp::D => (Const::AbsD, Const::AbsScalarD, Const::NormalD, V::Ucomisd),
        };
        if shape == Shape::Scalar && !self.flags_in_host() {
            if check == Check::Nan {
                self.a.v2(compare, r, r);
                return self.a.jcc(Cc::P, cold);
            }
            self.v3(V::Andps, s, r, self.k(abs_scalar));
            self.a.v2(compare, s, self.k(normal));
            // Equal, or unordered.
            return self.a.jcc(Cc::E, cold);
        }
        // Predicates: 3 unordered; 8 equal or unordered. Both quiet.
        let scalar = shape == Shape::Scalar;
        if check == Check::Tiny {
            // What is above a scalar is cleared.
            let abs = if scalar { abs_scalar } else { abs };
            self.v3(V::Andps, s, r, self.k(abs));
            self.mask(f, s, None, Some(normal), 8);
        } else {
            // What is above a scalar may be a signalling NaN, which no comparison may see.
            self.v3i(COMPARE.pick(f, scalar), s, r, r, 3);
            if scalar {
                self.clear_above(size(f), s, s);
            }
        }
        self.leave_if_any(f, s, cold);
    }

    /// Scratch 3 = ones in the lanes where the predicate holds.
    fn mask(&mut self, f: Fp, x: Xmm, y: Option<Xmm>, k: Option<Const>, predicate: u8) {
        use crate::asm::XmmMem;
        let second = match (y, k) {
            (Some(y), _) => XmmMem::Reg(y),
            (None, Some(k)) => XmmMem::Mem(self.k(k)),
            (None, None) => XmmMem::Reg(x),
        };
        // Also with AVX-512: a comparison into a mask, and `kortest`, take longer.
        let s = self.s(3);
        let row = if f == Fp::S { V::Cmpps } else { V::Cmppd };
        self.v3i(row, s, x, second, predicate);
    }

    pub(super) fn float(&mut self, op: FloatBin, f: Fp, shape: Shape, d: VReg, a: VReg, b: Arg) {
        self.clobber_to_look();
        let scalar = shape == Shape::Scalar;
        let x = self.clean(shape, a, self.s(0));
        let y = self.clean_arg(f, shape, b, self.s(1));
        let r = self.result(d, &[a, slot(b).unwrap_or(a)]);
        let b_slot = match b {
            Arg::Each(reg) => Some(reg),
            _ => None,
        };
        // The bits above a scalar come from the first source: the order of
        // those that commute is chosen for it.
        let swap = scalar
            && !self.is_zero_above(a, size(f))
            && b_slot.is_some_and(|b| self.is_zero_above(b, size(f)));
        let (first, second, like) = if swap {
            (y, x, b_slot)
        } else {
            (x, y, Some(a))
        };
        match op {
            FloatBin::Add => {
                self.v3(ADD.pick(f, scalar), r, first, second);
                self.check(Check::Nan, f, shape, r);
                self.float_done(f, shape, d, r, like);
            }
            FloatBin::Sub | FloatBin::Abd => {
                self.v3(SUB.pick(f, scalar), r, x, y);
                self.check(Check::Nan, f, shape, r);
                if op == FloatBin::Sub {
                    return self.float_done(f, shape, d, r, Some(a));
                }
                let abs = match (f, scalar) {
                    (Fp::S, false) => Const::AbsS,
                    (Fp::D, false) => Const::AbsD,
                    (Fp::S, true) => Const::AbsScalarS,
                    (Fp::D, true) => Const::AbsScalarD,
                };
                let to = self.last(shape == Shape::Half, d, r);
                self.v3(V::Andps, to, r, self.k(abs));
                // What is above a scalar has been cleared.
                self.vdone(shape == Shape::Half, d, to);
            }
            FloatBin::Mul | FloatBin::NegMul => {
                self.v3(MUL.pick(f, scalar), r, first, second);
                self.check(Check::Tiny, f, shape, r);
                if op == FloatBin::NegMul {
                    // Of scalars only.
                    let sign = self.k(if f == Fp::S {
                        Const::SignScalarS
                    } else {
                        Const::SignScalarD
                    });
                    self.v3(V::Xorps, r, r, sign);
                }
                self.float_done(f, shape, d, r, like);
            }
            FloatBin::Div => self.divide(f, shape, d, a, x, y, r),
            FloatBin::AddPair
            | FloatBin::MaxPair
            | FloatBin::MinPair
            | FloatBin::MaxNumPair
            | FloatBin::MinNumPair => self.pairs(op, f, shape, d, x, y),
            FloatBin::Max | FloatBin::MaxNum => self.extreme(true, f, shape, d, Some(a), x, y, r),
            FloatBin::Min | FloatBin::MinNum => self.extreme(false, f, shape, d, Some(a), x, y, r),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "an operation and its registers")]
    fn divide(&mut self, f: Fp, shape: Shape, d: VReg, a: VReg, x: Xmm, y: Xmm, r: Xmm) {
        let mut by = y;
        if shape == Shape::Half {
            // 0 / 0 above would be invalid.
            by = self.s(1);
            self.v3(V::Orps, by, y, self.k(Const::UpperOnesS));
        }
        self.v3(DIV.pick(f, shape == Shape::Scalar), r, x, by);
        self.check(Check::Tiny, f, shape, r);
        self.float_done(f, shape, d, r, Some(a));
    }

    /// Sums or extremes of neighbours; a scalar is that of the two lowest. The
    /// sources are clean.
    fn pairs(&mut self, op: FloatBin, f: Fp, shape: Shape, d: VReg, x: Xmm, y: Xmm) {
        let (t, s) = (self.s(2), self.s(3));
        if shape == Shape::Scalar {
            if op != FloatBin::AddPair {
                let other = self.s(1);
                self.vshift(V::PsrldqI, other, x, size(f).bytes());
                return self.extreme(pair_max(op), f, shape, d, None, x, other, t);
            }
            self.vshift(V::PsrldqI, s, x, size(f).bytes());
            self.v3(ADD.pick(f, true), t, x, s);
            self.check(Check::Nan, f, shape, t);
            return self.float_done(f, shape, d, t, None);
        }
        match (f, shape) {
            (Fp::S, Shape::Full) => {
                self.v3i(V::Shufps, t, x, y, 0x88);
                self.v3i(V::Shufps, s, x, y, 0xdd);
            }
            (Fp::S, _) => {
                self.v3(V::Unpcklps, t, x, y);
                self.vshift(V::PsrldqI, s, t, 8);
                self.a.v2(V::Movq, t, t);
            }
            _ => {
                self.v3(V::Punpcklqdq, t, x, y);
                self.v3(V::Punpckhqdq, s, x, y);
            }
        }
        if op != FloatBin::AddPair {
            self.a.v2(V::Movdqu, self.s(0), s);
            return self.extreme(pair_max(op), f, shape, d, None, t, self.s(0), t);
        }
        self.v3(ADD.pick(f, false), t, t, s);
        self.check(Check::Nan, f, shape, t);
        self.float_done(f, shape, d, t, None);
    }

    /// Of four lanes.
    pub(super) fn float_across(&mut self, max: bool, f: Fp, d: VReg, a: VReg) {
        self.clobber();
        let x = self.vread(a, self.s(0));
        let (t, other) = (self.s(2), self.s(1));
        let cold = self.detour();
        self.mask(f, x, Some(x), None, 3);
        self.leave_if_any(f, self.s(3), cold);
        self.look_at_status(cold);
        self.v2i(V::Pshufd, other, x, 0x4e);
        self.extreme_of(max, f, false, t, x, other);
        self.v2i(V::Pshufd, other, t, 0xb1);
        self.extreme_of(max, f, false, t, t, other);
        self.vdone_low(size(f), d, t);
    }

    /// Minima and maxima. NaNs are looked for first, since the host raises
    /// Invalid for quiet ones too.
    #[allow(clippy::too_many_arguments, reason = "an operation and its registers")]
    fn extreme(
        &mut self,
        max: bool,
        f: Fp,
        shape: Shape,
        d: VReg,
        like: Option<VReg>,
        x: Xmm,
        y: Xmm,
        r: Xmm,
    ) {
        let scalar = shape == Shape::Scalar;
        self.clobber();
        self.leave_if_nan(f, scalar, x, y);
        self.extreme_of(max, f, scalar, r, x, y);
        // What is above is both sources' there.
        let like = like.filter(|_| self.c.host.avx512);
        self.float_done(f, shape, d, r, like);
    }

    /// Leaves if a NaN is among the sources. Overwrites EFLAGS; uses scratch 3.
    fn leave_if_nan(&mut self, f: Fp, scalar: bool, x: Xmm, y: Xmm) {
        let cold = self.detour();
        if scalar {
            let compare = if f == Fp::S { V::Ucomiss } else { V::Ucomisd };
            self.a.v2(compare, x, y);
            self.a.jcc(Cc::P, cold);
        } else {
            self.mask(f, x, Some(y), None, 3);
            self.leave_if_any(f, self.s(3), cold);
        }
        self.look_at_status(cold);
    }

    /// Where denormals are flushed: leaves if one is among the sources, or a NaN, of operations
    /// that do not show these by their results. Overwrites EFLAGS; uses scratch 3.
    pub(super) fn look_at_sources(&mut self, f: Fp, shape: Shape, x: Xmm, y: Xmm) {
        if self.flushes {
            self.leave_if_nan(f, shape == Shape::Scalar, x, y);
        }
    }

    /// r = the greater or the less of numbers; r is not y. Uses scratch 3.
    fn extreme_of(&mut self, max: bool, f: Fp, scalar: bool, r: Xmm, x: Xmm, y: Xmm) {
        if self.c.host.avx512 {
            // The sign of the result counts: -0 is less than +0.
            return self.v3i(RANGE.pick(f, scalar), r, x, y, 4 | u8::from(max));
        }
        // Zeros of unlike signs give the second source: both orders, and of
        // the signs that which is right.
        let rows = if max { MAX } else { MIN };
        let s = self.s(3);
        self.v3(rows.pick(f, scalar), s, y, x);
        self.v3(rows.pick(f, scalar), r, x, y);
        self.v3(if max { V::Andps } else { V::Orps }, r, r, s);
    }

    #[allow(clippy::too_many_arguments, reason = "an operation and its operands")]
    pub(super) fn fused(
        &mut self,
        neg_product: bool,
        neg_addend: bool,
        f: Fp,
        shape: Shape,
        d: VReg,
        a: VReg,
        b: Arg,
        c: VReg,
    ) {
        self.clobber_to_look();
        let x = self.clean(shape, a, self.s(0));
        let y = self.clean_arg(f, shape, b, self.s(1));
        // The addend is overwritten: where it is the destination, a copy is
        // kept, and else the result computed apart from the other sources.
        let (mut kept, mut r) = (None, self.apart(false, d, &[a, slot(b).unwrap_or(a)]));
        if let Some(own) = self.vpinned(d)
            && d == c
        {
            r = own;
            if !self.joining {
                let old = self.s(2);
                self.a.v2(V::Movdqu, old, own);
                kept = Some((own, old));
            }
        }
        if shape == Shape::Half && !self.is_zero_above(c, Size::B8) {
            let source = self.vsource(c);
            self.a.v2(V::Movq, r, source);
        } else {
            self.vread_to(c, r);
        }
        let rows = match (neg_product, neg_addend) {
            (false, false) => FMADD,
            (false, true) => FMSUB,
            (true, false) => FNMADD,
            (true, true) => FNMSUB,
        };
        self.v3(rows.pick(f, shape == Shape::Scalar), r, x, y);
        self.check_kept(Check::Tiny, f, shape, r, kept);
        self.float_done(f, shape, d, r, Some(c));
    }

    pub(super) fn float_unary(&mut self, op: FloatUnary, f: Fp, shape: Shape, d: VReg, a: VReg) {
        let scalar = shape == Shape::Scalar;
        match op {
            FloatUnary::Abs | FloatUnary::Neg => {
                let x = self.vread(a, self.s(0));
                let t = self.vtarget(d, self.s(2));
                if op == FloatUnary::Abs && scalar {
                    let abs = if f == Fp::S {
                        Const::AbsScalarS
                    } else {
                        Const::AbsScalarD
                    };
                    self.v3(V::Andps, t, x, self.k(abs));
                    self.vwrite(d, t);
                    return;
                }
                let (row, k) = match (op, f) {
                    (FloatUnary::Abs, Fp::S) => (V::Andps, Const::AbsS),
                    (FloatUnary::Abs, Fp::D) => (V::Andps, Const::AbsD),
                    (_, Fp::S) if scalar => (V::Xorps, Const::SignScalarS),
                    (_, Fp::D) if scalar => (V::Xorps, Const::SignScalarD),
                    (_, Fp::S) => (V::Xorps, Const::SignS),
                    (_, Fp::D) => (V::Xorps, Const::SignD),
                };
                let known = match shape {
                    Shape::Full => true,
                    Shape::Half => op == FloatUnary::Abs && self.is_zero_above(a, Size::B8),
                    Shape::Scalar => self.is_zero_above(a, size(f)),
                };
                let t = if known { t } else { self.s(2) };
                self.v3(row, t, x, self.k(k));
                if known {
                    return self.vwrite(d, t);
                }
                self.float_done(f, shape, d, t, None);
            }
            FloatUnary::Sqrt => {
                self.clobber_to_look();
                let x = self.clean(shape, a, self.s(0));
                let r = self.result(d, &[a]);
                if scalar {
                    self.v3(SQRT.pick(f, true), r, x, x);
                } else {
                    self.v2(SQRT.pick(f, false), r, x);
                }
                self.check(Check::Nan, f, shape, r);
                self.float_done(f, shape, d, r, Some(a));
            }
            FloatUnary::Round(how) => self.round(how, f, shape, d, a),
        }
    }

    /// To an integral value: NaNs come out as the guest's do.
    fn round(&mut self, how: Rounding, f: Fp, shape: Shape, d: VReg, a: VReg) {
        // Bits: 1:0 the mode, 2 MXCSR's mode, 3 no Inexact.
        let imm = match how {
            Rounding::Nearest => 8,
            Rounding::Down => 9,
            Rounding::Up => 10,
            Rounding::Zero => 11,
            Rounding::Current => 12,
            Rounding::Exact => 4,
            Rounding::Away => {
                let x = self.clean(shape, a, self.s(0));
                self.look_at_sources(f, shape, x, x);
                let t = self.s(2);
                self.round_away(f, shape == Shape::Scalar, t, x);
                return self.float_done(f, shape, d, t, None);
            }
        };
        let x = self.clean(shape, a, self.s(0));
        self.look_at_sources(f, shape, x, x);
        let t = self.vtarget(d, self.s(2));
        self.host_round(imm, f, shape == Shape::Scalar, t, x);
        self.float_done(f, shape, d, t, Some(a));
    }

    /// t = x to an integral value as `imm` says.
    pub(super) fn host_round(&mut self, imm: u8, f: Fp, scalar: bool, t: Xmm, x: Xmm) {
        let rows = if self.c.host.avx512 { RNDSCALE } else { ROUND };
        if scalar {
            self.v3i(rows.pick(f, true), t, x, x, imm);
        } else {
            self.v2i(rows.pick(f, false), t, x, imm);
        }
    }

    /// t = x to the nearest integral value, ties away from zero; only
    /// signalling NaNs raise anything. Without its sign, what is cut off is
    /// compared with a half, and one added where it is not less. Numbers too
    /// large to have a fraction, infinities and NaNs stay as they are. t is
    /// not x; uses scratch 1 and 3.
    pub(super) fn round_away(&mut self, f: Fp, scalar: bool, t: Xmm, x: Xmm) {
        let double = f == Fp::D;
        let k = |s, d| if double { d } else { s };
        let (m, s) = (self.s(1), self.s(3));
        let compare = COMPARE.pick(f, scalar);
        self.v3(V::Andps, m, x, self.k(k(Const::AbsS, Const::AbsD)));
        // Predicates: 17 less, 29 not less; both quiet and false of NaNs.
        let integral = self.k(k(Const::IntegralS, Const::IntegralD));
        self.v3i(compare, s, m, integral, 17);
        self.v3(V::Andps, m, m, s);
        self.host_round(11, f, scalar, s, m);
        self.v3(SUB.pick(f, scalar), m, m, s);
        self.v3i(compare, m, m, self.k(k(Const::HalfS, Const::HalfD)), 29);
        self.v3(V::Andps, m, m, self.k(k(Const::UnitS, Const::UnitD)));
        // The addend has x's sign, so that zeros keep theirs.
        self.v3(V::Andps, s, x, self.k(k(Const::SignS, Const::SignD)));
        self.v3(V::Orps, m, m, s);
        self.host_round(11, f, scalar, t, x);
        self.v3(ADD.pick(f, scalar), t, t, m);
    }
}

/// Whether it is the greater of neighbours.
const fn pair_max(op: FloatBin) -> bool {
    matches!(op, FloatBin::MaxPair | FloatBin::MaxNumPair)
}

/// The slot that an argument is read from.
const fn slot(arg: Arg) -> Option<VReg> {
    match arg {
        Arg::Each(reg) | Arg::Lane(reg, _) => Some(reg),
        Arg::Const(_) | Arg::Zero => None,
    }
}
