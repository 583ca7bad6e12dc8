// READ_IMPLIES_EXEC: who gets it from its file, who from who executed it, and what it does to memory.
// `implied OTHER` tells it of itself and of OTHER, the same program of the other width, or itself again.
// It works in its directory, and prints the same on every machine that runs both widths.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(x) do { if (!(x)) { \
    printf("%d: %s: %s\n", __LINE__, #x, strerror(errno)); exit(1); } } while (0)
#define PAGE 4096ul

#if defined __aarch64__
static const unsigned char code[] = {0xe0, 0, 0x80, 0x52, 0xc0, 3, 0x5f, 0xd6}; // mov w0, 7; ret
#elif defined __arm__
static const unsigned char code[] = {7, 0, 0xa0, 0xe3, 0x1e, 0xff, 0x2f, 0xe1}; // mov r0, 7; bx lr
#else
static const unsigned char code[] = {0xb8, 7, 0, 0, 0, 0xc3}; // mov eax, 7; ret
#endif

static char zeros[3 * PAGE], data[2 * PAGE] = "data";

// The rights of what is mapped at an address.
static const char *rights(const void *address) {
    static char line[512], rights[5];
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(maps);
    strcpy(rights, "none");
    while (fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        char found[5];
        if (sscanf(line, "%lx-%lx %4s", &start, &end, found) == 3 && (unsigned long)address >= start
            && (unsigned long)address < end)
            strcpy(rights, found);
    }
    fclose(maps);
    return rights;
}

static void tell(const char *what, const void *address) {
    printf("    %s %s\n", what, address == MAP_FAILED ? strerror(errno) : rights(address));
}

static void personality_in(const char *file) {
    char text[32] = "";
    int fd = open(file, O_RDONLY);
    ssize_t length = read(fd, text, sizeof text - 1);
    printf("    %s %s", file, length > 0 ? text : "unreadable\n");
    close(fd);
}

// Executes code there, if that is allowed, in a child.
static void execute(const char *what, char *place) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        memcpy(place, code, sizeof code);
        __builtin___clear_cache(place, place + sizeof code);
        _exit(((int (*)(void))place)());
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    printf("    on %s: %s %d\n", what, WIFSIGNALED(status) ? "signal" : "exit",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void mappings(void) {
    const int some = MAP_PRIVATE | MAP_ANONYMOUS;
    tell("read", mmap(NULL, PAGE, PROT_READ, some, -1, 0));
    char *both = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, some, -1, 0);
    tell("read, write", both);
    execute("a mapping", both);
    tell("shared", mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    char *nothing = mmap(NULL, 3 * PAGE, PROT_NONE, some, -1, 0);
    tell("nothing", nothing);
    CHECK(mprotect(nothing + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
    tell("protected", nothing + PAGE);
    CHECK(mprotect(nothing + PAGE, PAGE, PROT_WRITE) == 0);
    printf("    written %d\n", strchr(rights(nothing + PAGE), 'x') != NULL);
    CHECK(mprotect(nothing + PAGE, PAGE, PROT_NONE) == 0);
    tell("nothing again", nothing + PAGE);
    tell("moved", mremap(both, PAGE, 4 * PAGE, MREMAP_MAYMOVE));
    int fd = open("text", O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0 && ftruncate(fd, PAGE) == 0);
    tell("file", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
    tell("shared file", mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    close(fd);
    fd = open("/proc/version", O_RDONLY);
    CHECK(fd >= 0);
    tell("procfs", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
    close(fd);
    char *heap = sbrk(0);
    CHECK(sbrk(16 * PAGE) != (void *)-1);
    tell("heap", heap + 8 * PAGE);
    int segment = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600);
    CHECK(segment >= 0);
    tell("segment", shmat(segment, NULL, 0));
    tell("segment to read", shmat(segment, NULL, SHM_RDONLY));
    shmctl(segment, IPC_RMID, NULL);
}

static int implies(void) { return (personality(-1) & READ_IMPLIES_EXEC) != 0; }

static void *other_thread(void *changes) {
    printf("    a thread: %d\n", implies());
    char file[64];
    snprintf(file, sizeof file, "/proc/self/task/%d/personality", getpid());
    if (changes) {
        CHECK(personality(personality(-1) ^ READ_IMPLIES_EXEC) != -1);
        printf("    changed: %d\n", implies());
    }
    int fd = open(file, O_RDONLY);
    char text[32] = "";
    CHECK(read(fd, text, sizeof text - 1) > 0);
    printf("    the first: %s", text);
    close(fd);
    return NULL;
}

static void threads(void) {
    for (int changes = 0; changes < 2; changes++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, other_thread, changes ? "" : NULL) == 0);
        pthread_join(thread, NULL);
        printf("    here: %d\n", implies());
    }
}

// What the program finds as it starts, and how memory is from then on.
static int state(void) {
    char here[64];
    printf("    %d bits: implied %d\n", (int)sizeof(long) * 8, implies());
    tell("stack", here);
    tell("data", data + PAGE);
    tell("zeros", zeros + PAGE);
    execute("the stack", here);
    personality_in("/proc/self/personality");
    personality_in("/proc/thread-self/personality");
    mappings();
    threads();
    fflush(stdout);
    return 0;
}

// A copy of a program whose header for the stack says so: PF_..., or is none at all.
static void copy(const char *from, const char *to, int flags) {
    static unsigned char bytes[16 << 20];
    int fd = open(from, O_RDONLY);
    CHECK(fd >= 0);
    ssize_t length = read(fd, bytes, sizeof bytes);
    CHECK(length > 0 && length < (ssize_t)sizeof bytes);
    close(fd);
#define CHANGE(N)                                                                                  \
    do {                                                                                           \
        Elf##N##_Ehdr *elf = (void *)bytes;                                                        \
        Elf##N##_Phdr *header = (void *)(bytes + elf->e_phoff);                                    \
        for (int n = 0; n < elf->e_phnum; n++)                                                     \
            if (header[n].p_type == PT_GNU_STACK) {                                                \
                header[n].p_flags = flags;                                                         \
                header[n].p_type = flags ? PT_GNU_STACK : PT_NULL;                                 \
            }                                                                                      \
    } while (0)
    if (bytes[EI_CLASS] == ELFCLASS32)
        CHANGE(32);
    else
        CHANGE(64);
    fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    CHECK(fd >= 0 && write(fd, bytes, length) == length);
    close(fd);
}

enum { PLAIN, IMPLIED, CONFINED, SPAWNED };

static void run(const char *what, const char *program, int way, const char *mode) {
    printf("  %s\n", what);
    fflush(stdout);
    pid_t child = way == SPAWNED ? vfork() : fork();
    if (child == 0) {
        if (way == IMPLIED || way == CONFINED)
            personality(personality(-1) | READ_IMPLIES_EXEC);
        if (way == CONFINED)
            prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        execl(program, "program", mode, "", NULL);
        _exit(100 + errno);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    printf("  %d\n", status);
}

static void script(const char *path, const char *program) {
    FILE *file = fopen(path, "w");
    fprintf(file, "#!%s state\n", program);
    fclose(file);
    chmod(path, 0755);
}

static void with(const char *whose, const char *program) {
    printf("%s\n", whose);
    copy(program, "./none", 0);
    copy(program, "./usual", PF_R | PF_W);
    copy(program, "./executable", PF_R | PF_W | PF_X);
    run("without the header", "./none", PLAIN, "state");
    run("as usual", "./usual", PLAIN, "state");
    run("with an executable stack", "./executable", PLAIN, "state");
    run("without the header, implied", "./none", IMPLIED, "state");
    run("as usual, implied", "./usual", IMPLIED, "state");
    run("with an executable stack, implied", "./executable", IMPLIED, "state");
    run("from one to the next", "./none", PLAIN, "again");
    run("from one to the next, implied", "./usual", IMPLIED, "again");
    char path[4096];
    CHECK(getcwd(path, sizeof path - 16));
    strcat(path, "/usual");
    script("./script", path);
    run("a script", "./script", IMPLIED, "state");
    chmod("./usual", 04755);
    run("with its owner's rights", "./usual", IMPLIED, "state");
    run("with its owner's rights, which it does not get", "./usual", CONFINED, "state");
    run("a script, with its owner's rights", "./script", IMPLIED, "state");
    chmod("./none", 04755);
    run("with its owner's rights, without the header", "./none", IMPLIED, "state");
    chmod("./usual", 0755);
    CHECK(personality(personality(-1) | READ_IMPLIES_EXEC) != -1);
    run("without a child's doing", "./usual", PLAIN, "state");
    run("in the parent's memory", "./usual", SPAWNED, "state");
    CHECK(personality(personality(-1) & ~READ_IMPLIES_EXEC) != -1);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "state") == 0)
        return state();
    if (argc > 1 && strcmp(argv[1], "again") == 0) {
        execl("./usual", "usual", "state", NULL);
        return 100;
    }
    CHECK(argc > 1);
    with("itself", "/proc/self/exe");
    with("the other", argv[1]);
    puts("end");
    return 0;
}
