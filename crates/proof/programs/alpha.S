# Alpha.
#
# Writes argv[0] and a newline to standard output, then exits with the effective
# user id & 0x7f (126 where there is no argv[0]). The newline takes the place of
# the string's terminating zero, so that one write does.
#
# Entry: 0($30) = argc, 8($30) = argv[0]. Calls: $0 = number, $16.. = arguments.
# Bytes are read and written through whole quadwords, as EV4 has to.

        .set    noreorder
        .set    noat
_start: ldq     $1, 0($30)
        lda     $16, 126($31)
        beq     $1, exit
        ldq     $17, 8($30)             # argv[0]
        mov     $17, $18
1:      ldq_u   $1, 0($18)
        extbl   $1, $18, $1
        lda     $18, 1($18)             # $18 ends one past the zero
        bne     $1, 1b
        ldq_u   $1, -1($18)
        lda     $2, -1($18)
        lda     $3, 10($31)             # newline
        insbl   $3, $2, $3
        bis     $1, $3, $1              # the byte was zero
        stq_u   $1, -1($18)
        subq    $18, $17, $18           # the length with the newline
        lda     $16, 1($31)
        lda     $0, 4($31)              # write
        call_pal 0x83
        lda     $0, 24($31)             # getxuid: $20 = the effective one
        call_pal 0x83
        and     $20, 0x7f, $16
exit:   lda     $0, 1($31)              # exit
        call_pal 0x83
