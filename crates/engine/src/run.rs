//! Running the guest's program to its end: each thread's translated code,
//! system calls and signals, and how threads and processes come and go.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ffi::{CStr, c_void};
use core::format_args as text;
use core::sync::atomic::Ordering;

use guest::{Exception, Guest};
use ir::Region;
use x64::features::HostFeatures;
use x64::lower::Lowered;

use crate::debug::{self, Debugger, How};
use crate::host::lock::Lock;
use crate::host::signal;
use crate::host::sys::{self, Errno, Fd};
use crate::host::{baked, heap, message, own};
use crate::inspect::Inspector;
use crate::linux::abi::{Abi, State};
use crate::linux::core_file::{self, Death};
use crate::linux::delivery::Fatal;
use crate::linux::process::{Process, Thread};
use crate::linux::ptrace::stops::ERESTARTSYS;
use crate::linux::ptrace::tracee::Tracee;
use crate::linux::signals::Actions;
use crate::linux::syscalls::{self, Control};
use crate::linux::{other, seccomp, signals};
use crate::memory::guest_memory::{self, GuestMemory};
use crate::thread::attention::{Attention, Block};
use crate::thread::clone::{self, Request};
use crate::thread::traced::Beginning;
use crate::translator::interpret;
use crate::translator::kept::file::File;
use crate::translator::kept::learn::Learner;
use crate::translator::source::Observer;
use crate::translator::stale::STALE;
use crate::translator::translate::Translator;
use crate::translator::vcpu::Vcpu;

/// The exit code when a program cannot be run.
const CANNOT_RUN: i32 = 126;

/// What all threads of the program share.
#[derive(Debug)]
pub struct Runtime<A: Abi> {
    process: Process,
    translator: Translator<A::Guest>,
    inspector: Lock<Inspector<A::Guest>>,
    interpret: bool,
    /// Who notes what runs.
    learner: Option<&'static Learner>,
    debugger: Option<&'static Debugger<A>>,
    /// States of threads that have ended, for others: their pages are there
    /// already.
    #[allow(clippy::vec_box, reason = "they are large, and must not move")]
    spare: Lock<Vec<Box<Vcpu<A::Guest>>>>,
}

/// How many states are kept.
const SPARE: usize = 16;

/// How a thread ends.
#[derive(Clone)]
enum End {
    /// The thread, with this code.
    Thread(i32),
    /// The process with all threads, with this code.
    Process(i32),
    /// The process, by a signal.
    Signal(i32, Death),
}

/// The inspector, held while it looks, and who notes what runs.
struct Looking<'a, G>(&'a Lock<Inspector<G>>, Option<&'static Learner>);

impl<G: Guest> Observer for Looking<'_, G> {
    fn formed(&mut self, head: u64, region: &Region) -> Option<u32> {
        if let Some(learner) = self.1 {
            learner.formed(region);
        }
        self.0.hold().formed(head, region)
    }

    fn translated(&mut self, region: &Region, lowered: &Lowered, host: u64, code: &[u8]) {
        self.0.hold().translated(region, lowered, host, code);
    }
}

/// What a new thread starts with.
struct Start<A: Abi> {
    runtime: &'static Runtime<A>,
    thread: Thread,
    vcpu: Box<Vcpu<A::Guest>>,
    flags: u64,
}

