//! `ptrace`, and `wait4` and `waitid`, by which tracers are told.
//!
//! A child that shares its maker's memory has another `ptrace`
//! ([`crate::thread::holds`]): `PTRACE_ATTACH`, `PTRACE_GETREGSET` and `PTRACE_DETACH` of
//! that one's threads. For all others it is the kernel's, as both engines show it
//! ([`crate::linux::ptrace`]).

use alloc::boxed::Box;
use core::sync::atomic::Ordering;

use super::Call;
use crate::host::signal::SignalInfo;
use crate::host::sys::{AT_FDCWD, Errno, number, status_at};
use crate::linux::ptrace::host::{self, request};
use crate::linux::ptrace::requests::{self, Request};
use crate::linux::ptrace::tracee::Tracee;
use crate::linux::ptrace::tracer;
use crate::thread::holds::Stop;
use crate::thread::traced::{Beginning, Mode};

/// The sets of registers.
const NT_PRSTATUS: u64 = 1;
const NT_FPREGSET: u64 = 2;

/// The number of a thread or a process, an `int`.
#[allow(clippy::cast_possible_truncation, reason = "an int is the low half")]
const fn id(argument: u64) -> u32 {
    argument as u32
}

fn own(call: &Call<'_>) -> u32 {
    call.thread.attention().process.load(Ordering::Relaxed)
}

pub(in crate::linux) fn ptrace(call: &mut Call<'_>) -> Result<u64, Errno> {
    if let Some(maker) = call.thread.maker {
        return of_maker(call, maker);
    }
    let [request, _, address, data, ..] = call.arguments;
    let thread = call.int(1);
    match request {
        request::TRACEME => trace_me(call),
        request::ATTACH => attach(call, thread, 0, false),
        request::SEIZE if address != 0 => Err(Errno::EIO),
        request::SEIZE => {
            let options = requests::checked_options(data).map_err(|_| Errno::EIO)?;
            attach(call, thread, options, true)
        }
        // The host's stop that follows leads to the guest's.
        request::INTERRUPT | request::KILL => host::order(request, thread, 0),
        _ => {
            let request = Request {
                number: request,
                address,
                data,
            };
            requests::request(call, thread, request)
        }
    }
}

/// `PTRACE_TRACEME`. A maker that is no guest sees the engine, as before.
fn trace_me(call: &mut Call<'_>) -> Result<u64, Errno> {
    let inode = |path| status_at(AT_FDCWD, path, 0).map(|file| (file.dev, file.ino));
    // SAFETY: asking changes nothing.
    let maker = unsafe { crate::host::sys::syscall(number::GETPPID, [0; 6]) }?;
    let path = alloc::format!("/proc/{maker}/exe\0");
    let path = core::ffi::CStr::from_bytes_with_nul(path.as_bytes()).map_err(|_| Errno::EIO)?;
    if let (Ok(own), Ok(other)) = (inode(c"/proc/self/exe"), inode(path))
        && own != other
    {
        return Err(Errno::ENOSYS);
    }
    host::order(request::TRACEME, 0, 0)?;
    let beginning = Beginning {
        options: 0,
        mode: Mode::Continue,
        seized: false,
        former: 0,
    };
    call.thread.tracee = Some(Box::new(Tracee::new(beginning)));
    Ok(0)
}

fn attach(call: &Call<'_>, thread: i32, options: u32, seized: bool) -> Result<u64, Errno> {
    if seized {
        host::order(request::SEIZE, thread, tracer::host_options(options))?;
    } else {
        host::order(request::ATTACH, thread, 0)?;
    }
    call.process.tracees.add(thread, options, seized);
    Ok(0)
}

/// By a child in the memory of this process.
fn of_maker(call: &mut Call<'_>, maker: u32) -> Result<u64, Errno> {
    let [request, thread, address, data, ..] = call.arguments;
    let (thread, own) = (id(thread), own(call));
    let holds = &call.process.holds;
    if request == request::ATTACH {
        return holds.want(maker, thread, own).map(|()| 0);
    }
    let registers = holds.registers(thread, own).ok_or(Errno::ESRCH)?;
    match request {
        request::DETACH => holds.release(thread, own),
        request::GETREGSET => {
            let set = match address {
                NT_PRSTATUS => &registers.general,
                NT_FPREGSET => &registers.float,
                _ => return Err(Errno::EINVAL),
            };
            // An `iovec`: where to, and how much at most.
            let [to, room] = call.words(data)?;
            let length = usize::try_from(room).unwrap_or(usize::MAX).min(set.len());
            call.write(to, &set[..length])?;
            call.write_words(data.wrapping_add(8), &[length as u64])?;
        }
        _ => return Err(Errno::EIO),
    }
    Ok(0)
}

