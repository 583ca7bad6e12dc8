// New descriptors, made in several ways until there are none left: each has the
// lowest number that is free.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int by_dup(int *made) { return made[0] = dup(1), 1; }
static int by_open(int *made) { return made[0] = open("/", O_RDONLY), 1; }
static int by_epoll(int *made) { return made[0] = epoll_create1(0), 1; }
static int by_pipe(int *made) { return pipe(made) == 0 ? 2 : 0; }
static int by_pair(int *made) { return socketpair(AF_UNIX, SOCK_STREAM, 0, made) == 0 ? 2 : 0; }

static const struct { const char *name; int (*make)(int *); } WAYS[] = {
    { "dup", by_dup }, { "open", by_open }, { "epoll", by_epoll }, { "pipe", by_pipe }, { "pair", by_pair },
};

int main(void) {
    struct rlimit limit;
    setbuf(stdout, NULL);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1;
    closefrom(3);
    for (unsigned way = 0; way < sizeof WAYS / sizeof WAYS[0]; way++) {
        // The child has a table of its own.
        if (fork() == 0) {
            int next = 3, wrong = -1, made[2];
            for (;;) {
                int count = WAYS[way].make(made);
                if (count == 0 || made[0] < 0)
                    break;
                for (int n = 0; n < count; n++, next++)
                    if (wrong < 0 && made[n] != next)
                        wrong = next;
            }
            printf("%s: %d of %d, %s, ", WAYS[way].name, next - 3, (int)limit.rlim_cur, strerrorname_np(errno));
            if (wrong < 0)
                printf("none wrong\n");
            else
                printf("wrong from %d on\n", wrong);
            _exit(0);
        }
        wait(NULL);
    }
    return 0;
}
