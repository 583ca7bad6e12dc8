//! What is told of files and file systems: `struct stat` and `statfs`, each with numbers of 32
//! and of 64 bits.

use super::words;
use crate::host::sys::{AT_FDCWD, Errno, Status, fd_argument};
use crate::linux::syscalls::{Call, files, paths};

type Made = Result<u64, Errno>;

/// `struct stat64`.
pub(super) struct Wide;

/// `struct stat`.
pub(super) struct Narrow;

/// Bytes that are filled field by field.
struct Fields<const N: usize>([u8; N]);

impl<const N: usize> Fields<N> {
    const fn new() -> Self {
        Self([0; N])
    }

    fn put(&mut self, at: usize, value: u64, length: usize) {
        self.0[at..at + length].copy_from_slice(&value.to_le_bytes()[..length]);
    }

    /// A number that must fit.
    fn fit(&mut self, at: usize, value: u64, length: usize) -> Result<(), Errno> {
        if value >> (8 * length) != 0 {
            return Err(Errno::EOVERFLOW);
        }
        self.put(at, value, length);
        Ok(())
    }

    /// Seconds and nanoseconds of the three times.
    fn times(&mut self, at: usize, times: [[u64; 2]; 3]) {
        for (at, value) in (at..).step_by(4).zip(times.as_flattened()) {
            self.put(at, *value, 4);
        }
    }
}

impl files::GuestStatus for Wide {
    fn bytes(host: &Status) -> Result<impl AsRef<[u8]>, Errno> {
        let mut to = Fields::<104>::new();
        to.put(0, host.dev, 8);
        to.put(12, host.ino, 4);
        to.put(16, host.mode.into(), 4);
        to.put(20, host.nlink, 4);
        to.put(24, host.uid.into(), 4);
        to.put(28, host.gid.into(), 4);
        to.put(32, host.rdev, 8);
        to.put(48, host.size.cast_unsigned(), 8);
        to.put(56, host.blksize.cast_unsigned(), 4);
        to.put(64, host.blocks.cast_unsigned(), 8);
        to.times(72, host.times);
        to.put(96, host.ino, 8);
        Ok(to.0)
    }
}

impl files::GuestStatus for Narrow {
    fn bytes(host: &Status) -> Result<impl AsRef<[u8]>, Errno> {
        /// The most bytes of a file that is not large.
        const MOST: i64 = 0x7fff_ffff;
        if host.size > MOST {
            return Err(Errno::EOVERFLOW);
        }
        let mut to = Fields::<64>::new();
        to.put(0, old_device(host.dev)?, 4);
        to.fit(4, host.ino, 4)?;
        to.put(8, host.mode.into(), 2);
        to.fit(10, host.nlink, 2)?;
        to.put(12, super::identities::narrowed(host.uid).into(), 2);
        to.put(14, super::identities::narrowed(host.gid).into(), 2);
        to.put(16, old_device(host.rdev)?, 4);
        to.put(20, host.size.cast_unsigned(), 4);
        to.put(24, host.blksize.cast_unsigned(), 4);
        to.put(28, host.blocks.cast_unsigned(), 4);
        to.times(32, host.times);
        Ok(to.0)
    }
}

/// A device's number where it has 16 bits: with 8 for each part.
const fn old_device(device: u64) -> Result<u64, Errno> {
    if device >> 16 == 0 {
        Ok(device)
    } else {
        Err(Errno::EOVERFLOW)
    }
}

/// `stat64` and the like: path and structure, as `newfstatat` has them.
fn of_path<S: files::GuestStatus>(call: &mut Call<'_>, flags: u64) -> Made {
    let [path, buffer, ..] = call.arguments;
    call.arguments = [fd_argument(AT_FDCWD), path, buffer, flags, 0, 0];
    files::newfstatat::<S>(call)
}

const NO_FOLLOW: u64 = 0x100;

pub(super) fn stat64(call: &mut Call<'_>) -> Made {
    of_path::<Wide>(call, 0)
}

pub(super) fn lstat64(call: &mut Call<'_>) -> Made {
    of_path::<Wide>(call, NO_FOLLOW)
}

pub(super) fn stat(call: &mut Call<'_>) -> Made {
    of_path::<Narrow>(call, 0)
}

pub(super) fn lstat(call: &mut Call<'_>) -> Made {
    of_path::<Narrow>(call, NO_FOLLOW)
}

/// The host's `struct statfs`: type, size of blocks, five numbers of blocks and files, an
/// identification, the longest name, the size of fragments, flags.
type FileSystem = [u64; 15];

/// `statfs`, whose numbers must fit.
fn narrow(host: FileSystem) -> Result<[u32; 16], Errno> {
    let [
        kind,
        bsize,
        blocks,
        free,
        available,
        files,
        unused,
        id,
        name,
        fsize,
        flags,
        ..,
    ] = host;
    let unknown = |number: u64| number == u64::MAX;
    let whole = [blocks, free, available, bsize, fsize];
    let counted = [files, unused]
        .into_iter()
        .filter(|&number| !unknown(number));
    if whole
        .into_iter()
        .chain(counted)
        .any(|number| number >> 32 != 0)
    {
        return Err(Errno::EOVERFLOW);
    }
    let [
        kind,
        bsize,
        blocks,
        free,
        available,
        files,
        unused,
        name,
        fsize,
        flags,
    ] = words::narrowed([
        kind, bsize, blocks, free, available, files, unused, name, fsize, flags,
    ]);
    let [low, high] = words::narrowed([id, id >> 32]);
    Ok([
        kind, bsize, blocks, free, available, files, unused, low, high, name, fsize, flags, 0, 0,
        0, 0,
    ])
}

