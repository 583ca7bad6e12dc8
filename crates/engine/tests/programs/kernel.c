// What the kernel does, asked for in less common ways: futexes of all kinds,
// timers, all signals, stops, dying with a core, and the newer system calls.
// Argument 1 is an empty directory.
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define IN_CHILD(...)                                \
    ({                                               \
        int status_;                                 \
        fflush(stdout);                              \
        pid_t child_ = fork();                       \
        if (child_ == 0) {                           \
            __VA_ARGS__;                             \
            _exit(0);                                \
        }                                            \
        assert(waitpid(child_, &status_, 0) == child_); \
        status_;                                     \
    })

static volatile int calls, order[128], ordered;

static void note(int signal, siginfo_t *info, void *context)
{
    (void)context;
    calls++;
    if (ordered < 128)
        order[ordered++] = signal * 1000 + info->si_value.sival_int;
}

static void handle(int signal, int flags)
{
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | flags};
    sigfillset(&action.sa_mask);
    assert(sigaction(signal, &action, NULL) == 0);
}

static void all_signals(void)
{
    sigset_t all, old;
    sigfillset(&all);
    for (int signal = 1; signal <= 64; signal++) {
        if (signal == SIGKILL || signal == SIGSTOP || signal == 32 || signal == 33)
            continue;
        handle(signal, 0);
        calls = 0;
        assert(sigqueue(getpid(), signal, (union sigval){.sival_int = signal}) == 0);
        assert(calls == 1);
    }
    // Blocked, real-time ones are told by number, and of one number in order.
    sigprocmask(SIG_BLOCK, &all, &old);
    ordered = 0;
    for (int n = 3; n > 0; n--)
        for (int signal = 40; signal <= 64; signal += 12)
            sigqueue(getpid(), signal, (union sigval){.sival_int = n});
    // On return from a handler the next one comes, so the lowest is first.
    sigprocmask(SIG_SETMASK, &old, NULL);
    for (int n = 0; n < ordered; n++)
        printf("%d ", order[n]);
    puts("\nall signals");
    for (int signal = 1; signal <= 64; signal++)
        if (signal != SIGKILL && signal != SIGSTOP && signal != 32 && signal != 33)
            sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
}

static void by_signalfd(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; signal++)
        sigaddset(&set, signal);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int n = 0; n < 3; n++)
        for (int signal = 60; signal >= 50; signal -= 5)
            sigqueue(getpid(), signal, (union sigval){.sival_int = n});
    int fd = signalfd(-1, &set, SFD_NONBLOCK);
    struct signalfd_siginfo info[16];
    int length = read(fd, info, sizeof info);
    for (int n = 0; n < length / (int)sizeof info[0]; n++)
        printf("%u:%d ", info[n].ssi_signo, info[n].ssi_int);
    puts("\nsignalfd");
    close(fd);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static long futex(uint32_t *word, int operation, uint32_t value, uintptr_t second, uint32_t *other,
                  uint32_t third)
{
    long result = syscall(SYS_futex, word, operation, value, second, other, third);
    return result < 0 ? -errno : result;
}

static uint32_t word, other_word;
static volatile int woken;

static void *waits(void *unused)
{
    long result = futex(&word, FUTEX_WAIT, 0, 0, NULL, 0);
    assert(result == 0);
    __sync_fetch_and_add(&woken, 1);
    return unused;
}

static void *dies_with(void *mutex)
{
    pthread_mutex_lock(mutex);
    return NULL;
}

