//! `-g`: a debugger drives the guest, by GDB's remote protocol.
//!
//! The engine is both sides. A thread of its own, the server (`server`), has
//! the connection; the guest's threads stop by themselves and wait here. All
//! stop when one does, and go on when the debugger says so. A thread that is
//! in a system call stays there: its registers are still, and it waits when it
//! comes back ([`Tracer::call_ends`]).
//!
//! The server has a table of descriptors of its own, so that the guest can
//! neither see nor close the connection. Breakpoints are not in memory
//! ([`crate::memory::breakpoints`]), and the interpreter does single steps, and
//! runs all while memory is watched.
//!
//! Invariants: the registers of a thread whose place is not `Place::Guest`
//! are changed by nobody but the server, which holds the state's lock; a
//! thread goes from there to `Place::Guest` only when it may run.

mod commands;
mod files;
pub mod listen;
mod memory;
mod packet;
mod server;
mod session;
mod signals;

use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicI32, AtomicPtr, Ordering};
use core::{fmt, ptr};

use guest::Exception;

use crate::host::lock::{Held, Lock};
use crate::host::round::Round;
use crate::host::signal::SignalInfo;
use crate::host::sys::{self, Errno, Fd, fd_argument, number};
use crate::linux::abi::{self, Abi};
use crate::linux::process::Process;
use crate::memory::guest_memory::{self, GuestMemory};
use crate::thread::attention::{Attention, BREAK_OFF, LOOK};
use crate::thread::handlers;
use crate::thread::tracer::Tracer;
use crate::translator::interpret;
use crate::translator::vcpu::Vcpu;

/// Why a thread has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// The debugger said so.
    Asked,
    /// It has come to a breakpoint.
    Breakpoint,
    /// It has made its step.
    Stepped,
    /// What is watched has changed.
    Watched(u64),
    /// A signal is about to be told.
    Signal(SignalInfo),
    /// The process has become another program.
    Executed,
}

/// Where a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It may be in guest code.
    Guest,
    /// In a system call.
    Call,
    /// It waits.
    Waiting,
}

/// A thread of the guest.
#[derive(Debug)]
struct Tracee<A: Abi> {
    attention: &'static Attention,
    vcpu: *mut Vcpu<A::Guest>,
    place: Place,
    /// It may run.
    runs: bool,
    /// After one instruction it is to stop.
    steps: bool,
    /// It has come on since it was to step.
    advanced: bool,
    /// Why it stopped last.
    why: Why,
    /// Once the debugger has said so: the signal that it is told, if any, of
    /// the one it stopped for.
    told: Option<Option<SignalInfo>>,
    /// It has begun a system call that has not ended.
    in_call: bool,
    /// Its registers were changed in that.
    rewritten: bool,
    /// The registers that it had in a system call, and has no more: with these,
    /// it goes on from there.
    before: Option<abi::State<A>>,
    /// The result of that call, once there is one; without, it is made again.
    result: Option<Result<u64, Errno>>,
}

// SAFETY: the pointer is used as the invariant says.
unsafe impl<A: Abi> Send for Tracee<A> {}

impl<A: Abi> Tracee<A> {
    fn id(&self) -> u32 {
        self.attention.thread.load(Ordering::Relaxed)
    }

    /// The registers, while they are still.
    fn cpu(&mut self) -> &mut abi::State<A> {
        debug_assert!(self.place != Place::Guest);
        // SAFETY: as the invariant says; the thread has joined with a pointer
        // to what lives until it parts.
        unsafe { &mut (*self.vcpu).cpu }
    }

    /// Its registers are about to be changed: it leaves the call that it is
    /// in, if it is in one.
    fn about_to_write(&mut self) {
        if self.in_call && !self.rewritten {
            self.before = Some(self.cpu().clone());
            self.result = None;
            self.rewritten = true;
        }
    }

    /// With the registers that it had in a call, it goes on from there.
    ///
    /// The call has been done and its result kept, since the debugger had put other
    /// registers in their place. Setting the result is a change of registers by the
    /// debugger, as the one before was. It is made here, while the thread is still, and
    /// not where the thread ends calls (`Runtime::supervise`): before it runs again, the
    /// thread may be told a signal, whose frame has to show the result.
    fn go_back(&mut self) {
        let Some(before) = self.before.take() else {
            return;
        };
        if *self.cpu() != before {
            self.before = Some(before);
        } else if self.rewritten {
            // It is there still.
            self.rewritten = false;
        } else {
            let result = self.result.take().unwrap_or(Err(Errno::RESTART));
            A::finish(self.cpu(), result);
        }
    }

