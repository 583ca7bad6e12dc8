// Preloaded into every program of a userland: SIGALRM after random
// microseconds, again and again, for as long as the program lives. A program
// that handles SIGALRM itself gets the storm as SIGURG. The timers are POSIX
// timers, which neither fork nor exec passes on: each begins anew.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static timer_t timer;
static volatile int started, number = SIGALRM;
static uint32_t random_state;
static int (*next_sigaction)(int, const struct sigaction *, struct sigaction *);

static void arm(void)
{
    random_state = random_state * 1664525 + 1013904223;
    // From 40 microseconds to 4 milliseconds; seldom in between is what is even.
    struct itimerspec in = {.it_value.tv_nsec = 40000 + random_state % 4000000};
    timer_settime(timer, 0, &in, NULL);
}

static void strike(int signal)
{
    (void)signal;
    int saved = errno;
    arm();
    errno = saved;
}

static void begin(void)
{
    struct sigaction action = {.sa_handler = strike, .sa_flags = SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = number};
    random_state = (uint32_t)getpid() * 2654435761u ^ (uint32_t)time(NULL);
    next_sigaction(number, &action, NULL);
    started = timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
    if (started)
        arm();
}

__attribute__((constructor)) static void load(void)
{
    next_sigaction = (int (*)(int, const struct sigaction *, struct sigaction *))
        dlsym(RTLD_NEXT, "sigaction");
    begin();
    pthread_atfork(NULL, NULL, begin);
}

// The program takes SIGALRM for itself.
static void give_way(int signal)
{
    if (signal != SIGALRM || number != SIGALRM)
        return;
    if (started)
        timer_delete(timer);
    number = SIGURG;
    begin();
}

int sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
    if (!next_sigaction)
        load();
    // Shells look at all signals, and set back those that are as they were.
    if (action && action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN)
        give_way(signal);
    if (signal == number) {
        if (old)
            memset(old, 0, sizeof *old);
        return 0;
    }
    return next_sigaction(signal, action, old);
}

static void (*set(int number_, void (*handler)(int), int flags))(int)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags}, old;
    return sigaction(number_, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

void (*signal(int number_, void (*handler)(int)))(int)
{
    return set(number_, handler, SA_RESTART);
}

void (*__sysv_signal(int number_, void (*handler)(int)))(int)
{
    return set(number_, handler, SA_RESETHAND | SA_NODEFER);
}
