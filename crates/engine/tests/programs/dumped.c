// Ends by signals where core_pattern is a path, a program or a socket: says what
// core files there are, of which machine and whose. It sets the pattern, and empties /tmp,
// so it runs as root on a machine of its own, which has /helper. "helps": it is the program
// of a pattern.
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELPED "/tmp/helped"
enum { ROOT = 0, NOBODY = 65534 };

static void put(const char *path, const char *text)
{
    int file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    if (file < 0 || write(file, text, strlen(text)) != (ssize_t)strlen(text)) {
        perror(path);
        exit(1);
    }
    close(file);
}

static int machine_of(int file)
{
    Elf64_Ehdr header = {0};
    size_t read_so_far = 0;
    ssize_t more;
    while (read_so_far < sizeof header
           && (more = read(file, (char *)&header + read_so_far, sizeof header - read_so_far)) > 0)
        read_so_far += more;
    return read_so_far == sizeof header && header.e_type == ET_CORE ? header.e_machine : -1;
}

static int own_machine(void)
{
#ifdef __aarch64__
    return EM_AARCH64;
#else
    return EM_X86_64;
#endif
}

// What is in a directory, which is emptied.
static void list(const char *directory)
{
    DIR *folder = opendir(directory);
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        struct stat status;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW);
        if (S_ISREG(status.st_mode)) {
            int file = openat(dirfd(folder), entry->d_name, O_RDONLY);
            int machine = machine_of(file);
            close(file);
            // Without the number of the process.
            int name = strcspn(entry->d_name, "0123456789");
            printf("  %s/%.*s: %s, of %u, mode %o\n", directory, name, entry->d_name,
                   machine == own_machine() ? "of this machine" : machine < 0 ? "no core file" : "of another machine",
                   status.st_uid, status.st_mode & 07777);
        } else if (S_ISLNK(status.st_mode))
            printf("  %s/%s: a link\n", directory, entry->d_name);
        else {
            // Of the engine's, which nobody is to see.
            if (S_ISDIR(status.st_mode) && entry->d_name[0] == '.')
                printf("  %s/%s: a directory\n", directory, entry->d_name);
            continue;
        }
        unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder)
        closedir(folder);
}

