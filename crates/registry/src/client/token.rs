//! How a client is let in: a registry's challenge is answered with a password, or with a token that
//! the token server of the registry's choice gives.
//!
//! Invariant: a password or a refresh token goes to the registry's own host, or to a token server by
//! TLS; in clear only on this machine, or where the user has allowed it.

use std::io::Read;

use armistice_oci::document::SIZE_MAX;
use ureq::http::Response;
use ureq::{Agent, Body};

use super::place::{Place, said};
use super::{Client, locked};
use crate::Error;
use crate::auth::{Challenge, base64};
use crate::credentials::Credential;
use crate::loopback::{host_of, is_loopback};

impl Client<'_> {
    /// Answers a challenge: from now on the place's requests say who asks.
    /// Returns why that may not be enough.
    pub(super) fn authorise(
        &self,
        place: &Place,
        answer: &Response<Body>,
    ) -> Result<String, Error> {
        let challenges = answer.headers().get_all("www-authenticate");
        let challenge = challenges
            .iter()
            .find_map(|value| Challenge::parse(value.to_str().ok()?))
            .ok_or_else(|| place.nonsense("401 without a challenge that is known"))?;
        let credential = (self.lookup)(&place.registry, &place.repository);
        let trouble = match &credential {
            Credential::None(trouble) => trouble.clone(),
            _ => String::new(),
        };
        let header = match challenge {
            Challenge::Basic => match credential {
                Credential::Password(user, password) => basic(&user, &password),
                _ => return Err(place.unauthorized(trouble)),
            },
            Challenge::Bearer {
                realm,
                service,
                scope,
            } => {
                let token = self.token(place, &realm, &service, &scope, &credential)?;
                format!("Bearer {token}")
            }
        };
        *locked(&place.header) = Some(header);
        Ok(trouble)
    }

    /// A token for the repository, of the server that the registry has named.
    fn token(
        &self,
        place: &Place,
        realm: &str,
        service: &str,
        scope: &str,
        credential: &Credential,
    ) -> Result<String, Error> {
        // A password in clear is not given away, whatever the registry says.
        let is_near =
            place.is_near() && realm.starts_with("http://") && is_loopback(host_of(realm));
        let is_safe = realm.starts_with("https://") || is_near;
        if !is_safe && (!self.insecure || !realm.starts_with("http://")) {
            return Err(place.no_token_server(realm));
        }
        let scope = if scope.is_empty() {
            format!("repository:{}:pull", place.repository)
        } else {
            scope.to_owned()
        };
        let agent = match is_near {
            true => &self.loopback,
            false => self.agent(realm),
        };
        let answer = ask_for_token(agent, realm, service, &scope, credential)
            .map_err(|e| place.unreachable(e))?;
        match answer.status().as_u16() {
            401 | 403 => {
                let reason = match credential {
                    // Why there is no login says more than that one is missing.
                    Credential::None(trouble) if !trouble.is_empty() => trouble.clone(),
                    _ => said(answer),
                };
                return Err(place.unauthorized(reason));
            }
            429 | 503 => {
                return Err(Error::Busy {
                    registry: place.registry.clone(),
                    status: answer.status().as_u16(),
                    after: None,
                });
            }
            _ => {}
        }
        token_in(place.good(answer, realm)?)
            .ok_or_else(|| place.nonsense("its token server sends no token"))
    }
}

/// One request to a token server, with what says who the user is.
fn ask_for_token(
    agent: &Agent,
    realm: &str,
    service: &str,
    scope: &str,
    credential: &Credential,
) -> Result<Response<Body>, ureq::Error> {
    if let Credential::Refresh(token) = credential {
        return agent.post(realm).send_form([
            ("grant_type", "refresh_token"),
            ("service", service),
            ("scope", scope),
            ("client_id", "armistice"),
            ("refresh_token", token),
        ]);
    }
    let mut request = agent.get(realm).query("scope", scope);
    if !service.is_empty() {
        request = request.query("service", service);
    }
    if let Credential::Password(user, password) = credential {
        request = request.header("Authorization", basic(user, password));
    }
    request.call()
}

/// The token in a token server's answer.
fn token_in(answer: Response<Body>) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Answer {
        token: Option<String>,
        access_token: Option<String>,
    }
    let text = answer.into_body().into_reader().take(SIZE_MAX);
    let answer: Answer = serde_json::from_reader(text).ok()?;
    let token = answer
        .token
        .filter(|t| !t.is_empty())
        .or(answer.access_token);
    // What can't be a header's value is no token.
    token.filter(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_graphic()))
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64(format!("{user}:{password}").as_bytes()))
}
