/* Functions within functions, whose addresses lead to code that the compiler
 * puts on the stack: so the stack is executable, also where it has grown. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define PAGE ((uintptr_t)4096)

static uintptr_t main_frame;
static sigjmp_buf back;
static volatile int codes;

static void faulted(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    codes = info->si_code;
    siglongjmp(back, 1);
}

static char alternate[64 << 10] __attribute__((aligned(16)));

/* The stack's mapping: start, end and permissions. */
static void find(uintptr_t *start, uintptr_t *end, char *permissions) {
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        sscanf(line, "%lx-%lx %4s", &from, &to, permissions);
        *start = from, *end = to;
        if (from <= main_frame && main_frame < to) break;
    }
    fclose(maps);
}

/* Calls a function of its own at each depth, a KiB and a little apart. */
static __attribute__((noinline)) long called(long depth, long sum) {
    volatile char frame[1024];
    auto long inner(long more);
    long inner(long more) { return sum + more + frame[0]; }
    long (*volatile function)(long) = inner;
    frame[0] = 1;
    long next = function(depth & 7);
    return depth <= 0 ? next : called(depth - 1, next) + frame[1];
}

static void calls(const char *when, long depth) {
    codes = 0;
    if (!sigsetjmp(back, 1)) {
        // What it returns is as long as it lasts.
        long sum = called(depth, 0);
        printf("%s: %d\n", when, sum > depth);
    } else {
        printf("%s: code %d\n", when, codes);
    }
    fflush(stdout);
}

static void seen(void) {
    uintptr_t start, end;
    char permissions[5];
    find(&start, &end, permissions);
    printf("%s, %d\n", permissions, end - start > 2 * MIB);
}

static int protect(int protection, uintptr_t skipped) {
    uintptr_t start, end;
    char permissions[5];
    find(&start, &end, permissions);
    return mprotect((void *)(start + skipped), end - start - skipped, protection);
}

static void taken_away(void) {
    printf("protect %d\n", protect(PROT_READ | PROT_WRITE, 0));
    calls("without the right", 0);
    calls("without the right, deep", 4000);
    uintptr_t page = main_frame & -PAGE;
    printf("downwards %d\n", mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN));
    calls("with it", 0);
    calls("with it, deep", 5000);
    seen();
}

static void given_from_above(void) {
    protect(PROT_READ | PROT_WRITE, 0);
    calls("none", 0);
    // Not the lowest pages: what grows has no right.
    printf("protect %d\n", protect(PROT_READ | PROT_WRITE | PROT_EXEC, 16 * PAGE));
    uintptr_t start, end;
    char permissions[5];
    find(&start, &end, permissions);
    calls("above", 0);
    calls("below", 6000);
    printf("all %d\n", mprotect((void *)(start - 16 * PAGE), end - start + 16 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
    calls("all", 0);
}

/* A mapping of its own where the stack could grow. */
static void another(void) {
    uintptr_t start, end;
    char permissions[5];
    find(&start, &end, permissions);
    uintptr_t at = start - 6 * MIB;
    static const unsigned char code[] = {
#ifdef __aarch64__
        0xc0, 0x03, 0x5f, 0xd6,
#else
        0xc3,
#endif
    };
    char *block = mmap((void *)at, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    memcpy(block, code, sizeof code);
    __builtin___clear_cache(block, block + sizeof code);
    codes = 0;
    if (!sigsetjmp(back, 1)) ((void (*)(void))block)();
    printf("written there: code %d\n", codes);
    mprotect(block, PAGE, PROT_READ | PROT_EXEC);
    codes = 0;
    if (!sigsetjmp(back, 1)) ((void (*)(void))block)();
    printf("protected: code %d\n", codes);
    munmap(block, PAGE);
    calls("gone", 6800);
}

static void child(const char *name, void (*part)(void)) {
    fflush(stdout);
    pid_t id = fork();
    if (!id) {
        part();
        fflush(stdout);
        _exit(0);
    }
    int status;
    waitpid(id, &status, 0);
    if (WIFSIGNALED(status)) printf("%s: signal %d\n", name, WTERMSIG(status));
    else printf("%s: exit %d\n", name, WEXITSTATUS(status));
}

static void deep_there(void) { calls("in a child", 3000); }
static void raised(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_STACK, &limit);
    limit.rlim_cur = 64 * MIB;
    setrlimit(RLIMIT_STACK, &limit);
    calls("raised", 40000);
}

int main(int argc, char **argv) {
    (void)argv;
    main_frame = (uintptr_t)&argc;
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_sigaction = faulted, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    calls("one", 0);
    child("deep there", deep_there);
    child("taken away", taken_away);
    child("given from above", given_from_above);
    child("another", another);
    child("raised", raised);
    calls("deep", 3000);
    seen();
    return 0;
}
