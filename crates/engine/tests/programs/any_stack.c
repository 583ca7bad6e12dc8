// Stack pointers that are no multiple of 16, as a compiler of scripts makes them
// that keeps a stack pointer of its own and moves SP after it. Each part prints a
// line; natively the same lines are printed of what arm64 does.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define ROUNDS 200

#ifdef __aarch64__

static void fail(int line) {
    printf("line %d is wrong\n", line);
    exit(1);
}
#define CHECK(x) do { if (!(x)) fail(__LINE__); } while (0)

static volatile sig_atomic_t faults, at_sp, bad;
static volatile uint64_t fault_address, fault_sp, fault_pc;
static volatile int fault_signal, fault_code;
static sigjmp_buf out;
static volatile int leave;

// Goes past the instruction, or out.
static void on_fault(int signal, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    _Alignas(16) volatile uint64_t aligned[2] = {1, 2};
    if ((uintptr_t)aligned % 16 != 0)
        bad++;
    fault_signal = signal;
    fault_code = info->si_code;
    fault_address = (uint64_t)info->si_addr;
    fault_sp = uc->uc_mcontext.sp;
    fault_pc = uc->uc_mcontext.pc;
    faults++;
    if (leave)
        siglongjmp(out, 1);
    uc->uc_mcontext.pc += 4;
}

static void catch(void) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGBUS, &action, 0) == 0);
    CHECK(sigaction(SIGSEGV, &action, 0) == 0);
}

// SP as an instruction leaves it, and whether flags live across it.
#define WRITE(text, value) ({ \
    uint64_t sp_, flags_; \
    __asm__ volatile( \
        "mov x9, sp\n cmp %2, #8\n" text "\n cset %1, hi\n mov %0, sp\n mov sp, x9\n" \
        : "=&r"(sp_), "=&r"(flags_) \
        : "r"((uint64_t)(value)), "r"(base) \
        : "x9", "x10", "x11", "cc", "memory"); \
    CHECK(flags_ == ((uint64_t)(value) > 8)); \
    sp_; })

// Each instruction that writes SP, from the same place to all alignments.
static void writes(void) {
    for (uint64_t n = 0; n < ROUNDS; n++) {
        uint64_t v = n % 16, base;
        __asm__ volatile("mov %0, sp" : "=r"(base));
        base -= 4096;
        CHECK(WRITE("add x10, %3, %2\n mov sp, x10", v) == base + v);
        CHECK(WRITE("add x10, %3, %2\n add sp, x10, #3", v) == base + v + 3);
        CHECK(WRITE("add x10, %3, %2\n sub sp, x10, #4, lsl #12", v) == base + v - 16384);
        CHECK(WRITE("mov sp, %3\n add sp, sp, %2", v) == base + v);
        CHECK(WRITE("mov sp, %3\n sub sp, sp, %2, lsl #2", v) == base - 4 * v);
        CHECK(WRITE("mov sp, %3\n sub sp, sp, %w2, uxtb #1", v) == base - 2 * v);
        CHECK(WRITE("mov sp, %3\n add sp, sp, %w2, sxtw", v) == base + v);
        CHECK(WRITE("mov sp, %3\n add sp, sp, #8\n sub sp, sp, #8\n sub sp, sp, #1", v) == base - 1);
        CHECK(WRITE("add x10, %3, %2\n and sp, x10, #0xfffffffffffffffc", v) == base + (v & ~3ull));
        CHECK(WRITE("add x10, %3, %2\n and sp, x10, #0xfffffffffffffff0", v) == base);
        CHECK(WRITE("add x10, %3, %2\n orr sp, x10, #8", v) == base + (v | 8));
        CHECK(WRITE("add x10, %3, %2\n eor sp, x10, #1", v) == base + (v ^ 1));
        CHECK(WRITE("orr sp, xzr, #0x3333333333333333", v) == 0x3333333333333333);
        CHECK(WRITE("add x10, %3, %2\n mov wsp, w10", v) == (uint32_t)(base + v));
        CHECK(WRITE("mov sp, %3\n str %2, [sp, #-8]!", v) == base - 8);
        CHECK(WRITE("mov sp, %3\n ldr x10, [sp], #24", v) == base + 24);
        CHECK(WRITE("mov sp, %3\n ldp x10, x11, [sp], #-8", v) == base - 8);
        // There and back, used while it is aligned.
        CHECK(WRITE("add x10, %3, %2\n mov sp, x10\n mov sp, %3\n stp x10, %2, [sp, #-16]!\n"
                    " ldp x11, x10, [sp], #16\n mov sp, x11", v) == base + v);
    }
    CHECK(faults == 0);
}

