| Motorola 68000 family (68020).
|
| Writes argv[0] and a newline to standard output, then exits with the effective
| user id & 0x7f (126 where there is no argv[0]). The newline takes the place of
| the string's terminating zero, so that one write does.
|
| Entry: (%sp) = argc, 4(%sp) = argv[0]. Calls: %d0 = number, %d1.. = arguments.

_start: move.l  (%sp), %d0
        beq     none
        move.l  4(%sp), %d2             | argv[0]
        move.l  %d2, %a0
1:      tst.b   (%a0)+                  | %a0 ends one past the zero
        bne     1b
        move.b  #10, -1(%a0)            | newline
        move.l  %a0, %d3
        sub.l   %d2, %d3                | the length with the newline
        moveq   #1, %d1
        moveq   #4, %d0                 | write
        trap    #0
        move.l  #201, %d0               | geteuid32
        trap    #0
        moveq   #0x7f, %d1
        and.l   %d0, %d1
        bra     exit
none:   moveq   #126, %d1
exit:   moveq   #1, %d0                 | exit
        trap    #0
