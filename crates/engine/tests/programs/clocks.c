// The functions of the vDSO, found as a C library finds them, with the version of their names: answers and errors
// for all kinds of clocks, pointers that are bad, what filters see. Everything is
// printed as it is natively. With an argument, one of the other parts:
// "kept": what the functions keep of the registers. "moved": the vDSO at another
// address, and other code where it was. "storm SECONDS": signals at random
// microseconds whose handler reads the clock too, threads, and forks.
#define _GNU_SOURCE
#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __aarch64__
#define NAME(name) "__kernel_" name
#define VERSION "LINUX_2.6.39"
#else
#define NAME(name) "__vdso_" name
#define VERSION "LINUX_2.6"
#endif

// A clock's upper half means nothing, where it has one.
typedef long function(unsigned long clock, struct timespec *time);
typedef long day(struct timeval *time, struct timezone *zone);

static function *gettime, *getres;
static day *gettimeofday_;

static void *find(const char *name) {
    ElfW(Ehdr) *header = (void *)getauxval(AT_SYSINFO_EHDR);
    assert(header);
    ElfW(Phdr) *segment = (void *)((char *)header + header->e_phoff);
    char *bias = NULL;
    ElfW(Dyn) *dynamic = NULL;
    for (int n = 0; n < header->e_phnum; n++) {
        if (segment[n].p_type == PT_LOAD && !bias)
            bias = (char *)header + segment[n].p_offset - segment[n].p_vaddr;
        if (segment[n].p_type == PT_DYNAMIC)
            dynamic = (void *)((char *)header + segment[n].p_offset);
    }
    char *strings = NULL;
    ElfW(Sym) *symbols = NULL;
    ElfW(Half) *versions = NULL;
    char *definitions = NULL;
    for (; dynamic->d_tag; dynamic++) {
        if (dynamic->d_tag == DT_STRTAB)
            strings = bias + dynamic->d_un.d_ptr;
        if (dynamic->d_tag == DT_SYMTAB)
            symbols = (void *)(bias + dynamic->d_un.d_ptr);
        if (dynamic->d_tag == DT_VERSYM)
            versions = (void *)(bias + dynamic->d_un.d_ptr);
        if (dynamic->d_tag == DT_VERDEF)
            definitions = bias + dynamic->d_un.d_ptr;
    }
    // Strings come behind the symbols.
    for (int n = 1; (char *)(symbols + n) < strings; n++)
        if (!strcmp(strings + symbols[n].st_name, name)) {
            ElfW(Verdef) *version = (void *)definitions;
            while (version->vd_ndx != (versions[n] & 0x7fff)) {
                assert(version->vd_next);
                version = (void *)((char *)version + version->vd_next);
            }
            ElfW(Verdaux) *called = (void *)((char *)version + version->vd_aux);
            assert(!strcmp(strings + called->vda_name, VERSION));
            return bias + symbols[n].st_value;
        }
    assert(!"no such function");
}

static int later(struct timespec a, struct timespec b) {
    return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec >= b.tv_nsec);
}

