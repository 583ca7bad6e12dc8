// System calls whose flags or structures differ between arm64 and x86-64, and
// some that pass: what is read back is what was written.
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <sched.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CHECK(x) do { if (!(x)) { \
    printf("%d: %s: %s\n", __LINE__, #x, strerror(errno)); exit(1); } } while (0)

static void events(void) {
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    CHECK(epoll >= 0);
    int fds[300];
    for (int i = 0; i < 300; i++) {
        fds[i] = eventfd(1, EFD_NONBLOCK);
        CHECK(fds[i] >= 0);
        struct epoll_event e = { EPOLLIN, { .u64 = 0x1234567800000000u + i } };
        CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &e) == 0);
    }
    struct epoll_event out[302];
    memset(out, 0x55, sizeof out);
    int n = epoll_wait(epoll, out, 3, 0);
    CHECK(n == 3);
    for (int i = 0; i < n; i++)
        CHECK(out[i].events == EPOLLIN && out[i].data.u64 >> 32 == 0x12345678);
    // What is not given is not written.
    unsigned char *behind = (unsigned char *)&out[3];
    CHECK(behind[0] == 0x55 && behind[11] == 0x55);
    // Level-triggered: all come in some calls.
    char seen[300] = {0};
    for (int round = 0, count = 0; count < 300 && round < 10; round++) {
        n = epoll_wait(epoll, out, 302, 0);
        CHECK(n > 0);
        for (int i = 0; i < n; i++) {
            unsigned index = (unsigned)out[i].data.u64;
            CHECK(index < 300);
            count += !seen[index];
            seen[index] = 1;
        }
    }
    struct epoll_event *volatile nowhere = (void *)8;
    struct epoll_event e = { EPOLLOUT | EPOLLONESHOT, { .u64 = 99 } };
    CHECK(epoll_ctl(epoll, EPOLL_CTL_DEL, fds[1], NULL) == 0);
    CHECK(epoll_ctl(epoll, EPOLL_CTL_MOD, fds[0], &e) == 0);
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &e) == -1 && errno == EEXIST);
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[1], nowhere) == -1 && errno == EFAULT);
    CHECK(epoll_wait(epoll, out, 0, 0) == -1 && errno == EINVAL);
    CHECK(epoll_wait(epoll, nowhere, 8, 0) == -1 && errno == EFAULT);
#ifdef SYS_epoll_pwait2
    struct timespec zero = {0, 0};
    CHECK(syscall(SYS_epoll_pwait2, epoll, out, 4, &zero, NULL, 8) == 4);
#endif
    for (int i = 0; i < 300; i++)
        close(fds[i]);
    close(epoll);
}

static void ipc(void) {
    int set = semget(IPC_PRIVATE, 3, 0600 | IPC_CREAT);
    CHECK(set >= 0);
    union { int val; struct semid_ds *buf; unsigned short *array; } arg;
    struct { struct semid_ds ds; unsigned long guard; } s = { .guard = 77 };
    arg.buf = &s.ds;
    CHECK(semctl(set, 0, IPC_STAT, arg) == 0);
    CHECK(s.ds.sem_nsems == 3 && s.ds.sem_otime == 0);
    CHECK(s.ds.sem_ctime > 1500000000 && s.ds.sem_ctime <= time(NULL));
    CHECK(s.guard == 77 && (s.ds.sem_perm.mode & 0777) == 0600);
    struct sembuf op = { 1, 5, 0 };
    CHECK(semop(set, &op, 1) == 0);
    CHECK(semctl(set, 0, IPC_STAT, arg) == 0 && s.ds.sem_otime > 1500000000);
    s.ds.sem_perm.mode = 0640;
    CHECK(semctl(set, 0, IPC_SET, arg) == 0);
    CHECK(semctl(set, 0, IPC_STAT, arg) == 0 && (s.ds.sem_perm.mode & 0777) == 0640);
    unsigned short values[3] = { 7, 8, 9 }, back[3];
    arg.array = values;
    CHECK(semctl(set, 0, SETALL, arg) == 0);
    arg.array = back;
    CHECK(semctl(set, 0, GETALL, arg) == 0 && !memcmp(values, back, sizeof back));
    CHECK(semctl(set, 2, GETVAL) == 9);
    CHECK(semctl(set, 0, IPC_RMID) == 0);

    int segment = shmget(IPC_PRIVATE, 10000, 0600 | IPC_CREAT);
    CHECK(segment >= 0);
    char *a = shmat(segment, NULL, 0), *b = shmat(segment, NULL, SHM_RDONLY);
    CHECK(a != (void *)-1 && b != (void *)-1 && a != b);
    strcpy(a + 9000, "shared");
    CHECK(!strcmp(b + 9000, "shared"));
    struct shmid_ds ds;
    CHECK(shmctl(segment, IPC_STAT, &ds) == 0 && ds.shm_segsz == 10000 && ds.shm_nattch == 2);
    CHECK(shmdt(b) == 0 && shmdt(b) == -1 && errno == EINVAL);
    CHECK(shmctl(segment, IPC_RMID, NULL) == 0 && shmdt(a) == 0);

    int queue = msgget(IPC_PRIVATE, 0600 | IPC_CREAT);
    struct { long type; char text[16]; } message = { 5, "a message" }, got;
    CHECK(queue >= 0 && msgsnd(queue, &message, 10, 0) == 0);
    struct msqid_ds mds;
    CHECK(msgctl(queue, IPC_STAT, &mds) == 0 && mds.msg_qnum == 1 && mds.msg_stime > 1500000000);
    CHECK(msgrcv(queue, &got, 16, 5, 0) == 10 && !strcmp(got.text, "a message"));
    CHECK(msgctl(queue, IPC_RMID, NULL) == 0);
}

