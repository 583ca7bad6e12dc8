//! `PROCMAP_QUERY`, by which `/proc/PID/maps` tells of one mapping (Linux 6.11;
//! `struct procmap_query` of include/uapi/linux/fs.h).
//!
//! The guest has a text in place of that file. The answer is the text's, made anew; what it does
//! not say, the size of pages and the build ID, the host is asked for.

use alloc::vec::Vec;

use super::Call;
use super::call::unknown_is_zero;
use super::files::viewer;
use crate::host::page::PAGE;
use crate::host::sys::{self, Errno, Fd, PATH_MAX, fd_argument, number};
use crate::linux::views::maps::{self, Region};
use crate::linux::views::shown::Original;
use crate::memory::guest_memory;

const O_CLOEXEC: u64 = 0o2_000_000;

/// The request's number.
pub(super) const REQUEST: u64 = 0xc068_6611;

/// The structure's words. Two of them, [`DEVICE`] and [`SIZES`], are two numbers of 32 bits each.
type Words = [u64; 13];
const FLAGS: usize = 1;
const ADDRESS: usize = 2;
const START: usize = 3;
const END: usize = 4;
const PERMISSIONS: usize = 5;
const SIZE_OF_PAGES: usize = 6;
const OFFSET: usize = 7;
const INODE: usize = 8;
/// Major and minor number.
const DEVICE: usize = 9;
/// Of the name, and of the build ID.
const SIZES: usize = 10;
const NAME: usize = 11;
const BUILD_ID: usize = 12;

const SIZE: u64 = size_of::<Words>() as u64;

/// Readable, writable, executable, shared: what the mapping has to be.
const WANTED: u64 = 0xf;
/// Where no mapping has the address, the next one.
const OR_NEXT: u64 = 0x10;
const OF_A_FILE: u64 = 0x20;

/// The longest build ID (`BUILD_ID_SIZE_MAX`).
const LONGEST_ID: usize = 20;

/// Answers of the mappings that a text shows, which stands for `maps`.
pub(super) fn query(call: &Call<'_>, original: &Original) -> Result<u64, Errno> {
    let at = call.arguments[2];
    let (mut words, size) = asked(call, at)?;
    let file = original.open(O_CLOEXEC).ok_or(Errno::ESRCH)??;
    let text = viewer(call).text_of(&file).ok_or(Errno::ESRCH)?;
    let found = find(&text, words[ADDRESS], words[FLAGS]).ok_or(Errno::ENOENT)?;
    let id = by_host(&file, found.range.start, &mut words)?;
    words[START] = found.range.start;
    words[END] = found.range.end;
    words[PERMISSIONS] = permissions(&found);
    words[OFFSET] = if found.inode == 0 { 0 } else { found.offset };
    words[INODE] = found.inode;
    words[DEVICE] = found.device.0 | found.device.1 << 32;
    let name = name(&found, words[SIZES] & 0xffff_ffff)?;
    words[SIZES] = name.len() as u64 | (id.len() as u64) << 32;
    call.write(words[NAME], &name)?;
    call.write(words[BUILD_ID], &id)?;
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    call.write(at, bytes.get(..size).unwrap_or(&bytes))?;
    Ok(0)
}

/// What the guest asks, and how many bytes of the structure it knows.
fn asked(call: &Call<'_>, at: u64) -> Result<(Words, usize), Errno> {
    let [size] = call.words(at)?;
    if size > PAGE {
        return Err(Errno::E2BIG);
    }
    if size < 8 * (ADDRESS as u64 + 1) {
        return Err(Errno::EINVAL);
    }
    unknown_is_zero(at.wrapping_add(SIZE), size.saturating_sub(SIZE))?;
    let mut bytes = [0; size_of::<Words>()];
    let known = usize::try_from(size.min(SIZE)).unwrap_or(bytes.len());
    guest_memory::read(at, &mut bytes[..known])?;
    let mut words = [0; 13];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    let both = |size: u64, address: u64| (size != 0) == (address != 0);
    let is_right = words[FLAGS] & !(WANTED | OR_NEXT | OF_A_FILE) == 0
        && both(words[SIZES] & 0xffff_ffff, words[NAME])
        && both(words[SIZES] >> 32, words[BUILD_ID]);
    if is_right {
        Ok((words, known))
    } else {
        Err(Errno::EINVAL)
    }
}

/// The mapping that has the address, or the next one, if that will do.
fn find(text: &[u8], address: u64, flags: u64) -> Option<Region> {
    let is_next_good = flags & OR_NEXT != 0;
    let mut regions = maps::regions(text).filter(|region| region.range.end > address);
    let is_wanted = |region: &Region| {
        permissions(region) & flags & WANTED == flags & WANTED
            && (flags & OF_A_FILE == 0 || region.inode != 0)
    };
    if is_next_good {
        return regions.find(is_wanted);
    }
    let region = regions.next()?;
    (region.range.start <= address && is_wanted(&region)).then_some(region)
}

fn permissions(region: &Region) -> u64 {
    let has = (0..).zip(b"rwxs".iter().zip(region.permissions));
    has.filter(|(_, (letter, has))| *letter == has)
        .map(|(bit, _)| 1 << bit)
        .sum()
}

/// What the host knows of the mapping at an address: the size of its pages, which is set,
/// and its build ID, if the guest wants that.
fn by_host(file: &Fd, address: u64, words: &mut Words) -> Result<Vec<u8>, Errno> {
    let mut id = [0_u8; LONGEST_ID];
    let wanted = (words[SIZES] >> 32).min(id.len() as u64);
    let mut host: Words = [0; 13];
    host[0] = SIZE;
    host[ADDRESS] = address;
    host[SIZES] = wanted << 32;
    host[BUILD_ID] = if wanted == 0 {
        0
    } else {
        id.as_mut_ptr() as u64
    };
    let arguments = [
        fd_argument(file.number()),
        REQUEST,
        host.as_mut_ptr() as u64,
        0,
        0,
        0,
    ];
    // SAFETY: the kernel writes into `host`, and into `id` no more than it is told there.
    match unsafe { sys::syscall(number::IOCTL, arguments) } {
        Ok(_) => words[SIZE_OF_PAGES] = host[SIZE_OF_PAGES],
        // It is gone since the text was made.
        Err(Errno::ENOENT) => words[SIZE_OF_PAGES] = PAGE,
        Err(error) => return Err(error),
    }
    let length = usize::try_from(host[SIZES] >> 32).unwrap_or(0);
    Ok(id.get(..length).unwrap_or_default().to_vec())
}

/// The mapping's name with a zero behind it; nothing where it has none, or the guest does not ask.
fn name(region: &Region, room: u64) -> Result<Vec<u8>, Errno> {
    let mut name = region.name.clone();
    if room == 0 || name.is_empty() {
        return Ok(Vec::new());
    }
    name.push(0);
    if name.len() as u64 > room.min(PATH_MAX as u64) {
        return Err(Errno::ENAMETOOLONG);
    }
    Ok(name)
}
