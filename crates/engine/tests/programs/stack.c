/* The first thread's stack: how far it grows, up to which limit, what it says
 * when it can't, and what may be done to its pages. Prints what is the same on
 * every machine. */
#define _GNU_SOURCE
#include <alloca.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define PAGE ((uintptr_t)4096)

/* A KiB and a little of stack at each depth. */
static __attribute__((noinline)) long dive(long depth) {
    volatile char frame[1024];
    frame[0] = 1;
    frame[1023] = 2;
    return depth <= 0 ? frame[0] : dive(depth - 1) + frame[1023];
}

/* Uses so much stack, from above downwards. */
static void use(size_t bytes) { dive(bytes / 1100); }

static void limit(rlim_t soft) {
    struct rlimit now;
    getrlimit(RLIMIT_STACK, &now);
    now.rlim_cur = soft;
    if (setrlimit(RLIMIT_STACK, &now)) _exit(99);
}

struct vma { uintptr_t start, end, before; char permissions[5]; };

/* Without stdio, since handlers call it: the mapping of an address. */
static int find(uintptr_t address, struct vma *found) {
    static char text[1 << 16];
    size_t length = 0;
    ssize_t more;
    int fd = open("/proc/self/maps", O_RDONLY);
    while ((more = read(fd, text + length, sizeof text - 1 - length)) > 0) length += more;
    close(fd);
    text[length] = 0;
    found->before = 0;
    for (char *line = text; *line; line = strchr(line, '\n') + 1) {
        char *rest;
        uintptr_t start = strtoul(line, &rest, 16), end = strtoul(rest + 1, &rest, 16);
        if (address < end) {
            found->start = start;
            found->end = end;
            memcpy(found->permissions, rest + 1, 4);
            found->permissions[4] = 0;
            return start <= address;
        }
        found->before = end;
    }
    return 0;
}

static void child(const char *name, void (*part)(void)) {
    fflush(stdout);
    pid_t id = fork();
    if (!id) {
        part();
        fflush(stdout);
        _exit(0);
    }
    int status;
    waitpid(id, &status, 0);
    if (WIFSIGNALED(status)) printf("%s: signal %d\n", name, WTERMSIG(status));
    else printf("%s: exit %d\n", name, WEXITSTATUS(status));
    fflush(stdout);
}

// ---- The limit of the moment.

static void within(void) { limit(8 * MIB); use(6 * MIB); }
static void beyond(void) { limit(8 * MIB); use(20 * MIB); }
static void raised(void) { limit(64 * MIB); use(40 * MIB); }
static void raised_to_infinity(void) { limit(RLIM_INFINITY); use(100 * MIB); }
static void lowered(void) { limit(MIB); use(5 * MIB); }
static void lowered_below_what_is_used(void) { limit(8 * MIB); use(4 * MIB); limit(MIB); use(3 * MIB); puts("used"); }
static void lowered_then_more(void) { lowered_below_what_is_used(); fflush(stdout); use(6 * MIB); }
static void none(void) { limit(0); use(8 * MIB); }
static void raised_again(void) { limit(MIB); limit(16 * MIB); use(12 * MIB); }
static void of_the_parent(void) { limit(32 * MIB); child("a grandchild", (void (*)(void))within); child("and one deeper", raised); use(20 * MIB); }

// ---- The end.

static volatile uintptr_t main_frame, fault;
static volatile int codes, near, between, armed;
static sigjmp_buf back;

/* Whether what comes next is to be done, or has faulted. */
#define TRY() (codes = 0, armed = 1, !sigsetjmp(back, 1))

static void overflowed(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    struct vma stack;
    fault = (uintptr_t)info->si_addr;
    codes = info->si_code;
    int found = find(main_frame, &stack);
    // What detectors of stack overflows look for.
    near = found && stack.start - fault <= 2 * PAGE;
    between = found && stack.before <= fault && fault < stack.start;
    if (!armed) _exit(96);
    armed = 0;
    siglongjmp(back, 1);
}

static char alternate[64 << 10] __attribute__((aligned(16)));

static void handle(void (*handler)(int, siginfo_t *, void *), int flags) {
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}

