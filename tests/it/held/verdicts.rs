//! What happens to a held event: the function verifies it again, like a request.

use super::{forged, good, record};
use crate::support::{
    Aws, CHANNEL_ACTIVE, Delivery, Function, GetSecretValue, MEDIA_AVAILABLE, Message,
    OTHER_SECRET, Record, Reply, SECRET, SendMessage, all_at_once, event, one_second_passes,
    queue_refusals, seconds, token,
};
use serde_json::json;

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

fn unknown() -> Delivery {
    Delivery::signed(event(json!({"webhook_id": "c0Y6ebVU"})), OTHER_SECRET)
}

fn without_id(message: Message) -> Message {
    message.with_id("")
}

#[tokio::test]
async fn held_event_becomes_the_same_message_as_an_event_that_was_not_held() {
    let deliveries = [
        good(),
        Delivery::of(CHANNEL_ACTIVE).body(CHANNEL_ACTIVE.replace('_', "\\u005f")),
        Delivery::of("{}"),
        Delivery::of(
            " { \"media_id\" : \"two words\" , \"a\":\"\\u00e9é\u{fffe}\u{7f}\\ud800\", \"n\": 1.50 }\n",
        )
        .body("{\"n\":1.50,\"a\":\"éé\\ufffe\u{7f}\\uD800\",\"media_id\":\"two words\"}"),
        Delivery::of(event(json!({"title": "x".repeat(200_000), "event_time": null}))),
    ];
    all_at_once([false, true], async |fifo| {
        let aws = Aws::start().await;
        let start = || {
            if fifo { Function::of(&aws).holding().fifo() } else { Function::of(&aws).holding() }
        };
        let function = start().start().await;
        for delivery in &deliveries {
            let answer = function.invoke(delivery).traced(TRACE).await;
            assert_eq!(answer.verdict(), "200 accepted");
        }
        let delivered: Vec<_> = aws.drained().into_iter().map(without_id).collect();
        assert_eq!(delivered.len(), deliveries.len());

        aws.always(GetSecretValue, Reply::Error(400, "AccessDeniedException"));
        let function = start().start().await;
        for delivery in &deliveries {
            let answer = function.invoke(delivery).await;
            assert_eq!(answer.verdict(), "503 held secret_unavailable");
        }
        aws.works_again(GetSecretValue);
        one_second_passes().await;
        for held in aws.held() {
            let batch = function.deliver([Record::new(&held.id, &held.body)]).traced(TRACE).await;
            assert_eq!((batch.verdicts(), batch.stay), (vec!["accepted none".to_owned()], vec![]));
            let sent = aws.sends().pop().expect("a message");
            assert_eq!(batch.logs[0]["message_id"], sent.id);
            assert_eq!(batch.logs[0]["event_id"].as_str(), sent.attribute("event_id"));
        }
        let arrived: Vec<_> = aws.queued().into_iter().map(without_id).collect();
        assert_eq!(arrived, delivered, "both messages are equal");
    })
    .await;
}

#[tokio::test]
async fn held_event_with_an_unknown_webhook_or_invalid_signature_stays_held() {
    let aws = Aws::start().await;
    aws.keep(json!({"7Rav0hC5": SECRET}));
    let function = Function::of(&aws).holding().start().await;
    for _ in 0..3 {
        let batch =
            function.deliver([record("unknown", &unknown()), record("forged", &forged())]).await;
        assert_eq!(batch.verdicts(), ["held signature_invalid", "held webhook_unknown"]);
        assert_eq!(batch.stay, ["forged", "unknown"]);
    }
    assert_eq!(aws.calls(SendMessage), 0);
    assert!(function.undelivered().is_empty());
}

