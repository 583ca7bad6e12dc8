/* Floating point, bit by bit: what is printed is the same on every machine
 * with IEEE arithmetic. Operands are volatile, so that the machine computes
 * and not the compiler. NaNs are printed as such: which one results is the
 * machine's own, and checked here for Arm's. */
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const uint64_t bits64[] = {
    0x0000000000000000, 0x8000000000000000, 0x0000000000000001, 0x800fffffffffffff, 0x0010000000000000,
    0x3ff0000000000000, 0xbff8000000000000, 0x3fd5555555555555, 0x400921fb54442d18, 0x4340000000000001,
    0x43e0000000000000, 0x7fefffffffffffff, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000,
    0xc08f400000000000, 0x3e7ad7f29abcaf48, 0x380fffffe0000000,
};
#define COUNT (sizeof bits64 / sizeof bits64[0])

static double from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t to_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void show(const char *name, double value)
{
    if (isnan(value))
        printf(" %s nan", name);
    else
        printf(" %s %016llx", name, (unsigned long long)to_bits(value));
}

static void show_single(const char *name, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (isnan(value))
        printf(" %s nan", name);
    else
        printf(" %s %08x", name, bits);
}

static void pairs(void)
{
    for (unsigned i = 0; i < COUNT; i++)
        for (unsigned j = 0; j < COUNT; j++) {
            volatile double a = from_bits(bits64[i]), b = from_bits(bits64[j]);
            volatile float s = (float)a, t = (float)b;
            printf("%u %u", i, j);
            feclearexcept(FE_ALL_EXCEPT);
            show("+", a + b);
            show("-", a - b);
            show("*", a * b);
            show("/", a / b);
            show("fma", fma(a, b, -a));
            show("mod", fmod(a, b));
            show("rem", remainder(a, b));
            show_single("+", s + t);
            show_single("*", s * t);
            show_single("/", s / t);
            printf(" %d%d%d%d%d%d\n", a < b, a <= b, a == b, a > b, a != b, isunordered(a, b));
        }
}

static void ones(void)
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    for (unsigned mode = 0; mode < 4; mode++) {
        fesetround(modes[mode]);
        for (unsigned i = 0; i < COUNT; i++) {
            volatile double a = from_bits(bits64[i]);
            volatile float s = (float)a;
            printf("%u %u", mode, i);
            show_single("single", s);
            show("sqrt", sqrt(a));
            show_single("sqrt", sqrtf(s));
            show("floor", floor(a));
            show("ceil", ceil(a));
            show("trunc", trunc(a));
            show("rint", rint(a));
            show("round", round(a));
            show("near", nearbyint(a));
            show("third", a / 3);
            show("neg", -a);
            show("abs", fabs(a));
            show("scalb", scalbn(a, -30));
            show("next", nextafter(a, 0));
            if (fabs(a) < 1e9)
                printf(" int %d %lld %u %lld", (int)a, (long long)a, (unsigned)fabs(a), (long long)lrint(a));
            int exponent = 0;
            show("frexp", frexp(a, &exponent));
            if (isfinite(a))
                printf(" %d", exponent);
            _Float16 half = (_Float16)a;
            show("half", (double)half);
            putchar('\n');
        }
    }
    fesetround(FE_TONEAREST);
}

static void integers(void)
{
    static const int64_t values[] = {0, 1, -1, 123456789, INT32_MIN, INT64_MAX, INT64_MIN, 0x20000000000001};
    for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++) {
        volatile int64_t v = values[i];
        show("s64", (double)v);
        show("u64", (double)(uint64_t)v);
        show("s32", (double)(int32_t)v);
        show("u32", (double)(uint32_t)v);
        show_single("s64", (float)v);
        show_single("u64", (float)(uint64_t)v);
        show_single("u32", (float)(uint32_t)v);
        putchar('\n');
    }
}

/* Which exceptions each of these raises. */
static void exceptions(void)
{
    volatile double one = 1, zero = 0, three = 3, huge = 0x1p1023, tiny = 0x1p-1022, minus = -1, result;
#define RAISES(expression)                                                                    \
    do {                                                                                      \
        feclearexcept(FE_ALL_EXCEPT);                                                         \
        result = expression;                                                                  \
        (void)result;                                                                         \
        printf("%s:%s%s%s%s%s\n", #expression, fetestexcept(FE_INVALID) ? " invalid" : "",    \
               fetestexcept(FE_DIVBYZERO) ? " zero" : "", fetestexcept(FE_OVERFLOW) ? " over" : "", \
               fetestexcept(FE_UNDERFLOW) ? " under" : "", fetestexcept(FE_INEXACT) ? " inexact" : ""); \
    } while (0)
    RAISES(one + one);
    RAISES(one / three);
    RAISES(one / zero);
    RAISES(zero / zero);
    RAISES(huge * huge);
    RAISES(tiny * tiny);
    RAISES(tiny / three);
    RAISES(sqrt(minus));
    RAISES(rint(one / three));
    RAISES((double)(float)huge);
}

/* The sums of series, whose every bit depends on the order of all steps. */
static void series(void)
{
    double e = 1, term = 1, pi = 0, log2 = 0;
    float harmonic = 0;
    for (int i = 1; i < 40; i++) {
        term /= i;
        e += term;
    }
    for (int i = 0; i < 100000; i++)
        pi += (i & 1 ? -4.0 : 4.0) / (2 * i + 1);
    for (int i = 1; i < 100000; i++)
        log2 += (i & 1 ? 1.0 : -1.0) / i;
    for (int i = 1; i < 100000; i++)
        harmonic += 1.0f / (float)i;
    show("e", e);
    show("pi", pi);
    show("log2", log2);
    show_single("harmonic", harmonic);
    putchar('\n');
}

#ifdef __aarch64__
/* What the machine itself makes: the default NaN, a NaN that goes through, and
 * saturated conversions. */
static int arms_own(void)
{
    volatile double zero = 0, nan = from_bits(0xfff4000000000123), huge = 1e300;
    long long from_huge, from_nan;
    unsigned from_minus;
    __asm__("fcvtzs %0, %d1" : "=r"(from_huge) : "w"(huge));
    __asm__("fcvtzs %0, %d1" : "=r"(from_nan) : "w"(nan));
    __asm__("fcvtzu %w0, %d1" : "=r"(from_minus) : "w"(-huge));
    return to_bits(zero / zero) == 0x7ff8000000000000 && to_bits(nan + zero) == 0xfffc000000000123 &&
           to_bits(zero * -nan) == 0x7ffc000000000123 && from_huge == INT64_MAX && from_nan == 0 && from_minus == 0;
}
#else
static int arms_own(void)
{
    return 1;
}
#endif

int main(void)
{
    pairs();
    ones();
    integers();
    exceptions();
    series();
    puts(arms_own() ? "own" : "own: WRONG");
    return 0;
}
