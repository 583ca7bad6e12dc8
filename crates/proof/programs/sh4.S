! SuperH 4, both byte orders.
!
! Writes argv[0] and a newline to standard output, then exits with the effective
! user id & 0x7f (126 where there is no argv[0]). The newline takes the place of
! the string's terminating zero, so that one write does.
!
! Entry: @r15 = argc, @(4,r15) = argv[0]. Calls: r3 = number, r4.. = arguments.

_start: mov.l   @r15, r0
        tst     r0, r0
        bt      none
        mov.l   @(4,r15), r5            ! argv[0]
        mov     r5, r6
1:      mov.b   @r6+, r0                ! r6 ends one past the zero
        tst     r0, r0
        bf      1b
        mov     #10, r0                 ! newline
        add     #-1, r6
        mov.b   r0, @r6
        add     #1, r6
        sub     r5, r6                  ! the length with the newline
        mov     #1, r4
        mov     #4, r3                  ! write
        trapa   #0x13
        mov     #100, r3
        add     #101, r3                ! geteuid32: 201
        trapa   #0x10
        and     #0x7f, r0
        bra     exit
        mov     r0, r4                  ! (delay slot)
none:   mov     #126, r4
exit:   mov     #1, r3                  ! exit
        trapa   #0x11
