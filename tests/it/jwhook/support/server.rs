//! An HTTP server. A test can replace, drop or hold back its answers.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::collections::{HashMap, VecDeque};
use std::future::pending;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What happens to a call.
#[derive(Clone, Debug)]
pub enum Meet {
    /// The call is not performed. The answer has this status and body.
    Answer(u16, &'static str),
    /// The call is not performed. The answer has status 200 and this binary body.
    Bytes(Vec<u8>),
    /// The call is not performed. The connection is closed without an answer.
    Close,
    /// The call is performed. The connection is closed without an answer.
    DoneThenClose,
    /// The call is not performed. No answer ever comes.
    Hold,
    /// The call is performed. No answer ever comes.
    DoneThenHold,
}

pub trait Service: Send + Sync + 'static {
    /// The name by which tests select the call, for instance `POST` or `PutSecretValue`.
    fn name(&self, request: &Parts, body: &Bytes) -> String;
    fn perform(
        &self,
        request: Parts,
        body: Bytes,
    ) -> impl Future<Output = Response<Full<Bytes>>> + Send;
}

/// The names of the calls that have begun, and of those that were performed, in order.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    pub begun: Vec<String>,
    pub performed: Vec<String>,
    /// The bodies of the calls that have begun.
    pub bodies: Vec<Bytes>,
}

impl Calls {
    fn count(&self, until: Until, name: &str) -> usize {
        let of = match until {
            Until::Begun => &self.begun,
            Until::Performed => &self.performed,
        };
        of.iter().filter(|call| *call == name).count()
    }
}

/// What happens to the calls, by the calls' names. All other calls are performed normally.
type Scripts = HashMap<String, Script>;

#[derive(Default)]
struct Script {
    next: VecDeque<Option<Meet>>,
    /// What happens to the calls after those in `next`.
    then: Option<Meet>,
}

/// A server that runs until it is dropped.
pub struct Server {
    pub url: String,
    scripts: Arc<Mutex<Scripts>>,
    calls: watch::Sender<Calls>,
    closes_early: Arc<AtomicBool>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Server {
    pub async fn start<S: Service>(service: Arc<S>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let scripts = Arc::<Mutex<Scripts>>::default();
        let calls = watch::Sender::new(Calls::default());
        let (to_script, to_calls) = (scripts.clone(), calls.clone());
        let closes_early = Arc::<AtomicBool>::default();
        let to_close = closes_early.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (service, scripts, calls, closes) =
                    (service.clone(), to_script.clone(), to_calls.clone(), to_close.clone());
                let is_kept = AtomicBool::new(false);
                let answer = service_fn(move |request: Request<Incoming>| {
                    let (service, scripts, calls) =
                        (service.clone(), scripts.clone(), calls.clone());
                    let is_second = is_kept.swap(true, Ordering::Relaxed);
                    let is_closed = is_second && closes.load(Ordering::Relaxed);
                    async move {
                        if is_closed {
                            return Err(io::Error::other("closed"));
                        }
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
                        let name = service.name(&parts, &body);
                        let meet = next(&scripts, &name);
                        calls.send_modify(|calls| {
                            calls.begun.push(name.clone());
                            calls.bodies.push(body.clone());
                        });
                        let perform = async {
                            let answer = service.perform(parts, body).await;
                            calls.send_modify(|calls| calls.performed.push(name));
                            answer
                        };
                        match meet {
                            None => Ok(perform.await),
                            Some(Meet::Answer(status, body)) => Ok(answer(status, body)),
                            Some(Meet::Bytes(body)) => Ok(answer(200, body)),
                            Some(Meet::Close) => Err(io::Error::other("closed")),
                            Some(Meet::Hold) => pending().await,
                            Some(Meet::DoneThenClose) => {
                                perform.await;
                                Err(io::Error::other("closed"))
                            }
                            Some(Meet::DoneThenHold) => {
                                perform.await;
                                pending().await
                            }
                        }
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        });
        Self { url, scripts, calls, closes_early, accepting }
    }

    /// Sets what happens to the next call of this name. Skips the calls for which this is already
    /// set.
    pub fn next(&self, name: &str, meet: Meet) {
        self.nth(name, 1, meet);
    }

    /// Sets what happens to the n-th call of this name. Does not count the calls for which this is
    /// already set.
    pub fn nth(&self, name: &str, n: usize, meet: Meet) {
        let mut scripts = self.scripts.lock().expect("no test panics while it locks the script");
        let mut script: VecDeque<_> = std::iter::repeat_n(None, n - 1).collect();
        script.push_back(Some(meet));
        scripts.entry(name.to_owned()).or_default().next.append(&mut script);
    }

    /// Sets what happens to every call of this name, except the calls that `next` and `nth` set.
    pub fn always(&self, name: &str, meet: Meet) {
        let mut scripts = self.scripts.lock().expect("no test panics while it locks the script");
        scripts.entry(name.to_owned()).or_default().then = Some(meet);
    }

    /// From now on, each connection is closed without an answer at its second request.
    pub fn close_at_second_request(&self) {
        self.closes_early.store(true, Ordering::Relaxed);
    }

    pub fn calls(&self) -> Calls {
        self.calls.borrow().clone()
    }

    /// How many calls of this name have begun, or how many were performed, as `until` says.
    pub fn count(&self, until: Until, name: &str) -> usize {
        self.calls.borrow().count(until, name)
    }

    /// Waits until n calls of this name, counted from the start, have begun or were performed.
    pub async fn until(&self, until: Until, name: &str, n: usize) {
        let mut calls = self.calls.subscribe();
        let waiting = calls.wait_for(|calls| calls.count(until, name) >= n);
        let waited = tokio::time::timeout(crate::support::seconds(20), waiting).await;
        assert!(
            waited.is_ok(),
            "{name} was not {until:?} {n} times in 20 s; the calls: {:?}",
            self.calls()
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Until {
    Begun,
    Performed,
}

fn next(scripts: &Mutex<Scripts>, name: &str) -> Option<Meet> {
    let mut scripts = scripts.lock().expect("no test panics while it locks the script");
    let script = scripts.get_mut(name)?;
    script.next.pop_front().unwrap_or_else(|| script.then.clone())
}

pub fn answer(status: u16, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Full::new(body.into())).expect("a response")
}
