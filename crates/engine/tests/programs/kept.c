// SIGSEGV, SIGBUS and SIGTRAP that somebody sends: whose they are, where they
// wait, who gets them. Argument 1, after an exec, is what to say then.
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const int KEPT[] = {SIGTRAP, SIGBUS, SIGSEGV};
static const char *program;

static sigset_t set_of(int a, int b, int c)
{
    sigset_t set;
    sigemptyset(&set);
    if (a)
        sigaddset(&set, a);
    if (b)
        sigaddset(&set, b);
    if (c)
        sigaddset(&set, c);
    return set;
}

static void block(int how, int a, int b, int c)
{
    sigset_t set = set_of(a, b, c);
    assert(pthread_sigmask(how, &set, NULL) == 0);
}

static pid_t tid(void)
{
    return (pid_t)syscall(SYS_gettid);
}

static void rest(int milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    while (nanosleep(&time, &time))
        ;
}

// Takes what is pending; says what.
static int taken(int a, int b, int c, int milliseconds)
{
    sigset_t set = set_of(a, b, c);
    siginfo_t info = {0};
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    int got;
    while ((got = sigtimedwait(&set, &info, &time)) < 0 && errno == EINTR)
        ;
    return got < 0 ? -errno : got;
}

// Waits until a thread waits.
static void asleep(pid_t thread)
{
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
    for (int times = 0; times < 3; times++)
        do {
            rest(5);
            FILE *file = fopen(path, "r");
            if (!file)
                return;
            if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
                state = 0;
            fclose(file);
        } while (state != 'S');
}

static uint64_t pending(void)
{
    sigset_t set;
    sigpending(&set);
    uint64_t bits = 0;
    for (int n = 1; n < 32; n++)
        if (sigismember(&set, n))
            bits |= (uint64_t)1 << (n - 1);
    return bits;
}

static void takes(int signal, int count)
{
    printf("taken:");
    while (count-- > 0)
        printf(" %d", taken(signal, 0, 0, 0));
    printf("\n");
}

// A line of a thread's status.
static unsigned long status(pid_t thread, const char *name)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/self/task/%d/status", thread);
    FILE *file = fopen(path, "r");
    assert(file);
    unsigned long value = 0;
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name)))
            value = strtoul(line + strlen(name) + 1, NULL, 16);
    fclose(file);
    return value;
}

static void says(const char *who)
{
    printf("%s: pending %lx, own %lx, shared %lx, blocked %lx\n", who, (long)pending(),
           status(tid(), "SigPnd"), status(tid(), "ShdPnd"), status(tid(), "SigBlk"));
}

static _Atomic int handled, handled_by, handled_code, handled_value;
static _Atomic long handled_order;
static void handle(int signal, siginfo_t *info, void *context)
{
    (void)context;
    handled++;
    handled_by = tid();
    handled_code = info->si_code;
    handled_value = info->si_code == SI_QUEUE || info->si_code == SI_TIMER ? info->si_int : 0;
    handled_order = handled_order * 100 + signal;
}

static void set_action(int signal, int flags)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | flags};
    assert(sigaction(signal, &action, NULL) == 0);
}

// Another thread that does one thing when it is told to.
struct worker {
    pthread_t thread;
    _Atomic pid_t id;
    _Atomic int ready, go;
    int (*work)(struct worker *);
    int descriptor, signal, result, value;
};

static void *worker(void *argument)
{
    struct worker *self = argument;
    self->id = tid();
    self->result = self->work(self);
    return NULL;
}

static int by_running(struct worker *self)
{
    block(SIG_UNBLOCK, self->signal, 0, 0);
    while (!handled)
        __asm__ volatile("");
    block(SIG_BLOCK, self->signal, 0, 0);
    self->value = handled_by == tid();
    return handled == 1 ? self->signal : -1;
}

static void start(struct worker *self, int (*work)(struct worker *))
{
    self->work = work;
    self->id = 0;
    assert(pthread_create(&self->thread, NULL, worker, self) == 0);
    while (!self->id)
        sched_yield();
    if (work == by_running)
        rest(30);
    else
        asleep(self->id);
}

