//! From a file to a guest that is ready to run: its program and its dynamic
//! loader mapped, its stack built, its registers set.
//!
//! `elf` reads headers and does no I/O, `map` carries out what it read,
//! `stack` lays out the first stack, on the one that the kernel made for the
//! engine, which is the guest's from then on; `error` says what went wrong.

pub mod elf;
pub mod error;
mod layout;
mod map;
pub mod peek;
pub mod prefix;
pub mod stack;

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::ops::Range;

use self::elf::Plan;
pub use self::error::{InterpreterError, LoadError};
use self::map::{Base, MapError};
use self::peek::Peek;
use self::prefix::{Next, Prefix};
use self::stack::{Built, Contents, Value};
use super::abi::platform::{Elf, Guests, Layout, Names, Platform};
use super::executable::{Held, Identity};
use super::placing;
use super::told::Places;
use crate::host::auxv::key;
use crate::host::own::nothing::Nothing;
use crate::host::own::{self, room};
use crate::host::page::PAGE;
use crate::host::start::Start;
use crate::host::sys::{self, Errno, Fd, PROT_EXEC, Status, number};
use crate::memory::address_space::AddressSpace;
use crate::memory::guest_memory;

/// What to run.
#[derive(Debug)]
pub struct Request<'a> {
    /// The guests that the program may be for.
    pub guests: Guests,
    /// The path, as the user or the kernel gave it.
    pub path: &'a CStr,
    /// What was executed: a script, or the program.
    pub executed: &'a CStr,
    /// The open file, when the kernel handed one over; else `path` is opened.
    pub file: Option<Fd>,
    /// The guest's arguments, with the program's name first.
    pub arguments: &'a [&'a CStr],
    /// What the kernel gave to the engine: environment and user.
    pub start: &'a Start,
    /// Where the dynamic loader is looked for first.
    pub prefix: Option<Prefix>,
    /// Whether who executes it has `READ_IMPLIES_EXEC`.
    pub reads_imply_exec: bool,
}

/// A program that is ready to run.
#[derive(Debug)]
pub struct Loaded {
    /// The guest that it is for, as the own one, and the other.
    pub guests: Guests,
    /// Where its first instruction is.
    pub start: u64,
    /// Where its heap (`brk`) starts.
    pub heap: u64,
    /// SP at the start.
    pub stack: u64,
    /// How far the program was moved from the addresses in its file.
    pub bias: u64,
    /// Its path without symbolic links.
    pub executable: Vec<u8>,
    /// Which file it is.
    pub program: Identity,
    /// The file, held.
    pub held: Held,
    /// The page of the vDSO.
    pub vdso: Range<u64>,
    /// What the kernel is told.
    pub places: Places,
    /// Whether it has rights that its caller has not (`AT_SECURE`).
    pub secure: bool,
    /// Where it looks for absolute paths first.
    pub prefix: Option<Prefix>,
    /// Whether its personality has `READ_IMPLIES_EXEC`.
    pub reads_imply_exec: bool,
}

