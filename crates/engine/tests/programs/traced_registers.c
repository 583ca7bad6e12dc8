// Registers of a tracee, as arm64 has them: what its tracer reads, writes, and what comes of
// that. Every line is asserted.
#define _GNU_SOURCE
#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#undef NDEBUG
#include "traced.h"
#ifndef NT_ARM_SYSTEM_CALL
#define NT_ARM_SYSTEM_CALL 0x404
#endif

struct general {
    uint64_t x[31], sp, pc, pstate;
};
struct vectors {
    __uint128_t v[32];
    uint32_t fpsr, fpcr, none[2];
};

static size_t get(pid_t whom, long set, void *to, size_t length) {
    struct iovec vector = {to, length};
    long result = ask(PTRACE_GETREGSET, whom, set, &vector);
    return result == 0 ? vector.iov_len : (size_t)-errno;
}

static long set(pid_t whom, long number, void *from, size_t length) {
    struct iovec vector = {from, length};
    return ask(PTRACE_SETREGSET, whom, number, &vector) == 0 ? 0 : -errno;
}

// BRK with all registers known.
extern char at_break[], behind_break[];
static void breaks(void) {
    asm volatile("mov x9, #9\n mov x19, #19\n mov x30, #30\n movi v5.16b, #5\n"
                 "mov x1, #0\n cmp x1, #0\n"
                 ".globl at_break\nat_break: brk #7\n"
                 ".globl behind_break\nbehind_break:\n"
                 "mov x0, x20\n mov x8, %0\n svc #0\n" ::"i"(SYS_exit_group)
                 : "x0", "x1", "x8", "x9", "x19", "x20", "x30", "v5", "cc");
}

static void at_a_breakpoint(void) {
    pid_t whom = child(breaks);
    assert(goes(PTRACE_CONT, whom, 0) == STOP(SIGTRAP));
    siginfo_t info;
    assert(ask(PTRACE_GETSIGINFO, whom, 0, &info) == 0);
    assert(info.si_code == TRAP_BRKPT && info.si_addr == (void *)at_break);
    struct general general;
    assert(get(whom, NT_PRSTATUS, &general, sizeof general) == sizeof general);
    assert(general.pc == (uint64_t)at_break);
    assert(general.x[9] == 9 && general.x[19] == 19 && general.x[30] == 30);
    assert((general.pstate & 0xf0000000) == 0x60000000);
    struct vectors vectors;
    assert(get(whom, NT_FPREGSET, &vectors, sizeof vectors) == sizeof vectors);
    for (int n = 0; n < 16; n++)
        assert(((uint8_t *)&vectors.v[5])[n] == 5);
    uint64_t pointer = 0;
    assert(get(whom, NT_ARM_TLS, &pointer, sizeof pointer) == 8);
    assert(pointer == (uint64_t)__builtin_thread_pointer());
    // A part, too much, what is no multiple of a register, what is none.
    assert(get(whom, NT_PRSTATUS, &general, 16) == 16);
    assert(get(whom, NT_PRSTATUS, &general, 17) == (size_t)-EINVAL);
    assert(get(whom, 0x999, &general, 16) == (size_t)-EINVAL);
    uint32_t debug[64] = {0};
    assert(get(whom, NT_ARM_HW_BREAK, debug, sizeof debug) >= 8 && (debug[0] & 0xff) == 0);
    assert(get(whom, NT_ARM_HW_WATCH, debug, sizeof debug) >= 8 && (debug[0] & 0xff) == 0);
    int number = 0;
    assert(get(whom, NT_ARM_SYSTEM_CALL, &number, sizeof number) == 4 && number == -1);
    // What no program can have.
    struct general bad = general;
    bad.pstate |= 5;
    assert(set(whom, NT_PRSTATUS, &bad, sizeof bad) == -EINVAL);
    general.pc = (uint64_t)behind_break;
    general.x[20] = 77;
    assert(set(whom, NT_PRSTATUS, &general, sizeof general) == 0);
    struct general again;
    assert(get(whom, NT_PRSTATUS, &again, sizeof again) == sizeof again);
    assert(memcmp(&again, &general, sizeof again) == 0);
    assert(goes(PTRACE_CONT, whom, 0) == 77 << 8);
}

