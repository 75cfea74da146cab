//! The deployed version and region, the held events, and the last accepted event.

use super::{ACCEPTED, Account, JwApi, Jwhook, Meet, Ran, doctor, findings, said, working_setup};
use crate::support::commit;
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::time::{Duration, SystemTime};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs doctor on a stack with these outputs in addition to the endpoint, the queue and the secret.
async fn with_outputs(account: &Account, jw: &JwApi, more: &[(&str, &str)]) -> Ran {
    let ours = [
        ("WebhookUrl", crate::jwhook::support::WEBHOOK_URL),
        ("QueueUrl", &account.queue_url),
        ("SecretArn", &account.secret_arn),
        ("LogGroup", &account.log_group),
    ];
    let outputs: String = ours
        .iter()
        .chain(more)
        .map(|(key, value)| {
            format!(
                "<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>"
            )
        })
        .collect();
    let answer = format!(
        "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>jw</StackName>\
         <StackStatus>CREATE_COMPLETE</StackStatus>\
         <CreationTime>2026-01-02T03:04:05.678Z</CreationTime><Outputs>{outputs}</Outputs></member>\
         </Stacks></DescribeStacksResult></DescribeStacksResponse>"
    );
    account.next("DescribeStacks", Meet::Answer(200, answer.leak()));
    doctor(account, jw).await
}

#[tokio::test]
async fn unknown_version_and_missing_held_queue_are_warnings() {
    let (account, jw) = working_setup().await;
    let version = format!("{VERSION} ({})", commit());
    let ran = with_outputs(&account, &jw, &[("Version", &version)]).await;
    assert_eq!(findings(&ran), ["warn held"]);
    assert!(said(&ran, "held").starts_with("the stack has no held queue, so an event"), "{ran:?}");

    let held = [("HeldQueueUrl", account.held_queue_url.as_str())];
    let ran = with_outputs(&account, &jw, &held).await;
    assert_eq!(findings(&ran), ["warn version"]);
    let said = said(&ran, "version");
    assert!(said.starts_with("the version of the stack is unknown"), "{said}");
}

/// `make test` builds the programs with their commit. Doctor cannot compare a build that has no
/// commit.
#[tokio::test]
async fn version_and_commit_of_stack_and_jwhook_are_compared() {
    let (account, jw) = working_setup().await;
    let held = ("HeldQueueUrl", account.held_queue_url.as_str());
    let commit = commit();
    let own = format!("{VERSION} ({commit})");
    let knows_commit = commit != "no-commit";
    let not_compared = format!(
        "the stack and this jwhook have version {VERSION}; the commits were not compared, because "
    );
    let untold = format!("{not_compared}this jwhook does not know its commit");
    let revision = format!("{VERSION} ({commit}-20261128T052500Z)");
    let same = if knows_commit {
        format!("the stack and this jwhook have version {own}")
    } else {
        untold.clone()
    };
    let other = format!("{VERSION} (000000000)");
    let other_said = format!(
        "the stack has version {other}, but this jwhook has version {own}, which was built from another commit"
    );
    let no_commit = format!("{VERSION} (no-commit)");
    let no_commit_said = format!("{not_compared}the stack's Revision does not begin with a commit");
    let older = "0.0.9 (000000000)";
    let newer = "10.0.0 (000000000)";
    for (deployed, warns, expected) in [
        (own.as_str(), false, same.clone()),
        (&revision, false, same),
        (&other, knows_commit, if knows_commit { other_said } else { untold.clone() }),
        (&no_commit, false, if knows_commit { no_commit_said } else { untold }),
        (older, true, format!("the stack has version {older}, which is older than this jwhook's version {own}")),
        (newer, true, format!("the stack has version {newer}, which is newer than this jwhook's version {own}")),
        ("next", true, "the stack has version next (no-commit), which is different from this jwhook's version ".to_owned()),
    ] {
        let ran = with_outputs(&account, &jw, &[held, ("Version", deployed)]).await;
        assert_eq!(findings(&ran), if warns { vec!["warn version"] } else { vec![] }, "{deployed}");
        let report = ran.json();
        let mut checks = report["checks"].as_array().unwrap().iter();
        let found = checks.find(|one| one["check"] == "version").unwrap();
        let detail = found["detail"].as_str().unwrap();
        assert!(detail.starts_with(&expected), "{deployed}: {found}");
        assert_eq!(found["advice"].is_string(), warns, "{deployed}: {found}");
    }
}

