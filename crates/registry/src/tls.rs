//! Which certificates are trusted: the machine's, and those in one more file.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::Error;

/// The configuration of all connections.
pub(crate) fn config(ca: Option<&Path>, insecure: bool) -> Result<TlsConfig, Error> {
    // A second call finds the first one's, which is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Where there are none, connections fail with a reason of their own; plain
    // HTTP needs none.
    let mut roots = rustls_native_certs::load_native_certs().certs;
    if let Some(path) = ca {
        roots.extend(read(path)?);
    }
    let roots: Vec<Certificate<'static>> = roots
        .iter()
        .map(|der| Certificate::from_der(der).to_owned())
        .collect();
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .disable_verification(insecure)
        .build())
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let failed = |reason: String| Error::Certificates {
        path: path.to_owned(),
        reason,
    };
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let certificates = certificates.map_err(|e| failed(e.to_string()))?;
    if certificates.is_empty() {
        return Err(failed("it has no certificate in PEM".to_owned()));
    }
    Ok(certificates)
}
