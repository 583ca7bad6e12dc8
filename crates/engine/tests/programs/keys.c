// Tries to write at an address that it is told (a line of standard input, in
// hexadecimal), in every way there is, and says what came of each: a line, after
// which it waits for one. Then it tries it all the time, from handlers and from
// two threads, while it makes new code. Where addresses have 32 bits, no address leads
// there, but positions in files do.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t place;
static char *there;
static __thread sigjmp_buf back;
static __thread volatile siginfo_t fault;

static void faulted(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    fault.si_code = info->si_code, fault.si_addr = info->si_addr;
    siglongjmp(back, 1);
}

#if UINTPTR_MAX > UINT32_MAX
// Lets the kernel write a byte.
static long filled(char *at) { return syscall(SYS_getrandom, at, 1, 0); }

#endif

static const char *error(long result)
{
    return result >= 0 ? "done" : strerrorname_np(errno);
}

#if UINTPTR_MAX > UINT32_MAX
// What a way of writing that is no system call comes to.
static const char *tried(void (*way)(char *))
{
    if (!sigsetjmp(back, 1)) {
        way(there);
        return "done";
    }
    if (fault.si_addr < (void *)there || fault.si_addr >= (void *)(there + 64))
        return "a fault elsewhere";
    return fault.si_code == SEGV_ACCERR ? "SIGSEGV" : "SIGSEGV of another kind";
}

static void store(char *at) { *(volatile char *)at = 1; }
static void pair(char *at) { __asm__ volatile("stp %1, %1, [%0]" ::"r"(at), "r"(1L) : "memory"); }
static void vector(char *at) { __asm__ volatile("str q0, [%0]" ::"r"(at) : "memory"); }
static void exchange(char *at) { __atomic_exchange_n(at, 1, __ATOMIC_SEQ_CST); }
static void line(char *at) { __asm__ volatile("dc zva, %0" ::"r"(at) : "memory"); }
static void set(char *at)
{
    long length = 16;
    __asm__ volatile(".arch armv8.8-a+mops\nsetp [%0]!, %1!, %2\nsetm [%0]!, %1!, %2\n"
                     "sete [%0]!, %1!, %2"
                     : "+r"(at), "+r"(length) : "r"(1L) : "memory", "cc");
}

static const char *from_pipe(void)
{
    int ends[2];
    if (pipe(ends) || write(ends[1], "x", 1) != 1)
        return "no pipe";
    const char *came = error(read(ends[0], there, 1));
    close(ends[0]), close(ends[1]);
    return came;
}

static const char *by_number(pid_t process)
{
    char byte = 1;
    struct iovec local = {&byte, 1}, remote = {there, 1};
    return error(process_vm_writev(process, &local, 1, &remote, 1, 0));
}

static const char *by_second_part(void)
{
    static char from[2] = "xy", to;
    struct iovec local = {from, 2}, remote[2] = {{&to, 1}, {there, 1}};
    long done = process_vm_writev(getpid(), &local, 1, remote, 2, 0);
    return done == 1 && to == 'x' ? "one" : error(done);
}

