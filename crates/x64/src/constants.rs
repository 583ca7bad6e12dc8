//! Constants of 128 bits that translated code uses. They are a table in the state: one
//! displacement reaches each constant, and code holds no address of them.

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
    /// 0.5, lanes of binary32.
    HalfS,
    /// 0.5, lanes of binary64.
    HalfD,
    /// 1.0, lanes of binary32.
    UnitS,
    /// 1.0, lanes of binary64.
    UnitD,
    /// 2^23, from which on binary32 has no fraction, lanes.
    IntegralS,
    /// 2^52, from which on binary64 has no fraction, lanes.
    IntegralD,
    /// All but the sign, lanes of 16 bits.
    AbsH,
    /// The least normal binary16, lanes.
    NormalH,
    /// 0x80, lanes of 16 bits.
    HalfH,
    /// 0x8000, lanes of 32 bits.
    HalfW,
    /// 0x8000_0000, lanes of 64 bits.
    HalfX,
    /// Even bytes to the low half, zero above; then odd ones; then even and
    /// odd halfwords, even and odd words.
    Narrow,
    /// Even bytes, twice.
    PairB = Self::Narrow as usize + 6,
    /// Even halfwords, twice.
    PairH,
    /// Even bytes of the low half, twice, zero above.
    PairHalfB,
    /// Even halfwords of the low half, twice, zero above.
    PairHalfH,
    /// The sign of the low 32 bits.
    SignScalarS,
    /// The sign of the low 64 bits.
    SignScalarD,
    /// CRC-32's polynomial, reflected, in the upper half, and its inverse modulo
    /// x^64 in the lower.
    Crc32,
    /// SHA-1's constants of the four kinds of rounds: choosing, parity,
    /// majority.
    Sha1,
    /// The 4x4 bytes transposed.
    DealB = Self::Sha1 as usize + 3,
    /// The 2x4 halfwords transposed.
    DealH,
    /// The 4x2 halfwords transposed.
    GatherH,
    /// For structures of three elements of 1, 2, 4 and 8 bytes, of each size:
    /// all but the bytes of each third element, from the first, second and
    /// third on.
    Thirds,
    /// For structures of three elements, of each size: the places of the elements of a slot
    /// among three blended blocks, for each of the three slots.
    Deal3 = Self::Thirds as usize + 12,
    /// The opposite.
    Gather3 = Self::Deal3 as usize + 12,
    /// 0xff shifted left by 0 to 7 within bytes: eight of them.
    BytesLeft = Self::Gather3 as usize + 12,
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

/// The inverse of a polynomial with a constant term, modulo x^64.
const fn inverse(polynomial: u64) -> u64 {
    let (mut inverse, mut rest, mut i) = (0, 1_u64, 0);
    while i < 64 {
        if rest >> i & 1 == 1 {
            inverse |= 1 << i;
            rest ^= polynomial << i;
        }
        i += 1;
    }
    inverse
}

/// The even lanes of the low 8 or 16 bytes, twice.
const fn pair(lane: u8, bytes: u8) -> u128 {
    let mut out = [0x80; 16];
    let mut i = 0;
    while i < bytes {
        let at = i & (bytes / 2 - 1);
        out[i as usize] = 2 * (at / lane) * lane + at % lane;
        i += 1;
    }
    u128::from_le_bytes(out)
}

/// The lanes of `lane` bytes, from the `odd`th on every other, then zeros.
const fn narrow(lane: u8, odd: u8) -> u128 {
    let mut out = [0x80; 16];
    let mut i = 0;
    while i < 8 {
        out[i as usize] = (2 * (i / lane) + odd) * lane + i % lane;
        i += 1;
    }
    u128::from_le_bytes(out)
}

/// An index table that transposes `rows` of `columns` lanes.
const fn transpose(lane: u8, rows: u8, columns: u8) -> u128 {
    let mut out = [0; 16];
    let mut i = 0;
    while i < 16 {
        let to = i / lane;
        let (column, row) = (to / rows, to % rows);
        out[i as usize] = (row * columns + column) * lane + i % lane;
        i += 1;
    }
    u128::from_le_bytes(out)
}

/// All but each third lane from the `first`.
const fn thirds(lane: u8, first: u8) -> u128 {
    let mut out = [0xff; 16];
    let mut i = 0;
    while i < 16 {
        if i / lane % 3 == first {
            out[i as usize] = 0;
        }
        i += 1;
    }
    u128::from_le_bytes(out)
}

/// Where lanes `slot`, `slot` + 3, and so on of 48 bytes lie modulo 16; or,
/// the other way, which of these lanes lies where.
const fn deal3(lane: u8, slot: u8, gather: bool) -> u128 {
    let mut out = [0; 16];
    let mut i = 0;
    while i < 16 {
        let at = ((3 * (i / lane) + slot) * lane + i % lane) & 15;
        if gather {
            out[at as usize] = i;
        } else {
            out[i as usize] = at;
        }
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
    set(&mut t, Const::HalfS, words(0x3f00_0000));
    set(&mut t, Const::HalfD, doubles(0x3fe0_0000_0000_0000));
    set(&mut t, Const::UnitS, words(0x3f80_0000));
    set(&mut t, Const::UnitD, doubles(0x3ff0_0000_0000_0000));
    set(&mut t, Const::IntegralS, words(0x4b00_0000));
    set(&mut t, Const::IntegralD, doubles(0x4330_0000_0000_0000));
    set(&mut t, Const::AbsH, halves(0x7fff));
    set(&mut t, Const::NormalH, halves(0x0400));
    set(&mut t, Const::HalfH, halves(0x80));
    set(&mut t, Const::HalfW, words(0x8000));
    set(&mut t, Const::HalfX, doubles(0x8000_0000));
    set(&mut t, Const::PairB, pair(1, 16));
    set(&mut t, Const::PairH, pair(2, 16));
    set(&mut t, Const::PairHalfB, pair(1, 8));
    set(&mut t, Const::PairHalfH, pair(2, 8));
    set(&mut t, Const::SignScalarS, 1 << 31);
    set(&mut t, Const::SignScalarD, 1 << 63);
    const CRC32: u64 = 0x1_db71_0641;
    let crc32 = (CRC32 as u128) << 64 | inverse(CRC32) as u128;
    set(&mut t, Const::Crc32, crc32);
    set(&mut t, Const::DealB, transpose(1, 4, 4));
    set(&mut t, Const::DealH, transpose(2, 2, 4));
    set(&mut t, Const::GatherH, transpose(2, 4, 2));
    t[Const::Sha1 as usize] = words(0x5a82_7999);
    t[Const::Sha1 as usize + 1] = words(0x6ed9_eba1);
    t[Const::Sha1 as usize + 2] = words(0x8f1b_bcdc);
    let mut n = 0;
    while n < 6 {
        #[allow(clippy::cast_possible_truncation, reason = "less than 6")]
        let odd = n as u8 & 1;
        t[Const::Narrow as usize + n] = narrow(1 << (n / 2), odd);
        n += 1;
    }
    let mut n = 0;
    while n < 12 {
        #[allow(clippy::cast_possible_truncation, reason = "less than 12")]
        let (lane, slot) = (1 << (n / 3), (n % 3) as u8);
        t[Const::Thirds as usize + n] = thirds(lane, slot);
        t[Const::Deal3 as usize + n] = deal3(lane, slot, false);
        t[Const::Gather3 as usize + n] = deal3(lane, slot, true);
        n += 1;
    }
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
