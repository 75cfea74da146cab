//! An HTTP client that simulates Secrets Manager and SQS in the test's process. The SDK's real
//! clients send their calls to this HTTP client.

use std::future::pending;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::clock::{self, Ms};
use crate::faults::{Kind, Reply, Service};
use crate::random::Random;
use crate::schedule::Sockets;
use crate::sqs;
use crate::world::{Connections, Outcome, Shared, UnderWay};

/// The simulated network between one function and AWS.
#[derive(Clone)]
pub struct Network {
    pub world: Shared,
    pub instance: usize,
    shared: std::sync::Arc<State>,
}

struct State {
    seed: u64,
    calls: AtomicUsize,
    connections: Mutex<Connections>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the network of f{}", self.instance)
    }
}

impl Network {
    pub fn new(world: Shared, instance: usize, seed: u64) -> Self {
        let state = State { seed, calls: AtomicUsize::new(0), connections: Mutex::default() };
        Self { world, instance, shared: state.into() }
    }

    /// Resumes the process after a freeze. `sockets` is the state of its connections after the
    /// freeze.
    pub fn thaw(&self, sockets: Sockets) {
        let mut connections = self.shared.connections.lock().expect("no panic");
        let dies = sockets != Sockets::Live;
        *connections = Connections {
            thaws: connections.thaws + 1,
            sockets: Some(sockets),
            dead: [dies, dies],
        };
    }

    fn connections(&self) -> Connections {
        *self.shared.connections.lock().expect("no panic")
    }

    /// If the connection to this service has died, returns the reply to the next call to the
    /// service.
    fn dead_connection(&self, service: Service) -> Option<Reply> {
        let mut connections = self.shared.connections.lock().expect("no panic");
        let index = usize::from(service != Service::SecretsManager);
        if !std::mem::take(&mut connections.dead[index]) {
            return None;
        }
        match connections.sockets {
            Some(Sockets::Reset) => Some(Reply::Reset(1)),
            Some(Sockets::Mute) => Some(Reply::Hang),
            _ => None,
        }
    }

