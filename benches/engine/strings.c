/* The string functions of libc, over short, middle and long lengths and
 * changing alignments. Which variant of them runs is libc's choice by what the
 * machine says it has. */
#include "kernels.h"

#define SIZE (64 * 1024)
static char from[SIZE + 256], to[SIZE + 256];

/* Most lengths are short, as they are in programs. */
static const unsigned lengths[] = {0,  1,  3,   5,   8,   13,  16,  24,   32,   40,
                                   48, 64, 100, 160, 256, 500, 900, 2000, 5000, 20000};
#define LENGTHS (sizeof lengths / sizeof lengths[0])

static void fill(void)
{
    for (unsigned i = 0; i < sizeof from; i++)
        from[i] = (char)('a' + random_next() % 25);
}

static uint64_t copy(unsigned rounds)
{
    fill();
    for (unsigned round = 0; round < rounds; round++)
        for (unsigned i = 0; i < LENGTHS; i++) {
            char *target = to + (round * 7 + i) % 64;
            const char *source = from + (round * 11 + i * 3) % 64;
            OPAQUE(target);
            memcpy(target, source, lengths[i]);
        }
    return mix_bytes(0, to, sizeof to);
}

static uint64_t move(unsigned rounds)
{
    fill();
    for (unsigned round = 0; round < rounds; round++)
        for (unsigned i = 0; i < LENGTHS; i++) {
            char *target = from + (round * 7 + i) % 64;
            const char *source = from + (round * 11 + i * 3) % 64;
            OPAQUE(target);
            memmove(target, source, lengths[i]);
        }
    return mix_bytes(0, from, sizeof from);
}

static uint64_t set(unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++)
        for (unsigned i = 0; i < LENGTHS; i++) {
            char *target = to + (round * 7 + i) % 64;
            OPAQUE(target);
            memset(target, (int)(round + i) & 1 ? (int)round : 0, lengths[i]);
        }
    return mix_bytes(0, to, sizeof to);
}

static uint64_t length(unsigned rounds)
{
    fill();
    uint64_t sum = 0;
    for (unsigned round = 0; round < rounds; round++)
        for (unsigned i = 0; i < LENGTHS; i++) {
            char *text = from + (round * 7 + i) % 64;
            char kept = text[lengths[i]];
            text[lengths[i]] = 0;
            OPAQUE(text);
            sum += strlen(text) * (i + 1);
            text[lengths[i]] = kept;
        }
    return mix(0, sum);
}

static uint64_t compare(unsigned rounds)
{
    fill();
    memcpy(to, from, sizeof to);
    uint64_t sum = 0;
    for (unsigned round = 0; round < rounds; round++)
        for (unsigned i = 0; i < LENGTHS; i++) {
            unsigned at = (round * 7 + i) % 64;
            char *other = to + at;
            OPAQUE(other);
            int sign = memcmp(from + at, other, lengths[i] + 1);
            other[lengths[i]] ^= 1;
            int changed = memcmp(from + at, other, lengths[i] + 1);
            other[lengths[i]] ^= 1;
            sum += (uint64_t)((sign != 0) + 2 * (changed > 0) + 4 * (changed < 0)) * (i + 1);
        }
    return mix(0, sum);
}

static uint64_t character(unsigned rounds)
{
    fill();
    from[SIZE + 255] = 0;
    uint64_t sum = 0;
    for (unsigned round = 0; round < rounds; round++)
        for (unsigned i = 0; i < LENGTHS; i++) {
            char *text = from + (round * 7 + i) % 64;
            char kept = text[lengths[i]];
            text[lengths[i]] = 'z';
            OPAQUE(text);
            sum += (uint64_t)(strchr(text, 'z') - text) * (i + 1);
            text[lengths[i]] = kept;
        }
    return mix(0, sum);
}

static uint64_t string_compare(unsigned rounds)
{
    fill();
    memcpy(to, from, sizeof to);
    uint64_t sum = 0;
    for (unsigned round = 0; round < rounds; round++)
        for (unsigned i = 0; i < LENGTHS; i++) {
            unsigned at = (round * 7 + i) % 64;
            char *other = to + at;
            char kept = other[lengths[i]];
            other[lengths[i]] = 0;
            OPAQUE(other);
            sum += (uint64_t)(strcmp(from + at, other) > 0) * (i + 1);
            other[lengths[i]] = kept;
        }
    return mix(0, sum);
}

KERNELS({"memcpy", copy, 100000}, {"memmove", move, 100000}, {"memset", set, 100000},
        {"strlen", length, 100000}, {"memcmp", compare, 50000}, {"strchr", character, 100000},
        {"strcmp", string_compare, 100000})
