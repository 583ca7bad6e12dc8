//! `--persist` for a rootless engine: a unit of the user's systemd that runs `guard`.
//!
//! An engine's table ends with its namespace, so a registration can't be written down once and for
//! all: the unit's guard registers anew in each namespace. The unit is written, and not
//! enabled: the user is told how to enable it, because the user's systemd may not run where this
//! command does.
//!
//! Invariants: the unit's file appears whole; all words in it are quoted for systemd.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use armistice_container::rootless::Engine;

use super::Joined;
use crate::cli::{self, Register};
use crate::output::{Output, shown_path};
use crate::registration::request::Request;

/// The program of the user's systemd.
const SYSTEMD: [&str; 2] = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"];

/// Refuses early where nothing would start the unit.
///
/// # Errors
/// What to do in its place.
pub(crate) fn check_possible(joined: Joined) -> Result<()> {
    folder()?;
    if SYSTEMD.iter().any(|path| Path::new(path).exists()) {
        return Ok(());
    }
    bail!(
        "cannot persist: there is no systemd here, whose user manager would start the guard; have this run as you log \
         in: {}",
        joined.command("guard", "")
    )
}

/// Writes the unit for what was registered, and says how it is enabled.
///
/// # Errors
/// Where it can't be written. The registration stays.
pub(crate) fn write(
    joined: Joined,
    args: &Register,
    request: &Request,
    output: Output,
) -> Result<()> {
    let path = path(joined.engine)?;
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let arches: Vec<&str> = request.arches().iter().map(|a| a.name).collect();
    let text = text(
        joined.engine,
        &program,
        &words(joined.engine, args, &arches),
    )?;
    let folder = folder()?;
    let unwritten = || format!("cannot write {}", shown_path(&path));
    std::fs::create_dir_all(&folder).with_context(unwritten)?;
    let mut file = tempfile::NamedTempFile::new_in(&folder).with_context(unwritten)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .with_context(unwritten)?;
    file.persist(&path).with_context(unwritten)?;
    let unit = name(joined.engine);
    output.report(format!("Wrote {}", shown_path(&path)));
    output.note(format!(
        "It does nothing until it is enabled. Enable it: systemctl --user daemon-reload && systemctl --user enable --now {unit}\n\
         To have it run without a session of yours, from boot on: loginctl enable-linger"
    ));
    Ok(())
}

/// Whether the unit is there.
pub(crate) fn is_there(engine: Engine) -> bool {
    path(engine).is_ok_and(|path| path.exists())
}

/// Removes the unit and its link of `systemctl enable`.
///
/// # Errors
/// Where it is there and can't be removed.
pub(crate) fn remove(engine: Engine, output: Output) -> Result<()> {
    let path = path(engine)?;
    let unit = name(engine);
    let link = folder()?.join("default.target.wants").join(&unit);
    let mut gone = false;
    for file in [&link, &path] {
        match std::fs::remove_file(file) {
            Ok(()) => gone = true,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot remove {}", shown_path(file)));
            }
        }
    }
    if gone {
        output.report(format!("Removed {}", shown_path(&path)));
        output.note(format!(
            "Where the guard runs, it still puts back what is removed. End it: systemctl --user daemon-reload; \
             systemctl --user stop {unit}"
        ));
    } else {
        output.note("Nothing was persisted.");
    }
    Ok(())
}

fn name(engine: Engine) -> String {
    format!("armistice-guard-{}.service", engine.name())
}

