/* printf and scanf of numbers, in all formats; Arm's long double is the last
 * part, and its own. */
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double values[] = {
    0.0,     -0.0,    1.0,     -1.5,     0.1,        1.0 / 3,     2.5,     1e21,    123456.789, 9.999999e9,
    1e-5,    1e-4,    0.00012, 5e-324,   DBL_MAX,    DBL_MIN,     1e100,   1e15,    99999.95,   0x1p53,
    INFINITY, -INFINITY,
};

int main(void)
{
    static const char *const formats[] = {
        "%f",   "%e",  "%g",  "%a",   "%F",    "%E",    "%G",     "%A",    "%.0f",  "%.1f",  "%.2f", "%.10f", "%.17g",
        "%.0e", "%#g", "%+f", "% e",  "%20.3f", "%-20.3e", "%020g", "%.40f", "%.0a", "%.3a", "%#.0f", "%'f",
    };
    char text[1000];
    for (unsigned f = 0; f < sizeof formats / sizeof formats[0]; f++)
        for (unsigned v = 0; v < sizeof values / sizeof values[0]; v++) {
            snprintf(text, sizeof text, formats[f], values[v]);
            printf("%s|%s|\n", formats[f], text);
        }
    for (unsigned v = 0; v < sizeof values / sizeof values[0]; v++) {
        snprintf(text, sizeof text, "%.17g", values[v]);
        double back = strtod(text, NULL);
        if (memcmp(&back, &values[v], sizeof back))
            printf("%s read back: %a\n", text, back);
    }
    printf("%d %5d|%-5d|%05d %+d %u %x %X %#x %o %#o\n", -1, 42, 42, 42, 42, -1u, 255, 255, 255, 8, 8);
    printf("%hhd %hd %ld %lld %zu %jd %td\n", (char)200, (short)40000, -1L, 1LL << 62, (size_t)-1, (intmax_t)-5, (ptrdiff_t)7);
    printf("%c %s %.3s %10s|%-10s| %% %5.2s|\n", 'x', "text", "text", "text", "text", "text");
    printf("%*d %-*d| %.*f\n", 6, 1, 6, 2, 3, 3.14159);
    printf("%2$s %1$s\n", "first", "second");
    int integer = 0, count = 0;
    double real = 0;
    char word[20];
    int read = sscanf("12 3.5e2 word rest", "%d %lf %19s%n", &integer, &real, word, &count);
    printf("%d: %d %g %s %d\n", read, integer, real, word, count);
    printf("%.17g %.17g %a %a\n", strtod("1e23", NULL), strtod("0.1e-400", NULL), strtod("0x1.8p3", NULL),
           strtod("179769313486231580793e289", NULL));
#ifdef __aarch64__
    volatile long double one = 1, three = 3;
    printf("%.34Lf\n%.33Le\n%Lg\n%La\n", one / three, 4 * atanl(1), one / three, one / three);
    printf("%.3Lf %Lf\n", 1e30L + 0.5L, strtold("0.1", NULL) * 10 - 1);
#endif
    return 0;
}
