// What only a program of 32-bit Arm sees: kuser helpers, the state of instruction sets in
// handlers and behind them, the vector registers in a frame, private calls, written code, and
// of what number places for segments of shared memory are multiples.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <ucontext.h>
#include <unistd.h>

typedef int exchange(int old, int new, volatile int *at);
typedef int exchange64(const long long *old, const long long *new, volatile long long *at);

static void helpers(void) {
    printf("version %d\n", *(int *)0xffff0ffc);
    exchange *one = (exchange *)0xffff0fc0;
    volatile int word = 5;
    int first = one(5, 7, &word), second = one(5, 9, &word);
    printf("%d %d %d\n", first, second != 0, word);
    exchange64 *two = (exchange64 *)0xffff0f60;
    volatile long long pair = 5ll << 32 | 6;
    long long old = pair, new = 8ll << 32 | 9;
    first = two(&old, &new, &pair), second = two(&old, &new, &pair);
    printf("%d %d %llx\n", first, second != 0, pair);
    ((void (*)(void))0xffff0fa0)();
    void *pointer = ((void *(*)(void))0xffff0fe0)();
    printf("%d\n", pointer == __builtin_thread_pointer());
}

enum { T = 1 << 5 };

__attribute__((target("thumb"), noinline)) static unsigned thumb_state(void) {
    // An address behind the instruction: odd in T32 state.
    unsigned at;
    asm volatile("adr %0, 1f\n\tb 2f\n\t.balign 4\n1:\n2:" : "=r"(at));
    return 16;
}

static volatile unsigned seen, count;
static double sixteen;

static void look(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info;
    ucontext_t *at = context;
    seen = at->uc_mcontext.arm_cpsr;
    unsigned *record = (unsigned *)at->uc_regspace;
    double value;
    memcpy(&value, record + 2 + 2 * 8, sizeof value);
    if (count++ == 0)
        printf("record %x %u, d8 %g\n", record[0], record[1], value);
    sixteen = value;
    // Written, it is the program's afterwards.
    value = 2.5;
    memcpy(record + 2 + 2 * 8, &value, sizeof value);
}

__attribute__((target("arm"))) static void from_arm(int signal) {
    (void)signal;
    count += 100;
}

__attribute__((target("thumb"))) static void from_thumb(int signal) {
    (void)signal;
    count += 1000;
}

__attribute__((target("arm"), noinline)) static double in_arm(void) {
    register double kept asm("d8") = 1.5;
    asm volatile("mov r7, #20\n\tsvc #0\n\t" // getpid
                 "mov r1, #10\n\tmov r7, #37\n\tsvc #0" // kill(pid, SIGUSR1)
                 : "+w"(kept)
                 :
                 : "r0", "r1", "r7", "memory");
    return kept;
}

// In an IT block whose first instruction faults: the handler sees the rest of it, and goes
// on behind the instruction with it as it was.
__attribute__((target("thumb"), noinline)) static int in_it(volatile int *place) {
    int result = 0;
    asm volatile("cmp %1, %1\n\t"
                 "itee eq\n\t"
                 "ldreq.w %0, [%1]\n\t"
                 "movne.w %0, #77\n\t"
                 "movne.w %0, #78\n\t"
                 : "+&r"(result)
                 : "r"(place)
                 : "cc", "memory");
    return result;
}

static unsigned it, code;

static void step(int signal, siginfo_t *info, void *context) {
    (void)signal;
    ucontext_t *at = context;
    unsigned cpsr = at->uc_mcontext.arm_cpsr;
    it = (cpsr >> 25 & 3) | (cpsr >> 10 & 0x3f) << 2;
    code = info->si_code;
    at->uc_mcontext.arm_pc += 4;
    // As the instruction would have been done.
    unsigned next = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
    at->uc_mcontext.arm_cpsr = (cpsr & ~0x0600fc00) | (next & 3) << 25 | (next >> 2) << 10;
}

