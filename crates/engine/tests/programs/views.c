// What /proc shows, whatever way leads to it. Each part prints what is the same
// on every machine.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FAIL(...) (printf(__VA_ARGS__), printf(": %s\n", strerrorname_np(errno)), exit(1))
#define CHECK(e) ((e) ? (void)0 : FAIL("line %d: %s", __LINE__, #e))

enum { MOST = 1 << 20 };
static char plain[MOST], text[MOST];

// All of what is open; it is closed.
static size_t all(int fd, char *to) {
    size_t length = 0;
    ssize_t n;
    if (fd < 0)
        FAIL("open");
    while ((n = read(fd, to + length, MOST - 1 - length)) > 0)
        length += n;
    to[length] = 0;
    close(fd);
    return length;
}

static int resolved(int directory, const char *path, unsigned long long resolve) {
    struct open_how how = {.flags = O_RDONLY, .resolve = resolve};
    return syscall(SYS_openat2, directory, path, &how, sizeof how);
}

static int at(const char *directory, const char *path) {
    int fd = open(directory, O_PATH | O_DIRECTORY);
    int file = openat(fd, path, O_RDONLY);
    close(fd);
    return file;
}

static int again(const char *path) {
    char link[64];
    int fd = open(path, O_PATH);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int file = open(link, O_RDONLY);
    close(fd);
    return file;
}

static void same(const char *way, int fd) {
    all(fd, text);
    printf("%-24s %s\n", way, strcmp(text, plain) ? "ANOTHER" : "same");
}

// A symbolic link, a mount of the file, of its folder, and another procfs.
static void mounts(const char *place, const char *path, const char *folder, const char *name) {
    char at[4096], in[4096];
    snprintf(at, sizeof at, "%s/link", place);
    CHECK(symlink(path, at) == 0);
    same("symbolic link", open(at, O_RDONLY));
    unlink(at);
    snprintf(at, sizeof at, "%s/file with \\space", place);
    close(open(at, O_CREAT | O_WRONLY, 0600));
    CHECK(mount(path, at, NULL, MS_BIND, NULL) == 0);
    same("mount of the file", open(at, O_RDONLY));
    CHECK(umount(at) == 0);
    snprintf(at, sizeof at, "%s/folder", place);
    snprintf(in, sizeof in, "%s/%s", at, name);
    mkdir(at, 0700);
    CHECK(mount(folder, at, NULL, MS_BIND | MS_REC, NULL) == 0);
    same("mount of the folder", open(in, O_RDONLY));
    CHECK(umount2(at, MNT_DETACH) == 0);
    snprintf(in, sizeof in, "%s%s", at, path + strlen("/proc"));
    CHECK(mount("proc", at, "proc", 0, NULL) == 0);
    same("another procfs", open(in, O_RDONLY));
    CHECK(umount(at) == 0);
}

// `path` is `folder` and `name`, without links.
static void ways(const char *place, const char *path, const char *folder, const char *name) {
    char other[4096];
    all(open(path, O_RDONLY), plain);
    same("plain", open(path, O_RDONLY));
    snprintf(other, sizeof other, "/%s", path);
    same("two slashes", open(other, O_RDONLY));
    snprintf(other, sizeof other, "/.%s", path);
    same("a dot", open(other, O_RDONLY));
    snprintf(other, sizeof other, "/proc/self/root%s", path);
    same("the root", open(other, O_RDONLY));
    CHECK(chdir("/") == 0);
    snprintf(other, sizeof other, "/proc/self/cwd%s", path);
    same("working directory", open(other, O_RDONLY));
    same("relative", open(path + 1, O_RDONLY));
    CHECK(chdir(folder) == 0);
    same("in its folder", open(name, O_RDONLY));
    CHECK(chdir("/") == 0);
    same("below its folder", at(folder, name));
    same("of a descriptor", again(path));
    int root = open("/", O_PATH | O_DIRECTORY);
    same("beneath", resolved(root, path + 1, RESOLVE_BENEATH));
    same("in a root", resolved(root, path, RESOLVE_IN_ROOT));
    same("without links", resolved(AT_FDCWD, path, RESOLVE_NO_SYMLINKS));
    close(root);
    // A text that is shown, opened once more.
    int fd = open(path, O_RDONLY);
    snprintf(other, sizeof other, "/proc/self/fd/%d", fd);
    same("once more", open(other, O_RDONLY));
    close(fd);
    mounts(place, path, folder, name);
}