static int join(struct worker *self)
{
    assert(pthread_join(self->thread, NULL) == 0);
    return self->result;
}

static int by_wait(struct worker *self)
{
    return taken(self->signal, 0, 0, 5000);
}

static int by_sigwait(struct worker *self)
{
    sigset_t set = set_of(self->signal, SIGUSR1, 0);
    int got = 0;
    return sigwait(&set, &got) ? -1 : got;
}

static int by_info(struct worker *self)
{
    sigset_t set = set_of(self->signal, 0, 0);
    siginfo_t info;
    int got = sigwaitinfo(&set, &info);
    self->value = info.si_code == SI_QUEUE ? info.si_int : info.si_pid == getpid();
    return got;
}

static int by_read(struct worker *self)
{
    struct signalfd_siginfo info = {0};
    ssize_t got = read(self->descriptor, &info, sizeof info);
    self->value = info.ssi_code == SI_QUEUE ? info.ssi_int : (int)info.ssi_pid == getpid();
    return got == sizeof info ? (int)info.ssi_signo : -1;
}

static int by_readv(struct worker *self)
{
    struct signalfd_siginfo info[2] = {0};
    struct iovec places[] = {{&info[0], sizeof info[0]}, {&info[1], sizeof info[1]}};
    ssize_t got = readv(self->descriptor, places, 2);
    self->value = (int)info[0].ssi_pid == getpid();
    return got == sizeof info[0] ? (int)info[0].ssi_signo : -1;
}

static int by_poll(struct worker *self)
{
    struct pollfd poll_set = {self->descriptor, POLLIN, 0};
    int got = poll(&poll_set, 1, 5000);
    return got == 1 && poll_set.revents == POLLIN ? by_read(self) : -got;
}

static int by_select(struct worker *self)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(self->descriptor, &set);
    struct timeval time = {5, 0};
    int got = select(self->descriptor + 1, &set, NULL, NULL, &time);
    return got == 1 && FD_ISSET(self->descriptor, &set) ? by_read(self) : -got;
}

static int by_epoll(struct worker *self)
{
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 77};
    assert(epoll_ctl(epoll, EPOLL_CTL_ADD, self->descriptor, &event) == 0);
    int got = epoll_wait(epoll, &event, 1, 5000);
    close(epoll);
    return got == 1 && event.data.u64 == 77 ? by_read(self) : -got;
}

static int by_pause(struct worker *self)
{
    block(SIG_UNBLOCK, self->signal, 0, 0);
    int got = pause();
    int error = errno;
    block(SIG_BLOCK, self->signal, 0, 0);
    self->value = handled_by == tid();
    return got == -1 && error == EINTR ? self->signal : -1;
}

static int by_suspend(struct worker *self)
{
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    sigdelset(&set, self->signal);
    int got = sigsuspend(&set);
    self->value = handled_by == tid();
    return got == -1 && errno == EINTR ? self->signal : -1;
}

static int by_ppoll(struct worker *self)
{
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    sigdelset(&set, self->signal);
    struct timespec time = {5, 0};
    int got = ppoll(NULL, 0, &time, &set);
    self->value = handled_by == tid();
    return got == -1 && errno == EINTR ? self->signal : -1;
}

static int by_nothing(struct worker *self)
{
    while (!self->go)
        rest(1);
    self->value = (int)pending();
    return (int)status(tid(), "SigPnd");
}

static void send(int how, int signal)
{
    union sigval value = {.sival_int = 1234};
    pid_t child;
    switch (how) {
    case 0:
        kill(getpid(), signal);
        break;
    case 1:
        sigqueue(getpid(), signal, value);
        break;
    default:
        // Another process.
        if ((child = fork()) == 0) {
            kill(getppid(), signal);
            _exit(0);
        }
        waitpid(child, NULL, 0);
    }
}

