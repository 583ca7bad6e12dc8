// A blocked signal is sent to a process whose first thread waits for another one, while a second
// thread is there that the kernel may give it to: the wait goes on to its end.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 150 };

static void rest(long milliseconds)
{
    struct timespec time = {0, milliseconds * 1000000L};
    while (nanosleep(&time, &time) != 0)
        ;
}

static void *sends(void *unused)
{
    (void)unused;
    rest(8);
    pid_t child = fork();
    if (child == 0) {
        kill(getppid(), SIGBUS);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    return NULL;
}

int main(void)
{
    sigset_t blocked, wanted, sent;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGBUS);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGUSR1);
    sigemptyset(&sent);
    sigaddset(&sent, SIGBUS);
    int epoll = epoll_create1(0);
    int waits = 0, polls = 0, taken = 0;
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t other;
        pthread_create(&other, NULL, sends, NULL);
        struct timespec time = {0, 25 * 1000000L};
        if (round % 2) {
            struct epoll_event event;
            polls += epoll_wait(epoll, &event, 1, 25) == 0;
        } else {
            waits += sigtimedwait(&wanted, NULL, &time) < 0 && errno == EAGAIN;
        }
        pthread_join(other, NULL);
        struct timespec none = {0, 0};
        taken += sigtimedwait(&sent, NULL, &none) == SIGBUS;
    }
    printf("waited %d, polled %d, taken %d\n", waits, polls, taken);
    return 0;
}