// A recursion as such a compiler makes it: x28 is its stack pointer.
__asm__(
    ".text\n"
    "scripted_fib:\n"
    " sub sp, x28, #8\n str x30, [x28, #-8]!\n"
    " cmp x0, #2\n b.lo 1f\n"
    " sub sp, x28, #8\n str x0, [x28, #-8]!\n"
    " sub x0, x0, #1\n bl scripted_fib\n"
    " ldr x9, [x28]\n str x0, [x28]\n"
    " sub sp, x28, #8\n str x19, [x28, #-8]!\n"
    " sub x0, x9, #2\n adr x9, scripted_fib\n blr x9\n"
    " ldr x19, [x28], #8\n mov sp, x28\n"
    " ldr x9, [x28], #8\n mov sp, x28\n"
    " add x0, x0, x9\n"
    // A function of C, with SP aligned for it, each other time.
    " tbz x0, #0, 1f\n"
    " and sp, x28, #~15\n mov x1, sp\n bl used\n mov sp, x28\n"
    "1: ldr x30, [x28], #8\n mov sp, x28\n ret\n"
    // A leaf that does not use SP, called and left with SP as it is.
    "leaf: add x0, x0, #1\n ret\n"
    // From C: x0 is the argument, x1 how much SP is moved down.
    ".global enter_scripted\n"
    "enter_scripted:\n"
    " stp x29, x30, [sp, #-32]!\n stp x28, x19, [sp, #16]\n mov x29, sp\n"
    " sub x28, x29, x1\n mov sp, x28\n"
    " bl leaf\n sub x0, x0, #1\n"
    " bl scripted_fib\n"
    " adr x9, leaf\n blr x9\n"
    " mov sp, x29\n ldp x28, x19, [sp, #16]\n ldp x29, x30, [sp], #32\n ret\n");
uint64_t enter_scripted(uint64_t n, uint64_t down);

uint64_t used_times;
__attribute__((used, noinline)) uint64_t used(uint64_t value, uint64_t sp) {
    _Alignas(16) volatile uint64_t here[4] = {value, sp};
    used_times++;
    CHECK(sp % 16 == 0 && (uintptr_t)here % 16 == 0);
    return here[0];
}

static uint64_t scripted(uint64_t n) {
    uint64_t sum = 0;
    for (uint64_t down = 0; down < 64; down += 8)
        sum += enter_scripted(n, down);
    return sum;
}

// Each kind of access through an SP that is none for it: the fault is said, and
// nothing is done.
#define ACCESS(text) ({ \
    uint64_t before_ = faults; \
    for (uint64_t n = 0; n < ROUNDS; n++) { \
        uint64_t down = n % 3 == 0 ? 0 : n % 16, x_ = n, sp_, pc_; \
        fault_sp = 0; \
        __asm__ volatile( \
            "mov x9, sp\n sub x10, x9, #256\n sub x10, x10, %3\n mov x11, #5\n mov w12, #0\n" \
            " mov sp, x10\n adr %2, 1f\n1: " text "\n mov %1, sp\n mov sp, x9\n" \
            : "+r"(x_), "=&r"(sp_), "=&r"(pc_) \
            : "r"(down) \
            : "x9", "x10", "x11", "x12", "v0", "v1", "memory"); \
        uint64_t faulted_ = faults - before_; \
        before_ = faults; \
        CHECK(faulted_ == (down != 0)); \
        if (down) { \
            CHECK(fault_signal == SIGBUS && fault_code == BUS_ADRALN); \
            CHECK(fault_pc == pc_ && fault_sp == sp_ && fault_sp % 16 == (16 - down) % 16); \
        } \
    } })

static void accesses(void) {
    ACCESS("ldr %0, [sp]");
    ACCESS("str x11, [sp, #8]");
    ACCESS("ldr %w0, [sp, #4]");
    ACCESS("strb w11, [sp, #1]");
    ACCESS("ldrsh %0, [sp, #2]");
    ACCESS("ldur x11, [sp, #-8]");
    ACCESS("stur x11, [sp, #-16]");
    ACCESS("ldr x11, [sp, x12]");
    ACCESS("str x11, [sp, w12, uxtw #3]");
    ACCESS("ldr x11, [sp], #16");
    ACCESS("str x11, [sp, #-16]!");
    ACCESS("ldp x11, x12, [sp]");
    ACCESS("stp x11, x12, [sp, #-16]!");
    ACCESS("ldp x11, x12, [sp], #32");
    ACCESS("ldnp x11, x12, [sp]");
    ACCESS("ldr q0, [sp, #16]");
    ACCESS("str d0, [sp, #8]");
    ACCESS("stp q0, q1, [sp]");
    ACCESS("ld1 {v0.16b}, [sp]");
    ACCESS("st1 {v0.4s, v1.4s}, [sp], #32");
    ACCESS("ld1 {v0.s}[1], [sp]");
    ACCESS("ldar x11, [sp]");
    ACCESS("stlr x11, [sp]");
    ACCESS("ldxr x11, [sp]");
    ACCESS("stxr w12, x11, [sp]");
    ACCESS(".arch armv8.3-a\n ldadd x11, x12, [sp]");
    ACCESS(".arch armv8.3-a\n swpal x11, x12, [sp]");
    ACCESS(".arch armv8.3-a\n cas x12, x11, [sp]");
    ACCESS(".arch armv8.3-a\n ldaprb w11, [sp]");
    // A prefetch does not ask.
    int before = faults;
    for (uint64_t n = 0; n < ROUNDS; n++)
        __asm__ volatile("mov x9, sp\n sub x10, x9, #8\n mov sp, x10\n prfm pldl1keep, [sp]\n mov sp, x9"
                         ::: "x9", "x10", "memory");
    CHECK(faults == before && bad == 0);
}

