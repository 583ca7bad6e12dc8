//! A small program kept in a file: made twice, found elsewhere, not found when it is
//! another.

extern crate std;

use alloc::vec::Vec;
use core::ffi::CStr;
use core::ops::Range;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;

use a64::Aarch64;
use guest::memory::Size;
use ir::live::Live;
use ir::{Key, Mode};
use tempfile::TempDir;
use x64::convention::Convention;
use x64::features::HostFeatures;
use x64::lower::Lowerer;

use super::build::{self, Made};
use super::cluster::Kept;
use super::file::{File, Unfit};
use super::format::{Identity, KEPT};
use super::learn::Ran;
use super::write;
use crate::translator::source::Code;
use crate::translator::translations::LIMITS;
use crate::translator::vcpu::layout;

/// A function with a loop, a constant address and a call; blocks begin at 0, 16, 20, 24,
/// 28, 36 and 44.
const PROGRAM: [u32; 12] = [
    0xa9bf_7bfd, // stp x29, x30, [sp, #-16]!
    0xb000_0000, // adrp x0, the next page
    0xf940_0801, // ldr x1, [x0, #16]
    0xf100_0c3f, // cmp x1, #3
    0x5400_0060, // b.eq 28
    0x9400_0004, // bl 36
    0x17ff_fffc, // b 8
    0xa8c1_7bfd, // ldp x29, x30, [sp], #16
    0xd65f_03c0, // ret
    0xf100_0400, // subs x0, x0, #1
    0x54ff_ffe1, // b.ne 36
    0xd65f_03c0, // ret
];
const NOP: u32 = 0xd503_201f;
const HERE: u64 = 0x5500_0000_1000;
const THERE: u64 = 0x7f12_3456_7000;

/// Code at an address, a page of it.
struct Page(u64, Vec<u32>);

impl Page {
    fn at(base: u64) -> Self {
        let mut words = PROGRAM.to_vec();
        words.resize(1024, NOP);
        Self(base, words)
    }
}

impl Code for Page {
    fn fetch(&self, pc: u64, _: Size) -> Option<u32> {
        let at = usize::try_from(pc.checked_sub(self.0)?).ok()?;
        self.1.get(at / 4).copied()
    }

    fn executable(&self, pc: u64) -> Option<Range<u64>> {
        let range = self.0..self.0 + 4 * self.1.len() as u64;
        range.contains(&pc).then_some(range)
    }
}

fn key(pc: u64) -> Key {
    let mode = Mode::PLAIN;
    Key { pc, mode }
}

fn convention() -> Convention {
    Convention::new(layout::<Aarch64>(), HostFeatures::ALL)
}

fn identity() -> Identity {
    Identity::new([7; 20], &convention())
}

/// What is made of the program at an address.
fn made(base: u64) -> Vec<Made> {
    let mut ran = Ran::default();
    for (pc, head) in [
        (0, true),
        (20, false),
        (36, true),
        (44, false),
        (24, true),
        (8, false),
        (28, false),
    ] {
        ran.note(key(base + pc), head);
    }
    let mut lowerer = Lowerer::new(convention());
    build::clusters::<Aarch64, _>(&ran, &Page::at(base), &mut lowerer, &|_| false)
}

/// A file with it.
fn written(content: &[u8]) -> (TempDir, CString) {
    let dir = TempDir::new().expect("there is room");
    let path = dir.path().join("file");
    std::fs::write(&path, content).expect("there is room");
    let path = CString::new(path.as_os_str().as_bytes()).expect("no zeros");
    (dir, path)
}

fn open(path: &CStr) -> Result<File, Unfit> {
    File::open(path, &identity())
}

fn content() -> Vec<u8> {
    let made = write::file(None, &made(HERE), &identity());
    let (content, left_out) = made.expect("it is small");
    assert_eq!(left_out, 0);
    content
}

#[test]
fn translated_again_it_is_the_same_to_the_byte() {
    let (one, other) = (made(HERE), made(HERE));
    assert_eq!(one.len(), 1, "all is of one image");
    assert!(one[0].entries.len() >= 3 && one[0].base_words.len() >= 3);
    assert_eq!(one, other);
    assert_eq!(content(), content());
}

