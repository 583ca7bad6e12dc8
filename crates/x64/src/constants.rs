//! Constants of 128 bits that translated code uses: a table in the state, so
//! that one displacement reaches each and code holds no address.

/// A constant, by its place in [`VALUES`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Const {
    /// All but the sign, four lanes of 32 bits.
    AbsS,
    /// All but the sign, two lanes of 64 bits.
    AbsD,
    /// The sign, lanes of 32 bits.
    SignS,
    /// The sign, lanes of 64 bits.
    SignD,
    /// All but the sign of the low 32 bits, zero above.
    AbsScalarS,
    /// All but the sign of the low 64 bits, zero above.
    AbsScalarD,
    /// The least normal binary32.
    NormalS,
    /// The least normal binary64.
    NormalD,
    /// 1.0 in the upper two of four binary32 lanes.
    UpperOnesS,
    /// The low 64 bits.
    LowD,
    /// The low 32 bits.
    LowS,
    /// The low 16 bits.
    LowH,
    /// The low 8 bits.
    LowB,
    /// All ones.
    Ones,
    /// 0x0f, bytes.
    Nibbles,
    /// Bits set of each nibble.
    Counts,
    /// Leading zeros of each nibble.
    LeadingZeros,
    /// Each nibble reversed, in the upper half.
    ReverseLow,
    /// Each nibble reversed, in the lower half.
    ReverseHigh,
    /// Bytes of each 16 bits reversed.
    Rev16B,
    /// Bytes of each 32 bits reversed.
    Rev32B,
    /// Bytes of each 64 bits reversed.
    Rev64B,
    /// Halfwords of each 32 bits reversed.
    Rev32H,
    /// Halfwords of each 64 bits reversed.
    Rev64H,
    /// 1, bytes.
    OneB,
    /// 1, lanes of 16 bits.
    OneH,
    /// 1, lanes of 32 bits.
    OneS,
    /// 1, lanes of 64 bits.
    OneD,
    /// 0x80, bytes.
    SignB,
    /// 0x8000, lanes of 16 bits.
    SignH,
    /// 0x00ff, lanes of 16 bits.
    LowBytes,
    /// 0xff00, lanes of 16 bits.
    HighBytes,
    /// 0xffff, lanes of 32 bits.
    LowHalves,
    /// 0xffff_ffff, lanes of 64 bits.
    LowWords,
    /// 0x70, bytes: added with saturation, indices past 15 get their top bit.
    TableBias,
    /// 4, bytes.
    Four,
    /// 15, 31, 47, 63, bytes: the last index of a table of 1 to 4 slots.
    Table15,
    /// See above.
    Table31,
    /// See above.
    Table47,
    /// See above.
    Table63,
    /// 16, 32, 48, bytes: where the table's further slots start.
    Table16,
    /// See above.
    Table32,
    /// See above.
    Table48,
    /// 2^32 as binary64, in the low lane.
    Pow32D,
    /// 2^32 as binary32, in the low lane.
    Pow32S,
    /// 2^63 as binary64, in the low lane.
    Pow63D,
    /// 2^63 as binary32, in the low lane.
    Pow63S,
    /// -1 as binary64, in the low lane.
    MinusOneD,
    /// -1 as binary32, in the low lane.
    MinusOneS,
    /// 0xff shifted left by 0 to 7 within bytes: eight of them.
    BytesLeft,
    /// 0xff shifted right by 0 to 7: eight of them.
    BytesRight = Self::BytesLeft as usize + 8,
    /// 0x80 shifted right by 0 to 7: eight of them.
    BytesSign = Self::BytesLeft as usize + 16,
    /// 0x33, bytes.
    Pairs = Self::BytesLeft as usize + 24,
    /// 0x55, bytes.
    Alternate,
}

/// How many there are.
pub const COUNT: usize = Const::Alternate as usize + 1;

const fn bytes(value: u8) -> u128 {
    u128::from_le_bytes([value; 16])
}

const fn halves(value: u16) -> u128 {
    value as u128 * 0x0001_0001_0001_0001_0001_0001_0001_0001
}

const fn words(value: u32) -> u128 {
    value as u128 * 0x1_0000_0001_0000_0001_0000_0001
}

const fn doubles(value: u64) -> u128 {
    value as u128 * 0x1_0000_0000_0000_0001
}

/// An index table that reverses lanes of `lane` bytes within `container`.
const fn reverse(container: u8, lane: u8) -> u128 {
    let mut out = [0; 16];
    let mut i = 0;
    while i < 16 {
        let (base, within) = (i & !(container - 1), i & (container - 1));
        let to = container - lane - (within & !(lane - 1)) + (within & (lane - 1));
        out[i as usize] = base + to;
        i += 1;
    }
    u128::from_le_bytes(out)
}

