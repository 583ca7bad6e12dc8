// What the programs about tracees share. Every line is asserted.
#ifndef TRACED_H
#define TRACED_H

#include <assert.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

// The status of a stop.
#define STOP(signal) ((signal) << 8 | 0x7f)

// A request as the kernel has it, without the C library's changes.
static long ask(long number, pid_t whom, long address, void *data) {
    return syscall(SYS_ptrace, number, whom, address, data);
}

static int wait_for(pid_t whom) {
    int status;
    assert(waitpid(whom, &status, __WALL) == whom);
    return status;
}

// Lets it go on, and gives the status that it has next.
static int goes(long how, pid_t whom, long signal) {
    assert(ask(how, whom, 0, (void *)signal) == 0);
    return wait_for(whom);
}

// A tracee in its first stop, which will do this.
static pid_t child(void (*does)(void)) {
    pid_t made = fork();
    if (made == 0) {
        ptrace(PTRACE_TRACEME);
        raise(SIGSTOP);
        does();
        _exit(0);
    }
    assert(wait_for(made) == STOP(SIGSTOP));
    return made;
}

#endif
