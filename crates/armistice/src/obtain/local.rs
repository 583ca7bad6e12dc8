//! Images that a local docker or podman has: asked of the engines' own
//! commands, of both at once, since podman takes longest to say no.
//!
//! The engine names the platform and the program; the program's bytes stay in
//! its store, so its header is taken to be the one that the platform has.

use std::process::{Child, Command, Stdio};

use armistice_arch::Platform;
use armistice_oci::config::command_line;
use serde::Deserialize;

use crate::output::Output;
use crate::rootless::choice::podmans_pause;

/// An image as an engine describes it.
#[derive(Debug)]
pub(crate) struct LocalImage {
    pub(crate) engine: &'static str,
    pub(crate) platform: Platform,
    pub(crate) program: Option<String>,
}

/// Why no engine could say.
#[derive(Debug)]
pub(crate) enum NotFound {
    /// No engine is installed.
    NoEngine,
    /// These do not have it, or said why they cannot tell.
    NotThere(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    #[serde(default)]
    os: String,
    architecture: String,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default)]
    config: Option<Config>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    #[serde(default)]
    entrypoint: Option<Vec<String>>,
    #[serde(default)]
    cmd: Option<Vec<String>>,
}

/// Asks docker and podman; docker's image counts where both have one.
///
/// An ordinary user's podman starts its pause process where none runs yet, whatever it is
/// asked, and leaves it. That is said.
pub(crate) fn find(image: &str, output: Output) -> Result<LocalImage, NotFound> {
    let before = podmans_pause();
    let found = find_in(&["docker", "podman"], image);
    // Another than before: one that was about to end may have been seen then.
    if podmans_pause().is_some_and(|pause| before != Some(pause)) {
        output.note(
            "Podman was asked, and has left its pause process, which keeps its user namespace; it ends with: podman \
             system migrate",
        );
    }
    found
}

/// Asks these; the first one's image counts where several have one.
fn find_in(engines: &[&'static str], image: &str) -> Result<LocalImage, NotFound> {
    let mut asked: Vec<(&'static str, Child)> = engines
        .iter()
        .copied()
        .filter_map(|engine| Some((engine, ask(engine, image)?)))
        .collect();
    let mut answers = Vec::new();
    while !asked.is_empty() {
        let (engine, child) = asked.remove(0);
        let Ok(run) = child.wait_with_output() else {
            continue;
        };
        let parsed = serde_json::from_slice::<Vec<Inspected>>(&run.stdout);
        if let Some(inspected) = parsed.ok().and_then(|mut images| images.pop()) {
            for (_, mut child) in asked {
                // It has ended by itself otherwise.
                let _ = child.kill();
                let _ = child.wait();
            }
            return Ok(describe(engine, inspected));
        }
        let said = String::from_utf8_lossy(&run.stderr);
        answers.push(format!("{engine}: {}", reason(&said)));
    }
    if answers.is_empty() {
        Err(NotFound::NoEngine)
    } else {
        Err(NotFound::NotThere(answers))
    }
}

/// The error among what an engine says: podman warns before it, and docker may.
fn reason(said: &str) -> &str {
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut errors = lines().filter(|line| line.to_ascii_lowercase().starts_with("error"));
    errors
        .next()
        .or_else(|| lines().next_back())
        .unwrap_or("no answer")
}

fn ask(engine: &str, image: &str) -> Option<Child> {
    Command::new(engine)
        .args(["image", "inspect", "--", image])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()
}

fn describe(engine: &'static str, inspected: Inspected) -> LocalImage {
    let variant = inspected.variant.unwrap_or_default();
    let config = inspected.config.unwrap_or_default();
    let words = command_line(
        &config.entrypoint.unwrap_or_default(),
        &config.cmd.unwrap_or_default(),
    );
    LocalImage {
        engine,
        platform: Platform::new(&inspected.os, &inspected.architecture, &variant),
        program: words.into_iter().next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_no_reason() {
        let podman = "time=\"now\" level=warning msg=\"no cgroups\"\nError: inspecting object: x: image not known\n";
        assert_eq!(
            reason(podman),
            "Error: inspecting object: x: image not known"
        );
        assert_eq!(reason("WARNING: old\nno daemon\n\n"), "no daemon");
        assert_eq!(reason(""), "no answer");
    }
}
