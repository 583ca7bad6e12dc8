//! Processes: making them, and becoming another program; and the machine.

use super::{Call, Control};
use crate::linux::clone::{Arguments, Request};
use crate::linux::exec::{self, Program};
use crate::linux::sys::{AT_FDCWD, Errno, number};

/// What the engine must not do for the guest, and programs can do without.
pub(super) fn not_implemented(_: &mut Call<'_>) -> Result<u64, Errno> {
    Err(Errno::ENOSYS)
}

/// The host's names, but the guest's machine.
pub(super) fn uname(call: &mut Call<'_>) -> Result<u64, Errno> {
    /// `struct utsname` has six names of 65 bytes; the machine is the fifth.
    const NAME: usize = 65;
    const MACHINE: u64 = 4 * NAME as u64;
    let result = call.pass(number::UNAME)?;
    let mut machine = [0; NAME];
    machine[..7].copy_from_slice(b"aarch64");
    let [names, ..] = call.arguments;
    call.write(names.wrapping_add(MACHINE), &machine)?;
    Ok(result)
}

/// arm64's order of arguments: the thread pointer comes before the child's TID.
pub(super) fn clone(call: &mut Call<'_>) -> Result<u64, Errno> {
    const SIGNAL: u64 = 0xff;
    let [flags, stack, parent_tid, tls, child_tid, _] = call.arguments;
    call.control = Some(Control::Clone(Request {
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
    }));
    Ok(0)
}

pub(super) fn clone3(call: &mut Call<'_>) -> Result<u64, Errno> {
    /// Of the struct's first version.
    const SMALLEST: u64 = 64;
    const WORDS: usize = size_of::<Arguments>() / 8;
    const LARGEST: u64 = 4096;
    let [address, size, ..] = call.arguments;
    if size < SMALLEST {
        return Err(Errno::EINVAL);
    }
    if size > LARGEST || !size.is_multiple_of(8) {
        return Err(Errno::E2BIG);
    }
    let mut words = [0; WORDS];
    for (n, at) in (0..size / 8).map(|n| (n, address.wrapping_add(8 * n))) {
        let [word] = call.words(at)?;
        match usize::try_from(n).ok().and_then(|n| words.get_mut(n)) {
            Some(place) => *place = word,
            None if word != 0 => return Err(Errno::E2BIG),
            None => {}
        }
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
    call.control = Some(Control::Clone(Request {
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
    }));
    Ok(0)
}

pub(super) fn execve(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [path, arguments, environment, ..] = call.arguments;
    let program = Program {
        directory: AT_FDCWD,
        path,
        arguments,
        environment,
        flags: 0,
    };
    exec::exec(call.process, call.thread, &program)
}

pub(super) fn execveat(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [_, path, arguments, environment, flags, _] = call.arguments;
    let program = Program {
        directory: call.int(0),
        path,
        arguments,
        environment,
        flags,
    };
    exec::exec(call.process, call.thread, &program)
}