static void opens(const char *place) {
    CHECK(chdir(place) == 0);
    CHECK(mkdir("d", 0755) == 0 && symlink("d", "l") == 0);
    int fd = open("d", O_RDONLY | O_DIRECTORY);
    CHECK(fd >= 0 && (fcntl(fd, F_GETFL) & O_DIRECTORY));
    close(fd);
    CHECK(open("l", O_RDONLY | O_NOFOLLOW) == -1 && errno == ELOOP);
    fd = open("f", O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0 && open("f", O_RDONLY | O_DIRECTORY) == -1 && errno == ENOTDIR);
    CHECK(!(fcntl(fd, F_GETFL) & (O_DIRECT | O_DIRECTORY | O_NOFOLLOW)));
    CHECK(fcntl(fd, F_SETFL, O_APPEND) == 0 && (fcntl(fd, F_GETFL) & O_APPEND));
    close(fd);
    fd = open("d", O_TMPFILE | O_RDWR, 0600);
    CHECK(fd >= 0 || errno == EOPNOTSUPP);
    close(fd);
    struct open_how how = { .flags = O_RDONLY | O_NOFOLLOW };
    CHECK(syscall(SYS_openat2, AT_FDCWD, "l", &how, sizeof how) == -1 && errno == ELOOP);
    how.flags = O_RDONLY | O_DIRECTORY;
    how.resolve = RESOLVE_BENEATH;
    fd = syscall(SYS_openat2, AT_FDCWD, "d", &how, sizeof how);
    CHECK(fd >= 0);
    close(fd);
    CHECK(syscall(SYS_openat2, AT_FDCWD, "d", &how, 8) == -1 && errno == EINVAL);
    struct { struct open_how how; long more; } larger = { how, 1 };
    CHECK(syscall(SYS_openat2, AT_FDCWD, "d", &larger, sizeof larger) == -1 && errno == E2BIG);
    // What the path may not lead over, also where the engine answers itself.
    how = (struct open_how){ .flags = O_RDONLY, .resolve = RESOLVE_NO_MAGICLINKS };
    CHECK(syscall(SYS_openat2, AT_FDCWD, "/proc/self/exe", &how, sizeof how) == -1 && errno == ELOOP);
    how.resolve = RESOLVE_NO_SYMLINKS;
    CHECK(syscall(SYS_openat2, AT_FDCWD, "/proc/self/maps", &how, sizeof how) == -1
          && errno == ELOOP);
    fd = syscall(SYS_openat2, AT_FDCWD, "/proc/cpuinfo", &how, sizeof how);
    CHECK(fd >= 0);
    close(fd);
    int ends[2];
    CHECK(pipe2(ends, O_DIRECT | O_NONBLOCK | O_CLOEXEC) == 0);
    CHECK(fcntl(ends[1], F_GETFL) == (O_WRONLY | O_DIRECT | O_NONBLOCK));
    CHECK(write(ends[1], "ab", 2) == 2 && write(ends[1], "cd", 2) == 2);
    char text[8];
    CHECK(read(ends[0], text, 8) == 2);
    close(ends[0]), close(ends[1]);
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 5 };
    fd = open("f", O_RDWR);
    CHECK(fcntl(fd, F_SETLK, &lock) == 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0);
    CHECK(lock.l_type == F_WRLCK);
    struct stat s;
    struct statx x;
    CHECK(write(fd, "12345", 5) == 5 && fstat(fd, &s) == 0 && s.st_size == 5 && s.st_nlink == 1);
    CHECK(statx(AT_FDCWD, "f", 0, STATX_ALL, &x) == 0 && x.stx_ino == s.st_ino);
    CHECK(s.st_mode == (S_IFREG | 0600) && s.st_blksize > 0 && s.st_mtim.tv_sec == x.stx_mtime.tv_sec);
    CHECK(lstat("l", &s) == 0 && S_ISLNK(s.st_mode));
    struct statfs f;
    CHECK(fstatfs(fd, &f) == 0 && f.f_bsize > 0 && f.f_namelen > 0);
    if (setxattr("f", "user.a", "value", 5, 0) == 0)
        CHECK(getxattr("f", "user.a", text, 8) == 5 && !memcmp(text, "value", 5));
    else
        CHECK(errno == EOPNOTSUPP);
    int in = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    CHECK(in >= 0 && inotify_add_watch(in, "f", IN_MODIFY) >= 0 && write(fd, "6", 1) == 1);
    struct inotify_event ie;
    CHECK(read(in, &ie, sizeof ie) == sizeof ie && ie.mask == IN_MODIFY);
    close(in), close(fd);
}

