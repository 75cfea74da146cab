//! Held events: which events the function holds while there is no usable secret, and what happens
//! to them later.

mod budget;
mod odd;
mod queue;
mod requests;
mod times;
mod verdicts;

use crate::support::{Aws, Delivery, Function, MEDIA_AVAILABLE, OTHER_SECRET, Record};

fn good() -> Delivery {
    Delivery::of(MEDIA_AVAILABLE)
}

fn forged() -> Delivery {
    Delivery::signed(MEDIA_AVAILABLE, OTHER_SECRET)
}

/// A record of the held queue with this delivery's token.
fn record(id: &str, delivery: &Delivery) -> Record {
    Record::new(id, delivery.bearer())
}

/// Expects that the held queue has exactly these deliveries' tokens, and that the log has no record
/// of the deliveries. On a busy machine a token may be in the queue twice, because SQS's first
/// response was late.
#[track_caller]
fn assert_held<'d>(
    deliveries: impl IntoIterator<Item = &'d Delivery>,
    aws: &Aws,
    function: &Function,
    case: &str,
) {
    let mut held: Vec<_> = aws.held().into_iter().map(|message| message.body).collect();
    held.dedup();
    let tokens: Vec<_> = deliveries.into_iter().map(Delivery::bearer).collect();
    assert_eq!(held, tokens, "{case}");
    assert!(
        function.undelivered().is_empty(),
        "{case}: an unverified event has no undelivered record"
    );
}
