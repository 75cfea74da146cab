//! The connection pool for calls to AWS. All its connections may be dead at the same time.
//!
//! After a freeze of the process or a change of the network, a connection may accept a request and never return
//! a response. Only the call's timeout shows this. A function that serves several requests at once has several
//! connections, so each retry of an event could use another dead connection until the event's deadline. So a
//! call that is cancelled before its response begins discards all idle connections.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_types::body::SdkBody;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::{HttpConnector, capture_connection};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use lambda_http::http::{Request, Response};
use rustls::ClientConfig;

/// The timeout for connecting, shared by all addresses of a host name. One address of a VPC endpoint may be
/// dead, and our module `attempt` gives the first attempt only two seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

type Pool = Client<HttpsConnector<HttpConnector>, SdkBody>;

/// A connection pool, with TLS for `https` URLs.
#[derive(Clone, Debug)]
pub struct Connections {
    connector: HttpsConnector<HttpConnector>,
    pool: Arc<Mutex<Pool>>,
}

impl Connections {
    /// An empty pool: the first call opens a connection.
    pub fn new(tls: ClientConfig) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false); // `HttpsConnector` adds TLS for `https`
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = HttpsConnector::from((tcp, tls));
        Self { pool: Arc::new(Mutex::new(pool(&connector))), connector }
    }

    /// Sends a request. If the call is dropped before its response begins, later calls open new connections.
    pub fn request(
        &self,
        mut request: Request<SdkBody>,
    ) -> impl Future<Output = Result<Response<SdkBody>, Error>> + use<> {
        reveal_connection(&mut request);
        let response = self.pool().request(request);
        let unanswered = Unanswered(Some(self.clone()));
        async move {
            let response = response.await;
            unanswered.answered();
            response.map(|response| response.map(SdkBody::from_body_1_x))
        }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pool(connector: &HttpsConnector<HttpConnector>) -> Pool {
    Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector.clone())
}

/// Lets the SDK close the connection after a 5xx response, because the host at its other end may be faulty.
fn reveal_connection(request: &mut Request<SdkBody>) {
    let connection = capture_connection(request);
    let Some(asked) = request.extensions().get::<CaptureSmithyConnection>() else { return };
    asked.set_connection_retriever(move || {
        connection.connection_metadata().as_ref()?;
        let connection = connection.clone();
        let close = move || {
            if let Some(connected) = connection.connection_metadata().as_ref() {
                connected.poison();
            }
        };
        Some(ConnectionMetadata::builder().proxied(false).poison_fn(close).build())
    });
}

/// A call that has no response yet. Dropping it replaces the pool with an empty one. Running calls still use
/// the old pool.
struct Unanswered(Option<Connections>);

impl Unanswered {
    fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(connections) = &self.0 {
            *connections.pool() = pool(&connections.connector);
        }
    }
}
