// Programs of two widths that execute each other: prints the same on every machine that runs both.
// `both first OTHER LOADERLESS` tries all ways to become OTHER, the same program of the other width;
// LOADERLESS is one of the other width whose dynamic loader is nowhere. Both work in their directory.
#define _GNU_SOURCE
#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined __aarch64__ || defined __arm__
#define WIDE AUDIT_ARCH_AARCH64
#define WIDE_GETPPID 173
#define NARROW AUDIT_ARCH_ARM
#define NARROW_GETPPID 64
#else
#define WIDE AUDIT_ARCH_X86_64
#define WIDE_GETPPID 110
#define NARROW AUDIT_ARCH_I386
#define NARROW_GETPPID 64
#endif

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U
#endif

extern char **environ;
static char *self, *other, *loaderless;

static unsigned sum(char **list)
{
    unsigned sum = 0;
    for (; *list; list++)
        for (char *at = *list;; at++) {
            sum = sum * 31 + (unsigned char)*at;
            if (!*at)
                break;
        }
    return sum;
}

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// What the program has been given: `both child WAY [DEPTH]`.
static int child(int argc, char **argv)
{
    printf("  %s: %d bits, %d arguments %08x, environment %08x", argv[2],
           (int)sizeof(long) * 8, argc, sum(argv + 2), sum(environ));
    printf(", executed %s", base((char *)getauxval(AT_EXECFN)));
    printf(", secure %lu, headers %lu", getauxval(AT_SECURE), getauxval(AT_PHENT));
    char link[4096], name[32] = "";
    ssize_t length = readlink("/proc/self/exe", link, sizeof link - 1);
    link[length < 0 ? 0 : length] = 0;
    prctl(PR_GET_NAME, name);
    printf(", exe %s, name %s\n", base(link), name);
    sigset_t mask, pending;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    sigpending(&pending);
    struct sigaction action;
    sigaction(SIGUSR2, NULL, &action);
    printf("    signals %d %d %d, descriptors", sigismember(&mask, SIGUSR1),
           sigismember(&pending, SIGUSR1), action.sa_handler == SIG_IGN);
    for (int fd = 3; fd < 40; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            printf(" %d", fd);
    struct rlimit stack, files;
    getrlimit(RLIMIT_STACK, &stack);
    getrlimit(RLIMIT_NOFILE, &files);
    printf(", limits %ld %ld", (long)stack.rlim_cur, (long)files.rlim_cur);
    long parent = syscall(SYS_getppid);
    printf(", getppid %s %d\n", parent < 0 ? "failed" : "done", parent < 0 ? errno : 0);
    fflush(stdout);
    int depth = argc > 3 ? atoi(argv[3]) : 0;
    if (depth > 0) {
        // Back to the first width, and so on.
        char next[12];
        sprintf(next, "%d", depth - 1);
        char *arguments[] = {"chained", "child", argv[2], next, argv[5], argv[4], NULL};
        execve(argv[4], arguments, environ);
        printf("  chain: %s\n", strerrorname_np(errno));
    }
    return 7;
}

static int ended(pid_t pid)
{
    int status;
    assert(waitpid(pid, &status, 0) == pid);
    return status;
}

// Runs a way in a process of its own.
static void in_child(const char *way, void (*run)(void))
{
    printf("%s\n", way);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        run();
        printf("  %s\n", strerrorname_np(errno));
        fflush(stdout);
        _exit(1);
    }
    printf("  status %x\n", ended(pid));
}

static char *const few[] = {"zero", "child", "plain", NULL};

static void plain(void)
{
    execve(other, few, environ);
}

static void none_and_empty(void)
{
    char *const arguments[] = {"", "child", "", NULL}, *const none[] = {NULL};
    execve(other, arguments, none);
}

static void relative(void)
{
    assert(mkdir("folder", 0700) == 0 && symlink(other, "folder/linked") == 0);
    assert(chdir("folder") == 0);
    execve("./linked", few, environ);
}

static void at_a_folder(void)
{
    int folder = open("folder", O_PATH);
    syscall(SYS_execveat, folder, "linked", few, environ, 0);
}

static void by_a_descriptor(void)
{
    int fd = open(other, O_RDONLY);
    syscall(SYS_execveat, fd, "", few, environ, AT_EMPTY_PATH);
}

static void by_a_closing_descriptor(void)
{
    int fd = open(other, O_PATH | O_CLOEXEC);
    open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(1, 20);
    syscall(SYS_execveat, fd, "", few, environ, AT_EMPTY_PATH);
}

static void in_memory(unsigned flags)
{
    int fd = memfd_create("copy", flags | MFD_EXEC), from = open(other, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fd = memfd_create("copy", flags);
    char bytes[65536];
    ssize_t length;
    while ((length = read(from, bytes, sizeof bytes)) > 0)
        assert(write(fd, bytes, length) == length);
    close(from);
    fexecve(fd, few, environ);
}

static void of_memory(void)
{
    in_memory(0);
}

static void of_closing_memory(void)
{
    in_memory(MFD_CLOEXEC);
}

static void make_script(const char *name, const char *interpreter)
{
    FILE *script = fopen(name, "we");
    fprintf(script, "#!%s child\n", interpreter);
    fclose(script);
    assert(chmod(name, 0755) == 0);
}

static void by_a_script(void)
{
    make_script("script", other);
    char *const arguments[] = {"gone", "one", "two", NULL};
    // The script's own name is no way, but the same everywhere.
    execve("./script", arguments, environ);
}

static void by_a_script_of_a_script(void)
{
    make_script("scripts", "./script");
    char *const arguments[] = {"gone", "one", NULL};
    execve("./scripts", arguments, environ);
}

static void with_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    signal(SIGUSR2, SIG_IGN);
    plain();
}

