// What a mount without execution forbids: at once, later, and through all that
// becomes of a mapping.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define R PROT_READ
#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXEC)
#define X PROT_EXEC

static void say(const char *what, long result)
{
    printf("%s: %s\n", what, result == -1 ? strerrorname_np(errno) : "ok");
}

static int without, with;

static char *map(int file, int protection, int flags)
{
    return mmap(NULL, 8 * PAGE, protection, flags, file, 0);
}

static void at_once(void)
{
    static const int flags[] = {MAP_PRIVATE, MAP_SHARED, MAP_SHARED_VALIDATE, MAP_PRIVATE | MAP_POPULATE,
                                MAP_PRIVATE | MAP_GROWSDOWN, 0, MAP_PRIVATE | MAP_LOCKED};
    static const int protections[] = {0, R, RW, RX, X, RW | X, PROT_WRITE | X, X | 0x1000};
    for (unsigned f = 0; f < sizeof flags / sizeof *flags; f++)
        for (unsigned p = 0; p < sizeof protections / sizeof *protections; p++) {
            printf("%x %x: ", flags[f], protections[p]);
            say("without", (long)map(without, protections[p], flags[f]));
            say("  with", (long)map(with, protections[p], flags[f]));
        }
    // Other things that are wrong, before and after.
    say("length 0", (long)mmap(NULL, 0, RX, MAP_PRIVATE, without, 0));
    say("offset", (long)mmap(NULL, PAGE, RX, MAP_PRIVATE, without, 1));
    say("no file", (long)mmap(NULL, PAGE, RX, MAP_PRIVATE, -1, 0));
    say("too long", (long)mmap(NULL, -PAGE, RX, MAP_PRIVATE, without, 0));
    say("overflow", (long)mmap(NULL, PAGE, RX, MAP_PRIVATE, without, -PAGE));
    say("huge", (long)mmap(NULL, PAGE, RX, MAP_PRIVATE | MAP_HUGETLB, without, 0));
    say("not done", (long)mmap(NULL, PAGE, RX, MAP_SHARED_VALIDATE | MAP_SYNC, without, 0));
    char *p = map(with, R, MAP_PRIVATE);
    say("amid a page", (long)mmap(p + 1, PAGE, RX, MAP_PRIVATE | MAP_FIXED, without, 0));
    say("taken", (long)mmap(p, PAGE, RX, MAP_PRIVATE | MAP_FIXED_NOREPLACE, without, 0));
    say("over another", (long)mmap(p, PAGE, RX, MAP_PRIVATE | MAP_FIXED, without, 0));
    // That is there still.
    say("the other", mprotect(p, 8 * PAGE, RX));
    say("anonymous", (long)mmap(NULL, PAGE, RX, MAP_PRIVATE | MAP_ANONYMOUS, without, 0));
}

// What may be done with a page, by what the maps say.
static const char *permissions(char *page)
{
    static char line[300], result[8];
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long from, to;
    result[0] = 0;
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %7s", &from, &to, result) == 3 && (unsigned long)page >= from
            && (unsigned long)page < to)
            break;
    fclose(maps);
    return result;
}

