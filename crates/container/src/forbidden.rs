//! Which rule of the system forbids a private table, and how to lift it.
//!
//! [`diagnose`] is pure: from the step that failed, its error number and the
//! [`Facts`] of the system, to the one rule that explains them. Where several
//! could, the one that is certain (a switch that is off) goes before the one
//! that is likely (a seccomp filter). What nothing explains is
//! [`Forbidden::Unexplained`], never a guess.

use std::io;
use std::path::Path;

use rustix::io::Errno;

use crate::facts::Facts;

/// The first Linux with a binfmt_misc table for each user namespace.
pub const FIRST_KERNEL: (u32, u32) = (6, 7);

/// What was being done when the system refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// `unshare` into new user and mount namespaces.
    Unshare,
    /// Writing `uid_map`, `setgroups` or `gid_map`.
    Map,
    /// Detaching the new mount namespace from its parent's events.
    Mounts,
    /// Mounting binfmt_misc.
    Table,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Step::Unshare => "create a user namespace",
            Step::Map => "map identities into a new user namespace",
            Step::Mounts => "change mounts in a new user namespace",
            Step::Table => "mount binfmt_misc in a new user namespace",
        })
    }
}

/// The rule that forbids it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Forbidden {
    /// `user.max_user_namespaces` is 0.
    #[error("user namespaces are switched off here: user.max_user_namespaces is 0")]
    SwitchedOff,
    /// Debian's old switch.
    #[error("only root may create user namespaces here: kernel.unprivileged_userns_clone is 0")]
    UnprivilegedSwitchedOff,
    /// Ubuntu's restriction.
    #[error(
        "AppArmor takes the rights out of user namespaces here: kernel.apparmor_restrict_unprivileged_userns is 1; give Armistice an AppArmor profile that allows them (/etc/apparmor.d/armistice), or lift the restriction"
    )]
    AppArmorRestricts,
    /// The process runs under a profile that denies it, as in Docker.
    #[error(
        "the AppArmor profile of this process, {profile}, denies it; in a container: docker run --security-opt apparmor=unconfined"
    )]
    AppArmorProfile {
        /// The profile's name.
        profile: String,
    },
    /// A seccomp filter, as in Docker.
    #[error(
        "a seccomp filter on this process forbids user namespaces; in a container: docker run --security-opt seccomp=unconfined"
    )]
    Seccomp,
    /// The kernel gives no user namespace to a process in a chroot.
    #[error(
        "this process runs in a chroot, where the kernel allows no user namespaces; run it outside, or enter the directory with pivot_root (bwrap, systemd-nspawn) instead"
    )]
    Chroot,
    /// The caller itself does not exist in the surrounding namespace.
    #[error(
        "this process's own user or group has no identity in the namespace it runs in, so the kernel allows no user namespace inside; run it as a user that is mapped"
    )]
    Unmapped,
    /// Root without the right to pass itself on.
    #[error(
        "root lacks CAP_SETFCAP here and so may not exist inside a user namespace; keep this capability (docker run --cap-add SETFCAP) or run as another user"
    )]
    NoSetfcap,
    /// As many as are allowed exist already.
    #[error(
        "as many user namespaces as are allowed exist already: user.max_user_namespaces is {limit}; end some, or raise the limit"
    )]
    AllUsed {
        /// The limit.
        limit: u64,
    },
    /// In a namespace that may have no further one inside.
    #[error(
        "no further user namespace fits into the one this process runs in: they are nested as deep as the kernel allows (32), or a surrounding one has a limit (user.max_user_namespaces); run it further outside"
    )]
    TooDeep,
    /// Too old for a table of one's own.
    #[error(
        "Linux {release} has one binfmt_misc table for the whole machine; a private one needs Linux 6.7; register for the whole machine instead"
    )]
    OldKernel {
        /// What runs.
        release: String,
    },
    /// Built without user namespaces.
    #[error("this kernel has no user namespaces (CONFIG_USER_NS); boot one that has")]
    NoUserNamespaces,
    /// Built without binfmt_misc, or its module is not there.
    #[error("this kernel has no binfmt_misc (CONFIG_BINFMT_MISC), or has not loaded it")]
    NoBinfmtMisc,
    /// Nothing that is known explains it.
    #[error(
        "the system does not let this process {step}, and no rule that Armistice knows explains it; look at the kernel's log (dmesg) for a security module's message"
    )]
    Unexplained {
        /// What was refused.
        step: Step,
        /// How.
        #[source]
        source: io::Error,
    },
}

