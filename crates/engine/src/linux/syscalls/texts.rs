//! Calls that ask a descriptor for its file, where the file is a text.
//!
//! A text is a file in memory that stands for a file of `/proc`
//! ([`crate::linux::views::shown`]). A file in memory has attributes, seals and a mode to
//! change, and can be flushed; a file of `/proc` refuses all that, each call with its own
//! error. So the kernel is asked about the file that the text stands for. Where that file
//! cannot be opened, it is asked about the text. Reading and seeking are never done here.

use alloc::ffi::CString;

use super::Call;
use crate::host::sys::{AT_FDCWD, Errno, Fd, fd_argument};
use crate::memory::guest_memory;

/// `O_RDONLY | O_CLOEXEC`.
const TO_ASK: u64 = 0o2_000_000;
/// `O_PATH | O_CLOEXEC`.
const TO_NAME: u64 = 0o12_000_000;

/// The host's call of this number, with a descriptor of the file that the text of the
/// first argument stands for, if it is a text's.
pub(in crate::linux) fn pass(call: &mut Call<'_>, number: u32) -> Result<u64, Errno> {
    ask(call, |call| call.pass(number))
}

/// What `host` does with a descriptor of the file that the text of the first argument stands
/// for, if it is a text's: for a call that is not passed on as it is.
pub(in crate::linux) fn ask(
    call: &mut Call<'_>,
    host: impl FnOnce(&mut Call<'_>) -> Result<u64, Errno>,
) -> Result<u64, Errno> {
    let Some(file) = stood_for(call, call.int(0)) else {
        return host(call);
    };
    let text = core::mem::replace(&mut call.arguments[0], fd_argument(file.number()));
    let result = host(call);
    call.arguments[0] = text;
    result
}

/// The file that the text of a descriptor stands for, if it is a text's.
pub(in crate::linux) fn stood_for(call: &Call<'_>, fd: i32) -> Option<Fd> {
    let original = call.process.shown.of_descriptor(fd)?;
    match original.open(TO_ASK)? {
        Ok(file) => Some(file),
        // Who may not read it now may still name it.
        Err(_) => original.open(TO_NAME)?.ok(),
    }
}

/// Whether there is no path.
fn is_empty(path: u64) -> bool {
    let mut first = [1];
    path == 0 || guest_memory::read(path, &mut first).is_ok() && first == [0]
}

/// Has a call with a path be about the file that a text stands for, where its path leads to
/// the text: by the descriptor's link, if that is followed, or with no path from the
/// descriptor itself. `directory` and `path` are their arguments. What is returned has to
/// stay until the call is over.
pub(in crate::linux) fn lead(
    call: &mut Call<'_>,
    directory: Option<usize>,
    path: usize,
    followed: bool,
) -> Option<Led> {
    if !call.process.shown.any() {
        return None;
    }
    let start = directory.map_or(AT_FDCWD, |directory| call.int(directory));
    let address = call.arguments[path];
    if is_empty(address) {
        let directory = directory?;
        let file = stood_for(call, start)?;
        call.arguments[directory] = fd_argument(file.number());
        return Some(Led::ByDescriptor(file));
    }
    let file = call.file_at(start, address).filter(|_| followed)?;
    // The path is one from the root, wherever others start.
    let to = call.process.shown.of_file(file)?.path()?;
    call.arguments[path] = to.as_ptr() as u64;
    Some(Led::ByPath(to))
}

/// What the arguments of a call that was [led](lead) elsewhere refer to.
#[derive(Debug)]
#[expect(dead_code, reason = "the kernel uses it")]
pub(in crate::linux) enum Led {
    ByDescriptor(Fd),
    ByPath(CString),
}