/// Runs the program to its end, from its first thread.
///
/// A debugger, if there is one, has the connection that it is given. The engine's build-id is
/// what kept translations are bound to; a learner notes what runs that these have not.
/// `host` is what the processor can do.
pub fn run<A: Abi>(
    process: Process,
    mut thread: Thread,
    cpu: State<A>,
    inspector: Inspector<A::Guest>,
    debugger: Option<(&'static Debugger<A>, Fd)>,
    host: HostFeatures,
    (build, learner): (Option<[u8; 20]>, Option<&'static Learner>),
) -> ! {
    let mut translator = translator(&inspector, host);
    // With rights that the caller has not and under filters of system calls, neither file that
    // is named is used: who gave the rights or set the filters does not trust the caller,
    // or the program, with host code, nor with what is written for others.
    let filtered = thread.attention().watched.load(Ordering::Relaxed) != 0;
    let trusting = !process.secure && !filtered;
    if inspector.options().only_runs() {
        let named = process.kept.filter(|_| trusting);
        keep(&mut translator, named, build);
    }
    let learner = learner.filter(|_| trusting && inspector.options().only_runs());
    if let Some(learner) = learner {
        translator.learn(learner);
    }
    translator.take_faults();
    let interpret = inspector.options().interpret;
    let runtime: &'static Runtime<A> = Box::leak(Box::new(Runtime {
        process,
        translator,
        inspector: Lock::new(inspector),
        interpret,
        learner,
        debugger: debugger.as_ref().map(|&(debugger, _)| debugger),
        spare: Lock::new(Vec::with_capacity(SPARE)),
    }));
    other::publish(&runtime.process);
    runtime.inspector.hold().started(runtime.translator.stubs());
    let mut vcpu = runtime.translator.thread::<GuestMemory<'_, A::Guest>>(cpu);
    runtime.translator.join(&mut vcpu, thread.attention());
    if runtime.process.secure {
        runtime.translator.close();
    }
    runtime.translator.at_safe_point(
        &mut vcpu,
        &GuestMemory::<A::Guest>::new(&runtime.process.space),
    );
    thread.pending.join(thread.attention());
    // Those that the engine takes must not be blocked any more.
    thread.set_mask(thread.mask);
    if let Some((debugger, connection)) = debugger {
        let attention = thread.attention();
        if let Err(error) = debugger.start(&runtime.process, attention, &mut vcpu, connection) {
            message::line(text!("there is no memory for a debugger: {error}"));
            sys::exit_group(CANNOT_RUN)
        }
    }
    own::keep_away();
    let end = match runtime.begin_traced(&mut thread, &mut vcpu) {
        Ok(()) => runtime.run(&mut thread, &mut vcpu),
        Err(Fatal(signal)) => runtime.died(&thread, &vcpu.cpu, signal),
    };
    runtime.end(&thread, end, None)
}

/// The translator, as the options want it; without memory for it the process ends.
fn translator<G: Guest>(inspector: &Inspector<G>, host: HostFeatures) -> Translator<G> {
    let make = if inspector.options().eager {
        Translator::eager
    } else {
        Translator::new
    };
    let mut translator = match make(host) {
        Ok(translator) => translator,
        Err(error) => {
            message::line(text!("there is no memory for translated code: {error}"));
            sys::exit_group(CANNOT_RUN)
        }
    };
    if let Some(tally) = inspector.tally() {
        translator.count(tally);
    }
    if inspector.options().perf_map {
        translator.show_to_perf();
    }
    translator
}

/// Takes the translations into use that the program is to have, if they can be: those of the
/// file that is named, or those behind the engine's own file, which is trusted as the engine
/// is.
fn keep<G: Guest>(
    translator: &mut Translator<G>,
    named: Option<&'static CStr>,
    build: Option<[u8; 20]>,
) {
    let Some(build) = build.filter(|_| named.is_some() || baked::is_there()) else {
        return;
    };
    let identity = translator.identity(build);
    let file = match named {
        Some(path) => File::open(path, &identity),
        None => File::baked(&identity),
    };
    if let Ok(file) = file {
        translator.keep(file);
    }
}

/// Where a thread starts that another one has made, with all signals blocked.
///
/// # Safety
/// `start` points to the thread's `Start`.
unsafe extern "C" fn begin<A: Abi>(start: *mut c_void) -> ! {
    let start = start.cast::<Start<A>>();
    // SAFETY: the maker has given it away, or waits until this process is
    // another program.
    let Start {
        runtime,
        thread,
        vcpu,
        flags,
    } = unsafe { &mut *start };
    let runtime: &'static Runtime<A> = runtime;
    let attention = thread.attention();
    attention.claim();
    // It fails for no stack of this size.
    let _ = thread.block.use_for_signals();
    runtime.translator.join(vcpu, attention);
    if *flags & clone::CLEAR_SIGHAND != 0 {
        let _ = thread.actions.with(Actions::clear_handlers);
    }
    thread.pending.join(attention);
    thread.set_mask(thread.mask);
    if let Some(debugger) = runtime.debugger
        && *flags & clone::THREAD != 0
    {
        debugger.join(attention, vcpu);
    }
    let end = match thread.begins::<A>(&runtime.process, &mut vcpu.cpu) {
        Ok(()) => runtime.run(thread, vcpu),
        Err(Fatal(signal)) => runtime.died(thread, &vcpu.cpu, signal),
    };
    let owned = (*flags & clone::VFORK == 0).then_some(start);
    runtime.end(thread, end, owned)
}

