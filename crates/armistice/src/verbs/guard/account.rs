//! Words for what somebody did to the table, and who it was.
//!
//! The kernel tells who it was, if the caller may listen; else it is guessed from the programs that began
//! shortly before. This command's own verbs that change no table are never accused, nor is
//! `guard` itself.

use std::path::Path;
use std::time::Duration;

use armistice_arch::Arch;
use armistice_binfmt::replay::{self, overlapping};
use armistice_binfmt::watch;
use armistice_binfmt::{Entry, Snapshot};

use crate::cli;
use crate::output::shown;

/// Verbs by which a person changes a table on purpose. `guard` is not among them: it only puts
/// entries back.
const CHANGING: [&str; 3] = ["register", "unregister", "entrypoint"];

/// Longer than any machine has been up.
const EVER: Duration = Duration::from_secs(1 << 32);

/// How many guesses are told.
const GUESSES: usize = 3;

/// What happened between two looks to the entries that are amiss now.
pub(crate) fn of_entries(before: Option<&Snapshot>, live: &Snapshot, amiss: &[String]) -> String {
    let many_before = before.is_some_and(|before| before.entries.len() > 1);
    if live.entries.is_empty() && many_before {
        return "Somebody emptied the table".to_owned();
    }
    let mut done: Vec<String> = Vec::new();
    for name in amiss {
        let what = of_entry(live, name);
        // One verb for several names.
        match done.iter_mut().find(|said| said.starts_with(&what)) {
            Some(said) => said.push_str(&format!(", {}", shown(name))),
            None => done.push(format!("{what} {}", shown(name))),
        }
    }
    format!("Somebody {}", done.join("; "))
}

/// What happened to one entry, without its name.
fn of_entry(live: &Snapshot, name: &str) -> String {
    let Some(entry) = live.get(name) else {
        return "removed".to_owned();
    };
    if !entry.mark.is_ours() {
        return format!("put an entry of their own ({}) in place of", named(entry));
    }
    if !entry.enabled {
        return "disabled".to_owned();
    }
    let first = overlapping(live, entry)
        .into_iter()
        .find_map(|(other, comes_first)| comes_first.then_some(other));
    match first {
        Some(other) => format!("put {} ({}) before", shown(&other.name), named(other)),
        None => format!(
            "put another entry of Armistice's ({}) in place of",
            named(entry)
        ),
    }
}

/// What runs an architecture's programs now, and whose it is.
pub(super) fn standing(live: &Snapshot, arch: &Arch) -> String {
    match replay::winner(live, &arch.sample_header(2, 0), "") {
        None => format!("nothing that runs {}", arch.display_name()),
        Some(entry) => format!(
            "{} ({}), {}",
            shown(&entry.name),
            named(entry),
            if entry.mark.is_ours() {
                "which another run of armistice has made"
            } else {
                "which is somebody else's"
            }
        ),
    }
}

/// The other guards that run here.
pub(super) fn other_guards() -> Vec<String> {
    let mut all = watch::recently_started(EVER);
    all.retain(|who| verb_of(&who.command) == Some("guard"));
    all.into_iter().map(|who| who.to_string()).collect()
}

/// An entry's interpreter and flags.
fn named(entry: &Entry) -> String {
    let flags = entry.flags.to_string();
    format!(
        "{}, flags {}",
        shown(&entry.interpreter.to_string_lossy()),
        if flags.is_empty() { "-" } else { &flags }
    )
}

/// A guess at who it was: programs known to rewrite the table, then whatever
/// began shortly before.
pub(crate) fn suspects(within: Duration) -> Vec<String> {
    const KNOWN: [&str; 5] = [
        "systemd-binfmt",
        "update-binfmts",
        "qemu-binfmt-conf.sh",
        "register.sh",
        "/usr/bin/binfmt",
    ];
    let mut recent = watch::recently_started(within);
    recent.retain(|who| !is_looking(&who.command));
    recent.sort_by_key(|w| !KNOWN.iter().any(|known| w.command.contains(known)));
    recent
        .into_iter()
        .take(GUESSES)
        .map(|w| format!("perhaps {w}"))
        .collect()
}

/// Whether a command line is one of this command's that only looks.
fn is_looking(command: &str) -> bool {
    verb_of(command).is_some_and(|verb| !CHANGING.contains(&verb))
}

