// Crashes as it is asked to, with threads that wait and run: for a debugger that
// reads its core file.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

const char constant[] = "constant text";
char variable[32] = "variable text";
char *on_heap, *on_stack, *reserved, *shared, *hidden, *secret;
volatile long counter;

static __attribute__((noinline)) void innermost(int depth, volatile int *place)
{
    int local = depth * 100 + 7;
#ifdef __aarch64__
    __asm__ volatile("fmov d9, #1.5" ::: "d9");
#else
    __asm__ volatile("vmov.f64 d9, #1.5" ::: "d9");
#endif
    *place = local;
}

static __attribute__((noinline)) void middle(int depth, volatile int *place)
{
    char words[] = "words in a frame";
    on_stack = words;
    innermost(depth + 1, place);
    on_stack = NULL;
}

static __attribute__((noinline)) void *waits_here(void *argument)
{
    for (;;)
        pause();
    return argument;
}

static __attribute__((noinline)) void *runs_here(void *argument)
{
    for (;;)
        counter++;
    return argument;
}

static __attribute__((noinline)) long overflows(long n)
{
    volatile char filler[4096];
    filler[0] = (char)n;
    return overflows(n + 1) + filler[0];
}

static char *mapped(size_t size, int flags, const char *text)
{
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    strcpy(memory + size / 2, text);
    return memory + size / 2;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    pthread_t thread;
    if (setrlimit(RLIMIT_CORE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}))
        return 1;
    on_heap = strcpy(malloc(64), "text on the heap");
    reserved = mapped(sizeof(long) == 8 ? (size_t)0x100000000 : 1UL << 28, MAP_PRIVATE, "text in much memory");
    shared = mapped(1UL << 16, MAP_SHARED, "shared text");
    hidden = mapped(1UL << 16, MAP_PRIVATE, "text that may not be read");
    mprotect(hidden - (1UL << 15), 1UL << 16, PROT_NONE);
    secret = mapped(1UL << 16, MAP_PRIVATE, "secret");
    madvise(secret - (1UL << 15), 1UL << 16, MADV_DONTDUMP);
    pthread_create(&thread, NULL, waits_here, NULL);
    pthread_create(&thread, NULL, runs_here, NULL);
    while (!counter)
        ;
    usleep(50000);
    if (!strcmp(how, "segv"))
        middle(1, (volatile int *)0x10);
    if (!strcmp(how, "abort"))
        abort();
    if (!strcmp(how, "brk"))
#ifdef __aarch64__
        __asm__ volatile("brk #7");
#else
        __asm__ volatile("bkpt #7");
#endif
    if (!strcmp(how, "overflow"))
        return (int)overflows(0);
    puts("ready");
    fflush(stdout);
    waits_here(NULL);
    return 0;
}