static void others_take(int signal)
{
    static int (*const WAYS[])(struct worker *) = {by_wait, by_sigwait, by_info,  by_read,
                                                   by_readv, by_poll, by_select, by_epoll};
    sigset_t set = set_of(signal, SIGUSR1, 0);
    int descriptor = signalfd(-1, &set, SFD_CLOEXEC);
    for (unsigned way = 0; way < sizeof WAYS / sizeof *WAYS; way++)
        for (int how = 0; how < 3; how++) {
            struct worker other = {.signal = signal, .descriptor = descriptor};
            start(&other, WAYS[way]);
            send(how, signal);
            int result = join(&other);
            printf("%d, way %u, sent %d: %d, %d, left %lx\n", signal, way, how, result, other.value,
                   (long)pending());
        }
    // It is there before anybody looks.
    for (unsigned way = 0; way < sizeof WAYS / sizeof *WAYS; way++) {
        struct worker other = {.signal = signal, .descriptor = descriptor};
        kill(getpid(), signal);
        start(&other, WAYS[way]);
        int result = join(&other);
        printf("%d, way %u, before: %d, %d, left %lx\n", signal, way, result, other.value,
               (long)pending());
    }
    close(descriptor);
}

static void handlers_elsewhere(int signal)
{
    static int (*const WAYS[])(struct worker *) = {by_pause, by_suspend, by_ppoll, by_running};
    for (unsigned way = 0; way < sizeof WAYS / sizeof *WAYS; way++)
        for (int how = 0; how < 3; how++) {
            handled = 0;
            struct worker other = {.signal = signal};
            start(&other, WAYS[way]);
            send(how, signal);
            int result = join(&other);
            printf("%d, handler %u, sent %d: %d, there %d, %d times\n", signal, way, how, result,
                   other.value, handled);
        }
}

// The first thread polls something else meanwhile, and blocks it.
static void handled_beside_a_poll(int signal)
{
    handled = 0;
    struct worker other = {.signal = signal};
    int pipes[2];
    assert(pipe(pipes) == 0);
    start(&other, by_pause);
    pid_t child = fork();
    if (child == 0) {
        rest(50);
        kill(getppid(), signal);
        _exit(0);
    }
    struct pollfd poll_set = {pipes[0], POLLIN, 0};
    int got = poll(&poll_set, 1, 400), result = join(&other);
    waitpid(child, NULL, 0);
    printf("%d, beside a poll: %d, %d, there %d\n", signal, got, result, other.value);
    close(pipes[0]), close(pipes[1]);
}

static void of_threads(int signal)
{
    struct worker other = {.signal = signal};
    start(&other, by_nothing);
    kill(getpid(), signal);
    tgkill(getpid(), other.id, signal);
    tgkill(getpid(), other.id, signal);
    printf("main: pending %lx, own %lx, shared %lx; other: own %lx, blocked %lx\n", (long)pending(),
           status(tid(), "SigPnd"), status(tid(), "ShdPnd"), status(other.id, "SigPnd"),
           status(other.id, "SigBlk"));
    other.go = 1;
    int result = join(&other);
    printf("other: own %x, pending %x\n", (unsigned)result, (unsigned)other.value);
    // The thread's own are gone with it, the process's are not.
    printf("left: %lx\n", (long)pending());
    takes(signal, 2);
    // To oneself, in four ways; the same once more is dropped.
    raise(signal);
    raise(signal);
    kill(getpid(), signal);
    kill(getpid(), signal);
    pthread_kill(pthread_self(), signal);
    says("both");
    takes(signal, 3);
    says("none");
}

static void now_and_then(int signal)
{
    sigset_t set = set_of(signal, 0, 0);
    int descriptor = signalfd(-1, &set, SFD_NONBLOCK);
    struct signalfd_siginfo info;
    struct pollfd poll_set = {descriptor, POLLIN, 0};
    ssize_t none = read(descriptor, &info, sizeof info);
    printf("nothing: %zd %d\n", none, errno);
    kill(getpid(), signal);
    printf("ready: %d", poll(&poll_set, 1, 0));
    fd_set files;
    FD_ZERO(&files);
    FD_SET(descriptor, &files);
    printf(" %d", select(descriptor + 1, &files, NULL, NULL, NULL));
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
    printf(" %d", epoll_wait(epoll, &event, 1, -1));
    struct pollfd both = {epoll, POLLIN, 0};
    printf(" %d, pending %lx\n", poll(&both, 1, 0), (long)pending());
    memset(&info, 0, sizeof info);
    ssize_t got = read(descriptor, &info, sizeof info);
    printf("read: %zd %u %d %d, left %lx", got, info.ssi_signo, info.ssi_code,
           (int)info.ssi_pid == getpid(), (long)pending());
    printf(", ready %d\n", poll(&poll_set, 1, 0));
    // A signalfd for another one does not see it.
    sigset_t others = set_of(SIGUSR2, 0, 0);
    int not_this = signalfd(-1, &others, SFD_NONBLOCK);
    raise(signal);
    poll_set.fd = not_this;
    printf("not this: %d", poll(&poll_set, 1, 0));
    printf(" %zd", read(not_this, &info, sizeof info));
    printf(", left %lx\n", (long)pending());
    takes(signal, 1);
    close(descriptor), close(epoll), close(not_this);
}