#[tokio::test]
async fn queue_or_secret_in_another_region_than_the_stack_is_reported() {
    let (account, jw) = working_setup().await;
    for (option, given, part) in [
        ("--queue-url", "https://sqs.us-east-1.amazonaws.com/123456789012/jw", "queue"),
        ("--secret-id", "arn:aws:secretsmanager:us-east-1:123456789012:secret:jw-a1b2c3", "secret"),
    ] {
        let arguments = ["doctor", "--output", "json", option, given];
        let ran = Jwhook::of(&account, &jw, &arguments).run(&jw).await;
        assert!(findings(&ran).contains(&"fail region".to_owned()), "{ran:?}");
        let said = said(&ran, "region");
        let expected =
            format!("the {part} is in us-east-1, but the stack is in eu-west-1; the fun");
        assert!(said.starts_with(&expected), "{said}");
    }
    // neither a secret's name nor the emulator's URL contains a region
    let arguments = ["doctor", "--output", "json", "--secret-id", "jw"];
    let ran = Jwhook::of(&account, &jw, &arguments).run(&jw).await;
    assert!(findings(&ran).contains(&"skip region".to_owned()), "{ran:?}");
}

/// Runs doctor while CloudWatch returns this time and age for the oldest message of every queue.
async fn with_age(account: &Account, jw: &JwApi, age: Option<(u32, f64)>) -> Ran {
    // {"Datapoints": [{"Timestamp": 1(at), "Maximum": age_s}]} in CBOR (RFC 8949)
    let mut body = b"\xa1\x6aDatapoints".to_vec();
    match age {
        None => body.push(0x80),
        Some((at, age_s)) => {
            body.extend(b"\x81\xa2\x69Timestamp\xc1\x1a");
            body.extend(at.to_be_bytes());
            body.extend(b"\x67Maximum\xfb");
            body.extend(age_s.to_be_bytes());
        }
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let body = body.clone();
            let answer = service_fn(move |_| {
                let response = hyper::Response::builder().header("smithy-protocol", "rpc-v2-cbor");
                let response = response.header("content-type", "application/cbor");
                let body = Full::new(Bytes::from(body.clone()));
                async { Ok::<_, Infallible>(response.body(body).unwrap()) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    let run = Jwhook::of(account, jw, &["doctor", "--output", "json"]);
    let ran = run.env("AWS_ENDPOINT_URL_CLOUDWATCH", &url).run(jw).await;
    serving.abort();
    ran
}

#[tokio::test]
async fn held_events_are_reported_with_their_number_and_oldest_age() {
    let (account, jw) = working_setup().await;
    account.hold(&account.held_queue_url, "a.b.c").await;
    account.hold(&account.held_queue_url, "a.b.c").await;
    let ran = with_age(&account, &jw, None).await;
    assert_eq!(findings(&ran), ["fail held"]);
    let text = said(&ran, "held");
    assert!(text.starts_with("2 in the held queue, of unknown age (CloudWatch"), "{text}");
    assert!(text.contains("follow the advice in the lines secret and keys"), "{text}");
    assert!(!ran.stdout.contains("a.b.c"), "a held event is a token");

    account.hold(&account.held_dead_letter_queue_url, "a.b.c").await;
    let ran = with_age(&account, &jw, Some((1_700_001_010, 3600.0))).await;
    assert_eq!(findings(&ran), ["fail held", "fail held"]);
    let since = "the oldest since 2023-11-14T21:30:10+00:00";
    assert!(said(&ran, "held").starts_with(&format!("2 in the held queue, {since}; held")));
    let dead_lettered = format!("1 in the held dead-letter queue, {since}; the function no longer");
    assert!(ran.stdout.contains(&dead_lettered), "{ran:?}");
    assert!(
        ran.stdout.contains("then move the events back to the held queue: jwhook recover --held"),
        "{ran:?}"
    );

    account.next("GetMetricStatistics", Meet::Answer(403, ""));
    let text = said(&doctor(&account, &jw).await, "held");
    assert!(text.starts_with("2 in the held queue, of unknown age (cloudwatch:"), "{text}");

    // the first two calls count the messages in the event queue and in its dead-letter queue
    let denied = r#"{"__type":"AccessDeniedException"}"#;
    account.nth("GetQueueAttributes", 3, Meet::Answer(400, denied));
    let ran = doctor(&account, &jw).await;
    assert_eq!(findings(&ran), ["fail held"]);
    assert!(said(&ran, "held").starts_with("sqs:GetQueueAttributes on queue"), "{ran:?}");
}

/// Writes a line of this age to the function's log.
async fn log(account: &Account, line: &str, age: Duration) {
    let stream = "2026/11/23/[1]fedcba9876543210";
    let create = account.logs.create_log_stream().log_group_name(&account.log_group);
    let _ = create.log_stream_name(stream).send().await; // fails if the stream exists
    let at = (SystemTime::now() - age).duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let event = InputLogEvent::builder().message(line).timestamp(at.as_millis() as i64);
    let put = account.logs.put_log_events().log_group_name(&account.log_group);
    let put = put.log_stream_name(stream).log_events(event.build().unwrap());
    put.send().await.unwrap();
}

#[tokio::test]
async fn last_accepted_event_is_reported_with_its_age() {
    const HOUR: Duration = Duration::from_secs(3600);
    let (account, jw) = working_setup().await;
    let delete = account.logs.delete_log_stream().log_group_name(&account.log_group);
    delete.log_stream_name("2026/11/23/[1]0123456789abcdef").send().await.unwrap();
    log(&account, r#"{"outcome":"refused","reason":"signature_invalid"}"#, HOUR / 60).await;
    log(&account, r#"a line that says {"outcome":"accepted"}"#, HOUR / 60).await;
    log(&account, ACCEPTED, 24 * 15 * HOUR).await;
    let ran = doctor(&account, &jw).await;
    assert_eq!(findings(&ran), ["warn accepted"]);
    let text = said(&ran, "accepted");
    assert!(text.starts_with("no event was accepted in 14 days; if JW should have"), "{text}");

    log(&account, ACCEPTED, 24 * 3 * HOUR + HOUR).await;
    log(&account, ACCEPTED, 24 * 5 * HOUR).await;
    let ran = doctor(&account, &jw).await;
    assert_eq!(findings(&ran), ["warn accepted"]);
    let text = said(&ran, "accepted");
    assert!(text.starts_with("the last event was accepted 3 days ago; if JW"), "{text}");

    for (age, told) in
        [(5 * HOUR + HOUR / 2, "5 hours ago"), (HOUR / 12 + HOUR / 60, "6 minutes ago")]
    {
        log(&account, ACCEPTED, age).await;
        let ran = doctor(&account, &jw).await;
        assert_eq!(findings(&ran), [""; 0]);
        assert!(ran.stdout.contains(&format!("the last event was accepted {told}")), "{ran:?}");
    }

    account.next("FilterLogEvents", Meet::Answer(400, r#"{"__type":"AccessDeniedException"}"#));
    let ran = doctor(&account, &jw).await;
    assert_eq!(findings(&ran), ["fail accepted"]);
    assert!(said(&ran, "accepted").contains("logs:FilterLogEvents on log group"), "{ran:?}");
}
