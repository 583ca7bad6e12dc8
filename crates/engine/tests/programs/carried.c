/* Accesses behind an addition that takes a carry, and whose fault alone shows the
 * flags: at each fault a handler compares the program counter, the registers and the
 * flags with what they must be there. Prints the same natively, of what arm64
 * does. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { PAGE = 4096, ROUNDS = 400 };

#ifdef __aarch64__

/* carried(state, page): x0 and x1 are kept, x2 to x7 come from the state and go
 * back there. Each access is behind an ADC or SBC, or a CINC that is one, before flags
 * are set again. */
__asm__(".text\n"
        ".global carried, at_store, at_load, at_second_load, at_second_store, at_last_store\n"
        "carried:\n\t"
        "ldp x2, x3, [x0]\n\t"
        "ldp x4, x5, [x0, #16]\n\t"
        "ldp x6, x7, [x0, #32]\n\t"
        "adds x2, x2, x3\n\t"
        "adc x4, x4, xzr\n"
        "at_store:\n\t"
        "str x2, [x1, #8]\n\t"
        "adds x5, x5, x2\n\t"
        "adc x6, xzr, xzr\n"
        "at_load:\n\t"
        "ldr x7, [x1, #16]\n\t"
        "subs x3, x3, x5\n\t"
        "sbc x2, x2, x4\n"
        "at_second_load:\n\t"
        "ldr x7, [x1, #24]\n"
        "at_second_store:\n\t"
        "str x3, [x1, #4096]\n\t"
        "adds x4, x4, x7\n\t"
        "cinc x5, x5, cs\n"
        "at_last_store:\n\t"
        "str x4, [x1, #32]\n\t"
        "adds x6, x6, x5\n\t"
        "cinc x3, x3, cs\n\t"
        "stp x2, x3, [x0]\n\t"
        "stp x4, x5, [x0, #16]\n\t"
        "stp x6, x7, [x0, #32]\n\t"
        "ret\n");
extern char at_store[], at_load[], at_second_load[], at_second_store[], at_last_store[];
void carried(uint64_t *state, void *page);

struct at {
    char *pc;
    uint64_t x[8];
    unsigned nzcv;
};

static uint64_t state[6], kept[PAGE / 4];
enum { ACCESSES = 5 };
static struct at wanted[ACCESSES];
static unsigned char *pages;
static volatile unsigned faults;

static uint64_t add(uint64_t a, uint64_t b, unsigned *nzcv)
{
    uint64_t sum = a + b;
    *nzcv = (sum >> 63) << 3 | (sum == 0) << 2 | (sum < a) << 1 |
            ((~(a ^ b) & (a ^ sum)) >> 63);
    return sum;
}

static uint64_t subtract(uint64_t a, uint64_t b, unsigned *nzcv)
{
    uint64_t difference = a - b;
    *nzcv = (difference >> 63) << 3 | (difference == 0) << 2 | (a >= b) << 1 |
            (((a ^ b) & (a ^ difference)) >> 63);
    return difference;
}

/* What the function does, and what is to be seen at each of its accesses. */
static void model(void)
{
    uint64_t x[8] = {(uint64_t)state, (uint64_t)pages};
    unsigned nzcv, n = 0;
    for (int i = 0; i < 6; i++)
        x[i + 2] = state[i];
#define AT(label) wanted[n++] = (struct at){label, {x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]}, nzcv}
    x[2] = add(x[2], x[3], &nzcv);
    x[4] += nzcv >> 1 & 1;
    AT(at_store);
    kept[1] = x[2];
    x[5] = add(x[5], x[2], &nzcv);
    x[6] = nzcv >> 1 & 1;
    AT(at_load);
    x[7] = kept[2];
    x[3] = subtract(x[3], x[5], &nzcv);
    x[2] = x[2] - x[4] - !(nzcv >> 1 & 1);
    AT(at_second_load);
    x[7] = kept[3];
    AT(at_second_store);
    kept[PAGE / 8] = x[3];
    x[4] = add(x[4], x[7], &nzcv);
    x[5] += nzcv >> 1 & 1;
    AT(at_last_store);
    kept[4] = x[4];
    x[6] = add(x[6], x[5], &nzcv);
    x[3] += nzcv >> 1 & 1;
    for (int i = 0; i < 6; i++)
        state[i] = x[i + 2];
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    ucontext_t *uc = context;
    struct at *at = wanted;
    while (at->pc != (char *)uc->uc_mcontext.pc)
        if (++at == wanted + ACCESSES) {
            printf("a fault elsewhere: %llx\n", (unsigned long long)uc->uc_mcontext.pc);
            exit(1);
        }
    for (int i = 0; i < 8; i++)
        if (uc->uc_mcontext.regs[i] != at->x[i]) {
            printf("access %d: x%d is %llx, not %llx\n", (int)(at - wanted), i,
                   (unsigned long long)uc->uc_mcontext.regs[i], (unsigned long long)at->x[i]);
            exit(1);
        }
    if (uc->uc_mcontext.pstate >> 28 != at->nzcv) {
        printf("access %d: flags are %llx, not %x\n", (int)(at - wanted),
               (unsigned long long)uc->uc_mcontext.pstate >> 28, at->nzcv);
        exit(1);
    }
    faults++;
    unsigned char *page = pages + ((unsigned char *)info->si_addr - pages) / PAGE * PAGE;
    if (mprotect(page, PAGE, at == wanted + 1 || at == wanted + 2 ? PROT_READ : PROT_READ | PROT_WRITE))
        _exit(3);
}

static uint64_t random_word(void)
{
    static uint64_t x = 88172645463325252;
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    return x % 5 == 0 ? -(x >> 8 & 1) : x % 7 == 0 ? x % 3 : x;
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    static const int ACCESS[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t first[6];
        for (int i = 0; i < 6; i++)
            first[i] = state[i] = random_word();
        uint64_t *words = (uint64_t *)pages;
        mprotect(pages, 2 * PAGE, PROT_READ | PROT_WRITE);
        for (int i = 0; i < 4; i++)
            words[i] = kept[i] = random_word();
        mprotect(pages, PAGE, ACCESS[round % 3]);
        mprotect(pages + PAGE, PAGE, ACCESS[round / 3 % 3]);
        model();
        uint64_t last[6];
        for (int i = 0; i < 6; i++) {
            last[i] = state[i];
            state[i] = first[i];
        }
        carried(state, pages);
        for (int i = 0; i < 6; i++)
            if (state[i] != last[i]) {
                printf("round %u: x%d is wrong\n", round, i + 2);
                return 1;
            }
        if (words[1] != kept[1] || words[4] != kept[4] || words[PAGE / 8] != kept[PAGE / 8]) {
            printf("round %u: memory is wrong\n", round);
            return 1;
        }
    }
    printf("%d rounds, %s\n", ROUNDS, faults > ROUNDS ? "with faults" : "without faults");
}

#else

int main(void)
{
    printf("%d rounds, with faults\n", ROUNDS);
}

#endif
