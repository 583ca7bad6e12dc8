//! Whose table a verb is about: the machine's, or that of a rootless engine's user
//! namespace.
//!
//! - [`choice`]: which, by `--for` or by what runs here.
//! - [`table`]: the engine's own table, made where it has none.
//! - [`outer`]: the proof where an outer table does it all.
//! - [`outside`]: what a registration for an engine means outside of its containers.
//! - [`mod@unit`]: `--persist` for an ordinary user: a unit of the user's systemd.
//!
//! Once a namespace is joined, this process is user 0 in it and can't leave. The
//! verbs then do what they do anywhere; what they say of commands that mend
//! something goes through [`joined`].

pub(crate) mod choice;
pub(crate) mod outer;
pub(crate) mod outside;
pub(crate) mod table;
pub(crate) mod unit;

use std::sync::OnceLock;

use anyhow::Result;
use armistice_binfmt::{BinfmtError, KernelVersion};
use armistice_container::rootless::{Engine, Keeper, join};
use rustix::process::geteuid;
use serde::Serialize;

use crate::cli::Whose;
use crate::output::Output;
use choice::Purpose;

/// The namespace that this process has joined.
static JOINED: OnceLock<Joined> = OnceLock::new();

/// An engine's namespace, for answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Joined {
    #[serde(serialize_with = "name")]
    pub(crate) engine: Engine,
    /// The process with whose end the table goes.
    pub(crate) pid: i32,
}

fn name<S: serde::Serializer>(engine: &Engine, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(engine.name())
}

/// The namespace that this process has joined, if it has.
pub(crate) fn joined() -> Option<Joined> {
    JOINED.get().copied()
}

/// Says, with the error of an ordinary user who may not change the machine's table, which
/// table such a user may change: that of a rootless engine, even if it does not run yet.
pub(crate) fn hint(error: BinfmtError, output: Output) -> BinfmtError {
    let lacks = matches!(error, BinfmtError::NoRight { .. });
    if lacks && !geteuid().is_root() && KernelVersion::running().has_namespaces() {
        output.note(
            "This is about the machine's table, which only root may change. For containers of rootless Podman alone \
             no root is needed: --for podman (or docker, which has to run)",
        );
    }
    error
}

/// Joins the namespace of the process that was chosen.
///
/// # Errors
/// Where the kernel refuses, or the process has ended.
pub(crate) fn enter(keeper: &Keeper) -> Result<()> {
    join(keeper)?;
    let _ = JOINED.set(Joined {
        engine: keeper.engine,
        pid: keeper.pid,
    });
    Ok(())
}

/// Chooses, and joins what was chosen.
///
/// # Errors
/// As [`choice::choose`] and [`enter`].
pub(crate) fn enter_for(
    given: Option<Whose>,
    purpose: Purpose,
    output: Output,
) -> Result<Option<Joined>> {
    let chosen = choice::choose(given, purpose, output)?;
    enter_chosen(chosen.as_ref())
}

/// Joins what [`choice::choose`] chose.
///
/// # Errors
/// As [`enter`].
pub(crate) fn enter_chosen(chosen: Option<&Keeper>) -> Result<Option<Joined>> {
    chosen.map_or(Ok(()), enter)?;
    Ok(joined())
}

/// [`Purpose::Plan`] for a dry run.
pub(crate) fn to_change(dry_run: bool) -> Purpose {
    if dry_run {
        Purpose::Plan
    } else {
        Purpose::Change
    }
}

impl Joined {
    /// As text names it: `rootless Podman (its pause process, 123)`.
    pub(crate) fn named(self) -> String {
        named(self.engine, self.pid)
    }

    /// With what the namespace, and its table, end.
    pub(crate) fn ends_with(self) -> String {
        ends_with(self.engine, self.pid)
    }

    /// This command, as it is typed for the same engine.
    pub(crate) fn command(self, verb: &str, words: &str) -> String {
        let text = format!("armistice {verb} --for {} {words}", self.engine.name());
        text.trim_end().to_owned()
    }

    /// A shell command that is to be run in the namespace.
    pub(crate) fn inside(self, script: &str) -> String {
        match self.engine {
            Engine::Podman => format!("podman unshare sh -c '{script}'"),
            Engine::Docker | Engine::BuildKit => format!(
                "nsenter --target {} --user --preserve-credentials --mount sh -c '{script}'",
                self.pid
            ),
        }
    }
}

pub(crate) fn named(engine: Engine, pid: i32) -> String {
    format!("{} ({}, {pid})", engine.title(), engine.keeper())
}

pub(crate) fn ends_with(engine: Engine, pid: i32) -> String {
    match engine {
        Engine::Podman => {
            format!("with Podman's pause process ({pid}): by `podman system migrate`, or a reboot")
        }
        Engine::Docker | Engine::BuildKit => {
            format!("with {} and its daemon ({pid})", engine.title())
        }
    }
}