    /// It has to wait for the debugger.
    const fn stop(&mut self, why: Why) {
        self.why = why;
        self.runs = false;
        self.steps = false;
        self.advanced = false;
    }
}

/// Bytes that are watched, as they were.
#[derive(Debug)]
struct Watch {
    address: u64,
    bytes: Vec<u8>,
}

/// How the process has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// What is known of the threads, and of what the debugger wants.
#[derive(Debug)]
struct State<A: Abi> {
    threads: Vec<Tracee<A>>,
    /// The debugger is there.
    connected: bool,
    /// All have stopped, or are about to.
    halted: bool,
    /// The thread that was the first to, until the debugger is told.
    stopped: Option<u32>,
    ended: Option<End>,
    watches: Vec<Watch>,
    /// Signals that the debugger does not want to know of.
    passed: u64,
    /// The debugger knows of `exec`, and no longer acknowledges packets.
    can_hand_over: bool,
}

/// A process that is debugged.
pub struct Debugger<A: Abi> {
    state: Lock<State<A>>,
    /// Grows whenever a thread may have to look again.
    round: Round,
    /// The server, once it runs.
    server: AtomicPtr<Attention>,
    /// The connection, in the server's table.
    connection: AtomicI32,
    /// The auxiliary vector.
    auxiliary: Range<u64>,
    process: AtomicPtr<Process>,
}

impl<A: Abi> fmt::Debug for Debugger<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Debugger").finish_non_exhaustive()
    }
}

/// How a thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// As always.
    Run,
    /// For one instruction.
    Step,
    /// Instruction by instruction, looking at memory after each.
    Watch,
}

/// The state held, so that a `fork` finds it sound.
#[derive(Debug)]
pub struct Forking<'a, A: Abi> {
    state: Held<'a, State<A>>,
    process: &'a Process,
}

