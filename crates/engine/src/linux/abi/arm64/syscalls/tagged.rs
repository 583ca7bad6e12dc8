//! The tagged address ABI: addresses with a tag in their top byte as arguments
//! of system calls, for threads that asked for it (`PR_SET_TAGGED_ADDR_CTRL`;
//! the kernel's Documentation/arch/arm64/tagged-address-abi.rst). The calls that
//! manage memory and do not access it take tags always (`linux/syscalls/ranges.rs`).
//!
//! The host's kernel takes no tags, so they are taken off: of the arguments,
//! which the table's letters tell apart, and of addresses in the structures
//! that arguments point to ([`NESTED`]), which are copied for that where one
//! has a tag. What the kernel writes into such a copy is written back.
//!
//! Not done: addresses in `struct iocb`, in `union bpf_attr`, in a socket's filter, in
//! what `ioctl`, `keyctl` and `mq_notify` point to, and in the list of robust futexes.

use alloc::vec::Vec;

use crate::linux::abi::platform::untagged;
use crate::linux::syscalls::Call;
use crate::linux::syscalls::copies::Copies;
use crate::linux::syscalls::syscall::{Handler, Syscall};

/// Arguments that the table calls addresses and that stay as they are: the
/// kernel takes no tag there, or does not look at them.
const KEPT: [(&str, usize); 8] = [
    ("brk", 0),
    ("mmap", 0),
    ("mremap", 4),
    ("shmat", 1),
    ("shmdt", 0),
    // The stack and the thread pointer are the child's registers.
    ("clone", 1),
    ("clone", 3),
    // It may be what is to be written.
    ("ptrace", 3),
];

/// Arguments that are addresses for some commands only. Of what else they are,
/// nothing has bits 56 to 63 without bit 55.
const SOMETIMES: [(&str, usize); 10] = [
    ("fcntl", 2),
    ("keyctl", 1),
    ("keyctl", 2),
    ("keyctl", 3),
    ("keyctl", 4),
    ("prctl", 1),
    ("prctl", 2),
    ("prctl", 3),
    ("prctl", 4),
    ("semctl", 3),
];

/// Addresses of memory that a call manages and does not access: these have tags always.
const MANAGED: [(&str, usize); 17] = [
    ("munmap", 0),
    ("mprotect", 0),
    ("madvise", 0),
    ("mlock", 0),
    ("mlock2", 0),
    ("munlock", 0),
    ("mincore", 0),
    ("msync", 0),
    ("mseal", 0),
    ("mbind", 0),
    ("mremap", 0),
    ("remap_file_pages", 0),
    ("set_mempolicy_home_node", 0),
    ("get_mempolicy", 3),
    // Another process's.
    ("ptrace", 2),
    // Of later.
    ("set_robust_list", 0),
    // It may be no address.
    ("ioctl", 2),
];

/// What an argument points to that has addresses in it.
#[derive(Clone, Copy)]
enum Shape {
    /// Addresses up to a null.
    Strings,
    /// As many `struct iovec` as the next argument says.
    Vectors,
    /// One `struct msghdr`.
    Message,
    /// As many `struct mmsghdr` as the next argument says.
    Messages,
    /// As many `struct futex_waitv` as the next argument says.
    Waiters,
    /// Two of them.
    Pair,
    /// `struct clone_args`, as large as the next argument says.
    Arguments,
}

use Shape::{Arguments, Message, Messages, Pair, Strings, Vectors, Waiters};

/// The arguments that point to addresses.
const NESTED: [(&str, usize, Shape); 22] = [
    ("readv", 1, Vectors),
    ("writev", 1, Vectors),
    ("preadv", 1, Vectors),
    ("pwritev", 1, Vectors),
    ("preadv2", 1, Vectors),
    ("pwritev2", 1, Vectors),
    ("vmsplice", 1, Vectors),
    ("process_vm_readv", 1, Vectors),
    ("process_vm_readv", 3, Vectors),
    ("process_vm_writev", 1, Vectors),
    ("process_vm_writev", 3, Vectors),
    ("process_madvise", 1, Vectors),
    ("execve", 1, Strings),
    ("execve", 2, Strings),
    ("execveat", 2, Strings),
    ("execveat", 3, Strings),
    ("sendmsg", 1, Message),
    ("recvmsg", 1, Message),
    ("sendmmsg", 1, Messages),
    ("recvmmsg", 1, Messages),
    ("futex_waitv", 0, Waiters),
    ("futex_requeue", 0, Pair),
];
const CLONE3: (&str, usize, Shape) = ("clone3", 0, Arguments);

/// As many elements of an array as the kernel takes.
const MOST: u64 = 1024;
/// As many strings as are looked at.
const MOST_STRINGS: u64 = 1 << 20;

/// Takes the tags off a system call's arguments.
pub(in crate::linux::abi::arm64) fn take_off(call: &mut Call<'_>, syscall: &Syscall) {
    let has = |list: &[(&str, usize)], index| list.contains(&(syscall.name, index));
    for (index, letter) in syscall.arguments.chars().enumerate() {
        let address = matches!(letter, 'p' | 's' | 'b') && !has(&KEPT, index);
        if address || has(&SOMETIMES, index) {
            call.arguments[index] = untagged(call.arguments[index]);
        }
    }
    for &(name, index, shape) in NESTED.iter().chain([&CLONE3]) {
        if name == syscall.name {
            nested(call, index, shape);
        }
    }
}

