//! The identification registers that the guest's sysfs shows below each processor,
//! and the host's does not: `/sys/devices/system/cpu/cpuN/regs/identification`.
//!
//! A call that finds nothing and asks for one of these names is looked at: what
//! comes before `regs` in its path has to lead to a processor in sysfs. Then
//! another file of the processor's takes the place of the register's, that
//! may be read by all, and the text is the register's.

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::fmt::Write as _;

use super::place::file_system;
use super::string;
use super::text::Text;
use crate::host::sys::{self, Fd, fd_argument, number};
use crate::linux::abi::platform::Platform;

/// `O_PATH` and `O_CLOEXEC`, the same on both.
const O_PATH: u64 = 0o10_000_000;
const O_CLOEXEC: u64 = 0o2_000_000;

/// A register's file.
#[derive(Debug)]
pub struct Register {
    value: u64,
    name: &'static str,
    /// The processor's directory.
    processor: Fd,
}

impl Register {
    /// The file of a processor's that takes the place of the register's.
    pub const INSTEAD: &CStr = c"topology/core_id";

    /// The register that a path of the guest's leads to.
    #[must_use]
    pub fn find(platform: &Platform, directory: i32, path: u64) -> Option<Self> {
        if platform.registers.is_empty() {
            return None;
        }
        Self::at(platform, directory, &string(path)?)
    }

    /// The register that a path leads to.
    #[must_use]
    pub fn at(platform: &Platform, directory: i32, path: &[u8]) -> Option<Self> {
        let last = path.rsplit(|&byte| byte == b'/').next()?;
        let mut registers = platform.registers.iter();
        let &(name, value) = registers.find(|(name, _)| name.as_bytes() == last)?;
        Some(Self {
            value,
            name,
            processor: processor_of(directory, path)?,
        })
    }

    /// The processor's directory.
    #[must_use]
    pub const fn processor(&self) -> i32 {
        self.processor.number()
    }

    /// What a descriptor's link would say of it.
    #[must_use]
    pub fn link(&self) -> Vec<u8> {
        let mut link = self.processor.path();
        link.extend_from_slice(b"/regs/identification/");
        link.extend_from_slice(self.name.as_bytes());
        link
    }

    /// What its file says.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        let mut text = Text::default();
        let _ = writeln!(text, "{:#018x}", self.value);
        text.0
    }
}

/// The directory of the processor below which a register's file is at a path.
#[must_use]
pub(super) fn processor_of(directory: i32, path: &[u8]) -> Option<Fd> {
    const O_DIRECTORY: u64 = 0o200_000;
    let last = path.rsplit(|&byte| byte == b'/').next()?;
    let processor = above(above(above(path, last)?, b"identification")?, b"regs")?;
    let processor = match processor {
        b"" => CString::from(c"."),
        path => CString::new(path).ok()?,
    };
    let flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    let processor = Fd::open_at(directory, &processor, flags).ok()?;
    is_processor(&processor).then_some(processor)
}

/// A path without its last part, if that is this one.
fn above<'a>(path: &'a [u8], last: &[u8]) -> Option<&'a [u8]> {
    let mut path = path.strip_suffix(last)?;
    // The root stays.
    while path.len() > 1 && path.ends_with(b"/") || path.ends_with(b"/.") {
        path = &path[..path.len() - 1];
    }
    Some(path)
}

/// Whether a directory is that of a processor in sysfs, which says so of itself.
fn is_processor(directory: &Fd) -> bool {
    const SYSFS_MAGIC: u64 = 0x6265_6572;
    file_system(directory) == Some(SYSFS_MAGIC)
        && link_at(directory, c"subsystem").is_some_and(|link| link.ends_with(b"/bus/cpu"))
}

fn link_at(directory: &Fd, name: &CStr) -> Option<Vec<u8>> {
    let mut link = alloc::vec![0; 256];
    let [name, to] = [name.as_ptr() as u64, link.as_mut_ptr() as u64];
    let arguments = [fd_argument(directory.number()), name, to, 256, 0, 0];
    // SAFETY: the kernel reads the string and writes into the vector only.
    let length = unsafe { sys::syscall(number::READLINKAT, arguments) };
    link.truncate(usize::try_from(length.ok()?).ok()?);
    Some(link)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::sys::AT_FDCWD;
    use crate::linux::abi::arm64::identity::{MIDR_EL1, REVIDR_EL1};
    use crate::linux::abi::arm64::platform::PLATFORM;

    #[test]
    fn found_by_the_processor() {
        let find = |path: &str| {
            Register::at(&PLATFORM, AT_FDCWD, path.as_bytes()).map(|found| {
                assert_eq!(
                    found.text(),
                    alloc::format!("{:#018x}\n", found.value).as_bytes()
                );
                found.value
            })
        };
        for (path, value) in [
            (
                "/sys/devices/system/cpu/cpu0/regs/identification/midr_el1",
                Some(MIDR_EL1),
            ),
            (
                "//sys/devices/../bus/cpu/devices/cpu0//regs/./identification/revidr_el1",
                Some(REVIDR_EL1),
            ),
            (
                "/proc/self/root/sys/devices/system/cpu/cpu0/regs/identification/midr_el1",
                Some(MIDR_EL1),
            ),
            ("/sys/devices/system/cpu/regs/identification/midr_el1", None),
            ("/sys/devices/system/cpu/cpu0/regs/midr_el1", None),
            ("/tmp/regs/identification/midr_el1", None),
            ("regs/identification/midr_el1", None),
            ("midr_el1", None),
            ("/regs/identification/midr_el1", None),
        ] {
            assert_eq!(find(path), value, "{path}");
        }
    }
}
