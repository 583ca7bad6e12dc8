// Signals, one subject a function. Prints the same on every machine.
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile sig_atomic_t calls;
static volatile int last_signal, last_code, last_value;
static volatile pid_t last_pid;
static void *volatile last_address;
static sigjmp_buf back;
static volatile int *volatile nowhere = (volatile int *)8;

static void note(int signal, siginfo_t *info, void *context)
{
    (void)context;
    calls++;
    last_signal = signal;
    last_code = info->si_code;
    last_pid = info->si_pid;
    last_value = info->si_value.sival_int;
}

static void jump(int signal, siginfo_t *info, void *context)
{
    (void)context;
    last_signal = signal;
    last_code = info->si_code;
    last_address = info->si_addr;
    siglongjmp(back, 1);
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigemptyset(&action.sa_mask);
    assert(sigaction(signal, &action, NULL) == 0);
}

static sigset_t set_of(int signal)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    return set;
}

static void raising(void)
{
    calls = 0;
    handle(SIGUSR1, note, 0);
    raise(SIGUSR1);
    assert(calls == 1 && last_signal == SIGUSR1 && last_code == SI_TKILL && last_pid == getpid());
    kill(getpid(), SIGUSR1);
    assert(calls == 2 && last_code == SI_USER && last_pid == getpid());
    sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 77});
    assert(calls == 3 && last_code == SI_QUEUE && last_value == 77);
    struct sigaction old;
    sigaction(SIGUSR1, NULL, &old);
    assert(old.sa_sigaction == note && (old.sa_flags & SA_SIGINFO));
    puts("raising");
}

static int faults_at(volatile char *address, int write)
{
    if (!sigsetjmp(back, 1)) {
        if (write)
            *address = 1;
        else
            (void)*address;
        return 0;
    }
    assert(last_address == (void *)address);
    return last_code;
}

static void faults(void)
{
    handle(SIGSEGV, jump, 0);
    handle(SIGBUS, jump, 0);
    char *page = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int round = 0; round < 3; round++) {
        assert(faults_at((char *)0x10, 0) == SEGV_MAPERR && last_signal == SIGSEGV);
        assert(faults_at((char *)0x10, 1) == SEGV_MAPERR);
        assert(faults_at(page + 100, 0) == SEGV_ACCERR);
        mprotect(page, 4096, PROT_READ);
        assert(faults_at(page + 100, 0) == 0);
        assert(faults_at(page + 100, 1) == SEGV_ACCERR);
        mprotect(page, 4096, PROT_NONE);
    }
    FILE *file = tmpfile();
    assert(ftruncate(fileno(file), 100) == 0);
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
    assert(faults_at(map + 99, 0) == 0);
    assert(faults_at(map + 5000, 0) == BUS_ADRERR && last_signal == SIGBUS);
    assert(faults_at(map + 5000, 1) == BUS_ADRERR);
    // A jump to nowhere, and to what may not be executed.
    if (!sigsetjmp(back, 1))
        ((void (*)(void))0x2000)();
    assert(last_signal == SIGSEGV && last_code == SEGV_MAPERR && last_address == (void *)0x2000);
    mprotect(page, 4096, PROT_READ);
    if (!sigsetjmp(back, 1))
        ((void (*)(void))page)();
    assert(last_signal == SIGSEGV && last_code == SEGV_ACCERR && last_address == page);
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    puts("faults");
}

static volatile uint64_t vectors_seen;

// Goes on behind an undefined instruction, and changes a register.
static void skip(int signal, siginfo_t *info, void *context)
{
    ucontext_t *c = context;
    last_signal = signal;
    last_code = info->si_code;
    last_address = info->si_addr;
    calls++;
#ifdef __aarch64__
    assert(info->si_addr == (void *)c->uc_mcontext.pc);
    c->uc_mcontext.pc += 4;
    c->uc_mcontext.regs[9] = 4711;
    struct fpsimd_context *vectors = (void *)c->uc_mcontext.__reserved;
    assert(vectors->head.magic == FPSIMD_MAGIC && vectors->head.size == 528);
    vectors_seen = (uint64_t)vectors->vregs[8];
    vectors->vregs[9] = 99;
#else
    if (signal == SIGILL)
        c->uc_mcontext.gregs[REG_RIP] += 2;
    c->uc_mcontext.gregs[REG_R9] = 4711;
    vectors_seen = 1234;
#endif
}

