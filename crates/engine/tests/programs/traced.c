// A tracer and its tracees, by ptrace. What is printed is the same on all machines.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static long request(long number, pid_t whom, long address, long data) {
    return syscall(SYS_ptrace, number, whom, address, data);
}

// Waits for a stop, and says which it is.
static int stop(pid_t whom, const char *what) {
    int status = 0;
    pid_t found = waitpid(whom, &status, __WALL);
    if (found != whom) {
        printf("%s: none, %s\n", what, strerror(errno));
        return 0;
    }
    if (WIFSTOPPED(status))
        printf("%s: stopped by %d, event %d\n", what, WSTOPSIG(status), status >> 16);
    else if (WIFEXITED(status))
        printf("%s: exited with %d\n", what, WEXITSTATUS(status));
    else
        printf("%s: ended by %d\n", what, WTERMSIG(status));
    return status;
}

// A request that may be refused.
static void tries(const char *what, long number, pid_t whom, long data) {
    long result = request(number, whom, 0, data);
    printf("%s: %ld %s\n", what, result, result ? strerror(errno) : "");
}

static void go(long number, pid_t whom, int signal) {
    long result = request(number, whom, 0, signal);
    if (result != 0)
        printf("goes on: %s\n", strerror(errno));
}

static void tell_info(pid_t whom, const char *what) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    long result = request(PTRACE_GETSIGINFO, whom, 0, (long)&info);
    if (result != 0)
        printf("%s: siginfo: %s\n", what, strerror(errno));
    else
        printf("%s: signal %d, code %d, from %s\n", what, info.si_signo, info.si_code,
               info.si_pid == whom ? "itself" : info.si_pid == getpid() ? "its tracer" : "elsewhere");
}

// The child stops before it does anything.
static pid_t child(void (*does)(void)) {
    fflush(stdout);
    pid_t made = fork();
    if (made == 0) {
        if (request(PTRACE_TRACEME, 0, 0, 0) != 0)
            _exit(99);
        raise(SIGSTOP);
        does();
        _exit(0);
    }
    return made;
}

static volatile long word = 0x1122334455667788;
static volatile int told;

static void note(int signal) { told = told * 100 + signal; }

static void ends(void) { _exit(7); }

static void simple(void) {
    pid_t whom = child(ends);
    stop(whom, "first");
    tell_info(whom, "first");
    go(PTRACE_CONT, whom, 0);
    stop(whom, "end");
    tries("gone", PTRACE_CONT, whom, 0);
}

static void calls_some(void) {
    syscall(SYS_getppid);
    syscall(SYS_getpriority, 0, 1 << 30);
    syscall(SYS_getuid);
}

static void calls(void) {
    pid_t whom = child(calls_some);
    stop(whom, "calls");
    request(PTRACE_SETOPTIONS, whom, 0, PTRACE_O_TRACESYSGOOD);
    for (int n = 0; n < 40; n++) {
        go(PTRACE_SYSCALL, whom, 0);
        int status = 0;
        waitpid(whom, &status, 0);
        if (!WIFSTOPPED(status)) {
            printf("calls: status %x\n", status);
            break;
        }
        struct ptrace_syscall_info info;
        memset(&info, 0, sizeof info);
        long size = request(PTRACE_GET_SYSCALL_INFO, whom, sizeof info, (long)&info);
        unsigned long message = 0;
        request(PTRACE_GETEVENTMSG, whom, 0, (long)&message);
        int stopped = WSTOPSIG(status);
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
            const char *name = info.entry.nr == SYS_getppid        ? "getppid"
                               : info.entry.nr == SYS_getpriority  ? "getpriority"
                               : info.entry.nr == SYS_getuid       ? "getuid"
                               : info.entry.nr == SYS_exit_group   ? "exit_group"
                                                                   : "another";
            if (strcmp(name, "another"))
                printf("enters %s: %x, %ld, %ld\n", name, stopped, size, message);
            if (info.entry.nr == SYS_getpriority)
                printf("arguments: %ld %lx\n", (long)info.entry.args[0], (long)info.entry.args[1]);
        } else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
            if (info.exit.rval == getpid())
                printf("leaves with its parent: %x %ld %ld\n", stopped, size, message);
            if (info.exit.is_error)
                printf("leaves with error %ld\n", (long)info.exit.rval);
        } else {
            printf("neither: %d\n", info.op);
        }
        tell_info(whom, "call");
    }
}

