/* A row of a table picked by masks, in a loop of plain integer work that has more
 * registers than the engine's convention has for them: across pages that can't be
 * accessed, in each of its loads, and with signals. A handler finds in the registers
 * that the loop does not use what they held. Prints the same natively, of what
 * arm64 does; that of a fault finds the load that had it, what is in front of that done,
 * what is behind it not, and the flags of the last comparison. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

enum { PAGE = 4096, ROWS = 4 * PAGE / 8, SIGNALS = 40 };

#ifdef __aarch64__

/* picked(table, rows, masks, wanted): four columns a page apart. */
__asm__(".text\n"
        ".global picked, picked_loop, picked_end\n"
        "picked:\n\t"
        "stp x29, x30, [sp, #-96]!\n\t"
        "stp x19, x20, [sp, #16]\n\t"
        "stp x21, x22, [sp, #32]\n\t"
        "stp x23, x24, [sp, #48]\n\t"
        "stp x25, x26, [sp, #64]\n\t"
        "stp x27, x28, [sp, #80]\n\t"
        "mov x5, x0\n\t"
        "ldp x20, x21, [x2]\n\t ldp x12, x13, [x2, #16]\n\t"
        "mov x14, #0xc000\n\t mov x15, #0x8000\n\t mov x16, #0x4000\n\t"
        "mov x10, #0\n\t mov w8, #0\n\t"
        "mov x19, #0x1919\n\t mov x23, #0x2323\n\t mov x24, #0x2424\n\t mov x25, #0x2525\n\t"
        "mov x26, #0x2626\n\t mov x27, #0x2727\n\t mov x28, #0x2828\n\t mov x17, #0x1717\n\t"
        "mov x2, #0x0202\n\t mov x0, #0x0101\n"
        "picked_loop:\n\t"
        "ldr x7, [x5]\n\t"
        "eor w22, w3, w8\n\t"
        "ldr x4, [x5, x16]\n\t"
        "eon w6, w3, w8\n\t"
        "ldr x30, [x5, x15]\n\t"
        "sub w22, w22, #1\n\t"
        "ldr x9, [x5, x14]\n\t"
        "and x6, x6, x22\n\t"
        "and x7, x7, x20\n\t"
        "and x4, x4, x21\n\t"
        "and x30, x30, x12\n\t"
        "and x9, x9, x13\n\t"
        "orr x4, x4, x30\n\t"
        "orr x7, x7, x9\n\t"
        "sbfx x6, x6, #31, #1\n\t"
        "orr x4, x4, x7\n\t"
        "and x4, x4, x6\n\t"
        "add w8, w8, #1\n\t"
        "add x5, x5, #8\n\t"
        "eor x10, x10, x4, ror #9\n\t"
        "add x10, x10, x6\n\t"
        "cmp w1, w8\n\t"
        "b.ne picked_loop\n\t"
        "mov x0, x10\n\t"
        "ldp x19, x20, [sp, #16]\n\t"
        "ldp x21, x22, [sp, #32]\n\t"
        "ldp x23, x24, [sp, #48]\n\t"
        "ldp x25, x26, [sp, #64]\n\t"
        "ldp x27, x28, [sp, #80]\n\t"
        "ldp x29, x30, [sp], #96\n"
        "picked_end:\n\t"
        "ret\n");
extern char picked_loop[], picked_end[];
uint64_t picked(const uint64_t *table, uint64_t rows, const uint64_t *masks, uint64_t wanted);

static uint64_t *table;
static volatile int faults, inside, wrong, protecting;
static uint64_t masks[4];

