//! Who the user is to a registry: podman's auth.json and Docker's config.json,
//! with the helpers that they name.
//!
//! A file may have credentials of a repository, as podman writes them; a helper is asked
//! only for a registry, as docker and podman do.

use std::path::{Path, PathBuf};

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The name by which Docker's own registry is in these files.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// What is known of the user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Credential {
    /// Nothing; the text says why, where somebody should know.
    None(String),
    /// A name and a password.
    Password(String, String),
    /// To be changed for a token.
    Refresh(String),
}

/// Without what is secret.
impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Credential::None(reason) => f.debug_tuple("None").field(reason).finish(),
            Credential::Password(user, _) => f.debug_tuple("Password").field(user).finish(),
            Credential::Refresh(_) => f.write_str("Refresh"),
        }
    }
}

/// The files, in the order in which they count.
#[must_use]
pub fn files(authfile: Option<&Path>) -> Vec<PathBuf> {
    let env = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    if let Some(named) = authfile
        .map(Path::to_owned)
        .or_else(|| env("REGISTRY_AUTH_FILE"))
    {
        return vec![named];
    }
    let home = env("HOME");
    let runtime = env("XDG_RUNTIME_DIR").map(|d| d.join("containers/auth.json"));
    let config = env("XDG_CONFIG_HOME")
        .or_else(|| home.as_ref().map(|h| h.join(".config")))
        .map(|d| d.join("containers/auth.json"));
    let docker = env("DOCKER_CONFIG")
        .or_else(|| home.map(|h| h.join(".docker")))
        .map(|d| d.join("config.json"));
    [runtime, config, docker].into_iter().flatten().collect()
}

/// Whether one of the files names a program that has credentials.
#[must_use]
pub fn have_helpers(files: &[PathBuf]) -> bool {
    files.iter().any(|path| {
        let file = read(path).and_then(Result::ok).unwrap_or_default();
        let named = |key: &str| match file.get(key) {
            Some(Value::String(name)) => !name.is_empty(),
            Some(Value::Object(names)) => !names.is_empty(),
            _ => false,
        };
        named("credsStore") || named("credHelpers")
    })
}

/// A file that can be opened, as JSON.
fn read(path: &Path) -> Option<Result<Value, String>> {
    let text = std::fs::read(path).ok()?;
    Some(serde_json::from_slice(&text).map_err(|e| e.to_string()))
}

/// The names under which a repository's credentials may be, the nearest first, and
/// whether a helper knows such names.
fn keys(registry: &str, repository: &str) -> Vec<(String, bool)> {
    let mut keys = Vec::new();
    let mut path = repository;
    loop {
        keys.push((format!("{registry}/{path}"), false));
        match path.rsplit_once('/') {
            Some((shorter, _)) => path = shorter,
            None => break,
        }
    }
    if registry == "docker.io" {
        keys.push((DOCKER_HUB.to_owned(), true));
    }
    keys.push((registry.to_owned(), true));
    keys
}

/// Looks the user up. An unreadable file or a failing helper is told, and does
/// not keep anybody from what needs no login.
#[must_use]
pub fn find(files: &[PathBuf], registry: &str, repository: &str) -> Credential {
    let mut trouble = String::new();
    for path in files {
        let mut told = |text: &str| {
            let words: Vec<&str> = text.split_whitespace().collect();
            trouble = format!("{}: {}", path.display(), words.join(" "));
        };
        let whole = match read(path) {
            None => continue,
            Some(Ok(whole)) => whole,
            Some(Err(e)) => {
                told(&format!("it is not as docker and podman write it: {e}"));
                continue;
            }
        };
        let mut without_helpers = whole.clone();
        if let Value::Object(file) = &mut without_helpers {
            file.remove("credsStore");
            file.remove("credHelpers");
        }
        for (key, has_helper) in keys(registry, repository) {
            let file = if has_helper { &whole } else { &without_helpers };
            let text = serde_json::to_vec(file).unwrap_or_default();
            match get_credential_from_reader(&text[..], &key) {
                Ok(DockerCredential::UsernamePassword(user, password)) => {
                    return Credential::Password(user, password);
                }
                Ok(DockerCredential::IdentityToken(token)) => return Credential::Refresh(token),
                Err(CredentialRetrievalError::NoCredentialConfigured) => {}
                Err(e) if is_not_found(&e) => {}
                Err(e) => told(&shown(&e)),
            }
        }
    }
    Credential::None(trouble)
}

/// The longest that a helper says, in characters.
const SAID_MAX: usize = 300;

/// Why there are no credentials. A helper that fails may have written them to its output, as
/// JSON; that is not shown.
fn shown(e: &CredentialRetrievalError) -> String {
    let text = match e {
        CredentialRetrievalError::HelperFailure {
            helper,
            stdout,
            stderr,
        } if stdout.contains('{') => {
            format!("the helper {helper} failed, with an output that is not shown: {stderr}")
        }
        other => other.to_string(),
    };
    match text.char_indices().nth(SAID_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Helpers have no other way to say that they know nobody.
fn is_not_found(e: &CredentialRetrievalError) -> bool {
    matches!(e, CredentialRetrievalError::HelperFailure { stdout, stderr, .. }
        if stdout.contains("not found") || stderr.contains("not found"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn look(text: &str, registry: &str, repository: &str) -> Credential {
        let file = file(text);
        find(&[file.path().to_owned()], registry, repository)
    }

    #[test]
    fn podmans_and_dockers_files() {
        let user = |name: &str| Credential::Password(name.to_owned(), "secret".to_owned());
        // ann:secret, bob:secret
        let text = r#"{"auths": {
            "r.io": {"auth": "YW5uOnNlY3JldA=="},
            "r.io/team": {"auth": "Ym9iOnNlY3JldA=="},
            "https://index.docker.io/v1/": {"auth": "YW5uOnNlY3JldA=="}
        }}"#;
        assert_eq!(look(text, "r.io", "x"), user("ann"));
        assert_eq!(look(text, "r.io", "team/x"), user("bob"));
        assert_eq!(look(text, "docker.io", "library/x"), user("ann"));
        assert_eq!(look(text, "other.io", "x"), Credential::None(String::new()));
    }

    /// A hole once: what a helper had printed before it failed was shown.
    #[test]
    fn a_failing_helpers_secret_is_not_shown() {
        let failure = |stdout: &str, stderr: &str| {
            shown(&CredentialRetrievalError::HelperFailure {
                helper: "docker-credential-x".into(),
                stdout: stdout.into(),
                stderr: stderr.into(),
            })
        };
        let said = failure(r#"{"Username":"ann","Secret":"secret"}"#, "locked");
        assert!(
            !said.contains("secret") && said.contains("locked"),
            "{said}"
        );
        assert!(failure("no bus", "").contains("no bus"));
        assert!(failure(&"é".repeat(1000), "").chars().count() <= SAID_MAX + 1);
    }

    #[test]
    fn trouble_is_told_and_goes_on() {
        let Credential::None(said) = look("not json", "r.io", "x") else {
            panic!("credentials out of nothing");
        };
        assert!(said.contains("not as docker and podman write it"), "{said}");
        let helper = r#"{"credHelpers": {"r.io": "armistice-no-such-helper"}}"#;
        let Credential::None(said) = look(helper, "r.io", "x") else {
            panic!("credentials out of nothing");
        };
        assert!(said.contains("helper"), "{said}");
        let missing = find(&["/nonexistent".into()], "r.io", "x");
        assert_eq!(missing, Credential::None(String::new()));
    }
}
