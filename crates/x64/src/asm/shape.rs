//! The operands that each row of the vector table takes, and the features that the host
//! needs for each of a row's two forms.
//!
//! A row that is not named here has the commonest shape, [`Shape::Three`]. It needs no
//! more than x86-64-v3 in VEX form, and AVX-512 F, CD, BW, DQ and VL in EVEX form. The
//! emitter's functions check the shape in debug builds, and the tests check both against a
//! disassembler.

use super::V;
use crate::features::HostFeatures;

/// The operands of a row, named by the function of the emitter for them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// dst, a, b: `v3`, `v3k`
    Three,
    /// dst, a, b, imm: `v3i`
    ThreeImm,
    /// dst, src: `v2`, `v2k`
    Two,
    /// dst, src, imm: `v2i`
    TwoImm,
    /// A destination in ModRM's r/m, src: `vstore`, `vto`
    Store,
    /// A destination in ModRM's r/m, src, imm: `vstore_i`, `vto_i`
    StoreImm,
    /// dst, src, imm, the operation being in ModRM: `vshift_i`
    Shift,
    /// dst, a, b, mask in a vector register: `v4`
    Blend,
    /// opmask, a, b: `vk3`
    MaskThree,
    /// opmask, a, b, imm: `vk3i`
    MaskThreeImm,
    /// opmask, src: `vk2`
    MaskTwo,
    /// opmask, src, imm: `vk2i`
    MaskTwoImm,
    /// dst, opmask: `vfrom_k`
    FromMask,
    /// dst, a, general register or memory: `vcvt_from_gpr`
    FromGpr,
    /// general register, src: `vcvt_to_gpr`
    ToGpr,
    /// A move between the two kinds of registers, of several sizes:
    /// `vmov_from_gpr`, `vmov_to_gpr`, `vpinsr`, `vpextr`, `vbroadcast_gpr`
    Move,
}

/// Of what kind the operand in ModRM's r/m may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Last {
    /// A register or memory.
    Any,
    /// A register.
    Register,
    /// Memory.
    Memory,
}

/// What a row needs beyond the least that its form needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Extra {
    None,
    Fma,
    F16c,
    Aes,
    Pclmul,
    Gfni,
    Vbmi,
    Vbmi2,
    Vnni,
    Bitalg,
    Vpopcntdq,
}

impl V {
    /// The row's operands.
    #[must_use]
    #[rustfmt::skip]
    pub const fn shape(self) -> Shape {
        use V::*;
        match self {
            Movdqu | Movups | Movdqa | MovssLoad | MovsdLoad | Movq | Movddup | Movshdup | Movsldup
            | Ptest | Phminposuw | Aesimc | Pabsb | Pabsw | Pabsd | Pabsq
            | Pmovsxbw | Pmovsxbd | Pmovsxbq | Pmovsxwd | Pmovsxwq | Pmovsxdq
            | Pmovzxbw | Pmovzxbd | Pmovzxbq | Pmovzxwd | Pmovzxwq | Pmovzxdq
            | Pbroadcastb | Pbroadcastw | Pbroadcastd | Pbroadcastq | Broadcastss
            | Popcntb | Popcntw | Popcntd | Popcntq | Plzcntd | Plzcntq | Sqrtps | Sqrtpd
            | Ucomiss | Ucomisd | Comiss | Comisd
            | Cvtps2pd | Cvtpd2ps | Cvtdq2ps | Cvtps2dq | Cvttps2dq | Cvtdq2pd | Cvttpd2dq
            | Cvtpd2dq | Cvtph2ps | Cvtudq2ps | Cvtps2udq | Cvttps2udq | Cvtqq2pd | Cvtuqq2pd
            | Cvtpd2qq | Cvtpd2uqq | Cvttpd2qq | Cvttpd2uqq => Shape::Two,
            Pshufd | Pshuflw | Pshufhw | PermilpsI | Roundps | Roundpd | Rndscaleps | Rndscalepd => {
                Shape::TwoImm
            }
            Shufps | Shufpd | Palignr | Pblendw | Pblendd | Insertps | Pclmulqdq
            | Pternlogd | Pternlogq | Gf2p8affineqb | Gf2p8affineinvqb
            | Pshldw | Pshldd | Pshldq | Pshrdw | Pshrdd | Pshrdq
            | Cmpps | Cmppd | Cmpss | Cmpsd | Roundss | Roundsd | Rndscaless | Rndscalesd
            | Fixupimmps | Fixupimmpd | Fixupimmss | Fixupimmsd
            | Rangeps | Rangepd | Rangess | Rangesd => Shape::ThreeImm,
            MovdquStore | MovupsStore | MovdqaStore | MovssStore | MovsdStore | MovqStore | MovhpsStore
            | Pmovwb | Pmovdw | Pmovqd | Pmovswb | Pmovsdw | Pmovsqd
            | Pmovuswb | Pmovusdw | Pmovusqd => Shape::Store,
            Cvtps2ph => Shape::StoreImm,
            PsllwI | PslldI | PsllqI | PsrlwI | PsrldI | PsrlqI | PsrawI | PsradI | PslldqI | PsrldqI
            | PsraqI | ProldI | ProlqI | PrordI | ProrqI => Shape::Shift,
            Pblendvb | Blendvps | Blendvpd => Shape::Blend,
            PtestmKb | PtestmKw | PtestmKd | PtestmKq => Shape::MaskThree,
            PcmpKb | PcmpKw | PcmpKd | PcmpKq | PcmpuKb | PcmpuKw | PcmpuKd | PcmpuKq
            | CmpKps | CmpKpd | CmpKss | CmpKsd => Shape::MaskThreeImm,
            Pmovb2m | Pmovw2m | Pmovd2m | Pmovq2m => Shape::MaskTwo,
            Fpclassps | Fpclasspd | Fpclassss | Fpclasssd => Shape::MaskTwoImm,
            Pmovm2b | Pmovm2w | Pmovm2d | Pmovm2q => Shape::FromMask,
            Cvtsi2ss | Cvtsi2sd | Cvtusi2ss | Cvtusi2sd => Shape::FromGpr,
            Cvttss2si | Cvttsd2si | Cvtss2si | Cvtsd2si | Cvttss2usi | Cvttsd2usi | Cvtss2usi | Cvtsd2usi
            | Movmskps | Movmskpd | Pmovmskb => Shape::ToGpr,
            MovdFromGpr | MovdToGpr | Pinsrb | Pinsrw | Pinsrd | Pextrb | Pextrw | Pextrd
            | PbroadcastbGpr | PbroadcastwGpr | PbroadcastdGpr => Shape::Move,
            _ => Shape::Three,
        }
    }

