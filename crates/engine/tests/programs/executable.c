// Makes memory executable in every way there is, says so, and waits.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK(x) do { if (!(x)) { perror(#x); exit(1); } } while (0)
#define SIZE 65536ul

int main(int argc, char **argv) {
    const int all = PROT_READ | PROT_WRITE | PROT_EXEC, some = MAP_PRIVATE | MAP_ANONYMOUS;
    char *p = mmap(NULL, SIZE, all, some, -1, 0);
    CHECK(p != MAP_FAILED);
    CHECK(mmap(p, SIZE / 2, PROT_EXEC, some | MAP_FIXED, -1, 0) == p);
    CHECK(mmap(NULL, SIZE, all, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    char *q = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, some, -1, 0);
    CHECK(mprotect(q, SIZE, all) == 0);
    char *r = mmap(NULL, SIZE, all, some, -1, 0);
    CHECK(mremap(r, SIZE, 4 * SIZE, MREMAP_MAYMOVE) != MAP_FAILED);
    FILE *file = fopen(argv[0], "r");
    CHECK(file);
    CHECK(mmap(NULL, SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(file), 0) != MAP_FAILED);
    int memory = memfd_create("code", 0);
    CHECK(memory >= 0 && ftruncate(memory, SIZE) == 0);
    CHECK(mmap(NULL, SIZE, all, MAP_SHARED, memory, 0) != MAP_FAILED);
    int segment = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0700);
    CHECK(segment >= 0);
    void *attached = shmat(segment, NULL, SHM_EXEC);
    shmctl(segment, IPC_RMID, NULL);
    CHECK(attached != (void *)-1);
    // The stack and the heap.
    char here;
    CHECK(mprotect((void *)((uintptr_t)&here & ~4095ul), 4096, all) == 0);
    char *heap = sbrk(0);
    sbrk(SIZE);
    CHECK(mprotect((void *)(((uintptr_t)heap + 4095) & ~4095ul), 4096, all) == 0);
    // All that may be read.
    CHECK(personality(READ_IMPLIES_EXEC) != -1);
    CHECK(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, some, -1, 0) != MAP_FAILED);
    CHECK(mprotect(q, SIZE, PROT_READ) == 0);
    sbrk(16 * SIZE);
    if (argc > 1 && fork() != 0)
        pause();
    puts("ready");
    fflush(stdout);
    return getchar() == EOF ? 0 : 2;
}
