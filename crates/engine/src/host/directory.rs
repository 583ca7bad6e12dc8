//! What the kernel says is in a directory: by `getdents64`, and by the oldest call for it, `getdents`, to
//! programs of 32 bits.

use super::sys::{self, Errno, Fd, fd_argument, number};

/// How the kernel writes entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `struct linux_dirent64`: inode, position, length, kind, name.
    Wide,
    /// `struct linux_dirent` with words of 32 bits: inode, position, length, name; the kind is the last byte.
    Narrow,
}

impl Form {
    /// Where an entry's length is.
    const fn length(self) -> usize {
        match self {
            Self::Wide => 8 + 8,
            Self::Narrow => 4 + 4,
        }
    }

    /// Where the name is.
    const fn name(self) -> usize {
        match self {
            Self::Wide => self.length() + 2 + 1,
            Self::Narrow => self.length() + 2,
        }
    }
}

/// An entry of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// `DT_...`.
    pub kind: u8,
    /// Its name.
    pub name: &'a [u8],
    /// As many bytes as the structure takes.
    pub length: usize,
}

impl<'a> Entry<'a> {
    /// The first entry of what the kernel wrote.
    #[must_use]
    pub fn read(bytes: &'a [u8], form: Form) -> Option<Self> {
        let length = bytes.get(form.length()..)?.first_chunk()?;
        let length = usize::from(u16::from_le_bytes(*length));
        let start = form.name();
        let whole = bytes.get(..length).filter(|whole| whole.len() > start)?;
        let name = whole[start..].split(|&byte| byte == 0).next()?;
        let kind = match form {
            Form::Wide => start - 1,
            Form::Narrow => length - 1,
        };
        Some(Self {
            kind: whole[kind],
            name,
            length,
        })
    }

    /// The number that its name is, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        core::str::from_utf8(self.name).ok()?.parse().ok()
    }
}

/// All entries of what the kernel wrote.
pub fn entries(mut bytes: &[u8], form: Form) -> impl Iterator<Item = Entry<'_>> {
    core::iter::from_fn(move || {
        let entry = Entry::read(bytes, form)?;
        bytes = &bytes[entry.length..];
        Some(entry)
    })
}

/// Calls `see` with each entry of a directory that has just been opened.
///
/// # Errors
/// The kernel's.
pub fn read(directory: &Fd, mut see: impl FnMut(Entry<'_>)) -> Result<(), Errno> {
    const SIZE: usize = 4096;
    let mut bytes = alloc::vec![0_u8; SIZE];
    loop {
        let arguments = [
            fd_argument(directory.number()),
            bytes.as_mut_ptr() as u64,
            SIZE as u64,
            0,
            0,
            0,
        ];
        // SAFETY: the kernel writes into the vector only.
        let length = unsafe { sys::syscall(number::GETDENTS64, arguments) }?;
        let written = bytes.get(..usize::try_from(length).unwrap_or(0));
        match written {
            None | Some([]) => return Ok(()),
            Some(written) => entries(written, Form::Wide).for_each(&mut see),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn entries_up_to_the_last() {
        for form in [Form::Wide, Form::Narrow] {
            let entry = |length: u16, name: &[u8]| {
                let mut bytes = alloc::vec![0; form.length()];
                bytes.extend_from_slice(&length.to_le_bytes());
                bytes.resize(form.name(), 10);
                bytes.extend_from_slice(name);
                bytes.resize(usize::from(length), 0);
                if form == Form::Narrow {
                    bytes[usize::from(length) - 1] = 10;
                }
                bytes
            };
            let bytes = [entry(24, b"236"), entry(32, b"x"), entry(24, b"abc")].concat();
            let found: Vec<_> = entries(&bytes, form)
                .map(|entry| (entry.name, entry.number(), entry.kind))
                .collect();
            let expected = [(&b"236"[..], Some(236)), (b"x", None), (b"abc", None)];
            assert_eq!(found, expected.map(|(name, number)| (name, number, 10)));
            assert_eq!(entries(&bytes[..60], form).count(), 2);
            assert_eq!(entries(&[0; 40], form).count(), 0);
        }
    }

    #[test]
    fn a_directory_is_read_whole() {
        let directory = Fd::open(c"/proc/self/fd").unwrap();
        let mut numbers = Vec::new();
        read(&directory, |entry| numbers.extend(entry.number())).unwrap();
        assert!(numbers.contains(&directory.number().unsigned_abs()));
    }
}
