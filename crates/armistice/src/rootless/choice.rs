//! Which table a verb is about.
//!
//! `--for` names it. Without `--for`, an ordinary user's verb that changes something is about the
//! only rootless engine that runs, because the user may change no other table; of several
//! engines, one has to be named. A verb that only looks is about an engine that has a table of its
//! own: an engine without one uses the machine's, so that the answer is the machine's.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};
use armistice_binfmt::{KernelVersion, is_initial, mounts};
use armistice_container::rootless::{Engine, Keeper, Place, Searched, find};

use super::named;
use crate::cli::Whose;
use crate::outcome::Usage;
use crate::output::{Output, shown, shown_path};

/// What a verb does with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It changes it.
    Change,
    /// It says what it would change.
    Plan,
    /// It looks only.
    Look,
}

/// The process whose namespaces are to be joined; `None` for the table that the caller
/// uses.
///
/// # Errors
/// Where an engine that was named does not run or cannot have a table, or where one
/// of several is to be named.
pub(crate) fn choose(
    given: Option<Whose>,
    purpose: Purpose,
    output: Output,
) -> Result<Option<Keeper>> {
    let Some(whose) = given else {
        return by_looking(purpose, output);
    };
    let Some(engine) = engine_of(whose) else {
        return Ok(None);
    };
    let keeper = by_name(engine, purpose, output)?;
    if whose == Whose::Buildah {
        output.note(
            "Buildah by itself makes a new user namespace for each command, which sees nothing of this; in Podman's it \
             runs as: podman unshare buildah ...",
        );
    }
    Ok(Some(keeper))
}

/// Where engines are looked for.
pub(crate) fn place() -> Place {
    Place::new(std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from))
}

/// The engine whose table is meant; `None` for the machine's.
pub(crate) fn engine_of(whose: Whose) -> Option<Engine> {
    match whose {
        Whose::Machine => None,
        Whose::Docker => Some(Engine::Docker),
        Whose::Buildkit => Some(Engine::BuildKit),
        // Buildah has none of its own.
        Whose::Podman | Whose::Buildah => Some(Engine::Podman),
    }
}

fn by_name(engine: Engine, purpose: Purpose, output: Output) -> Result<Keeper> {
    check_kernel(KernelVersion::running())?;
    let keeper = match find(engine, &place()) {
        Searched {
            keeper: Some(keeper),
            ..
        } => keeper,
        searched if is_machines_root() => return Err(roots(engine, searched.several)),
        searched if (engine, purpose, searched.several) == (Engine::Podman, Purpose::Change, 0) => {
            start_podman(output)?
        }
        searched => return Err(not_running(engine, &searched)),
    };
    output.detail(format!("For {}", found(&keeper)));
    Ok(keeper)
}

/// Whether this is root outside of all namespaces.
pub(crate) fn is_machines_root() -> bool {
    rustix::process::geteuid().is_root() && is_initial()
}

/// Refuses where a user namespace can't have a table.
fn check_kernel(running: KernelVersion) -> Result<()> {
    if running.has_namespaces() {
        return Ok(());
    }
    bail!(NoTables(running))
}

/// A kernel on which user namespaces have no tables.
#[derive(Debug)]
pub(crate) struct NoTables(KernelVersion);

impl std::fmt::Display for NoTables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "rootless engines have no table of their own before Linux {}, and this is {}: they use the machine's, which \
             only root may change",
            KernelVersion::NAMESPACED,
            self.0
        )
    }
}

impl std::error::Error for NoTables {}

fn roots(engine: Engine, several: usize) -> anyhow::Error {
    let others = if several == 0 { "" } else { " that is one" };
    Usage(format!(
        "--for {} is for an ordinary user's engine, and root has none{others} here; run this as that user. What root \
         registers for the machine (leave --for out) holds for all users' engines that have no table of their own",
        engine.name()
    ))
    .into()
}

fn not_running(engine: Engine, searched: &Searched) -> anyhow::Error {
    if searched.several > 0 {
        return anyhow::anyhow!(
            "{} runs in {} user namespaces of yours, and none of them is at its usual place; set XDG_RUNTIME_DIR as it \
             is set for the one that is meant",
            engine.title(),
            searched.several
        );
    }
    let looked: Vec<String> = searched
        .misses
        .iter()
        .map(|(file, miss)| format!("{} {}", shown_path(file), shown(&miss.to_string())))
        .collect();
    let start = match engine {
        Engine::Podman => "start it: podman info",
        Engine::Docker => "start it: systemctl --user start docker (or dockerd-rootless.sh)",
        Engine::BuildKit => "start it: rootlesskit buildkitd",
    };
    let looked = if looked.is_empty() {
        String::new()
    } else {
        format!(" ({})", looked.join("; "))
    };
    anyhow::anyhow!("{} does not run here{looked}; {start}", engine.title())
}

