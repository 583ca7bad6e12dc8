# i386 and i486: the same code under two machine numbers.
#
# Writes argv[0] and a newline to standard output, then exits with the effective
# user id & 0x7f (126 where there is no argv[0]). The newline takes the place of
# the string's terminating zero, so that one write does.
#
# Entry: (%esp) = argc, 4(%esp) = argv[0]. Calls: eax = number, ebx, ecx, edx.

        .code32
        .arch   i386
_start: cmpl    $0, (%esp)
        je      none
        mov     4(%esp), %ecx           # argv[0]
        mov     %ecx, %edx
1:      inc     %edx
        cmpb    $0, -1(%edx)            # edx ends one past the zero
        jne     1b
        movb    $'\n', -1(%edx)
        sub     %ecx, %edx              # the length with the newline
        mov     $1, %ebx
        mov     $4, %eax                # write
        int     $0x80
        mov     $201, %eax              # geteuid32
        int     $0x80
        and     $0x7f, %eax
        mov     %eax, %ebx
        jmp     exit
none:   mov     $126, %ebx
exit:   mov     $1, %eax                # exit
        int     $0x80
