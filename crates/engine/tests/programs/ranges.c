// Calls on ranges of addresses, each with odd addresses, lengths and flags: what
// is refused, with which error, and what is done to memory. A line for each
// call, its flags and address; a letter for each length.
//
// With an argument, on arm64 only: the engine's pages are as memory that is not
// mapped, addresses end where arm64's do, and have tags.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096ul
// Far from where anything is mapped: the next 2^45 bytes too.
#define BASE (1ul << 44)
#define PLACE (BASE + (1ul << 24))
#define COUNT(a) (sizeof(a) / sizeof *(a))
typedef unsigned long u64;

static int zero;

// A: pages 4 to 7, private. B: pages 9 and 10, shared. Else nothing.
static void lay_out(void)
{
    munmap((void *)BASE, 64 * PAGE);
    munmap((void *)PLACE, 64 * PAGE);
    char *a = mmap((void *)(BASE + 4 * PAGE), 4 * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    char *b = mmap((void *)(BASE + 9 * PAGE), 2 * PAGE, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (a == MAP_FAILED || b == MAP_FAILED)
        exit(1);
    for (int i = 0; i < 4; i++)
        a[i * PAGE] = 1;
    b[0] = b[PAGE] = 1;
}

static unsigned hash;
static void add(unsigned value) { hash = (hash ^ value) * 16777619u; }

// What is mapped, may be written, and still has its content.
static void look(u64 start)
{
    unsigned char resident;
    for (int i = 0; i < 16; i++) {
        char *page = (char *)start + i * PAGE;
        int state = 0;
        if (mincore(page, PAGE, &resident) == 0) {
            state = 1;
            if (read(zero, page + 8, 1) == 1)
                state = 2 + *page;
        }
        add(state);
    }
}

static char letter(long result)
{
    if (result != -1)
        return '0';
    switch (errno) {
    case EINVAL: return 'i';
    case ENOMEM: return 'm';
    case EFAULT: return 'f';
    case EACCES: return 'a';
    case EPERM: return 'p';
    case EEXIST: return 'e';
    case ENOENT: return 'n';
    case EBUSY: return 'b';
    case EBADF: return 'd';
    case EAGAIN: return 'g';
    case ENODEV: return 'v';
    case EOVERFLOW: return 'o';
    default: return '?';
    }
}

static const u64 addresses[] = {
    BASE, BASE + 1, BASE + 4 * PAGE, BASE + 4 * PAGE + 1, BASE + 4 * PAGE + 0x800, BASE + 5 * PAGE,
    BASE + 7 * PAGE, BASE + 8 * PAGE - 1, BASE + 8 * PAGE, BASE + 9 * PAGE, BASE + 10 * PAGE,
    BASE + 11 * PAGE, 0, 1, 0xfff, PAGE, 2 * PAGE,
    // With bit 55, which is no tag's.
    -1ul, -2ul, -PAGE, -PAGE + 1, -2 * PAGE, -(1ul << 47), -(1ul << 48), 0x00fffffffffff000, 0x0080000000000001,
};
static const u64 lengths[] = {
    0, 1, 0xfff, PAGE, PAGE + 1, 2 * PAGE, 4 * PAGE, 4 * PAGE + 1, 5 * PAGE, 6 * PAGE, 7 * PAGE,
    1ul << 20, 1ul << 45, 1ul << 62, (1ul << 63) - 1, 1ul << 63, (1ul << 63) + 1,
    -1ul, -2ul, -2049ul, -0xffful, -PAGE, -PAGE - 1, -2 * PAGE, -2 * PAGE - 0xfff,
    -BASE, -BASE - 1, -BASE - 4 * PAGE, -BASE - 4 * PAGE + 1, -BASE - 5 * PAGE, -BASE + PAGE,
};

// Whether all that the program has would be meant.
static int reaches(u64 address, u64 length)
{
    u64 end = address + ((length + PAGE - 1) & -PAGE);
    return end > 16 * PAGE && end > address && address < -1ul << 47 && (address < BASE || end - BASE > 1ul << 46);
}

static long call(int number, u64 address, u64 length, u64 flags)
{
    static unsigned char resident[1 << 16];
    switch (number) {
    case SYS_munmap: return syscall(number, address, length);
    case SYS_mincore: return syscall(number, address, length, flags ? (void *)-1ul : resident);
    case SYS_mlock: case SYS_munlock: return syscall(number, address, length);
    case SYS_mbind: return syscall(number, address, length, flags >> 8, NULL, 0ul, flags & 255);
    case 450: return syscall(number, address, length, flags >> 8, flags & 255);
    case SYS_remap_file_pages: return syscall(number, address, length, flags, 0ul, 0ul);
    case SYS_prctl: return prctl(0x53564d41, flags, address, length, "name");
    default: return syscall(number, address, length, flags);
    }
}

static void each(const char *name, int number, const u64 *flags, int count, int changes)
{
    for (int f = 0; f < count; f++)
        for (unsigned a = 0; a < COUNT(addresses); a++) {
            char line[COUNT(lengths) + 1] = "";
            hash = 2166136261u;
            for (unsigned l = 0; l < COUNT(lengths); l++) {
                // All for the first flags, some for others.
                if ((f && (a + l) % 3) || (changes == 2 && reaches(addresses[a], lengths[l]))) {
                    line[l] = '-';
                    continue;
                }
                lay_out();
                line[l] = letter(call(number, addresses[a], lengths[l], flags[f]));
                if (changes)
                    look(BASE);
            }
            printf("%s %lx %lx: %s %x\n", name, flags[f], addresses[a], line, hash);
        }
}
#define EACH(name, number, changes, ...) \
    each(name, number, (u64[]){__VA_ARGS__}, COUNT(((u64[]){__VA_ARGS__})), changes)

static void moves(void)
{
    static const u64 olds[] = {
        BASE, BASE + 4 * PAGE, BASE + 4 * PAGE + 1, BASE + 6 * PAGE, BASE + 9 * PAGE, 0, -PAGE, -1ul,
    };
    static const u64 sizes[] = {
        0, 1, PAGE, 2 * PAGE, 4 * PAGE, 5 * PAGE, 7 * PAGE, 1ul << 45, 1ul << 62,
        -1ul, -0xffful, -PAGE, -BASE - 4 * PAGE,
    };
    static const u64 news[] = {
        PLACE, PLACE + 1, BASE + 4 * PAGE, BASE + 5 * PAGE, 0, PAGE + 1, -PAGE, -1ul, 1ul << 63,
        (1ul << 63) + 1, 0x00fffffffffff000,
    };
    static const u64 flags[] = {0, 1, 2, 3, 4, 5, 7, 8, 1ul << 32, 1ul << 32 | 1, -1ul};
    for (unsigned f = 0; f < COUNT(flags); f++)
        for (unsigned o = 0; o < COUNT(olds); o++)
            for (unsigned n = 0; n < COUNT(news); n++) {
                // Only these have a new address.
                if (n && ((flags[f] & 7) < 3 || flags[f] > 7))
                    continue;
                char line[COUNT(sizes) * COUNT(sizes) + 1] = "", *at = line;
                hash = 2166136261u;
                for (unsigned s = 0; s < COUNT(sizes); s++)
                    for (unsigned t = 0; t < COUNT(sizes); t++) {
                        // To 0, root may move.
                        if (news[n] == 0 && flags[f] & 2)
                            continue;
                        if (n > 1 && (s + t + n) % 4)
                            continue;
                        lay_out();
                        long to = syscall(SYS_mremap, olds[o], sizes[s], sizes[t], flags[f], news[n]);
                        *at = letter(to);
                        if (to != -1 && (u64)to == olds[o])
                            *at = 's';
                        if (*at++ == 'i')
                            continue;
                        look(BASE);
                        look(PLACE);
                        if (to != -1 && (u64)to != olds[o])
                            munmap((void *)to, sizes[t]);
                    }
                printf("mremap %lx %lx %lx: %s %x\n", flags[f], olds[o], news[n], line, hash);
            }
}

static void maps(const char *self)
{
    int file = open(self, O_RDONLY), write_only = open("/dev/null", O_WRONLY), pipes[2];
    if (pipe(pipes))
        exit(1);
    int files[] = {-1, file, write_only, pipes[0]};
    static const u64 flags[] = {
        MAP_PRIVATE | MAP_ANONYMOUS, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, MAP_PRIVATE | MAP_FIXED, MAP_SHARED | MAP_FIXED,
        MAP_SHARED_VALIDATE | MAP_FIXED | 0x8000000, MAP_FIXED, MAP_PRIVATE | MAP_FIXED_NOREPLACE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, MAP_PRIVATE | MAP_FIXED | MAP_GROWSDOWN,
    };
    static const u64 protections[] = {0, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC, PROT_EXEC,
                                      0x1000000000};
    static const u64 offsets[] = {0, 1, PAGE, -PAGE, 1ul << 63};
    for (unsigned f = 0; f < COUNT(flags); f++)
        for (unsigned d = 0; d < COUNT(files); d++)
            for (unsigned p = 0; p < COUNT(protections); p++)
                for (unsigned o = 0; o < COUNT(offsets); o++) {
                    if (flags[f] & MAP_ANONYMOUS && d)
                        continue;
                    hash = 2166136261u;
                    char line[COUNT(addresses) * COUNT(lengths) + 1] = "", *at = line;
                    for (unsigned a = 0; a < COUNT(addresses); a++)
                        for (unsigned l = 0; l < COUNT(lengths); l++) {
                            int fixed = flags[f] & (MAP_FIXED | MAP_FIXED_NOREPLACE);
                            // At 0, root may map.
                            if (fixed && (addresses[a] < PAGE || reaches(addresses[a], lengths[l])))
                                continue;
                            if ((d || p > 1 || o) && (a + l + p + o) % 8)
                                continue;
                            lay_out();
                            void *got = mmap((void *)addresses[a], lengths[l], protections[p], flags[f],
                                             files[d], offsets[o]);
                            *at++ = letter((long)got);
                            if (got != MAP_FAILED)
                                munmap(got, lengths[l]);
                        }
                    printf("mmap %lx %d %lx %lx: %s\n", flags[f], d, protections[p], offsets[o], line);
                }
}

static void segments(void)
{
    int id = shmget(IPC_PRIVATE, PAGE + 1, 0600);
    static const u64 flags[] = {0, SHM_RDONLY, SHM_RND, SHM_REMAP, SHM_RND | SHM_REMAP, SHM_EXEC,
                                SHM_EXEC | SHM_REMAP};
    for (unsigned f = 0; f < COUNT(flags); f++) {
        char line[COUNT(addresses) + 1] = "";
        for (unsigned a = 0; a < COUNT(addresses); a++) {
            if (addresses[a] - 1 < 2 * PAGE) {
                line[a] = '-';
                continue;
            }
            lay_out();
            void *got = shmat(id, (void *)addresses[a], flags[f]);
            line[a] = letter((long)got);
            if (got != (void *)-1)
                shmdt(got);
        }
        printf("shmat %lx: %s\n", flags[f], line);
    }
    printf("no segment: %c\n", letter((long)shmat(-1, (void *)BASE, SHM_REMAP | SHM_EXEC)));
    shmctl(id, IPC_RMID, NULL);
    printf("gone: %c\n", letter((long)shmat(id, (void *)BASE, SHM_EXEC)));
}

// Several ranges in one call.
static void vectors(void)
{
    int self = syscall(SYS_pidfd_open, getpid(), 0);
    static const u64 parts[] = {0, 3, 1, 7, 8, 4, 9};
    static const int advice[] = {MADV_NORMAL, MADV_DONTNEED, MADV_WILLNEED, 20, 999};
    for (unsigned v = 0; v < COUNT(advice); v++)
        for (unsigned i = 0; i < COUNT(parts); i++) {
            char line[500] = "", *at = line;
            hash = 2166136261u;
            for (unsigned j = 0; j < COUNT(parts); j++)
                for (unsigned l = 0; l < COUNT(lengths); l++) {
                    struct iovec two[2] = {
                        {(void *)(BASE + (parts[i] == 9 ? 4 * PAGE + 1 : parts[i] * PAGE)), 2 * PAGE},
                        {(void *)(BASE + (parts[j] == 9 ? 9 * PAGE + 7 : parts[j] * PAGE)), lengths[l]},
                    };
                    if (reaches((u64)two[1].iov_base, lengths[l]))
                        continue;
                    lay_out();
                    long done = syscall(SYS_process_madvise, self, two, 2ul, advice[v], 0);
                    *at++ = letter(done);
                    add(done);
                    look(BASE);
                }
            printf("process_madvise %d %lx: %s %x\n", advice[v], parts[i], line, hash);
        }
    lay_out();
    struct iovec one = {(void *)(BASE + 4 * PAGE), PAGE};
    printf("wrong: %c", letter(syscall(SYS_process_madvise, self, &one, 1025ul, MADV_DONTNEED, 0)));
    printf("%c", letter(syscall(SYS_process_madvise, self, (void *)8, 1ul, MADV_DONTNEED, 0)));
    printf("%c", letter(syscall(SYS_process_madvise, self, &one, 1ul, MADV_DONTNEED, 1)));
    printf("%c", letter(syscall(SYS_process_madvise, -1, &one, 1ul, MADV_DONTNEED, 0)));
    printf("%c\n", letter(syscall(SYS_process_madvise, self, &one, 0ul, 999, 0)));
    close(self);
    // The other side of a copy.
    static char buffer[3 * PAGE];
    for (int write = 0; write < 2; write++)
        for (unsigned l = 0; l < COUNT(lengths); l++) {
            static const u64 starts[] = {0, 3, 4, 7, 8, 9};
            printf("process_vm %d %lx:", write, lengths[l]);
            for (unsigned i = 0; i < COUNT(starts); i++)
                for (int locals = 0; locals < 3; locals++) {
                    lay_out();
                    struct iovec local = {buffer, locals == 2 ? -1ul : sizeof buffer};
                    struct iovec remote[2] = {{(void *)(BASE + starts[i] * PAGE), PAGE},
                                              {(void *)(BASE + 4 * PAGE), lengths[l]}};
                    long done = syscall(write ? SYS_process_vm_writev : SYS_process_vm_readv, getpid(), &local,
                                        (u64)(locals != 0), remote, 2ul, 0ul);
                    printf(" %ld%c", done, letter(done));
                }
            puts("");
        }
    struct iovec local = {buffer, 8};
    printf("wrong: %c", letter(process_vm_readv(getpid(), &local, 1, (void *)8, 1, 0)));
    printf("%c", letter(process_vm_readv(getpid(), &local, 1, (void *)8, 0, 0)));
    printf("%c", letter(process_vm_readv(getpid(), &local, 1, &local, 1025, 0)));
    printf("%c", letter(process_vm_readv(getpid(), &local, 1, &local, 1, 1)));
    printf("%c\n", letter(process_vm_readv(getpid(), (void *)8, 1, (void *)8, 1, 0)));
}

#define CHECK(x) do { if (!(x)) { \
    printf("%d: %s: %s\n", __LINE__, #x, strerror(errno)); exit(1); } } while (0)
#define ERROR(x, e) CHECK((long)(x) == -1 && errno == (e))

static const struct { int number; u64 flags[9]; } of_ranges[] = {
    {SYS_munmap, {0}}, {SYS_mprotect, {1, PROT_READ, PROT_READ | PROT_EXEC, 0x100, PROT_GROWSDOWN}},
    {SYS_madvise, {MADV_NORMAL, MADV_DONTNEED, MADV_WIPEONFORK, MADV_POPULATE_READ, MADV_POPULATE_WRITE, 999}},
    {SYS_msync, {0, MS_ASYNC, MS_SYNC, 77}}, {SYS_mincore, {0, 1}}, {SYS_mlock, {0}}, {SYS_mlock2, {0, 1, 8}},
    {SYS_munlock, {0}}, {SYS_mbind, {0, 1, 0x400, 0x401, 0x7700}}, {450, {0, 1, 0x7fffffff00}}, {462, {1}},
    {SYS_remap_file_pages, {0, 1}}, {SYS_prctl, {0, 1}},
};

// A page that the engine has, behind one that nobody has.
static u64 page_of_the_engine(void)
{
    static char text[1 << 20];
    int maps = open("/proc/self/maps", O_RDONLY);
    ssize_t length = 0, got;
    while ((got = read(maps, text + length, sizeof text - 1 - length)) > 0)
        length += got;
    close(maps);
    text[length] = 0;
    int before = 0;
    for (u64 at = BASE << 1, size = PAGE; at < (1ul << 47) - PAGE;) {
        void *got = mmap((void *)at, size, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
        if (got != MAP_FAILED) {
            munmap(got, size);
            before = 1;
            at += size;
            size *= 2;
        } else if (size > PAGE) {
            size /= 2;
        } else {
            u64 from, to, next = 0;
            for (char *line = text; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : line)
                if (sscanf(line, "%lx-%lx", &from, &to) == 2 && at >= from && at < to)
                    next = to;
            // Below the engine's stack are pages that are kept for it.
            if (!next && before && mmap((void *)(at - PAGE), PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                               -1, 0) != MAP_FAILED)
                return at;
            before = 0;
            at = next ? next : at + PAGE;
        }
    }
    return 0;
}

// One page and then nothing.
static void one_page(u64 at)
{
    char *page = mmap((void *)(at - PAGE), PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(page != MAP_FAILED);
    *page = 1;
}

static int state_of(u64 at)
{
    unsigned char resident;
    char *page = (char *)at - PAGE;
    if (mincore(page, PAGE, &resident))
        return 0;
    return read(zero, page + 8, 1) == 1 ? 2 + *page : 1;
}

// The engine's page, and a place where nothing is.
static void own_pages(void)
{
    u64 own = page_of_the_engine(), none = PLACE + 8 * PAGE;
    CHECK(own);
    static const u64 starts[] = {0, 1, -PAGE, -PAGE + 1, -0x800, -2 * PAGE, PAGE / 2};
    static const u64 sizes[] = {0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, -1ul, -0xffful, -PAGE, -2 * PAGE, 1ul << 62};
    for (unsigned c = 0; c < COUNT(of_ranges); c++)
        for (unsigned f = 0; f == 0 || of_ranges[c].flags[f]; f++)
            for (unsigned s = 0; s < COUNT(starts); s++)
                for (unsigned l = 0; l < COUNT(sizes); l++) {
                    int number = of_ranges[c].number;
                    u64 flags = of_ranges[c].flags[f];
                    // All that is above is behind the one place only.
                    if (sizes[l] == 1ul << 62 && number != SYS_munmap)
                        continue;
                    one_page(none);
                    char expected = letter(call(number, none + starts[s], sizes[l], flags));
                    int left = state_of(none);
                    one_page(own);
                    char found = letter(call(number, own + starts[s], sizes[l], flags));
                    if (found != expected || state_of(own) != left) {
                        printf("%d %lx %lx %lx: %c, and not %c; %d, and not %d\n", number, flags, starts[s],
                               sizes[l], found, expected, state_of(own), left);
                        exit(1);
                    }
                }
    // Moving: what shrinks leaves out what is not there.
    for (int fixed = 0; fixed < 2; fixed++) {
        one_page(own);
        void *to = fixed ? (void *)PLACE : 0;
        u64 flags = fixed ? 3 : 0;
        CHECK(mremap((char *)own - PAGE, 3 * PAGE, PAGE, flags, to) == (fixed ? to : (char *)own - PAGE));
        CHECK(*(fixed ? (char *)to : (char *)own - PAGE) == 1);
        one_page(own);
        ERROR(mremap((char *)own - PAGE, 2 * PAGE, 2 * PAGE, flags, to), EFAULT);
        ERROR(mremap((char *)own - PAGE, 2 * PAGE, 3 * PAGE, flags | 1, to), EFAULT);
        ERROR(mremap((char *)own, PAGE, PAGE, flags, to), EFAULT);
        ERROR(mremap((char *)own, -0xffful, PAGE, flags, to), EFAULT);
        ERROR(mremap((char *)own + 1, PAGE, PAGE, flags, to), EINVAL);
        ERROR(mremap((char *)own, PAGE, 0, flags, to), EINVAL);
    }
    // There is no room, after all else that is wrong.
    int file = open("/dev/zero", O_RDONLY), flags = MAP_PRIVATE | MAP_FIXED;
    ERROR(mmap((void *)own, PAGE, PROT_READ, flags | MAP_ANONYMOUS, -1, 0), ENOMEM);
    ERROR(mmap((void *)(own - PAGE), 2 * PAGE, PROT_READ, flags | MAP_ANONYMOUS, -1, 0), ENOMEM);
    CHECK(state_of(own));
    ERROR(mmap((void *)(own + 1), PAGE, PROT_READ, flags | MAP_ANONYMOUS, -1, 0), EINVAL);
    ERROR(mmap((void *)(own - PAGE + 1), PAGE, PROT_READ, flags | MAP_ANONYMOUS, -1, 0), EINVAL);
    ERROR(mmap((void *)own, 0, PROT_READ, flags | MAP_ANONYMOUS, -1, 0), EINVAL);
    ERROR(mmap((void *)own, -1ul, PROT_READ, flags | MAP_ANONYMOUS, -1, 0), ENOMEM);
    ERROR(mmap((void *)own, PAGE, PROT_READ, flags, -1, 0), EBADF);
    ERROR(mmap((void *)own, PAGE, PROT_READ, flags, file, 1), EINVAL);
    ERROR(mmap((void *)own, PAGE, PROT_READ, flags, file, 0), ENOMEM);
    one_page(none);
    ERROR(mremap((void *)(none - PAGE), PAGE, PAGE, 3, (void *)own), ENOMEM);
    ERROR(mremap((void *)none, PAGE, PAGE, 3, (void *)own), EFAULT);
    ERROR(mremap((void *)(none - PAGE), PAGE, PAGE, 3, (void *)(own + 1)), EINVAL);
    int id = shmget(IPC_PRIVATE, PAGE, 0600);
    ERROR(shmat(id, (void *)own, SHM_REMAP), ENOMEM);
    ERROR(shmat(id, (void *)(own + 1), SHM_REMAP), EINVAL);
    ERROR(shmat(id, (void *)(own + 1), SHM_REMAP | SHM_RND), ENOMEM);
    ERROR(shmat(id, (void *)own, 0), EINVAL);
    shmctl(id, IPC_RMID, NULL);
    ERROR(shmat(id, (void *)own, SHM_REMAP), EINVAL);
    // By addresses in lists.
    int mode, status = 0, node = 0;
    ERROR(syscall(SYS_get_mempolicy, &mode, NULL, 0ul, own, 2ul), EFAULT);
    void *list = (void *)own;
    CHECK(syscall(SYS_move_pages, 0, 1ul, &list, NULL, &status, 0) == 0 && status == -EFAULT);
    CHECK(syscall(SYS_move_pages, getpid(), 1ul, &list, &node, &status, 2) == 0 && status == -EFAULT);
    int self = syscall(SYS_pidfd_open, getpid(), 0);
    one_page(own);
    struct iovec parts[3] = {{(void *)(own - PAGE), PAGE}, {(void *)(own - PAGE), 2 * PAGE}, {(void *)(own - PAGE), PAGE}};
    long done = syscall(SYS_process_madvise, self, parts, 3ul, MADV_DONTNEED, 0);
    // Kernels before Linux 6.13 refuse that advice.
    CHECK(done == (long)PAGE || (done == -1 && errno == EINVAL));
    CHECK(done == -1 || *(char *)(own - PAGE) == 0);
    one_page(own);
    done = syscall(SYS_process_madvise, self, parts + 1, 1ul, MADV_DONTNEED, 0);
    CHECK(done == -1 && (errno == ENOMEM ? *(char *)(own - PAGE) == 0 : errno == EINVAL));
    ERROR(syscall(SYS_process_madvise, self, parts + 1, 1ul, 999, 0), EINVAL);
    ERROR(syscall(SYS_process_madvise, -1, parts + 1, 1ul, MADV_DONTNEED, 0), EBADF);
    close(self);
    munmap((void *)(own - PAGE), PAGE);
}

// Where the host's 47 bits end, and arm64's 48.
static void ends(void)
{
    const u64 host = 1ul << 47, end = 1ul << 48;
    CHECK(munmap((void *)(host - PAGE), PAGE) == 0 && munmap((void *)host, PAGE) == 0);
    CHECK(munmap((void *)(end - PAGE), PAGE) == 0 && munmap((void *)(host + PAGE), end - host - PAGE) == 0);
    ERROR(munmap((void *)(end - PAGE), PAGE + 1), EINVAL);
    ERROR(munmap((void *)end, PAGE), EINVAL);
    ERROR(munmap((void *)host, 0), EINVAL);
    ERROR(munmap((void *)(host + 1), PAGE), EINVAL);
    static unsigned char resident[8];
    CHECK(mincore((void *)host, 0, resident) == 0 && mincore((void *)end, 0, resident) == 0);
    ERROR(mincore((void *)host, PAGE, resident), ENOMEM);
    ERROR(mincore((void *)(end + PAGE), 0, resident), ENOMEM);
    ERROR(mincore((void *)(end + 1), 0, resident), EINVAL);
    for (u64 at = host - PAGE; at < 2 * end; at += end - host) {
        ERROR(mprotect((void *)at, PAGE, PROT_READ), ENOMEM);
        ERROR(madvise((void *)at, PAGE, MADV_DONTNEED), ENOMEM);
        ERROR(msync((void *)at, PAGE, MS_SYNC), ENOMEM);
        ERROR(mlock((void *)at, PAGE), ENOMEM);
        ERROR(mremap((void *)at, PAGE, PAGE, 0), EFAULT);
    }
    const int fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    // There is no more of them here; arm64 would map the first two.
    ERROR(mmap((void *)host, PAGE, PROT_READ, fixed, -1, 0), ENOMEM);
    ERROR(mmap((void *)(end - PAGE), PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), ENOMEM);
    ERROR(mmap((void *)(host + 1), PAGE, PROT_READ, fixed, -1, 0), EINVAL);
    ERROR(mmap((void *)(end - PAGE + 1), 1, PROT_READ, fixed, -1, 0), EINVAL);
    ERROR(mmap((void *)(end + 1), PAGE, PROT_READ, fixed, -1, 0), ENOMEM);
    ERROR(mmap((void *)end, 0, PROT_READ, fixed, -1, 0), EINVAL);
    one_page(PLACE);
    void *old = (void *)(PLACE - PAGE);
    ERROR(mremap(old, PAGE, PAGE, 3, (void *)host), ENOMEM);
    ERROR(mremap(old, PAGE, PAGE, 3, (void *)end), EINVAL);
    ERROR(mremap(old, PAGE, host, 1), ENOMEM);
    ERROR(mremap(old, PAGE, end, 0), ENOMEM);
    ERROR(mremap(old, PAGE, end + 1, 1), EINVAL);
    ERROR(mremap((void *)PLACE, PAGE, host, 1), EFAULT);
}

// Tags in the addresses of memory that the kernel manages and does not access:
// always taken, but for `brk`, `mmap` and the new address of `mremap`.
static void tags(void)
{
    static unsigned char resident[8];
    for (u64 tag = 1ul << 56; tag; tag += 51ul << 56) {
        char *a = (char *)BASE + 4 * PAGE, *b = (char *)BASE + 9 * PAGE;
        void *at = (void *)((u64)a | tag);
        lay_out();
        CHECK(mincore(at, PAGE, resident) == 0);
        ERROR(mincore(a, PAGE, (void *)((u64)resident | tag)), EFAULT);
        CHECK(mprotect(at, PAGE, PROT_READ) == 0);
        ERROR(read(zero, a, 1), EFAULT);
        CHECK(mprotect(at, PAGE, PROT_READ | PROT_WRITE) == 0 && read(zero, a + 1, 1) == 1);
        ERROR(read(zero, at, 1), EFAULT);
        CHECK(*a == 1 && madvise(at, PAGE, MADV_DONTNEED) == 0 && *a == 0);
        CHECK(msync(at, PAGE, MS_ASYNC) == 0 && mlock(at, PAGE) == 0 && munlock(at, PAGE) == 0);
        CHECK(syscall(SYS_mlock2, at, PAGE, 1) == 0 && munlock(at, PAGE) == 0);
        CHECK(syscall(SYS_mbind, at, PAGE, 0, NULL, 0ul, 0) == 0);
        // No policy that could have a home.
        ERROR(syscall(450, at, PAGE, 0ul, 0ul), ENOENT);
        int mode = 9;
        CHECK(syscall(SYS_get_mempolicy, &mode, NULL, 0ul, at, 2ul) == 0 && mode == 0);
        ERROR(syscall(462, at, PAGE, 1), EINVAL);
        CHECK(syscall(SYS_remap_file_pages, (u64)b | tag, PAGE, 0, 0, 0) == 0);
        int status = -1, self = syscall(SYS_pidfd_open, getpid(), 0);
        CHECK(syscall(SYS_move_pages, 0, 1ul, &at, &(int){0}, &status, 2) == 0 && status != -EFAULT);
        a[PAGE] = 1;
        // In a vector, which is looked at as that of a read is.
        struct iovec part = {(char *)at + PAGE, PAGE};
        ERROR(syscall(SYS_process_madvise, self, &part, 1ul, 20 /* MADV_COLD */, 0), EFAULT);
        close(self);
        CHECK(mremap(at, PAGE, PAGE, 0) == a);
        ERROR(mremap(a, PAGE, PAGE, 3, (void *)(PLACE | tag)), EINVAL);
        CHECK(mremap(at, PAGE, PAGE, 3, (void *)PLACE) == (void *)PLACE);
        CHECK(munmap((char *)at + PAGE, PAGE) == 0);
        ERROR(mincore(a + PAGE, PAGE, resident), ENOMEM);
        ERROR(mmap(at, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), ENOMEM);
        void *hinted = mmap(at, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(hinted != MAP_FAILED && (u64)hinted >> 48 == 0 && munmap(hinted, PAGE) == 0);
        u64 heap = (u64)sbrk(0);
        CHECK((u64)syscall(SYS_brk, heap | tag) == heap);
        int id = shmget(IPC_PRIVATE, PAGE, 0600);
        CHECK(shmat(id, (void *)(PLACE + PAGE), 0) == (void *)(PLACE + PAGE));
        ERROR(shmdt((void *)((PLACE + PAGE) | tag)), EINVAL);
        ERROR(shmat(id, (void *)((PLACE + 2 * PAGE) | tag), 0), ENOMEM);
        CHECK(shmdt((void *)(PLACE + PAGE)) == 0);
        shmctl(id, IPC_RMID, NULL);
    }
}

int main(int argc, char **argv)
{
    zero = open("/dev/zero", O_RDONLY);
    if (argc > 1) {
        if (strchr(argv[1], 'o'))
            own_pages();
        if (strchr(argv[1], 'e'))
            ends();
        if (strchr(argv[1], 't'))
            tags();
        puts("ranges");
        return 0;
    }
    EACH("munmap", SYS_munmap, 2, 0);
    EACH("mprotect", SYS_mprotect, 2, 0, PROT_READ, PROT_READ | PROT_EXEC, 8, 0x10, 0x100, 1ul << 32,
         PROT_GROWSDOWN, PROT_GROWSUP, PROT_GROWSDOWN | PROT_GROWSUP);
    EACH("madvise", SYS_madvise, 2, MADV_NORMAL, MADV_DONTNEED, MADV_DONTFORK, MADV_WIPEONFORK, MADV_POPULATE_READ,
         MADV_REMOVE, 999, -1ul);
    EACH("madvise", SYS_madvise, 0, MADV_RANDOM, 999);
    EACH("msync", SYS_msync, 0, 0, MS_ASYNC, MS_SYNC, MS_SYNC | MS_ASYNC, MS_INVALIDATE, 8, 1ul << 32);
    EACH("mincore", SYS_mincore, 0, 0, 1);
    EACH("mlock", SYS_mlock, 0, 0);
    EACH("mlock2", SYS_mlock2, 0, 0, 1, 2);
    EACH("munlock", SYS_munlock, 0, 0);
    EACH("mbind", SYS_mbind, 0, 0, 1, 8, 0x300, 0x400, 0x401, 0x7700);
    EACH("home node", 450, 0, 0, 1, 0x100, 0x7fffffff00);
    EACH("mseal", 462, 0, 1);
    EACH("remap_file_pages", SYS_remap_file_pages, 0, 0, 1);
    EACH("name", SYS_prctl, 0, 0, 1);
    moves();
    maps(argv[0]);
    segments();
    vectors();
    // Sealed for good, so last.
    static const u64 sealed[] = {0, 1, PAGE, 2 * PAGE, 3 * PAGE, 5 * PAGE, -1ul, -0xffful, -PAGE, 1ul << 62};
    for (unsigned l = 0; l < COUNT(sealed); l++) {
        char *p = mmap((void *)(PLACE + l * 16 * PAGE), 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        printf("mseal %lx: %c", sealed[l], letter(syscall(462, p, sealed[l], 0)));
        printf("%c", letter(mprotect(p, PAGE, 0)));
        printf("%c", letter(munmap(p, 3 * PAGE)));
        printf("%c\n", letter((long)mremap(p, PAGE, PAGE, 0)));
    }
    puts("ranges");
}