// Signals that come while SP is anything.
static volatile sig_atomic_t ticks, unaligned;
static volatile uint64_t low, high;
static void on_tick(int signal, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    _Alignas(16) volatile char here[32] = {(char)signal};
    (void)info;
    if ((uintptr_t)here % 16 != 0 || (uintptr_t)__builtin_frame_address(0) % 16 != 0)
        bad++;
    uint64_t sp = uc->uc_mcontext.sp;
    if (sp % 16 != 0) {
        unaligned++;
        // Below all that is in use.
        if ((uintptr_t)here >= sp)
            bad++;
    }
    ticks++;
}

static void signals(void) {
    struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART};
    CHECK(sigaction(SIGALRM, &action, 0) == 0);
    struct itimerval often = {{0, 300}, {0, 300}}, never = {{0, 0}, {0, 0}};
    CHECK(setitimer(ITIMER_REAL, &often, 0) == 0);
    for (int n = 0; n < 100000 && (ticks < 200 || unaligned < 20); n++)
        CHECK(scripted(8) == 8 * 22);
    CHECK(setitimer(ITIMER_REAL, &never, 0) == 0);
    CHECK(ticks >= 200 && unaligned >= 20 && bad == 0);
}

// Out of the handler, SP being anything before it, and out of a handler of a
// handler's.
static void jumps(void) {
    leave = 1;
    for (volatile int n = 0; n < ROUNDS; n++) {
        if (sigsetjmp(out, 1) == 0) {
            __asm__ volatile("sub x10, sp, %0\n mov sp, x10\n ldr x10, [sp]"
                             :: "r"((uint64_t)(64 + n % 15 + 1)) : "x10", "memory");
            fail(__LINE__);
        }
        CHECK(fault_sp % 16 == (uint64_t)(16 - (n % 15 + 1)) && fault_code == BUS_ADRALN);
    }
    leave = 0;
    // To where SP is not aligned: a jump of our own.
    for (uint64_t n = 0; n < ROUNDS; n++) {
        uint64_t sp;
        __asm__ volatile("mov x9, sp\n sub x10, x9, %1\n adr x11, 1f\n mov sp, x10\n br x11\n"
                         " brk #1\n1: mov %0, sp\n mov sp, x9\n"
                         : "=&r"(sp) : "r"(n % 32) : "x9", "x10", "x11", "memory");
        CHECK(sp % 16 == (32 - n % 32) % 16);
    }
}

// Branches to what is no address of an instruction, where such a one is known.
static void odd_branches(void) {
    leave = 1;
    for (volatile uint64_t n = 0; n < ROUNDS; n++) {
        if (sigsetjmp(out, 1) == 0) {
            __asm__ volatile("sub x10, sp, %0\n adr x11, 1f\n mov x12, %1\n mov sp, x10\n"
                             " br x11\n"
                             "1: cbz x12, 2f\n add x11, x11, x12\n mov x12, #0\n br x11\n"
                             "2: brk #1\n"
                             :: "r"(8 * (n % 4)), "r"(1 + n % 3) : "x10", "x11", "x12", "memory");
            fail(__LINE__);
        }
        CHECK(fault_signal == SIGBUS && fault_code == BUS_ADRALN && fault_pc % 4 == 1 + n % 3);
    }
    leave = 0;
}

