//! `jwhook verify` judges a captured request as the function does.

use super::support::{Account, JwApi, Jwhook, QueueType, Ran, TestFile};
use crate::support::{MEDIA_AVAILABLE, OTHER_SECRET, SECRET, at, event, token};
use serde_json::{Value, json};

const PLAIN: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

async fn verify(account: &Account, token: &str, body: &str, arguments: &[&str]) -> Ran {
    let jw = JwApi::start([]).await;
    let (token_file, body_file) = (TestFile::of(token), TestFile::of(body));
    let files = ["verify", "--token-file", token_file.path(), "--body-file", body_file.path()];
    let ran = Jwhook::of(account, &jw, &[&files, arguments].concat()).run(&jw).await;
    let signature = token.trim().rsplit('.').next().unwrap();
    if signature.len() > 15 {
        assert!(!ran.stdout.contains(signature) && !ran.stderr.contains(signature), "{ran:?}");
    }
    ran
}

#[tokio::test]
async fn good_request_is_accepted_in_every_capture_format() {
    let account = Account::start(&json!({"7Rav0hC5": SECRET}).to_string()).await;
    let token = token(PLAIN, MEDIA_AVAILABLE, SECRET);
    for (token, body) in [
        (token.clone(), MEDIA_AVAILABLE.to_owned()),
        (format!("{token}\n"), format!("{MEDIA_AVAILABLE}\n")),
        (format!("Bearer {token}\r\n"), MEDIA_AVAILABLE.to_owned()),
        (format!("Authorization: Bearer {token}\n"), MEDIA_AVAILABLE.replace(',', ", ")),
    ] {
        let verified = verify(&account, &token, &body, &["--output", "json"]).await.json();
        assert_eq!(verified["verdict"], "accepted");
        assert_eq!(
            verified["event_id"],
            "d2726fa652ffdc106819d01af02890479e8bb444082f72b5f51cb48f45f38619"
        );
        assert_eq!(verified["event"], serde_json::from_str::<Value>(MEDIA_AVAILABLE).unwrap());
    }
    let shown = verify(&account, &token, MEDIA_AVAILABLE, &[]).await.done();
    assert!(shown.contains("accepted") && shown.contains("UUhbHm6C"), "{shown}");
}

#[tokio::test]
async fn bad_request_is_refused_with_the_functions_reason() {
    let account = Account::start(&json!({"7Rav0hC5": SECRET}).to_string()).await;
    let good = token(PLAIN, MEDIA_AVAILABLE, SECRET);
    let other = event(json!({"webhook_id": "2yW4KmiG"}));
    let expired = event(json!({"exp": 1}));
    for (token, body, reason, advice) in [
        ("Basic x".to_owned(), MEDIA_AVAILABLE, "authorization_malformed", "the token is complete"),
        ("a.b".to_owned(), MEDIA_AVAILABLE, "token_malformed", "the token is complete"),
        (
            token(r#"{"alg":"none"}"#, MEDIA_AVAILABLE, SECRET),
            MEDIA_AVAILABLE,
            "algorithm_not_allowed",
            "somebody else",
        ),
        (
            token(PLAIN, &other, SECRET),
            &other,
            "webhook_unknown",
            "names webhook 2yW4KmiG; the ring has keys for 7Rav0hC5",
        ),
        (
            token(PLAIN, MEDIA_AVAILABLE, OTHER_SECRET),
            MEDIA_AVAILABLE,
            "signature_invalid",
            "jwhook rotate",
        ),
        (
            token(PLAIN, r#"{"webhook_id":"7Rav0hC5","webhook_id":"7Rav0hC5"}"#, SECRET),
            MEDIA_AVAILABLE,
            "webhook_unknown",
            "the ring has",
        ),
        (token(PLAIN, &expired, SECRET), &expired, "claims_not_valid", "exp"),
        (good.clone(), "POST / HTTP/1.1", "body_malformed", "only the body"),
        (good.clone(), "{}", "body_mismatch", "of the same request"),
    ] {
        let ran = verify(&account, &token, body, &["--output", "json"]).await;
        assert_eq!(ran.code, Some(1), "{reason}: {ran:?}");
        let verified: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!([&verified["verdict"], &verified["reason"]], ["refused", reason]);
        assert!(verified["advice"].as_str().unwrap().contains(advice), "{verified}");
    }
    let ran = verify(&account, &good, "{}", &[]).await;
    assert!(
        ran.stdout.starts_with("refused: body_mismatch: the body differs from the signed claims\n"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn event_age_is_checked_with_the_stacks_limit_at_the_given_time() {
    let account =
        Account::with(SECRET, QueueType::Standard, &[("MaxEventAgeSeconds", "3600")]).await;
    let old = token(PLAIN, MEDIA_AVAILABLE, SECRET);
    let fresh = event(json!({"event_time": at(-3_000)}));
    let ran = verify(&account, &token(PLAIN, &fresh, SECRET), &fresh, &["--output", "json"]).await;
    assert_eq!(ran.json()["max_event_age_s"], 3600);
    let refused = |ran: Ran| {
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stdout.contains("event_stale"), "{ran:?}");
    };
    refused(verify(&account, &old, MEDIA_AVAILABLE, &[]).await);
    refused(
        verify(&account, &token(PLAIN, &fresh, SECRET), &fresh, &["--max-event-age", "60"]).await,
    );
    for then in ["2023-11-14T23:30:10Z", "2023-11-15T00:30:10+01:00"] {
        verify(&account, &old, MEDIA_AVAILABLE, &["--at", then]).await.done();
    }
    refused(verify(&account, &old, MEDIA_AVAILABLE, &["--at", "2023-11-14T23:30:11Z"]).await);
}

#[tokio::test]
async fn unusable_input_or_secret_is_an_error_without_a_verdict() {
    let account = Account::start(&json!({"7Rav0hC5": SECRET, "short": "x"}).to_string()).await;
    let good = token(PLAIN, MEDIA_AVAILABLE, SECRET);
    for (token, expected) in [("\n", "holds no token"), ("a\nb", "holds more than one line")] {
        let error = verify(&account, token, MEDIA_AVAILABLE, &[]).await.error();
        assert!(error.contains(expected), "{error}");
    }
    let ran = verify(&account, &good, MEDIA_AVAILABLE, &[]).await;
    assert!(
        ran.stderr.contains("entry short is disabled: the key is shorter than 32 bytes"),
        "{ran:?}"
    );
    ran.done();
    account.set_secret("[]").await;
    let error = verify(&account, &good, MEDIA_AVAILABLE, &[]).await.error();
    assert!(error.contains("begins like JSON but is not"), "{error}");
    let jw = JwApi::start([]).await;
    let stdin = Jwhook::of(&account, &jw, &["verify", "--token-file", "-", "--body-file", "-"]);
    let error = stdin.run(&jw).await.error();
    assert!(error.contains("the token file and the body file cannot both be stdin"), "{error}");
}
