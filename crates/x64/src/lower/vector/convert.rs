//! Floating-point comparisons and conversions.
//!
//! On the guest, conversions to integers saturate. The host gives one value for all numbers
//! that do not fit. Where that value comes out, the interpreter does the instruction again.

use super::float::{Check, MUL, size};
use crate::asm::{Alu, Cond as Cc, K, Size as Host, V, Xmm};
use crate::constants::Const;
use crate::convention::{RAX, RCX};
use crate::lower::Lowering;
use crate::lower::flags::Form;
use ir::vector::{Arg, FloatTest, Fp, Rounding, Shape, VOp};
use ir::{Cond, Reg, Size, VReg, Width};

impl Lowering<'_> {
    pub(super) fn convert(&mut self, op: &VOp) {
        match *op {
            VOp::FloatCompare { signal, f, a, b } => self.float_compare(signal, f, a, b),
            VOp::FloatCompareTo { signal, f, d, a, b } => {
                self.float_compare_to(signal, f, d, a, b);
            }
            VOp::FloatCondCompare {
                signal,
                f,
                a,
                b,
                cond,
                nzcv,
            } => self.float_cond_compare(signal, f, a, b, cond, nzcv),
            VOp::FloatMask {
                test,
                abs,
                f,
                shape,
                d,
                a,
                b,
            } => self.float_mask(test, abs, f, shape, d, a, b),
            VOp::Select {
                size,
                d,
                a,
                b,
                cond,
            } => self.vselect(size, d, a, b, cond),
            VOp::FloatToInt {
                how,
                signed,
                f,
                w,
                d,
                a,
            } => self.float_to_int(how, signed, f, w, d, a),
            VOp::IntToFloat {
                signed,
                fraction,
                f,
                w,
                d,
                a,
            } => self.int_to_float(signed, fraction, f, w, d, a),
            VOp::FloatToLanes {
                how,
                signed,
                f,
                shape,
                d,
                a,
            } => self.float_to_lanes(how, signed, f, shape, d, a),
            VOp::LanesToFloat {
                signed,
                fraction,
                f,
                shape,
                d,
                a,
            } => self.lanes_to_float(signed, fraction, f, shape, d, a),
            VOp::FloatAcross { max, f, d, a } => self.float_across(max, f, d, a),
            VOp::FromHalf { .. }
            | VOp::ToHalf { .. }
            | VOp::HalvesLong { .. }
            | VOp::HalvesNarrow { .. } => self.halves(op),
            VOp::FloatConvert { to, d, a } => self.float_convert(to, d, a),
            VOp::FloatLong { high, d, a } => {
                if self.flushes {
                    return self.flushed_long(high, d, a);
                }
                let x = self.vread(a, self.s(0));
                let t = self.vtarget(d, self.s(2));
                let from = if high {
                    self.vshift(V::PsrldqI, t, x, 8);
                    t
                } else {
                    x
                };
                self.v2(V::Cvtps2pd, t, from);
                self.vwrite(d, t);
            }
            VOp::FloatNarrow { high, d, a } => {
                self.clobber();
                let x = self.vread(a, self.s(0));
                let t = self.s(2);
                self.v2(V::Cvtpd2ps, t, x);
                self.check(Check::Tiny, Fp::S, Shape::Half, t);
                self.narrowed(high, d, t);
            }
            _ => self.fall_back(),
        }
    }

    /// [`VOp::FloatLong`] where denormals are flushed.
    fn flushed_long(&mut self, high: bool, d: VReg, a: VReg) {
        let s = self.s(0);
        if high {
            let x = self.vread(a, s);
            self.vshift(V::PsrldqI, s, x, 8);
        } else {
            let x = self.vsource(a);
            self.a.v2(V::Movq, s, x);
        }
        self.look_at_sources(Fp::S, Shape::Half, s, s);
        let t = self.vtarget(d, self.s(2));
        self.v2(V::Cvtps2pd, t, s);
        self.vwrite(d, t);
    }

    fn float_compare(&mut self, signal: bool, f: Fp, a: VReg, b: Arg) {
        if self.flushes {
            return self.flushed_compare(signal, f, a, b);
        }
        self.host_compare(signal, f, a, b);
        self.flags_set(Form::Float, None);
    }

    /// A comparison where denormals are flushed. The flags are in the state afterwards, where the interpreter
    /// leaves them, too.
    fn flushed_compare(&mut self, signal: bool, f: Fp, a: VReg, b: Arg) {
        self.flags_in_state();
        self.look_at_compared(f, a, b);
        self.host_compare(signal, f, a, b);
        self.flags_set(Form::Float, None);
        self.flags_to_state();
        self.flags_in_state();
    }

    /// Where denormals are flushed: leaves if one is compared, or a NaN.
    fn look_at_compared(&mut self, f: Fp, a: VReg, b: Arg) {
        if self.flushes {
            let x = self.vread(a, self.s(0));
            let y = self.varg(size(f), b, self.s(1));
            self.look_at_sources(f, Shape::Scalar, x, y);
        }
    }

    /// The flags of a comparison as a number.
    fn float_compare_to(&mut self, signal: bool, f: Fp, d: Reg, a: VReg, b: Arg) {
        self.clobber();
        self.look_at_compared(f, a, b);
        self.host_compare(signal, f, a, b);
        self.a.mov_ri(RAX, 0x2000_0000);
        for (flags, cc) in [
            (0x8000_0000, Cc::B),
            (0x6000_0000, Cc::E),
            (0x3000_0000, Cc::P),
        ] {
            self.a.mov_ri(RCX, flags);
            self.a.cmov(Host::B32, cc, RAX, RCX);
        }
        self.write(d, RAX);
    }

    /// Where the constant is one of a comparison's results, EFLAGS has that
    /// comparison's form on both ways; and else the plain one.
    fn float_cond_compare(&mut self, signal: bool, f: Fp, a: VReg, b: VReg, cond: Cond, nzcv: u8) {
        if cond.always() {
            return self.float_compare(signal, f, a, Arg::Each(b));
        }
        // ZF in bit 6, PF in bit 2, CF in bit 0.
        let image = match nzcv {
            0b1000 => Some(0x01),
            0b0110 => Some(0x40),
            0b0010 => Some(0),
            0b0011 => Some(0x45),
            _ => None,
        };
        let (fails, done) = (self.a.new_label(), self.a.new_label());
        let test = self.test(cond);
        self.jump_unless(test, fails);
        self.host_compare(signal, f, a, Arg::Each(b));
        if image.is_none() {
            self.packed_float_flags();
        }
        self.a.jmp_short(done);
        self.a.bind(fails);
        if let Some(image) = image {
            self.a.mov_ri(RAX, image << 8);
            self.a.sahf();
            self.a.bind(done);
            return self.flags_set(Form::Float, None);
        }
        let nzcv = u64::from(nzcv);
        let packed = (nzcv & 8) << 12 | (nzcv & 4) << 12 | (nzcv & 2) << 7 | nzcv & 1;
        self.a.mov_ri(RAX, packed);
        self.a.bind(done);
        // 1 + 0x7f overflows: OF = V.
        self.a.alu_ri(Host::B8, Alu::Add, RAX, 0x7f);
        self.a.sahf();
        self.flags_set(Form::Plain, None);
    }

    fn host_compare(&mut self, signal: bool, f: Fp, a: VReg, b: Arg) {
        let x = self.vread(a, self.s(0));
        let y = self.varg(size(f), b, self.s(1));
        let row = match (f, signal) {
            (Fp::S, false) => V::Ucomiss,
            (Fp::D, false) => V::Ucomisd,
            (Fp::S, true) => V::Comiss,
            (Fp::D, true) => V::Comisd,
        };
        self.a.v2(row, x, y);
    }

    #[allow(clippy::too_many_arguments, reason = "an operation and its operands")]
    fn float_mask(
        &mut self,
        test: FloatTest,
        abs: bool,
        f: Fp,
        shape: Shape,
        d: VReg,
        a: VReg,
        b: Arg,
    ) {
        let mut x = self.clean(shape, a, self.s(0));
        let mut y = self.clean_arg(f, shape, b, self.s(1));
        if abs {
            let k = self.k(if f == Fp::S { Const::AbsS } else { Const::AbsD });
            self.v3(V::Andps, self.s(0), x, k);
            self.v3(V::Andps, self.s(1), y, k);
            (x, y) = (self.s(0), self.s(1));
        }
        self.look_at_sources(f, shape, x, y);
        // Predicates: 0 equal, quiet; 1 less, 2 not greater, 13 not less, 14
        // greater, all of which quiet NaNs make Invalid.
        let predicate = match test {
            FloatTest::Eq => 0,
            FloatTest::Lt => 1,
            FloatTest::Le => 2,
            FloatTest::Ge => 13,
            FloatTest::Gt => 14,
        };
        let scalar = shape == Shape::Scalar;
        let t = self.last(shape != Shape::Full, d, self.s(2));
        if self.c.host.avx512 && (x.0 >= 16 || y.0 >= 16) {
            let row = match (f, scalar) {
                (Fp::S, true) => V::CmpKss,
                (Fp::D, true) => V::CmpKsd,
                (Fp::S, false) => V::CmpKps,
                (Fp::D, false) => V::CmpKpd,
            };
            self.a.vk3i(row, K(1), x, y, predicate);
            let spread = if f == Fp::S { V::Pmovm2d } else { V::Pmovm2q };
            self.a.vfrom_k(spread, t, K(1));
        } else {
            let row = match (f, scalar) {
                (Fp::S, true) => V::Cmpss,
                (Fp::D, true) => V::Cmpsd,
                (Fp::S, false) => V::Cmpps,
                (Fp::D, false) => V::Cmppd,
            };
            self.v3i(row, t, x, y, predicate);
        }
        self.float_done(f, shape, d, t, None);
    }

    /// By general registers, where the host has a conditional move.
    fn vselect(&mut self, size: Size, d: VReg, a: VReg, b: VReg, cond: Cond) {
        if cond.always() {
            let x = self.vread(a, self.s(0));
            return self.vdone_low(size, d, x);
        }
        if size < Size::B4 {
            return self.fall_back();
        }
        let test = self.test(cond);
        let host = Host::from(size);
        let (x, y) = (self.vread(a, self.s(0)), self.vread(b, self.s(1)));
        self.a.vmov_to_gpr(host, RAX, x);
        self.a.vmov_to_gpr(host, RCX, y);
        self.choose(host, test, RCX, RAX.into());
        let t = self.vtarget(d, self.s(2));
        self.a.vmov_from_gpr(host, t, RCX);
        self.vwrite(d, t);
    }

    /// Rounding other than towards zero comes first and raises nothing; once
    /// the result is known to fit, rounding once more raises Inexact.
    fn float_to_int(&mut self, how: Rounding, signed: bool, f: Fp, w: Width, d: Reg, a: VReg) {
        self.clobber();
        let source = self.vread(a, self.s(0));
        self.look_at_sources(f, Shape::Scalar, source, source);
        let mut x = source;
        if how != Rounding::Zero {
            x = self.s(2);
            self.integral(how, f, true, x, source);
        }
        let host = Host::from(w);
        let to_signed = if f == Fp::S {
            V::Cvttss2si
        } else {
            V::Cvttsd2si
        };
        if signed {
            self.a.vcvt_to_gpr(to_signed, host, RAX, x);
            let cold = self.detour();
            // Only the least integer overflows.
            self.a.alu_ri(host, Alu::Cmp, RAX, 1);
            self.a.jcc(Cc::O, cold);
        } else if self.c.host.avx512 {
            let row = if f == Fp::S {
                V::Cvttss2usi
            } else {
                V::Cvttsd2usi
            };
            self.a.vcvt_to_gpr(row, host, RAX, x);
            let cold = self.detour();
            self.a.alu_ri(host, Alu::Cmp, RAX, -1);
            self.a.jcc(Cc::E, cold);
        } else {
            self.check_range(f, w, x);
            self.a.vcvt_to_gpr(to_signed, Host::B64, RAX, x);
        }
        if how != Rounding::Zero {
            self.host_round(3, f, true, self.s(3), source);
        }
        let t = self.target(d, RAX);
        if t != RAX {
            self.a.mov_rr(Host::B64, t, RAX);
        }
        self.write(d, t);
    }

    /// t = x to an integral value; only signalling NaNs raise anything. t is
    /// not x.
    fn integral(&mut self, how: Rounding, f: Fp, scalar: bool, t: Xmm, x: Xmm) {
        let imm = match how {
            Rounding::Away => return self.round_away(f, scalar, t, x),
            Rounding::Nearest => 8,
            Rounding::Down => 9,
            Rounding::Up => 10,
            _ => 11,
        };
        self.host_round(imm, f, scalar, t, x);
    }

    /// Leaves for the interpreter unless -1 < x < 2^32 (2^63 for doublewords):
    /// the host raises Inexact for what only is Invalid otherwise.
    fn check_range(&mut self, f: Fp, w: Width, x: Xmm) {
        let (compare, low) = match f {
            Fp::S => (V::Comiss, Const::MinusOneS),
            Fp::D => (V::Comisd, Const::MinusOneD),
        };
        let high = match (f, w) {
            (Fp::S, Width::W32) => Const::Pow32S,
            (Fp::D, Width::W32) => Const::Pow32D,
            (Fp::S, Width::W64) => Const::Pow63S,
            (Fp::D, Width::W64) => Const::Pow63D,
        };
        let s = self.s(3);
        let cold = self.detour();
        // Below, or unordered.
        self.a.v2(V::Movdqu, s, self.k(high));
        self.a.v2(compare, s, x);
        self.a.jcc(Cc::BE, cold);
        self.a.v2(compare, x, self.k(low));
        self.a.jcc(Cc::BE, cold);
    }

    fn int_to_float(&mut self, signed: bool, fraction: u8, f: Fp, w: Width, d: VReg, a: Reg) {
        let t = self.vtarget(d, self.s(2));
        let double = f == Fp::D;
        if !signed && w == Width::W64 && !self.c.host.avx512 {
            self.clobber();
        }
        let from = self.read(a, RAX);
        self.a.v3(V::Pxor, t, t, t);
        let (row, host, from) = if signed {
            let row = if double { V::Cvtsi2sd } else { V::Cvtsi2ss };
            (row, Host::from(w), from)
        } else if self.c.host.avx512 {
            let row = if double { V::Cvtusi2sd } else { V::Cvtusi2ss };
            (row, Host::from(w), from)
        } else {
            let row = if double { V::Cvtsi2sd } else { V::Cvtsi2ss };
            if w == Width::W32 {
                self.a.mov_rr(Host::B32, RAX, from);
                (row, Host::B64, RAX)
            } else {
                return self.unsigned_to_float(fraction, f, d, a, t);
            }
        };
        self.a.vcvt_from_gpr(row, host, t, t, from);
        self.scale(fraction, f, true, t);
        self.vwrite(d, t);
    }

    /// Without an instruction for it: the interpreter converts what is negative as a
    /// signed number.
    fn unsigned_to_float(&mut self, fraction: u8, f: Fp, d: VReg, a: Reg, t: Xmm) {
        let cold = self.detour();
        self.read_to(a, RAX);
        self.a.test_rr(Host::B64, RAX, RAX);
        self.a.jcc(Cc::S, cold);
        let row = if f == Fp::D { V::Cvtsi2sd } else { V::Cvtsi2ss };
        self.a.vcvt_from_gpr(row, Host::B64, t, t, RAX);
        self.scale(fraction, f, true, t);
        self.vwrite(d, t);
    }

    /// t = t / 2^`fraction`, exactly: t is zero or at least one. Uses scratch 3
    /// and `rax`.
    fn scale(&mut self, fraction: u8, f: Fp, scalar: bool, t: Xmm) {
        if fraction == 0 {
            return;
        }
        let fraction = u64::from(fraction);
        let by = match f {
            Fp::S => (127 - fraction) << 23 | (127 - fraction) << 55,
            Fp::D => (1023 - fraction) << 52,
        };
        let s = self.s(3);
        self.vconst(s, u128::from(by) << 64 | u128::from(by));
        self.v3(MUL.pick(f, scalar), t, t, s);
    }

    fn float_to_lanes(
        &mut self,
        how: Rounding,
        signed: bool,
        f: Fp,
        shape: Shape,
        d: VReg,
        a: VReg,
    ) {
        let row = match (f, signed) {
            (Fp::S, true) => V::Cvttps2dq,
            (Fp::S, false) => V::Cvttps2udq,
            (Fp::D, true) => V::Cvttpd2qq,
            (Fp::D, false) => V::Cvttpd2uqq,
        };
        let packed = self.c.host.avx512 || row == V::Cvttps2dq;
        if !(packed || shape == Shape::Scalar && signed) {
            return self.fall_back();
        }
        self.clobber();
        if !packed {
            return self.float_to_lane(how, f, d, a);
        }
        let mut x = self.clean(shape, a, self.s(0));
        if shape == Shape::Scalar && !self.is_zero_above(a, size(f)) {
            // What is above must raise nothing, and becomes zero.
            self.clear_above(size(f), self.s(0), x);
            x = self.s(0);
        }
        self.look_at_sources(f, shape, x, x);
        let t = self.apart(false, d, &[a]);
        let s = self.s(3);
        let mut from = x;
        if how != Rounding::Zero {
            from = self.s(2);
            self.integral(how, f, false, from, x);
        }
        self.v2(row, t, from);
        let bad = match (f, signed) {
            (Fp::S, true) => Const::SignS,
            (Fp::D, true) => Const::SignD,
            _ => Const::Ones,
        };
        let cold = self.detour();
        let equal = if f == Fp::S { V::Pcmpeqd } else { V::Pcmpeqq };
        self.v3(equal, s, t, self.k(bad));
        self.a.v2(V::Ptest, s, s);
        self.a.jcc(Cc::NE, cold);
        if how != Rounding::Zero {
            self.host_round(3, f, false, s, x);
        }
        match shape {
            Shape::Half => self.vdone(true, d, t),
            _ => self.vwrite(d, t),
        }
    }

    /// A scalar to a signed integer in a vector slot, by a general register.
    fn float_to_lane(&mut self, how: Rounding, f: Fp, d: VReg, a: VReg) {
        let host = Host::from(size(f));
        let source = self.vread(a, self.s(0));
        self.look_at_sources(f, Shape::Scalar, source, source);
        let mut x = source;
        if how != Rounding::Zero {
            x = self.s(2);
            self.integral(how, f, true, x, source);
        }
        let row = if f == Fp::S {
            V::Cvttss2si
        } else {
            V::Cvttsd2si
        };
        self.a.vcvt_to_gpr(row, host, RAX, x);
        let cold = self.detour();
        self.a.alu_ri(host, Alu::Cmp, RAX, 1);
        self.a.jcc(Cc::O, cold);
        if how != Rounding::Zero {
            self.host_round(3, f, true, self.s(3), source);
        }
        let t = self.vtarget(d, self.s(2));
        self.a.vmov_from_gpr(host, t, RAX);
        self.vwrite(d, t);
    }

    fn lanes_to_float(
        &mut self,
        signed: bool,
        fraction: u8,
        f: Fp,
        shape: Shape,
        d: VReg,
        a: VReg,
    ) {
        let row = match (f, signed) {
            (Fp::S, true) => V::Cvtdq2ps,
            (Fp::S, false) => V::Cvtudq2ps,
            (Fp::D, true) => V::Cvtqq2pd,
            (Fp::D, false) => V::Cvtuqq2pd,
        };
        if !(self.c.host.avx512 || row == V::Cvtdq2ps) {
            if shape == Shape::Scalar && (signed || f == Fp::S) {
                return self.lane_to_float(signed, fraction, f, d, a);
            }
            return self.fall_back();
        }
        let mut x = self.clean(shape, a, self.s(0));
        if shape == Shape::Scalar && !self.is_zero_above(a, size(f)) {
            // What is above must not raise Inexact.
            self.clear_above(size(f), self.s(0), x);
            x = self.s(0);
        }
        let t = self.vtarget(d, self.s(2));
        self.v2(row, t, x);
        self.scale(fraction, f, false, t);
        // Zeros convert to zeros.
        self.vwrite(d, t);
    }

    /// A scalar integer in a vector slot, by a general register; one of 32 bits
    /// without a sign is one of 64 with it.
    fn lane_to_float(&mut self, signed: bool, fraction: u8, f: Fp, d: VReg, a: VReg) {
        let x = self.vread(a, self.s(0));
        let host = Host::from(size(f));
        self.a.vmov_to_gpr(host, RAX, x);
        let t = self.vtarget(d, self.s(2));
        self.a.v3(V::Pxor, t, t, t);
        let row = if f == Fp::D { V::Cvtsi2sd } else { V::Cvtsi2ss };
        let from = if signed { host } else { Host::B64 };
        self.a.vcvt_from_gpr(row, from, t, t, RAX);
        self.scale(fraction, f, true, t);
        self.vwrite(d, t);
    }

    fn float_convert(&mut self, to: Fp, d: VReg, a: VReg) {
        let x = self.vread(a, self.s(0));
        if to == Fp::D {
            self.look_at_sources(Fp::S, Shape::Scalar, x, x);
            // The first source gives the bits above.
            if self.is_zero_above(a, Size::B8) {
                let t = self.vtarget(d, self.s(2));
                self.v3(V::Cvtss2sd, t, x, x);
                return self.vwrite(d, t);
            }
            let t = self.apart(false, d, &[a]);
            self.a.v3(V::Pxor, t, t, t);
            self.v3(V::Cvtss2sd, t, t, x);
            self.vwrite(d, t);
            return;
        }
        self.clobber();
        let t = self.apart(false, d, &[a]);
        self.a.v3(V::Pxor, t, t, t);
        self.v3(V::Cvtsd2ss, t, t, x);
        self.check(Check::Tiny, Fp::S, Shape::Scalar, t);
        self.vwrite(d, t);
    }
}
