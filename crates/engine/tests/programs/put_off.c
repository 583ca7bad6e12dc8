/* A loop that multiplies, with a store between products and their additions; it uses so
 * many registers that none is left for the products. At each of the store's faults a handler
 * adds the registers and the flags to a sum, which is printed at the end: the interpreter
 * and the translator must agree. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { PAGE = 4096, PAGES = 64, WORDS = PAGES * PAGE / 8 };

/* put_off(factors, rounds, out, factor, sums) */
__asm__(".text\n"
        ".global put_off, at_store\n"
        "put_off:\n\t"
        "stp x19, x20, [sp, #-64]!\n\t"
        "stp x21, x22, [sp, #16]\n\t"
        "str x28, [sp, #32]\n\t"
        "ldp x6, x7, [x0]\n\t"
        "ldp x8, x9, [x0, #16]\n\t"
        "ldp x19, x20, [x4]\n\t"
        "ldp x21, x22, [x4, #16]\n\t"
        "mov x5, #5\n\t mov x10, #10\n\t mov x11, #11\n\t mov x12, #12\n\t mov x13, #13\n\t"
        "mov x28, x3\n\t mov x14, #14\n\t mov x15, #15\n\t mov x16, #16\n\t mov x17, #17\n"
        "1:\n\t"
        "mul x15, x7, x28\n\t"
        "sub x1, x1, #1\n\t"
        "mul x16, x8, x28\n"
        "at_store:\n\t"
        "str x28, [x2], #8\n\t"
        "mul x17, x9, x28\n\t"
        "cmp x19, #1\n\t"
        "adcs x19, x20, x15\n\t"
        "adcs x20, x21, x16\n\t"
        "adcs x21, x22, x17\n\t"
        "adc x22, xzr, xzr\n\t"
        "umulh x14, x6, x28\n\t"
        "umulh x15, x7, x28\n\t"
        "umulh x16, x8, x28\n\t"
        "umulh x17, x9, x28\n\t"
        "adds x19, x19, x14\n\t"
        "adcs x20, x20, x15\n\t"
        "adcs x21, x21, x16\n\t"
        "adc x22, x22, x17\n\t"
        "add x5, x5, x19\n\t"
        "add x10, x10, x5\n\t"
        "add x11, x11, x10\n\t"
        "add x12, x12, x11\n\t"
        "add x13, x13, x12\n\t"
        "mul x28, x3, x19\n\t"
        "cbnz x1, 1b\n\t"
        "stp x19, x20, [x4]\n\t"
        "stp x21, x22, [x4, #16]\n\t"
        "ldr x28, [sp, #32]\n\t"
        "ldp x21, x22, [sp, #16]\n\t"
        "ldp x19, x20, [sp], #64\n\t"
        "ret\n");
extern char at_store[];
void put_off(const uint64_t *factors, uint64_t rounds, uint64_t *out, uint64_t factor,
             uint64_t *sums);

static uint64_t *out, seen, faults;

static void see(uint64_t value)
{
    seen = (seen ^ value) * 0x9e3779b97f4a7c15;
    seen ^= seen >> 29;
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    const mcontext_t *m = &((ucontext_t *)context)->uc_mcontext;
    (void)signal;
    if (m->pc != (uint64_t)at_store) {
        puts("a fault elsewhere");
        _Exit(1);
    }
    faults++;
    see(m->pstate >> 28);
    see(m->regs[1]);
    see(m->regs[2] - (uint64_t)out);
    see((uint64_t)info->si_addr - (uint64_t)out);
    for (int n = 5; n < 29; n++)
        if (n != 18 && (n < 23 || n > 27))
            see(m->regs[n]);
    void *page = (void *)((uint64_t)info->si_addr & -PAGE);
    mprotect(page, PAGE, PROT_READ | PROT_WRITE);
}

int main(void)
{
    static const uint64_t FACTORS[4] = {~0ull, 0x9e3779b97f4a7c15, 3, 0xfedcba9876543211};
    uint64_t sums[4] = {5, ~0ull, ~0ull, 0x8000000000000000};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    out = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int round = 0; round < 20; round++) {
        if (mprotect(out, PAGES * PAGE, round % 2 ? PROT_NONE : PROT_READ))
            return 1;
        put_off(FACTORS, WORDS - round, out + round, 0x123456789abcdef1 + round, sums);
        mprotect(out, PAGES * PAGE, PROT_READ);
        for (int word = 0; word < WORDS; word++)
            see(out[word]);
    }
    for (int n = 0; n < 4; n++)
        see(sums[n]);
    printf("%llu faults, %llx\n", (unsigned long long)faults, (unsigned long long)seen);
}