static void sockets(void) {
    int pair[2];
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    char control[CMSG_SPACE(sizeof(int))] = {0}, data[4] = "fd";
    struct iovec iov = { data, 3 };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
                        .msg_controllen = sizeof control };
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &pair[0], sizeof(int));
    CHECK(sendmsg(pair[0], &m, 0) == 3);
    memset(control, 0, sizeof control);
    CHECK(recvmsg(pair[1], &m, 0) == 3);
    int got;
    memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof got);
    CHECK(write(got, "x", 1) == 1 && read(pair[1], data, 4) == 1);
    struct ucred cred;
    socklen_t length = sizeof cred;
    CHECK(getsockopt(got, SOL_SOCKET, SO_PEERCRED, &cred, &length) == 0 && cred.pid == getpid());
    struct timeval tv = { 1, 500000 }, back;
    length = sizeof back;
    CHECK(setsockopt(got, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv) == 0);
    CHECK(getsockopt(got, SOL_SOCKET, SO_RCVTIMEO, &back, &length) == 0 && back.tv_sec == 1);

    int nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    CHECK(nl >= 0);
    struct { struct nlmsghdr h; struct rtgenmsg g; } request = {
        { sizeof request, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 }, { AF_UNSPEC } };
    CHECK(send(nl, &request, sizeof request, 0) == sizeof request);
    char answer[32768];
    ssize_t n = recv(nl, answer, sizeof answer, 0);
    CHECK(n > 0 && ((struct nlmsghdr *)answer)->nlmsg_type == RTM_NEWLINK);
    close(nl);
}

static void times(void) {
    struct timespec a, b, r;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &a) == 0);
    CHECK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &b) == 0);
    CHECK(b.tv_sec - a.tv_sec < 60 && (b.tv_sec > a.tv_sec || b.tv_nsec >= a.tv_nsec));
    CHECK(clock_getres(CLOCK_REALTIME, &r) == 0 && r.tv_sec == 0);
    CHECK(clock_gettime(1000, &a) == -1 && errno == EINVAL);
    CHECK(syscall(SYS_clock_gettime, CLOCK_REALTIME, (void *)8) == -1 && errno == EFAULT);
    CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a) == 0 && a.tv_nsec + a.tv_sec > 0);
    struct timeval t;
    CHECK(gettimeofday(&t, NULL) == 0 && t.tv_usec < 1000000);
    long seconds = t.tv_sec - time(NULL);
    CHECK(seconds >= -2 && seconds <= 0);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    struct itimerspec its = { .it_value = { 0, 1000 } };
    uint64_t count;
    CHECK(timer >= 0 && timerfd_settime(timer, 0, &its, NULL) == 0);
    CHECK(read(timer, &count, 8) == 8 && count >= 1);
    close(timer);
}

