/* What threads, processes and system calls cost: made and waited for, called
 * often. */
#define _GNU_SOURCE
#include "kernels.h"

#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t forks(unsigned rounds)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < rounds; i++) {
        int status = -1;
        pid_t child = fork();
        if (child == 0)
            _exit((int)(i & 63));
        waitpid(child, &status, 0);
        sum = mix(sum, (uint64_t)WEXITSTATUS(status));
    }
    return sum;
}

static void *half(void *value)
{
    return (void *)((uintptr_t)value / 2);
}

static uint64_t threads(unsigned rounds)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < rounds; i++) {
        pthread_t thread;
        void *result = NULL;
        pthread_create(&thread, NULL, half, (void *)(uintptr_t)i);
        pthread_join(thread, &result);
        sum = mix(sum, (uintptr_t)result);
    }
    return sum;
}

static uint64_t calls(unsigned rounds)
{
    pid_t parent = getppid();
    uint64_t sum = 0;
    for (unsigned i = 0; i < rounds; i++)
        sum += getppid() == parent;
    return sum;
}

static uint64_t clocks(unsigned rounds)
{
    struct timespec last = {0, 0}, now;
    uint64_t sum = 0;
    for (unsigned i = 0; i < rounds; i++) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        sum += now.tv_sec > last.tv_sec || (now.tv_sec == last.tv_sec && now.tv_nsec >= last.tv_nsec);
        last = now;
    }
    return sum;
}

KERNELS({"forks", forks, 1000}, {"threads", threads, 5000}, {"calls", calls, 1000000},
        {"clocks", clocks, 3000000})
