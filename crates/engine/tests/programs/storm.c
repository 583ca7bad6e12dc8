// Computes known answers while SIGALRM comes at random microseconds, and now and
// then one of the signals of faults, which it may block meanwhile: integers, flags, floating point, vectors, exclusives, string functions, system calls.
// Argument 1: how many seconds. Prints nothing but a line at the end, and how
// many signals there were on standard error.
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

typedef float four __attribute__((vector_size(16)));
typedef int places __attribute__((vector_size(16)));

static const int KEPT[] = {SIGTRAP, SIGBUS, SIGSEGV};
static volatile long signals, kept;
static volatile double spoilt;
static uint64_t seed = 88172645463325252u;

static void next(void)
{
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    struct itimerval timer = {{0, 0}, {0, 1 + (long)(seed % 300)}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

// One of those that the engine needs itself, for the process or a thread.
static void send_kept(void)
{
    int signal = KEPT[seed / 7 % 3];
    if (seed / 21 % 2)
        kill(getpid(), signal);
    else
        raise(signal);
}

// Spoils what a handler may: vectors, flags, errno, the monitor.
static void alarmed(int signal, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    int error = errno;
    volatile four a = {1, 2, 3, 4};
    for (int n = 0; n < 4; n++)
        a = a * 1.5f + 2.0f;
    spoilt = sqrt(a[0]) / 3;
    __atomic_fetch_add(&signals, 1, __ATOMIC_SEQ_CST);
    if (signal != SIGALRM)
        __atomic_fetch_add(&kept, 1, __ATOMIC_SEQ_CST);
    else {
        next();
        if (seed % 4 == 0)
            send_kept();
    }
    errno = error;
}

static uint64_t __attribute__((noinline)) integers(void)
{
    uint64_t x = 1, sum = 0;
    for (int n = 0; n < 20000; n++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        sum += (x >> 33) % 1000 < 500 ? x >> 40 : (x & 0xff) * 3;
        sum = sum << 7 | sum >> 57;
        if ((int64_t)x < (int64_t)sum)
            sum ^= x;
#ifdef __SIZEOF_INT128__
        unsigned __int128 wide = (unsigned __int128)x * sum + n;
        sum += (uint64_t)(wide >> 64);
#else
        sum += (x >> 32) * (sum >> 32);
#endif
    }
    return sum;
}

static double __attribute__((noinline)) numbers(void)
{
    double x = 0.5, sum = 0;
    for (int n = 1; n < 5000; n++) {
        x = 3.9 * x * (1 - x);
        sum += sqrt(x) / n;
        sum += (float)x * 0.25f;
    }
    return sum;
}

static float __attribute__((noinline)) vectors(void)
{
    four a = {1, 2, 3, 4}, b = {0.5, 0.25, 0.125, 0.0625}, sum = {0};
    for (int n = 0; n < 5000; n++) {
        a = a * 0.999f + b;
        b = __builtin_shuffle(b, (places){1, 2, 3, 0});
        sum += a - b * 2.0f;
    }
    return sum[0] + sum[1] + sum[2] + sum[3];
}

static uint64_t __attribute__((noinline)) strings(void)
{
    char from[5000] = {0}, to[5000] = {0};
    uint64_t hash = 0;
    for (int n = 0; n < 30; n++) {
        memset(from, 'a' + n % 26, sizeof from - 1);
        from[4000 + n] = 0;
        memcpy(to, from, sizeof to);
        memmove(to + 1, to, 3000);
        hash = hash * 31 + strlen(to) + (unsigned)(strcmp(from, to) > 0);
        hash += (uint64_t)(memchr(to, 0, sizeof to) - (void *)to);
    }
    return hash;
}

static int lock;
static uint64_t __attribute__((noinline)) exclusives(void)
{
    static uint64_t total;
    uint64_t before = total;
    for (int n = 0; n < 3000; n++) {
        int free = 0;
        while (!__atomic_compare_exchange_n(&lock, &free, 1, 1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            free = 0;
        __atomic_fetch_add(&total, 2, __ATOMIC_RELAXED);
        __atomic_fetch_xor(&total, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
    }
    return total - before;
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static uint64_t __attribute__((noinline)) sorting(void)
{
    int all[400];
    unsigned x = 1;
    for (int n = 0; n < 400; n++)
        all[n] = (int)(x = x * 1103515245 + 12345) >> 8;
    qsort(all, 400, sizeof *all, compare);
    uint64_t hash = 0;
    for (int n = 0; n < 400; n++)
        hash = hash * 31 + (unsigned)all[n];
    return hash;
}

static uint64_t __attribute__((noinline)) calls(void)
{
    uint64_t sum = 0;
    sigset_t set, before;
    sigfillset(&set);
    for (int n = 0; n < 20; n++) {
        assert(pthread_sigmask(SIG_BLOCK, &set, &before) == 0);
        char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert(page != MAP_FAILED);
        page[5000] = (char)n;
        mprotect(page, 4096, PROT_READ);
        sum += (uint64_t)page[5000];
        assert(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
        assert(munmap(page, 8192) == 0);
        int pipes[2];
        char text[10];
        assert(pipe(pipes) == 0 && write(pipes[1], "storm", 5) == 5);
        ssize_t got;
        while ((got = read(pipes[0], text, 5)) == -1)
            assert(errno == EINTR);
        sum += (uint64_t)got;
        close(pipes[0]), close(pipes[1]);
        struct timespec time = {0, 10};
        int slept = nanosleep(&time, &time);
        assert(slept == 0 || errno == EINTR);
    }
    return sum;
}

static double ended;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void *work(void *argument)
{
    uint64_t i = integers(), s = strings(), q = sorting(), c = calls();
    double d = numbers();
    float v = vectors();
    while (now() < ended) {
        assert(integers() == i);
        assert(numbers() == d);
        assert(vectors() == v);
        assert(strings() == s);
        assert(argument || exclusives() == 6000);
        assert(sorting() == q);
        assert(calls() == c);
    }
    return argument;
}

int main(int count, char **arguments)
{
    ended = now() + (count > 1 ? atof(arguments[1]) : 1);
    struct sigaction action = {.sa_sigaction = alarmed, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    for (int n = 0; n < 3; n++)
        sigaction(KEPT[n], &action, NULL);
    next();
    work(NULL);
    // The same with threads, of which any may get the signal.
    ended = now() + (count > 1 ? atof(arguments[1]) : 1);
    pthread_t threads[3];
    for (int n = 0; n < 3; n++)
        pthread_create(&threads[n], NULL, work, arguments);
    for (int n = 0; n < 3; n++)
        pthread_join(threads[n], NULL);
    signal(SIGALRM, SIG_IGN);
    fprintf(stderr, "%ld signals\n", signals);
    assert(signals > 100 && kept > 10);
    puts("weathered");
    return 0;
}
