// Each part is a child process that does what no program should, and what the
// parent sees of it is printed: how it ended, and the errors it got.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(x) do { if (!(x)) { \
    dprintf(1, "%d: %s: %s\n", __LINE__, #x, strerror(errno)); _exit(99); } } while (0)
#define MIB (1ul << 20)

static const char *place;
// The one part to do; null for all.
static const char *only;

static void part(const char *name, void (*body)(void)) {
    if (only && strcmp(name, only) != 0)
        return;
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        body();
        fflush(stdout);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status))
        printf("%s: signal %d\n", name, WTERMSIG(status));
    else
        printf("%s: exit %d\n", name, WEXITSTATUS(status));
}

// Something that has not run yet: formatting, sorting, floating point.
static int compare(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}
static void much_code(void) {
    int numbers[200];
    for (int i = 0; i < 200; i++)
        numbers[i] = (i * 7919) % 1009;
    qsort(numbers, 200, sizeof *numbers, compare);
    char text[200];
    snprintf(text, sizeof text, "%d %.6f %a %s", numbers[100], strtod("3.25e10", NULL), 0.1,
             strerror(EDOM));
    dprintf(1, "  %s\n", text);
}

static void fork_works(void) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        char text[64];
        snprintf(text, sizeof text, "%g", 2.5);
        _exit(strcmp(text, "2.5") == 0 ? 5 : 6);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    dprintf(1, "  child %d\n", WEXITSTATUS(status));
}

// ---- Memory.

static void unmap_all(void) { munmap(0, sizeof(void *) == 4 ? 0xbffff000ul : (unsigned long)((1ull << 47) - 4096)); }

static void map_over_code(void) {
    uintptr_t at = (uintptr_t)map_over_code & ~(uintptr_t)0xfff;
    mmap((void *)(at > MIB ? at - MIB / 2 : at), 2 * MIB, PROT_READ | PROT_WRITE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void protect_code(void) {
    uintptr_t at = (uintptr_t)protect_code & ~(uintptr_t)0xfff;
    mprotect((void *)at, 0x4000, PROT_READ);
}

// Takes all there is, in pieces that get smaller.
static void use_up(int resource, unsigned long most) {
    CHECK(setrlimit(resource, &(struct rlimit){most, most}) == 0);
    unsigned long pieces = 0;
    for (unsigned long size = 64 * MIB; size >= 4096; size /= 2)
        while (mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
               != MAP_FAILED)
            pieces++;
    dprintf(1, "  %d: %s\n", pieces > 10, strerror(errno));
    CHECK(malloc(64 * MIB) == NULL);
    much_code();
    fork_works();
}
static void use_up_addresses(void) { use_up(RLIMIT_AS, 2048 * MIB); }
static void use_up_data(void) { use_up(RLIMIT_DATA, 512 * MIB); }

static void limit_to_nothing(void) {
    CHECK(setrlimit(RLIMIT_AS, &(struct rlimit){0, 0}) == 0);
    CHECK(setrlimit(RLIMIT_DATA, &(struct rlimit){0, 0}) == 0);
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    much_code();
}

// ---- Descriptors.

static void use_up_descriptors(void) {
    CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){20, 20}) == 0);
    int last = -1, fd;
    while ((fd = open("/dev/null", O_RDONLY)) >= 0)
        last = fd;
    dprintf(1, "  last %d: %s\n", last, strerror(errno));
    CHECK(open("/proc/self/maps", O_RDONLY) == -1 && errno == EMFILE);
    CHECK(open("/proc/cpuinfo", O_RDONLY) == -1 && errno == EMFILE);
    much_code();
    fork_works();
    // One is enough for a file that is made for the program.
    close(last);
    char text[16];
    fd = open("/proc/self/maps", O_RDONLY);
    CHECK(fd == last && read(fd, text, sizeof text) == sizeof text);
    close(fd);
    fd = open("/proc/cpuinfo", O_RDONLY);
    CHECK(fd == last && read(fd, text, sizeof text) == sizeof text);
}

