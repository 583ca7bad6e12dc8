// Filters of seccomp: what is accepted, each action, precedence, and what
// inherits them. Prints the same on both machines.
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#ifdef __aarch64__
#define ARCH AUDIT_ARCH_AARCH64
#else
#define ARCH AUDIT_ARCH_X86_64
#endif
#define COUNT(a) (sizeof(a) / sizeof(a[0]))
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_ARG(n) \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (n))
#define LOAD_ARG_HIGH(n) \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (n) + 4)
#define RETURN(k) BPF_STMT(BPF_RET | BPF_K, (k))
#define UNLESS(k, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), 0, (skip))

extern char **environ;

static long set_filter(unsigned flags, const struct sock_filter *filter, size_t length)
{
    struct sock_fprog program = {.len = length, .filter = (struct sock_filter *)filter};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

// One action on one system call, all others allowed.
static void on(long number, unsigned action)
{
    struct sock_filter filter[] = {
        LOAD(arch), UNLESS(ARCH, 3), LOAD(nr), UNLESS(number, 1),
        RETURN(action), RETURN(SECCOMP_RET_ALLOW),
    };
    assert(set_filter(0, filter, COUNT(filter)) == 0);
}

static void no_new_privileges(void)
{
    assert(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

static void no_core(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
}

static void forms(void);

// How a child ends that runs the function.
static void in_child(const char *name, void (*function)(void))
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        no_core();
        if (function != forms)
            no_new_privileges();
        function();
        fflush(stdout);
        _exit(0);
    }
    int status;
    assert(waitpid(child, &status, 0) == child);
    printf("%s: %x\n", name, status);
}

static const char *error_of(long result)
{
    return result < 0 ? strerror(errno) : "done";
}

static void forms(void)
{
    static const struct sock_filter allow[] = {RETURN(SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {1, (struct sock_filter *)allow};
    printf("mode %d\n", prctl(PR_GET_SECCOMP));
    if (geteuid() == 0)
        assert(setresuid(65534, 65534, 65534) == 0);
    printf("without no_new_privs: %s\n", error_of(set_filter(0, allow, 1)));
    printf("and a wrong length: %s\n", error_of(set_filter(0, allow, 0)));
    no_new_privileges();
    printf("operation: %s\n", error_of(syscall(SYS_seccomp, 99, 0, NULL)));
    printf("flags: %s\n", error_of(set_filter(1 << 12, allow, 1)));
    printf("killable alone: %s\n", error_of(set_filter(1 << 5, allow, 1)));
    printf("two results: %s\n", error_of(set_filter(1 | 8, allow, 1)));
    printf("strict with flags: %s\n", error_of(syscall(SYS_seccomp, 0, 1, NULL)));
    printf("strict with arguments: %s\n", error_of(syscall(SYS_seccomp, 0, 0, &program)));
    printf("nowhere: %s\n", error_of(syscall(SYS_seccomp, 1, 0, 8)));
    printf("filter nowhere: %s\n", error_of(set_filter(0, (void *)8, 1)));
    printf("too long: %s\n", error_of(set_filter(0, allow, 4097)));
    printf("mode: %s\n", error_of(prctl(PR_SET_SECCOMP, 3, &program)));
    unsigned actions[] = {
        SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO,
        SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW, 0x12340000,
    };
    for (size_t n = 0; n < COUNT(actions); n++)
        printf("action %x: %s\n", actions[n], error_of(syscall(SYS_seccomp, 2, 0, &actions[n])));
    printf("action with flags: %s\n", error_of(syscall(SYS_seccomp, 2, 1, &actions[0])));
    printf("by prctl: %s\n", error_of(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)));
    printf("log: %s\n", error_of(set_filter(SECCOMP_FILTER_FLAG_LOG, allow, 1)));
    printf("speculation: %s\n", error_of(set_filter(SECCOMP_FILTER_FLAG_SPEC_ALLOW, allow, 1)));
    printf("strict after: %s\n", error_of(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)));
    printf("mode %d\n", prctl(PR_GET_SECCOMP));
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, "Seccomp", 7) || !strncmp(line, "NoNewPrivs", 10))
            fputs(line, stdout);
}

