// Ends by signals with and without a core file, and prints how: the same on every machine.
// It makes a directory of its own in the working directory, and removes nothing elsewhere.
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int *nowhere;
static volatile int zero;

static int set_limit(rlim_t soft)
{
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = soft;
    return setrlimit(RLIMIT_CORE, &limit);
}

static int machine(const char *path)
{
    Elf64_Ehdr header = {0};
    int file = open(path, O_RDONLY);
    if (file < 0 || read(file, &header, sizeof header) != sizeof header)
        return -1;
    close(file);
    return header.e_machine;
}

// What is in the directory that `enter` made, without its order; then it is emptied.
static void list(void)
{
    DIR *here = opendir(".");
    struct dirent *entry;
    int others = 0, files = 0, links = 0, right = 0, own = 0;
    while ((entry = readdir(here)) != NULL) {
        struct stat status;
        const char *name = entry->d_name;
        if (name[0] == '.' && (!name[1] || name[1] == '.'))
            continue;
        lstat(name, &status);
        if (S_ISREG(status.st_mode) && !strncmp(name, "kept", 4))
            others++;
        else if (S_ISREG(status.st_mode)) {
            files++;
            right += machine(name) == machine("/proc/self/exe");
            own += (status.st_mode & 07777) == 0600 && status.st_uid == geteuid() && status.st_nlink == 1;
        } else
            links++;
    }
    rewinddir(here);
    while ((entry = readdir(here)) != NULL)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            unlinkat(dirfd(here), entry->d_name, S_ISDIR(DTTOIF(entry->d_type)) ? AT_REMOVEDIR : 0);
    closedir(here);
    printf("  %d files, %d of this machine, %d private; %d kept, %d others\n", files, right, own, others, links);
}

static void ended(const char *what, pid_t child)
{
    int status;
    pid_t found = waitpid(child, &status, 0);
    // Nothing else is there to be waited for.
    pid_t more = waitpid(-1, NULL, WNOHANG);
    int error = errno;
    if (found != child || !WIFSIGNALED(status))
        printf("%s: status %#x\n", what, status);
    else
        printf("%s: signal %d, core %d%s\n", what, WTERMSIG(status), WCOREDUMP(status) != 0,
               more < 0 && error == ECHILD ? "" : ", and another child");
    list();
}

static void *dies(void *signal)
{
    if (signal)
        raise((int)(intptr_t)signal);
    *nowhere = 1;
    return NULL;
}

