/* Floating point: scalar double (planets, Mandelbrot), matrices (plain and
 * fused), a Fourier transform, single precision vectors. Compiled without
 * contraction, so that the bits are the same on every machine; the fused
 * product says fma itself. */
#include "kernels.h"
#include <math.h>

/* Natively the fused product is an instruction too. */
#ifdef __x86_64__
#define FUSED __attribute__((target("fma")))
#else
#define FUSED
#endif

#define BODIES 5
struct body {
    double x, y, z, vx, vy, vz, mass;
};

static void advance(struct body *bodies, double dt)
{
    for (int i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];
        for (int j = i + 1; j < BODIES; j++) {
            struct body *b = &bodies[j];
            double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            double square = dx * dx + dy * dy + dz * dz;
            double by = dt / (square * sqrt(square));
            a->vx -= dx * b->mass * by;
            a->vy -= dy * b->mass * by;
            a->vz -= dz * b->mass * by;
            b->vx += dx * a->mass * by;
            b->vy += dy * a->mass * by;
            b->vz += dz * a->mass * by;
        }
    }
    for (int i = 0; i < BODIES; i++) {
        bodies[i].x += dt * bodies[i].vx;
        bodies[i].y += dt * bodies[i].vy;
        bodies[i].z += dt * bodies[i].vz;
    }
}

static uint64_t nbody(unsigned rounds)
{
    struct body bodies[BODIES];
    for (int i = 0; i < BODIES; i++) {
        double at = i + 1;
        bodies[i] = (struct body){at * 3, 1 / at, at * at / 8, 0.01 * at, -0.3 / at, 0.02, 1 / (at * at)};
    }
    for (unsigned i = 0; i < rounds; i++)
        advance(bodies, 0.001);
    uint64_t sum = 0;
    for (int i = 0; i < BODIES; i++)
        sum = mix_double(mix_double(mix_double(sum, bodies[i].x), bodies[i].y), bodies[i].z);
    return sum;
}

static uint64_t mandelbrot(unsigned rounds)
{
    uint64_t sum = 0;
    for (unsigned row = 0; row < rounds; row++)
        for (unsigned column = 0; column < rounds; column++) {
            double a = 3.0 * column / rounds - 2, b = 2.0 * row / rounds - 1, x = 0, y = 0;
            unsigned steps = 0;
            for (; steps < 100 && x * x + y * y < 4; steps++) {
                double next = x * x - y * y + a;
                y = 2 * x * y + b;
                x = next;
            }
            sum += steps * (column + 1);
        }
    return sum;
}

#define N 64
static double a[N][N], b[N][N], c[N][N];

static void matrix_fill(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = 1.0 / (i + j + 1);
            b[i][j] = (i * 7 + j * 3) % 11 - 5;
            c[i][j] = 0;
        }
}

static uint64_t matrix_sum(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            sum = mix_double(sum, c[i][j]);
    return sum;
}

static uint64_t matrix(unsigned rounds)
{
    matrix_fill();
    for (unsigned round = 0; round < rounds; round++) {
        for (int i = 0; i < N; i++)
            for (int k = 0; k < N; k++) {
                double by = a[i][k];
                for (int j = 0; j < N; j++)
                    c[i][j] += by * b[k][j];
            }
        a[round % N][round / N % N] += 0.125;
    }
    return matrix_sum();
}

FUSED static uint64_t fused(unsigned rounds)
{
    matrix_fill();
    for (unsigned round = 0; round < rounds; round++) {
        for (int i = 0; i < N; i++)
            for (int k = 0; k < N; k++) {
                double by = a[i][k];
                for (int j = 0; j < N; j++)
                    c[i][j] = __builtin_fma(by, b[k][j], c[i][j]);
            }
        a[round % N][round / N % N] += 0.125;
    }
    return matrix_sum();
}

/* In place, of POINTS complex numbers: decimation in time by twos. */
#define BITS 10
#define POINTS (1 << BITS)
static double re[POINTS], im[POINTS], turn_re[POINTS / 2], turn_im[POINTS / 2];

