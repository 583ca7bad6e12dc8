// Compiled with ThreadSanitizer: what it finds, and where everything lies while
// threads come and go, memory is mapped, and children are made.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__aarch64__)
#define BITS 39
#elif defined(__x86_64__)
#define BITS 47
#else
#define BITS 32
#endif

static int shared;
static int locked;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile sig_atomic_t handled;

static int inside(const void *address) {
    return (unsigned long long)(unsigned long)address >> BITS == 0;
}

// How many lines of maps are above. A kernel's own page, high above all, is none.
static int above(void) {
    char line[512];
    int count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps)) {
        unsigned long end = strtoul(strchr(line, '-') + 1, 0, 16);
        count += end > 1ul << BITS && end < 1ul << 62;
    }
    fclose(maps);
    return count;
}

static void *racing(void *argument) {
    (void)argument;
    shared++;
    return 0;
}

static void *locking(void *argument) {
    char *stack = argument;
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(&mutex);
        locked++;
        pthread_mutex_unlock(&mutex);
    }
    return inside(&stack) ? 0 : argument;
}

static void pair(void *(*body)(void *)) {
    pthread_t threads[2];
    void *outside;
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], 0, body, threads);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], &outside);
        if (outside)
            puts("a stack is above");
    }
}

static void on_signal(int number) { handled += number == SIGUSR1; }

// Mappings that name no place, or one that is not to be had.
static void map(void) {
    int outside = 0;
    for (int i = 0; i < 200; i++) {
        size_t length = (size_t)4096 << i % 12;
        void *hint = i % 3 ? 0 : (void *)(0x600000000000 + i * 0x10000000);
        char *at = mmap(hint, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        outside += at == MAP_FAILED || !inside(at);
        at[length - 1] = 1;
        if (i % 2)
            munmap(at, length);
    }
    printf("outside: %d\n", outside);
}

static void fork_and_exec(char *program) {
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        map();
        fflush(stdout);
        execl(program, program, "clean", (char *)0);
        _exit(1);
    }
    waitpid(child, &status, 0);
    printf("child: %#x\n", status);
}

int main(int count, char **arguments) {
    const char *what = count > 1 ? arguments[1] : "clean";
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    if (!strcmp(what, "race")) {
        pair(racing);
    } else if (!strcmp(what, "all")) {
        for (int i = 0; i < 60; i++)
            pair(locking);
        map();
        for (int i = 0; i < 10; i++)
            pair(locking);
        map();
        fork_and_exec(arguments[0]);
    } else {
        pair(locking);
    }
    printf("%s: %d, handled %d, above: %d, %d%d%d\n", what, locked, handled, above(), inside(&count), inside(&shared),
           inside(malloc(100)));
    return 0;
}