static void futexes(void)
{
    struct timespec little = {0, 5000000}, now;
    printf("wait: %ld %ld %ld\n", futex(&word, FUTEX_WAIT, 1, 0, NULL, 0),
           futex(&word, FUTEX_WAIT, 0, (uintptr_t)&little, NULL, 0),
           futex((uint32_t *)8, FUTEX_WAIT, 0, 0, NULL, 0));
    clock_gettime(CLOCK_MONOTONIC, &now);
    printf("until: %ld, no bits: %ld\n",
           futex(&word, FUTEX_WAIT_BITSET, 0, (uintptr_t)&now, NULL, 1),
           futex(&word, FUTEX_WAIT_BITSET, 0, (uintptr_t)&now, NULL, 0));
    pthread_t threads[4];
    for (int n = 0; n < 4; n++)
        pthread_create(&threads[n], NULL, waits, NULL);
    long moved = 0;
    while (moved < 4) {
        long result = futex(&word, FUTEX_CMP_REQUEUE, 0, 4, &other_word, 0);
        assert(result >= 0);
        moved += result;
    }
    // On a loaded machine the kernel lets one in some hundred start again on the first
    // word, natively too.
    long one = futex(&other_word, FUTEX_WAKE, 1, 0, NULL, 0), rest = 0;
    while (rest < 3)
        rest += futex(&other_word, FUTEX_WAKE, 9, 0, NULL, 0) + futex(&word, FUTEX_WAKE, 9, 0, NULL, 0);
    printf("one: %ld, rest: %ld\n", one, rest);
    for (int n = 0; n < 4; n++)
        pthread_join(threads[n], NULL);
    printf("woken: %d\n", woken);
    // Owners that die, of each kind, in a thread and in another process.
    pthread_mutexattr_t kind;
    pthread_mutex_t *mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int protocol = 0; protocol < 2; protocol++) {
        pthread_mutexattr_init(&kind);
        pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
        pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
        pthread_mutexattr_setprotocol(&kind, protocol ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE);
        pthread_mutex_init(mutex, &kind);
        pthread_create(&threads[0], NULL, dies_with, mutex);
        pthread_join(threads[0], NULL);
        int first = pthread_mutex_lock(mutex);
        pthread_mutex_consistent(mutex);
        pthread_mutex_unlock(mutex);
        IN_CHILD(pthread_mutex_lock(mutex); raise(SIGKILL));
        int second = pthread_mutex_lock(mutex);
        pthread_mutex_consistent(mutex);
        printf("dead owners: %s, %s, again %s\n", strerror(first), strerror(second),
               strerror(pthread_mutex_trylock(mutex)));
        pthread_mutex_unlock(mutex);
        pthread_mutex_destroy(mutex);
        memset(mutex, 0, sizeof *mutex);
    }
    struct { uint64_t value, address; uint32_t flags, reserved; } two[2] = {
        {0, (uintptr_t)&word, 2, 0}, {1, (uintptr_t)&other_word, 2, 0}};
    long result = syscall(449, two, 2, 0, NULL, 0);
    printf("waitv: %s\n", result < 0 ? strerror(errno) : "woken");
}

static volatile pid_t told;

static void who(int signal)
{
    (void)signal;
    told = gettid();
}

static void *owns_timer(void *id)
{
    *(volatile pid_t *)id = gettid();
    while (!told)
        usleep(1000);
    return NULL;
}

static void timers(void)
{
    volatile pid_t id = 0;
    pthread_t thread;
    signal(SIGRTMIN + 2, who);
    pthread_create(&thread, NULL, owns_timer, (void *)&id);
    while (!id)
        ;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN + 2};
    event._sigev_un._tid = id;
    timer_t timer;
    assert(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    struct itimerspec spec = {{0, 0}, {0, 3000000}};
    assert(timer_settime(timer, 0, &spec, NULL) == 0);
    pthread_join(thread, NULL);
    printf("told the thread: %d, overrun: %d\n", told == id, timer_getoverrun(timer));
    assert(timer_delete(timer) == 0);
    event._sigev_un._tid = 1;
    printf("another's: %d\n", timer_create(CLOCK_MONOTONIC, &event, &timer));
    event.sigev_notify = SIGEV_NONE;
    assert(timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer) == 0);
    spec.it_value.tv_sec = 100;
    timer_settime(timer, 0, &spec, NULL);
    timer_gettime(timer, &spec);
    printf("left: %d\n", spec.it_value.tv_sec >= 90 && spec.it_value.tv_sec <= 100);
    timer_delete(timer);
}

