//! Who named the folders in which emulators are looked for.

/// The environment variable whose value the caller passes to [`crate::Search::new`].
pub const ENV: &str = "ARMISTICE_EMULATOR_DIR";

/// Who named a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The user, on the command line.
    Option,
    /// The environment variable [`ENV`].
    Environment,
    /// Where the command itself lies.
    Beside,
    /// The project's own folders.
    Own,
    /// The distribution's places.
    Distribution,
}

impl Origin {
    /// Whether somebody named it, so that what is wrong there is an error.
    #[must_use]
    pub fn is_explicit(self) -> bool {
        matches!(self, Origin::Option | Origin::Environment)
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Option => write!(f, "named on the command line"),
            Origin::Environment => write!(f, "named by {ENV}"),
            Origin::Beside => write!(f, "the command's own folder"),
            Origin::Own => write!(f, "Armistice's own folder"),
            Origin::Distribution => write!(f, "the distribution's folder"),
        }
    }
}
