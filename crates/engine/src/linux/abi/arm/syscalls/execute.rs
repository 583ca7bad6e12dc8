//! Making processes, and becoming another program.

use alloc::vec::Vec;

use super::words;
use crate::host::sys::Errno;
use crate::linux::syscalls::{Call, process};

type Made = Result<u64, Errno>;

const SIGCHLD: u64 = 17;
const CLONE_VM: u64 = 0x100;
const CLONE_VFORK: u64 = 0x4000;

pub(super) fn fork(call: &mut Call<'_>) -> Made {
    call.arguments = [SIGCHLD, 0, 0, 0, 0, 0];
    process::clone(call)
}

pub(super) fn vfork(call: &mut Call<'_>) -> Made {
    call.arguments = [CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0, 0];
    process::clone(call)
}

/// Adds a list of pointers with its null; returns where in the words it begins.
fn add(to: &mut Vec<u64>, mut address: u64) -> Result<Option<usize>, Errno> {
    /// As many as the kernel takes.
    const MOST: usize = 0x7fff_ffff / 4;
    if address == 0 {
        return Ok(None);
    }
    let start = to.len();
    while to.len() < MOST {
        let [pointer] = words::read(address)?;
        to.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        to.push(pointer.into());
        if pointer == 0 {
            return Ok(Some(start));
        }
        address = address.wrapping_add(4);
    }
    Err(Errno::E2BIG)
}

/// With the lists from an argument on as the host has them. A call that does not return
/// leaves these to who made the thread.
fn with_lists(call: &mut Call<'_>, index: usize, make: impl FnOnce(&mut Call<'_>) -> Made) -> Made {
    let mut lists = Vec::new();
    let starts = [
        add(&mut lists, call.arguments[index])?,
        add(&mut lists, call.arguments[index + 1])?,
    ];
    call.thread.lists = lists;
    for (argument, start) in call.arguments[index..].iter_mut().zip(starts) {
        *argument = start.map_or(0, |start| call.thread.lists[start..].as_ptr() as u64);
    }
    let result = make(call);
    call.thread.lists = Vec::new();
    result
}

pub(super) fn execve(call: &mut Call<'_>) -> Made {
    with_lists(call, 1, process::execve)
}

pub(super) fn execveat(call: &mut Call<'_>) -> Made {
    with_lists(call, 2, process::execveat)
}