static void *waits(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void *runs(void *unused)
{
    for (volatile long n = 0;; n++)
        ;
    return unused;
}

static void with_threads(void)
{
    pthread_t thread;
    for (int n = 0; n < 4; n++)
        pthread_create(&thread, NULL, n % 2 ? waits : runs, NULL);
}

// From outside, to a child that leaves the signal to the default.
static void sent(const char *what, int signal, void *(*does)(void *), int threads)
{
    int ready[2];
    char byte;
    if (pipe(ready))
        abort();
    pid_t child = fork();
    if (child == 0) {
        if (threads)
            with_threads();
        if (write(ready[1], "", 1) != 1)
            abort();
        does(NULL);
    }
    if (read(ready[0], &byte, 1) != 1)
        abort();
    close(ready[0]);
    close(ready[1]);
    kill(child, signal);
    ended(what, child);
}

static void all_signals(void)
{
    const int signals[] = {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV,
                           SIGXCPU, SIGXFSZ, SIGSYS, SIGTERM, SIGUSR1, SIGKILL, SIGRTMIN};
    for (size_t n = 0; n < sizeof signals / sizeof *signals; n++) {
        char what[32];
        snprintf(what, sizeof what, "sent %d", signals[n]);
        sent(what, signals[n], n % 2 ? waits : runs, n % 3 == 0);
    }
}

static void limits(void)
{
    const rlim_t all[] = {0, 1, 4095, 4096, 8192, RLIM_INFINITY};
    for (size_t n = 0; n < sizeof all / sizeof *all; n++) {
        char what[48];
        snprintf(what, sizeof what, "limit %lld", (long long)all[n]);
        pid_t child = fork();
        if (child == 0) {
            set_limit(all[n]);
            dies((void *)(intptr_t)(n % 2 ? SIGABRT : 0));
        }
        ended(what, child);
    }
    set_limit(0);
    pid_t child = fork();
    if (child == 0) {
        set_limit(RLIM_INFINITY);
        set_limit(0);
        raise(SIGQUIT);
    }
    ended("limit taken back", child);
    set_limit(RLIM_INFINITY);
}

static void put(const char *name, const char *text)
{
    int file = open(name, O_CREAT | O_WRONLY, 0644);
    if (write(file, text, strlen(text)) < 0)
        abort();
    close(file);
}

static void is_kept(void)
{
    char text[8] = "";
    int file = open("kept", O_RDONLY);
    if (read(file, text, sizeof text - 1) < 0)
        abort();
    close(file);
    printf("  kept: %s\n", text);
}

static void crash(const char *what, int kept)
{
    pid_t child = fork();
    if (child == 0)
        abort();
    int status;
    waitpid(child, &status, 0);
    if (kept)
        is_kept();
    printf("%s: %#x\n", what, status);
    list();
}

static void names(void)
{
    put("core", "old");
    chmod("core", 0444);
    crash("a file before", 0);
    put("kept", "text");
    if (symlink("kept", "core"))
        abort();
    crash("a symbolic link", 1);
    put("kept", "text");
    if (link("kept", "core"))
        abort();
    crash("a link", 1);
    mkdir("core", 0700);
    crash("a directory", 0);
    mkfifo("core", 0600);
    crash("a pipe", 0);
    mode_t before = umask(0777);
    crash("a mask of all", 0);
    umask(0);
    crash("no mask", 0);
    umask(before);
}

static void places(const char *directory)
{
    // Whoever is root may write everywhere.
    pid_t child = fork();
    if (child == 0) {
        chmod(".", 0555);
        if (geteuid() == 0 && (setgroups(0, NULL) || setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534)))
            abort();
        prctl(PR_SET_DUMPABLE, 1);
        abort();
    }
    ended("read-only", child);
    chmod(".", 0700);
    child = fork();
    if (child == 0) {
        chmod(".", 0777);
        if (geteuid() == 0 && (setgroups(0, NULL) || setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534)))
            abort();
        prctl(PR_SET_DUMPABLE, 1);
        abort();
    }
    int status;
    waitpid(child, &status, 0);
    printf("another user: %#x\n", status);
    list();
    chmod(".", 0700);
    child = fork();
    if (child == 0) {
        mkdir("gone", 0700);
        if (chdir("gone"))
            abort();
        rmdir("../gone");
        abort();
    }
    ended("a directory that is gone", child);
    child = fork();
    if (child == 0) {
        for (int value = 0; value < 2; value++)
            prctl(PR_SET_DUMPABLE, value == 0);
        abort();
    }
    ended("not dumpable", child);
    child = fork();
    if (child == 0) {
        while (open("/dev/null", O_RDONLY) >= 0)
            ;
        abort();
    }
    ended("no descriptors", child);
    char found[PATH_MAX];
    printf("still here: %d\n", !strcmp(getcwd(found, sizeof found), directory));
}

static int in_same_memory(void *signal)
{
    raise((int)(intptr_t)signal);
    return 0;
}

static void sharing(const char *directory)
{
    char found[PATH_MAX];
    static char stack[65536] __attribute__((aligned(16)));
    const int flags[] = {CLONE_VM | CLONE_VFORK, CLONE_VM, CLONE_VM | CLONE_FS, CLONE_VM | CLONE_FS | CLONE_FILES};
    for (int n = 0; n < 4; n++) {
        char what[32];
        snprintf(what, sizeof what, "sharing %#x", flags[n]);
        pid_t child = clone(in_same_memory, stack + sizeof stack, flags[n] | SIGCHLD, (void *)(intptr_t)SIGABRT);
        ended(what, child);
        printf("still here: %d\n", !strcmp(getcwd(found, sizeof found), directory));
    }
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    printf("limit as it was: %d, dumpable %d\n", limit.rlim_cur == RLIM_INFINITY, prctl(PR_GET_DUMPABLE));
    crash("after that", 0);
}

