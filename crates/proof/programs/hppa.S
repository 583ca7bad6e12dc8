; PA-RISC 1.1.
;
; Writes argv[0] and a newline to standard output, then exits with the effective
; user id & 0x7f (126 where there is no argv[0]). The newline takes the place of
; the string's terminating zero, so that one write does.
;
; Entry: %r25 = argc, %r24 = argv. Calls: %r20 = number, %r26.. = arguments,
; through the gateway page at 0x100.

        .level  1.1
_start: comib,=,n 0, %r25, none
        ldw     0(%r24), %r25           ; argv[0]
        copy    %r25, %r24
next:   ldb     0(%r24), %r1
        comib,<> 0, %r1, next
        ldo     1(%r24), %r24           ; (delay slot) %r24 ends one past the zero
        ldi     10, %r1                 ; newline
        stb     %r1, -1(%r24)
        sub     %r24, %r25, %r24        ; the length with the newline
        ldi     1, %r26
        ble     0x100(%sr2, %r0)
        ldi     4, %r20                 ; (delay slot) write
        ble     0x100(%sr2, %r0)
        ldi     49, %r20                ; (delay slot) geteuid
        b       exit
        extru   %r28, 31, 7, %r26       ; (delay slot) its low 7 bits
none:   ldi     126, %r26
exit:   ble     0x100(%sr2, %r0)
        ldi     1, %r20                 ; (delay slot) exit
