// Memory where the kernel chooses the places: under a limit of the address space, which a
// program sets or is started with, until nothing is left, and below the first stack.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1l << 20)
#define PAGE 4096l

static void say(const char *what, long result) {
    printf("%s: %ld %s\n", what, result, result < 0 ? strerror(errno) : "");
    fflush(stdout);
}

static long mapped(long length) {
    void *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return -1;
    memset(at, 1, PAGE);
    return munmap(at, length);
}

static long megabytes_of_addresses(void) {
    char line[200];
    long kilobytes = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) sscanf(line, "VmSize: %ld", &kilobytes);
    if (status) fclose(status);
    return kilobytes >> 10;
}

static void *nothing(void *unused) { return unused; }

static void places(void) {
    char *old = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    // What is right above stays in the way.
    mmap(old + MIB, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    old[5] = 7;
    char *new = mremap(old, MIB, 8 * MIB, MREMAP_MAYMOVE);
    say("moved", new == MAP_FAILED ? -1 : new[5]);
    int segment = shmget(IPC_PRIVATE, MIB, IPC_CREAT | 0600);
    char *attached = shmat(segment, NULL, 0);
    shmctl(segment, IPC_RMID, NULL);
    say("attached", attached == (void *)-1 ? -1 : attached[9]);
    say("detached", shmdt(attached));
    unsigned long context = 0;
    say("io_setup", syscall(SYS_io_setup, 4, &context));
    say("io_destroy", syscall(SYS_io_destroy, context));
    pthread_t thread;
    say("thread", pthread_create(&thread, NULL, nothing, NULL));
    say("joined", pthread_join(thread, NULL));
    char *hint = (char *)0x30000000;
    char *at = mmap(hint, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    say("where it was asked for", at == hint);
    at = mmap(hint, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    say("elsewhere, where that is taken", at != hint && at != MAP_FAILED);
    say("shrunk from past the end", (long)mremap(hint, 0xf0000000, PAGE, 0));
    FILE *file = fopen("/proc/self/exe", "r");
    char *second = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fileno(file), PAGE);
    char bytes[16];
    fseek(file, PAGE, SEEK_SET);
    fread(bytes, 1, sizeof bytes, file);
    say("second page of a file", second == MAP_FAILED ? -1 : memcmp(second, bytes, sizeof bytes));
    fclose(file);
}

static void limit(long megabytes) {
    struct rlimit limit = {megabytes * MIB, RLIM_INFINITY};
    say("setrlimit", setrlimit(RLIMIT_AS, &limit));
}

static void until_nothing_is_left(void) {
    long megabytes = 0;
    while (mmap(NULL, MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED)
        megabytes++;
    say("then", -1);
    say("more than 3900 MiB", megabytes > 3900);
}

// So near below it nothing may be mapped that can be accessed.
static void gap(void) {
    char *low = (char *)((uintptr_t)__builtin_frame_address(0) / PAGE * PAGE) - 512 * PAGE;
    char *at = mmap(low, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    say("below the stack", at == low);
    *(volatile char *)(low + 300 * PAGE) = 1;
    say("the stack grows", 1);
    *(volatile char *)(low + 100 * PAGE) = 1;
    say("too far", 1);
}

static void in_child(const char *what, void (*of)(void)) {
    int status;
    pid_t child = fork();
    if (child == 0) {
        of();
        _exit(0);
    }
    waitpid(child, &status, 0);
    printf("%s: ended with %x\n", what, status & ~0x80);
    fflush(stdout);
}

static const char *program;

static void again(void) {
    execl(program, program, "again", NULL);
    say("exec", -1);
}

int main(int count, char **arguments) {
    program = arguments[0];
    if (count == 1) {
        in_child("gap", gap);
        in_child("all", until_nothing_is_left);
        places();
        limit(600);
    }
    say("less than 600 MiB", megabytes_of_addresses() < 600);
    say("100 MiB", mapped(100 * MIB));
    say("600 MiB", mapped(600 * MIB));
    places();
    if (count == 1) {
        in_child("started with the limit", again);
        limit(300);
        in_child("started with less", again);
    }
    return 0;
}
