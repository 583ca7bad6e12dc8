//! Manifests and blobs from an OCI registry, with tokens, credentials, mirrors
//! and proxies. Thin: HTTP and TLS are `ureq`'s and `rustls`'s.
//!
//! Nothing here knows the store. What comes is not verified beyond a manifest's
//! digest: whoever keeps a blob hashes it.
//!
//! - [`client`]: requests, and what the answers mean.
//! - `auth`: challenges and tokens. `credentials`: who the user is.
//! - `proxy`: through whom. `tls`: whom to trust. `names`: which of glibc's resolvers are asked.

mod auth;
pub mod client;
pub mod credentials;
mod error;
mod loopback;
mod names;
mod proxy;
mod tls;

pub use client::{Client, Fetched, Lookup, Options};
pub use credentials::Credential;
pub use error::{Error, Lack};

/// Whether a text of `WWW-Authenticate` is a challenge that is known; for fuzzing.
#[doc(hidden)]
#[must_use]
pub fn is_challenge(text: &str) -> bool {
    auth::Challenge::parse(text).is_some()
}
