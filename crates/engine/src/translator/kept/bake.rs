//! An engine's file with translations behind it ([`crate::host::baked`]).

use alloc::vec::Vec;
use core::ops::Range;

use crate::host::baked::PAGE_OF_IT;
use crate::host::page::PAGE;

/// The bytes of such a file, of an engine's and of a file's of translations. What lay
/// behind the engine before goes. Nothing if the engine has no page for it, or several.
#[must_use]
pub fn engine_with(engine: &[u8], translations: &[u8]) -> Option<Vec<u8>> {
    let page_size = usize::try_from(PAGE).ok()?;
    let pages = (0..engine.len()).step_by(page_size);
    let mut places = pages.filter(|&at| engine[at..].starts_with(&PAGE_OF_IT));
    let place = places.next()?;
    let before = number(engine, place + 16)?;
    let engine = match before {
        0 => engine,
        distance => engine.get(..place.checked_add(usize::try_from(distance).ok()?)?)?,
    };
    if places.any(|other| other < engine.len()) {
        return None;
    }
    let mut out = engine.to_vec();
    out.resize(out.len().next_multiple_of(page_size), 0);
    let distance = out.len() - place;
    for (at, number) in [(16, distance), (24, translations.len())] {
        let bytes = (number as u64).to_le_bytes();
        out.get_mut(word(place + at))?.copy_from_slice(&bytes);
    }
    out.extend_from_slice(translations);
    Some(out)
}

const fn word(at: usize) -> Range<usize> {
    at..at + 8
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(word(at))?.try_into().ok()?;
    Some(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine() -> Vec<u8> {
        let mut engine = alloc::vec![7; 3 * 4096 + 100];
        engine[8192..8192 + 16].copy_from_slice(&PAGE_OF_IT);
        engine[8208..8224].fill(0);
        engine
    }

    #[test]
    fn translations_lie_behind_it_and_the_page_says_where() {
        let with = engine_with(&engine(), &[9; 5000]).expect("it has a page");
        assert_eq!(with.len(), 4 * 4096 + 5000);
        assert_eq!(number(&with, 8208), Some(8192));
        assert_eq!(number(&with, 8216), Some(5000));
        assert_eq!(with[..8208], engine()[..8208]);
        assert_eq!(with[8224..engine().len()], engine()[8224..]);
        assert!(with[4 * 4096..].iter().all(|&byte| byte == 9));
    }

    #[test]
    fn what_lay_there_before_goes() {
        let once = engine_with(&engine(), &[9; 5000]).expect("it has a page");
        let again = engine_with(&once, &[8; 4096]).expect("it has one still");
        assert_eq!(again, engine_with(&engine(), &[8; 4096]).expect("as above"));
    }

    #[test]
    fn an_engine_without_a_page_or_with_two_is_none() {
        assert!(engine_with(&[0; 8192], &[1]).is_none());
        let two = [engine(), alloc::vec![0; 4096 - 100], engine()].concat();
        assert!(engine_with(&two, &[1]).is_none());
        // Not at the start of a page it is something else.
        let mut elsewhere = engine();
        elsewhere[100..116].copy_from_slice(&PAGE_OF_IT);
        assert!(engine_with(&elsewhere, &[1]).is_some());
    }
}
