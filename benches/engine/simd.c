/* SIMD on integers, written for both machines with the instructions that each
 * has for it: NEON, and SSE2 (SSSE3 for the table). */
#include "kernels.h"

#ifdef __aarch64__
#include <arm_neon.h>
#else
#include <immintrin.h>
#endif

#define LENGTH 4096
static uint8_t x[LENGTH] __attribute__((aligned(64)));
static uint8_t y[LENGTH] __attribute__((aligned(64)));
static uint8_t z[LENGTH] __attribute__((aligned(64)));

static void fill(void)
{
    random_fill(x, LENGTH);
    random_fill(y, LENGTH);
}

/* Where the first byte of that value is, or LENGTH. */
__attribute__((noinline)) static unsigned find(const uint8_t *in, uint8_t byte)
{
#ifdef __aarch64__
    uint8x16_t wanted = vdupq_n_u8(byte);
    for (unsigned i = 0; i < LENGTH; i += 16) {
        uint8x16_t same = vceqq_u8(vld1q_u8(in + i), wanted);
        uint8x8_t nibbles = vshrn_n_u16(vreinterpretq_u16_u8(same), 4);
        uint64_t mask = vget_lane_u64(vreinterpret_u64_u8(nibbles), 0);
        if (mask)
            return i + (unsigned)__builtin_ctzll(mask) / 4;
    }
#else
    __m128i wanted = _mm_set1_epi8((char)byte);
    for (unsigned i = 0; i < LENGTH; i += 16) {
        __m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const void *)(in + i)), wanted);
        unsigned mask = (unsigned)_mm_movemask_epi8(same);
        if (mask)
            return i + (unsigned)__builtin_ctz(mask);
    }
#endif
    return LENGTH;
}

static uint64_t search(unsigned rounds)
{
    fill();
    for (unsigned i = 0; i < LENGTH; i++)
        x[i] |= 1;
    uint64_t sum = 0;
    for (unsigned round = 0; round < rounds; round++) {
        unsigned at = round * 61 % LENGTH;
        x[at] -= 1;
        sum = mix(sum, find(x, x[at]));
        x[at] += 1;
    }
    return sum;
}

/* z = (x * alpha + y * (255 - alpha) + 128) / 256 */
__attribute__((noinline)) static void blend_bytes(uint8_t alpha)
{
#ifdef __aarch64__
    uint8x8_t of_x = vdup_n_u8(alpha), of_y = vdup_n_u8(255 - alpha);
    for (unsigned i = 0; i < LENGTH; i += 16) {
        uint8x16_t a = vld1q_u8(x + i), b = vld1q_u8(y + i);
        uint16x8_t low = vmlal_u8(vmull_u8(vget_low_u8(a), of_x), vget_low_u8(b), of_y);
        uint16x8_t high = vmlal_u8(vmull_u8(vget_high_u8(a), of_x), vget_high_u8(b), of_y);
        vst1q_u8(z + i, vcombine_u8(vrshrn_n_u16(low, 8), vrshrn_n_u16(high, 8)));
    }
#else
    __m128i zero = _mm_setzero_si128(), half = _mm_set1_epi16(128);
    __m128i of_x = _mm_set1_epi16(alpha), of_y = _mm_set1_epi16(255 - alpha);
    for (unsigned i = 0; i < LENGTH; i += 16) {
        __m128i a = _mm_load_si128((const void *)(x + i)), b = _mm_load_si128((const void *)(y + i));
        __m128i low = _mm_add_epi16(_mm_mullo_epi16(_mm_unpacklo_epi8(a, zero), of_x),
                                    _mm_mullo_epi16(_mm_unpacklo_epi8(b, zero), of_y));
        __m128i high = _mm_add_epi16(_mm_mullo_epi16(_mm_unpackhi_epi8(a, zero), of_x),
                                     _mm_mullo_epi16(_mm_unpackhi_epi8(b, zero), of_y));
        low = _mm_srli_epi16(_mm_add_epi16(low, half), 8);
        high = _mm_srli_epi16(_mm_add_epi16(high, half), 8);
        _mm_store_si128((void *)(z + i), _mm_packus_epi16(low, high));
    }
#endif
}

static uint64_t blend(unsigned rounds)
{
    fill();
    uint64_t sum = 0;
    for (unsigned round = 0; round < rounds; round++) {
        blend_bytes((uint8_t)(round * 29));
        sum = mix(sum, z[round % LENGTH]);
    }
    return mix_bytes(sum, z, LENGTH);
}

/* Sum of products of 16-bit numbers, in 32 bits. */
__attribute__((noinline)) static uint32_t products(const uint16_t *a, const uint16_t *b)
{
#ifdef __aarch64__
    uint32x4_t sum = vdupq_n_u32(0), other = vdupq_n_u32(0);
    for (unsigned i = 0; i < LENGTH / 2; i += 8) {
        uint16x8_t p = vld1q_u16(a + i), q = vld1q_u16(b + i);
        sum = vmlal_u16(sum, vget_low_u16(p), vget_low_u16(q));
        other = vmlal_high_u16(other, p, q);
    }
    return vaddvq_u32(vaddq_u32(sum, other));
#else
    __m128i sum = _mm_setzero_si128();
    for (unsigned i = 0; i < LENGTH / 2; i += 8) {
        __m128i p = _mm_load_si128((const void *)(a + i)), q = _mm_load_si128((const void *)(b + i));
        __m128i low = _mm_mullo_epi16(p, q), high = _mm_mulhi_epu16(p, q);
        sum = _mm_add_epi32(sum, _mm_unpacklo_epi16(low, high));
        sum = _mm_add_epi32(sum, _mm_unpackhi_epi16(low, high));
    }
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(sum);
#endif
}

