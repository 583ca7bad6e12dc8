// Files: structures and flags that differ between arm64 and x86-64.
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    assert(argc == 2 && chdir(argv[1]) == 0);
    int fd = open("file", O_RDWR | O_CREAT | O_EXCL, 0640);
    assert(fd >= 0);
    struct iovec parts[2] = {{"hello ", 6}, {"world\n", 6}};
    assert(writev(fd, parts, 2) == 12);
    assert(lseek(fd, 6, SEEK_SET) == 6);
    char text[16] = {0};
    assert(read(fd, text, sizeof text) == 6 && strcmp(text, "world\n") == 0);
    assert(pread(fd, text, 5, 0) == 5 && memcmp(text, "hello", 5) == 0);

    struct stat status, same;
    umask(022);
    assert(fstat(fd, &status) == 0 && stat("file", &same) == 0);
    assert(status.st_size == 12 && status.st_nlink == 1 && S_ISREG(status.st_mode));
    assert(status.st_uid == getuid() && status.st_gid == getgid());
    assert(status.st_ino == same.st_ino && status.st_dev == same.st_dev);
    assert(status.st_blksize >= 512 && status.st_mtime > 1600000000);
    assert(status.st_mtim.tv_nsec == same.st_mtim.tv_nsec);
    assert(stat("nothing", &same) == -1 && errno == ENOENT);
    assert(stat("/dev/null", &same) == 0 && same.st_rdev == 0x103);

    // The kernel adds its own O_LARGEFILE, which the C library has as 0.
    assert((fcntl(fd, F_GETFL) & ~0400000) == O_RDWR);
    assert(fcntl(fd, F_SETFL, O_APPEND) == 0 && fcntl(fd, F_GETFL) & O_APPEND);
    assert(open("file", O_RDONLY | O_DIRECTORY) == -1 && errno == ENOTDIR);
    assert(symlink("file", "link") == 0);
    assert(open("link", O_RDONLY | O_NOFOLLOW) == -1 && errno == ELOOP);
    int direct = open("link", O_RDONLY | O_LARGEFILE);
    assert(direct >= 0 && !(fcntl(direct, F_GETFL) & O_DIRECT));
    int directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert(directory >= 0 && fcntl(directory, F_GETFL) & O_DIRECTORY);
    assert(faccessat(directory, "file", R_OK, 0) == 0 && unlinkat(directory, "link", 0) == 0);

    int ends[2];
    assert(pipe2(ends, O_CLOEXEC) == 0 && write(ends[1], "x", 1) == 1 && read(ends[0], text, 9) == 1);
    int copy = dup(ends[0]);
    assert(copy > ends[1] && close(copy) == 0 && close(copy) == -1 && errno == EBADF);

    char path[4096] = {0};
    assert(readlink("/proc/self/exe", path, sizeof path) > 0 && strcmp(strrchr(path, '/'), "/files") == 0);
    assert(readlink("/proc/self/exe", path, 1) == 1);
    assert(getcwd(path, sizeof path) && strcmp(path, argv[1]) == 0);

    struct utsname names;
    assert(uname(&names) == 0 && strcmp(names.machine, "aarch64") == 0);
    assert(strcmp(names.sysname, "Linux") == 0);
    struct sysinfo info;
    assert(sysinfo(&info) == 0 && info.totalram > 1 << 20 && info.procs > 0);
    struct rusage usage;
    assert(getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss > 0);
    struct tms ticks;
    assert(times(&ticks) != (clock_t)-1);
    struct rlimit limit;
    assert(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > 3);
    struct timespec start, end, wait = {0, 2000000};
    assert(clock_gettime(CLOCK_MONOTONIC, &start) == 0 && nanosleep(&wait, NULL) == 0);
    assert(clock_gettime(CLOCK_MONOTONIC, &end) == 0);
    assert((end.tv_sec - start.tv_sec) * 1000000000 + end.tv_nsec - start.tv_nsec >= 2000000);
    assert(time(NULL) > 1600000000);
    struct statx extended;
    assert(statx(AT_FDCWD, "file", 0, STATX_SIZE, &extended) == 0 && extended.stx_size == 12);
    assert(isatty(fd) == 0 && errno == ENOTTY);
    puts("files");
    return 0;
}