static void raises(void) {
    signal(SIGUSR1, note);
    signal(SIGUSR2, note);
    raise(SIGUSR1);
    raise(SIGUSR1);
    raise(SIGUSR1);
    raise(SIGWINCH);
    raise(SIGTERM);
    _exit(told == 1012 ? 1 : told == 1210 ? 2 : 3);
}

static void signals(void) {
    pid_t whom = child(raises);
    stop(whom, "signals");
    go(PTRACE_CONT, whom, 0);
    stop(whom, "given");
    tell_info(whom, "given");
    go(PTRACE_CONT, whom, SIGUSR1);
    stop(whom, "dropped");
    go(PTRACE_CONT, whom, 0);
    stop(whom, "another");
    go(PTRACE_CONT, whom, SIGUSR2);
    stop(whom, "ignored");
    tell_info(whom, "ignored");
    go(PTRACE_CONT, whom, SIGWINCH);
    stop(whom, "fatal");
    go(PTRACE_CONT, whom, 0);
    stop(whom, "end");
    whom = child(raises);
    stop(whom, "signals");
    for (int n = 0; n < 5; n++) {
        go(PTRACE_CONT, whom, 0);
        stop(whom, "again");
    }
    go(PTRACE_CONT, whom, SIGTERM);
    stop(whom, "end");
}

static void faults_some(void) {
    *(volatile int *)8 = 1;
    _exit(0);
}

static void aborts(void) { abort(); }

static void faults(void) {
    pid_t whom = child(faults_some);
    stop(whom, "faults");
    go(PTRACE_CONT, whom, 0);
    stop(whom, "fault");
    siginfo_t info;
    request(PTRACE_GETSIGINFO, whom, 0, (long)&info);
    printf("fault: code %d at %lx\n", info.si_code, (long)info.si_addr);
    // The instruction is done again.
    go(PTRACE_CONT, whom, 0);
    stop(whom, "once more");
    go(PTRACE_CONT, whom, SIGSEGV);
    stop(whom, "end");
    whom = child(aborts);
    stop(whom, "aborts");
    go(PTRACE_CONT, whom, 0);
    stop(whom, "abort");
    go(PTRACE_CONT, whom, SIGABRT);
    stop(whom, "end");
}

static void looks(void) { _exit(word == 0x55 ? 5 : 6); }

static void memory(void) {
    pid_t whom = child(looks);
    stop(whom, "memory");
    long read = 0;
    long result = request(PTRACE_PEEKDATA, whom, (long)&word, (long)&read);
    printf("read: %ld %lx\n", result, read);
    printf("write: %ld\n", request(PTRACE_POKEDATA, whom, (long)&word, 0x55));
    printf("own: %lx\n", word);
    result = request(PTRACE_PEEKDATA, whom, 8, (long)&read);
    const char *error = strerror(errno);
    printf("nowhere: %ld %s\n", result, error);
    result = request(PTRACE_POKETEXT, whom, (long)"constant", 0);
    printf("constant: %ld\n", result);
    go(PTRACE_CONT, whom, 0);
    stop(whom, "end");
}

static char *self;

static void becomes(void) {
    execl(self, self, "another", NULL);
    _exit(98);
}