    /// A random generator for the next call only. Each call has its own generator, so that removing
    /// a part of a schedule changes few other calls.
    pub fn chance(&self) -> Random {
        let call = self.shared.calls.fetch_add(1, Ordering::Relaxed) as u64;
        let instance = self.instance as u64;
        Random::new(self.shared.seed ^ (instance << 48) ^ call.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn answer(&self, request: &HttpRequest) -> Answer {
        if request.method() == "GET" {
            // with this request the function opens a connection before its first call
            return Answer { call: None, takes: 5, reply: Ok((404, Vec::new(), String::new())) };
        }
        let body: Value =
            serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let header = |name| request.headers().get(name).unwrap_or_default();
        let service = match (header("x-amz-target"), body["QueueUrl"].as_str()) {
            ("secretsmanager.GetSecretValue", _) => Service::SecretsManager,
            (_, Some(sqs::HELD_QUEUE)) => Service::HeldQueue,
            _ => Service::Sqs,
        };
        let mut random = self.chance();
        let latency = 2 + random.below(30) as Ms;
        let mut world = self.world.lock();
        let number = match service {
            Service::HeldQueue => {
                let request = world.request_of(body["MessageBody"].as_str().unwrap_or_default());
                request.map(|request| request.number)
            }
            _ => sqs::number(&body),
        };
        let fault = world.fault(service, &mut random).map(|fault| fault.reply);
        let expired = expiry(header("authorization")) <= clock::now();
        let expired = expired.then_some(Reply::Error(403, "ExpiredTokenException"));
        let reply = self.dead_connection(service).or(fault).or(expired).unwrap_or(Reply::Normal);
        let call = world.begin(self.instance, service, reply.kind(), number);
        let mut perform = |at| match service {
            Service::SecretsManager => secret(&world.schedule, at),
            _ => sqs::take(&mut world, service, &body, at),
        };
        let at = clock::now() + latency;
        let (takes, reply) = match reply {
            Reply::Normal => (latency, Ok(perform(at))),
            Reply::Slow(more) => (latency + more, Ok(perform(at + more))),
            Reply::Refused => (1, Err(Lost::Reset)),
            Reply::Reset(after) => (after, Err(Lost::Reset)),
            Reply::Hang => (0, Err(Lost::Silent)),
            Reply::Error(status, code) => (latency, Ok((status, Vec::new(), error(code)))),
            Reply::ErrorInHeader(status, code) => {
                let name = ("x-amzn-errortype", format!("{code}:http://internal.amazon.com/"));
                (latency, Ok((status, vec![name], "{}".to_owned())))
            }
            Reply::QueryError(status, code, query) => {
                let name = ("x-amzn-query-error", format!("{query};Sender"));
                (latency, Ok((status, vec![name], error(code))))
            }
            Reply::Raw(status, body) => (latency, Ok((status, Vec::new(), body.to_owned()))),
            Reply::Value(value) => {
                (latency, Ok((200, Vec::new(), json!({"SecretString": value}).to_string())))
            }
            Reply::Lie(name, value) => {
                let mut answer = sqs::answer(&body, "elsewhere");
                answer[name] = json!(value);
                (latency, Ok((200, Vec::new(), answer.to_string())))
            }
            Reply::TakenThenHang => {
                perform(at);
                (0, Err(Lost::Silent))
            }
            Reply::TakenThenReset => {
                perform(at);
                (latency, Err(Lost::Reset))
            }
            Reply::TakenThenError => {
                perform(at);
                (latency, Ok((500, Vec::new(), error("InternalError"))))
            }
            Reply::TakenThenSlow(more) => (latency + more, Ok(perform(at))),
        };
        drop(world);
        Answer { call: Some(call), takes, reply }
    }
}

type Response = (u16, Vec<(&'static str, String)>, String);

struct Answer {
    call: Option<usize>,
    takes: Ms,
    reply: Result<Response, Lost>,
}

#[derive(Debug)]
enum Lost {
    Reset,
    Silent,
}

fn error(code: &str) -> String {
    json!({"__type": format!("com.amazonaws.aservice#{code}"), "message": "set by the schedule"})
        .to_string()
}

/// Secrets Manager's response at this time.
fn secret(schedule: &crate::schedule::Schedule, at: Ms) -> Response {
    let keys = schedule.keys(at);
    let value = if schedule.setting.ring {
        let ring: serde_json::Map<_, _> =
            keys.iter().map(|webhook| (webhook.id(), json!(webhook.key()))).collect();
        Value::from(ring).to_string()
    } else {
        keys.last().map(|webhook| webhook.key()).unwrap_or_default()
    };
    (200, Vec::new(), json!({"SecretString": value}).to_string())
}

impl HttpConnector for Network {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Answer { call, takes, reply } = self.answer(&request);
        let under_way = UnderWay { world: self.world.clone(), call };
        let network = self.clone();
        HttpConnectorFuture::new(async move {
            let began = network.connections().thaws;
            sleep(Duration::from_millis(takes)).await;
            let connections = network.connections();
            let reply = match connections.sockets {
                Some(Sockets::Reset) if connections.thaws > began => Err(Lost::Reset),
                Some(Sockets::Mute) if connections.thaws > began => Err(Lost::Silent),
                _ => reply,
            };
            let (status, headers, body) = match reply {
                Ok(response) => response,
                Err(Lost::Silent) => pending().await,
                Err(Lost::Reset) => {
                    under_way.end(Outcome::Unreachable);
                    return Err(ConnectorError::io("connection reset".into()));
                }
            };
            under_way.end(outcome(status, &headers, &body));
            let status = status.try_into().expect("a status");
            let mut response = HttpResponse::new(status, SdkBody::from(body));
            for (name, value) in headers {
                response.headers_mut().insert(name, value);
            }
            Ok(response)
        })
    }
}

/// The outcome of a call with this response, as AWS documents it.
fn outcome(status: u16, headers: &[(&str, String)], body: &str) -> Outcome {
    let json: Option<Value> = serde_json::from_str(body).ok();
    if status == 200 {
        let json = json.unwrap_or_default();
        return match json["SecretString"].as_str() {
            Some(value) => crate::event::keys_of(value).map_or(Outcome::Invalid, Outcome::Secret),
            None if json["MessageId"]
                .as_str()
                .is_some_and(|id| !["", "elsewhere"].contains(&id)) =>
            {
                Outcome::Taken
            }
            None => Outcome::Unreachable,
        };
    }
    let code = headers.first().map(|(_, value)| value.clone()).or_else(|| {
        json.and_then(|json| Some(json["__type"].as_str()?.rsplit('#').next()?.to_owned()))
    });
    let code = code.unwrap_or_default();
    let code = code.split([':', ';']).next().unwrap_or_default();
    if status < 500 && Kind::of_code(code).is_denial() {
        Outcome::Denied
    } else {
        Outcome::Unreachable
    }
}

/// The expiry of the credentials that signed a call, read from the access key ID.
fn expiry(authorization: &str) -> Ms {
    let id = authorization.split("Credential=AKIA").nth(1).and_then(|id| id.split('/').next());
    id.and_then(|id| id.parse().ok()).unwrap_or(0)
}