#[test]
fn at_another_address_it_is_the_same_to_the_byte() {
    assert_eq!(made(HERE), made(THERE));
}

#[test]
fn it_is_found_where_the_same_code_is() {
    let (_dir, path) = written(&content());
    let mut kept = Kept::new(open(&path).expect("it fits"));
    let page = Page::at(THERE);
    assert!(kept.find(key(THERE)).is_none());
    assert!(kept.wake(key(THERE + 36), &page));
    let range = kept.file().range();
    for pc in [0, 36, 24] {
        let (host, _) = kept.find(key(THERE + pc)).expect("all of it is awake");
        assert!(range.contains(&host));
        assert_eq!(host % 16 * u64::from(pc != 24), 0);
    }
    let (_, flags) = kept.find(key(THERE)).expect("it is awake");
    assert_eq!(flags, Live::Weak, "STP may fault before CMP");
    // Not between entries, not in another mode, and not where it is not.
    assert!(kept.find(key(THERE + 4)).is_none());
    let pc = THERE;
    let mode = a64::lift::ANY_STACK;
    assert!(kept.find(Key { pc, mode }).is_none() && !kept.wake(Key { pc, mode }, &page));
    // At another place at the same time it is not.
    assert!(!kept.wake(key(HERE), &Page::at(HERE)));
    let inside = THERE + 40..THERE + 44;
    let touched: Vec<u32> = kept.touched(&inside).collect();
    assert_eq!(touched.len(), 1);
    assert_eq!(kept.touched(&(THERE + 48..THERE + 4096)).count(), 0);
    assert!(kept.same(touched[0], &page));
    let (keys, _) = kept.sleep(touched[0]).expect("it was awake");
    assert!(keys.contains(&key(THERE)) && kept.find(key(THERE)).is_none());
    assert!(kept.wake(key(HERE), &Page::at(HERE)));
}

#[test]
fn a_word_that_differs_keeps_it_asleep() {
    let (_dir, path) = written(&content());
    for changed in 0..PROGRAM.len() {
        for entry in [0, 36] {
            let mut kept = Kept::new(open(&path).expect("it fits"));
            let mut page = Page::at(HERE);
            page.1[changed] ^= 1 << 5;
            assert!(!kept.wake(key(HERE + entry), &page), "{changed} {entry}");
        }
    }
    // What lies behind it does not count, but for finding it.
    let mut kept = Kept::new(open(&path).expect("it fits"));
    let mut page = Page::at(HERE);
    page.1[500] = 0;
    assert!(kept.wake(key(HERE), &page));
    // A page elsewhere in its page is another place.
    let mut kept = Kept::new(open(&path).expect("it fits"));
    assert!(!kept.wake(key(HERE + 4 * 8), &Page::at(HERE + 4 * 8)));
}

#[test]
fn the_state_is_known_where_it_faults() {
    let (_dir, path) = written(&content());
    let mut kept = Kept::new(open(&path).expect("it fits"));
    assert!(kept.wake(key(THERE), &Page::at(THERE)));
    let file = *kept.file();
    let bits = |at: u64| file.known[(at / 8) as usize] >> (at % 8) & 1 == 1;
    let points = (0..file.code_length).filter(|&at| bits(at));
    let points: Vec<u64> = points
        .map(|at| kept.fault_point(file.code + at).expect("it is known").0.pc - THERE)
        .collect();
    for pc in [0, 8, 28] {
        assert!(points.contains(&pc), "{pc} {points:?}");
    }
    assert!(points.iter().all(|&pc| pc < 48), "{points:?}");
    for at in (0..file.code_length).filter(|&at| !bits(at)) {
        assert!(kept.fault_point(file.code + at).is_none(), "{at}");
    }
}

