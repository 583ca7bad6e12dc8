//! Calls that ask a descriptor for its file, where the file is a text.
//!
//! A text is a file in memory that stands for a file of `/proc`
//! ([`crate::linux::views::shown`]). A file in memory has attributes, seals and a mode to
//! change, and can be flushed; a file of `/proc` refuses all that, each call with its own
//! error. So the kernel is asked about the file that the text stands for. Where that file
//! cannot be opened, it is asked about the text. Reading and seeking are never done here.

use super::Call;
use crate::host::sys::{AT_FDCWD, Errno, Fd, fd_argument};

/// `O_RDONLY | O_CLOEXEC`.
const TO_ASK: u64 = 0o2_000_000;

/// The host's call of this number, with a descriptor of the file that the text of the
/// first argument stands for, if it is a text's.
pub(in crate::linux) fn pass(call: &mut Call<'_>, number: u32) -> Result<u64, Errno> {
    ask(call, |call| call.pass(number))
}

/// The same for a call that is not passed on as it is.
pub(in crate::linux) fn ask(
    call: &mut Call<'_>,
    host: impl FnOnce(&mut Call<'_>) -> Result<u64, Errno>,
) -> Result<u64, Errno> {
    let Some(file) = stood_for(call) else {
        return host(call);
    };
    let text = core::mem::replace(&mut call.arguments[0], fd_argument(file.number()));
    let result = host(call);
    call.arguments[0] = text;
    result
}

fn stood_for(call: &Call<'_>) -> Option<Fd> {
    let original = call.process.shown.of_descriptor(call.int(0))?;
    let (directory, path) = original.path()?;
    let directory = directory.as_ref().map_or(AT_FDCWD, Fd::number);
    let file = Fd::open_at(directory, &path, TO_ASK).ok()?;
    let status = file.status().ok()?;
    let same = (status.dev, status.ino) == (original.status.dev, original.status.ino);
    same.then_some(file)
}
