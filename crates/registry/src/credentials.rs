//! Who the user is to a registry: podman's auth.json and Docker's config.json,
//! with the helpers that they name.

use std::fs::File;
use std::path::{Path, PathBuf};

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};

/// The name by which Docker's own registry is in these files.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// What is known of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    /// Nothing; the text says why, where somebody should know.
    None(String),
    Password(String, String),
    /// To be changed for a token.
    Refresh(String),
}

/// The files, in the order in which they count.
pub(crate) fn files(authfile: Option<&Path>) -> Vec<PathBuf> {
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

/// The names under which a repository's credentials may be, the nearest first.
fn keys(registry: &str, repository: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut path = repository;
    loop {
        keys.push(format!("{registry}/{path}"));
        match path.rsplit_once('/') {
            Some((shorter, _)) => path = shorter,
            None => break,
        }
    }
    if registry == "docker.io" {
        keys.push(DOCKER_HUB.to_owned());
    }
    keys.push(registry.to_owned());
    keys
}

/// Looks the user up. An unreadable file or a failing helper is told, and does
/// not keep anybody from what needs no login.
pub(crate) fn find(files: &[PathBuf], registry: &str, repository: &str) -> Credential {
    let mut trouble = String::new();
    for path in files {
        for key in keys(registry, repository) {
            let Ok(file) = File::open(path) else {
                continue;
            };
            match get_credential_from_reader(file, &key) {
                Ok(DockerCredential::UsernamePassword(user, password)) => {
                    return Credential::Password(user, password);
                }
                Ok(DockerCredential::IdentityToken(token)) => return Credential::Refresh(token),
                Err(CredentialRetrievalError::NoCredentialConfigured) => {}
                Err(e) if is_not_found(&e) => {}
                Err(e) => {
                    let text = e
                        .to_string()
                        .split_whitespace()
                        .collect::<Vec<_>>()
                        .join(" ");
                    trouble = format!("{}: {text}", path.display());
                }
            }
        }
    }
    Credential::None(trouble)
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

    #[test]
    fn trouble_is_told_and_goes_on() {
        let Credential::None(said) = look("not json", "r.io", "x") else {
            panic!("credentials out of nothing");
        };
        assert!(said.contains("Unable to read config"), "{said}");
        let helper = r#"{"credHelpers": {"r.io": "armistice-no-such-helper"}}"#;
        let Credential::None(said) = look(helper, "r.io", "x") else {
            panic!("credentials out of nothing");
        };
        assert!(said.contains("helper"), "{said}");
        let missing = find(&["/nonexistent".into()], "r.io", "x");
        assert_eq!(missing, Credential::None(String::new()));
    }
}