#[test]
fn more_comes_behind_what_is_there() {
    let (_dir, path) = written(&content());
    let old = open(&path).expect("it fits");
    let more = write::file(Some(&old), &made(HERE), &identity());
    let (more, _) = more.expect("it is small");
    let (_dir, path) = written(&more);
    let new = open(&path).expect("it fits");
    assert_eq!(new.clusters.len(), 2);
    assert_eq!(new.clusters[0], old.clusters[0]);
    let end = usize::try_from(old.code_length).expect("it is small");
    assert_eq!(new.bytes()[..end], *old.bytes());
    assert_ne!(new.clusters[1].data, new.clusters[0].data);
    let mut kept = Kept::new(new);
    assert!(kept.wake(key(HERE), &Page::at(HERE)));
}

/// A file with two clusters, of which the first leads to the second; the number of that exit, and
/// where it leads.
fn two(page: &Page) -> (TempDir, Kept, u32, Key) {
    let mut ran = Ran::default();
    for block in 0..6 {
        ran.note(key(page.0 + block * 4 * u64::from(LIMITS.insns)), true);
    }
    let mut lowerer = Lowerer::new(convention());
    let made = build::clusters::<Aarch64, _>(&ran, page, &mut lowerer, &|_| false);
    assert_eq!(made.len(), 2);
    let content = write::file(None, &made, &identity()).expect("it is small");
    let (dir, path) = written(&content.0);
    let kept = Kept::new(open(&path).expect("it fits"));
    let exits = &kept.file().exits;
    let exit = exits.iter().position(|exit| exit.entry != 0);
    let exit = exit.expect("the first leads to the second");
    let entry = kept.file().entries[exits[exit].entry as usize - 1];
    assert_eq!(entry.cluster, 1);
    let to = key(page.0 + u64::from(entry.pc));
    let exit = u32::try_from(exit).expect("there are few");
    (dir, kept, exit | KEPT, to)
}

#[test]
fn an_exit_leads_where_the_file_says() {
    let mut page = Page(THERE, alloc::vec![NOP; 4096]);
    let (_dir, mut kept, exit, to) = two(&page);
    assert!(kept.wake(key(THERE), &page) && kept.find(to).is_none());
    // For another place than it leads to it leads nowhere.
    assert!(kept.led(exit, key(to.pc + 4), &page).is_none());
    let there = kept.led(exit, to, &page).expect("it wakes the second");
    assert_eq!(kept.find(to), Some(there));
    assert_eq!(kept.led(exit, to, &page), Some(there), "it is awake");
    assert!(kept.led(exit, key(HERE), &page).is_none());
    assert!(kept.led(u32::MAX, to, &page).is_none(), "no such exit");
    kept.sleep(1).expect("it was awake");
    page.1[4 * LIMITS.insns as usize + 1] ^= 1 << 5;
    assert!(kept.led(exit, to, &page).is_none(), "a word differs");
    assert!(kept.find(to).is_none());
}

#[test]
fn an_exit_is_linked_while_both_clusters_are_awake() {
    let page = Page(THERE, alloc::vec![NOP; 4096]);
    let (_dir, mut kept, exit, to) = two(&page);
    let record = kept.file().exits[(exit & !KEPT) as usize];
    let leads = |kept: &Kept| kept.file().datum(record.data);
    let unlinked = kept.file().code + u64::from(record.unlinked);
    assert!(kept.wake(key(THERE), &page));
    assert_eq!(leads(&kept), unlinked);
    assert!(kept.wake(to, &page));
    let (there, _) = kept.find(to).expect("the second is awake");
    assert_eq!(leads(&kept), there);
    kept.sleep(1).expect("it was awake");
    assert_eq!(leads(&kept), unlinked);
    // The first wakes last.
    assert!(kept.wake(to, &page));
    kept.sleep(0).expect("it was awake");
    assert!(kept.wake(key(THERE), &page));
    assert_eq!(leads(&kept), there);
    kept.sleep(0).expect("it was awake");
    kept.sleep(1).expect("it was awake");
    // Elsewhere it is another image's.
    let elsewhere = HERE + (to.pc - THERE);
    let other = Page(HERE, page.1.clone());
    assert!(kept.wake(key(elsewhere), &other) && kept.wake(key(THERE), &page));
    assert_eq!(leads(&kept), unlinked);
    kept.sleep(1).expect("it was awake");
    kept.clear();
    assert!(kept.wake(to, &page));
    assert_eq!(leads(&kept), unlinked, "the first is forgotten");
}

