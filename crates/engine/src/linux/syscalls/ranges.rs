//! Ranges of addresses as arguments of system calls: what the kernel makes of
//! an address and a length before it looks at any page, a [`Rule`] each.
//!
//! A range that the kernel refuses, or in which there is nothing to do, goes to
//! the host as the guest gave it: the host's kernel names the error, in its own
//! order with all else that may be wrong with the call. Only a range that the
//! kernel accepts is looked at here. It may reach where the guest has nothing
//! and the host may have something: the engine's pages, and addresses past the
//! host's end (47 bits, and a guest may have more). Then the host is called for the
//! guest's parts alone, and for the rest with [`NOWHERE`], so that the error is
//! the kernel's for memory that is not there.
//!
//! A kernel whose addresses have tags takes them off these addresses whether the program
//! asked for the tagged address ABI or not (its tagged-address-abi.rst: addresses that the kernel does not access); so does
//! [`Rule::take`].

use core::ops::Range;

use super::Call;
use crate::host::own;
use crate::host::page::{END, PAGE, page_down};
use crate::host::sys::{Errno, number};
use crate::linux::abi::platform::Platform;

/// An address past the end of a program's on the host, where nothing is mapped
/// without being asked for by such an address.
pub(super) const NOWHERE: u64 = 1 << 47;

/// What becomes of an address that is not a page's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// `EINVAL`.
    Aligned,
    /// It is rounded down.
    Down,
}

/// How a length is rounded; always without a look at overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// Up.
    Up,
    /// Up, and what the start was rounded down by is added before.
    UpFromStart,
    /// Down.
    Down,
}

/// What a part that is not mapped means for the rest of the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holes {
    /// Nothing is done to any page.
    Refused,
    /// What comes before it is done.
    Before,
    /// All else is done; this error says that there was such a part.
    Around(Errno),
    /// All else is done; this error says that there was nothing else.
    Skipped(Errno),
}

/// What the kernel checks of a call's range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// The host's number.
    number: u32,
    /// Which argument is the address; the length is the next.
    address: usize,
    start: Start,
    length: Length,
    /// The error of length 0; none where that is a success.
    zero: Option<Errno>,
    /// The error of a length that rounding makes 0; none as above.
    rounded_to_zero: Option<Errno>,
    /// The error of a range past the last address.
    wraps: Errno,
    /// Whether a range past the end of a program's addresses is refused too.
    ends: bool,
    holes: Holes,
    /// Whether the kernel takes tags off.
    tags: bool,
}

/// What the most have in common.
const MOST: Rule = Rule {
    number: 0,
    address: 0,
    start: Start::Aligned,
    length: Length::Up,
    zero: None,
    rounded_to_zero: None,
    wraps: Errno::EINVAL,
    ends: false,
    holes: Holes::Before,
    tags: true,
};

pub(super) const MUNMAP: Rule = Rule {
    number: number::MUNMAP,
    zero: Some(Errno::EINVAL),
    rounded_to_zero: Some(Errno::EINVAL),
    ends: true,
    ..MOST
};
pub(super) const MPROTECT: Rule = Rule {
    number: number::MPROTECT,
    rounded_to_zero: Some(Errno::ENOMEM),
    wraps: Errno::ENOMEM,
    ..MOST
};
pub(super) const MADVISE: Rule = Rule {
    number: number::MADVISE,
    rounded_to_zero: Some(Errno::EINVAL),
    holes: Holes::Around(Errno::ENOMEM),
    ..MOST
};
/// `MADV_POPULATE_READ` and `MADV_POPULATE_WRITE`.
pub(super) const POPULATE: Rule = Rule {
    holes: Holes::Before,
    ..MADVISE
};
pub(super) const MSYNC: Rule = Rule {
    number: number::MSYNC,
    wraps: Errno::ENOMEM,
    holes: Holes::Around(Errno::ENOMEM),
    ..MOST
};
pub(super) const MINCORE: Rule = Rule {
    number: number::MINCORE,
    rounded_to_zero: Some(Errno::ENOMEM),
    wraps: Errno::ENOMEM,
    ends: true,
    ..MOST
};
pub(super) const MLOCK: Rule = Rule {
    number: number::MLOCK,
    start: Start::Down,
    length: Length::UpFromStart,
    ..MOST
};
pub(super) const MLOCK2: Rule = Rule {
    number: number::MLOCK2,
    ..MLOCK
};
pub(super) const MUNLOCK: Rule = Rule {
    number: number::MUNLOCK,
    ..MLOCK
};
pub(super) const MBIND: Rule = Rule {
    number: number::MBIND,
    holes: Holes::Refused,
    ..MOST
};
/// The default policy, which is that of no mapping.
pub(super) const MBIND_DEFAULT: Rule = Rule {
    holes: Holes::Skipped(Errno::EFAULT),
    ..MBIND
};
pub(super) const HOME_NODE: Rule = Rule {
    number: number::SET_MEMPOLICY_HOME_NODE,
    holes: Holes::Skipped(Errno::ENOENT),
    ..MOST
};
pub(super) const MSEAL: Rule = Rule {
    number: number::MSEAL,
    rounded_to_zero: Some(Errno::EINVAL),
    holes: Holes::Refused,
    ..MOST
};
pub(super) const REMAP_FILE_PAGES: Rule = Rule {
    number: number::REMAP_FILE_PAGES,
    start: Start::Down,
    length: Length::Down,
    zero: Some(Errno::EINVAL),
    rounded_to_zero: Some(Errno::EINVAL),
    holes: Holes::Refused,
    ..MOST
};
/// `prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, ...)`: the documentation excepts
/// `prctl` from the calls that take tags without being asked to.
pub(super) const NAME: Rule = Rule {
    number: number::PRCTL,
    address: 2,
    tags: false,
    ..MADVISE
};