static void unblocked(int signal)
{
    handled = 0;
    kill(getpid(), signal);
    union sigval value = {.sival_int = 99};
    sigqueue(getpid(), signal, value);
    printf("before: %d", handled);
    block(SIG_UNBLOCK, signal, 0, 0);
    printf(", after: %d, code %d", handled, handled_code);
    block(SIG_BLOCK, signal, 0, 0);
    sigqueue(getpid(), signal, value);
    kill(getpid(), signal);
    block(SIG_UNBLOCK, signal, 0, 0);
    printf(", again: %d, code %d, value %d\n", handled, handled_code, handled_value);
    block(SIG_BLOCK, signal, 0, 0);
    // In a call with another mask, which it ends.
    handled = 0;
    kill(getpid(), signal);
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    sigdelset(&set, signal);
    int got = sigsuspend(&set);
    printf("suspended: %d %d, %d", got, errno, handled);
    raise(signal);
    got = ppoll(NULL, 0, NULL, &set);
    printf(", polled: %d %d, %d", got, errno, handled);
    raise(signal);
    got = pselect(0, NULL, NULL, NULL, NULL, &set);
    printf(", selected: %d %d, %d", got, errno, handled);
    raise(signal);
    struct epoll_event event;
    int epoll = epoll_create1(0);
    got = epoll_pwait(epoll, &event, 1, -1, &set);
    printf(", epolled: %d %d, %d\n", got, errno, handled);
    close(epoll);
}

static void ignored(int signal)
{
    // What waits is dropped when it is ignored; what comes later waits.
    kill(getpid(), signal);
    raise(signal);
    struct worker other = {.signal = signal};
    start(&other, by_nothing);
    tgkill(getpid(), other.id, signal);
    struct sigaction before;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(signal, &ignore, &before);
    printf("ignored: %lx, other %lx", (long)pending(), status(other.id, "SigPnd"));
    kill(getpid(), signal);
    printf(", then %lx", (long)pending());
    other.go = 1;
    join(&other);
    block(SIG_UNBLOCK, signal, 0, 0);
    printf(", unblocked %lx", (long)pending());
    kill(getpid(), signal);
    raise(signal);
    block(SIG_BLOCK, signal, 0, 0);
    printf(", never %lx\n", (long)pending());
    sigaction(signal, &before, NULL);
}

static void in_order(void)
{
    handled_order = 0;
    block(SIG_BLOCK, SIGTRAP, SIGBUS, SIGSEGV);
    block(SIG_BLOCK, SIGUSR1, SIGILL, SIGFPE);
    static const int ALL[] = {SIGUSR1, SIGSEGV, SIGFPE, SIGBUS, SIGTRAP, SIGILL};
    for (int n = 0; n < 6; n++)
        kill(getpid(), ALL[n]);
    printf("waited for:");
    sigset_t set;
    sigemptyset(&set);
    for (int n = 0; n < 6; n++)
        sigaddset(&set, ALL[n]);
    for (int n = 0; n < 6; n++) {
        int got = 0;
        sigwait(&set, &got);
        printf(" %d", got);
    }
    printf("\n");
    for (int n = 0; n < 6; n++) {
        struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
        sigfillset(&action.sa_mask);
        sigaction(ALL[n], &action, NULL);
        raise(ALL[n]);
    }
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    printf("handled, all blocked meanwhile: %ld\n", handled_order);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    handled_order = 0;
    for (int n = 0; n < 2; n++) {
        set_action(ALL[n], 0);
        raise(ALL[n]);
    }
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    printf("handled, on top of each other: %ld\n", handled_order);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    block(SIG_UNBLOCK, SIGUSR1, SIGILL, SIGFPE);
}

