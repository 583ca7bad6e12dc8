/* A loop that multiplies, whose slots are in other registers than elsewhere,
 * left and entered in every way: by SP that is no multiple of 16, accesses through
 * it, signals, faults at each access, fork in a handler, changes of code in its
 * page, and a debugger. The loop's results are those of the same in C, and a
 * handler finds what the registers hold that the loop does not use. Prints the
 * same natively, of what arm64 does. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum { ROUNDS = 3000, SIGNALS = 300, CHANGES = 400, PAGE = 4096 };

#ifdef __aarch64__

/* multiply(a, rounds, out, result, factor, every): `result` gets five words.
 * Every so often, SP is moved, and moved back: used in between if x5 says. */
__asm__(".text\n"
        ".global multiply, multiply_loop, multiply_end, multiply_over\n"
        ".balign 16\n"
        "multiply:\n\t"
        "stp x29, x30, [sp, #-112]!\n\t"
        "stp x19, x20, [sp, #16]\n\t"
        "stp x21, x22, [sp, #32]\n\t"
        "stp x23, x24, [sp, #48]\n\t"
        "stp x25, x26, [sp, #64]\n\t"
        "stp x27, x28, [sp, #80]\n\t"
        "str x3, [sp, #96]\n\t"
        "mov x19, #1\n\t mov x20, #2\n\t mov x21, #3\n\t mov x22, #4\n\t mov x24, #5\n\t"
        "mov x3, #0x3333\n\t mov x10, #0x1010\n\t mov x11, #0x1111\n\t"
        "mov x12, #0x1212\n\t mov x13, #0x1313\n\t mov x25, #0x2525\n\t mov x26, #0x2626\n\t"
        "mov x27, #0x2727\n\t mov x28, #0x2828\n\t mov x29, #0x2929\n\t mov x30, #0x3030\n"
        "multiply_loop:\n\t"
        "ldp x6, x7, [x0]\n\t"
        "ldp x8, x9, [x0, #16]\n\t"
        "mul x14, x6, x4\n\t"
        "mul x15, x7, x4\n\t"
        "mul x16, x8, x4\n\t"
        "mul x17, x9, x4\n\t"
        "adds x19, x19, x14\n\t"
        "umulh x14, x6, x4\n\t"
        "adcs x20, x20, x15\n\t"
        "umulh x15, x7, x4\n\t"
        "adcs x21, x21, x16\n\t"
        "umulh x16, x8, x4\n\t"
        "adcs x22, x22, x17\n\t"
        "umulh x17, x9, x4\n\t"
        "adc x23, xzr, xzr\n\t"
        "str x19, [x2]\n\t"
        "adds x19, x20, x14\n\t"
        "extr x24, x24, x6, #17\n\t"
        "adcs x20, x21, x15\n\t"
        "extr x24, x24, x7, #63\n\t"
        "adcs x21, x22, x16\n\t"
        "adc x22, x23, x17\n\t"
        "ldr x4, [x2]\n\t"
        "stp x20, x21, [x0, #8]\n\t"
        "add x22, x22, x24\n\t"
        "and x14, x1, x5\n\t"
        "cbz x14, 2f\n"
        "1:\n\t"
        "sub x1, x1, #1\n\t"
        "cbnz x1, multiply_loop\n\t"
        "ldr x3, [sp, #96]\n\t"
        "stp x19, x20, [x3]\n\t"
        "stp x21, x22, [x3, #16]\n\t"
        "str x24, [x3, #32]\n\t"
        "ldp x19, x20, [sp, #16]\n\t"
        "ldp x21, x22, [sp, #32]\n\t"
        "ldp x23, x24, [sp, #48]\n\t"
        "ldp x25, x26, [sp, #64]\n\t"
        "ldp x27, x28, [sp, #80]\n\t"
        "ldp x29, x30, [sp], #112\n\t"
        "ret\n"
        "2:\n\t"
        "sub sp, sp, #8\n\t"
        "tbz x5, #62, 3f\n\t"
        "ldr x14, [sp]\n"
        "3:\n\t"
        "add sp, sp, #8\n\t"
        "b 1b\n"
        "multiply_over:\n\t"
        "mov w0, #0\n\t"
        "ret\n"
        "multiply_end:\n");