/// Loads a program and its dynamic loader.
///
/// # Errors
/// When it does not run here; nothing is given back then, since the process
/// ends.
pub fn load(space: &AddressSpace, mut request: Request<'_>) -> Result<Loaded, LoadError> {
    let from_kernel = request.file.is_some();
    let file = match request.file.take() {
        Some(file) => file,
        None => open_program(request.path).map_err(LoadError::Open)?,
    };
    let status = regular(&file, !from_kernel)?;
    let program = Identity::from(&status);
    let size = size(&status)?;
    // Of what was executed, watchers are told by the kernel.
    let peek = if from_kernel {
        Peek::new(&file, size)
    } else {
        Peek::reading(&file, size)
    };
    let head = Head::read(&peek).map_err(LoadError::Read)?;
    // What is no program at all is told of as none of the engine's own guest.
    let platform = request.guests.of_program(head.get());
    let guests = platform.map_or(request.guests, |own| request.guests.with_own(own));
    let platform = guests.own;
    let mut plan = head
        .plan(&peek, &platform.elf)
        .map_err(|error| match error {
            ReadError::Read(error) => LoadError::Read(error),
            ReadError::Invalid(invalid) => LoadError::Invalid(invalid),
        })?;
    let secure = request.start.auxiliary(key::SECURE).unwrap_or(0) != 0;
    let mut prefix = request.prefix.take();
    let mut interpreter = Interpreter::open(platform, &peek, &plan, &mut prefix, !secure)?;
    drop(peek);
    let executable_stack = imply_exec(platform, &mut plan, request.reads_imply_exec);
    if let Some(interpreter) = &mut interpreter {
        interpreter.plan.reads_imply_exec = plan.reads_imply_exec;
    }

    let given = &request.start.stack;
    space.grows(room_to_grow(given), executable_stack);
    let mut chance = Chance::new();
    let nothing = Nothing::behind(&file, size);
    let (stack_end, bias) = map_program(platform, space, (&file, nothing), &plan, &mut chance)?;
    let mut stack = given.clone();
    if let Some(end) = stack_end {
        // Before something else is put there.
        stack = own::stack::reserve(end, nothing).map_err(LoadError::Engine)?;
        space.grows(stack.clone(), executable_stack);
    }
    let loader_bias = match &interpreter {
        Some(interpreter) => Some(interpreter.map(space)?),
        None => None,
    };
    // Not past the end of the address space: the span is inside it.
    let heap = plan.span().end.wrapping_add(bias) + chance.pages(13) * PAGE;

    let vdso = (platform.map_vdso)(space).map_err(LoadError::Engine)?;
    let auxiliary = auxiliary(
        platform,
        &plan,
        bias,
        loader_bias,
        vdso.start,
        request.start,
    );
    let built = put_stack(&request, platform, &auxiliary, &mut chance, stack.end)?;
    let sp = built.sp;
    let places = Places {
        code: code(&plan, bias),
        data: data(&plan, bias),
        heap,
        stack: sp,
        arguments: built.arguments,
        environment: built.environment,
        auxiliary: built.auxiliary,
    };

    let start = match (&interpreter, loader_bias) {
        (Some(interpreter), Some(loader)) => interpreter.plan.entry.wrapping_add(loader),
        _ => plan.entry.wrapping_add(bias),
    };
    Ok(Loaded {
        guests,
        start,
        heap,
        stack: sp,
        bias,
        executable: executable(&file, request.path),
        program,
        held: Held::new(&file),
        vdso,
        places,
        secure,
        prefix,
        reads_imply_exec: plan.reads_imply_exec,
    })
}

/// Says whether a program has `READ_IMPLIES_EXEC`, by its file and by who executes it; returns
/// whether its stack is executable.
fn imply_exec(platform: &Platform, plan: &mut Plan, before: bool) -> bool {
    let old = plan.executable_stack.is_none();
    plan.reads_imply_exec = platform.keeps_read_implies_exec && (old || before);
    plan.executable_stack.unwrap_or(plan.reads_imply_exec)
}

/// Builds the first stack, whose end is known, and puts it there.
fn put_stack(
    request: &Request<'_>,
    platform: &Platform,
    auxiliary: &[(u64, Value)],
    chance: &mut Chance,
    end: u64,
) -> Result<Built, LoadError> {
    let contents = Contents {
        arguments: request.arguments,
        environment: &request.start.environment,
        platform: platform.platform,
        width: platform.elf.width,
        file_name: request.executed,
        random: chance.bytes(),
        auxiliary,
    };
    let built = stack::build(&contents, end).ok_or(LoadError::Arguments)?;
    let given = &request.start.stack;
    // SAFETY: nothing of the engine's refers to what the kernel put on its stack.
    // Where the guest needs more of it, that grows.
    let written = unsafe {
        guest_memory::zero(given.start, given.end - given.start)
            .and_then(|()| guest_memory::write(built.sp, &built.bytes))
    };
    written.map_err(|_| LoadError::Arguments)?;
    Ok(built)
}