const fn nibbles(of: [u8; 16]) -> u128 {
    u128::from_le_bytes(of)
}

const fn reversed(shift: u32) -> u128 {
    let mut out = [0; 16];
    let mut i: u8 = 0;
    while i < 16 {
        out[i as usize] = (i.reverse_bits() >> 4) << shift;
        i += 1;
    }
    u128::from_le_bytes(out)
}

const fn set(table: &mut [u128; COUNT], which: Const, value: u128) {
    table[which as usize] = value;
}

const fn values() -> [u128; COUNT] {
    let mut t = [0; COUNT];
    set(&mut t, Const::AbsS, words(0x7fff_ffff));
    set(&mut t, Const::AbsD, doubles(u64::MAX >> 1));
    set(&mut t, Const::SignS, words(1 << 31));
    set(&mut t, Const::SignD, doubles(1 << 63));
    set(&mut t, Const::AbsScalarS, 0x7fff_ffff);
    set(&mut t, Const::AbsScalarD, (u64::MAX >> 1) as u128);
    set(&mut t, Const::NormalS, words(0x0080_0000));
    set(&mut t, Const::NormalD, doubles(1 << 52));
    set(&mut t, Const::UpperOnesS, words(0x3f80_0000) >> 64 << 64);
    set(&mut t, Const::LowD, u64::MAX as u128);
    set(&mut t, Const::LowS, u32::MAX as u128);
    set(&mut t, Const::LowH, 0xffff);
    set(&mut t, Const::LowB, 0xff);
    set(&mut t, Const::Ones, u128::MAX);
    set(&mut t, Const::Nibbles, bytes(0x0f));
    set(&mut t, Const::Pairs, bytes(0x33));
    set(&mut t, Const::Alternate, bytes(0x55));
    set(
        &mut t,
        Const::Counts,
        nibbles([0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4]),
    );
    set(
        &mut t,
        Const::LeadingZeros,
        nibbles([4, 3, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
    );
    set(&mut t, Const::ReverseLow, reversed(4));
    set(&mut t, Const::ReverseHigh, reversed(0));
    set(&mut t, Const::Rev16B, reverse(2, 1));
    set(&mut t, Const::Rev32B, reverse(4, 1));
    set(&mut t, Const::Rev64B, reverse(8, 1));
    set(&mut t, Const::Rev32H, reverse(4, 2));
    set(&mut t, Const::Rev64H, reverse(8, 2));
    set(&mut t, Const::OneB, bytes(1));
    set(&mut t, Const::OneH, halves(1));
    set(&mut t, Const::OneS, words(1));
    set(&mut t, Const::OneD, doubles(1));
    set(&mut t, Const::SignB, bytes(0x80));
    set(&mut t, Const::SignH, halves(0x8000));
    set(&mut t, Const::LowBytes, halves(0x00ff));
    set(&mut t, Const::HighBytes, halves(0xff00));
    set(&mut t, Const::LowHalves, words(0xffff));
    set(&mut t, Const::LowWords, doubles(0xffff_ffff));
    set(&mut t, Const::TableBias, bytes(0x70));
    set(&mut t, Const::Four, bytes(4));
    set(&mut t, Const::Table15, bytes(15));
    set(&mut t, Const::Table31, bytes(31));
    set(&mut t, Const::Table47, bytes(47));
    set(&mut t, Const::Table63, bytes(63));
    set(&mut t, Const::Table16, bytes(16));
    set(&mut t, Const::Table32, bytes(32));
    set(&mut t, Const::Table48, bytes(48));
    set(&mut t, Const::Pow32D, 0x41f0_0000_0000_0000);
    set(&mut t, Const::Pow32S, 0x4f80_0000);
    set(&mut t, Const::Pow63D, 0x43e0_0000_0000_0000);
    set(&mut t, Const::Pow63S, 0x5f00_0000);
    set(&mut t, Const::MinusOneD, 0xbff0_0000_0000_0000);
    set(&mut t, Const::MinusOneS, 0xbf80_0000);
    let mut n = 0;
    while n < 8 {
        t[Const::BytesLeft as usize + n] = bytes(0xff << n);
        t[Const::BytesRight as usize + n] = bytes(0xff >> n);
        t[Const::BytesSign as usize + n] = bytes(0x80 >> n);
        n += 1;
    }
    t
}

/// What the state's table of constants must hold.
pub static VALUES: [u128; COUNT] = values();
