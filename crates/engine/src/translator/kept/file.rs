//! A file of kept translations, mapped: its code to be executed where the file has it, the
//! process's words of data right before that, and all else to be read.
//!
//! The mapping of a file that is opened is shared, and of a descriptor without the right to
//! write, so that no system call writes to the code for a guest either. Lengths and places
//! of sections are checked here; what records say is where they are used.
//!
//! Who is trusted: host code is taken from the file as it is. So it is the engine's own
//! file, or one that the user who started the engine has named ([`crate::cli`]).

use core::ffi::CStr;
use core::ops::Range;

use super::format::{
    Cluster, Entry, Exit, Found, Header, Identity, MAGIC, MOST_CODE, MOST_DATA, Place, Point,
    Record, Region, State, Stretch, data_word, room_for,
};
use crate::host::page::{PAGE, page_up};
use crate::host::sys::{self, Errno, Fd};
use crate::host::{baked, own};

const MAP_SHARED: u32 = 1;
const RESERVED: u32 = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE;
const EXECUTED: u32 = sys::PROT_READ | sys::PROT_EXEC;

/// A file that is mapped, for good.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Where its code starts.
    pub code: u64,
    /// How much of that there is.
    pub code_length: u64,
    /// How many words of data there are.
    pub data: u32,
    /// By hash.
    pub index: &'static [Found],
    #[allow(missing_docs, reason = "the records say it")]
    pub clusters: &'static [Cluster],
    #[allow(missing_docs, reason = "the records say it")]
    pub entries: &'static [Entry],
    #[allow(missing_docs, reason = "the records say it")]
    pub stretches: &'static [Stretch],
    /// The guest's.
    pub words: &'static [u32],
    #[allow(missing_docs, reason = "the records say it")]
    pub exits: &'static [Exit],
    /// Numbers of exits, by the cluster that they lead to.
    pub incoming: &'static [u32],
    #[allow(missing_docs, reason = "the records say it")]
    pub regions: &'static [Region],
    #[allow(missing_docs, reason = "the records say it")]
    pub points: &'static [Point],
    #[allow(missing_docs, reason = "the records say it")]
    pub states: &'static [State],
    /// A bit for each byte of code.
    pub known: &'static [u8],
}

/// Why a file is not used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// The kernel's error.
    Kernel(Errno),
    /// It is no such file, was cut, or does not hold together.
    Broken,
    /// It is another build's, another processor's, or another state's.
    Foreign,
}

impl From<Errno> for Unfit {
    fn from(error: Errno) -> Self {
        Self::Kernel(error)
    }
}

impl File {
    /// Opens and maps one.
    ///
    /// # Errors
    /// When it is not there or not to be used.
    pub fn open(path: &CStr, identity: &Identity) -> Result<Self, Unfit> {
        let file = Fd::open(path)?;
        let status = file.status()?;
        if !status.is_regular() {
            return Err(Unfit::Broken);
        }
        let header = header(&file)?;
        header.check(status.size.cast_unsigned(), identity)?;
        // Whole pages, since just those are given back.
        let length = page_up(header.length).ok_or(Unfit::Broken)?;
        let start = own::map(length, 0, RESERVED)?;
        let flags = MAP_SHARED | sys::MAP_FIXED;
        // SAFETY: what is replaced was mapped for that.
        let mapped = unsafe { sys::mmap(start, length, EXECUTED, flags, Some((&file, 0))) };
        let file = mapped.map_err(Unfit::from);
        let file = file.and_then(|start| Self::finish(&header, start));
        file.inspect_err(|_| {
            // SAFETY: nobody knows of it.
            let _ = unsafe { own::unmap(start, length) };
        })
    }

    /// The one behind the engine's own file, if it has one.
    ///
    /// # Errors
    /// When it has none, or that is not to be used.
    pub fn baked(identity: &Identity) -> Result<Self, Unfit> {
        let (start, length) = baked::map()?.ok_or(Unfit::Broken)?;
        // SAFETY: it was just mapped and is longer; a header is a record.
        let header = unsafe { (start as *const Header).read() };
        header.check(length, identity)?;
        Self::finish(&header, start)
    }

    /// One that is mapped there whole, to be executed.
    fn finish(header: &Header, start: u64) -> Result<Self, Unfit> {
        own::leave_out_of_cores(start, header.length);
        let data = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE | sys::MAP_FIXED;
        let room = room_for(header.data);
        // SAFETY: nobody uses it yet, and what is replaced is the room for that.
        unsafe {
            sys::mprotect(start, header.meta, sys::PROT_READ)?;
            let protection = sys::PROT_READ | sys::PROT_WRITE;
            sys::mmap(start + header.meta, room, protection, data, None)?;
        }
        Self::of(header, start)
    }

