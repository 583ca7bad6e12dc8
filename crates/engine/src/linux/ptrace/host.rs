//! The host's `ptrace`, and the memory and numbers of a process that it traces.

use alloc::vec::Vec;
use core::sync::atomic::AtomicU32;

use crate::host::own;
use crate::host::signal::SignalInfo;
use crate::host::sys::{self, Errno, Fd, number};
use crate::linux::other::below;
use crate::linux::views::maps;
use crate::thread::interruptible::{self, Entry};
use crate::thread::traced::{Place, Record};

/// Requests.
#[allow(missing_docs, reason = "the names are the kernel's")]
pub mod request {
    pub const TRACEME: u64 = 0;
    pub const PEEKTEXT: u64 = 1;
    pub const PEEKDATA: u64 = 2;
    pub const POKETEXT: u64 = 4;
    pub const POKEDATA: u64 = 5;
    pub const CONT: u64 = 7;
    pub const KILL: u64 = 8;
    pub const SINGLESTEP: u64 = 9;
    pub const GETREGS: u64 = 12;
    pub const ATTACH: u64 = 16;
    pub const DETACH: u64 = 17;
    pub const SYSCALL: u64 = 24;
    pub const SETOPTIONS: u64 = 0x4200;
    pub const GETEVENTMSG: u64 = 0x4201;
    pub const GETSIGINFO: u64 = 0x4202;
    pub const SETSIGINFO: u64 = 0x4203;
    pub const GETREGSET: u64 = 0x4204;
    pub const SETREGSET: u64 = 0x4205;
    pub const SEIZE: u64 = 0x4206;
    pub const INTERRUPT: u64 = 0x4207;
    pub const LISTEN: u64 = 0x4208;
    pub const PEEKSIGINFO: u64 = 0x4209;
    pub const GETSIGMASK: u64 = 0x420a;
    pub const SETSIGMASK: u64 = 0x420b;
    pub const SECCOMP_GET_FILTER: u64 = 0x420c;
    pub const GET_SYSCALL_INFO: u64 = 0x420e;
    pub const SET_SYSCALL_INFO: u64 = 0x4212;
}

/// The host's `ptrace`.
///
/// # Safety
/// For some requests the kernel reads or writes this process's memory where `data` says.
/// That memory is the caller's, or the guest's as the guest named it.
///
/// # Errors
/// The kernel's.
pub unsafe fn ptrace(request: u64, thread: i32, address: u64, data: u64) -> Result<u64, Errno> {
    let thread = u64::from(thread.cast_unsigned());
    // SAFETY: the caller's.
    unsafe { sys::syscall(number::PTRACE, [request, thread, address, data, 0, 0]) }
}

/// The same by the kernel's entry for programs of i386, with words of 32 bits.
///
/// # Safety
/// As for [`ptrace`].
///
/// # Errors
/// The kernel's; `ENOSYS` where it has no such entry.
pub unsafe fn narrow(request: u64, thread: i32, address: u64, data: u64) -> Result<u64, Errno> {
    /// i386's number.
    const PTRACE: u32 = 26;
    static NOTHING: AtomicU32 = AtomicU32::new(0);
    let thread = u64::from(thread.cast_unsigned());
    let arguments = [request, thread, address, data, 0, 0];
    // SAFETY: the caller's.
    unsafe { interruptible::enter(&NOTHING, Entry::Narrow, PTRACE, &arguments) }
}

/// A signal that waits for a thread, by its place among those of the thread, or of its
/// process.
///
/// # Errors
/// The kernel's.
pub fn waiting(thread: i32, place: u32, shared: bool) -> Result<Option<SignalInfo>, Errno> {
    let mut info = SignalInfo([0; 16]);
    // Where to begin; flags, and one.
    let asked = [u64::from(place), u64::from(shared) | 1 << 32];
    let (asked, to) = (asked.as_ptr() as u64, info.0.as_mut_ptr() as u64);
    // SAFETY: the kernel reads the two words and writes one `siginfo_t`; both are here.
    let count = unsafe { ptrace(request::PEEKSIGINFO, thread, asked, to) }?;
    Ok((count != 0).then_some(info))
}

/// A request of the host's whose data is a number.
///
/// # Errors
/// The kernel's; `EIO` for another request.
pub fn order(request: u64, thread: i32, data: u64) -> Result<u64, Errno> {
    const ORDERS: [u64; 9] = [
        request::TRACEME,
        request::KILL,
        request::CONT,
        request::ATTACH,
        request::DETACH,
        request::SETOPTIONS,
        request::SEIZE,
        request::INTERRUPT,
        request::LISTEN,
    ];
    if !ORDERS.contains(&request) {
        return Err(Errno::EIO);
    }
    // SAFETY: none of these touches memory.
    unsafe { ptrace(request, thread, 0, data) }
}

/// What a stop of the host's tells beside its status.
///
/// # Errors
/// The kernel's.
pub fn event_message(thread: i32) -> Result<u64, Errno> {
    let mut message = 0_u64;
    let place = core::ptr::from_mut(&mut message) as u64;
    // SAFETY: the kernel writes a word, which is here.
    unsafe { ptrace(request::GETEVENTMSG, thread, 0, place) }?;
    Ok(message)
}

/// What of the host's registers is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Registers {
    /// RIP.
    pub rip: u64,
    /// RBX.
    pub rbx: u64,
    /// RAX.
    pub rax: u64,
}

