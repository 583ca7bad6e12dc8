//! The stops of a thread that a guest traces: it makes them itself, at safe points, and
//! does afterwards what its tracer has ordered.

use alloc::boxed::Box;
use core::sync::atomic::Ordering;

use guest::Guest as _;

use super::host;
use super::numbers::event;
use super::numbers::options::{self, has};
use super::tracee::Tracee;
use crate::host::signal::{self, SIGSTOP, SIGTRAP, SignalInfo, bit, is_signal};
use crate::host::sys::{self, Errno, number};
use crate::linux::abi::platform::Width;
use crate::linux::abi::tracing::NT_PRSTATUS;
use crate::linux::abi::{Abi, State};
use crate::linux::delivery::Fatal;
use crate::linux::process::{Process, Thread};
use crate::linux::signals;
use crate::thread::attention::{SIGNAL, TAKEN_ALL, TRACE, TRACE_STOP};
use crate::thread::clone::Request;
use crate::thread::register_sets::RegisterSets;
use crate::thread::taken::TAKEN;
use crate::thread::traced::{self, CallInfo, Mode, WRITES, sets};

/// `si_code` of a single step's trap.
const TRAP_TRACE: i32 = 2;

/// The number of no system call: the one that was entered is left out.
const NO_CALL: u64 = u32::MAX as u64;

/// A call that is to be made again.
pub const ERESTARTSYS: Errno = Errno(512);

/// Why a thread stops.
#[derive(Clone, Copy, Debug)]
enum Why {
    /// It enters a system call, or leaves it, or a filter asks about it.
    Call(CallInfo),
    /// It is about to be told a signal.
    Signal(SignalInfo),
    /// An event, with its message.
    Event(u32, u64),
}

impl Tracee {
    fn write<A: Abi>(&mut self, cpu: &State<A>, mask: u64) {
        let told = A::register_sets(cpu);
        let asked = A::asked(cpu);
        let record = self.record();
        record.machine = A::PLATFORM.elf.machine.into();
        for (note, index) in shown::<A>() {
            record.sets[index].set(told.get(note).unwrap_or_default());
        }
        record.sets[sets::CALL].set(&(-1_i32).to_le_bytes());
        record.sets[sets::MASK].set(&mask.to_le_bytes());
        (record.call.kind, record.call.pc, record.call.sp) = (0, asked.pc, asked.sp);
    }

    fn read<A: Abi>(&mut self, cpu: &mut State<A>) {
        let record = self.record();
        let is_written = |(_, index): &(u32, usize)| record.sets[*index].written != 0;
        if !shown::<A>().iter().any(is_written) {
            return;
        }
        let mut taken = RegisterSets::default();
        for (note, index) in shown::<A>() {
            taken.put(note, record.sets[index].get().to_vec());
        }
        A::set_register_sets(cpu, &taken);
    }

    /// From here on the registers stay as they are: the thread is in a system call.
    fn rest<A: Abi>(&mut self, cpu: &State<A>, mask: u64, number: u64) {
        self.write::<A>(cpu, mask);
        let record = self.record();
        #[allow(clippy::cast_possible_truncation, reason = "an int is the low half")]
        record.sets[sets::CALL].set(&(number as u32).to_le_bytes());
        record.writes = 0;
        record.still = 1;
    }
}

/// The notes of the registers in a record, and the place of each.
const fn shown<A: Abi>() -> [(u32, usize); 3] {
    #[allow(clippy::cast_possible_truncation, reason = "it is 1")]
    let general = NT_PRSTATUS as u32;
    [
        (general, sets::GENERAL),
        (A::PLATFORM.tracing.float, sets::FLOAT),
        (A::PLATFORM.tracing.pointer, sets::POINTER),
    ]
}

/// The result of a system call, in the registers of the calls' first argument.
#[allow(clippy::cast_possible_truncation, reason = "registers of 32 bits")]
fn result<A: Abi>(cpu: &State<A>) -> u64 {
    let result = A::asked(cpu).arguments[0];
    match A::PLATFORM.elf.width {
        Width::Bits32 => i64::from(result as i32).cast_unsigned(),
        Width::Bits64 => result,
    }
}

/// What the thread itself is, as a stop's `siginfo` says it.
fn of_self(signal: i32, code: i32) -> SignalInfo {
    let ask = |call| {
        // SAFETY: asking for numbers changes nothing.
        unsafe { sys::syscall(call, [0; 6]) }.unwrap_or(0)
    };
    let mut info = SignalInfo::fault(signal, code, 0);
    info.0[2] = ask(number::GETTID) | ask(number::GETUID) << 32;
    info
}

