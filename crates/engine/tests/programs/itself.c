// A program looks for its own executable, in all ways that lead there, after
// all that may become of its name, and with every call that takes a path. Says
// what it finds in words that are the same on every machine.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/openat2.h>
#include <sys/auxv.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CHECK(x) do { if (!(x)) { \
    printf("%d: %s: %s\n", __LINE__, #x, strerror(errno)); exit(1); } } while (0)
#ifdef __aarch64__
#define MACHINE 183
#else
#define MACHINE 62
#endif
#define NUMBERS 1024

extern char **environ;
static char place[2000], self[3000];
static struct stat me;
static const char exe[] = "/proc/self/exe";

static const char *why(void) { return strerrorname_np(errno); }

static const char *result(long result) { return result < 0 ? why() : "done"; }

static int is_me(const struct stat *s) {
    return s->st_dev == me.st_dev && s->st_ino == me.st_ino;
}

// What a descriptor is of; closes it.
static const char *what(int fd) {
    if (fd < 0)
        return why();
    unsigned char head[64];
    struct stat s;
    CHECK(fstat(fd, &s) == 0);
    ssize_t n = pread(fd, head, sizeof head, 0);
    const char *text = is_me(&s) ? "itself" : "another";
    if (n >= 0 && n < 20)
        text = "short";
    else if (n >= 20 && (head[18] | head[19] << 8) != MACHINE)
        text = "ANOTHER MACHINE'S";
    close(fd);
    return text;
}

static const char *link_text(int at, const char *path) {
    static char texts[2][PATH_MAX];
    static int turn;
    char *text = texts[turn++ % 2];
    ssize_t n = readlinkat(at, path, text, PATH_MAX - 1);
    if (n < 0)
        return why();
    text[n] = 0;
    // What is the same for all: what is behind the place.
    return strncmp(text, place, strlen(place)) ? text : text + strlen(place);
}

static int ended(pid_t child) {
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int run_at(int at, const char *path, int flags) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char *arguments[] = {"again", "seven", NULL};
        if (flags < 0)
            execve(path, arguments, environ);
        else
            syscall(SYS_execveat, at, path, arguments, environ, flags);
        _exit(100 + errno);
    }
    return ended(child);
}

static int run(const char *path) { return run_at(AT_FDCWD, path, -1); }

static void copy_to(int to) {
    char bytes[1 << 16];
    int from = open(exe, O_RDONLY | O_CLOEXEC);
    ssize_t n;
    CHECK(from >= 0 && to >= 0);
    while ((n = read(from, bytes, sizeof bytes)) > 0)
        CHECK(write(to, bytes, n) == n);
    close(from);
}

static void copy(const char *path) {
    unlink(path);
    int to = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0755);
    copy_to(to);
    close(to);
}

static char *in_place(const char *name) {
    static char paths[4][3000];
    static int n;
    char *path = paths[n++ % 4];
    sprintf(path, "%s/%s", place, name);
    return path;
}

// All about one path, from a directory.
static void see(const char *name, int at, const char *path) {
    struct stat s;
    struct statx x;
    struct statfs f, own;
    char value[8];
    printf("%-22s", name);
    printf(" %s", what(openat(at, path, O_RDONLY)));
    printf(" %s", what(openat(at, path, O_PATH)));
    printf(" %d", fstatat(at, path, &s, 0) ? errno : is_me(&s));
    printf(" %d", syscall(SYS_statx, at, path, 0, STATX_INO, &x) ? errno : x.stx_ino == me.st_ino);
    printf(" %d %d", faccessat(at, path, X_OK, 0), faccessat(at, path, X_OK, AT_EACCESS));
    printf(" %d", fchmodat(at, path, 0755, 0) ? errno : 0);
    if (at == AT_FDCWD) {
        ssize_t n = getxattr(path, "user.itself", value, sizeof value);
        printf(" %d", n < 0 ? errno : n == 4 && !memcmp(value, "mine", 4));
        int by_path = statfs(path, &f);
        CHECK(statfs(self, &own) == 0);
        printf(" %d", by_path ? errno : f.f_type == own.f_type);
        printf(" %d", run(path));
    }
    printf(" %d\n", run_at(at, path, 0));
}

