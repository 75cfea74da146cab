//! The stand-in's two services: which reply the test has set for a call, and what the call changes.

use super::aws::{Operation, Reply};
use super::connection::Order;
use super::secrets_manager::{self, Secret};
use super::sqs::{self, Message};
use super::start::{ACCESS_KEY_ID, HELD_QUEUE, REGION, SESSION_TOKEN};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::convert::Infallible;
use std::future::pending;
use std::sync::{Mutex, MutexGuard};
use tokio::sync::{broadcast, mpsc, watch};

#[derive(Default)]
pub struct State {
    pub secret: Secret,
    pub secrets_ever: Vec<String>,
    /// Every valid `SendMessage` call, including a FIFO queue's duplicates.
    pub sends: Vec<Message>,
    pub queued: Vec<Message>,
    /// The messages in the held queue.
    pub held: Vec<Message>,
    /// How many messages were ever sent.
    pub taken: usize,
    pub script: HashMap<Operation, (VecDeque<Reply>, Reply)>,
    calls: HashMap<Operation, Calls>,
    pub connections: usize,
    pub complaints: Vec<String>,
    /// The `X-Amz-Target` of each call that was served.
    pub targets: BTreeSet<String>,
}

#[derive(Clone, Copy, Default)]
pub struct Calls {
    pub total: usize,
    pub now: usize,
    pub most: usize,
}

pub struct Shared {
    pub state: Mutex<State>,
    pub changed: watch::Sender<()>,
    pub orders: broadcast::Sender<Order>,
}

impl State {
    pub fn calls(&self, operation: Operation) -> Calls {
        self.calls.get(&operation).copied().unwrap_or_default()
    }
}

impl Shared {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it locks the state")
    }

    pub async fn answer(
        &self,
        request: Request<Incoming>,
        connection: mpsc::UnboundedSender<Order>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        if request.method() == Method::GET {
            return Ok(plain(404, "")); // a connection opened before the first call
        }
        let (head, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes());
        let parameters: Value =
            body.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        let operation = match target {
            Some("secretsmanager.GetSecretValue") => Operation::GetSecretValue,
            Some("AmazonSQS.SendMessage") if parameters["QueueUrl"] == HELD_QUEUE => {
                Operation::HoldMessage
            }
            Some("AmazonSQS.SendMessage") => Operation::SendMessage,
            other => {
                self.complain(format!("no such operation: {other:?}"));
                return Ok(error(400, "UnknownOperationException"));
            }
        };
        if let Some(fault) = fault_of_signature(&head.headers, operation) {
            self.complain(fault);
            return Ok(error(403, "InvalidSignatureException"));
        }
        self.state().targets.extend(target.map(str::to_owned));
        let (under_way, reply) = self.begin(operation);
        let answer = self.meet(operation, &parameters, reply, &connection).await;
        drop(under_way);
        Ok(answer)
    }

    fn begin(&self, operation: Operation) -> (UnderWay<'_>, Reply) {
        let mut state = self.state();
        let calls = state.calls.entry(operation).or_default();
        calls.total += 1;
        calls.now += 1;
        calls.most = calls.most.max(calls.now);
        let (next, always) = state.script.entry(operation).or_default();
        let reply = next.pop_front().unwrap_or_else(|| always.clone());
        drop(state);
        self.changed.send_replace(());
        (UnderWay(self, operation), reply)
    }

    async fn meet(
        &self,
        operation: Operation,
        parameters: &Value,
        reply: Reply,
        connection: &mpsc::UnboundedSender<Order>,
    ) -> Response<Full<Bytes>> {
        match reply {
            Reply::Normal => self.perform(operation, parameters, &Value::Null),
            Reply::Altered(members) => self.perform(operation, parameters, &members),
            Reply::Lost(members) => self.pretend(operation, parameters, &members),
            Reply::Delay(time) => {
                tokio::time::sleep(time).await;
                self.perform(operation, parameters, &Value::Null)
            }
            Reply::Error(status, code) => error(status, code),
            Reply::ErrorInHeader(status, code) => {
                let value = format!("{code}:http://internal.amazon.com/");
                with_header(plain(status, "{}"), "x-amzn-errortype", &value)
            }
            Reply::QueryError(status, code, query_code) => {
                let value = format!("{query_code};Sender");
                with_header(error(status, code), "x-amzn-query-error", &value)
            }
            Reply::Raw(status, body) => plain(status, body),
            Reply::Hang => pending().await,
            Reply::Break(order) => {
                let _ = connection.send(order);
                match order {
                    Order::CloseAfterAnswer => self.perform(operation, parameters, &Value::Null),
                    _ => pending().await,
                }
            }
            Reply::TakenThen(then) => {
                let answer = self.perform(operation, parameters, &Value::Null);
                match *then {
                    Reply::Delay(time) => {
                        tokio::time::sleep(time).await;
                        answer
                    }
                    other => Box::pin(self.meet(operation, parameters, other, connection)).await,
                }
            }
        }
    }

    fn perform(
        &self,
        operation: Operation,
        parameters: &Value,
        altered: &Value,
    ) -> Response<Full<Bytes>> {
        let outcome = outcome(&mut self.state(), operation, parameters);
        self.told(outcome, altered)
    }

    /// Answers like `perform`, but the call changes nothing.
    fn pretend(
        &self,
        operation: Operation,
        parameters: &Value,
        altered: &Value,
    ) -> Response<Full<Bytes>> {
        let secret = self.state().secret.clone();
        // the answer's message ID belongs to no message of the test
        let mut elsewhere = State { secret, taken: 1_000_000_000, ..State::default() };
        self.told(outcome(&mut elsewhere, operation, parameters), altered)
    }

    fn told(&self, outcome: Result<Value, String>, altered: &Value) -> Response<Full<Bytes>> {
        match outcome {
            Ok(mut members) => {
                for (name, value) in altered.as_object().into_iter().flatten() {
                    members[name] = value.clone();
                }
                members.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
                plain(200, members.to_string())
            }
            Err(complaint) => {
                self.complain(complaint);
                error(400, "InvalidParameterValue")
            }
        }
    }

    fn complain(&self, complaint: String) {
        self.state().complaints.push(complaint);
    }
}

