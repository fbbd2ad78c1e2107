//! Who must have signed the certificate of a server.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::ClientError;

/// Where systems keep the authorities that they trust: Debian, Fedora, and what descends from BSD.
const SYSTEM_FILES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// The certificate authorities that servers at `wss://` addresses are held to. Cheap to clone.
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

impl Trust {
    /// The authorities in a text of PEM certificates, of which there must be one at least. A server's own certificate
    /// will do when it signed itself.
    ///
    /// # Errors
    ///
    /// [`ClientError::Trust`] when there is none, or one that cannot be read.
    pub fn in_authorities(pem: &[u8]) -> Result<Self, ClientError> {
        let refuse = |problem: String| ClientError::Trust { problem };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| refuse(error.to_string()))?;
            roots.add(certificate).map_err(|error| refuse(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(refuse("it holds no certificate".to_owned()));
        }
        Self::new(roots)
    }

    /// The authorities that the system trusts: those in `file`, as the variable `SSL_CERT_FILE` names it, else those in the
    /// system's usual place. What is not understood of the latter is left out.
    ///
    /// # Errors
    ///
    /// [`ClientError::Trust`] when they cannot be found or read.
    pub fn in_system(file: Option<&Path>) -> Result<Self, ClientError> {
        let refuse = |problem: String| ClientError::Trust { problem };
        if let Some(file) = file {
            let pem = std::fs::read(file).map_err(|error| refuse(format!("`{}`: {error}", file.display())))?;
            return Self::in_authorities(&pem);
        }
        let pem = SYSTEM_FILES.iter().find_map(|file| std::fs::read(file).ok());
        let pem = pem.ok_or_else(|| refuse("the system has none; set `SSL_CERT_FILE`".to_owned()))?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok));
        Self::new(roots)
    }

    fn new(roots: RootCertStore) -> Result<Self, ClientError> {
        let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| ClientError::Trust {
                problem: error.to_string(),
            })?;
        Ok(config.with_root_certificates(roots).with_no_client_auth().into())
    }

    #[cfg(test)]
    pub(super) fn nobody() -> Self {
        Self::new(RootCertStore::empty()).expect("known versions")
    }

    /// Boxed, because it is large.
    pub(crate) async fn encrypt(
        &self,
        host: ServerName<'static>,
        stream: TcpStream,
    ) -> std::io::Result<Box<TlsStream<TcpStream>>> {
        let connector = TlsConnector::from(Arc::clone(&self.0));
        Box::pin(connector.connect(host, stream)).await.map(Box::new)
    }
}

/// For everything that is not about authorities, such as a certificate of the client's own.
impl From<ClientConfig> for Trust {
    fn from(config: ClientConfig) -> Self {
        Self(Arc::new(config))
    }
}

/// Equal is what was cloned from the same.
impl PartialEq for Trust {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Trust {}

impl fmt::Debug for Trust {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Trust").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_certificates_is_refused() {
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for pem in [&b"certainly"[..], b"", broken] {
            assert!(matches!(Trust::in_authorities(pem), Err(ClientError::Trust { .. })));
        }
    }

    #[test]
    fn a_file_that_is_named_and_missing_is_told() {
        let missing = Path::new("/nowhere/authorities.pem");
        let error = Trust::in_system(Some(missing)).expect_err("there is none");
        assert!(error.to_string().contains("/nowhere/authorities.pem"), "{error}");
    }
}
