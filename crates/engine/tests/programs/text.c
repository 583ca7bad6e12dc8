/* libc's string functions against byte loops: all alignments 0 to 63, lengths
 * 0 to 130, with guard bytes around, so that nothing is written beside. An
 * argument makes it take every Nth alignment only. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENTS 64
#define LENGTHS 131
#define SIZE 512
#define MIDDLE 128

static unsigned char one[SIZE] __attribute__((aligned(64)));
static unsigned char two[SIZE] __attribute__((aligned(64)));
static unsigned char expected[SIZE];
static unsigned seed = 1;
static unsigned long checks;

static unsigned char next_byte(void)
{
    seed = seed * 1103515245 + 12345;
    return (unsigned char)(seed >> 16);
}

static void fail(const char *what, unsigned a, unsigned b, unsigned length)
{
    printf("%s: alignments %u and %u, length %u\n", what, a, b, length);
    exit(1);
}

#define CHECK(what, condition)           \
    do {                                 \
        checks++;                        \
        if (!(condition))                \
            fail(what, a, b, length);    \
    } while (0)

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

/* The compiler must not know these, nor replace the loops by calls. */
static void *(*volatile copy)(void *, const void *, size_t) = memcpy;
static void *(*volatile move)(void *, const void *, size_t) = memmove;
static void *(*volatile set)(void *, int, size_t) = memset;
static int (*volatile compare)(const void *, const void *, size_t) = memcmp;
static void *(*volatile find)(const void *, int, size_t) = memchr;
static size_t (*volatile length_of)(const char *) = strlen;
static size_t (*volatile length_to)(const char *, size_t) = strnlen;
static int (*volatile compare_text)(const char *, const char *) = strcmp;
static int (*volatile compare_part)(const char *, const char *, size_t) = strncmp;
static char *(*volatile first)(const char *, int) = strchr;
static char *(*volatile last)(const char *, int) = strrchr;
static char *(*volatile copy_text)(char *, const char *) = strcpy;
static char *(*volatile copy_part)(char *, const char *, size_t) = strncpy;
static char *(*volatile append)(char *, const char *) = strcat;
static char *(*volatile within)(const char *, const char *) = strstr;
static size_t (*volatile span)(const char *, const char *) = strspn;
static size_t (*volatile other_span)(const char *, const char *) = strcspn;

#define LOOP(count)                                                                    \
    for (volatile unsigned end_ = (count), once_ = 1; once_; once_ = 0)                \
        for (unsigned i = 0; i < end_; i++)

static void fill(void)
{
    LOOP(SIZE) {
        one[i] = next_byte();
        two[i] = expected[i] = next_byte();
    }
}

static int as_expected(void)
{
    LOOP(SIZE)
        if (two[i] != expected[i])
            return 0;
    return 1;
}

static void memory(unsigned a, unsigned b, unsigned length)
{
    unsigned char *from = one + MIDDLE + a, *to = two + MIDDLE + b, *goal = expected + MIDDLE + b;
    fill();
    LOOP(length) goal[i] = from[i];
    CHECK("memcpy", copy(to, from, length) == to && as_expected());
    LOOP(length) goal[i] = 0xa5;
    CHECK("memset", set(to, 0x1a5, length) == to && as_expected());
    LOOP(length) goal[i] = 0;
    CHECK("memset to 0", set(to, 0, length) == to && as_expected());
    /* Overlapping, both ways. */
    fill();
    unsigned char *source = two + MIDDLE + a, kept[LENGTHS];
    LOOP(length) kept[i] = source[i];
    LOOP(length) goal[i] = kept[i];
    CHECK("memmove", move(to, source, length) == to && as_expected());
    /* Equal up to each of a few places. */
    fill();
    LOOP(length) to[i] = from[i];
    CHECK("memcmp of equals", compare(to, from, length) == 0);
    for (unsigned at = 0; at < length; at += 1 + length / 5) {
        unsigned char was = to[at];
        to[at] ^= 0x81;
        CHECK("memcmp", sign(compare(to, from, length)) == (to[at] > from[at] ? 1 : -1));
        to[at] = was;
    }
    LOOP(SIZE) two[i] |= 1;
    to[length] = 0x40;
    CHECK("memchr of none", find(to, 0x40, length) == NULL);
    for (unsigned at = 0; at < length; at += 1 + length / 5) {
        to[at] = 0x40;
        CHECK("memchr", find(to, 0x140, length) == to + at);
        to[at] = 0x41;
    }
}

