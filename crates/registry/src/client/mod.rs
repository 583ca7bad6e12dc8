//! Requests to a registry (OCI Distribution Specification 1.1), and what the
//! answers mean.
//!
//! `place` is one host that is asked, `token` lets the client in there.
//!
//! An image of docker.io may be asked for at mirrors first. Each place has its
//! own token. Nothing is sent along a redirect to say who the user is.

mod place;
mod token;

use std::io::Read;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use armistice_oci::document::{MANIFEST_TYPES, SIZE_MAX};
use armistice_oci::{Digest, Reference};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use crate::credentials::Credential;
use crate::error::{in_full, is_certificate, speaks_tls};
use crate::loopback::{host_of, is_loopback};
use crate::proxy::Proxies;
use crate::{Error, names, tls};
use place::{Place, said};

/// How long an answer may take to begin, or its next bytes to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(20);

/// How many redirects are followed.
const REDIRECTS: u32 = 10;

/// How long it is waited in all for a registry that is busy.
const BUSY_MAX: Duration = Duration::from_secs(60);

/// Says who the user is to a registry's repository.
pub type Lookup<'a> = dyn Fn(&str, &str) -> Credential + Send + Sync + 'a;

/// How a registry is spoken to.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Trust this authority too.
    pub tls_ca: Option<PathBuf>,
    /// Trust anybody, and do without TLS where there is none.
    pub insecure: bool,
    /// `HOST[/PATH]` that is asked before docker.io.
    pub mirrors: Vec<String>,
}

/// A manifest or an index.
#[derive(Debug)]
pub struct Fetched {
    /// What the bytes hash to.
    pub digest: Digest,
    /// As they came.
    pub bytes: Vec<u8>,
    /// What the registry says that they are.
    pub media_type: String,
}

/// A repository, at its registry and the mirrors.
pub struct Client<'a> {
    /// For what has TLS, and for what has not: their proxies differ.
    agents: (Agent, Agent),
    /// For what is on this machine and has no TLS. It follows no redirect, which could lead elsewhere.
    loopback: Agent,
    insecure: bool,
    lookup: &'a Lookup<'a>,
    places: Vec<Place>,
    /// Why mirrors did not give what they were asked for, each once.
    passed_over: Mutex<Vec<Error>>,
}

impl std::fmt::Debug for Client<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("places", &self.places)
            .finish_non_exhaustive()
    }
}

