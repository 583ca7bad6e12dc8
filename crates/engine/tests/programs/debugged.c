// What a debugger looks at: calls, data, signals, threads, a fork and an exec.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

volatile int counter;
volatile double value = 1.5;
const char *text = "hello";
volatile long spins[2];
volatile int done;

static int __attribute__((noinline)) add(int a, int b)
{
    counter += a * b;
    value *= 2;
    return a + b;
}

static void handler(int signal)
{
    counter += signal * 100;
}

static int plain(void)
{
    signal(SIGUSR1, handler);
    puts(text);
    for (int i = 0; i < 4; i++)
        add(i, 2);
    raise(SIGUSR1);
    asm volatile("brk #7");
    printf("%d\n", counter);
    return 7;
}

static void *spin(void *n)
{
    while (!done)
        spins[(long)n]++;
    return NULL;
}

static int __attribute__((noinline)) hit(int n)
{
    asm volatile("");
    return n + 1;
}

static void *hits(void *n)
{
    struct timespec little = {0, 1000000};
    for (int i = 0; i < 10; i++) {
        hit(i);
        nanosleep(&little, NULL);
    }
    return n;
}

static int twice(int x)
{
    return 2 * x;
}

static int threads(void)
{
    pthread_t all[4];
    char bytes[10];
    for (long n = 0; n < 4; n++)
        pthread_create(&all[n], NULL, n < 2 ? spin : hits, (void *)n);
    pthread_join(all[2], NULL);
    pthread_join(all[3], NULL);
    puts("ready");
    fflush(stdout);
    int length = read(0, bytes, sizeof bytes);
    done = 1;
    pthread_join(all[0], NULL);
    pthread_join(all[1], NULL);
    printf("read %d\n", length);
    return twice(length);
}

static void *hits_and_ends(void *n)
{
    hits(n);
    done = 1;
    return n;
}

// As many bytes as are said at the end.
static int writes(void)
{
    pthread_t thread;
    long total = 0;
    pthread_create(&thread, NULL, hits_and_ends, NULL);
    while (!done)
        total += write(1, "x", 1);
    pthread_join(thread, NULL);
    printf("\n%ld\n", total);
    return twice(4);
}

static int children(void)
{
    int status;
    if (fork() == 0) {
        add(1, 1);
        _exit(3);
    }
    wait(&status);
    printf("child %x\n", status);
    fflush(stdout);
    execl("/proc/self/exe", "program", "abort", NULL);
    return 1;
}

int main(int count, char **arguments)
{
    const char *what = count > 1 ? arguments[1] : "";
    if (!strcmp(what, "threads"))
        return threads();
    if (!strcmp(what, "writes"))
        return writes();
    if (!strcmp(what, "children"))
        return children();
    if (!strcmp(what, "abort"))
        abort();
    return plain();
}