impl<A: Abi> Runtime<A> {
    /// Runs a thread to its end.
    fn run(&'static self, thread: &mut Thread, vcpu: &mut Vcpu<A::Guest>) -> End {
        let mut memory = GuestMemory::new(&self.process.space);
        let mut observer = Looking(&self.inspector, self.learner);
        // It goes past a breakpoint that is not for it.
        let mut past = false;
        self.translator.refresh(vcpu, &memory);
        loop {
            let attention = thread.attention();
            let (steps, stops) = (thread.steps(), thread.stops());
            let how = match self.debugger {
                None if steps => How::Step,
                None => How::Run,
                Some(_) if core::mem::take(&mut past) => How::Step,
                Some(debugger) => {
                    let how = debugger.how(attention);
                    // What it is to stop at may be others.
                    self.translator.refresh(vcpu, &memory);
                    how
                }
            };
            let exception = match (how, self.debugger) {
                (How::Step, _) => interpret::past::<A::Guest>(&mut vcpu.cpu, &mut memory).err(),
                (How::Watch, Some(debugger)) => {
                    debugger.watch(&mut vcpu.cpu, &mut memory, attention)
                }
                _ if self.interpret => {
                    interpret::run::<A::Guest>(&mut vcpu.cpu, &mut memory, attention)
                }
                _ => self.translator.run(vcpu, &mut memory, &mut observer),
            };
            let told = match exception {
                None => Ok(()),
                Some(Exception::Breakpoint(_))
                    if let Some(debugger) = self.debugger
                        && self.is_debuggers(&vcpu.cpu) =>
                {
                    past = !debugger.breakpoint(attention);
                    Ok(())
                }
                Some(Exception::Supervisor(_)) => match self.supervise(thread, vcpu) {
                    Ok(told) => told,
                    Err(end) => return end,
                },
                Some(exception) => thread.raise::<A>(&self.process, &mut vcpu.cpu, exception),
            };
            self.translator.at_safe_point(vcpu, &memory);
            let mut told = told.and_then(|()| thread.attend::<A>(&self.process, &mut vcpu.cpu));
            if steps && told.is_ok() {
                told = thread.stepped::<A>(&self.process, &mut vcpu.cpu, stops);
            }
            if thread.stops() != stops {
                // Its tracer may have changed code.
                self.translator.refresh(vcpu, &memory);
            }
            if let Err(Fatal(signal)) = told {
                return self.died(thread, &vcpu.cpu, signal);
            }
            if let Some(debugger) = self.debugger {
                debugger.went_on(thread.attention());
            }
        }
    }

    /// Does the system call that the thread has come to, from its number to its result.
    /// What the guest is told by it may end the process; it may itself end the thread.
    #[inline]
    fn supervise(
        &'static self,
        thread: &mut Thread,
        vcpu: &mut Vcpu<A::Guest>,
    ) -> Result<Result<(), Fatal>, End> {
        if thread.tracee.is_some() {
            return self.supervise_traced(thread, vcpu);
        }
        let control = syscalls::call::<A>(&self.process, thread, &vcpu.cpu);
        let result = match control {
            Control::Result(result) => result,
            _ => self.result(thread, vcpu, &control)?,
        };
        self.conclude(thread, vcpu, control, result)
    }

    /// A call's result. The registers stay.
    #[cold]
    fn result(
        &'static self,
        thread: &mut Thread,
        vcpu: &mut Vcpu<A::Guest>,
        control: &Control,
    ) -> Result<Result<u64, Errno>, End> {
        match control {
            &Control::Exit(code) => Err(End::Thread(code)),
            &Control::ExitGroup(code) => Err(End::Process(code)),
            &Control::Result(result) => Ok(result),
            Control::Clone(request) => Ok(self.clone(thread, vcpu, request)),
            // What they do to the registers, another call does where a debugger has
            // changed those meanwhile.
            Control::SignalReturn | Control::Signal(_) | Control::Kill(_) | Control::Trace(_) => {
                Ok(Err(Errno::RESTART))
            }
        }
    }

