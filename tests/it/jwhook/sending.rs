//! `jwhook send`: posts a signed event as JW does.

use super::support::{Account, Endpoint, JwApi, Jwhook, QueueType, Ran, TestFile};
use crate::support::{
    Aws, CHANNEL_ACTIVE, Function, MEDIA_AVAILABLE, OTHER_SECRET, SECRET, seconds, token,
};
use serde_json::{Value, json};

const RECEIPT: &str = r#"{"event_id":"e0","message_id":"m0"}"#;

fn ring() -> String {
    json!({"7Rav0hC5": SECRET, "2yW4KmiG": OTHER_SECRET}).to_string()
}

struct Scene {
    account: Account,
    jw: JwApi,
    endpoint: Endpoint,
}

impl Scene {
    async fn with(secret: &str) -> Self {
        let account = Account::start(secret).await;
        Self { account, jw: JwApi::start([]).await, endpoint: Endpoint::start().await }
    }

    /// Runs `send` to an endpoint that answers with this status and body.
    async fn send(&mut self, status: u16, body: &str, arguments: &[&str]) -> Ran {
        let url = self.endpoint.url().to_owned();
        let arguments = [&["send", "--url", &url], arguments].concat();
        let run = Jwhook::of(&self.account, &self.jw, &arguments).run(&self.jw);
        let ran = self.endpoint.answering(status, body, run).await;
        for posted in self.endpoint.posted() {
            let signature = posted.authorization.rsplit('.').next().unwrap().to_owned();
            assert!(
                !ran.stdout.contains(&signature) && !ran.stderr.contains(&signature),
                "{ran:?}"
            );
        }
        ran
    }

