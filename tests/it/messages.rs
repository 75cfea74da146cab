//! The messages that a consumer receives from the queue.

use crate::support::{
    Aws, CHANNEL_ACTIVE, Delivery, Function, MEDIA_AVAILABLE, Message, SECRET, STANDARD_QUEUE,
    event, token,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The message that the function sends for these claims.
pub async fn sent(function: &Function, aws: &Aws, claims: impl AsRef<[u8]>) -> Message {
    let answer = function.invoke(&Delivery::of(&claims)).await;
    let case = String::from_utf8_lossy(claims.as_ref()).into_owned();
    assert_eq!(answer.verdict(), "200 accepted", "{case}");
    aws.sends().pop().expect("a message")
}

fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

#[tokio::test]
async fn message_has_the_payload_and_its_ids_as_attributes() {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await;
    assert_eq!(answer.verdict(), "200 accepted");
    let [message] = aws.queued().try_into().expect("one message");
    assert_eq!(message.queue_url, STANDARD_QUEUE);
    assert_eq!(message.body, MEDIA_AVAILABLE);
    let expected = [
        ("event", "media_available"),
        ("event_id", "d2726fa652ffdc106819d01af02890479e8bb444082f72b5f51cb48f45f38619"),
        ("media_id", "UUhbHm6C"),
        ("site_id", "jsPxIVHl"),
        ("webhook_id", "7Rav0hC5"),
    ];
    let attributes: Vec<_> =
        message.attributes.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(attributes, expected);

    let message = sent(&function, &aws, CHANNEL_ACTIVE).await;
    assert_eq!(message.attribute("channel_id"), Some("YijbmYHJ"));
    assert_eq!(message.attribute("media_id"), None);
}

#[tokio::test]
async fn message_body_is_the_signed_payload_and_not_the_http_body() {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    let payloads = [
        "{ \"b\" : \"1\",\r\n\t\"a\" : \"\\u0061\\/\" }\n",
        r#"{"z":1.50,"a":[1E2,-0],"é":"日本 😀"}"#,
        "{\"a\":\"\u{7f}\u{85}\u{2028}\u{feff}\u{e000}\u{fffd}\u{10ffff}\"}",
        r#"{"a":"\ufffe\uffff\ud800\u0000"}"#,
    ];
    for payload in payloads {
        let value: Result<Value, _> = serde_json::from_str(payload);
        let body = value.map_or(payload.to_owned(), |_| format!("  {payload}  "));
        let token = token(r#"{"alg":"HS256"}"#, payload, SECRET);
        let answer = function.invoke(&Delivery::of(payload).token(&token).body(body)).await;
        assert_eq!(answer.verdict(), "200 accepted", "{payload}");
        assert_eq!(aws.sends().pop().expect("a message").body, payload);
    }
}

#[tokio::test]
async fn characters_that_sqs_rejects_are_escaped() {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    let payload = "{ \"a\u{fffe}b\" : \"\u{ffff}\u{fffd}\u{1ffff}\u{fffe}\" }";
    let message = sent(&function, &aws, payload).await;
    let lower = message.body.to_lowercase();
    assert_eq!(lower, "{ \"a\\ufffeb\" : \"\\uffff\u{fffd}\u{1ffff}\\ufffe\" }");
    let [was, is] =
        [payload, &message.body].map(|text| serde_json::from_str::<Value>(text).expect("JSON"));
    assert_eq!(is, was, "the same value");
}

#[tokio::test]
async fn claim_becomes_an_attribute_only_if_it_is_printable_ascii() {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    let kept = [json!("a"), json!(" ~!\"\\"), json!("x".repeat(256)), json!("null")];
    let omitted = [
        json!(""),
        json!("x".repeat(257)),
        json!("é"),
        json!("a\tb"),
        json!("a\nb"),
        json!("a\u{7f}"),
        json!("a\u{0}"),
        json!("日本"),
        json!(null),
        json!(1),
        json!(true),
        json!(["a"]),
        json!({"a": "b"}),
    ];
    for name in ["event", "webhook_id", "site_id", "media_id", "channel_id"] {
        for value in &kept {
            let message = sent(&function, &aws, json!({name: value}).to_string()).await;
            assert_eq!(message.attribute(name), value.as_str(), "{name}");
            assert_eq!(message.attributes.len(), 2, "{name}: {value}");
        }
        for value in &omitted {
            let message = sent(&function, &aws, json!({name: value}).to_string()).await;
            let names: Vec<_> = message.attributes.into_keys().collect();
            assert_eq!(names, ["event_id"], "{name}: {value}");
        }
    }
}

#[tokio::test]
async fn unknown_claims_do_not_become_attributes() {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    let claims =
        event(json!({"thumbnail_id": "AbCdEfGh", "data": {"channel_id": "x"}, "Event": "x"}));
    let message = sent(&function, &aws, claims).await;
    let names: Vec<_> = message.attributes.into_keys().collect();
    assert_eq!(names, ["event", "event_id", "media_id", "site_id", "webhook_id"]);
}

#[tokio::test]
async fn fifo_message_group_is_the_events_subject() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).fifo().start().await;
    let cases = [
        (
            json!({"media_id": "m", "channel_id": "c", "site_id": "s", "webhook_id": "w"}),
            "m".to_owned(),
        ),
        (json!({"channel_id": "c", "site_id": "s", "webhook_id": "w"}), "c".into()),
        (json!({"media_id": null, "channel_id": "c", "site_id": "s"}), "c".into()),
        (json!({"media_id": 7, "site_id": "s", "webhook_id": "w"}), "s".into()),
        (json!({"webhook_id": "w"}), "w".into()),
        (json!({"event": "media_available"}), "-".into()),
        (
            json!({"media_id": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"}),
            "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".into(),
        ),
        (json!({"media_id": "x".repeat(128)}), "x".repeat(128)),
        // Values that SQS would reject are replaced by their hash.
        (json!({"media_id": "x".repeat(129)}), sha256(&"x".repeat(129))),
        (json!({"media_id": "two words"}), sha256("two words")),
        (json!({"media_id": "é"}), sha256("é")),
        (json!({"media_id": "a\u{7f}"}), sha256("a\u{7f}")),
        (json!({"media_id": "", "site_id": "s"}), sha256("")),
    ];
    for (claims, group) in cases {
        let message = sent(&function, &aws, claims.to_string()).await;
        assert_eq!(message.group, Some(group), "{claims}");
        assert_eq!(message.deduplication.as_deref(), message.attribute("event_id"), "{claims}");
    }
}

#[tokio::test]
async fn standard_queue_message_group_is_the_site() {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    let cases = [
        (
            json!({"media_id": "m", "channel_id": "c", "site_id": "s", "webhook_id": "w"}),
            Some("s".to_owned()),
        ),
        (json!({"media_id": "m"}), None),
        (json!({"site_id": 7}), None),
        (json!({"site_id": "my site"}), Some(sha256("my site"))),
        (json!({"site_id": "x".repeat(129)}), Some(sha256(&"x".repeat(129)))),
    ];
    for (claims, group) in cases {
        let message = sent(&function, &aws, claims.to_string()).await;
        assert_eq!((message.group, message.deduplication), (group, None), "{claims}");
    }
}

#[tokio::test]
async fn only_well_formed_trace_headers_are_forwarded() {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    let well_formed = [
        "Root=1-5759e988-bd862e3fe1be46a994272793",
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0;Lineage=1:a87bd80c:0",
    ];
    let others = [
        "",
        "x",
        "Root=",
        "Root=1",
        "Root=1-5759e988",
        "Root=1-5759e98-bd862e3fe1be46a994272793",
        "Root=1-5759e988-bd862e3fe1be46a99427279g",
        "Parent=53995c3f42cd8ad8;Sampled=1",
    ];
    for trace in well_formed {
        let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).traced(trace).await;
        assert_eq!(answer.verdict(), "200 accepted", "{trace}");
        assert_eq!(aws.sends().pop().expect("a message").trace_header.as_deref(), Some(trace));
    }
    for trace in others {
        let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).traced(trace).await;
        assert_eq!(answer.verdict(), "200 accepted", "{trace}");
        assert_eq!(aws.sends().pop().expect("a message").trace_header, None, "{trace}");
    }
}
