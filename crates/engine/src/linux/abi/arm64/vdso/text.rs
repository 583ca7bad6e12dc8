//! The code of the guest's vDSO.
//!
//! A clock that an arm64 kernel reads in its vDSO is read by a call of the
//! engine's ([`guest::surroundings`]), and the time stored by the guest's own instruction, so
//! that a bad pointer is SIGSEGV as there. All else is a system call: other
//! clocks, and whatever the call does not do; in a copy of the page, where it is a
//! NOP, that is all.

use a64::call;

use crate::host::clock::{RESOLUTION, TIME};
use crate::linux::abi::library::Function;

pub(super) const NOP: u32 = 0xd503_201f;
const SVC: u32 = 0xd400_0001;
const RET: u32 = 0xd65f_03c0;

const GETTIMEOFDAY: &[u32] = &[
    0xb400_01c0, // cbz   x0, 2f
    0xb500_01a1, // cbnz  x1, 2f
    0xaa00_03e1, // mov   x1, x0
    0x5280_0000, // mov   w0, #CLOCK_REALTIME
    call::word(TIME),
    0x1400_0007, // b     1f
    // x3 / 1000: exact for what is below 2^32.
    0x5289_ba64, // mov   w4, #0x4dd3
    0x72a2_0c44, // movk  w4, #0x1062, lsl #16
    0x9ba4_7c63, // umull x3, w3, w4
    0xd366_fc63, // lsr   x3, x3, #38
    0xa900_0c22, // stp   x2, x3, [x1]
    RET,
    0xaa01_03e0, // 1: mov x0, x1
    0xd280_0001, // mov   x1, #0
    0xd280_1528, // 2: mov x8, #169
    SVC,
    RET,
];

// 0x8f3 in these two: REALTIME, MONOTONIC, MONOTONIC_RAW, the two coarse ones,
// BOOTTIME and TAI.

const CLOCK_GETTIME: &[u32] = &[
    // The first two are what programs ask for.
    0x7100_041f,      // cmp   w0, #1
    0x5400_00c8,      // b.hi  2f
    call::word(TIME), // 1:
    0x1400_0009,      // b     3f
    0xa900_0c22,      // stp   x2, x3, [x1]
    0x5280_0000,      // mov   w0, #0
    RET,
    0x7100_2c1f, // 2: cmp w0, #11
    0x5400_0088, // b.hi  3f
    0x5281_1e64, // mov   w4, #0x8f3
    0x1ac0_2484, // lsr   w4, w4, w0
    0x3707_fee4, // tbnz  w4, #0, 1b
    0xd280_0e28, // 3: mov x8, #113
    SVC,
    RET,
];

const CLOCK_GETRES: &[u32] = &[
    0x7100_2c1f, // cmp   w0, #11
    0x5400_0148, // b.hi  2f
    0x5281_1e64, // mov   w4, #0x8f3
    0x1ac0_2484, // lsr   w4, w4, w0
    0x3600_00e4, // tbz   w4, #0, 2f
    call::word(RESOLUTION),
    0x1400_0005, // b     2f
    0xb400_0041, // cbz   x1, 1f
    0xa900_0c22, // stp   x2, x3, [x1]
    0x5280_0000, // 1: mov w0, #0
    RET,
    0xd280_0e48, // 2: mov x8, #114
    SVC,
    RET,
];

/// All, in their order; signal handlers return to the first.
pub(super) const FUNCTIONS: [Function; 4] = [
    Function {
        name: "__kernel_rt_sigreturn",
        words: &[
            0xd280_1168, // mov   x8, #139
            SVC,
            RET,
        ],
    },
    Function {
        name: "__kernel_gettimeofday",
        words: GETTIMEOFDAY,
    },
    Function {
        name: "__kernel_clock_gettime",
        words: CLOCK_GETTIME,
    },
    Function {
        name: "__kernel_clock_getres",
        words: CLOCK_GETRES,
    },
];
