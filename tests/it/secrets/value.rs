//! The forms that a secret's value may have.

use crate::support::{
    Aws, CHANNEL_ACTIVE, Delivery, Function, MEDIA_AVAILABLE, OTHER_SECRET, SECRET, SendMessage,
    all_at_once, event,
};
use serde_json::json;

const KEY_OF_31: &str = "abcdefghijklmnopqrstuvwxyz01234";
const KEY_OF_32: &str = "abcdefghijklmnopqrstuvwxyz012345";

#[tokio::test]
async fn every_valid_form_of_the_secret_value_is_accepted() {
    let ring = json!({"7Rav0hC5": SECRET, "2yW4KmiG": OTHER_SECRET});
    let forms: [(&str, Vec<u8>, Vec<u8>); 13] = [
        ("a secret by itself", SECRET.into(), SECRET.into()),
        ("a secret and a newline", format!("{SECRET}\n").into(), SECRET.into()),
        ("32 bytes", KEY_OF_32.into(), KEY_OF_32.into()),
        ("32 bytes and a newline", format!("{KEY_OF_32}\n").into(), KEY_OF_32.into()),
        ("not ASCII", "é".repeat(16).into(), "é".repeat(16).into()),
        ("braces inside", format!("x{{{SECRET}}}").into(), format!("x{{{SECRET}}}").into()),
        ("a ring", ring.to_string().into(), SECRET.into()),
        ("a ring and a newline", format!("{ring}\n").into(), SECRET.into()),
        ("a ring on several lines", format!("{ring:#}\n").into(), SECRET.into()),
        ("a ring with escapes", ring.to_string().replacen('7', r"\u0037", 1).into(), SECRET.into()),
        ("a ring of one", json!({"7Rav0hC5": KEY_OF_32}).to_string().into(), KEY_OF_32.into()),
        ("a ring of many", ring_of_hundreds().into(), SECRET.into()),
        (
            "a ring with a newline after the key",
            json!({"7Rav0hC5": format!("{SECRET}\n")}).to_string().into(),
            SECRET.into(),
        ),
    ];
    all_at_once(forms, async |(form, value, key)| {
        let aws = Aws::start().await;
        let text = String::from_utf8(value.clone()).expect("text");
        for binary in [false, true] {
            if binary {
                aws.keep(value.clone())
            } else {
                aws.keep(text.clone())
            }
            let function = Function::start(&aws).await;
            let answer = function.invoke(&Delivery::signed(MEDIA_AVAILABLE, &key)).await;
            assert_eq!(answer.verdict(), "200 accepted", "{form}, binary: {binary}");
        }
    })
    .await;
}

fn ring_of_hundreds() -> String {
    let mut ring = json!({"7Rav0hC5": SECRET});
    for number in 0..300 {
        ring[format!("hook{number:04}")] = json!(format!("{number:04}{OTHER_SECRET}"));
    }
    ring.to_string()
}

#[tokio::test]
async fn binary_secret_may_have_bytes_that_are_not_text() {
    let key: Vec<u8> = (100..=255).collect();
    let aws = Aws::start().await;
    aws.keep(key.clone());
    let function = Function::start(&aws).await;
    assert_eq!(
        function.invoke(&Delivery::signed(MEDIA_AVAILABLE, key)).await.verdict(),
        "200 accepted"
    );
}

