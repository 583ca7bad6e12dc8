// Edges of what a program with words of 32 bits asks for: the number -1, seccomp's strict mode,
// a tracee's last address, a signal of its own for SIGPOLL. It prints the same wherever it runs.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
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

int main(void) {
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
