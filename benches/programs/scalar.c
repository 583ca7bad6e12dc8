/* Scalar floating point, as programs have it: a series, an integral, roots, a random walk. */
#include <math.h>
#include <stdio.h>

static double curve(double x)
{
    return exp(-x * x) * sin(3 * x) + log1p(x * x);
}

static double simpson(double from, double to, int steps)
{
    double step = (to - from) / steps, sum = curve(from) + curve(to);
    for (int i = 1; i < steps; i++)
        sum += curve(from + i * step) * (i % 2 ? 4 : 2);
    return sum * step / 3;
}

static double root(double value)
{
    double x = value > 1 ? value : 1;
    while (fabs(x * x * x - value) > 1e-12 * value)
        x -= (x * x * x - value) / (3 * x * x);
    return x;
}

int main(void)
{
    double sum = simpson(0, 5, 2000000);
    for (int i = 1; i < 300000; i++)
        sum += root(i) / i;
    double x = 0.3, y = 0.1;
    for (int i = 0; i < 20000000; i++) {
        double next = 1 - 1.4 * x * x + y;
        y = 0.3 * x;
        x = next;
    }
    printf("%.6f %.9f %.9f\n", sum, x, y);
    return 0;
}
