// Hexagon.
//
// Writes argv[0] and a newline to standard output, then exits with the effective
// user id & 0x7f (126 where there is no argv[0]). The newline takes the place of
// the string's terminating zero, so that one write does.
//
// Entry: memw(r29) = argc, memw(r29+4) = argv[0]. Calls: r6 = number, r0.. = arguments.

_start: r0 = memw(r29+#0)
        p0 = cmp.eq(r0, #0)
        if (p0) jump none
        r1 = memw(r29+#4)               // argv[0]
        r2 = r1
next:   r3 = memub(r2+#0)
        r2 = add(r2, #1)                // r2 ends one past the zero
        p0 = cmp.eq(r3, #0)
        if (!p0) jump next
        r3 = #10                        // newline
        memb(r2+#-1) = r3
        r2 = sub(r2, r1)                // the length with the newline
        r0 = #1
        r6 = #64                        // write
        trap0(#1)
        r6 = #175                       // geteuid
        trap0(#1)
        r0 = and(r0, #0x7f)
        jump exit
none:   r0 = #126
exit:   r6 = #93                        // exit
        trap0(#1)
