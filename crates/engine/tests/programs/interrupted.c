// Calls that wait, and what becomes of them when a signal comes: which go on
// under SA_RESTART and which never do, what stopping and continuing does, and
// that no signal is lost on the way into a call. Prints the same on every
// machine. Argument 1 is a directory to work in.
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Shared with children: what a futex waits for, and how often a signal came.
static uint32_t *word;
static volatile int *strikes;

static void strike(int signal)
{
    (void)signal;
    ++*strikes;
}

static void handle(int signal, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    assert(sigaction(signal, &action, NULL) == 0);
}

static void milliseconds(int n)
{
    struct timespec time = {n / 1000, n % 1000 * 1000000L};
    while (nanosleep(&time, &time) == -1)
        ;
}

static void alarm_in(int microseconds)
{
    struct itimerval timer = {{0, 0}, {0, microseconds}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

// Until a process waits in a call, asleep whenever it is looked at, or has
// ended.
static void until_it_waits(pid_t pid)
{
    char path[40], line[500];
    sprintf(path, "/proc/%d/stat", pid);
    for (int asleep = 0; asleep < 4; milliseconds(2)) {
        int fd = open(path, O_RDONLY);
        ssize_t length = read(fd, line, sizeof line - 1);
        close(fd);
        if (length <= 0)
            return;
        line[length] = 0;
        char state = strrchr(line, ')')[2];
        if (state == 'Z')
            return;
        asleep = state == 'S' ? asleep + 1 : 0;
    }
}

// What is waited for. A child process lets go of it after a while.
static int ends[2], pair[2], listener, locked, event, set, queue;
static mqd_t mailbox;

static long wait_read(void) { char c; return read(ends[0], &c, 1); }
static long wait_readv(void) { char c; struct iovec v = {&c, 1}; return readv(ends[0], &v, 1); }
static long wait_recv(void) { char c; return recv(pair[0], &c, 1, 0); }
static long wait_recvmsg(void)
{
    char c;
    struct iovec v = {&c, 1};
    struct msghdr message = {.msg_iov = &v, .msg_iovlen = 1};
    return recvmsg(pair[0], &message, 0);
}
static long wait_recv_timeout(void)
{
    struct timeval time = {1, 0}, none = {0, 0};
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    long result = wait_recv();
    int error = errno;
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
    errno = error;
    return result;
}
static long wait_accept(void) { int fd = accept4(listener, NULL, NULL, 0); if (fd >= 0) close(fd); return fd < 0 ? fd : 1; }
static long wait_eventfd(void) { uint64_t n; return read(event, &n, 8); }
static long wait_flock(void) { return flock(locked, LOCK_EX); }
static long wait_setlkw(void)
{
    struct flock lock = {.l_type = F_WRLCK};
    return fcntl(locked, F_SETLKW, &lock);
}
static long wait_ofd(void)
{
    struct flock lock = {.l_type = F_WRLCK};
    return fcntl(locked, F_OFD_SETLKW, &lock);
}
static long wait_futex(void) { return syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL); }
static long wait_futex_timeout(void)
{
    struct timespec time = {5, 0};
    return syscall(SYS_futex, word, FUTEX_WAIT, 0, &time);
}
static long wait_futex_bitset(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += 5;
    return syscall(SYS_futex, word, FUTEX_WAIT_BITSET, 0, &time, NULL, FUTEX_BITSET_MATCH_ANY);
}
static long wait_semop(void) { struct sembuf op = {0, -1, 0}; return semop(set, &op, 1); }
static long wait_msgrcv(void) { struct { long type; char c; } m; return msgrcv(queue, &m, 1, 0, 0); }
static long wait_mq(void) { char c[16]; return mq_receive(mailbox, c, sizeof c, NULL); }
static long wait_poll(void) { struct pollfd p = {ends[0], POLLIN, 0}; return poll(&p, 1, 5000); }
static long wait_select(void)
{
    fd_set fds;
    FD_ZERO(&fds);
    FD_SET(ends[0], &fds);
    struct timeval time = {5, 0};
    return select(ends[0] + 1, &fds, NULL, NULL, &time);
}
static long wait_epoll(void)
{
    int epoll = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN};
    epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &e);
    long result = epoll_wait(epoll, &e, 1, 5000);
    int error = errno;
    close(epoll);
    errno = error;
    return result;
}
static int seconds = 5;
static long wait_sleep(void) { struct timespec time = {seconds, 150000000}; return nanosleep(&time, NULL); }
static long wait_absolute(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += seconds;
    time.tv_nsec += 150000000;
    if (time.tv_nsec >= 1000000000)
        time.tv_nsec -= 1000000000, time.tv_sec++;
    errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
    return errno ? -1 : 0;
}
static long wait_sigtimedwait(void)
{
    sigset_t usr2;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    struct timespec time = {5, 0};
    return sigtimedwait(&usr2, NULL, &time);
}
// A child that ends some time after the signal.
static pid_t ending(void)
{
    int wanted = *strikes + (seconds ? 1 : 0);
    pid_t child = fork();
    if (child == 0) {
        while (*strikes < wanted)
            milliseconds(1);
        milliseconds(seconds ? 20 : 150);
        _exit(0);
    }
    return child;
}
static long wait_child(void)
{
    pid_t child = ending();
    int status;
    long result = waitpid(child, &status, 0);
    int error = errno;
    while (result == -1 && waitpid(child, &status, 0) == -1)
        ;
    errno = error;
    return result == child ? 1 : result;
}
static long wait_waitid(void)
{
    pid_t child = ending();
    siginfo_t info;
    long result = waitid(P_PID, child, &info, WEXITED);
    int error = errno;
    while (result == -1 && waitpid(child, NULL, 0) == -1)
        ;
    errno = error;
    return result;
}
static long wait_fifo(void)
{
    int fd = open("fifo", O_RDONLY);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? fd : 1;
}
static long wait_write(void) { return write(ends[1], "y", 1); }

