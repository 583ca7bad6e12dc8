// Processes: prints the same on every machine. Argument 1 is a directory to
// work in.
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
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

extern char **environ;
static const char *self;

static int status_of(pid_t child)
{
    int status;
    assert(waitpid(child, &status, 0) == child);
    return status;
}

static void forks(void)
{
    int shared = 5;
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        shared = 6;
        _exit(getppid() == parent && getpid() != parent && shared == 6 ? 3 : 4);
    }
    siginfo_t info;
    memset(&info, 0, sizeof info);
    assert(waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0);
    assert(info.si_pid == child && info.si_code == CLD_EXITED && info.si_status == 3);
    struct rusage usage;
    int status;
    assert(wait4(child, &status, 0, &usage) == child && usage.ru_maxrss > 0);
    printf("forks: %x %d\n", status, shared);
    // Children of children.
    child = fork();
    if (child == 0) {
        child = fork();
        if (child == 0) {
            child = fork();
            if (child == 0)
                _exit(1);
            _exit(2 + WEXITSTATUS(status_of(child)));
        }
        _exit(4 + WEXITSTATUS(status_of(child)));
    }
    printf("generations: %x\n", status_of(child));
    assert(waitpid(-1, &status, 0) == -1 && errno == ECHILD);
}

static void vforks(void)
{
    // Shares memory, and the parent waits.
    volatile int seen = 0;
    pid_t child = vfork();
    if (child == 0) {
        seen = 1;
        _exit(9);
    }
    assert(seen == 1);
    printf("vfork: %x\n", status_of(child));
    child = vfork();
    if (child == 0) {
        execl(self, "again", "child", "vfork", NULL);
        seen = errno;
        _exit(1);
    }
    printf("exec: %x\n", status_of(child));
    child = vfork();
    if (child == 0) {
        execl("/nonexistent/program", "again", NULL);
        seen = errno;
        _exit(1);
    }
    printf("no exec: %x %d\n", status_of(child), seen == ENOENT);
}

static void spawns(void)
{
    char *arguments[] = {"name", "child", "spawn", NULL};
    pid_t child;
    assert(posix_spawn(&child, self, NULL, NULL, arguments, environ) == 0);
    printf("spawn: %x\n", status_of(child));
    assert(posix_spawn(&child, "/nonexistent/program", NULL, NULL, arguments, environ) == ENOENT);
    assert(posix_spawn(&child, "/etc/passwd", NULL, NULL, arguments, environ) == EACCES);
    FILE *file = fopen("nothing", "w");
    fputs("neither a program nor a script", file);
    fclose(file);
    chmod("nothing", 0755);
    assert(posix_spawn(&child, "nothing", NULL, NULL, arguments, environ) == ENOEXEC);
    assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    // Actions, attributes, and dispositions that the child resets.
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "out", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t set;
    sigfillset(&set);
    posix_spawnattr_setsigdefault(&attributes, &set);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    posix_spawnattr_setsigmask(&attributes, &set);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    signal(SIGUSR1, SIG_IGN);
    signal(SIGSEGV, SIG_IGN);
    arguments[2] = "signals";
    assert(posix_spawn(&child, self, &actions, &attributes, arguments, environ) == 0);
    assert(status_of(child) == 0x700);
    struct sigaction now;
    sigaction(SIGSEGV, NULL, &now);
    assert(now.sa_handler == SIG_IGN);
    assert(posix_spawn(&child, self, NULL, NULL, arguments, environ) == 0);
    printf("spawn with actions: %x\n", status_of(child));
    char line[200];
    file = fopen("out", "r");
    while (fgets(line, sizeof line, file))
        fputs(line, stdout);
    fclose(file);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
}

static void shells(void)
{
    printf("system: %x\n", system("echo in a shell; exit 5"));
    FILE *pipe = popen("tr a-z A-Z > out2; cat out2", "w");
    fputs("through a pipe\n", pipe);
    printf("popen: %x\n", pclose(pipe));
}

static void run(const char *what, int (*exec)(void *), void *argument)
{
    pid_t child = fork();
    if (child == 0) {
        exec(argument);
        printf("%s: %s\n", what, strerror(errno));
        _exit(1);
    }
    printf("%s: %x\n", what, status_of(child));
}

static int by_script(void *name)
{
    return execl(name, "ignored", "one", "two words", NULL);
}

static int by_descriptor(void *flags)
{
    int fd = open(self, O_RDONLY | (int)(long)flags);
    char *arguments[] = {"descriptor", "child", "fexecve", NULL};
    return syscall(SYS_execveat, fd, "", arguments, environ, AT_EMPTY_PATH);
}

