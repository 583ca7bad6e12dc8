// Ends in the way that its argument names.
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv) {
    (void)argc;
    const char *way = argv[1];
    printf("before\n");
    fflush(stdout);
    if (!strcmp(way, "abort"))
        abort();
    if (!strcmp(way, "read"))
        return *(volatile int *)16;
    if (!strcmp(way, "write"))
        *(volatile char *)way = *(volatile char *)main, *(volatile int *)main = 0;
    if (!strcmp(way, "jump"))
        ((void (*)(void))(uintptr_t)64)();
    if (!strcmp(way, "data")) {
        static uint32_t ret = 0xd65f03c0;
        ((void (*)(void))&ret)();
    }
    if (!strcmp(way, "odd"))
        ((void (*)(void))((uintptr_t)main + 2))();
    if (!strcmp(way, "undefined"))
        __asm__ volatile("udf #0");
    if (!strcmp(way, "breakpoint"))
        __asm__ volatile("brk #1");
    if (!strcmp(way, "truncated")) {
        FILE *file = tmpfile();
        volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(file), 0);
        return page[0];
    }
    if (!strcmp(way, "kill"))
        kill(getpid(), SIGTERM);
    if (!strcmp(way, "segv-sent"))
        raise(SIGSEGV);
    if (!strcmp(way, "ignored")) {
        signal(SIGSEGV, SIG_IGN);
        signal(SIGTERM, SIG_IGN);
        raise(SIGSEGV);
        raise(SIGTERM);
        return 7;
    }
    if (!strcmp(way, "blocked")) {
        sigset_t all, seen;
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, NULL);
        sigprocmask(SIG_SETMASK, NULL, &seen);
        raise(SIGTERM);
        return sigismember(&seen, SIGSEGV) && sigismember(&seen, SIGTERM) && !sigismember(&seen, SIGKILL) ? 8 : 9;
    }
    if (!strcmp(way, "code"))
        exit(300);
    return 0;
}