extern char multiply[], multiply_loop[], multiply_over[], multiply_end[];
typedef void multiply_t(uint64_t *a, uint64_t rounds, uint64_t *out, uint64_t *result,
                        uint64_t factor, uint64_t mask);

/* Where the code is that runs: there, or a copy. */
static char *code = multiply;

static void model(uint64_t *a, uint64_t rounds, uint64_t *result, uint64_t factor)
{
    uint64_t s[4] = {1, 2, 3, 4}, mixed = 5;
    for (; rounds; rounds--) {
        unsigned __int128 sum = 0;
        uint64_t high[4], old[2] = {a[0], a[1]};
        for (int i = 0; i < 4; i++) {
            unsigned __int128 product = (unsigned __int128)a[i] * factor;
            high[i] = product >> 64;
            sum += (unsigned __int128)s[i] + (uint64_t)product;
            s[i] = sum;
            sum >>= 64;
        }
        uint64_t carry = sum;
        factor = s[0];
        sum = 0;
        for (int i = 0; i < 4; i++) {
            sum += (unsigned __int128)(i < 3 ? s[i + 1] : carry) + high[i];
            s[i] = sum;
            sum >>= 64;
        }
        mixed = mixed << 47 | old[0] >> 17;
        mixed = mixed << 1 | old[1] >> 63;
        a[1] = s[1];
        a[2] = s[2];
        s[3] += mixed;
    }
    memcpy(result, s, sizeof s);
    result[4] = mixed;
}

static const uint64_t START[4] = {0x9e3779b97f4a7c15, ~0ull, 0xfedcba9876543211, 77};
static uint64_t *a, *out, wanted[5];
static int access_to[2];
static volatile int inside, wrong, faults, moved, children, child, protect, forks;

static void fail(int line)
{
    printf("line %d is wrong\n", line);
    exit(1);
}
#define CHECK(x) do { if (!(x)) fail(__LINE__); } while (0)

/* What the loop leaves alone. */
static int in_loop(const ucontext_t *context)
{
    static const struct { int at; uint64_t value; } HELD[] = {
        {3, 0x3333}, {10, 0x1010}, {11, 0x1111}, {12, 0x1212}, {13, 0x1313}, {25, 0x2525},
        {26, 0x2626}, {27, 0x2727}, {28, 0x2828}, {29, 0x2929}, {30, 0x3030},
    };
    const mcontext_t *m = &context->uc_mcontext;
    uint64_t first = (uint64_t)code + (multiply_loop - multiply);
    uint64_t last = (uint64_t)code + (multiply_over - multiply);
    if (m->pc < first || m->pc >= last || m->regs[1] == 0)
        return 0;
    for (unsigned i = 0; i < sizeof HELD / sizeof *HELD; i++)
        if (m->regs[HELD[i].at] != HELD[i].value)
            wrong++;
    if (m->regs[0] != (uint64_t)a || m->regs[2] != (uint64_t)out)
        wrong++;
    return 1;
}

static void set_access(int page, int to)
{
    access_to[page] = to;
    if (mprotect(page ? (void *)out : (void *)a, PAGE, to))
        _exit(3);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    if (!in_loop(uc))
        wrong++;
    if (signal == SIGBUS) {
        if (info->si_code != BUS_ADRALN || uc->uc_mcontext.sp % 16 != 8)
            wrong++;
        moved++;
        uc->uc_mcontext.pc += 4;
        return;
    }
    faults++;
    int page = (uint64_t)info->si_addr / PAGE == (uint64_t)out / PAGE;
    set_access(page, access_to[page] == PROT_NONE ? PROT_READ : PROT_READ | PROT_WRITE);
}

