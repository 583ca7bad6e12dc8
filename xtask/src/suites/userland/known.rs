//! The known failures: `known.txt`, a line each.

use anyhow::{Result, bail};

/// The file.
pub(super) const TEXT: &str = include_str!("known.txt");

/// Fails at times only, so passing is no news.
const SOMETIMES: &str = "sometimes: ";

#[derive(Debug)]
struct Line<'a> {
    suite: &'a str,
    /// A test, or a part of one.
    part: &'a str,
    reason: &'a str,
}

/// What is known to fail on the engine, and why.
#[derive(Debug)]
pub(super) struct Known<'a>(Vec<Line<'a>>);

impl<'a> Known<'a> {
    /// Lines of `suite test reason`; `#` begins a comment.
    pub(super) fn parse(text: &'a str) -> Result<Self> {
        let mut lines: Vec<Line<'_>> = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if line.is_empty() {
                continue;
            }
            let mut words = line.splitn(3, ' ');
            let [Some(suite), Some(part), Some(reason)] =
                [words.next(), words.next(), words.next()]
            else {
                bail!("known.txt: `{line}` is not of a suite, a test and a reason");
            };
            if lines
                .iter()
                .any(|line| (line.suite, line.part) == (suite, part))
            {
                bail!("known.txt: {suite} {part} is in it twice");
            }
            lines.push(Line {
                suite,
                part,
                reason,
            });
        }
        Ok(Self(lines))
    }

    /// Why a part of a test fails. A line about the test is about all its parts.
    pub(super) fn reason(&self, suite: &str, test: &str, part: &str) -> Option<&'a str> {
        let of = |wanted: &str| {
            let mut lines = self.0.iter();
            lines.find(|line| line.suite == suite && line.part == wanted)
        };
        of(part).or_else(|| of(test)).map(|line| line.reason)
    }

    /// What is known to fail of a test but is not among what does. `between` is
    /// between the names of the test and of a part of it.
    pub(super) fn gone(
        &self,
        suite: &str,
        between: char,
        test: &str,
        news: &[String],
    ) -> impl Iterator<Item = &'a str> {
        let of = |line: &&Line<'a>| {
            let rest = line.part.strip_prefix(test);
            line.suite == suite
                && !line.reason.starts_with(SOMETIMES)
                && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(between))
        };
        let fails = |line: &&Line<'a>| {
            if line.part == test {
                !news.is_empty()
            } else {
                // A test that broke off tells nothing of its parts.
                news.iter().any(|part| part == line.part || part == test)
            }
        };
        let lines: Vec<&str> = (self.0.iter())
            .filter(of)
            .filter(|line| !fails(line))
            .map(|line| line.part)
            .collect();
        lines.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::Guest;

    #[test]
    fn the_file_has_reasons() {
        let known = Known::parse(TEXT).unwrap();
        for line in &known.0 {
            assert!(line.reason.len() > 10, "{line:?}");
            let suites = &super::super::table::SUITES;
            let of = |guest: Guest| suites.iter().any(|s| guest.titled(s.name) == line.suite);
            assert!(Guest::ALL.into_iter().any(of), "{line:?}");
        }
        assert!(Known::parse("cpython test_x").is_err());
        assert!(Known::parse("a b c d\na b e").is_err());
    }

    #[test]
    fn what_passes_now_is_told() {
        let text = "s t:a why\ns u why not\ns t:b sometimes: slow\ns t.py another test";
        let known = Known::parse(text).unwrap();
        let gone = |test: &str, news: &[&str]| -> Vec<&str> {
            let news: Vec<String> = news.iter().map(|&part| part.to_owned()).collect();
            known.gone("s", ':', test, &news).collect()
        };
        assert_eq!(gone("t", &["t:c"]), ["t:a"]);
        assert!(gone("t", &["t:a"]).is_empty());
        assert!(gone("t", &["t"]).is_empty());
        assert_eq!(gone("u", &[]), ["u"]);
        assert!(gone("u", &["u:x"]).is_empty());
        assert_eq!(known.reason("s", "u", "u:x"), Some("why not"));
        assert_eq!(known.reason("s", "t", "t:x"), None);
    }
}
