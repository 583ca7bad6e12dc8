//! Images that a local docker or podman has: asked of the engine's own command.
//!
//! The engine names the platform and the program; the program's bytes stay in
//! its store, so its header is taken to be the one that the platform has.

use std::process::{Command, Stdio};

use armistice_arch::Platform;
use serde::Deserialize;

/// An image as an engine describes it.
#[derive(Debug)]
pub(super) struct LocalImage {
    pub(super) engine: &'static str,
    pub(super) platform: Platform,
    pub(super) program: Option<String>,
}

/// Why no engine could say.
#[derive(Debug)]
pub(super) enum NotFound {
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

/// Asks docker, then podman.
pub(super) fn find(image: &str) -> Result<LocalImage, NotFound> {
    let mut answers = Vec::new();
    for engine in ["docker", "podman"] {
        let run = Command::new(engine)
            .args(["image", "inspect", "--", image])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .output();
        let Ok(run) = run else { continue };
        let parsed = serde_json::from_slice::<Vec<Inspected>>(&run.stdout);
        match parsed.ok().and_then(|mut images| images.pop()) {
            Some(inspected) => return Ok(describe(engine, inspected)),
            None => {
                let why = String::from_utf8_lossy(&run.stderr);
                answers.push(format!(
                    "{engine}: {}",
                    why.lines().next().unwrap_or("no answer").trim()
                ));
            }
        }
    }
    if answers.is_empty() {
        Err(NotFound::NoEngine)
    } else {
        Err(NotFound::NotThere(answers))
    }
}

fn describe(engine: &'static str, inspected: Inspected) -> LocalImage {
    let variant = inspected.variant.unwrap_or_default();
    let config = inspected.config.unwrap_or_default();
    let words = config
        .entrypoint
        .into_iter()
        .flatten()
        .chain(config.cmd.into_iter().flatten());
    LocalImage {
        engine,
        platform: Platform::new(&inspected.os, &inspected.architecture, &variant),
        program: words.into_iter().next(),
    }
}
