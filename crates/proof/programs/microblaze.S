# MicroBlaze, both byte orders.
#
# Writes argv[0] and a newline to standard output, then exits with the effective
# user id & 0x7f (126 where there is no argv[0]). The newline takes the place of
# the string's terminating zero, so that one write does.
#
# Entry: 0(r1) = argc, 4(r1) = argv[0]. Calls: r12 = number, r5.. = arguments.
#
# Debian has no assembler for it, so the instructions used are macros here, made
# after the MicroBlaze Processor Reference Guide (UG984, chapter 5) and assembled
# by the host's `as`. BIG = 1 writes each word's most significant byte first.

# Type B: opcode (6 bits), rD (5), rA (5), immediate (16).
.macro  WORDI op, d, a, imm
.if BIG
        .byte   (\op << 2) | (\d >> 3), ((\d & 7) << 5) | \a
        .byte   ((\imm) >> 8) & 0xff, (\imm) & 0xff
.else
        .byte   (\imm) & 0xff, ((\imm) >> 8) & 0xff
        .byte   ((\d & 7) << 5) | \a, (\op << 2) | (\d >> 3)
.endif
.endm
.macro  addik d, a, imm                 # rD = rA + imm
        WORDI   0x0c, \d, \a, \imm
.endm
.macro  rsubk d, a, b                   # rD = rB - rA (type A: rB on top of the low half)
        WORDI   0x05, \d, \a, (\b << 11)
.endm
.macro  andi d, a, imm
        WORDI   0x29, \d, \a, \imm
.endm
.macro  lwi d, a, imm
        WORDI   0x3a, \d, \a, \imm
.endm
.macro  lbui d, a, imm
        WORDI   0x38, \d, \a, \imm
.endm
.macro  sbi d, a, imm
        WORDI   0x3c, \d, \a, \imm
.endm
# Branches count from their own first byte.
.macro  beqi a, to
.Lat\@: WORDI   0x2f, 0, \a, (\to - .Lat\@)
.endm
.macro  bnei a, to
.Lat\@: WORDI   0x2f, 1, \a, (\to - .Lat\@)
.endm
.macro  bri to
.Lat\@: WORDI   0x2e, 0, 0, (\to - .Lat\@)
.endm
.macro  brki d, vector
        WORDI   0x2e, \d, 0x0c, \vector
.endm

_start: lwi     5, 1, 0
        beqi    5, none
        lwi     6, 1, 4                 # argv[0]
        addik   7, 6, 0
next:   lbui    3, 7, 0
        addik   7, 7, 1                 # r7 ends one past the zero
        bnei    3, next
        addik   3, 0, 10                # newline
        sbi     3, 7, -1
        rsubk   7, 6, 7                 # the length with the newline
        addik   5, 0, 1
        addik   12, 0, 4                # write
        brki    14, 8
        addik   12, 0, 201              # geteuid32
        brki    14, 8
        andi    5, 3, 0x7f
        bri     exit
none:   addik   5, 0, 126
exit:   addik   12, 0, 1                # exit
        brki    14, 8
