// The guest side of the QEMU executor: runs programs on states that lie in a
// file shared with the host, and leaves the final states in their place.
//
// Freestanding, linked near the programs' address (see build in qemu.rs), where it begins with
// the branch that programs end at; they can't be written while they run. No register is reserved: X30 is
// saved in TPIDR_EL0 at the end, and X29 and X30 are loaded by the program's
// first word, which the host puts there:
//
//     ldp x29, x30, [x30, #232]
//
// Layout of the file and of a state: src/qemu.rs and src/arm64/mod.rs.

#include "layout.h"

        .section .runner, "awx", %progbits
        b       leave
        .global _start
_start:
        ldr     x19, [sp]               // argc
        cmp     x19, #2
        b.ne    fail
        ldr     x1, [sp, #16]           // argv[1]
        mov     x0, #AT_FDCWD
        mov     x2, #O_RDWR
        mov     x3, #0
        mov     x8, #SYS_openat
        svc     #0
        tbnz    x0, #63, fail
        mov     x20, x0
        // The shared file.
        ldr     x0, =SHARED
        ldr     x1, =SHARED_SIZE
        mov     x2, #PROT_READ | PROT_WRITE
        mov     x3, #MAP_SHARED | MAP_FIXED
        mov     x4, x20
        bl      map
        // The programs and the data area, between pages where nothing is.
        ldr     x0, =CODE
        ldr     x1, =CODE_SIZE
        mov     x2, #PROT_READ | PROT_WRITE
        mov     x3, #MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS
        mov     x4, #-1
        bl      map
        ldr     x0, =DATA
        ldr     x1, =DATA_SIZE
        bl      map
        // The handler of faults, on its own stack.
        adr     x0, alternate
        mov     x1, #0
        mov     x8, #SYS_sigaltstack
        svc     #0
        cbnz    x0, fail
        mov     x0, #4                  // SIGILL
        bl      catch
        mov     x0, #5                  // SIGTRAP
        bl      catch
        mov     x0, #7                  // SIGBUS
        bl      catch
        mov     x0, #11                 // SIGSEGV
        bl      catch

// One batch a byte.
next_batch:
        mov     x0, #1
        adr     x1, byte
        mov     x2, #1
        mov     x8, #SYS_write
        svc     #0
        cmp     x0, #1
        b.ne    fail
        mov     x0, #0
        adr     x1, byte
        mov     x2, #1
        mov     x8, #SYS_read
        svc     #0
        cbz     x0, done
        cmp     x0, #1
        b.ne    fail

        mov     x2, #PROT_READ | PROT_WRITE
        bl      protect
        ldr     x19, =SHARED
        ldr     w20, [x19, #HEAD_CODE_BYTES]
        ldr     x0, =CODE
        ldr     x1, =SHARED + SHARED_CODE
        add     x2, x0, x20
1:      ldr     x3, [x1], #8
        str     x3, [x0], #8
        cmp     x0, x2
        b.lo    1b
        ldr     x0, =CODE
1:      dc      cvau, x0
        add     x0, x0, #64
        cmp     x0, x2
        b.lo    1b
        dsb     ish
        ldr     x0, =CODE
1:      ic      ivau, x0
        add     x0, x0, #64
        cmp     x0, x2
        b.lo    1b
        dsb     ish
        isb
        mov     x2, #PROT_READ | PROT_EXEC
        bl      protect
        // A batch without memory starts from a data area that is not looked at.
        ldr     w21, [x19, #HEAD_STATES]
        ldr     w22, [x19, #HEAD_MEMORY]
        ldr     x23, =SHARED + SHARED_STATES
        ldr     x24, =SHARED + SHARED_ENTRIES
        ldr     x25, =SHARED + SHARED_DATA
        cbz     w21, next_batch

next_state:
        cbz     w22, 3f
        ldr     x0, =DATA
        ldr     x1, =SHARED + SHARED_PATTERN
        bl      copy_data
3:      adr     x9, current
        str     x23, [x9]
        mov     x10, sp
        stp     x10, x19, [x9, #8]
        stp     x21, x22, [x9, #24]
        stp     x23, x24, [x9, #40]
        str     x25, [x9, #56]
        mov     x30, x23
        ldr     w29, [x24]
        ldr     x0, =CODE
        add     x29, x29, x0
        b       enter

// Where both the end of a program and a fault go on.
state_done:
        adr     x9, current
        ldp     x10, x19, [x9, #8]
        mov     sp, x10
        ldp     x21, x22, [x9, #24]
        ldp     x23, x24, [x9, #40]
        ldr     x25, [x9, #56]
        msr     fpcr, xzr
        msr     s3_3_c4_c2_5, xzr       // DIT, which no state has
        cbz     w22, 4f
        mov     x0, x25
        ldr     x1, =DATA
        bl      copy_data
        add     x25, x25, x2
4:      add     x23, x23, #STATE_SIZE
        add     x24, x24, #4
        sub     w21, w21, #1
        cbnz    w21, next_state
        b       next_batch

// Copies the data area from x1 to x0; x2 is its size then.
copy_data:
        ldr     x2, =DATA_SIZE
        add     x3, x1, x2
5:      ldp     q0, q1, [x1], #32
        ldp     q2, q3, [x1], #32
        stp     q0, q1, [x0], #32
        stp     q2, q3, [x0], #32
        cmp     x1, x3
        b.lo    5b
        ret

// Loads the state at x30 but for x29 and x30, and goes to x29.
enter:
        ldr     x0, [x30, #STATE_NZCV]
        msr     nzcv, x0
        ldr     x0, [x30, #STATE_FPCR]
        msr     fpcr, x0
        ldr     x0, [x30, #STATE_FPSR]
        msr     fpsr, x0
        ldr     x0, [x30, #STATE_TPIDR]
        msr     tpidr_el0, x0
        ldr     x0, [x30, #248]
        mov     sp, x0
        clrex
        ldp     q0, q1, [x30, #256]
        ldp     q2, q3, [x30, #288]
        ldp     q4, q5, [x30, #320]
        ldp     q6, q7, [x30, #352]
        ldp     q8, q9, [x30, #384]
        ldp     q10, q11, [x30, #416]
        ldp     q12, q13, [x30, #448]
        ldp     q14, q15, [x30, #480]
        ldp     q16, q17, [x30, #512]
        ldp     q18, q19, [x30, #544]
        ldp     q20, q21, [x30, #576]
        ldp     q22, q23, [x30, #608]
        ldp     q24, q25, [x30, #640]
        ldp     q26, q27, [x30, #672]
        ldp     q28, q29, [x30, #704]
        ldp     q30, q31, [x30, #736]
        ldp     x0, x1, [x30, #0]
        ldp     x2, x3, [x30, #16]
        ldp     x4, x5, [x30, #32]
        ldp     x6, x7, [x30, #48]
        ldp     x8, x9, [x30, #64]
        ldp     x10, x11, [x30, #80]
        ldp     x12, x13, [x30, #96]
        ldp     x14, x15, [x30, #112]
        ldp     x16, x17, [x30, #128]
        ldp     x18, x19, [x30, #144]
        ldp     x20, x21, [x30, #160]
        ldp     x22, x23, [x30, #176]
        ldp     x24, x25, [x30, #192]
        ldp     x26, x27, [x30, #208]
        ldr     x28, [x30, #224]
        br      x29

// Where programs end: saves all.
leave:
        msr     tpidr_el0, x30
        ldr     x30, current
        stp     x0, x1, [x30, #0]
        stp     x2, x3, [x30, #16]
        stp     x4, x5, [x30, #32]
        stp     x6, x7, [x30, #48]
        stp     x8, x9, [x30, #64]
        stp     x10, x11, [x30, #80]
        stp     x12, x13, [x30, #96]
        stp     x14, x15, [x30, #112]
        stp     x16, x17, [x30, #128]
        stp     x18, x19, [x30, #144]
        stp     x20, x21, [x30, #160]
        stp     x22, x23, [x30, #176]
        stp     x24, x25, [x30, #192]
        stp     x26, x27, [x30, #208]
        stp     x28, x29, [x30, #224]
        stp     q0, q1, [x30, #256]
        stp     q2, q3, [x30, #288]
        stp     q4, q5, [x30, #320]
        stp     q6, q7, [x30, #352]
        stp     q8, q9, [x30, #384]
        stp     q10, q11, [x30, #416]
        stp     q12, q13, [x30, #448]
        stp     q14, q15, [x30, #480]
        stp     q16, q17, [x30, #512]
        stp     q18, q19, [x30, #544]
        stp     q20, q21, [x30, #576]
        stp     q22, q23, [x30, #608]
        stp     q24, q25, [x30, #640]
        stp     q26, q27, [x30, #672]
        stp     q28, q29, [x30, #704]
        stp     q30, q31, [x30, #736]
        mov     x0, sp
        mrs     x1, tpidr_el0
        stp     x1, x0, [x30, #240]
        mrs     x0, nzcv
        str     x0, [x30, #STATE_NZCV]
        mrs     x0, fpcr
        str     x0, [x30, #STATE_FPCR]
        mrs     x0, fpsr
        str     x0, [x30, #STATE_FPSR]
        str     xzr, [x30, #STATE_SIGNAL]
        b       state_done

// x0: signal, x1: siginfo, x2: ucontext. Saves all of the frame, and goes on
// without returning: the signals stay unblocked (SA_NODEFER), and the next
// frame starts at the top of the stack again, as SP is no longer on it.
handler:
        ldr     x30, current
        sxtw    x0, w0
        str     x0, [x30, #STATE_SIGNAL]
        ldrsw   x0, [x1, #8]            // si_code
        ldr     x3, [x1, #16]           // si_addr
        str     x0, [x30, #STATE_CODE]
        str     x3, [x30, #STATE_ADDRESS]
        add     x1, x2, #UC_REGS        // x0 to x30, sp, pc, pstate
        mov     x3, x30
        mov     x4, #32
6:      ldr     x0, [x1], #8
        str     x0, [x3], #8
        sub     x4, x4, #1
        cbnz    x4, 6b
        ldp     x0, x3, [x1]
        and     x3, x3, #0xf0000000
        str     x0, [x30, #STATE_PC]
        str     x3, [x30, #STATE_NZCV]
        // The record of the vector registers.
        add     x1, x2, #UC_RESERVED
        ldr     w4, =FPSIMD_MAGIC
7:      ldp     w0, w3, [x1]
        cbz     w0, fail
        cmp     w0, w4
        b.eq    8f
        add     x1, x1, x3
        b       7b
8:      ldp     w0, w3, [x1, #8]        // fpsr, fpcr
        str     x3, [x30, #STATE_FPCR]
        str     x0, [x30, #STATE_FPSR]
        add     x1, x1, #16
        add     x3, x30, #256
        mov     x4, #32
9:      ldr     q0, [x1], #16
        str     q0, [x3], #16
        sub     x4, x4, #1
        cbnz    x4, 9b
        b       state_done

// mmap(x0, x1, x2, x3, x4, 0), which must give x0.
map:
        mov     x9, x0
        mov     x5, #0
        mov     x8, #SYS_mmap
        svc     #0
        cmp     x0, x9
        b.ne    fail
        ret

// mprotect(CODE, CODE_SIZE, x2).
protect:
        ldr     x0, =CODE
        ldr     x1, =CODE_SIZE
        mov     x8, #SYS_mprotect
        svc     #0
        cbnz    x0, fail
        ret

// Sends signal x0 to the handler.
catch:
        adr     x1, action
        mov     x2, #0
        mov     x3, #8
        mov     x8, #SYS_rt_sigaction
        svc     #0
        cbnz    x0, fail
        ret

done:   mov     x0, #0
        b       exit
fail:   mov     x0, #1
exit:   mov     x8, #SYS_exit_group
        svc     #0
        .ltorg

        // On a page of their own: QEMU translates what is on a written one anew.
        .balign 4096
action: .quad   handler
        .quad   SA_SIGINFO | SA_ONSTACK | SA_NODEFER
        .quad   0, 0
alternate:
        .quad   stack
        .quad   0
        .quad   STACK_SIZE
byte:   .quad   0
// The state's address, then SP and the registers of the loop.
current:
        .quad   0, 0, 0, 0, 0, 0, 0, 0
        // In the same section: QEMU has all between two sections for itself.
        .balign 16
stack:  .space  STACK_SIZE
        .section .note.GNU-stack, "", %progbits