/// The verb of a command line of this command's, perhaps begun by another (sudo,
/// nsenter, timeout). A shell's script may do more than that, and has none.
fn verb_of(command: &str) -> Option<&str> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let is_own = |word: &str| Path::new(word).file_name() == Some("armistice".as_ref());
    let at = words.iter().position(|word| is_own(word))?;
    let is_script = |word: &str| {
        word.strip_prefix('-')
            .is_some_and(|w| !w.starts_with('-') && w.ends_with('c'))
    };
    if words[..at].iter().any(|word| is_script(word)) {
        return None;
    }
    cli::verb_of(words[at + 1..].iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use armistice_binfmt::parse_entry;

    const PATTERN: &str = "offset 0\nmagic 7f454c460201010000000000000000000200b700\n";

    fn entry(name: &str, state: &str, interpreter: &str) -> Entry {
        parse_entry(
            name,
            &format!("{state}\ninterpreter {interpreter}\nflags: F\n{PATTERN}"),
        )
    }

    fn ours(name: &str, state: &str) -> Entry {
        Entry {
            mark: armistice_binfmt::Mark::OursOtherLayout(0),
            ..entry(name, state, "/usr/libexec/armistice/armistice-aarch64")
        }
    }

    fn table(entries: Vec<Entry>) -> Snapshot {
        Snapshot {
            enabled: true,
            entries,
        }
    }

    fn account(before: Vec<Entry>, live: Vec<Entry>, amiss: &[&str]) -> String {
        let amiss: Vec<String> = amiss.iter().map(|n| (*n).to_owned()).collect();
        of_entries(Some(&table(before)), &table(live), &amiss)
    }

    /// A bug once: with one of one gone, the table was "emptied".
    #[test]
    fn one_of_one_is_removed_and_all_of_many_are_emptied() {
        let a = || ours("qemu-aarch64", "enabled");
        let r = || ours("qemu-riscv64", "enabled");
        let one = account(vec![a()], vec![], &["qemu-aarch64"]);
        assert_eq!(one, "Somebody removed qemu-aarch64");
        let both = account(vec![a(), r()], vec![], &["qemu-aarch64", "qemu-riscv64"]);
        assert_eq!(both, "Somebody emptied the table");
        let other = entry("jar", "enabled", "/bin/java");
        let left = account(
            vec![a(), r(), other.clone()],
            vec![other],
            &["qemu-aarch64", "qemu-riscv64"],
        );
        assert_eq!(left, "Somebody removed qemu-aarch64, qemu-riscv64");
    }

    /// A bug once: what came before ours was not named.
    #[test]
    fn the_entry_that_shadows_ours_is_named() {
        let a = ours("qemu-aarch64", "enabled");
        let rosetta = entry("rosetta", "enabled", "/usr/bin/rosetta");
        assert_eq!(
            account(vec![a.clone()], vec![rosetta, a], &["qemu-aarch64"]),
            "Somebody put rosetta (/usr/bin/rosetta, flags F) before qemu-aarch64"
        );
    }

    #[test]
    fn what_was_disabled_or_taken_over_is_told_apart() {
        let a = || ours("qemu-aarch64", "enabled");
        assert_eq!(
            account(
                vec![a()],
                vec![ours("qemu-aarch64", "disabled")],
                &["qemu-aarch64"]
            ),
            "Somebody disabled qemu-aarch64"
        );
        assert_eq!(
            account(
                vec![a()],
                vec![entry(
                    "qemu-aarch64",
                    "enabled",
                    "/usr/bin/qemu-aarch64-static"
                )],
                &["qemu-aarch64"]
            ),
            "Somebody put an entry of their own (/usr/bin/qemu-aarch64-static, flags F) in place of qemu-aarch64"
        );
    }

    /// A fight of two guards: each finds the other's entry, which has Armistice's mark.
    #[test]
    fn another_entry_of_armistices_is_named_with_its_flags() {
        let a = || ours("qemu-aarch64", "enabled");
        let live = table(vec![a()]);
        assert_eq!(
            account(vec![a()], vec![a()], &["qemu-aarch64"]),
            "Somebody put another entry of Armistice's (/usr/libexec/armistice/armistice-aarch64, flags F) in place of qemu-aarch64"
        );
        let arm64 = Arch::by_name("aarch64").unwrap();
        let standing = standing(&live, arm64);
        assert!(
            standing.ends_with("flags F), which another run of armistice has made"),
            "{standing}"
        );
        assert_eq!(
            super::standing(&table(vec![]), arm64),
            "nothing that runs arm64"
        );
        assert_eq!(verb_of("sudo armistice -q guard arm64"), Some("guard"));
        assert_eq!(verb_of("sh -c armistice guard"), None);
    }

    #[test]
    fn lookers_of_this_command_are_not_suspects() {
        for line in [
            "/usr/bin/armistice guard arm64",
            "armistice verify",
            "armistice -q status -o json",
            "armistice --color never status",
            "armistice run debian:trixie register",
            "armistice pull debian:trixie",
            "armistice images",
            "armistice prune --all",
            "sudo armistice guard",
            "nsenter --target 1 --mount -- /x/armistice guard --interval 5",
            "timeout 60 armistice guard arm64",
        ] {
            assert!(is_looking(line), "{line}");
        }
        for line in [
            "armistice unregister arm64",
            "armistice register all",
            "armistice --color never register all",
            "armistice entrypoint --install all",
            "armistice",
            "sh -c armistice guard & echo -1 > status",
            "systemd-binfmt --unregister",
            "/opt/armistice-guard/flush guard",
        ] {
            assert!(!is_looking(line), "{line}");
        }
    }
}