#[tokio::test]
async fn held_event_is_not_accepted_before_the_secret_has_the_right_key() {
    let aws = Aws::start().await;
    aws.keep("too short");
    let function = Function::of(&aws).holding().start().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "503 held secret_invalid");
    aws.keep(OTHER_SECRET);
    one_second_passes().await;
    let batch = function.deliver([record("a", &good())]).await;
    assert_eq!(
        (batch.verdicts(), batch.stay),
        (vec!["held signature_invalid".to_owned()], vec!["a".to_owned()])
    );
    aws.keep(SECRET);
    one_second_passes().await;
    let batch = function.deliver([record("a", &good())]).await;
    assert_eq!((batch.verdicts(), batch.stay), (vec!["accepted none".to_owned()], vec![]));
    assert_eq!(aws.queued().len(), 1);
}

#[tokio::test]
async fn held_event_is_accepted_after_its_webhooks_key_was_added_to_the_ring() {
    let aws = Aws::start().await;
    aws.keep(json!({"7Rav0hC5": SECRET}));
    let function = Function::of(&aws).holding().start().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    aws.keep(json!({"7Rav0hC5": SECRET, "c0Y6ebVU": OTHER_SECRET}));
    let batch = function.deliver([record("a", &unknown())]).await;
    assert_eq!((batch.verdicts(), batch.stay), (vec!["accepted none".to_owned()], vec![]));
}