static void answers(void) {
    static const int clocks[] = { 0, 1, 2, 3, 4, 5, 6, 7, 11, 1000, 64, 1 << 30, -1, -2, -6, INT32_MIN };
    for (size_t n = 0; n < sizeof clocks / sizeof *clocks; n++) {
        unsigned long clock = (uint64_t)0xdeadbeef << 32 | (uint32_t)clocks[n];
        struct timespec a = { -1, -1 }, b = { -1, -1 }, c = { -1, -1 }, r = { -1, -1 }, s = { -1, -1 };
        long first = syscall(SYS_clock_gettime, clocks[n], &a);
        int error = first ? -errno : 0;
        long second = gettime(clock, &b);
        syscall(SYS_clock_gettime, clocks[n], &c);
        assert((int)second == error && (second == 0) == (b.tv_nsec >= 0));
        assert(second || (later(b, a) && later(c, b) && b.tv_nsec < 1000000000));
        error = syscall(SYS_clock_getres, clocks[n], &r) ? -errno : 0;
        assert((int)getres(clock, &s) == error && !memcmp(&r, &s, sizeof r));
        assert((int)getres(clock, NULL) == error);
        printf("clock %d: %ld %d\n", clocks[n], second, error);
    }
    struct timeval day = { -1, -1 }, other = { -1, -1 };
    struct timezone zone = { -1, -1 }, again = { -1, -1 };
    struct timespec a, b;
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &a);
    assert(gettimeofday_(&day, NULL) == 0);
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &b);
    struct timespec time = { day.tv_sec, day.tv_usec * 1000 };
    a.tv_nsec -= a.tv_nsec % 1000;
    assert(later(time, a) && later(b, time) && day.tv_usec < 1000000);
    assert(gettimeofday_(&other, &zone) == 0 && other.tv_sec >= day.tv_sec);
    assert(gettimeofday_(NULL, &again) == 0 && !memcmp(&zone, &again, sizeof zone));
    printf("day: %ld %d %d\n", gettimeofday_(NULL, NULL), zone.tz_minuteswest, zone.tz_dsttime);
}

#if __SIZEOF_LONG__ == 4
typedef struct { int64_t seconds, nanoseconds; } wide_time;
static long (*gettime64)(unsigned clock, wide_time *time);

// The function with words of 64 bits.
static void wide_answers(void) {
    static const int clocks[] = { 0, 1, 2, 3, 4, 5, 6, 7, 11, 1000, -1, -6 };
    for (size_t n = 0; n < sizeof clocks / sizeof *clocks; n++) {
        wide_time a = { -1, -1 }, b = { -1, -1 }, c = { -1, -1 };
        int error = syscall(SYS_clock_gettime64, clocks[n], &a) ? -errno : 0;
        assert((int)gettime64(clocks[n], &b) == error);
        syscall(SYS_clock_gettime64, clocks[n], &c);
        if (!error)
            assert(b.nanoseconds >= 0 && b.nanoseconds < 1000000000
                   && (b.seconds - a.seconds) * 1000000000 + b.nanoseconds - a.nanoseconds >= 0
                   && (c.seconds - b.seconds) * 1000000000 + c.nanoseconds - b.nanoseconds >= 0);
        printf("wide clock %d: %d\n", clocks[n], error);
    }
}
#else
#define SYS_clock_gettime64 SYS_clock_gettime
#endif

static sigjmp_buf back;
static volatile uintptr_t address;
static volatile int code;

static void faulted(int signal, siginfo_t *info, void *context) {
    (void)context;
    address = (uintptr_t)info->si_addr;
    code = info->si_code;
    siglongjmp(back, signal);
}

#if __SIZEOF_LONG__ == 4
#define WAYS 4
#else
#define WAYS 3
#endif

