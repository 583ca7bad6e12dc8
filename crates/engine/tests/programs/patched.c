// Code that is changed piece by piece, as compilers do that run beside the code
// they make: what runs is what was written last, whoever runs it and however it
// is reached. Prints one line for each way.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHECK(x) do { if (!(x)) { \
    printf("%d: %s: %s\n", __LINE__, #x, strerror(errno)); exit(1); } } while (0)
#define PAGE 4096
#define RET 0xd65f03c0u
#define NOP 0xd503201fu

typedef int function(int);

static uint32_t *memory(size_t bytes) {
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE | PROT_EXEC,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED);
    return at;
}

static void flush(uint32_t *from, int words) {
    __builtin___clear_cache((char *)from, (char *)(from + words));
}

static uint32_t movz(unsigned value) { return 0x52800000 | value << 5; } // w0
static uint32_t branch(uint32_t *from, uint32_t *to) {
    return 0x14000000 | ((to - from) & 0x3ffffff);
}
static uint32_t call(uint32_t *from, uint32_t *to) {
    return branch(from, to) | 0x80000000;
}

static int run(uint32_t *code, int argument) {
    return ((function *)code)(argument);
}

// MOVZ w0, #value; RET.
static void answer(uint32_t *code, unsigned value) {
    code[0] = movz(value);
    code[1] = RET;
    flush(code, 2);
}

// A caller of `to` that keeps its link register: STP, BL, LDP, RET.
static void caller(uint32_t *code, uint32_t *to) {
    code[0] = 0xa9bf7bfd;
    code[1] = call(code + 1, to);
    code[2] = 0xa8c17bfd;
    code[3] = RET;
    flush(code, 4);
}

// Back and forth: what was there before comes again.
static void again(void) {
    uint32_t *callee = memory(2 * PAGE), *from = callee + PAGE / 4;
    caller(from, callee);
    for (int n = 0; n < 300; n++) {
        answer(callee, n % 3);
        CHECK(run(from, 0) == n % 3);
        // In the same line, beside what runs.
        answer(callee + 4, n);
        CHECK(run(from, 0) == n % 3 && run(callee + 4, 0) == n);
    }
    puts("again");
}

// The target of a direct branch did not look at the flags when the branch was
// translated, and does after.
static void flags(void) {
    // Farther away than one region goes.
    uint32_t *code = memory(64 * PAGE), *target = code + 32 * PAGE / 4;
    for (int round = 0; round < 3; round++) {
        target[0] = 0x7100001f; // cmp w0, #0
        target[1] = 0x1a9f17e0; // cset w0, eq
        target[2] = RET;
        flush(target, 3);
        CHECK(run(target, 0) == 1 && run(target, 1) == 0);
        uint32_t *from = code + 16 * round;
        from[0] = 0x7100141f; // cmp w0, #5
        from[1] = 0x52800000; // movz w0, #0
        from[2] = branch(from + 2, target);
        flush(from, 3);
        CHECK(run(from, 5) == 1 && run(from, 6) == 1);
        target[0] = NOP;
        flush(target, 1);
        CHECK(run(from, 5) == 1 && run(from, 6) == 0);
    }
    // The same, by way of another that passes them on.
    uint32_t *middle = code + 48 * PAGE / 4, *first = code + 16 * PAGE / 4;
    for (int round = 0; round < 3; round++) {
        target[0] = 0x7100001f;
        flush(target, 1);
        CHECK(run(target, 0) == 1);
        middle[0] = NOP;
        middle[1] = branch(middle + 1, target);
        flush(middle, 2);
        CHECK(run(middle, 0) == 1);
        first[0] = 0x7100141f;
        first[1] = branch(first + 1, middle);
        flush(first, 2);
        CHECK(run(first, 0) == 1 && run(first, 5) == 0);
        target[0] = NOP;
        flush(target, 1);
        CHECK(run(first, 0) == 0 && run(first, 5) == 1);
        first += 16;
        middle += 16;
    }
    puts("flags");
}

static uint32_t *own;
static void rewrite(void) {
    own[2] = movz(own[2] == movz(1) ? 2 : 1);
    flush(own + 2, 1);
}