/// Has the addresses with tags be refused that a system call is to access: the engine's own
/// accesses ignore tags, as the guest's do. The host's kernel refuses those that it gets.
pub(in crate::linux::abi::arm64) fn refuse(call: &mut Call<'_>, syscall: &Syscall) {
    /// No guest has memory there, whatever the tag.
    const NOWHERE: u64 = 1 << 55;
    // The handler first: most calls are passed on, and their arguments need no look.
    if !matches!(syscall.handler, Handler::Convert(_) | Handler::Emulate(_))
        || call.arguments.iter().all(|argument| argument >> 56 == 0)
    {
        return;
    }
    for (index, letter) in syscall.arguments.chars().enumerate() {
        let argument = call.arguments[index];
        let it = &(syscall.name, index);
        if matches!(letter, 'p' | 's' | 'b')
            && untagged(argument) != argument
            && !KEPT.contains(it)
            && !MANAGED.contains(it)
        {
            call.arguments[index] = argument | NOWHERE;
        }
    }
}

/// Puts a copy in the place of what an argument points to, where that has tags.
/// What can't be read is the kernel's to refuse.
fn nested(call: &mut Call<'_>, index: usize, shape: Shape) {
    let at = call.arguments[index];
    let count = call.arguments.get(index + 1).copied().unwrap_or(0);
    let mut copies = core::mem::take(&mut call.copies);
    let copy = match shape {
        Strings => strings(&mut copies, call, at),
        Vectors => array(&mut copies, call, at, count, 2, &[0]),
        Waiters => array(&mut copies, call, at, count, 3, &[1]),
        Pair => array(&mut copies, call, at, 2, 3, &[1]),
        Arguments if count <= 8 * 11 => array(&mut copies, call, at, 1, count / 8, &[1, 2, 3, 8]),
        Arguments => None,
        Message => messages(&mut copies, call, at, 1, 7),
        Messages => messages(&mut copies, call, at, count, 8),
    };
    call.copies = copies;
    if let Some(copy) = copy {
        call.arguments[index] = copy;
    }
}

/// The copy of addresses up to a null, if one has a tag.
fn strings(copies: &mut Copies, call: &Call<'_>, at: u64) -> Option<u64> {
    let mut words = Vec::new();
    let mut tags = false;
    for n in 0..MOST_STRINGS {
        let [word] = call.words(at.wrapping_add(8 * n)).ok()?;
        tags |= untagged(word) != word;
        words.push(untagged(word));
        if word == 0 {
            return tags.then(|| copies.keep(words));
        }
    }
    None
}

/// That of an array of structures of `size` words, of which these are addresses.
fn array(
    copies: &mut Copies,
    call: &Call<'_>,
    at: u64,
    count: u64,
    size: u64,
    addresses: &[usize],
) -> Option<u64> {
    let mut words = read(call, at, count, size)?;
    let mut tags = false;
    let size = usize::try_from(size).ok().filter(|&size| size > 0)?;
    for structure in words.chunks_exact_mut(size) {
        for word in addresses
            .iter()
            .filter_map(|&index| structure.get(index).copied())
        {
            tags |= untagged(word) != word;
        }
        for &index in addresses {
            if let Some(word) = structure.get_mut(index) {
                *word = untagged(*word);
            }
        }
    }
    tags.then(|| copies.keep(words))
}

/// That of `struct msghdr`, alone or with a length behind it: name, its length,
/// vectors, their number, control, its length, flags.
fn messages(copies: &mut Copies, call: &Call<'_>, at: u64, count: u64, size: usize) -> Option<u64> {
    let mut words = read(call, at, count, size as u64)?;
    let mut tags = false;
    for message in words.chunks_exact_mut(size) {
        for index in [0, 2, 4] {
            tags |= untagged(message[index]) != message[index];
            message[index] = untagged(message[index]);
        }
        if let Some(vectors) = array(copies, call, message[2], message[3], 2, &[0]) {
            message[2] = vectors;
            tags = true;
        }
    }
    if !tags {
        return None;
    }
    for n in 0..usize::try_from(count).ok()? {
        // The name's length; control's, flags and the length behind.
        let start = n * size * 8;
        let guest = at.wrapping_add(start as u64);
        copies.result(start + 8, 4, guest + 8);
        let rest = size * 8 - 40;
        copies.result(start + 40, rest, guest + 40);
    }
    Some(copies.keep(words))
}

/// The words of an array of structures.
fn read(call: &Call<'_>, at: u64, count: u64, size: u64) -> Option<Vec<u64>> {
    if count > MOST {
        return None;
    }
    let mut words = Vec::new();
    for n in 0..count * size {
        let [word] = call.words(at.wrapping_add(8 * n)).ok()?;
        words.push(word);
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::super::table;
    use super::*;

    #[test]
    fn every_name_is_a_system_calls() {
        let arguments = |name: &str| {
            let found = table::ROWS.iter().find(|syscall| syscall.name == name);
            found.unwrap_or_else(|| panic!("{name}")).arguments
        };
        for (name, index) in KEPT.into_iter().chain(MANAGED) {
            assert_eq!(arguments(name).as_bytes()[index], b'p', "{name}");
        }
        for (name, index) in SOMETIMES {
            assert_eq!(arguments(name).as_bytes()[index], b'x', "{name}");
        }
        for (name, index, _) in NESTED.into_iter().chain([CLONE3]) {
            assert_eq!(arguments(name).as_bytes()[index], b'p', "{name}");
        }
    }
}