static void text(unsigned a, unsigned b, unsigned length)
{
    char *from = (char *)one + MIDDLE + a, *to = (char *)two + MIDDLE + b;
    char *goal = (char *)expected + MIDDLE + b;
    fill();
    LOOP(SIZE) one[i] = one[i] == 0 || one[i] == 0x40 ? 0x80 : one[i];
    from[length] = 0;
    CHECK("strlen", length_of(from) == length);
    CHECK("strnlen", length_to(from, length) == length && length_to(from, length / 2) == length / 2);
    LOOP(length + 1) goal[i] = from[i];
    CHECK("strcpy", copy_text(to, from) == to && as_expected());
    CHECK("strcmp of equals", compare_text(to, from) == 0);
    CHECK("strncmp of equals", compare_part(to, from, length + 5) == 0);
    for (unsigned at = 0; at < length; at += 1 + length / 5) {
        char was = to[at];
        to[at] = (char)(was ^ 0x81 ? was ^ 0x81 : 1);
        int wanted = (unsigned char)to[at] > (unsigned char)from[at] ? 1 : -1;
        CHECK("strcmp", sign(compare_text(to, from)) == wanted);
        CHECK("strncmp", sign(compare_part(to, from, at + 1)) == wanted && compare_part(to, from, at) == 0);
        to[at] = 0;
        CHECK("strcmp of a start", sign(compare_text(to, from)) == -1 && sign(compare_text(from, to)) == 1);
        to[at] = was;
    }
    CHECK("strchr of none", first(from, 0x40) == NULL && last(from, 0x40) == NULL);
    CHECK("strchr of the end", first(from, 0) == from + length && last(from, 0) == from + length);
    /* Behind the end it does not count. */
    from[length + 1] = 0x40;
    CHECK("strchr behind the end", first(from, 0x40) == NULL && last(from, 0x40) == NULL);
    for (unsigned at = 0; at < length; at += 1 + length / 5) {
        char was = from[at], other = from[length - 1];
        from[at] = from[length - 1] = 0x40;
        CHECK("strchr", first(from, 0x40) == from + at);
        CHECK("strrchr", last(from, 0x40) == from + length - 1);
        from[length - 1] = other;
        if (at < length - 1)
            CHECK("strrchr", last(from, 0x40) == from + at);
        from[at] = was;
    }
    /* Cut short, and padded with zeros. */
    fill();
    LOOP(SIZE) one[i] |= 1;
    from[length] = 0;
    for (unsigned part = 0; part <= length + 20; part += 1 + length / 3) {
        LOOP(part) goal[i] = i < length ? from[i] : 0;
        CHECK("strncpy", copy_part(to, from, part) == to && as_expected());
    }
    /* Appended to three bytes. */
    LOOP(SIZE) expected[i] = two[i];
    LOOP(4) to[i] = goal[i] = (char)(i < 3);
    LOOP(length + 1) goal[3 + i] = from[i];
    CHECK("strcat", append(to, from) == to && as_expected());
    /* A word near the end, and spans. */
    LOOP(length) from[i] = 'a' + (char)(i % 3);
    CHECK("strspn", span(from, "cba") == length && other_span(from, "xyz") == length);
    if (length >= 4) {
        memcpy(from + length - 4, "abaa", 4);
        char *found = from;
        while (memcmp(found, "abaa", 4))
            found++;
        CHECK("strstr", within(from, "abaa") == found && within(from, "abad") == NULL);
    }
}

int main(int argc, char **argv)
{
    unsigned step = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
    for (unsigned a = 0; a < ALIGNMENTS; a += step)
        for (unsigned length = 0; length < LENGTHS; length += step) {
            /* The other alignment goes through all of them as well. */
            unsigned b = (a * 5 + length * 7) % ALIGNMENTS;
            memory(a, b, length);
            text(a, b, length);
        }
    printf("%lu checks\n", checks);
    return 0;
}
