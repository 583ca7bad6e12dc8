// A child that shares the memory stops its maker's threads, as leak sanitizers
// do: their registers are looked at, nothing of them moves, they go on where
// they were, also after a child that does not say so.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAGIC 0x5ca1ab1e0ddba11ul
enum { SPINS, READS, SLEEPS, WAITS, ALLOCATES, MAIN, COUNT };
static int ids[COUNT], tube[2];
static uintptr_t stacks[COUNT];
static volatile unsigned long counter, enough, allocated;
static volatile int handled, ready, slept = -1, woken;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static char tracer_stack[1 << 16] __attribute__((aligned(16)));

static void fail(const char *what, long value)
{
    printf("failed: %s: %ld, error %d\n", what, value, errno);
    fflush(stdout);
    _exit(1);
}

#define CHECK(what) do { long value_ = (long)(what); if (!value_) fail(#what, value_); } while (0)

static void handler(int number)
{
    (void)number;
    handled++;
}

// The value is in a register, and nowhere else where it is looked for.
static void spin(void)
{
#ifdef __aarch64__
    __asm__ volatile("mov x19, %0\n1: ldr x20, [%1]\nadd x20, x20, #1\nstr x20, [%1]\nldr x20, [%2]\ncbz x20, 1b"
                     : : "r"(MAGIC), "r"(&counter), "r"(&enough) : "x19", "x20", "memory", "cc");
#else
    __asm__ volatile("mov %0, %%r12\n1: incq (%1)\ncmpq $0, (%2)\nje 1b"
                     : : "r"(MAGIC), "r"(&counter), "r"(&enough) : "r12", "memory", "cc");
#endif
}

static void *thread(void *argument)
{
    int kind = (int)(intptr_t)argument;
    char byte;
    stacks[kind] = (uintptr_t)&byte;
    ids[kind] = (int)syscall(SYS_gettid);
    __atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
    switch (kind) {
    case SPINS: spin(); break;
    case READS: CHECK(read(tube[0], &byte, 1) == 1); break;
    // As long as a busy machine may take until it is stopped.
    case SLEEPS: { struct timespec time = {.tv_sec = 4}; slept = nanosleep(&time, NULL); break; }
    case WAITS: pthread_mutex_lock(&mutex); while (!woken) pthread_cond_wait(&condition, &mutex); pthread_mutex_unlock(&mutex); break;
    case ALLOCATES: while (!enough) { void *some = malloc(allocated++ % 5000); memset(some, 1, 1); free(some); } break;
    }
    return NULL;
}

static long trace(long request, int id, void *address, void *data)
{
    return syscall(SYS_ptrace, request, id, address, data);
}

static void pause_shortly(void)
{
    struct timespec time = {.tv_nsec = 2000000};
    nanosleep(&time, NULL);
}

static void stop(int id)
{
    int status = 0;
    CHECK(trace(PTRACE_ATTACH, id, NULL, NULL) == 0);
    CHECK(waitpid(id, &status, __WALL) == id);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
}

// Whether a word of the registers is this, or lies that far above it.
static int has(int id, uintptr_t value, uintptr_t within)
{
    uintptr_t words[64] = {0};
    struct iovec vector = {words, sizeof words};
    CHECK(trace(PTRACE_GETREGSET, id, (void *)NT_PRSTATUS, &vector) == 0);
    CHECK(vector.iov_len > 100 && vector.iov_len < sizeof words);
    for (size_t n = 0; n < vector.iov_len / sizeof *words; n++)
        if (words[n] - value <= within)
            return 1;
    return 0;
}

static int look(void *argument)
{
    const char *how = argument;
    unsigned long before, made;
    char floats[2048];
    struct iovec vector = {floats, sizeof floats};
    for (int n = 0; n < COUNT; n++)
        stop(ids[n]);
    before = counter;
    made = allocated;
    pause_shortly();
    CHECK(counter == before && allocated == made);
    CHECK(has(ids[SPINS], MAGIC, 0));
    for (int n = 0; n < COUNT; n++)
        CHECK(has(ids[n], stacks[n] - 65536, 131072));
    CHECK(trace(PTRACE_GETREGSET, ids[SPINS], (void *)NT_FPREGSET, &vector) == 0 && vector.iov_len >= 512);
    vector.iov_len = 16;
    CHECK(trace(PTRACE_GETREGSET, ids[SPINS], (void *)NT_PRSTATUS, &vector) == 0 && vector.iov_len == 16);
    CHECK(trace(PTRACE_GETREGSET, ids[SPINS], (void *)0x7777, &vector) == -1 && errno == EINVAL);
    CHECK(trace(PTRACE_ATTACH, ids[READS], NULL, NULL) == -1 && errno == EPERM);
    if (!strcmp(how, "kill"))
        syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGKILL);
    if (!strcmp(how, "leave"))
        syscall(SYS_exit, 5);
    syscall(SYS_tgkill, getppid(), ids[SPINS], SIGUSR1);
    pause_shortly();
    CHECK(counter == before);
    int seen = handled;
    for (int n = 0; n < COUNT; n++)
        CHECK(trace(PTRACE_DETACH, ids[n], NULL, NULL) == 0);
    CHECK(trace(PTRACE_GETREGSET, ids[SPINS], (void *)NT_PRSTATUS, &vector) == -1 && errno == ESRCH);
    while (counter == before || handled == seen)
        pause_shortly();
    CHECK(trace(PTRACE_ATTACH, 0x3ffffff, NULL, NULL) == -1 && errno == ESRCH);
    syscall(SYS_exit, 3);
    return 0;
}

static void child(const char *how)
{
    int status = 0;
    unsigned long before;
    int id = clone(look, tracer_stack + sizeof tracer_stack, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_UNTRACED, (void *)how);
    CHECK(id > 0);
    CHECK(waitpid(id, &status, __WALL) == id);
    before = counter;
    while (counter == before)
        pause_shortly();
    printf("%s: %x\n", how, (unsigned)status);
    fflush(stdout);
}

int main(void)
{
    pthread_t threads[MAIN];
    char byte = 1;
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGUSR1, &action, NULL);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    CHECK(pipe(tube) == 0);
    for (int n = 0; n < MAIN; n++)
        CHECK(pthread_create(&threads[n], NULL, thread, (void *)(intptr_t)n) == 0);
    ids[MAIN] = getpid();
    stacks[MAIN] = (uintptr_t)&byte;
    while (ready < MAIN || counter == 0)
        pause_shortly();
    for (int n = 0; n < 10; n++)
        child("look");
    child("leave");
    child("kill");
    child("look");
    CHECK(write(tube[1], &byte, 1) == 1);
    pthread_mutex_lock(&mutex);
    woken = 1;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
    enough = 1;
    for (int n = 0; n < MAIN; n++)
        pthread_join(threads[n], NULL);
    printf("slept: %d, handled: %d\n", slept, handled);
    return 0;
}
