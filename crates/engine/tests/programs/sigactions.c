// What sigaction gives back of what it was given: the kernel's structure, which
// is the same on both architectures.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

struct action {
    uint64_t handler, flags, restorer, mask;
};

static void handle(int signal)
{
    (void)signal;
}

static void exchange(int signal, uint64_t handler, uint64_t flags)
{
    struct action new = {handler, flags, 0x1234560, ~0ull}, old = {1, 2, 3, 4};
    long set = syscall(SYS_rt_sigaction, signal, &new, NULL, 8);
    int error = set ? errno : 0;
    long asked = syscall(SYS_rt_sigaction, signal, NULL, &old, 8);
    printf("%d %lx %d: %ld %d, %ld %d, %lx %lx %lx\n", signal, (long)flags, handler > 1, set, error,
           asked, old.handler > 1 ? 2 : (int)old.handler, (long)old.flags, (long)old.restorer,
           (long)old.mask);
}

int main(void)
{
    static const int SIGNALS[] = {SIGUSR1, SIGSEGV, SIGTRAP, SIGCHLD, 40, SIGKILL, 65};
    for (unsigned s = 0; s < sizeof SIGNALS / sizeof *SIGNALS; s++) {
        int signal = SIGNALS[s];
        for (int n = 0; n < 64; n++)
            exchange(signal, (uint64_t)handle, 1ull << n);
        exchange(signal, (uint64_t)handle, ~0ull);
        exchange(signal, 0, ~0ull);
        exchange(signal, 1, 0x400 | 0x800);
        exchange(signal, 0, 0);
    }
    // How a program finds out what the kernel knows, from its manual.
    struct action probe = {(uint64_t)handle, SA_SIGINFO | 0x400 | 0x800, 0, 0}, got;
    syscall(SYS_rt_sigaction, SIGSEGV, &probe, NULL, 8);
    syscall(SYS_rt_sigaction, SIGSEGV, NULL, &got, 8);
    printf("unsupported %d, tag bits %d\n", (got.flags & 0x400) != 0, (got.flags & 0x800) != 0);
    return 0;
}
