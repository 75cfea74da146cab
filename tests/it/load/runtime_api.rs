//! A Runtime API that only delivers invocations. `lambda-simulator` stores every invocation, so a
//! hundred thousand invocations would need too much memory.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

/// Lambda's timeout. It is long because these tests measure the time instead of limiting it.
const WITHIN: Duration = Duration::from_secs(60);

/// Sends the answer and its time back to the caller of the invocation.
type Back = oneshot::Sender<(Bytes, Instant)>;

struct Invocation {
    event: Bytes,
    back: Back,
}

struct Shared {
    waiting: AsyncMutex<mpsc::UnboundedReceiver<Invocation>>,
    under_way: Mutex<HashMap<String, Back>>,
    handed_out: AtomicU64,
}

pub struct RuntimeApi {
    pub address: SocketAddr,
    invocations: mpsc::UnboundedSender<Invocation>,
}

impl RuntimeApi {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (invocations, waiting) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            waiting: AsyncMutex::new(waiting),
            under_way: Mutex::default(),
            handed_out: AtomicU64::new(0),
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = shared.clone();
                let service = service_fn(move |request| serve(request, shared.clone()));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, invocations }
    }

    /// Returns the answer to an event and the time that it took. The event is text because a
    /// `Value` cannot represent all JSON.
    pub async fn invoke(&self, event: impl Into<Bytes>) -> (Value, Duration) {
        let (back, answered) = oneshot::channel();
        let event = event.into();
        let began = Instant::now();
        let handed_over = self.invocations.send(Invocation { event, back });
        assert!(handed_over.is_ok(), "the Runtime API lives");
        let (answer, at) = tokio::time::timeout(WITHIN, answered)
            .await
            .expect("an answer in time")
            .expect("an answer, and no error");
        (serde_json::from_slice(&answer).expect("JSON"), at - began)
    }
}

async fn serve(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    // /2018-06-01/runtime/invocation/…
    let path = request.uri().path().to_owned();
    let path: Vec<_> = path.split('/').skip(4).collect();
    match path[..] {
        ["next"] => Ok(next(&shared).await),
        [id, "response"] => {
            let body = request.into_body().collect().await.map(|body| body.to_bytes());
            let back = shared.under_way().remove(id);
            if let (Some(back), Ok(body)) = (back, body) {
                let _ = back.send((body, Instant::now())); // fails if the caller no longer waits
            }
            Ok(status(StatusCode::ACCEPTED))
        }
        // This drops the answer's sender, so the test fails.
        [id, "error"] => {
            shared.under_way().remove(id);
            Ok(status(StatusCode::ACCEPTED))
        }
        _ => Ok(status(StatusCode::NOT_FOUND)),
    }
}

impl Shared {
    fn under_way(&self) -> MutexGuard<'_, HashMap<String, Back>> {
        self.under_way.lock().expect("nothing panics while it locks the invocations")
    }
}

async fn next(shared: &Shared) -> Response<Full<Bytes>> {
    let Some(Invocation { event, back }) = shared.waiting.lock().await.recv().await else {
        return status(StatusCode::GONE);
    };
    let number = shared.handed_out.fetch_add(1, Ordering::Relaxed);
    let id = format!("00000000-0000-4000-8000-{number:012}");
    shared.under_way().insert(id.clone(), back);
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970") + WITHIN;
    let arn = "arn:aws:lambda:eu-west-1:123456789012:function:jw-forwarder";
    let mut response = Response::new(Full::new(event));
    for (name, value) in [
        ("lambda-runtime-aws-request-id", id.as_str()),
        ("lambda-runtime-deadline-ms", &deadline.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", arn),
        ("lambda-runtime-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"),
    ] {
        response.headers_mut().insert(name, value.parse().expect("a header value"));
    }
    response
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = status;
    response
}