// Floating point as the host can't do it, with SP in all places.
static void floats(void) {
    for (uint64_t n = 0; n < ROUNDS; n++) {
        uint64_t tiny = 1, flushed, kept;
        __asm__ volatile(
            "mov x9, sp\n sub x10, x9, %3\n fmov d0, %2\n mrs x11, fpcr\n"
            " mov sp, x10\n orr x12, x11, #1<<24\n msr fpcr, x12\n fadd d1, d0, d0\n"
            " mov sp, x9\n fadd d1, d1, d0\n mov sp, x10\n fadd d1, d1, d0\n fmov %0, d1\n"
            " msr fpcr, x11\n fadd d1, d0, d0\n mov sp, x9\n fadd d1, d1, d0\n fmov %1, d1\n"
            : "=&r"(flushed), "=&r"(kept)
            : "r"(tiny), "r"(8 * (n % 4))
            : "x9", "x10", "x11", "x12", "v0", "v1", "memory");
        CHECK(flushed == 0 && kept == 3);
    }
}

// Code that is written anew, and run with SP in all places; other code that leads
// to it is linked to both.
static void rewritten(void) {
    uint32_t *code = mmap(0, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(code != MAP_FAILED);
    uint32_t *inner = code + 1024;
    // mov x9, sp; sub x10, x9, x0; mov sp, x10; b inner
    const uint32_t outer[] = {0x910003e9, 0xcb00012a, 0x9100015f, 0x14000000 | 1021};
    memcpy(code, outer, sizeof outer);
    for (uint32_t n = 0; n < ROUNDS; n++) {
        // movz w0, #n; mov sp, x9; ret
        const uint32_t made[] = {0x52800000 | n << 5, 0x9100013f, 0xd65f03c0};
        memcpy(inner, made, sizeof made);
        __builtin___clear_cache((char *)code, (char *)(code + 2048));
        for (uint64_t down = 0; down < 32 * 8; down += 8)
            CHECK(((uint32_t (*)(uint64_t))code)(down) == n);
    }
    CHECK(munmap(code, 8192) == 0);
}

// System calls, with SP anything: a child is one, too.
static void calls(void) {
    for (uint64_t n = 0; n < ROUNDS; n++) {
        register uint64_t x0 __asm__("x0") = 0;
        register uint64_t x8 __asm__("x8") = 172;
        __asm__ volatile("mov x9, sp\n sub x10, x9, %2\n mov sp, x10\n svc #0\n mov x10, sp\n mov sp, x9"
                         : "+r"(x0) : "r"(x8), "r"(8 * (n % 4)) : "x9", "x10", "memory");
        CHECK(x0 == (uint64_t)getpid());
    }
    register uint64_t x0 __asm__("x0") = SIGCHLD, x1 __asm__("x1") = 0, x2 __asm__("x2") = 0;
    register uint64_t x3 __asm__("x3") = 0, x4 __asm__("x4") = 0, x8 __asm__("x8") = 220;
    uint64_t sp;
    __asm__ volatile("mov x9, sp\n sub x10, x9, #8\n mov sp, x10\n svc #0\n mov %1, sp\n mov sp, x9"
                     : "+r"(x0), "=&r"(sp) : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x8)
                     : "x9", "x10", "memory");
    uint64_t child = x0;
    CHECK(sp % 16 == 8);
    if (child == 0)
        _exit(scripted(10) == 8 * 56 ? 7 : 8);
    int status;
    CHECK(waitpid((pid_t)child, &status, 0) == (pid_t)child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

// What `--counters` counts: SP is moved all the time, and never used.
static uint64_t moved(uint64_t times) {
    uint64_t sum = 0;
    for (uint64_t n = 0; n < times; n++)
        __asm__ volatile("mov x9, sp\n sub x10, x9, #8\n mov sp, x10\n add %0, %0, #1\n"
                         " add %0, %0, #2\n mov sp, x9\n"
                         : "+r"(sum) :: "x9", "x10", "memory");
    return sum;
}

#else

static void catch(void) {}
static void writes(void) {}
static void accesses(void) {}
static void signals(void) {}
static void jumps(void) {}
static void odd_branches(void) {}
static void floats(void) {}
static void rewritten(void) {}
static void calls(void) {}
static uint64_t fib(uint64_t n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static uint64_t scripted(uint64_t n) { return 8 * (fib(n) + 1); }
static uint64_t moved(uint64_t times) { return 3 * times; }

#endif

int main(int count, char **words) {
    if (count > 1) {
        uint64_t times = strtoull(words[1], 0, 0);
        printf("moved: %lu\n", (unsigned long)(moved(times) + scripted(20)));
        return 0;
    }
    catch();
    writes();
    puts("writes");
    printf("scripted: %lu\n", (unsigned long)scripted(18));
    accesses();
    puts("accesses");
    signals();
    puts("signals");
    jumps();
    puts("jumps");
    odd_branches();
    puts("odd branches");
    floats();
    puts("floats");
    rewritten();
    puts("rewritten");
    calls();
    puts("calls");
    printf("scripted: %lu\n", (unsigned long)scripted(18));
    return 0;
}
