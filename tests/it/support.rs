//! What all tests share: a stand-in for AWS, the forwarder as a process under a Runtime API,
//! deliveries to send, and checks of the answers.

mod answer;
mod attributes_md5;
mod aws;
mod batch;
mod canaries;
mod connection;
mod delivery;
mod file;
mod function;
mod invocation;
mod outages;
mod output;
mod random;
mod secrets_manager;
mod service;
mod sqs;
mod start;
mod throttling;
mod undelivered;
mod wide_event;

pub use answer::Answer;
pub use aws::{
    Aws, Operation::GetSecretValue, Operation::HoldMessage, Operation::SendMessage, Reply,
};
pub use batch::{Batch, Record};
#[cfg(feature = "cli")]
pub use canaries::Canaries;
pub use connection::Order;
pub use delivery::{
    CHANNEL_ACTIVE, Delivery, MEDIA_AVAILABLE, OTHER_SECRET, SECRET, at, event, padded, sign, token,
};
pub use file::TestFile;
pub use function::Function;
pub use outages::{queue_faults, queue_lies, queue_refusals, secret_outages, secret_refusals};
pub use random::Random;
pub use service::Shared;
pub use sqs::Message;
pub use start::{
    ACCESS_KEY_ID, FIFO_QUEUE, SECRET_ACCESS_KEY, SESSION_TOKEN, STANDARD_QUEUE, Start,
};
#[cfg(feature = "cli")]
pub use undelivered::MAX_LINE_BYTES;

use futures_util::{FutureExt, StreamExt, stream};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

pub const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// The commit that the tested programs were built from. The test reads the variable when it runs,
/// not when it is built, so that a new commit rebuilds the programs but not the tests.
pub fn commit() -> String {
    std::env::var("JW_WEBHOOK_FORWARDER_COMMIT").unwrap_or_else(|_| "no-commit".to_owned())
}

/// The value of an environment variable with which a Makefile target sets a larger workload than
/// the test's default.
pub fn number<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

/// Waits until a secret with a TTL of one second has expired.
pub async fn one_second_passes() {
    tokio::time::sleep(millis(1_100)).await;
}

/// How many cases run at the same time. With more processes, two busy cores start them too slowly
/// for Lambda's limit of ten seconds.
const AT_ONCE: usize = 12;

/// Runs the cases of a table at the same time, each with its own processes. When one case fails,
/// the others still run to the end and report their own failures.
pub async fn all_at_once<C, F: Future<Output = T>, T>(
    cases: impl IntoIterator<Item = C>,
    run: impl Fn(C) -> F,
) -> Vec<T> {
    let cases = cases.into_iter().map(|case| AssertUnwindSafe(run(case)).catch_unwind());
    let results: Vec<_> = stream::iter(cases).buffered(AT_ONCE).collect().await;
    let failed = results.iter().filter(|result| result.is_err()).count();
    assert_eq!(failed, 0, "some of {} cases failed; see above", results.len());
    results.into_iter().flatten().collect()
}
