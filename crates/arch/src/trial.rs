//! Programs that nothing but a trial's handler takes.
//!
//! A handler is proven before it takes anybody's programs: for the trial its
//! pattern asks for a word in the padding of the ELF header (`e_ident[9..16]`),
//! which is zero in every program that a linker makes. Test programs have the
//! word there. Kernels and emulators do not look at these bytes (gABI: "reserved
//! and set to zero; programs that read object files should ignore them").

use crate::pattern::Pattern;

/// Where the padding begins (EI_PAD, as Linux counts it), and what is put there.
const PADDING: usize = 9;
const WORD: &[u8; 7] = b"armstce";

impl Pattern {
    /// The same pattern, for test programs only. `None` where it does not compare
    /// the file from its beginning to behind the padding.
    #[must_use]
    pub fn for_trial(&self) -> Option<Pattern> {
        let padding = PADDING..PADDING + WORD.len();
        if self.offset != 0 {
            return None;
        }
        let mut pattern = self.clone();
        pattern
            .magic
            .get_mut(padding.clone())?
            .copy_from_slice(WORD);
        pattern.mask.get_mut(padding)?.fill(0xff);
        Some(pattern)
    }

    /// Whether this pattern takes test programs only.
    #[must_use]
    pub fn is_for_trial(&self) -> bool {
        self.for_trial().is_some_and(|trial| trial == *self)
    }
}

/// A program as a trial's handler takes it. What is too short to have an ELF
/// header stays as it is.
#[must_use]
pub fn program(bytes: &[u8]) -> Vec<u8> {
    let mut program = bytes.to_vec();
    if let Some(padding) = program.get_mut(PADDING..PADDING + WORD.len()) {
        padding.copy_from_slice(WORD);
    }
    program
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ARCHES;

    #[test]
    fn a_trial_takes_its_own_programs_and_nobody_elses() {
        for arch in ARCHES {
            let trial = arch.pattern().for_trial().expect("every row has one");
            assert!(trial.is_for_trial() && !arch.pattern().is_for_trial());
            for other in ARCHES {
                for kind in [2, 3] {
                    let usual = other.sample_header(kind, 0);
                    assert!(!trial.matches(&usual), "{} {}", arch.name, other.name);
                    let taken = arch.pattern().matches(&usual);
                    let marked = program(&usual);
                    assert_eq!(trial.matches(&marked), taken, "{}", other.name);
                    assert!(!arch.pattern().matches(&marked), "{}", other.name);
                }
            }
        }
    }
}
