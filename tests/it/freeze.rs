//! Lambda stops the process between invocations: time passes and sockets die without its noticing.

use crate::support::{
    Aws, Delivery, Function, GetSecretValue, MEDIA_AVAILABLE, Order, Reply, SendMessage,
    all_at_once, one_second_passes, seconds,
};

#[tokio::test]
async fn sockets_that_died_while_frozen_cost_a_retry_and_never_an_event() {
    all_at_once([Order::Close, Order::Reset, Order::Mute], async |how| {
        let aws = Aws::start().await;
        let function =
            Function::of(&aws).short_lived_secret().frozen_between_invocations().start().await;
        for round in 1..=3 {
            let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).within(seconds(3)).await;
            assert_eq!(answer.verdict(), "200 accepted", "{how:?}");
            assert_eq!(aws.queued().len(), round, "{how:?}");
            function.frozen().await;
            aws.break_connections(how);
            one_second_passes().await; // the secret has aged as well
        }
        assert_eq!(function.undelivered().len(), 0, "{how:?}");
    })
    .await;
}

#[tokio::test]
async fn a_secret_ages_while_the_process_is_frozen() {
    let aws = Aws::start().await;
    let function = Function::of(&aws)
        .env("SECRET_TTL_SECONDS", "2")
        .frozen_between_invocations()
        .start()
        .await;
    assert_eq!(function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await.verdict(), "200 accepted");
    function.frozen().await;
    assert_eq!(aws.calls(GetSecretValue), 1);
    tokio::time::sleep(seconds(2)).await;
    let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await;
    assert_eq!(answer.verdict(), "200 accepted");
    assert_eq!(answer.log["secret_age_s"], 0);
    assert_eq!(aws.calls(GetSecretValue), 2);
}

#[tokio::test]
async fn what_belongs_to_a_request_is_written_before_its_answer() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).frozen_between_invocations().start().await;
    for _ in 0..5 {
        // The wide event is found while the process is stopped, or the call fails.
        assert_eq!(function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await.verdict(), "200 accepted");
        function.frozen().await;
    }
    assert_eq!(aws.calls(SendMessage), 5);
    aws.always(SendMessage, Reply::Error(403, "AccessDenied"));
    for _ in 0..5 {
        assert_eq!(
            function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await.verdict(),
            "503 queue_refused"
        );
        function.frozen().await;
    }
    assert_eq!(function.undelivered().len(), 5);
}