static void bad_pointers(void) {
    struct sigaction action = { .sa_sigaction = faulted, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *only = pages + 4096, *none = pages + 2 * 4096;
    mprotect(only, 4096, PROT_READ);
    mprotect(none, 4096, PROT_NONE);
    // The second word is beyond the end of a page; with 64 bits its half is, too.
    char *bad[] = { NULL, (char *)8, only, none, only - sizeof(long), only - 4, none + 8 };
    for (volatile size_t n = 0; n < sizeof bad / sizeof *bad; n++)
        for (volatile int which = 0; which < WAYS; which++) {
            // NULL is none for two of them.
            if (!bad[n] && (which == 1 || which == 2))
                continue;
            address = 1, code = 0;
            // Often, so that it is translated.
            for (volatile int round = 0; round < 100; round++) {
                int signal = sigsetjmp(back, 1);
                if (signal) {
                    assert(signal == SIGSEGV);
                    continue;
                }
                if (which == 0)
                    gettime(CLOCK_MONOTONIC, (void *)bad[n]);
                else if (which == 1)
                    getres(CLOCK_MONOTONIC, (void *)bad[n]);
                else if (which == 2)
                    gettimeofday_((void *)bad[n], NULL);
#if WAYS > 3
                else
                    gettime64(CLOCK_MONOTONIC, (void *)bad[n]);
#endif
                assert(!"no fault");
            }
            const char *base = bad[n] < pages ? NULL : pages;
            printf("bad %zu, %d: at %ld, code %d\n", n, which, (long)(address - (uintptr_t)base), code);
        }
    // Not aligned, but good: to words, where stores of several have to be.
    struct timespec time;
    char *odd = pages + (sizeof(long) == 4 ? 4 : 3);
    assert(gettime(CLOCK_MONOTONIC, (void *)odd) == 0);
    memcpy(&time, odd, sizeof time);
    assert(time.tv_nsec >= 0 && time.tv_nsec < 1000000000);
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
}

// A filter sees what enters the kernel only.
static void filtered(void) {
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime64, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_getres, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 9),
    };
    struct sock_fprog filter = { sizeof program / sizeof *program, program };
    assert(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    assert(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
    static const int clocks[] = { 0, 1, 2, 3, 4, 5, 6, 7, 11, 1000, -6 };
    for (size_t n = 0; n < sizeof clocks / sizeof *clocks; n++) {
        struct timespec time;
        long got = gettime(clocks[n], &time);
        printf("filtered %d: %ld %ld\n", clocks[n], got, getres(clocks[n], &time));
#if __SIZEOF_LONG__ == 4
        wide_time wide;
        printf("filtered, wide: %ld\n", gettime64(clocks[n], &wide));
#endif
    }
    struct timeval day;
    printf("filtered day: %ld\n", gettimeofday_(&day, NULL));
}

#ifdef __aarch64__
// Fills what a function keeps, calls one, and compares. x9: what differs.
static uint64_t kept_by(function *f, uint64_t clock, struct timespec *time) {
    register uint64_t a asm("x0") = clock;
    register void *b asm("x1") = time;
    register uint64_t differs asm("x9");
    register function *called asm("x10") = f;
    asm volatile(
        "stp x29, x30, [sp, #-16]!\n stp x19, x18, [sp, #-16]!\n mov x29, sp\n"
        "mov x19, #19\n mov x20, #20\n mov x21, #21\n mov x22, #22\n mov x23, #23\n"
        "mov x24, #24\n mov x25, #25\n mov x26, #26\n mov x27, #27\n mov x28, #28\n"
        "fmov d8, x19\n fmov d9, x20\n fmov d10, x21\n fmov d11, x22\n"
        "fmov d12, x23\n fmov d13, x24\n fmov d14, x25\n fmov d15, x26\n"
        "blr x10\n"
        "mov x9, sp\n eor x9, x9, x29\n"
        ".macro same reg, value\n sub x10, \\reg, #\\value\n orr x9, x9, x10\n .endm\n"
        ".macro vsame reg, value\n fmov x10, \\reg\n sub x10, x10, #\\value\n orr x9, x9, x10\n .endm\n"
        "same x19, 19\n same x20, 20\n same x21, 21\n same x22, 22\n same x23, 23\n"
        "same x24, 24\n same x25, 25\n same x26, 26\n same x27, 27\n same x28, 28\n"
        "vsame d8, 19\n vsame d9, 20\n vsame d10, 21\n vsame d11, 22\n"
        "vsame d12, 23\n vsame d13, 24\n vsame d14, 25\n vsame d15, 26\n"
        ".purgem same\n .purgem vsame\n"
        "ldp x19, x18, [sp], #16\n ldp x29, x30, [sp], #16\n"
        : "+r"(a), "+r"(b), "=r"(differs), "+r"(called)
        :
        : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
          "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "memory", "cc", "v0", "v1",
          "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15",
          "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28",
          "v29", "v30", "v31");
    return differs;
}

#elif defined __arm__
// The same: what differs is the result.
unsigned long kept_by_arm(unsigned long clock, void *time, void *f);
asm(".syntax unified\n .arm\n .fpu vfp\n .text\n .align 2\n"
    ".type kept_by_arm, %function\n kept_by_arm:\n"
    "push {r4-r11, lr}\n vpush {d8-d15}\n sub sp, sp, #4\n"
    "mov r4, #4\n mov r5, #5\n mov r6, #6\n mov r7, #7\n mov r8, #8\n mov r9, #9\n mov r10, #10\n"
    "mov r11, sp\n"
    "vmov d8, r4, r5\n vmov d9, r5, r6\n vmov d10, r6, r7\n vmov d11, r7, r8\n"
    "vmov d12, r8, r9\n vmov d13, r9, r10\n vmov d14, r10, r4\n vmov d15, r4, r6\n"
    "mov r12, r2\n mov lr, pc\n bx r12\n"
    "eor r0, r11, sp\n"
    ".macro same reg, value\n eor r1, \\reg, #\\value\n orr r0, r0, r1\n .endm\n"
    ".macro vsame reg, low, high\n vmov r2, r3, \\reg\n same r2, \\low\n same r3, \\high\n .endm\n"
    "same r4, 4\n same r5, 5\n same r6, 6\n same r7, 7\n same r8, 8\n same r9, 9\n same r10, 10\n"
    "vsame d8, 4, 5\n vsame d9, 5, 6\n vsame d10, 6, 7\n vsame d11, 7, 8\n"
    "vsame d12, 8, 9\n vsame d13, 9, 10\n vsame d14, 10, 4\n vsame d15, 4, 6\n"
    ".purgem same\n .purgem vsame\n"
    "add sp, sp, #4\n vpop {d8-d15}\n pop {r4-r11, pc}\n");

static unsigned long kept_by(function *f, unsigned long clock, struct timespec *time) {
    return kept_by_arm(clock, time, f);
}
#endif

#if defined __aarch64__ || defined __arm__
static void kept(void) {
    struct timespec time[2];
    for (int round = 0; round < 1000; round++) {
        static const int clocks[] = { 0, 1, 2, 5, 7, 99 };
        for (int n = 0; n < 6; n++) {
            assert(kept_by(gettime, clocks[n], time) == 0);
            assert(kept_by(getres, clocks[n], time) == 0);
#ifdef __arm__
            assert(kept_by((function *)(void *)gettime64, clocks[n], time) == 0);
#endif
        }
        assert(kept_by((function *)(void *)gettimeofday_, (unsigned long)time, NULL) == 0);
    }
    puts("kept");
}

#ifdef __aarch64__
// mov w0, #1; hint #112; mov w0, #7; ret
static const uint32_t other[] = { 0x52800020, 0xd5032e1f, 0x528000e0, 0xd65f03c0 };
#else
// mov r0, #1; hint #112; mov r0, #7; bx lr
static const uint32_t other[] = { 0xe3a00001, 0xe320f070, 0xe3a00007, 0xe12fff1e };
#endif

// The same code is elsewhere, and other code is where the vDSO was: all hints are
// NOPs there.
static void moved(void) {
    char *page = (void *)getauxval(AT_SYSINFO_EHDR);
    struct timespec time, before;
    for (int round = 0; round < 100; round++)
        assert(gettime(CLOCK_MONOTONIC, &before) == 0);
    // By hand: until it is told, a C library has the old address.
    char *place = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert(mremap(page, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place);
    function *there = (function *)(place + ((char *)gettime - page));
    for (int round = 0; round < 100; round++) {
        assert(there(CLOCK_MONOTONIC, &time) == 0 && later(time, before));
        assert(there(1000, &time) == -EINVAL);
    }
    char *own = mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    assert(own == page);
    for (int n = 0; n < 4096; n += 16)
        memcpy(own + n, other, sizeof other);
    assert(mprotect(own, 4096, PROT_READ | PROT_EXEC) == 0);
    __builtin___clear_cache(own, own + 4096);
    char *at = own + (((char *)gettime - page) & ~15);
    for (int round = 0; round < 100; round++)
        for (int n = -64; n < 64; n += 16)
            assert(((long (*)(void))(at + n))() == 7);
    puts("moved");
}
#endif

static volatile long signals;
static volatile int over;

static void check_clocks(void) {
    static _Thread_local struct timespec last;
    struct timespec before = last, now;
    assert(gettime(CLOCK_MONOTONIC, &now) == 0 && later(now, before));
    // A handler that came meanwhile has read a later one.
    if (later(now, last))
        last = now;
    assert(gettime(CLOCK_REALTIME, &now) == 0 && now.tv_nsec < 1000000000 && now.tv_nsec >= 0);
}

static void set_timer(void) {
    static uint64_t seed = 88172645463325252u;
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    struct itimerval timer = { { 0, 0 }, { 0, 1 + (long)(seed % 200) } };
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void alarmed(int signal) {
    (void)signal;
    int error = errno;
    check_clocks();
    __atomic_fetch_add(&signals, 1, __ATOMIC_SEQ_CST);
    if (!over)
        set_timer();
    errno = error;
}

// Nothing but reading the clock until a signal has come: it is told though it
// finds the thread in the engine's or the host's code.
static void none_is_lost(void) {
    for (int round = 0; round < 3000; round++) {
        struct timespec now;
        long before = signals;
        set_timer();
        while (signals == before)
            gettime(CLOCK_MONOTONIC, &now);
        setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
    }
}

static void *reader(void *argument) {
    long *count = argument;
    while (!over) {
        check_clocks();
        ++*count;
    }
    return NULL;
}

static void storm(int seconds) {
    struct sigaction action = { .sa_handler = alarmed, .sa_flags = SA_RESTART };
    sigaction(SIGALRM, &action, NULL);
    none_is_lost();
    pthread_t threads[2];
    long counts[3] = { 0 };
    for (int n = 0; n < 2; n++)
        assert(pthread_create(&threads[n], NULL, reader, &counts[n]) == 0);
    struct timespec start, now;
    gettime(CLOCK_MONOTONIC, &start);
    set_timer();
    long forks = 0;
    do {
        for (int n = 0; n < 20000; n++)
            check_clocks(), ++counts[2];
        pid_t child = fork();
        if (child == 0) {
            // Timers are not inherited.
            set_timer();
            for (int n = 0; n < 1000; n++)
                check_clocks();
            _exit(0);
        }
        int status;
        assert(waitpid(child, &status, 0) == child && status == 0);
        forks++;
        gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec < start.tv_sec + seconds);
    over = 1;
    for (int n = 0; n < 2; n++)
        pthread_join(threads[n], NULL);
    assert(counts[0] > 1000 && counts[1] > 1000 && forks > 0);
    printf("weathered\n");
    fprintf(stderr, "%ld signals\n", signals);
}

int main(int count, char **arguments) {
    gettime = (function *)find(NAME("clock_gettime"));
    getres = (function *)find(NAME("clock_getres"));
    gettimeofday_ = (day *)find(NAME("gettimeofday"));
#if __SIZEOF_LONG__ == 4
    gettime64 = find(NAME("clock_gettime64"));
#endif
    if (count == 3)
        storm(atoi(arguments[2]));
#if defined __aarch64__ || defined __arm__
    else if (count == 2 && !strcmp(arguments[1], "kept"))
        kept();
    else if (count == 2 && !strcmp(arguments[1], "moved"))
        moved();
#endif
    else {
        answers();
#if __SIZEOF_LONG__ == 4
        wide_answers();
#endif
        bad_pointers();
        filtered();
    }
}