impl<A: Abi> Debugger<A> {
    /// One that is about to be connected, of a program with this auxiliary
    /// vector. After an `exec` the debugger knows already that all have
    /// stopped, and is told why.
    #[must_use]
    pub fn new(auxiliary: Range<u64>, executed: bool) -> Self {
        Self {
            state: Lock::new(State {
                threads: Vec::new(),
                connected: true,
                halted: true,
                stopped: None,
                ended: None,
                watches: Vec::new(),
                passed: 0,
                can_hand_over: executed,
            }),
            round: Round::default(),
            server: AtomicPtr::new(ptr::null_mut()),
            connection: AtomicI32::new(-1),
            auxiliary,
            process: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Starts the server on the connection, with the first thread stopped.
    ///
    /// # Errors
    /// The kernel's.
    pub fn start(
        &'static self,
        process: &'static Process,
        attention: &'static Attention,
        vcpu: &mut Vcpu<A::Guest>,
        connection: Fd,
    ) -> Result<(), sys::Errno> {
        self.process
            .store(ptr::from_ref(process).cast_mut(), Ordering::Release);
        let executed = self.state.hold().can_hand_over;
        self.join(attention, vcpu);
        if executed {
            let mut state = self.state.hold();
            state.stopped = Some(attention.thread.load(Ordering::Relaxed));
            for thread in &mut state.threads {
                thread.why = Why::Executed;
            }
        }
        server::start(self, connection)
    }

    /// A thread of the process is there.
    pub fn join(&self, attention: &'static Attention, vcpu: &mut Vcpu<A::Guest>) {
        let mut state = self.state.hold();
        if !state.connected {
            return;
        }
        let halted = state.halted;
        state.threads.push(Tracee {
            attention,
            vcpu: ptr::from_mut(vcpu),
            // It looks before it goes on.
            place: if halted { Place::Waiting } else { Place::Guest },
            runs: !halted,
            steps: false,
            advanced: false,
            why: Why::Asked,
            told: None,
            in_call: false,
            rewritten: false,
            before: None,
            result: None,
        });
    }

    /// A thread is gone.
    pub fn part(&self, attention: &Attention) {
        let mut state = self.state.hold();
        state
            .threads
            .retain(|thread| !ptr::eq(thread.attention, attention));
        drop(state);
        self.round.next();
    }

    /// The process is about to end: the debugger is told, if it is there.
    pub fn ended(&self, attention: &Attention, end: End) {
        let mut state = self.state.hold();
        if state.find(attention).is_none() || !state.connected {
            return;
        }
        state.ended = Some(end);
        if let Some(own) = state.find(attention) {
            own.place = Place::Waiting;
        }
        drop(state);
        while self.wake_server() && self.state.hold().connected {
            self.round.sleep(self.round.now(), Some(20_000_000));
        }
    }

    /// How the thread goes on, once it may.
    pub fn how(&self, attention: &Attention) -> How {
        attention
            .word
            .fetch_and(!(LOOK | BREAK_OFF), Ordering::AcqRel);
        self.wait_until_it_runs(attention);
        let mut state = self.state.hold();
        let watching = !state.watches.is_empty();
        match state.find(attention) {
            Some(own) if own.steps => {
                own.advanced = true;
                How::Step
            }
            Some(_) if watching => How::Watch,
            _ => How::Run,
        }
    }

    /// The thread has gone on for as long as [`Self::how`] said.
    pub fn went_on(&self, attention: &Attention) {
        // Another one may have been first.
        self.wait_until_it_runs(attention);
        let mut state = self.state.hold();
        let changed = state.changed();
        let Some(own) = state.find(attention) else {
            return;
        };
        let why = match changed {
            Some(address) => Why::Watched(address),
            None if own.steps && own.advanced => Why::Stepped,
            None => return,
        };
        drop(state);
        self.report(attention, why);
    }

    /// Runs the thread while memory is watched.
    pub fn watch(
        &self,
        cpu: &mut abi::State<A>,
        memory: &mut GuestMemory<'_, A::Guest>,
        attention: &Attention,
    ) -> Option<Exception> {
        while !attention.wanted() {
            if let Err(exception) = interpret::one::<A::Guest>(cpu, memory) {
                return Some(exception);
            }
            if self.state.hold().would_change() {
                return None;
            }
        }
        None
    }

    /// The thread is at a breakpoint. Returns whether it was stopped for it;
    /// else nobody follows it, and it goes past.
    pub fn breakpoint(&self, attention: &Attention) -> bool {
        let followed = self.state.hold().find(attention).is_some();
        if followed {
            self.report(attention, Why::Breakpoint);
        }
        followed
    }

    /// To be called before a `fork`.
    #[must_use]
    pub fn before_fork<'a>(&'a self, process: &'a Process) -> Forking<'a, A> {
        Forking {
            state: self.state.hold(),
            process,
        }
    }

    /// The thread stops, and with it all others, unless another one was first.
    fn report(&self, attention: &Attention, why: Why) {
        let mut state = self.state.hold();
        if !state.connected {
            return;
        }
        let first = !state.halted;
        let Some(own) = state.find(attention) else {
            return;
        };
        if first {
            own.stop(why);
            own.place = Place::Waiting;
            let id = own.id();
            state.halt(id);
            drop(state);
            self.wake_server();
        } else {
            drop(state);
        }
        self.wait_until_it_runs(attention);
    }

    /// Waits as long as the thread may not run.
    fn wait_until_it_runs(&self, attention: &Attention) {
        loop {
            let round = self.round.now();
            let mut state = self.state.hold();
            let connected = state.connected;
            let Some(own) = state.find(attention) else {
                return;
            };
            if own.runs || !connected {
                own.place = Place::Guest;
                return;
            }
            own.place = Place::Waiting;
            drop(state);
            self.round.sleep(round, None);
        }
    }

    /// Lets the server look. Returns whether it is there.
    fn wake_server(&self) -> bool {
        // SAFETY: it is null, or that of a thread that lives as long as the
        // process.
        let Some(server) = (unsafe { self.server.load(Ordering::Acquire).as_ref() }) else {
            return false;
        };
        server.word.fetch_or(BREAK_OFF, Ordering::AcqRel);
        handlers::kick(server)
    }

    fn process(&self) -> &'static Process {
        // SAFETY: `start` has set it before there was a server.
        unsafe { &*self.process.load(Ordering::Acquire) }
    }
}

impl<A: Abi> State<A> {
    fn find(&mut self, attention: &Attention) -> Option<&mut Tracee<A>> {
        self.threads
            .iter_mut()
            .find(|thread| ptr::eq(thread.attention, attention))
    }