static void by_timers(int signal)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal};
    event.sigev_value.sival_int = 55;
    timer_t timer;
    assert(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    struct itimerspec once = {{0, 0}, {0, 1000000}};
    timer_settime(timer, 0, &once, NULL);
    rest(20);
    says("timer");
    struct worker other = {.signal = signal};
    start(&other, by_wait);
    printf("elsewhere: %d\n", join(&other));
    timer_delete(timer);
    event.sigev_notify = SIGEV_THREAD_ID;
    event._sigev_un._tid = tid();
    assert(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    timer_settime(timer, 0, &once, NULL);
    rest(20);
    says("timer of a thread");
    printf("here: %d\n", taken(signal, 0, 0, 0));
    timer_delete(timer);
}

static void queued(int signal)
{
    // A thread's own, by rt_tgsigqueueinfo, with whatever code.
    static const int CODES[] = {SI_QUEUE, SI_USER, SI_TKILL, 1, 2, 128, -0x4b49, -77};
    for (unsigned n = 0; n < sizeof CODES / sizeof *CODES; n++)
        for (int whose = 0; whose < 2; whose++) {
            siginfo_t info = {.si_code = CODES[n]};
            info.si_pid = 4321;
            info.si_int = 77;
            long sent = whose ? syscall(SYS_rt_tgsigqueueinfo, getpid(), tid(), signal, &info)
                              : syscall(SYS_rt_sigqueueinfo, getpid(), signal, &info);
            unsigned long own = status(tid(), "SigPnd"), shared = status(tid(), "ShdPnd");
            sigset_t set = set_of(signal, 0, 0);
            siginfo_t got = {0};
            int taken_one = sigwaitinfo(&set, &got);
            printf("queued %d: %ld, own %lx, shared %lx, %d %d %d %d\n", CODES[n], sent, own, shared,
                   taken_one, got.si_code, got.si_pid, got.si_int);
        }
    int nobody = tgkill(getpid(), 1, signal);
    printf("nobody: %d %d\n", nobody, errno);
    nobody = tgkill(getpid(), -1, signal);
    printf("nobody: %d %d\n", nobody, errno);
}

static int child_has(struct worker *self)
{
    (void)self;
    pid_t child = fork();
    if (child == 0) {
        printf("child: pending %lx, own %lx, shared %lx, blocked %lx\n", (long)pending(),
               status(tid(), "SigPnd"), status(tid(), "ShdPnd"), status(tid(), "SigBlk"));
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    return 0;
}

static void executes(const char *what, int threads)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct worker other = {0};
        if (threads)
            start(&other, by_nothing);
        if (strstr(what, "ignored"))
            signal(SIGSEGV, SIG_IGN);
        for (int n = 0; n < 3; n++)
            kill(getpid(), KEPT[n]);
        if (strstr(what, "own"))
            raise(SIGTRAP);
        execl("/nowhere/at/all", "nothing", NULL);
        // It is there still.
        printf("%s, no exec: %d, pending %lx\n", what, errno, (long)pending());
        fflush(stdout);
        execl(program, program, what, NULL);
        _exit(9);
    }
    int how;
    waitpid(child, &how, 0);
    printf("ended: %x\n", how);
}

static void executed(const char *what)
{
    printf("%s: pending %lx, blocked %lx, ignored %lx\n", what, (long)pending(),
           status(tid(), "SigBlk"), status(tid(), "SigIgn") & 0x450);
    if (!strstr(what, "threads"))
        says(what);
    for (int n = 0; n < 5; n++)
        printf(" %d", taken(SIGTRAP, SIGBUS, SIGSEGV, 0));
    printf("\n");
    struct sigaction action;
    sigaction(SIGSEGV, NULL, &action);
    printf("ignored: %d\n", action.sa_handler == SIG_IGN);
    raise(SIGTRAP);
    fflush(stdout);
    block(SIG_UNBLOCK, SIGTRAP, 0, 0);
    printf("still there\n");
}

