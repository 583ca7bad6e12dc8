//! Conversions from and to binary16. Arithmetic on binary16 is left to the interpreter.
//!
//! The host treats NaNs like the guest here. It finds Underflow after rounding: where the
//! least normal number comes out, the interpreter does the instruction again.

use crate::asm::{Cond as Cc, V, Xmm};
use crate::constants::Const;
use crate::lower::Lowering;
use ir::vector::{Fp, VOp};
use ir::{Size, VReg};

impl Lowering<'_> {
    pub(super) fn halves(&mut self, op: &VOp) {
        match *op {
            VOp::FromHalf { to, d, a } => self.half_to_float(to, d, a),
            VOp::ToHalf { d, a } => self.float_to_half(d, a),
            VOp::HalvesLong { high, d, a } => {
                let x = self.vread(a, self.s(0));
                let t = self.vtarget(d, self.s(2));
                let from = if high {
                    self.vshift(V::PsrldqI, self.s(2), x, 8);
                    self.s(2)
                } else {
                    x
                };
                self.v2(V::Cvtph2ps, t, from);
                self.vwrite(d, t);
            }
            VOp::HalvesNarrow { high, d, a } => self.halves_narrow(high, d, a),
            _ => self.fall_back(),
        }
    }

    fn half_to_float(&mut self, to: Fp, d: VReg, a: VReg) {
        let x = self.vread(a, self.s(0));
        let clean = self.s(1);
        // What is above must raise nothing.
        self.clear_above(Size::B2, clean, x);
        let t = self.vtarget(d, self.s(2));
        if to == Fp::S {
            self.v2(V::Cvtph2ps, t, clean);
        } else {
            self.v2(V::Cvtph2ps, clean, clean);
            self.v3(V::Cvtss2sd, t, clean, clean);
        }
        self.vwrite(d, t);
    }

    fn float_to_half(&mut self, d: VReg, a: VReg) {
        self.clobber();
        let mut x = self.vread(a, self.s(0));
        if !self.is_zero_above(a, Size::B4) {
            self.clear_above(Size::B4, self.s(0), x);
            x = self.s(0);
        }
        let t = self.apart(false, d, &[a]);
        self.round_halves(t, x);
        self.vwrite(d, t);
    }

    fn halves_narrow(&mut self, high: bool, d: VReg, a: VReg) {
        self.clobber();
        let x = self.vread(a, self.s(0));
        let t = if high {
            self.s(2)
        } else {
            self.apart(false, d, &[a])
        };
        self.round_halves(t, x);
        if !high {
            return self.vwrite(d, t);
        }
        self.narrowed(high, d, t);
    }

    /// The low half of t, zero above = x in binary16. Overwrites EFLAGS; uses
    /// scratch 3.
    fn round_halves(&mut self, t: Xmm, x: Xmm) {
        // Bit 2: as MXCSR says.
        self.a.vto_i(V::Cvtps2ph, t, x, 4);
        let cold = self.detour();
        let s = self.s(3);
        self.v3(V::Pand, s, t, self.k(Const::AbsH));
        self.v3(V::Pcmpeqw, s, s, self.k(Const::NormalH));
        self.a.v2(V::Ptest, s, s);
        self.a.jcc(Cc::NE, cold);
    }
}
