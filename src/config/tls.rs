//! The `tls` section: encrypted connections without a proxy.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Checks;

/// Certificate and key for encrypted connections; both or neither.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Tls {
    /// PEM file with the certificate chain, leaf first; a relative path is relative to the data directory. `null` serves
    /// in clear text. Default `null`.
    pub cert: Option<PathBuf>,

    /// PEM file with the private key of `tls.cert`; a relative path is relative to the data directory. Default `null`.
    pub key: Option<PathBuf>,
}

impl Tls {
    /// The certificate and key files, resolved against the data directory; `None` when TLS is off.
    #[must_use]
    pub fn files(&self, data_dir: &Path) -> Option<(PathBuf, PathBuf)> {
        match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => Some((data_dir.join(cert), data_dir.join(key))),
            _ => None,
        }
    }

    /// Checks that certificate and key come together.
    pub(super) fn validate(&self, checks: &mut Checks) {
        for (path, file) in [("tls.cert", &self.cert), ("tls.key", &self.key)] {
            if file.as_ref().is_some_and(|file| file.as_os_str().is_empty()) {
                checks.report(&[path], "must name a file, or be null");
            }
        }
        match (&self.cert, &self.key) {
            (Some(_), None) => checks.report(&["tls.cert", "tls.key"], "needs `tls.key` beside it"),
            (None, Some(_)) => {
                checks.report(&["tls.key", "tls.cert"], "needs `tls.cert` beside it");
            }
            _ => {}
        }
    }
}
