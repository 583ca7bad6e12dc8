//! The known failures of the engine: `known.txt`, a line each.

use anyhow::Result;

use super::super::reasons::Reasons;

/// Where they are, for who has to change it.
pub(super) const FILE: &str = "xtask/src/suites/compared/known.txt";

const TEXT: &str = include_str!("known.txt");

/// Fails at times only, so passing is no news.
const SOMETIMES: &str = "sometimes: ";

/// Those of one suite.
#[derive(Debug)]
pub(super) struct Known {
    /// Its title.
    suite: String,
    reasons: Reasons<2>,
}

impl Known {
    pub(super) fn of(suite: String) -> Result<Self> {
        let reasons = Reasons::read(FILE, TEXT)?;
        Ok(Self { suite, reasons })
    }

    /// Why a test may fail.
    pub(super) fn reason(&self, test: &str) -> Option<&'static str> {
        self.reasons.of([&self.suite, test])
    }

    /// Whether a test has to fail: else it is to be taken out of the list.
    pub(super) fn always(&self, test: &str) -> bool {
        let reason = self.reason(test);
        reason.is_some_and(|reason| !reason.starts_with(SOMETIMES))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::cross;
    use super::*;
    use crate::guest::Guest;

    #[test]
    fn the_list_is_of_suites_that_are() {
        let reasons: Reasons<2> = Reasons::read(FILE, TEXT).unwrap();
        for [suite, test] in reasons.names() {
            let suites = cross::SUITES.into_iter();
            let mut titles = suites.flat_map(|name| Guest::ALL.map(|guest| guest.titled(name)));
            assert!(titles.any(|title| title == *suite), "{suite} {test}");
        }
    }
}
