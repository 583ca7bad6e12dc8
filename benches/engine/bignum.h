/* Numbers of many words: the loop that all multiplication of them is made of,
 * as compilers make it and as libraries write it for arm64 by hand, with the
 * carry in the flags throughout. */
#ifndef BIGNUM_H
#define BIGNUM_H

#include <stddef.h>
#include <stdint.h>

/* t += a * b, n words; the word that is carried out. */
static inline uint64_t add_product(uint64_t *t, const uint64_t *a, size_t n, uint64_t b)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned __int128 sum = (unsigned __int128)a[i] * b + t[i] + carry;
        t[i] = (uint64_t)sum;
        carry = (uint64_t)(sum >> 64);
    }
    return carry;
}

/* The same for a multiple of four words. On arm64 two chains of additions a
 * round, with multiplications between them, and one carry from round to round. */
static inline uint64_t add_product_chained(uint64_t *t, const uint64_t *a, size_t n, uint64_t b)
{
#ifdef __aarch64__
    uint64_t carry;
    __asm__ volatile("adds x22, xzr, xzr\n"
                     "1:\n\t"
                     "ldp x4, x5, [%[a]], #16\n\t"
                     "ldp x6, x7, [%[a]], #16\n\t"
                     "ldp x14, x15, [%[t]]\n\t"
                     "mul x19, x4, %[b]\n\t"
                     "umulh x4, x4, %[b]\n\t"
                     "ldp x16, x17, [%[t], #16]\n\t"
                     "mul x20, x5, %[b]\n\t"
                     "adcs x19, x19, x22\n\t"
                     "mul x21, x6, %[b]\n\t"
                     "adcs x20, x20, x4\n\t"
                     "umulh x22, x5, %[b]\n\t"
                     "sub %[n], %[n], #4\n\t"
                     "umulh x5, x6, %[b]\n\t"
                     "adcs x21, x21, x22\n\t"
                     "mul x23, x7, %[b]\n\t"
                     "adcs x23, x23, x5\n\t"
                     "umulh x22, x7, %[b]\n\t"
                     "adc x22, x22, xzr\n\t"
                     "adds x14, x14, x19\n\t"
                     "adcs x15, x15, x20\n\t"
                     "stp x14, x15, [%[t]], #16\n\t"
                     "adcs x16, x16, x21\n\t"
                     "adcs x17, x17, x23\n\t"
                     "stp x16, x17, [%[t]], #16\n\t"
                     "cbnz %[n], 1b\n\t"
                     "adc %[carry], x22, xzr\n"
                     : [t] "+&r"(t), [a] "+&r"(a), [n] "+&r"(n), [carry] "=r"(carry)
                     : [b] "r"(b)
                     : "x4", "x5", "x6", "x7", "x14", "x15", "x16", "x17", "x19", "x20", "x21",
                       "x22", "x23", "cc", "memory");
    return carry;
#else
    return add_product(t, a, n, b);
#endif
}

#endif