    /// Returns the event that was posted last. Also checks the event's signature.
    #[track_caller]
    fn posted(&self, secret: &str) -> Value {
        let posted = self.endpoint.posted().pop().expect("a request");
        let expected = token(r#"{"alg":"HS256","typ":"JWT"}"#, &posted.body, secret);
        assert_eq!(posted.authorization, format!("Bearer {expected}"));
        assert_eq!(
            (posted.method.as_str(), posted.content_type.as_str()),
            ("POST", "application/json")
        );
        serde_json::from_slice(&posted.body).unwrap()
    }
}

#[tokio::test]
async fn sent_event_is_accepted_and_queued_by_the_function() {
    let Scene { account, jw, mut endpoint } = Scene::with(&ring()).await;
    let aws = Aws::start().await;
    aws.keep(ring().as_str());
    let function = Function::of(&aws).env("MAX_EVENT_AGE_SECONDS", "60").start().await;
    let url = endpoint.url().to_owned();
    let send = Jwhook::of(&account, &jw, &["send", "--verbose", "--url", &url, "--output", "json"]);
    let sent = endpoint.before(&function, send.run(&jw)).await.json();
    let queued = aws.queued().remove(0);
    let members = ["status", "event", "webhook_id", "message_id", "event_id"];
    let expected =
        json!([200, "media_available", "2yW4KmiG", queued.id, queued.attribute("event_id")]);
    assert_eq!(json!(members.map(|member| &sent[member])), expected);
    assert_eq!(queued.attribute("media_id"), Some("jwhook00"));
    assert_eq!(queued.attribute("site_id"), Some("jwhook00"));
}

#[tokio::test]
async fn sample_has_the_requested_event_and_webhook() {
    let mut scene = Scene::with(&ring()).await;
    let before = time::OffsetDateTime::now_utc() - seconds(2);
    let ran = scene.send(200, RECEIPT, &["--event", "channel_idle", "--webhook", "7Rav0hC5"]).await;
    let shown = ran.done();
    for expected in [
        "channel_idle of webhook 7Rav0hC5 to ",
        "status      200",
        "event_id    e0",
        "message_id  m0",
    ] {
        assert!(shown.contains(expected), "{shown}");
    }
    let mut event = scene.posted(SECRET);
    let at = event["event_time"].take();
    let at = at.as_str().unwrap();
    assert!(at.len() == 25 && at.ends_with("+00:00"), "{at}");
    let well_known = time::format_description::well_known::Rfc3339;
    let at = time::OffsetDateTime::parse(at, &well_known).unwrap();
    assert!((before..=before + seconds(60)).contains(&at), "{at}");
    assert_eq!(
        event,
        json!({"event": "channel_idle", "channel_id": "jwhook00", "webhook_id": "7Rav0hC5", "site_id": "jwhook00", "event_time": null})
    );
    scene.send(200, RECEIPT, &["--event", "thumbnail_created"]).await.done();
    let event = scene.posted(OTHER_SECRET);
    assert_eq!([&event["event"], &event["media_id"]], ["thumbnail_created", "jwhook00"]);
}

#[tokio::test]
async fn file_is_posted_unchanged_and_signed_with_its_webhooks_key() {
    let mut scene = Scene::with(&ring()).await;
    let text = CHANNEL_ACTIVE.replace("\":\"", "\" : \"") + "\r\n";
    let file = TestFile::of(&text);
    scene.send(200, RECEIPT, &["--file", file.path()]).await.done();
    scene.posted(OTHER_SECRET);
    assert_eq!(scene.endpoint.posted()[0].body, text.as_bytes());
}

#[tokio::test]
async fn event_without_a_usable_key_is_not_posted() {
    let mut scene = Scene::with(&ring()).await;
    let other = MEDIA_AVAILABLE.replace("7Rav0hC5", "AAAAAAAA");
    for (body, expected) in [
        (
            other.as_str(),
            "no usable key for webhook \"AAAAAAAA\"; the ring has keys for 2yW4KmiG, 7Rav0hC5",
        ),
        (r#"{"event":"x"}"#, "the event has no webhook_id, which selects the key"),
        ("[1]", "the event is not a JSON object"),
        ("{", "the event is not a JSON object"),
    ] {
        let file = TestFile::of(body);
        let error = scene.send(200, RECEIPT, &["--file", file.path()]).await.error();
        assert!(error.contains(expected), "{error}");
    }
    let error = scene.send(200, RECEIPT, &["--webhook", "AAAAAAAA"]).await.error();
    assert!(error.contains("the ring has keys for 2yW4KmiG, 7Rav0hC5"), "{error}");
    let error = scene.send(200, RECEIPT, &["--file", "/no/such/file"]).await.error();
    assert!(error.contains("cannot read file /no/such/file"), "{error}");
    scene.account.set_secret(&json!({"placeholder": SECRET}).to_string()).await;
    let error = scene.send(200, RECEIPT, &[]).await.error();
    assert!(
        error.contains("no key of a webhook yet: create a webhook with jwhook create"),
        "{error}"
    );
    assert!(scene.endpoint.posted().is_empty());
}

#[tokio::test]
async fn single_key_signs_for_any_webhook() {
    let mut scene = Scene::with(SECRET).await;
    scene.send(200, RECEIPT, &[]).await.done();
    assert_eq!(scene.posted(SECRET)["webhook_id"], "jwhook00");
    scene.send(200, RECEIPT, &["--webhook", "AAAAAAAA"]).await.done();
    assert_eq!(scene.posted(SECRET)["webhook_id"], "AAAAAAAA");
}

#[tokio::test]
async fn send_fails_with_advice_after_any_response_except_the_forwarders_200() {
    let mut scene = Scene::with(&ring()).await;
    for (status, body, expected) in [
        (401, r#"{"error":"unauthorized"}"#, "send the event again in a minute"),
        (403, r#"{"Message":"Forbidden"}"#, "403 (Forbidden)"),
        (404, r#"{"message":"Not Found"}"#, "the URL is wrong"),
        (431, "", "Endpoint=FunctionUrl"),
        (503, r#"{"error":"service_unavailable"}"#, "aws logs tail jw-forwarder"),
        (200, "<html>", "something other than the forwarder answered"),
        (307, "", "the endpoint redirects"),
    ] {
        let ran = scene.send(status, body, &[]).await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stdout.contains(expected), "{status}: {ran:?}");
    }
    assert_eq!(scene.endpoint.posted().len(), 7, "nothing is sent twice or elsewhere");
    let ran = scene.send(401, r#"{"error":"unauthorized"}"#, &["--output", "json"]).await;
    let sent: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!([&sent["status"], &sent["answer"]], [&json!(401), &json!("unauthorized")]);
}

#[tokio::test]
async fn reason_of_a_401_is_found_with_the_current_keys() {
    let limit = [("MaxEventAgeSeconds", "3600")];
    let account = Account::with(&ring(), QueueType::Standard, &limit).await;
    let (jw, endpoint) = (JwApi::start([]).await, Endpoint::start().await);
    let mut scene = Scene { account, jw, endpoint };
    let file = TestFile::of(MEDIA_AVAILABLE);
    let ran = scene.send(401, r#"{"error":"unauthorized"}"#, &["--file", file.path()]).await;
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stdout.contains("the current keys in the secret refuses it too: event_stale"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn send_fails_for_plain_http_to_the_network_and_for_a_missing_response() {
    let scene = Scene::with(&ring()).await;
    for (url, expected) in [
        ("http://192.0.2.1/", "is not an HTTPS URL"),
        ("http://127.0.0.1:1/", "no response from http://127.0.0.1:1/"),
    ] {
        let send = Jwhook::of(&scene.account, &scene.jw, &["send", "--url", url]);
        let error = send.run(&scene.jw).await.error();
        assert!(error.contains(expected), "{error}");
    }
}