static void ways(void) {
    char text[200];
    CHECK(setxattr(self, "user.itself", "mine", 4, 0) == 0 || errno == EOPNOTSUPP);
    see("exe", AT_FDCWD, exe);
    see("its path", AT_FDCWD, self);
    see("two slashes", AT_FDCWD, "//proc/self/exe");
    see("a dot", AT_FDCWD, "/./proc//self/./exe");
    see("up and down", AT_FDCWD, "/proc/self/fd/../exe");
    see("thread-self", AT_FDCWD, "/proc/thread-self/exe");
    sprintf(text, "/proc/%d/exe", getpid());
    see("by number", AT_FDCWD, text);
    sprintf(text, "/proc/self/task/%d/exe", gettid());
    see("of a task", AT_FDCWD, text);
    see("from the root", AT_FDCWD, "/proc/self/root/proc/self/exe");
    CHECK(symlink(exe, in_place("link")) == 0);
    see("a link", AT_FDCWD, in_place("link"));
    CHECK(symlink("link", in_place("links")) == 0);
    see("a link to a link", AT_FDCWD, in_place("links"));
    CHECK(symlink("/proc/self", in_place("folder")) == 0);
    see("a linked folder", AT_FDCWD, in_place("folder/exe"));
    CHECK(symlink("folder/../self/exe", in_place("deep")) == 0);
    see("a link through both", AT_FDCWD, in_place("deep"));
    int folder = open("/proc/self", O_DIRECTORY | O_RDONLY);
    see("a folder's descriptor", folder, "exe");
    see("and a dot", folder, "./exe");
    see("and up", folder, "task/../exe");
    int name_only = open("/proc/self", O_DIRECTORY | O_PATH);
    see("the folder's name", name_only, "exe");
    CHECK(chdir("/proc/self") == 0);
    see("the folder here", AT_FDCWD, "exe");
    CHECK(chdir(place) == 0);
    see("a link here", AT_FDCWD, "link");
    CHECK(mkdir("proc", 0755) == 0 && mount("proc", "proc", "proc", 0, NULL) == 0);
    see("a second procfs", AT_FDCWD, "proc/self/exe");
    int second = open("proc", O_DIRECTORY | O_RDONLY);
    see("and by descriptor", second, "thread-self/exe");
    CHECK(umount2("proc", MNT_DETACH) == 0 && rmdir("proc") == 0);
    int fd = open(exe, O_RDONLY);
    sprintf(text, "/proc/self/fd/%d", fd);
    see("a descriptor's link", AT_FDCWD, text);
    // Without the directory that it was reached by.
    see("after it is unmounted", second, "self/exe");
    close(second);
    close(fd);
    close(folder);
    close(name_only);
}

