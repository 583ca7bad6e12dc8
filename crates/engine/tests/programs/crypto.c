/* Ciphers and digests with known answers, from their standards: AES (FIPS
 * 197), SHA-1, SHA-256 and SHA-512 (FIPS 180-4), SHA-3 (FIPS 202), ChaCha20 (RFC 8439), CRC32.
 * In plain C; with -DINTRINSICS by Arm's instructions for them. Prints what it
 * computes; the test has the answers. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef INTRINSICS
#include <arm_acle.h>
#include <arm_neon.h>
#endif

static void show(const char *name, const uint8_t *bytes, unsigned length)
{
    printf("%s ", name);
    for (unsigned i = 0; i < length; i++)
        printf("%02x", bytes[i]);
    putchar('\n');
}

/* AES. The boxes are computed: an inverse in the field, then the affine map. */
static uint8_t box[256], inverse_box[256];

static uint8_t multiply(uint8_t a, uint8_t b)
{
    uint8_t product = 0;
    for (; b; b >>= 1) {
        if (b & 1)
            product ^= a;
        a = (uint8_t)(a << 1 ^ (a >> 7) * 0x1b);
    }
    return product;
}

static void make_boxes(void)
{
    for (unsigned i = 0; i < 256; i++) {
        uint8_t inverse = 0;
        for (unsigned j = 1; j < 256; j++)
            if (multiply((uint8_t)i, (uint8_t)j) == 1)
                inverse = (uint8_t)j;
        uint8_t mapped = 0x63;
        for (unsigned turn = 0; turn < 5; turn++)
            mapped ^= (uint8_t)(inverse << turn | inverse >> (8 - turn));
        box[i] = mapped;
        inverse_box[mapped] = (uint8_t)i;
    }
}

/* The round keys; how many rounds. */
static unsigned expand(const uint8_t *key, unsigned words, uint8_t keys[15][16])
{
    uint8_t *flat = keys[0], constant = 1;
    unsigned rounds = words + 6;
    memcpy(flat, key, 4 * words);
    for (unsigned i = words; i < 4 * (rounds + 1); i++) {
        uint8_t word[4];
        memcpy(word, flat + 4 * i - 4, 4);
        if (i % words == 0) {
            uint8_t head = word[0];
            word[0] = box[word[1]] ^ constant;
            word[1] = box[word[2]];
            word[2] = box[word[3]];
            word[3] = box[head];
            constant = multiply(constant, 2);
        } else if (words > 6 && i % words == 4) {
            for (unsigned j = 0; j < 4; j++)
                word[j] = box[word[j]];
        }
        for (unsigned j = 0; j < 4; j++)
            flat[4 * i + j] = flat[4 * (i - words) + j] ^ word[j];
    }
    return rounds;
}

#ifdef INTRINSICS
static void encrypt(uint8_t *block, uint8_t keys[15][16], unsigned rounds)
{
    uint8x16_t state = vld1q_u8(block);
    for (unsigned i = 0; i < rounds - 1; i++)
        state = vaesmcq_u8(vaeseq_u8(state, vld1q_u8(keys[i])));
    state = veorq_u8(vaeseq_u8(state, vld1q_u8(keys[rounds - 1])), vld1q_u8(keys[rounds]));
    vst1q_u8(block, state);
}

static void decrypt(uint8_t *block, uint8_t keys[15][16], unsigned rounds)
{
    uint8x16_t state = vaesdq_u8(vld1q_u8(block), vld1q_u8(keys[rounds]));
    for (unsigned i = rounds - 1; i > 0; i--)
        state = vaesdq_u8(vaesimcq_u8(state), vaesimcq_u8(vld1q_u8(keys[i])));
    vst1q_u8(block, veorq_u8(state, vld1q_u8(keys[0])));
}
#else
static void add(uint8_t *block, const uint8_t *key)
{
    for (unsigned i = 0; i < 16; i++)
        block[i] ^= key[i];
}

