//! An endpoint that records what is posted to it. The endpoint answers as the test says, or passes
//! each request to a function.

use super::server::{Server, Service, answer};
use crate::support::{Delivery, Function};
use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::http::request::Parts;
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, oneshot};

/// A request as received.
#[derive(Clone, Debug)]
pub struct Posted {
    pub method: String,
    pub authorization: String,
    pub content_type: String,
    pub body: Vec<u8>,
}

struct Asked(Posted, oneshot::Sender<(u16, String)>);

struct Posts {
    posted: Mutex<Vec<Posted>>,
    ask: mpsc::UnboundedSender<Asked>,
}

pub struct Endpoint {
    server: Server,
    posts: Arc<Posts>,
    asked: mpsc::UnboundedReceiver<Asked>,
}

impl Endpoint {
    pub async fn start() -> Self {
        let (ask, asked) = mpsc::unbounded_channel();
        let posts = Arc::new(Posts { posted: Mutex::default(), ask });
        Self { server: Server::start(posts.clone()).await, posts, asked }
    }

    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// The requests so far, in order.
    pub fn posted(&self) -> Vec<Posted> {
        self.posts.posted.lock().unwrap().clone()
    }

    /// Answers every request with this status and body while `run` runs.
    pub async fn answering<T>(
        &mut self,
        status: u16,
        body: &str,
        run: impl Future<Output = T>,
    ) -> T {
        let answers = async {
            while let Some(Asked(_, reply)) = self.asked.recv().await {
                let _ = reply.send((status, body.to_owned())); // fails if the caller no longer waits
            }
            std::future::pending().await
        };
        tokio::select! { ran = run => ran, () = answers => unreachable!() }
    }

    /// Passes every request to this function while `run` runs.
    pub async fn before<T>(&mut self, function: &Function, run: impl Future<Output = T>) -> T {
        let answers = async {
            while let Some(Asked(posted, reply)) = self.asked.recv().await {
                let delivery = Delivery::of(&posted.body)
                    .method(&posted.method)
                    .header("authorization", posted.authorization)
                    .header("content-type", posted.content_type);
                let answer = function.invoke(&delivery).await;
                let status = u16::try_from(answer.status).unwrap();
                let _ = reply.send((status, answer.body.to_string()));
            }
            std::future::pending().await
        };
        tokio::select! { ran = run => ran, () = answers => unreachable!() }
    }
}

impl Service for Posts {
    fn name(&self, request: &Parts, _: &Bytes) -> String {
        request.method.to_string()
    }

    async fn perform(&self, request: Parts, body: Bytes) -> Response<Full<Bytes>> {
        let header = |name: &str| {
            request.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        let posted = Posted {
            method: request.method.to_string(),
            authorization: header("authorization"),
            content_type: header("content-type"),
            body: body.to_vec(),
        };
        self.posted.lock().unwrap().push(posted.clone());
        let (reply, replied) = oneshot::channel();
        let _ = self.ask.send(Asked(posted, reply)); // the endpoint outlives its server
        let (status, body) = replied.await.expect("an answer");
        let mut response = answer(status, body);
        if (300..400).contains(&status) {
            response.headers_mut().insert("location", "/elsewhere".parse().unwrap());
        }
        response
    }
}