static void links(void) {
    struct stat s;
    char little[6] = ".....";
    printf("exe: %s\n", link_text(AT_FDCWD, exe));
    printf("dots: %s\n", link_text(AT_FDCWD, "//proc/self/../self/exe"));
    printf("other links: %s %s\n", link_text(AT_FDCWD, "link"), link_text(AT_FDCWD, "deep"));
    CHECK(symlink("/proc/self/exe", "exe") == 0);
    printf("of its name: %s\n", link_text(AT_FDCWD, "exe"));
    int folder = open("/proc/self", O_DIRECTORY | O_PATH);
    printf("in a folder: %s\n", link_text(folder, "exe"));
    printf("little: %zd", readlink(exe, little, 5));
    printf(" %d", strncmp(little, place, 5));
    printf(" %s", result(readlink(exe, little, 0)));
    printf(" %s\n", result(syscall(SYS_readlinkat, AT_FDCWD, exe, 8, 10)));
    int link = open(exe, O_PATH | O_NOFOLLOW);
    CHECK(fstat(link, &s) == 0);
    printf("the link: %d %d %s", S_ISLNK(s.st_mode), (int)s.st_size, link_text(link, ""));
    CHECK(lstat(exe, &s) == 0);
    printf(" %d\n", S_ISLNK(s.st_mode));
    int linkat = openat(folder, "exe", O_PATH | O_NOFOLLOW);
    printf("in a folder: %s\n", link_text(linkat, ""));
    printf("flags: %s", what(open(exe, O_RDONLY | O_NOFOLLOW)));
    printf(" %s", what(open(exe, O_RDONLY | O_DIRECTORY)));
    printf(" %s", what(open(exe, O_RDONLY | O_CREAT, 0600)));
    printf(" %s", what(open(exe, O_RDONLY | O_CREAT | O_EXCL, 0600)));
    printf(" %s", what(open("/proc/self/exe/", O_RDONLY)));
    printf(" %s\n", what(open("/proc/self/exe/..", O_RDONLY)));
    int fd = open(exe, O_RDONLY | O_CLOEXEC | O_NOATIME);
    printf("kept: %d %d\n", fcntl(fd, F_GETFD), fcntl(fd, F_GETFL) & O_NOATIME);
    printf("resolved:");
    static const int resolve[] = {0, RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS,
        RESOLVE_BENEATH, RESOLVE_IN_ROOT};
    for (int n = 0; n < 6; n++) {
        struct open_how how = {.flags = O_RDONLY, .resolve = resolve[n]};
        printf(" %s", what(syscall(SYS_openat2, AT_FDCWD, exe, &how, sizeof how)));
    }
    printf("\n");
    close(fd);
    close(link);
    close(linkat);
    close(folder);
}

static void changes(void) {
    struct stat s;
    CHECK(stat(self, &s) == 0);
    off_t size = s.st_size;
    const char *paths[] = {exe, self, "link"};
    for (int n = 0; n < 3; n++) {
        printf("change %d: %s", n, what(open(paths[n], O_WRONLY)));
        printf(" %s", what(open(paths[n], O_RDWR | O_TRUNC)));
        printf(" %s", what(open(paths[n], O_RDONLY | O_TRUNC)));
        printf(" %s", what(open(paths[n], O_WRONLY | O_CREAT | O_TRUNC, 0755)));
        if (n != 1)
            printf(" %s", result(truncate(paths[n], 0)));
        CHECK(stat(self, &s) == 0);
        printf(" %d\n", s.st_size == size);
    }
    struct timespec times[2] = {{1000, 0}, {2000, 0}};
    printf("touch: %s", result(utimensat(AT_FDCWD, exe, times, 0)));
    CHECK(stat(self, &s) == 0);
    printf(" %ld\n", (long)s.st_mtime);
    printf("mode: %s", result(chmod(exe, 0750)));
    CHECK(stat(self, &s) == 0);
    printf(" %o %s\n", s.st_mode & 07777, result(chmod(exe, 0755)));
    printf("owner: %s", result(chown(exe, -1, -1)));
    printf(" %s", result(fchownat(AT_FDCWD, exe, -1, -1, 0)));
    printf(" %s\n", result(lchown(exe, -1, -1)));
    char list[100];
    int e1 = setxattr(exe, "user.more", "x", 1, 0) ? errno : 0;
    int e2 = getxattr(self, "user.more", list, sizeof list) < 0 ? errno : 0;
    ssize_t l1 = listxattr(exe, list, sizeof list), l2 = listxattr(self, list, sizeof list);
    int e3 = removexattr(exe, "user.more") ? errno : 0;
    printf("attributes: %d %d %d\n", e1 == e2, e1 == e3, l1 == l2);
    printf("hard link: %s", result(linkat(AT_FDCWD, exe, AT_FDCWD, "hard", AT_SYMLINK_FOLLOW)));
    printf(" %s", what(open("hard", O_RDONLY)));
    printf(" %s", result(linkat(AT_FDCWD, exe, AT_FDCWD, "soft", 0)));
    printf(" %s\n", result(unlink("hard")));
    struct { struct file_handle h; char bytes[128]; } h1 = {{128}}, h2 = {{128}};
    int mount_id, r1 = name_to_handle_at(AT_FDCWD, exe, &h1.h, &mount_id, AT_SYMLINK_FOLLOW);
    int r2 = name_to_handle_at(AT_FDCWD, self, &h2.h, &mount_id, 0);
    printf("handles: %d\n", r1 == r2 && h1.h.handle_bytes == h2.h.handle_bytes
        && (r1 || !memcmp(h1.bytes, h2.bytes, h1.h.handle_bytes)));
    int watch = inotify_init1(IN_NONBLOCK);
    CHECK(inotify_add_watch(watch, exe, IN_OPEN) >= 0);
    close(open(self, O_RDONLY));
    printf("watched: %d\n", read(watch, list, sizeof list) > 0);
    close(watch);
}