// Calls that go on by themselves after a stop.
static void stopped(void)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct timespec time = {0, 300000000}, rest = {0, 0};
        uint32_t unchanged = 0;
        int slept = nanosleep(&time, &rest);
        long waited = futex(&unchanged, FUTEX_WAIT, 0, (uintptr_t)&time, NULL, 0);
        int polled = poll(NULL, 0, 300);
        printf("slept %d, waited %ld, polled %d\n", slept, waited, polled);
        fflush(stdout);
        _exit(0);
    }
    int status;
    for (int n = 0; n < 8; n++) {
        usleep(50000);
        kill(child, SIGSTOP);
        assert(waitpid(child, &status, WUNTRACED) == child);
        if (!WIFSTOPPED(status))
            return;
        kill(child, SIGCONT);
    }
    waitpid(child, &status, 0);
}

static void *blocks(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void *spins(void *unused)
{
    for (;;)
        ;
    return unused;
}

static void ends(void)
{
    pthread_t thread;
    printf("exit_group: %x\n",
           IN_CHILD(pthread_create(&thread, NULL, blocks, NULL);
                    pthread_create(&thread, NULL, spins, NULL); usleep(5000); _exit(41)));
    printf("a thread's signal: %x\n",
           IN_CHILD(pthread_create(&thread, NULL, spins, NULL); usleep(5000);
                    pthread_kill(thread, SIGTERM); pause()));
    struct rlimit some = {1 << 30, 1 << 30};
    printf("core: %x\n", IN_CHILD(setrlimit(RLIMIT_CORE, &some); abort()));
    printf("not dumpable: %x\n",
           IN_CHILD(setrlimit(RLIMIT_CORE, &some); prctl(PR_SET_DUMPABLE, 0); abort()));
}

static const char *said(long result)
{
    return result < 0 ? strerror(errno) : "done";
}

/* Maps where nothing is. Whoever else maps memory in this process, the engine too,
   may be faster: then once more, elsewhere. */
static const char *into_a_hole(size_t page)
{
    long result = -1;
    for (int n = 0; n < 10 && result < 0; n++) {
        char *hole = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        munmap(hole, page);
        result = (long)mmap(hole, page, PROT_READ,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    }
    return said(result);
}

static void memory(void)
{
    size_t page = 4096;
    char *at = mmap(NULL, 16 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(at, 7, 16 * page);
    char *moved = mremap(at, 4 * page, 8 * page, MREMAP_MAYMOVE);
    // What is moved away leaves a hole, which anybody may take.
    mmap(at, 4 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    printf("moved %d %d\n", moved != at, moved[4 * page - 1]);
    printf("fixed %d\n", mremap(moved, 8 * page, 2 * page, MREMAP_MAYMOVE | MREMAP_FIXED,
                                at + 8 * page) == at + 8 * page);
    printf("in place %s\n", said((long)mremap(at + 4 * page, page, 64 * page, 0)));
    madvise(at + 8 * page, page, MADV_WIPEONFORK);
    madvise(at + 12 * page, page, MADV_DONTFORK);
    printf("wiped %x, gone %x\n", IN_CHILD(_exit(at[8 * page])), IN_CHILD(
        unsigned char there; _exit(mincore(at + 12 * page, page, &there) ? errno : 99)));
    madvise(at + 9 * page, page, MADV_DONTNEED);
    printf("zero %d, advice %s\n", at[9 * page], said(madvise(at, page, 999)));
    int *shared = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    IN_CHILD(*shared = 55);
    printf("shared %d, protected %s\n", *shared,
           said(mprotect(at + 100 * page * 100, page, PROT_READ)));
    printf("grows %s\n", into_a_hole(page));
}

static void newer(const char *place)
{
    char path[500], bytes[20] = "";
    snprintf(path, sizeof path, "%s/file", place);
    int fd = open(path, O_RDWR | O_CREAT, 0600), directory = open(place, O_DIRECTORY);
    assert(write(fd, "0123456789", 10) == 10);
    struct { uint64_t flags, mode, resolve; } how = {O_RDONLY, 0, 8};
    printf("openat2: %s, ", said(syscall(437, directory, "file", &how, sizeof how)));
    printf("%s, ", said(syscall(437, directory, "../file", &how, sizeof how)));
    printf("%s\n", said(syscall(437, directory, "file", &how, 8)));
    int copy = dup(fd);
    printf("close_range: %s, ", said(syscall(436, copy, copy, 4)));
    printf("%d\n", fcntl(copy, F_GETFD));
    struct { uint64_t offset, length; } range = {0, 4096};
    uint64_t cached[5];
    printf("cachestat: %s\n", said(syscall(451, fd, &range, cached, 0)));
    struct iovec local = {bytes, 5}, remote = {"abcde", 5};
    printf("process_vm_readv: %zd, ", process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
    printf("%s\n", bytes);
    int self = syscall(434, getpid(), 0);
    printf("pidfd: %d, signal %s\n", self >= 0, said(syscall(424, self, 0, NULL, 0)));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(9);
    siginfo_t info;
    int of_child = syscall(434, child, 0);
    printf("waitid: %d, ", waitid((idtype_t)3, of_child, &info, WEXITED));
    printf("%d\n", info.si_status);
    struct timespec little = {0, 1000000};
    struct epoll_event events[1];
    printf("epoll_pwait2: %ld\n", syscall(441, epoll_create1(0), events, 1, &little, NULL, 8));
    printf("landlock: %d\n", syscall(444, NULL, 0, 1) > 0);
    printf("membarrier: %d\n", syscall(SYS_membarrier, 0, 0, 0) > 0);
    printf("keyctl: %d\n", syscall(SYS_keyctl, 0, -3, 0) > 0 || errno == ENOSYS || errno == EPERM);
    void *mapping = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("mseal: %s, ", said(syscall(462, mapping, 4096, 0)));
    printf("%s\n", said(munmap(mapping, 4096)));
    printf("statmount: %s\n", said(syscall(457, NULL, NULL, 0, 0)));
    struct iovec advised = {mapping, 4096};
    printf("process_madvise: %ld\n", syscall(440, self, &advised, 1, 20, 0));
    aio_context_t context = 0;
    printf("io_setup: %s\n", said(syscall(SYS_io_setup, 2, &context)));
    struct iocb request = {.aio_fildes = fd, .aio_lio_opcode = IOCB_CMD_PREAD,
                           .aio_buf = (uintptr_t)bytes, .aio_nbytes = 4, .aio_offset = 2};
    struct iocb *requests[1] = {&request};
    struct io_event event;
    printf("io_submit: %ld, ", syscall(SYS_io_submit, context, 1, requests));
    printf("%ld, ", syscall(SYS_io_getevents, context, 1, 1, &event, NULL));
    printf("%lld %.4s, %s\n", (long long)event.res, bytes, said(syscall(SYS_io_destroy, context)));
    printf("fanotify: %d\n", syscall(SYS_fanotify_init, 0x100, 0) >= 0 || errno == EPERM);
    printf("fchmodat2: %s, faccessat2: %s\n", said(syscall(452, directory, "file", 0400, 0x100)),
           said(syscall(439, directory, "file", 4, 0x100)));
    printf("quotactl_fd: %d\n", (int)syscall(443, -1, 0, 0, NULL));
    printf("no call: %s\n", said(syscall(999)));
}

int main(int count, char **arguments)
{
    assert(count == 2 && chdir(arguments[1]) == 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    all_signals();
    by_signalfd();
    futexes();
    timers();
    stopped();
    ends();
    memory();
    newer(arguments[1]);
    return 0;
}
