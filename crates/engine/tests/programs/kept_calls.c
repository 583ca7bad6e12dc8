// SIGSEGV, SIGBUS and SIGTRAP that somebody sends: what they do to system calls,
// to stacks and masks, to children, and how they get here.
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static const int KEPT[] = {SIGTRAP, SIGBUS, SIGSEGV};
static const char *program;
static _Atomic int handled, on_stack, depth, deepest, code, other_blocked;
static _Atomic pid_t handled_by, sender;
static char stack[1 << 16];

static void rest(int milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    while (nanosleep(&time, &time))
        ;
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

static void handle(int signal, siginfo_t *info, void *context)
{
    (void)context;
    int here;
    handled++;
    code = info->si_code;
    sender = info->si_pid;
    on_stack = (char *)&here > stack && (char *)&here < stack + sizeof stack;
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    other_blocked = sigismember(&set, SIGUSR2) * 2 + sigismember(&set, signal);
    if (++depth > deepest)
        deepest = (int)depth;
    if (handled == 1 && depth == 1 && deepest == 1 && info->si_code == SI_QUEUE)
        raise(signal);
    depth--;
    handled_by = (pid_t)syscall(SYS_gettid);
}

static void set_action(int signal, int flags)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | flags};
    sigaddset(&action.sa_mask, SIGUSR2);
    assert(sigaction(signal, &action, NULL) == 0);
    handled = 0;
    deepest = 0;
}

static int take(int signal)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    struct timespec time = {0, 0};
    siginfo_t info;
    int got = sigtimedwait(&set, &info, &time);
    return got < 0 ? -errno : got * 1000 + info.si_code;
}

static void mask(int how, int signal)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    pthread_sigmask(how, &set, NULL);
}

static int is_pending(int signal)
{
    sigset_t set;
    sigpending(&set);
    return sigismember(&set, signal);
}

// A thread in a call, and how it is interrupted.
static int pipes[2];
static int way, the_signal, ignores;
static pid_t target;
static _Atomic pid_t waiter;

static void *waits(void *argument)
{
    mask(SIG_UNBLOCK, the_signal);
    waiter = (pid_t)syscall(SYS_gettid);
    char byte = 0;
    long got = 0;
    struct pollfd poll_set = {pipes[0], POLLIN, 0};
    struct timespec time = {ignores ? 0 : 9, 300000000};
    errno = 0;
    switch (way) {
    case 0:
        got = read(pipes[0], &byte, 1);
        break;
    case 1:
        got = poll(&poll_set, 1, 9000);
        break;
    case 2:
        got = nanosleep(&time, &time);
        got = got ? got - 10 * (time.tv_sec < 9 && time.tv_sec >= 0) : got;
        break;
    case 3:
        got = waitpid(target, NULL, 0) > 0 ? 1 : -1;
        break;
    }
    int error = errno;
    mask(SIG_BLOCK, the_signal);
    printf(" %ld/%d/%d", got, error, byte);
    return argument;
}

