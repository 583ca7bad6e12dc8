//! Runs Linux programs of other architectures on x86-64: AArch64 and 32-bit Arm.
//!
//! The library is all of `armistice-aarch64` and `armistice-arm` but their start code, so
//! that tests, which have std, can reach every part.
#![no_std]

extern crate alloc;

pub mod bake;
pub mod cli;
pub mod debug;
pub mod from_notes;
pub mod host;
pub mod inspect;
pub mod linux;
pub mod memory;
pub mod options;
pub mod run;
pub mod thread;
pub mod translator;

use alloc::boxed::Box;
use core::ffi::CStr;
use core::format_args as text;

use cli::{Command, Run};
use debug::{Debugger, listen};
use host::auxv::key;
use host::message::{self, Shown};
use host::start::Start;
use host::sys::{self, Errno, Fd};
use host::{clock, cpu};
use inspect::Inspector;
use linux::abi::Abi;
use linux::abi::platform::Guests;
use linux::loader::prefix::Prefix;
use linux::loader::{self, LoadError, Loaded, Request};
use linux::process::{Process, Thread};
use linux::seccomp::Seccomp;
use linux::syscalls::trace;
use linux::{core_file, signals, told};
use memory::address_space::AddressSpace;
use memory::guest_memory;
use thread::attention::Block;
use thread::handlers;
use thread::leaving::Leaving;
use translator::kept::learn::Learner;
use translator::stale::STALE;
use x64::features::{HostFeatures, Words};

/// The exit code when a program cannot be run.
const CANNOT_RUN: i32 = 126;

/// What the process does, from its first instruction in Rust to its end. The engine is named after
/// the first guest; programs are of either.
///
/// # Safety
/// `stack` is the initial stack of the process, as the kernel made it, and
/// `mapping` what [`Block::first`] wants, where this runs.
pub unsafe fn main<A: Abi, B: Abi>(stack: *const usize, mapping: u64) -> ! {
    // SAFETY: the caller hands over the kernel's.
    let mut start = unsafe { Start::read(stack) };
    start.protect_relocated();
    message::started(&A::PLATFORM.names.engine);
    // SAFETY: the caller's.
    let block = unsafe { Block::first(mapping) };
    start.add_own();
    // SAFETY: the kernel says where it is.
    unsafe { clock::find(start.auxiliary(key::SYSINFO_EHDR).unwrap_or(0)) };
    match cli::read(&start) {
        Err(usage) => {
            message::line(text!("{usage}"));
            sys::exit_group(cli::USAGE_ERROR)
        }
        Ok(Command::Help) => print(&cli::help(guests::<A, B>())),
        Ok(Command::Version) => print(&alloc::format!(
            "{} {}\n",
            message::name(),
            env!("CARGO_PKG_VERSION")
        )),
        Ok(Command::Bake {
            translations,
            engine,
        }) => bake::run::<A>(&start, translations, engine),
        Ok(Command::Translate {
            notes,
            translations,
        }) => from_notes::run::<A>(&start, notes, translations),
        Ok(Command::Run(run)) => match handed_over(&mut start, run) {
            Ok(run) => {
                cli::set_environment(&mut start.environment, &run.variables);
                run_program::<A, B>(&start, &run, block)
            }
            Err(error) => {
                message::line(text!("no arguments are handed over: {error}"));
                sys::exit_group(CANNOT_RUN)
            }
        },
    }
}

/// The guests as data, before it is known whose program runs.
const fn guests<A: Abi, B: Abi>() -> Guests {
    Guests {
        own: A::PLATFORM,
        other: B::PLATFORM,
    }
}

fn print(text: &str) -> ! {
    let code = match sys::write_all(1, text.as_bytes()) {
        // Its reader wants no more.
        Ok(()) | Err(Errno::EPIPE) => 0,
        Err(error) => {
            message::line(text!("standard output cannot be written: {error}"));
            1
        }
    };
    sys::exit_group(code)
}

