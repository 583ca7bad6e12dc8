@ Arm (A32), EABI. armeb is the same code: instructions stay little-endian (BE8).
@
@ Writes argv[0] and a newline to standard output, then exits with the effective
@ user id & 0x7f (126 where there is no argv[0]). The newline takes the place of
@ the string's terminating zero, so that one write does.
@
@ Entry: [sp] = argc, [sp, #4] = argv[0]. Calls: r7 = number, r0.. = arguments.
@ ARMv4 instructions only.

        .arch   armv4
        .arm
_start: ldr     r0, [sp]
        cmp     r0, #0
        moveq   r0, #126
        beq     exit
        ldr     r1, [sp, #4]            @ argv[0]
        mov     r2, r1
1:      ldrb    r3, [r2], #1            @ r2 ends one past the zero
        cmp     r3, #0
        bne     1b
        mov     r3, #'\n'
        strb    r3, [r2, #-1]
        sub     r2, r2, r1              @ the length with the newline
        mov     r0, #1
        mov     r7, #4                  @ write
        svc     0
        mov     r7, #201                @ geteuid32
        svc     0
        and     r0, r0, #0x7f
exit:   mov     r7, #1                  @ exit
        svc     0
