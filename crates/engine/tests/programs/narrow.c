// What a program with words of 32 bits sees of the kernel: structures whose words are as wide,
// positions and times of 64 bits, calls that only such programs have. It prints the same
// wherever it runs, natively on i386 for one.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "narrow.h"

static char folder[64] = "/tmp/narrow-XXXXXX";

static long long late(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static void files(void) {
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC | O_LARGEFILE, 0640);
    struct stat64 about;
    SAY(ftruncate64(fd, 5ll << 32));
    SAY(fstat64(fd, &about));
    printf("size %lld, mode %o, links %ld\n", (long long)about.st_size, about.st_mode,
           (long)about.st_nlink);
    struct stat64 again;
    SAY(stat64("file", &again));
    SAY(lstat64("file", &again));
    printf("%d %d %d\n", about.st_ino == again.st_ino, about.st_dev == again.st_dev,
           about.st_mtim.tv_nsec == again.st_mtim.tv_nsec);
    // The old structure has no room for the size.
    char old[256];
    SAY(syscall(SYS_stat, "file", old));
    SAY(syscall(SYS_fstat, fd, old));
    SAY(pwrite64(fd, "high", 4, (1ll << 32) + 3));
    char text[8] = "";
    SAY(pread64(fd, text, 4, (1ll << 32) + 3));
    printf("%s\n", text);
    struct iovec parts[2] = {{text + 2, 2}, {text, 2}};
    SAY(preadv64(fd, parts, 2, (1ll << 32) + 3));
    printf("%s\n", text);
    SAY(pwritev64(fd, parts, 2, 3ll << 32));
    SAY(pwritev64v2(fd, parts, 2, 7ll << 32, 0));
    parts[0].iov_len = -1;
    SAY(readv(fd, parts, 2));
    SAY(syscall(SYS_readv, fd, parts, 1025));
    printf("%lld\n", (long long)lseek64(fd, -4, SEEK_END));
    SAY(lseek(fd, 0, SEEK_CUR));
    SAY(syscall(SYS_lseek, fd, 100, SEEK_SET));
    SAY(posix_fadvise64(fd, 1ll << 33, 1ll << 34, POSIX_FADV_DONTNEED));
    SAY(posix_fadvise64(fd, 0, 0, 99));
    SAY(sync_file_range(fd, 1ll << 32, 4096, SYNC_FILE_RANGE_WRITE));
    SAY(readahead(fd, 1ll << 32, 4096));
    SAY(fallocate64(fd, FALLOC_FL_KEEP_SIZE, 1ll << 32, 4096));
    SAY(truncate64("file", 10));
    SAY(truncate64("file", 1ll << 40));
    SAY(truncate64("file", -1));
    SAY(syscall(SYS_stat, "file", old));
    SAY(truncate64("file", 100));
    SAY(syscall(SYS_stat, "file", old));
    struct statfs64 system;
    SAY(statfs64(".", &system));
    printf("%d %d %d\n", system.f_bsize > 0, system.f_blocks >= system.f_bfree,
           system.f_namelen == 255);
    SAY(fstatfs64(fd, &system));
    SAY(syscall(SYS_statfs64, ".", 77, &system));
    struct timespec when[2] = {{1234567890, 5}, {987654321, 999999999}};
    SAY(utimensat(AT_FDCWD, "file", when, 0));
    stat64("file", &about);
    printf("%lld.%ld %lld.%ld\n", (long long)about.st_atim.tv_sec, about.st_atim.tv_nsec,
           (long long)about.st_mtim.tv_sec, about.st_mtim.tv_nsec);
    struct timeval then[2] = {{77, 5}, {88, 999999}};
    SAY(utimes("file", then));
    stat64("file", &about);
    printf("%lld.%ld %lld.%ld\n", (long long)about.st_atim.tv_sec, about.st_atim.tv_nsec,
           (long long)about.st_mtim.tv_sec, about.st_mtim.tv_nsec);
    then[0].tv_usec = 1000000;
    SAY(utimes("file", then));
    SAY(futimesat(AT_FDCWD, "file", NULL));
    SAY(link("file", "other"));
    SAY(symlink("other", "link"));
    SAY(readlink("link", text, sizeof text));
    SAY(lchown("link", getuid(), getgid()));
    SAY(chown("link", -1, -1));
    SAY(syscall(SYS_chown, "link", 0xffff, 0xffff));
    SAY(chmod("link", 0600));
    SAY(access("link", R_OK));
    SAY(access("none", R_OK));
    SAY(rename("other", "third"));
    SAY(mkdir("inside", 0700));
    SAY(rmdir("inside"));
    SAY(creat("made", 0600) > 0);
    SAY(unlink("made"));
    SAY(mkfifo("pipe", 0600));
    SAY(unlink("third"));
    SAY(open("none", O_RDONLY | O_DIRECTORY));
    SAY(open("file", O_RDONLY | O_DIRECTORY));
    SAY(open("link", O_RDONLY | O_NOFOLLOW));
    printf("flags %o\n", fcntl(fd, F_GETFL) & ~O_LARGEFILE);
    off64_t from = 10;
    int to = open("copy", O_RDWR | O_CREAT, 0600);
    SAY(sendfile64(to, fd, &from, 50) == 50 && from == 60);
    from = 0;
    SAY(copy_file_range(fd, &from, to, NULL, 20, 0));
    close(to);
    close(fd);
}

