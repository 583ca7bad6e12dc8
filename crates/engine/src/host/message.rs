//! What the engine itself has to say: one line on standard error.
//!
//! Formatting goes into a buffer on the stack and out in one `write`, so that
//! a line of the engine is never mixed with another of the guest's, and so
//! that it works when the heap does not. What doesn't fit is cut.
//!
//! The guest may close standard error and open another file, a database's say,
//! which then has its number. Nothing is written to what was not there at the
//! start.

use core::fmt::{self, Write as _};
use core::mem::ManuallyDrop;
use core::panic::PanicInfo;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use super::sys::{self, Fd};

/// The name in front of every line, once the engine has said it.
static NAME: AtomicPtr<&'static str> = AtomicPtr::new(ptr::null_mut());

/// The name in front of every line: the engine's.
#[must_use]
pub fn name() -> &'static str {
    // SAFETY: it is null, or what `started` was given, which nobody changes.
    unsafe { NAME.load(Ordering::Acquire).as_ref() }.map_or("armistice", |name| name)
}

/// The exit code after a fault of the engine itself: `EX_SOFTWARE`.
pub const INTERNAL_ERROR: i32 = 70;

/// Room for a path of `PATH_MAX` with something to say about it.
struct Line {
    bytes: [u8; 6144],
    length: usize,
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // The last byte is kept for the line's end.
        let room = self.bytes.len() - 1 - self.length;
        let text = &text.as_bytes()[..text.len().min(room)];
        self.bytes[self.length..][..text.len()].copy_from_slice(text);
        self.length += text.len();
        Ok(())
    }
}

/// Which file is at a descriptor: device and number; zeros where none is.
fn file_at(descriptor: i32) -> [u64; 2] {
    // Not closed here: it is the guest's.
    let file = ManuallyDrop::new(Fd::new(descriptor));
    file.status()
        .map_or([0; 2], |status| [status.dev, status.ino])
}

/// What standard error was at the start.
static ERROR_FILE: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// Notes the engine's name, and what standard error is.
pub fn started(name: &'static &'static str) {
    NAME.store(ptr::from_ref(name).cast_mut(), Ordering::Release);
    for (place, value) in ERROR_FILE.iter().zip(file_at(2)) {
        place.store(value, Ordering::Relaxed);
    }
}

/// Whether a descriptor is what standard error was at the start.
fn is_error_file(descriptor: i32) -> bool {
    let [device, number] = &ERROR_FILE;
    let known = [
        device.load(Ordering::Relaxed),
        number.load(Ordering::Relaxed),
    ];
    known == file_at(descriptor)
}

/// Writes the name and the text as one line to standard error.
pub fn line(text: fmt::Arguments<'_>) {
    let mut line = Line {
        bytes: [0; 6144],
        length: 0,
    };
    let _ = write!(line, "{}: {text}", name());
    line.bytes[line.length] = b'\n';
    if !is_error_file(2) {
        return;
    }
    // There is nobody to tell when even this fails.
    let _ = sys::write_all(2, &line.bytes[..=line.length]);
}

/// Says that the engine itself is at fault, and ends the process.
pub fn internal_error(text: fmt::Arguments<'_>) -> ! {
    line(format_args!("internal error: {text}"));
    sys::exit_group(INTERNAL_ERROR)
}

/// What the binary does on a panic.
pub fn panicked(info: &PanicInfo<'_>) -> ! {
    match info.location() {
        Some(at) => internal_error(format_args!(
            "{} ({}:{})",
            info.message(),
            at.file(),
            at.line()
        )),
        None => internal_error(format_args!("{}", info.message())),
    }
}

/// Bytes of a path or an argument, shown so that they stay on one line:
/// control characters and what is no UTF-8 as `\xNN`.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(pub &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c.is_control() {
                    let mut utf8 = [0; 4];
                    for byte in c.encode_utf8(&mut utf8).bytes() {
                        write!(f, "\\x{byte:02x}")?;
                    }
                } else {
                    f.write_char(c)?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    #[test]
    fn shown_on_one_line() {
        assert_eq!(
            Shown(b"/bin/\xc3\xa9t\xe9\n").to_string(),
            "/bin/\u{e9}t\\xe9\\x0a"
        );
    }

    #[test]
    fn another_file_in_the_place_of_standard_error() {
        started(&"armistice");
        assert!(is_error_file(2));
        let other = Fd::open(c"/proc/self/exe").unwrap();
        assert!(!is_error_file(other.number()));
        assert!(!is_error_file(-1));
    }

    #[test]
    fn a_long_line_is_cut() {
        let mut line = Line {
            bytes: [0; 6144],
            length: 0,
        };
        for _ in 0..1000 {
            line.write_str("0123456789").unwrap();
        }
        assert_eq!(line.length, 6143);
    }
}