static void errors(void)
{
    on(SYS_getppid, SECCOMP_RET_ERRNO | 7);
    printf("getppid: %s\n", error_of(syscall(SYS_getppid)));
    on(SYS_getuid, SECCOMP_RET_ERRNO);
    printf("getuid: %ld\n", syscall(SYS_getuid));
    on(SYS_getgid, SECCOMP_RET_ERRNO | 0xffff);
    long group = syscall(SYS_getgid);
    printf("getgid: %ld %d\n", group, errno);
    on(SYS_setuid, SECCOMP_RET_TRACE | 5);
    printf("setuid: %s\n", error_of(syscall(SYS_setuid, 0)));
    on(SYS_setgid, SECCOMP_RET_USER_NOTIF);
    printf("setgid: %s\n", error_of(syscall(SYS_setgid, 0)));
    on(SYS_getpgid, SECCOMP_RET_LOG);
    printf("getpgid: %d\n", syscall(SYS_getpgid, 0) == getpgrp());
    // The kind that reads clocks without a system call is not seen.
    on(SYS_clock_gettime, SECCOMP_RET_ERRNO | 9);
    struct timespec now;
    printf("clock: %d %s\n", clock_gettime(CLOCK_MONOTONIC, &now),
           error_of(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now)));
}

static void by_argument(void)
{
    // dup(5 << 32 | 7) alone is refused, by both halves.
    struct sock_filter filter[] = {
        LOAD(nr), UNLESS(SYS_dup, 5), LOAD_ARG(0), UNLESS(7, 3),
        LOAD_ARG_HIGH(0), UNLESS(5, 1), RETURN(SECCOMP_RET_ERRNO | 11),
        RETURN(SECCOMP_RET_ALLOW),
    };
    assert(set_filter(0, filter, COUNT(filter)) == 0);
    printf("dup: %s, ", error_of(syscall(SYS_dup, 5L << 32 | 7)));
    printf("%s, ", error_of(syscall(SYS_dup, 7L)));
    printf("%s\n", error_of(syscall(SYS_dup, 5L << 32 | 700)));
}

static void by_place(void)
{
    // What is not called from this page.
    uint64_t here;
#ifdef __aarch64__
    asm("adr %0, 1f" : "=r"(here));
#else
    asm("lea 1f(%%rip), %0" : "=r"(here));
#endif
    struct sock_filter filter[] = {
        LOAD(nr), UNLESS(SYS_getppid, 3), LOAD(instruction_pointer),
        UNLESS((uint32_t)here, 1), RETURN(SECCOMP_RET_ERRNO | 13),
        RETURN(SECCOMP_RET_ALLOW),
    };
    assert(set_filter(0, filter, COUNT(filter)) == 0);
    long result;
#ifdef __aarch64__
    register long number asm("x8") = SYS_getppid;
    register long x0 asm("x0");
    asm volatile("svc #0\n1:" : "=r"(x0) : "r"(number) : "memory");
    result = x0;
#else
    asm volatile("syscall\n1:" : "=a"(result) : "a"(SYS_getppid) : "rcx", "r11", "memory");
#endif
    printf("here: %ld, elsewhere: %d\n", result, syscall(SYS_getppid) > 0);
}

static void precedence(void)
{
    on(SYS_getppid, SECCOMP_RET_ERRNO | 1);
    on(SYS_getppid, SECCOMP_RET_ERRNO | 2);
    on(SYS_getppid, SECCOMP_RET_LOG);
    on(SYS_getppid, SECCOMP_RET_TRACE);
    syscall(SYS_getppid);
    printf("the newest of the strictest: %d\n", errno);
    fflush(stdout);
    on(SYS_getppid, SECCOMP_RET_KILL_PROCESS);
    syscall(SYS_getppid);
}

static siginfo_t trapped;
static void *at;

static void on_trap(int signal, siginfo_t *info, void *context)
{
    ucontext_t *c = context;
    (void)signal;
    trapped = *info;
#ifdef __aarch64__
    at = (void *)c->uc_mcontext.pc;
    assert(c->uc_mcontext.regs[8] == SYS_getppid && c->uc_mcontext.regs[0] == 77);
    c->uc_mcontext.regs[0] = 4711;
#else
    at = (void *)c->uc_mcontext.gregs[REG_RIP];
    assert(c->uc_mcontext.gregs[REG_RDI] == 77);
    c->uc_mcontext.gregs[REG_RAX] = 4711;
#endif
}

static void trap(void)
{
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &action, NULL);
    on(SYS_getppid, SECCOMP_RET_TRAP | 321);
    printf("getppid: %ld\n", syscall(SYS_getppid, 77));
    printf("signal %d, code %d, error %d, call %d, architecture %d, at %d\n", trapped.si_signo,
           trapped.si_code, trapped.si_errno, trapped.si_syscall == SYS_getppid,
           trapped.si_arch == ARCH, trapped.si_call_addr == at);
    // Blocked, it kills.
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSYS);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fflush(stdout);
    syscall(SYS_getppid, 77);
}

static void trap_ignored(void)
{
    signal(SIGSYS, SIG_IGN);
    on(SYS_getppid, SECCOMP_RET_TRAP);
    syscall(SYS_getppid);
}

static void kill_process(void)
{
    on(SYS_getppid, SECCOMP_RET_KILL_PROCESS);
    syscall(SYS_getppid);
}

