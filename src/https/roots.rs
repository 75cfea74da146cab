//! The root certificates that the HTTPS client verifies AWS's certificates with.
//!
//! Mozilla's list is compiled in, so a cold start reads no file. If another authority signs the certificates,
//! for example a proxy that inspects TLS, `SSL_CERT_FILE` replaces the list.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{Error, PemObject};

/// The certificates in the file that `SSL_CERT_FILE` names, or Mozilla's list if `SSL_CERT_FILE` is not set.
pub fn roots() -> RootCertStore {
    let Some(file) = std::env::var_os("SSL_CERT_FILE") else { return mozilla() };
    let file = Path::new(&file);
    read(file).unwrap_or_else(|error| {
        tracing::error!(file = %file.display(), %error, "cannot read a root certificate from \
            SSL_CERT_FILE, so every call to AWS over TLS will fail; set SSL_CERT_FILE to a PEM file \
            of root certificates, or unset it to trust Mozilla's list");
        RootCertStore::empty()
    })
}

fn mozilla() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

/// Skips parts of the file that are not certificates, as the SDK's own client does.
fn read(file: &Path) -> Result<RootCertStore, Error> {
    let certificates = CertificateDer::pem_file_iter(file)?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates.filter_map(Result::ok));
    if roots.is_empty() { Err(Error::NoItemsFound) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Amazon Trust Services signs the certificates of AWS's endpoints with these roots.
    #[test]
    fn amazons_roots_are_in_mozillas_list() {
        let roots = mozilla().roots;
        for name in ["Amazon Root CA 1", "Amazon Root CA 2", "Amazon Root CA 3", "Amazon Root CA 4"]
        {
            let is_of =
                |subject: &[u8]| subject.windows(name.len()).any(|part| part == name.as_bytes());
            assert!(roots.iter().any(|root| is_of(&root.subject)), "{name}");
        }
    }
}