// Where /proc is not procfs, but another place is.
static void elsewhere(const char *place) {
    char root[4096];
    char maps[64];
    snprintf(root, sizeof root, "%s/root", place);
    mkdir(root, 0700);
    CHECK(chdir(root) == 0 && mkdir("p", 0700) == 0);
    CHECK(mount("proc", "p", "proc", 0, NULL) == 0);
    all(open("/proc/self/maps", O_RDONLY), plain);
    int fd = open("/proc/cpuinfo", O_PATH);
    CHECK(chroot(".") == 0);
    same("maps elsewhere", open("/p/self/maps", O_RDONLY));
    snprintf(maps, sizeof maps, "p/%d/task/%d/maps", getpid(), getpid());
    same("and of the thread", open(maps, O_RDONLY));
    all(open("/p/cpuinfo", O_RDONLY), plain);
    CHECK(mkdir("proc", 0700) == 0 && mount("proc", "proc", "proc", 0, NULL) == 0);
    snprintf(maps, sizeof maps, "proc/self/fd/%d", fd);
    same("outside of the root", open(maps, O_RDONLY));
    printf("cpuinfo: %s\n", strstr(plain, "vendor_id") ? "the host's" : "the guest's");
    close(fd);
}

// By mounts that nobody sees.
static void hidden(void) {
    char link[64];
    all(open("/proc/self/maps", O_RDONLY), plain);
    int tree = syscall(SYS_open_tree, AT_FDCWD, "/proc", 1 /* OPEN_TREE_CLONE */);
    same("a tree", openat(tree, "self/maps", O_RDONLY));
    close(tree);
    tree = syscall(SYS_open_tree, AT_FDCWD, "/proc/self", 1);
    same("a tree of a process", openat(tree, "maps", O_RDONLY));
    close(tree);
    tree = syscall(SYS_open_tree, AT_FDCWD, "/proc/self/maps", 1);
    snprintf(link, sizeof link, "/proc/self/fd/%d", tree);
    same("a tree of one file", open(link, O_RDONLY));
    close(tree);
    tree = open("/proc/self", O_PATH | O_DIRECTORY);
    CHECK(mount("tmpfs", "/proc", "tmpfs", 0, NULL) == 0);
    same("below another mount", openat(tree, "maps", O_RDONLY));
    all(openat(tree, "status", O_RDONLY), text);
    printf("x86-64 %s\n", strstr(text, "x86_Thread_features") ? "is seen" : "is not");
    close(tree);
    CHECK(umount("/proc") == 0);
}

