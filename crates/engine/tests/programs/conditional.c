// Instructions of floating point and Advanced SIMD under a condition that a comparison of floating
// point gives, where nothing behind them asks for the flags. Their results are those that translated
// code leaves to the interpreter, which asks the condition once more.
#include <stdint.h>
#include <stdio.h>

#ifdef __thumb__
#define IF_LESS "it lt\n"
#else
#define IF_LESS
#endif

static uint32_t denormal[4] = {1, 1, 1, 1};
static uint32_t one[4] = {0x3f800000, 0x3f800000, 0x3f800000, 0x3f800000};
static uint32_t nan[4] = {0x7fc00001, 0x7fc00001, 0x7fc00001, 0x7fc00001};
static uint32_t large[4] = {0x7ffffff0, 0x7ffffff0, 0x7ffffff0, 0x7ffffff0};

// The flags are Z at first, and less where it counts.
#define OPERATION(name, instruction) \
    static void name(uint32_t *a, uint32_t *b, uint32_t *result) { \
        __asm__ volatile("vld1.32 {q0}, [%0]\n vld1.32 {q1}, [%1]\n vmov.i32 q2, #7\n" \
            "mov r3, #0x40000000\n msr APSR_nzcvq, r3\n" \
            "vmov.f32 s12, #1.0\n vmov.f32 s13, #2.0\n vcmp.f32 s12, s13\n vmrs APSR_nzcv, FPSCR\n" \
            IF_LESS instruction "\n" \
            "cmp r3, r3\n vst1.32 {q2}, [%2]" \
            :: "r"(a), "r"(b), "r"(result) : "memory", "cc", "r3", "q0", "q1", "q2", "q3"); \
    }

OPERATION(vmul, "vmullt.f32 s8, s0, s4")
OPERATION(vadd, "vaddlt.f32 s8, s0, s4")
OPERATION(vsqrt, "vsqrtlt.f32 s8, s0")
OPERATION(vcvt, "vcvtlt.s32.f32 s8, s0")
OPERATION(vcvt_unsigned, "vcvtlt.u32.f32 s8, s0")
OPERATION(vmla, "vmlalt.f32 s8, s0, s4")
#ifdef __thumb__
OPERATION(vadd_q, "vaddlt.f32 q2, q0, q1")
OPERATION(vmla_q, "vmlalt.f32 q2, q0, q1")
OPERATION(vrecps_q, "vrecpslt.f32 q2, q0, q1")
OPERATION(vcgt_q, "vcgtlt.f32 q2, q0, q1")
OPERATION(vcvt_q, "vcvtlt.s32.f32 q2, q0")
OPERATION(vmax_d, "vmaxlt.f32 d4, d0, d2")
OPERATION(vpadd_d, "vpaddlt.f32 d4, d0, d2")
OPERATION(vqadd_d, "vqaddlt.s32 d4, d0, d2")
OPERATION(vqsub_d, "vqsublt.u32 d4, d2, d0")
OPERATION(vqdmulh_d, "vqdmulhlt.s32 d4, d0, d2")
#endif

static void show(const char *name, void operation(uint32_t *, uint32_t *, uint32_t *)) {
    uint32_t *sources[] = {denormal, one, nan, large}, result[4];
    for (int at = 0; at < 16; at++) {
        for (int times = 0; times < 200; times++) operation(sources[at / 4], sources[at % 4], result);
        uint32_t status;
        __asm__ volatile("vmrs %0, FPSCR" : "=r"(status));
        printf("%s %d: %08x %08x, %x\n", name, at, result[0], result[1], status & 0x9f);
        __asm__ volatile("vmsr FPSCR, %0" :: "r"(status & ~0x9f));
    }
}

#define SHOW(name) show(#name, name);

int main(void) {
    for (int control = 0; control < 2; control++) {
        __asm__ volatile("vmsr FPSCR, %0" :: "r"(control << 24));
        SHOW(vmul) SHOW(vadd) SHOW(vsqrt) SHOW(vcvt) SHOW(vcvt_unsigned) SHOW(vmla)
    }
#ifdef __thumb__
    SHOW(vadd_q) SHOW(vmla_q) SHOW(vrecps_q) SHOW(vcgt_q) SHOW(vcvt_q) SHOW(vmax_d) SHOW(vpadd_d)
    SHOW(vqadd_d) SHOW(vqsub_d) SHOW(vqdmulh_d)
#endif
    return 0;
}
