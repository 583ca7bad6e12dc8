//! Why a registry did not give what was asked for, and what of TLS was missing where that was
//! the reason. Which option helps is not known here: the caller words that by [`Error::lacks`].

use std::path::PathBuf;

/// What of TLS is missing: a caller may decide to do without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// The registry speaks no TLS.
    Registry,
    /// The registry redirects to an address without TLS.
    Redirect,
    /// The registry's token server has an address without TLS.
    TokenServer,
    /// No trusted authority has signed the certificate.
    Trust,
}

/// Why a registry did not give what was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No connection, or it broke.
    #[error("can't reach {registry}{}", hint(.source))]
    Unreachable {
        /// The registry's host.
        registry: String,
        /// Why not.
        #[source]
        source: Box<ureq::Error>,
    },
    /// It answers, but without TLS.
    #[error("can't reach {registry} by TLS")]
    NoTls {
        /// The registry's host.
        registry: String,
    },
    /// The address of the registry's token server begins with `http:`.
    #[error("{registry} has its tokens given by {realm}, which is without TLS")]
    TokenServerNoTls {
        /// The registry's host.
        registry: String,
        /// The token server's address.
        realm: String,
    },
    /// The registry failed, and its mirrors had failed before.
    #[error("{} (asked first: {})", in_full(.error), all_in_full(.mirrors))]
    AndMirrors {
        /// The registry's.
        error: Box<Error>,
        /// Why each mirror did not give it.
        mirrors: Vec<Error>,
    },
    /// 401: the registry wants to know who asks, and did not like the answer.
    #[error(
        "{registry} wants a login for {repository}{}; log in with 'podman login {registry}' or \
         'docker login {registry}'", because(.reason)
    )]
    Unauthorized {
        /// The registry's host.
        registry: String,
        /// What was asked for.
        repository: String,
        /// What it said, or why no credentials were found.
        reason: String,
    },
    /// 403.
    #[error("{registry} refuses {repository} to this user{}", because(.reason))]
    Forbidden {
        /// The registry's host.
        registry: String,
        /// What was asked for.
        repository: String,
        /// What it said.
        reason: String,
    },
    /// 404 for a manifest.
    #[error("{registry} has no {repository}:{wanted}{}", because(.reason))]
    NoSuchImage {
        /// The registry's host.
        registry: String,
        /// Which repository.
        repository: String,
        /// The tag or digest.
        wanted: String,
        /// What it said.
        reason: String,
    },
    /// 404 for a blob.
    #[error("{registry} has lost {digest} of {repository}, which its manifest names")]
    NoSuchBlob {
        /// The registry's host.
        registry: String,
        /// Which repository.
        repository: String,
        /// Which blob.
        digest: String,
    },
    /// 429 or 503, for longer than is waited.
    #[error("{registry} answers {status}, too many requests{}; try again then, or log in", for_another(*.after))]
    Busy {
        /// The registry's host.
        registry: String,
        /// 429 or 503.
        status: u16,
        /// What it said in `Retry-After`, in seconds.
        after: Option<u64>,
    },
    /// Any other status.
    #[error("{registry} answers {status} to {what}{}", because(.reason))]
    Status {
        /// The registry's host.
        registry: String,
        /// The HTTP status.
        status: u16,
        /// The path asked for.
        what: String,
        /// What it said.
        reason: String,
    },
    /// An answer that is none.
    #[error("{registry} does not answer like a registry: {reason}")]
    Nonsense {
        /// The registry's host.
        registry: String,
        /// What is wrong.
        reason: String,
    },
    /// A manifest is not the one that was asked for.
    #[error("{registry} sent another manifest than {wanted}: its digest is {found}")]
    WrongDigest {
        /// The registry's host.
        registry: String,
        /// What was asked for.
        wanted: String,
        /// What came.
        found: String,
    },
    /// A variable that should name a proxy does not name one that can be used.
    #[error("{name} {reason}")]
    Proxy {
        /// The variable.
        name: &'static str,
        /// What is wrong; the value may have a password in it.
        reason: &'static str,
    },
    /// No certificates to trust, or a file of them that can't be read.
    #[error("can't read certificates from {}: {reason}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl Error {
    /// What of TLS was missing, if that was the reason.
    #[must_use]
    pub fn lacks(&self) -> Option<Lack> {
        match self {
            Error::NoTls { .. } => Some(Lack::Registry),
            Error::TokenServerNoTls { .. } => Some(Lack::TokenServer),
            Error::Unreachable { source, .. } => match source.as_ref() {
                ureq::Error::RequireHttpsOnly(_) => Some(Lack::Redirect),
                source => is_certificate(source).then_some(Lack::Trust),
            },
            _ => None,
        }
    }
}

fn all_in_full(errors: &[Error]) -> String {
    errors.iter().map(in_full).collect::<Vec<_>>().join("; ")
}

/// An error with its causes.
pub(crate) fn in_full(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn because(reason: &str) -> String {
    if reason.is_empty() {
        String::new()
    } else {
        format!(" ({reason})")
    }
}

fn for_another(seconds: Option<u64>) -> String {
    match seconds {
        Some(seconds) => format!(", for another {seconds} seconds"),
        None => String::new(),
    }
}

const NO_NETWORK: &str = " (is there a network, or a proxy to be named in HTTPS_PROXY?)";

/// What a connection that did not come about may have to do with.
fn hint(source: &ureq::Error) -> &'static str {
    match source {
        ureq::Error::HostNotFound => NO_NETWORK,
        ureq::Error::RequireHttpsOnly(_) => " (it redirects to where there is no TLS)",
        // The standard library has no kind for it.
        ureq::Error::Io(e) if e.to_string().starts_with("failed to lookup address") => NO_NETWORK,
        _ => "",
    }
}

fn tls_error(e: &std::io::Error) -> Option<&rustls::Error> {
    e.get_ref()?.downcast_ref()
}

/// Whether somebody answered in TLS whose certificate is not trusted.
pub(crate) fn is_certificate(error: &ureq::Error) -> bool {
    let invalid = |e: &rustls::Error| matches!(e, rustls::Error::InvalidCertificate(_));
    match error {
        ureq::Error::Rustls(e) => invalid(e),
        ureq::Error::Io(e) => tls_error(e).is_some_and(invalid),
        _ => false,
    }
}

/// Whether somebody answered in TLS: what is wrong is in TLS itself, or in an answer that came by it.
pub(crate) fn speaks_tls(error: &ureq::Error) -> bool {
    let is_tls = match error {
        ureq::Error::Rustls(_)
        | ureq::Error::RequireHttpsOnly(_)
        | ureq::Error::RedirectFailed
        | ureq::Error::TooManyRedirects
        | ureq::Error::LargeResponseHeader(..) => true,
        ureq::Error::Io(e) => tls_error(e).is_some(),
        _ => false,
    };
    is_tls && !is_no_tls(error)
}

/// Whether somebody answered, and not in TLS.
pub(crate) fn is_no_tls(error: &ureq::Error) -> bool {
    let invalid = |e: &rustls::Error| matches!(e, rustls::Error::InvalidMessage(_));
    match error {
        ureq::Error::Rustls(e) => invalid(e),
        ureq::Error::Io(e) => tls_error(e).is_some_and(invalid),
        _ => false,
    }
}
