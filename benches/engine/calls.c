/* Calls, returns and indirect branches: two recursions, interpreters of a tiny
 * machine by switch and by function pointers, virtual calls over a tree,
 * libc's qsort with a comparison that is called, and a recursion as a compiler
 * of scripts makes it that keeps a stack pointer of its own. */
#include "kernels.h"

/* Two calls a level, and nothing that a compiler can fold away. */
__attribute__((noinline)) static unsigned fibonacci(unsigned n)
{
    unsigned one = n;
    OPAQUE(one);
    return one < 2 ? one : fibonacci(one - 1) + fibonacci(one - 2);
}

static uint64_t fib(unsigned rounds)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < rounds; i++)
        sum = mix(sum, fibonacci(27));
    return sum;
}

__attribute__((noinline)) static unsigned ackermann(unsigned m, unsigned n)
{
    if (m == 0)
        return n + 1;
    if (n == 0)
        return ackermann(m - 1, 1);
    return ackermann(m - 1, ackermann(m, n - 1));
}

static uint64_t ack(unsigned rounds)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < rounds; i++)
        sum = mix(sum, ackermann(2 + (i & 1), 7));
    return sum;
}

/* The machine: an accumulator, eight registers, and these instructions. */
enum op { LOAD, STORE, ADD, SUB, XOR, SHIFT, CONST, DECREMENT, LOOP, HALT, OPS };

struct code {
    uint8_t op;
    uint8_t reg;
    int16_t imm;
};

/* Collatz-like mixing, `r7` times round. */
static const struct code program[] = {
    {LOAD, 0, 0},  {SHIFT, 0, 3}, {ADD, 1, 0},   {STORE, 0, 0},     {CONST, 0, 1021},
    {XOR, 0, 0},   {STORE, 1, 0}, {LOAD, 2, 0},  {ADD, 0, 0},       {SUB, 3, 0},
    {STORE, 2, 0}, {SHIFT, 0, 7}, {XOR, 1, 0},   {STORE, 3, 0},     {LOAD, 4, 0},
    {ADD, 3, 0},   {XOR, 2, 0},   {STORE, 4, 0}, {DECREMENT, 7, 0}, {LOOP, 7, -19},
    {LOAD, 4, 0},  {HALT, 0, 0},
};

__attribute__((noinline)) static uint64_t by_switch(uint64_t times)
{
    uint64_t r[8] = {1, 2, 3, 4, 5, 6, 7, times}, a = 0;
    for (const struct code *at = program;; at++)
        switch (at->op) {
        case LOAD: a = r[at->reg]; break;
        case STORE: r[at->reg] = a; break;
        case ADD: a += r[at->reg]; break;
        case SUB: a -= r[at->reg]; break;
        case XOR: a ^= r[at->reg]; break;
        case SHIFT: a ^= a << at->imm; break;
        case CONST: a += (uint64_t)at->imm; break;
        case DECREMENT: r[at->reg]--; break;
        case LOOP: if (r[at->reg]) at += at->imm; break;
        case HALT: return a;
        }
}

static uint64_t switched(unsigned rounds)
{
    return mix(0, by_switch(rounds));
}

/* The same with a label a instruction, so that each has a branch of its own. */
__attribute__((noinline)) static uint64_t by_label(uint64_t times)
{
    static const void *const labels[OPS] = {&&load, &&store, &&add,       &&sub,  &&xor,
                                            &&shift, &&konst, &&decrement, &&loop, &&halt};
    uint64_t r[8] = {1, 2, 3, 4, 5, 6, 7, times}, a = 0;
    const struct code *at = program;
#define NEXT goto *labels[(++at)->op]
    goto *labels[at->op];
load: a = r[at->reg]; NEXT;
store: r[at->reg] = a; NEXT;
add: a += r[at->reg]; NEXT;
sub: a -= r[at->reg]; NEXT;
xor: a ^= r[at->reg]; NEXT;
shift: a ^= a << at->imm; NEXT;
konst: a += (uint64_t)at->imm; NEXT;
decrement: r[at->reg]--; NEXT;
loop: if (r[at->reg]) at += at->imm; NEXT;
halt: return a;
#undef NEXT
}