static void locks(void) {
    int fd = open("file", O_RDWR);
    struct flock64 wide = {F_WRLCK, SEEK_SET, 5ll << 32, 77, 0};
    SAY(fcntl(fd, F_SETLK64, &wide));
    pid_t child = fork();
    if (child == 0) {
        struct flock64 found = {F_RDLCK, SEEK_SET, 0, 0, 0};
        SAY(fcntl(fd, F_GETLK64, &found));
        printf("%d %lld %lld %d\n", found.l_type == F_WRLCK, (long long)found.l_start,
               (long long)found.l_len, found.l_pid == getppid());
        // In the old structure it has no room.
        struct {
            short type, whence;
            int start, length, process;
        } narrow = {F_RDLCK, SEEK_SET, 0, 0, 0};
        SAY(syscall(SYS_fcntl64, fd, 5, &narrow));
        narrow.length = 100;
        SAY(syscall(SYS_fcntl64, fd, 6, &narrow));
        SAY(syscall(SYS_fcntl64, fd, 5, &narrow));
        printf("%d\n", narrow.type == F_UNLCK);
        found.l_pid = 0;
        SAY(fcntl(fd, F_OFD_GETLK, &found));
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    close(fd);
}

// Positions in a directory fit into words, and lead back.
static void directories(void) {
    enum { COUNT = 700 };
    char name[32];
    mkdir("many", 0700);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "many/entry-%d", i);
        close(open(name, O_CREAT | O_WRONLY, 0600));
    }
    DIR *all = opendir("many");
    int seen = 0;
    long middle = 0;
    char at[256] = "";
    struct dirent *entry;
    while ((errno = 0, entry = readdir(all))) {
        seen++;
        if (seen == 300)
            middle = telldir(all);
        if (seen == 301)
            strcpy(at, entry->d_name);
    }
    printf("%d entries, %s\n", seen, error(-!!errno));
    seekdir(all, middle);
    entry = readdir(all);
    printf("%d\n", entry && !strcmp(entry->d_name, at));
    rewinddir(all);
    for (seen = 0; readdir(all);)
        seen++;
    printf("%d\n", seen);
    closedir(all);
    int fd = open("many", O_RDONLY | O_DIRECTORY);
    char buffer[1024];
    SAY(syscall(SYS_getdents, fd, buffer, 10));
    SAY(syscall(SYS_getdents, fd, buffer, sizeof buffer) > 0);
    close(fd);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "many/entry-%d", i);
        unlink(name);
    }
    SAY(rmdir("many"));
    fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
    all = fdopendir(fd);
    for (seen = 0; readdir(all);)
        seen++;
    printf("%d descriptors\n", seen - 2);
    closedir(all);
}