static void kill_thread(void)
{
    on(SYS_getppid, SECCOMP_RET_KILL_THREAD);
    syscall(SYS_getppid);
}

static void unknown_action(void)
{
    on(SYS_getppid, 0x12340000);
    syscall(SYS_getppid);
}

static void *asks(void *unused)
{
    syscall(SYS_getppid);
    puts("still there");
    return unused;
}

static void kill_other_thread(void)
{
    pthread_t thread;
    on(SYS_getppid, SECCOMP_RET_KILL_THREAD);
    pthread_create(&thread, NULL, asks, NULL);
    pthread_join(thread, NULL);
    puts("the other thread is gone");
}

static void kill_all_threads(void)
{
    pthread_t thread;
    on(SYS_getppid, SECCOMP_RET_KILL_PROCESS);
    pthread_create(&thread, NULL, asks, NULL);
    pthread_join(thread, NULL);
}

static pthread_barrier_t before, after;

static void *waits(void *own)
{
    if (own)
        on(SYS_getuid, SECCOMP_RET_ERRNO | 4);
    pthread_barrier_wait(&before);
    pthread_barrier_wait(&after);
    long result = syscall(SYS_getppid);
    return (void *)(result < 0 ? (long)errno : 0L);
}

static void synchronised(void)
{
    struct sock_filter filter[] = {
        LOAD(nr), UNLESS(SYS_getppid, 1), RETURN(SECCOMP_RET_ERRNO | 3),
        RETURN(SECCOMP_RET_ALLOW),
    };
    pthread_barrier_init(&before, NULL, 2);
    pthread_barrier_init(&after, NULL, 2);
    for (long own = 0; own < 2; own++) {
        pthread_t thread;
        void *result;
        pthread_create(&thread, NULL, waits, (void *)own);
        pthread_barrier_wait(&before);
        long done = set_filter(SECCOMP_FILTER_FLAG_TSYNC, filter, COUNT(filter));
        long other = set_filter(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, filter,
                                COUNT(filter));
        int error = other < 0 ? errno : 0;
        pthread_barrier_wait(&after);
        pthread_join(thread, &result);
        printf("synchronised: %s, error %d, there %ld\n", done ? "a thread" : "all", error,
               (long)result);
    }
}

static void strict(void)
{
    int pipes[2];
    char byte;
    assert(pipe(pipes) == 0);
    assert(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
    assert(write(pipes[1], "x", 1) == 1 && read(pipes[0], &byte, 1) == 1);
    syscall(SYS_exit, 12);
}

static void strict_kills(void)
{
    assert(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL) == 0);
    syscall(SYS_getppid);
}

static void again(void)
{
    char *arguments[] = {"program", "child", NULL};
    execve("/proc/self/exe", arguments, environ);
}

static void inherited(void)
{
    on(SYS_getppid, SECCOMP_RET_ERRNO | 21);
    on(SYS_getuid, SECCOMP_RET_ERRNO | 22);
    fflush(stdout);
    char *arguments[] = {"program", "child", NULL};
    pid_t child;
    int status;
    if (fork() == 0) {
        syscall(SYS_getppid);
        _exit(errno);
    }
    assert(wait(&status) > 0);
    printf("forked: %x\n", status);
    fflush(stdout);
    assert(posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ) == 0);
    assert(waitpid(child, &status, 0) == child);
    printf("spawned: %x\n", status);
    pthread_t thread;
    pthread_create(&thread, NULL, asks, NULL);
    pthread_join(thread, NULL);
    fflush(stdout);
    again();
}

// As long as a filter may be: the last of its checks counts.
static void longest(void)
{
    struct sock_filter filter[4096];
    filter[0] = (struct sock_filter)LOAD(nr);
    for (int n = 1; n < 4094; n++)
        filter[n] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x10000 + n, 0, 0);
    filter[4092] = (struct sock_filter)UNLESS(SYS_getppid, 1);
    filter[4093] = (struct sock_filter)RETURN(SECCOMP_RET_ERRNO | 23);
    filter[4094] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
    filter[4095] = (struct sock_filter)RETURN(SECCOMP_RET_KILL);
    assert(set_filter(0, filter, 4096) == 0);
    fflush(stdout);
    again();
}

static uint32_t random_state = 1;

static uint32_t chance(uint32_t below)
{
    random_state = random_state * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)random_state * below >> 32);
}

static uint32_t number(void)
{
    static const uint32_t some[] = {0, 1, 4, 8, 15, 16, 31, 32, 60, 64, 0x7fffffff, 0xffffffff};
    return chance(3) ? some[chance(COUNT(some))] : random_state;
}

