//! Options that QEMU has and the engine has not: each is answered with what does it here.

use core::ffi::CStr;

use super::Usage;

/// These options, and what to do instead. QEMU
/// takes them with one dash or two.
pub(super) const OF_QEMU: [(&[u8], &str); 17] = [
    (
        b"cpu",
        "the processor is always the one that 'cat /proc/cpuinfo' shows; leave it out",
    ),
    (
        b"s",
        "the stack may grow as far as ulimit -s allows; set that",
    ),
    (
        b"R",
        "the program has the whole address space; ulimit -v limits it",
    ),
    (b"B", "guest addresses are this machine's; leave it out"),
    (
        b"r",
        "the release of the kernel is this machine's; leave it out",
    ),
    (b"p", "pages have 4096 bytes; leave it out"),
    (
        b"d",
        "--print-guest, --print-ir and --print-host show code, --strace system calls",
    ),
    (
        b"D",
        "what is printed goes to standard error; redirect that",
    ),
    (
        b"dfilter",
        "what --print-guest and --print-host show can be searched",
    ),
    (b"singlestep", "--interpret runs one instruction at a time"),
    (
        b"one-insn-per-tb",
        "--interpret runs one instruction at a time",
    ),
    (b"seed", "random numbers are the kernel's; leave it out"),
    (b"trace", "--strace prints system calls"),
    (
        b"plugin",
        "there are no plugins; --counters says what runs how often",
    ),
    (b"perfmap", "--perf-map does it"),
    (b"jitdump", "--perf-map names code for perf"),
    (
        b"t",
        "the memory for translated code grows as needed; leave it out",
    ),
];

/// What is said of an option of QEMU's.
pub(super) fn of_qemu<'a>(argument: &'a CStr) -> Option<Usage<'a>> {
    let name = argument.to_bytes().strip_prefix(b"-")?;
    let name = name.strip_prefix(b"-").unwrap_or(name);
    let known = OF_QEMU.iter().find(|(known, _)| *known == name);
    known.map(|(_, advice)| Usage::OfQemu(argument, advice))
}
