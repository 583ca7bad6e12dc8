//! `madvise` and `process_madvise`: advice about one range, and about many.

use alloc::vec::Vec;
use core::ops::Range;

use super::Call;
use super::ranges::{MADVISE, NOWHERE, POPULATE, Rule, Verdict, parts, reaches_out};
use crate::host::page::PAGE;
use crate::host::sys::{self, Errno, number};

/// The advice that changes what is there: DONTNEED, FREE, REMOVE,
/// DONTNEED_LOCKED, GUARD_INSTALL.
const CHANGING: [i32; 5] = [4, 8, 9, 24, 102];
/// The advice that ends at the first hole: POPULATE_READ, POPULATE_WRITE.
const ENDING: [i32; 2] = [22, 23];

const fn rule(advice: i32) -> &'static Rule {
    if advice == ENDING[0] || advice == ENDING[1] {
        &POPULATE
    } else {
        &MADVISE
    }
}

pub(in crate::linux) fn madvise(call: &mut Call<'_>) -> Result<u64, Errno> {
    let advice = call.int(2);
    let rule = rule(advice);
    let verdict = rule.take(call.process.platform, &mut call.arguments);
    let result = rule.call(call);
    // An error may be of a part of it.
    if CHANGING.contains(&advice)
        && let Verdict::Pages(pages) = verdict
    {
        call.process.space.changed(pages);
    }
    result
}

/// `process_madvise`: of another process the kernel takes only advice that
/// changes nothing; of this one, what `madvise` may not do this may not
/// either.
pub(in crate::linux) fn process_madvise(call: &mut Call<'_>) -> Result<u64, Errno> {
    /// COLD, PAGEOUT, WILLNEED, COLLAPSE.
    const REMOTE: [i32; 4] = [20, 21, 3, 25];
    let advice = call.int(3);
    let Some(vector) = ranges(call) else {
        return call.pass(number::PROCESS_MADVISE);
    };
    let out = vector.iter().position(|&[start, length]| {
        matches!(MADVISE.verdict(call.process.platform, start, length), Verdict::Pages(pages) if reaches_out(&pages))
    });
    // The pages of another process are not the engine's.
    let out = out.filter(|_| !REMOTE.contains(&advice));
    let result = match out {
        None => advise(call, &vector),
        Some(out) => advise_around(call, &vector, out),
    };
    if CHANGING.contains(&advice) {
        for &[start, length] in &vector {
            if let Verdict::Pages(pages) = MADVISE.verdict(call.process.platform, start, length) {
                call.process.space.changed(pages);
            }
        }
    }
    result
}

/// A copy of the vector, that another thread cannot change behind a look. None
/// where the kernel refuses the call for its vector. Its addresses take no tags
/// but by the tagged address ABI: the kernel looks at vectors as if it were to
/// access what they name.
fn ranges(call: &mut Call<'_>) -> Option<Vec<[u64; 2]>> {
    const IOV_MAX: u64 = 1024;
    let [_, vector, count, ..] = call.arguments;
    if count > IOV_MAX {
        return None;
    }
    let mut ranges = Vec::new();
    for n in 0..count {
        let Ok([start, length]) = call.words(vector.wrapping_add(16 * n)) else {
            // It may be there by now, but then it has not been looked at.
            call.arguments[1] = NOWHERE;
            return None;
        };
        ranges.push([start, length]);
    }
    Some(ranges)
}

/// Makes the call for these ranges.
fn advise(call: &mut Call<'_>, ranges: &[[u64; 2]]) -> Result<u64, Errno> {
    call.arguments[1] = ranges.as_ptr() as u64;
    call.arguments[2] = ranges.len() as u64;
    call.pass(number::PROCESS_MADVISE)
}

/// Makes the call for the ranges up to one that reaches where the guest has
/// nothing: the kernel ends there, and says how many bytes came before.
fn advise_around(call: &mut Call<'_>, vector: &[[u64; 2]], out: usize) -> Result<u64, Errno> {
    let (before, rest) = vector.split_at(out);
    let total = before.iter().map(|&[_, length]| length).sum();
    if !before.is_empty() {
        let done = advise(call, before)?;
        if done < total {
            return Ok(done);
        }
    }
    let [start, length] = rest[0];
    let pages = match MADVISE.verdict(call.process.platform, start, length) {
        Verdict::Pages(pages) => pages,
        _ => 0..0,
    };
    let error = advise_parts(call, pages).unwrap_or_else(|error| error);
    if total > 0 && error != Errno::RESTART {
        return Ok(total);
    }
    Err(error)
}

/// Makes the call for the parts of a range that are the guest's to map, one by
/// one; returns the kernel's error for a range that has others too.
fn advise_parts(call: &mut Call<'_>, pages: Range<u64>) -> Result<Errno, Errno> {
    // What is wrong with the rest of the call.
    advise(call, &[])?;
    let advice = call.arguments[3];
    for part in parts(pages) {
        match advise(call, &[[part.start, part.end - part.start]]) {
            Err(error) if error != Errno::ENOMEM => return Err(error),
            _ => {}
        }
    }
    let nowhere = [NOWHERE, PAGE, advice, 0, 0, 0];
    // SAFETY: nothing is there.
    match unsafe { sys::syscall(number::MADVISE, nowhere) } {
        Err(error) => Ok(error),
        Ok(_) => Ok(Errno::ENOMEM),
    }
}
