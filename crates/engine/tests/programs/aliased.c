// Code that is written through one mapping and run through another, and code
// that is replaced by mapping: what runs is what is there.
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#define CHECK(x) do { if (!(x)) { \
    printf("%d: %s: %s\n", __LINE__, #x, strerror(errno)); exit(1); } } while (0)
#define PAGE 4096

typedef int function(void);

static void emit(uint32_t *to, unsigned n) {
#ifdef __aarch64__
    to[0] = 0x52800000 | n << 5; // MOVZ w0, #n; RET.
    to[1] = 0xd65f03c0;
#else
    to[0] = 0xe3000000 | (n & 0xf000) << 4 | (n & 0xfff); // MOVW r0, #n; BX lr.
    to[1] = 0xe12fff1e;
#endif
}

static int run(void *code) {
    return ((function *)code)();
}

int main(void) {
    // Written here, run there, of one file: the cache is told of the alias
    // that runs.
    int fd = memfd_create("code", MFD_CLOEXEC);
    CHECK(fd >= 0 && ftruncate(fd, 4 * PAGE) == 0);
    uint32_t *w = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *x = mmap(NULL, 4 * PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    CHECK(w != MAP_FAILED && (void *)x != MAP_FAILED);
    for (int n = 0; n < 50; n++) {
        emit(w, n);
        __builtin___clear_cache(x, x + 8);
        CHECK(run(x) == n);
    }
    // Told of the alias that is written, as PIPT caches allow.
    emit(w, 77);
    __builtin___clear_cache((char *)w, (char *)w + 8);
    CHECK(run(x) == 77);
    // Written by a system call, and mapped anew.
    uint32_t code[2];
    emit(code, 88);
    CHECK(pwrite(fd, code, 8, PAGE) == 8);
    CHECK(mmap(x, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd, PAGE) == x);
    CHECK(run(x) == 88);
    // Moved: what was there runs at its new place.
    emit(w + 2 * PAGE / 4, 99);
    __builtin___clear_cache(x + 2 * PAGE, x + 2 * PAGE + 8);
    CHECK(run(x + 2 * PAGE) == 99);
    char *place = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mremap(x + 2 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place);
    CHECK(run(place) == 99);
    // Protected to be written, changed, and protected to run.
    char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int n = 0; n < 20; n++) {
        CHECK(mprotect(p, PAGE, PROT_READ | PROT_WRITE) == 0);
        emit((uint32_t *)p, n + 100);
        CHECK(mprotect(p, PAGE, PROT_READ | PROT_EXEC) == 0);
        CHECK(run(p) == n + 100);
    }
    // Shared memory of System V.
    int segment = shmget(IPC_PRIVATE, PAGE, 0700 | IPC_CREAT);
    CHECK(segment >= 0);
    uint32_t *sw = shmat(segment, NULL, 0);
    void *sx = shmat(segment, NULL, SHM_RDONLY | SHM_EXEC);
    CHECK(sw != (void *)-1 && sx != (void *)-1);
    emit(sw, 55);
    __builtin___clear_cache(sx, (char *)sx + 8);
    CHECK(run(sx) == 55 && shmdt(sx) == 0 && shmdt(sw) == 0);
    CHECK(shmctl(segment, IPC_RMID, NULL) == 0);
    puts("aliased");
}
