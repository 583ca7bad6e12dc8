// Edges of what a program with words of 32 bits asks for: the number -1, seccomp's strict mode,
// a tracee's last address, what lies behind the first stack, files that are larger than 31 bits say, a signal of its own for SIGPOLL. It prints the same wherever it runs.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "narrow.h"

enum { NOTHING, READ_WRITE, CLOSE, PARENT, DUP, PROCESS };

// What a child in strict mode does, and how it ends.
static void strict(const char *name, int what) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int pipes[2];
        char byte = 'a';
        if (pipe(pipes))
            _exit(9);
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
            _exit(8);
        if (what == READ_WRITE && (write(pipes[1], &byte, 1) != 1 || read(pipes[0], &byte, 1) != 1))
            syscall(SYS_exit, 7);
        if (what == CLOSE)
            close(pipes[0]);
        if (what == PARENT)
            syscall(SYS_getppid);
        if (what == DUP)
            syscall(SYS_dup2, pipes[0], 50);
        if (what == PROCESS)
            syscall(SYS_getpid);
        syscall(SYS_exit, 3);
    }
    int status = 0;
    waitpid(child, &status, 0);
    printf("strict, %s: %s %d\n", name, WIFSIGNALED(status) ? "signal" : "exit",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void last_address(void) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        _exit(5);
    }
    int status;
    waitpid(child, &status, 0);
    long word;
    SAY(syscall(SYS_ptrace, PTRACE_PEEKDATA, child, (void *)-4, &word));
    SAY(syscall(SYS_ptrace, PTRACE_PEEKTEXT, child, (void *)-4096, &word));
    SAY(syscall(SYS_ptrace, PTRACE_POKEDATA, child, (void *)-4, 1));
    SAY(syscall(SYS_ptrace, PTRACE_PEEKDATA, child, &status, &word));
    ptrace(PTRACE_CONT, child, 0, 0);
    waitpid(child, &status, 0);
    printf("%d\n", WEXITSTATUS(status));
}

// Where the first stack ends, and a page behind it that nothing is mapped at.
static unsigned long stack_end(void) {
    char line[512];
    unsigned long end = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps))
        if (strstr(line, "[stack]"))
            sscanf(line, "%*x-%lx", &end);
    fclose(maps);
    return end;
}

// All calls that reach one's own memory or another's, at an address in a process.
static void by_all_calls(const char *whose, pid_t process, int mem, char *there) {
    char byte = 'a';
    struct iovec here = {&byte, 1}, at = {there, 1};
    printf("%s\n", whose);
    SAY(process_vm_readv(process, &here, 1, &at, 1, 0));
    SAY(process_vm_writev(process, &here, 1, &at, 1, 0));
    SAY(pread64(mem, &byte, 1, (unsigned long)there));
}

static void behind_the_stack(char **argv) {
#ifdef __arm__
    unsigned long last = 0xffff0000;
#else
    unsigned long last = 0xffffe000;
#endif
    unsigned long end = stack_end(), places[] = {end, (end + (last - end) / 2) & -4096, last - 4096, -4096UL};
    fflush(stdout);
    if (end + 3 * 4096 > last) // It ends at a random place.
        execv("/proc/self/exe", argv);
    pid_t child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        _exit(5);
    }
    int status, pipes[2];
    waitpid(child, &status, 0);
    char name[64];
    sprintf(name, "/proc/%d/mem", child);
    int own = open("/proc/self/mem", O_RDONLY), other = open(name, O_RDONLY);
    if (own < 0 || other < 0 || pipe(pipes))
        _exit(1);
    for (int n = 0; n < 4; n++) {
        char *there = (char *)places[n];
        long word;
        printf("behind the stack, %d\n", n);
        SAY(syscall(SYS_ptrace, PTRACE_PEEKDATA, child, there, &word));
        SAY(syscall(SYS_ptrace, PTRACE_PEEKTEXT, child, there + 8, &word));
        SAY(syscall(SYS_ptrace, PTRACE_POKEDATA, child, there, 1));
        SAY(syscall(SYS_ptrace, PTRACE_PEEKDATA, child, there, &word));
        by_all_calls("another's", child, other, there);
        by_all_calls("its own", getpid(), own, there);
        SAY(write(pipes[1], there, 1));
        SAY(syscall(SYS_read, own, there, 1));
    }
    ptrace(PTRACE_CONT, child, 0, 0);
    waitpid(child, &status, 0);
    printf("%d\n", WEXITSTATUS(status));
}

