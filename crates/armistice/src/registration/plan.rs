//! The rules by which a change is planned, beside other programs' entries, and how a report
//! words what became of an entry.

use armistice_arch::Arch;
use armistice_binfmt::{Action, Change, Reason, Rules, Snapshot};

use crate::output::shown;
use crate::own;
use crate::registration::persist;
use crate::remedy::Words;

/// How entries of somebody else's are dealt with.
pub(crate) fn rules(replace_foreign: bool) -> Rules {
    Rules {
        replace_foreign,
        reserved: Vec::new(),
    }
}

/// The same for what stays over reboots, beside what others have there.
pub(crate) fn persisted(replace_foreign: bool) -> Rules {
    Rules {
        replace_foreign,
        reserved: persist::names_of_others(),
    }
}

/// What becomes of an entry, as a report says it.
pub(crate) fn action_text(change: &Change, arch: &Arch, live: &Snapshot) -> String {
    let done = match &change.action {
        Action::Keep => "kept".to_owned(),
        Action::Add => "added".to_owned(),
        // Which one it was: with another engine, the flags and the pattern are the same.
        Action::Replace {
            old,
            why: Reason::Interpreter,
        } => format!(
            "replaced: its interpreter was {}",
            shown(&old.interpreter.to_string_lossy())
        ),
        Action::Replace { why, .. } => format!("replaced: {why}"),
    };
    match own::behind(live, arch) {
        // Removed, or kept as it is.
        Some(other) if other.name == change.wanted.name => done,
        Some(other) => format!(
            "{done}, before {}, which takes over again after: {}",
            own::described(other),
            Words::here().verb("unregister", arch.display_name())
        ),
        None => done,
    }
}
