// Threads map memory and enter translated code while another thread has code copied that a
// fork has made common: what they map stays theirs, and they find code to enter.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 40, THREADS = 3, OFTEN = 100 };

static volatile int ready, done;

// Maps memory as large as code memory may be, and uses it.
static void *maps(void *unused)
{
    (void)unused;
    for (size_t length = 1 << 20; !done; length = length < 128 << 20 ? length * 2 : 1 << 20) {
        volatile char *at = mmap(NULL, length, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (at == MAP_FAILED)
            _exit(3);
        ready = 1;
        for (int n = 0; n < 4; n++) {
            *at = n;
            syscall(SYS_gettid);
            if (*at != n)
                _exit(4);
        }
        munmap((void *)at, length);
    }
    return NULL;
}

static int run(int round)
{
    unsigned *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_t threads[THREADS];
    for (unsigned version = 0; version < 2; version++) {
        code[0] = 0x52800000 | (round + version) << 5; // MOV W0, #
        code[1] = 0xd65f03c0;                          // RET
        __builtin___clear_cache((char *)code, (char *)(code + 2));
        for (int n = 0; n < OFTEN; n++)
            if (((unsigned (*)(void))code)() != round + version)
                return 5;
        if (version == 1)
            break;
        for (int n = 0; n < THREADS; n++)
            pthread_create(&threads[n], NULL, maps, NULL);
        while (!ready)
            ;
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        int status;
        if (waitpid(child, &status, 0) != child || status != 0)
            return 6;
    }
    done = 1;
    for (int n = 0; n < THREADS; n++)
        pthread_join(threads[n], NULL);
    return 0;
}

int main(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        pid_t child = fork();
        if (child == 0)
            _exit(run(round));
        int status;
        if (waitpid(child, &status, 0) != child || status != 0) {
            printf("round %d: %x\n", round, status);
            return 1;
        }
    }
    puts("done");
}