static void execs(void) {
    pid_t whom = child(becomes);
    stop(whom, "exec");
    go(PTRACE_CONT, whom, 0);
    stop(whom, "without option");
    tell_info(whom, "without option");
    go(PTRACE_CONT, whom, 0);
    stop(whom, "end");
    whom = child(becomes);
    stop(whom, "exec");
    request(PTRACE_SETOPTIONS, whom, 0, PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD);
    go(PTRACE_CONT, whom, 0);
    stop(whom, "event");
    unsigned long message = 0;
    request(PTRACE_GETEVENTMSG, whom, 0, (long)&message);
    printf("message: %d\n", message == (unsigned long)whom);
    tell_info(whom, "event");
    go(PTRACE_SYSCALL, whom, 0);
    stop(whom, "exit of execve");
    go(PTRACE_SYSCALL, whom, 0);
    stop(whom, "next call");
    request(PTRACE_KILL, whom, 0, 0);
    stop(whom, "end");
}

static void forks(void) {
    pid_t made = fork();
    if (made == 0)
        _exit(11);
    int status;
    waitpid(made, &status, 0);
    _exit(WEXITSTATUS(status) + 1);
}

static void *does_nothing(void *argument) { return argument; }

static void makes_a_thread(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, does_nothing, NULL);
    pthread_join(thread, NULL);
    // While its tracer waits for the thread, whose status would become the process's.
    raise(SIGUSR2);
    _exit(12);
}

static void vforks(void) {
    pid_t made = vfork();
    if (made == 0)
        _exit(13);
    int status;
    waitpid(made, &status, 0);
    _exit(WEXITSTATUS(status) + 1);
}

static void event(const char *what, void (*does)(void), int done) {
    printf("-- %s\n", what);
    pid_t whom = child(does);
    stop(whom, "events");
    long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXIT;
    printf("options: %ld\n", request(PTRACE_SETOPTIONS, whom, 0, options | (done ? PTRACE_O_TRACEVFORKDONE : 0)));
    go(PTRACE_CONT, whom, 0);
    stop(whom, "event");
    tell_info(whom, "event");
    unsigned long made = 0;
    request(PTRACE_GETEVENTMSG, whom, 0, (long)&made);
    stop((pid_t)made, "child");
    go(PTRACE_CONT, (pid_t)made, 0);
    go(PTRACE_CONT, whom, 0);
    stop((pid_t)made, "child ends");
    go(PTRACE_CONT, (pid_t)made, 0);
    int status = stop((pid_t)made, "child's end");
    if (done)
        stop(whom, "done");
    for (int n = 0; n < 4; n++) {
        if (done || n > 0)
            go(PTRACE_CONT, whom, 0);
        status = stop(whom, "parent");
        if (!WIFSTOPPED(status))
            break;
    }
}

static void *runs_on(void *argument) {
    volatile long *counter = argument;
    for (;;)
        ++*counter;
}

// A child that does not trace itself, with a thread that runs and one that waits.
static pid_t stranger(pid_t *busy) {
    int numbers[2];
    pipe(numbers);
    fflush(stdout);
    pid_t made = fork();
    if (made == 0) {
        static volatile long counter;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        // Blocked until it waits: pause would miss a signal that comes just before.
        sigset_t blocked, none;
        sigemptyset(&none);
        sigemptyset(&blocked);
        sigaddset(&blocked, SIGUSR1);
        sigprocmask(SIG_BLOCK, &blocked, NULL);
        signal(SIGUSR1, note);
        pid_t runs = fork();
        if (runs == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            runs_on((void *)&counter);
        }
        write(numbers[1], &runs, sizeof runs);
        for (;;)
            if (sigsuspend(&none) == -1 && told)
                _exit(21);
    }
    read(numbers[0], busy, sizeof *busy);
    close(numbers[0]);
    close(numbers[1]);
    usleep(50000);
    return made;
}

