//! A host that is asked: a registry or a mirror, what is known of it, and the errors that name it.

use std::io::Read;
use std::sync::Mutex;

use ureq::Body;
use ureq::http::Response;

use super::REDIRECTS;
use crate::Error;
use crate::error::is_no_tls;
use crate::loopback::is_loopback;

/// One host that has the repository.
#[derive(Debug)]
pub(super) struct Place {
    /// For messages, and for credentials.
    pub(super) registry: String,
    /// What is connected to.
    pub(super) host: String,
    pub(super) repository: String,
    /// `Authorization`, once it is known.
    pub(super) header: Mutex<Option<String>>,
    /// That it speaks no TLS, once that is known.
    pub(super) plain: Mutex<bool>,
}

impl Place {
    pub(super) fn new(registry: &str, repository: String) -> Place {
        let host = match registry {
            "docker.io" => "registry-1.docker.io",
            other => other,
        };
        Place {
            registry: registry.to_owned(),
            host: host.to_owned(),
            repository,
            header: Mutex::default(),
            plain: Mutex::default(),
        }
    }

    /// `HOST[/PATH]`: the path goes in front of the repository.
    pub(super) fn mirror(mirror: &str, repository: &str) -> Place {
        let mirror = mirror.trim_start_matches("https://").trim_end_matches('/');
        match mirror.split_once('/') {
            Some((host, path)) => Place::new(host, format!("{path}/{repository}")),
            None => Place::new(mirror, repository.to_owned()),
        }
    }

    /// Whether it is on this machine: docker does without TLS there, and nobody is between.
    pub(super) fn is_near(&self) -> bool {
        is_loopback(&self.host)
    }

    /// An answer whose status is success.
    pub(super) fn good(&self, answer: Response<Body>, what: &str) -> Result<Response<Body>, Error> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let reason = said(answer);
        Err(match status.as_u16() {
            403 => Error::Forbidden {
                registry: self.registry.clone(),
                repository: self.repository.clone(),
                reason,
            },
            status => Error::Status {
                registry: self.registry.clone(),
                status,
                what: what.to_owned(),
                reason,
            },
        })
    }

    pub(super) fn unauthorized(&self, reason: String) -> Error {
        Error::Unauthorized {
            registry: self.registry.clone(),
            repository: self.repository.clone(),
            reason,
        }
    }

    pub(super) fn unreachable(&self, source: ureq::Error) -> Error {
        if is_no_tls(&source) {
            return Error::NoTls {
                registry: self.registry.clone(),
            };
        }
        match source {
            ureq::Error::TooManyRedirects => {
                self.nonsense(&format!("it redirects more than {REDIRECTS} times"))
            }
            ureq::Error::LargeResponseHeader(..) => self.nonsense("its headers are too long"),
            source => Error::Unreachable {
                registry: self.registry.clone(),
                source: Box::new(source),
            },
        }
    }

    /// For a token server that is not asked.
    pub(super) fn no_token_server(&self, realm: &str) -> Error {
        if realm.starts_with("http://") {
            return Error::TokenServerNoTls {
                registry: self.registry.clone(),
                realm: realm.to_owned(),
            };
        }
        self.nonsense(&format!("its token server, {realm}, is no address of HTTP"))
    }

    pub(super) fn nonsense(&self, reason: &str) -> Error {
        Error::Nonsense {
            registry: self.registry.clone(),
            reason: reason.to_owned(),
        }
    }
}

/// What a registry says in an error's body, in a line.
pub(super) fn said(answer: Response<Body>) -> String {
    #[derive(serde::Deserialize)]
    struct Errors {
        errors: Vec<Entry>,
    }
    #[derive(serde::Deserialize)]
    struct Entry {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let mut text = Vec::new();
    let mut reader = answer.into_body().into_reader().take(64 * 1024);
    if reader.read_to_end(&mut text).is_err() {
        return String::new();
    }
    let parsed: Option<Errors> = serde_json::from_slice(&text).ok();
    let first = parsed.and_then(|e| e.errors.into_iter().next());
    let line = first.map_or_else(String::new, |e| {
        let text = if e.message.is_empty() {
            e.code
        } else {
            e.message
        };
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors() {
        let place = Place::mirror("https://m.example/proxy/", "library/debian");
        assert_eq!(
            (&*place.host, &*place.repository),
            ("m.example", "proxy/library/debian")
        );
        let place = Place::mirror("m.example:5000", "library/debian");
        assert_eq!(
            (&*place.host, &*place.repository),
            ("m.example:5000", "library/debian")
        );
    }
}
