//! [`Options`]: how a program is run, and what is shown of its code. The command line says it, and what
//! the guest executes is given the same.

/// What to look at while the program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Everything in the interpreter.
    pub interpret: bool,
    /// Everything translated before it runs.
    pub eager: bool,
    /// Print the guest code of each region.
    pub print_guest: bool,
    /// Print what each region is lifted to.
    pub print_ir: bool,
    /// Print the host code of each region.
    pub print_host: bool,
    /// Print the regions' counters at the end.
    pub counters: bool,
    /// Print system calls.
    pub strace: bool,
    /// Write a map for perf.
    pub perf_map: bool,
}

impl Options {
    /// Whether translations are made as they are needed, and nobody looks at them.
    #[must_use]
    pub const fn only_runs(&self) -> bool {
        !(self.interpret
            || self.eager
            || self.print_guest
            || self.print_ir
            || self.print_host
            || self.counters
            || self.perf_map)
    }
}