static void with_limits(void)
{
    struct rlimit stack = {1 << 20, 1 << 20}, files = {64, 64};
    assert(setrlimit(RLIMIT_STACK, &stack) == 0 && setrlimit(RLIMIT_NOFILE, &files) == 0);
    plain();
}

static void with_many(void)
{
    enum { COUNT = 3000 };
    static char *arguments[COUNT + 1], *variables[COUNT + 1];
    static char texts[2 * COUNT][24];
    for (int n = 0; n < COUNT; n++) {
        sprintf(arguments[n] = texts[n], "argument %d", n);
        sprintf(variables[n] = texts[COUNT + n], "VARIABLE_%d=%d", n, n * n);
    }
    arguments[1] = "child";
    arguments[2] = "many";
    arguments[3] = "0";
    execve(other, arguments, variables);
}

static void with_too_many(void)
{
    static char *arguments[2000];
    static char text[8192];
    memset(text, 'x', sizeof text - 1);
    for (int n = 0; n < 1999; n++)
        arguments[n] = text;
    execve(other, arguments, environ);
}

static void to_and_fro(void)
{
    char *arguments[] = {"chained", "child", "chain", "3", self, other, NULL};
    execve(other, arguments, environ);
}

static void filter(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, WIDE, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, WIDE_GETPPID, 4, 3),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NARROW, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NARROW_GETPPID, 3, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 101),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 103),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 102),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    assert(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void filtered(void)
{
    filter();
    to_and_fro();
}

static void filtered_for_good(void)
{
    assert(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    filter();
    to_and_fro();
}

static void filtered_script(void)
{
    filter();
    by_a_script_of_a_script();
}

static void loader_nowhere(void)
{
    execve(loaderless, few, environ);
}

static void script_without_loader(void)
{
    make_script("lost", loaderless);
    execve("./lost", few, environ);
}

static void cut_short(void)
{
    char bytes[40];
    int from = open(other, O_RDONLY), to = open("short", O_WRONLY | O_CREAT, 0755);
    assert(read(from, bytes, sizeof bytes) == sizeof bytes);
    assert(write(to, bytes, sizeof bytes) == sizeof bytes);
    close(to);
    execve("./short", few, environ);
}

static void not_allowed(void)
{
    int from = open(other, O_RDONLY), to = open("closed", O_WRONLY | O_CREAT, 0644);
    char byte;
    while (read(from, &byte, 1) == 1 && write(to, &byte, 1) == 1 && lseek(to, 0, SEEK_CUR) < 100)
        ;
    close(to);
    execve("./closed", few, environ);
}

static void spawned(void)
{
    pid_t pid;
    int status, error = posix_spawn(&pid, other, NULL, NULL, few, environ);
    if (error == 0)
        assert(waitpid(pid, &status, 0) == pid);
    else
        status = error;
    error = posix_spawn(&pid, "./nowhere", NULL, NULL, few, environ);
    printf("  spawned %x, %s\n", status, strerrorname_np(error));
    fflush(stdout);
    _exit(0);
}

static void vforked(void)
{
    volatile int count = 0, n;
    for (n = 0; n < 3; n++) {
        pid_t pid = vfork();
        if (pid == 0) {
            count++;
            execve(n == 1 ? "./short" : other, few, environ);
            _exit(n == 1 && errno == ENOEXEC ? 20 : 21);
        }
        printf("  vforked %x %d\n", ended(pid), count);
        fflush(stdout);
    }
    _exit(0);
}

static volatile int wake;

static int idle(void *unused)
{
    (void)unused;
    while (!wake)
        usleep(1000);
    return 0;
}

// The other threads are gone then.
static void of_threads(void)
{
    static char stack[1 << 16];
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    assert(clone(idle, stack + sizeof stack, flags, NULL) > 0);
    plain();
}

int main(int argc, char **argv)
{
    static char path[4096];
    if (argc > 2 && strcmp(argv[1], "child") == 0)
        return child(argc, argv);
    assert(argc == 4 && strcmp(argv[1], "first") == 0);
    assert(readlink("/proc/self/exe", path, sizeof path - 1) > 0);
    self = path, other = argv[2], loaderless = argv[3];
    in_child("plain", plain);
    in_child("no environment, empty arguments", none_and_empty);
    in_child("a relative link", relative);
    in_child("at a folder", at_a_folder);
    in_child("a descriptor", by_a_descriptor);
    in_child("a closing descriptor", by_a_closing_descriptor);
    in_child("memory", of_memory);
    in_child("closing memory", of_closing_memory);
    in_child("a script", by_a_script);
    in_child("a script of a script", by_a_script_of_a_script);
    in_child("signals", with_signals);
    in_child("limits", with_limits);
    in_child("many", with_many);
    in_child("too many", with_too_many);
    in_child("to and fro", to_and_fro);
    in_child("filtered", filtered);
    in_child("filtered for good", filtered_for_good);
    in_child("a filtered script", filtered_script);
    in_child("a loader that is nowhere", loader_nowhere);
    in_child("the same for a script", script_without_loader);
    in_child("cut short", cut_short);
    in_child("not allowed", not_allowed);
    in_child("spawned", spawned);
    in_child("vforked", vforked);
    in_child("of threads", of_threads);
    puts("end");
    return 0;
}
