//! Where a signal finds a thread in translated code, and how the thread gets from there
//! to a safe point and out of the code.
//!
//! The signal handlers ask [`interrupted`], their hook. The guest's state is known at
//! accesses and at starts of blocks: there the hook notes place and flags in the thread's
//! state and lets the thread go on in the stub that leaves. Elsewhere the thread steps on.
//!
//! A hook has no argument that could name a translator, so the process has one set of
//! [`Places`]: that of the translator that took the faults last.

use alloc::boxed::Box;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use guest::Guest;
use x64::convention::BIAS;

use super::code::arena::Points;
use super::translate::Translator;
use super::vcpu::{Interrupted, Vcpu};
use crate::host::signal::Registers;
use crate::thread::handlers::{self, Event, Outcome};

/// What the hook has to know of a translator.
#[derive(Clone, Copy, Debug)]
struct Places {
    /// Where translated code may lie.
    code: (u64, u64),
    /// Where the stubs end, which come first.
    stubs_end: u64,
    /// Where stubs are about to enter guest code.
    inward: [(u64, u64); 2],
    /// Where a thread goes on that is to leave.
    leave: u64,
    /// Where the guest's state is known.
    points: Points,
    /// Code that is kept: from and to, and where the state is known there.
    kept: (u64, u64),
    known: &'static [u8],
}

impl Places {
    /// Whether an address is of code that is kept.
    fn is_kept(&self, rip: u64) -> bool {
        (self.kept.0..self.kept.1).contains(&rip)
    }

    /// Whether the guest's state is known at an address of translated code.
    fn known(&self, rip: u64) -> bool {
        if !self.is_kept(rip) {
            return self.points.known(rip);
        }
        let offset = rip - self.kept.0;
        #[allow(clippy::cast_possible_truncation, reason = "the host has 64 bits")]
        let bits = self.known.get((offset / 8) as usize).copied();
        bits.unwrap_or(0) & 1 << (offset % 8) != 0
    }
}

/// The process's.
static PLACES: AtomicPtr<Places> = AtomicPtr::new(ptr::null_mut());

impl<G: Guest> Translator<G> {
    /// From now on, threads that a signal finds in this translator's code are brought to
    /// safe points.
    pub fn take_faults(&self) {
        let places = Box::leak(Box::new(self.places()));
        PLACES.store(places, Ordering::Release);
        handlers::set_hook(interrupted::<G>);
    }

    /// What the signal handler's hook has to know.
    fn places(&self) -> Places {
        let inward = self.stubs.inward;
        Places {
            code: (self.code.start, self.code.end),
            stubs_end: self.base + self.stub_bytes,
            inward: inward.map(|(from, to)| (self.base + from as u64, self.base + to as u64)),
            leave: self.base + self.stubs.interrupted as u64,
            points: self.points,
            kept: self
                .kept
                .as_ref()
                .map_or((0, 0), |(code, _)| (code.start, code.end)),
            known: self.kept.as_ref().map_or(&[], |&(_, known)| known),
        }
    }
}

/// Deals with a thread that may be in translated code: it goes on in the stub
/// that leaves, with all its registers, once its state is known.
///
/// # Safety
/// The registers are the calling thread's where it was interrupted.
unsafe fn interrupted<G: Guest>(event: Event, registers: &mut Registers) -> Outcome {
    // SAFETY: it is null or was leaked by `take_faults`.
    let Some(places) = (unsafe { PLACES.load(Ordering::Acquire).as_ref() }) else {
        return Outcome::Elsewhere;
    };
    let rip = registers.rip;
    let is_live = (places.code.0..places.code.1).contains(&rip);
    if !is_live && !places.is_kept(rip) {
        return Outcome::Elsewhere;
    }
    let is_stub = is_live && rip < places.stubs_end;
    match event {
        Event::Fault if is_stub => return Outcome::Elsewhere,
        Event::Stop if is_stub => {
            let inward = places
                .inward
                .iter()
                .any(|&(from, to)| (from..to).contains(&rip));
            return if inward { Outcome::Step } else { Outcome::Done };
        }
        Event::Stop if !places.known(rip) => return Outcome::Step,
        Event::Fault | Event::Stop => {}
    }
    let vcpu = (registers.rbp as *mut u8)
        .wrapping_offset(-(BIAS as isize))
        .cast::<Vcpu<G>>();
    let interrupted = Interrupted {
        rip,
        eflags: registers.eflags,
        by: event,
    };
    // SAFETY: in translated code rbp points that far into the thread's Vcpu,
    // which nobody else looks at meanwhile.
    unsafe { (*vcpu).host.interrupted = interrupted };
    registers.rip = places.leave;
    Outcome::Done
}