static void mounts(void) {
    int target = open("target", O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
    close(target);
    printf("bind: %s", result(mount(exe, "target", NULL, MS_BIND, NULL)));
    printf(" %s %d", what(open("target", O_RDONLY)), run(in_place("target")));
    printf(" %s\n", result(umount("target")));
    int tree = syscall(SYS_open_tree, AT_FDCWD, exe, O_CLOEXEC);
    printf("tree: %s", result(tree));
    printf(" %d", run_at(tree, "", AT_EMPTY_PATH));
    close(tree);
    tree = syscall(SYS_open_tree, AT_FDCWD, exe, 1 | O_CLOEXEC);
    printf(" %s", result(tree));
    printf(" %d", run_at(tree, "", AT_EMPTY_PATH));
    printf(" %s", result(syscall(SYS_move_mount, tree, "", AT_FDCWD, "target", 4)));
    close(tree);
    printf(" %s", what(open("target", O_RDONLY)));
    printf(" %s\n", result(umount("target")));
    // Something else where it was.
    int other = open("other", O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
    CHECK(write(other, "#!/bin/false\n", 13) == 13);
    close(other);
    printf("over it: %s", result(mount("other", self, NULL, MS_BIND, NULL)));
    printf(" %s %s", what(open(exe, O_RDONLY)), what(open(self, O_RDONLY)));
    printf(" %d %s", run(exe), link_text(AT_FDCWD, exe));
    printf(" %s\n", result(umount(self)));
}

// What a descriptor's number says when it is not open, to all who are asked.
static void closed(const char *when) {
    int fds = 0, polled = 0, chosen = 0, sent = 0, copied = 0, at = 0, mapped = 0, told = 0;
    int pair[2], table[NUMBERS];
    // select ignores numbers that the kernel's table has no place for.
    close(dup2(0, NUMBERS - 1));
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    for (int fd = 0; fd < NUMBERS; fd++) {
        table[fd] = fcntl(fd, F_GETFD) >= 0;
        fds += table[fd];
    }
    static struct pollfd polls[NUMBERS];
    for (int fd = 0; fd < NUMBERS; fd++)
        polls[fd] = (struct pollfd){.fd = fd};
    CHECK(poll(polls, NUMBERS, 0) >= NUMBERS - fds);
    for (int fd = 0; fd < NUMBERS; fd++)
        polled += (polls[fd].revents & POLLNVAL ? 0 : 1) != table[fd];
    for (int fd = 0; fd < NUMBERS; fd++) {
        struct stat s;
        fd_set set;
        FD_ZERO(&set);
        FD_SET(fd, &set);
        chosen += (select(fd + 1, NULL, NULL, &set, &(struct timeval){0}) >= 0) != table[fd];
        int other = dup(fd);
        copied += (other >= 0) != table[fd];
        close(other);
        at += (fstatat(fd, "", &s, AT_EMPTY_PATH) == 0) != table[fd];
        told += (fstat(fd, &s) == 0) != table[fd];
        void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
        mapped += p == MAP_FAILED && errno == EBADF && table[fd];
        char control[CMSG_SPACE(sizeof fd)] = "";
        struct iovec vector = {"x", 1};
        struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
            .msg_controllen = sizeof control};
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        *head = (struct cmsghdr){CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(head), &fd, sizeof fd);
        struct mmsghdr many = {.msg_hdr = message};
        sent += (sendmsg(pair[0], &message, MSG_DONTWAIT) == 1) != table[fd];
        char byte;
        while (recv(pair[1], &byte, 1, MSG_DONTWAIT) == 1) {}
        sent += (sendmmsg(pair[0], &many, 1, MSG_DONTWAIT) == 1) != table[fd];
        while (recv(pair[1], &byte, 1, MSG_DONTWAIT) == 1) {}
    }
    int listed = 0, wrong = 0, counted = 0;
    struct stat folder[2];
    struct statx extended;
    int fd = open("/proc/self/fd", O_PATH);
    CHECK(stat("/proc/self/fd", &folder[0]) == 0 && fstat(fd, &folder[1]) == 0);
    CHECK(statx(AT_FDCWD, "/proc/thread-self/fd/", 0, STATX_SIZE, &extended) == 0);
    counted += folder[0].st_size != 0 && folder[0].st_size != fds + 1;
    counted += folder[1].st_size != folder[0].st_size || extended.stx_size != folder[0].st_size;
    close(fd);
    static const char *lists[] = {"/proc/self/fd", "/proc/self/fdinfo", "/proc/thread-self/fd"};
    for (int n = 0; n < 3; n++) {
        DIR *list = opendir(lists[n]);
        struct dirent *entry;
        while ((entry = readdir(list)))
            if (entry->d_name[0] != '.') {
                int fd = atoi(entry->d_name);
                listed++;
                wrong += !(fd < NUMBERS && (table[fd] || fd == dirfd(list)));
            }
        closedir(list);
    }
    close(pair[0]);
    close(pair[1]);
    printf("%s: wrong %d %d %d %d %d %d %d, listed %d %d %d\n", when, polled, chosen, sent, copied, at,
        told, mapped, listed == 3 * (fds + 1), wrong, counted);
}

static void descriptors(void) {
    closed("at first");
    // Every number is the program's to choose.
    int kept = dup(0), lost = 0;
    for (int fd = 100; fd < 600; fd++)
        lost += dup2(kept, fd) != fd || fcntl(fd, F_GETFD) != 0;
    printf("chosen: %d, %s %d\n", lost, what(open(exe, O_RDONLY)), run(exe));
    printf("not open: %d %d\n", dup2(999, 300), fcntl(300, F_GETFD));
    closed("chosen");
    for (int fd = 100; fd < 600; fd++)
        lost += close(fd) != 0;
    printf("closed: %d, %s %d\n", lost, what(open(exe, O_RDONLY)), run(exe));
    lost = 0;
    for (int fd = 3; fd < NUMBERS; fd++)
        lost += close(fd) != 0 && errno != EBADF;
    closed("all closed");
    for (int fd = 200; fd < 300; fd++)
        lost += syscall(SYS_close_range, fd, fd, 0) != 0;
    lost += syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) != 0;
    lost += syscall(SYS_close_range, 3, ~0U, 0) != 0;
    lost += syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_UNSHARE) != 0;
    printf("ranges: %d, %s, %s %d\n", lost, syscall(SYS_close_range, 9, 3, 0) ? why() : "done",
        what(open(exe, O_RDONLY)), run(exe));
    // Beside the limit.
    struct rlimit before, little = {10, 10};
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    little.rlim_max = before.rlim_max;
    CHECK(setrlimit(RLIMIT_NOFILE, &little) == 0);
    printf("little: %s %d\n", what(open(exe, O_RDONLY)), run(exe));
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        // As many as the limit says, and where none is left.
        struct rlimit half = {NUMBERS / 2, NUMBERS / 2};
        CHECK(setrlimit(RLIMIT_NOFILE, &half) == 0);
        int fd, last = -1;
        while ((fd = open("/dev/null", O_RDONLY)) >= 0)
            last = fd;
        printf("used up: %d %s", last, why());
        close(last);
        printf(" %s", what(open(exe, O_RDONLY)));
        printf(" %s", link_text(AT_FDCWD, exe));
        printf(" %d\n", run(exe));
        fflush(stdout);
        _exit(0);
    }
    CHECK(ended(child) == 0);
}

