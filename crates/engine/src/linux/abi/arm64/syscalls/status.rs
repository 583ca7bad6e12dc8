//! `struct stat`, the generic one, of which x86-64 has its own.

use crate::host::sys::{Errno, Status};
use crate::linux::syscalls::files;

/// arm64's.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct GuestStatus {
    dev: u64,
    ino: u64,
    mode: u32,
    nlink: u32,
    uid: u32,
    gid: u32,
    rdev: u64,
    padding: u64,
    size: i64,
    blksize: i32,
    padding2: u32,
    blocks: i64,
    times: [[u64; 2]; 3],
    reserved: [u32; 2],
}

const STATUS: usize = size_of::<GuestStatus>();
const _: () = assert!(STATUS == 128);

#[allow(
    clippy::cast_possible_truncation,
    reason = "arm64 has the smaller fields; so its kernel cuts these off too"
)]
fn status_bytes(host: &Status) -> [u8; STATUS] {
    let status = GuestStatus {
        dev: host.dev,
        ino: host.ino,
        mode: host.mode,
        nlink: host.nlink as u32,
        uid: host.uid,
        gid: host.gid,
        rdev: host.rdev,
        padding: 0,
        size: host.size,
        blksize: host.blksize as i32,
        padding2: 0,
        blocks: host.blocks,
        times: host.times,
        reserved: [0; 2],
    };
    // SAFETY: the struct has no padding, so all its bytes are set, and every
    // array of bytes is one.
    unsafe { core::mem::transmute::<GuestStatus, [u8; STATUS]>(status) }
}

impl files::GuestStatus for GuestStatus {
    fn bytes(host: &Status) -> Result<impl AsRef<[u8]>, Errno> {
        Ok(status_bytes(host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_in_arm64s_order() {
        let host = Status {
            nlink: 7,
            mode: 0o100_644,
            blksize: 4096,
            ..Status::default()
        };
        let bytes = status_bytes(&host);
        assert_eq!(bytes[16..24], [0xa4, 0x81, 0, 0, 7, 0, 0, 0]);
        assert_eq!(bytes[56..60], [0, 0x10, 0, 0]);
    }
}