static void texts(const char *place) {
    char path[64], folder[64];
    ways(place, "/proc/cpuinfo", "/proc", "cpuinfo");
    if (access("/proc/sys/kernel/arch", F_OK) == 0)
        ways(place, "/proc/sys/kernel/arch", "/proc/sys/kernel", "arch");
    snprintf(folder, sizeof folder, "/proc/%d", getpid());
    snprintf(path, sizeof path, "%s/maps", folder);
    ways(place, path, folder, "maps");
    snprintf(folder, sizeof folder, "/proc/%d/task/%d", getpid(), getpid());
    snprintf(path, sizeof path, "%s/maps", folder);
    ways(place, path, folder, "maps");
    pid_t child = fork();
    if (child == 0) {
        hidden();
        elsewhere(place);
        exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

// Waits for a child that says one byte, or for the end of it.
static pid_t child_of(char **argv, int *pipes) {
    int said[2], told[2];
    CHECK(pipe(said) == 0 && pipe(told) == 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(told[0], 0), dup2(said[1], 1);
        close(told[1]), close(said[0]);
        execl(argv[0], argv[0], "child", (char *)NULL);
        _exit(9);
    }
    close(told[0]), close(said[1]);
    pipes[0] = said[0], pipes[1] = told[1];
    return child;
}

// Lines of smaps with numbers that change by being looked at are left out.
static void sizes_only(char *smaps) {
    char *to = smaps, *line = smaps;
    while (*line) {
        char *end = strchr(line, '\n') + 1;
        int keep = !(line[0] >= 'A' && line[0] <= 'Z') || !strncmp(line, "Size:", 5) ||
                   !strncmp(line, "VmFlags:", 8);
        if (keep)
            memmove(to, line, end - line), to += end - line;
        line = end;
    }
    *to = 0;
}

static const char *const files[] = {"maps", "smaps", "task/%d/maps", "task/%d/smaps"};

static size_t of_process(pid_t process, const char *file, char *to) {
    char path[64], name[32];
    snprintf(name, sizeof name, file, process);
    snprintf(path, sizeof path, "/proc/%d/%s", process, name);
    size_t length = all(open(path, O_RDONLY), to);
    sizes_only(to);
    return length;
}

static void child(void) {
    CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
          MAP_FAILED);
    CHECK(mmap(NULL, 4096, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    CHECK(sbrk(0x5000) != (void *)-1);
    for (int i = 0; i < 4; i++) {
        char go;
        size_t length;
        CHECK(read(0, &go, 1) == 1);
        of_process(getpid(), files[i], text);
        length = strlen(text);
        CHECK(write(1, &length, sizeof length) == sizeof length);
        for (size_t done = 0; done < length;) {
            ssize_t n = write(1, text + done, length - done);
            CHECK(n > 0);
            done += n;
        }
    }
    pause();
}

// What another process's maps say is what it reads of its own.
static void others(char **argv) {
    int pipes[2];
    pid_t process = child_of(argv, pipes);
    for (int i = 0; i < 4; i++) {
        size_t length, done = 0;
        CHECK(write(pipes[1], "g", 1) == 1);
        CHECK(read(pipes[0], &length, sizeof length) == sizeof length && length < MOST);
        while (done < length) {
            ssize_t n = read(pipes[0], plain + done, length - done);
            CHECK(n > 0);
            done += n;
        }
        plain[length] = 0;
        of_process(process, files[i], text);
        printf("%-14s %s\n", files[i], strcmp(text, plain) ? "ANOTHER" : "same");
        if (strcmp(text, plain))
            printf("--- its own:\n%s--- from outside:\n%s", plain, text);
    }
    of_process(process, "maps", text);
    for (const char **name = (const char *[]){"[heap]", "[stack]", "[vdso]", " r-xp ", " rwxp ", " --xp ",
                                              "vsyscall", "armistice", "/dev/zero", "rwxs", "r-xs", NULL};
         *name; name++)
        printf("%-10s %s\n", *name, strstr(text, *name) ? "yes" : "no");
    // Who may not read its memory, or has no descriptor left for that, can still tell some.
    struct rlimit few = {64, 64};
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/maps", process);
    pid_t without = fork();
    if (without == 0) {
        struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
        struct __user_cap_data_struct sets[2];
        CHECK(syscall(SYS_capget, &header, sets) == 0);
        sets[0].effective = sets[0].permitted &= ~(1U << CAP_SYS_PTRACE);
        CHECK(syscall(SYS_capset, &header, sets) == 0);
        snprintf(text, sizeof text, "/proc/%d/mem", process);
        int memory = open(text, O_RDONLY), maps = open(path, O_RDONLY);
        // Some kernels do not open this one either.
        size_t length = maps < 0 ? 0 : all(maps, text);
        printf("without rights: memory %s, %s\n", memory < 0 ? "closed" : "OPEN",
               length && (strstr(text, "armistice") || strstr(text, "/dev/zero")) ? "the engine" : "no engine");
        exit(0);
    }
    CHECK(waitpid(without, NULL, 0) == without);
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    while (dup(2) >= 0)
        ;
    close(63);
    int fd = open(path, O_RDONLY);
    CHECK(fd == 63 && all(fd, text) > 0);
    printf("by the last descriptor: %s\n",
           strstr(text, "armistice") || strstr(text, "/dev/zero") || strstr(text, "vsyscall") ? "the engine" : "no engine");
    kill(process, SIGKILL);
    CHECK(waitpid(process, NULL, 0) == process);
}

static const char *error(long result) {
    return result == -1 ? strerrorname_np(errno) : "ok";
}

// What would change a file, or tell of it, by its descriptor alone and by the descriptor's link.
static void changed(const char *path, int fd, const char *link) {
    struct timespec times[2] = {{1, 0}, {1, 0}};
    struct { unsigned long long value; unsigned size, flags; } attribute = {(unsigned long)"b", 1, 0};
    struct statfs system;
    struct stat file;
    struct { struct file_handle head; char rest[128]; } handle;
    char bytes[64] = "";
    int mount;
    CHECK(stat(path, &file) == 0);
    printf("fchmodat2 %s, chmod %s\n", error(syscall(452, fd, "", file.st_mode, AT_EMPTY_PATH)),
           error(chmod(link, file.st_mode)));
    printf("fchownat %s, chown %s\n", error(fchownat(fd, "", 1, 1, AT_EMPTY_PATH)), error(chown(link, 1, 1)));
    printf("futimens %s, %s, utimensat %s\n", error(futimens(fd, times)),
           error(syscall(SYS_utimensat, fd, "", times, AT_EMPTY_PATH)), error(utimensat(AT_FDCWD, link, times, 0)));
    printf("setxattrat %s, setxattr %s\n", error(syscall(463, fd, "", AT_EMPTY_PATH, "user.a", &attribute, 16)),
           error(setxattr(link, "user.a", "b", 1, 0)));
    printf("listxattrat %ld, listxattr %ld\n", syscall(465, fd, "", AT_EMPTY_PATH, bytes, 64),
           (long)listxattr(link, bytes, 64));
    printf("file_setattr %s, %s\n", error(syscall(469, fd, "", bytes, 24, AT_EMPTY_PATH)),
           error(syscall(469, AT_FDCWD, link, bytes, 24, 0)));
    printf("truncate %s, still %zd\n", error(truncate(link, 0)), pread(fd, bytes, 5, 1));
    int other = open(link, O_RDONLY | O_TRUNC);
    printf("made empty %s, still %zd, %zd\n", error(other), pread(fd, bytes, 5, 1), read(other, bytes, 5));
    close(other);
    other = open(link, O_WRONLY);
    printf("to write %s, %s\n", error(other), error(write(other, "x", 1)));
    close(other);
    other = open(link, O_PATH);
    printf("by its name %s, %s, %s, mode %o\n", error(fchmod(other, file.st_mode)),
           error(syscall(452, other, "", file.st_mode, AT_EMPTY_PATH)), error(read(other, bytes, 1)),
           fstat(other, &file) ? 0 : file.st_mode);
    close(other);
    printf("past the cache %s, %s\n", error(open(link, O_RDONLY | O_DIRECT)), error(fcntl(fd, F_SETFL, O_DIRECT)));
    printf("to execute %s, %s\n", error(access(link, X_OK)), error(execveat(fd, "", NULL, NULL, AT_EMPTY_PATH)));
    printf("file system %lx\n", statfs(link, &system) ? 0 : (long)system.f_type);
    handle.head.handle_bytes = sizeof handle.rest;
    printf("handle %s, link %s\n", error(name_to_handle_at(fd, "", &handle.head, &mount, AT_EMPTY_PATH)),
           error(linkat(fd, "", AT_FDCWD, "linked", AT_EMPTY_PATH)));
    int tree = syscall(SYS_open_tree, fd, "", AT_EMPTY_PATH | 1);
    printf("a tree %s\n", error(tree));
    close(tree);
    printf("shared %s, odd %s\n", error((long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)),
           error((long)mmap((void *)1, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0)));
    printf("identity %s, block", error(ioctl(fd, 0x80111500, bytes)));
    printf(" %d, rest", ioctl(fd, FIGETBSZ, &mount) ? 0 : mount);
    printf(" %d\n", ioctl(fd, FIONREAD, &mount) ? 0 : mount);
    CHECK(stat(path, &file) == 0);
    printf("its mode is %o then\n", file.st_mode);
}

static void stands_for(const char *path) {
    struct stat file, folder, named;
    struct statx more;
    struct statfs system;
    char link[64], to[256] = "";
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0 && fstat(fd, &file) == 0 && stat("/proc", &folder) == 0 && stat(path, &named) == 0);
    printf("%s: mode %o, %d links, size %d, blocks %d of %d, device %s, inode %s\n", path, file.st_mode,
           (int)file.st_nlink, (int)file.st_size, (int)file.st_blocks, (int)file.st_blksize,
           file.st_dev == folder.st_dev ? "procfs's" : "ANOTHER",
           file.st_ino == named.st_ino ? "its" : "ANOTHER");
    CHECK(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &more) == 0);
    printf("statx %s\n", more.stx_ino == named.st_ino && more.stx_nlink == 1 ? "agrees" : "DOES NOT");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    CHECK(stat(link, &named) == 0);
    printf("by its link %s\n", named.st_ino == file.st_ino ? "the same" : "ANOTHER");
    CHECK(readlink(link, to, sizeof to - 1) > 0);
    printf("link %s\n", strstr(to, "memfd") || strncmp(to, "/proc/", 6) ? to : "into /proc");
    printf("short link %zd\n", readlink(link, to, 3));
    CHECK(fstatfs(fd, &system) == 0);
    printf("file system %lx\n", (long)system.f_type);
    int other = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    printf("flags %d, %d\n", fcntl(other, F_GETFL) & O_NONBLOCK ? 1 : 0, fcntl(other, F_GETFD));
    close(other);
    printf("mmap %s\n", error((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0)));
    printf("to execute %s\n", error((long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0)));
    printf("nothing of it %s\n", error((long)mmap(NULL, 0, PROT_READ, MAP_PRIVATE, fd, 0)));
    printf("write %s\n", error(write(fd, "x", 1)));
    printf("ftruncate %s\n", error(ftruncate(fd, 0)));
    printf("seals %s\n", error(fcntl(fd, F_GET_SEALS)));
    printf("seal %s\n", error(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)));
    printf("attribute %s\n", error(fgetxattr(fd, "user.a", to, sizeof to)));
    printf("new attribute %s\n", error(fsetxattr(fd, "user.a", "b", 1, 0)));
    printf("no attribute %s\n", error(fremovexattr(fd, "user.a")));
    printf("attributes %s\n", error(flistxattr(fd, to, sizeof to)));
    printf("fchmod %s\n", error(fchmod(fd, file.st_mode & 07777)));
    printf("fchown %s\n", error(fchown(fd, -1, -1)));
    printf("fsync %s, %s\n", error(fsync(fd)), error(fdatasync(fd)));
    printf("attributes of its file system %s\n", error(ioctl(fd, FS_IOC_GETFLAGS, to)));
    printf("end %s\n", error(lseek(fd, 0, SEEK_END)));
    changed(path, fd, link);
    close(fd);
}