static siginfo_t told;
static volatile sig_atomic_t count;

// A file of /proc that differs between machines: none of its file system's attributes.
static void texts(void) {
    int fd = open("/proc/self/maps", O_RDONLY), flags = 0;
    SAY(ioctl(fd, FS_IOC_GETFLAGS, &flags));
    close(fd);
}

static void note(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    told = *info;
    count++;
}

static void plain(int signal) { count += signal == SIGUSR2; }

static sigjmp_buf back;
static void *volatile place;

static void leave(int signal, siginfo_t *info, void *context) {
    ucontext_t *at = context;
    place = info->si_addr;
    printf("signal %d code %d, mask %d\n", signal, info->si_code,
           sigismember(&at->uc_sigmask, SIGUSR1));
    sigaddset(&at->uc_sigmask, SIGUSR2);
    siglongjmp(back, 1);
}

static void signals(void) {
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGRTMIN, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGCHLD, &action, NULL);
    kill(getpid(), SIGUSR1);
    printf("%d %d %d %d\n", told.si_signo, told.si_code, told.si_pid == getpid(),
           told.si_uid == getuid());
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_ptr = (void *)0xfedcba98});
    printf("%d %d %p\n", told.si_signo, told.si_code, told.si_value.sival_ptr);
    raise(SIGUSR1);
    printf("%d\n", told.si_code);
    // An action of the oldest kind.
    struct {
        void (*handler)(int);
        unsigned long mask, flags;
        void (*restorer)(void);
    } old = {plain, 1ul << (SIGUSR1 - 1), 0, NULL}, before;
    struct sigaction now = {.sa_handler = plain};
    sigaction(SIGUSR2, &now, NULL);
    sigaction(SIGUSR2, NULL, &now);
    SAY(syscall(SYS_sigaction, SIGUSR2, NULL, &before));
    printf("%d %lu\n", before.handler == plain, before.mask);
    old.flags = before.flags, old.restorer = before.restorer;
    SAY(syscall(SYS_sigaction, SIGUSR2, &old, NULL));
    sigaction(SIGUSR2, NULL, &now);
    printf("%d %d\n", sigismember(&now.sa_mask, SIGUSR1), sigismember(&now.sa_mask, SIGRTMIN));
    count = 0;
    raise(SIGUSR2);
    printf("count %d\n", count);
    unsigned long set = 1ul << (SIGUSR2 - 1), was = 0;
    sigset_t high, all;
    sigemptyset(&high);
    sigaddset(&high, SIGRTMIN + 3);
    sigprocmask(SIG_SETMASK, &high, NULL);
    SAY(syscall(SYS_sigprocmask, SIG_SETMASK, &set, &was));
    sigprocmask(SIG_BLOCK, NULL, &all);
    printf("%lu %d %d\n", was, sigismember(&all, SIGUSR2), sigismember(&all, SIGRTMIN + 3));
    raise(SIGUSR2);
    SAY(syscall(SYS_sigpending, &was));
    printf("%lx\n", was);
    count = 0;
    SAY(sigsuspend(&(sigset_t){0}));
    printf("count %d\n", count);
    sigemptyset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    // One that is waited for.
    sigaddset(&all, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &all, NULL);
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = -5});
    siginfo_t info;
    SAY(sigwaitinfo(&all, &info) == SIGRTMIN);
    printf("%d %d\n", info.si_value.sival_int, info.si_code);
    SAY(sigtimedwait(&all, &info, &(struct timespec){0, 1000}));
    int fd = signalfd(-1, &all, 0);
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 6});
    struct signalfd_siginfo record;
    SAY(read(fd, &record, sizeof record));
    printf("%d %d\n", record.ssi_int, record.ssi_signo == (unsigned)SIGRTMIN);
    close(fd);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    // A fault, on another stack.
    char *room = malloc(65536);
    stack_t stack = {.ss_sp = room, .ss_size = 65536}, other;
    SAY(sigaltstack(&stack, NULL));
    SAY(sigaltstack(NULL, &other));
    printf("%d %d %zu\n", other.ss_sp == room, other.ss_flags, other.ss_size);
    action = (struct sigaction){.sa_sigaction = leave, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaddset(&action.sa_mask, SIGUSR1);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    if (!sigsetjmp(back, 1))
        *(volatile int *)0x1234 = 1;
    printf("at %p\n", place);
    char *closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!sigsetjmp(back, 1))
        (void)*(volatile char *)(closed + 5);
    printf("%d\n", place == closed + 5);
    int empty = open("empty", O_RDWR | O_CREAT, 0600);
    closed = mmap(NULL, 4096, PROT_READ, MAP_SHARED, empty, 0);
    if (!sigsetjmp(back, 1))
        (void)*(volatile char *)(closed + 7);
    printf("%d\n", place == closed + 7);
    close(empty);
}

