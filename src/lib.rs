//! Receives JW Player's webhooks. Puts each event that JW signed on an SQS queue.
//!
//! A request goes through eight steps:
//!
//! 1. [`invocation`] reads Lambda's event: an HTTP request, or a batch of [`held`] tokens.
//! 2. [`http`] takes the token and the body out of the request. [`forwarder`] does steps 3 to 6.
//! 3. [`token`] checks the token's form. The secret is not needed yet.
//! 4. [`secrets`] returns the keys ([`key_ring`]) from its cache or from Secrets Manager.
//! 5. [`token`] verifies the signature, the claims and the body ([`json`]). The result is an event
//!    ([`event`], [`event_id`]).
//! 6. [`queue`] sends the event's message ([`message`]) to SQS, with retries ([`attempt`]). If there
//!    is no usable secret, [`queue`] sends the token to the held queue instead.
//! 7. [`http`] turns the receipt or the rejection ([`rejection`]) into the answer.
//! 8. [`telemetry`] logs the request. If SQS did not confirm the event, [`telemetry`] also logs the
//!    whole event ([`undelivered`]).
//!
//! The function reads [`config`] once, before the first request. [`aws`] configures the clients of both AWS
//! services: credentials and one HTTPS client ([`https`]). [`trace`] passes the invocation's X-Ray trace on to
//! the message. [`process`] is the wall clock and the log output.

pub mod invocation;

pub mod http;

pub mod forwarder;
pub mod held;
pub mod token;

pub mod key_ring;
pub mod secrets;

pub mod event;
pub mod event_id;
pub mod json;

pub mod attempt;
pub mod message;
pub mod queue;
pub mod queue_url;
pub mod trace;

pub mod rejection;
pub mod telemetry;
pub mod undelivered;

pub mod config;
pub mod process;

pub mod aws;
pub mod https;

pub mod commit;

/// The prefix of the `tracing` targets of this library.
pub const OWN_TARGET: &str = env!("CARGO_CRATE_NAME");
