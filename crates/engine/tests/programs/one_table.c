// Children that share the table of descriptors but no memory: what the parent opens meanwhile
// has the lowest number that is free, always the same.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 100 };

// What the engine opens is seen there, or takes the number of what is opened.
static int opened(void)
{
    int descriptor = open("/dev/null", O_RDONLY);
    if (descriptor >= 0 && close(descriptor) != 0)
        return -1;
    return descriptor;
}

int main(void)
{
    int first = opened();
    for (int n = 0; n < CHILDREN; n++) {
        long child = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
        if (child < 0) {
            perror("clone");
            return 1;
        }
        if (child == 0) {
            // One that copies it has one of its own again.
            pid_t grandchild = fork();
            if (grandchild == 0)
                _exit(0);
            int status;
            _exit(waitpid(grandchild, &status, 0) != grandchild || status != 0);
        }
        int status;
        while (waitpid(child, &status, WNOHANG) == 0) {
            int descriptor = opened();
            if (descriptor != first) {
                printf("child %d: %d instead of %d\n", n, descriptor, first);
                return 1;
            }
        }
        if (status != 0) {
            printf("child %d: %x\n", n, status);
            return 1;
        }
    }
    puts("done");
}