/// Where the first segment is that is executed.
fn code(plan: &Plan, bias: u64) -> Range<u64> {
    let mut segments = plan.segments.iter();
    let first = segments.find(|segment| segment.protection & PROT_EXEC != 0);
    let range = first.map(elf::Segment::range);
    range.map_or(0..0, |range| {
        range.start.wrapping_add(bias)..range.end.wrapping_add(bias)
    })
}

/// Maps the program where its layout says; returns the end of its first stack, where the
/// engine has to place that, and how far the program was moved.
fn map_program(
    platform: &Platform,
    space: &AddressSpace,
    (file, nothing): (&Fd, Nothing<'_>),
    plan: &Plan,
    chance: &mut Chance,
) -> Result<(Option<u64>, u64), LoadError> {
    let map = |layout: Layout, chance: &mut Chance| {
        let near = layout.program + chance.pages(layout.random) * PAGE;
        map::map(space, file, plan, Base::Near(near)).map_err(|error| match error {
            MapError::Map { address, error } => LoadError::Map { address, error },
            MapError::Shrank => LoadError::Shrank,
        })
    };
    let most = platform.layout;
    let stack_end = take(most, chance, nothing).map_err(LoadError::Engine)?;
    let bias = map(most, chance)?;
    let Some(few) = platform.sanitizers else {
        return Ok((stack_end, bias));
    };
    if !layout::wants_fewer(file, plan, bias) {
        return Ok((stack_end, bias));
    }
    // First, since what it leaves would be free.
    map::unmap_all(space, plan, bias);
    match take(few, chance, nothing) {
        Ok(stack_end) => Ok((stack_end, map(few, chance)?)),
        // Where the engine can't have them, the layout is as it was.
        Err(_) => Ok((stack_end, map(most, chance)?)),
    }
}

/// Gives the addresses above a layout's to the engine, if there are such; the end of the
/// first stack, which then has to be below. Nothing of the program may be mapped there.
fn take(layout: Layout, chance: &mut Chance, nothing: Nothing<'_>) -> Result<Option<u64>, Errno> {
    let Some(end) = layout.end else {
        return Ok(None);
    };
    let random = chance.pages(layout.random_stack) * PAGE;
    if layout.kernels == 0 {
        let end = end - PAGE - random;
        room::take(end)?;
        return Ok(Some(end));
    }
    placing::leave(end, nothing).or_else(|_| room::take(end))?;
    let above = end - layout.kernels;
    own::stack::reserve_gap(above, random, nothing)?;
    Ok(Some(above - random))
}

/// The program's data, as the kernel has it: from the segment that starts last
/// to the last byte that any has in the file.
fn data(plan: &Plan, bias: u64) -> Range<u64> {
    let moved = |address: u64| address.wrapping_add(bias);
    let segments = || plan.segments.iter();
    let start = segments().map(|segment| segment.address).max();
    let end = segments()
        .map(|segment| segment.address + segment.file_size)
        .max();
    match (start, end) {
        (Some(start), Some(end)) => moved(start)..moved(end.max(start)),
        _ => 0..0,
    }
}

/// Opens a program. What is executed by a descriptor the kernel names `/dev/fd/N`
/// or `/dev/fd/N/PATH`, which only `/proc` leads to; but the descriptor is there.
fn open_program(path: &CStr) -> Result<Fd, Errno> {
    let missing = match Fd::open(path) {
        Err(error @ (Errno::ENOENT | Errno::ENOTDIR)) => error,
        opened => return opened,
    };
    let name = path.to_bytes().strip_prefix(b"/dev/fd/").ok_or(missing)?;
    let end = name.iter().position(|&byte| byte == b'/');
    let (number, rest) = name.split_at(end.unwrap_or(name.len()));
    let number = core::str::from_utf8(number).ok();
    let number = number
        .and_then(|number| number.parse().ok())
        .ok_or(missing)?;
    match rest {
        [b'/', below @ ..] => {
            let below = CString::new(below).map_err(|_| missing)?;
            Fd::open_in(number, &below)
        }
        _ => Fd::duplicate(number),
    }
}

/// The program's path without symbolic links; where `/proc` is not mounted,
/// the path that it was started by.
fn executable(file: &Fd, path: &CStr) -> Vec<u8> {
    match file.path() {
        empty if empty.is_empty() => path.to_bytes().to_vec(),
        path => path,
    }
}

/// The size of a regular file that may be executed.
fn regular(file: &Fd, check_permission: bool) -> Result<Status, LoadError> {
    let status = file.status().map_err(LoadError::Read)?;
    match status.mode & 0o170_000 {
        0o100_000 => {}
        0o040_000 => return Err(LoadError::Directory),
        _ => return Err(LoadError::NotRegular),
    }
    if check_permission && !file.may_execute() {
        return Err(LoadError::NotExecutable);
    }
    Ok(status)
}

fn size(status: &Status) -> Result<u64, LoadError> {
    u64::try_from(status.size).map_err(|_| LoadError::Read(Errno::EIO))
}

/// The error that the kernel's own loader has for a program before the process
/// is no longer the old one; none where it would go on. What is wrong with its
/// segments shows only later, as a signal.
#[must_use]
pub fn refusal(
    platform: &'static Platform,
    file: &Fd,
    next: &Next<'_, impl Fn() -> Option<Prefix>>,
) -> Option<Errno> {
    use elf::Invalid::{
        Core, EntrySize, HeaderCut, InterpreterLength, InterpreterText, NoHeaders, Relocatable,
        TableCut, TooManyHeaders, Type,
    };
    let size = u64::try_from(file.status().ok()?.size).ok()?;
    let peek = Peek::new(file, size);
    let plan = match read_plan(&peek, &platform.elf) {
        Ok(plan) => plan,
        Err(ReadError::Invalid(
            HeaderCut { .. }
            | TableCut { .. }
            | Relocatable
            | Core
            | Type(_)
            | EntrySize(..)
            | NoHeaders
            | TooManyHeaders(..)
            | InterpreterLength(_)
            | InterpreterText,
        )) => return Some(Errno::ENOEXEC),
        Err(_) => return None,
    };
    let open = |mut prefix: Option<Prefix>, of_machine| {
        Interpreter::open(platform, &peek, &plan, &mut prefix, of_machine)
    };
    let opened = match open(next.told.cloned(), false) {
        Err(LoadError::Interpreter {
            why: InterpreterError::Open(Errno::ENOENT | Errno::ENOTDIR),
            ..
        }) if next.told.is_none() => open((next.named)(), true),
        opened => opened,
    };
    match opened {
        Ok(_) => None,
        Err(LoadError::Invalid(_)) => Some(Errno::ENOEXEC),
        Err(LoadError::Interpreter { path, why, .. }) => Some(match why {
            InterpreterError::Open(error) => error,
            // The kernel wants a file that may be executed before it reads it,
            // and a whole header before it reads that.
            _ => match executable_size(&path) {
                None => Errno::EACCES,
                Some(size) if size < platform.elf.width.header() as u64 => Errno::EIO,
                Some(_) => Errno::ELIBBAD,
            },
        }),
        Err(_) => None,
    }
}

/// The size of a file that may be executed.
fn executable_size(path: &CStr) -> Option<u64> {
    size(&regular(&Fd::open(path).ok()?, true).ok()?).ok()
}

enum ReadError {
    Read(Errno),
    Invalid(elf::Invalid),
}

impl From<elf::Invalid> for ReadError {
    fn from(invalid: elf::Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

/// The beginning of a file.
struct Head {
    bytes: [u8; elf::LONGEST_HEADER],
    length: usize,
}

impl Head {
    fn read(file: &Peek<'_>) -> Result<Self, Errno> {
        let mut bytes = [0; elf::LONGEST_HEADER];
        let length = file.read_at(&mut bytes, 0)?;
        Ok(Self { bytes, length })
    }

    fn get(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Reads the other headers of the file that begins so.
    fn plan(&self, file: &Peek<'_>, elf: &'static Elf) -> Result<Plan, ReadError> {
        let header = elf::header(self.get(), elf)?;
        let (offset, length) = header.table();
        let mut table = alloc::vec![0; length];
        // Past the end of the file, an offset that no file can have is an error
        // of the header and not of reading.
        let length = if offset < file.size() {
            file.read_at(&mut table, offset).map_err(ReadError::Read)?
        } else {
            0
        };
        table.truncate(length);
        Ok(header.plan(&table, file.size())?)
    }
}

/// Reads the headers of a file.
fn read_plan(file: &Peek<'_>, elf: &'static Elf) -> Result<Plan, ReadError> {
    let head = Head::read(file).map_err(ReadError::Read)?;
    head.plan(file, elf)
}

/// The dynamic loader, opened and read.
struct Interpreter {
    names: &'static Names,
    path: CString,
    file: Fd,
    plan: Plan,
}

impl Interpreter {
    /// Below the prefix, else at its path, else where the machine has a libc for
    /// other machines' programs, which then is the prefix.
    fn open(
        platform: &'static Platform,
        program: &Peek<'_>,
        plan: &Plan,
        prefix: &mut Option<Prefix>,
        of_machine: bool,
    ) -> Result<Option<Self>, LoadError> {
        let Some((offset, length)) = plan.interpreter else {
            return Ok(None);
        };
        let mut bytes = alloc::vec![0; length];
        program
            .read_at(&mut bytes, offset)
            .map_err(LoadError::Read)?;
        let path = elf::interpreter_path(&bytes)?;
        let path = CString::new(path).map_err(|_| elf::Invalid::InterpreterText)?;
        let below = |prefix: &Prefix| prefix.lead(path.to_bytes(), true);
        let found = match prefix.as_ref().and_then(below) {
            Some(found) => Fd::open(&found),
            None => Fd::open(&path),
        };
        let found = match found {
            Err(Errno::ENOENT | Errno::ENOTDIR) if prefix.is_none() && of_machine => {
                *prefix = Prefix::of_machine(platform.names.folders, &path);
                Fd::open(
                    &prefix
                        .as_ref()
                        .and_then(below)
                        .unwrap_or_else(|| path.clone()),
                )
            }
            found => found,
        };
        let opened = found.map_err(InterpreterError::Open).and_then(|file| {
            // The kernel opens it to be executed.
            if !file.may_execute() {
                return Err(InterpreterError::Open(Errno::EACCES));
            }
            let size = file.status().map_err(InterpreterError::Read)?.size;
            let plan = read_plan(
                &Peek::reading(&file, size.try_into().unwrap_or(0)),
                &platform.elf,
            );
            match plan {
                Ok(plan) => Ok((file, plan)),
                Err(ReadError::Read(error)) => Err(InterpreterError::Read(error)),
                Err(ReadError::Invalid(invalid)) => Err(InterpreterError::Invalid(invalid)),
            }
        });
        match opened {
            Ok((file, plan)) => Ok(Some(Self {
                names: &platform.names,
                path,
                file,
                plan,
            })),
            Err(why) => Err(LoadError::Interpreter {
                names: &platform.names,
                path,
                why,
                prefix: prefix.as_ref().map(|prefix| prefix.folder().to_vec()),
            }),
        }
    }

    fn map(&self, space: &AddressSpace) -> Result<u64, LoadError> {
        map::map(space, &self.file, &self.plan, Base::Anywhere).map_err(|error| match error {
            MapError::Map { error, .. } => LoadError::Interpreter {
                names: self.names,
                path: self.path.clone(),
                why: InterpreterError::Map(error),
                prefix: None,
            },
            MapError::Shrank => LoadError::Shrank,
        })
    }
}

/// Where the stack may grow: down to the engine, below which the kernel puts
/// mappings, or above which, where it puts them from below.
fn room_to_grow(stack: &Range<u64>) -> Range<u64> {
    /// More than any stack has: what lies there else is only what a guest
    /// wants there.
    const MOST: u64 = 1 << 40;
    own::end_below(stack.start).max(stack.end.saturating_sub(MOST))..stack.end
}

/// The auxiliary vector in the kernel's order.
fn auxiliary(
    platform: &Platform,
    plan: &Plan,
    bias: u64,
    loader: Option<u64>,
    vdso: u64,
    start: &Start,
) -> Vec<(u64, Value)> {
    use Value::{FileName, Number, Random};
    let host = |key| Number(start.auxiliary(key).unwrap_or(0));
    let headers = match plan.headers {
        0 => 0,
        headers => headers.wrapping_add(bias),
    };
    let [first, second] = platform.capabilities;
    let header = platform.elf.width.program_header() as u64;
    let mut vector = alloc::vec![(key::SYSINFO_EHDR, Number(vdso))];
    let signal_stack = platform.signal_stack.map(Number);
    vector.extend(signal_stack.map(|bytes| (key::MINSIGSTKSZ, bytes)));
    vector.extend([
        (key::HWCAP, Number(first)),
        (key::PAGESZ, Number(PAGE)),
        (key::CLKTCK, Number(100)),
        (key::PHDR, Number(headers)),
        (key::PHENT, Number(header)),
        (key::PHNUM, Number(u64::from(plan.header_count))),
        (key::BASE, Number(loader.unwrap_or(0))),
        (key::FLAGS, Number(0)),
        (key::ENTRY, Number(plan.entry.wrapping_add(bias))),
        (key::UID, host(key::UID)),
        (key::EUID, host(key::EUID)),
        (key::GID, host(key::GID)),
        (key::EGID, host(key::EGID)),
        (key::SECURE, host(key::SECURE)),
        (key::RANDOM, Random),
        (key::HWCAP2, Number(second)),
        (key::EXECFN, FileName),
        (key::PLATFORM, Value::Platform),
    ]);
    vector
}

/// The kernel's random numbers, or zeros where it is told to place programs
/// always alike (`setarch -R`) or has none.
struct Chance {
    place: bool,
    /// Drawn at once, and taken from the end.
    numbers: [u64; 8],
    left: usize,
}

impl Chance {
    fn new() -> Self {
        const ADDR_NO_RANDOMIZE: u64 = 0x4_0000;
        // SAFETY: asking for the personality changes nothing.
        let personality =
            unsafe { sys::syscall(number::PERSONALITY, [0xffff_ffff, 0, 0, 0, 0, 0]) };
        let mut numbers = [0; 8];
        // GRND_NONBLOCK: early at boot rather few random bits than a wait.
        let arguments = [numbers.as_mut_ptr() as u64, 64, 1, 0, 0, 0];
        // SAFETY: the kernel writes into the array only.
        let _ = unsafe { sys::syscall(number::GETRANDOM, arguments) };
        Self {
            place: personality.unwrap_or(0) & ADDR_NO_RANDOMIZE == 0,
            left: numbers.len(),
            numbers,
        }
    }

    /// A number that nobody else gets. There are more than are asked for.
    fn number(&mut self) -> u64 {
        self.left = self.left.saturating_sub(1);
        self.numbers[self.left]
    }

    fn bytes(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        for half in bytes.chunks_exact_mut(8) {
            half.copy_from_slice(&self.number().to_le_bytes());
        }
        bytes
    }

    /// A number of pages below `1 << bits`.
    fn pages(&mut self, bits: u32) -> u64 {
        if !self.place {
            return 0;
        }
        self.number() & ((1 << bits) - 1)
    }
}