static void children(void) {
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    siginfo_t info;
    struct rusage usage;
    memset(&info, 0xff, sizeof info);
    SAY(waitid(P_PID, child, &info, WEXITED | WNOWAIT));
    printf("%d %d %d %d %d\n", info.si_signo, info.si_code, info.si_pid == child,
           info.si_uid == getuid(), info.si_status);
    int status;
    SAY(wait4(child, &status, 0, &usage) == child);
    printf("%x %d\n", status, usage.ru_maxrss > 0);
    printf("told of %d: %d %d\n", told.si_signo, told.si_code, told.si_status);
    child = vfork();
    if (child == 0)
        _exit(9);
    waitpid(child, &status, 0);
    printf("%x\n", status);
    SAY(waitpid(-1, &status, 0));
    memset(&info, 0x55, sizeof info);
    SAY(waitid(P_ALL, 0, &info, WEXITED));
    printf("%x %x %x %x %x\n", info.si_signo, info.si_errno, info.si_code, info.si_pid, info.si_status);
    struct tms times_of;
    SAY(times(&times_of) != -1);
    SAY(getrusage(RUSAGE_SELF, &usage));
    struct rlimit limit = {100, 200}, now;
    SAY(setrlimit(RLIMIT_CORE, &limit));
    SAY(getrlimit(RLIMIT_CORE, &now));
    printf("%lu %lu\n", (unsigned long)now.rlim_cur, (unsigned long)now.rlim_max);
    SAY(getrlimit(RLIMIT_AS, &now));
    printf("%d\n", now.rlim_cur == RLIM_INFINITY);
    SAY(getpriority(PRIO_PROCESS, 0));
    SAY(nice(1) >= 0);
}

