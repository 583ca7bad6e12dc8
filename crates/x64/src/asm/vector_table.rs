//! The vector instructions, as data.
//!
//! A row: the variant's name, the mnemonic, the VEX form (`v` prefix, map, W,
//! opcode), the EVEX form (`e` prefix, map, W, opcode, and the bytes in which
//! a one-byte displacement counts), and the digit in ModRM of shifts by a
//! constant. Prefixes: 0 none, 1 66, 2 F3, 3 F2; maps: 1 0F, 2 0F38, 3 0F3A.
//! Where the two forms have different mnemonics (vpand and vpandq), the row
//! has VEX's. Stores and loads of one instruction are rows of their own. A `K`
//! in the name is the form whose result is an opmask.

/// A VEX form.
#[derive(Clone, Copy, Debug)]
pub struct Vex {
    /// The prefix.
    pub pp: u8,
    /// The opcode map.
    pub map: u8,
    /// The W bit.
    pub w: bool,
    /// The opcode.
    pub op: u8,
}

/// An EVEX form.
#[derive(Clone, Copy, Debug)]
pub struct Evex {
    /// The prefix.
    pub pp: u8,
    /// The opcode map.
    pub map: u8,
    /// The W bit.
    pub w: bool,
    /// The opcode.
    pub op: u8,
    /// What a one-byte displacement counts in.
    pub unit: u8,
}

/// One instruction.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The mnemonic of the VEX form, or of the only one.
    pub mnemonic: &'static str,
    /// The VEX form.
    pub vex: Option<Vex>,
    /// The EVEX form.
    pub evex: Option<Evex>,
    /// ModRM's register field, where that is part of the opcode.
    pub digit: u8,
}

macro_rules! form {
    (none) => {
        None
    };
    (v $pp:literal $map:literal $w:literal $op:literal) => {
        Some(Vex {
            pp: $pp,
            map: $map,
            w: $w == 1,
            op: $op,
        })
    };
    (e $pp:literal $map:literal $w:literal $op:literal $unit:literal) => {
        Some(Evex {
            pp: $pp,
            map: $map,
            w: $w == 1,
            op: $op,
            unit: $unit,
        })
    };
}

