// Becomes programs where /proc is not: prints the same on every machine.
// Argument 1 is an empty directory, which becomes the root. The rights to
// chroot are needed.
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
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

extern char **environ;
static char *arguments[] = {"p", "child", "given", NULL};

static void ended(const char *what, pid_t child)
{
    int status;
    assert(child > 0 && waitpid(child, &status, 0) == child);
    printf("%s: %x\n", what, status);
}

// The child says why it is not another program.
static void run(const char *what, void (*becomes)(void *), void *argument)
{
    pid_t child = fork();
    if (child == 0) {
        becomes(argument);
        printf("%s: %s\n", what, strerrorname_np(errno));
        _exit(1);
    }
    ended(what, child);
}

static void by_path(void *path)
{
    execve(path, arguments, environ);
}

static void in_thread(void *path)
{
    pthread_t thread;
    pthread_create(&thread, NULL, (void *(*)(void *))by_path, path);
    pthread_join(thread, NULL);
}

static void by_descriptor(void *flags)
{
    int fd = open("/prog", (int)(long)flags);
    assert(fd >= 0);
    syscall(SYS_execveat, fd, "", arguments, environ, AT_EMPTY_PATH);
}

static void in_directory(void *unused)
{
    (void)unused;
    int fd = open("/", O_PATH | O_DIRECTORY);
    syscall(SYS_execveat, fd, "prog", arguments, environ, 0);
}

static void from_memory(void *flags)
{
    static char buffer[65536];
    int from = open("/prog", O_RDONLY), fd = memfd_create("memory", (int)(long)flags);
    ssize_t length;
    while ((length = read(from, buffer, sizeof buffer)) > 0)
        assert(write(fd, buffer, length) == length);
    syscall(SYS_execveat, fd, "", arguments, environ, AT_EMPTY_PATH);
}

static void filtered(void *path)
{
    // getppid is an error; all else is let through.
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    assert(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0);
    by_path(path);
}

static void with_long_arguments(void *path)
{
    // As long as they may be, or nearly: what anybody adds does not fit.
    static char text[131072];
    static char *many[20];
    memset(text, 'x', sizeof text - 1);
    many[0] = "p", many[1] = "length";
    for (int n = 2; n < 17; n++)
        many[n] = text;
    many[17] = text + 131072 - 130000;
    setrlimit(RLIMIT_STACK, &(struct rlimit){8 << 20, RLIM_INFINITY});
    execve(path, many, (char *[]){NULL});
}

static void with_small_files(void *path)
{
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){100, RLIM_INFINITY});
    by_path(path);
}

static void with_blocked_signals(void *path)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGUSR1, SIG_IGN);
    by_path(path);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    fchmod(fd, mode);
    close(fd);
}

static void build(const char *self, const char *root)
{
    static char buffer[65536];
    int from = open(self, O_RDONLY);
    assert(from >= 0 && chdir(root) == 0);
    int to = open("prog", O_WRONLY | O_CREAT, 0700);
    ssize_t length;
    while ((length = read(from, buffer, sizeof buffer)) > 0)
        assert(write(to, buffer, length) == length);
    fchmod(to, 0755);
    close(to);
    close(from);
    write_file("script", "#!/prog child\n", 0755);
    write_file("second", "#!/script\n", 0755);
    write_file("missing", "#!/nothing\n", 0755);
    write_file("text", "neither a program nor a script\n", 0755);
    write_file("plain", "#!/prog\n", 0644);
}

static void all(void)
{
    run("program", by_path, "/prog");
    run("relative", by_path, "prog");
    run("script", by_path, "/script");
    run("script of a script", by_path, "/second");
    run("missing", by_path, "/missing");
    run("text", by_path, "/text");
    run("not executable", by_path, "/plain");
    run("directory", by_path, "/");
    run("in a thread", in_thread, "/prog");
    run("closing descriptor", by_descriptor, (void *)(long)(O_RDONLY | O_CLOEXEC));
    run("descriptor", by_descriptor, (void *)O_RDONLY);
    run("in a directory", in_directory, NULL);
    run("closing memory", from_memory, (void *)MFD_CLOEXEC);
    run("memory", from_memory, (void *)0);
    run("small files", with_small_files, "/prog");
    run("blocked signals", with_blocked_signals, "/prog");
    run("long arguments", with_long_arguments, "/prog");
    run("filtered", filtered, "/prog");
    run("filtered script", filtered, "/second");
    pid_t child;
    assert(posix_spawn(&child, "/prog", NULL, NULL, arguments, environ) == 0);
    ended("spawn", child);
    child = vfork();
    if (child == 0) {
        execve("/prog", arguments, environ);
        _exit(1);
    }
    ended("vfork", child);
}

static int child(int count, char **given)
{
    printf("child %s of %d, %s, open", given[0], count, (char *)getauxval(AT_EXECFN));
    for (int fd = 3; fd < 100; fd++)
        if (fcntl(fd, F_GETFD) != -1)
            printf(" %d", fd);
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    sigset_t set;
    sigprocmask(SIG_BLOCK, NULL, &set);
    printf("; files %ld, blocked %d, parent %d\n", (long)limit.rlim_cur, sigismember(&set, SIGUSR2),
           getppid() < 0 ? errno : 0);
    return 7;
}

int main(int count, char **given)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(given[1], "child") == 0)
        return child(count, given);
    if (strcmp(given[1], "length") == 0) {
        size_t length = 0;
        for (int n = 0; n < count; n++)
            length += strlen(given[n]) + 1;
        printf("%d arguments of %zu, environment %d\n", count, length, environ[0] != NULL);
        return 8;
    }
    if (strcmp(given[1], "again") == 0) {
        all();
        return 9;
    }
    if (strcmp(given[1], "twice") == 0)
        return execl("/prog", "prog", "wait", NULL);
    if (strcmp(given[1], "wait") == 0) {
        // Until standard input ends.
        char byte;
        puts("waiting");
        return (int)read(0, &byte, 1);
    }
    build(given[0], given[1]);
    assert(chroot(".") == 0 && chdir("/") == 0);
    if (given[2]) {
        execl("/prog", "prog", given[2], NULL);
        return 1;
    }
    all();
    // What was started so starts others in turn, and those too.
    pid_t next = fork();
    if (next == 0) {
        execl("/prog", "prog", "again", NULL);
        _exit(1);
    }
    ended("again", next);
    // A file that only is called so.
    mkdir("/proc", 0755), mkdir("/proc/self", 0755);
    assert(chdir("/proc/self") == 0);
    write_file("exe", "#!/nothing\n", 0755);
    assert(chdir("/") == 0);
    puts("another /proc");
    all();
    return 0;
}