static int in_directory(void *unused)
{
    char directory[4096], *name;
    strcpy(directory, self);
    name = strrchr(directory, '/');
    *name++ = 0;
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    char *arguments[] = {"relative", "child", "execveat", NULL};
    (void)unused;
    return syscall(SYS_execveat, fd, name, arguments, environ, 0);
}

static int from_memory(void *unused)
{
    int fd = memfd_create("program", MFD_CLOEXEC), from = open(self, O_RDONLY);
    char buffer[65536];
    ssize_t length;
    while ((length = read(from, buffer, sizeof buffer)) > 0)
        assert(write(fd, buffer, length) == length);
    char *arguments[] = {"memory", "child", "memfd", NULL};
    (void)unused;
    return fexecve(fd, arguments, environ);
}

static int itself(void *unused)
{
    (void)unused;
    return execl("/proc/self/exe", "exe", "child", "exe", NULL);
}

static int bare(void *unused)
{
    char *none[] = {NULL}, *environment[] = {"ONLY=this", NULL};
    (void)unused, (void)none;
    return execle(self, "bare", "child", "environment", NULL, environment);
}

static void *execs(void *unused)
{
    execl(self, "thread", "child", "thread", NULL);
    return unused;
}

static int from_thread(void *unused)
{
    pthread_t thread;
    pthread_create(&thread, NULL, execs, unused);
    pthread_join(thread, NULL);
    return 0;
}

static void executes(void)
{
    char text[4096];
    FILE *file = fopen("script", "w");
    snprintf(text, sizeof text, "#! %s child  \n", self);
    fputs(text, file);
    fclose(file);
    chmod("script", 0755);
    file = fopen("second", "w");
    fputs("#!./script\n", file);
    fclose(file);
    chmod("second", 0755);
    file = fopen("shell", "w");
    fputs("#!/bin/sh\necho \"$@\"\nexit 4\n", file);
    fclose(file);
    chmod("shell", 0755);
    run("script", by_script, "./script");
    run("script of a script", by_script, "./second");
    run("shell script", by_script, "./shell");
    run("descriptor", by_descriptor, 0);
    run("closing descriptor", by_descriptor, (void *)(long)O_CLOEXEC);
    run("relative", in_directory, NULL);
    run("memory", from_memory, NULL);
    run("itself", itself, NULL);
    run("environment", bare, NULL);
    run("thread", from_thread, NULL);
}

static int child_function(void *argument)
{
    *(volatile int *)argument += 1;
    return 23;
}

static void child_signal(int signal)
{
    (void)signal;
}

// A structure of clone3's that is longer than the kernel knows, by a byte that is
// not zero, that is, and that can't be read.
static void larger_arguments(void)
{
    static const char *const what[] = {"not zero", "zero", "unreadable"};
    long page = sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(pages + page, page, PROT_NONE);
    for (int n = 0; n < 3; n++) {
        memset(pages, 0, page);
        struct clone_args *arguments =
            (struct clone_args *)(pages + page - 8 * (n != 2) - sizeof *arguments);
        arguments->exit_signal = SIGCHLD;
        ((char *)arguments)[sizeof *arguments - (n == 2)] = n == 0;
        pid_t child = syscall(SYS_clone3, arguments, sizeof *arguments + 1);
        if (child == 0)
            _exit(33);
        printf("clone3, larger, %s: %x\n", what[n], child == -1 ? errno : status_of(child));
    }
    munmap(pages, 2 * page);
}