/* Each byte through a box, and rows turned by their number times `by`. */
static void substitute(uint8_t *block, const uint8_t *by_box, unsigned by)
{
    uint8_t old[16];
    memcpy(old, block, 16);
    for (unsigned column = 0; column < 4; column++)
        for (unsigned row = 0; row < 4; row++)
            block[4 * column + row] = by_box[old[4 * ((column + row * by) % 4) + row]];
}

static void mix_columns(uint8_t *block, const uint8_t *by)
{
    for (unsigned column = 0; column < 16; column += 4) {
        uint8_t old[4];
        memcpy(old, block + column, 4);
        for (unsigned row = 0; row < 4; row++) {
            block[column + row] = 0;
            for (unsigned i = 0; i < 4; i++)
                block[column + row] ^= multiply(old[i], by[(i + 4 - row) % 4]);
        }
    }
}

static void encrypt(uint8_t *block, uint8_t keys[15][16], unsigned rounds)
{
    static const uint8_t by[4] = {2, 3, 1, 1};
    add(block, keys[0]);
    for (unsigned i = 1; i <= rounds; i++) {
        substitute(block, box, 1);
        if (i < rounds)
            mix_columns(block, by);
        add(block, keys[i]);
    }
}

static void decrypt(uint8_t *block, uint8_t keys[15][16], unsigned rounds)
{
    static const uint8_t by[4] = {14, 11, 13, 9};
    for (unsigned i = rounds; i > 0; i--) {
        add(block, keys[i]);
        if (i < rounds)
            mix_columns(block, by);
        substitute(block, inverse_box, 3);
    }
    add(block, keys[0]);
}
#endif

static void aes(void)
{
    make_boxes();
    for (unsigned words = 4; words <= 8; words += 2) {
        uint8_t key[32], block[16], keys[15][16];
        for (unsigned i = 0; i < 32; i++)
            key[i] = (uint8_t)i;
        for (unsigned i = 0; i < 16; i++)
            block[i] = (uint8_t)(i * 0x11);
        unsigned rounds = expand(key, words, keys);
        char name[20];
        snprintf(name, sizeof name, "aes-%u", words * 32);
        encrypt(block, keys, rounds);
        show(name, block, 16);
        decrypt(block, keys, rounds);
        show(" back", block, 16);
        /* Each ciphertext is the next plaintext. */
        for (unsigned i = 0; i < 1000; i++)
            encrypt(block, keys, rounds);
        for (unsigned i = 0; i < 1000; i++)
            decrypt(block, keys, rounds);
        show(" again", block, 16);
    }
}

/* The constants of SHA-2 are the first bits of the fractions of roots of the
 * first primes: found here by integer roots. */
static uint64_t fraction(unsigned prime, unsigned cube)
{
    /* The largest x of 64 fractional bits whose power is not above the prime. */
    unsigned __int128 x = 0;
    for (int bit = 66; bit >= 0; bit--) {
        unsigned __int128 next = x | (unsigned __int128)1 << bit;
        /* next / 2^64 to the power of 2 or 3, in limbs of 32 bits. */
        uint32_t a[3], product[9] = {0}, power[6] = {0};
        for (unsigned i = 0; i < 3; i++)
            a[i] = (uint32_t)(next >> 32 * i);
        for (unsigned i = 0; i < 3; i++) {
            uint64_t carry = 0;
            for (unsigned j = 0; j < 3; j++) {
                carry += (uint64_t)a[i] * a[j] + power[i + j];
                power[i + j] = (uint32_t)carry;
                carry >>= 32;
            }
            power[i + 3 < 6 ? i + 3 : 5] += (uint32_t)carry;
        }
        for (unsigned i = 0; cube && i < 3; i++) {
            uint64_t carry = 0;
            for (unsigned j = 0; j < 6; j++) {
                carry += (uint64_t)a[i] * power[j] + product[i + j];
                product[i + j] = (uint32_t)carry;
                carry >>= 32;
            }
            for (unsigned j = i + 6; carry && j < 9; j++) {
                carry += product[j];
                product[j] = (uint32_t)carry;
                carry >>= 32;
            }
        }
        uint64_t whole = cube ? product[6] | (uint64_t)product[7] << 32 : power[4] | (uint64_t)power[5] << 32;
        if (whole < prime)
            x = next;
    }
    return (uint64_t)x;
}