static void on_alarm(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info;
    if (!in_loop(context))
        return;
    inside++;
    if (protect) {
        set_access(0, inside % 2 ? PROT_NONE : PROT_READ);
        set_access(1, inside % 3 ? PROT_NONE : PROT_READ);
    }
    if (forks && inside % 16 == 0 && !child) {
        pid_t pid = fork();
        if (pid == 0) {
            child = 1;
            return;
        }
        int status;
        if (waitpid(pid, &status, 0) != pid || status != 42 << 8)
            wrong++;
        children++;
    }
}

static void once(uint64_t mask)
{
    uint64_t result[5];
    set_access(0, PROT_READ | PROT_WRITE);
    memcpy(a, START, sizeof START);
    if (protect) {
        set_access(0, PROT_NONE);
        set_access(1, PROT_NONE);
    }
    ((multiply_t *)code)(a, ROUNDS, out, result, 0x123456789abcdef1, mask);
    int right = memcmp(result, wanted, sizeof wanted) == 0 && !wrong;
    if (child)
        _exit(right ? 42 : 1);
    CHECK(right);
}

static void alarms(int microseconds)
{
    struct itimerval each = {{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &each, NULL);
}

static void until_signals(void)
{
    inside = 0;
    alarms(150);
    while (inside < SIGNALS)
        once(-1);
    alarms(0);
}

static char *page_of_code;
static volatile int changes;

/* Changes a function beside the loop, and calls it. */
static void *change(void *nothing)
{
    uint32_t *over = (uint32_t *)(page_of_code + (multiply_over - multiply));
    for (; changes < CHANGES; changes++) {
        over[0] = 0x52800000 | changes << 5;
        __builtin___clear_cache((char *)over, (char *)(over + 2));
        if (((int (*)(void))over)() != changes)
            wrong++;
    }
    return nothing;
}

static void debugged(void)
{
    uint64_t result[5];
    struct itimerval one = {{0, 0}, {0, 300000}};
    setitimer(ITIMER_REAL, &one, NULL);
    memcpy(a, START, sizeof START);
    ((multiply_t *)code)(a, 1ull << 40, out, result, 3, -1);
    puts("done");
}

int main(int count, char **arguments)
{
    (void)arguments;
    struct sigaction action = {.sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    int both = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
    a = mmap(NULL, PAGE, both, flags, -1, 0);
    out = mmap(NULL, PAGE, both, flags, -1, 0);
    page_of_code = mmap(NULL, PAGE, both | PROT_EXEC, flags, -1, 0);
    CHECK(a != MAP_FAILED && out != MAP_FAILED && page_of_code != MAP_FAILED);
    if (count > 1) {
        debugged();
        return 0;
    }
    memcpy(a, START, sizeof START);
    model(a, ROUNDS, wanted, 0x123456789abcdef1);

    once(-1);
    puts("multiplied");

    once(7);
    CHECK(moved == 0);
    puts("with SP moved");

    once(1ull << 62 | 7);
    CHECK(moved == ROUNDS / 8);
    once(1ull << 62 | 0x3f);
    CHECK(moved == ROUNDS / 8 + ROUNDS / 64);
    puts("with SP used");

    until_signals();
    puts("with signals");

    protect = 1;
    faults = 0;
    until_signals();
    CHECK(faults > SIGNALS / 2);
    protect = 0;
    set_access(0, both);
    set_access(1, both);
    puts("with faults");

    forks = 1;
    until_signals();
    CHECK(children > SIGNALS / 32);
    forks = 0;
    puts("with children");

    memcpy(page_of_code, multiply, multiply_end - multiply);
    __builtin___clear_cache(page_of_code, page_of_code + PAGE);
    code = page_of_code;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, change, NULL) == 0);
    while (changes < CHANGES)
        once(7);
    pthread_join(thread, NULL);
    CHECK(wrong == 0);
    puts("with changed code");
}

#else

int main(void)
{
    puts("multiplied\nwith SP moved\nwith SP used\nwith signals\nwith faults\nwith children\n"
         "with changed code");
}

#endif
