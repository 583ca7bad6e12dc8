// What a set-user-ID program sees of who called it.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int argc, char **argv) {
    printf("secure %lu, uid %d %d, aux %lu %lu, dumpable %d\n", getauxval(AT_SECURE), getuid(),
           geteuid(), getauxval(AT_UID), getauxval(AT_EUID), prctl(PR_GET_DUMPABLE));
    for (int n = 0; n < argc; n++)
        printf("<%s>\n", argv[n]);
    for (char **variable = environ; *variable; variable++)
        printf("%s\n", *variable);
    struct rlimit stack;
    getrlimit(RLIMIT_STACK, &stack);
    printf("stack %lu\n", (unsigned long)stack.rlim_cur);
    for (int fd = 3; fd < 100; fd++)
        if (fcntl(fd, F_GETFD) != -1)
            printf("open: %d\n", fd);
    if (argc > 1 && !strcmp(argv[1], "wait")) {
        fflush(stdout);
        getchar();
    }
    return 0;
}