static void to_the_end(const char *when, size_t most) {
    struct vma stack;
    if (TRY()) use(most);
    find(main_frame, &stack);
    struct rlimit now;
    getrlimit(RLIMIT_STACK, &now);
    printf("%s: code %d, near %d, between %d, to the limit %d\n", when, codes, near, between,
           stack.end - stack.start > now.rlim_cur - 2 * PAGE && stack.end - stack.start <= now.rlim_cur);
}

static void handled(void) {
    handle(overflowed, SA_ONSTACK);
    limit(2 * MIB);
    to_the_end("first", 64 * MIB);
    to_the_end("again", 64 * MIB);
    limit(5 * MIB);
    to_the_end("raised", 64 * MIB);
}

static void handled_without_a_stack(void) { handle(overflowed, 0); limit(MIB); use(8 * MIB); }

static void in_a_call(void) {
    // The kernel's own accesses let it grow too, and fail where it ends.
    limit(2 * MIB);
    volatile char here = 0;
    char *low = (char *)((uintptr_t)&here - MIB), *under = (char *)((uintptr_t)&here - 4 * MIB);
    int ends[2];
    if (pipe(ends) || write(ends[1], "four", 4) != 4) _exit(98);
    long got = read(ends[0], low, 4);
    printf("read: %ld %.4s\n", got, got == 4 ? low : "");
    if (write(ends[1], "four", 4) != 4) _exit(98);
    printf("below: %zd\n", read(ends[0], under, 4));
    volatile char *word = (char *)((uintptr_t)&here - MIB - 512 * KIB);
    printf("zeros: %d\n", word[0]);
}

static void leap(void) {
    limit(16 * MIB);
    volatile char *block = alloca(12 * MIB);
    block[0] = 1;
    block[6 * MIB] = 2;
    printf("leapt: %d\n", block[0] + block[6 * MIB]);
}

// ---- What is seen.

static void seen(void) {
    struct vma stack;
    limit(8 * MIB);
    printf("found %d", find(main_frame, &stack));
    printf(", %s, small %d", stack.permissions, stack.end - stack.start < MIB);
    use(3 * MIB);
    find(main_frame, &stack);
    size_t length = stack.end - stack.start;
    printf(", then %d", length >= 2 * MIB && length < 5 * MIB);
    printf(", free below %d\n", stack.start - stack.before > 16 * MIB);
    int count = 0;
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps)) count += strstr(line, "[stack]") != NULL;
    fclose(maps);
    printf("lines: %d\n", count);
    const char *name = (const char *)getauxval(AT_EXECFN);
    printf("the name at the end: %d\n", (uintptr_t)name + strlen(name) + 1 + 8 == stack.end);
    char stat[1024] = "";
    maps = fopen("/proc/self/stat", "r");
    fgets(stat, sizeof stat, maps);
    fclose(maps);
    char *field = strrchr(stat, ')');
    for (int n = 2; n < 28; n++) field = strchr(field + 1, ' ');
    uintptr_t started = strtoul(field, NULL, 10);
    printf("starts in it: %d\n", stack.start < started && started < stack.end && main_frame < started);
}

static void of_pthreads(void) {
    pthread_attr_t attr;
    void *base;
    size_t size;
    struct vma stack;
    limit(8 * MIB);
    find(main_frame, &stack);
    pthread_getattr_np(pthread_self(), &attr);
    pthread_attr_getstack(&attr, &base, &size);
    uintptr_t low = (uintptr_t)base;
    printf("pthreads': %d %d %d\n", low < stack.start, main_frame < low + size && low + size <= stack.end,
           size > 7 * MIB && size <= 8 * MIB);
    limit(3 * MIB);
    pthread_getattr_np(pthread_self(), &attr);
    pthread_attr_getstack(&attr, &base, &size);
    printf("lowered: %d\n", size > 2 * MIB && size <= 3 * MIB);
}

// ---- What is done to its pages.

static uintptr_t bottom(void) {
    struct vma stack;
    return find(main_frame, &stack) ? stack.start : 0;
}

