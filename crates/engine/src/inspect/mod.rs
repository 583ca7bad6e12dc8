//! Looking inside: guest and host code as text, counters, and a map for perf.
//!
//! [`Inspector`] is the observer that does what the command line's options ask
//! for. It writes to standard error, in one piece a region, so that pieces of
//! several threads do not mix.

pub mod counters;
pub mod guest;
#[cfg(feature = "disassembler")]
pub mod host;
pub mod perf;

use alloc::string::String;
use core::fmt::Write as _;
use core::ops::Range;

use a64::lift::{ANY_STACK, SOFT_FLOAT};
use ir::{Mode, Region};
use x64::lower::Lowered;

use crate::cli::Options;
use crate::host::sys;
use crate::translator::source::{Code, Observer};
use crate::translator::tally::Tally;
use counters::Counters;
use guest::GuestLine;
use perf::Map;

/// Prints and counts what is translated.
#[derive(Debug)]
pub struct Inspector {
    options: Options,
    counters: Counters,
    tally: Option<&'static Tally>,
    map: Map,
    /// The head of the region that was formed last.
    head: u64,
    text: String,
}

impl Inspector {
    /// What these options ask for.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            counters: Counters::default(),
            tally: options.counters.then(Tally::new),
            map: Map::default(),
            head: 0,
            text: String::new(),
        }
    }

    /// What it was made for.
    #[must_use]
    pub const fn options(&self) -> Options {
        self.options
    }

    /// Where the interpreter's work is counted, if it is.
    #[must_use]
    pub const fn tally(&self) -> Option<&'static Tally> {
        self.tally
    }

    /// The program has ended: prints what was counted.
    pub fn finish(&mut self) {
        if self.options.counters {
            self.text.clear();
            if let Some(tally) = self.tally {
                self.counters.report(&tally.blocks, &mut self.text);
                tally.report(&mut self.text);
            }
            self.print();
        }
    }

    fn print(&self) {
        // There is nobody to tell when this fails.
        let _ = sys::write_all(2, self.text.as_bytes());
    }
}

impl Observer for Inspector {
    fn started(&mut self, stubs: Range<u64>) {
        if self.options.perf_map {
            self.map.add(stubs, format_args!("armistice stubs"));
            self.map.write();
        }
    }

    fn formed(&mut self, head: u64, region: &Region, code: &dyn Code) -> Option<u32> {
        self.head = head;
        if self.options.print_guest {
            self.text.clear();
            guest_code(head, region, code, &mut self.text);
            self.print();
        }
        if self.options.print_ir {
            self.text.clear();
            let mode = mode_name(region.mode);
            let _ = writeln!(self.text, "IR of region {head:x}{mode}:");
            self.text.push_str(&ir::text::print(region));
            self.print();
        }
        let tally = self.tally?;
        self.counters.prepare(head, region, &tally.blocks)
    }

    fn translated(&mut self, region: &Region, lowered: &Lowered, host: u64, code: &[u8]) {
        if self.options.counters {
            self.counters.placed(code.len());
        }
        if self.options.print_host {
            self.text.clear();
            let _ = writeln!(
                self.text,
                "host code of region {:x}{}: {} bytes at {host:x}",
                self.head,
                mode_name(region.mode),
                code.len()
            );
            host_code(region, lowered, code, &mut self.text);
            self.print();
        }
        if self.options.perf_map {
            self.map.region(region, lowered, host, code.len());
            self.map.write();
        }
    }
}

/// What is not taken for granted in a mode, behind a region's address.
const fn mode_name(mode: Mode) -> &'static str {
    match (mode.has(SOFT_FLOAT), mode.has(ANY_STACK)) {
        (false, false) => "",
        (true, false) => " (soft floats)",
        (false, true) => " (any SP)",
        (true, true) => " (soft floats, any SP)",
    }
}

/// Adds the guest code of a region to `out`, a line an instruction.
fn guest_code(head: u64, region: &Region, code: &dyn Code, out: &mut String) {
    let mode = mode_name(region.mode);
    let _ = writeln!(out, "guest code of region {head:x}{mode}:");
    for (n, block) in region.blocks.iter().enumerate() {
        if n > 0 {
            out.push('\n');
        }
        for i in 0..u64::from(block.insns) {
            let pc = block.pc.wrapping_add(4 * i);
            if let Some(word) = code.fetch(pc) {
                let _ = writeln!(out, "{}", GuestLine { pc, word });
            }
        }
    }
}

#[cfg(feature = "disassembler")]
fn host_code(region: &Region, lowered: &Lowered, code: &[u8], out: &mut String) {
    let layout = crate::translator::vcpu::layout();
    host::disassemble(region, lowered, code, &layout, host::Style::Full, out);
}

/// Bytes, where there is no disassembler.
#[cfg(not(feature = "disassembler"))]
fn host_code(_: &Region, _: &Lowered, code: &[u8], out: &mut String) {
    for (line, bytes) in code.chunks(16).enumerate() {
        let _ = write!(out, "  {:4x} ", line * 16);
        for byte in bytes {
            let _ = write!(out, " {byte:02x}");
        }
        out.push('\n');
    }
}