/// What the kernel finds before it looks at pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// An error, if no other comes first.
    Refused(Errno),
    /// There is nothing to do.
    Nothing,
    /// The pages of the call, at least one, up to a representable end.
    Pages(Range<u64>),
}

impl Rule {
    /// What the kernel makes of an address without a tag and a length.
    pub(super) fn verdict(&self, platform: &Platform, address: u64, length: u64) -> Verdict {
        let start = page_down(address);
        if self.start == Start::Aligned && address != start {
            return Verdict::Refused(Errno::EINVAL);
        }
        if self.ends
            && platform
                .end
                .checked_sub(start)
                .is_none_or(|room| length > room)
        {
            return Verdict::Refused(self.wraps);
        }
        let up = |length: u64| page_down(length.wrapping_add(PAGE - 1));
        let size = match self.length {
            Length::Up => up(length),
            Length::UpFromStart => up(length.wrapping_add(address - start)),
            Length::Down => page_down(length),
        };
        if size == 0 {
            let error = if length == 0 {
                self.zero
            } else {
                self.rounded_to_zero
            };
            return error.map_or(Verdict::Nothing, Verdict::Refused);
        }
        match start.checked_add(size) {
            Some(end) => Verdict::Pages(start..end),
            None => Verdict::Refused(self.wraps),
        }
    }

    /// The same of a call's arguments, from which the tag is taken off.
    pub(super) fn take(&self, platform: &Platform, arguments: &mut [u64; 6]) -> Verdict {
        if self.tags {
            arguments[self.address] = platform.untagged(arguments[self.address]);
        }
        self.verdict(
            platform,
            arguments[self.address],
            arguments[self.address + 1],
        )
    }

    /// Makes the call for a part of its range.
    pub(super) fn part(&self, call: &mut Call<'_>, part: &Range<u64>) -> Result<u64, Errno> {
        call.arguments[self.address] = part.start;
        call.arguments[self.address + 1] = part.end - part.start;
        call.pass(self.number)
    }

    /// Makes the call where nothing is: the kernel's error for that, or what it
    /// finds wrong before it looks for memory.
    pub(super) fn nowhere(&self, call: &mut Call<'_>) -> Result<u64, Errno> {
        self.part(call, &(NOWHERE..NOWHERE + PAGE))
    }

    /// Makes the call, with the parts that are not the guest's left out.
    pub(super) fn call(&self, call: &mut Call<'_>) -> Result<u64, Errno> {
        match self.take(call.process.platform, &mut call.arguments) {
            Verdict::Pages(pages) if reaches_out(&pages) => self.around(call, pages),
            _ => call.pass(self.number),
        }
    }

    fn around(&self, call: &mut Call<'_>, pages: Range<u64>) -> Result<u64, Errno> {
        match self.holes {
            Holes::Refused => {}
            Holes::Before => {
                let before = before(&pages);
                if !before.is_empty() {
                    self.part(call, &before)?;
                }
            }
            Holes::Around(hole) => {
                for part in parts(pages) {
                    match self.part(call, &part) {
                        Err(error) if error != hole => return Err(error),
                        _ => {}
                    }
                }
            }
            Holes::Skipped(hole) => {
                let mut done = None;
                for part in parts(pages) {
                    match self.part(call, &part) {
                        Err(error) if error != hole => return Err(error),
                        Err(_) => {}
                        result => done = Some(result),
                    }
                }
                if let Some(result) = done {
                    return result;
                }
            }
        }
        self.nowhere(call)
    }
}

/// Whether a range has an address that is not the guest's to map.
pub(in crate::linux) fn reaches_out(pages: &Range<u64>) -> bool {
    pages.end > END || own::overlaps(pages)
}

/// The parts of a range that are the guest's to map, in ascending order.
pub(in crate::linux) fn parts(pages: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    own::without(pages.start..pages.end.min(END))
}