#[tokio::test]
async fn held_message_that_can_never_be_valid_is_dropped_and_logged_as_refused() {
    let signed = token(HEADER, MEDIA_AVAILABLE, SECRET);
    let claims = |claims: &str| token(HEADER, claims, SECRET);
    let cases = [
        ("token_malformed", "a.b.c".to_owned()),
        ("token_malformed", signed.replacen('.', "..", 1)),
        ("token_malformed", token("[]", MEDIA_AVAILABLE, SECRET)),
        ("algorithm_not_allowed", token(r#"{"alg":"none"}"#, MEDIA_AVAILABLE, SECRET)),
        ("algorithm_not_allowed", token(r#"{"alg":"HS256","b64":false}"#, "{}", SECRET)),
        ("claims_malformed", claims("[]")),
        ("claims_malformed", claims(r#"{"a":1,"a":1}"#)),
        ("claims_malformed", claims(&"[".repeat(100))),
        ("claims_not_valid", claims(r#"{"aud":"somebody"}"#)),
        ("claims_not_valid", claims(r#"{"exp":1}"#)),
        // a space is in no token
        ("malformed", "hello world".to_owned()),
        ("malformed", format!("Bearer {signed}")),
        ("malformed", format!("{signed}=")),
        ("malformed", format!("{signed}\n")),
        ("malformed", MEDIA_AVAILABLE.to_owned()),
        ("malformed", "a".repeat(393_217)),
    ];
    let aws = Aws::start().await;
    let function = Function::of(&aws).holding().start().await;
    for (reason, body) in cases {
        let batch = function.deliver([Record::new("a", &body)]).await;
        let [verdict] = batch.verdicts().try_into().expect("one line");
        assert!(
            verdict.starts_with("refused ") && verdict.ends_with(reason),
            "{verdict}: {body:.90}"
        );
        assert_eq!(batch.stay, Vec::<String>::new(), "{reason}");
    }
    assert_eq!(aws.calls(SendMessage), 0);
    assert!(function.undelivered().is_empty());
}

#[tokio::test]
async fn held_event_stays_without_an_undelivered_record_if_sqs_rejects_it() {
    all_at_once(queue_refusals(), async |refusal| {
        let case = format!("{refusal:?}");
        let aws = Aws::start().await;
        aws.always(SendMessage, refusal);
        let function = Function::of(&aws).holding().start().await;
        let batch = function.deliver([record("a", &good())]).await;
        assert_eq!(batch.verdicts(), ["held queue_refused"], "{case}");
        assert_eq!(batch.stay, ["a"], "{case}");
        aws.works_again(SendMessage);
        let batch = function.deliver([record("a", &good())]).await;
        assert_eq!(batch.verdicts(), ["accepted none"], "{case}");
        assert_eq!((batch.stay.len(), aws.queued().len()), (0, 1), "{case}");
        assert!(function.undelivered().is_empty(), "{case}: the held queue still has it");
    })
    .await;
}

#[tokio::test]
async fn held_event_stays_without_an_undelivered_record_if_sqs_is_unavailable() {
    let outages = [
        Reply::Hang,
        Reply::Error(503, "ServiceUnavailable"),
        Reply::Error(400, "ThrottlingException"),
        Reply::Lost(json!({"MD5OfMessageBody": "d41d8cd98f00b204e9800998ecf8427e"})),
    ];
    all_at_once(outages, async |outage| {
        let case = format!("{outage:?}");
        let aws = Aws::start().await;
        aws.always(SendMessage, outage);
        let function = Function::of(&aws).holding().start().await;
        let batch = function.deliver([record("a", &good())]).within(seconds(4)).await;
        assert_eq!(batch.verdicts(), ["held queue_unavailable"], "{case}");
        assert_eq!(batch.stay, ["a"], "{case}");
        assert!(function.undelivered().is_empty(), "{case}: the held queue still has it");
    })
    .await;
}

#[tokio::test]
async fn each_record_of_a_batch_has_its_own_verdict() {
    let aws = Aws::start().await;
    aws.keep(json!({"7Rav0hC5": SECRET, "Short123": "too short"}));
    let function = Function::of(&aws).holding().start().await;
    let numbered =
        |number: usize| Delivery::of(event(json!({"media_id": format!("media{number}")})));
    let of_disabled = Delivery::of(event(json!({"webhook_id": "Short123"})));
    let other_queue = "arn:aws:sqs:eu-west-1:123456789012:jw-other";
    let batch = function
        .deliver([
            record("0", &numbered(0)),
            record("1", &forged()),
            Record::new("2", "a.b.c"),
            record("3", &unknown()),
            record("4", &numbered(4)),
            record("5", &Delivery::of(r#"{"webhook_id":"7Rav0hC5","exp":1}"#)),
            record("6", &of_disabled),
            record("7", &numbered(7)).of_queue(other_queue),
            record("8", &numbered(0)),
            record("9", &numbered(9)),
        ])
        .lines(9)
        .await;
    assert_eq!(batch.stay, ["1", "3", "6", "7"]);
    let verdicts: Vec<_> = batch.verdicts();
    let of_this_queue = [
        "accepted none",
        "accepted none",
        "accepted none",
        "accepted none",
        "held secret_invalid",
        "held signature_invalid",
        "held webhook_unknown",
        "refused claims_not_valid",
        "refused token_malformed",
    ];
    assert_eq!(verdicts, of_this_queue);
    let mut media: Vec<_> = aws
        .queued()
        .iter()
        .map(|message| message.attribute("media_id").unwrap().to_owned())
        .collect();
    media.sort();
    assert_eq!(media, ["media0", "media0", "media4", "media9"]);
    assert!(function.undelivered().is_empty());
}

#[tokio::test]
async fn record_of_another_queue_stays_there_and_is_not_verified() {
    let arns = [
        "arn:aws:sqs:eu-west-1:123456789012:jw-events",
        "arn:aws:sqs:eu-west-1:123456789012:jw-held-dlq",
        "arn:aws:sqs:eu-west-1:123456789012:held",
        "arn:aws:sqs:eu-west-1:210987654321:jw-held",
        "arn:aws:sqs:eu-central-1:123456789012:jw-held",
        "jw-held",
        "",
    ];
    let aws = Aws::start().await;
    let function = Function::of(&aws).holding().start().await;
    for arn in arns {
        let malformed = Record::new("b", "a.b.c").of_queue(arn);
        let records = [record("a", &good()).of_queue(arn), malformed];
        let batch = function.deliver(records).lines(0).await;
        assert_eq!(batch.stay, ["a", "b"], "{arn}");
    }
    assert_eq!(aws.calls(SendMessage), 0);
}

#[tokio::test]
async fn batch_stays_in_its_queue_if_the_function_has_no_held_queue() {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    let records = [record("a", &good()), record("b", &forged()), Record::new("c", "a.b.c")];
    let batch = function.deliver(records).lines(0).await;
    assert_eq!(batch.stay, ["a", "b", "c"]);
    assert_eq!(aws.calls(SendMessage), 0);
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
}