static void attaches(void) {
    pid_t busy;
    pid_t whom = stranger(&busy);
    printf("attach: %ld\n", request(PTRACE_ATTACH, whom, 0, 0));
    stop(whom, "attached");
    tries("again", PTRACE_ATTACH, whom, 0);
    go(PTRACE_DETACH, whom, 0);
    printf("attach: %ld\n", request(PTRACE_ATTACH, busy, 0, 0));
    stop(busy, "attached");
    go(PTRACE_CONT, busy, 0);
    kill(busy, SIGURG);
    stop(busy, "runs");
    go(PTRACE_DETACH, busy, SIGKILL);
    kill(whom, SIGUSR1);
    stop(whom, "end");
}

static void seizes(void) {
    pid_t busy;
    pid_t whom = stranger(&busy);
    tries("no option", PTRACE_SEIZE, whom, 1 << 29);
    printf("seize: %ld\n", request(PTRACE_SEIZE, whom, 0, PTRACE_O_EXITKILL));
    tries("stands not", PTRACE_CONT, whom, 0);
    printf("interrupt: %ld\n", request(PTRACE_INTERRUPT, whom, 0, 0));
    stop(whom, "interrupted");
    tell_info(whom, "interrupted");
    go(PTRACE_CONT, whom, 0);
    printf("seize: %ld\n", request(PTRACE_SEIZE, busy, 0, 0));
    printf("interrupt: %ld\n", request(PTRACE_INTERRUPT, busy, 0, 0));
    stop(busy, "interrupted");
    go(PTRACE_DETACH, busy, SIGKILL);
    kill(whom, SIGUSR1);
    stop(whom, "signal");
    go(PTRACE_CONT, whom, SIGUSR1);
    stop(whom, "end");
}

static void steps_on(void) {
    for (;;)
        ;
}

static void steps(void) {
    pid_t whom = child(steps_on);
    stop(whom, "steps");
    for (int n = 0; n < 3; n++) {
        go(PTRACE_SINGLESTEP, whom, 0);
        stop(whom, "step");
        siginfo_t info;
        request(PTRACE_GETSIGINFO, whom, 0, (long)&info);
        printf("step: %d %d\n", info.si_signo, info.si_code);
    }
    request(PTRACE_KILL, whom, 0, 0);
    stop(whom, "end");
}

static void stops_group(void) {
    raise(SIGTSTP);
    _exit(31);
}

static void groups(void) {
    pid_t whom = child(stops_group);
    stop(whom, "groups");
    go(PTRACE_CONT, whom, 0);
    stop(whom, "signal");
    go(PTRACE_CONT, whom, SIGTSTP);
    stop(whom, "group");
    tell_info(whom, "group");
    kill(whom, SIGCONT);
    go(PTRACE_CONT, whom, 0);
    stop(whom, "continued");
    go(PTRACE_CONT, whom, SIGCONT);
    stop(whom, "end");
}

// A tracer that ends lets its tracee go on, from any stop.
static void leaves(void) {
    int results[2];
    pipe(results);
    for (int how = 0; how < 3; how++) {
        fflush(stdout);
        pid_t tracer = fork();
        if (tracer == 0) {
            pid_t whom = fork();
            if (whom == 0) {
                request(PTRACE_TRACEME, 0, 0, 0);
                raise(SIGUSR2);
                char done = 'a' + how;
                write(results[1], &done, 1);
                _exit(0);
            }
            int status;
            waitpid(whom, &status, 0);
            if (how == 1) {
                request(PTRACE_SYSCALL, whom, 0, 0);
                waitpid(whom, &status, 0);
            } else if (how == 2) {
                request(PTRACE_DETACH, whom, 0, 0);
            }
            _exit(status == 0);
        }
        stop(tracer, "tracer");
        char done = '-';
        read(results[0], &done, 1);
        printf("tracee: %c\n", done);
    }
}

