/* Big numbers: Montgomery multiplication of 2048 bits, which signatures by RSA
 * spend their time on, and a plain product. Each as compilers make it and with
 * the carry in the flags throughout. */
#include "kernels.h"

#include "bignum.h"

enum { WORDS = 32 };

typedef uint64_t product(uint64_t *t, const uint64_t *a, size_t n, uint64_t b);

/* -1 / odd, modulo 2^64. */
static uint64_t negative_inverse(uint64_t odd)
{
    uint64_t inverse = odd;
    for (int bits = 3; bits < 64; bits *= 2)
        inverse *= 2 - odd * inverse;
    return -inverse;
}

/* to = a * b / 2^2048 modulo n, or that and n. */
static inline __attribute__((always_inline)) void montgomery(product *row, uint64_t *to,
                                                             const uint64_t *a, const uint64_t *b,
                                                             const uint64_t *n, uint64_t inverse)
{
    uint64_t t[2 * WORDS + 1] = {0};
    for (size_t i = 0; i < WORDS; i++) {
        uint64_t carry = row(t + i, a, WORDS, b[i]);
        uint64_t more = row(t + i, n, WORDS, t[i] * inverse);
        carry += t[i + WORDS];
        uint64_t twice = carry < t[i + WORDS];
        t[i + WORDS] = carry + more;
        t[i + WORDS + 1] = twice + (t[i + WORDS] < more);
    }
    /* n has its highest bit clear: what is left is below 2 n. */
    memcpy(to, t + WORDS, WORDS * sizeof *to);
}

static inline __attribute__((always_inline)) uint64_t power(product *row, unsigned rounds)
{
    uint64_t n[WORDS], a[WORDS], x[WORDS];
    random_fill(n, sizeof n);
    random_fill(a, sizeof a);
    n[0] |= 1;
    n[WORDS - 1] >>= 2;
    a[WORDS - 1] >>= 3;
    memcpy(x, a, sizeof x);
    uint64_t inverse = negative_inverse(n[0]);
    for (unsigned round = 0; round < rounds; round++) {
        montgomery(row, x, x, x, n, inverse);
        if (round % 5 == 4)
            montgomery(row, x, x, a, n, inverse);
    }
    return mix_bytes(0, x, sizeof x);
}

static uint64_t compiled(unsigned rounds)
{
    return power(add_product, rounds);
}

static uint64_t chained(unsigned rounds)
{
    return power(add_product_chained, rounds);
}

static uint64_t schoolbook(unsigned rounds)
{
    uint64_t a[WORDS], t[2 * WORDS] = {0}, sum = 0;
    random_fill(a, sizeof a);
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < WORDS; i++)
            t[i + WORDS] += add_product(t + i, a, WORDS, a[i]);
        sum = mix(sum, t[WORDS]);
    }
    return sum;
}

KERNELS({"montgomery", compiled, 100000}, {"chained", chained, 100000},
        {"schoolbook", schoolbook, 300000})
