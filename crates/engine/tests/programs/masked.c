// Calls that wait with a set of signals of their own: a blocked signal that they let through
// ends them, and its handler runs once.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

// The one with the width of `struct timespec`.
#if defined SYS_io_pgetevents_time64 && _TIME_BITS == 64
#define PGETEVENTS SYS_io_pgetevents_time64
#else
#define PGETEVENTS SYS_io_pgetevents
#endif

static volatile int handled;

static void handler(int signal) { handled++; }

static void say(const char *name, long result) {
    printf("%s: %ld %s, handled %d\n", name, result, result < 0 ? strerrorname_np(errno) : "", handled);
}

// Events of asynchronous reads and writes, of which there are none.
static void events(int signal, const sigset_t *none, const sigset_t *full) {
    struct {
        const sigset_t *set;
        size_t size;
    } given = {none, 8};
    struct timespec second = {1, 0}, short_time = {0, 1000000};
    struct io_event event;
    aio_context_t context = 0;
    syscall(SYS_io_setup, 1L, &context);
    kill(getpid(), signal);
    say("io_pgetevents", syscall(PGETEVENTS, context, 1L, 1L, &event, &second, &given));
    kill(getpid(), signal);
    given.set = full;
    say("io_pgetevents, all blocked", syscall(PGETEVENTS, context, 1L, 1L, &event, &short_time, &given));
    given.size = 3;
    say("io_pgetevents, size", syscall(PGETEVENTS, context, 1L, 1L, &event, &short_time, &given));
    given.set = NULL;
    say("io_pgetevents, no set", syscall(PGETEVENTS, context, 1L, 1L, &event, &short_time, &given));
    say("io_pgetevents, nothing", syscall(PGETEVENTS, context, 1L, 1L, &event, &short_time, NULL));
    syscall(SYS_io_destroy, context);
}

static void each(int signal) {
    struct sigaction action = {.sa_handler = handler};
    struct timespec second = {1, 0};
    struct epoll_event event;
    sigset_t set, none, full;
    int epoll = epoll_create1(0);
    printf("signal %d\n", signal);
    sigemptyset(&none), sigemptyset(&set), sigaddset(&set, signal), sigfillset(&full);
    sigaction(signal, &action, NULL);
    sigprocmask(SIG_BLOCK, &set, NULL);
    handled = 0;
    kill(getpid(), signal);
    say("ppoll", ppoll(NULL, 0, &second, &none));
    kill(getpid(), signal);
    say("pselect", pselect(0, NULL, NULL, NULL, &second, &none));
    kill(getpid(), signal);
    say("epoll_pwait", epoll_pwait(epoll, &event, 1, 1000, &none));
    kill(getpid(), signal);
    say("epoll_pwait2", epoll_pwait2(epoll, &event, 1, &second, &none));
    kill(getpid(), signal);
    say("sigsuspend", sigsuspend(&none));
    // What is blocked by the call's set, too, waits.
    struct timespec short_time = {0, 1000000};
    kill(getpid(), signal);
    say("ppoll, all blocked", ppoll(NULL, 0, &short_time, &full));
    say("epoll_pwait, all blocked", epoll_pwait(epoll, &event, 1, 1, &full));
    events(signal, &none, &full);
    // A set of another size.
    say("ppoll, size", syscall(SYS_ppoll, NULL, 0L, NULL, &none, 3L));
    say("epoll_pwait, size", syscall(SYS_epoll_pwait, epoll, &event, 1L, 1L, &none, 3L));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    say("in the end", 0);
    close(epoll);
}

int main(void) {
    each(SIGUSR1);
    each(SIGSEGV);
    each(SIGTRAP);
    return 0;
}