// clone by hand, in its less used forms.
static void clones(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    static volatile int value;
    // The memory is shared, the process another.
    pid_t child = clone(child_function, stack + sizeof stack, CLONE_VM | SIGCHLD, (void *)&value);
    int status = status_of(child);
    printf("vm: %x %d\n", status, value);
    child = clone(child_function, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD,
                  (void *)&value);
    assert(value == 2);
    printf("vm and vfork: %x\n", status_of(child));
    child = clone(child_function, stack + sizeof stack, SIGCHLD, (void *)&value);
    status = status_of(child);
    printf("copy: %x %d\n", status, value);
    pid_t tid = 0, parent_tid = 0;
    child = clone(child_function, stack + sizeof stack,
                  CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD,
                  (void *)&value, &parent_tid, NULL, &tid);
    assert(parent_tid == child);
    status = status_of(child);
    printf("tids: %x %d\n", status, value);
    struct clone_args arguments = {.exit_signal = SIGCHLD};
    child = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0)
        _exit(31);
    if (child == -1 && errno == ENOSYS)
        child = fork() ?: (_exit(31), 0);
    printf("clone3: %x\n", status_of(child));
    int fd = -1;
    arguments.flags = CLONE_PIDFD;
    arguments.pidfd = (uint64_t)&fd;
    child = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0)
        _exit(32);
    if (child == -1 && errno == ENOSYS)
        child = fork() ?: (_exit(32), 0);
    else
        assert(fd >= 0);
    printf("clone3 with descriptor: %x\n", status_of(child));
    assert(syscall(SYS_clone3, &arguments, 8) == -1 && (errno == EINVAL || errno == ENOSYS));
    larger_arguments();
    arguments = (struct clone_args){.exit_signal = SIGCHLD, .flags = CLONE_CLEAR_SIGHAND};
    signal(SIGUSR1, child_signal);
    signal(SIGUSR2, SIG_IGN);
    child = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0) {
        struct sigaction handled, ignored;
        sigaction(SIGUSR1, NULL, &handled);
        sigaction(SIGUSR2, NULL, &ignored);
        _exit((handled.sa_handler == SIG_DFL) + 2 * (ignored.sa_handler == SIG_IGN));
    }
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
    printf("clone3 without handlers: %x\n", child == -1 ? errno : status_of(child));
    // Namespaces: those that may be made here, are; a user namespace first,
    // in which all others may be.
    child = fork();
    if (child == 0) {
        static const int flags[] = {CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET,
                                    CLONE_NEWPID, CLONE_NEWCGROUP, CLONE_NEWUSER};
        int made = unshare(CLONE_NEWUSER);
        printf("unshare: %s\n", made == 0 ? "done" : strerrorname_np(errno));
        for (int n = 0; n < 7; n++) {
            pid_t inner = clone(child_function, stack + sizeof stack, flags[n] | SIGCHLD,
                                (void *)&value);
            printf("namespace %d: %x\n", n, inner == -1 ? errno : status_of(inner));
            inner = syscall(SYS_clone, flags[n] | CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, NULL);
            if (inner == 0)
                _exit(24);
            printf("namespace %d: %x\n", n, inner == -1 ? errno : status_of(inner));
        }
        printf("mounts: %s\n", unshare(CLONE_NEWNS | CLONE_FS) == 0 ? "done" : strerrorname_np(errno));
        int own = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
        printf("setns: %s\n", setns(own, CLONE_NEWUTS) == 0 ? "done" : strerrorname_np(errno));
        _exit(0);
    }
    printf("namespaces: %x\n", status_of(child));
}

static void many(void)
{
    static volatile int good, n;
    for (; n < 200; n++) {
        pid_t child = n % 2 ? fork() : vfork();
        if (child == 0)
            _exit(n % 100);
        good += WEXITSTATUS(status_of(child)) == n % 100;
    }
    printf("many: %d\n", good);
}

// What a child that was executed says.
static int child(int count, char **arguments)
{
    const char *what = arguments[2];
    const char *name = strrchr(arguments[0], '/');
    printf("child %s of %d\n", name ? name + 1 : arguments[0], count);
    if (strcmp(what, "signals") == 0) {
        sigset_t set;
        struct sigaction one, two;
        sigprocmask(SIG_BLOCK, NULL, &set);
        sigaction(SIGUSR1, NULL, &one);
        sigaction(SIGSEGV, NULL, &two);
        printf("mask %d, ignored %d %d\n", sigismember(&set, SIGUSR2), one.sa_handler == SIG_IGN,
               two.sa_handler == SIG_IGN);
        return 7;
    }
    if (strcmp(what, "environment") == 0)
        printf("%s %d\n", environ[0], environ[1] == NULL);
    for (int n = 3; n < count; n++)
        printf("argument %s\n", arguments[n]);
    // Nothing is left open but the standard ones, and what was not to be closed.
    int open = 0;
    for (int fd = 3; fd < 100; fd++)
        open += fcntl(fd, F_GETFD) != -1;
    printf("open %d\n", open);
    return 8;
}

int main(int count, char **arguments)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    if (count > 2 && strcmp(arguments[1], "child") == 0)
        return child(count, arguments);
    static char path[4096];
    assert(realpath(arguments[0], path) != NULL && chdir(arguments[1]) == 0);
    self = path;
    forks();
    vforks();
    spawns();
    shells();
    executes();
    clones();
    many();
    return 0;
}