    /// What the operand in ModRM's r/m may be.
    #[must_use]
    pub const fn last(self) -> Last {
        use V::*;
        match self {
            MovssLoad | MovsdLoad | MovssStore | MovsdStore | Movhps | MovhpsStore | MovlpsLoad => {
                Last::Memory
            }
            PbroadcastbGpr | PbroadcastwGpr | PbroadcastdGpr | Movhlps | Movlhps | Movss
            | Movsd | Movmskps | Movmskpd | Pmovmskb => Last::Register,
            _ => match self.shape() {
                Shape::MaskTwo | Shape::FromMask | Shape::Shift => Last::Register,
                _ => Last::Any,
            },
        }
    }

    #[rustfmt::skip]
    const fn extra(self) -> Extra {
        use V::*;
        match self {
            Cvtph2ps | Cvtps2ph => Extra::F16c,
            Aesenc | Aesenclast | Aesdec | Aesdeclast | Aesimc => Extra::Aes,
            Pclmulqdq => Extra::Pclmul,
            Gf2p8mulb | Gf2p8affineqb | Gf2p8affineinvqb => Extra::Gfni,
            Permb | Permi2b | Permt2b => Extra::Vbmi,
            Pshldvw | Pshldvd | Pshldvq | Pshrdvw | Pshrdvd | Pshrdvq
            | Pshldw | Pshldd | Pshldq | Pshrdw | Pshrdd | Pshrdq => Extra::Vbmi2,
            Pdpbusd | Pdpwssd => Extra::Vnni,
            Popcntb | Popcntw => Extra::Bitalg,
            Popcntd | Popcntq => Extra::Vpopcntdq,
            Fmadd132ps | Fmadd132pd | Fmadd132ss | Fmadd132sd
            | Fmadd213ps | Fmadd213pd | Fmadd213ss | Fmadd213sd
            | Fmadd231ps | Fmadd231pd | Fmadd231ss | Fmadd231sd
            | Fmsub132ps | Fmsub132pd | Fmsub132ss | Fmsub132sd
            | Fmsub213ps | Fmsub213pd | Fmsub213ss | Fmsub213sd
            | Fmsub231ps | Fmsub231pd | Fmsub231ss | Fmsub231sd
            | Fnmadd132ps | Fnmadd132pd | Fnmadd132ss | Fnmadd132sd
            | Fnmadd213ps | Fnmadd213pd | Fnmadd213ss | Fnmadd213sd
            | Fnmadd231ps | Fnmadd231pd | Fnmadd231ss | Fnmadd231sd
            | Fnmsub132ps | Fnmsub132pd | Fnmsub132ss | Fnmsub132sd
            | Fnmsub213ps | Fnmsub213pd | Fnmsub213ss | Fnmsub213sd
            | Fnmsub231ps | Fnmsub231pd | Fnmsub231ss | Fnmsub231sd => Extra::Fma,
            _ => Extra::None,
        }
    }

    /// Whether there is a VEX form and the host has it.
    #[must_use]
    pub fn vex_on(self, host: &HostFeatures) -> bool {
        self.has_vex()
            && host.avx2
            && match self.extra() {
                Extra::None => true,
                Extra::Fma => host.fma,
                Extra::F16c => host.f16c,
                Extra::Aes => host.aes,
                Extra::Pclmul => host.pclmul,
                // These came with AVX-512; VEX forms of them are no rows.
                _ => false,
            }
    }

    /// Whether there is an EVEX form and the host has it.
    #[must_use]
    pub fn evex_on(self, host: &HostFeatures) -> bool {
        self.has_evex()
            && host.avx512
            && match self.extra() {
                // AVX-512 F has these.
                Extra::None | Extra::Fma | Extra::F16c => true,
                Extra::Aes => host.vaes,
                Extra::Pclmul => host.vpclmul,
                Extra::Gfni => host.gfni,
                Extra::Vbmi => host.vbmi,
                Extra::Vbmi2 => host.vbmi2,
                Extra::Vnni => host.vnni,
                Extra::Bitalg => host.bitalg,
                Extra::Vpopcntdq => host.vpopcntdq,
            }
    }
}
