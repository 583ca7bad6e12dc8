//! The tracer's side: which of the stops that the host tells are the guest's, what is done
//! about the others, and what is known of the threads that the process traces.
//!
//! What a tracee says is not trusted: it is told on to the guest, which could be told
//! anything by another program, and no address of it is used in this process.

use core::sync::atomic::Ordering;

use super::host::{self, Registers, request};
use super::numbers::{event, options};
use super::tracees::{Job, Stop, Traced, Tracees};
use crate::host::page::PAGE;
use crate::host::signal::{SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSTOP, SIGTRAP, SignalInfo, bit};
use crate::host::sys::{self, Errno, number};
use crate::thread::attention::{Attention, SERVE};
use crate::thread::handlers;
use crate::thread::taken::TAKEN;
use crate::thread::traced::{self, Beginning, CallInfo, Mode, Place, Record, WRITES};

impl Traced {
    /// Its record, where it stands with one.
    ///
    /// # Errors
    /// `ESRCH` where it does not stand, `EIO` where it has none.
    pub fn record(&self) -> Result<Record, Errno> {
        match self.stop {
            Stop::None => Err(Errno::ESRCH),
            Stop::Bare => Err(Errno::EIO),
            Stop::Made | Stop::Still => host::record(self.thread, self.record),
        }
    }

    /// Writes its record.
    ///
    /// # Errors
    /// The kernel's.
    pub fn set_record(&self, record: &Record) -> Result<(), Errno> {
        host::write(self.thread, self.record, record.bytes())
    }

    /// Tells the host's kernel the options that go with the guest's.
    ///
    /// # Errors
    /// The kernel's.
    pub fn tell_options(&mut self) -> Result<(), Errno> {
        let options = host_options(self.options);
        if self.told != options {
            host::order(request::SETOPTIONS, self.thread, options)?;
            self.told = options;
        }
        Ok(())
    }

    /// Sends it on without a word to the guest, with a signal or 0.
    fn send_on(&mut self, signal: i32) {
        self.stop = Stop::None;
        let signal = signal.unsigned_abs().into();
        // It may have been killed.
        let _ = host::order(request::CONT, self.thread, signal);
    }

    /// Looks where its engine is.
    fn look(&mut self) {
        if self.engine == 0 && !self.native {
            match host::find_engine(self.thread) {
                Some(engine) => self.engine = engine,
                None => self.native = true,
            }
        }
    }

    /// It stands at a place of the engine's.
    fn is_at(&mut self, place: Place, rip: u64) -> bool {
        let Some(offset) = place.offset() else {
            return false;
        };
        if self.engine != 0 && rip == self.engine.wrapping_add(offset) {
            return true;
        }
        // Files are mapped by pages.
        if rip % PAGE != offset % PAGE {
            return false;
        }
        let found = host::engine_at(self.thread, place, rip);
        if let Some(engine) = found {
            (self.engine, self.native) = (engine, false);
        }
        found.is_some()
    }

    /// It has come to a stop that its engine has made.
    fn made(&mut self, registers: Registers) -> Option<u32> {
        let is_first = core::mem::replace(&mut self.record, registers.rbx) == 0;
        self.stop = Stop::Made;
        let Ok(record) = self.record() else {
            return self.hosts(SIGTRAP.unsigned_abs());
        };
        if is_first
            && !self.is_new
            && !self.has_begun
            && matches!(record.call.kind, CallInfo::ENTRY | CallInfo::EXIT)
        {
            // A tracer before this one wanted that stop.
            let _ = self.resume(Mode::Continue, 0);
            return None;
        }
        if core::mem::take(&mut self.is_new) {
            // Attached by the kernel, with what its maker had.
            self.options = record.options & options::ALL;
            self.seized = record.seized != 0;
        }
        let _ = self.tell_options();
        Some(record.status & 0xffff)
    }

    /// It stands at a stop of the host's that is the guest's, too.
    fn hosts(&mut self, status: u32) -> Option<u32> {
        let still = self.record != 0
            && host::record(self.thread, self.record).is_ok_and(|record| record.still != 0);
        self.stop = if still { Stop::Still } else { Stop::Bare };
        Some(status)
    }