/// The rule that explains why `step` failed with `errno` on this system.
#[must_use]
pub fn diagnose(facts: &Facts, step: Step, errno: Errno) -> Forbidden {
    let found = match step {
        Step::Unshare => of_unshare(facts, errno),
        Step::Map => of_map(facts, errno),
        Step::Mounts => of_security_module(facts, errno),
        Step::Table => of_table(facts, errno),
    };
    found.unwrap_or(Forbidden::Unexplained {
        step,
        source: errno.into(),
    })
}

fn of_unshare(facts: &Facts, errno: Errno) -> Option<Forbidden> {
    match errno {
        Errno::NOSPC | Errno::USERS => Some(match facts.max_user_namespaces {
            Some(0) => Forbidden::SwitchedOff,
            _ if facts.nested || errno == Errno::USERS => Forbidden::TooDeep,
            Some(limit) => Forbidden::AllUsed { limit },
            None => return None,
        }),
        Errno::INVAL => Some(Forbidden::NoUserNamespaces),
        Errno::NOSYS if facts.seccomp_filter => Some(Forbidden::Seccomp),
        Errno::NOSYS => Some(Forbidden::NoUserNamespaces),
        Errno::PERM | Errno::ACCESS => {
            if facts.unprivileged_userns_clone == Some(0) && !facts.sys_admin {
                Some(Forbidden::UnprivilegedSwitchedOff)
            } else if facts.chrooted == Some(true) {
                Some(Forbidden::Chroot)
            } else if !facts.mapped {
                Some(Forbidden::Unmapped)
            } else if facts.seccomp_filter && errno == Errno::PERM {
                Some(Forbidden::Seccomp)
            } else {
                of_security_module(facts, errno)
            }
        }
        _ => None,
    }
}

fn of_map(facts: &Facts, errno: Errno) -> Option<Forbidden> {
    if errno == Errno::PERM && facts.root && !facts.setfcap {
        return Some(Forbidden::NoSetfcap);
    }
    of_security_module(facts, errno)
}

fn of_table(facts: &Facts, errno: Errno) -> Option<Forbidden> {
    match errno {
        Errno::NODEV => Some(Forbidden::NoBinfmtMisc),
        Errno::PERM | Errno::INVAL if facts.kernel.is_some_and(|k| k < FIRST_KERNEL) => {
            Some(Forbidden::OldKernel {
                release: facts.release.clone(),
            })
        }
        Errno::PERM | Errno::NOSYS if facts.seccomp_filter => Some(Forbidden::Seccomp),
        _ => of_security_module(facts, errno),
    }
}

/// What AppArmor does, where the error is one that it gives.
fn of_security_module(facts: &Facts, errno: Errno) -> Option<Forbidden> {
    if !matches!(errno, Errno::PERM | Errno::ACCESS) {
        return None;
    }
    match &facts.apparmor_profile {
        Some(profile) => Some(Forbidden::AppArmorProfile {
            profile: profile.clone(),
        }),
        None if facts.apparmor_restricts == Some(1) && !facts.sys_admin => {
            Some(Forbidden::AppArmorRestricts)
        }
        None => None,
    }
}