static void with_waitid(void) {
    pid_t whom = child(ends);
    siginfo_t info;
    memset(&info, 0, sizeof info);
    waitid(P_PID, whom, &info, WSTOPPED | WEXITED);
    printf("waitid: %d %d\n", info.si_code, info.si_status);
    go(PTRACE_CONT, whom, 0);
    waitid(P_PID, whom, &info, WSTOPPED | WEXITED);
    printf("waitid: %d %d\n", info.si_code, info.si_status);
}

// Calls that a filter asks the tracer about.
static void is_filtered(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 0x1234),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(90);
    long first = syscall(SYS_getppid);
    raise(SIGUSR1);
    long second = syscall(SYS_getppid);
    _exit(first > 0 && second == -1 && errno == ENOSYS ? 51 : 52);
}

static void filters(void) {
    pid_t whom = child(is_filtered);
    stop(whom, "filters");
    request(PTRACE_SETOPTIONS, whom, 0, PTRACE_O_TRACESECCOMP);
    go(PTRACE_CONT, whom, 0);
    stop(whom, "asked");
    tell_info(whom, "asked");
    unsigned long message = 0;
    request(PTRACE_GETEVENTMSG, whom, 0, (long)&message);
    struct ptrace_syscall_info info;
    memset(&info, 0, sizeof info);
    request(PTRACE_GET_SYSCALL_INFO, whom, sizeof info, (long)&info);
    printf("message: %lx, %d, %d %x\n", message, info.op, info.seccomp.nr == SYS_getppid,
           info.seccomp.ret_data);
    go(PTRACE_CONT, whom, 0);
    stop(whom, "signal");
    request(PTRACE_SETOPTIONS, whom, 0, 0);
    go(PTRACE_CONT, whom, 0);
    stop(whom, "end");
}

#ifndef PTRACE_SET_SYSCALL_INFO
#define PTRACE_SET_SYSCALL_INFO 0x4212
#endif

// Calls whose number, arguments and results the tracer changes.
static void is_changed(void) {
    long number = syscall(SYS_getppid);
    long argument = syscall(SYS_getpriority, 9, 0);
    long result = syscall(SYS_getuid);
    errno = 0;
    long left_out = syscall(SYS_getgid);
    int error = errno;
    long failed = syscall(SYS_getegid);
    _exit(number == getpid() && argument > 0 && result == 4321 && left_out == -1 &&
                  error == ENOSYS && failed == -1 && errno == EPERM
              ? 61
              : 62);
}

// As long as kernels have it that know the request.
enum { INFO_SIZE = 88 };

static void try_set(pid_t whom, const char *what, struct ptrace_syscall_info info, long size) {
    char bytes[INFO_SIZE] = {0};
    memcpy(bytes, &info, sizeof info);
    long result = request(PTRACE_SET_SYSCALL_INFO, whom, size, (long)bytes);
    printf("%s: %ld %s\n", what, result, result ? strerror(errno) : "");
}

