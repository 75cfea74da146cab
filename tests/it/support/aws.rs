//! A stand-in for Secrets Manager and SQS on its own port. The stand-in speaks their JSON
//! protocols, enforces the limits that SQS documents (emulators do not), and fails when and how the
//! test says.

use super::connection::{self, Order};
use super::seconds;
use super::secrets_manager::Secret;
use super::service::{Shared, State};
use super::sqs::Message;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{broadcast, watch};
use tokio::task::AbortHandle;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    GetSecretValue,
    /// `SendMessage` to the event queue.
    SendMessage,
    /// `SendMessage` to the held queue.
    HoldMessage,
}

/// What happens to one call.
#[derive(Clone, Debug, Default)]
pub enum Reply {
    #[default]
    Normal,
    /// The call succeeds after this delay.
    Delay(Duration),
    /// An AWS error with its code in the body, as both services write it.
    Error(u16, &'static str),
    /// An SQS error: a type in the body, and the code of the older query protocol in the header
    /// `x-amzn-query-error`.
    QueryError(u16, &'static str, &'static str),
    /// An AWS error with its code only in the header `x-amzn-errortype`.
    ErrorInHeader(u16, &'static str),
    /// A status with a body that no AWS service sends: a proxy's page, or garbage.
    Raw(u16, &'static str),
    Hang,
    /// The connection breaks in this way. The order says whether this is before or after a normal
    /// answer.
    Break(Order),
    /// The service performs the call, but the response is this reply.
    TakenThen(Box<Reply>),
    /// A normal answer in which these members have these values (null removes a member).
    Altered(Value),
    /// A normal answer in which these members have these values, but the message is not queued: the
    /// call changes nothing.
    Lost(Value),
}

/// The stand-in for AWS. When a test drops it, the test fails if AWS would have rejected one of the
/// calls.
pub struct Aws {
    pub shared: Arc<Shared>,
    address: SocketAddr,
    listening: AbortHandle,
    reserved: Option<TcpSocket>,
}

impl Aws {
    /// Starts a stand-in with the sample secret, in which every call succeeds.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: watch::Sender::default(),
            orders: broadcast::Sender::new(16),
        });
        let aws =
            Self { address, listening: listen(listener, shared.clone()), shared, reserved: None };
        aws.keep(super::SECRET);
        aws
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn keep(&self, secret: impl Into<Secret>) {
        let mut state = self.shared.state();
        state.secret = secret.into();
        let text = state.secret.text();
        state.secrets_ever.push(text);
    }

    /// From now on, every call of the operation gets this reply, except the calls for which `next`
    /// sets the reply.
    pub fn always(&self, operation: Operation, reply: Reply) {
        self.shared.state().script.entry(operation).or_default().1 = reply;
    }

    /// The next calls of the operation get these replies, one each.
    pub fn next(&self, operation: Operation, replies: impl IntoIterator<Item = Reply>) {
        self.shared.state().script.entry(operation).or_default().0.extend(replies);
    }

    /// From now on, every call of the operation succeeds. Replaces what `next` and `always` have
    /// set.
    pub fn works_again(&self, operation: Operation) {
        self.shared.state().script.remove(&operation);
    }

    pub fn calls(&self, operation: Operation) -> usize {
        self.shared.state().calls(operation).total
    }

    /// The highest number of concurrent calls of the operation.
    pub fn most_at_once(&self, operation: Operation) -> usize {
        self.shared.state().calls(operation).most
    }

    pub fn calls_under_way(&self, operation: Operation) -> usize {
        self.shared.state().calls(operation).now
    }

    pub async fn until_calls(&self, operation: Operation, total: usize) {
        let what = format!("call {total} of {operation:?}");
        self.until(&what, |state| state.calls(operation).total >= total).await;
    }

    pub async fn until_connections(&self, total: usize) {
        self.until(&format!("connection {total}"), |state| state.connections >= total).await;
    }

    pub fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// The `X-Amz-Target` of each call that was served.
    pub fn targets(&self) -> BTreeSet<String> {
        self.shared.state().targets.clone()
    }

    pub fn sends(&self) -> Vec<Message> {
        self.shared.state().sends.clone()
    }

    pub fn queued(&self) -> Vec<Message> {
        self.shared.state().queued.clone()
    }

    /// The messages in the held queue.
    pub fn held(&self) -> Vec<Message> {
        self.shared.state().held.clone()
    }

    /// Empties the event queue, forgets what was sent to it, and returns its messages.
    pub fn drained(&self) -> Vec<Message> {
        let mut state = self.shared.state();
        state.sends.clear();
        std::mem::take(&mut state.queued)
    }

    /// Breaks every open connection in this way. New connections work.
    pub fn break_connections(&self, how: Order) {
        let _ = self.shared.orders.send(how); // fails if no connection is open
    }

    /// Refuses connections on the same port until [`Aws::back`].
    pub async fn gone(&mut self) {
        self.listening.abort();
        self.break_connections(Order::Reset);
        let address = self.address;
        let bind = || {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.set_reuseaddr(true).and_then(|()| socket.bind(address)).ok().map(|()| socket)
        };
        while self.reserved.is_none() {
            tokio::task::yield_now().await; // until the listener's task has released the port
            self.reserved = bind();
        }
    }

    pub fn back(&mut self) {
        let socket = self.reserved.take().expect("back follows gone");
        self.listening = listen(socket.listen(64).expect("a listener"), self.shared.clone());
    }

    async fn until(&self, what: &str, done: impl Fn(&State) -> bool) {
        let mut changes = self.shared.changed.subscribe();
        let waiting = async {
            while !done(&self.shared.state()) {
                changes.changed().await.expect("the stand-in lives");
            }
        };
        assert_eq!(
            tokio::time::timeout(seconds(10), waiting).await,
            Ok(()),
            "{what} did not happen in 10 s"
        );
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(
                self.shared.state().complaints,
                Vec::<String>::new(),
                "calls that AWS would have rejected"
            );
        }
    }
}

fn listen(listener: TcpListener, shared: Arc<Shared>) -> AbortHandle {
    let accepting = async move {
        while let Ok((stream, _)) = listener.accept().await {
            shared.state().connections += 1;
            shared.changed.send_replace(());
            tokio::spawn(connection::serve(stream, shared.clone()));
        }
    };
    tokio::spawn(accepting).abort_handle()
}
