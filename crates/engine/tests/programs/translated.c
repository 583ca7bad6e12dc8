/* Something of each kind that translations differ in: calls, loops, faults with a handler
 * that looks at registers, floating point, a child, a thread, and code behind a pointer.
 * Prints the same on every machine, and takes some milliseconds. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile uintptr_t where;

static void handler(int signal, siginfo_t *info, void *context)
{
    (void)context;
    where = (uintptr_t)info->si_addr;
    siglongjmp(back, signal);
}

static int by_value(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return x < y ? -1 : x > y;
}

static void *thread(void *argument)
{
    unsigned long sum = 0;
    for (unsigned n = 0; n < 2000; n++)
        sum = sum * 31 + (n ^ sum >> 7);
    *(unsigned long *)argument = sum;
    return argument;
}

static void faults(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    volatile int total = 0;
    for (uintptr_t n = 1; n < 40; n++) {
        if (sigsetjmp(back, 1) == 0) {
            total += *(volatile int *)(n * 8);
            puts("no fault");
        } else if (where != n * 8) {
            printf("%#lx and not %#lx\n", (unsigned long)where, (unsigned long)n * 8);
        }
    }
    printf("faults: %d\n", total);
}

int main(int argc, char **argv)
{
    if (argc > 2 && !strcmp(argv[1], "print")) {
        FILE *file = fopen(argv[2], "r");
        for (int c; file && (c = getc(file)) != EOF;)
            putchar(c);
        return 0;
    }
    int numbers[500];
    for (int round = 0; round < 5; round++) {
        for (int n = 0; n < 500; n++)
            numbers[n] = (n * 7919 + round) % 503;
        qsort(numbers, 500, sizeof numbers[0], by_value);
        printf("%d %d %d\n", numbers[0], numbers[250], numbers[499]);
    }
    faults();
    /* Volatile, so that no compiler makes one rounding of two. */
    volatile double x = 0.5, product;
    for (int n = 1; n < 60; n++) {
        product = x * 3.7 * (1 - x);
        x = product + 1.0 / n / 1e6;
    }
    printf("%.17g %a %lld\n", x, x, (long long)(x * 1e15));
    unsigned long sum;
    pthread_t other;
    pthread_create(&other, NULL, thread, &sum);
    pthread_join(other, NULL);
    printf("%lx\n", sum);
    fflush(stdout);
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        faults();
        fflush(stdout);
        _exit(by_value(&numbers[3], &numbers[4]) + 8);
    }
    waitpid(child, &status, 0);
    printf("%d\n", WEXITSTATUS(status));
    return 0;
}