/// The calling thread's tracer, as `siginfo` has a sender: process and user.
fn tracer_of_self() -> u64 {
    // SAFETY: asking for numbers changes nothing.
    let user = unsafe { sys::syscall(number::GETUID, [0; 6]) }.unwrap_or(0);
    let tracer = host::status_field(b"thread-self", "TracerPid:", 10);
    tracer.unwrap_or(0) | user << 32
}

impl Thread {
    /// Stops, if anybody traces it. Returns the signal that it is to be told, and what goes
    /// with it; none if nobody traces it any more.
    fn halt<A: Abi>(
        &mut self,
        process: &Process,
        cpu: &mut State<A>,
        why: Why,
    ) -> Option<(u32, SignalInfo)> {
        let mask = self.suspended.unwrap_or(self.mask);
        let tracee = self.tracee.as_deref_mut()?;
        tracee.stops = tracee.stops.wrapping_add(1);
        tracee.write::<A>(cpu, mask);
        let sysgood = has(tracee.options, options::SYSGOOD);
        let (options, seized, mode) = (tracee.options, tracee.seized, tracee.mode);
        let record = tracee.record();
        let trap = SIGTRAP.unsigned_abs();
        (record.status, record.message, record.info) = match why {
            Why::Call(info) => {
                record.call = CallInfo {
                    pc: record.call.pc,
                    sp: record.call.sp,
                    ..info
                };
                #[allow(clippy::cast_possible_truncation, reason = "an int is the low half")]
                record.sets[sets::CALL].set(&(info.number as u32).to_le_bytes());
                let (status, message) = match info.kind {
                    CallInfo::FILTER => (trap | event::SECCOMP << 8, info.result),
                    kind if sysgood => (trap | 0x80, kind),
                    kind => (trap, kind),
                };
                (status, message, of_self(SIGTRAP, status.cast_signed()))
            }
            Why::Signal(info) => (info.signal().unsigned_abs(), 0, info),
            Why::Event(event, message) => {
                let status = trap | event << 8;
                (status, message, of_self(SIGTRAP, status.cast_signed()))
            }
        };
        record.answered = 0;
        record.options = options;
        record.seized = seized.into();
        record.mode = mode.number();
        record.signal = 0;
        record.writes = 0;
        record.still = 1;
        // SAFETY: the record is the thread's own, and a pointer to it is all that is kept.
        unsafe { traced::stop(tracee.record.as_ptr()) };
        self.obey::<A>(process, cpu)
    }

    /// Does what the tracer has written into the record, if it has.
    fn obey<A: Abi>(&mut self, process: &Process, cpu: &mut State<A>) -> Option<(u32, SignalInfo)> {
        let tracee = self.tracee.as_deref_mut()?;
        tracee.record().still = 0;
        if tracee.record().answered == 0 {
            self.tracee = None;
            return None;
        }
        tracee.read::<A>(cpu);
        let record = *tracee.record();
        tracee.mode = Mode::of(record.mode);
        tracee.options = record.options;
        tracee.seized = record.seized != 0;
        let mask = record.sets[sets::MASK];
        let all = record.writes as usize > WRITES;
        let ranges = record.ranges.iter().take(record.writes as usize);
        for &[start, end] in ranges {
            process.space.changed(start..end);
        }
        if all {
            process.space.changed(0..crate::host::page::END);
        }
        if mask.written != 0
            && let Some(&bytes) = mask.get().first_chunk()
        {
            self.set_mask(u64::from_le_bytes(bytes));
        }
        if let Some(tracee) = &self.tracee
            && tracee.mode == Mode::Detached
        {
            self.tracee = None;
        }
        Some((record.signal, record.info))
    }

    /// What a child starts with that it makes.
    #[must_use]
    pub fn attached(&self, request: &Request) -> Option<Box<Tracee>> {
        let attached = self.tracee.as_deref()?.attached(request)?;
        Some(Box::new(attached))
    }