static void changed_context(void)
{
    handle(SIGILL, skip, 0);
    handle(SIGTRAP, skip, 0);
    calls = 0;
    for (int round = 0; round < 100; round++) {
        uint64_t r = 0, v = 99;
#ifdef __aarch64__
        asm volatile("mov x9, #1\n fmov d8, %2\n fmov d9, xzr\n udf #0\n mov %0, x9\n fmov %1, d9"
                     : "=&r"(r), "=&r"(v) : "r"(1234L) : "x9", "v8", "v9");
#else
        asm volatile("mov $1, %%r9\n ud2\n mov %%r9, %0" : "=r"(r) : : "r9");
#endif
        assert(r == 4711 && v == 99 && last_signal == SIGILL && last_code == (
#ifdef __aarch64__
            ILL_ILLOPC
#else
            ILL_ILLOPN
#endif
        ));
        assert(vectors_seen == 1234);
#ifdef __aarch64__
        asm volatile("mov x9, #1\n brk #7\n mov %0, x9" : "=r"(r) : : "x9", "v9");
        assert(last_code == TRAP_BRKPT);
#else
        asm volatile("mov $1, %%r9\n int3\n mov %%r9, %0" : "=r"(r) : : "r9");
#endif
        assert(r == 4711 && last_signal == SIGTRAP);
    }
    assert(calls == 200);
    signal(SIGILL, SIG_DFL);
    signal(SIGTRAP, SIG_DFL);
    puts("changed context");
}

static char alternate[65536] __attribute__((aligned(16)));
static volatile int on_alternate;

static void overflowed(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info;
    char here;
    ucontext_t *c = context;
    on_alternate = &here > alternate && &here < alternate + sizeof alternate;
    stack_t now;
    sigaltstack(NULL, &now);
    assert(now.ss_flags == SS_ONSTACK && c->uc_stack.ss_sp == alternate);
    stack_t other = {.ss_sp = alternate, .ss_size = 32768};
    assert(sigaltstack(&other, NULL) == -1 && errno == EPERM);
    siglongjmp(back, 1);
}

static int __attribute__((noinline)) deep(int n)
{
    volatile char room[4000];
    room[0] = n;
    return n == 0 ? room[0] : deep(n + 1) + room[0];
}

static void stack_overflow(void)
{
    struct rlimit limit = {1 << 20, 1 << 20};
    setrlimit(RLIMIT_STACK, &limit);
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate}, old;
    assert(sigaltstack(&stack, &old) == 0 && old.ss_flags == SS_DISABLE);
    handle(SIGSEGV, overflowed, SA_ONSTACK);
    for (int round = 0; round < 3; round++) {
        on_alternate = 0;
        if (!sigsetjmp(back, 1))
            deep(1);
        assert(on_alternate);
        sigaltstack(NULL, &old);
        assert(old.ss_flags == 0);
    }
    stack.ss_size = 100;
    assert(sigaltstack(&stack, NULL) == -1 && errno == ENOMEM);
    stack.ss_flags = SS_DISABLE;
    assert(sigaltstack(&stack, NULL) == 0);
    signal(SIGSEGV, SIG_DFL);
    puts("stack overflow");
}

static volatile int depth, deepest;

static void again(int signal, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    calls++;
    if (++depth > deepest)
        deepest = depth;
    if (calls < 3)
        raise(signal);
    depth--;
}

static volatile int order[10], ordered;

static void in_order(int signal, siginfo_t *info, void *context)
{
    (void)context;
    order[ordered++] = signal == SIGRTMIN + 1 ? info->si_value.sival_int : -signal;
}

static void flags_and_masks(void)
{
    calls = deepest = 0;
    handle(SIGUSR1, again, SA_NODEFER);
    raise(SIGUSR1);
    assert(calls == 3 && deepest == 3);
    calls = deepest = 0;
    handle(SIGUSR1, again, 0);
    raise(SIGUSR1);
    assert(calls == 3 && deepest == 1);
    handle(SIGUSR1, note, SA_RESETHAND);
    raise(SIGUSR1);
    struct sigaction old;
    sigaction(SIGUSR1, NULL, &old);
    assert(old.sa_handler == SIG_DFL);
    // Blocked ones wait; real-time ones in their order.
    handle(SIGRTMIN + 1, in_order, 0);
    handle(SIGUSR2, in_order, 0);
    sigset_t set = set_of(SIGRTMIN + 1), pending;
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int n = 1; n <= 3; n++)
        sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = n});
    raise(SIGUSR2);
    raise(SIGUSR2);
    assert(ordered == 0);
    sigpending(&pending);
    assert(sigismember(&pending, SIGUSR2) && sigismember(&pending, SIGRTMIN + 1));
    assert(!sigismember(&pending, SIGUSR1));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    assert(ordered == 4);
    int sum = 0;
    for (int n = 0; n < 4; n++)
        if (order[n] == -SIGUSR2)
            sum++;
    assert(sum == 1);
    // Those that an engine needs itself.
    int own[] = {SIGSEGV, SIGTRAP, SIGBUS};
    for (int n = 0; n < 3; n++) {
        handle(own[n], note, 0);
        calls = 0;
        set = set_of(own[n]);
        sigprocmask(SIG_BLOCK, &set, NULL);
        raise(own[n]);
        assert(calls == 0);
        sigpending(&pending);
        assert(sigismember(&pending, own[n]));
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        assert(calls == 1 && last_signal == own[n]);
        sigprocmask(SIG_BLOCK, NULL, &set);
        assert(!sigismember(&set, own[n]));
        signal(own[n], SIG_IGN);
        raise(own[n]);
        assert(calls == 1);
        signal(own[n], SIG_DFL);
    }
    puts("flags and masks");
}

