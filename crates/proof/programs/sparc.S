! SPARC: 32 bits (V8 and V8+) and 64 bits.
!
! Writes argv[0] and a newline to standard output, then exits with the effective
! user id & 0x7f (126 where there is no argv[0]). The newline takes the place of
! the string's terminating zero, so that one write does.
!
! Entry: above the register window (16 registers, and in 64 bits a bias of 2047)
! argc, then argv[0]. Calls: %g1 = number, %o0.. = arguments.

.if BITS == 64
        .equ    ARGC, 2047 + 16 * 8
        .equ    GETEUID, 49
.else
        .equ    ARGC, 16 * 4
        .equ    GETEUID, 69             ! geteuid32
.endif
.macro  CALL number
        mov     \number, %g1
.if BITS == 64
        ta      0x6d
.else
        ta      0x10
.endif
.endm

_start:
.if BITS == 64
        ldx     [%sp + ARGC], %o3
        ldx     [%sp + ARGC + 8], %o1   ! argv[0]
.else
        ld      [%sp + ARGC], %o3
        ld      [%sp + ARGC + 4], %o1
.endif
        cmp     %o3, 0
        be      exit
        mov     126, %o0                ! (delay slot)
        mov     %o1, %o2
1:      ldub    [%o2], %o3
        cmp     %o3, 0
        bne     1b
        add     %o2, 1, %o2             ! (delay slot) %o2 ends one past the zero
        mov     10, %o3                 ! newline
        stb     %o3, [%o2 - 1]
        sub     %o2, %o1, %o2           ! the length with the newline
        mov     1, %o0
        CALL    4                       ! write
        CALL    GETEUID
        and     %o0, 0x7f, %o0
exit:   CALL    1                       ! exit