static void handlers(void) {
    struct sigaction action = {.sa_sigaction = look, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    double kept = in_arm();
    printf("%d %g %g\n", !(seen & T), sixteen, kept);
    raise(SIGUSR1);
    signal(SIGUSR2, from_arm);
    raise(SIGUSR2);
    signal(SIGUSR2, from_thumb);
    raise(SIGUSR2);
    printf("count %u, %u\n", count, thumb_state());
    action = (struct sigaction){.sa_sigaction = step, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    volatile int *closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("%d\n", in_it(closed));
    printf("it %x code %u\n", it, code);
    // Without a restorer of the program's: to the kernel's page, from each state.
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        unsigned long mask[2];
    } plain = {from_arm, 0, NULL, {0, 0}};
    count = 0;
    for (int n = 0; n < 4; n++) {
        plain.handler = n & 1 ? (void *)from_thumb : (void *)from_arm;
        plain.flags = n & 2 ? SA_SIGINFO : 0;
        syscall(SYS_rt_sigaction, SIGUSR2, &plain, NULL, 8);
        raise(SIGUSR2);
    }
    printf("count %u\n", count);
}

static sigjmp_buf back;

static void leave(int signal) { siglongjmp(back, signal); }

static void private_calls(void) {
    unsigned *block = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int value = 1; value < 4; value++) {
        block[0] = 0xe3a00000 | value; // mov r0, #value
        block[1] = 0xe12fff1e;         // bx lr
        long done = syscall(0xf0002, block, block + 2, 0);
        printf("%ld %d\n", done, ((int (*)(void))block)());
    }
    unsigned short *half = (unsigned short *)(block + 8);
    half[0] = 0x2009; // movs r0, #9
    half[1] = 0x4770; // bx lr
    __builtin___clear_cache(half, half + 2);
    printf("%d\n", ((int (*)(void))((char *)half + 1))());
    printf("%ld %d\n", syscall(0xf0002, block + 1, block, 0), errno);
    printf("%ld %d\n", syscall(0xf0003), errno);
    printf("%ld %d\n", syscall(0xf07ff), errno);
    void *own = __builtin_thread_pointer();
    void *other;
    asm volatile("mov r0, %1\n\tmov r7, #0xf0000\n\tadd r7, #5\n\tsvc #0\n\t"
                 "mrc p15, 0, %0, c13, c0, 3\n\t"
                 "mov r0, %2\n\tsvc #0"
                 : "=&r"(other)
                 : "r"(0x1230), "r"(own)
                 : "r0", "r7", "memory");
    printf("%p %d\n", other, own == __builtin_thread_pointer());
    signal(SIGILL, leave);
    int got = sigsetjmp(back, 1);
    if (!got)
        asm volatile("udf #0");
    printf("signal %d\n", got);
    // Numbers behind those that may get a meaning.
    got = sigsetjmp(back, 1);
    if (!got)
        printf("%ld\n", syscall(0xf0800));
    printf("signal %d\n", got);
    signal(SIGTRAP, leave);
    got = sigsetjmp(back, 1);
    if (!got)
        asm volatile("bkpt #0");
    printf("signal %d\n", got);
}

// The flags of a comparison of floats outlast an instruction that is left to the interpreter.
static void comparisons(void) {
    const double values[] = {__builtin_nan(""), 3, -1};
    int greater[3] = {0};
    for (int n = 0; n < 3000; n++) {
        int is_greater = 0;
        asm volatile(".fpu neon\n"
                     "vcmp.f64 %P1, %P2\n"
                     "vmrs apsr_nzcv, fpscr\n"
                     "vqadd.s32 d7, d6, d5\n"
                     "it gt\n"
                     "movgt %0, #1"
                     : "+r"(is_greater)
                     : "w"(values[n % 3]), "w"(0.0)
                     : "cc", "d7");
        greater[n % 3] += is_greater;
    }
    printf("nan %d, above %d, below %d\n", greater[0], greater[1], greater[2]);
}

// The pages that the kernel gives every process.
static void pages(void) {
    char line[256], rights[8], name[64];
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        if (sscanf(line, "%lx-%lx %7s %*s %*s %*s [%63[a-z]", &start, &end, rights, name) == 4 &&
            strcmp(name, "stack") && strcmp(name, "heap"))
            printf("%s %s %lu %d\n", name, rights, end - start, start == 0xffff0000);
    }
    fclose(maps);
}

// SHM_RND rounds to four pages, and where that gives 0, nothing is replaced. Else a page will do, as
// for an arm64 kernel.
static void attached(void) {
    enum { PAGE = 4096, UNIT = 4 * PAGE };
    int id = shmget(IPC_PRIVATE, PAGE, 0600);
    char *window = mmap(NULL, 3 * UNIT, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(window, 3 * UNIT);
    char *place = (char *)(((unsigned)window + UNIT - 1) & -UNIT);
    static const struct {
        unsigned offset, flags;
    } tries[] = {
        {UNIT, 0},           {UNIT, SHM_RND},     {PAGE, 0},          {PAGE, SHM_RND},
        {PAGE + 1, SHM_RND}, {UNIT - 1, SHM_RND}, {UNIT + 1, SHM_RND}, {1, 0},
    };
    for (unsigned n = 0; n < sizeof tries / sizeof *tries; n++) {
        char *got = shmat(id, place + tries[n].offset, tries[n].flags);
        if (got == (void *)-1) {
            printf("attached %d\n", errno);
            continue;
        }
        *got = 1;
        printf("attached at %d\n", got - place);
        shmdt(got);
    }
    char *low[] = {(char *)1, (char *)PAGE, (char *)(UNIT - 1)};
    for (int n = 0; n < 3; n++) {
        void *got = shmat(id, low[n], SHM_RND | SHM_REMAP);
        printf("replaced %d %d\n", got == (void *)-1, errno);
    }
    shmctl(id, IPC_RMID, NULL);
}

int main(void) {
    struct utsname names;
    uname(&names);
    printf("%s %s\n", names.machine, (char *)getauxval(AT_PLATFORM));
    printf("%lu %lu %d\n", getauxval(AT_PHENT), getauxval(AT_PAGESZ),
           (getauxval(AT_HWCAP) & (HWCAP_ARM_THUMB | HWCAP_ARM_TLS)) != 0);
    printf("%d\n", (unsigned)__builtin_frame_address(0) < 0xffff0000);
    helpers();
    handlers();
    private_calls();
    comparisons();
    pages();
    attached();
    return 0;
}