static void machine(void) {
    struct utsname u;
    CHECK(uname(&u) == 0);
    puts(u.machine);
    struct sysinfo si;
    CHECK(sysinfo(&si) == 0 && si.totalram > 0 && si.mem_unit == 1);
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = 512;
    CHECK(syscall(SYS_setrlimit, RLIMIT_NOFILE, &limit) == 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(limit.rlim_cur == 512);
    CHECK(personality(0xffffffff) >= 0);
    CHECK(personality(0x0400000) >= 0 && (personality(0xffffffff) & 0x0400000));
    CHECK(personality(0) >= 0 && !(personality(0xffffffff) & 0x0400000));
    char name[16];
    CHECK(prctl(PR_SET_NAME, "renamed") == 0 && prctl(PR_GET_NAME, name) == 0);
    CHECK(!strcmp(name, "renamed"));
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    cpu_set_t cpus;
    CHECK(sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_COUNT(&cpus) > 0);
    struct sched_param p;
    CHECK(sched_getparam(0, &p) == 0 && sched_getscheduler(0) == SCHED_OTHER);
    unsigned cpu = 12345;
    CHECK(getcpu(&cpu, NULL) == 0 && cpu < 12345);
    char word[8];
    struct iovec local = { word, 8 }, remote = { "remotes", 8 };
    CHECK(process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 8 && !strcmp(word, "remotes"));
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master >= 0) {
        struct termios t;
        CHECK(tcgetattr(master, &t) == 0);
        t.c_lflag &= ~ECHO;
        t.c_cc[VMIN] = 7;
        CHECK(tcsetattr(master, TCSANOW, &t) == 0 && tcgetattr(master, &t) == 0);
        CHECK(!(t.c_lflag & ECHO) && t.c_cc[VMIN] == 7);
        struct winsize w = { 12, 34, 0, 0 };
        CHECK(ioctl(master, TIOCSWINSZ, &w) == 0);
        memset(&w, 0, sizeof w);
        CHECK(ioctl(master, TIOCGWINSZ, &w) == 0 && w.ws_row == 12 && w.ws_col == 34);
        close(master);
    }
}

// As an arm64 kernel without these answers; only there.
static void refused(void) {
#ifdef __aarch64__
    CHECK(prctl(PR_SVE_GET_VL) == -1 && errno == EINVAL);
    CHECK(prctl(54 /* PR_PAC_RESET_KEYS */, 0, 0, 0, 0) == -1 && errno == EINVAL);
    CHECK(prctl(25 /* PR_GET_TSC */) == -1 && errno == EINVAL);
    CHECK(syscall(SYS_io_uring_setup, 8, NULL) == -1 && errno == ENOSYS);
    CHECK(syscall(SYS_userfaultfd, 0) == -1 && errno == ENOSYS);
    CHECK(syscall(SYS_rseq, NULL, 32, 0, 0) == -1 && errno == ENOSYS);
    CHECK(syscall(SYS_ptrace, 0, 0, 0, 0) == -1 && errno == ENOSYS);
    CHECK(syscall(SYS_pkey_alloc, 0, 0) == -1 && errno == ENOSYS);
    CHECK(syscall(453 /* map_shadow_stack */, 0, 4096, 0) == -1 && errno == EOPNOTSUPP);
    CHECK(syscall(244) == -1 && errno == ENOSYS && syscall(9999) == -1 && errno == ENOSYS);
    CHECK(ioctl(1, 0xae00 /* KVM_GET_API_VERSION */, 0) == -1 && errno == ENOTTY);
    // A 32-bit personality, on a processor with both.
    struct utsname machine;
    CHECK(personality(8) >= 0 && personality(0xffffffff) == 8);
    CHECK(uname(&machine) == 0 && strcmp(machine.machine, "armv8l") == 0);
    CHECK(personality(0) == 8 && uname(&machine) == 0 && strcmp(machine.machine, "aarch64") == 0);
#endif
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    events();
    ipc();
    opens(argv[1]);
    sockets();
    times();
    machine();
    refused();
    puts("calls");
}