impl<'a> Client<'a> {
    /// For one image's repository. Nothing is sent yet; `lookup` is asked once the
    /// registry wants to know.
    ///
    /// # Errors
    /// [`Error::Certificates`], [`Error::Proxy`].
    pub fn new(
        image: &Reference,
        options: &Options,
        lookup: &'a Lookup<'a>,
    ) -> Result<Client<'a>, Error> {
        names::only_what_is_linked();
        let mut places = Vec::new();
        if image.registry == "docker.io" {
            for mirror in &options.mirrors {
                places.push(Place::mirror(mirror, &image.repository));
            }
        }
        places.push(Place::new(&image.registry, image.repository.clone()));
        let hosts: Vec<&str> = places.iter().map(|p| p.host.as_str()).collect();
        let proxies = Proxies::new(&|name| std::env::var_os(name), &hosts)?;
        let tls = tls::config(options.tls_ca.as_deref(), options.insecure)?;
        let agent = |proxy, https_only, redirects| -> Agent {
            let config = Agent::config_builder()
                .http_status_as_error(false)
                // Also along a redirect.
                .https_only(https_only)
                .max_redirects(redirects)
                .max_redirects_will_error(redirects > 0)
                .tls_config(tls.clone())
                .proxy(proxy)
                .timeout_connect(Some(CONNECT))
                .timeout_recv_response(Some(PATIENCE))
                .timeout_per_read(Some(PATIENCE))
                .user_agent(concat!("armistice/", env!("CARGO_PKG_VERSION")));
            config.build().into()
        };
        let with_tls = !options.insecure;
        Ok(Client {
            agents: (
                agent(proxies.https, with_tls, REDIRECTS),
                agent(proxies.http, with_tls, REDIRECTS),
            ),
            loopback: agent(None, false, 0),
            insecure: options.insecure,
            lookup,
            places,
            passed_over: Mutex::default(),
        })
    }

    fn agent(&self, url: &str) -> &Agent {
        if url.starts_with("https:") {
            &self.agents.0
        } else {
            &self.agents.1
        }
    }

    /// A manifest or an index, by tag or digest.
    ///
    /// # Errors
    /// [`Error`]; [`Error::AndMirrors`] where mirrors failed as well.
    pub fn manifest(&self, wanted: &str) -> Result<Fetched, Error> {
        self.anywhere(|place| self.manifest_at(place, wanted))
    }

    /// A blob's bytes from `offset` on. A registry that can't begin there
    /// begins at 0; where it did is told.
    ///
    /// # Errors
    /// As [`Client::manifest`].
    pub fn blob(&self, digest: &Digest, offset: u64) -> Result<(u64, Box<dyn Read + Send>), Error> {
        self.anywhere(|place| self.blob_at(place, digest, offset))
    }

    fn anywhere<T>(&self, ask: impl Fn(&Place) -> Result<T, Error>) -> Result<T, Error> {
        let Some((registry, mirrors)) = self.places.split_last() else {
            return Err(Error::Nonsense {
                registry: String::new(),
                reason: "there is none".to_owned(),
            });
        };
        let mut failed = Vec::new();
        for mirror in mirrors {
            match ask(mirror) {
                Ok(answer) => {
                    self.pass_over(failed);
                    return Ok(answer);
                }
                Err(error) => failed.push(error),
            }
        }
        match ask(registry) {
            Ok(answer) => {
                self.pass_over(failed);
                Ok(answer)
            }
            Err(error) if failed.is_empty() => Err(error),
            Err(error) => Err(Error::AndMirrors {
                error: Box::new(error),
                mirrors: failed,
            }),
        }
    }

    fn pass_over(&self, failed: Vec<Error>) {
        let mut all = locked(&self.passed_over);
        for why in failed {
            if !all.iter().any(|told| in_full(told) == in_full(&why)) {
                all.push(why);
            }
        }
    }

    /// Why mirrors were passed over since this was last asked.
    pub fn passed_over(&self) -> Vec<Error> {
        std::mem::take(&mut locked(&self.passed_over))
    }

    fn manifest_at(&self, place: &Place, wanted: &str) -> Result<Fetched, Error> {
        let path = format!("manifests/{wanted}");
        let answer = self.get(place, &path, &[("Accept", MANIFEST_TYPES.join(", "))])?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Err(Error::NoSuchImage {
                registry: place.registry.clone(),
                repository: place.repository.clone(),
                wanted: wanted.to_owned(),
                reason: said(answer),
            });
        }
        let answer = place.good(answer, &path)?;
        let header = |name: &str| {
            let value = answer.headers().get(name)?;
            Some(value.to_str().ok()?.to_owned())
        };
        let media_type = header("content-type").unwrap_or_default();
        let claimed = header("docker-content-digest");
        let mut bytes = Vec::new();
        answer
            .into_body()
            .into_reader()
            .take(SIZE_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| place.unreachable(e.into()))?;
        if bytes.len() as u64 > SIZE_MAX {
            let reason = format!("its manifest is larger than {SIZE_MAX} bytes");
            return Err(place.nonsense(&reason));
        }
        let digest = Digest::of(&bytes);
        // The header is only a claim, but a wrong one shows what broke the bytes.
        let wanted = Digest::parse(wanted).or_else(|| Digest::parse(&claimed?));
        if let Some(wanted) = wanted.filter(|wanted| *wanted != digest) {
            return Err(Error::WrongDigest {
                registry: place.registry.clone(),
                wanted: wanted.to_string(),
                found: digest.to_string(),
            });
        }
        Ok(Fetched {
            digest,
            bytes,
            media_type,
        })
    }

    fn blob_at(
        &self,
        place: &Place,
        digest: &Digest,
        offset: u64,
    ) -> Result<(u64, Box<dyn Read + Send>), Error> {
        let path = format!("blobs/{digest}");
        let range = (offset > 0).then(|| ("Range", format!("bytes={offset}-")));
        let mut answer = self.get(place, &path, range.as_slice())?;
        if answer.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            answer = self.get(place, &path, &[])?;
        }
        if answer.status() == StatusCode::NOT_FOUND {
            return Err(Error::NoSuchBlob {
                registry: place.registry.clone(),
                repository: place.repository.clone(),
                digest: digest.to_string(),
            });
        }
        let answer = place.good(answer, &path)?;
        let start = match answer.status() {
            StatusCode::PARTIAL_CONTENT => {
                let range = answer.headers().get("content-range");
                let start = range.and_then(|r| range_start(r.to_str().ok()?));
                start.ok_or_else(|| place.nonsense("a part of a blob without its range"))?
            }
            _ => 0,
        };
        Ok((start, Box::new(answer.into_body().into_reader())))
    }

    /// One request, with what it takes to be let in.
    fn get(
        &self,
        place: &Place,
        path: &str,
        headers: &[(&str, String)],
    ) -> Result<Response<Body>, Error> {
        let answer = self.send(place, path, headers)?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let reason = self.authorise(place, &answer)?;
        let answer = self.send(place, path, headers)?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let said = said(answer);
            return Err(place.unauthorized(if reason.is_empty() { said } else { reason }));
        }
        Ok(answer)
    }

    /// One request, tried again while the registry is busy.
    fn send(
        &self,
        place: &Place,
        path: &str,
        headers: &[(&str, String)],
    ) -> Result<Response<Body>, Error> {
        let mut waited = Duration::ZERO;
        loop {
            let answer = self.once(place, path, headers)?;
            let status = answer.status().as_u16();
            if !matches!(status, 429 | 503) {
                return Ok(answer);
            }
            let after = answer.headers().get("retry-after");
            let after: Option<u64> = after.and_then(|v| v.to_str().ok()?.trim().parse().ok());
            let Some(wait) = next_wait(waited, after) else {
                return Err(Error::Busy {
                    registry: place.registry.clone(),
                    status,
                    after,
                });
            };
            std::thread::sleep(wait);
            waited += wait;
        }
    }

    fn once(
        &self,
        place: &Place,
        path: &str,
        headers: &[(&str, String)],
    ) -> Result<Response<Body>, Error> {
        let ask = |scheme: &str| {
            let url = format!("{scheme}://{}/v2/{}/{path}", place.host, place.repository);
            if scheme == "http" && !self.insecure {
                return self.on_this_machine(place, url, headers);
            }
            let mut request = self.agent(&url).get(&url);
            for (name, value) in headers {
                request = request.header(*name, value);
            }
            if let Some(header) = locked(&place.header).as_ref() {
                request = request.header("Authorization", header);
            }
            request.call()
        };
        let plain = *locked(&place.plain);
        if plain {
            return ask("http").map_err(|e| place.unreachable(e));
        }
        match ask("https") {
            Ok(answer) => Ok(answer),
            Err(tls) if self.insecure || (place.is_near() && !is_certificate(&tls)) => {
                match ask("http") {
                    Ok(answer) => {
                        *locked(&place.plain) = true;
                        Ok(answer)
                    }
                    // Who has answered in TLS is meant by that answer.
                    Err(_) if speaks_tls(&tls) => Err(place.unreachable(tls)),
                    Err(plain) => Err(place.unreachable(plain)),
                }
            }
            Err(e) => Err(place.unreachable(e)),
        }
    }

    /// Asks a registry on this machine without TLS. A redirect is followed by TLS, or to this machine.
    fn on_this_machine(
        &self,
        place: &Place,
        mut url: String,
        headers: &[(&str, String)],
    ) -> Result<Response<Body>, ureq::Error> {
        let own = url.clone();
        for _ in 0..REDIRECTS {
            let agent = match url.starts_with("https:") {
                true => &self.agents.0,
                false if is_loopback(host_of(&url)) => &self.loopback,
                false => return Err(ureq::Error::RequireHttpsOnly(url)),
            };
            let mut request = agent.get(&url);
            for (name, value) in headers {
                request = request.header(*name, value);
            }
            if let Some(header) = locked(&place.header).as_ref().filter(|_| url == own) {
                request = request.header("Authorization", header);
            }
            let answer = request.call()?;
            let to = answer
                .headers()
                .get("location")
                .filter(|_| answer.status().is_redirection());
            match to.and_then(|to| to.to_str().ok()) {
                Some(to) if to.starts_with('/') => {
                    let scheme_and_host = url.split('/').take(3).collect::<Vec<_>>().join("/");
                    url = format!("{scheme_and_host}{to}");
                }
                Some(to) => url = to.to_owned(),
                None => return Ok(answer),
            }
        }
        Err(ureq::Error::TooManyRedirects)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long to wait for a registry that is busy, and says for how many seconds;
/// `None` where that is too long.
fn next_wait(waited: Duration, after: Option<u64>) -> Option<Duration> {
    let wait = Duration::from_secs(after.unwrap_or(2).max(1));
    (waited.saturating_add(wait) <= BUSY_MAX).then_some(wait)
}

/// Where a part begins: `bytes 100-199/200`.
fn range_start(text: &str) -> Option<u64> {
    let (start, _) = text.strip_prefix("bytes ")?.split_once('-')?;
    start.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_retry_after_is_too_long_to_be_counted() {
        let second = Duration::from_secs(1);
        assert_eq!(next_wait(Duration::ZERO, Some(0)), Some(second));
        assert_eq!(next_wait(second, None), Some(2 * second));
        assert_eq!(next_wait(59 * second, Some(1)), Some(second));
        assert_eq!(next_wait(second, Some(60)), None);
        assert_eq!(next_wait(second, Some(u64::MAX)), None);
    }

    #[test]
    fn ranges() {
        assert_eq!(range_start("bytes 100-199/200"), Some(100));
        assert_eq!(range_start("bytes */200"), None);
        assert_eq!(range_start("100-199"), None);
    }
}
