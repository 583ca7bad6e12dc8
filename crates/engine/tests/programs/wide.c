/* Integers of 128 bits, and quadruple precision (Arm's long double), both of
 * which are functions of the compiler's library. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef __int128 i128;
typedef unsigned __int128 u128;
#ifdef __aarch64__
typedef long double quad;
#else
typedef __float128 quad;
#endif

static void show(const char *name, u128 value)
{
    printf(" %s %016llx%016llx", name, (unsigned long long)(value >> 64), (unsigned long long)value);
}

static u128 quad_bits(quad value)
{
    u128 bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void integers(void)
{
    static const u128 values[] = {
        0, 1, 7, (u128)1 << 63, (u128)1 << 64, ((u128)0x0123456789abcdef << 64) | 0xfedcba9876543210,
        (u128)-1, (u128)1 << 127, 1000000007, ((u128)12345 << 70) + 99,
    };
    unsigned count = sizeof values / sizeof values[0];
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = 0; j < count; j++) {
            volatile u128 va = values[i], vb = values[j];
            u128 a = va, b = vb;
            printf("%u %u", i, j);
            show("+", a + b);
            show("-", a - b);
            show("*", a * b);
            if (b) {
                show("/", a / b);
                show("%", a % b);
                /* The one that overflows is left out. */
                if (!(a == (u128)1 << 127 && b == (u128)-1)) {
                    show("s/", (u128)((i128)a / (i128)b));
                    show("s%", (u128)((i128)a % (i128)b));
                }
            }
            show("<<", a << ((unsigned)b & 127));
            show(">>", a >> ((unsigned)b & 127));
            show("s>>", (u128)((i128)a >> ((unsigned)b & 127)));
            printf(" %d%d%d%d\n", a < b, (i128)a < (i128)b, a == b, (i128)a >= (i128)b);
        }
    for (unsigned i = 0; i < count; i++) {
        volatile u128 v = values[i];
        printf("%u %a %a %a\n", i, (double)v, (double)(i128)v, (double)(float)v);
    }
    u128 factorial = 1;
    for (unsigned i = 2; i <= 34; i++)
        factorial *= i;
    show("34!", factorial);
    char digits[40], *at = digits + sizeof digits - 1;
    for (*at = 0; factorial; factorial /= 10)
        *--at = (char)('0' + (int)(factorial % 10));
    printf(" %s\n", at);
}

static void quads(void)
{
    volatile quad one = 1, three = 3, ten = 10, tiny = 1;
    for (int i = 0; i < 300; i++)
        tiny = tiny / ten;
    const quad values[] = {0, one, -one, three, one / three, ten, tiny, one / tiny, (quad)0.1, one / (one / three)};
    unsigned count = sizeof values / sizeof values[0];
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = 0; j < count; j++) {
            volatile quad a = values[i], b = values[j];
            printf("%u %u", i, j);
            show("+", quad_bits(a + b));
            show("-", quad_bits(a - b));
            show("*", quad_bits(a * b));
            if (b != 0)
                show("/", quad_bits(a / b));
            printf(" %d%d%d%d\n", a < b, a <= b, a == b, a != b);
        }
    for (unsigned i = 0; i < count; i++) {
        volatile quad v = values[i];
        printf("%u %a %a", i, (double)v, (double)(float)v);
        if (v < (quad)1e9)
            printf(" %d %lld %u", (int)v, (long long)v, (unsigned)(v < 0 ? -v : v));
        putchar('\n');
    }
    volatile long long large = INT64_MIN;
    volatile unsigned long long larger = UINT64_MAX;
    show("large", quad_bits(large));
    show("larger", quad_bits(larger));
    show("double", quad_bits(0x1.23456789abcdep-1000));
    quad e = 1, term = 1;
    for (int i = 1; i < 40; i++) {
        term /= i;
        e += term;
    }
    show("e", quad_bits(e));
    putchar('\n');
}

int main(void)
{
    integers();
    quads();
    return 0;
}