static void __attribute__((noinline)) interrupted(int signal)
{
    // By one of the process, of the thread, from another program, ignored.
    for (int flags = 0; flags < 2; flags++)
        for (way = 0; way < 4; way++) {
            printf("%d, restart %d, call %d:", signal, flags, way);
            for (volatile int how = 0; how < 4; how++) {
                if (way == 3 && how == 2)
                    continue;
                the_signal = signal;
                ignores = how == 3;
                set_action(signal, flags ? SA_RESTART : 0);
                if (how == 3)
                    sigaction(signal, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
                waiter = 0;
                volatile pid_t child = 0;
                int gate[2];
                assert(pipe(gate) == 0);
                if (way == 3 && (child = fork()) == 0) {
                    char byte;
                    close(gate[1]);
                    _exit((int)read(gate[0], &byte, 1));
                }
                target = child;
                pthread_t thread;
                pthread_create(&thread, NULL, waits, NULL);
                while (!waiter)
                    sched_yield();
                asleep(waiter);
                pid_t other;
                switch (how) {
                case 0:
                case 3:
                    kill(getpid(), signal);
                    break;
                case 1:
                    syscall(SYS_tgkill, getpid(), waiter, signal);
                    break;
                case 2:
                    if ((other = vfork()) == 0) {
                        execlp("sh", "sh", "-c", "kill -$0 $PPID",
                               signal == SIGTRAP ? "TRAP" : signal == SIGBUS ? "BUS" : "SEGV", NULL);
                        _exit(1);
                    }
                    waitpid(other, NULL, 0);
                }
                // Only then may the call have what it waits for.
                for (int n = 0; how != 3 && n < 5000 && !handled; n++)
                    rest(1);
                rest(how == 3 ? 40 : 5);
                close(gate[0]), close(gate[1]);
                if (way < 2)
                    assert(write(pipes[1], "x", 1) == 1);
                pthread_join(thread, NULL);
                if (way == 3)
                    waitpid(child, NULL, 0);
                char byte;
                if (way < 2 && poll(&(struct pollfd){pipes[0], POLLIN, 0}, 1, 0))
                    assert(read(pipes[0], &byte, 1) == 1);
                printf(" %d,", handled);
            }
            printf("\n");
        }
}

static void on_stacks(int signal)
{
    stack_t new = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&new, NULL);
    set_action(signal, SA_ONSTACK);
    kill(getpid(), signal);
    mask(SIG_UNBLOCK, signal);
    printf("%d: handled %d, on stack %d, blocked %d\n", signal, handled, on_stack, other_blocked);
    mask(SIG_BLOCK, signal);
    union sigval value = {.sival_int = 1};
    set_action(signal, SA_NODEFER);
    sigqueue(getpid(), signal, value);
    mask(SIG_UNBLOCK, signal);
    printf("%d: not deferred %d, deepest %d, blocked %d\n", signal, handled, deepest, other_blocked);
    mask(SIG_BLOCK, signal);
    set_action(signal, 0);
    sigqueue(getpid(), signal, value);
    mask(SIG_UNBLOCK, signal);
    printf("%d: deferred %d, deepest %d, blocked %d\n", signal, handled, deepest, other_blocked);
    set_action(signal, SA_RESETHAND);
    kill(getpid(), signal);
    struct sigaction now;
    sigaction(signal, NULL, &now);
    printf("%d: once %d, now default %d\n", signal, handled, now.sa_handler == SIG_DFL);
    mask(SIG_BLOCK, signal);
    new.ss_flags = SS_DISABLE;
    sigaltstack(&new, NULL);
}

static int show(void *descriptor)
{
    struct signalfd_siginfo info;
    ssize_t got = read(*(int *)descriptor, &info, sizeof info);
    int error = errno;
    printf("child: pending %d %d, read %zd %d\n", is_pending(SIGTRAP), is_pending(SIGSEGV), got,
           got < 0 ? error : (int)info.ssi_signo);
    fflush(stdout);
    return 0;
}

static void children(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTRAP);
    int descriptor = signalfd(-1, &set, SFD_NONBLOCK);
    kill(getpid(), SIGTRAP);
    raise(SIGSEGV);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(show(&descriptor));
    waitpid(child, NULL, 0);
    child = vfork();
    if (child == 0) {
        kill(getpid(), SIGBUS);
        execlp("grep", "grep", "-E", "^(SigPnd|ShdPnd|SigBlk)", "/proc/self/status", NULL);
        _exit(1);
    }
    waitpid(child, NULL, 0);
    char *arguments[] = {"grep", "-E", "^(SigPnd|ShdPnd|SigBlk)", "/proc/self/status", NULL};
    posix_spawnp(&child, "grep", NULL, NULL, arguments, environ);
    waitpid(child, NULL, 0);
    printf("parent: %d %d %d\n", take(SIGTRAP), take(SIGSEGV), take(SIGBUS));
    close(descriptor);
}