static void *fixed(uintptr_t at, size_t length, int protection) {
    return mmap((void *)at, length, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void mapped_below(void) {
    // A mapping in its way: it keeps a distance.
    handle(overflowed, SA_ONSTACK);
    limit(8 * MIB);
    uintptr_t low = bottom();
    char *block = fixed(low - 2 * MIB, PAGE, PROT_READ | PROT_WRITE);
    printf("mapped %d\n", block == (char *)(low - 2 * MIB));
    if (TRY()) use(7 * MIB);
    struct vma stack;
    find(main_frame, &stack);
    printf("code %d, gap %lu\n", codes, (unsigned long)(stack.start - (low - 2 * MIB + PAGE)) >> 12);
    printf("block %d\n", block[0]);
    // And goes on when that is gone.
    munmap(block, PAGE);
    use(5 * MIB);
    puts("gone on");
}

static void beside(void) {
    uintptr_t low = bottom();
    limit(8 * MIB);
    char *block = fixed(low - PAGE, PAGE, PROT_READ | PROT_WRITE);
    block[0] = 3;
    handle(overflowed, SA_ONSTACK);
    *(volatile char *)low;
    if (TRY()) *(volatile char *)(low - 2 * PAGE);
    printf("beside: %d, code %d\n", block[0], codes);
}

static void unmapped(void) {
    use(2 * MIB);
    uintptr_t low = bottom();
    *(volatile char *)low = 9;
    printf("munmap %d\n", munmap((void *)low, 16 * PAGE));
    printf("lower %d\n", bottom() == low + 16 * PAGE);
    printf("grown anew %d\n", *(volatile char *)low);
}

static void protected(void) {
    use(2 * MIB);
    uintptr_t low = bottom();
    printf("mprotect %d\n", mprotect((void *)low, 4 * PAGE, PROT_READ));
    handle(overflowed, SA_ONSTACK);
    if (TRY()) *(volatile char *)low = 1;
    printf("written, code %d\n", codes);
    // What grows has the protection of what it grows from.
    if (TRY()) *(volatile char *)(low - PAGE);
    printf("read below, code %d\n", codes);
    if (TRY()) *(volatile char *)(low - PAGE) = 1;
    printf("written below, code %d\n", codes);
    printf("downwards %d\n", mprotect((void *)(low + 8 * PAGE), PAGE, PROT_READ | PROT_WRITE | PROT_GROWSDOWN));
    printf("downwards %d\n", mprotect((void *)(low + 3 * PAGE), PAGE, PROT_READ | PROT_WRITE | PROT_GROWSDOWN));
    *(volatile char *)(low - PAGE) = 1;
    use(4 * MIB);
    puts("as before");
}

static void moved(void) {
    use(2 * MIB);
    uintptr_t low = bottom();
    *(volatile char *)low = 7;
    char *to = mremap((void *)low, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                      mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    printf("moved: %d, left %d\n", to == MAP_FAILED ? -1 : to[0], bottom() == low + 8 * PAGE);
    printf("anew: %d\n", *(volatile char *)low);
}

static void downwards(void) {
    // One of its own that grows.
    char *room = mmap(NULL, 16 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(room, 16 * MIB);
    char *at = room + 15 * MIB;
    char *got = mmap(at, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
    for (size_t n = 1; n < 512; n++) got[-(long)(n * PAGE)] = (char)n;
    printf("grown: %d %d\n", got == at, got[-100 * (long)PAGE]);
    printf("downwards %d\n", mprotect(at, PAGE, PROT_READ | PROT_GROWSDOWN));
    handle(overflowed, SA_ONSTACK);
    if (TRY()) got[-200 * (long)PAGE] = 1;
    printf("code %d\n", codes);
}

// ---- Others.

static void vforked(void) {
    limit(8 * MIB);
    int status;
    pid_t id = vfork();
    if (!id) {
        use(5 * MIB);
        _exit(4);
    }
    waitpid(id, &status, 0);
    printf("vfork: %d, grown %d\n", WEXITSTATUS(status), main_frame - bottom() > 4 * MIB);
}

static int cloned(void *unused) {
    (void)unused;
    // The other process's stack, in the same memory.
    volatile char *low = (char *)bottom();
    low[-(long)(MIB / 2)] = 6;
    return 5;
}

static void cloning(void) {
    int status;
    limit(8 * MIB);
    use(MIB);
    uintptr_t low = bottom();
    pid_t id = clone(cloned, alternate + sizeof alternate, CLONE_VM | SIGCHLD, NULL);
    waitpid(id, &status, 0);
    printf("clone: %d %d\n", WEXITSTATUS(status), *(char *)(low - MIB / 2));
}

static void *forks(void *unused) {
    (void)unused;
    child("a thread's child", within);
    // The first thread's stack can be grown by others.
    *(volatile char *)(bottom() - MIB) = 1;
    return NULL;
}

static void of_threads(void) {
    limit(8 * MIB);
    pthread_t thread;
    pthread_create(&thread, NULL, forks, NULL);
    pthread_join(thread, NULL);
    use(6 * MIB);
    puts("threads");
}

static char *itself;

static void __attribute__((noinline)) executes(long depth) {
    volatile char frame[1024];
    frame[0] = 1;
    if (depth > 0) executes(depth - frame[0]);
    else execl(itself, itself, "small", NULL);
    frame[1023] = 97;
    _exit(frame[1023]);
}

static void executed(void) { limit(16 * MIB); executes(10 << 10); }

/* Nothing of what the loader of the program needed is on it. */
static int remains(const char *text, int shift) {
    struct vma stack;
    find(main_frame, &stack);
    char looked[64];
    size_t length = strlen(text);
    int count = 0;
    for (uintptr_t at = stack.start; at + length < stack.end; at++) {
        for (size_t n = 0; n < length; n++) looked[n] = (char)(((char *)at)[n] + shift);
        // Not the copy that is just made.
        if (at + length > (uintptr_t)looked && at < (uintptr_t)looked + sizeof looked) continue;
        count += !memcmp(looked, text, length);
    }
    return count;
}

/* That a program exports a function of this name is how an engine tells that it has
 * ThreadSanitizer in it, which wants fewer addresses. */
void __tsan_init(void) {}

int main(int argc, char **argv) {
    main_frame = (uintptr_t)&argc;
    itself = argv[0];
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && !strcmp(argv[1], "small")) {
        struct vma stack;
        find(main_frame, &stack);
        printf("small: %d\n", stack.end - stack.start < 200 * KIB);
        return 0;
    }
    if (argc > 1 && !strcmp(argv[1], "limit")) {
        struct rlimit now;
        getrlimit(RLIMIT_STACK, &now);
        printf("limit %lx\n", (unsigned long)now.rlim_cur);
        child("seen", seen);
        child("used", within);
        child("handled", handled);
        return 0;
    }
    if (argc > 2 && !strcmp(argv[1], "remains")) {
        // Each argument is moved by one, lest it be found itself.
        for (int n = 2; n < argc; n++) printf("%s: %d\n", argv[n], remains(argv[n], 1));
        return 0;
    }
    if (argc > 1 && !strcmp(argv[1], "place")) {
        struct vma stack;
        find(main_frame, &stack);
        void *block = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        printf("bits: %d, distance %d\n", 64 - __builtin_clzl(stack.end), stack.end - (uintptr_t)block > 128 * MIB);
        return 0;
    }
    // Without what is put in the way of the stack, or done to its pages.
    int alone = argc > 1 && !strcmp(argv[1], "alone");
    child("within", within);
    child("beyond", beyond);
    child("raised", raised);
    child("raised to infinity", raised_to_infinity);
    child("lowered", lowered);
    child("lowered below what is used", lowered_below_what_is_used);
    child("lowered, then more", lowered_then_more);
    child("none", none);
    child("raised again", raised_again);
    child("of the parent", of_the_parent);
    child("handled", handled);
    child("handled without a stack", handled_without_a_stack);
    child("in a call", in_a_call);
    child("leap", leap);
    child("seen", seen);
    child("of pthreads", of_pthreads);
    if (!alone) {
        child("mapped below", mapped_below);
        child("beside", beside);
        child("unmapped", unmapped);
        child("protected", protected);
        child("moved", moved);
    }
    child("downwards", downwards);
    child("vforked", vforked);
    child("cloning", cloning);
    child("of threads", of_threads);
    child("executed", executed);
    return 0;
}