static void *waits(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void *aborts(void *unused)
{
    abort();
    return unused;
}

enum how { ALONE, THREADS, IN_THREAD, SENT };

struct crash {
    const char *what, *pattern;
    int user;
    enum how how;
    rlim_t soft, hard;
};

static void die(const struct crash *crash, int ready)
{
    struct rlimit limit = {crash->soft, crash->hard};
    if (setrlimit(RLIMIT_CORE, &limit))
        perror("limit");
    if (crash->user && (setgroups(0, NULL) || setgid(crash->user) || setuid(crash->user)))
        perror("user");
    prctl(PR_SET_DUMPABLE, 1);
    pthread_t thread;
    if (crash->how == THREADS || crash->how == IN_THREAD)
        for (int n = 0; n < 3; n++)
            pthread_create(&thread, NULL, waits, NULL);
    // Before anything can end the process: the parent waits for it.
    if (write(ready, "", 1) != 1)
        perror("ready");
    if (crash->how == IN_THREAD)
        pthread_create(&thread, NULL, aborts, NULL);
    if (crash->how == SENT || crash->how == IN_THREAD)
        waits(NULL);
    abort();
}

static void ended(const char *what, pid_t child)
{
    int status;
    waitpid(child, &status, 0);
    printf("%s: signal %d, core %d\n", what, WTERMSIG(status), WCOREDUMP(status) != 0);
    list("/cores");
    list("/cores/for all");
    list("/cores/of root");
    list("/cores/here");
    list("/cores/here/below");
    list("/tmp");
    // What was to be seen by nobody.
    list("/dev/shm");
}

static void crash(const struct crash *crash)
{
    int ready[2];
    char byte;
    put("/proc/sys/kernel/core_pattern", crash->pattern);
    if (pipe(ready))
        perror("pipe");
    pid_t child = fork();
    if (child == 0)
        die(crash, ready[1]);
    if (read(ready[0], &byte, 1) != 1)
        perror("ready");
    if (crash->how == SENT)
        kill(child, SIGQUIT);
    close(ready[0]), close(ready[1]);
    ended(crash->what, child);
}

#define ALL RLIM_INFINITY, RLIM_INFINITY
static const struct crash CRASHES[] = {
    {"a name", "core", ROOT, ALONE, ALL},
    {"a path", "/cores/for all/core.%p", ROOT, ALONE, ALL},
    {"a path by a thread", "/cores/for all/core", ROOT, IN_THREAD, ALL},
    {"a path, sent", "/cores/for all/%e.%s", ROOT, SENT, ALL},
    {"a path, not root", "/cores/for all/core", NOBODY, ALONE, ALL},
    {"a path, not root, threads", "/cores/for all/core", NOBODY, THREADS, ALL},
    {"a path, not root, by a thread", "/cores/for all/core", NOBODY, IN_THREAD, ALL},
    {"a path, not root, sent", "/cores/for all/core", NOBODY, SENT, ALL},
    {"where not all may write", "/cores/of root/core", NOBODY, ALONE, ALL},
    {"where root may write", "/cores/of root/core", ROOT, ALONE, ALL},
    {"where nothing is", "/cores/missing/core", ROOT, ALONE, ALL},
    {"up and down", "/cores/of root/../for all//core", ROOT, ALONE, ALL},
    {"below", "below/core", ROOT, ALONE, ALL},
    {"beside", "../for all/core", ROOT, ALONE, ALL},
    {"beside, not root", "../for all/core", NOBODY, THREADS, ALL},
    {"a letter with a path", "/cores/for all/%E", ROOT, ALONE, ALL},
    {"no limit", "/cores/for all/core", ROOT, ALONE, 0, RLIM_INFINITY},
    {"little", "/cores/for all/core", ROOT, ALONE, 4096, RLIM_INFINITY},
    {"nothing", "\n", ROOT, ALONE, ALL},
    {"a program", "|/helper helps", ROOT, ALONE, ALL},
    {"a program, not root", "|/helper helps", NOBODY, THREADS, ALL},
    {"a program, sent", "|/helper helps", ROOT, SENT, ALL},
    {"a program, limit 0", "|/helper helps", ROOT, ALONE, 0, RLIM_INFINITY},
    {"a program, limit 0, sent", "|/helper helps", ROOT, SENT, 0, RLIM_INFINITY},
    {"a program, no limit to raise", "|/helper helps", NOBODY, ALONE, 0, 0},
    {"a program, no limit to raise, sent", "|/helper helps", NOBODY, SENT, 0, 0},
    {"a program, limit 1", "|/helper helps", ROOT, ALONE, 1, RLIM_INFINITY},
};

// As a process whose user has changed.
static void changed(const char *what, const char *pattern, int user)
{
    put("/proc/sys/kernel/core_pattern", pattern);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {ALL};
        setrlimit(RLIMIT_CORE, &limit);
        if (setresgid(1, 1, 1) || setresuid(user, user, ROOT))
            perror("user");
        if (user != ROOT && seteuid(user))
            perror("user");
        abort();
    }
    ended(what, child);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "helps")) {
        int machine = machine_of(0), file = open(HELPED, O_CREAT | O_TRUNC | O_WRONLY, 0644);
        Elf64_Ehdr header = {.e_type = ET_CORE, .e_machine = machine};
        char rest[4096];
        while (read(0, rest, sizeof rest) > 0)
            ;
        return write(file, &header, sizeof header) < 0;
    }
    if (access("/helper", X_OK)) {
        perror("/helper: not a machine of the test's");
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    umask(0);
    mkdir("/cores", 0755);
    mkdir("/cores/for all", 0777);
    mkdir("/cores/of root", 0755);
    mkdir("/cores/here", 0777);
    mkdir("/cores/here/below", 0755);
    chmod("/tmp", 01777);
    umask(022);
    if (chdir("/cores/here"))
        perror("cores");
    // The kernel waits for what it has started.
    put("/proc/sys/kernel/core_pipe_limit", "4");
    if (argc > 1 && !strcmp(argv[1], "sockets")) {
        // Of kernels that know them; nobody listens.
        crash(&(struct crash){"a socket", "@/cores/socket", ROOT, ALONE, ALL});
        crash(&(struct crash){"a socket, limit 0, sent", "@/cores/socket", NOBODY, SENT, 0, 0});
        return 0;
    }
    for (size_t n = 0; n < sizeof CRASHES / sizeof *CRASHES; n++)
        crash(&CRASHES[n]);
    put("/cores/for all/core", "old");
    crash(&(struct crash){"a file before", "/cores/for all/core", ROOT, ALONE, ALL});
    put("/cores/for all/core", "old");
    crash(&(struct crash){"another's file before", "/cores/for all/core", NOBODY, ALONE, ALL});
    if (symlink("/cores/of root/core", "/cores/for all/core"))
        perror("link");
    crash(&(struct crash){"a link before", "/cores/for all/core", ROOT, ALONE, ALL});
    put("/proc/sys/kernel/core_uses_pid", "1");
    crash(&(struct crash){"nothing and a number", "\n", NOBODY, ALONE, ALL});
    crash(&(struct crash){"a path and a number", "/cores/for all/core", NOBODY, ALONE, ALL});
    put("/proc/sys/kernel/core_uses_pid", "0");
    put("/proc/sys/fs/suid_dumpable", "2");
    changed("changed", "/cores/for all/core", NOBODY);
    changed("changed, a name", "core", NOBODY);
    changed("changed, a program", "|/helper helps", NOBODY);
    changed("changed, still root", "/cores/for all/core", ROOT);
    put("/cores/for all/core", "old");
    changed("changed, still root, a file before", "/cores/for all/core", ROOT);
    changed("changed, still root, a name", "core", ROOT);
    put("/proc/sys/fs/suid_dumpable", "0");
    changed("not dumpable", "/cores/for all/core", NOBODY);
    return 0;
}
