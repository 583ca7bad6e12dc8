// Memory: the heap by brk and mmap, moving, protecting, unmapping.
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint32_t zeros[100000];
static char initialised[5000] = "start";

int main(void) {
    for (size_t i = 0; i < 100000; i++)
        assert(zeros[i] == 0);
    assert(strcmp(initialised, "start") == 0 && initialised[4999] == 0);

    uint32_t seed = 1;
    char *blocks[500] = {0};
    size_t sizes[500] = {0};
    for (int round = 0; round < 20000; round++) {
        seed = seed * 1664525 + 1013904223;
        int i = (seed >> 8) % 500;
        for (size_t j = 0; j < sizes[i]; j += 97)
            assert(blocks[i][j] == (char)i);
        size_t size = (seed >> 16) % (round % 50 ? 700 : 300000) + 1;
        blocks[i] = realloc(blocks[i], size);
        assert(blocks[i]);
        memset(blocks[i], i, size);
        sizes[i] = size;
    }
    for (int i = 0; i < 500; i++)
        free(blocks[i]);

    char *before = sbrk(0);
    assert(sbrk(100000) == before);
    memset(before, 1, 100000);
    assert(sbrk(-100000) == before + 100000);
    assert(sbrk(0) == before);

    char *page = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert(page != MAP_FAILED);
    strcpy(page, "moved");
    char *larger = mremap(page, 3 * 4096, 100 * 4096, MREMAP_MAYMOVE);
    assert(larger != MAP_FAILED && strcmp(larger, "moved") == 0 && larger[99 * 4096] == 0);
    assert(mprotect(larger, 4096, PROT_READ) == 0);
    assert(munmap(larger, 100 * 4096) == 0);
    assert(mprotect(larger, 4096, PROT_READ) == -1 && errno == ENOMEM);
    // An address that the kernel must not take.
    char *volatile nowhere = (char *)8;
    assert(write(1, nowhere, 1) == -1 && errno == EFAULT);
    puts("memory");
    return 0;
}