// A file that is kept open, read again from its beginning.
static void kept_open(void) {
    char path[64];
    int maps = open("/proc/self/maps", O_RDONLY), status = open("/proc/self/status", O_RDONLY);
    int copy = dup(status);
    sigset_t set;
    CHECK(maps >= 0 && read(maps, text, 100) == 100 && read(status, text, MOST) > 0);
    char *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    snprintf(path, sizeof path, "%lx-", (long)page);
    CHECK(lseek(maps, 0, SEEK_SET) == 0);
    all(maps, text);
    printf("a new mapping %s\n", strstr(text, path) ? "is there" : "is NOT");
    sigemptyset(&set), sigaddset(&set, SIGUSR1), sigprocmask(SIG_BLOCK, &set, NULL);
    ssize_t length = pread(copy, text, MOST - 1, 0);
    CHECK(length > 0);
    text[length] = 0;
    printf("the signal %s\n", strstr(text, "SigBlk:\t0000000000000200") ? "is blocked" : "is NOT");
    CHECK(read(copy, text, 1) == 0 && lseek(status, 0, SEEK_SET) == 0 && read(copy, text, 5) == 5);
    text[5] = 0;
    printf("shared position %s\n", text);
    pid_t child = fork();
    if (child == 0) {
        CHECK(lseek(copy, 0, SEEK_SET) == 0);
        all(copy, text);
        snprintf(path, sizeof path, "\nPid:\t%d\n", getppid());
        printf("a child reads %s\n", strstr(text, path) ? "its parent's" : "ANOTHER");
        exit(0);
    }
    CHECK(waitpid(child, NULL, 0) == child);
}

