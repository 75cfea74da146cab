//! The system's root certificates.
//!
//! `rustls-native-certs` decodes them in constant time, as if they were keys: with some 140 of them
//! that was more than a quarter of a start. They are public, and decoded by the base64 that the SDK
//! has.

use base64_simd::STANDARD;
use memchr::{memchr_iter, memmem};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

/// The roots in the system's bundle, or in the file that `SSL_CERT_FILE` names, if it is there.
pub fn system_roots() -> RootCertStore {
    let file = openssl_probe::probe().cert_file.unwrap_or_default();
    let bundle = std::fs::read(&file).unwrap_or_default();
    let roots = roots(&bundle);
    if roots.is_empty() {
        tracing::error!(file = %file.display(), "there is no root certificate, and no call to AWS over TLS will \
            succeed; install the system's (ca-certificates), or let SSL_CERT_FILE name a PEM file of them");
    }
    roots
}

/// The certificates of a PEM file (RFC 7468). What can't be read isn't trusted, as by the SDK.
fn roots(bundle: &[u8]) -> RootCertStore {
    let end = memmem::Finder::new(END);
    let begins_line = |at: &usize| *at == 0 || bundle[at - 1] == b'\n';
    let certificates = memmem::find_iter(bundle, BEGIN).filter(begins_line).filter_map(|at| {
        let block = &bundle[at + BEGIN.len()..];
        let text = without_line_ends(&block[..end.find(block)?]);
        STANDARD.decode_to_vec(text).ok().map(CertificateDer::from)
    });
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    roots
}

fn without_line_ends(block: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(block.len());
    let mut line = 0;
    for end in memchr_iter(b'\n', block).chain([block.len()]) {
        text.extend_from_slice(block[line..end].trim_ascii());
        line = end;
    }
    text
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};
    use rustls::pki_types::pem::PemObject;

    use super::*;

    fn certificate(host: &str) -> String {
        let params = CertificateParams::new([host.to_owned()]).unwrap();
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    }

    /// As `rustls-native-certs` reads them.
    fn read_by_rustls(bundle: &str) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        let certificates = CertificateDer::pem_slice_iter(bundle.as_bytes()).filter_map(Result::ok);
        roots.add_parsable_certificates(certificates);
        roots
    }

    #[test]
    fn the_same_roots_are_read_as_by_rustls() {
        let (one, other) = (certificate("one"), certificate("other"));
        let key = KeyPair::generate().unwrap().serialize_pem();
        let bundles = [
            (String::new(), 0),
            (one.clone(), 1),
            (one.trim_end().to_owned(), 1),
            (format!("# One\n{one}\n# Other\n{other}"), 2),
            (format!("{one}{key}{other}"), 2),
            (format!("{one}{other}").replace('\n', "\r\n"), 2),
            (one.replacen("MII", "M?I", 1) + &other, 1),
            (one[..one.len() / 2].to_owned() + &other, 0),
        ];
        for (bundle, number) in bundles {
            let read = roots(bundle.as_bytes());
            assert_eq!(read.roots, read_by_rustls(&bundle).roots, "{bundle}");
            assert_eq!(read.len(), number, "{bundle}");
        }
    }
}
