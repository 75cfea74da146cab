//! Receives JW Player's webhooks and puts the ones that JW signed on an SQS queue.
//!
//! A request's way:
//!
//! 1. [`invocation`] reads Lambda's event: an [`http`] request, or a batch of [`held`] tokens.
//! 2. [`http`] takes the bearer token and the body out of a request, and [`forwarder`] does the rest:
//! 3. [`token`] checks the token's form, before anything is fetched;
//! 4. [`secrets`] gives the [`key_ring`], from its cache or from Secrets Manager;
//! 5. [`token`] verifies the signature, the claims and the body ([`json`]): an [`event`] with an [`event_id`];
//! 6. [`queue`] sends its [`message`] to SQS, [`attempt`] after attempt, in the invocation's [`trace`],
//!    or the token to the held queue if no secret could verify it;
//! 7. the result is a receipt or a [`rejection`], which [`http`] answers
//! 8. and [`telemetry`] writes to the log, with an [`undelivered`] event whole. [`config`] was read before
//!    the first request, and [`aws`] had made what the clients of both services share: one [`https`]
//!    client, and credentials. The wall clock and the log are the [`process`]'s.

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

/// What the targets of this library's diagnostics begin with.
pub const OWN_TARGET: &str = env!("CARGO_CRATE_NAME");