/// `statfs64`: packed, with the five numbers of 64 bits.
fn wide(host: FileSystem) -> [u32; 21] {
    let [kind, bsize, counts @ .., name, fsize, flags, _, _, _, _] = host;
    let mut to = [0; 21];
    [to[0], to[1]] = words::narrowed([kind, bsize]);
    // The five, and the identification.
    for (to, count) in to[2..14].chunks_exact_mut(2).zip(counts) {
        to.copy_from_slice(&words::narrowed([count, count >> 32]));
    }
    to[14..17].copy_from_slice(&words::narrowed([name, fsize, flags]));
    to
}

/// What the host says of a file system, with the structure in an argument.
fn told(
    call: &mut Call<'_>,
    index: usize,
    make: impl FnOnce(&mut Call<'_>) -> Made,
    give: impl FnOnce(FileSystem) -> Result<alloc::vec::Vec<u32>, Errno>,
) -> Made {
    words::with_result::<15>(call, index, make, |call, guest, host| {
        words::write(call, guest, &give(host)?)
    })
}

/// The size that the guest gives must be the structure's, with or without padding.
fn check_size(call: &mut Call<'_>) -> Result<(), Errno> {
    match call.arguments[1] {
        84 | 88 => {
            call.arguments[1] = call.arguments[2];
            Ok(())
        }
        _ => Err(Errno::EINVAL),
    }
}

fn follow(call: &mut Call<'_>) -> Made {
    const STATFS: u32 = 137;
    paths::follow(call, "statfs", STATFS)
}

pub(super) fn statfs(call: &mut Call<'_>) -> Made {
    told(call, 1, follow, |host| Ok(narrow(host)?.to_vec()))
}

pub(super) fn fstatfs(call: &mut Call<'_>) -> Made {
    told(call, 1, files::fstatfs, |host| Ok(narrow(host)?.to_vec()))
}

pub(super) fn statfs64(call: &mut Call<'_>) -> Made {
    check_size(call)?;
    told(call, 1, follow, |host| Ok(wide(host).to_vec()))
}

pub(super) fn fstatfs64(call: &mut Call<'_>) -> Made {
    check_size(call)?;
    told(call, 1, files::fstatfs, |host| Ok(wide(host).to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::syscalls::files::GuestStatus as _;

    #[test]
    fn large_numbers_have_no_place_in_the_old_structure() {
        let small = Status {
            mode: 0o100_644,
            nlink: 3,
            size: 0x7fff_ffff,
            ino: 0xffff_ffff,
            uid: 70000,
            ..Status::default()
        };
        let bytes = Narrow::bytes(&small).unwrap();
        let bytes = bytes.as_ref();
        assert_eq!(
            bytes[4..14],
            [0xff, 0xff, 0xff, 0xff, 0xa4, 0x81, 3, 0, 0xfe, 0xff]
        );
        assert_eq!(bytes[20..24], [0xff, 0xff, 0xff, 0x7f]);
        for large in [
            Status {
                size: 1 << 31,
                ..small
            },
            Status {
                ino: 1 << 32,
                ..small
            },
            Status {
                nlink: 1 << 16,
                ..small
            },
            Status {
                dev: 1 << 20,
                ..small
            },
        ] {
            assert_eq!(Narrow::bytes(&large).err(), Some(Errno::EOVERFLOW));
            assert!(Wide::bytes(&large).is_ok());
        }
    }

    #[test]
    fn the_new_structure_has_the_inode_twice() {
        let host = Status {
            ino: 0x1_2345_6789,
            size: 5 << 32,
            ..Status::default()
        };
        let bytes = Wide::bytes(&host).unwrap();
        let bytes = bytes.as_ref();
        assert_eq!(bytes.len(), 104);
        assert_eq!(bytes[12..16], [0x89, 0x67, 0x45, 0x23]);
        assert_eq!(bytes[96..104], 0x1_2345_6789_u64.to_le_bytes());
        assert_eq!(bytes[48..56], (5_u64 << 32).to_le_bytes());
    }

    #[test]
    fn file_systems_of_both_sizes() {
        let host = [1, 2, 3, 4, 5, 6, 7, 8 << 32 | 9, 10, 11, 12, 0, 0, 0, 0];
        assert_eq!(
            narrow(host).unwrap()[..12],
            [1, 2, 3, 4, 5, 6, 7, 9, 8, 10, 11, 12]
        );
        let to = wide(host);
        assert_eq!(to[..12], [1, 2, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0]);
        assert_eq!(to[12..17], [9, 8, 10, 11, 12]);
        let large = [1, 2, 1 << 32, 4, 5, 6, 7, 8, 9, 10, 11, 0, 0, 0, 0];
        assert_eq!(narrow(large), Err(Errno::EOVERFLOW));
    }
}