// A loop that is translated when its tracer writes a breakpoint into it.
static volatile long rounds;
extern char in_loop[], after_loop[];
static void loops(void) {
    asm volatile("1: ldr x1, [%0]\n"
                 ".globl in_loop\nin_loop: add x1, x1, #1\n"
                 "str x1, [%0]\n b 1b\n"
                 ".globl after_loop\nafter_loop: nop\n" ::"r"(&rounds)
                 : "x1", "memory");
    _exit(3);
}

static void in_translated_code(void) {
    pid_t whom = child(loops);
    assert(ask(PTRACE_CONT, whom, 0, 0) == 0);
    usleep(100000);
    kill(whom, SIGUSR1);
    assert(wait_for(whom) == STOP(SIGUSR1));
    long word;
    assert(ask(PTRACE_PEEKTEXT, whom, (long)in_loop, &word) == 0);
    assert((uint32_t)word == 0x91000421);
    uint64_t with_break = ((uint64_t)word & ~0xffffffffULL) | 0xd4200000;
    for (int n = 0; n < 3; n++) {
        assert(ask(PTRACE_POKETEXT, whom, (long)in_loop, (void *)with_break) == 0);
        assert(goes(PTRACE_CONT, whom, 0) == STOP(SIGTRAP));
        struct general general;
        get(whom, NT_PRSTATUS, &general, sizeof general);
        assert(general.pc == (uint64_t)in_loop);
        long before;
        assert(ask(PTRACE_PEEKDATA, whom, (long)&rounds, &before) == 0);
        assert((uint64_t)before == general.x[1] && before > 0);
        // Over it, by single steps, once round.
        assert(ask(PTRACE_POKETEXT, whom, (long)in_loop, (void *)word) == 0);
        for (int step = 0; step < 4; step++) {
            assert(goes(PTRACE_SINGLESTEP, whom, 0) == STOP(SIGTRAP));
            get(whom, NT_PRSTATUS, &general, sizeof general);
            uint64_t expected = (uint64_t)in_loop + (step == 3 ? 0 : step == 2 ? -4 : 4 * (step + 1));
            assert(general.pc == expected);
        }
        long after;
        assert(ask(PTRACE_PEEKDATA, whom, (long)&rounds, &after) == 0 && after == before + 1);
    }
    assert(ask(PTRACE_DETACH, whom, 0, 0) == 0);
    long at_first = rounds;
    (void)at_first;
    kill(whom, SIGKILL);
    assert(wait_for(whom) == SIGKILL);
}

static void calls(void) {
    long result = syscall(SYS_getppid);
    if (result != 1234)
        _exit(1);
    errno = 0;
    result = syscall(SYS_getpriority, 0, 0);
    if (result != -1 || errno != ENOENT)
        _exit(2);
    result = syscall(SYS_close, -1);
    _exit(result == getpid() ? 55 : 3);
}

