//! Connections to AWS, all of which may be dead at once.
//!
//! A freeze, or a network that changed, leaves connections that take a request and never answer. A
//! call finds that out of one of them, by its time-out. Where requests are served at once there are
//! several, and the next attempts would meet the others, one after another, until the event's time
//! is over: so a call that is given up takes all connections that are idle with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_types::body::SdkBody;
use hyper_util::client::legacy::connect::Connect;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use lambda_http::http::{Request, Response};

/// The connections that a connector makes, which calls use one after another.
#[derive(Clone, Debug)]
pub struct Connections<C> {
    connector: C,
    pool: Arc<Mutex<Pool<C>>>,
}

/// A client, and the connections that it keeps.
#[derive(Clone, Debug)]
struct Pool<C> {
    client: Client<C, SdkBody>,
    number: u64,
}

impl<C: Connect + Clone + Send + Sync + 'static> Pool<C> {
    fn new(connector: C, number: u64) -> Self {
        let mut client = Client::builder(TokioExecutor::new());
        Self { client: client.pool_timer(TokioTimer::new()).build(connector), number }
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> Connections<C> {
    /// None yet: the first call makes the first.
    pub fn new(connector: C) -> Self {
        let pool = Arc::new(Mutex::new(Pool::new(connector.clone(), 0)));
        Self { connector, pool }
    }

    /// Makes a call. If it is dropped before there is an answer, later calls get new connections.
    pub fn request(
        &self,
        request: Request<SdkBody>,
    ) -> impl Future<Output = Result<Response<SdkBody>, Error>> + use<C> {
        let Pool { client, number } = self.pool().clone();
        let given_up = GivenUp { connections: self.clone(), number: Some(number) };
        async move {
            let answer = client.request(request).await;
            given_up.answered();
            answer.map(|answer| answer.map(SdkBody::from_body_1_x))
        }
    }

    fn pool(&self) -> MutexGuard<'_, Pool<C>> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Dropped with a call that has had no answer, it leaves the pool to the calls that are in it.
struct GivenUp<C: Connect + Clone + Send + Sync + 'static> {
    connections: Connections<C>,
    number: Option<u64>,
}

impl<C: Connect + Clone + Send + Sync + 'static> GivenUp<C> {
    fn answered(mut self) {
        self.number = None;
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> Drop for GivenUp<C> {
    fn drop(&mut self) {
        let mut pool = self.connections.pool();
        // calls that were made together are given up together, and once is enough
        if self.number == Some(pool.number) {
            *pool = Pool::new(self.connections.connector.clone(), pool.number + 1);
        }
    }
}
