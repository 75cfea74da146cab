//! The report about the whole window: how far back it goes, and what else happened in it.

use super::super::support::Meet;
use super::*;
use aws_sdk_cloudwatchlogs::types::InputLogEvent;

#[tokio::test]
async fn media_are_selected_by_creation_time() {
    let media = vec![video("first000", 119), video("second00", 121), video("third000", 1_441)];
    let scene = Scene::with([caller("c0Y6ebVU")], media).await;
    let moment = written(ago(120));
    for (since, number) in [(None, 2), (Some("2h"), 1), (Some(&moment[..]), 1), (Some("3d"), 3)] {
        let arguments = since.map(|since| ["--since", since]);
        let arguments = arguments.as_ref().map_or(&[][..], |arguments| &arguments[..]);
        let document = scene.json(1, arguments).await;
        assert_eq!(document["missing"].as_array().unwrap().len(), 3 * number, "{since:?}");
    }
    let error = scene.missed(&["--since", "2999-01-01T00:00:00Z"]).await.error();
    assert_eq!(error, "--since 2999-01-01T00:00:00+00:00 is in the future");
    for option in ["--since", "--settle"] {
        let ran = scene.missed(&[option, "soon"]).await;
        assert_eq!(ran.code, Some(2), "{ran:#?}");
    }
}

#[tokio::test]
async fn held_events_and_refused_requests_are_counted() {
    let scene = Scene::with([caller("c0Y6ebVU")], vec![video("first000", 30)]).await;
    let (held, dead) = (&scene.account.held_queue_url, &scene.account.held_dead_letter_queue_url);
    for queue in [held, held, dead] {
        scene.account.hold(queue, "Canary-token").await;
    }
    let lost = r#"{"Failed": 1, "Lost": 1, "outcome": "failed", "reason": "secret_unavailable", "request_id": "r"}"#;
    scene
        .log(&[
            refused("signature_invalid", json!({})),
            refused("signature_invalid", json!({})),
            refused("webhook_unknown", json!({})),
            lost.to_owned(),
            r#"{"undelivered":{"request_id": cut"#.to_owned(),
        ])
        .await;
    let document = scene.json(1, &[]).await;
    assert_eq!([&document["held"], &document["held_dead_lettered"]], [2, 1]);
    assert_eq!(document["refused"], json!({"signature_invalid": 2, "webhook_unknown": 1}));
    assert_eq!([&document["lost"], &document["broken_records"]], [1, 1]);

    let ran = scene.missed(&[]).await;
    for line in [
        "events held now: 2, and dead-lettered: 1; requests refused in this time: 3 (2 \
         signature_invalid, 1 webhook_unknown); events lost: 1\n",
        "events with the reason no trace may be held: run jwhook recover --held\n",
        "events with the reason no trace may be in the 1 undelivered records that cannot be read: run jwhook recover\n",
        "events with the reason no trace may have been refused: run jwhook doctor\n",
    ] {
        assert!(ran.stdout.contains(line), "{ran:#?}");
    }
    assert!(!ran.stdout.contains("Canary"), "{ran:#?}");
}

#[tokio::test]
async fn log_is_read_from_minutes_earlier_to_allow_for_clock_skew() {
    let scene = Scene::with([caller("c0Y6ebVU")], vec![video("first000", 119)]).await;
    let lines = all_accepted(&["first000"]).into_iter();
    let events = lines.chain([refused("signature_invalid", json!({}))]).map(|line| {
        let logged = ago(130).unix_timestamp() * 1_000;
        InputLogEvent::builder().message(line).timestamp(logged).build().unwrap()
    });
    let stream = "2026/11/23/[1]earlier";
    scene.account.log_to(stream, &["START RequestId: 1"]).await;
    let put = scene.account.logs.put_log_events().log_group_name(&scene.account.log_group);
    let put = put.log_stream_name(stream).set_log_events(Some(events.collect()));
    put.send().await.unwrap();
    let document = scene.json(0, &["--since", "2h"]).await;
    assert_eq!((&document["arrived"], &document["refused"]), (&json!(3), &json!({})));
    let document = scene.json(0, &["--since", "131m"]).await;
    assert_eq!(document["refused"], json!({"signature_invalid": 1}));
}

#[tokio::test]
async fn held_and_refused_events_do_not_change_the_exit_code() {
    let scene = Scene::with([caller("c0Y6ebVU")], vec![]).await;
    scene.account.hold(&scene.account.held_queue_url, "Canary-token").await;
    scene.log(&[refused("signature_invalid", json!({}))]).await;
    let stdout = scene.missed(&[]).await.done();
    assert!(stdout.contains("events held now: 1, and dead-lettered: 0; "), "{stdout}");
}

#[tokio::test]
async fn window_is_limited_by_the_log_retention() {
    let media = vec![video("first000", 30), video("second00", 25 * 60)];
    let scene = Scene::with([caller("c0Y6ebVU")], media).await;
    scene.log(&all_accepted(&["first000"])).await;
    for (days, since_within, since_before, missing) in [(3, "2d", "4d", 3), (1, "23h", "2d", 0)] {
        let keep = scene.account.logs.put_retention_policy();
        let keep = keep.log_group_name(&scene.account.log_group).retention_in_days(days);
        keep.send().await.unwrap();
        let code = i32::from(missing > 0);
        assert_eq!(scene.json(code, &["--since", since_within]).await["incomplete"], json!([]));
        let document = scene.json(1, &["--since", since_before]).await;
        assert_eq!(document["missing"].as_array().unwrap().len(), missing, "{document:#}");
        let [why] = document["incomplete"].as_array().unwrap().as_slice() else {
            panic!("{document:#}");
        };
        let expected = format!(
            "the retention of log group jw-forwarder is {days} d, so media that were created before "
        );
        assert!(why.as_str().unwrap().starts_with(&expected), "{why}");
    }

    const DENIED: &str = r#"{"__type": "AccessDeniedException", "message": "no"}"#;
    scene.account.next("DescribeLogGroups", Meet::Answer(400, DENIED));
    let ran = scene.missed(&["--since", "23h"]).await;
    let note = "logs:DescribeLogGroups on log group jw-forwarder: refused: AccessDeniedException";
    assert!(ran.stderr.starts_with(note), "{ran:#?}");
    assert!(ran.stderr.contains("The log's retention is unknown"), "{ran:#?}");
    ran.done();
}

#[tokio::test]
async fn endpoint_and_log_group_can_be_given_without_a_stack() {
    let scene = Scene::with([caller("c0Y6ebVU")], vec![video("first000", 30)]).await;
    let url = caller("c0Y6ebVU")["metadata"]["webhook_url"].as_str().unwrap().to_owned();
    let log_group = ["--log-group", &scene.account.log_group];
    let arguments = ["missed", "--webhook-url", &url, "--output", "json"];
    let run = |arguments: Vec<&str>| {
        let run = Jwhook::of(&scene.account, &scene.jw, &arguments);
        run.without("JWHOOK_STACK").run(&scene.jw)
    };
    let ran = run([&arguments[..], &log_group].concat()).await;
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!([&document["held"], &document["held_dead_lettered"]], [&Value::Null; 2]);
    assert_eq!(document["missing"].as_array().unwrap().len(), 3);

    let error = run(arguments.to_vec()).await.error();
    assert!(error.contains("--log-group NAME"), "{error}");
}
