/* What the programs of the engine's bench share: a program is a table of
 * kernels, `PROGRAM KERNEL [ROUNDS]` runs one and prints its checksum, and the
 * checksum is the same on every machine.
 *
 * Rounds are chosen so that a kernel takes 0.1 to 0.5 s natively. */
#ifndef KERNELS_H
#define KERNELS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kernel {
    const char *name;
    uint64_t (*run)(unsigned rounds);
    unsigned rounds;
};

/* Mixes a value into a checksum. */
static inline uint64_t mix(uint64_t sum, uint64_t value)
{
    sum = (sum ^ value) * 0x9e3779b97f4a7c15u;
    return sum ^ sum >> 29;
}

static inline uint64_t mix_double(uint64_t sum, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return mix(sum, bits);
}

static inline uint64_t mix_bytes(uint64_t sum, const void *from, size_t length)
{
    const unsigned char *bytes = from;
    for (size_t i = 0; i < length; i++)
        sum = mix(sum, bytes[i]);
    return sum;
}

/* xorshift64: the data that kernels work on. */
static uint64_t random_state = 88172645463325252u;

static inline uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static inline void random_fill(void *to, size_t length)
{
    unsigned char *bytes = to;
    for (size_t i = 0; i < length; i++)
        bytes[i] = (unsigned char)(random_next() >> 24);
}

/* Keeps the compiler from seeing that a call repeats the last one. */
#define OPAQUE(pointer) __asm__ volatile("" : "+r"(pointer) : : "memory")

static int kernels_main(int argc, char **argv, const struct kernel *kernels, size_t count)
{
    for (size_t i = 0; i < count && argc > 1; i++)
        if (!strcmp(argv[1], kernels[i].name)) {
            unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : kernels[i].rounds;
            printf("%s %016llx\n", argv[1], (unsigned long long)kernels[i].run(rounds));
            return 0;
        }
    for (size_t i = 0; i < count; i++)
        puts(kernels[i].name);
    return argc > 1 ? 2 : 0;
}

#define KERNELS(...)                                                                  \
    int main(int argc, char **argv)                                                   \
    {                                                                                 \
        static const struct kernel kernels[] = {__VA_ARGS__};                         \
        return kernels_main(argc, argv, kernels, sizeof kernels / sizeof kernels[0]); \
    }

#endif