static void close_all(void) {
    // None of them is somebody else's than the program's own.
    for (int fd = 0; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            dprintf(1, "  open: %d\n", fd);
    CHECK(syscall(SYS_close_range, 0u, ~0u, 0u) == 0);
    char text[64];
    snprintf(text, sizeof text, "%f", 1.5);
    CHECK(open("/dev/null", O_RDONLY) == 0);
    fork();
    _exit(strcmp(text, "1.500000") == 0 ? 0 : 1);
}

// ---- Files that are no programs.

static void try_to_run(const char *what, const void *bytes, size_t length) {
    char path[300];
    snprintf(path, sizeof path, "%s/%s", place, what);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0755);
    CHECK(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
    close(fd);
    char *arguments[] = {path, NULL};
    execve(path, arguments, environ);
    dprintf(1, "  %s: %s\n", what, strerror(errno));
}

static void no_programs(void) {
    static unsigned char bytes[4096];
    int fd = open("/proc/self/exe", O_RDONLY);
    CHECK(fd >= 0 && read(fd, bytes, sizeof bytes) == sizeof bytes);
    close(fd);
    try_to_run("nothing", bytes, 0);
    for (int length = 1; length <= 64; length += 21) {
        char name[20];
        snprintf(name, sizeof name, "cut-%d", length);
        try_to_run(name, bytes, length);
    }
    try_to_run("table-cut", bytes, 100);
    ElfW(Ehdr) *header = (ElfW(Ehdr) *)bytes;
    ElfW(Ehdr) good = *header;
    header->e_phnum = 0;
    try_to_run("no-table", bytes, 4096);
    *header = good;
    header->e_phentsize = 24;
    try_to_run("entries", bytes, 4096);
    *header = good;
    header->e_type = ET_REL;
    try_to_run("object", bytes, 4096);
    *header = good;
    header->e_type = ET_CORE;
    try_to_run("core", bytes, 4096);
    *header = good;
    // A loader that is not there, and one that is none.
    ElfW(Phdr) *table = (ElfW(Phdr) *)(bytes + header->e_phoff);
    ElfW(Phdr) *last = table + header->e_phnum - 1;
    for (int i = 0; i < header->e_phnum; i++)
        table[i].p_filesz = 0;
    static const char *const LOADERS[] = {"/nonexistent/ld.so", "/proc/self/maps", "/proc", "/etc/passwd"};
    for (int i = 0; i < 4; i++) {
        strcpy((char *)bytes + 3000, LOADERS[i]);
        *last = (ElfW(Phdr)){.p_type = PT_INTERP, .p_flags = PF_R, .p_offset = 3000,
                                .p_filesz = strlen(LOADERS[i]) + 1, .p_memsz = 100, .p_align = 1};
        try_to_run(i == 0 ? "missing" : i == 1 ? "unfit" : i == 2 ? "directory" : "text", bytes, 4096);
    }
    // It may be executed, and is none.
    char text[100];
    memset(text, 'x', sizeof text);
    snprintf((char *)bytes + 3000, 300, "%s/text-file", place);
    int file = open((char *)bytes + 3000, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
    CHECK(file >= 0 && write(file, text, sizeof text) == sizeof text);
    close(file);
    last->p_filesz = strlen((char *)bytes + 3000) + 1;
    try_to_run("no-loader", bytes, 4096);
    last->p_filesz = 1;
    try_to_run("loader-short", bytes, 4096);
    last->p_filesz = 5;
    try_to_run("loader-endless", bytes, 4096);
}

// ---- Places that are nowhere.

static sigjmp_buf back;
static siginfo_t seen;
static void caught(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    seen = *info;
    siglongjmp(back, 1);
}

static void catch_faults(void) {
    struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}

static void jump(uintptr_t to) {
    if (sigsetjmp(back, 1) == 0)
        ((void (*)(void))to)();
    dprintf(1, "  signal %d, code %d, there %d\n", seen.si_signo, seen.si_code,
            (uintptr_t)seen.si_addr == to);
}

static void jump_nowhere(void) {
    catch_faults();
    jump(64);
    jump(sizeof(void *) == 4 ? 0xbff00000 : (uintptr_t)0x7ff000000000ull);
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    jump((uintptr_t)page);
    mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    munmap(page, 4096);
    jump((uintptr_t)page);
}

static void jump_nowhere_unhandled(void) { ((void (*)(void))0x7ff000000000)(); }

// ---- The stack.

static volatile int endless = 1;
static int deep(volatile char *above) {
    volatile char here[4096];
    here[0] = above ? above[0] : 0;
    return endless ? deep(here) + here[0] : 0;
}

static void blow_stack(void) { deep(NULL); }

static void overflow(int signal, siginfo_t *info, void *context) {
    (void)context, (void)info;
    dprintf(1, "  signal %d\n", signal);
    _exit(3);
}

static void blow_stack_handled(void) {
    stack_t stack = {.ss_sp = malloc(64 << 10), .ss_size = 64 << 10};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_sigaction = overflow, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    deep(NULL);
}

static void *thread_deep(void *unused) {
    (void)unused;
    deep(NULL);
    return NULL;
}

static void blow_threads_stack(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, thread_deep, NULL);
    pthread_join(thread, NULL);
}

static void no_stack(void) {
    // The stack pointer leads nowhere when the signal comes.
    catch_faults();
#ifdef __aarch64__
    __asm__ volatile("mov sp, %0\n\tstr xzr, [sp, #-16]!" : : "r"(64l) : "memory");
#elif defined(__arm__)
    __asm__ volatile("mov sp, %0\n\tstr %0, [sp, #-8]!" : : "r"(64l) : "memory");
#elif defined(__i386__)
    __asm__ volatile("mov %0, %%esp\n\tpush $0" : : "r"(64l) : "memory");
#else
    __asm__ volatile("mov %0, %%rsp\n\tpush $0" : : "r"(64l) : "memory");
#endif
}

// ---- Code that changes while it runs.

#ifdef __aarch64__
static uint32_t code_word(int value) { return 0x52800000 | value << 5; } // mov w0, #value
static const uint32_t RETURN = 0xd65f03c0;
#elif defined(__arm__)
static uint32_t code_word(int value) { return 0xe3000000 | (value & 0xf000) << 4 | (value & 0xfff); } // movw r0, #value
static const uint32_t RETURN = 0xe12fff1e; // bx lr
#endif
static volatile int *runs;
static volatile int stop;
static int (*changing)(void);
static void *runner(void *wrong) {
    while (!stop) {
        int value = changing();
        if (value < 1 || value > 1000)
            *(volatile int *)wrong = value;
        __atomic_fetch_add(runs, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void change_code(void) {
    static int count, wrong[2];
    runs = &count;
    unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    changing = (int (*)(void))page;
    pthread_t threads[2];
    for (int value = 1; value <= 1000; value++) {
#if defined(__aarch64__) || defined(__arm__)
        __atomic_store_n((uint32_t *)page, code_word(value), __ATOMIC_RELEASE);
        ((volatile uint32_t *)page)[1] = RETURN;
#else
        page[3] = 0xb8, page[8] = 0xc3; // mov eax, value; ret
        __atomic_store_n((uint32_t *)(page + 4), value, __ATOMIC_RELEASE);
        changing = (int (*)(void))(page + 3);
#endif
        __builtin___clear_cache((char *)page, (char *)page + 16);
        if (value == 1)
            for (int n = 0; n < 2; n++)
                pthread_create(&threads[n], NULL, runner, &wrong[n]);
        while (__atomic_load_n(&count, __ATOMIC_RELAXED) == 0)
            sched_yield();
        CHECK(changing() == value);
    }
    stop = 1;
    for (int n = 0; n < 2; n++)
        pthread_join(threads[n], NULL);
    dprintf(1, "  last %d, wrong %d %d\n", changing(), wrong[0], wrong[1]);
}

// ---- Processes.

static void *waits(void *unused) {
    (void)unused;
    pause();
    return NULL;
}

static void fork_on(void) {
    CHECK(setrlimit(RLIMIT_NPROC, &(struct rlimit){40, 40}) == 0);
    // The limit is an ordinary user's only, and counts all of its processes.
    if (getuid() == 0)
        CHECK(setgid(60000) == 0 && setuid(1000000 + getpid()) == 0);
    int made = 0;
    pid_t child;
    while ((child = fork()) > 0)
        made++;
    if (child == 0) {
        pause();
        _exit(0);
    }
    int error = errno;
    pthread_t thread;
    int thread_error = pthread_create(&thread, NULL, waits, NULL);
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
    int ended = 0;
    while (wait(NULL) > 0)
        ended++;
    dprintf(1, "  %s, %s, all ended %d\n", strerror(error), strerror(thread_error), made == ended);
    much_code();
    fork_works();
}

static void fork_until_none(void) {
    setpgid(0, 0);
    fork_on();
}

int main(int argc, char **argv) {
    place = argv[1];
    only = argc > 2 ? argv[2] : NULL;
    part("unmap all", unmap_all);
    part("map over code", map_over_code);
    part("protect code", protect_code);
    part("use up addresses", use_up_addresses);
    part("use up data", use_up_data);
    part("limit to nothing", limit_to_nothing);
    part("use up descriptors", use_up_descriptors);
    part("close all", close_all);
    part("no programs", no_programs);
    part("jump nowhere", jump_nowhere);
    part("jump nowhere, unhandled", jump_nowhere_unhandled);
    part("blow the stack", blow_stack);
    part("blow the stack, handled", blow_stack_handled);
    part("blow a thread's stack", blow_threads_stack);
    part("no stack", no_stack);
    part("change code", change_code);
    part("fork until none", fork_until_none);
    return 0;
}
