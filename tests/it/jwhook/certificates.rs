//! `jwhook` on a machine without root certificates.

use super::support::{Account, JwApi, Jwhook};

#[tokio::test]
async fn missing_root_certificates_are_one_error_before_any_call() {
    let (account, jw) = (Account::start("{}").await, JwApi::start([]).await);
    for arguments in [&["show", "c0Y6ebVU"][..], &["recover"], &["send"], &["doctor"]] {
        let jwhook = Jwhook::of(&account, &jw, arguments);
        let jwhook = jwhook.env("SSL_CERT_FILE", "/nowhere.pem").env("SSL_CERT_DIR", "/nowhere");
        let error = jwhook.run(&jw).await.error();
        let text = "cannot make TLS connections: no root certificate could be loaded (";
        assert!(error.starts_with(text), "{error}");
        assert!(
            error.contains("SSL_CERT_FILE is /nowhere.pem; SSL_CERT_DIR is /nowhere)"),
            "{error}"
        );
        assert!(error.contains(". Install the package ca-certificates, or set SSL_CERT_FILE"));
    }
    assert_eq!(jw.state().calls, []);
    assert_eq!(account.calls(), [""; 0]);
}