// Files that grow past 2 GiB - 1 byte, and that have.
static void large_files(void) {
    const long long end = 0x7fffffff, far = 1LL << 32;
    char path[] = "/tmp/narrow-edges-XXXXXX";
    close(mkstemp(path));
    int small = open(path, O_RDWR), large = open(path, O_RDWR | O_LARGEFILE);
    int appended = open(path, O_WRONLY | O_APPEND), made = creat(path, 0600);
    int fds[] = {small, large, appended, made, openat(AT_FDCWD, path, O_RDONLY)};
    for (int n = 0; n < 5; n++)
        printf("asked for: %d\n", (fcntl(fds[n], F_GETFL) & O_LARGEFILE) != 0);
    SAY(pwrite64(small, "abc", 3, end - 1));
    SAY(pwrite64(small, "abc", 3, end));
    SAY(pwrite64(small, "abc", 3, far));
    SAY(lseek64(small, end, SEEK_SET) == end);
    SAY(write(small, "abc", 3));
    SAY(write(appended, "abc", 3));
    SAY(pwrite64(large, "abc", 3, far));
    SAY(write(appended, "abc", 3));
    SAY(syscall(SYS_copy_file_range, large, &(long long){0}, small, &(long long){end}, 3, 0));
    SAY(ftruncate64(small, far + 1));
    char byte;
    SAY(pread64(small, &byte, 1, far));
    for (int n = 0; n < 5; n++)
        close(fds[n]);
    SAY(open(path, O_RDONLY));
    SAY(openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC));
    SAY(open(path, O_RDONLY | O_TRUNC));
    SAY(creat(path, 0600));
    const int ways[] = {O_RDONLY | O_LARGEFILE, O_PATH, O_RDONLY | O_LARGEFILE | O_TRUNC, O_RDONLY};
    for (int n = 0; n < 4; n++) {
        int fd = open(path, ways[n]);
        printf("way %d: %s\n", n, error(fd));
        close(fd);
    }
    truncate64(path, far);
    uint64_t how[3] = {O_RDONLY};
    int fd = syscall(SYS_openat2, AT_FDCWD, path, how, sizeof how);
    printf("openat2: %s %d\n", error(fd), (fcntl(fd, F_GETFL) & O_LARGEFILE) != 0);
    close(fd);
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } file = {.handle.handle_bytes = MAX_HANDLE_SZ};
    int mount, at = open("/tmp", O_RDONLY | O_DIRECTORY);
    if (name_to_handle_at(AT_FDCWD, path, &file.handle, &mount, 0) == 0)
        for (int n = 0; n < 2; n++) {
            fd = open_by_handle_at(at, &file.handle, n ? O_RDONLY | O_LARGEFILE : O_RDONLY);
            printf("by handle: %s\n", error(fd));
            close(fd);
        }
    close(at);
    unlink(path);
}

// What a directory of descriptors has, by the oldest call for it and by the one with words of 64 bits, some
// entries at a time.
static void listed(const char *path) {
    for (int call = 0; call < 2; call++)
        for (int room = 40; room <= 4000; room *= 10) {
            char buffer[4000];
            int fd = open(path, O_RDONLY | O_DIRECTORY);
            long length;
            printf("%s, %d, %d:", path, call, room);
            while ((length = syscall(call ? SYS_getdents64 : SYS_getdents, fd, buffer, room)) > 0)
                for (char *at = buffer; at < buffer + length; at += *(uint16_t *)(at + (call ? 16 : 8)))
                    printf(" %s", at + (call ? 19 : 10));
            printf(" %s\n", error(length));
            close(fd);
        }
}

static siginfo_t told;

static void note(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    told = *info;
}

static void chosen_signal(void) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
        return;
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    sigaction(SIGRTMIN + 1, &action, NULL);
    SAY(fcntl(pair[0], F_SETSIG, SIGRTMIN + 1));
    fcntl(pair[0], F_SETOWN, getpid());
    SAY(fcntl(pair[0], F_SETFL, O_ASYNC | O_NONBLOCK));
    SAY(write(pair[1], "x", 1));
    while (!told.si_signo)
        usleep(1000);
    printf("chosen: %d, %d, %d, %#lx\n", told.si_signo == SIGRTMIN + 1, told.si_code,
           told.si_fd == pair[0], (long)told.si_band);
}

int main(int argc, char **argv) {
    (void)argc;
    behind_the_stack(argv);
    large_files();
    listed("/proc/self/fd");
    listed("/proc/self/fdinfo");
    listed("/proc/thread-self/fd");
    SAY(syscall(-1));
    SAY(syscall(-4095));
    strict("nothing", NOTHING);
    strict("read and write", READ_WRITE);
    strict("close", CLOSE);
    strict("getppid", PARENT);
    strict("dup2", DUP);
    strict("getpid", PROCESS);
    last_address();
    chosen_signal();
    return 0;
}