/// Has Podman start its pause process, as any of its commands does.
pub(crate) fn start_podman(output: Output) -> Result<Keeper> {
    let run = Command::new("podman")
        .args(["unshare", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output();
    let said = match run {
        Ok(run) if run.status.success() => String::new(),
        Ok(run) => String::from_utf8_lossy(&run.stderr).trim().to_owned(),
        Err(error) => {
            bail!("no pause process of Podman's runs, and podman cannot be started: {error}")
        }
    };
    let searched = find(Engine::Podman, &place());
    let failed = not_running(Engine::Podman, &searched);
    match searched.keeper {
        Some(keeper) => {
            output.detail("Started Podman's pause process.");
            Ok(keeper)
        }
        None if said.is_empty() => Err(failed),
        None => bail!("`podman unshare true` failed: {}", shown(&said)),
    }
}

fn by_looking(purpose: Purpose, output: Output) -> Result<Option<Keeper>> {
    if is_machines_root() || !KernelVersion::running().has_namespaces() {
        return Ok(None);
    }
    let mut found = running();
    if rustix::process::geteuid().is_root() {
        // Root in a namespace has its own table; it may be an engine's.
        found.retain(|keeper| keeper.joined);
    }
    if purpose == Purpose::Look {
        found.retain(has_own_table);
    }
    let keeper = match (found.len(), purpose) {
        (0, _) => return Ok(None),
        (1, _) => found.remove(0),
        (_, Purpose::Look) => {
            output.note(format!(
                "This is the machine's table; these have tables of their own, shown by: {}",
                options(&found)
            ));
            return Ok(None);
        }
        (_, Purpose::Change | Purpose::Plan) => bail!(Usage(format!(
            "several rootless engines run here; say which is meant: {}",
            options(&found)
        ))),
    };
    if keeper.joined {
        return Ok(Some(keeper));
    }
    output.note(match purpose {
        Purpose::Change | Purpose::Plan => format!(
            "For {}: it is the only rootless engine that runs here, and only root may change the machine's table.",
            named(keeper.engine, keeper.pid)
        ),
        Purpose::Look => format!(
            "About containers of {}, which have a table of their own; about programs outside of them: --for machine",
            named(keeper.engine, keeper.pid)
        ),
    });
    Ok(Some(keeper))
}

/// Says, with an answer about the machine's table, which of this user's engines have tables of
/// their own.
pub(crate) fn tell_of_others(output: Output) {
    if rustix::process::geteuid().is_root() || !KernelVersion::running().has_namespaces() {
        return;
    }
    let mut others = running();
    others.retain(|keeper| !keeper.joined && has_own_table(keeper));
    if !others.is_empty() {
        let names: Vec<String> = others
            .iter()
            .map(|keeper| named(keeper.engine, keeper.pid))
            .collect();
        output.note(format!(
            "About programs that run outside of containers. The containers of {} have a table of their own; about \
             these: {}",
            names.join(" and "),
            options(&others)
        ));
    }
}

/// The process for an image that `docker` or `podman` has said to have, where an
/// ordinary user's engine said so.
pub(crate) fn of_image(engine: &str) -> Option<Keeper> {
    if rustix::process::geteuid().is_root() || !KernelVersion::running().has_namespaces() {
        return None;
    }
    let engine = Engine::ALL.into_iter().find(|e| e.name() == engine)?;
    let keeper = find(engine, &place()).keeper?;
    // Podman's command is always the user's own; Docker's may talk to the machine's daemon.
    (engine != Engine::Docker || docker_is_rootless()).then_some(keeper)
}

/// The number of this user's Podman's pause process, where one runs.
pub(crate) fn podmans_pause() -> Option<i32> {
    Some(find(Engine::Podman, &place()).keeper?.pid)
}

fn docker_is_rootless() -> bool {
    let asked = Command::new("docker")
        .args(["info", "--format", "{{json .SecurityOptions}}"])
        .stdin(Stdio::null())
        .output();
    asked.is_ok_and(|run| String::from_utf8_lossy(&run.stdout).contains("name=rootless"))
}

/// The engines that run, each user namespace once.
fn running() -> Vec<Keeper> {
    let place = place();
    let mut all: Vec<Keeper> = Vec::new();
    for keeper in Engine::ALL
        .iter()
        .filter_map(|engine| find(*engine, &place).keeper)
    {
        if all.iter().all(|k| k.namespace != keeper.namespace) {
            all.push(keeper);
        }
    }
    all
}

/// Whether a binfmt_misc is mounted for an engine that is not mounted here.
pub(crate) fn has_own_table(keeper: &Keeper) -> bool {
    if keeper.joined {
        return true;
    }
    let own = mounts::of("self");
    let here = |device: &str| {
        let mut tables = own.iter().filter(|m| m.fs_type == "binfmt_misc");
        tables.any(|m| m.device == device)
    };
    mounts::of(&keeper.pid.to_string())
        .iter()
        .any(|m| m.fs_type == "binfmt_misc" && !here(&m.device))
}

fn options(keepers: &[Keeper]) -> String {
    let words: Vec<String> = keepers
        .iter()
        .map(|keeper| format!("--for {}", keeper.engine.name()))
        .collect();
    words.join(" or ")
}

fn found(keeper: &Keeper) -> String {
    let by = match &keeper.file {
        Some(file) => format!("named by {}", shown_path(file)),
        None => "found among your processes".to_owned(),
    };
    format!("{}, {by}", named(keeper.engine, keeper.pid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_kernel_is_told_with_what_is_possible() {
        let text = check_kernel(KernelVersion { major: 6, minor: 6 }).unwrap_err();
        let text = crate::outcome::in_full(&text);
        assert!(
            text.contains("6.7") && text.contains("this is 6.6"),
            "{text}"
        );
        let root = rustix::process::geteuid().is_root();
        assert_eq!(text.contains("sudo armistice register"), !root, "{text}");
        assert!(text.contains("armistice register"), "{text}");
        assert!(text.contains("armistice run"), "{text}");
        assert!(check_kernel(KernelVersion::NAMESPACED).is_ok());
    }
}