// Identification registers, which only arm64's sysfs has.
static void registers(const char *place) {
    const char *path = "/sys/devices/system/cpu/cpu0/regs/identification/midr_el1";
    char other[4096];
    struct stat file;
    all(open(path, O_RDONLY), plain);
    fputs(plain, stdout);
    same("two slashes", open("//sys/devices/system/cpu/cpu0/regs/identification/midr_el1", O_RDONLY));
    same("by the bus", open("/sys/bus/cpu/devices/cpu0/regs/identification/midr_el1", O_RDONLY));
    same("below a folder", at("/sys/devices/system/cpu", "cpu0/regs/identification/midr_el1"));
    same("below the processor", at("/sys/bus/cpu/devices/cpu0", "regs/identification/midr_el1"));
    CHECK(chdir("/sys/devices/system/cpu/cpu0") == 0);
    same("relative", open("regs/identification/midr_el1", O_RDONLY));
    snprintf(other, sizeof other, "%s/cpus", place);
    CHECK(symlink("/sys/devices/system/cpu", other) == 0 && chdir(other) == 0);
    same("symbolic link", open("cpu0/regs/identification/midr_el1", O_RDONLY));
    CHECK(stat(path, &file) == 0 && access(path, R_OK) == 0);
    printf("mode %o, size %d\n", file.st_mode, (int)file.st_size);
    printf("readlink %s\n", error(readlink(path, other, sizeof other)));
    int fd = open(path, O_RDONLY);
    printf("mmap %s\n", error((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0)));
    snprintf(other, sizeof other, "/proc/self/fd/%d", fd);
    same("once more", open(other, O_RDONLY));
    ssize_t length = readlink(other, text, sizeof text);
    printf("link %.*s\n", (int)length, text);
    printf("another %s\n", error(open("/sys/devices/system/cpu/regs/identification/midr_el1", O_RDONLY)));
    printf("no processor %s\n",
           error(open("/sys/devices/system/cpu/cpu99999/regs/identification/midr_el1", O_RDONLY)));
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IONBF, 0);
    CHECK(argc == 2 || argc == 3);
    if (!strcmp(argv[1], "child"))
        child();
    else if (!strcmp(argv[1], "texts"))
        texts(argv[2]);
    else if (!strcmp(argv[1], "others"))
        others(argv);
    else if (!strcmp(argv[1], "registers"))
        registers(argv[2]);
    else {
        stands_for("/proc/self/status");
        stands_for("/proc/cpuinfo");
        kept_open();
    }
}