static void clocks(void) {
    struct timespec now, resolution;
    SAY(clock_gettime(CLOCK_REALTIME, &now));
    printf("%d\n", now.tv_sec > 1600000000);
    SAY(clock_getres(CLOCK_MONOTONIC, &resolution));
    printf("%lld %ld\n", (long long)resolution.tv_sec, resolution.tv_nsec);
    SAY(clock_gettime(99, &now));
    struct timeval day;
    SAY(gettimeofday(&day, NULL));
    printf("%d\n", llabs((long long)day.tv_sec - time(NULL)) < 2);
    long long before = late(CLOCK_MONOTONIC);
    SAY(usleep(20000));
    printf("%d\n", late(CLOCK_MONOTONIC) - before >= 20000000);
    struct timespec wrong = {0, 1000000000};
    SAY(nanosleep(&wrong, NULL));
    // Interrupted: what is left is told.
    struct itimerval alarm = {{0, 0}, {0, 30000}}, old;
    struct timespec left = {0, 0}, wanted = {5, 0};
    SAY(setitimer(ITIMER_REAL, &alarm, NULL));
    SAY(nanosleep(&wanted, &left));
    printf("%d\n", left.tv_sec == 4);
    SAY(getitimer(ITIMER_REAL, &old));
    printf("%lld %lld\n", (long long)old.it_value.tv_sec, (long long)old.it_value.tv_usec);
    SAY(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){1, 0}, NULL));
    // Interrupted before an absolute time: nothing is told. The C library would hide it.
    struct timespec end;
    SAY(clock_gettime(CLOCK_MONOTONIC, &end));
    int32_t until[2] = {end.tv_sec + 5, end.tv_nsec}, untold[2] = {7, 7};
    SAY(setitimer(ITIMER_REAL, &alarm, NULL));
    SAY(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, until, untold));
    printf("%d %d\n", untold[0], untold[1]);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    event.sigev_value.sival_ptr = (void *)0x87654321;
    SAY(timer_create(CLOCK_MONOTONIC, &event, &timer));
    struct itimerspec spec = {{0, 0}, {0, 10000000}}, was;
    SAY(timer_settime(timer, 0, &spec, &was));
    while (told.si_code != SI_TIMER)
        pause();
    printf("%d %p %d\n", told.si_signo, told.si_value.sival_ptr, told.si_overrun);
    SAY(timer_gettime(timer, &was));
    printf("%lld\n", (long long)was.it_value.tv_sec);
    SAY(timer_delete(timer));
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    spec = (struct itimerspec){{7, 5}, {0, 1000000}};
    SAY(timerfd_settime(fd, 0, &spec, NULL));
    unsigned long long expired;
    SAY(read(fd, &expired, 8));
    SAY(timerfd_gettime(fd, &was));
    printf("%llu %lld %ld\n", expired, (long long)was.it_interval.tv_sec, was.it_interval.tv_nsec);
    close(fd);
    struct pollfd none = {-1, 0, 0};
    SAY(poll(&none, 1, 10));
    SAY(ppoll(&none, 1, &(struct timespec){0, 1000000}, NULL));
    SAY(select(0, NULL, NULL, NULL, &(struct timeval){0, 1000}));
    SAY(select(0, NULL, NULL, NULL, &(struct timeval){-1, 0}));
    int pipes[2];
    SAY(pipe(pipes));
    SAY(write(pipes[1], "x", 1));
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipes[0], &set);
    SAY(select(pipes[0] + 1, &set, NULL, NULL, NULL));
    printf("%d\n", !!FD_ISSET(pipes[0], &set));
    SAY(pselect(pipes[0] + 1, &set, NULL, NULL, &(struct timespec){1, 0}, &(sigset_t){0}));
    // Nothing is written behind the words that a set has.
    unsigned sets[2] = {1u << pipes[0], 0xdeadbeef};
    SAY(syscall(SYS__newselect, 32, sets, NULL, NULL, NULL));
    printf("%x\n", sets[1]);
    int poller = epoll_create1(0);
    struct epoll_event ready = {EPOLLIN, {.u64 = 0x1122334455667788}};
    SAY(epoll_ctl(poller, EPOLL_CTL_ADD, pipes[0], &ready));
    memset(&ready, 0, sizeof ready);
    SAY(epoll_wait(poller, &ready, 1, 100));
    printf("%x %llx\n", ready.events, (unsigned long long)ready.data.u64);
    close(poller), close(pipes[0]), close(pipes[1]);
    int word = 5;
    SAY(syscall(SYS_futex, &word, FUTEX_WAIT, 5, &(long[2]){0, 1000000}));
    SAY(syscall(SYS_futex, &word, FUTEX_WAIT, 4, NULL));
    SAY(syscall(SYS_futex, &word, FUTEX_WAKE, 1));
    SAY(syscall(SYS_futex_time64, &word, FUTEX_WAIT, 5, &(long long[2]){0, 1000000}));
}