/// With the arguments and the environment that another engine hands over.
fn handed_over(start: &mut Start, mut run: Run<'static>) -> Result<Run<'static>, Errno> {
    if let Some(file) = run.handed {
        run.arguments = start.take(&Fd::new(file))?;
    }
    Ok(run)
}

fn run_program<A: Abi, B: Abi>(
    start: &Start,
    command: &Run<'static>,
    block: Result<Block, Errno>,
) -> ! {
    let words = Words::read();
    // SAFETY: the words are this processor's.
    unsafe { cpu::note(words.has_keys(), words.has_serialize()) };
    if let Some(missing) = words.missing() {
        message::line(text!(
            "this processor is too old: x86-64-v3 is needed, and it has no {missing}"
        ));
        sys::exit_group(CANNOT_RUN)
    }
    let space = AddressSpace::new(Some(&STALE));
    let loaded = block
        .and_then(|block| Ok((handlers::install(&block)?, block)))
        .map_err(LoadError::Engine)
        .and_then(|first| Ok((first, load(guests::<A, B>(), &space, start, command)?)));
    let (first, loaded) = match loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            message::line(text!("{}: {error}", Shown(command.program.to_bytes())));
            sys::exit_group(error.exit_code())
        }
    };
    let host = HostFeatures::of(&words);
    if loaded.guests.own.elf == A::PLATFORM.elf {
        run_guest::<A>(
            start,
            command,
            space,
            first,
            loaded,
            (host, start.build_id()),
        )
    } else {
        // Translations that are kept are those of the guest that the engine is named after.
        run_guest::<B>(start, command, space, first, loaded, (host, None))
    }
}

/// Runs a program of the guest from its first instruction on. `build` is what kept
/// translations are bound to.
fn run_guest<A: Abi>(
    start: &Start,
    command: &Run<'static>,
    space: AddressSpace,
    (ignored, block): (u64, Block),
    loaded: Loaded,
    (host, build): (HostFeatures, Option<[u8; 20]>),
) -> ! {
    guest_memory::ignore(A::PLATFORM.tag);
    told::places(&loaded.places);
    let by_kernel = command.from_kernel;
    told::name(command.name(), &loaded.executable, by_kernel);
    let Ok(seccomp) = Seccomp::inherited(block.attention()) else {
        message::line(text!(
            "the filters of system calls that it is under are damaged"
        ));
        sys::exit_group(CANNOT_RUN)
    };
    let mut process = Process::new(space, &loaded, seccomp);
    process.trace = command.options.strace;
    process.kept = command.kept;
    let learner = command
        .learn
        .map(|path| &*Box::leak(Box::new(Learner::new(path))));
    process.notes = learner.map(|learner| (learner.path(), learner as &dyn Leaving));
    if process.trace {
        trace::executed(command.program, &command.arguments, start.environment.len());
    }
    let debugger = command.debugger.map(|debugger| {
        let (connection, executed) = connect(debugger, command.program);
        let auxiliary = loaded.places.auxiliary.clone();
        let debugger: &Debugger<A> = Box::leak(Box::new(Debugger::new(auxiliary, executed)));
        process.tracer = Some(debugger);
        signals::follow(!0);
        (debugger, connection)
    });
    core_file::heed();
    let thread = Thread::inherited(block, ignored, loaded.held);
    thread
        .attention()
        .set_read_implies_exec(loaded.reads_imply_exec);
    let inspector = Inspector::new(command.options);
    let state = A::start(loaded.start, loaded.stack);
    run::run::<A>(
        process,
        thread,
        state,
        inspector,
        debugger,
        host,
        (build, learner),
    )
}

/// The connection to a debugger, and whether it has been there before.
fn connect(debugger: cli::Debugger<'_>, program: &CStr) -> (Fd, bool) {
    let place = match debugger {
        cli::Debugger::Connected(descriptor) => return (Fd::new(descriptor), true),
        cli::Debugger::Waiting(place) => place,
    };
    let connection = listen::listen(place).and_then(|listener| {
        message::line(text!(
            "{}: waiting for GDB; tell it: target remote {}",
            Shown(program.to_bytes()),
            listener.place()
        ));
        listener.accept()
    });
    match connection {
        Ok(connection) => (connection, false),
        Err(error) => {
            message::line(text!("no debugger can connect to {place}: {error}"));
            sys::exit_group(CANNOT_RUN)
        }
    }
}

fn load(
    guests: Guests,
    space: &AddressSpace,
    start: &Start,
    run: &Run<'_>,
) -> Result<Loaded, LoadError> {
    let secure = start.auxiliary(key::SECURE).unwrap_or(0) != 0;
    let prefix = match run.prefix {
        Some(folder) => Some(Prefix::named(folder).map_err(|error| LoadError::Prefix {
            folder: folder.into(),
            error,
        })?),
        None if secure => None,
        None => Prefix::of_environment(&start.environment),
    };
    let request = Request {
        guests,
        prefix,
        path: run.program,
        executed: run.name(),
        file: run.descriptor.map(Fd::new),
        arguments: &run.arguments,
        start,
        reads_imply_exec: run.reads_imply_exec && !secure,
    };
    loader::load(space, request)
}
