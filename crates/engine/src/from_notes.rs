//! `--translate`: what notes say that ran is translated, and added to a file.

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::format_args as text;

use hashbrown::HashSet;
use ir::Key;
use x64::convention::Convention;
use x64::features::HostFeatures;
use x64::lower::Lowerer;

use crate::host::message::{self, Shown};
use crate::host::start::Start;
use crate::host::sys::{self, Errno, Fd};
use crate::linux::abi::Abi;
use crate::linux::abi::platform::Elf;
use crate::linux::loader::elf::{self, LONGEST_HEADER};
use crate::translator::kept::build::{self, Made};
use crate::translator::kept::cluster::Kept;
use crate::translator::kept::file::File;
use crate::translator::kept::format::Identity;
use crate::translator::kept::image::{BIAS, Image};
use crate::translator::kept::learn::Ran;
use crate::translator::kept::notes::{self, Noted};
use crate::translator::kept::write;
use crate::translator::vcpu;

/// How much is read of notes.
const MOST_NOTES: u64 = 256 << 20;

/// Translates what notes say, and adds what the file has not. The guest's files are read from
/// where their paths lead here; those that are not there, or are no programs of the guest's,
/// are passed over.
pub fn run<A: Abi>(start: &Start, notes: &CStr, translations: &CStr) -> ! {
    let Some(build) = start.build_id() else {
        message::line(text!("this engine has no build-id"));
        sys::exit_group(1)
    };
    let made = Fd::open(notes)
        .and_then(|file| file.read_sized(MOST_NOTES))
        .map_err(|error| (notes, error))
        .and_then(|content| {
            translate::<A>(build, &notes::read(&content), translations)
                .map_err(|error| (translations, error))
        });
    match made {
        Ok(()) => sys::exit_group(0),
        Err((path, error)) => {
            message::line(text!("{}: {error}", Shown(path.to_bytes())));
            sys::exit_group(1)
        }
    }
}

fn translate<A: Abi>(build: [u8; 20], notes: &[Noted<'_>], to: &CStr) -> Result<(), Errno> {
    let convention = Convention::new(vcpu::layout::<A::Guest>(), HostFeatures::detect());
    let identity = Identity::new(build, &convention);
    let old = File::open(to, &identity).ok();
    let mut lowerer = Lowerer::new(convention);
    let mut files = HashSet::new();
    let mut all = Vec::new();
    for noted in notes {
        let Some(file) = open(noted.path) else {
            continue;
        };
        let is_new = (file.status()).is_ok_and(|status| files.insert((status.dev, status.ino)));
        if is_new && let Some(image) = image(file, &A::PLATFORM.elf) {
            all.extend(clusters::<A>(&image, noted, old, &mut lowerer));
        }
    }
    if all.is_empty() && old.is_some() {
        return Ok(());
    }
    let made = write::file(old.as_ref(), &all, &identity);
    let (content, left_out) = made.ok_or(Errno::ENODATA)?;
    if left_out > 0 {
        let (name, all) = (Shown(to.to_bytes()), all.len());
        message::line(text!(
            "{name} is full: {left_out} of {all} new parts are left out"
        ));
    }
    write::publish(to, &content, 0o644)
}

fn open(path: &[u8]) -> Option<Fd> {
    let file = Fd::open(&CString::new(path).ok()?).ok()?;
    let is_regular = file.status().is_ok_and(|status| status.is_regular());
    is_regular.then_some(file)
}

/// The code of a file; nothing if it is none of the guest's programs and libraries.
fn image(file: Fd, elf: &'static Elf) -> Option<Image> {
    let mut head = [0; LONGEST_HEADER];
    let length = file.read_at(&mut head, 0).ok()?;
    let header = elf::header(head.get(..length)?, elf).ok()?;
    let (offset, length) = header.table();
    let mut table = alloc::vec![0; length];
    let length = file.read_at(&mut table, offset).ok()?;
    table.truncate(length);
    Some(Image::new(file, header.code(&table)))
}

/// What of a file ran and is not there yet.
fn clusters<A: Abi>(
    image: &Image,
    noted: &Noted<'_>,
    old: Option<File>,
    lowerer: &mut Lowerer,
) -> Vec<Made> {
    let mut ran = Ran::default();
    let mut there = old.map(Kept::new);
    for &(offset, mode, head) in &noted.blocks {
        let Some(pc) = offset.checked_add(BIAS) else {
            continue;
        };
        let key = Key { pc, mode };
        if let Some(there) = &mut there
            && there.find(key).is_none()
        {
            there.wake(key, image);
        }
        ran.note(key, head);
    }
    let have = |key| {
        there
            .as_ref()
            .is_some_and(|there| there.find(key).is_some())
    };
    build::clusters::<A::Guest, _>(&ran, image, lowerer, &have)
}
