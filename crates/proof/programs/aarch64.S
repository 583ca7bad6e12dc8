// AArch64, both byte orders (instructions are little-endian in both).
//
// Writes argv[0] and a newline to standard output, then exits with the effective
// user id & 0x7f (126 where there is no argv[0]). The newline takes the place of
// the string's terminating zero, so that one write does.
//
// Entry: [sp] = argc, [sp, 8] = argv[0]. Calls: x8 = number, x0.. = arguments.

_start: ldr     x0, [sp]
        cbz     x0, none
        ldr     x1, [sp, 8]             // argv[0]
        mov     x2, x1
1:      ldrb    w3, [x2], 1             // x2 ends one past the zero
        cbnz    w3, 1b
        mov     w3, '\n'
        strb    w3, [x2, -1]
        sub     x2, x2, x1              // the length with the newline
        mov     x0, 1
        mov     x8, 64                  // write
        svc     0
        mov     x8, 175                 // geteuid
        svc     0
        and     x0, x0, 0x7f
        b       exit
none:   mov     x0, 126
exit:   mov     x8, 93                  // exit
        svc     0
