//! The HTTPS client that the SDK's clients for Secrets Manager and SQS share: HTTP/1.1 over rustls.
//!
//! The SDK's own client also supports HTTP/2 and proxies, which the function does not need. It parses the
//! system's root certificates, which takes a quarter of a cold start.

mod connections;
mod roots;

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use rustls::{ClientConfig, crypto};

use self::connections::Connections;
use self::roots::roots;

/// A client that trusts Mozilla's root certificates. If `SSL_CERT_FILE` is set, the client trusts the
/// certificates in that file instead.
///
/// The client has a timeout only for connecting, because our module `attempt` has a timeout for each call.
pub fn client() -> SharedHttpClient {
    let connector = SharedHttpConnector::new(HttpsClient(Connections::new(tls())));
    http_client_fn(move |_, _| connector.clone())
}

#[expect(clippy::expect_used, reason = "ring always has these cipher suites")]
fn tls() -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has the cipher suites of TLS 1.2 and 1.3")
        .with_root_certificates(roots())
        .with_no_client_auth()
}

#[derive(Debug)]
struct HttpsClient(Connections);

impl HttpConnector for HttpsClient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        let answer = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await.map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(answer)
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}