/// A call that has begun. The call ends when this is dropped, also when the client disconnects.
struct UnderWay<'s>(&'s Shared, Operation);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some(calls) = self.0.state().calls.get_mut(&self.1) {
            calls.now -= 1;
        }
    }
}

/// Applies the operation to this state and returns the answer, or the reason why AWS would reject
/// the call.
fn outcome(state: &mut State, operation: Operation, parameters: &Value) -> Result<Value, String> {
    match operation {
        Operation::GetSecretValue => secrets_manager::value_of(&state.secret, parameters),
        Operation::SendMessage | Operation::HoldMessage => sqs::take(state, parameters),
    }
}

fn fault_of_signature(headers: &HeaderMap, operation: Operation) -> Option<String> {
    let service = match operation {
        Operation::GetSecretValue => "secretsmanager",
        Operation::SendMessage | Operation::HoldMessage => "sqs",
    };
    let header =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let scope = format!("/{REGION}/{service}/aws4_request");
    let signed = header("authorization")
        .starts_with(&format!("AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/"))
        && header("authorization").contains(&scope)
        && header("x-amz-security-token") == SESSION_TOKEN;
    (!signed).then(|| format!("{operation:?} is not signed for {scope}"))
}

fn error(status: u16, code: &str) -> Response<Full<Bytes>> {
    plain(
        status,
        json!({"__type": format!("com.amazonaws.aservice#{code}"), "message": "set by the test"})
            .to_string(),
    )
}

fn with_header(
    mut response: Response<Full<Bytes>>,
    name: &'static str,
    value: &str,
) -> Response<Full<Bytes>> {
    response.headers_mut().insert(name, value.parse().expect("a header value"));
    response
}

fn plain(status: u16, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    with_header(response, "content-type", "application/x-amz-json-1.0")
}
