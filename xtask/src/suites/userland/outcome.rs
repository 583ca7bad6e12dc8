//! What came of a test, and how that of two machines differs.

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    /// It says that it does not apply.
    Skipped,
    Failed {
        /// In a few words.
        how: String,
        /// The names of what failed in it. None if it tells none, or broke off.
        parts: Vec<String>,
    },
}

impl Outcome {
    /// Whether it says what the machine can do: it passed, or at least in part.
    pub(super) fn measures(&self) -> bool {
        match self {
            Outcome::Passed => true,
            Outcome::Skipped => false,
            Outcome::Failed { parts, .. } => !parts.is_empty(),
        }
    }

    /// What fails (or is skipped) in the other one only: parts, or the whole
    /// test.
    pub(super) fn worse(&self, test: &str, other: &Outcome) -> Vec<String> {
        let whole = || vec![test.to_owned()];
        let mine: &[String] = match self {
            Outcome::Failed { parts, .. } => parts,
            Outcome::Passed | Outcome::Skipped => &[],
        };
        match other {
            _ if !self.measures() => Vec::new(),
            Outcome::Passed => Vec::new(),
            Outcome::Failed { parts, .. } if !parts.is_empty() => {
                let new = parts.iter().filter(|part| !mine.contains(part));
                new.cloned().collect()
            }
            Outcome::Skipped | Outcome::Failed { .. } => whole(),
        }
    }

    /// For a table.
    pub(super) fn says(&self) -> &str {
        match self {
            Outcome::Passed => "passes",
            Outcome::Skipped => "skipped",
            Outcome::Failed { how, .. } => how,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(parts: &[&str]) -> Outcome {
        Outcome::Failed {
            how: "fails".to_owned(),
            parts: parts.iter().map(|&part| part.to_owned()).collect(),
        }
    }

    #[test]
    fn only_what_passes_natively_counts() {
        let natively = failed(&["t.a"]);
        assert_eq!(natively.worse("t", &failed(&["t.a", "t.b"])), ["t.b"]);
        assert_eq!(natively.worse("t", &failed(&[])), ["t"]);
        assert!(failed(&[]).worse("t", &failed(&["t.a"])).is_empty());
        assert!(Outcome::Skipped.worse("t", &failed(&[])).is_empty());
        assert_eq!(Outcome::Passed.worse("t", &Outcome::Skipped), ["t"]);
        assert!(Outcome::Passed.worse("t", &Outcome::Passed).is_empty());
    }
}