static void messages(void) {
    int pair[2];
    SAY(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    struct iovec parts[2] = {{"he", 2}, {"llo", 3}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    SAY(sendmsg(pair[0], &message, 0));
    char text[16] = "", control[256];
    struct iovec part = {text, 4};
    struct msghdr got = {.msg_iov = &part, .msg_iovlen = 1};
    SAY(recvmsg(pair[1], &got, 0));
    printf("%s %x\n", text, got.msg_flags);
    // A descriptor goes along, and who sends it.
    int one = 1;
    SAY(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof one));
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr head;
    } with = {0};
    message.msg_control = &with, message.msg_controllen = sizeof with;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET, head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(2 * sizeof(int));
    memcpy(CMSG_DATA(head), (int[]){1, pair[0]}, 2 * sizeof(int));
    SAY(sendmsg(pair[0], &message, 0));
    part.iov_len = sizeof text;
    got.msg_control = control, got.msg_controllen = sizeof control;
    SAY(recvmsg(pair[1], &got, 0));
    printf("%zu\n", (size_t)got.msg_controllen);
    for (head = CMSG_FIRSTHDR(&got); head; head = CMSG_NXTHDR(&got, head)) {
        printf("control %d %d %zu", head->cmsg_level, head->cmsg_type, (size_t)head->cmsg_len);
        if (head->cmsg_type == SCM_CREDENTIALS)
            printf(" %d", ((struct ucred *)CMSG_DATA(head))->pid == getpid());
        printf("\n");
    }
    struct mmsghdr many[2] = {{{.msg_iov = parts, .msg_iovlen = 2}, 0},
                              {{.msg_iov = parts, .msg_iovlen = 1}, 0}};
    SAY(sendmmsg(pair[0], many, 2, 0));
    printf("%u %u\n", many[0].msg_len, many[1].msg_len);
    struct mmsghdr some[3] = {0};
    for (int i = 0; i < 3; i++)
        some[i].msg_hdr.msg_iov = &part, some[i].msg_hdr.msg_iovlen = 1;
    SAY(recvmmsg(pair[1], some, 3, MSG_DONTWAIT, NULL));
    printf("%u %u\n", some[0].msg_len, some[1].msg_len);
    struct timeval limit = {3, 5000}, found = {0};
    socklen_t length = sizeof found;
    SAY(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
    SAY(getsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &found, &length));
    printf("%lld %d %u\n", (long long)found.tv_sec, found.tv_usec >= 5000, length);
    int size = 0;
    length = sizeof size;
    SAY(getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &size, &length));
    printf("%d\n", size);
    SAY(send(pair[0], "four", 4, 0));
    SAY(ioctl(pair[1], FIONREAD, &size));
    printf("%d\n", size);
    SAY(recv(pair[1], text, sizeof text, MSG_DONTWAIT));
    SAY(recv(pair[1], text, sizeof text, MSG_DONTWAIT));
    SAY(shutdown(pair[0], SHUT_RDWR));
    close(pair[0]), close(pair[1]);
    // A structure with a pointer in it.
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq interfaces[8];
    struct ifconf list = {.ifc_len = sizeof interfaces, .ifc_req = interfaces};
    SAY(ioctl(fd, SIOCGIFCONF, &list));
    printf("%d\n", list.ifc_len % (int)sizeof *interfaces);
    SAY(accept(fd, NULL, NULL));
    close(fd);
}