/// A thread that was stopped by `ptrace` is waited for by its number.
pub(in crate::linux) fn wait4(call: &mut Call<'_>) -> Result<u64, Errno> {
    /// Stopped by `SIGSTOP`.
    const STOPPED: u32 = 19 << 8 | 0x7f;
    const WNOHANG: u64 = 1;
    /// Of `struct rusage`.
    const USAGE: usize = 144;
    let [thread, status, options, usage, ..] = call.arguments;
    let (thread, own) = (id(thread), own(call));
    let holds = &call.process.holds;
    if call.thread.maker.is_none() || !holds.is_wanted(thread, own) {
        return wait(call);
    }
    loop {
        match holds.state(thread, own) {
            Stop::None => return Err(Errno::ECHILD),
            Stop::Stopped => break,
            Stop::Wanted if options & WNOHANG != 0 => return Ok(0),
            Stop::Wanted if call.thread.attention().wanted() => return Err(Errno::RESTART),
            Stop::Wanted => holds.sleep_until_changed(thread, own),
        }
    }
    if status != 0 {
        call.write(status, &STOPPED.to_le_bytes())?;
    }
    if usage != 0 {
        call.write(usage, &[0; USAGE])?;
    }
    holds.told(thread);
    Ok(thread.into())
}

fn judged(call: &Call<'_>, whom: i32, status: u32) -> Option<u32> {
    tracer::judge(&call.process.tracees, call.thread.attention(), whom, status)
}

/// Waits, until there is something that is the guest's to know.
fn wait(call: &mut Call<'_>) -> Result<u64, Errno> {
    /// The low byte of a status: it stands.
    const STANDS: u32 = 0x7f;
    let status = call.arguments[1];
    loop {
        let mut own = [0_u32; 2];
        call.arguments[1] = own.as_mut_ptr() as u64;
        let thread = call.pass(number::WAIT4)?;
        if thread == 0 {
            return Ok(0);
        }
        let mut told = own[0];
        let whom = id(thread).cast_signed();
        if told & 0xff == STANDS {
            match judged(call, whom, told >> 8) {
                Some(status) => told = status << 8 | STANDS,
                None => {
                    // The next call, too, must not miss a signal.
                    call.called = false;
                    continue;
                }
            }
        } else if told & 0xffff != 0xffff {
            call.process.tracees.remove(whom);
        }
        if status != 0 {
            call.write(status, &told.to_le_bytes())?;
        }
        return Ok(thread);
    }
}

/// The same with a `siginfo`, whose status of a stop is not shifted.
pub(in crate::linux) fn waitid(call: &mut Call<'_>) -> Result<u64, Errno> {
    const CLD_EXITED: i32 = 1;
    const CLD_DUMPED: i32 = 3;
    const CLD_TRAPPED: i32 = 4;
    const CLD_STOPPED: i32 = 5;
    const WNOWAIT: u64 = 0x100_0000;
    let place = call.arguments[2];
    loop {
        let mut info = SignalInfo([0; 16]);
        call.arguments[2] = core::ptr::from_mut(&mut info) as u64;
        let result = call.pass(number::WAITID);
        if result == Err(Errno::RESTART) {
            return result;
        }
        let whom = id(info.0[2]).cast_signed();
        match info.code() {
            CLD_TRAPPED | CLD_STOPPED if whom != 0 => match judged(call, whom, id(info.0[3])) {
                Some(status) => info.0[3] = info.0[3] & !0xffff_ffff | u64::from(status),
                None => {
                    call.called = false;
                    continue;
                }
            },
            CLD_EXITED..=CLD_DUMPED if call.arguments[3] & WNOWAIT == 0 => {
                call.process.tracees.remove(whom);
            }
            _ => {}
        }
        if place != 0 {
            // The kernel writes these six numbers, and nothing between, also where it fails.
            let bytes = info.bytes();
            call.write(place, &bytes[..12])?;
            call.write(place.wrapping_add(16), &bytes[16..28])?;
        }
        return result;
    }
}