#[test]
fn an_exit_to_live_code_stays_linked_to_it() {
    const LIVE: u64 = 0x1234_5678;
    let page = Page(THERE, alloc::vec![NOP; 4096]);
    let (_dir, mut kept, exit, to) = two(&page);
    let record = kept.file().exits[(exit & !KEPT) as usize];
    let leads = |kept: &Kept| kept.file().datum(record.data);
    assert!(kept.wake(key(THERE), &page));
    kept.link(exit, LIVE);
    assert!(kept.wake(to, &page));
    assert_eq!(leads(&kept), LIVE);
    kept.sleep(1).expect("it was awake");
    assert_eq!(leads(&kept), LIVE);
}

/// A forged file names for an entry another cluster than has the entry.
#[test]
fn an_exit_leads_to_no_entry_of_another_cluster() {
    let page = Page(THERE, alloc::vec![NOP; 4096]);
    let (_dir, kept, exit, to) = two(&page);
    let mut file = *kept.file();
    let mut entries = file.entries.to_vec();
    let entry = file.exits[(exit & !KEPT) as usize].entry - 1;
    entries[entry as usize].cluster = 0;
    file.entries = entries.leak();
    let mut kept = Kept::new(file);
    assert!(kept.wake(key(THERE), &page));
    assert!(kept.led(exit, to, &page).is_none());
}

#[test]
fn what_is_touched_is_that_of_each_image() {
    let page = Page(THERE, alloc::vec![NOP; 4096]);
    let (_dir, mut kept, exit, to) = two(&page);
    assert!(kept.wake(key(THERE), &page) && kept.led(exit, to, &page).is_some());
    let touched = |kept: &Kept, range| kept.touched(&range).collect::<Vec<_>>();
    assert_eq!(touched(&kept, THERE..THERE + 4), [KEPT]);
    assert_eq!(touched(&kept, to.pc..to.pc + 4), [1 | KEPT]);
    assert_eq!(touched(&kept, 0..u64::MAX), [KEPT, 1 | KEPT]);
    assert_eq!(touched(&kept, 0..THERE), [0; 0]);
    kept.sleep(KEPT).expect("it was awake");
    assert_eq!(touched(&kept, 0..u64::MAX), [1 | KEPT]);
    // The second one in another image.
    kept.sleep(1 | KEPT).expect("it was awake");
    assert!(kept.wake(key(THERE), &page));
    let there = HERE + (to.pc - THERE);
    assert!(kept.wake(key(there), &Page(HERE, page.1)));
    assert_eq!(touched(&kept, THERE..to.pc + 4), [KEPT]);
    assert_eq!(touched(&kept, HERE..there + 4), [1 | KEPT]);
    assert_eq!(touched(&kept, 0..u64::MAX), [KEPT, 1 | KEPT]);
}

#[test]
fn another_builds_or_machines_is_foreign() {
    let (_dir, path) = written(&content());
    assert!(open(&path).is_ok());
    let foreign = |identity: Identity| {
        let unfit = File::open(&path, &identity).err();
        assert_eq!(unfit, Some(Unfit::Foreign));
    };
    foreign(Identity::new([8; 20], &convention()));
    foreign(Identity {
        host: identity().host ^ 1,
        ..identity()
    });
    foreign(Identity {
        layout: identity().layout ^ 1,
        ..identity()
    });
    let poor = HostFeatures {
        gfni: false,
        ..HostFeatures::ALL
    };
    assert_ne!(
        Identity::new([7; 20], &Convention::new(layout::<Aarch64>(), poor)),
        identity()
    );
    let mut moved = convention();
    moved.layout.pc += 8;
    assert_ne!(Identity::new([7; 20], &moved), identity());
}

#[test]
fn what_was_cut_is_broken() {
    let whole = content();
    for length in [0, 8, 159, 160, 4096, whole.len() - 1] {
        let (_dir, path) = written(&whole[..length]);
        assert_eq!(open(&path).err(), Some(Unfit::Broken), "{length}");
    }
    let (_dir, path) = written(&[whole, alloc::vec![0]].concat());
    assert_eq!(open(&path).err(), Some(Unfit::Broken));
}
