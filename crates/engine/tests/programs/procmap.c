// PROCMAP_QUERY of the process's own mappings, of a child's, of one that is gone, and of files
// that do not know it. The argument is a folder to work in.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

struct query {
    uint64_t size, flags, address, start, end, permissions, page, offset, inode;
    uint32_t major, minor, name_size, id_size;
    uint64_t name, id;
};
#define QUERY _IOWR('f', 17, struct query)

enum { READ = 1, WRITE = 2, EXECUTE = 4, SHARED = 8, OR_NEXT = 16, OF_A_FILE = 32 };

static char *base;
static char name[4096];
static unsigned char id[32];

// Tells of a mapping relative to `base`.
static void ask(const char *what, int fd, struct query query, unsigned long request)
{
    query.size = query.size ? query.size : sizeof query;
    int result = ioctl(fd, request, &query);
    printf("%s: ", what);
    if (result != 0) {
        printf("%s\n", strerrorname_np(errno));
        return;
    }
    printf("%#llx to %#llx, %llx, pages of %llu, offset %#llx, inode %d, name %u `%s`, id %u\n",
           (long long)(query.start - (uintptr_t)base), (long long)(query.end - (uintptr_t)base),
           (long long)query.permissions, (long long)query.page, (long long)query.offset,
           query.inode != 0, query.name_size, query.name_size ? strrchr(name, '/') ?: name : "",
           query.id_size);
}

static struct query at(size_t offset, uint64_t flags)
{
    return (struct query){.address = (uintptr_t)base + offset,
                          .flags = flags,
                          .name = (uintptr_t)name,
                          .name_size = sizeof name};
}

static void all(const char *who, int fd)
{
    printf("%s\n", who);
    for (int page = 0; page < 12; page++)
        ask("covering", fd, at(page * 4096, 0), QUERY);
    for (unsigned flags = 0; flags < 64; flags++)
        ask("next", fd, at(0, flags | OR_NEXT), QUERY);
    struct query query = at(0, 64);
    ask("unknown flag", fd, query, QUERY);
    query = at(0, 0), query.name_size = 0;
    ask("name without size", fd, query, QUERY);
    query = at(0, 0), query.name = 0;
    ask("size without name", fd, query, QUERY);
    query = at(4096, 0), query.name_size = 5;
    ask("short name", fd, query, QUERY);
    query = at(4096, 0), query.name = query.name_size = 0;
    ask("no name", fd, query, QUERY);
    query = at(0, 0), query.id = 8;
    ask("id without size", fd, query, QUERY);
    query = at(4096, 0), query.id = (uintptr_t)id, query.id_size = sizeof id;
    ask("id of a file without one", fd, query, QUERY);
    query = at(0, 0), query.size = 40, query.end = 1;
    int result = ioctl(fd, QUERY, &query);
    printf("small structure: %d, %d, %d\n", result, query.start == (uintptr_t)base,
           query.end == (uintptr_t)base + 4096);
    query = at(0, 0), query.size = 23;
    ask("smaller", fd, query, QUERY);
    query.size = 4097;
    ask("large", fd, query, QUERY);
    ask("nowhere", fd, (struct query){.address = -4096ULL}, QUERY);
    printf("no structure: %d\n", ioctl(fd, QUERY, 8) == -1 && errno == EFAULT);
    struct {
        struct query query;
        uint64_t more;
    } longer = {at(0, 0), 1};
    longer.query.size = sizeof longer;
    printf("unknown rest: %d\n", ioctl(fd, QUERY, &longer) == -1 && errno == E2BIG);
    longer.more = 0;
    printf("zero rest: %d\n", ioctl(fd, QUERY, &longer) == 0);
}

// The program has a build ID and is executable; the heap has a name, and the stack.
static void others(int fd)
{
    struct query query = {.size = sizeof query, .address = (uintptr_t)ask, .flags = EXECUTE};
    query.name = (uintptr_t)name, query.name_size = sizeof name;
    query.id = (uintptr_t)id, query.id_size = sizeof id;
    int result = ioctl(fd, QUERY, &query);
    char own[4096] = "";
    readlink("/proc/self/exe", own, sizeof own - 1);
    printf("program: %d, %llx, %d, id %u\n", result, (long long)query.permissions,
           strcmp(name, own) == 0, query.id_size);
    struct stat status;
    stat("/proc/self/exe", &status);
    printf("file: %d\n", query.inode == status.st_ino && query.major == major(status.st_dev)
                             && query.minor == minor(status.st_dev));
    char *text = NULL;
    size_t length = 0, stack = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    int differ = 0, lines = 0;
    while (getline(&text, &length, maps) > 0) {
        unsigned long start, end;
        char permissions[5];
        sscanf(text, "%lx-%lx %4s", &start, &end, permissions);
        if (strstr(text, "vsyscall"))
            continue;
        query = (struct query){.size = sizeof query, .address = start};
        query.name = (uintptr_t)name, query.name_size = sizeof name, name[0] = 0;
        int result = ioctl(fd, QUERY, &query);
        char *shown = strchr(text, '/') ?: strchr(text, '[') ?: "\n";
        int is_same = result == 0 && query.start == start
                      && !!(query.permissions & EXECUTE) == (permissions[2] == 'x')
                      && strncmp(shown, name, strlen(shown) - 1) == 0;
        stack += strcmp(name, "[stack]") == 0;
        differ += !is_same;
        lines++;
        if (!is_same)
            fprintf(stderr, "%s%s %lx\n", text, name, (long)query.start);
    }
    printf("lines: %d, differ: %d, stacks: %zu\n", lines > 5, differ, stack);
}

int main(int count, char **arguments)
{
    if (count < 2 || chdir(arguments[1]) != 0)
        return 2;
    int file = open("mapped", O_RDWR | O_CREAT, 0600);
    ftruncate(file, 5 * 4096);
    base = mmap(NULL, 12 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mmap(base + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 4096);
    mmap(base + 2 * 4096, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 3 * 4096);
    mprotect(base + 3 * 4096, 4096, PROT_READ | PROT_EXEC);
    mprotect(base + 4 * 4096, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    munmap(base + 5 * 4096, 4096);
    mmap(base + 6 * 4096, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file, 0);
    mprotect(base + 7 * 4096, 2 * 4096, PROT_WRITE);
    mmap(base + 9 * 4096, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    int own = open("/proc/self/maps", O_RDONLY);
    all("own", own);
    others(own);
    int of_thread = open("/proc/thread-self/maps", O_RDONLY);
    ask("by thread", of_thread, at(4096, 0), QUERY);
    ask("smaps", open("/proc/self/smaps", O_RDONLY), at(4096, 0), QUERY);
    ask("status", open("/proc/self/status", O_RDONLY), at(4096, 0), QUERY);
    ask("another file", file, at(4096, 0), QUERY);
    ask("another request", own, at(4096, 0), _IOWR('f', 18, struct query));
    ask("no file", -1, at(4096, 0), QUERY);
    unlink("mapped");
    ask("deleted", own, at(4096, 0), QUERY);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        munmap(base + 4096, 4096);
        kill(getpid(), SIGSTOP);
        _exit(0);
    }
    int status;
    waitpid(child, &status, WUNTRACED);
    snprintf(name, sizeof name, "/proc/%d/maps", child);
    int of_child = open(name, O_RDONLY);
    all("child", of_child);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    ask("gone", of_child, at(4096, 0), QUERY);
    return 0;
}