static void later(void)
{
    char *p = map(without, R, MAP_PRIVATE);
    say("RX", mprotect(p, PAGE, RX));
    say("X", mprotect(p, 8 * PAGE, X));
    say("RW", mprotect(p, PAGE, RW));
    say("wrong", mprotect(p, PAGE, X | 0x100));
    say("amid a page", mprotect(p + 1, PAGE, X));
    say("nothing", mprotect(p, 0, X));
    say("too long", mprotect(p, -1ul, X));
    // What is between may be: up to there it is done.
    mmap(p + 2 * PAGE, 2 * PAGE, R, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    say("between", mprotect(p + 2 * PAGE, 2 * PAGE, RX));
    mmap(p, 2 * PAGE, R, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    say("all", mprotect(p, 8 * PAGE, RW | X));
    // Only what is before it may be written.
    int zero = open("/dev/zero", O_RDONLY);
    for (int i = 0; i < 8; i++)
        printf("%ld", (long)read(zero, p + i * PAGE, 1));
    puts("");
    for (int i = 0; i < 8; i++)
        printf("%s ", permissions(p + i * PAGE));
    puts("");
    munmap(p + PAGE, PAGE);
    say("a hole first", mprotect(p, 8 * PAGE, RX));
    printf("before it: %s", permissions(p));
    printf(", behind: %s\n", permissions(p + 2 * PAGE));
    // What is before a hole is done, so it may be executed, or no more.
    char *h = mmap(NULL, 64 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(h + 37 * PAGE, 3 * PAGE);
    say("up to a hole", mprotect(h, 64 * PAGE, RX));
    printf("%s", permissions(h));
    printf(" %s", permissions(h + 36 * PAGE));
    printf(" %s\n", permissions(h + 40 * PAGE));
    say("no more", mprotect(h + 8 * PAGE, 40 * PAGE, R));
    printf("%s", permissions(h));
    printf(" %s", permissions(h + 8 * PAGE));
    printf(" %s", permissions(h + 36 * PAGE));
    printf(" %s\n", permissions(h + 40 * PAGE));
    // Moved, split, grown.
    p = map(without, R, MAP_SHARED);
    char *q = mremap(p + 2 * PAGE, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
    say("moved", mprotect(q, PAGE, X));
    say("grown", mprotect(q + 3 * PAGE, PAGE, X));
    say("left", mprotect(p, PAGE, X));
    char *again = mremap(q, 0, 2 * PAGE, MREMAP_MAYMOVE);
    say("a second time", mprotect(again, PAGE, X));
    char *place = mmap(NULL, 4 * PAGE, RX, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    say("over code", (long)mremap(q, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place) == (long)place ? 0 : -1);
    say("and then", mprotect(place, PAGE, RX));
    say("beside", mprotect(place + PAGE, PAGE, RX));
    if (fork() == 0) {
        say("in a child", mprotect(place, PAGE, X));
        mmap(place, PAGE, R, MAP_PRIVATE | MAP_FIXED, with, 0);
        say("another", mprotect(place, PAGE, X));
        _exit(0);
    }
    wait(NULL);
    say("in the parent", mprotect(place, PAGE, X));
    munmap(place, PAGE);
    mmap(place, PAGE, R, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    say("anew", mprotect(place, PAGE, RX));
    // Its mount's flags are those of when it was mapped.
    p = map(with, R, MAP_PRIVATE);
    say("with", mprotect(p, PAGE, RX));
}

static void implied(void)
{
    personality(READ_IMPLIES_EXEC);
    char *p = map(without, R, MAP_PRIVATE), *q = map(with, R, MAP_PRIVATE);
    char *a = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("implied: %s", permissions(p));
    printf(" %s", permissions(q));
    printf(" %s\n", permissions(a));
    say("asked", (long)map(without, RX, MAP_PRIVATE));
    say("RW", mprotect(p, PAGE, RW));
    say("RX", mprotect(p, PAGE, RX));
    printf("then: %s\n", permissions(p));
    int id = shmget(IPC_PRIVATE, PAGE, 0600);
    char *s = shmat(id, NULL, 0);
    printf("segment: %s\n", permissions(s));
    shmctl(id, IPC_RMID, NULL);
    char *heap = sbrk(0);
    sbrk(64 * PAGE);
    printf("heap: %s\n", permissions(heap + 32 * PAGE));
    personality(0);
}

static void others(void)
{
    // The kernel's own file systems.
    static const char *const names[] = {"/proc/version", "/dev/zero", "/sys/kernel/mm/transparent_hugepage/enabled",
                                        "/proc/self/exe"};
    for (int i = 0; i < 4; i++) {
        int file = open(names[i], O_RDONLY);
        printf("%s: ", names[i]);
        say("RX", (long)mmap(NULL, PAGE, RX, MAP_PRIVATE, file, 0));
        close(file);
    }
    int pipes[2];
    if (pipe(pipes) == 0)
        say("a pipe", (long)mmap(NULL, PAGE, RX, MAP_PRIVATE, pipes[0], 0));
    for (unsigned flags = 0; flags <= 0x10; flags += 8) {
        int file = memfd_create("file", flags);
        printf("memory %x: ", flags);
        if (file < 0 || ftruncate(file, PAGE)) {
            say("made", -1);
            continue;
        }
        say("RX", (long)mmap(NULL, PAGE, RX, MAP_PRIVATE, file, 0));
        say("later", mprotect(mmap(NULL, PAGE, R, MAP_SHARED, file, 0), PAGE, RX));
    }
    // Segments that only some may execute.
    static const int modes[] = {0600, 0700, 0400, 0500, 0};
    for (int i = 0; i < 5; i++) {
        int id = shmget(IPC_PRIVATE, PAGE, modes[i]);
        printf("segment %o: ", modes[i]);
        say("exec", (long)shmat(id, NULL, SHM_EXEC));
        say("read", (long)shmat(id, NULL, SHM_EXEC | SHM_RDONLY));
        shmctl(id, IPC_RMID, NULL);
    }
}

int main(int argc, char **argv)
{
    char path[400];
    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc < 2 || mount("none", argv[1], "tmpfs", MS_NOEXEC, "mode=755"))
        return perror("mount"), 1;
    snprintf(path, sizeof path, "%s/file", argv[1]);
    without = open(path, O_RDWR | O_CREAT, 0755);
    with = memfd_create("with", 0);
    if (without < 0 || ftruncate(without, 8 * PAGE) || ftruncate(with, 8 * PAGE))
        return perror(path), 1;
    at_once();
    later();
    implied();
    others();
    // No program of its own starts there.
    execl(path, path, NULL);
    say("a file", -1);
    // The mount's new flags are not those of what is mapped.
    char *p = map(without, R, MAP_PRIVATE);
    say("remounted", mount("none", argv[1], "tmpfs", MS_REMOUNT, "mode=755"));
    say("before", mprotect(p, PAGE, X));
    say("after", (long)map(without, RX, MAP_PRIVATE));
    puts("noexec");
}