static void *unshares(void *unused) {
    CHECK(unshare(CLONE_FILES) == 0);
    for (int fd = 100; fd < 600; fd++)
        CHECK(dup2(0, fd) == fd);
    printf("another table: %s", what(open("/proc/thread-self/exe", O_RDONLY)));
    printf(" %s\n", what(open(exe, O_RDONLY)));
    return unused;
}

static int dups(void *unused) {
    for (int fd = 100; fd < 600; fd++)
        dup2(0, fd);
    _exit(unused == NULL);
}

static char child_stack[1 << 16];

static void threads(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, unshares, NULL) == 0 && pthread_join(thread, NULL) == 0);
    closed("after the thread");
    pid_t child = clone(dups, child_stack + sizeof child_stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    printf("vfork: %d", ended(child));
    printf(" %s %d\n", what(open(exe, O_RDONLY)), run(exe));
    closed("after vfork");
}

// As another process sees it.
static void parent(const char *when, pid_t child) {
    char path[100], names[2000] = "";
    struct stat s;
    sprintf(path, "/proc/%d/exe", child);
    printf("%s: %s", when, link_text(AT_FDCWD, path));
    printf(" %s %d", what(open(path, O_RDONLY)), stat(path, &s) ? errno : (int)is_me(&s));
    printf(" %d %d\n", access(path, X_OK), run(path));
    sprintf(path, "/proc/%d/task/%d/exe", child, child);
    printf("  a task: %s\n", link_text(AT_FDCWD, path));
    static const char *lists[] = {"fd", "fdinfo"};
    for (int n = 0; n < 2; n++) {
        sprintf(path, "/proc/%d/%s", child, lists[n]);
        DIR *list = opendir(path);
        struct dirent *entry;
        while ((entry = readdir(list)))
            sprintf(strchr(names, 0), " %s", entry->d_name);
        closedir(list);
    }
    printf("  descriptors:%s\n", names);
}

