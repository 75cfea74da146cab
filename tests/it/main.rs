//! Tests of the forwarder from outside: the real binary, as a process under a Runtime API, against
//! a stand-in for AWS that fails on demand. These tests do not use the library's internals.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test panics with the reason of its failure"
)]

mod accepts;
mod concurrency;
mod configuration;
mod credentials;
mod event_ids;
mod events;
mod faults;
mod freeze;
mod held;
mod intake;
#[cfg(feature = "cli")]
mod jwhook;
mod load;
mod messages;
mod oracle;
mod outages;
mod rechecks;
mod refuses;
mod rotation;
mod secrets;
mod support;
mod telemetry;
mod tls;