static uint64_t threaded(unsigned rounds)
{
    return mix(0, by_label(rounds));
}

/* The same by a table of functions. */
struct machine {
    uint64_t r[8], a;
    const struct code *at;
    int halted;
};

static void do_load(struct machine *m) { m->a = m->r[m->at->reg]; }
static void do_store(struct machine *m) { m->r[m->at->reg] = m->a; }
static void do_add(struct machine *m) { m->a += m->r[m->at->reg]; }
static void do_sub(struct machine *m) { m->a -= m->r[m->at->reg]; }
static void do_xor(struct machine *m) { m->a ^= m->r[m->at->reg]; }
static void do_shift(struct machine *m) { m->a ^= m->a << m->at->imm; }
static void do_const(struct machine *m) { m->a += (uint64_t)m->at->imm; }
static void do_decrement(struct machine *m) { m->r[m->at->reg]--; }
static void do_loop(struct machine *m) { if (m->r[m->at->reg]) m->at += m->at->imm; }
static void do_halt(struct machine *m) { m->halted = 1; }

static uint64_t pointers(unsigned rounds)
{
    static void (*const functions[OPS])(struct machine *) = {
        do_load,  do_store, do_add,       do_sub,  do_xor,
        do_shift, do_const, do_decrement, do_loop, do_halt,
    };
    struct machine m = {{1, 2, 3, 4, 5, 6, 7, rounds}, 0, program, 0};
    for (; !m.halted; m.at++)
        functions[m.at->op](&m);
    return mix(0, m.a);
}

#define NUMBERS 4096
static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint64_t sorted(unsigned rounds)
{
    static uint32_t numbers[NUMBERS];
    uint64_t sum = 0;
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < NUMBERS; i++)
            numbers[i] = (uint32_t)random_next();
        qsort(numbers, NUMBERS, sizeof numbers[0], by_number);
        for (unsigned i = 0; i < NUMBERS; i += 97)
            sum = mix(sum, numbers[i]);
    }
    return sum;
}

#ifdef __aarch64__
/* SpiderMonkey's way: values are pushed by x28, 8 bytes each, and SP is moved
 * before it, so that it is no multiple of 16 half of the time. It is never used. */
__asm__(".text\n"
        "scripted_fib:\n"
        " sub sp, x28, #8\n str x30, [x28, #-8]!\n"
        " sub sp, x28, #8\n str x0, [x28, #-8]!\n"
        " cmp x0, #2\n b.lo 1f\n"
        " sub x0, x0, #1\n adr x9, scripted_fib\n blr x9\n"
        " sub sp, x28, #8\n str x0, [x28, #-8]!\n"
        " ldr x0, [x28, #8]\n sub x0, x0, #2\n bl scripted_fib\n"
        " ldr x9, [x28], #8\n mov sp, x28\n add x0, x0, x9\n"
        "1: ldr x9, [x28], #8\n ldr x30, [x28], #8\n mov sp, x28\n ret\n"
        "enter_script:\n"
        " stp x29, x30, [sp, #-32]!\n str x28, [sp, #16]\n mov x29, sp\n"
        " mov x28, sp\n bl scripted_fib\n"
        " mov sp, x29\n ldr x28, [sp, #16]\n ldp x29, x30, [sp], #32\n ret\n");
uint64_t enter_script(uint64_t n);
#else
__attribute__((noinline)) static uint64_t enter_script(uint64_t n)
{
    OPAQUE(n);
    return n < 2 ? n : enter_script(n - 1) + enter_script(n - 2);
}
#endif

static uint64_t scripted(unsigned rounds)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < rounds; i++)
        sum = mix(sum, enter_script(27));
    return sum;
}

KERNELS({"fib", fib, 120}, {"ackermann", ack, 200}, {"switch", switched, 3000000},
        {"threaded", threaded, 3000000}, {"pointers", pointers, 3000000}, {"qsort", sorted, 300},
        {"scripted", scripted, 120})
