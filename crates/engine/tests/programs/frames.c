/* What walks frames and argument lists: setjmp and longjmp across many
 * frames, and variable arguments of all kinds, in registers and on the stack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static jmp_buf outer, inner;
static int unwound;

__attribute__((noinline)) static int deep(int depth, jmp_buf to, int value)
{
    volatile char room[64];
    room[depth % 64] = (char)depth;
    if (depth == 0) {
        if (value)
            longjmp(to, value);
        return 0;
    }
    int result = deep(depth - 1, to, value) + room[depth % 64];
    unwound++;
    return result;
}

/* Values in callee-saved registers, of integers and doubles, have to be those
 * at the setjmp. */
__attribute__((noinline)) static void jumps(void)
{
    volatile int round = 0;
    volatile double sum = 0;
    double a = 1.5, b = 2.5, c = -3.25;
    long x = 11, y = 22, z = 33;
    int value = setjmp(outer);
    printf("outer %d: %d, %g %g %g, %ld %ld %ld\n", round, value, a, b, c, x, y, z);
    sum += a * b + c + (double)(x + y + z);
    if (value == 3) {
        printf("sum %g, unwound %d\n", sum, unwound);
        return;
    }
    switch (setjmp(inner)) {
    case 0:
        deep(100, inner, 7);
        break;
    case 7:
        round++;
        deep(10 * round, outer, round);
        break;
    }
    puts("never here");
}

struct pair {
    double left, right;
};

struct large {
    long items[5];
};

#ifdef __SIZEOF_INT128__
typedef __int128 whole;
#else
typedef long long whole;
#endif
enum { HALF = 4 * sizeof(whole) };

struct bytes {
    char text[3];
};

/* One letter an argument. */
__attribute__((noinline)) static void show(const char *kinds, ...)
{
    va_list arguments, again;
    va_start(arguments, kinds);
    va_copy(again, arguments);
    for (const char *kind = kinds; *kind; kind++)
        switch (*kind) {
        case 'i': printf(" %d", va_arg(arguments, int)); break;
        case 'l': printf(" %ld", va_arg(arguments, long)); break;
        case 'd': printf(" %g", va_arg(arguments, double)); break;
        case 'q': printf(" %Lg", va_arg(arguments, long double)); break;
        case 's': printf(" %s", va_arg(arguments, char *)); break;
        case 'p': {
            struct pair pair = va_arg(arguments, struct pair);
            printf(" (%g %g)", pair.left, pair.right);
            break;
        }
        case 'L': {
            struct large large = va_arg(arguments, struct large);
            printf(" {%ld %ld}", large.items[0], large.items[4]);
            break;
        }
        case 'b': printf(" %.3s", va_arg(arguments, struct bytes).text); break;
        case 'w': {
            whole wide = va_arg(arguments, whole);
            printf(" %lx:%lx", (long)(wide >> HALF), (long)wide);
            break;
        }
        }
    if (kinds[0] == 'i')
        printf(" again %d", va_arg(again, int));
    va_end(again);
    va_end(arguments);
    putchar('\n');
}

/* Passed on. */
__attribute__((noinline, format(printf, 1, 2))) static void pass_on(const char *format, ...)
{
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    puts(text);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(void)
{
    jumps();
    struct pair pair = {1.25, -2.5};
    struct large large = {{1, 2, 3, 4, 5}};
    struct bytes bytes = {"xyz"};
    whole wide = (whole)-5 * ((whole)1 << HALF) + 7;
    show("iiiiiiiiii", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    show("dddddddddd", 1., 2., 3., 4., 5., 6., 7., 8., 9., 10.);
    show("idididididididididid", 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5, 9, 9.5, 10, 10.5);
    show("qiqldq", 1.5L, 2, 3.5L, 4L, 5.5, 6.5L);
    show("pLpbpwpLp", pair, large, pair, bytes, pair, wide, pair, large, pair);
    show("iwiwiw", 1, wide, 2, wide, 3, wide);
    show("ldsldsldsldslds", 1L, .1, "a", 2L, .2, "b", 3L, .3, "c", 4L, .4, "d", 5L, .5, "e");
    pass_on("%d %s %.3f %c %lld %g %x %s %d %d %g", 1, "two", 3.0, '4', 5LL, 6.5, 0x77, "eight", 9, 10, 11.25);
    char *words[] = {"pear", "apple", "fig", "cherry", "banana", "date"};
    qsort(words, 6, sizeof words[0], by_text);
    for (int i = 0; i < 6; i++)
        printf("%s%c", words[i], i < 5 ? ' ' : '\n');
    return 0;
}
