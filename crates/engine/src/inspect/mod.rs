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
use core::marker::PhantomData;
use core::ops::Range;

use ::guest::Guest;
use ir::Region;
use x64::lower::Lowered;

use crate::host::sys;
use crate::options::Options;
use crate::translator::source::Observer;
use crate::translator::tally::Tally;
use counters::Counters;
use guest::{GuestInsn, GuestLine};
use perf::Map;

/// Prints and counts what is translated.
#[derive(Debug)]
pub struct Inspector<G> {
    options: Options,
    counters: Counters,
    tally: Option<&'static Tally>,
    map: Map,
    /// The head of the region that was formed last.
    head: u64,
    text: String,
    guest: PhantomData<G>,
}

impl<G: Guest> Inspector<G> {
    /// What these options ask for.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            counters: Counters::default(),
            tally: options.counters.then(Tally::new::<G>),
            map: Map::default(),
            head: 0,
            text: String::new(),
            guest: PhantomData,
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

impl<G: Guest> Observer for Inspector<G> {
    fn started(&mut self, stubs: Range<u64>) {
        if self.options.perf_map {
            self.map.add(stubs, format_args!("armistice stubs"));
            self.map.write();
        }
    }

    fn formed(&mut self, head: u64, region: &Region) -> Option<u32> {
        self.head = head;
        if self.options.print_guest {
            self.text.clear();
            guest_code::<G>(head, region, &mut self.text);
            self.print();
        }
        if self.options.print_ir {
            self.text.clear();
            let mode = G::mode_name(region.mode);
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
                G::mode_name(region.mode),
                code.len()
            );
            host_code::<G>(region, lowered, code, &mut self.text);
            self.print();
        }
        if self.options.perf_map {
            self.map.region(region, lowered, host, code.len());
            self.map.write();
        }
    }
}

/// Adds the guest code of a region to `out`, a line an instruction.
fn guest_code<G: Guest>(head: u64, region: &Region, out: &mut String) {
    let mode = region.mode;
    let _ = writeln!(out, "guest code of region {head:x}{}:", G::mode_name(mode));
    let mut words = region.words.iter();
    for (n, block) in region.blocks.iter().enumerate() {
        if n > 0 {
            out.push('\n');
        }
        let mut pc = block.pc;
        for &word in words.by_ref().take(block.insns as usize) {
            let insn = GuestInsn::<G>::new(mode, word);
            let _ = writeln!(out, "{}", GuestLine { pc, insn });
            pc = pc.wrapping_add(G::length(mode, word));
        }
    }
}

#[cfg(feature = "disassembler")]
fn host_code<G: Guest>(region: &Region, lowered: &Lowered, code: &[u8], out: &mut String) {
    let layout = crate::translator::vcpu::layout::<G>();
    host::disassemble::<G>(region, lowered, code, &layout, host::Style::Full, out);
}

/// Bytes, where there is no disassembler.
#[cfg(not(feature = "disassembler"))]
fn host_code<G: Guest>(_: &Region, _: &Lowered, code: &[u8], out: &mut String) {
    for (line, bytes) in code.chunks(16).enumerate() {
        let _ = write!(out, "  {:4x} ", line * 16);
        for byte in bytes {
            let _ = write!(out, " {byte:02x}");
        }
        out.push('\n');
    }
}
