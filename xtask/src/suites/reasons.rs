//! Lists kept as text: names, and a reason, a line each.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

/// Of as many names a line.
#[derive(Debug)]
pub(super) struct Reasons<const NAMES: usize>(BTreeMap<[&'static str; NAMES], &'static str>);

impl<const NAMES: usize> Reasons<NAMES> {
    /// Of a file's text; `#` begins a comment.
    pub(super) fn read(file: &str, text: &'static str) -> Result<Self> {
        let mut reasons = BTreeMap::new();
        let lines = text.lines();
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let wrong = || format!("{file}: `{line}` is not of {NAMES} names and a reason");
            let mut rest = line;
            let mut names = [""; NAMES];
            for name in &mut names {
                (*name, rest) = rest.split_once(' ').with_context(wrong)?;
            }
            if rest.trim().is_empty() {
                bail!(wrong());
            }
            if reasons.insert(names, rest).is_some() {
                bail!("{file}: `{line}`: that is there twice");
            }
        }
        Ok(Self(reasons))
    }

    pub(super) fn of(&self, names: [&str; NAMES]) -> Option<&'static str> {
        let mut all = self.0.iter();
        all.find(|(of, _)| **of == names).map(|(_, reason)| *reason)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &[&'static str; NAMES]> {
        self.0.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_names_and_a_reason() {
        let reasons: Reasons<2> = Reasons::read("f", "# no\n\ns t it is so\n").unwrap();
        assert_eq!(reasons.of(["s", "t"]), Some("it is so"));
        assert_eq!(reasons.of(["s", "u"]), None);
        for bad in ["s t", "s", "s t ", "s t why\ns t not"] {
            assert!(Reasons::<2>::read("f", bad).is_err(), "{bad}");
        }
    }
}