static void others(void) {
    int to[2], from[2];
    char byte;
    copy("child");
    fflush(stdout);
    CHECK(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        execl("./child", "child", "waits", NULL);
        _exit(1);
    }
    struct stat own = me;
    CHECK(read(from[0], &byte, 1) == 1 && stat("child", &me) == 0);
    parent("a child", child);
    CHECK(rename("child", "grown") == 0);
    parent("renamed", child);
    CHECK(unlink("grown") == 0);
    parent("removed", child);
    copy("child");
    parent("replaced", child);
    CHECK(write(to[1], "x", 1) == 1 && read(from[0], &byte, 1) == 1);
    parent("with all numbers taken", child);
    me = own;
    close(to[1]);
    printf("ended: %d\n", ended(child));
    // A fork is the same program.
    CHECK(pipe2(to, O_CLOEXEC) == 0);
    child = fork();
    if (child == 0) {
        close(to[1]);
        _exit(read(to[0], &byte, 1) != 0);
    }
    char path[100];
    sprintf(path, "/proc/%d/exe", child);
    printf("a fork: %s", what(open(path, O_RDONLY)));
    printf(" %s %d\n", link_text(AT_FDCWD, path), run(path));
    close(to[1]);
    CHECK(ended(child) == 0);
    // One that has just become it.
    int odd = 0;
    for (int n = 0; n < 20; n++) {
        CHECK(pipe2(to, O_CLOEXEC) == 0);
        child = fork();
        if (child == 0) {
            execl("./child", "child", "pauses", NULL);
            _exit(1);
        }
        close(to[1]);
        CHECK(read(to[0], &byte, 1) == 0);
        sprintf(path, "/proc/%d/exe", child);
        odd += strcmp(link_text(AT_FDCWD, path), "/child") != 0;
        close(to[0]);
        kill(child, SIGKILL);
        ended(child);
    }
    printf("at once: %d\n", odd);
}