static void queues(void) {
    int queue = msgget(IPC_PRIVATE, 0600);
    struct {
        long kind;
        char text[8];
    } message = {5, "queued"}, got;
    SAY(msgsnd(queue, &message, 7, 0));
    SAY(msgrcv(queue, &got, 8, 0, 0));
    printf("%ld %s\n", got.kind, got.text);
    struct msqid_ds about;
    SAY(msgctl(queue, IPC_STAT, &about));
    printf("%o %lu\n", about.msg_perm.mode, (unsigned long)about.msg_qbytes);
    SAY(msgctl(queue, IPC_RMID, NULL));
    int semaphores = semget(IPC_PRIVATE, 3, 0600);
    unsigned short values[3] = {1, 2, 3};
    union {
        int value;
        struct semid_ds *about;
        unsigned short *values;
    } argument = {.values = values};
    SAY(semctl(semaphores, 0, SETALL, argument));
    argument.value = 9;
    SAY(semctl(semaphores, 1, SETVAL, argument));
    SAY(semctl(semaphores, 1, GETVAL));
    SAY(semop(semaphores, &(struct sembuf){1, -4, 0}, 1));
    SAY(semtimedop(semaphores, &(struct sembuf){1, -40, 0}, 1, &(struct timespec){0, 1000000}));
    struct semid_ds set;
    argument.about = &set;
    SAY(semctl(semaphores, 0, IPC_STAT, argument));
    printf("%lu %o\n", (unsigned long)set.sem_nsems, set.sem_perm.mode);
    SAY(semctl(semaphores, 0, IPC_RMID));
    int memory = shmget(IPC_PRIVATE, 5000, 0600);
    int *shared = shmat(memory, NULL, 0);
    printf("%d\n", shared != (void *)-1);
    *shared = 5;
    struct shmid_ds segment;
    SAY(shmctl(memory, IPC_STAT, &segment));
    printf("%lu %lu\n", (unsigned long)segment.shm_segsz, (unsigned long)segment.shm_nattch);
    SAY(shmdt(shared));
    SAY(shmctl(memory, IPC_RMID, NULL));
    struct mq_attr attributes = {0, 3, 100, 0, {0}}, now;
    char name[32];
    snprintf(name, sizeof name, "/narrow-%d", getpid());
    mqd_t posix = mq_open(name, O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attributes);
    mq_unlink(name);
    SAY(mq_getattr(posix, &now));
    printf("%ld %ld %ld\n", now.mq_maxmsg, now.mq_msgsize, now.mq_curmsgs);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    event.sigev_value.sival_int = 123;
    SAY(mq_notify(posix, &event));
    SAY(mq_send(posix, "posix", 6, 7));
    printf("%d %d\n", told.si_code, told.si_value.sival_int);
    char text[100];
    unsigned priority;
    SAY(mq_timedreceive(posix, text, sizeof text, &priority, &(struct timespec){1, 0}));
    printf("%s %u\n", text, priority);
    mq_close(posix);
}

static void *locker(void *mutex) {
    pthread_mutex_lock(mutex);
    return NULL;
}

static __thread int own = 5;

static void *told_page(void) { return &told; }

static void *adder(void *to) {
    for (int i = 0; i < 10000; i++)
        __atomic_add_fetch((long long *)to, 1, __ATOMIC_SEQ_CST);
    own++;
    return (void *)(long)own;
}

static void threads(void) {
    pthread_mutexattr_t robust;
    pthread_mutexattr_init(&robust);
    pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_t mutex;
    pthread_mutex_init(&mutex, &robust);
    pthread_t thread;
    pthread_create(&thread, NULL, locker, &mutex);
    pthread_join(thread, NULL);
    printf("%s\n", strerrorname_np(pthread_mutex_lock(&mutex)));
    long long sum = 0;
    pthread_t several[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&several[i], NULL, adder, &sum);
    long last = 0;
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(several[i], &result);
        last += (long)result;
    }
    printf("%lld %ld %d\n", sum, last, own);
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    pthread_mutex_t other = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&other);
    printf("%s\n", strerrorname_np(pthread_cond_timedwait(&condition, &other, &soon)));
}