// Whoever is called changes what it returns to.
static void behind(void) {
    own = memory(PAGE);
    own[0] = 0xa9bf7bfd; // stp x29, x30, [sp, #-16]!
    own[1] = 0xd63f0000; // blr x0
    own[2] = movz(1);
    own[3] = 0xa8c17bfd; // ldp x29, x30, [sp], #16
    own[4] = RET;
    flush(own, 5);
    for (int n = 0; n < 100; n++)
        CHECK(((int (*)(void (*)(void)))own)(rewrite) == (n % 2 ? 1 : 2));
    puts("behind");
}

static sigjmp_buf back;
static void fault(int signal) {
    (void)signal;
    siglongjmp(back, 1);
}
static int runs(uint32_t *code) {
    if (sigsetjmp(back, 1))
        return -1;
    return run(code, 0);
}

// Taken the right to be executed, given it again; unmapped; and code that runs
// into a page that is not executable yet.
static void protected(void) {
    struct sigaction action = {.sa_handler = fault};
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    uint32_t *code = memory(3 * PAGE), *from = code + 2 * PAGE / 4;
    caller(from, code);
    answer(code, 7);
    for (int n = 0; n < 20; n++) {
        CHECK(runs(from) == 7);
        CHECK(mprotect(code, PAGE, PROT_READ | PROT_WRITE) == 0);
        CHECK(runs(from) == -1 && runs(code) == -1);
        if (n % 5 == 4)
            code[0] = movz(7); // the same
        CHECK(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0);
    }
    CHECK(munmap(code, PAGE) == 0);
    CHECK(runs(from) == -1);
    CHECK(mmap(code, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == code);
    answer(code, 7);
    CHECK(runs(from) == 7);
    uint32_t *edge = code + PAGE / 4 - 2;
    edge[0] = movz(9);
    edge[1] = NOP;
    edge[2] = RET;
    flush(edge, 3);
    CHECK(runs(edge) == 9);
    CHECK(mprotect(code + PAGE / 4, PAGE, PROT_READ | PROT_WRITE) == 0);
    CHECK(runs(edge) == -1);
    CHECK(mprotect(code + PAGE / 4, PAGE, PROT_READ | PROT_EXEC) == 0);
    CHECK(runs(edge) == 9);
    // What the heap gives back and takes anew is not executable any more.
    char *heap = sbrk(0);
    char *end = heap + (-(uintptr_t)heap & (PAGE - 1)) + PAGE;
    CHECK(brk(end) == 0);
    code = (uint32_t *)(end - PAGE);
    CHECK(mprotect(code, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
    answer(code, 8);
    CHECK(runs(code) == 8);
    CHECK(brk(code) == 0 && brk(end) == 0);
    CHECK(runs(code) == -1);
    CHECK(brk(heap) == 0);
    CHECK(signal(SIGSEGV, SIG_DFL) == fault);
    puts("protected");
}

enum { FUNCTIONS = 16, RUNNERS = 3, ROUNDS = 1000 };
static uint32_t *functions[FUNCTIONS], *callers[FUNCTIONS], *spin;
static atomic_int newest[FUNCTIONS], started, done, spinning;

// What was published before a call is what the call runs, or something newer.
static void *runner(void *argument) {
    unsigned seed = (unsigned)(uintptr_t)argument;
    long wrong = 0;
    atomic_fetch_add(&started, 1);
    while (!atomic_load(&done)) {
        int n = rand_r(&seed) % FUNCTIONS;
        int least = atomic_load(&newest[n]);
        __asm__ volatile("isb" ::: "memory");
        int got = run(seed & 64 ? callers[n] : functions[n], 0);
        wrong += got < least;
    }
    return (void *)wrong;
}

static void *spinner(void *argument) {
    atomic_fetch_add(&spinning, 1);
    return (void *)(intptr_t)run(spin, argument != NULL);
}

static void threads(void) {
    uint32_t *code = memory(64 * PAGE);
    for (int n = 0; n < FUNCTIONS; n++) {
        functions[n] = code + n * 4; // four to a line
        callers[n] = code + 32 * PAGE / 4 + n * PAGE / 8;
        answer(functions[n], 0);
        caller(callers[n], functions[n]);
    }
    pthread_t all[RUNNERS];
    for (long n = 0; n < RUNNERS; n++)
        CHECK(pthread_create(&all[n], NULL, runner, (void *)(n + 1)) == 0);
    while (atomic_load(&started) < RUNNERS)
        ;
    for (int round = 1; round < ROUNDS; round++) {
        int n = round % FUNCTIONS;
        answer(functions[n], round);
        atomic_store(&newest[n], round);
        CHECK(run(callers[n], 0) == round);
    }
    atomic_store(&done, 1);
    for (int n = 0; n < RUNNERS; n++) {
        void *wrong;
        CHECK(pthread_join(all[n], &wrong) == 0);
        if (wrong)
            printf("old code ran %ld times\n", (long)wrong);
    }
    puts("threads");
    // Threads that leave a loop only when it is changed under them.
    for (int round = 0; round < 50; round++) {
        spin = code + 48 * PAGE / 4 + round * 2;
        spin[0] = branch(spin, spin);
        spin[1] = RET;
        flush(spin, 2);
        atomic_store(&spinning, 0);
        for (int n = 0; n < RUNNERS; n++)
            CHECK(pthread_create(&all[n], NULL, spinner, NULL) == 0);
        while (atomic_load(&spinning) < RUNNERS)
            ;
        spin[0] = NOP;
        flush(spin, 1);
        for (int n = 0; n < RUNNERS; n++)
            CHECK(pthread_join(all[n], NULL) == 0);
    }
    puts("loops");
}

// Pages with code come and go, and lose and get the right to be executed, while
// others run what is there: they run what was published or something newer, or
// find nothing.
static __thread sigjmp_buf out;
static void leave(int signal) {
    (void)signal;
    siglongjmp(out, 1);
}

static uint32_t *volatile pages;
static atomic_int version, ending, visited;
static void *visitor(void *unused) {
    (void)unused;
    struct { long wrong, right; } volatile seen = {0, 0};
    while (!atomic_load(&ending)) {
        int least = atomic_load(&version);
        __asm__ volatile("isb" ::: "memory");
        if (sigsetjmp(out, 1))
            continue;
        int got = run(pages, 0);
        seen.wrong += got < least;
        if (seen.right++ == 0)
            atomic_fetch_add(&visited, 1);
    }
    return (void *)(seen.wrong ? seen.wrong : seen.right ? 0 : -1);
}

static void mapped(void) {
    struct sigaction action = {.sa_handler = leave};
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    pages = memory(4 * PAGE);
    CHECK(mprotect(pages, 4 * PAGE, PROT_READ | PROT_WRITE) == 0);
    uint32_t *end = pages + PAGE / 4 - 1;
    pthread_t all[RUNNERS];
    for (int n = 0; n < RUNNERS; n++)
        CHECK(pthread_create(&all[n], NULL, visitor, NULL) == 0);
    for (int round = 1; round < ROUNDS; round++) {
        int kind = round % 4;
        if (kind == 0)
            CHECK(mprotect(pages, 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
        else if (kind == 1)
            CHECK(munmap(pages, 2 * PAGE) == 0);
        if (kind < 3)
            CHECK(mmap(pages, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
                  == pages);
        else
            CHECK(mremap(pages + PAGE / 2, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, pages) == pages
                  && mprotect(pages, 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
        // From one page into the next.
        pages[0] = branch(pages, end);
        end[0] = movz(round);
        end[1] = RET;
        CHECK(mprotect(pages, 2 * PAGE, PROT_READ | PROT_EXEC) == 0);
        atomic_store(&version, round);
        if (kind == 2)
            CHECK(mmap(pages + PAGE / 2, 2 * PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == pages + PAGE / 2);
        CHECK(run(pages, 0) == round);
    }
    // On a busy machine one may not have had its turn yet.
    while (atomic_load(&visited) < RUNNERS)
        sched_yield();
    atomic_store(&ending, 1);
    for (int n = 0; n < RUNNERS; n++) {
        void *wrong;
        CHECK(pthread_join(all[n], &wrong) == 0);
        if (wrong)
            printf("code that was gone ran %ld times\n", (long)wrong);
    }
    CHECK(signal(SIGSEGV, SIG_DFL) == leave);
    puts("mapped");
}

int main(void) {
    again();
    flags();
    behind();
    protected();
    threads();
    mapped();
    return 0;
}
