//! Tiny test programs, run through the kernel in an empty root.
