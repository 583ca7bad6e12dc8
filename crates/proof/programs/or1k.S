# OpenRISC 1000.
#
# Writes argv[0] and a newline to standard output, then exits with the effective
# user id & 0x7f (126 where there is no argv[0]). The newline takes the place of
# the string's terminating zero, so that one write does.
#
# Entry: 0(r1) = argc, 4(r1) = argv[0]. Calls: r11 = number, r3.. = arguments.

_start: l.lwz   r3, 0(r1)
        l.sfeqi r3, 0
        l.bf    exit
         l.ori  r3, r0, 126             # (delay slot)
        l.lwz   r4, 4(r1)               # argv[0]
        l.ori   r5, r4, 0
1:      l.lbz   r6, 0(r5)
        l.sfnei r6, 0
        l.bf    1b
         l.addi r5, r5, 1               # (delay slot) r5 ends one past the zero
        l.ori   r6, r0, 10              # newline
        l.sb    -1(r5), r6
        l.sub   r5, r5, r4              # the length with the newline
        l.ori   r3, r0, 1
        l.ori   r11, r0, 64             # write
        l.sys   1
        l.nop
        l.ori   r11, r0, 175            # geteuid
        l.sys   1
        l.nop
        l.andi  r3, r11, 0x7f
exit:   l.ori   r11, r0, 93             # exit
        l.sys   1
        l.nop