static void on_signal(int signal)
{
    (void)signal;
    *nowhere = 1;
}

static void states(void)
{
    unsigned long long caught = 1;
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, file))
        sscanf(line, "SigCgt: %llx", &caught);
    fclose(file);
    printf("caught: %llx\n", caught);
    struct sigaction action;
    sigaction(SIGQUIT, NULL, &action);
    printf("default: %d\n", action.sa_handler == SIG_DFL);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGQUIT, SIG_IGN);
        raise(SIGQUIT);
        signal(SIGQUIT, SIG_DFL);
        sigset_t set, pending;
        sigemptyset(&set);
        sigaddset(&set, SIGQUIT);
        sigprocmask(SIG_BLOCK, &set, NULL);
        raise(SIGQUIT);
        sigpending(&pending);
        int taken = 0;
        printf("pending: %d\n", sigismember(&pending, SIGQUIT));
        sigwait(&set, &taken);
        printf("taken: %d\n", taken);
        fflush(stdout);
        raise(SIGQUIT);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
    }
    ended("unblocked", child);
    child = fork();
    if (child == 0) {
        signal(SIGQUIT, on_signal);
        raise(SIGQUIT);
    }
    ended("in a handler", child);
    child = fork();
    if (child == 0) {
        pthread_t thread;
        with_threads();
        pthread_create(&thread, NULL, dies, NULL);
        pthread_join(thread, NULL);
    }
    ended("in a thread", child);
    child = fork();
    if (child == 0) {
        pthread_t thread;
        for (int n = 0; n < 8; n++)
            pthread_create(&thread, NULL, dies, NULL);
        pthread_join(thread, NULL);
    }
    ended("in all threads", child);
    child = fork();
    if (child == 0) {
        struct sigaction gone = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};
        sigaction(SIGSEGV, &gone, NULL);
        *nowhere = 1;
    }
    ended("a handler that is gone", child);
    child = fork();
    if (child == 0) {
        struct rlimit limit = {4096, 4096};
        setrlimit(RLIMIT_FSIZE, &limit);
        int one = open("kept", O_CREAT | O_WRONLY, 0600);
        if (pwrite(one, "text", 4, 4096) < 0)
            abort();
    }
    ended("a file too long", child);
}

// A filter ends a process, or its only thread.
static void filtered(const char *what, unsigned action)
{
    pid_t child = fork();
    if (child == 0) {
        struct sock_filter code[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_getppid, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, action),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = {sizeof code / sizeof *code, code};
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
            abort();
        getppid();
    }
    ended(what, child);
}

static const char *enter(void)
{
    static char name[] = "crashes.XXXXXX";
    if (!mkdtemp(name) || chdir(name))
        abort();
    return name;
}

static void leave(const char *name)
{
    if (chdir("..") || rmdir(name))
        abort();
}

int main(int argc, char **argv)
{
    char directory[PATH_MAX];
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && !strcmp(argv[1], "waits"))
        waits(NULL);
    const char *name = enter();
    if (set_limit(RLIM_INFINITY) || !getcwd(directory, sizeof directory))
        return 1;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    all_signals();
    limits();
    names();
    places(directory);
    sharing(directory);
    states();
    filtered("the process by a filter", SECCOMP_RET_KILL_PROCESS);
    filtered("the thread by a filter", SECCOMP_RET_KILL_THREAD);
    // A program that is executed where core files are wanted already.
    pid_t child = fork();
    if (child == 0)
        execl("/proc/self/exe", "program", "waits", NULL);
    usleep(300000);
    kill(child, SIGQUIT);
    ended("executed", child);
    leave(name);
    return zero;
}
