//! Credentials for registries, asked for when a registry wants to know who the user is.
//!
//! Docker's credential helpers often speak to the user's session. For an ordinary user the store is
//! opened in a user namespace, in which the process has another identity. So a child process that stays
//! outside of the namespace runs the helpers.

use std::path::{Path, PathBuf};

use anyhow::Result;
use armistice_container::Outside;
use armistice_registry::credentials::{self, Credential};

/// The files with the user's logins, and perhaps who reads them.
#[derive(Debug, Default)]
pub(crate) struct Keyring {
    files: Vec<PathBuf>,
    outside: Option<Outside>,
}

impl Keyring {
    /// To be had before a user namespace is entered; the process must have one thread.
    pub(crate) fn new(authfile: Option<&Path>) -> Result<Keyring> {
        let files = credentials::files(authfile);
        let is_needed = !rustix::process::geteuid().is_root() && credentials::have_helpers(&files);
        let outside = match is_needed {
            true => Some(Outside::start(|question| answer(&files, question))?),
            false => None,
        };
        Ok(Keyring { files, outside })
    }

    /// Who the user is to a repository.
    pub(crate) fn find(&self, registry: &str, repository: &str) -> Credential {
        let Some(outside) = &self.outside else {
            return credentials::find(&self.files, registry, repository);
        };
        let question = format!("{registry} {repository}");
        let answer = outside.ask(question.as_bytes());
        let failed = |e: String| Credential::None(format!("the logins can't be looked up: {e}"));
        match answer {
            Ok(answer) => serde_json::from_slice(&answer).unwrap_or_else(|e| failed(e.to_string())),
            Err(e) => failed(e.to_string()),
        }
    }
}

/// What the child outside answers.
fn answer(files: &[PathBuf], question: &[u8]) -> Vec<u8> {
    let question = String::from_utf8_lossy(question);
    let (registry, repository) = question.split_once(' ').unwrap_or((&question, ""));
    let found = credentials::find(files, registry, repository);
    serde_json::to_vec(&found).unwrap_or_default()
}