static int check(const ucontext_t *context)
{
    static const struct { int at; uint64_t value; } HELD[] = {
        {19, 0x1919}, {23, 0x2323}, {24, 0x2424}, {25, 0x2525}, {26, 0x2626}, {27, 0x2727},
        {28, 0x2828}, {17, 0x1717}, {2, 0x0202}, {0, 0x0101}, {14, 0xc000}, {15, 0x8000},
        {16, 0x4000}, {1, ROWS},
    };
    const mcontext_t *m = &context->uc_mcontext;
    /* The last instructions behind the loop bring registers back. */
    if (m->pc < (uint64_t)picked_loop || m->pc >= (uint64_t)picked_end - 28)
        return 0;
    for (unsigned i = 0; i < sizeof HELD / sizeof *HELD; i++)
        if (m->regs[HELD[i].at] != HELD[i].value)
            wrong++;
    if (m->regs[20] != masks[0] || m->regs[21] != masks[1] || m->regs[12] != masks[2] ||
        m->regs[13] != masks[3] || m->regs[5] != (uint64_t)(table + (uint32_t)m->regs[8]))
        /* Between its last additions the one is ahead of the other. */
        if (m->regs[5] + 8 != (uint64_t)(table + (uint32_t)m->regs[8]))
            wrong++;
    return 1;
}

/* What lies in front of each load has been done, and nothing behind it. */
static int at_load(const ucontext_t *context, uint64_t address)
{
    __typeof__(&context->uc_mcontext.regs[0]) regs = context->uc_mcontext.regs;
    uint64_t load = (context->uc_mcontext.pc - (uint64_t)picked_loop) / 8;
    uint32_t differs = regs[3] ^ regs[8];
    if (load > 3 || context->uc_mcontext.pc % 8 != (uint64_t)picked_loop % 8)
        return 0;
    if (address != regs[5] + load * 4 * PAGE)
        return 0;
    if ((uint32_t)regs[8] && context->uc_mcontext.pstate >> 28 != 2)
        return 0;
    if (load >= 1 && !protecting && regs[7] != *(uint64_t *)regs[5])
        return 0;
    if (load >= 1 && regs[22] != (load < 3 ? differs : differs - 1))
        return 0;
    return load < 2 || regs[6] == (uint32_t)~differs;
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    if (!check(context) || !at_load(context, (uint64_t)info->si_addr))
        wrong++;
    faults++;
    if (mprotect((void *)((uint64_t)info->si_addr & -(uint64_t)PAGE), PAGE, PROT_READ))
        _exit(3);
}

static void on_alarm(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info;
    inside += check(context);
    if (protecting && mprotect(table, 16 * PAGE, PROT_NONE))
        _exit(3);
}

static uint64_t model(uint32_t wanted)
{
    uint64_t x = 0;
    for (uint32_t row = 0; row < ROWS; row++) {
        uint64_t all = 0;
        for (int i = 0; i < 4; i++)
            all |= table[row + i * ROWS] & masks[i];
        uint64_t mask = row == wanted ? -1 : 0;
        all &= mask;
        x ^= all >> 9 | all << 55;
        x += mask;
    }
    return x;
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    action.sa_sigaction = on_alarm;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    table = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (uint64_t i = 0; i < 16 * PAGE / 8; i++)
        table[i] = (i + 1) * 0x9e3779b97f4a7c15u;
    for (int i = 0; i < 4; i++)
        masks[i] = 0xf0f0f0f0f0f0f0f0u >> i | 1;
    for (uint32_t round = 0; round < 24 || inside < SIGNALS; round++) {
        uint32_t row = round * 167 % ROWS;
        mprotect(table, 16 * PAGE, PROT_READ);
        uint64_t right = model(row);
        if (round % 2 && mprotect(table, 16 * PAGE, PROT_NONE))
            return 3;
        if (round == 24) {
            struct itimerval each = {{0, 100}, {0, 100}};
            setitimer(ITIMER_REAL, &each, NULL);
        }
        protecting = round >= 24 && round % 2;
        uint64_t found = picked(table, ROWS, masks, row);
        protecting = 0;
        if (found != right || wrong) {
            printf("round %u: %d wrong\n", round, wrong);
            return 1;
        }
    }
    printf("picked, %s\n", faults >= 12 * 16 ? "with faults and signals" : "without faults");
}

#else

int main(void)
{
    puts("picked, with faults and signals");
}

#endif