static const char *read_by_number(void)
{
    char byte;
    struct iovec local = {&byte, 1}, remote = {there, 1};
    return error(process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
}

#endif

static const char *through(int fd)
{
    if (fd < 0)
        return error(fd);
    const char *came = error(pwrite64(fd, "x", 1, place));
    close(fd);
    return came;
}

static const char *by_file(const char *form, int number)
{
    char path[64];
    snprintf(path, sizeof path, form, number);
    return through(open(path, O_RDWR));
}

static const char *by_directory(void)
{
    int directory = open("/proc/self", O_PATH | O_DIRECTORY);
    const char *came = through(openat(directory, "mem", O_WRONLY));
    close(directory);
    return came;
}

static const char *by_restricted(void)
{
    struct { uint64_t flags, mode, resolve; } how = {O_RDWR, 0, 8};
    int directory = open("/proc/self", O_PATH | O_DIRECTORY);
    const char *came = through(syscall(SYS_openat2, directory, "mem", &how, sizeof how));
    close(directory);
    return came;
}

static const char *by_link(void)
{
    symlink("/proc/self/mem", "/tmp/link");
    const char *came = through(open("/tmp/link", O_RDWR));
    unlink("/tmp/link");
    return came;
}

static const char *opened_again(int flags)
{
    int fd = open("/proc/self/mem", flags);
    const char *came = by_file("/proc/self/fd/%d", fd);
    close(fd);
    return came;
}

// What of it has to go on.
static const char *read_own(void)
{
    static char here[] = "own memory";
    char byte = 0;
    int fd = open("/proc/self/mem", O_RDONLY);
    long done = pread64(fd, &byte, 1, (uintptr_t)(here + 4));
    close(fd);
    return done == 1 && byte == 'm' ? "read" : error(done);
}

static const char *other_private_file(void)
{
    int fd = open("/tmp/private", O_RDWR | O_CREAT | O_TRUNC, 0600);
    const char *came = error(write(fd, "x", 1));
    close(fd), unlink("/tmp/private");
    return came;
}

#if UINTPTR_MAX > UINT32_MAX
static const char *by_kernel_at_exit(void)
{
    // The kernel writes the number, and clears it; of neither it tells.
    long flags = CLONE_VM | CLONE_VFORK | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD;
    long child = syscall(SYS_clone, flags, 0, 0, 0, there);
    if (child == 0)
        syscall(SYS_exit, 0);
    waitpid(child, NULL, 0);
    return error(child);
}

static void *in_thread(void *nothing)
{
    (void)nothing;
    return (void *)tried(store);
}

static const char *thread(void)
{
    pthread_t thread;
    void *came;
    pthread_create(&thread, NULL, in_thread, NULL);
    pthread_join(thread, &came);
    return came;
}

#endif

// Children, which say by their exit code what came of a way.
static const char *const CAME[] = {"done", "SIGSEGV", "EFAULT", "EACCES", "something else"};
static const char *(*childs_way)(pid_t);
static pid_t parent;

static int child(void *nothing)
{
    (void)nothing;
    const char *came = childs_way(parent);
    int code = 0;
    while (code < 4 && strcmp(came, CAME[code]))
        code++;
    _exit(code);
}

// With a copy of the memory, or with the same.
static const char *in_child(int flags, const char *(*way)(pid_t))
{
    static char stack[1 << 16] __attribute__((aligned(16)));
    int status = 0;
    parent = getpid(), childs_way = way;
    pid_t made = clone(child, stack + sizeof stack, flags | SIGCHLD, NULL);
    waitpid(made, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) < 5 ? CAME[WEXITSTATUS(status)] : "it died";
}

static const char *parents_file(pid_t parent) { return by_file("/proc/%d/mem", parent); }

#if UINTPTR_MAX > UINT32_MAX
static const char *stored(pid_t parent) { return (void)parent, tried(store); }

static const char *volatile in_handler;
static void handle(int signal) { (void)signal, in_handler = tried(store); }

static const char *handler(void)
{
    signal(SIGUSR1, handle);
    raise(SIGUSR1);
    return in_handler;
}
#endif

static void say(const char *way, const char *came)
{
    char answer[16];
    dprintf(1, "%s: %s\n", way, came);
    if (read(0, answer, sizeof answer) <= 0)
        exit(3);
}

static volatile long signals, tries, written;

static void try_now(void)
{
#if UINTPTR_MAX > UINT32_MAX
    // By a system call, which is quick, and now and then by a store.
    long count = __atomic_add_fetch(&tries, 1, __ATOMIC_SEQ_CST);
    if (filled(there) != -1 || (count % 8 == 0 && !strcmp(tried(store), "done")))
        __atomic_add_fetch(&written, 1, __ATOMIC_SEQ_CST);
#else
    __atomic_add_fetch(&tries, 1, __ATOMIC_SEQ_CST);
    if (!strcmp(by_file("/proc/self/mem", 0), "done"))
        __atomic_add_fetch(&written, 1, __ATOMIC_SEQ_CST);
#endif
}

static void alarmed(int signal)
{
    (void)signal;
    int error = errno;
    sigjmp_buf outer;
    memcpy(outer, back, sizeof outer);
    try_now();
    memcpy(back, outer, sizeof outer);
    __atomic_add_fetch(&signals, 1, __ATOMIC_SEQ_CST);
    errno = error;
}

// Writes functions and calls them, so that there is always something to translate.
static void *make_code(void *probes)
{
    uint32_t *code = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (uint32_t round = 0; signals < 300; round++) {
        uint32_t *function = code + round % 1024 * 16;
#ifdef __aarch64__
        function[0] = 0x52800000 | (round & 0xffff) << 5; // mov w0, #round
        function[1] = 0x14000002;                         // b behind
        function[2] = 0xd503201f;                         // nop
        function[3] = 0xd65f03c0;                         // ret
#else
        function[0] = 0xe3000000 | (round & 0xf000) << 4 | (round & 0xfff); // movw r0, #round
        function[1] = 0xea000000;                                           // b behind
        function[2] = 0xe320f000;                                           // nop
        function[3] = 0xe12fff1e;                                           // bx lr
#endif
        __builtin___clear_cache((char *)function, (char *)(function + 4));
        if (((uint32_t(*)(void))function)() != (round & 0xffff))
            abort();
        if (probes)
            try_now();
    }
    return NULL;
}

int main(void)
{
    char text[32];
    struct sigaction action = {.sa_sigaction = faulted, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    dprintf(1, "ready\n");
    long length = read(0, text, sizeof text - 1);
    place = strtoull(length > 0 ? text : "0", NULL, 16);
    there = (char *)(uintptr_t)place;

#if UINTPTR_MAX > UINT32_MAX
    say("store", tried(store));
    say("pair", tried(pair));
    say("vector", tried(vector));
    say("exchange", tried(exchange));
    say("dc zva", tried(line));
    say("set", tried(set));
    say("read", from_pipe());
    say("getrandom", error(filled(there)));
    say("fstat", error(fstat(0, (struct stat *)there)));
    say("process_vm_writev", by_number(getpid()));
    say("a second part", by_second_part());
    say("process_vm_readv", read_by_number());
#endif
    say("/proc/self/mem", by_file("/proc/self/mem", 0));
    say("/proc/thread-self/mem", by_file("/proc/thread-self/mem", 0));
    say("/proc/PID/mem", by_file("/proc/%d/mem", getpid()));
    say("task/TID/mem", by_file("/proc/self/task/%d/mem", getpid()));
    say("mem in a directory", by_directory());
    say("openat2", by_restricted());
    say("a link", by_link());
    say("opened again", opened_again(O_RDONLY));
    say("a path opened", opened_again(O_PATH));
    say("own memory", read_own());
    say("another file", other_private_file());
#if UINTPTR_MAX > UINT32_MAX
    say("at a thread's exit", by_kernel_at_exit());
    say("thread", thread());
    say("handler", handler());
    say("fork", in_child(0, stored));
    say("vfork", in_child(CLONE_VM | CLONE_VFORK, stored));
    say("a child's writev", in_child(0, by_number));
    say("a vfork child's writev", in_child(CLONE_VM | CLONE_VFORK, by_number));
#endif
    say("a child's mem", in_child(0, parents_file));

    pthread_t other;
    signal(SIGALRM, alarmed);
    struct itimerval often = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    pthread_create(&other, NULL, make_code, (void *)1);
    make_code(NULL);
    pthread_join(other, NULL);
    setitimer(ITIMER_REAL, &never, NULL);
    say("all the time", tries < 300 ? "hardly" : written ? "done" : "never");
    return 0;
}