static void alarm_in(int microseconds)
{
    struct itimerval timer = {{0, 0}, {0, microseconds}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void waiting(void)
{
    int pipes[2];
    char byte;
    assert(pipe(pipes) == 0);
    handle(SIGALRM, note, 0);
    calls = 0;
    alarm_in(20000);
    assert(read(pipes[0], &byte, 1) == -1 && errno == EINTR && calls == 1);
    handle(SIGALRM, note, SA_RESTART);
    pid_t child = fork();
    if (child == 0) {
        usleep(100000);
        _exit(write(pipes[1], "x", 1) != 1);
    }
    alarm_in(20000);
    assert(read(pipes[0], &byte, 1) == 1 && byte == 'x' && calls == 2);
    int status;
    assert(waitpid(child, &status, 0) == child && status == 0);
    struct timespec second = {1, 0}, rest;
    alarm_in(20000);
    assert(nanosleep(&second, &rest) == -1 && errno == EINTR && calls == 3);
    assert(rest.tv_sec == 0 && rest.tv_nsec > 500000000);
    alarm_in(20000);
    assert(pause() == -1 && errno == EINTR && calls == 4);
    puts("waiting");
}

static void with_other_masks(void)
{
    sigset_t blocked = set_of(SIGUSR1), none, now;
    sigemptyset(&none);
    handle(SIGUSR1, note, 0);
    handle(SIGALRM, note, 0);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    calls = 0;
    raise(SIGUSR1);
    assert(sigsuspend(&none) == -1 && errno == EINTR && calls == 1);
    raise(SIGUSR1);
    struct timespec second = {1, 0};
    assert(ppoll(NULL, 0, &second, &none) == -1 && errno == EINTR && calls == 2);
    raise(SIGUSR1);
    assert(pselect(0, NULL, NULL, NULL, &second, &none) == -1 && errno == EINTR && calls == 3);
    int epoll = epoll_create1(EPOLL_CLOEXEC), pipes[2];
    assert(pipe(pipes) == 0);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x123456789abcdef};
    assert(epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event) == 0);
    raise(SIGUSR1);
    assert(epoll_pwait(epoll, &event, 1, 1000, &none) == -1 && errno == EINTR && calls == 4);
    assert(write(pipes[1], "x", 1) == 1);
    memset(&event, 0, sizeof event);
    assert(epoll_wait(epoll, &event, 1, 1000) == 1);
    assert(event.events == EPOLLIN && event.data.u64 == 0x123456789abcdef);
    sigprocmask(SIG_BLOCK, NULL, &now);
    assert(sigismember(&now, SIGUSR1));
    // Without a handler's call.
    siginfo_t info;
    sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 5});
    assert(sigwaitinfo(&blocked, &info) == SIGUSR1 && info.si_value.sival_int == 5);
    struct timespec little = {0, 10000000};
    assert(sigtimedwait(&blocked, &info, &little) == -1 && errno == EAGAIN);
    int fd = signalfd(-1, &blocked, SFD_NONBLOCK | SFD_CLOEXEC);
    struct signalfd_siginfo read_info;
    assert(read(fd, &read_info, sizeof read_info) == -1 && errno == EAGAIN);
    raise(SIGUSR1);
    assert(read(fd, &read_info, sizeof read_info) == sizeof read_info);
    assert(read_info.ssi_signo == SIGUSR1 && calls == 4);
    sigprocmask(SIG_UNBLOCK, &blocked, NULL);
    assert(calls == 4);
    puts("with other masks");
}

static void timers(void)
{
    handle(SIGVTALRM, note, 0);
    handle(SIGPROF, note, 0);
    int which[] = {ITIMER_VIRTUAL, ITIMER_PROF}, signals[] = {SIGVTALRM, SIGPROF};
    for (int n = 0; n < 2; n++) {
        calls = 0;
        struct itimerval timer = {{0, 5000}, {0, 5000}};
        setitimer(which[n], &timer, NULL);
        while (calls < 3)
            ;
        memset(&timer, 0, sizeof timer);
        setitimer(which[n], &timer, NULL);
        assert(last_signal == signals[n]);
    }
    handle(SIGRTMIN + 3, note, 0);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3};
    event.sigev_value.sival_int = 42;
    timer_t id;
    assert(timer_create(CLOCK_MONOTONIC, &event, &id) == 0);
    struct itimerspec spec = {{0, 2000000}, {0, 2000000}};
    calls = 0;
    assert(timer_settime(id, 0, &spec, NULL) == 0);
    while (calls < 5)
        ;
    assert(last_code == SI_TIMER && last_value == 42);
    assert(timer_delete(id) == 0);
    puts("timers");
}

