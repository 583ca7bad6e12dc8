@ The guest side of the QEMU executor: runs programs on states that lie in a file shared with the
@ host, and leaves the final states in their place.
@
@ Freestanding, linked near the programs' address, its text writable. It begins with the branches that programs
@ end at, one for each state; they can't be written while they run. No register is reserved: R12 and LR are loaded by the two instructions before each program, and a program ends
@ with a branch to `leave`, in T32 state to `leave_thumb`. Layout: src/qemu.rs and src/arm/mod.rs.

#include "layout.h"

        .syntax unified
        .arch   armv8-a
        .fpu    neon-fp-armv8
        .arm
        .section .runner, "awx", %progbits
        b       leave
        .thumb
        b.w     leave_thumb
        .arm
        .global _start
_start:
        ldr     r4, [sp]                @ argc
        cmp     r4, #2
        bne     fail
        ldr     r1, [sp, #8]            @ argv[1]
        ldr     r0, =AT_FDCWD
        mov     r2, #O_RDWR
        mov     r3, #0
        ldr     r7, =SYS_openat
        svc     #0
        cmp     r0, #0
        blt     fail
        mov     r4, r0
        ldr     r0, =SHARED
        ldr     r1, =SHARED_SIZE
        mov     r2, #(PROT_READ | PROT_WRITE)
        mov     r3, #(MAP_SHARED | MAP_FIXED)
        bl      map
        mvn     r4, #0
        ldr     r0, =CODE
        ldr     r1, =CODE_SIZE
        mov     r2, #(PROT_READ | PROT_WRITE)
        mov     r3, #(MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS)
        bl      map
        ldr     r0, =DATA
        ldr     r1, =DATA_SIZE
        bl      map
        ldr     r0, =alternate
        mov     r1, #0
        ldr     r7, =SYS_sigaltstack
        svc     #0
        cmp     r0, #0
        bne     fail
        mov     r0, #4                  @ SIGILL
        bl      catch
        mov     r0, #5                  @ SIGTRAP
        bl      catch
        mov     r0, #7                  @ SIGBUS
        bl      catch
        mov     r0, #11                 @ SIGSEGV
        bl      catch

@ One batch a byte.
next_batch:
        mov     r0, #1
        ldr     r1, =byte
        mov     r2, #1
        mov     r7, #SYS_write
        svc     #0
        cmp     r0, #1
        bne     fail
        mov     r0, #0
        ldr     r1, =byte
        mov     r2, #1
        mov     r7, #SYS_read
        svc     #0
        cmp     r0, #0
        beq     done
        cmp     r0, #1
        bne     fail
        mov     r2, #(PROT_READ | PROT_WRITE)
        bl      protect
        ldr     r4, =SHARED
        ldr     r5, [r4, #HEAD_CODE_BYTES]
        ldr     r0, =CODE
        ldr     r1, =SHARED + SHARED_CODE
        add     r2, r0, r5
1:      ldr     r3, [r1], #4
        str     r3, [r0], #4
        cmp     r0, r2
        blo     1b
        ldr     r0, =CODE
        mov     r1, r2
        mov     r2, #0
        ldr     r7, =SYS_cacheflush
        svc     #0
        mov     r2, #(PROT_READ | PROT_EXEC)
        bl      protect
        ldr     r6, [r4, #HEAD_STATES]
        ldr     r8, =SHARED + SHARED_STATES
        ldr     r9, =SHARED + SHARED_ENTRIES
        ldr     r10, =SHARED + SHARED_DATA
        cmp     r6, #0
        beq     next_batch

next_state:
        ldr     r0, =DATA
        ldr     r1, =SHARED + SHARED_PATTERN
        bl      copy_data
        str     r8, current
        adr     r0, loop
        stm     r0, {r4, r6, r8, r9, r10, sp}
        mov     lr, r8
        ldr     r0, =CODE
        ldr     r12, [r9]
        add     r12, r12, r0
        ldr     r0, [lr, #STATE_FPSCR]
        vmsr    fpscr, r0
        add     r0, lr, #STATE_D
        vldm    r0!, {d0-d15}
        vldm    r0, {d16-d31}
        clrex
        ldr     r0, [lr, #STATE_TPIDRURW]
        mcr     p15, 0, r0, c13, c0, 2
        ldr     r0, [lr, #STATE_CPSR]
        msr     CPSR_fs, r0
        ldm     lr, {r0-r11}
        ldr     sp, [lr, #52]
        bx      r12

@ Where both the end of a program and a fault go on.
state_done:
        mov     r0, #0
        vmsr    fpscr, r0
        adr     r0, loop
        ldm     r0, {r4, r6, r8, r9, r10, sp}
        mov     r0, r10
        ldr     r1, =DATA
        bl      copy_data
        add     r10, r10, r2
        add     r8, r8, #STATE_SIZE
        add     r9, r9, #4
        subs    r6, r6, #1
        bne     next_state
        b       next_batch

@ Copies the data area from r1 to r0, unless the batch leaves it alone; r2 is its size then.
copy_data:
        ldr     r2, =SHARED
        ldr     r2, [r2, #HEAD_MEMORY]
        cmp     r2, #0
        bxeq    lr
        ldr     r2, =DATA_SIZE
        add     r3, r1, r2
5:      vldm    r1!, {d0-d7}
        vstm    r0!, {d0-d7}
        cmp     r1, r3
        blo     5b
        bx      lr

@ Where programs end: saves all. Data may be big-endian until `setend`.
        .thumb
        .balign 4
        .thumb_func
leave_thumb:
        bx      pc
        nop
        .arm
        str     lr, saved_lr
        mrs     lr, cpsr
        setend  le
        orr     lr, lr, #0x20
        b       6f
leave:  str     lr, saved_lr
        mrs     lr, cpsr
        setend  le
6:      str     lr, saved_cpsr
        ldr     lr, current
        stm     lr, {r0-r12}
        str     sp, [lr, #52]
        ldr     r0, saved_cpsr
        str     r0, [lr, #STATE_CPSR]
        ldr     r1, saved_lr
        tst     r0, #0x200
        revne   r1, r1
        str     r1, [lr, #56]
        vmrs    r0, fpscr
        str     r0, [lr, #STATE_FPSCR]
        add     r0, lr, #STATE_D
        vstm    r0!, {d0-d15}
        vstm    r0, {d16-d31}
        mov     r0, #0
        str     r0, [lr, #STATE_SIGNAL]
        b       state_done

@ r0: signal, r1: siginfo, r2: ucontext. Saves all of the frame, and goes on without
@ returning: the signals stay unblocked (SA_NODEFER).
handler:
        setend  le
        ldr     lr, current
        str     r0, [lr, #STATE_SIGNAL]
        ldr     r3, [r1, #8]            @ si_code
        str     r3, [lr, #STATE_CODE]
        ldr     r3, [r1, #12]           @ si_addr
        str     r3, [lr, #STATE_ADDRESS]
        add     r1, r2, #UC_REGS        @ r0 to r15, cpsr
        mov     r3, lr
        mov     r4, #15
7:      ldr     r5, [r1], #4
        str     r5, [r3], #4
        subs    r4, r4, #1
        bne     7b
        ldm     r1, {r5, r6}
        str     r5, [lr, #STATE_PC]
        str     r6, [lr, #STATE_CPSR]
        add     r1, r2, #UC_REGSPACE
        ldr     r5, =VFP_MAGIC
        ldr     r6, [r1]
        cmp     r5, r6
        bne     fail
        ldr     r5, [r1, #264]
        str     r5, [lr, #STATE_FPSCR]
        add     r1, r1, #8
        add     r3, lr, #STATE_D
        vldm    r1!, {d0-d15}
        vstm    r3!, {d0-d15}
        vldm    r1, {d0-d15}
        vstm    r3, {d0-d15}
        b       state_done

@ mmap2(r0, r1, r2, r3, r4, 0), which must give r0.
map:    mov     r6, r0
        mov     r5, #0
        mov     r7, #SYS_mmap2
        svc     #0
        cmp     r0, r6
        bne     fail
        bx      lr

@ mprotect(CODE, CODE_SIZE, r2).
protect:
        ldr     r0, =CODE
        ldr     r1, =CODE_SIZE
        mov     r7, #SYS_mprotect
        svc     #0
        cmp     r0, #0
        bne     fail
        bx      lr

@ Sends signal r0 to the handler.
catch:  ldr     r1, =action
        mov     r2, #0
        mov     r3, #8
        mov     r7, #SYS_rt_sigaction
        svc     #0
        cmp     r0, #0
        bne     fail
        bx      lr

done:   mov     r0, #0
        b       exit
fail:   mov     r0, #1
exit:   mov     r7, #SYS_exit_group
        svc     #0

@ Within reach of the code above.
current:        .word 0
saved_lr:       .word 0
saved_cpsr:     .word 0
loop:           .space 24
        .ltorg


        .balign 8
action: .word   handler
        .word   SA_SIGINFO | SA_ONSTACK | SA_NODEFER
        .word   0, 0, 0
alternate:
        .word   stack
        .word   0
        .word   STACK_SIZE
byte:   .word   0
        @ In the same section: QEMU has all between two sections for itself.
        .balign 8
stack:  .space  STACK_SIZE
        .section .note.GNU-stack, "", %progbits
