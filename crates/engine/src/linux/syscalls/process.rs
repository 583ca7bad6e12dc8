//! Processes: making them, and becoming another program; and the machine.

use alloc::boxed::Box;
use core::ffi::CStr;

use super::call::unknown_is_zero;
use super::{Call, Control};
use crate::host::sys::{AT_FDCWD, Errno, number};
use crate::linux::core_file;
use crate::linux::exec::{self, Program};
use crate::linux::process::READ_IMPLIES_EXEC;
use crate::memory::guest_memory;
use crate::thread::clone::{Arguments, Request};

/// The host's names, but the guest's machine.
pub(in crate::linux) fn uname(call: &mut Call<'_>) -> Result<u64, Errno> {
    uname_of(call, call.process.platform.machine)
}

/// The same with that machine.
pub(in crate::linux) fn uname_of(call: &mut Call<'_>, machine: &CStr) -> Result<u64, Errno> {
    /// `struct utsname` has six names of 65 bytes; the machine is the fifth.
    const NAME: usize = 65;
    const MACHINE: u64 = 4 * NAME as u64;
    let result = call.pass(number::UNAME)?;
    let name = machine.to_bytes();
    let mut machine = [0; NAME];
    machine[..name.len()].copy_from_slice(name);
    let [names, ..] = call.arguments;
    call.write(names.wrapping_add(MACHINE), &machine)?;
    Ok(result)
}

/// `READ_IMPLIES_EXEC` stays here: on the host it would make pages executable.
pub(in crate::linux) fn personality(call: &mut Call<'_>) -> Result<u64, Errno> {
    const QUERY: u64 = 0xffff_ffff;
    let wanted = call.arguments[0] & 0xffff_ffff;
    let attention = call.thread.attention();
    let before = match attention.reads_imply_exec() {
        true => READ_IMPLIES_EXEC,
        false => 0,
    };
    if wanted != QUERY {
        attention.set_read_implies_exec(wanted & READ_IMPLIES_EXEC != 0);
        call.arguments[0] = wanted & !READ_IMPLIES_EXEC;
    }
    Ok(call.pass(number::PERSONALITY)? & !READ_IMPLIES_EXEC | before)
}

/// In the order of arguments that all but a few architectures have, x86-64 among these: the
/// thread pointer comes before the child's TID.
pub(in crate::linux) fn clone(call: &mut Call<'_>) -> Result<u64, Errno> {
    const SIGNAL: u64 = 0xff;
    let [flags, stack, parent_tid, tls, child_tid, _] = call.arguments;
    call.control = Some(Control::Clone(Box::new(Request {
        arguments: Arguments {
            flags: flags & 0xffff_ff00,
            child_tid,
            parent_tid,
            exit_signal: flags & SIGNAL,
            stack,
            tls,
            ..Arguments::default()
        },
        third: false,
    })));
    Ok(0)
}

pub(in crate::linux) fn clone3(call: &mut Call<'_>) -> Result<u64, Errno> {
    /// Of the struct's first version.
    const SMALLEST: u64 = 64;
    const KNOWN: usize = size_of::<Arguments>();
    const WORDS: usize = KNOWN / 8;
    const LARGEST: u64 = 4096;
    let [address, size, ..] = call.arguments;
    if size < SMALLEST {
        return Err(Errno::EINVAL);
    }
    if size > LARGEST {
        return Err(Errno::E2BIG);
    }
    let known = KNOWN as u64;
    unknown_is_zero(address.wrapping_add(known), size.saturating_sub(known))?;
    let mut bytes = [0; KNOWN];
    let given = usize::try_from(size).unwrap_or(KNOWN).min(KNOWN);
    guest_memory::read(address, &mut bytes[..given])?;
    let mut words = [0; WORDS];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    let [
        flags,
        pidfd,
        child_tid,
        parent_tid,
        exit_signal,
        stack,
        stack_size,
        tls,
        set_tid,
        set_tid_size,
        cgroup,
    ] = words;
    if (stack == 0) != (stack_size == 0) {
        return Err(Errno::EINVAL);
    }
    call.control = Some(Control::Clone(Box::new(Request {
        arguments: Arguments {
            flags,
            pidfd,
            child_tid,
            parent_tid,
            exit_signal,
            stack,
            stack_size,
            tls,
            set_tid,
            set_tid_size,
            cgroup,
        },
        third: true,
    })));
    Ok(0)
}

pub(in crate::linux) fn setrlimit(call: &mut Call<'_>) -> Result<u64, Errno> {
    let result = call.pass(number::SETRLIMIT)?;
    if call.arguments[0] & 0xffff_ffff == core_file::RLIMIT_CORE {
        core_file::heed();
    }
    Ok(result)
}

pub(in crate::linux) fn prlimit64(call: &mut Call<'_>) -> Result<u64, Errno> {
    let result = call.pass(number::PRLIMIT64)?;
    let [_, resource, new, ..] = call.arguments;
    if resource & 0xffff_ffff == core_file::RLIMIT_CORE && new != 0 {
        core_file::heed();
    }
    Ok(result)
}

pub(in crate::linux) fn execve(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [path, arguments, environment, ..] = call.arguments;
    let program = Program {
        guests: call.process.guests(),
        directory: AT_FDCWD,
        path,
        arguments,
        environment,
        flags: 0,
    };
    exec::exec(call.process, call.thread, &program)
}

pub(in crate::linux) fn execveat(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [_, path, arguments, environment, flags, _] = call.arguments;
    let program = Program {
        guests: call.process.guests(),
        directory: call.int(0),
        path,
        arguments,
        environment,
        flags,
    };
    exec::exec(call.process, call.thread, &program)
}