static void memory(void) {
    int fd = open("large", O_RDWR | O_CREAT, 0600);
    SAY(ftruncate64(fd, (1ll << 33) + 8192));
    SAY(pwrite64(fd, "page", 5, (1ll << 33) + 4096));
    // An offset that has no room in a word of bytes.
    char *page = mmap64(NULL, 4096, PROT_READ, MAP_SHARED, fd, (1ll << 33) + 4096);
    printf("%s\n", page);
    SAY(munmap(page, 4096));
    SAY(mmap64(NULL, 4096, PROT_READ, MAP_SHARED, fd, 77) == MAP_FAILED);
    // Past the last address, which is said before that no page begins there.
    mmap((void *)-1, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    printf("%s\n", strerrorname_np(errno));
    mmap((void *)0xffffe001, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    printf("%s\n", strerrorname_np(errno));
    close(fd);
    unlink("large");
    char *some = mmap(NULL, 3 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    some[0] = 'a', some[(3 << 20) - 1] = 'z';
    some = mremap(some, 3 << 20, 64 << 20, MREMAP_MAYMOVE);
    printf("%c %c\n", some[0], some[(3 << 20) - 1]);
    SAY(munmap(some, 64 << 20));
    // Two GiB in one piece.
    char *huge = mmap(NULL, 1u << 31, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    printf("%d\n", huge != MAP_FAILED);
    if (huge != MAP_FAILED) {
        huge[(1u << 31) - 1] = 5;
        SAY(munmap(huge, 1u << 31));
    }
    // All is used up in the end, and all is well then.
    static void *pieces[64];
    int had = 0;
    while (had < 64 && (pieces[had] = mmap(NULL, 256 << 20, PROT_NONE,
                                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) !=
                           MAP_FAILED)
        had++;
    printf("%d %s\n", had > 8 && had < 16, strerrorname_np(errno));
    while (had > 0)
        munmap(pieces[--had], 256 << 20);
    char *end = sbrk(0);
    SAY(brk(end + 100000));
    end[99999] = 1;
    SAY(brk(end));
    struct iovec mine = {&(char[4]){0}, 4}, others = {"else", 4};
    SAY(process_vm_readv(getpid(), &mine, 1, &others, 1, 0));
    printf("%.4s\n", (char *)mine.iov_base);
    unsigned char resident[1];
    SAY(mincore((void *)((long)told_page() & -4096), 4096, resident));
    SAY(msync((void *)((long)told_page() & -4096), 4096, MS_ASYNC));
}

static void identities(void) {
    unsigned short ids[3];
    SAY(syscall(SYS_getuid) == (getuid() > 0xffff ? 65534 : getuid()));
    SAY(syscall(SYS_getresuid, &ids[0], &ids[1], &ids[2]));
    printf("%d\n", ids[0] == ids[1]);
    unsigned short groups[64];
    SAY(syscall(SYS_getgroups, 0, NULL) == getgroups(0, NULL));
    SAY(syscall(SYS_getgroups, 64, groups) == getgroups(0, NULL));
    SAY(syscall(SYS_setresuid, 0xffff, 0xffff, 0xffff));
    struct sysinfo about;
    SAY(sysinfo(&about));
    printf("%d\n", about.mem_unit >= 1 && about.totalram > about.freeram && about.procs > 0);
    cpu_set_t set;
    SAY(sched_getaffinity(0, sizeof set, &set));
    printf("%d\n", CPU_COUNT(&set) > 0);
    SAY(syscall(SYS_sched_getaffinity, 0, 3, &set));
    struct timespec slice;
    SAY(sched_rr_get_interval(0, &slice));
    char name[16] = "";
    SAY(prctl(PR_SET_NAME, "narrower"));
    SAY(prctl(PR_GET_NAME, name));
    printf("%s\n", name);
    SAY(syscall(SYS_personality, 0xffffffff));
    SAY(syscall(SYS_vserver));
    SAY(syscall(400000));
}

int main(int argc, char **argv) {
    (void)argc, (void)argv;
    setvbuf(stdout, NULL, _IONBF, 0);
    if (!mkdtemp(folder) || chdir(folder))
        return 1;
    files();
    locks();
    directories();
    texts();
    signals();
    children();
    clocks();
    messages();
    queues();
    threads();
    memory();
    identities();
    chdir("/");
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) != 0;
}
