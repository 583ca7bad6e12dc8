// One thread waits in calls that a signal ends, while others make processes that end at once, all
// on one processor: nothing handles SIGCHLD, so no wait ends early.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAKERS = 8 };

static atomic_int done;

static void *makes(void *children)
{
    for (int left = *(int *)children; left > 0; left--) {
        pid_t child = left % 2 ? fork() : vfork();
        if (child == 0)
            _exit(0);
        waitpid(child, NULL, 0);
    }
    done++;
    return NULL;
}

int main(int count, char **arguments)
{
    int children = atoi(arguments[count - 1]);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);
    pthread_t makers[MAKERS];
    for (int n = 0; n < MAKERS; n++)
        pthread_create(&makers[n], NULL, makes, &children);
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGUSR1);
    int epoll = epoll_create1(0);
    int early = 0;
    for (int round = 0; done < MAKERS; round++) {
        struct epoll_event event;
        struct timespec time = {0, 50 * 1000000L};
        int result = round % 2 ? epoll_wait(epoll, &event, 1, 50)
                               : sigtimedwait(&wanted, NULL, &time);
        early += result < 0 && errno == EINTR;
    }
    for (int n = 0; n < MAKERS; n++)
        pthread_join(makers[n], NULL);
    printf("ended early: %d\n", early);
    return 0;
}