    fn of(header: &Header, start: u64) -> Result<Self, Unfit> {
        // SAFETY: it was just mapped, is as long, and stays if this succeeds; whoever
        // writes such files does not change them (`write.rs`).
        let meta: &'static [u8] =
            unsafe { core::slice::from_raw_parts(start as *const u8, usize_of(header.meta)) };
        let places = &header.places;
        Ok(Self {
            code: start + header.code,
            code_length: header.code_length,
            data: header.data,
            index: records(meta, places.index)?,
            clusters: records(meta, places.clusters)?,
            entries: records(meta, places.entries)?,
            stretches: records(meta, places.stretches)?,
            words: records(meta, places.words)?,
            exits: records(meta, places.exits)?,
            incoming: records(meta, places.incoming)?,
            regions: records(meta, places.regions)?,
            points: records(meta, places.points)?,
            states: records(meta, places.states)?,
            known: records(meta, places.known)?,
        })
    }

    /// Where its code lies.
    #[must_use]
    pub const fn range(&self) -> Range<u64> {
        self.code..self.code + self.code_length
    }

    /// Its code.
    #[must_use]
    pub const fn bytes(&self) -> &'static [u8] {
        // SAFETY: it is mapped to be read, is as long, and stays.
        unsafe { core::slice::from_raw_parts(self.code as *const u8, usize_of(self.code_length)) }
    }

    /// What a word of data has.
    #[must_use]
    pub fn datum(&self, number: u32) -> u64 {
        // SAFETY: `at` checks the number.
        unsafe { self.at(number).read_volatile() }
    }

    /// Sets a word of data, at once for code that jumps through it.
    pub fn set_datum(&self, number: u32, to: u64) {
        // SAFETY: `at` checks the number; the word is aligned and the process's own, and
        // whoever calls this holds the lock of translations.
        unsafe { self.at(number).write_volatile(to) };
    }

    /// Where a word of data is.
    fn at(&self, number: u32) -> *mut u64 {
        assert!(number < self.data, "no word of data");
        data_word(self.code, number) as *mut u64
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the host has 64 bits")]
const fn usize_of(length: u64) -> usize {
    length as usize
}

/// What a file begins with.
fn header(file: &Fd) -> Result<Header, Unfit> {
    let mut bytes = [0_u64; size_of::<Header>() / 8];
    // SAFETY: numbers may be written byte by byte.
    let buffer =
        unsafe { core::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), size_of::<Header>()) };
    if file.read_at(buffer, 0)? < buffer.len() {
        return Err(Unfit::Broken);
    }
    // SAFETY: a header is a record, and the words are as long and as aligned.
    Ok(unsafe { bytes.as_ptr().cast::<Header>().read() })
}

impl Header {
    fn check(&self, size: u64, identity: &Identity) -> Result<(), Unfit> {
        let sound = self.magic == MAGIC
            && self.length == size
            && self.meta.is_multiple_of(PAGE)
            && self.meta >= size_of::<Self>() as u64
            && self.data >= 1
            && self.data <= MOST_DATA
            && self.meta.checked_add(room_for(self.data)) == Some(self.code)
            && (1..=MOST_CODE).contains(&self.code_length)
            && self.code.checked_add(self.code_length) == Some(size)
            && self.places.index.count.is_power_of_two()
            && u64::from(self.places.known.count) * 8 >= self.code_length;
        match sound {
            false => Err(Unfit::Broken),
            true if self.identity != *identity => Err(Unfit::Foreign),
            true => Ok(()),
        }
    }
}

/// The records of a section.
fn records<T: Record>(meta: &'static [u8], place: Place) -> Result<&'static [T], Unfit> {
    let (offset, count) = (place.offset as usize, place.count as usize);
    let length = count.checked_mul(size_of::<T>()).ok_or(Unfit::Broken)?;
    let end = offset.checked_add(length).ok_or(Unfit::Broken)?;
    let bytes = meta.get(offset..end).ok_or(Unfit::Broken)?;
    if !offset.is_multiple_of(8) {
        return Err(Unfit::Broken);
    }
    // SAFETY: records are valid whatever their bytes, the bytes are as many, and a
    // multiple of 8 from the start of a page is aligned for all of them.
    Ok(unsafe { core::slice::from_raw_parts(bytes.as_ptr().cast(), count) })
}
