// A guest that maps over, unmaps, protects and moves what is not its own: it
// gets errors, and goes on.
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define CHECK(x) do { if (!(x)) { \
    printf("%d: %s: %s\n", __LINE__, #x, strerror(errno)); exit(1); } } while (0)
#define PAGE 4096ul

static unsigned long mine[4000][2];
static int count;

// The guest's own mappings.
static void read_maps(void) {
    static char text[1 << 20];
    FILE *f = fopen("/proc/self/maps", "r");
    CHECK(f);
    setvbuf(f, text, _IOFBF, sizeof text);
    char line[600];
    while (fgets(line, sizeof line, f) && count < 4000)
        if (sscanf(line, "%lx-%lx", &mine[count][0], &mine[count][1]) == 2)
            count++;
    fclose(f);
}

static int is_mine(unsigned long page) {
    for (int i = 0; i < count; i++)
        if (page >= mine[i][0] && page < mine[i][1])
            return 1;
    return 0;
}

int main(void) {
    read_maps();
    CHECK(count > 3);
    unsigned long top = 1ul << 47;
    // Pages that the kernel does not give, though no map shows them: the
    // engine's. There are some.
    int own = 0;
    unsigned long first = 0;
    // They lie near the guest's highest ones but the stack, mostly above.
    unsigned long highest = 0, stack = (unsigned long)&own;
    for (int i = 0; i < count; i++)
        if (mine[i][1] > highest && mine[i][1] < stack)
            highest = mine[i][1];
    const unsigned long near = 64ul << 20;
    for (unsigned long at = highest - near; at < highest + near && own < 3; at += PAGE) {
        void *got = mmap((void *)at, PAGE, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (got == MAP_FAILED && errno == EEXIST && !is_mine(at)) {
            own++;
            first = at;
            CHECK(mmap((void *)at, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
                  == MAP_FAILED && errno == ENOMEM);
            CHECK(mprotect((void *)at, PAGE, PROT_NONE) == -1 && errno == ENOMEM);
            CHECK(madvise((void *)at, PAGE, MADV_DONTNEED) == -1 && errno == ENOMEM);
            CHECK(mremap((void *)at, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
            // What is before it is looked at first.
            void *before = mmap((void *)(at - PAGE), PAGE, PROT_READ,
                                MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
            if (before != MAP_FAILED) {
                CHECK(madvise(before, 2 * PAGE, MADV_WIPEONFORK) == -1 && errno == EINVAL);
                CHECK(madvise(before, 2 * PAGE, MADV_NORMAL) == -1 && errno == ENOMEM);
                munmap(before, PAGE);
            }
            // Amid a page nothing begins, whoever's it is.
            CHECK(madvise((void *)(at + 100), PAGE, MADV_NORMAL) == -1 && errno == EINVAL);
            CHECK(mprotect((void *)(at + 100), PAGE, PROT_NONE) == -1 && errno == EINVAL);
            CHECK(mremap((void *)(at + 100), PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED
                  && errno == EINVAL);
            // By the calls that change memory in other words.
            struct iovec part = {(void *)at, PAGE};
            int self = syscall(SYS_pidfd_open, getpid(), 0);
            CHECK(self >= 0);
            CHECK(syscall(SYS_process_madvise, self, &part, 1ul, MADV_DONTNEED, 0) == -1
                  && errno == ENOMEM);
            close(self);
            CHECK(syscall(462 /* mseal */, at, PAGE, 0) == -1 && errno == ENOMEM);
            CHECK(mlock((void *)at, PAGE) == -1 && errno == ENOMEM);
            CHECK(munlock((void *)at, PAGE) == -1 && errno == ENOMEM);
            CHECK(msync((void *)at, PAGE, MS_ASYNC) == -1 && errno == ENOMEM);
            unsigned char there = 0;
            CHECK(mincore((void *)at, PAGE, &there) == -1 && errno == ENOMEM);
            CHECK(syscall(SYS_mbind, at, PAGE, 0 /* MPOL_DEFAULT */, NULL, 0ul, 0) == -1
                  && errno == EFAULT);
            char *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            CHECK(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)at) == MAP_FAILED);
            CHECK(munmap(p, PAGE) == 0);
        } else if (got != MAP_FAILED) {
            munmap(got, PAGE);
        }
    }
    CHECK(first);
    // All of the address space above the program, with its own mappings
    // left: the rest is nobody's.
    unsigned long from = 1ul << 46;
    for (int i = 0; i < count; i++) {
        if (mine[i][0] >= top)
            break;
        if (mine[i][0] > from)
            CHECK(munmap((void *)from, mine[i][0] - from) == 0);
        if (mine[i][1] > from)
            from = mine[i][1];
    }
    CHECK(munmap((void *)from, top - PAGE - from) == 0);
    // Over the end of what arm64 and the host have.
    CHECK(mmap((void *)(1ul << 47), PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
          == MAP_FAILED && errno == ENOMEM);
    char *high = mmap((void *)(1ul << 50), PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(high != MAP_FAILED && (uintptr_t)high < top);
    *high = 1;
    CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
          && errno == EINVAL);
    // No range at all is no range of the engine's.
    CHECK(msync((void *)-1ul, PAGE, MS_ASYNC) == -1 && errno == EINVAL);
    CHECK(mincore((void *)(first + 1), PAGE, &(unsigned char){0}) == -1 && errno == EINVAL);
    CHECK(mlock(high, -PAGE) == -1 && errno == EINVAL);
    int sealed = syscall(462 /* mseal */, high, -PAGE, 0);
    CHECK(sealed == -1 && (errno == EINVAL || errno == ENOSYS));
    CHECK(mlockall(MCL_CURRENT) == 0 || errno == ENOMEM || errno == EPERM);
    munlockall();
    puts("edges");
}