static struct sock_filter any_instruction(int left)
{
    static const uint16_t codes[] = {
        BPF_LD | BPF_IMM, BPF_LDX | BPF_IMM, BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM, BPF_ST, BPF_STX,
        BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA, BPF_ALU | BPF_NEG, BPF_LD | BPF_W | BPF_LEN,
        BPF_LDX | BPF_W | BPF_LEN, BPF_JMP | BPF_JA, BPF_RET | BPF_A, BPF_LD | BPF_W | BPF_ABS,
        BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_W | BPF_ABS,
    };
    static const uint16_t operations[] = {
        BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_LSH, BPF_RSH, BPF_XOR,
    };
    static const uint16_t tests[] = {BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET};
    struct sock_filter made = {.k = number()};
    switch (chance(8)) {
    case 0 ... 2:
        made.code = codes[chance(COUNT(codes))];
        if (chance(8)) {
            if (BPF_CLASS(made.code) == BPF_LD && BPF_MODE(made.code) == BPF_ABS)
                made.k = 4 * chance(17);
            else if (made.code == (BPF_JMP | BPF_JA))
                made.k = chance(left + 1);
            else
                made.k %= 17;
        }
        break;
    case 3 ... 5:
        made.code = BPF_ALU | operations[chance(COUNT(operations))] | (chance(2) ? BPF_X : BPF_K);
        if (chance(4))
            made.k = 1 + made.k % 31;
        break;
    case 6:
        made.code = BPF_JMP | tests[chance(COUNT(tests))] | (chance(2) ? BPF_X : BPF_K);
        made.jt = chance(left < 6 ? left + 1 : 6);
        made.jf = chance(left < 6 ? left + 1 : 6);
        break;
    default:
        made.code = chance(30) ? (uint16_t)(BPF_LD | BPF_IMM) : (uint16_t)chance(0x200);
    }
    return made;
}

// Any programs: which are accepted, and what those say of a call's arguments.
// All but one system call are let through; of the answer, 12 bits come back.
static void random_programs(int rounds)
{
    uint32_t accepted = 0, refused = 0, sum = 0;
    for (int round = 0; round < rounds; round++) {
        struct sock_filter filter[40];
        int length = 3 + chance(24), at = 0;
        filter[at++] = (struct sock_filter)LOAD(nr);
        filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getresgid, 1, 0);
        filter[at++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
        // Both words that differ between the machines are left alone.
        filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, number());
        filter[at++] = (struct sock_filter)BPF_STMT(BPF_LDX | BPF_IMM, number());
        for (int n = 0; n < length; n++) {
            struct sock_filter made = any_instruction(length - n);
            if (made.code == (BPF_LD | BPF_W | BPF_ABS) && made.k < 16)
                made.k += 16;
            if (made.code == (BPF_RET | BPF_A) || made.code == BPF_RET)
                made.code = BPF_MISC | BPF_TAX;
            filter[at++] = made;
        }
        filter[at++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfff);
        filter[at++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO);
        filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
        uint64_t arguments[6];
        for (int n = 0; n < 6; n++)
            arguments[n] = (uint64_t)number() << 32 | number();
        pid_t child = fork();
        if (child == 0) {
            no_core();
            no_new_privileges();
            if (set_filter(0, filter, at) != 0)
                _exit(errno == EINVAL ? 1 : 2);
            long result = syscall(SYS_getresgid, arguments[0], arguments[1], arguments[2],
                                  arguments[3], arguments[4], arguments[5]);
            int got = result < 0 ? errno : (int)result;
            random_state = got * 31 + 3;
            _exit(64 + chance(64));
        }
        int status;
        assert(waitpid(child, &status, 0) == child);
        *(status == 0x100 ? &refused : &accepted) += 1;
        sum = sum * 33 + status;
    }
    printf("random: %u accepted, %u refused, %x\n", accepted, refused, sum);
}

int main(int count, char **arguments)
{
    if (count > 1 && !strcmp(arguments[1], "child")) {
        long first = syscall(SYS_getppid);
        int error = first < 0 ? errno : 0;
        long second = syscall(SYS_getuid);
        printf("the next program: %d %d\n", error, second < 0 ? errno : 0);
        return 5;
    }
    if (count > 1) {
        random_programs(atoi(arguments[1]));
        return 0;
    }
    in_child("forms", forms);
    in_child("errors", errors);
    in_child("by argument", by_argument);
    in_child("by place", by_place);
    in_child("precedence", precedence);
    in_child("trap", trap);
    in_child("trap ignored", trap_ignored);
    in_child("kill process", kill_process);
    in_child("kill thread", kill_thread);
    in_child("unknown action", unknown_action);
    in_child("kill other thread", kill_other_thread);
    in_child("kill all threads", kill_all_threads);
    in_child("synchronised", synchronised);
    in_child("strict", strict);
    in_child("strict kills", strict_kills);
    in_child("inherited", inherited);
    in_child("longest", longest);
    return 0;
}