// What the child does that lets go.
static void let_go(void)
{
    struct { long type; char c; } message = {1, 'x'};
    struct sembuf op = {0, 1, 0};
    uint64_t one = 1;
    char c = 'x';
    assert(write(ends[1], &c, 1) == 1 && write(pair[1], &c, 1) == 1 && write(event, &one, 8) == 8);
    *word = 1;
    syscall(SYS_futex, word, FUTEX_WAKE, 100);
    semop(set, &op, 1);
    msgsnd(queue, &message, 1, 0);
    mq_send(mailbox, &c, 1, 0);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {AF_UNIX, "socket"};
    connect(fd, (void *)&address, sizeof address);
}

static void one(const char *name, long (*wait)(void), int flags)
{
    int lock = -1;
    *word = *strikes = 0;
    assert(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    event = eventfd(0, 0);
    set = semget(IPC_PRIVATE, 1, 0600);
    queue = msgget(IPC_PRIVATE, 0600);
    struct mq_attr small = {.mq_maxmsg = 2, .mq_msgsize = 16};
    char name_of_mailbox[40];
    sprintf(name_of_mailbox, "/armistice-%d", getpid());
    mailbox = mq_open(name_of_mailbox, O_RDWR | O_CREAT, 0600, &small);
    unlink("socket");
    struct sockaddr_un address = {AF_UNIX, "socket"};
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert(bind(listener, (void *)&address, sizeof address) == 0 && listen(listener, 5) == 0);
    locked = open("locked", O_RDWR | O_CREAT, 0600);
    int ready[2];
    assert(pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        lock = open("locked", O_RDWR);
        struct flock whole = {.l_type = F_WRLCK};
        if (wait == wait_flock)
            flock(lock, LOCK_EX);
        if (wait == wait_setlkw || wait == wait_ofd)
            fcntl(lock, wait == wait_ofd ? F_OFD_SETLKW : F_SETLKW, &whole);
        assert(write(ready[1], "r", 1) == 1);
        until_it_waits(getppid());
        kill(getppid(), SIGALRM);
        while (*strikes == 0)
            milliseconds(1);
        milliseconds(20);
        if (wait == wait_write) {
            static char much[65536];
            _exit(read(ends[0], much, sizeof much) < 0);
        }
        let_go();
        if (wait == wait_fifo)
            close(open("fifo", O_WRONLY | O_NONBLOCK));
        _exit(0);
    }
    handle(SIGALRM, strike, flags);
    char c;
    assert(read(ready[0], &c, 1) == 1);
    if (wait == wait_write) {
        static char much[65536];
        assert(write(ends[1], much, sizeof much) == sizeof much);
    }
    errno = 0;
    long result = wait();
    printf("%s%s: %ld %s, %d\n", name, flags ? ", restart" : "", result,
           result < 0 ? strerrorname_np(errno) : "done", *strikes);
    while (waitpid(child, NULL, 0) == -1)
        ;
    int all[] = {ends[0], ends[1], pair[0], pair[1], event, listener, locked, ready[0], ready[1]};
    for (unsigned n = 0; n < sizeof all / sizeof *all; n++)
        close(all[n]);
    mq_close(mailbox);
    mq_unlink(name_of_mailbox);
    semctl(set, 0, IPC_RMID);
    msgctl(queue, IPC_RMID, NULL);
}

static void restarts(void)
{
    static const struct { const char *name; long (*wait)(void); } all[] = {
        {"read", wait_read}, {"readv", wait_readv}, {"write", wait_write}, {"recv", wait_recv},
        {"recvmsg", wait_recvmsg}, {"recv with a timeout", wait_recv_timeout},
        {"accept", wait_accept}, {"eventfd", wait_eventfd}, {"flock", wait_flock},
        {"F_SETLKW", wait_setlkw}, {"F_OFD_SETLKW", wait_ofd}, {"futex", wait_futex},
        {"futex with a timeout", wait_futex_timeout}, {"futex with a bitset", wait_futex_bitset},
        {"semop", wait_semop}, {"msgrcv", wait_msgrcv}, {"mq_receive", wait_mq},
        {"poll", wait_poll}, {"select", wait_select}, {"epoll_wait", wait_epoll},
        {"nanosleep", wait_sleep}, {"clock_nanosleep", wait_absolute},
        {"sigtimedwait", wait_sigtimedwait}, {"waitpid", wait_child}, {"waitid", wait_waitid},
        {"open of a FIFO", wait_fifo},
    };
    assert(mkfifo("fifo", 0600) == 0);
    for (unsigned n = 0; n < sizeof all / sizeof *all; n++) {
        one(all[n].name, all[n].wait, 0);
        one(all[n].name, all[n].wait, SA_RESTART);
    }
}

// A signal that stops and one that continues, without handlers: most calls go
// on as if nothing had been, and wait no longer than they were told.
static void stopped(const char *name, long (*wait)(void))
{
    assert(pipe(ends) == 0);
    *word = 0;
    pid_t child = fork();
    if (child == 0) {
        struct timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        errno = 0;
        long result = wait();
        int error = errno;
        clock_gettime(CLOCK_MONOTONIC, &to);
        long took = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
        printf("stopped in %s: %ld %s%s\n", name, result, result < 0 ? strerrorname_np(error) : "done",
               took < 100 ? ", too early" : "");
        _exit(0);
    }
    for (int n = 0; n < 3; n++) {
        int status;
        until_it_waits(child);
        kill(child, SIGSTOP);
        assert(waitpid(child, &status, WUNTRACED) == child);
        if (!WIFSTOPPED(status))
            return;
        kill(child, SIGCONT);
    }
    until_it_waits(child);
    milliseconds(100);
    assert(write(ends[1], "x", 1) == 1);
    *word = 1;
    syscall(SYS_futex, word, FUTEX_WAKE, 1);
    waitpid(child, NULL, 0);
    close(ends[0]), close(ends[1]);
}

static void stops(void)
{
    seconds = 0;
    stopped("read", wait_read);
    stopped("poll", wait_poll);
    stopped("select", wait_select);
    stopped("nanosleep", wait_sleep);
    stopped("clock_nanosleep", wait_absolute);
    stopped("futex", wait_futex);
    stopped("futex with a timeout", wait_futex_timeout);
    stopped("futex with a bitset", wait_futex_bitset);
    stopped("waitpid", wait_child);
}

// A handler writes what the interrupted call waits for. Were a signal noted but
// not handled before the call waits, this would wait for ever.
static int letter[2];
static volatile long written;

static void write_letter(int signal)
{
    (void)signal;
    int error = errno;
    written += write(letter[1], "x", 1);
    errno = error;
}

static void none_is_lost(void)
{
    uint64_t seed = 88172645463325252u;
    assert(pipe(letter) == 0);
    for (int restart = 0; restart < 2; restart++) {
        handle(SIGALRM, write_letter, restart ? SA_RESTART : 0);
        long got = 0, interrupted = 0;
        written = 0;
        for (int n = 0; n < 3000; n++) {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            alarm_in(1 + (int)(seed % 90));
            for (volatile int spin = 0; spin < (int)(seed >> 40) % 3000; spin++)
                ;
            char c;
            while (read(letter[0], &c, 1) != 1)
                interrupted++;
            got++;
        }
        assert(!restart || interrupted == 0);
        printf("none is lost: %ld %ld\n", got, written);
    }
}

// A handler that never returns, in running code and out of calls that wait.
static sigjmp_buf back;

static void leap(int signal)
{
    (void)signal;
    siglongjmp(back, 1);
}

static void leaps(void)
{
    static volatile int count;
    static char *volatile lowest, *volatile highest;
    handle(SIGUSR1, leap, 0);
    handle(SIGALRM, leap, 0);
    assert(pipe(ends) == 0);
    for (count = 0; count < 30000; count++) {
        if (sigsetjmp(back, 1) == 0) {
            if (count % 10)
                raise(SIGUSR1);
            alarm_in(1 + count % 50);
            wait_read();
        }
        char here;
        if (!lowest || &here < lowest)
            lowest = &here;
        if (&here > highest)
            highest = &here;
    }
    alarm_in(0);
    printf("leaps: %d, stack moved %d\n", count, highest != lowest);
}

// Timers that tell a certain thread, and those that glibc makes threads for.
static volatile pid_t told;
static volatile int notified;

static void tell(int signal)
{
    (void)signal;
    told = gettid();
}

static void notify(union sigval value)
{
    __atomic_fetch_add(&notified, value.sival_int, __ATOMIC_SEQ_CST);
}

static void *other(void *unused)
{
    struct sigevent e = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN + 2};
    struct itimerspec time = {{0, 0}, {0, 1000000}};
    timer_t id;
    e._sigev_un._tid = gettid();
    assert(timer_create(CLOCK_MONOTONIC, &e, &id) == 0 && timer_settime(id, 0, &time, NULL) == 0);
    while (told == 0)
        milliseconds(1);
    assert(told == gettid() && timer_delete(id) == 0);
    return unused;
}

static void timers(void)
{
    pthread_t thread;
    handle(SIGRTMIN + 2, tell, 0);
    pthread_create(&thread, NULL, other, NULL);
    pthread_join(thread, NULL);
    struct sigevent e = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = notify};
    e.sigev_value.sival_int = 7;
    struct itimerspec time = {{0, 2000000}, {0, 2000000}};
    timer_t id;
    assert(timer_create(CLOCK_MONOTONIC, &e, &id) == 0 && timer_settime(id, 0, &time, NULL) == 0);
    while (notified < 35)
        milliseconds(1);
    assert(timer_delete(id) == 0);
    printf("timers: %d\n", notified % 7);
}

int main(int count, char **arguments)
{
    assert(count == 2 && chdir(arguments[1]) == 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    strikes = (int *)(word + 1);
    restarts();
    stops();
    none_is_lost();
    leaps();
    timers();
    return 0;
}