static void transform(void)
{
    for (unsigned i = 0, j = 0; i < POINTS; i++) {
        if (i < j) {
            double t = re[i];
            re[i] = re[j];
            re[j] = t;
            t = im[i];
            im[i] = im[j];
            im[j] = t;
        }
        unsigned bit = POINTS >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
    }
    for (unsigned half = 1; half < POINTS; half *= 2)
        for (unsigned at = 0; at < POINTS; at += 2 * half)
            for (unsigned k = 0; k < half; k++) {
                unsigned turn = k * (POINTS / 2 / half);
                double *r0 = &re[at + k], *i0 = &im[at + k], *r1 = r0 + half, *i1 = i0 + half;
                double x = *r1 * turn_re[turn] - *i1 * turn_im[turn];
                double y = *r1 * turn_im[turn] + *i1 * turn_re[turn];
                *r1 = *r0 - x;
                *i1 = *i0 - y;
                *r0 += x;
                *i0 += y;
            }
}

static uint64_t fourier(unsigned rounds)
{
    /* The turns by repeated halving and addition of angles: libm's sine need
     * not be the same on both machines. */
    double step_re[BITS], step_im[BITS];
    double cosine = -1;
    step_re[0] = -1;
    step_im[0] = 0;
    for (int i = 1; i < BITS; i++) {
        double half_cosine = sqrt((1 + cosine) / 2), half_sine = sqrt((1 - cosine) / 2);
        step_re[i] = half_cosine;
        step_im[i] = -half_sine;
        cosine = half_cosine;
    }
    for (unsigned k = 0; k < POINTS / 2; k++) {
        double x = 1, y = 0;
        for (int bit = 0; bit < BITS - 1; bit++)
            if (k >> bit & 1) {
                double r = step_re[BITS - 1 - bit], s = step_im[BITS - 1 - bit];
                double next = x * r - y * s;
                y = x * s + y * r;
                x = next;
            }
        turn_re[k] = x;
        turn_im[k] = y;
    }
    for (unsigned i = 0; i < POINTS; i++) {
        re[i] = (double)(i * 37 % 101) / 101;
        im[i] = 0;
    }
    for (unsigned round = 0; round < rounds; round++) {
        transform();
        for (unsigned i = 0; i < POINTS; i++) {
            re[i] *= 1.0 / 32;
            im[i] *= 1.0 / 32;
        }
    }
    uint64_t sum = 0;
    for (unsigned i = 0; i < POINTS; i++)
        sum = mix_double(mix_double(sum, re[i]), im[i]);
    return sum;
}

#define LENGTH 2048
static float u[LENGTH], v[LENGTH];

static void vectors_fill(void)
{
    for (int i = 0; i < LENGTH; i++) {
        u[i] = (float)(i * 31 % 257) / 257;
        v[i] = (float)(i * 17 % 127) / 127 - 0.5f;
    }
}

static uint64_t saxpy(unsigned rounds)
{
    vectors_fill();
    for (unsigned round = 0; round < rounds; round++) {
        float by = (float)(round % 7) * 0.25f - 0.75f;
        float *to = v;
        OPAQUE(to);
        for (int i = 0; i < LENGTH; i++)
            to[i] += by * u[i];
    }
    uint64_t sum = 0;
    for (int i = 0; i < LENGTH; i++)
        sum = mix_double(sum, v[i]);
    return sum;
}

static uint64_t dot(unsigned rounds)
{
    vectors_fill();
    uint64_t sum = 0;
    for (unsigned round = 0; round < rounds; round++) {
        /* Eight sums: the order is the same however wide the machine is. */
        float sums[8] = {0};
        for (int i = 0; i < LENGTH; i += 8)
            for (int j = 0; j < 8; j++)
                sums[j] += u[i + j] * v[i + j];
        float all = 0;
        for (int j = 0; j < 8; j++)
            all += sums[j];
        sum = mix_double(sum, all);
        v[round % LENGTH] += 0.125f;
    }
    return sum;
}

KERNELS({"nbody", nbody, 1000000}, {"mandelbrot", mandelbrot, 700}, {"matrix", matrix, 1500},
        {"fused", fused, 1500}, {"fourier", fourier, 12000}, {"saxpy", saxpy, 300000},
        {"dot", dot, 300000})
