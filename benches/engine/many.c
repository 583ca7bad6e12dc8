/* Runs a command many times, as shells do: `many TIMES COMMAND ARGUMENT...` */
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char **environ;

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    for (int times = atoi(argv[1]); times > 0; times--) {
        pid_t child;
        int status;
        if (posix_spawn(&child, argv[2], NULL, NULL, argv + 2, environ) != 0)
            return 1;
        if (waitpid(child, &status, 0) != child || status != 0)
            return 1;
    }
    return 0;
}