static void rounding(int signal)
{
    (void)signal;
    fesetround(FE_UPWARD);
    feraiseexcept(FE_DIVBYZERO);
    volatile double a[32];
    for (int n = 0; n < 32; n++)
        a[n] = n * 1.5;
    calls += a[3] > 4;
}

static void float_state(void)
{
    signal(SIGUSR1, rounding);
    fesetround(FE_TOWARDZERO);
    feclearexcept(FE_ALL_EXCEPT);
    raise(SIGUSR1);
    assert(fegetround() == FE_TOWARDZERO && !fetestexcept(FE_DIVBYZERO));
    fesetround(FE_TONEAREST);
    puts("float state");
}

static void stops(void)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        // In the parent's group SIGTSTP may be dropped: that of an orphaned one.
        assert(setpgid(0, 0) == 0);
        handle(SIGCONT, note, 0);
        calls = 0;
        raise(SIGSTOP);
        while (!calls)
            ;
        raise(SIGTSTP);
        _exit(calls == 2 ? 12 : 13);
    }
    assert(waitpid(child, &status, WUNTRACED) == child);
    assert(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    kill(child, SIGCONT);
    assert(waitpid(child, &status, WUNTRACED | WCONTINUED) == child);
    if (WIFCONTINUED(status))
        assert(waitpid(child, &status, WUNTRACED) == child);
    assert(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
    kill(child, SIGCONT);
    assert(waitpid(child, &status, 0) == child);
    assert(WIFEXITED(status) && WEXITSTATUS(status) == 12);
    puts("stops");
}

static void child_of(int kind)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    sigset_t set = set_of(SIGSEGV);
    switch (kind) {
    case 0: abort();
    case 1: *nowhere = 1; break;
    case 2: __builtin_trap();
    case 3: kill(getpid(), SIGKILL); break;
    case 4: raise(SIGTERM); break;
    case 5: raise(SIGRTMIN + 5); break;
    case 6: exit(200);
    case 7: // A fault that is blocked kills.
        handle(SIGSEGV, note, 0);
        sigprocmask(SIG_BLOCK, &set, NULL);
        *nowhere = 1;
        break;
    case 8: // And one that is ignored.
        signal(SIGSEGV, SIG_IGN);
        *nowhere = 1;
        break;
    case 9: raise(SIGBUS); break;
    case 10: raise(SIGTRAP); break;
    case 11: // A handler without a stack.
        handle(SIGSEGV, note, 0);
        deep(1);
        break;
    }
    _exit(0);
}

static void deaths(void)
{
    fflush(stdout);
    for (int kind = 0; kind < 12; kind++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            child_of(kind);
        assert(waitpid(child, &status, 0) == child);
        if (kind == 2)
            status = WIFSIGNALED(status);
        printf("death %d: %x\n", kind, status);
    }
}

static pthread_t target;
static volatile int ready, stop_now;

static void in_thread(int signal)
{
    (void)signal;
    assert(pthread_equal(pthread_self(), target));
    calls++;
}

static void *spinner(void *unused)
{
    uint64_t sum = 0;
    target = pthread_self();
    ready = 1;
    while (!stop_now)
        sum += 3;
    return (void *)(sum % 3);
    (void)unused;
}

static void *cancelled(void *unused)
{
    ready = 1;
    for (;;)
        pause();
    return unused;
}

static void to_threads(void)
{
    void *result;
    pthread_t thread;
    signal(SIGUSR1, in_thread);
    calls = 0;
    pthread_create(&thread, NULL, spinner, NULL);
    while (!ready)
        ;
    for (int n = 1; n <= 200; n++) {
        pthread_kill(thread, SIGUSR1);
        while (calls < n)
            ;
    }
    stop_now = 1;
    pthread_join(thread, &result);
    assert(result == NULL && calls == 200);
    ready = 0;
    pthread_create(&thread, NULL, cancelled, NULL);
    while (!ready)
        ;
    pthread_cancel(thread);
    pthread_join(thread, &result);
    assert(result == PTHREAD_CANCELED);
    puts("to threads");
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    raising();
    faults();
    changed_context();
    stack_overflow();
    flags_and_masks();
    waiting();
    with_other_masks();
    timers();
    float_state();
    stops();
    deaths();
    to_threads();
    return 0;
}
