//! Encrypted, with a server whose certificate was checked.

use super::stream::CONNECT;
use super::{IrcConfig, error};
use osm_core::ports::{Kind, PortError};
use rustls_platform_verifier::Verifier;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error};

/// Believes this machine's authorities, and those of a file of the network's own.
pub(super) async fn encrypt(
    config: &IrcConfig,
    tcp: TcpStream,
) -> Result<TlsStream<TcpStream>, PortError> {
    let wrong = |detail: String| error(config, "encrypt", Kind::Rejected, detail);
    let extra = match &config.ca_file {
        Some(file) => authorities(file).map_err(wrong)?,
        None => Vec::new(),
    };
    let provider = Arc::new(default_provider());
    let verifier = Verifier::new_with_extra_roots(extra, provider.clone())
        .map_err(|e| wrong(format!("no authority's certificate can be used: {e}")))?;
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| wrong(e.to_string()))?
        // Not dangerous: it is the platform's own verifier.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let name = ServerName::try_from(config.host.clone()).map_err(|e| wrong(e.to_string()))?;
    let connecting = TlsConnector::from(Arc::new(tls)).connect(name, tcp);
    match tokio::time::timeout(CONNECT, connecting).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(e)) => Err(refused(config, &e)),
        Err(_) => {
            let detail = "no answer to TLS in time";
            Err(error(config, "encrypt", Kind::Timeout, detail))
        }
    }
}

fn authorities(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let unread = |why: String| format!("ca_file {} cannot be read: {why}", file.display());
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file)
        .map_err(|e| unread(e.to_string()))?
        .collect();
    let found = found.map_err(|e| unread(e.to_string()))?;
    if found.is_empty() {
        return Err(unread("there is no certificate in PEM in it".to_owned()));
    }
    Ok(found)
}

/// Why, and what to do about it.
fn refused(config: &IrcConfig, why: &io::Error) -> PortError {
    let told = why.get_ref().and_then(|it| it.downcast_ref::<Error>());
    let (kind, advice) = match told {
        Some(Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        )) => (
            Kind::Rejected,
            "; name the authority's certificate in irc.ca_file, or have this machine trust it",
        ),
        Some(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => (
            Kind::Rejected,
            "; irc.host must be a name for which the certificate is made",
        ),
        Some(Error::InvalidCertificate(_)) => (Kind::Rejected, ""),
        Some(Error::InvalidMessage(_)) => (Kind::Protocol, "; irc.port may be one without TLS"),
        _ => (Kind::Unavailable, ""),
    };
    error(config, "encrypt", kind, format!("TLS: {why}{advice}"))
}