    /// All are to stop, for what this one met.
    fn halt(&mut self, first: u32) {
        self.halted = true;
        self.stopped = Some(first);
        for thread in &mut self.threads {
            if thread.id() != first {
                thread.stop(Why::Asked);
            }
        }
    }

    /// Whether something that is watched is not what it was.
    fn would_change(&self) -> bool {
        self.watches.iter().any(|watch| watch.now().is_some())
    }

    /// Where something that is watched is not what it was any more.
    fn changed(&mut self) -> Option<u64> {
        let mut changed = None;
        for watch in &mut self.watches {
            if let Some(now) = watch.now() {
                watch.bytes = now;
                changed = Some(watch.address);
            }
        }
        changed
    }
}

impl Watch {
    fn new(address: u64, length: usize) -> Option<Self> {
        let mut bytes = alloc::vec![0; length];
        guest_memory::read(address, &mut bytes).ok()?;
        Some(Self { address, bytes })
    }

    /// The bytes now, if they are others.
    fn now(&self) -> Option<Vec<u8>> {
        let now = Self::new(self.address, self.bytes.len())?.bytes;
        (now != self.bytes).then_some(now)
    }
}

impl<A: Abi> Tracer for Debugger<A> {
    fn signal(&self, attention: &Attention, info: &SignalInfo) -> Option<SignalInfo> {
        loop {
            let mut state = self.state.hold();
            let passed = state.passed & crate::host::signal::bit(info.signal()) != 0;
            let (connected, halted) = (state.connected, state.halted);
            let Some(own) = state.find(attention) else {
                return Some(*info);
            };
            if !connected || passed {
                return Some(*info);
            }
            if halted {
                // Another one was first: this comes when all go on.
                drop(state);
                self.wait_until_it_runs(attention);
                continue;
            }
            own.told = None;
            drop(state);
            self.report(attention, Why::Signal(*info));
            let mut state = self.state.hold();
            let own = state.find(attention)?;
            if let Some(told) = own.told.take() {
                own.advanced = told.is_some();
                return told;
            }
        }
    }

    fn call_begins(&self, attention: &Attention) {
        if let Some(own) = self.state.hold().find(attention) {
            own.place = Place::Call;
            own.in_call = true;
        }
    }

    fn call_ends(&self, attention: &Attention, result: Result<u64, Errno>) -> bool {
        self.wait_until_it_runs(attention);
        let mut state = self.state.hold();
        let Some(own) = state.find(attention) else {
            return true;
        };
        own.advanced = own.steps;
        own.in_call = false;
        let rewritten = core::mem::take(&mut own.rewritten);
        if rewritten && !matches!(result, Err(Errno::EINTR | Errno::RESTART)) {
            own.result = Some(result);
        }
        !rewritten
    }

    fn handed_over(&self, attention: &Attention) -> Option<Fd> {
        const PIDFD_THREAD: u64 = 0o200;
        const F_SETFD: u64 = 2;
        let mut state = self.state.hold();
        if !state.connected || !state.can_hand_over {
            return None;
        }
        state.find(attention)?;
        drop(state);
        let open = |number, arguments: [u64; 3]| {
            let [a, b, c] = arguments;
            // SAFETY: the calls touch no memory.
            unsafe { sys::syscall(number, [a, b, c, 0, 0, 0]) }
        };
        let descriptor = |result: Result<u64, _>| i32::try_from(result.ok()?).ok().map(Fd::new);
        // SAFETY: it lives as long as the process.
        let server = unsafe { self.server.load(Ordering::Acquire).as_ref() }?;
        let server = server.thread.load(Ordering::Relaxed).into();
        let server = descriptor(open(number::PIDFD_OPEN, [server, PIDFD_THREAD, 0]))?;
        let connection = fd_argument(self.connection.load(Ordering::Acquire));
        let server = fd_argument(server.number());
        let own = descriptor(open(number::PIDFD_GETFD, [server, connection, 0]))?;
        open(number::FCNTL, [fd_argument(own.number()), F_SETFD, 0]).ok()?;
        Some(own)
    }
}

impl<A: Abi> Forking<'_, A> {
    /// In the child, which nobody debugs.
    pub fn child(mut self) {
        self.state.connected = false;
        self.state.threads.clear();
        self.state.watches.clear();
        for address in self.process.space.breakpoints.clear() {
            self.process.space.changed(address..address + 4);
        }
    }
}
