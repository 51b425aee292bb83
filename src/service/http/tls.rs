//! The server's certificate and key: read, checked, and read again when the configuration is.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

use crate::config::service::TlsFiles;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be used.
    #[error("`{path}` {what}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        what: String,
    },
    /// The two don't fit, or rustls does not take them.
    #[error("certificate `{certificate}` and key `{key}` can't be used together: {source}")]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// As rustls says it.
        source: rustls::Error,
    },
}

/// What takes TLS connections with this certificate. Blocks on files.
///
/// # Errors
/// If the certificate or the key can't be read, or can't be used.
pub(super) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let of = |path: &Path, what: String| TlsError::File { path: path.to_owned(), what };
    let read = |path: &Path| fs::read(path).map_err(|error| of(path, format!("could not be read: {error}")));
    let pem = read(&files.certificate)?;
    let chain: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.map_err(|error| of(&files.certificate, format!("is no PEM file: {error}")))?;
    if chain.is_empty() {
        return Err(of(&files.certificate, "holds no certificate in PEM form".to_owned()));
    }
    closed_to_others(&files.key).map_err(|what| of(&files.key, what))?;
    let pem = read(&files.key)?;
    let key = PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|error| of(&files.key, format!("holds no private key in PEM form: {error}")))?;
    let pair =
        |source| TlsError::Pair { certificate: files.certificate.clone(), key: files.key.clone(), source };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
        .map_err(pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A group may read keys on many hosts (`ssl-cert`); everybody may not.
#[cfg(unix)]
fn closed_to_others(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;

    let mode =
        fs::metadata(path).map_err(|error| format!("could not be read: {error}"))?.permissions().mode();
    if mode.trailing_zeros() >= 3 {
        return Ok(());
    }
    Err(format!("is open to everybody (mode {:04o}); `chmod o= {}` closes it", mode & 0o7777, path.display()))
}

#[cfg(not(unix))]
fn closed_to_others(_path: &Path) -> Result<(), String> {
    Ok(())
}