static void changes(void) {
    pid_t whom = child(is_changed);
    stop(whom, "changes");
    request(PTRACE_SETOPTIONS, whom, 0, PTRACE_O_TRACESYSGOOD);
    long number = 0;
    for (;;) {
        go(PTRACE_SYSCALL, whom, 0);
        int status;
        waitpid(whom, &status, __WALL);
        if (!WIFSTOPPED(status)) {
            printf("changed: %x\n", status);
            return;
        }
        struct ptrace_syscall_info info, bad;
        memset(&info, 0, sizeof info);
        request(PTRACE_GET_SYSCALL_INFO, whom, sizeof info, (long)&info);
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
            number = (long)info.entry.nr;
        int enters = info.op == PTRACE_SYSCALL_INFO_ENTRY;
        if (number == SYS_getppid && enters) {
            try_set(whom, "too short", info, INFO_SIZE - 1);
            bad = info;
            bad.op = PTRACE_SYSCALL_INFO_EXIT;
            try_set(whom, "another stop", bad, INFO_SIZE);
            bad = info;
            ((unsigned char *)&bad)[1] = 1;
            try_set(whom, "reserved", bad, INFO_SIZE);
            bad = info;
            bad.entry.nr = 1ULL << 40;
            try_set(whom, "too large", bad, INFO_SIZE);
            info.entry.nr = SYS_getpid;
            try_set(whom, "number", info, INFO_SIZE);
            request(PTRACE_GET_SYSCALL_INFO, whom, sizeof info, (long)&info);
            printf("is set: %d\n", info.entry.nr == SYS_getpid);
        } else if (number == SYS_getpriority && enters) {
            info.entry.args[0] = 0;
            try_set(whom, "argument", info, INFO_SIZE);
        } else if (number == SYS_getuid && !enters) {
            info.exit.rval = 4321;
            info.exit.is_error = 0;
            try_set(whom, "result", info, INFO_SIZE);
        } else if (number == SYS_getgid && enters) {
            info.entry.nr = -1;
            try_set(whom, "left out", info, INFO_SIZE);
        } else if (number == SYS_getegid && !enters) {
            info.exit.rval = -EPERM;
            info.exit.is_error = 1;
            try_set(whom, "error", info, INFO_SIZE);
            request(PTRACE_GET_SYSCALL_INFO, whom, sizeof info, (long)&info);
            printf("is set: %ld %d\n", (long)info.exit.rval, info.exit.is_error);
        }
    }
}

// Signals that wait.
static void has_signals(void) {
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigaddset(&blocked, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    for (int n = 1; n < 4; n++)
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = n});
    syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), SIGUSR1);
    raise(SIGUSR2);
    _exit(0);
}

static void peek(pid_t whom, const char *what, uint64_t from, uint32_t flags, int32_t count,
                 siginfo_t *to) {
    struct ptrace_peeksiginfo_args asked = {from, flags, count};
    long found = request(PTRACE_PEEKSIGINFO, whom, (long)&asked, (long)to);
    printf("%s: %ld %s\n", what, found, found < 0 ? strerror(errno) : "");
    for (long n = 0; n < found; n++)
        printf("  %d %d %d\n", to[n].si_signo, to[n].si_code,
               to[n].si_signo == SIGUSR1 ? 0 : to[n].si_value.sival_int);
}

static void queues(void) {
    siginfo_t infos[8];
    pid_t whom = child(has_signals);
    stop(whom, "queues");
    go(PTRACE_CONT, whom, 0);
    stop(whom, "waiting");
    peek(whom, "own", 0, 0, 8, infos);
    peek(whom, "process's", 0, PTRACE_PEEKSIGINFO_SHARED, 8, infos);
    peek(whom, "second", 1, PTRACE_PEEKSIGINFO_SHARED, 1, infos);
    peek(whom, "behind", 9, PTRACE_PEEKSIGINFO_SHARED, 1, infos);
    peek(whom, "flags", 0, 2, 1, infos);
    peek(whom, "negative", 0, 0, -1, infos);
    peek(whom, "nowhere", 0, 0, 1, (siginfo_t *)8);
    request(PTRACE_KILL, whom, 0, 0);
    stop(whom, "end");
}

static void tell_filter(pid_t whom, long number) {
    struct sock_filter filter[64];
    memset(filter, 0, sizeof filter);
    long counted = request(PTRACE_SECCOMP_GET_FILTER, whom, number, 0);
    int error = errno;
    long found = request(PTRACE_SECCOMP_GET_FILTER, whom, number, (long)filter);
    printf("filter %ld: %ld, %ld %s\n", number, counted, found, found < 0 ? strerror(error) : "");
    for (long n = 0; n < found; n++)
        printf("  %x %d %d %x\n", filter[n].code, filter[n].jt, filter[n].jf,
               filter[n].code == (BPF_JMP | BPF_JEQ | BPF_K) ? 0 : filter[n].k);
}