/// The text of an AppArmor profile that lets this program, and what it starts
/// directly, use user namespaces; for `/etc/apparmor.d/armistice`, loaded by
/// `apparmor_parser -r /etc/apparmor.d/armistice`.
#[must_use]
pub fn apparmor_profile(program: &Path) -> String {
    let path = program
        .display()
        .to_string()
        .replace('\\', "\\\\")
        .replace('"', "\\\"");
    format!(
        "abi <abi/4.0>,\n\
         include <tunables/global>\n\
         \n\
         profile armistice \"{path}\" flags=(unconfined) {{\n\
         \x20 userns,\n\
         \n\
         \x20 include if exists <local/armistice>\n\
         }}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ordinary user on a machine that forbids nothing.
    fn usual() -> Facts {
        Facts {
            release: "6.12.1-amd64".into(),
            kernel: Some((6, 12)),
            max_user_namespaces: Some(60000),
            mapped: true,
            chrooted: Some(false),
            ..Facts::default()
        }
    }

    /// The verdict, by the name of its variant.
    fn verdict(facts: &Facts, step: Step, errno: Errno) -> String {
        let text = format!("{:?}", diagnose(facts, step, errno));
        text.split([' ', '{']).next().unwrap().to_owned()
    }

    #[test]
    fn every_rule_by_its_facts() {
        use Step::{Map, Mounts, Table, Unshare};
        let with = |change: fn(&mut Facts)| {
            let mut facts = usual();
            change(&mut facts);
            facts
        };
        let cases: &[(&str, Facts, Step, Errno)] = &[
            (
                "SwitchedOff",
                with(|f| f.max_user_namespaces = Some(0)),
                Unshare,
                Errno::NOSPC,
            ),
            ("AllUsed", usual(), Unshare, Errno::NOSPC),
            ("TooDeep", with(|f| f.nested = true), Unshare, Errno::NOSPC),
            ("TooDeep", usual(), Unshare, Errno::USERS),
            (
                "UnprivilegedSwitchedOff",
                with(|f| f.unprivileged_userns_clone = Some(0)),
                Unshare,
                Errno::PERM,
            ),
            (
                "Chroot",
                with(|f| {
                    f.unprivileged_userns_clone = Some(0);
                    f.sys_admin = true;
                    f.chrooted = Some(true);
                }),
                Unshare,
                Errno::PERM,
            ),
            ("Unmapped", with(|f| f.mapped = false), Unshare, Errno::PERM),
            (
                "Seccomp",
                with(|f| f.seccomp_filter = true),
                Unshare,
                Errno::PERM,
            ),
            (
                "Seccomp",
                with(|f| f.seccomp_filter = true),
                Unshare,
                Errno::NOSYS,
            ),
            ("NoUserNamespaces", usual(), Unshare, Errno::INVAL),
            ("NoUserNamespaces", usual(), Unshare, Errno::NOSYS),
            (
                "AppArmorRestricts",
                with(|f| {
                    f.apparmor_restricts = Some(1);
                    f.seccomp_filter = true;
                }),
                Unshare,
                Errno::ACCESS,
            ),
            (
                "AppArmorRestricts",
                with(|f| f.apparmor_restricts = Some(1)),
                Map,
                Errno::PERM,
            ),
            (
                "AppArmorRestricts",
                with(|f| f.apparmor_restricts = Some(1)),
                Map,
                Errno::ACCESS,
            ),
            (
                "NoSetfcap",
                with(|f| {
                    f.root = true;
                    f.apparmor_restricts = Some(1);
                }),
                Map,
                Errno::PERM,
            ),
            (
                "AppArmorProfile",
                with(|f| f.apparmor_profile = Some("docker-default".into())),
                Mounts,
                Errno::ACCESS,
            ),
            (
                "AppArmorProfile",
                with(|f| f.apparmor_profile = Some("docker-default".into())),
                Table,
                Errno::ACCESS,
            ),
            (
                "OldKernel",
                with(|f| {
                    f.kernel = Some((6, 6));
                    f.seccomp_filter = true;
                }),
                Table,
                Errno::PERM,
            ),
            (
                "OldKernel",
                with(|f| f.kernel = Some((5, 15))),
                Table,
                Errno::INVAL,
            ),
            ("NoBinfmtMisc", usual(), Table, Errno::NODEV),
            (
                "Seccomp",
                with(|f| f.seccomp_filter = true),
                Table,
                Errno::PERM,
            ),
            ("Unexplained", usual(), Unshare, Errno::PERM),
            ("Unexplained", usual(), Map, Errno::PERM),
            ("Unexplained", usual(), Table, Errno::PERM),
            ("Unexplained", usual(), Table, Errno::BUSY),
            (
                "Unexplained",
                with(|f| {
                    f.apparmor_restricts = Some(1);
                    f.sys_admin = true;
                }),
                Unshare,
                Errno::PERM,
            ),
        ];
        for (wanted, facts, step, errno) in cases {
            assert_eq!(
                verdict(facts, *step, *errno),
                *wanted,
                "{step:?} {errno:?} {facts:?}"
            );
        }
    }

    #[test]
    fn messages_name_the_rule() {
        let mut facts = usual();
        facts.kernel = Some((6, 1));
        facts.release = "6.1.0-41-amd64".into();
        let text = diagnose(&facts, Step::Table, Errno::PERM).to_string();
        assert!(
            text.contains("6.1.0-41-amd64") && text.contains("6.7"),
            "{text}"
        );
        let text = diagnose(&usual(), Step::Unshare, Errno::NOSPC).to_string();
        assert!(text.contains("is 60000"), "{text}");
    }

    #[test]
    fn the_profile_is_for_this_program() {
        let text = apparmor_profile(Path::new("/usr/local/bin/armistice"));
        assert!(
            text.contains("profile armistice \"/usr/local/bin/armistice\" flags=(unconfined) {")
        );
        assert!(text.contains("\n  userns,\n"));
    }
}
