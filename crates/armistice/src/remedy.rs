//! How the command that mends something is worded: here, for all verbs.
//!
//! The table, the kernel's modules and its switches are the machine's. In a
//! container that uses the machine's table, or an outer container's, nothing done
//! inside mends these, and there may be no `sudo`: the words send people to the host.
//! The libraries say what is amiss and which command mends it, and not where.

use armistice_binfmt::situation::{self, Scope, Situation};
use armistice_binfmt::{BinfmtError, STANDARD_PATH};
use armistice_container::{Error as ContainerError, Forbidden};

/// The machine's own (`include/linux/proc_ns.h`).
const INITIAL_PID_NS: &str = "pid:[4026531836]";

/// What mends something of the machine's: `run: COMMAND`, with the place where that
/// is to be.
pub(crate) fn on_the_machine(command: &str) -> String {
    let place = place(is_the_hosts(&situation::look()));
    format!("run{place}: {command}")
}

/// Behind "run".
pub(crate) fn place(on_host: bool) -> &'static str {
    if on_host { " on the host" } else { "" }
}

/// Whether what exec looks in is the business of a host around this process.
pub(crate) fn is_the_hosts(situation: &Situation) -> bool {
    match (situation.scope, &situation.table) {
        (Scope::Private, _) => false,
        (Scope::Inherited, _) | (_, Err(BinfmtError::OutOfSight { .. })) => true,
        (Scope::Initial | Scope::Unclear, _) => is_container(),
    }
}

/// What mends an error, in words; `None` where no command of the machine's does, or
/// where its own text says what to do.
pub(crate) fn of(error: &anyhow::Error) -> Option<String> {
    let command = error.chain().find_map(|cause| {
        if let Some(error) = cause.downcast_ref::<BinfmtError>() {
            return of_binfmt(error);
        }
        let forbidden = match cause.downcast_ref::<ContainerError>() {
            Some(ContainerError::Forbidden(forbidden)) => Some(forbidden),
            _ => cause.downcast_ref::<Forbidden>(),
        };
        of_forbidden(forbidden?)
    });
    Some(on_the_machine(&command?))
}

/// The command that mends what is amiss with the table.
pub(crate) fn of_binfmt(error: &BinfmtError) -> Option<String> {
    Some(match error {
        BinfmtError::Unsupported => "sudo modprobe binfmt_misc".to_owned(),
        BinfmtError::NotMounted { .. } => {
            format!("sudo mount -t binfmt_misc binfmt_misc {STANDARD_PATH}")
        }
        BinfmtError::SwitchedOff => format!("echo 1 | sudo tee {STANDARD_PATH}/status"),
        _ => return None,
    })
}

/// The command that lifts what forbids a private table.
fn of_forbidden(error: &Forbidden) -> Option<String> {
    let switch = |setting: &str| Some(format!("sudo sysctl -w {setting}"));
    match error {
        Forbidden::SwitchedOff => switch("user.max_user_namespaces=65536"),
        Forbidden::UnprivilegedSwitchedOff => switch("kernel.unprivileged_userns_clone=1"),
        Forbidden::AppArmorRestricts => switch("kernel.apparmor_restrict_unprivileged_userns=0"),
        Forbidden::AllUsed { limit } => switch(&format!(
            "user.max_user_namespaces={}",
            limit.saturating_mul(2)
        )),
        Forbidden::NoBinfmtMisc => Some("sudo modprobe binfmt_misc".to_owned()),
        _ => None,
    }
}

/// Whether this is inside a container, whose table is the host's: processes of
/// its own, or the file that Docker and Podman leave and another root than the
/// machine's (`--pid=host`).
fn is_container() -> bool {
    let processes = std::fs::read_link("/proc/self/ns/pid").ok();
    if processes.is_some_and(|ns| ns.as_os_str() != INITIAL_PID_NS) {
        return true;
    }
    let marked = ["/.dockerenv", "/run/.containerenv"]
        .iter()
        .any(|mark| std::path::Path::new(mark).exists());
    marked && !situation::is_machines_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_up_limit_is_doubled() {
        let command = of_forbidden(&Forbidden::AllUsed { limit: 60000 });
        assert!(command.is_some_and(|c| c.contains("user.max_user_namespaces=120000")));
    }
}
