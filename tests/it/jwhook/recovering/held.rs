//! `jwhook recover --held` reports how many events wait for a secret. The command counts the
//! messages and never reads them.

mod moving;

use super::super::support::{Account, JwApi, Jwhook, Meet, QueueType, Ran};
use super::Scene;
use crate::support::{MEDIA_AVAILABLE, SECRET, token};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const PLACEHOLDER_ONLY: &str = r#"{"placeholder":"0123456789abcdef0123456789abcdef"}"#;

/// A ring with one webhook's key.
fn ring() -> String {
    json!({"c0Y6ebVU": SECRET}).to_string()
}

/// A stack with this secret, and with this many events held and dead-lettered.
async fn scene(secret: &str, waiting: usize, dead_lettered: usize) -> Scene {
    let account = Account::with(secret, QueueType::Standard, &[]).await;
    for _ in 0..waiting {
        account.hold(&account.held_queue_url, &held_token()).await;
    }
    for _ in 0..dead_lettered {
        account.hold(&account.held_dead_letter_queue_url, &held_token()).await;
    }
    account.always("GetMetricStatistics", statistics(&[]));
    Scene { account, jw: JwApi::start([]).await }
}

fn held_token() -> String {
    token(r#"{"alg":"HS256","typ":"JWT"}"#, MEDIA_AVAILABLE, SECRET)
}

impl Scene {
    /// Runs `recover --held`, which must not print or receive any message.
    async fn held(&self, arguments: &[&str]) -> Ran {
        let ran = self.recover(&[&["--held"], arguments].concat()).await;
        let claims = held_token().split('.').nth(1).unwrap()[..16].to_owned();
        assert!(!ran.stdout.contains(&claims) && !ran.stderr.contains(&claims), "{ran:#?}");
        assert!(!self.account.calls().contains(&"ReceiveMessage".to_owned()), "{ran:#?}");
        ran
    }

    /// Sets CloudWatch's next response: ages of a queue's oldest message. Each pair is the minutes
    /// since the measurement, and the age in seconds.
    fn ages(&self, ages: &[(u32, f64)]) {
        self.account.next("GetMetricStatistics", statistics(ages));
    }
}

/// CloudWatch's answer with these values in its protocol, Smithy RPC v2 CBOR (RFC 8949).
fn statistics(ages: &[(u32, f64)]) -> Meet {
    let double = |number: f64| [&[0xfb][..], &number.to_be_bytes()].concat();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut body = [&[0xa1][..], &cbor_text("Datapoints"), &[0x80 + ages.len() as u8]].concat();
    for (minutes_ago, age_s) in ages {
        let at = (now - 60 * u64::from(*minutes_ago)) as f64;
        let datapoint = [&[0xa2][..], &cbor_text("Timestamp"), &[0xc1], &double(at)].concat();
        body.extend([datapoint, cbor_text("Maximum"), double(*age_s)].concat());
    }
    Meet::Bytes(body)
}

fn cbor_text(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    let head = if length < 24 { vec![0x60 + length] } else { vec![0x78, length] };
    [head.as_slice(), text.as_bytes()].concat()
}

/// How many seconds ago the time in this JSON value was.
fn seconds_ago(time: &Value) -> i64 {
    let time = OffsetDateTime::parse(time.as_str().unwrap(), &Rfc3339).unwrap();
    (OffsetDateTime::now_utc() - time).whole_seconds()
}

#[tokio::test]
async fn held_events_are_counted_and_the_time_of_the_oldest_is_shown() {
    let scene = scene(&ring(), 3, 0).await;
    let queue = scene.account.held_queue_url.clone();
    scene.account.sqs.receive_message().queue_url(&queue).send().await.unwrap();
    scene.ages(&[(6, 10.0), (3, 7_200.0), (9, 99_999.0)]); // unordered, as from CloudWatch
    let ran = scene.held(&["--output", "json"]).await;
    assert_eq!(ran.stderr, "");
    let held = ran.json();
    let counts = ["number", "visible", "not_visible"].map(|name| &held["waiting"][name]);
    assert_eq!(counts, [3, 2, 1]);
    // the newest value, measured three minutes ago
    let ago = seconds_ago(&held["waiting"]["oldest_since"]);
    assert!((7_200 + 180..7_200 + 180 + 90).contains(&ago), "{held}");
    assert_eq!(held["dead_lettered"]["number"], 0);
    assert_eq!(held["dead_lettered"]["oldest_since"], Value::Null, "an empty queue has no oldest");
    assert_eq!([&held["moved"], &held["dry_run"]], [&Value::Null, &json!(false)]);
    assert_eq!(held["secret"]["ok"], true);
    let asked = scene.account.bodies("GetMetricStatistics");
    assert_eq!(asked.len(), 1);
    let metric = ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "jw-held", "Maximum"];
    for expected in metric.map(cbor_text) {
        let found = asked[0].windows(expected.len()).any(|piece| piece == expected);
        assert!(found, "{expected:?}: {asked:?}");
    }

    scene.ages(&[(3, 7_200.0)]);
    let shown = scene.held(&[]).await.done();
    let lines: Vec<&str> = shown.lines().collect();
    assert!(
        lines[0].starts_with("waiting        3 (2 visible, 1 not visible), the oldest since 20")
    );
    assert!(lines[1].starts_with("dead-lettered  0 (0 visible, 0 not visible), http"), "{shown}");
    assert!(lines[2].starts_with("OK    secret "), "{shown}");
    assert_eq!(lines[3], "OK    keys         1 key, for webhook c0Y6ebVU");
    assert!(lines[4].contains("retries each waiting event within 5 minutes"), "{shown}");
    assert_eq!(lines[5..], ["no event is dead-lettered: nothing to move"]);
}

