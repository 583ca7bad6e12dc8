//! Manifests and blobs from an OCI registry, with tokens, credentials, mirrors
//! and proxies. Thin: HTTP and TLS are `ureq`'s and `rustls`'s.
//!
//! Nothing here knows the store. What comes is not verified beyond a manifest's
//! digest: whoever keeps a blob hashes it.
//!
//! - [`client`]: requests, and what the answers mean.
//! - `auth`: challenges and tokens. `credentials`: who the user is.
//! - `tls`: whom to trust. `names`: which of glibc's resolvers are asked.

mod auth;
pub mod client;
mod credentials;
mod error;
mod names;
mod tls;

pub use client::{Client, Fetched, Options};
pub use error::Error;
