// Traces a program of 32 bits that it executes, `both child traced`: prints the same on every machine
// that runs programs of both widths.
#define _GNU_SOURCE
#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __aarch64__
// Of 32-bit Arm: R0 to R15, CPSR, and what R0 was at a call. The PC, and where a result is.
enum { LENGTH = 18, PC = 15, RESULT = 0, GETPPID = 64, ARCH = AUDIT_ARCH_ARM };
#else
// i386's struct user_regs_struct.
enum { LENGTH = 17, PC = 12, RESULT = 6, GETPPID = 64, ARCH = AUDIT_ARCH_I386 };
#endif

static long registers(int request, pid_t pid, uint32_t *all, size_t length)
{
    struct iovec vector = {all, length};
    long result = ptrace(request, pid, (void *)NT_PRSTATUS, &vector);
    return result < 0 ? -errno : (long)(vector.iov_len / 4);
}

int main(int argc, char **argv)
{
    assert(argc == 2);
    char *const arguments[] = {"two", "child", "traced", NULL};
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        execve(argv[1], arguments, NULL);
        _exit(1);
    }
    int status, calls = 0;
    uint32_t all[100];
    assert(waitpid(pid, &status, 0) == pid);
    printf("executed: %x\n", status);
    assert(ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD) == 0);
    assert(registers(PTRACE_GETREGSET, pid, all, sizeof all) == LENGTH);
    // The first instruction, at the PC; the file has the same there.
    errno = 0;
    long word = ptrace(PTRACE_PEEKTEXT, pid, (void *)(uintptr_t)all[PC], NULL);
    assert(errno == 0 && word != 0);
    printf("unaligned: %ld, a short one has %ld\n", registers(PTRACE_GETREGSET, pid, all, 7),
           registers(PTRACE_GETREGSET, pid, all, 8));
    for (uintptr_t far = 1UL << 33; far < 1UL << 47; far <<= 6) {
        errno = 0;
        ptrace(PTRACE_PEEKDATA, pid, (void *)far, NULL);
        assert(errno == EIO);
    }
    while (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0) {
        assert(waitpid(pid, &status, 0) == pid);
        if (!WIFSTOPPED(status))
            break;
        assert(WSTOPSIG(status) == (SIGTRAP | 0x80));
        calls++;
        struct __ptrace_syscall_info info;
        memset(&info, 0, sizeof info);
        assert(ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info, &info) > 0);
        assert(info.arch == ARCH && info.instruction_pointer >> 32 == 0);
        static int is_it;
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
            is_it = info.entry.nr == GETPPID;
            continue;
        }
        assert(info.op == PTRACE_SYSCALL_INFO_EXIT);
        if (!is_it)
            continue;
        assert(registers(PTRACE_GETREGSET, pid, all, sizeof all) == LENGTH);
        printf("getppid: %d %d\n", info.exit.rval == getpid(), all[RESULT] == (uint32_t)getpid());
        // It fails, the tracer says.
        all[RESULT] = -(uint32_t)ENOTTY;
        assert(registers(PTRACE_SETREGSET, pid, all, LENGTH * 4) == LENGTH);
        fflush(stdout);
    }
    printf("ended: %x, %d\n", status, calls > 10);
    return 0;
}
