//! Bad requests are refused with the reason in the contract's table, and nothing of them reaches
//! the queue.

mod body;
mod claims;
mod delivery;
mod order;
mod signature;
mod token;

use crate::support::{Aws, Delivery, Function, SendMessage};

/// Sends all cases to one function. Expects this verdict for each, and an empty queue.
async fn all_refused<C: AsRef<str>>(verdict: &str, cases: impl IntoIterator<Item = (C, Delivery)>) {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    refused_by(&function, &aws, verdict, cases).await;
}

async fn refused_by<C: AsRef<str>>(
    function: &Function,
    aws: &Aws,
    verdict: &str,
    cases: impl IntoIterator<Item = (C, Delivery)>,
) {
    for (case, delivery) in cases {
        let answer = function.invoke(&delivery).await;
        assert_eq!(answer.verdict(), verdict, "{}", case.as_ref());
    }
    assert_eq!(aws.calls(SendMessage), 0, "nothing is sent");
    assert!(function.undelivered().is_empty());
}
