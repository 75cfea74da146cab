//! A panic costs its own invocation, and no other.

use crate::support::{Aws, Delivery, Function, MEDIA_AVAILABLE, seconds};
use lambda_simulator::{Invocation, InvocationStatus};

/// `lambda_http` panics on a host that makes no URL. No gateway sends one.
#[tokio::test]
async fn a_panic_fails_one_invocation_and_the_process_serves_the_next() {
    let aws = Aws::start().await;
    for concurrency in [1, 4] {
        let function = Function::of(&aws).concurrency(concurrency).start().await;
        assert_eq!(function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await.verdict(), "200 accepted");
        let queued = aws.queued().len();
        for _ in 0..5 {
            let event = Delivery::of(MEDIA_AVAILABLE).header("host", "a host").event();
            let id = function.simulator.enqueue(Invocation::new(event, 10_000)).await;
            let state = function.simulator.wait_for_invocation_complete(&id, seconds(10)).await;
            let state = state.expect("an end");
            // which a gateway answers with 500
            assert_eq!(state.status, InvocationStatus::Error);
            assert!(state.response.is_none());
        }
        assert_eq!(aws.queued().len(), queued, "what wasn't answered with 2xx isn't queued");
        let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await;
        assert_eq!(answer.verdict(), "200 accepted", "{concurrency} at once");
    }
}