#[tokio::test]
async fn request_gets_503_if_the_secret_has_no_usable_key() {
    let values = [
        String::new(),
        "\n".into(),
        KEY_OF_31.into(),
        format!("{KEY_OF_31}\n"),
        "{}".into(),
        "[]".into(),
        // After trimming one newline at the end, white space is left.
        format!("{SECRET}\n\n"),
        format!("{SECRET} "),
        format!("{SECRET} \n"),
        format!(" {SECRET}"),
        format!("\t{SECRET}"),
        format!("{SECRET} {SECRET}"),
        format!("{SECRET}\u{a0}"),
        SECRET.replace('-', "\u{2009}"),
        json!({"7Rav0hC5": format!("{SECRET} ")}).to_string(),
        json!({"7Rav0hC5": format!("{SECRET}\u{200b}")}).to_string(),
        json!({"7Rav0hC5": format!("{KEY_OF_31}\n")}).to_string(),
        json!({"7Rav0hC5": KEY_OF_31}).to_string(),
        json!({"7Rav0hC5": ""}).to_string(),
        json!({"7Rav0hC5": [SECRET]}).to_string(),
        json!({"7Rav0hC5": {"secret": SECRET}}).to_string(),
        json!({"7Rav0hC5": null}).to_string(),
        json!({"7Rav0hC5": 7}).to_string(),
        // A value that starts like JSON is only ever read as JSON.
        json!([SECRET]).to_string(),
        json!(SECRET).to_string(),
        format!("{{{SECRET}"),
        format!("[{SECRET}"),
        format!("\"{SECRET}"),
        format!(r#"{{"7Rav0hC5":"{SECRET}""#),
        format!(r#"{{"7Rav0hC5":"{SECRET}"}} x"#),
    ];
    all_at_once(values, async |value| {
        let aws = Aws::start().await;
        aws.keep(value.clone());
        let function = Function::start(&aws).await;
        for key in [SECRET, value.trim_end(), KEY_OF_31, ""] {
            let answer = function.invoke(&Delivery::signed(MEDIA_AVAILABLE, key)).await;
            assert_eq!(answer.verdict(), "503 secret_invalid", "{value}");
        }
        assert_eq!(aws.calls(SendMessage), 0, "{value}");
        assert!(function.undelivered().is_empty(), "an unverified event has no undelivered record");
    })
    .await;
}

#[tokio::test]
async fn problem_with_a_key_is_logged() {
    let cases = [
        (format!("{SECRET} "), "the key contains white space"),
        (KEY_OF_31.to_owned(), "the key is shorter than 32 bytes"),
        (
            json!({"7Rav0hC5": format!("{SECRET}\n\n")}).to_string(),
            "entry 7Rav0hC5 is disabled: the key contains white space. In the secret, store the \
             webhook's secret in this entry without spaces and line breaks",
        ),
        (
            json!({"JW_WEBHOOK_SECRET": SECRET}).to_string(),
            "entry number 1 verifies no event: the name is not a webhook id. In the secret, rename \
             this entry to the webhook's id",
        ),
    ];
    all_at_once(cases, async |(value, expected)| {
        let aws = Aws::start().await;
        aws.keep(value);
        let function = Function::start(&aws).await;
        function.stderr.find(expected, |line| line.contains(expected).then_some(())).await;
    })
    .await;
}

#[tokio::test]
async fn repaired_secret_is_used_within_seconds() {
    let aws = Aws::start().await;
    aws.keep("not a usable key");
    let function = Function::start(&aws).await;
    let delivery = Delivery::of(MEDIA_AVAILABLE);
    assert_eq!(function.invoke(&delivery).await.verdict(), "503 secret_invalid");
    aws.keep(SECRET);
    function.until_verdict("200 accepted", &delivery, std::time::Duration::from_secs(3)).await;
}

#[tokio::test]
async fn invalid_ring_entry_is_reported_and_the_other_entries_still_work() {
    let bad = json!({
        "Short123": KEY_OF_31,
        "Number12": 7,
        "Nothing1": null,
        "Nested12": {"secret": OTHER_SECRET},
        "Empty123": "",
        "Space123": format!("{OTHER_SECRET} "),
        "Lines123": format!("{OTHER_SECRET}\n\n"),
        "NoBreak1": format!("\u{a0}{OTHER_SECRET}"),
    });
    let mut ring = bad.clone();
    ring["7Rav0hC5"] = json!(SECRET);
    ring["2yW4KmiG"] = json!(OTHER_SECRET);
    let aws = Aws::start().await;
    aws.keep(ring);
    let function = Function::start(&aws).await;
    for (claims, key) in [(MEDIA_AVAILABLE, SECRET), (CHANNEL_ACTIVE, OTHER_SECRET)] {
        assert_eq!(function.invoke(&Delivery::signed(claims, key)).await.verdict(), "200 accepted");
    }
    for (webhook, _) in bad.as_object().expect("an object") {
        let claims = event(json!({"webhook_id": webhook}));
        for key in [KEY_OF_31, SECRET, OTHER_SECRET, ""] {
            let answer = function.invoke(&Delivery::signed(&claims, key)).await;
            assert_eq!(answer.verdict(), "503 secret_invalid", "{webhook}");
        }
        function.stderr.find(webhook, |line| line.contains(webhook.as_str()).then_some(())).await;
    }
    assert_eq!(aws.queued().len(), 2);
}

#[tokio::test]
async fn duplicate_ring_entry_is_disabled_and_the_other_entries_still_work() {
    let ring =
        format!(r#"{{"2yW4KmiG":"{SECRET}","7Rav0hC5":"{SECRET}","2yW4KmiG":"{OTHER_SECRET}"}}"#);
    let aws = Aws::start().await;
    aws.keep(ring);
    let function = Function::start(&aws).await;
    for key in [SECRET, OTHER_SECRET] {
        let answer = function.invoke(&Delivery::signed(CHANNEL_ACTIVE, key)).await;
        assert_eq!(
            answer.verdict(),
            "503 secret_invalid",
            "the ring does not say which key is meant"
        );
    }
    function.stderr.find("2yW4KmiG", |line| line.contains("2yW4KmiG").then_some(())).await;
    assert_eq!(function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await.verdict(), "200 accepted");
}

#[tokio::test]
async fn ring_entry_with_an_invalid_webhook_id_is_reported() {
    let rings = [
        (json!({"7Rav0hC5": SECRET}), false),
        (json!({"7Rav0hC5": SECRET, "placeholder": OTHER_SECRET}), false), // the placeholder of the stack
        (json!({"7Rav0hC5": SECRET, "JW_WEBHOOK_SECRET": OTHER_SECRET}), true),
        (json!({"JW_WEBHOOK_SECRET": SECRET}), true),
        (json!({"7Rav0hC5": SECRET, "": OTHER_SECRET}), true),
        (json!({"7Rav0hC5": SECRET, "7Rav-hC5": OTHER_SECRET}), true),
    ];
    all_at_once(rings, async |(ring, is_reported)| {
        let aws = Aws::start().await;
        aws.keep(ring.clone());
        let mut function = Function::start(&aws).await;
        let _ = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await;
        function.stop();
        let reports = function.stderr.lines().into_iter().filter(|line| {
            line.contains(r#""level":"WARN""#) || line.contains(r#""level":"ERROR""#)
        });
        assert_eq!(reports.count() > 0, is_reported, "{ring}");
    })
    .await;
}

/// Each function searches its output for secrets when it is dropped.
#[tokio::test]
async fn ring_with_names_and_keys_swapped_reveals_no_secret() {
    let aws = Aws::start().await;
    aws.keep(json!({SECRET: "7Rav0hC5", OTHER_SECRET: "2yW4KmiG"}));
    let function = Function::of(&aws).env("AWS_LAMBDA_LOG_LEVEL", "TRACE").start().await;
    assert_eq!(
        function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await.verdict(),
        "503 secret_invalid"
    );
    aws.keep(json!({"7Rav0hC5": SECRET, OTHER_SECRET: "2yW4KmiG"}));
    let within = std::time::Duration::from_secs(3);
    function.until_verdict("200 accepted", &Delivery::of(MEDIA_AVAILABLE), within).await;
}