static void *executes(void *argument)
{
    raise(SIGBUS);
    execl(program, program, "from a thread", NULL);
    return argument;
}

static void from_a_thread(void)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        kill(getpid(), SIGTRAP);
        raise(SIGSEGV);
        pthread_t thread;
        pthread_create(&thread, NULL, executes, NULL);
        pthread_join(thread, NULL);
        _exit(9);
    }
    waitpid(child, NULL, 0);
}

static void by_other_ways(int signal)
{
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    long sent = syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
    printf("%d: pidfd %ld, %d\n", signal, sent, take(signal));
    close(pidfd);
    fflush(stdout);
    int gate[2];
    char byte;
    assert(pipe(gate) == 0);
    // To a group of processes.
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        int group = kill(0, signal), one = take(signal);
        int minus = kill(-getpid(), signal), two = take(signal);
        printf("%d: group %d %d, minus %d %d\n", signal, group, one, minus, two);
        // A child's end, a parent's end, a queue, a descriptor.
        struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal};
        char name[32];
        snprintf(name, sizeof name, "/kept%d", getpid());
        mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL);
        mq_unlink(name);
        mq_notify(queue, &event);
        mq_send(queue, "x", 1, 0);
        printf("queue: %d\n", take(signal));
        int ends[2];
        assert(pipe(ends) == 0);
        fcntl(ends[0], F_SETOWN, getpid());
        fcntl(ends[0], F_SETSIG, signal);
        fcntl(ends[0], F_SETFL, O_ASYNC);
        assert(write(ends[1], "x", 1) == 1);
        printf("descriptor: %d\n", take(signal));
        fflush(stdout);
        int ready[2];
        assert(pipe(ready) == 0);
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, signal);
            assert(write(ready[1], "x", 1) == 1);
            sigset_t set;
            sigemptyset(&set);
            sigaddset(&set, signal);
            close(ends[1]);
            struct timespec time = {5, 0};
            int got = sigtimedwait(&set, NULL, &time);
            printf("a parent's end: %d\n", got);
            fflush(stdout);
            _exit(0);
        }
        assert(read(ready[0], &byte, 1) == 1);
        rest(20);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    // Until the last of them has ended.
    close(gate[1]);
    assert(read(gate[0], &byte, 1) == 0);
    close(gate[0]);
}

static void *dies(void *argument)
{
    rest(20);
    kill(getpid(), *(int *)argument);
    rest(5000);
    return argument;
}

static void ends(int signal)
{
    fflush(stdout);
    for (int how = 0; how < 3; how++) {
        pid_t child = fork();
        if (child == 0) {
            sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
            pthread_t thread;
            pthread_create(&thread, NULL, dies, &signal);
            // The first thread lets it through, or the other one.
            if (how == 0)
                mask(SIG_UNBLOCK, signal);
            if (how == 1) {
                while (!is_pending(signal))
                    rest(1);
                printf("it waits: %d\n", is_pending(signal));
                fflush(stdout);
                mask(SIG_UNBLOCK, signal);
            }
            if (how == 2)
                pthread_kill(thread, signal);
            rest(how == 2 ? 100 : 9000);
            _exit(3);
        }
        int status;
        waitpid(child, &status, 0);
        printf("%d, %d: %x\n", signal, how, status & 0xff7f);
        fflush(stdout);
    }
}

int main(int count, char **arguments)
{
    program = arguments[0];
    if (count > 1) {
        printf("%s: %d %d %d\n", arguments[1], take(SIGTRAP), take(SIGBUS), take(SIGSEGV));
        return 0;
    }
    assert(pipe(pipes) == 0);
    for (int n = 0; n < 3; n++)
        mask(SIG_BLOCK, KEPT[n]);
    for (int n = 0; n < 3; n++) {
        interrupted(KEPT[n]);
        on_stacks(KEPT[n]);
        by_other_ways(KEPT[n]);
        ends(KEPT[n]);
    }
    children();
    from_a_thread();
    return 0;
}
