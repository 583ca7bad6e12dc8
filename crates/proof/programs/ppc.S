# PowerPC: 32 bits, 64 bits, and 64 bits little-endian.
#
# Writes argv[0] and a newline to standard output, then exits with the effective
# user id & 0x7f (126 where there is no argv[0]). The newline takes the place of
# the string's terminating zero, so that one write does.
#
# Entry: 0(1) = argc, then argv[0]. Calls: 0 = number, 3.. = arguments; the 64-bit
# big-endian program is marked ELFv2, so that its entry is code, not a descriptor.

_start:
.if BITS == 64
        ld      3, 0(1)
        cmpdi   3, 0
.else
        lwz     3, 0(1)
        cmpwi   3, 0
.endif
        li      3, 126
        beq     exit
.if BITS == 64
        ld      4, 8(1)                 # argv[0]
.else
        lwz     4, 4(1)
.endif
        mr      5, 4
1:      lbz     6, 0(5)
        addi    5, 5, 1                 # 5 ends one past the zero
        cmpwi   6, 0
        bne     1b
        li      6, 10                   # newline
        stb     6, -1(5)
        subf    5, 4, 5                 # the length with the newline
        li      3, 1
        li      0, 4                    # write
        sc
        li      0, 49                   # geteuid
        sc
        andi.   3, 3, 0x7f
exit:   li      0, 1                    # exit
        sc
