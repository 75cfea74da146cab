//! AWS over TLS: the function trusts only the root certificates in `SSL_CERT_FILE`, or only
//! Mozilla's.

use crate::support::{
    Aws, Delivery, Function, GetSecretValue, MEDIA_AVAILABLE, SendMessage, TestFile, all_at_once,
    seconds,
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use std::sync::Arc;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A certificate authority.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn named(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }
}

/// The parameters of a server certificate.
fn server(host: &str) -> CertificateParams {
    CertificateParams::new([host.to_owned()]).expect("a host")
}

/// Puts a TLS server with this certificate in front of the stand-in, and returns the server's
/// address.
async fn behind_tls(aws: &Aws, certificate: CertificateParams, authority: &Authority) -> String {
    let key = KeyPair::generate().expect("a key");
    let certificate = certificate.signed_by(&key, &authority.issuer).expect("a certificate");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring's suites")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .expect("a key of this certificate");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("https://localhost:{}", listener.local_addr().expect("an address").port());
    let plain = aws.url().replace("http://", "");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, plain) = (acceptor.clone(), plain.clone());
            tokio::spawn(async move {
                // a client that does not trust the certificate disconnects
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut aws = TcpStream::connect(&plain).await.expect("the stand-in listens");
                let _ = copy_bidirectional(&mut stream, &mut aws).await;
            });
        }
    });
    url
}

#[tokio::test]
async fn server_is_trusted_if_its_root_is_anywhere_in_the_bundle() {
    let aws = Aws::start().await;
    let (ours, other) = (Authority::named("Ours"), Authority::named("Another"));
    let url = behind_tls(&aws, server("localhost"), &ours).await;
    let windows = ours.pem.replace('\n', "\r\n");
    let broken = ours.pem.replacen('M', "?", 1);
    let bundles = [
        ("only", ours.pem.clone()),
        ("last", format!("# Another\n{}\n# Ours\n{}", other.pem, ours.pem)),
        ("first", ours.pem.clone() + &other.pem),
        ("windows", windows),
        ("after-a-broken-one", broken + &ours.pem),
    ];
    for (case, text) in bundles {
        let bundle = TestFile::of(&text);
        let start = Function::of(&aws).env("AWS_ENDPOINT_URL", &url);
        let function = start.env("SSL_CERT_FILE", bundle.path()).start().await;
        let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await;
        assert_eq!(answer.verdict(), "200 accepted", "{case}");
    }
    assert_eq!(aws.calls(SendMessage), 5);
}

#[tokio::test]
async fn untrusted_server_receives_no_request() {
    let ours = Authority::named("Ours");
    let bundle = TestFile::of(&ours.pem);
    let mut expired = server("localhost");
    (expired.not_before, expired.not_after) =
        (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let servers = [
        ("signed by another authority", server("localhost"), &Authority::named("Another")),
        (
            "signed by another authority of the same name",
            server("localhost"),
            &Authority::named("Ours"),
        ),
        ("for another host", server("sqs.eu-west-1.amazonaws.com"), &ours),
        ("expired", expired, &ours),
    ];
    all_at_once(servers, async |(case, certificate, authority)| {
        let aws = Aws::start().await;
        let url = behind_tls(&aws, certificate, authority).await;
        let start = Function::of(&aws).env("AWS_ENDPOINT_URL", &url);
        let function = start.env("SSL_CERT_FILE", bundle.path()).start().await;
        let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).within(seconds(3)).await;
        assert_eq!(answer.verdict(), "503 secret_unavailable", "{case}");
        assert_eq!((aws.calls(GetSecretValue), aws.connections()), (0, 0), "{case}");
        function.stderr.find("why", |line| line.contains("certificate").then_some(())).await;
    })
    .await;
}

#[tokio::test]
async fn only_mozillas_roots_are_trusted_without_ssl_cert_file() {
    let aws = Aws::start().await;
    let url = behind_tls(&aws, server("localhost"), &Authority::named("Ours")).await;
    let function = Function::of(&aws).env("AWS_ENDPOINT_URL", &url).start().await;
    let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).within(seconds(3)).await;
    assert_eq!(answer.verdict(), "503 secret_unavailable");
    assert_eq!(aws.connections(), 0);
    function.stderr.find("why", |line| line.contains("UnknownIssuer").then_some(())).await;
    let errors = function.stderr.lines().into_iter().filter(|line| line.contains(UNUSABLE));
    assert_eq!(errors.collect::<Vec<_>>(), Vec::<String>::new());
}

const UNUSABLE: &str = "cannot read a root certificate from SSL_CERT_FILE";

#[tokio::test]
async fn unusable_ssl_cert_file_is_reported_at_the_start() {
    let aws = Aws::start().await;
    let (empty, no_pem) = (TestFile::of(""), TestFile::of("MIIB"));
    let cases = [
        (empty.path(), "no items found"),
        (no_pem.path(), "no items found"),
        ("/no/such/file.pem", "No such file"),
        ("", "No such file"),
    ];
    for (file, why) in cases {
        let function = Function::of(&aws).env("SSL_CERT_FILE", file).start().await;
        let reported = |line: &str| {
            let parts = [UNUSABLE, "\"ERROR\"", &format!("\"file\":\"{file}\""), why];
            parts.iter().all(|part| line.contains(part)).then_some(())
        };
        function.stderr.find(&format!("{file:?}: {why}"), reported).await;
    }
}