    /// It has become another program.
    fn executed(&mut self, registers: Registers, status: u32) -> Option<u32> {
        (self.engine, self.record) = (0, 0);
        (self.native, self.has_begun) = (false, true);
        self.writes.clear();
        if !self.is_at(Place::Entry, registers.rip) {
            self.native = true;
            return self.hosts(status);
        }
        let _ = self.tell_options();
        let former = host::event_message(self.thread).unwrap_or(0);
        let beginning = Beginning {
            former: u32::try_from(former).unwrap_or(0),
            options: self.options,
            mode: self.mode,
            seized: self.seized,
        };
        if let Some(offset) = traced::word_offset() {
            let word = self.engine.wrapping_add(offset);
            let _ = host::write(self.thread, word, &beginning.word().to_le_bytes());
        }
        self.send_on(0);
        None
    }

    /// What `wait` says of a stop, from bit 8 on: none for a stop that is not the guest's,
    /// from which it has been sent on.
    fn judge(&mut self, status: u32, registers: Registers) -> Option<u32> {
        let (signal, event) = ((status & 0xff).cast_signed(), status >> 8);
        match event {
            0 => self.judge_signal(status, signal, registers),
            event::EXEC => self.executed(registers, status),
            event::STOP => self.judge_stop(status, signal, registers),
            _ => self.hosts(status),
        }
    }

    /// A stop of a seized thread: the first, one that was asked for, or its group's.
    fn judge_stop(&mut self, status: u32, signal: i32, registers: Registers) -> Option<u32> {
        if self.is_at(Place::Child, registers.rip) && registers.rax == 0 {
            self.send_on(0);
            return None;
        }
        self.look();
        if self.native || signal != SIGTRAP || !self.ask_to_stop() {
            return self.hosts(status);
        }
        self.send_on(0);
        None
    }

    /// Asks for a stop at a safe point, once it goes on.
    fn ask_to_stop(&self) -> bool {
        let Some(process) = host::field(self.thread, "Tgid:", 10) else {
            return false;
        };
        let info = traced::changed(&SignalInfo([0; 16]));
        let thread = u64::from(self.thread.cast_unsigned());
        let signal = SIGTRAP.unsigned_abs().into();
        let arguments = [process, thread, signal, info.0.as_ptr() as u64, 0, 0];
        // SAFETY: the kernel reads the array only.
        unsafe { sys::syscall(number::RT_TGSIGQUEUEINFO, arguments) }.is_ok()
    }

    fn judge_signal(&mut self, status: u32, signal: i32, registers: Registers) -> Option<u32> {
        const FAULTS: u64 = bit(SIGSEGV) | bit(SIGBUS) | bit(SIGTRAP) | bit(SIGILL) | bit(SIGFPE);
        let Ok(info) = host::info(self.thread) else {
            return self.hosts(status);
        };
        let by_kernel = info.code() > 0 && FAULTS & bit(signal) != 0;
        if signal == SIGTRAP && by_kernel && self.is_at(Place::Stop, registers.rip) {
            return self.made(registers);
        }
        if signal == SIGTRAP && info.code() == 0 && self.is_at(Place::Entry, registers.rip) {
            return self.executed(registers, status);
        }
        if signal == SIGSTOP && self.is_at(Place::Child, registers.rip) && registers.rax == 0 {
            self.send_on(0);
            return None;
        }
        self.look();
        if self.native {
            return self.hosts(status);
        }
        let own = by_kernel
            || TAKEN & bit(signal) != 0
            || self.is_at(Place::Raise, registers.rip)
            || signal != SIGSTOP && self.has_handler(signal)
            || signal != SIGSTOP && host::blocks(self.thread, bit(SIGTRAP));
        if own || handlers::is_own(&info) {
            self.send_on(signal);
        } else if host::set_info(self.thread, &traced::changed(&info)).is_ok() {
            self.send_on(SIGTRAP);
        }
        None
    }

    /// Whether its engine's handler gets the signal, which then stops the thread. One that
    /// does not know yet that it is traced is told by a signal that is changed.
    fn has_handler(&self, signal: i32) -> bool {
        self.record != 0
            && host::field(self.thread, "SigCgt:", 16)
                .is_some_and(|handled| handled & bit(signal) != 0)
    }