static void became(const char *what_became) {
    printf("%s: %s %d", what_became, what(open(exe, O_RDONLY)), access(exe, R_OK | X_OK));
    printf(" %s %d\n", link_text(AT_FDCWD, exe), run(exe));
}

// In a child, that is one of its own file.
static void fate(const char *kind) {
    char name[100], full[3000];
    sprintf(name, "%s-file", kind);
    copy(name);
    realpath(name, full);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execl(full, "fate", "fate", place, kind, full, NULL);
        _exit(1);
    }
    int end = ended(child);
    if (end)
        printf("%s: %d\n", kind, end);
}

static void fated(const char *kind, const char *path) {
    if (!strcmp(kind, "removed"))
        CHECK(unlink(path) == 0);
    if (!strcmp(kind, "renamed"))
        CHECK(rename(path, in_place("moved")) == 0);
    if (!strcmp(kind, "replaced")) {
        CHECK(rename(in_place("other"), path) == 0);
    }
    if (!strcmp(kind, "hidden")) {
        CHECK(unshare(CLONE_NEWNS) == 0 && mount("none", place, "tmpfs", 0, NULL) == 0);
    }
    if (!strcmp(kind, "outside")) {
        char *root = in_place("root");
        CHECK(unshare(CLONE_NEWNS) == 0 && mkdir(root, 0755) == 0 && chdir(root) == 0);
        CHECK(mkdir("proc", 0755) == 0 && mount("/proc", "proc", NULL, MS_BIND | MS_REC, NULL) == 0);
        CHECK(chroot(".") == 0);
    }
    if (!strcmp(kind, "unlinked twice")) {
        char *folder = in_place("gone");
        CHECK(mkdir(folder, 0755) == 0);
        strcat(folder, "/file");
        CHECK(rename(path, folder) == 0 && unlink(folder) == 0 && rmdir(in_place("gone")) == 0);
    }
    became(kind);
    if (!strcmp(kind, "in memory"))
        printf("sealed: %d %s\n", fcntl(open(exe, O_RDONLY), F_GET_SEALS), what(open(exe, O_RDWR)));
    if (!strcmp(kind, "outside"))
        CHECK(umount2("/proc", MNT_DETACH) == 0 && rmdir("/proc") == 0);
}

static void fates(void) {
    static const char *kinds[] = {"removed", "renamed", "replaced", "hidden", "outside", "unlinked twice"};
    for (int n = 0; n < 6; n++)
        fate(kinds[n]);
    // A sealed copy in memory, as of those who fear for their file.
    int memory = memfd_create("a copy", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    copy_to(memory);
    CHECK(fcntl(memory, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0);
    char *arguments[] = {"fate", "fate", place, "in memory", "", NULL};
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        fexecve(memory, arguments, environ);
        _exit(1);
    }
    int end = ended(child);
    printf("in memory: %d\n", end);
    // By its name, which binfmt_misc has to have as well.
    char path[100];
    sprintf(path, "/proc/self/fd/%d", memory);
    printf("by a descriptor's link: %d\n", run(path));
    close(memory);
}

// What it is told of how it was named.
static void names(const char *how, int at, const char *path, int flags) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char *arguments[] = {"a name", "named", (char *)how, place, NULL};
        syscall(SYS_execveat, at, path, arguments, environ, flags);
        _exit(100 + errno);
    }
    int end = ended(child);
    if (end)
        printf("%s: %d\n", how, end);
}