// Of each call entry and exit: X7, the number, what of the result is changed.
static void changes_calls(void) {
    pid_t whom = child(calls);
    assert(ask(PTRACE_SETOPTIONS, whom, 0, (void *)PTRACE_O_TRACESYSGOOD) == 0);
    int changed = 0, status;
    while ((status = goes(PTRACE_SYSCALL, whom, 0)) == STOP(SIGTRAP | 0x80)) {
        struct general general;
        get(whom, NT_PRSTATUS, &general, sizeof general);
        int number;
        get(whom, NT_ARM_SYSTEM_CALL, &number, sizeof number);
        struct __ptrace_syscall_info info;
        assert(ask(PTRACE_GET_SYSCALL_INFO, whom, sizeof info, &info) > 0);
        assert(info.arch == 0xc00000b7 && info.instruction_pointer == general.pc);
        assert(info.stack_pointer == general.sp);
        assert(general.x[7] == (info.op == PTRACE_SYSCALL_INFO_ENTRY ? 0 : 1));
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
            assert(general.x[8] == (uint64_t)number && info.entry.nr == (uint64_t)number);
            long word;
            assert(ask(PTRACE_PEEKTEXT, whom, general.pc - 4, &word) == 0);
            assert((uint32_t)word == 0xd4000001);
        }
        if (number == SYS_getppid && info.op == PTRACE_SYSCALL_INFO_EXIT) {
            assert(general.x[0] == (uint64_t)getpid());
            general.x[0] = 1234;
            assert(set(whom, NT_PRSTATUS, &general, sizeof general) == 0);
            changed++;
        } else if (number == SYS_getpriority && info.op == PTRACE_SYSCALL_INFO_ENTRY) {
            int none = -1;
            assert(set(whom, NT_ARM_SYSTEM_CALL, &none, sizeof none) == 0);
            general.x[0] = -ENOENT;
            assert(set(whom, NT_PRSTATUS, &general, sizeof general) == 0);
            changed++;
        } else if (number == SYS_close && info.op == PTRACE_SYSCALL_INFO_ENTRY) {
            int other = SYS_getpid;
            assert(set(whom, NT_ARM_SYSTEM_CALL, &other, sizeof other) == 0);
            changed++;
        }
    }
    assert(changed == 3 && status == 55 << 8);
}

// Calls that its tracer does for it.
#define SYSEMU 31
#define SYSEMU_SINGLESTEP 32
extern char at_steps[];
static void emulated(void) {
    if (syscall(SYS_getppid) != 77)
        _exit(1);
    syscall(SYS_close, 5);
    asm volatile(".globl at_steps\nat_steps: nop\n nop\n");
    syscall(SYS_getuid);
    syscall(SYS_exit_group, 56);
}

static void emulates(void) {
    pid_t whom = child(emulated);
    struct general general;
    int number;
    assert(ask(PTRACE_SETOPTIONS, whom, 0, (void *)PTRACE_O_TRACESYSGOOD) == 0);
    assert(goes(SYSEMU, whom, 0) == STOP(SIGTRAP | 0x80));
    get(whom, NT_ARM_SYSTEM_CALL, &number, sizeof number);
    get(whom, NT_PRSTATUS, &general, sizeof general);
    assert(number == SYS_getppid && general.x[7] == 0);
    general.x[0] = 77;
    assert(set(whom, NT_PRSTATUS, &general, sizeof general) == 0);
    // There is no stop at its exit.
    assert(goes(SYSEMU, whom, 0) == STOP(SIGTRAP | 0x80));
    get(whom, NT_ARM_SYSTEM_CALL, &number, sizeof number);
    get(whom, NT_PRSTATUS, &general, sizeof general);
    assert(number == SYS_close && general.x[0] == 5);
    // The exit of a call that was not done is one if the tracer wants it by then.
    assert(goes(PTRACE_SYSCALL, whom, 0) == STOP(SIGTRAP | 0x80));
    get(whom, NT_PRSTATUS, &general, sizeof general);
    assert(general.x[7] == 1 && general.x[0] == 5);
    int calls = 0, steps = 0;
    while (calls == 0) {
        int status = goes(SYSEMU_SINGLESTEP, whom, 0);
        get(whom, NT_PRSTATUS, &general, sizeof general);
        steps += general.pc == (uint64_t)at_steps || general.pc == (uint64_t)at_steps + 4;
        if (status == STOP(SIGTRAP | 0x80)) {
            get(whom, NT_ARM_SYSTEM_CALL, &number, sizeof number);
            assert(number == SYS_getuid);
            calls++;
        } else {
            assert(status == STOP(SIGTRAP));
        }
    }
    assert(steps == 2);
    assert(goes(PTRACE_CONT, whom, 0) == 56 << 8);
}