static uint64_t k[80], h2[8], h3[80];

static void make_constants(void)
{
    unsigned found = 0;
    for (unsigned n = 2; found < 80; n++) {
        unsigned divisor = 2;
        while (divisor < n && n % divisor)
            divisor++;
        if (divisor < n)
            continue;
        if (found < 8)
            h2[found] = fraction(n, 0);
        h3[found++] = fraction(n, 1);
    }
    memcpy(k, h3, sizeof k);
}

static uint32_t right(uint32_t x, unsigned by)
{
    return x >> by | x << (32 - by);
}

static inline uint64_t right64(uint64_t x, unsigned by)
{
    return x >> by | x << (64 - by);
}

static inline uint64_t big_endian(const uint8_t *from, unsigned length)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < length; i++)
        value = value << 8 | from[i];
    return value;
}

#ifdef INTRINSICS
static void sha1_block(uint32_t *state, const uint8_t *block)
{
    static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    uint32x4_t abcd = vld1q_u32(state), start = abcd, w[20];
    uint32_t e = state[4];
    for (unsigned i = 0; i < 4; i++)
        w[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(block + 16 * i)));
    for (unsigned i = 4; i < 20; i++)
        w[i] = vsha1su1q_u32(vsha1su0q_u32(w[i - 4], w[i - 3], w[i - 2]), w[i - 1]);
    for (unsigned i = 0; i < 20; i++) {
        uint32x4_t wk = vaddq_u32(w[i], vdupq_n_u32(constants[i / 5]));
        uint32_t next = vsha1h_u32(vgetq_lane_u32(abcd, 0));
        if (i < 5)
            abcd = vsha1cq_u32(abcd, e, wk);
        else if (i >= 10 && i < 15)
            abcd = vsha1mq_u32(abcd, e, wk);
        else
            abcd = vsha1pq_u32(abcd, e, wk);
        e = next;
    }
    vst1q_u32(state, vaddq_u32(start, abcd));
    state[4] += e;
}

