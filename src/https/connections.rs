//! Connections to AWS, all of which may be dead at once.
//!
//! A freeze, or a network that changed, leaves connections that take a request and never answer. A
//! call finds that out of one of them, by its time-out. Where requests are served at once there are
//! several, and the next attempts would meet the others, one after another, until the event's time
//! is over: so a call that is given up before an answer begins takes all idle connections with it.

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

/// How long the addresses of a name may take together: one of a VPC endpoint's may be dead, and
/// `attempt` gives the first attempt two seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

type Pool = Client<HttpsConnector<HttpConnector>, SdkBody>;

/// Connections over TLS or none, as a URL says, which calls use one after another.
#[derive(Clone, Debug)]
pub struct Connections {
    connector: HttpsConnector<HttpConnector>,
    pool: Arc<Mutex<Arc<Pool>>>,
}

impl Connections {
    /// None yet: the first call makes the first.
    pub fn new(tls: ClientConfig) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false); // TLS is laid over it
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = HttpsConnector::from((tcp, tls));
        Self { pool: Arc::new(Mutex::new(pool(&connector))), connector }
    }

    /// Makes a call. If it is dropped before an answer begins, later calls get new connections.
    pub fn request(
        &self,
        mut request: Request<SdkBody>,
    ) -> impl Future<Output = Result<Response<SdkBody>, Error>> + use<> {
        reveal_connection(&mut request);
        let pool = self.pool().clone();
        let unanswered = Unanswered { connections: self.clone(), pool: Some(pool.clone()) };
        async move {
            let answer = pool.request(request).await;
            unanswered.no_more();
            answer.map(|answer| answer.map(SdkBody::from_body_1_x))
        }
    }

    fn pool(&self) -> MutexGuard<'_, Arc<Pool>> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pool(connector: &HttpsConnector<HttpConnector>) -> Arc<Pool> {
    let mut client = Client::builder(TokioExecutor::new());
    Arc::new(client.pool_timer(TokioTimer::new()).build(connector.clone()))
}

/// Lets the SDK close the connection that a 5xx came over: its host may be the one that fails.
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

/// Dropped with a call that has had no answer, it leaves the pool to the calls that are in it.
struct Unanswered {
    connections: Connections,
    pool: Option<Arc<Pool>>,
}

impl Unanswered {
    fn no_more(mut self) {
        self.pool = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let Some(pool) = &self.pool else { return };
        let mut current = self.connections.pool();
        // calls that were made together are given up together, and once is enough
        if Arc::ptr_eq(&current, pool) {
            *current = self::pool(&self.connections.connector);
        }
    }
}