/// The part of a range before the first address that is not the guest's to map.
pub(in crate::linux) fn before(pages: &Range<u64>) -> Range<u64> {
    match parts(pages.clone()).next() {
        Some(part) if part.start == pages.start => part,
        _ => pages.start..pages.start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::sys;
    use crate::linux::abi::arm64::platform::PLATFORM;
    use proptest::prelude::*;

    const RULES: [Rule; 14] = [
        MUNMAP,
        MPROTECT,
        MADVISE,
        POPULATE,
        MSYNC,
        MINCORE,
        MLOCK,
        MLOCK2,
        MUNLOCK,
        MBIND,
        HOME_NODE,
        MSEAL,
        REMAP_FILE_PAGES,
        NAME,
    ];

    /// Numbers about which arithmetic goes wrong.
    fn odd() -> impl Strategy<Value = u64> {
        let edges = prop::sample::select(alloc::vec![
            0,
            PAGE,
            1 << 20,
            1 << 46,
            END,
            NOWHERE,
            PLATFORM.end,
            1 << 56,
            1 << 63,
            0_u64.wrapping_sub(PAGE),
            0_u64.wrapping_sub(1 << 47),
        ]);
        let near = prop::sample::select(alloc::vec![
            0_u64,
            1,
            2,
            0xfff,
            0x800,
            PAGE,
            0_u64.wrapping_sub(1),
            0_u64.wrapping_sub(PAGE),
            0_u64.wrapping_sub(0xfff),
        ]);
        prop_oneof![
            (edges, near).prop_map(|(edge, near): (u64, u64)| edge.wrapping_add(near)),
            any::<u64>(),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// In numbers that don't overflow.
        #[test]
        fn pages_are_those_that_the_bytes_are_in(address in odd(), length in odd()) {
            let page = u128::from(PAGE);
            let (from, bytes) = (u128::from(address), u128::from(length));
            for rule in RULES {
                let start = from / page * page;
                let end = match rule.length {
                    Length::Down => start + bytes / page * page,
                    // In the kernel, the sum of a length and what is added goes
                    // round where `mlock` adds.
                    Length::UpFromStart if length > u64::MAX - 2 * PAGE => continue,
                    Length::Up | Length::UpFromStart => (from + bytes).div_ceil(page) * page,
                };
                let last = if rule.ends { u128::from(PLATFORM.end) } else { u128::from(u64::MAX) };
                let accepted = (rule.start == Start::Down || start == from)
                    && end > start
                    && end <= last;
                match rule.verdict(&PLATFORM, address, length) {
                    Verdict::Pages(pages) => {
                        prop_assert!(accepted, "{:?}", rule);
                        prop_assert_eq!(u128::from(pages.start), start);
                        prop_assert_eq!(u128::from(pages.end), end);
                    }
                    _ => prop_assert!(!accepted, "{:?}", rule),
                }
            }
        }

        /// What is refused, or nothing, is so by this machine's kernel, which
        /// then touches no page.
        #[test]
        fn the_kernel_finds_the_same(address in odd(), length in odd()) {
            for rule in RULES {
                // The ends of addresses differ.
                if rule.ends && address >= END {
                    continue;
                }
                let verdict = rule.verdict(&PLATFORM, address, length);
                let expected = match verdict {
                    Verdict::Pages(_) => continue,
                    Verdict::Nothing => Ok(0),
                    Verdict::Refused(error) => Err(error),
                };
                let mut arguments = [0; 6];
                let mut byte = 0_u8;
                if rule.number == number::PRCTL {
                    arguments[0] = 0x5356_4d41;
                }
                if rule.number == number::MINCORE {
                    arguments[2] = &raw mut byte as u64;
                }
                arguments[rule.address] = address;
                arguments[rule.address + 1] = length;
                // SAFETY: the kernel refuses the range or finds nothing to do.
                let found = unsafe { sys::syscall(rule.number, arguments) };
                match found {
                    // A kernel that does not have the call, or names for memory.
                    Err(Errno::ENOSYS) => {}
                    Err(Errno::EINVAL) if rule.number == number::PRCTL => {}
                    // Looked at before: limits of memory that may be locked.
                    Err(Errno::ENOMEM | Errno::EPERM) if rule.start == Start::Down => {}
                    found => prop_assert_eq!(found, expected, "{:?} {:#x} {:#x}", rule, address, length),
                }
            }
        }
    }

    #[test]
    fn lengths_that_overflow_are_refused() {
        let refused = |rule: Rule, length: u64| match rule.verdict(&PLATFORM, 0x1000, length) {
            Verdict::Refused(error) => Some(error),
            _ => None,
        };
        for length in [-4095_i64, -1, -2049].map(i64::cast_unsigned) {
            assert_eq!(refused(MUNMAP, length), Some(Errno::EINVAL));
            assert_eq!(refused(MPROTECT, length), Some(Errno::ENOMEM));
            assert_eq!(refused(MADVISE, length), Some(Errno::EINVAL));
            assert_eq!(refused(MSEAL, length), Some(Errno::EINVAL));
            // Where the kernel rounds to 0 and does not look.
            for rule in [MSYNC, MBIND, MLOCK] {
                assert_eq!(rule.verdict(&PLATFORM, 0x1000, length), Verdict::Nothing);
            }
        }
        assert_eq!(
            MUNMAP.verdict(&PLATFORM, 0x1000, PLATFORM.end - 0x1000),
            Verdict::Pages(0x1000..PLATFORM.end)
        );
        assert_eq!(refused(MUNMAP, PLATFORM.end - 0xfff), Some(Errno::EINVAL));
    }
}
