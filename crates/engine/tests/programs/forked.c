// Code that parents and children have in common, and change each for itself: functions that
// are written anew, in children of children, while other threads run, and after so much
// has run that what was common has been copied.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROOM = 64, OFTEN = 100, DEEP = 12, MANY = 30 };

static unsigned *code;
static volatile int done;

// Writes a function that returns a number.
static void write_function(int at, unsigned number)
{
    unsigned *to = code + at * ROOM;
    to[0] = 0x52800000 | number << 5; // MOV W0, #number
    to[1] = 0xd65f03c0;               // RET
    __builtin___clear_cache((char *)to, (char *)(to + 2));
}

// Calls it until it is translated; ends the process if it returns another number.
static void expect(int at, unsigned number)
{
    unsigned (*function)(void) = (unsigned (*)(void))(code + at * ROOM);
    for (int n = 0; n < OFTEN; n++) {
        unsigned returned = function();
        if (returned != number) {
            fprintf(stderr, "function %d: %u instead of %u\n", at, returned, number);
            _exit(1);
        }
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// Runs much of the library, so that much is translated and linked.
static void work(int seed)
{
    static char texts[300][24];
    char *sorted[300];
    for (int round = 0; round < 3; round++) {
        for (int n = 0; n < 300; n++) {
            snprintf(texts[n], sizeof texts[n], "%d %x %.3g", (n * 7919 + seed) % 1009, n, n / 7.0);
            sorted[n] = texts[n];
        }
        qsort(sorted, 300, sizeof *sorted, compare);
        for (int n = 1; n < 300; n++)
            if (strcmp(sorted[n - 1], sorted[n]) > 0)
                _exit(2);
    }
}

// Forks, and waits until the child has ended well.
static int child(void)
{
    pid_t pid = fork();
    if (pid < 0)
        _exit(3);
    if (!pid)
        return 1;
    int status;
    if (waitpid(pid, &status, 0) != pid || status) {
        fprintf(stderr, "a child: %x\n", status);
        _exit(4);
    }
    return 0;
}

// Each generation finds its parent's functions, and writes its own.
static void descend(unsigned deep)
{
    if (deep == DEEP)
        return;
    if (child()) {
        expect(0, deep);
        write_function(0, deep + 1);
        expect(0, deep + 1);
        write_function(1 + deep, 100 + deep);
        expect(1 + deep, 100 + deep);
        if (deep % 3 == 1)
            work(deep);
        descend(deep + 1);
        _exit(0);
    }
    expect(0, deep);
    for (unsigned other = 0; other < deep; other++)
        expect(1 + other, 100 + other);
}

static void *run(void *at)
{
    while (!done)
        expect((int)(long)at, 500 + (unsigned)(long)at);
    return NULL;
}

int main(void)
{
    code = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    write_function(0, 0);
    expect(0, 0);
    descend(0);
    puts("generations");

    pthread_t threads[2];
    for (long n = 0; n < 2; n++) {
        write_function(20 + (int)n, 520 + (unsigned)n);
        pthread_create(&threads[n], NULL, run, (void *)(20 + n));
    }
    for (int n = 0; n < MANY; n++) {
        if (child()) {
            expect(0, (unsigned)n);
            write_function(0, 1000);
            expect(0, 1000);
            write_function(20, 77);
            expect(20, 77);
            _exit(0);
        }
        expect(0, (unsigned)n);
        write_function(0, (unsigned)n + 1);
        expect(0, (unsigned)n + 1);
    }
    work(1);
    done = 1;
    for (int n = 0; n < 2; n++)
        pthread_join(threads[n], NULL);
    expect(20, 520);
    puts("threads");

    // Much that is linked only after the fork, on both sides.
    if (child()) {
        work(2);
        write_function(0, 7);
        expect(0, 7);
        work(3);
        if (child()) {
            work(4);
            expect(0, 7);
            _exit(0);
        }
        _exit(0);
    }
    expect(0, MANY);
    work(5);
    puts("linked");
    return 0;
}