static uint64_t multiply(unsigned rounds)
{
    fill();
    uint64_t sum = 0;
    for (unsigned round = 0; round < rounds; round++) {
        sum = mix(sum, products((const uint16_t *)x, (const uint16_t *)y));
        x[round % LENGTH]++;
    }
    return sum;
}

/* z = table[x % 16], as hexadecimal digits are written. */
#ifdef __x86_64__
__attribute__((target("ssse3")))
#endif
__attribute__((noinline)) static void look_up(const uint8_t *table)
{
#ifdef __aarch64__
    uint8x16_t entries = vld1q_u8(table), mask = vdupq_n_u8(15);
    for (unsigned i = 0; i < LENGTH; i += 16)
        vst1q_u8(z + i, vqtbl1q_u8(entries, vandq_u8(vld1q_u8(x + i), mask)));
#else
    __m128i entries = _mm_loadu_si128((const void *)table), mask = _mm_set1_epi8(15);
    for (unsigned i = 0; i < LENGTH; i += 16) {
        __m128i at = _mm_and_si128(_mm_load_si128((const void *)(x + i)), mask);
        _mm_store_si128((void *)(z + i), _mm_shuffle_epi8(entries, at));
    }
#endif
}

static uint64_t table(unsigned rounds)
{
    uint8_t digits[16];
    memcpy(digits, "0123456789abcdef", 16);
    fill();
    uint64_t sum = 0;
    for (unsigned round = 0; round < rounds; round++) {
        look_up(digits);
        sum = mix(sum, z[round % LENGTH]);
        digits[round % 16]++;
    }
    return mix_bytes(sum, z, LENGTH);
}

/* The sum of absolute differences of bytes. */
__attribute__((noinline)) static uint32_t difference(const uint8_t *a, const uint8_t *b)
{
#ifdef __aarch64__
    uint32x4_t sum = vdupq_n_u32(0);
    for (unsigned i = 0; i < LENGTH; i += 32) {
        uint16x8_t part = vpaddlq_u8(vabdq_u8(vld1q_u8(a + i), vld1q_u8(b + i)));
        part = vpadalq_u8(part, vabdq_u8(vld1q_u8(a + i + 16), vld1q_u8(b + i + 16)));
        sum = vpadalq_u16(sum, part);
    }
    return vaddvq_u32(sum);
#else
    __m128i sum = _mm_setzero_si128();
    for (unsigned i = 0; i < LENGTH; i += 16)
        sum = _mm_add_epi64(sum, _mm_sad_epu8(_mm_loadu_si128((const void *)(a + i)),
                                              _mm_loadu_si128((const void *)(b + i))));
    return (uint32_t)(_mm_cvtsi128_si32(sum) + _mm_cvtsi128_si32(_mm_srli_si128(sum, 8)));
#endif
}

static uint64_t differences(unsigned rounds)
{
    fill();
    uint64_t sum = 0;
    for (unsigned round = 0; round < rounds; round++) {
        sum = mix(sum, difference(x, y));
        x[round % LENGTH]++;
    }
    return sum;
}

/* Sum of products of signed bytes, in 32 bits. */
#ifdef __aarch64__
__attribute__((target("arch=armv8.2-a+dotprod")))
#endif
__attribute__((noinline)) static int32_t product(const int8_t *a, const int8_t *b)
{
#ifdef __aarch64__
    int32x4_t sum = vdupq_n_s32(0);
    for (unsigned i = 0; i < LENGTH; i += 16)
        sum = vdotq_s32(sum, vld1q_s8(a + i), vld1q_s8(b + i));
    return vaddvq_s32(sum);
#else
    __m128i sum = _mm_setzero_si128();
    for (unsigned i = 0; i < LENGTH; i += 16) {
        __m128i p = _mm_load_si128((const void *)(a + i)), q = _mm_load_si128((const void *)(b + i));
        __m128i low = _mm_madd_epi16(_mm_srai_epi16(_mm_unpacklo_epi8(p, p), 8),
                                     _mm_srai_epi16(_mm_unpacklo_epi8(q, q), 8));
        __m128i high = _mm_madd_epi16(_mm_srai_epi16(_mm_unpackhi_epi8(p, p), 8),
                                      _mm_srai_epi16(_mm_unpackhi_epi8(q, q), 8));
        sum = _mm_add_epi32(sum, _mm_add_epi32(low, high));
    }
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1));
    return _mm_cvtsi128_si32(sum);
#endif
}

static uint64_t bytes(unsigned rounds)
{
    fill();
    uint64_t sum = 0;
    for (unsigned round = 0; round < rounds; round++) {
        sum = mix(sum, (uint32_t)product((const int8_t *)x, (const int8_t *)y));
        x[round % LENGTH]++;
    }
    return sum;
}

/* What a compiler makes of a plain loop: brightness of pixels, clamped. */
__attribute__((noinline)) static void brighten(int by)
{
    for (unsigned i = 0; i < LENGTH; i++) {
        int value = x[i] * by / 64 + (y[i] >> 2);
        z[i] = (uint8_t)(value > 255 ? 255 : value);
    }
}

static uint64_t plain(unsigned rounds)
{
    fill();
    uint64_t sum = 0;
    for (unsigned round = 0; round < rounds; round++) {
        brighten((int)(round % 128));
        sum = mix(sum, z[round % LENGTH]);
    }
    return mix_bytes(sum, z, LENGTH);
}

KERNELS({"search", search, 1000000}, {"blend", blend, 200000}, {"multiply", multiply, 400000},
        {"table", table, 400000}, {"difference", differences, 400000}, {"dot", bytes, 300000},
        {"plain", plain, 100000})