    /// Lets the registers be those after the call. Two others call [`Abi::finish`], for registers
    /// that are not those of a call that has ended: `supervise_traced` lets a tracer see a call
    /// that is to be made again, and the debugger ends one in which a thread has stopped.
    #[inline]
    fn conclude(
        &self,
        thread: &mut Thread,
        vcpu: &mut Vcpu<A::Guest>,
        control: Control,
        result: Result<u64, Errno>,
    ) -> Result<Result<(), Fatal>, End> {
        if !syscalls::ended(&self.process, thread, result) {
            return Ok(Ok(()));
        }
        let cpu = &mut vcpu.cpu;
        match control {
            Control::SignalReturn | Control::Signal(_) | Control::Kill(_) => {
                self.redirect(thread, cpu, control)
            }
            _ => {
                A::finish(cpu, result);
                Ok(Ok(()))
            }
        }
    }

    /// After a call that has no result, the registers are a signal frame's, or a handler's.
    #[cold]
    fn redirect(
        &self,
        thread: &mut Thread,
        cpu: &mut State<A>,
        control: Control,
    ) -> Result<Result<(), Fatal>, End> {
        match control {
            Control::Signal(info) => Ok(thread.force::<A>(&self.process, cpu, &info)),
            Control::Kill(signal) => {
                let asked = A::asked(cpu);
                thread.cause = seccomp::killed(signal, asked.pc, asked.number, A::PLATFORM.audit);
                Err(self.died(thread, cpu, signal))
            }
            _ => Ok(thread.signal_return::<A>(&self.process, cpu)),
        }
    }

    /// The same for a thread that a guest traces: it may stop before the call and after it.
    #[cold]
    fn supervise_traced(
        &'static self,
        thread: &mut Thread,
        vcpu: &mut Vcpu<A::Guest>,
    ) -> Result<Result<(), Fatal>, End> {
        let process = &self.process;
        let mut entered = thread.enters::<A>(process, &mut vcpu.cpu);
        let (number, control, result) = loop {
            let Some(number) = entered else {
                thread.leaves::<A>(process, &mut vcpu.cpu, u64::from(u32::MAX));
                return Ok(Ok(()));
            };
            let before = A::exchange_number(&mut vcpu.cpu, number);
            let control = syscalls::call::<A>(process, thread, &vcpu.cpu);
            let result = self.result(thread, vcpu, &control);
            A::exchange_number(&mut vcpu.cpu, before);
            let result = result?;
            let Control::Trace(value) = control else {
                break (number, control, result);
            };
            entered = thread.is_filtered::<A>(process, &mut vcpu.cpu, number, value);
        };
        thread.has_called::<A>(process, &mut vcpu.cpu);
        let again = matches!(control, Control::Result(_) | Control::Clone(_))
            && result == Err(Errno::RESTART);
        if again && thread.shows_restart::<A>(&vcpu.cpu) {
            let cpu = &mut vcpu.cpu;
            let asked = cpu.clone();
            A::finish(cpu, Err(ERESTARTSYS));
            let shown = cpu.clone();
            thread.leaves::<A>(process, cpu, number);
            if *cpu != shown {
                return Ok(Ok(()));
            }
            *cpu = asked;
        }
        let told = self.conclude(thread, vcpu, control, result)?;
        if thread.is_new() {
            return Ok(thread.begins::<A>(process, &mut vcpu.cpu));
        }
        if !again {
            thread.leaves::<A>(process, &mut vcpu.cpu, number);
        }
        Ok(told)
    }

    /// The program's first stops, if a guest traces it.
    fn begin_traced(&self, thread: &mut Thread, vcpu: &mut Vcpu<A::Guest>) -> Result<(), Fatal> {
        let Some(beginning) = Beginning::own() else {
            return Ok(());
        };
        thread.tracee = Some(Box::new(Tracee::new(beginning)));
        thread.executed::<A>(&self.process, &mut vcpu.cpu, beginning.former)
    }

    /// A signal ends the process: how, once there is a core file.
    fn died(&self, thread: &Thread, cpu: &State<A>, signal: i32) -> End {
        let attention = thread.attention();
        let registers = || A::register_sets(cpu);
        let others = || self.translator.others(attention);
        let death = core_file::write(&self.process, thread, registers, signal, others);
        End::Signal(signal, death)
    }