/// The host's registers of a thread that stands.
///
/// # Errors
/// `ESRCH` when it does not, or somebody else traces it.
pub fn registers(thread: i32) -> Result<Registers, Errno> {
    /// `struct user_regs_struct`.
    const WORDS: usize = 27;
    let mut all = [0_u64; WORDS];
    // SAFETY: the kernel writes `struct user_regs_struct`, which is as large as the array.
    unsafe { ptrace(request::GETREGS, thread, 0, all.as_mut_ptr() as u64) }?;
    Ok(Registers {
        rip: all[16],
        rbx: all[5],
        rax: all[10],
    })
}

/// The `siginfo` of a thread's stop; `EINVAL` in a stop of its group.
///
/// # Errors
/// The kernel's.
pub fn info(thread: i32) -> Result<SignalInfo, Errno> {
    let mut info = SignalInfo([0; 16]);
    let place = core::ptr::from_mut(&mut info) as u64;
    // SAFETY: the kernel writes `siginfo_t`, which is here.
    unsafe { ptrace(request::GETSIGINFO, thread, 0, place) }?;
    Ok(info)
}

/// Sets it.
///
/// # Errors
/// The kernel's.
pub fn set_info(thread: i32, info: &SignalInfo) -> Result<(), Errno> {
    let place = core::ptr::from_ref(info) as u64;
    // SAFETY: the kernel reads `siginfo_t`, which is here.
    unsafe { ptrace(request::SETSIGINFO, thread, 0, place) }.map(drop)
}

/// Whether a thread that stands blocks a signal of this bit on the host.
#[must_use]
pub fn blocks(thread: i32, bit: u64) -> bool {
    let mut mask = 0_u64;
    let place = core::ptr::from_mut(&mut mask) as u64;
    // SAFETY: the kernel writes 8 bytes, as `address` says, and they are here.
    unsafe { ptrace(request::GETSIGMASK, thread, 8, place) }.is_ok() && mask & bit != 0
}

/// Reads a thread's memory.
///
/// # Errors
/// The kernel's; `EFAULT` when not all is there.
pub fn read(thread: i32, address: u64, to: &mut [u8]) -> Result<(), Errno> {
    let place = to.as_mut_ptr() as u64;
    transfer(number::PROCESS_VM_READV, thread, address, place, to.len())
}

/// Writes a thread's memory.
///
/// # Errors
/// As [`read`].
pub fn write(thread: i32, address: u64, from: &[u8]) -> Result<(), Errno> {
    let place = from.as_ptr() as u64;
    transfer(
        number::PROCESS_VM_WRITEV,
        thread,
        address,
        place,
        from.len(),
    )
}

fn transfer(call: u32, thread: i32, address: u64, place: u64, length: usize) -> Result<(), Errno> {
    let length = length as u64;
    let (here, there) = ([place, length], [address, length]);
    let arguments = [
        u64::from(thread.cast_unsigned()),
        here.as_ptr() as u64,
        1,
        there.as_ptr() as u64,
        1,
        0,
    ];
    // SAFETY: here the kernel touches the caller's slice only.
    let done = unsafe { sys::syscall(call, arguments) }?;
    if done == length {
        Ok(())
    } else {
        Err(Errno::EFAULT)
    }
}

/// A record of a thread that stands.
///
/// # Errors
/// The kernel's.
pub fn record(thread: i32, address: u64) -> Result<Record, Errno> {
    let mut record = Record::NEW;
    read(thread, address, record.bytes_mut())?;
    Ok(record)
}

/// Whether the engine's file begins there in another process: the same build of it.
#[must_use]
pub fn is_engine(thread: i32, first: u64) -> bool {
    /// The header, the program headers, and the build-id's note.
    const LENGTH: usize = 1024;
    let Some(own) = own::first() else {
        return false;
    };
    let mut other = [0_u8; LENGTH];
    if !first.is_multiple_of(4096) || read(thread, first, &mut other).is_err() {
        return false;
    }
    // SAFETY: the engine's first page is its own, and stays.
    let own = unsafe { core::slice::from_raw_parts(own as *const u8, LENGTH) };
    own == other
}

/// How often a file is looked at that may be mapped many times.
const MOST_STARTS: usize = 16;

/// Where the engine's file begins in another process that runs on it.
#[must_use]
pub fn find_engine(thread: i32) -> Option<u64> {
    // A child has it where its maker has.
    let own = own::first()?;
    if is_engine(thread, own) {
        return Some(own);
    }
    let maps = Fd::open(&below(b"/proc", number_of(thread).as_bytes(), "maps")?).ok()?;
    let maps = maps.read_all().ok()?;
    let inode = crate::linux::other::engine_of(b"/proc", number_of(thread).as_bytes(), &maps)?;
    maps::starts_of(&maps, inode)
        .take(MOST_STARTS)
        .find(|&first| is_engine(thread, first))
}

/// The first address of the engine's file, where a thread stands at this place of it.
#[must_use]
pub fn engine_at(thread: i32, place: Place, rip: u64) -> Option<u64> {
    let first = rip.checked_sub(place.offset()?)?;
    is_engine(thread, first).then_some(first)
}

fn number_of(thread: i32) -> alloc::string::String {
    alloc::format!("{thread}")
}

/// A number in the `status` of a task in `/proc`.
#[must_use]
pub fn status_field(task: &[u8], name: &str, radix: u32) -> Option<u64> {
    let text: Vec<u8> = Fd::open(&below(b"/proc", task, "status")?)
        .ok()?
        .read_all()
        .ok()?;
    let mut lines = text.split(|&byte| byte == b'\n');
    let line = lines.find_map(|line| line.strip_prefix(name.as_bytes()))?;
    u64::from_str_radix(core::str::from_utf8(line).ok()?.trim(), radix).ok()
}

/// The same of a thread.
#[must_use]
pub fn field(thread: i32, name: &str, radix: u32) -> Option<u64> {
    status_field(number_of(thread).as_bytes(), name, radix)
}