    /// Sends it on as the guest wants.
    ///
    /// # Errors
    /// The kernel's.
    pub fn resume(&mut self, mode: Mode, signal: u32) -> Result<(), Errno> {
        let mut host_signal = 0;
        match self.stop {
            Stop::None => return Err(Errno::ESRCH),
            Stop::Bare if self.native => host_signal = signal,
            Stop::Bare => {}
            Stop::Made | Stop::Still => {
                let mut record = self.record()?;
                record.answered = 1;
                record.mode = mode.number();
                record.options = self.options;
                record.seized = self.seized.into();
                record.signal = signal;
                let writes = core::mem::take(&mut self.writes);
                #[allow(clippy::cast_possible_truncation, reason = "at most one more")]
                let count = writes.len().min(WRITES + 1) as u32;
                record.writes = count;
                for (to, from) in record.ranges.iter_mut().zip(writes) {
                    *to = from;
                }
                self.set_record(&record)?;
            }
        }
        let request = if mode == Mode::Detached {
            request::DETACH
        } else {
            request::CONT
        };
        host::order(request, self.thread, host_signal.into())?;
        (self.mode, self.stop) = (mode, Stop::None);
        Ok(())
    }
}

/// The options of the host's that go with the guest's. A program that becomes another one
/// always tells.
#[must_use]
pub fn host_options(options: u32) -> u64 {
    (options & options::HOST | options::EXEC).into()
}

/// What `wait` says of a child's stop, from bit 8 of the status on, to this thread. None
/// when the guest is not told of it: the child has been sent on.
#[must_use]
pub fn judge(tracees: &Tracees, own: &Attention, thread: i32, status: u32) -> Option<u32> {
    if let Ok(registers) = host::registers(thread) {
        return judge_here(tracees, thread, status, registers);
    }
    // It is a child that nobody traces, or one that another thread traces: only that one
    // may look.
    let tracer =
        host::field(thread, "TracerPid:", 10).and_then(|tracer| u32::try_from(tracer).ok());
    match tracer {
        None | Some(0) => Some(status),
        Some(tracer) => judge_there(tracees, own, tracer, thread, status),
    }
}

fn judge_here(tracees: &Tracees, thread: i32, status: u32, registers: Registers) -> Option<u32> {
    let mut list = tracees.list();
    let found = list.iter().position(|traced| traced.thread == thread);
    let index = found.unwrap_or_else(|| {
        list.push(Traced::new(thread));
        list.len() - 1
    });
    list[index].judge(status, registers)
}

/// The same by the thread of this process that traces, which is asked to.
fn judge_there(
    tracees: &Tracees,
    own: &Attention,
    tracer: u32,
    thread: i32,
    status: u32,
) -> Option<u32> {
    /// So long does one sleep before asking again.
    const MOMENT: u64 = 20_000_000;
    if tracer == own.thread.load(Ordering::Relaxed) {
        // It was killed meanwhile.
        return Some(status);
    }
    let process = own.process.load(Ordering::Relaxed);
    let is_same = |job: &Job| job.tracer == tracer && job.thread == thread;
    tracees.jobs().push(Job {
        tracer,
        thread,
        status,
        answer: None,
    });
    loop {
        let round = tracees.round.now();
        // That one may wait for this one.
        serve(tracees, own);
        let mut jobs = tracees.jobs();
        let Some(index) = jobs.iter().position(is_same) else {
            return Some(status);
        };
        if let Some(answer) = jobs[index].answer {
            jobs.swap_remove(index);
            return answer;
        }
        drop(jobs);
        if handlers::ask_to_serve(process, tracer).is_err() {
            // It is no thread of this process, or has ended.
            tracees.jobs().retain(|job| !is_same(job));
            return Some(status);
        }
        tracees.round.sleep(round, Some(MOMENT));
    }
}

/// Does what others have for this thread to do, as the one that traces.
pub fn serve(tracees: &Tracees, own: &Attention) {
    if own.word.load(Ordering::Relaxed) & SERVE == 0 {
        return;
    }
    own.word.fetch_and(!SERVE, Ordering::AcqRel);
    let tracer = own.thread.load(Ordering::Relaxed);
    let next = || {
        let jobs = tracees.jobs();
        let mut open = jobs.iter().filter(|job| job.answer.is_none());
        open.find(|job| job.tracer == tracer).copied()
    };
    while let Some(job) = next() {
        let answer = match host::registers(job.thread) {
            Ok(registers) => judge_here(tracees, job.thread, job.status, registers),
            Err(_) => Some(job.status),
        };
        for done in tracees.jobs().iter_mut().filter(|other| **other == job) {
            done.answer = Some(answer);
        }
        tracees.round.next();
    }
}
