// Threads: prints the same on every machine.
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long count;
static int turn;
static __thread long own = 5;

static void *counting(void *argument)
{
    for (int n = 0; n < 20000; n++) {
        own++;
        pthread_mutex_lock(&mutex);
        count += (long)argument;
        pthread_mutex_unlock(&mutex);
    }
    return (void *)own;
}

static void mutexes(void)
{
    pthread_t threads[8];
    long sum = 0;
    for (long n = 0; n < 8; n++)
        assert(pthread_create(&threads[n], NULL, counting, (void *)(n + 1)) == 0);
    for (int n = 0; n < 8; n++) {
        void *result;
        assert(pthread_join(threads[n], &result) == 0);
        sum += (long)result;
    }
    printf("mutexes: %ld %ld %ld\n", count, sum, own);
}

static void *player(void *argument)
{
    int me = (int)(long)argument;
    for (int n = 0; n < 3000; n++) {
        pthread_mutex_lock(&mutex);
        while (turn != me)
            pthread_cond_wait(&changed, &mutex);
        turn = !me;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void conditions(void)
{
    pthread_t threads[2];
    for (long n = 0; n < 2; n++)
        pthread_create(&threads[n], NULL, player, (void *)n);
    for (int n = 0; n < 2; n++)
        pthread_join(threads[n], NULL);
    printf("conditions: %d\n", turn);
}

static void *same(void *argument)
{
    return argument;
}

static void many(void)
{
    long sum = 0;
    for (long n = 0; n < 2000; n++) {
        pthread_t thread;
        void *result;
        assert(pthread_create(&thread, NULL, same, (void *)n) == 0);
        pthread_join(thread, &result);
        sum += (long)result;
    }
    pthread_t at_once[100];
    for (long n = 0; n < 100; n++)
        assert(pthread_create(&at_once[n], NULL, same, (void *)n) == 0);
    for (long n = 0; n < 100; n++) {
        void *result;
        pthread_join(at_once[n], &result);
        sum += (long)result;
    }
    printf("many: %ld\n", sum);
}

static _Atomic uint64_t shared;
static uint64_t plain;

static void *adding(void *argument)
{
    for (int n = 0; n < 100000; n++) {
        atomic_fetch_add(&shared, 3);
        uint64_t old = __atomic_load_n(&plain, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(&plain, &old, old * 3 % 1000003 + 1, 1,
                                            __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            ;
    }
    return argument;
}

static void atomics(void)
{
    pthread_t threads[4];
    for (int n = 0; n < 4; n++)
        pthread_create(&threads[n], NULL, adding, NULL);
    for (int n = 0; n < 4; n++)
        pthread_join(threads[n], NULL);
    uint64_t expected = 0;
    for (int n = 0; n < 400000; n++)
        expected = expected * 3 % 1000003 + 1;
    printf("atomics: %lu %d\n", (unsigned long)shared, plain == expected);
}

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int destroyed, made;

static void destroy(void *value)
{
    pthread_mutex_lock(&mutex);
    destroyed += (int)(long)value;
    pthread_mutex_unlock(&mutex);
}

static void make(void)
{
    made++;
    pthread_key_create(&key, destroy);
}

static void *with_key(void *argument)
{
    pthread_once(&once, make);
    pthread_setspecific(key, argument);
    pthread_exit(NULL);
}

static void keys(void)
{
    pthread_t threads[10];
    for (long n = 0; n < 10; n++)
        pthread_create(&threads[n], NULL, with_key, (void *)(n + 1));
    for (int n = 0; n < 10; n++)
        pthread_join(threads[n], NULL);
    printf("keys: %d %d\n", made, destroyed);
}

static pthread_mutex_t *robust;

static void *dies_with_it(void *unused)
{
    pthread_mutex_lock(robust);
    return unused;
}

static void robust_list(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    robust = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutex_init(robust, &attributes);
    pthread_t thread;
    pthread_create(&thread, NULL, dies_with_it, NULL);
    pthread_join(thread, NULL);
    assert(pthread_mutex_lock(robust) == EOWNERDEAD);
    pthread_mutex_consistent(robust);
    pthread_mutex_unlock(robust);
    // And a process that is killed with it.
    pid_t child = fork();
    if (child == 0) {
        pthread_mutex_lock(robust);
        kill(getpid(), 9);
    }
    waitpid(child, NULL, 0);
    assert(pthread_mutex_lock(robust) == EOWNERDEAD);
    puts("robust list");
}

// fork while other threads run, lock and translate.
static volatile int stop;

static void *busy(void *argument)
{
    char text[100];
    unsigned long n = 0;
    while (!stop) {
        snprintf(text, sizeof text, "%lu %g", n, n * 0.5);
        free(malloc(n++ % 1000));
    }
    return argument;
}

static void forks(void)
{
    pthread_t threads[3];
    for (int n = 0; n < 3; n++)
        pthread_create(&threads[n], NULL, busy, NULL);
    int good = 0;
    for (int n = 0; n < 50; n++) {
        pid_t child = fork();
        if (child == 0) {
            char text[20];
            pthread_t thread;
            void *result = NULL;
            snprintf(text, sizeof text, "%d", n);
            if (pthread_create(&thread, NULL, same, (void *)7L) == 0)
                pthread_join(thread, &result);
            _exit(atoi(text) == n && result == (void *)7L ? 11 : 12);
        }
        int status;
        assert(waitpid(child, &status, 0) == child);
        good += WIFEXITED(status) && WEXITSTATUS(status) == 11;
    }
    stop = 1;
    for (int n = 0; n < 3; n++)
        pthread_join(threads[n], NULL);
    printf("forks: %d\n", good);
}

// Code that is rewritten while other threads run other code, and call it.
typedef long (*function)(long);
static _Atomic(function) current;
static _Atomic long generation;
static long wrong;

static void write_code(unsigned char *at, long value)
{
#ifdef __aarch64__
    unsigned code[] = {0xd2800001 | (unsigned)value << 5, 0x8b010000, 0xd65f03c0};
#elif defined(__arm__)
    // movw r1, #value; add r0, r0, r1; bx lr
    unsigned constant = (unsigned)value;
    unsigned code[] = {0xe3001000 | (constant & 0xf000) << 4 | (constant & 0xfff), 0xe0800001, 0xe12fff1e};
#elif defined(__x86_64__)
    unsigned char code[] = {0x48, 0x8d, 0x87, 0, 0, 0, 0, 0xc3};
    int constant = (int)value;
    memcpy(code + 3, &constant, 4);
#else
#error "no code of this machine"
#endif
    memcpy(at, code, sizeof code);
    __builtin___clear_cache((char *)at, (char *)at + sizeof code);
}

static void *calling(void *argument)
{
    while (!stop) {
        long before = generation;
        long got = current(1000);
        long after = generation;
        if (got < 1000 + before || got > 1000 + after + 1)
            wrong++;
    }
    return argument;
}

static void rewriting(void)
{
    unsigned char *pages = mmap(NULL, 16384, PROT_READ | PROT_WRITE | PROT_EXEC,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stop = 0;
    write_code(pages, 0);
    current = (function)pages;
    pthread_t threads[3];
    for (int n = 0; n < 3; n++)
        pthread_create(&threads[n], NULL, calling, NULL);
    for (long n = 1; n < 1000; n++) {
        // Four places in turn, so that nobody is in the one that changes for
        // long.
        unsigned char *at = pages + n % 4 * 4096;
        write_code(at, n);
        current = (function)at;
        generation = n;
        if (n % 100 == 0)
            sched_yield();
    }
    stop = 1;
    for (int n = 0; n < 3; n++)
        pthread_join(threads[n], NULL);
    assert(wrong == 0 && current(1) == 1000);
    puts("rewriting");
}

static void *last(void *unused)
{
    usleep(20000);
    puts("the last thread");
    exit(17);
    return unused;
}

// Barriers by the kernel, which refuses what is not registered for.
static void barriers(void)
{
    long private = 1 << 3, enlist = 1 << 4;
    long known = syscall(SYS_membarrier, 0, 0, 0);
    printf("barriers: %d", known > 0 && (known & private) && (known & enlist));
    printf(" %d", syscall(SYS_membarrier, private, 0, 0) == -1 && errno == EPERM);
    printf(" %ld", syscall(SYS_membarrier, enlist, 0, 0));
    printf(" %ld\n", syscall(SYS_membarrier, private, 0, 0));
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    mutexes();
    conditions();
    many();
    atomics();
    keys();
    robust_list();
    forks();
    barriers();
    rewriting();
    pthread_t thread;
    pthread_create(&thread, NULL, last, NULL);
    // Threads go on when the first one has ended.
    pthread_exit(NULL);
}
