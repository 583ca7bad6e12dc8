//! Waiting for the debugger: on a port of this machine alone, or on a socket
//! in the file system.

use core::ffi::CStr;
use core::fmt;

use crate::host::message::Shown;
use crate::host::sys::{self, Errno, Fd, fd_argument, number};

/// Where to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// A port of 127.0.0.1; 0 for any that is free.
    Port(u16),
    /// A path, which has a slash.
    Path(&'a CStr),
}

impl<'a> Place<'a> {
    /// From the command line.
    #[must_use]
    pub fn read(text: &'a CStr) -> Option<Self> {
        if text.to_bytes().contains(&b'/') {
            return Some(Self::Path(text));
        }
        text.to_str().ok()?.parse().ok().map(Self::Port)
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(f, "127.0.0.1:{port}"),
            Self::Path(path) => write!(f, "{}", Shown(path.to_bytes())),
        }
    }
}

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const SOCK_STREAM_CLOEXEC: u64 = 1 | 0o2_000_000;

fn call(number: u32, arguments: [u64; 3]) -> Result<u64, Errno> {
    let [a, b, c] = arguments;
    // SAFETY: the calls read and write only what the arguments name, which
    // are descriptors and arrays of the callers.
    unsafe { sys::syscall(number, [a, b, c, 0, 0, 0]) }
}

fn descriptor(number: Result<u64, Errno>) -> Result<Fd, Errno> {
    i32::try_from(number?)
        .map(Fd::new)
        .map_err(|_| Errno::EBADF)
}

/// The address as the kernel takes it, and its length.
fn address(place: Place<'_>) -> Result<([u8; 110], usize), Errno> {
    let mut bytes = [0; 110];
    match place {
        Place::Port(port) => {
            bytes[..2].copy_from_slice(&AF_INET.to_ne_bytes());
            bytes[2..4].copy_from_slice(&port.to_be_bytes());
            bytes[4..8].copy_from_slice(&[127, 0, 0, 1]);
            Ok((bytes, 16))
        }
        Place::Path(path) => {
            let path = path.to_bytes_with_nul();
            bytes[..2].copy_from_slice(&AF_UNIX.to_ne_bytes());
            bytes
                .get_mut(2..2 + path.len())
                .ok_or(Errno::ENAMETOOLONG)?
                .copy_from_slice(path);
            Ok((bytes, 2 + path.len()))
        }
    }
}

/// A socket that waits. Others than the user can't connect by the path.
///
/// # Errors
/// The kernel's.
pub fn listen(place: Place<'_>) -> Result<Listener<'_>, Errno> {
    const SOL_SOCKET: u64 = 1;
    const SO_REUSEADDR: u64 = 2;
    let family = match place {
        Place::Port(_) => AF_INET,
        Place::Path(_) => AF_UNIX,
    };
    let socket = descriptor(call(
        number::SOCKET,
        [family.into(), SOCK_STREAM_CLOEXEC, 0],
    ))?;
    let this = fd_argument(socket.number());
    let (address, length) = address(place)?;
    let one = 1_u32;
    // SAFETY: the kernel reads the number only.
    let _ = unsafe {
        let option = [this, SOL_SOCKET, SO_REUSEADDR, &raw const one as u64, 4, 0];
        sys::syscall(number::SETSOCKOPT, option)
    };
    // Nobody else may connect where the kernel asks for the right to write.
    let before = call(number::UMASK, [0o177, 0, 0]);
    let bound = call(number::BIND, [this, address.as_ptr() as u64, length as u64]);
    let _ = call(number::UMASK, [before.unwrap_or(0o22), 0, 0]);
    bound?;
    call(number::LISTEN, [this, 1, 0])?;
    Ok(Listener { socket, place })
}

/// A socket that waits.
#[derive(Debug)]
pub struct Listener<'a> {
    socket: Fd,
    place: Place<'a>,
}

impl Listener<'_> {
    /// Where it does, with the port that the kernel chose.
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        let Place::Port(_) = self.place else {
            return self.place;
        };
        let mut address = [0_u8; 16];
        let mut length = 16_u32;
        let place = [address.as_mut_ptr() as u64, &raw mut length as u64];
        let this = fd_argument(self.socket.number());
        match call(number::GETSOCKNAME, [this, place[0], place[1]]) {
            Ok(_) => Place::Port(u16::from_be_bytes([address[2], address[3]])),
            Err(_) => self.place,
        }
    }

    /// Waits for the debugger. The path is gone then.
    ///
    /// # Errors
    /// The kernel's.
    pub fn accept(self) -> Result<Fd, Errno> {
        const IPPROTO_TCP: u64 = 6;
        const TCP_NODELAY: u64 = 1;
        let this = fd_argument(self.socket.number());
        let connection = loop {
            // SAFETY: no address is asked for.
            let result = unsafe { sys::syscall(number::ACCEPT4, [this, 0, 0, 0o2_000_000, 0, 0]) };
            match result {
                Err(Errno::EINTR) => {}
                result => break descriptor(result)?,
            }
        };
        if let Place::Path(path) = self.place {
            let directory = fd_argument(sys::AT_FDCWD);
            let _ = call(number::UNLINKAT, [directory, path.as_ptr() as u64, 0]);
        }
        let one = 1_u32;
        let option = [
            fd_argument(connection.number()),
            IPPROTO_TCP,
            TCP_NODELAY,
            &raw const one as u64,
            4,
            0,
        ];
        // SAFETY: the kernel reads the number only.
        let _ = unsafe { sys::syscall(number::SETSOCKOPT, option) };
        Ok(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        assert_eq!(Place::read(c"1234"), Some(Place::Port(1234)));
        assert_eq!(Place::read(c"./x"), Some(Place::Path(c"./x")));
        for wrong in [c"", c"70000", c"-1", c"x", c":1234"] {
            assert_eq!(Place::read(wrong), None);
        }
    }

    #[test]
    fn an_address_that_is_too_long() {
        let long = alloc::ffi::CString::new(alloc::vec![b'/'; 200]).unwrap();
        assert_eq!(address(Place::Path(&long)), Err(Errno::ENAMETOOLONG));
    }
}