static void sleeps(void) {
    char byte;
    int pair[2];
    pipe(pair);
    long result = read(pair[0], &byte, 1);
    _exit(result == -1 && errno == EINTR ? 66 : 4);
}

static void note(int signal) { (void)signal; }

static void sleeps_with_handler(void) {
    struct sigaction action = {.sa_handler = note};
    sigaction(SIGUSR1, &action, NULL);
    sleeps();
}

// A call that is interrupted leaves with ERESTARTSYS, and is entered again, or gives EINTR.
static void restarts(void) {
    pid_t whom = child(sleeps_with_handler);
    assert(ask(PTRACE_SETOPTIONS, whom, 0, (void *)PTRACE_O_TRACESYSGOOD) == 0);
    int number = 0;
    struct general general, entered;
    do {
        assert(goes(PTRACE_SYSCALL, whom, 0) == STOP(SIGTRAP | 0x80));
        get(whom, NT_ARM_SYSTEM_CALL, &number, sizeof number);
    } while (number != SYS_read);
    get(whom, NT_PRSTATUS, &entered, sizeof entered);
    for (int n = 0; n < 2; n++) {
        assert(ask(PTRACE_SYSCALL, whom, 0, 0) == 0);
        usleep(50000);
        // Nobody handles it: the call goes on.
        kill(whom, SIGWINCH);
        assert(wait_for(whom) == STOP(SIGTRAP | 0x80));
        get(whom, NT_PRSTATUS, &general, sizeof general);
        assert((long)general.x[0] == -512 && general.pc == entered.pc);
        assert(goes(PTRACE_SYSCALL, whom, 0) == STOP(SIGWINCH));
        get(whom, NT_PRSTATUS, &general, sizeof general);
        assert(general.x[0] == entered.x[0] && general.pc == entered.pc - 4);
        assert(goes(PTRACE_SYSCALL, whom, SIGWINCH) == STOP(SIGTRAP | 0x80));
        get(whom, NT_PRSTATUS, &general, sizeof general);
        assert(general.pc == entered.pc && general.x[7] == 0);
    }
    assert(ask(PTRACE_CONT, whom, 0, 0) == 0);
    usleep(50000);
    kill(whom, SIGUSR1);
    assert(wait_for(whom) == STOP(SIGUSR1));
    assert(goes(PTRACE_CONT, whom, SIGUSR1) == 66 << 8);
}

// A PC nowhere.
static void nonsense(void) {
    pid_t whom = child(breaks);
    assert(goes(PTRACE_CONT, whom, 0) == STOP(SIGTRAP));
    struct general general;
    get(whom, NT_PRSTATUS, &general, sizeof general);
    for (int n = 0; n < 31; n++)
        general.x[n] = 0xdeadbeefdeadbeef;
    general.pc = 0xdead0;
    general.sp = 3;
    general.pstate = 0xf0000000;
    assert(set(whom, NT_PRSTATUS, &general, sizeof general) == 0);
    struct vectors vectors;
    memset(&vectors, 0xff, sizeof vectors);
    assert(set(whom, NT_FPREGSET, &vectors, sizeof vectors) == 0);
    assert(goes(PTRACE_CONT, whom, 0) == STOP(SIGSEGV));
    siginfo_t info;
    assert(ask(PTRACE_GETSIGINFO, whom, 0, &info) == 0);
    assert(info.si_addr == (void *)0xdead0);
    assert(goes(PTRACE_CONT, whom, SIGSEGV) == SIGSEGV);
}

int main(void) {
    at_a_breakpoint();
    in_translated_code();
    changes_calls();
    emulates();
    restarts();
    nonsense();
    printf("all\n");
    return 0;
}
