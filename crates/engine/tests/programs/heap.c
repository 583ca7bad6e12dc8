// The heap's end: what moves it, and what does not.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096l

static char *base;

// Sets the end, and says where it is then, both from where it was first.
static long at(long offset) { return syscall(SYS_brk, base + offset) - (long)base; }

// One after the other.
#define SAY(x) printf(" %ld", (long)(x))
#define LINE(what) printf("\n%s:", what)

static void limit(int what, long soft)
{
    struct rlimit limits;
    getrlimit(what, &limits);
    limits.rlim_cur = soft;
    if (setrlimit(what, &limits))
        perror("setrlimit");
}

static void *map(long offset)
{
    return mmap(base + offset, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

static void moves(void)
{
    LINE("up");
    SAY(at(1)), SAY(at(PAGE)), SAY(at(PAGE + 1)), SAY(at(10 * PAGE));
    base[10 * PAGE - 1] = base[0] = 7;
    LINE("down");
    SAY(at(PAGE + 1)), SAY(at(10 * PAGE));
    LINE("zero again, kept, below");
    SAY(base[10 * PAGE - 1]), SAY(base[0]), SAY(at(-(1l << 30)));
    LINE("far");
    SAY(at((1l << 47) - PAGE - (long)base)), SAY(at((1l << 47) - (long)base));
    SAY(at(-1 - (long)base)), SAY(at(-PAGE - (long)base)), SAY(at(1l << 62));
    LINE("same page");
    SAY(at(10 * PAGE - 1)), SAY(at(9 * PAGE + 1));
    at(0);
}

// A mapping above, with a page between or none.
static void in_the_way(void)
{
    void *way = map(20 * PAGE);
    LINE("at it, before it, over it");
    SAY(at(20 * PAGE)), SAY(at(19 * PAGE)), SAY(at(21 * PAGE));
    LINE("within");
    SAY(at(18 * PAGE + 1)), SAY(at(19 * PAGE + 1)), SAY(at(18 * PAGE));
    munmap(way, PAGE);
    LINE("free");
    SAY(at(21 * PAGE));
    munmap(base + 3 * PAGE, PAGE);
    LINE("with a hole");
    SAY(at(2 * PAGE)), SAY(at(5 * PAGE));
    at(0);
}

static void data(void)
{
    at(4 * PAGE);
    limit(RLIMIT_DATA, 0);
    LINE("none: up, down, to the start, mmap");
    SAY(at(8 * PAGE)), SAY(at(PAGE)), SAY(at(0));
    SAY(mmap(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    limit(RLIMIT_DATA, 1l << 40);
    LINE("much, too much");
    SAY(at(8 * PAGE)), SAY(at((1l << 40) + PAGE));
    limit(RLIMIT_DATA, RLIM_INFINITY);
    LINE("any");
    SAY(at(9 * PAGE));
    at(0);
}

static void others(void)
{
    limit(RLIMIT_AS, 1l << 40);
    LINE("addresses");
    SAY(at(PAGE)), SAY(at((1l << 40) + PAGE));
    limit(RLIMIT_AS, RLIM_INFINITY);
    // More than a machine has, unless all is promised.
    LINE("promised");
    SAY(at(1l << 45));
    LINE("locked");
    mlockall(MCL_FUTURE);
    unsigned char there = 0;
    at(40 * PAGE);
    SAY(mincore(base + 39 * PAGE, PAGE, &there)), SAY(there & 1);
    munlockall();
    at(0);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    // Past what the library has taken.
    base = (char *)(((uintptr_t)sbrk(0) + PAGE - 1) & -PAGE);
    syscall(SYS_brk, base);
    void (*parts[])(void) = {moves, in_the_way, data, others};
    for (int i = 0; i < 4; i++) {
        pid_t child = fork();
        if (child == 0) {
            parts[i]();
            _exit(0);
        }
        int status;
        waitpid(child, &status, 0);
        printf("\n%d\n", status);
    }
    puts("heap");
}
