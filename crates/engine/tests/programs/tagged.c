// Addresses with a tag in their top byte, which arm64 ignores: all kinds of
// accesses through them, faults at them, and where memory lies.
#define _GNU_SOURCE
#include <arm_neon.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(x) do { if (!(x)) { \
    printf("%d: %s: %s\n", __LINE__, #x, strerror(errno)); exit(1); } } while (0)

static void *tagged(const void *at, uint64_t tag)
{
    void *result = (void *)((uintptr_t)at | tag << 56);
    asm("" : "+r"(result));
    return result;
}

static void accesses(uint64_t tag)
{
    static uint64_t plain[64] __attribute__((aligned(64)));
    volatile uint64_t *p = tagged(plain, tag);
    for (int n = 0; n < 64; n++)
        p[n] = n * 3;
    uint64_t sum = 0;
    for (int n = 0; n < 64; n++)
        sum += p[n];
    CHECK(sum == 3 * 63 * 64 / 2 && plain[5] == 15);
    CHECK(*((volatile uint8_t *)p + 8) == 3 && *(volatile int16_t *)p == 0);
    uint64_t a, b;
    asm volatile("ldp %0, %1, [%2, #16]" : "=r"(a), "=r"(b) : "r"(p));
    CHECK(a == 6 && b == 9);
    uint64_t *moving = tagged(plain, tag);
    asm volatile("stp %0, %2, [%1], #16\n ldr %0, [%1, #-8]!"
                 : "+r"(a), "+r"(moving) : "r"(b) : "memory");
    CHECK(plain[0] == 6 && plain[1] == 9 && a == 9 && moving == tagged(plain + 1, tag));
    uint64x2_t v = vld1q_u64(tagged(plain + 2, tag));
    uint8x16x4_t four = vld4q_u8(tagged(plain, tag));
    CHECK(vgetq_lane_u64(v, 1) == 9 && vgetq_lane_u8(four.val[0], 0) == 6);
    vst1q_u64(tagged(plain + 2, tag), vaddq_u64(v, v));
    CHECK(plain[3] == 18);
    uint64_t *t = tagged(plain + 8, tag);
    CHECK(__atomic_fetch_add(t, 1, __ATOMIC_SEQ_CST) == 24 && __atomic_load_n(t, __ATOMIC_ACQUIRE) == 25);
    uint64_t old = 25;
    CHECK(__atomic_compare_exchange_n(t, &old, 99, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) && plain[8] == 99);
    asm volatile(".arch armv8.1-a\n ldadd %1, %0, [%2]" : "=r"(a) : "r"(1L), "r"(t) : "memory");
    CHECK(a == 99 && plain[8] == 100);
    asm volatile("stlr %0, [%1]\n ldar %0, [%1]" : "+r"(a) : "r"(t) : "memory");
    CHECK(a == 99);
    asm volatile("prfm pldl1keep, [%0]\n dc cvau, %0\n dsb ish" : : "r"(t) : "memory");
    uint64_t size;
    asm("mrs %0, dczid_el0" : "=r"(size));
    if (!(size & 16) && (4u << (size & 15)) <= 64) {
        asm volatile("dc zva, %0" : : "r"(tagged(plain, tag)) : "memory");
        CHECK(plain[0] == 0 && plain[7] == 0 && plain[9] == 27);
    }
    memset(tagged(plain, tag), 7, sizeof plain);
    CHECK(plain[63] == 0x0707070707070707);
    // Exclusives; through one address, as the manual asks for.
    uint32_t failed;
    asm volatile("ldxr %0, [%2]\n add %0, %0, #1\n stxr %w1, %0, [%3]"
                 : "=&r"(a), "=&r"(failed) : "r"(t), "r"(t) : "memory");
    CHECK(!failed && plain[8] == 0x0707070707070708);
}

static sigjmp_buf back;
static void *volatile seen;

static void jump(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    seen = info->si_addr;
    siglongjmp(back, 1);
}

static void faults(void)
{
    char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sigaction action = {.sa_sigaction = jump, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    if (!sigsetjmp(back, 1)) {
        *(volatile char *)tagged(page + 100, 0x5a) = 1;
        CHECK(!"a fault");
    }
    // Without the tag, as it was not asked for (SA_EXPOSE_TAGBITS).
    CHECK(seen == page + 100);
}

static int status_of(pid_t child)
{
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

static void *in_thread(void *control)
{
    *(long *)control = prctl(PR_GET_TAGGED_ADDR_CTRL, 0, 0, 0, 0);
    return NULL;
}

// PEEK writes to an address, POKE a word that is none.
static void words_of_a_tracee(uint64_t tag)
{
    static volatile uint64_t word = 5;
    pid_t child = fork();
    if (child == 0) {
        syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        _exit(word == (uint64_t)7 << 60 ? 3 : 4);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
    uint64_t read = 0;
    if (!tag)
        CHECK(syscall(SYS_ptrace, PTRACE_PEEKDATA, child, &word, tagged(&read, 9)) == -1 && errno == EFAULT);
    CHECK(syscall(SYS_ptrace, PTRACE_PEEKDATA, child, &word, tagged(&read, tag)) == 0 && read == 5);
    CHECK(syscall(SYS_ptrace, PTRACE_POKEDATA, child, &word, (uint64_t)7 << 60) == 0);
    CHECK(syscall(SYS_ptrace, PTRACE_CONT, child, 0, 0) == 0);
    CHECK(status_of(child) == 3 << 8);
}

// The tagged address ABI: the kernel takes tags from who has asked for it.
static void system_calls(char **argv)
{
    CHECK(prctl(PR_GET_TAGGED_ADDR_CTRL, 0, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_TAGGED_ADDR_CTRL, 3, 0, 0, 0) == -1 && errno == EINVAL);
    CHECK(prctl(PR_SET_TAGGED_ADDR_CTRL, 1, 1, 0, 0) == -1 && errno == EINVAL);
    CHECK(prctl(PR_SET_TAGGED_ADDR_CTRL, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_GET_TAGGED_ADDR_CTRL, 0, 0, 0, 0) == 1);
    long control = 0;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, in_thread, &control) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(control == 1);
    // Paths, buffers, structures.
    char name[20] = "";
    CHECK(prctl(PR_SET_NAME, tagged("tags", 9)) == 0 && prctl(PR_GET_NAME, tagged(name, 8)) == 0);
    CHECK(!strcmp(name, "tags"));
    int fd = open(tagged(argv[0], 1), O_RDONLY | O_CLOEXEC);
    struct stat status, other;
    CHECK(fd >= 0 && fstat(fd, tagged(&status, 2)) == 0 && stat(argv[0], &other) == 0);
    CHECK(status.st_ino == other.st_ino && close(fd) == 0);
    // Vectors and messages, and what they have in them.
    int pair[2];
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, tagged(pair, 3)) == 0);
    struct iovec out[2] = {{tagged("ab", 4), 2}, {tagged("cde", 5), 3}};
    CHECK(writev(pair[0], tagged(out, 6), 2) == 5);
    char text[8] = "", more[8] = "";
    struct iovec in[2] = {{tagged(text, 7), 4}, {tagged(more, 8), 8}};
    CHECK(readv(pair[1], tagged(in, 9), 2) == 5 && !strcmp(text, "abcd") && !strcmp(more, "e"));
    union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr header; } sent = {.header = {
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}}, got;
    memcpy(CMSG_DATA(&sent.header), &pair[0], sizeof(int));
    struct msghdr message = {.msg_iov = tagged(out, 1), .msg_iovlen = 2,
                             .msg_control = tagged(&sent, 2), .msg_controllen = sizeof sent};
    CHECK(sendmsg(pair[0], tagged(&message, 3), 0) == 5);
    struct sockaddr_un from;
    struct mmsghdr messages[2] = {{.msg_hdr = {
        .msg_name = tagged(&from, 1), .msg_namelen = sizeof from, .msg_iov = tagged(in, 2), .msg_iovlen = 2,
        .msg_control = tagged(&got, 3), .msg_controllen = sizeof got}}};
    memset(text, 0, sizeof text);
    CHECK(recvmmsg(pair[1], tagged(messages, 4), 1, MSG_CMSG_CLOEXEC, NULL) == 1);
    CHECK(messages[0].msg_len == 5 && messages[0].msg_hdr.msg_controllen == sizeof got && !strcmp(text, "abcd"));
    CHECK(messages[0].msg_hdr.msg_namelen == 0 && messages[0].msg_hdr.msg_flags == MSG_CMSG_CLOEXEC);
    CHECK(messages[0].msg_hdr.msg_iov == tagged(in, 2) && in[0].iov_base == tagged(text, 7));
    CHECK(got.header.cmsg_type == SCM_RIGHTS);
    // A futex's address; memory, which may not be mapped at an address with a tag.
    static uint32_t word = 1;
    CHECK(syscall(SYS_futex, tagged(&word, 1), FUTEX_WAKE, 1, NULL) == 0);
    CHECK(syscall(SYS_futex, tagged(&word, 1), FUTEX_WAIT, 2, NULL) == -1 && errno == EAGAIN);
    // Addresses in the structures of two newer calls.
    struct { uint64_t value, address; uint32_t flags, reserved; } waiters[2] = {
        {1, (uint64_t)tagged(&word, 1), 2 /* FUTEX2_SIZE_U32 */, 0},
        {2, (uint64_t)tagged(&word, 2), 2, 0},
    };
    CHECK(syscall(449 /* futex_waitv */, tagged(waiters, 3), 2, 0, NULL, 0) == -1 && errno == EAGAIN);
    CHECK(syscall(456 /* futex_requeue */, tagged(waiters, 3), 0, 1, 1) == 0);
    waiters[0].value = 7;
    CHECK(syscall(456, waiters, 0, 1, 1) == -1 && errno == EAGAIN);
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mprotect(tagged(page, 1), 4096, PROT_READ | PROT_WRITE) == 0 && (*page = 1));
    CHECK(madvise(tagged(page, 2), 4096, MADV_DONTNEED) == 0 && *page == 0);
    CHECK(mmap(tagged(page, 1), 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
    CHECK(munmap(tagged(page, 3), 4096) == 0);
    // Strings of another program, which has to ask for itself.
    char *arguments[] = {tagged(argv[0], 1), tagged("child", 2), NULL};
    char *variables[] = {tagged("A=b", 3), NULL};
    pid_t child = vfork();
    if (child == 0) {
        execve(tagged(argv[0], 4), tagged(arguments, 5), tagged(variables, 6));
        _exit(99);
    }
    CHECK(status_of(child) == 42 << 8);
    child = fork();
    if (child == 0)
        _exit(prctl(PR_GET_TAGGED_ADDR_CTRL, 0, 0, 0, 0));
    CHECK(status_of(child) == 1 << 8);
    words_of_a_tracee(9);
    CHECK(prctl(PR_SET_TAGGED_ADDR_CTRL, 0, 0, 0, 0) == 0);
    words_of_a_tracee(0);
    CHECK(write(pair[0], tagged("x", 1), 1) == -1 && errno == EFAULT);
}

int main(int argc, char **argv)
{
    if (argc == 2)
        return prctl(PR_GET_TAGGED_ADDR_CTRL, 0, 0, 0, 0) == 0 && !strcmp(argv[1], "child")
                       && !strcmp(getenv("A"), "b") ? 42 : 43;
    for (uint64_t tag = 0; tag < 256; tag += 51)
        accesses(tag);
    faults();
    // System calls take no tags unless they are asked to.
    CHECK(write(1, tagged("x", 1), 1) == -1 && errno == EFAULT);
    struct timespec time;
    struct stat status;
    stack_t stack;
    sigset_t set;
    CHECK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, tagged(&time, 1)) == -1 && errno == EFAULT);
    CHECK(syscall(SYS_fstat, 1, tagged(&status, 2)) == -1 && errno == EFAULT);
    CHECK(syscall(SYS_sigaltstack, NULL, tagged(&stack, 3)) == -1 && errno == EFAULT);
    CHECK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, tagged(&set, 4), 8) == -1 && errno == EFAULT);
    CHECK(syscall(SYS_openat, AT_FDCWD, tagged("/", 5), O_RDONLY) == -1 && errno == EFAULT);
    CHECK(syscall(SYS_mincore, tagged((void *)((long)&main & -4096L), 6), 4096, &set) == 0);
    // Fixed where it is free, refused where it is not.
    char *page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mmap(page, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0)
          == MAP_FAILED && errno == EEXIST);
    CHECK(munmap(page, 4096) == 0);
    CHECK(mmap(page, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == page);
    system_calls(argv);
    puts("tagged");
}
