# MIPS: o32, n32 and n64, both byte orders.
#
# Writes argv[0] and a newline to standard output, then exits with the effective
# user id & 0x7f (126 where there is no argv[0]). The newline takes the place of
# the string's terminating zero, so that one write does.
#
# Entry: 0($sp) = argc, then argv[0] (pointers are 4 bytes in o32 and n32).
# Calls: $2 = number, $4.. = arguments; the number's base names the ABI:
# CALLS = 4000 (o32), 5000 (n64), 6000 (n32).

        .set    noreorder
.if CALLS == 4000
        .equ    EXIT, 4001
        .equ    WRITE, 4004
        .equ    GETEUID, 4049
.else
        .equ    EXIT, CALLS + 58
        .equ    WRITE, CALLS + 1
        .equ    GETEUID, CALLS + 105
.endif
# An address is 64 bits wide only in n64.
.macro ADDI to, from, by
.if CALLS == 5000
        daddiu  \to, \from, \by
.else
        addiu   \to, \from, \by
.endif
.endm

_start:
.if CALLS == 5000
        ld      $8, 0($sp)
        ld      $5, 8($sp)              # argv[0]
.else
        lw      $8, 0($sp)
        lw      $5, 4($sp)
.endif
        beqz    $8, exit
        li      $4, 126                 # (delay slot)
        move    $6, $5
1:      lbu     $8, 0($6)
        nop                             # (MIPS I: load delay)
        bnez    $8, 1b
        ADDI    $6, $6, 1               # (delay slot) $6 ends one past the zero
        li      $8, 10                  # newline
        sb      $8, -1($6)
        subu    $6, $6, $5              # the length with the newline
        li      $4, 1
        li      $2, WRITE
        syscall
        li      $2, GETEUID
        syscall
        andi    $4, $2, 0x7f
exit:   li      $2, EXIT
        syscall