static void to_a_native(void)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        kill(getpid(), SIGSEGV);
        raise(SIGBUS);
        execlp("grep", "grep", "-E", "^(SigPnd|ShdPnd)", "/proc/self/status", NULL);
        _exit(9);
    }
    waitpid(child, NULL, 0);
}

static volatile int *volatile nothing;

static void dies(int how)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, how == 1 ? SIG_IGN : SIG_DFL);
        block(how == 2 ? SIG_BLOCK : SIG_UNBLOCK, SIGSEGV, 0, 0);
        if (how < 3)
            *nothing = 1;
        kill(getpid(), SIGSEGV);
        _exit(7);
    }
    int status;
    waitpid(child, &status, 0);
    printf("dies %d: signal %d\n", how, WTERMSIG(status));
}

// A blocked signal that comes meanwhile does not end a call, nor make it longer.
static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static _Atomic double sent;

static int sends_late(struct worker *self)
{
    rest(800);
    sent = now();
    send(2, self->signal);
    return 0;
}

static void calls_go_on(int signal)
{
    int pipes[2];
    assert(pipe(pipes) == 0);
    for (int way = 0; way < 6; way++) {
        struct worker other = {.signal = signal};
        start(&other, sends_late);
        struct timespec time = {1, 0};
        struct pollfd poll_set = {pipes[0], POLLIN, 0};
        struct epoll_event event = {.events = EPOLLIN};
        int epoll = epoll_create1(0), got = 0;
        epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event);
        fd_set files;
        FD_ZERO(&files);
        FD_SET(pipes[0], &files);
        sigset_t set = set_of(SIGUSR1, 0, 0);
        errno = 0;
        switch (way) {
        case 0:
            got = nanosleep(&time, NULL);
            break;
        case 1:
            got = clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
            break;
        case 2:
            got = poll(&poll_set, 1, 1000);
            break;
        case 3:
            got = epoll_wait(epoll, &event, 1, 1000);
            break;
        case 4:
            got = pselect(pipes[0] + 1, &files, NULL, NULL, &time, NULL);
            break;
        case 5:
            got = sigtimedwait(&set, NULL, &time);
            break;
        }
        int error = errno;
        double ended = now();
        join(&other);
        close(epoll);
        // Begun anew, it would end a second after that.
        printf("call %d: %d %d, %s, taken %d\n", way, got, error,
               ended < sent + 1 ? "in time" : "late", taken(signal, 0, 0, 0));
    }
    close(pipes[0]), close(pipes[1]);
}

int main(int count, char **arguments)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    program = arguments[0];
    if (count > 1) {
        executed(arguments[1]);
        return 0;
    }
    block(SIG_BLOCK, SIGTRAP, SIGBUS, SIGSEGV);
    block(SIG_BLOCK, SIGUSR1, 0, 0);
    for (int n = 0; n < 3; n++) {
        int signal = KEPT[n];
        printf("signal %d\n", signal);
        of_threads(signal);
        others_take(signal);
        now_and_then(signal);
        by_timers(signal);
        queued(signal);
        set_action(signal, n ? SA_RESTART : 0);
        handlers_elsewhere(signal);
        handled_beside_a_poll(signal);
        unblocked(signal);
        ignored(signal);
    }
    calls_go_on(SIGBUS);
    block(SIG_UNBLOCK, SIGUSR1, 0, 0);
    in_order();
    for (int n = 0; n < 3; n++)
        signal(KEPT[n], SIG_DFL);
    kill(getpid(), SIGTRAP);
    raise(SIGSEGV);
    fflush(stdout);
    child_has(NULL);
    struct worker other = {0};
    start(&other, child_has);
    join(&other);
    says("parent");
    taken(SIGTRAP, 0, 0, 0), taken(SIGSEGV, 0, 0, 0);
    executes("plain", 0);
    executes("own", 0);
    executes("ignored", 0);
    executes("with threads", 1);
    to_a_native();
    for (int how = 0; how < 4; how++)
        dies(how);
    return 0;
}