    /// Whether it was made by a traced thread and has not stopped yet.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.tracee.as_deref().is_some_and(|tracee| tracee.is_new)
    }

    /// A tracer's engine has sent it something: from now on it is traced.
    fn learn(&mut self) {
        let traced = &self.attention().traced;
        if traced.load(Ordering::Relaxed) != 0 && traced.swap(0, Ordering::Relaxed) != 0 {
            self.tracee.get_or_insert_with(|| Box::new(Tracee::plain()));
        }
    }

    /// A child that the kernel has attached stops before anything else.
    ///
    /// # Errors
    /// With a signal that ends the process.
    pub fn begins<A: Abi>(&mut self, process: &Process, cpu: &mut State<A>) -> Result<(), Fatal> {
        let Some(tracee) = self.tracee.as_deref_mut().filter(|tracee| tracee.is_new) else {
            return Ok(());
        };
        tracee.is_new = false;
        if tracee.seized {
            self.halt::<A>(process, cpu, Why::Event(event::STOP, 0));
            return Ok(());
        }
        self.tell::<A>(process, cpu, &SignalInfo::fault(SIGSTOP, 0, 0))
    }

    /// A program that is traced begins: the stops of its `execve`. Its tracer knew its
    /// thread by the `former` number.
    ///
    /// # Errors
    /// With a signal that ends the process.
    pub fn executed<A: Abi>(
        &mut self,
        process: &Process,
        cpu: &mut State<A>,
        former: u32,
    ) -> Result<(), Fatal> {
        let Some(tracee) = self.tracee.as_deref() else {
            return Ok(());
        };
        let (seized, tells) = (tracee.seized, has(tracee.options, options::EXEC));
        let calls = tracee.has_calls();
        if tells {
            self.halt::<A>(process, cpu, Why::Event(event::EXEC, former.into()));
        }
        let goes_on = self.tracee.as_deref().map_or(calls, Tracee::has_calls);
        if goes_on {
            self.leaves::<A>(process, cpu, A::EXECVE);
        }
        if tells || seized {
            return Ok(());
        }
        self.tell::<A>(process, cpu, &of_self(SIGTRAP, 0))
    }

    /// At a safe point: what a tracer's engine has asked for.
    ///
    /// # Errors
    /// With a signal that ends the process.
    pub fn heed<A: Abi>(&mut self, process: &Process, cpu: &mut State<A>) -> Result<(), Fatal> {
        self.learn();
        if self.attention().take_halt() {
            self.halt::<A>(process, cpu, Why::Event(event::STOP, 0));
        }
        match self.attention().take_stop() {
            Some(info) => self.tell::<A>(process, cpu, &info),
            None => Ok(()),
        }
    }

    /// Stops for a signal that it is about to be told, if it is traced. Returns what it is
    /// told instead, if anything.
    pub fn stops_for<A: Abi>(
        &mut self,
        process: &Process,
        cpu: &mut State<A>,
        info: &SignalInfo,
    ) -> Option<SignalInfo> {
        self.learn();
        match self.halt::<A>(process, cpu, Why::Signal(*info)) {
            Some((signal, info)) => self.instead(signal, &info),
            None => Some(*info),
        }
    }

    /// What is told when the tracer has answered with this signal to that one.
    fn instead(&self, signal: u32, info: &SignalInfo) -> Option<SignalInfo> {
        let signal = i32::try_from(signal)
            .ok()
            .filter(|&signal| is_signal(signal))?;
        if signal == info.signal() {
            return Some(*info);
        }
        let mut other = SignalInfo::fault(signal, 0, 0);
        other.0[2] = tracer_of_self();
        if self.mask & bit(signal) != 0 && TAKEN & bit(signal) == 0 {
            signals::put_back(self.attention(), &other);
            return None;
        }
        Some(other)
    }

    /// Stops with its group, as a signal does that is not handled.
    pub fn stops_with_group<A: Abi>(&mut self, process: &Process, cpu: &mut State<A>, signal: i32) {
        let mask = self.mask;
        let Some(tracee) = self.tracee.as_deref_mut() else {
            return signals::stop();
        };
        tracee.rest::<A>(cpu, mask, u64::MAX);
        tracee.record().answered = 0;
        // The host may block all while a signal is told. This one comes at once.
        let before = signal::set_whole_mask(!TAKEN & !bit(signal));
        // SAFETY: the record is the thread's own, and a pointer to it is all that is kept.
        unsafe { traced::raise(signal, tracee.record.as_ptr()) };
        let _ = signal::set_whole_mask(before);
        self.resumed::<A>(process, cpu);
    }

    /// The thread comes back from a system call of the host's in which it may have
    /// stopped: does what it was told there, if anything.
    fn resumed<A: Abi>(&mut self, process: &Process, cpu: &mut State<A>) {
        let Some(tracee) = self.tracee.as_deref_mut() else {
            return;
        };
        if tracee.record().answered == 0 {
            tracee.record().still = 0;
            return;
        }
        self.obey::<A>(process, cpu);
    }

    /// Enters a system call. Returns the number of the one to do, which the tracer may have
    /// changed; none when there is none to do.
    pub fn enters<A: Abi>(&mut self, process: &Process, cpu: &mut State<A>) -> Option<u64> {
        let asked = A::asked(cpu);
        let (mut number, mask) = (asked.number, self.mask);
        let Some(tracee) = self.tracee.as_deref_mut() else {
            return Some(number);
        };
        let told = tracee.again.take() == Some(asked.pc);
        let emulates = tracee.mode.emulates();
        if tracee.has_entries() && !told {
            let info = CallInfo {
                kind: CallInfo::ENTRY,
                number,
                arguments: asked.arguments,
                ..CallInfo::default()
            };
            let x = A::exchange_direction(cpu, 0);
            self.halt::<A>(process, cpu, Why::Call(info));
            A::exchange_direction(cpu, x);
            number = if emulates {
                NO_CALL
            } else {
                self.number_after(number)
            };
        }
        if let Some(tracee) = self.tracee.as_deref_mut() {
            tracee.asked = false;
            tracee.record().answered = 0;
            tracee.rest::<A>(cpu, mask, number);
        }
        (number != NO_CALL).then_some(number)
    }

    /// The number of the call, which the tracer may have changed. X8 does not count: the
    /// kernel has read it before.
    fn number_after(&mut self, number: u64) -> u64 {
        let Some(tracee) = self.tracee.as_deref_mut() else {
            return number;
        };
        let call = tracee.record().sets[sets::CALL];
        let bytes = call.get().first_chunk();
        bytes.map_or(number, |&bytes| u32::from_le_bytes(bytes).into())
    }

    /// A filter asks its tracer about the system call. Returns the number of the one to
    /// do, as [`Self::enters`]; the filters judge it once more.
    pub fn is_filtered<A: Abi>(
        &mut self,
        process: &Process,
        cpu: &mut State<A>,
        number: u64,
        value: u16,
    ) -> Option<u64> {
        let info = CallInfo {
            kind: CallInfo::FILTER,
            number,
            arguments: A::asked(cpu).arguments,
            result: value.into(),
            ..CallInfo::default()
        };
        let mask = self.mask;
        self.halt::<A>(process, cpu, Why::Call(info));
        let number = self.number_after(number);
        if let Some(tracee) = self.tracee.as_deref_mut() {
            tracee.asked = true;
            tracee.record().answered = 0;
            tracee.rest::<A>(cpu, mask, number);
        }
        (number != NO_CALL).then_some(number)
    }

    /// The system call that it entered is over.
    pub fn has_called<A: Abi>(&mut self, process: &Process, cpu: &mut State<A>) {
        self.resumed::<A>(process, cpu);
    }

    /// Leaves a system call: the registers have its result.
    pub fn leaves<A: Abi>(&mut self, process: &Process, cpu: &mut State<A>, number: u64) {
        let result = result::<A>(cpu);
        if !self.tracee.as_deref().is_some_and(Tracee::has_calls) {
            return;
        }
        let info = CallInfo {
            kind: CallInfo::EXIT,
            number,
            result,
            ..CallInfo::default()
        };
        let x = A::exchange_direction(cpu, 1);
        self.halt::<A>(process, cpu, Why::Call(info));
        A::exchange_direction(cpu, x);
    }

    /// Whether a system call that is to be made again shows as one that a signal has
    /// interrupted. If not, its next entry does not show.
    pub fn shows_restart<A: Abi>(&mut self, cpu: &State<A>) -> bool {
        let word = self.attention().word.load(Ordering::Acquire);
        let told =
            word & (SIGNAL | TRACE | TRACE_STOP | TAKEN_ALL) != 0 || self.lets_through() != 0;
        if let Some(tracee) = self.tracee.as_deref_mut()
            && !told
        {
            tracee.again = Some(A::asked(cpu).pc);
        }
        told
    }

    /// Whether it makes one step.
    #[must_use]
    pub fn steps(&self) -> bool {
        self.tracee
            .as_deref()
            .is_some_and(|tracee| tracee.mode.steps())
    }

    /// It has made its step, unless it has stopped since.
    ///
    /// # Errors
    /// With a signal that ends the process.
    pub fn stepped<A: Abi>(
        &mut self,
        process: &Process,
        cpu: &mut State<A>,
        stops: u32,
    ) -> Result<(), Fatal> {
        let same = |tracee: &Tracee| tracee.stops == stops && tracee.mode.steps();
        if !self.tracee.as_deref().is_some_and(same) {
            return Ok(());
        }
        let info = SignalInfo::fault(SIGTRAP, TRAP_TRACE, A::Guest::pc(cpu));
        self.force::<A>(process, cpu, &info)
    }

    /// How often it has stopped.
    #[must_use]
    pub fn stops(&self) -> u32 {
        self.tracee.as_deref().map_or(0, |tracee| tracee.stops)
    }
}
