// Ends with a core file, in the working directory: prints how on every machine.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int *nowhere;

static void *aborts(void *unused)
{
    abort();
    return unused;
}

static void run(const char *what, rlim_t limit, int how)
{
    pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        setrlimit(RLIMIT_CORE, &(struct rlimit){limit, limit});
        if (how == 0)
            abort();
        if (how == 1)
            *nowhere = 1;
        if (how == 2)
            raise(SIGQUIT);
        if (how == 3)
            raise(SIGTERM);
        if (how == 4)
            pthread_create(&thread, NULL, aborts, NULL), pause();
        if (how == 5)
            prctl(PR_SET_DUMPABLE, 0), abort();
        __builtin_trap();
    }
    int status;
    waitpid(child, &status, 0);
    printf("%s: core %d, ended by a signal %d\n", what, WCOREDUMP(status) != 0,
           WIFSIGNALED(status));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    static const char *const names[] = {"abort", "nowhere", "quit", "term", "thread", "not dumpable",
                                        "trap"};
    for (int how = 0; how < 7; how++) {
        run(names[how], 0, how);
        run(names[how], RLIM_INFINITY, how);
    }
    return 0;
}
