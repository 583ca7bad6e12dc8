// SIGSEGV, SIGBUS and SIGTRAP, sent by several at once to threads that take them
// in all ways: each comes once, and none is lost. Argument 1: how many of each.
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const int KEPT[] = {SIGTRAP, SIGBUS, SIGSEGV};
static _Atomic long got[65], wrong;
static _Atomic int stop;
static sigset_t all;
static int descriptor;
static long rounds = 1000;

static void nap(long nanoseconds)
{
    struct timespec time = {0, nanoseconds};
    nanosleep(&time, NULL);
}

static void handle(int signal, siginfo_t *info, void *context)
{
    (void)context;
    if (info->si_code > 0)
        wrong++;
    got[signal]++;
}

static void *waits(void *argument)
{
    while (!stop) {
        struct timespec time = {0, 20000000};
        siginfo_t info;
        int signal = sigtimedwait(&all, &info, &time);
        if (signal > 0)
            got[signal]++;
    }
    return argument;
}

static void count(const struct signalfd_siginfo *info, ssize_t length)
{
    for (ssize_t n = 0; n < length / (ssize_t)sizeof *info; n++) {
        if (info[n].ssi_code > 0 || info[n].ssi_code < -6)
            wrong++;
        got[info[n].ssi_signo]++;
    }
}

static void *polls(void *argument)
{
    while (!stop) {
        struct pollfd poll_set = {descriptor, POLLIN, 0};
        if (poll(&poll_set, 1, 20) == 1) {
            struct signalfd_siginfo info[3];
            count(info, read(descriptor, info, sizeof info));
        }
    }
    return argument;
}

static void *epolls(void *argument)
{
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
    while (!stop)
        if (epoll_wait(epoll, &event, 1, 20) == 1) {
            struct signalfd_siginfo info[1];
            count(info, read(descriptor, info, sizeof info));
        }
    return argument;
}

// Reads until SIGUSR1 is read.
static void *reads(void *argument)
{
    sigset_t set = all;
    sigaddset(&set, SIGUSR1);
    int own = signalfd(-1, &set, 0);
    while (!stop) {
        struct signalfd_siginfo info;
        ssize_t length = read(own, &info, sizeof info);
        if (length > 0 && info.ssi_signo != SIGUSR1)
            count(&info, length);
    }
    close(own);
    return argument;
}

static void *suspends(void *argument)
{
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    for (int n = 0; n < 3; n++)
        sigdelset(&set, KEPT[n]);
    sigdelset(&set, SIGUSR1);
    while (!stop)
        sigsuspend(&set);
    return argument;
}

static void *flips(void *argument)
{
    while (!stop) {
        pthread_sigmask(SIG_UNBLOCK, &all, NULL);
        for (int n = 0; n < 300; n++)
            __asm__ volatile("");
        pthread_sigmask(SIG_BLOCK, &all, NULL);
        for (int n = 0; n < 300; n++)
            __asm__ volatile("");
    }
    return argument;
}

static void *runs(void *argument)
{
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
    while (!stop)
        __asm__ volatile("");
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    return argument;
}

static void *idles(void *argument)
{
    while (!stop)
        nap(100000);
    return argument;
}

// Another process sends what it reads.
static int orders[2];
static pid_t helper;

static void helps(void)
{
    close(orders[1]);
    char signal;
    while (read(orders[0], &signal, 1) == 1)
        kill(getppid(), signal);
    _exit(0);
}

struct sender {
    int signal, how;
};

static void *sends(void *argument)
{
    const struct sender *self = argument;
    union sigval value = {.sival_int = 1};
    for (long n = 0; n < rounds; n++) {
        long before = got[self->signal];
        char signal = (char)self->signal;
        switch (self->how ? self->how : (int)(n % 2) + 1) {
        case 1:
            kill(getpid(), signal);
            break;
        case 2:
            sigqueue(getpid(), signal, value);
            break;
        default:
            assert(write(orders[1], &signal, 1) == 1);
        }
        time_t begin = time(NULL);
        while (got[self->signal] == before) {
            sched_yield();
            if (time(NULL) - begin > 20) {
                printf("signal %d was lost in round %ld\n", self->signal, n);
                fflush(stdout);
                _exit(1);
            }
        }
    }
    return NULL;
}

static void *(*const WAYS[])(void *) = {waits, polls, epolls, reads, suspends, flips, runs, idles};
static const char *const NAMES[] = {"waits", "polls",    "epolls", "reads",
                                    "suspends", "flips", "runs",   "idles"};

// Those threads take what the senders send.
static void race(const int *ways, int how)
{
    pthread_t threads[8], senders[3];
    struct sender what[3];
    int number = 0;
    stop = 0;
    wrong = 0;
    memset((void *)got, 0, sizeof got);
    for (; ways[number] >= 0; number++)
        pthread_create(&threads[number], NULL, WAYS[ways[number]], NULL);
    for (int n = 0; n < 3; n++) {
        what[n] = (struct sender){KEPT[n], how};
        pthread_create(&senders[n], NULL, sends, &what[n]);
    }
    for (int n = 0; n < 3; n++)
        pthread_join(senders[n], NULL);
    nap(1000000);
    stop = 1;
    for (int n = 0; n < number; n++) {
        pthread_kill(threads[n], SIGUSR1);
        pthread_join(threads[n], NULL);
    }
    for (int n = 0; n < number; n++)
        printf("%s ", NAMES[ways[n]]);
    sigset_t left;
    sigpending(&left);
    int waiting = 0;
    for (int n = 0; n < 3; n++)
        waiting += sigismember(&left, KEPT[n]);
    printf("%d: %d %d %d, wrong %ld, left %d\n", how, got[SIGTRAP] == rounds, got[SIGBUS] == rounds,
           got[SIGSEGV] == rounds, wrong, waiting);
    for (int n = 0; n < 3; n++)
        if (got[KEPT[n]] != rounds)
            printf("%d: %ld\n", KEPT[n], got[KEPT[n]]);
    fflush(stdout);
}

static void nothing(int signal)
{
    (void)signal;
}

int main(int count, char **arguments)
{
    if (count > 1)
        rounds = atol(arguments[1]);
    sigemptyset(&all);
    for (int n = 0; n < 3; n++) {
        sigaddset(&all, KEPT[n]);
        struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | (n ? SA_RESTART : 0)};
        sigaction(KEPT[n], &action, NULL);
    }
    signal(SIGUSR1, nothing);
    sigset_t blocked = all;
    sigaddset(&blocked, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    descriptor = signalfd(-1, &all, SFD_NONBLOCK);
    assert(pipe(orders) == 0);
    if ((helper = fork()) == 0)
        helps();
    static const int RACES[][9] = {
        {0, -1},       {0, 0, 0, -1},    {1, -1},          {1, 1, 1, -1}, {2, 2, -1},
        {3, -1},       {3, 3, 3, -1},    {4, -1},          {4, 4, 4, -1}, {5, -1},
        {5, 5, -1},    {6, -1},          {6, 6, -1},       {0, 7, 7, -1}, {3, 7, 7, -1},
        {0, 1, 2, -1}, {0, 3, 4, 5, -1}, {0, 1, 2, 3, 4, 5, 6, 7, -1},
        {0, 5, -1},    {3, 5, 5, -1},    {1, 5, -1},       {2, 4, 5, -1},
    };
    for (unsigned n = 0; n < sizeof RACES / sizeof *RACES; n++) {
        race(RACES[n], 0);
        race(RACES[n], 3);
    }
    close(orders[1]);
    waitpid(helper, NULL, 0);
    return 0;
}