/// Where a user's own units are (systemd.unit(5)).
fn folder() -> Result<PathBuf> {
    let absolute = |name: &str| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let config = absolute("XDG_CONFIG_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".config")))
        .context(
            "cannot persist: HOME is not set, below which the units of the user's systemd are",
        )?;
    Ok(config.join("systemd/user"))
}

fn path(engine: Engine) -> Result<PathBuf> {
    Ok(folder()?.join(name(engine)))
}

/// The guard's command line: what was asked for of `register`.
fn words(engine: Engine, args: &Register, arches: &[&str]) -> Vec<std::ffi::OsString> {
    let mut words: Vec<std::ffi::OsString> =
        ["guard", "--for", engine.name()].map(Into::into).to_vec();
    for dir in &args.emulators.dirs {
        let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.clone());
        words.extend(["--emulator-dir".into(), dir.into()]);
    }
    if let Some(engine) = args.emulators.engine {
        let engine = match engine {
            cli::Engine::Armistice => "armistice",
            cli::Engine::Qemu => "qemu",
        };
        words.extend(["--engine".into(), engine.into()]);
    }
    let flags = args.flags;
    for (left_out, option) in [
        (flags.no_fix_binary, "--no-fix-binary"),
        (flags.no_preserve_argv0, "--no-preserve-argv0"),
        (flags.no_open_binary, "--no-open-binary"),
        (flags.no_credentials, "--no-credentials"),
        (args.replace, "--replace"),
        (args.emulators.no_cache, "--no-cache"),
    ] {
        if left_out {
            words.push(option.into());
        }
    }
    if let Some(reason) = &args.force.force_native {
        words.extend(["--force-native".into(), reason.into()]);
    }
    words.push("--".into());
    words.extend(arches.iter().map(Into::into));
    words
}

fn text(engine: Engine, program: &Path, words: &[std::ffi::OsString]) -> Result<String> {
    let mut line = quoted(program.as_os_str())?;
    for word in words {
        line.push(' ');
        line.push_str(&quoted(word)?);
    }
    let after = match engine {
        Engine::Docker => "After=docker.service\n",
        Engine::Podman | Engine::BuildKit => "",
    };
    // Of its processes only the guard is told to end: Podman's pause process, which it may
    // have started, stays.
    Ok(format!(
        "# Written by `armistice register --persist --for {name}`; undo: armistice unregister --persist --for {name}\n\
         [Unit]\n\
         Description=Keep foreign programs running in {title} (armistice guard)\n\
         {after}\n\
         [Service]\n\
         ExecStart={line}\n\
         KillMode=process\n\
         Restart=on-failure\n\
         RestartSec=10\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n",
        name = engine.name(),
        title = engine.title(),
    ))
}

/// A word of a command line in a unit (systemd.service(5), systemd.syntax(7)).
fn quoted(word: &OsStr) -> Result<String> {
    let Some(text) = word.to_str().filter(|t| !t.contains(char::is_control)) else {
        bail!(
            "cannot persist: {} cannot be written in a unit of systemd",
            shown_path(Path::new(OsStr::from_bytes(word.as_bytes())))
        );
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=,:@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    let text = text
        .replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('%', "%%")
        .replace('$', "$$");
    Ok(format!("\"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_systemd() {
        let quoted = |word: &str| quoted(OsStr::new(word)).unwrap();
        assert_eq!(quoted("/usr/bin/armistice"), "/usr/bin/armistice");
        assert_eq!(quoted("a b"), "\"a b\"");
        assert_eq!(quoted("50%$HOME\\\"'"), "\"50%%$$HOME\\\\\\\"'\"");
        assert_eq!(quoted(""), "\"\"");
        assert!(super::quoted(OsStr::new("a\nb")).is_err());
        assert!(super::quoted(OsStr::from_bytes(b"\xff")).is_err());
    }

    #[test]
    fn the_unit_runs_the_guard_as_it_was_registered() {
        let words = ["guard", "--for", "podman", "--", "arm64"].map(Into::into);
        let text = text(Engine::Podman, Path::new("/opt/a b/armistice"), &words).unwrap();
        assert!(
            text.contains("\nExecStart=\"/opt/a b/armistice\" guard --for podman -- arm64\n"),
            "{text}"
        );
        assert!(text.contains("\nWantedBy=default.target\n"), "{text}");
        assert!(
            text.contains("[Unit]\n") && text.contains("\n\n[Service]\n"),
            "{text}"
        );
    }
}
