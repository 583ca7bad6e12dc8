// What a program sees of itself and of its machine.
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define CHECK(x) do { if (!(x)) { \
    printf("%d: %s: %s\n", __LINE__, #x, strerror(errno)); exit(1); } } while (0)

static char text[1 << 20];

static size_t file(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY);
    CHECK(write(fd, "x", 1) == -1 && errno == EBADF);
    size_t n = 0;
    ssize_t got;
    while ((got = read(fd, text + n, sizeof text - 1 - n)) > 0)
        n += got;
    close(fd);
    text[n] = 0;
    return n;
}

// The line of maps that an address is in.
static char *line_of(const void *address, unsigned long *start, unsigned long *end) {
    for (char *line = text; *line; line = strchr(line, '\n') + 1)
        if (sscanf(line, "%lx-%lx", start, end) == 2 && (uintptr_t)address >= *start
            && (uintptr_t)address < *end)
            return line;
    return NULL;
}

static int has(const void *address, const char *permissions, const char *name) {
    unsigned long start, end;
    char *line = line_of(address, &start, &end);
    if (!line)
        return 0;
    char *stop = strchr(line, '\n');
    char copy[500] = "";
    strncat(copy, line, stop - line < 499 ? stop - line : 499);
    char *p = strchr(copy, ' ') + 1;
    return !strncmp(p, permissions, 4) && strstr(copy, name);
}

static void maps(const char *path) {
    int local = 0;
    static int data = 5;
    char *heap = malloc(100);
    char *code = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(code != MAP_FAILED && mprotect(code, 4096, PROT_READ | PROT_EXEC) == 0);
    CHECK(file(path) > 0);
    CHECK(has(&local, "rw-p", "[stack]"));
    CHECK(has((void *)(uintptr_t)maps, "r-xp", "/sees"));
    CHECK(has(&data, "rw-p", "/sees"));
    CHECK(has(heap, "rw-p", "[heap]"));
    CHECK(has(code, "r-xp", "") && has(code + 4096, "rw-p", ""));
    CHECK(has((void *)getauxval(AT_SYSINFO_EHDR), "r-xp", "[vdso]"));
    // Nothing of the engine and of the host.
    CHECK(!strstr(text, "armistice") && !strstr(text, "[vvar") && !strstr(text, "vsyscall"));
    CHECK(!strstr(text, "/dev/zero") && !strstr(text, "rwxp"));
    // What may be executed and not be read, which the host can't have.
    static const struct { int asked; const char *seen; } odd[] = {
        { PROT_WRITE | PROT_EXEC, "-wxp" }, { PROT_EXEC, "--xp" }, { PROT_WRITE, "-w-p" },
        { PROT_READ | PROT_EXEC, "r-xp" }};
    for (int n = 0; n < 4; n++) {
        CHECK(mprotect(code, 4096, odd[n].asked) == 0 && file(path) > 0);
        CHECK(has(code, odd[n].seen, ""));
    }
    CHECK(munmap(code, 8192) == 0);
}

static void itself(char **argv) {
    char path[4096], real[4096], link[64];
    CHECK(realpath(argv[0], real));
    sprintf(link, "/proc/%d/exe", getpid());
    const char *links[] = { "/proc/self/exe", link, "/proc/thread-self/exe", "/proc/self/../self//exe" };
    for (int i = 0; i < 4; i++) {
        ssize_t n = readlink(links[i], path, sizeof path);
        CHECK(n == (ssize_t)strlen(real) && !memcmp(path, real, n));
        int fd = open(links[i], O_RDONLY);
        Elf64_Ehdr header;
        CHECK(fd >= 0 && read(fd, &header, sizeof header) == sizeof header);
        CHECK(header.e_machine == EM_AARCH64);
        struct stat a, b;
        CHECK(fstat(fd, &a) == 0 && stat(links[i], &b) == 0 && a.st_ino == b.st_ino);
        CHECK(access(links[i], X_OK) == 0);
        close(fd);
    }
    // By a directory's descriptor, and in the working directory.
    int proc = open("/proc/self", O_DIRECTORY | O_RDONLY);
    CHECK(proc >= 0 && readlinkat(proc, "exe", path, sizeof path) == (ssize_t)strlen(real));
    CHECK(openat(proc, "maps", O_RDONLY) >= 0);
    char here[4096];
    CHECK(getcwd(here, sizeof here) && chdir("/proc/self") == 0);
    CHECK(readlink("exe", path, sizeof path) == (ssize_t)strlen(real) && chdir(here) == 0);
    CHECK(readlink("/proc/self/exe", path, 3) == 3 && readlink("/proc/self/exe", path, 0) == -1);
    CHECK(lstat("/proc/self/exe", &(struct stat){0}) == 0);

    size_t n = file("/proc/self/cmdline");
    CHECK(n == strlen(argv[0]) + 5 && !memcmp(text + n - 5, "\0one", 5) && !strcmp(text, argv[0]));
    n = file("/proc/self/environ");
    CHECK(n >= 4 && !strcmp(text, "A=b"));
    n = file("/proc/self/auxv");
    CHECK(n % 16 == 0 && n > 160);
    unsigned long *aux = (unsigned long *)text;
    int hwcap = 0, entry = 0, phdr = 0;
    for (; aux[0]; aux += 2) {
        hwcap += aux[0] == AT_HWCAP && aux[1] == getauxval(AT_HWCAP);
        entry += aux[0] == AT_ENTRY && aux[1] == getauxval(AT_ENTRY);
        phdr += aux[0] == AT_PHDR && aux[1] == getauxval(AT_PHDR);
    }
    CHECK(hwcap == 1 && entry == 1 && phdr == 1);
    CHECK(file("/proc/self/comm") && !strcmp(text, "sees\n"));
    CHECK(file("/proc/self/stat") && strstr(text, " (sees) R "));
}

static void handler(int signal) { (void)signal; }

static void status(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSEGV);
    sigaddset(&set, SIGUSR1);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    CHECK(signal(SIGUSR2, handler) != SIG_ERR && signal(SIGHUP, SIG_IGN) != SIG_ERR);
    char link[64];
    sprintf(link, "/proc/self/task/%d/status", getpid());
    const char *paths[] = { "/proc/self/status", "/proc/thread-self/status", link };
    for (int i = 0; i < 3; i++) {
        CHECK(file(paths[i]) && strstr(text, "\nState:\tR"));
        CHECK(strstr(text, "\nSigBlk:\t0000000000000600\n"));
        CHECK(strstr(text, "\nSigCgt:\t0000000000000800\n"));
        unsigned long ignored;
        CHECK(sscanf(strstr(text, "\nSigIgn:"), "\nSigIgn:\t%lx", &ignored) == 1 && ignored & 1);
        CHECK(!strstr(text, "x86"));
    }
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    sprintf(link, "/proc/self/fdinfo/%d", fd);
    CHECK(fd >= 0 && file(link));
    // O_LARGEFILE is the kernel's addition.
    CHECK(strstr(text, "flags:\t02440000\n"));
    int proc = open("/proc/self/fdinfo", O_RDONLY | O_DIRECTORY);
    sprintf(link, "%d", fd);
    int info = openat(proc, link, O_RDONLY);
    ssize_t n = read(info, text, sizeof text - 1);
    CHECK(n > 0);
    text[n] = 0;
    CHECK(strstr(text, "flags:\t02440000\n"));
    close(info), close(proc), close(fd);
}

static void machine(void) {
    CHECK(file("/proc/cpuinfo"));
    CHECK(strstr(text, "processor\t: 0\nBogoMIPS\t: ") && strstr(text, "\nFeatures\t: fp asimd "));
    CHECK(strstr(text, "\nCPU implementer\t: 0x41\nCPU architecture: 8\n"));
    CHECK(!strstr(text, "vendor_id") && !strstr(text, "flags\t"));
    int count = 0;
    for (char *at = text; (at = strstr(at, "processor\t: ")); at++)
        count++;
    CHECK(count == sysconf(_SC_NPROCESSORS_ONLN));
    int fp = !!(getauxval(AT_HWCAP) & 1 << 8), named = !!strstr(text, " atomics ");
    CHECK(fp == named);
    int fd = open("/proc/cpuinfo", O_RDWR);
    CHECK(fd == -1 || write(fd, "x", 1) == -1);
    uint64_t midr;
    asm("mrs %0, midr_el1" : "=r"(midr));
    CHECK(file("/sys/devices/system/cpu/cpu0/regs/identification/midr_el1"));
    CHECK(strtoull(text, NULL, 16) == midr);
    CHECK(!file("/sys/devices/system/cpu/cpu99999/regs/identification/midr_el1") && errno == ENOENT);
    if (file("/proc/sys/kernel/arch"))
        CHECK(!strcmp(text, "aarch64\n"));
    CHECK(!strcmp((char *)getauxval(AT_PLATFORM), "aarch64") && getauxval(AT_MINSIGSTKSZ) >= 4096);
}

static void vdso(void) {
    Elf64_Ehdr *header = (void *)getauxval(AT_SYSINFO_EHDR);
    CHECK(header && !memcmp(header->e_ident, ELFMAG, SELFMAG) && header->e_machine == EM_AARCH64);
    CHECK(header->e_type == ET_DYN && header->e_phnum == 2);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    maps("/proc/self/maps");
    maps("/proc/self/smaps");
    itself(argv);
    status();
    machine();
    vdso();
    // glibc reads maps for this.
    pthread_attr_t attr;
    void *base;
    size_t size;
    CHECK(pthread_getattr_np(pthread_self(), &attr) == 0);
    CHECK(pthread_attr_getstack(&attr, &base, &size) == 0);
    CHECK((char *)base < (char *)&attr && (char *)&attr < (char *)base + size);
    puts("sees");
}