    /// Ends a thread, and gives back what it was made with.
    fn end(&self, thread: &Thread, end: End, owned: Option<*mut Start<A>>) -> ! {
        let attention = thread.attention();
        let last = self.translator.part(attention);
        if let Some(debugger) = self.debugger {
            match end {
                End::Thread(code) if last => debugger.ended(attention, debug::End::Code(code)),
                End::Thread(_) => {}
                End::Process(code) => debugger.ended(attention, debug::End::Code(code)),
                End::Signal(signal, _) => debugger.ended(attention, debug::End::Signal(signal)),
            }
            debugger.part(attention);
        }
        self.process.seccomp.leave(attention);
        let process = attention.process.load(Ordering::Relaxed);
        self.process.holds.release_all(process);
        match end {
            End::Thread(code) => {
                signals::pass_on(attention);
                thread.settle();
                thread.pending.leave(attention);
                if last {
                    self.finish(attention);
                }
                // The debugger's server would go on.
                if last && self.debugger.is_some() {
                    sys::exit_group(code)
                }
                let mapping = owned.map(|start| {
                    // SAFETY: the maker gave it away, and the thread's own
                    // references to it are over.
                    let Start { thread, vcpu, .. } = *unsafe { Box::from_raw(start) };
                    self.put_back(vcpu);
                    thread.block.range()
                });
                // SAFETY: the mapping's stack is left here for good.
                unsafe { clone::leave(mapping, code) }
            }
            End::Process(code) => {
                self.finish(attention);
                sys::exit_group(code)
            }
            End::Signal(signal, death) => {
                self.finish(attention);
                death.by(signal)
            }
        }
    }

    /// The program has come to its end: what was to be told of it is told. A thread under
    /// filters notes nothing for others.
    fn finish(&self, attention: &Attention) {
        let filtered = attention.watched.load(Ordering::Relaxed) != 0;
        if let Some(learner) = self.learner.filter(|_| !filtered)
            && let Err(error) = learner.write()
        {
            let path = message::Shown(learner.path().to_bytes());
            message::line(text!("{path}: what ran can't be noted: {error}"));
        }
        self.inspector.hold().finish();
    }