macro_rules! table {
    ($($name:ident $mnemonic:literal [$($vex:tt)*] [$($evex:tt)*] $digit:literal;)*) => {
        /// A vector instruction.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u16)]
        #[allow(missing_docs, reason = "the names are the mnemonics")]
        pub enum V {
            $($name,)*
        }

        const ROWS: &[Row] = &[
            $(Row {
                mnemonic: $mnemonic,
                vex: form!($($vex)*),
                evex: form!($($evex)*),
                digit: $digit,
            },)*
        ];

        impl V {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

impl V {
    /// What the table says of it.
    #[must_use]
    #[inline]
    pub fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// Whether there is a VEX form.
    #[must_use]
    pub fn has_vex(self) -> bool {
        self.row().vex.is_some()
    }

    /// Whether there is an EVEX form.
    #[must_use]
    pub fn has_evex(self) -> bool {
        self.row().evex.is_some()
    }
}

table! {
    Movdqu "vmovdqu" [v 2 1 0 0x6f] [e 2 1 1 0x6f 16] 0;
    MovdquStore "vmovdqu" [v 2 1 0 0x7f] [e 2 1 1 0x7f 16] 0;
    Movups "vmovups" [v 0 1 0 0x10] [e 0 1 0 0x10 16] 0;
    MovupsStore "vmovups" [v 0 1 0 0x11] [e 0 1 0 0x11 16] 0;
    Movdqa "vmovdqa" [v 1 1 0 0x6f] [e 1 1 1 0x6f 16] 0;
    MovdqaStore "vmovdqa" [v 1 1 0 0x7f] [e 1 1 1 0x7f 16] 0;
    MovssLoad "vmovss" [v 2 1 0 0x10] [e 2 1 0 0x10 4] 0;
    MovssStore "vmovss" [v 2 1 0 0x11] [e 2 1 0 0x11 4] 0;
    MovsdLoad "vmovsd" [v 3 1 0 0x10] [e 3 1 1 0x10 8] 0;
    MovsdStore "vmovsd" [v 3 1 0 0x11] [e 3 1 1 0x11 8] 0;
    Movq "vmovq" [v 2 1 0 0x7e] [e 2 1 1 0x7e 8] 0;
    MovqStore "vmovq" [v 1 1 0 0xd6] [e 1 1 1 0xd6 8] 0;
    MovdFromGpr "vmovd" [v 1 1 0 0x6e] [e 1 1 0 0x6e 4] 0;
    MovdToGpr "vmovd" [v 1 1 0 0x7e] [e 1 1 0 0x7e 4] 0;
    Pinsrb "vpinsrb" [v 1 3 0 0x20] [e 1 3 0 0x20 1] 0;
    Pinsrw "vpinsrw" [v 1 1 0 0xc4] [e 1 1 0 0xc4 2] 0;
    Pinsrd "vpinsrd" [v 1 3 0 0x22] [e 1 3 0 0x22 4] 0;
    Pextrb "vpextrb" [v 1 3 0 0x14] [e 1 3 0 0x14 1] 0;
    Pextrw "vpextrw" [v 1 3 0 0x15] [e 1 3 0 0x15 2] 0;
    Pextrd "vpextrd" [v 1 3 0 0x16] [e 1 3 0 0x16 4] 0;
    Movhlps "vmovhlps" [v 0 1 0 0x12] [e 0 1 0 0x12 16] 0;
    Movlhps "vmovlhps" [v 0 1 0 0x16] [e 0 1 0 0x16 16] 0;
    Movhps "vmovhps" [v 0 1 0 0x16] [e 0 1 0 0x16 8] 0;
    MovhpsStore "vmovhps" [v 0 1 0 0x17] [e 0 1 0 0x17 8] 0;
    MovlpsLoad "vmovlps" [v 0 1 0 0x12] [e 0 1 0 0x12 8] 0;
    Movddup "vmovddup" [v 3 1 0 0x12] [e 3 1 1 0x12 8] 0;
    Movshdup "vmovshdup" [v 2 1 0 0x16] [e 2 1 0 0x16 16] 0;
    Movsldup "vmovsldup" [v 2 1 0 0x12] [e 2 1 0 0x12 16] 0;
    Movss "vmovss" [v 2 1 0 0x10] [e 2 1 0 0x10 4] 0;
    Movsd "vmovsd" [v 3 1 0 0x10] [e 3 1 1 0x10 8] 0;
    Paddb "vpaddb" [v 1 1 0 0xfc] [e 1 1 0 0xfc 16] 0;
    Paddw "vpaddw" [v 1 1 0 0xfd] [e 1 1 0 0xfd 16] 0;
    Paddd "vpaddd" [v 1 1 0 0xfe] [e 1 1 0 0xfe 16] 0;
    Paddq "vpaddq" [v 1 1 0 0xd4] [e 1 1 1 0xd4 16] 0;
    Psubb "vpsubb" [v 1 1 0 0xf8] [e 1 1 0 0xf8 16] 0;
    Psubw "vpsubw" [v 1 1 0 0xf9] [e 1 1 0 0xf9 16] 0;
    Psubd "vpsubd" [v 1 1 0 0xfa] [e 1 1 0 0xfa 16] 0;
    Psubq "vpsubq" [v 1 1 0 0xfb] [e 1 1 1 0xfb 16] 0;
    Paddsb "vpaddsb" [v 1 1 0 0xec] [e 1 1 0 0xec 16] 0;
    Paddsw "vpaddsw" [v 1 1 0 0xed] [e 1 1 0 0xed 16] 0;
    Paddusb "vpaddusb" [v 1 1 0 0xdc] [e 1 1 0 0xdc 16] 0;
    Paddusw "vpaddusw" [v 1 1 0 0xdd] [e 1 1 0 0xdd 16] 0;
    Psubsb "vpsubsb" [v 1 1 0 0xe8] [e 1 1 0 0xe8 16] 0;
    Psubsw "vpsubsw" [v 1 1 0 0xe9] [e 1 1 0 0xe9 16] 0;
    Psubusb "vpsubusb" [v 1 1 0 0xd8] [e 1 1 0 0xd8 16] 0;
    Psubusw "vpsubusw" [v 1 1 0 0xd9] [e 1 1 0 0xd9 16] 0;
    Pmullw "vpmullw" [v 1 1 0 0xd5] [e 1 1 0 0xd5 16] 0;
    Pmulhw "vpmulhw" [v 1 1 0 0xe5] [e 1 1 0 0xe5 16] 0;
    Pmulhuw "vpmulhuw" [v 1 1 0 0xe4] [e 1 1 0 0xe4 16] 0;
    Pmuludq "vpmuludq" [v 1 1 0 0xf4] [e 1 1 1 0xf4 16] 0;
    Pmaddwd "vpmaddwd" [v 1 1 0 0xf5] [e 1 1 0 0xf5 16] 0;
    Pavgb "vpavgb" [v 1 1 0 0xe0] [e 1 1 0 0xe0 16] 0;
    Pavgw "vpavgw" [v 1 1 0 0xe3] [e 1 1 0 0xe3 16] 0;
    Psadbw "vpsadbw" [v 1 1 0 0xf6] [e 1 1 0 0xf6 16] 0;
    Pminub "vpminub" [v 1 1 0 0xda] [e 1 1 0 0xda 16] 0;
    Pmaxub "vpmaxub" [v 1 1 0 0xde] [e 1 1 0 0xde 16] 0;
    Pminsw "vpminsw" [v 1 1 0 0xea] [e 1 1 0 0xea 16] 0;
    Pmaxsw "vpmaxsw" [v 1 1 0 0xee] [e 1 1 0 0xee 16] 0;
    Punpcklbw "vpunpcklbw" [v 1 1 0 0x60] [e 1 1 0 0x60 16] 0;
    Punpcklwd "vpunpcklwd" [v 1 1 0 0x61] [e 1 1 0 0x61 16] 0;
    Punpckldq "vpunpckldq" [v 1 1 0 0x62] [e 1 1 0 0x62 16] 0;
    Punpcklqdq "vpunpcklqdq" [v 1 1 0 0x6c] [e 1 1 1 0x6c 16] 0;
    Punpckhbw "vpunpckhbw" [v 1 1 0 0x68] [e 1 1 0 0x68 16] 0;
    Punpckhwd "vpunpckhwd" [v 1 1 0 0x69] [e 1 1 0 0x69 16] 0;
    Punpckhdq "vpunpckhdq" [v 1 1 0 0x6a] [e 1 1 0 0x6a 16] 0;
    Punpckhqdq "vpunpckhqdq" [v 1 1 0 0x6d] [e 1 1 1 0x6d 16] 0;
    Packsswb "vpacksswb" [v 1 1 0 0x63] [e 1 1 0 0x63 16] 0;
    Packssdw "vpackssdw" [v 1 1 0 0x6b] [e 1 1 0 0x6b 16] 0;
    Packuswb "vpackuswb" [v 1 1 0 0x67] [e 1 1 0 0x67 16] 0;
    Pand "vpand" [v 1 1 0 0xdb] [e 1 1 1 0xdb 16] 0;
    Pandn "vpandn" [v 1 1 0 0xdf] [e 1 1 1 0xdf 16] 0;
    Por "vpor" [v 1 1 0 0xeb] [e 1 1 1 0xeb 16] 0;
    Pxor "vpxor" [v 1 1 0 0xef] [e 1 1 1 0xef 16] 0;
    Psllw "vpsllw" [v 1 1 0 0xf1] [e 1 1 0 0xf1 16] 0;
    Pslld "vpslld" [v 1 1 0 0xf2] [e 1 1 0 0xf2 16] 0;
    Psllq "vpsllq" [v 1 1 0 0xf3] [e 1 1 1 0xf3 16] 0;
    Psrlw "vpsrlw" [v 1 1 0 0xd1] [e 1 1 0 0xd1 16] 0;
    Psrld "vpsrld" [v 1 1 0 0xd2] [e 1 1 0 0xd2 16] 0;
    Psrlq "vpsrlq" [v 1 1 0 0xd3] [e 1 1 1 0xd3 16] 0;
    Psraw "vpsraw" [v 1 1 0 0xe1] [e 1 1 0 0xe1 16] 0;
    Psrad "vpsrad" [v 1 1 0 0xe2] [e 1 1 0 0xe2 16] 0;
    Pcmpeqb "vpcmpeqb" [v 1 1 0 0x74] [none] 0;
    Pcmpeqw "vpcmpeqw" [v 1 1 0 0x75] [none] 0;
    Pcmpeqd "vpcmpeqd" [v 1 1 0 0x76] [none] 0;
    Pcmpgtb "vpcmpgtb" [v 1 1 0 0x64] [none] 0;
    Pcmpgtw "vpcmpgtw" [v 1 1 0 0x65] [none] 0;
    Pcmpgtd "vpcmpgtd" [v 1 1 0 0x66] [none] 0;
    Pshufb "vpshufb" [v 1 2 0 0x00] [e 1 2 0 0x00 16] 0;
    Pmulhrsw "vpmulhrsw" [v 1 2 0 0x0b] [e 1 2 0 0x0b 16] 0;
    Pmaddubsw "vpmaddubsw" [v 1 2 0 0x04] [e 1 2 0 0x04 16] 0;
    Pminsb "vpminsb" [v 1 2 0 0x38] [e 1 2 0 0x38 16] 0;
    Pminsd "vpminsd" [v 1 2 0 0x39] [e 1 2 0 0x39 16] 0;
    Pminuw "vpminuw" [v 1 2 0 0x3a] [e 1 2 0 0x3a 16] 0;
    Pminud "vpminud" [v 1 2 0 0x3b] [e 1 2 0 0x3b 16] 0;
    Pmaxsb "vpmaxsb" [v 1 2 0 0x3c] [e 1 2 0 0x3c 16] 0;
    Pmaxsd "vpmaxsd" [v 1 2 0 0x3d] [e 1 2 0 0x3d 16] 0;
    Pmaxuw "vpmaxuw" [v 1 2 0 0x3e] [e 1 2 0 0x3e 16] 0;
    Pmaxud "vpmaxud" [v 1 2 0 0x3f] [e 1 2 0 0x3f 16] 0;
    Pmulld "vpmulld" [v 1 2 0 0x40] [e 1 2 0 0x40 16] 0;
    Pmuldq "vpmuldq" [v 1 2 0 0x28] [e 1 2 1 0x28 16] 0;
    Packusdw "vpackusdw" [v 1 2 0 0x2b] [e 1 2 0 0x2b 16] 0;
    Permilps "vpermilps" [v 1 2 0 0x0c] [e 1 2 0 0x0c 16] 0;
    Psllvd "vpsllvd" [v 1 2 0 0x47] [e 1 2 0 0x47 16] 0;
    Psllvq "vpsllvq" [v 1 2 1 0x47] [e 1 2 1 0x47 16] 0;
    Psrlvd "vpsrlvd" [v 1 2 0 0x45] [e 1 2 0 0x45 16] 0;
    Psrlvq "vpsrlvq" [v 1 2 1 0x45] [e 1 2 1 0x45 16] 0;
    Psravd "vpsravd" [v 1 2 0 0x46] [e 1 2 0 0x46 16] 0;
    Aesenc "vaesenc" [v 1 2 0 0xdc] [none] 0;
    Aesenclast "vaesenclast" [v 1 2 0 0xdd] [none] 0;
    Aesdec "vaesdec" [v 1 2 0 0xde] [none] 0;
    Aesdeclast "vaesdeclast" [v 1 2 0 0xdf] [none] 0;
    Pcmpeqq "vpcmpeqq" [v 1 2 0 0x29] [none] 0;
    Pcmpgtq "vpcmpgtq" [v 1 2 0 0x37] [none] 0;
    Phaddw "vphaddw" [v 1 2 0 0x01] [none] 0;
    Phaddd "vphaddd" [v 1 2 0 0x02] [none] 0;
    Phsubw "vphsubw" [v 1 2 0 0x05] [none] 0;
    Phsubd "vphsubd" [v 1 2 0 0x06] [none] 0;
    Psignb "vpsignb" [v 1 2 0 0x08] [none] 0;
    Psignw "vpsignw" [v 1 2 0 0x09] [none] 0;
    Psignd "vpsignd" [v 1 2 0 0x0a] [none] 0;
    Ptest "vptest" [v 1 2 0 0x17] [none] 0;
    Phminposuw "vphminposuw" [v 1 2 0 0x41] [none] 0;
    Aesimc "vaesimc" [v 1 2 0 0xdb] [none] 0;
    Pabsb "vpabsb" [v 1 2 0 0x1c] [e 1 2 0 0x1c 16] 0;
    Pabsw "vpabsw" [v 1 2 0 0x1d] [e 1 2 0 0x1d 16] 0;
    Pabsd "vpabsd" [v 1 2 0 0x1e] [e 1 2 0 0x1e 16] 0;
    Pmovsxbw "vpmovsxbw" [v 1 2 0 0x20] [e 1 2 0 0x20 8] 0;
    Pmovsxbd "vpmovsxbd" [v 1 2 0 0x21] [e 1 2 0 0x21 4] 0;
    Pmovsxbq "vpmovsxbq" [v 1 2 0 0x22] [e 1 2 0 0x22 2] 0;
    Pmovsxwd "vpmovsxwd" [v 1 2 0 0x23] [e 1 2 0 0x23 8] 0;
    Pmovsxwq "vpmovsxwq" [v 1 2 0 0x24] [e 1 2 0 0x24 4] 0;
    Pmovsxdq "vpmovsxdq" [v 1 2 0 0x25] [e 1 2 0 0x25 8] 0;
    Pmovzxbw "vpmovzxbw" [v 1 2 0 0x30] [e 1 2 0 0x30 8] 0;
    Pmovzxbd "vpmovzxbd" [v 1 2 0 0x31] [e 1 2 0 0x31 4] 0;
    Pmovzxbq "vpmovzxbq" [v 1 2 0 0x32] [e 1 2 0 0x32 2] 0;
    Pmovzxwd "vpmovzxwd" [v 1 2 0 0x33] [e 1 2 0 0x33 8] 0;
    Pmovzxwq "vpmovzxwq" [v 1 2 0 0x34] [e 1 2 0 0x34 4] 0;
    Pmovzxdq "vpmovzxdq" [v 1 2 0 0x35] [e 1 2 0 0x35 8] 0;
    Pbroadcastb "vpbroadcastb" [v 1 2 0 0x78] [e 1 2 0 0x78 1] 0;
    Pbroadcastw "vpbroadcastw" [v 1 2 0 0x79] [e 1 2 0 0x79 2] 0;
    Pbroadcastd "vpbroadcastd" [v 1 2 0 0x58] [e 1 2 0 0x58 4] 0;
    Pbroadcastq "vpbroadcastq" [v 1 2 0 0x59] [e 1 2 1 0x59 8] 0;
    PbroadcastbGpr "vpbroadcastb" [none] [e 1 2 0 0x7a 1] 0;
    PbroadcastwGpr "vpbroadcastw" [none] [e 1 2 0 0x7b 2] 0;
    PbroadcastdGpr "vpbroadcastd" [none] [e 1 2 0 0x7c 4] 0;
    Broadcastss "vbroadcastss" [v 1 2 0 0x18] [e 1 2 0 0x18 4] 0;
    Pshufd "vpshufd" [v 1 1 0 0x70] [e 1 1 0 0x70 16] 0;
    Pshuflw "vpshuflw" [v 3 1 0 0x70] [e 3 1 0 0x70 16] 0;
    Pshufhw "vpshufhw" [v 2 1 0 0x70] [e 2 1 0 0x70 16] 0;
    Shufps "vshufps" [v 0 1 0 0xc6] [e 0 1 0 0xc6 16] 0;
    Shufpd "vshufpd" [v 1 1 0 0xc6] [e 1 1 1 0xc6 16] 0;
    Palignr "vpalignr" [v 1 3 0 0x0f] [e 1 3 0 0x0f 16] 0;
    Pblendw "vpblendw" [v 1 3 0 0x0e] [none] 0;
    Pblendd "vpblendd" [v 1 3 0 0x02] [none] 0;
    Insertps "vinsertps" [v 1 3 0 0x21] [e 1 3 0 0x21 4] 0;
    Pblendvb "vpblendvb" [v 1 3 0 0x4c] [none] 0;
    Blendvps "vblendvps" [v 1 3 0 0x4a] [none] 0;
    Blendvpd "vblendvpd" [v 1 3 0 0x4b] [none] 0;
    Pclmulqdq "vpclmulqdq" [v 1 3 0 0x44] [none] 0;
    PermilpsI "vpermilps" [v 1 3 0 0x04] [e 1 3 0 0x04 16] 0;
    PsllwI "vpsllw" [v 1 1 0 0x71] [e 1 1 0 0x71 16] 6;
    PslldI "vpslld" [v 1 1 0 0x72] [e 1 1 0 0x72 16] 6;
    PsllqI "vpsllq" [v 1 1 0 0x73] [e 1 1 1 0x73 16] 6;
    PsrlwI "vpsrlw" [v 1 1 0 0x71] [e 1 1 0 0x71 16] 2;
    PsrldI "vpsrld" [v 1 1 0 0x72] [e 1 1 0 0x72 16] 2;
    PsrlqI "vpsrlq" [v 1 1 0 0x73] [e 1 1 1 0x73 16] 2;
    PsrawI "vpsraw" [v 1 1 0 0x71] [e 1 1 0 0x71 16] 4;
    PsradI "vpsrad" [v 1 1 0 0x72] [e 1 1 0 0x72 16] 4;
    PslldqI "vpslldq" [v 1 1 0 0x73] [e 1 1 0 0x73 16] 7;
    PsrldqI "vpsrldq" [v 1 1 0 0x73] [e 1 1 0 0x73 16] 3;
    PsraqI "vpsraq" [none] [e 1 1 1 0x72 16] 4;
    ProldI "vprold" [none] [e 1 1 0 0x72 16] 1;
    ProlqI "vprolq" [none] [e 1 1 1 0x72 16] 1;
    PrordI "vprord" [none] [e 1 1 0 0x72 16] 0;
    ProrqI "vprorq" [none] [e 1 1 1 0x72 16] 0;
    Psraq "vpsraq" [none] [e 1 1 1 0xe2 16] 0;
    Pminsq "vpminsq" [none] [e 1 2 1 0x39 16] 0;
    Pminuq "vpminuq" [none] [e 1 2 1 0x3b 16] 0;
    Pmaxsq "vpmaxsq" [none] [e 1 2 1 0x3d 16] 0;
    Pmaxuq "vpmaxuq" [none] [e 1 2 1 0x3f 16] 0;
    Pabsq "vpabsq" [none] [e 1 2 1 0x1f 16] 0;
    Pmullq "vpmullq" [none] [e 1 2 1 0x40 16] 0;
    Psllvw "vpsllvw" [none] [e 1 2 1 0x12 16] 0;
    Psrlvw "vpsrlvw" [none] [e 1 2 1 0x10 16] 0;
    Psravw "vpsravw" [none] [e 1 2 1 0x11 16] 0;
    Psravq "vpsravq" [none] [e 1 2 1 0x46 16] 0;
    Prolvd "vprolvd" [none] [e 1 2 0 0x15 16] 0;
    Prolvq "vprolvq" [none] [e 1 2 1 0x15 16] 0;
    Prorvd "vprorvd" [none] [e 1 2 0 0x14 16] 0;
    Prorvq "vprorvq" [none] [e 1 2 1 0x14 16] 0;
    Permb "vpermb" [none] [e 1 2 0 0x8d 16] 0;
    Permw "vpermw" [none] [e 1 2 1 0x8d 16] 0;
    Permi2b "vpermi2b" [none] [e 1 2 0 0x75 16] 0;
    Permi2w "vpermi2w" [none] [e 1 2 1 0x75 16] 0;
    Permi2d "vpermi2d" [none] [e 1 2 0 0x76 16] 0;
    Permi2q "vpermi2q" [none] [e 1 2 1 0x76 16] 0;
    Permt2b "vpermt2b" [none] [e 1 2 0 0x7d 16] 0;
    Permt2w "vpermt2w" [none] [e 1 2 1 0x7d 16] 0;
    Permt2d "vpermt2d" [none] [e 1 2 0 0x7e 16] 0;
    Permt2q "vpermt2q" [none] [e 1 2 1 0x7e 16] 0;
    Popcntb "vpopcntb" [none] [e 1 2 0 0x54 16] 0;
    Popcntw "vpopcntw" [none] [e 1 2 1 0x54 16] 0;
    Popcntd "vpopcntd" [none] [e 1 2 0 0x55 16] 0;
    Popcntq "vpopcntq" [none] [e 1 2 1 0x55 16] 0;
    Plzcntd "vplzcntd" [none] [e 1 2 0 0x44 16] 0;
    Plzcntq "vplzcntq" [none] [e 1 2 1 0x44 16] 0;
    Pdpbusd "vpdpbusd" [none] [e 1 2 0 0x50 16] 0;
    Pdpwssd "vpdpwssd" [none] [e 1 2 0 0x52 16] 0;
    Pshldvw "vpshldvw" [none] [e 1 2 1 0x70 16] 0;
    Pshldvd "vpshldvd" [none] [e 1 2 0 0x71 16] 0;
    Pshldvq "vpshldvq" [none] [e 1 2 1 0x71 16] 0;
    Pshrdvw "vpshrdvw" [none] [e 1 2 1 0x72 16] 0;
    Pshrdvd "vpshrdvd" [none] [e 1 2 0 0x73 16] 0;
    Pshrdvq "vpshrdvq" [none] [e 1 2 1 0x73 16] 0;
    Pblendmb "vpblendmb" [none] [e 1 2 0 0x66 16] 0;
    Pblendmw "vpblendmw" [none] [e 1 2 1 0x66 16] 0;
    Pblendmd "vpblendmd" [none] [e 1 2 0 0x64 16] 0;
    Pblendmq "vpblendmq" [none] [e 1 2 1 0x64 16] 0;
    Gf2p8mulb "vgf2p8mulb" [none] [e 1 2 0 0xcf 16] 0;
    Pternlogd "vpternlogd" [none] [e 1 3 0 0x25 16] 0;
    Pternlogq "vpternlogq" [none] [e 1 3 1 0x25 16] 0;
    Gf2p8affineqb "vgf2p8affineqb" [none] [e 1 3 1 0xce 16] 0;
    Gf2p8affineinvqb "vgf2p8affineinvqb" [none] [e 1 3 1 0xcf 16] 0;
    Pshldw "vpshldw" [none] [e 1 3 1 0x70 16] 0;
    Pshldd "vpshldd" [none] [e 1 3 0 0x71 16] 0;
    Pshldq "vpshldq" [none] [e 1 3 1 0x71 16] 0;
    Pshrdw "vpshrdw" [none] [e 1 3 1 0x72 16] 0;
    Pshrdd "vpshrdd" [none] [e 1 3 0 0x73 16] 0;
    Pshrdq "vpshrdq" [none] [e 1 3 1 0x73 16] 0;
    PcmpKb "vpcmpb" [none] [e 1 3 0 0x3f 16] 0;
    PcmpKw "vpcmpw" [none] [e 1 3 1 0x3f 16] 0;
    PcmpKd "vpcmpd" [none] [e 1 3 0 0x1f 16] 0;
    PcmpKq "vpcmpq" [none] [e 1 3 1 0x1f 16] 0;
    PcmpuKb "vpcmpub" [none] [e 1 3 0 0x3e 16] 0;
    PcmpuKw "vpcmpuw" [none] [e 1 3 1 0x3e 16] 0;
    PcmpuKd "vpcmpud" [none] [e 1 3 0 0x1e 16] 0;
    PcmpuKq "vpcmpuq" [none] [e 1 3 1 0x1e 16] 0;
    PtestmKb "vptestmb" [none] [e 1 2 0 0x26 16] 0;
    PtestmKw "vptestmw" [none] [e 1 2 1 0x26 16] 0;
    PtestmKd "vptestmd" [none] [e 1 2 0 0x27 16] 0;
    PtestmKq "vptestmq" [none] [e 1 2 1 0x27 16] 0;
    Pmovm2b "vpmovm2b" [none] [e 2 2 0 0x28 16] 0;
    Pmovm2w "vpmovm2w" [none] [e 2 2 1 0x28 16] 0;
    Pmovm2d "vpmovm2d" [none] [e 2 2 0 0x38 16] 0;
    Pmovm2q "vpmovm2q" [none] [e 2 2 1 0x38 16] 0;
    Pmovb2m "vpmovb2m" [none] [e 2 2 0 0x29 16] 0;
    Pmovw2m "vpmovw2m" [none] [e 2 2 1 0x29 16] 0;
    Pmovd2m "vpmovd2m" [none] [e 2 2 0 0x39 16] 0;
    Pmovq2m "vpmovq2m" [none] [e 2 2 1 0x39 16] 0;
    Pmovwb "vpmovwb" [none] [e 2 2 0 0x30 8] 0;
    Pmovdw "vpmovdw" [none] [e 2 2 0 0x33 8] 0;
    Pmovqd "vpmovqd" [none] [e 2 2 0 0x35 8] 0;
    Pmovswb "vpmovswb" [none] [e 2 2 0 0x20 8] 0;
    Pmovsdw "vpmovsdw" [none] [e 2 2 0 0x23 8] 0;
    Pmovsqd "vpmovsqd" [none] [e 2 2 0 0x25 8] 0;
    Pmovuswb "vpmovuswb" [none] [e 2 2 0 0x10 8] 0;
    Pmovusdw "vpmovusdw" [none] [e 2 2 0 0x13 8] 0;
    Pmovusqd "vpmovusqd" [none] [e 2 2 0 0x15 8] 0;
    Addps "vaddps" [v 0 1 0 0x58] [e 0 1 0 0x58 16] 0;
    Addpd "vaddpd" [v 1 1 0 0x58] [e 1 1 1 0x58 16] 0;
    Addss "vaddss" [v 2 1 0 0x58] [e 2 1 0 0x58 4] 0;
    Addsd "vaddsd" [v 3 1 0 0x58] [e 3 1 1 0x58 8] 0;
    Mulps "vmulps" [v 0 1 0 0x59] [e 0 1 0 0x59 16] 0;
    Mulpd "vmulpd" [v 1 1 0 0x59] [e 1 1 1 0x59 16] 0;
    Mulss "vmulss" [v 2 1 0 0x59] [e 2 1 0 0x59 4] 0;
    Mulsd "vmulsd" [v 3 1 0 0x59] [e 3 1 1 0x59 8] 0;
    Subps "vsubps" [v 0 1 0 0x5c] [e 0 1 0 0x5c 16] 0;
    Subpd "vsubpd" [v 1 1 0 0x5c] [e 1 1 1 0x5c 16] 0;
    Subss "vsubss" [v 2 1 0 0x5c] [e 2 1 0 0x5c 4] 0;
    Subsd "vsubsd" [v 3 1 0 0x5c] [e 3 1 1 0x5c 8] 0;
    Minps "vminps" [v 0 1 0 0x5d] [e 0 1 0 0x5d 16] 0;
    Minpd "vminpd" [v 1 1 0 0x5d] [e 1 1 1 0x5d 16] 0;
    Minss "vminss" [v 2 1 0 0x5d] [e 2 1 0 0x5d 4] 0;
    Minsd "vminsd" [v 3 1 0 0x5d] [e 3 1 1 0x5d 8] 0;
    Divps "vdivps" [v 0 1 0 0x5e] [e 0 1 0 0x5e 16] 0;
    Divpd "vdivpd" [v 1 1 0 0x5e] [e 1 1 1 0x5e 16] 0;
    Divss "vdivss" [v 2 1 0 0x5e] [e 2 1 0 0x5e 4] 0;
    Divsd "vdivsd" [v 3 1 0 0x5e] [e 3 1 1 0x5e 8] 0;
    Maxps "vmaxps" [v 0 1 0 0x5f] [e 0 1 0 0x5f 16] 0;
    Maxpd "vmaxpd" [v 1 1 0 0x5f] [e 1 1 1 0x5f 16] 0;
    Maxss "vmaxss" [v 2 1 0 0x5f] [e 2 1 0 0x5f 4] 0;
    Maxsd "vmaxsd" [v 3 1 0 0x5f] [e 3 1 1 0x5f 8] 0;
    Sqrtps "vsqrtps" [v 0 1 0 0x51] [e 0 1 0 0x51 16] 0;
    Sqrtpd "vsqrtpd" [v 1 1 0 0x51] [e 1 1 1 0x51 16] 0;
    Sqrtss "vsqrtss" [v 2 1 0 0x51] [e 2 1 0 0x51 4] 0;
    Sqrtsd "vsqrtsd" [v 3 1 0 0x51] [e 3 1 1 0x51 8] 0;
    Andps "vandps" [v 0 1 0 0x54] [e 0 1 0 0x54 16] 0;
    Andnps "vandnps" [v 0 1 0 0x55] [e 0 1 0 0x55 16] 0;
    Orps "vorps" [v 0 1 0 0x56] [e 0 1 0 0x56 16] 0;
    Xorps "vxorps" [v 0 1 0 0x57] [e 0 1 0 0x57 16] 0;
    Unpcklps "vunpcklps" [v 0 1 0 0x14] [e 0 1 0 0x14 16] 0;
    Unpckhps "vunpckhps" [v 0 1 0 0x15] [e 0 1 0 0x15 16] 0;
    Ucomiss "vucomiss" [v 0 1 0 0x2e] [e 0 1 0 0x2e 4] 0;
    Ucomisd "vucomisd" [v 1 1 0 0x2e] [e 1 1 1 0x2e 8] 0;
    Comiss "vcomiss" [v 0 1 0 0x2f] [e 0 1 0 0x2f 4] 0;
    Comisd "vcomisd" [v 1 1 0 0x2f] [e 1 1 1 0x2f 8] 0;
    Cmpps "vcmpps" [v 0 1 0 0xc2] [none] 0;
    Cmppd "vcmppd" [v 1 1 0 0xc2] [none] 0;
    Cmpss "vcmpss" [v 2 1 0 0xc2] [none] 0;
    Cmpsd "vcmpsd" [v 3 1 0 0xc2] [none] 0;
    CmpKps "vcmpps" [none] [e 0 1 0 0xc2 16] 0;
    CmpKpd "vcmppd" [none] [e 1 1 1 0xc2 16] 0;
    CmpKss "vcmpss" [none] [e 2 1 0 0xc2 4] 0;
    CmpKsd "vcmpsd" [none] [e 3 1 1 0xc2 8] 0;
    Fmadd132ps "vfmadd132ps" [v 1 2 0 0x98] [e 1 2 0 0x98 16] 0;
    Fmadd132pd "vfmadd132pd" [v 1 2 1 0x98] [e 1 2 1 0x98 16] 0;
    Fmadd132ss "vfmadd132ss" [v 1 2 0 0x99] [e 1 2 0 0x99 4] 0;
    Fmadd132sd "vfmadd132sd" [v 1 2 1 0x99] [e 1 2 1 0x99 8] 0;
    Fmadd213ps "vfmadd213ps" [v 1 2 0 0xa8] [e 1 2 0 0xa8 16] 0;
    Fmadd213pd "vfmadd213pd" [v 1 2 1 0xa8] [e 1 2 1 0xa8 16] 0;
    Fmadd213ss "vfmadd213ss" [v 1 2 0 0xa9] [e 1 2 0 0xa9 4] 0;
    Fmadd213sd "vfmadd213sd" [v 1 2 1 0xa9] [e 1 2 1 0xa9 8] 0;
    Fmadd231ps "vfmadd231ps" [v 1 2 0 0xb8] [e 1 2 0 0xb8 16] 0;
    Fmadd231pd "vfmadd231pd" [v 1 2 1 0xb8] [e 1 2 1 0xb8 16] 0;
    Fmadd231ss "vfmadd231ss" [v 1 2 0 0xb9] [e 1 2 0 0xb9 4] 0;
    Fmadd231sd "vfmadd231sd" [v 1 2 1 0xb9] [e 1 2 1 0xb9 8] 0;
    Fmsub132ps "vfmsub132ps" [v 1 2 0 0x9a] [e 1 2 0 0x9a 16] 0;
    Fmsub132pd "vfmsub132pd" [v 1 2 1 0x9a] [e 1 2 1 0x9a 16] 0;
    Fmsub132ss "vfmsub132ss" [v 1 2 0 0x9b] [e 1 2 0 0x9b 4] 0;
    Fmsub132sd "vfmsub132sd" [v 1 2 1 0x9b] [e 1 2 1 0x9b 8] 0;
    Fmsub213ps "vfmsub213ps" [v 1 2 0 0xaa] [e 1 2 0 0xaa 16] 0;
    Fmsub213pd "vfmsub213pd" [v 1 2 1 0xaa] [e 1 2 1 0xaa 16] 0;
    Fmsub213ss "vfmsub213ss" [v 1 2 0 0xab] [e 1 2 0 0xab 4] 0;
    Fmsub213sd "vfmsub213sd" [v 1 2 1 0xab] [e 1 2 1 0xab 8] 0;
    Fmsub231ps "vfmsub231ps" [v 1 2 0 0xba] [e 1 2 0 0xba 16] 0;
    Fmsub231pd "vfmsub231pd" [v 1 2 1 0xba] [e 1 2 1 0xba 16] 0;
    Fmsub231ss "vfmsub231ss" [v 1 2 0 0xbb] [e 1 2 0 0xbb 4] 0;
    Fmsub231sd "vfmsub231sd" [v 1 2 1 0xbb] [e 1 2 1 0xbb 8] 0;
    Fnmadd132ps "vfnmadd132ps" [v 1 2 0 0x9c] [e 1 2 0 0x9c 16] 0;
    Fnmadd132pd "vfnmadd132pd" [v 1 2 1 0x9c] [e 1 2 1 0x9c 16] 0;
    Fnmadd132ss "vfnmadd132ss" [v 1 2 0 0x9d] [e 1 2 0 0x9d 4] 0;
    Fnmadd132sd "vfnmadd132sd" [v 1 2 1 0x9d] [e 1 2 1 0x9d 8] 0;
    Fnmadd213ps "vfnmadd213ps" [v 1 2 0 0xac] [e 1 2 0 0xac 16] 0;
    Fnmadd213pd "vfnmadd213pd" [v 1 2 1 0xac] [e 1 2 1 0xac 16] 0;
    Fnmadd213ss "vfnmadd213ss" [v 1 2 0 0xad] [e 1 2 0 0xad 4] 0;
    Fnmadd213sd "vfnmadd213sd" [v 1 2 1 0xad] [e 1 2 1 0xad 8] 0;
    Fnmadd231ps "vfnmadd231ps" [v 1 2 0 0xbc] [e 1 2 0 0xbc 16] 0;
    Fnmadd231pd "vfnmadd231pd" [v 1 2 1 0xbc] [e 1 2 1 0xbc 16] 0;
    Fnmadd231ss "vfnmadd231ss" [v 1 2 0 0xbd] [e 1 2 0 0xbd 4] 0;
    Fnmadd231sd "vfnmadd231sd" [v 1 2 1 0xbd] [e 1 2 1 0xbd 8] 0;
    Fnmsub132ps "vfnmsub132ps" [v 1 2 0 0x9e] [e 1 2 0 0x9e 16] 0;
    Fnmsub132pd "vfnmsub132pd" [v 1 2 1 0x9e] [e 1 2 1 0x9e 16] 0;
    Fnmsub132ss "vfnmsub132ss" [v 1 2 0 0x9f] [e 1 2 0 0x9f 4] 0;
    Fnmsub132sd "vfnmsub132sd" [v 1 2 1 0x9f] [e 1 2 1 0x9f 8] 0;
    Fnmsub213ps "vfnmsub213ps" [v 1 2 0 0xae] [e 1 2 0 0xae 16] 0;
    Fnmsub213pd "vfnmsub213pd" [v 1 2 1 0xae] [e 1 2 1 0xae 16] 0;
    Fnmsub213ss "vfnmsub213ss" [v 1 2 0 0xaf] [e 1 2 0 0xaf 4] 0;
    Fnmsub213sd "vfnmsub213sd" [v 1 2 1 0xaf] [e 1 2 1 0xaf 8] 0;
    Fnmsub231ps "vfnmsub231ps" [v 1 2 0 0xbe] [e 1 2 0 0xbe 16] 0;
    Fnmsub231pd "vfnmsub231pd" [v 1 2 1 0xbe] [e 1 2 1 0xbe 16] 0;
    Fnmsub231ss "vfnmsub231ss" [v 1 2 0 0xbf] [e 1 2 0 0xbf 4] 0;
    Fnmsub231sd "vfnmsub231sd" [v 1 2 1 0xbf] [e 1 2 1 0xbf 8] 0;
    Cvtss2sd "vcvtss2sd" [v 2 1 0 0x5a] [e 2 1 0 0x5a 4] 0;
    Cvtsd2ss "vcvtsd2ss" [v 3 1 0 0x5a] [e 3 1 1 0x5a 8] 0;
    Cvtps2pd "vcvtps2pd" [v 0 1 0 0x5a] [e 0 1 0 0x5a 8] 0;
    Cvtpd2ps "vcvtpd2ps" [v 1 1 0 0x5a] [e 1 1 1 0x5a 16] 0;
    Cvtdq2ps "vcvtdq2ps" [v 0 1 0 0x5b] [e 0 1 0 0x5b 16] 0;
    Cvtps2dq "vcvtps2dq" [v 1 1 0 0x5b] [e 1 1 0 0x5b 16] 0;
    Cvttps2dq "vcvttps2dq" [v 2 1 0 0x5b] [e 2 1 0 0x5b 16] 0;
    Cvtdq2pd "vcvtdq2pd" [v 2 1 0 0xe6] [e 2 1 0 0xe6 8] 0;
    Cvttpd2dq "vcvttpd2dq" [v 1 1 0 0xe6] [e 1 1 1 0xe6 16] 0;
    Cvtpd2dq "vcvtpd2dq" [v 3 1 0 0xe6] [e 3 1 1 0xe6 16] 0;
    Cvtph2ps "vcvtph2ps" [v 1 2 0 0x13] [e 1 2 0 0x13 8] 0;
    Cvtps2ph "vcvtps2ph" [v 1 3 0 0x1d] [e 1 3 0 0x1d 8] 0;
    Cvtsi2ss "vcvtsi2ss" [v 2 1 0 0x2a] [e 2 1 0 0x2a 4] 0;
    Cvtsi2sd "vcvtsi2sd" [v 3 1 0 0x2a] [e 3 1 0 0x2a 4] 0;
    Cvttss2si "vcvttss2si" [v 2 1 0 0x2c] [e 2 1 0 0x2c 4] 0;
    Cvttsd2si "vcvttsd2si" [v 3 1 0 0x2c] [e 3 1 0 0x2c 8] 0;
    Cvtss2si "vcvtss2si" [v 2 1 0 0x2d] [e 2 1 0 0x2d 4] 0;
    Cvtsd2si "vcvtsd2si" [v 3 1 0 0x2d] [e 3 1 0 0x2d 8] 0;
    Cvtusi2ss "vcvtusi2ss" [none] [e 2 1 0 0x7b 4] 0;
    Cvtusi2sd "vcvtusi2sd" [none] [e 3 1 0 0x7b 4] 0;
    Cvttss2usi "vcvttss2usi" [none] [e 2 1 0 0x78 4] 0;
    Cvttsd2usi "vcvttsd2usi" [none] [e 3 1 0 0x78 8] 0;
    Cvtss2usi "vcvtss2usi" [none] [e 2 1 0 0x79 4] 0;
    Cvtsd2usi "vcvtsd2usi" [none] [e 3 1 0 0x79 8] 0;
    Cvtudq2ps "vcvtudq2ps" [none] [e 3 1 0 0x7a 16] 0;
    Cvtps2udq "vcvtps2udq" [none] [e 0 1 0 0x79 16] 0;
    Cvttps2udq "vcvttps2udq" [none] [e 0 1 0 0x78 16] 0;
    Cvtqq2pd "vcvtqq2pd" [none] [e 2 1 1 0xe6 16] 0;
    Cvtuqq2pd "vcvtuqq2pd" [none] [e 2 1 1 0x7a 16] 0;
    Cvtpd2qq "vcvtpd2qq" [none] [e 1 1 1 0x7b 16] 0;
    Cvtpd2uqq "vcvtpd2uqq" [none] [e 1 1 1 0x79 16] 0;
    Cvttpd2qq "vcvttpd2qq" [none] [e 1 1 1 0x7a 16] 0;
    Cvttpd2uqq "vcvttpd2uqq" [none] [e 1 1 1 0x78 16] 0;
    Roundps "vroundps" [v 1 3 0 0x08] [none] 0;
    Roundpd "vroundpd" [v 1 3 0 0x09] [none] 0;
    Roundss "vroundss" [v 1 3 0 0x0a] [none] 0;
    Roundsd "vroundsd" [v 1 3 0 0x0b] [none] 0;
    Rndscaleps "vrndscaleps" [none] [e 1 3 0 0x08 16] 0;
    Rndscalepd "vrndscalepd" [none] [e 1 3 1 0x09 16] 0;
    Rndscaless "vrndscaless" [none] [e 1 3 0 0x0a 4] 0;
    Rndscalesd "vrndscalesd" [none] [e 1 3 1 0x0b 8] 0;
    Fpclassps "vfpclassps" [none] [e 1 3 0 0x66 16] 0;
    Fpclasspd "vfpclasspd" [none] [e 1 3 1 0x66 16] 0;
    Fpclassss "vfpclassss" [none] [e 1 3 0 0x67 4] 0;
    Fpclasssd "vfpclasssd" [none] [e 1 3 1 0x67 8] 0;
    Fixupimmps "vfixupimmps" [none] [e 1 3 0 0x54 16] 0;
    Fixupimmpd "vfixupimmpd" [none] [e 1 3 1 0x54 16] 0;
    Fixupimmss "vfixupimmss" [none] [e 1 3 0 0x55 4] 0;
    Fixupimmsd "vfixupimmsd" [none] [e 1 3 1 0x55 8] 0;
    Rangeps "vrangeps" [none] [e 1 3 0 0x50 16] 0;
    Rangepd "vrangepd" [none] [e 1 3 1 0x50 16] 0;
    Rangess "vrangess" [none] [e 1 3 0 0x51 4] 0;
    Rangesd "vrangesd" [none] [e 1 3 1 0x51 8] 0;
    Movmskps "vmovmskps" [v 0 1 0 0x50] [none] 0;
    Movmskpd "vmovmskpd" [v 1 1 0 0x50] [none] 0;
    Pmovmskb "vpmovmskb" [v 1 1 0 0xd7] [none] 0;
}
