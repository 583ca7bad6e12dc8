# Xtensa, both byte orders.
#
# Writes argv[0] and a newline to standard output, then exits with the effective
# user id & 0x7f (126 where there is no argv[0]). The newline takes the place of
# the string's terminating zero, so that one write does.
#
# Entry: 0(a1) = argc, 4(a1) = argv[0]. Calls: a2 = number, then a6, a3, a4.
#
# Debian's only assembler for it is fixed to one little-endian core, so the core
# instructions used are macros here, made after the Xtensa Instruction Set
# Architecture Reference Manual (chapter 7) and assembled by the host's `as`.
# An instruction is 24 bits; BIG = 1 reverses the order of its fields.

# Formats RRR and RRI8: op0, t, s, r and 8 more bits.
.macro  INSN op0, t, s, r, last
.if BIG
        .byte   (\op0 << 4) | \t, (\s << 4) | \r, (\last) & 0xff
.else
        .byte   (\t << 4) | \op0, (\r << 4) | \s, (\last) & 0xff
.endif
.endm
# RRR: the last byte is two more opcode fields.
.macro  RRR op2, op1, r, s, t
.if BIG
        INSN    0, \t, \s, \r, (\op1 << 4) | \op2
.else
        INSN    0, \t, \s, \r, (\op2 << 4) | \op1
.endif
.endm
.macro  l8ui t, s, offset
        INSN    2, \t, \s, 0, \offset
.endm
.macro  l32i t, s, offset
        INSN    2, \t, \s, 2, (\offset / 4)
.endm
.macro  s8i t, s, offset
        INSN    2, \t, \s, 4, \offset
.endm
.macro  movi t, imm                     # imm: 12 bits, its upper four in s
        INSN    2, \t, (\imm >> 8), 10, (\imm & 0xff)
.endm
.macro  addi t, s, imm
        INSN    2, \t, \s, 12, \imm
.endm
.macro  mov r, s                        # or r, s, s
        RRR     2, 0, \r, \s, \s
.endm
.macro  sub r, s, t
        RRR     12, 0, \r, \s, \t
.endm
.macro  low_bits r, t, count            # extui r, t, 0, count
        RRR     (\count - 1), 4, \r, 0, \t
.endm
.macro  syscall
        RRR     0, 0, 5, 0, 0
.endm
# BRI12: op0 = 6, n = 1, m, s, 12 bits; branches count from their own fourth byte.
.macro  BRI12 m, s, by
.if BIG
        .byte   0x64 | \m, (\s << 4) | (((\by) >> 8) & 15), (\by) & 0xff
.else
        .byte   (\m << 6) | 0x16, (((\by) & 15) << 4) | \s, ((\by) >> 4) & 0xff
.endif
.endm
.macro  beqz s, to
.Lat\@: BRI12   0, \s, (\to - .Lat\@ - 4)
.endm
.macro  bnez s, to
.Lat\@: BRI12   1, \s, (\to - .Lat\@ - 4)
.endm

_start: l32i    5, 1, 0
        movi    6, 126
        beqz    5, exit
        l32i    3, 1, 4                 # argv[0]
        mov     4, 3
next:   l8ui    5, 4, 0
        addi    4, 4, 1                 # a4 ends one past the zero
        bnez    5, next
        addi    4, 4, -1
        movi    5, 10                   # newline
        s8i     5, 4, 0
        addi    4, 4, 1
        sub     4, 4, 3                 # the length with the newline
        movi    6, 1
        movi    2, 13                   # write
        syscall
        movi    2, 140                  # geteuid
        syscall
        low_bits 6, 2, 7
exit:   movi    2, 118                  # exit
        syscall
