// What only tracers of 32-bit Arm programs ask for. Every line is asserted.
#define _GNU_SOURCE
#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#undef NDEBUG
#include "traced.h"

enum { GETREGS = 12, SETREGS, GETFPREGS, THREAD_AREA = 22, SET_SYSCALL = 23, GETVFPREGS = 27,
       SETVFPREGS, GETHBPREGS, SETHBPREGS };
enum { NT_VFP = 0x400, CPSR = 16, OLD_R0, WORDS };

struct vfp {
    uint64_t d[32];
    uint32_t fpscr, none;
};
enum { VFP = 32 * 8 + 4 };

static long fails(long number, pid_t whom, long address, void *data) {
    return ask(number, whom, address, data) == -1 ? errno : 0;
}

#ifdef __thumb__
#define BREAK ".short 0xde01\n"
enum { THUMB = 1, BREAK_LENGTH = 2 };
#else
#define BREAK ".word 0xe7f001f0\n"
enum { THUMB = 0, BREAK_LENGTH = 4 };
#endif

// A debugger's breakpoint, with registers known.
extern char at_break[];
static void breaks(void) {
    register long first asm("r0") = 0;
    asm volatile("mov r4, #44\n mov r5, #55\n"
                 "at_break: " BREAK
                 : "+r"(first)
                 :
                 : "r4", "r5", "memory");
    _exit((int)first);
}

static void sets_of_registers(void) {
    pid_t whom = child(breaks);
    assert(goes(PTRACE_CONT, whom, 0) == STOP(SIGTRAP));
    uintptr_t place = (uintptr_t)at_break & ~1u;
    siginfo_t info;
    assert(ask(PTRACE_GETSIGINFO, whom, 0, &info) == 0);
    assert(info.si_signo == SIGTRAP && info.si_code == TRAP_BRKPT);
    assert((uintptr_t)info.si_addr == place);
    uint32_t words[WORDS], other[WORDS], word;
    assert(ask(GETREGS, whom, 0, words) == 0);
    assert(words[4] == 44 && words[5] == 55 && words[15] == place);
    assert((words[CPSR] & 0x1f) == 0x10 && (words[CPSR] >> 5 & 1) == THUMB);
    struct iovec vector = {other, sizeof other};
    assert(ask(PTRACE_GETREGSET, whom, NT_PRSTATUS, &vector) == 0);
    assert(vector.iov_len == sizeof other && !memcmp(words, other, sizeof other));
    for (int n = 0; n < WORDS; n++)
        assert(ask(PTRACE_PEEKUSER, whom, 4 * n, &word) == 0 && word == words[n]);
    assert(ask(PTRACE_PEEKUSER, whom, 4 * WORDS, &word) == 0 && word == 0);
    assert(fails(PTRACE_PEEKUSER, whom, 2, &word) == EIO);
    assert(fails(PTRACE_PEEKUSER, whom, 296, &word) == EIO);
    struct vfp vfp, again;
    assert(ask(GETVFPREGS, whom, 0, &vfp) == 0);
    for (int n = 0; n < 32; n++)
        vfp.d[n] = 0x0101010101010101 * (n + 1);
    assert(ask(SETVFPREGS, whom, 0, &vfp) == 0);
    vector = (struct iovec){&again, sizeof again};
    assert(ask(PTRACE_GETREGSET, whom, NT_VFP, &vector) == 0);
    assert(vector.iov_len == VFP && !memcmp(&vfp, &again, VFP));
    assert(ask(THREAD_AREA, whom, 0, &word) == 0);
    assert(word == (uintptr_t)__builtin_thread_pointer());
    assert(ask(GETHBPREGS, whom, 0, &word) == 0 && (word & 0xffff) == 0);
    assert(fails(GETFPREGS, whom, 0, other) == EIO);
    // No user mode, interrupts masked.
    for (uint32_t bad = 0; bad < 3; bad++) {
        memcpy(other, words, sizeof other);
        other[CPSR] = (uint32_t[]){0x13, 0x90, 0}[bad];
        assert(fails(SETREGS, whom, 0, other) == EINVAL);
    }
    memcpy(other, words, sizeof other);
    other[0] = 33;
    other[15] += BREAK_LENGTH;
    assert(ask(SETREGS, whom, 0, other) == 0);
    assert(ask(PTRACE_POKEUSER, whom, 4, (void *)11) == 0);
    assert(ask(PTRACE_PEEKUSER, whom, 4, &word) == 0 && word == 11);
    assert(goes(PTRACE_CONT, whom, 0) == 33 << 8);
}

static uint32_t pair[2] = {0x11111111, 0x22222222};
static void calls(void) {
    if (pair[0] != 0x33333333 || pair[1] != 0x22222222)
        _exit(1);
    if (syscall(SYS_getppid) != getpid())
        _exit(2);
    errno = 0;
    if (syscall(SYS_getpriority, 0, 0) != -1 || errno != ENOSYS)
        _exit(3);
    _exit(44);
}

// A poked word leaves the next one alone; numbers of calls are set.
static void words_and_calls(void) {
    pid_t whom = child(calls);
    uint32_t word;
    assert(ask(PTRACE_PEEKDATA, whom, (long)&pair[1], &word) == 0 && word == 0x22222222);
    assert(ask(PTRACE_POKEDATA, whom, (long)&pair[0], (void *)0x33333333) == 0);
    assert(fails(PTRACE_PEEKDATA, whom, 8, &word) == EIO);
    assert(ask(PTRACE_SETOPTIONS, whom, 0, (void *)PTRACE_O_TRACESYSGOOD) == 0);
    int status;
    while ((status = goes(PTRACE_SYSCALL, whom, 0)) == STOP(SIGTRAP | 0x80)) {
        uint32_t words[WORDS];
        assert(ask(GETREGS, whom, 0, words) == 0);
        if (words[12] != 0)
            continue;
        if (words[7] == SYS_getppid)
            assert(ask(SET_SYSCALL, whom, 0, (void *)SYS_getpid) == 0);
        else if (words[7] == SYS_getpriority) {
            assert(ask(SET_SYSCALL, whom, 0, (void *)-1) == 0);
            words[0] = -ENOSYS;
            assert(ask(SETREGS, whom, 0, words) == 0);
        }
    }
    assert(status == 44 << 8);
}

int main(void) {
    sets_of_registers();
    words_and_calls();
    printf("all\n");
    return 0;
}