// Where there is no /proc at the start.
static int late(void) {
    CHECK(stat("/itself", &me) == 0);
    became("without /proc");
    CHECK(mkdir("/elsewhere", 0755) == 0 && mount("proc", "/elsewhere", "proc", 0, NULL) == 0);
    CHECK(mkdir("/proc", 0755) == 0 && mount("proc", "/proc", "proc", 0, NULL) == 0);
    CHECK(unlink("/itself") == 0);
    became("with /proc");
    printf("elsewhere: %s", what(open("/elsewhere/self/exe", O_RDONLY)));
    CHECK(umount2("/proc", MNT_DETACH) == 0);
    printf(" %s\n", what(open("/elsewhere/self/exe", O_RDONLY)));
    return 0;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    if (argc > 1 && !strcmp(argv[1], "seven"))
        return 7;
    if (argc > 1 && !strcmp(argv[1], "little")) {
        CHECK(stat(exe, &me) == 0 && unlink(argv[2]) == 0);
        printf("%s %d\n", what(open(exe, O_RDONLY)), run(exe));
        return 0;
    }
    if (argc > 1 && !strcmp(argv[1], "late"))
        return late();
    if (argc > 1 && !strcmp(argv[1], "pauses"))
        return pause();
    if (argc > 1 && !strcmp(argv[1], "waits")) {
        char byte;
        CHECK(write(1, "x", 1) == 1 && read(0, &byte, 1) == 1);
        for (int fd = 100; fd < 600; fd++)
            CHECK(dup2(0, fd) == fd);
        for (int fd = 100; fd < 600; fd++)
            close(fd);
        CHECK(write(1, "x", 1) == 1);
        return read(0, &byte, 1) == 0 ? 3 : 4;
    }
    if (argc > 3 && !strcmp(argv[1], "named")) {
        char name[16];
        CHECK(prctl(PR_GET_NAME, name) == 0);
        const char *file = (char *)getauxval(AT_EXECFN);
            if (!strncmp(file, argv[3], strlen(argv[3])))
            file += strlen(argv[3]);
        printf("%s: %s %s %s\n", argv[2], name, file, argv[0]);
        return 0;
    }
    int is_fated = argc > 4 && !strcmp(argv[1], "fate");
    CHECK(is_fated ? strlen(strcpy(place, argv[2])) : realpath(argv[1], place) != NULL);
    CHECK(stat(exe, &me) == 0);
    if (is_fated) {
        fated(argv[3], argv[4]);
        return 0;
    }
    // A file of its own, that is changed here.
    if (argc < 3) {
        CHECK(chdir(place) == 0);
        // It is of the namespace that it mounts in.
        CHECK(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
        copy("itself");
        execl("./itself", "itself", place, "again", NULL);
        return 1;
    }
    strcpy(self, in_place("itself"));
    CHECK(chdir(place) == 0);
    ways();
    links();
    changes();
    CHECK(unlink("link") == 0 && unlink("links") == 0 && unlink("deep") == 0 && unlink("folder") == 0);
    mounts();
    fates();
    names("by exe", AT_FDCWD, exe, 0);
    names("by path", AT_FDCWD, self, 0);
    int folder = open("/proc/self", O_DIRECTORY | O_PATH | O_CLOEXEC);
    names("in a folder", folder, "exe", 0);
    CHECK(chdir("/proc/self") == 0);
    names("here", AT_FDCWD, "exe", 0);
    CHECK(chdir(place) == 0);
    int script = open("script", O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
    CHECK(write(script, "#!/proc/self/exe named\n", 23) == 23);
    close(script);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execl("./script", "script", "", NULL);
        _exit(100 + errno);
    }
    printf("a script: %d\n", ended(child));
    printf("not followed: %d\n", run_at(AT_FDCWD, exe, AT_SYMLINK_NOFOLLOW));
    close(folder);
    others();
    descriptors();
    threads();
    return 0;
}