    /// Whether the guest is stopped there by a breakpoint that the debugger set, and not
    /// by an instruction of its own.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a part of an instruction has 4 bytes at most"
    )]
    fn is_debuggers(&self, cpu: &State<A>) -> bool {
        let pc = A::Guest::pc(cpu);
        let part = |pc, size| guest_memory::load(pc, size).map(|part| part as u32);
        self.process.space.breakpoints.contains(pc)
            || A::Guest::fetch(A::Guest::mode(cpu), pc, part)
                .is_ok_and(|word| !A::is_breakpoint(cpu, word))
    }

    /// A state for a thread that starts with these registers.
    fn state(&self, cpu: State<A>) -> Box<Vcpu<A::Guest>> {
        let spare = self.spare.hold().pop();
        match spare {
            Some(mut vcpu) => {
                vcpu.start_again(cpu);
                vcpu
            }
            None => self.translator.thread::<GuestMemory<'_, A::Guest>>(cpu),
        }
    }

    /// A thread's state is no longer used.
    fn put_back(&self, vcpu: Box<Vcpu<A::Guest>>) {
        let mut spare = self.spare.hold();
        if spare.len() < SPARE {
            spare.push(vcpu);
        }
    }

    /// Makes another thread, or another process. Returns what the guest's
    /// call returns.
    fn clone(
        &'static self,
        thread: &mut Thread,
        vcpu: &mut Vcpu<A::Guest>,
        request: &Request,
    ) -> Result<u64, Errno> {
        // A child must not have what was told its parent.
        let _ = signal::set_whole_mask(!0);
        let result = if thread.attention().wanted() {
            Err(Errno::RESTART)
        } else if request.has(clone::VM) {
            self.spawn(thread, vcpu, request)
        } else {
            self.fork(thread, vcpu, request)
        };
        // A signal may have been noted: another thread may have set a handler for what was dropped.
        thread.set_mask(thread.mask);
        result
    }

    /// A child with a copy of all memory.
    fn fork(
        &self,
        thread: &mut Thread,
        vcpu: &mut Vcpu<A::Guest>,
        request: &Request,
    ) -> Result<u64, Errno> {
        let executable = Arc::clone(&thread.executable);
        let uses = executable.uses();
        let debugged = self
            .debugger
            .map(|debugger| debugger.before_fork(&self.process));
        let filters = self.process.seccomp.before_fork();
        let code = self.translator.before_fork(request.has(clone::FILES));
        let locks = (
            self.inspector.hold(),
            self.spare.hold(),
            self.learner.map(Learner::hold),
        );
        let result = thread.actions.with(|actions| {
            let rest = (
                thread.pending.hold(),
                self.process.space.hold(),
                self.process.heap.hold(),
                STALE.hold(),
                (self.process.holds.hold(), self.process.parking.hold()),
                self.process.tracees.hold(),
                (self.process.shown.hold(), own::stack::hold()),
                // The last: nothing is allocated from here on.
                heap::hold(),
            );
            let_what_is_dropped_come(thread, actions);
            // SAFETY: without a stack, the child is a copy that goes on here.
            let result = unsafe { clone::clone(request, None) };
            drop(rest);
            result
        });
        drop(locks);
        drop(uses);
        match result {
            Ok(0) => {
                // Those who used the table are not here.
                thread.executable = Arc::new(executable.copied());
                thread.attention().claim();
                self.process.space.unsettled.clear();
                filters.child(thread.attention());
                if let Some(debugged) = debugged {
                    debugged.child();
                }
                thread.pending.forked(thread.attention());
                thread.maker = None;
                thread.tracee = thread.attached(request);
                self.process.tracees.clear();
                self.process.holds.clear();
                self.process.parking.clear();
                core_file::heed_in_child();
                code.child(vcpu);
                if request.has(clone::CLEAR_SIGHAND) {
                    let _ = thread.actions.with(Actions::clear_handlers);
                }
                start_registers::<A>(&mut vcpu.cpu, request);
            }
            _ => drop(code),
        }
        result
    }

    /// A child in the same memory: a thread, or another process.
    fn spawn(
        &'static self,
        thread: &Thread,
        vcpu: &Vcpu<A::Guest>,
        request: &Request,
    ) -> Result<u64, Errno> {
        let block = Block::new()?;
        let (stack, mapping) = (block.stack(), block.range());
        let flags = request.arguments.flags;
        // Until its table is copied. A parent that waits for its child can't keep others waiting.
        let uses = (!request.has(clone::VFORK)).then(|| thread.executable.uses());
        let mut start = Box::new(Start {
            runtime: self,
            thread: thread.child(block, flags),
            vcpu: self.state(vcpu.cpu.clone()),
            flags,
        });
        start_registers::<A>(&mut start.vcpu.cpu, request);
        start.thread.tracee = thread.attached(request);
        let attention = start.thread.attention();
        let same_process = request.has(clone::THREAD);
        self.process
            .seccomp
            .join(thread.attention(), attention, same_process);
        let start = Box::into_raw(start);
        if request.has(clone::VFORK) && !request.has(clone::SIGHAND) {
            thread
                .actions
                .with(|actions| let_what_is_dropped_come(thread, actions));
        }
        // SAFETY: `begin` gets its `Start` and a stack that is its own.
        let result = unsafe { clone::clone(request, Some((stack, begin::<A>, start.cast()))) };
        drop(uses);
        if result.is_err() || request.has(clone::VFORK) {
            // The child is another program by now, or has ended.
            self.translator.part(attention);
            self.process.seccomp.leave(attention);
            // SAFETY: so nobody uses it any more.
            unsafe {
                self.put_back(Box::from_raw(start).vcpu);
                let _ = own::unmap(mapping.start, mapping.end - mapping.start);
            }
        }
        result
    }
}

/// Lets the kernel drop what the guest drops while a child is made, where all else is blocked: the
/// child may end before the thread is back, and its `SIGCHLD`, if kept, wakes other threads.
/// No handler runs for it. A traced process drops nothing: its tracer sees all that comes.
fn let_what_is_dropped_come(thread: &Thread, actions: &mut Actions) {
    if thread.tracee.is_none() {
        let _ = signal::set_whole_mask(thread.mask | !actions.dropped());
    }
}

/// The registers that a child starts with, from its parent's.
fn start_registers<A: Abi>(state: &mut State<A>, request: &Request) {
    let stack = Some(request.stack_top()).filter(|&top| top != 0);
    let pointer = request.has(clone::SETTLS).then_some(request.arguments.tls);
    A::child(state, stack, pointer);
}
