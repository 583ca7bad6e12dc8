# RISC-V, 32 and 64 bits (base integer instructions only).
#
# Writes argv[0] and a newline to standard output, then exits with the effective
# user id & 0x7f (126 where there is no argv[0]). The newline takes the place of
# the string's terminating zero, so that one write does.
#
# Entry: 0(sp) = argc, then argv[0]. Calls: a7 = number, a0.. = arguments.

        .option norelax
        .option norvc
_start: lw      a0, 0(sp)               # argc is small: its low word does
        beqz    a0, none
.if BITS == 64
        ld      a1, 8(sp)               # argv[0]
.else
        lw      a1, 4(sp)
.endif
        mv      a2, a1
1:      lbu     a3, 0(a2)
        addi    a2, a2, 1               # a2 ends one past the zero
        bnez    a3, 1b
        li      a3, '\n'
        sb      a3, -1(a2)
        sub     a2, a2, a1              # the length with the newline
        li      a0, 1
        li      a7, 64                  # write
        ecall
        li      a7, 175                 # geteuid
        ecall
        andi    a0, a0, 0x7f
        j       exit
none:   li      a0, 126
exit:   li      a7, 93                  # exit
        ecall