static void sha256_block(uint32_t *state, const uint8_t *block)
{
    uint32x4_t abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4), start = abcd, other = efgh, w[16];
    for (unsigned i = 0; i < 4; i++)
        w[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(block + 16 * i)));
    for (unsigned i = 4; i < 16; i++)
        w[i] = vsha256su1q_u32(vsha256su0q_u32(w[i - 4], w[i - 3]), w[i - 2], w[i - 1]);
    for (unsigned i = 0; i < 16; i++) {
        uint32_t four[4];
        for (unsigned j = 0; j < 4; j++)
            four[j] = (uint32_t)(k[4 * i + j] >> 32);
        uint32x4_t wk = vaddq_u32(w[i], vld1q_u32(four)), was = abcd;
        abcd = vsha256hq_u32(abcd, efgh, wk);
        efgh = vsha256h2q_u32(efgh, was, wk);
    }
    vst1q_u32(state, vaddq_u32(start, abcd));
    vst1q_u32(state + 4, vaddq_u32(other, efgh));
}
#else
static void sha1_block(uint32_t *state, const uint8_t *block)
{
    uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (unsigned i = 0; i < 80; i++)
        w[i] = i < 16 ? (uint32_t)big_endian(block + 4 * i, 4) : right(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 31);
    for (unsigned i = 0; i < 80; i++) {
        uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                     : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                     : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                              : (b ^ c ^ d) + 0xca62c1d6;
        uint32_t next = right(a, 27) + f + e + w[i];
        e = d;
        d = c;
        c = right(b, 2);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

static void sha256_block(uint32_t *state, const uint8_t *block)
{
    uint32_t w[64], s[8];
    memcpy(s, state, sizeof s);
    for (unsigned i = 0; i < 64; i++) {
        if (i < 16) {
            w[i] = (uint32_t)big_endian(block + 4 * i, 4);
            continue;
        }
        uint32_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (right(x, 7) ^ right(x, 18) ^ x >> 3) + (right(y, 17) ^ right(y, 19) ^ y >> 10);
    }
    for (unsigned i = 0; i < 64; i++) {
        uint32_t one = s[7] + (right(s[4], 6) ^ right(s[4], 11) ^ right(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) +
                       (uint32_t)(k[i] >> 32) + w[i];
        uint32_t two = (right(s[0], 2) ^ right(s[0], 13) ^ right(s[0], 22)) +
                       ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof s[0]);
        s[4] += one;
        s[0] = one + two;
    }
    for (unsigned i = 0; i < 8; i++)
        state[i] += s[i];
}
#endif

#ifdef __ARM_FEATURE_SHA512
static void sha512_block(uint64_t *state, const uint8_t *block)
{
    uint64x2_t ab = vld1q_u64(state), cd = vld1q_u64(state + 2), ef = vld1q_u64(state + 4), gh = vld1q_u64(state + 6);
    uint64x2_t start[4] = {ab, cd, ef, gh}, w[40];
    for (unsigned i = 0; i < 40; i++)
        w[i] = i < 8 ? vreinterpretq_u64_u8(vrev64q_u8(vld1q_u8(block + 16 * i)))
                     : vsha512su1q_u64(vsha512su0q_u64(w[i - 8], w[i - 7]), w[i - 1], vextq_u64(w[i - 4], w[i - 3], 1));
    for (unsigned i = 0; i < 40; i++) {
        uint64x2_t sum = vaddq_u64(w[i], vld1q_u64(k + 2 * i));
        sum = vaddq_u64(vextq_u64(sum, sum, 1), gh);
        sum = vsha512hq_u64(sum, vextq_u64(ef, gh, 1), vextq_u64(cd, ef, 1));
        gh = ef;
        ef = vaddq_u64(cd, sum);
        uint64x2_t next = vsha512h2q_u64(sum, cd, ab);
        cd = ab;
        ab = next;
    }
    vst1q_u64(state, vaddq_u64(start[0], ab));
    vst1q_u64(state + 2, vaddq_u64(start[1], cd));
    vst1q_u64(state + 4, vaddq_u64(start[2], ef));
    vst1q_u64(state + 6, vaddq_u64(start[3], gh));
}
#else
static void sha512_block(uint64_t *state, const uint8_t *block)
{
    uint64_t w[80], s[8];
    memcpy(s, state, sizeof s);
    for (unsigned i = 0; i < 80; i++) {
        if (i < 16) {
            w[i] = big_endian(block + 8 * i, 8);
            continue;
        }
        uint64_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (right64(x, 1) ^ right64(x, 8) ^ x >> 7) +
               (right64(y, 19) ^ right64(y, 61) ^ y >> 6);
    }
    for (unsigned i = 0; i < 80; i++) {
        uint64_t one = s[7] + (right64(s[4], 14) ^ right64(s[4], 18) ^ right64(s[4], 41)) +
                       ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
        uint64_t two = (right64(s[0], 28) ^ right64(s[0], 34) ^ right64(s[0], 39)) +
                       ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof s[0]);
        s[4] += one;
        s[0] = one + two;
    }
    for (unsigned i = 0; i < 8; i++)
        state[i] += s[i];
}
#endif

/* SHA-3's permutation. The turns are the triangular numbers along the walk
 * that also moves the lanes; the round constants come from a shift register. */
#ifdef __ARM_FEATURE_SHA3
typedef uint64x2_t lane;
#define LANE(value) vdupq_n_u64(value)
#define XOR(a, b) veorq_u64(a, b)
#define XOR3(a, b, c) veor3q_u64(a, b, c)
#define XOR_NOT_AND(a, b, c) vbcaxq_u64(a, c, b)
#define XOR_LEFT_1(a, b) vrax1q_u64(a, b)
/* The instruction turns by a constant: one of these. */
static lane turned(lane x, unsigned by)
{
    const lane zero = LANE(0);
    switch (by) {
#define TURN(n) case n: return vxarq_u64(x, zero, 64 - n)
        TURN(1); TURN(2); TURN(3); TURN(6); TURN(8); TURN(10); TURN(14); TURN(15); TURN(18); TURN(20); TURN(21);
        TURN(25); TURN(27); TURN(28); TURN(36); TURN(39); TURN(41); TURN(43); TURN(44); TURN(45); TURN(55);
        TURN(56); TURN(61); TURN(62);
    }
    return zero;
}
#define VALUE(x) vgetq_lane_u64(x, 1)
#else
typedef uint64_t lane;
#define LANE(value) (value)
#define XOR(a, b) ((a) ^ (b))
#define XOR3(a, b, c) ((a) ^ (b) ^ (c))
#define XOR_NOT_AND(a, b, c) ((a) ^ (~(b) & (c)))
#define XOR_LEFT_1(a, b) ((a) ^ right64(b, 63))
#define turned(x, by) right64(x, 64 - (by))
#define VALUE(x) (x)
#endif

static void permute(uint64_t *state)
{
    lane s[25], column[5];
    for (unsigned i = 0; i < 25; i++)
        s[i] = LANE(state[i]);
    uint8_t shift = 1;
    for (unsigned round = 0; round < 24; round++) {
        for (unsigned x = 0; x < 5; x++)
            column[x] = XOR3(XOR3(s[x], s[x + 5], s[x + 10]), s[x + 15], s[x + 20]);
        for (unsigned i = 0; i < 25; i++)
            s[i] = XOR(s[i], XOR_LEFT_1(column[(i + 4) % 5], column[(i + 1) % 5]));
        lane moved = s[1];
        for (unsigned step = 0, x = 1, y = 0; step < 24; step++) {
            unsigned next = (2 * x + 3 * y) % 5;
            x = y;
            y = next;
            lane was = s[x + 5 * y];
            s[x + 5 * y] = turned(moved, (step + 1) * (step + 2) / 2 % 64);
            moved = was;
        }
        for (unsigned y = 0; y < 25; y += 5) {
            lane row[5];
            memcpy(row, s + y, sizeof row);
            for (unsigned x = 0; x < 5; x++)
                s[y + x] = XOR_NOT_AND(row[x], row[(x + 1) % 5], row[(x + 2) % 5]);
        }
        uint64_t constant = 0;
        for (unsigned bit = 0; bit < 7; bit++) {
            constant |= (uint64_t)(shift & 1) << ((1u << bit) - 1);
            shift = (uint8_t)(shift << 1 ^ (shift >> 7) * 0x71);
        }
        s[0] = XOR(s[0], LANE(constant));
    }
    for (unsigned i = 0; i < 25; i++)
        state[i] = VALUE(s[i]);
}

static void sha3(const char *text, unsigned times)
{
    uint64_t state[25] = {0};
    uint8_t *bytes = (uint8_t *)state;
    unsigned at = 0, rate = 136;
    for (unsigned i = 0; i < times; i++)
        for (const char *from = text; *from; from++) {
            bytes[at++] ^= (uint8_t)*from;
            if (at == rate) {
                permute(state);
                at = 0;
            }
        }
    bytes[at] ^= 6;
    bytes[rate - 1] ^= 0x80;
    permute(state);
    show("sha3-256", bytes, 32);
}

/* A message of `times` times `text`, in blocks with the length behind it. */
static void digests(const char *name, const char *text, unsigned times)
{
    static uint8_t message[1000000 + 256];
    unsigned part = (unsigned)strlen(text), length = part * times;
    for (unsigned i = 0; i < times; i++)
        memcpy(message + i * part, text, part);
    uint32_t one[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}, two[8];
    uint64_t five[8];
    for (unsigned i = 0; i < 8; i++) {
        two[i] = (uint32_t)(h2[i] >> 32);
        five[i] = h2[i];
    }
    memset(message + length, 0, 256);
    message[length] = 0x80;
    unsigned short_end = (length + 9 + 63) / 64 * 64, long_end = (length + 17 + 127) / 128 * 128;
    uint64_t bits = (uint64_t)length * 8;
    for (unsigned i = 0; i < 8; i++)
        message[short_end - 1 - i] = (uint8_t)(bits >> 8 * i);
    for (unsigned i = 0; i < short_end; i += 64) {
        sha1_block(one, message + i);
        sha256_block(two, message + i);
    }
    for (unsigned i = 0; i < 8; i++) {
        message[short_end - 1 - i] = 0;
    }
    for (unsigned i = 0; i < 8; i++)
        message[long_end - 1 - i] = (uint8_t)(bits >> 8 * i);
    for (unsigned i = 0; i < long_end; i += 128)
        sha512_block(five, message + i);
    printf("%s\n sha-1 ", name);
    for (unsigned i = 0; i < 5; i++)
        printf("%08x", one[i]);
    printf("\n sha-256 ");
    for (unsigned i = 0; i < 8; i++)
        printf("%08x", two[i]);
    printf("\n sha-512 ");
    for (unsigned i = 0; i < 8; i++)
        printf("%016llx", (unsigned long long)five[i]);
    putchar('\n');
}

/* ChaCha20: the block function, then the cipher. */
static void quarter(uint32_t *s, unsigned a, unsigned b, unsigned c, unsigned d)
{
    s[a] += s[b];
    s[d] = right(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = right(s[b] ^ s[c], 20);
    s[a] += s[b];
    s[d] = right(s[d] ^ s[a], 24);
    s[c] += s[d];
    s[b] = right(s[b] ^ s[c], 25);
}

static void chacha_block(const uint32_t *start, uint8_t *out)
{
    uint32_t s[16];
    memcpy(s, start, sizeof s);
    for (unsigned i = 0; i < 10; i++) {
        for (unsigned j = 0; j < 4; j++)
            quarter(s, j, 4 + j, 8 + j, 12 + j);
        for (unsigned j = 0; j < 4; j++)
            quarter(s, j, 4 + (j + 1) % 4, 8 + (j + 2) % 4, 12 + (j + 3) % 4);
    }
    for (unsigned i = 0; i < 16; i++) {
        uint32_t word = s[i] + start[i];
        for (unsigned j = 0; j < 4; j++)
            out[4 * i + j] = (uint8_t)(word >> 8 * j);
    }
}

static void chacha(void)
{
    static const uint8_t nonces[2][12] = {{0, 0, 0, 9, 0, 0, 0, 0x4a}, {0, 0, 0, 0, 0, 0, 0, 0x4a}};
    static const char text[] = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
                               "future, sunscreen would be it.";
    for (unsigned which = 0; which < 2; which++) {
        uint32_t state[16];
        memcpy(state, "expand 32-byte k", 16);
        for (unsigned i = 0; i < 32; i++)
            ((uint8_t *)(state + 4))[i] = (uint8_t)i;
        state[12] = 1;
        memcpy(state + 13, nonces[which], 12);
        uint8_t stream[128];
        chacha_block(state, stream);
        state[12]++;
        chacha_block(state, stream + 64);
        if (which == 0) {
            show("chacha20 block", stream, 64);
            continue;
        }
        for (unsigned i = 0; i < sizeof text - 1; i++)
            stream[i] ^= (uint8_t)text[i];
        show("chacha20", stream, sizeof text - 1);
    }
}

static uint32_t crc32_of(const uint8_t *bytes, unsigned length, uint32_t polynomial)
{
    uint32_t crc = 0xffffffff;
    for (unsigned i = 0; i < length; i++) {
#ifdef INTRINSICS
        crc = polynomial == 0xedb88320 ? __crc32b(crc, bytes[i]) : __crc32cb(crc, bytes[i]);
#else
        crc ^= bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1) * polynomial;
#endif
    }
    return ~crc;
}

static void crc(void)
{
    static const uint8_t digits[] = "123456789";
    printf("crc32 %08x\n", crc32_of(digits, 9, 0xedb88320));
    printf("crc32c %08x\n", crc32_of(digits, 9, 0x82f63b78));
}

int main(void)
{
    make_constants();
    aes();
    digests("nothing", "", 0);
    digests("abc", "abc", 1);
    digests("two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1);
    digests("a million", "a", 1000000);
    sha3("", 0);
    sha3("abc", 1);
    sha3("a", 1000);
    chacha();
    crc();
    return 0;
}