#[tokio::test]
async fn age_is_unknown_without_a_value_from_cloudwatch() {
    let scene = scene(&ring(), 1, 1).await;
    let unknown = "1 (1 visible, 0 not visible), of unknown age";
    // no value, and then the value of an empty queue
    scene.ages(&[]);
    scene.ages(&[(4, 300.0), (3, 0.0)]);
    let ran = scene.held(&["--dry-run"]).await;
    assert_eq!(ran.stderr, "");
    let shown = ran.done();
    assert_eq!(shown.matches(unknown).count(), 2, "{shown}");
    // a missing permission does not stop the command
    scene.account.next("GetMetricStatistics", Meet::Answer(403, ""));
    let ran = scene.held(&["--dry-run"]).await;
    let told =
        "cannot read since when the events wait: cloudwatch:GetMetricStatistics on queue jw-held:";
    assert!(ran.stderr.contains(told), "{ran:#?}");
    assert!(ran.done().contains(unknown));
}

#[tokio::test]
async fn recover_held_shows_doctors_checks_of_the_secret() {
    let short = json!({"c0Y6ebVU": SECRET, "7Rav0hC5": "short"}).to_string();
    let cases = [
        (
            short.as_str(),
            "FAIL  keys         ",
            "cannot verify events until the secret is repaired",
        ),
        ("[1]", "FAIL  keys         the function answers 503", "until the secret is repaired"),
        (PLACEHOLDER_ONLY, "WARN  keys         no webhook has a key yet", "until the secret is"),
        (SECRET, "WARN  keys         the secret is a single key", "the secret is usable"),
        (&ring(), "OK    keys         1 key, for webhook c0Y6ebVU", "the secret is usable"),
    ];
    for (secret, check, conclusion) in cases {
        let scene = scene(secret, 1, 0).await;
        let shown = scene.held(&[]).await.done();
        assert!(shown.lines().any(|line| line.starts_with(check)), "{shown}");
        assert!(shown.contains(conclusion), "{shown}");
    }
    let scene = scene(&ring(), 1, 0).await;
    let denied = Meet::Answer(400, r#"{"__type":"AccessDeniedException"}"#);
    scene.account.next("GetSecretValue", denied);
    let shown = scene.held(&[]).await.done();
    assert!(
        shown.contains("FAIL  secret       secretsmanager:GetSecretValue on secret"),
        "{shown}"
    );
    assert!(shown.contains("cannot verify events until the secret is repaired"), "{shown}");
}

#[tokio::test]
async fn recover_held_without_held_events_does_not_fetch_the_secret() {
    let scene = scene("[1]", 0, 0).await;
    let shown = scene.held(&[]).await.done();
    assert!(shown.ends_with("\nno event is held\n"), "{shown}");
    let held = scene.held(&["--output", "json"]).await.json();
    assert_eq!([&held["waiting"]["number"], &held["dead_lettered"]["number"]], [0, 0]);
    assert_eq!(held["secret"], Value::Null);
    assert!(!scene.account.calls().contains(&"GetSecretValue".to_owned()));
}

#[tokio::test]
async fn stack_without_held_queues_is_an_error() {
    let scene = scene(&ring(), 0, 0).await;
    let outputs = "<member><OutputKey>QueueUrl</OutputKey><OutputValue>https://sqs/1/q</OutputValue>\
                   </member>";
    let stack = format!(
        "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>jw</StackName>\
         <StackStatus>CREATE_COMPLETE</StackStatus><CreationTime>2026-11-23T20:00:00Z</CreationTime>\
         <Outputs>{outputs}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
    );
    scene.account.next("DescribeStacks", Meet::Answer(200, stack.leak()));
    let error = scene.held(&[]).await.error();
    let expected = "stack jw has no outputs HeldQueueUrl and HeldDeadLetterQueueUrl";
    assert!(error.starts_with(expected), "{error}");
    let ran = Jwhook::of(&scene.account, &scene.jw, &["recover", "--held"]);
    let error = ran.without("JWHOOK_STACK").run(&scene.jw).await.error();
    assert!(error.contains("give --stack NAME (or JWHOOK_STACK)"), "{error}");
}

#[tokio::test]
async fn log_options_cannot_be_used_with_held() {
    let scene = scene(&ring(), 0, 0).await;
    for option in [["--since", "2h"], ["--log-group", "other"]] {
        let ran = scene.held(&option).await;
        assert_eq!(ran.code, Some(2), "{ran:#?}");
        assert!(ran.stderr.contains("cannot be used with"), "{ran:#?}");
    }
}