static void has_filters(void) {
    struct sock_filter all[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {1, all};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(90);
    is_filtered();
}

static void carries(void) {
    pid_t whom = child(has_filters);
    stop(whom, "none yet");
    tell_filter(whom, 0);
    request(PTRACE_SETOPTIONS, whom, 0, PTRACE_O_TRACESECCOMP);
    go(PTRACE_CONT, whom, 0);
    stop(whom, "asked");
    for (long number = 0; number < 3; number++)
        tell_filter(whom, number);
    request(PTRACE_KILL, whom, 0, 0);
    stop(whom, "end");
}

// What one tracer wanted is no matter of the next one's.
static void another_tracer(void) {
    pid_t busy;
    pid_t whom = stranger(&busy);
    pid_t first = fork();
    if (first == 0) {
        int status;
        request(PTRACE_SEIZE, whom, 0, PTRACE_O_TRACESYSGOOD);
        request(PTRACE_INTERRUPT, whom, 0, 0);
        waitpid(whom, &status, __WALL);
        request(PTRACE_SYSCALL, whom, 0, 0);
        waitpid(whom, &status, __WALL);
        request(PTRACE_SYSCALL, whom, 0, 0);
        usleep(50000);
        _exit(0);
    }
    stop(first, "first tracer");
    printf("attach: %ld\n", request(PTRACE_ATTACH, whom, 0, 0));
    stop(whom, "attached");
    go(PTRACE_CONT, whom, 0);
    kill(whom, SIGUSR1);
    stop(whom, "signal");
    // Killed in a stop.
    kill(whom, SIGKILL);
    stop(whom, "end");
    tries("gone", PTRACE_CONT, whom, 0);
    kill(busy, SIGKILL);
}

// One thread attaches and sends on, another one waits.
static pid_t told_to_wait;
static int told_status;
static void *waits(void *argument) {
    pid_t found = waitpid(told_to_wait, &told_status, __WALL);
    return found == told_to_wait ? NULL : argument;
}

static void by_another_thread(const char *what) {
    pthread_t thread;
    void *failed = NULL;
    pthread_create(&thread, NULL, waits, &failed);
    pthread_join(thread, &failed);
    printf("%s: %x, %d\n", what, told_status, failed != NULL);
}

static void another_waits(void) {
    pid_t whom = child(raises);
    stop(whom, "others");
    told_to_wait = whom;
    for (int n = 0; n < 3; n++) {
        go(PTRACE_CONT, whom, n == 0 ? 0 : SIGUSR1);
        by_another_thread("given");
    }
    request(PTRACE_SETOPTIONS, whom, 0, PTRACE_O_TRACESYSGOOD);
    go(PTRACE_SYSCALL, whom, 0);
    by_another_thread("call");
    tell_info(whom, "call");
    kill(whom, SIGKILL);
    by_another_thread("end");
}

int main(int count, char **arguments) {
    self = arguments[0];
    if (count > 1 && !strcmp(arguments[1], "another"))
        return syscall(SYS_getppid) > 0 ? 41 : 42;
    signal(SIGUSR2, note);
    printf("-- simple\n");
    simple();
    printf("-- calls\n");
    calls();
    printf("-- signals\n");
    signals();
    printf("-- faults\n");
    faults();
    printf("-- memory\n");
    memory();
    printf("-- exec\n");
    execs();
    event("fork", forks, 0);
    event("clone", makes_a_thread, 0);
    event("vfork", vforks, 1);
    printf("-- attach\n");
    attaches();
    printf("-- seize\n");
    seizes();
    printf("-- step\n");
    steps();
    printf("-- group\n");
    groups();
    printf("-- leave\n");
    leaves();
    printf("-- filters\n");
    filters();
    printf("-- changes\n");
    changes();
    printf("-- queues\n");
    queues();
    printf("-- carried filters\n");
    carries();
    printf("-- another tracer\n");
    another_tracer();
    printf("-- another waits\n");
    another_waits();
    printf("-- waitid\n");
    with_waitid();
    return 0;
}
