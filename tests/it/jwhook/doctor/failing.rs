//! Services that cannot be reached, and the checks that are skipped because of them.

use super::{Jwhook, Meet, doctor, findings, said, working_setup};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;

#[tokio::test]
async fn failed_check_skips_only_the_checks_that_depend_on_it() {
    let (account, jw) = working_setup().await;
    let of_list = ["skip ring", "skip webhooks", "skip settings", "skip duplicates"];
    let denied = || Meet::Answer(400, r#"{"__type":"AccessDeniedException"}"#);

    account.next("GetSecretValue", denied());
    let ran = doctor(&account, &jw).await;
    assert_eq!(findings(&ran), ["fail secret", "skip keys", "skip ring", "skip webhooks"]);
    assert!(said(&ran, "secret").contains("refused: AccessDeniedException"));

    jw.next("GET", Meet::Answer(401, "\"Unauthorized\""));
    let ran = doctor(&account, &jw).await;
    assert_eq!(findings(&ran), [&["fail jw_api"], &of_list[..]].concat());
    assert!(said(&ran, "jw_api").contains("JW answered 401, Unauthorized; check JW's API secret"));

    account.next("GetQueueAttributes", denied());
    let ran = doctor(&account, &jw).await;
    assert_eq!(findings(&ran), ["fail queue"]);

    account.next("GetCallerIdentity", Meet::Answer(403, ""));
    let ran = doctor(&account, &jw).await;
    assert_eq!(findings(&ran), ["fail credentials"], "an error response has a Date header too");

    let json = ["doctor", "--output", "json"];
    let ran = Jwhook::of(&account, &jw, &json).without("JW_API_SECRET").run(&jw).await;
    assert_eq!(findings(&ran), [&["skip jw_api"], &of_list[..]].concat());
    assert!(said(&ran, "jw_api").contains("set JW_API_SECRET, or give --api-secret-id"));

    let of_stack = ["skip stack", "skip version", "skip endpoint", "skip region"];
    let ran = Jwhook::of(&account, &jw, &json).without("AWS_ACCESS_KEY_ID").run(&jw).await;
    let expected = [
        &["fail credentials", "skip clock"],
        &of_stack[..],
        &["skip secret", "skip keys"],
        &of_list[..],
        &["skip queue", "skip dead_letter", "skip held", "skip accepted"],
    ];
    assert_eq!(findings(&ran), expected.concat());
}

#[tokio::test]
async fn secret_and_queue_are_checked_without_a_stack() {
    let (account, jw) = working_setup().await;
    let secret = ["doctor", "--output", "json", "--secret-id", &account.secret_arn];
    let queue = ["--queue-url", &account.queue_url];
    let ran = Jwhook::of(&account, &jw, &[&secret[..], &queue].concat());
    let ran = ran.without("JWHOOK_STACK").run(&jw).await;
    let without_stack = [
        &["skip stack", "skip version", "skip endpoint", "skip region"][..],
        &["skip webhooks", "skip settings", "skip duplicates", "skip held", "skip accepted"],
    ];
    assert_eq!(findings(&ran), without_stack.concat());

    let ran = Jwhook::of(&account, &jw, &secret).env("JWHOOK_STACK", "other").run(&jw).await;
    let found = findings(&ran);
    assert_eq!(found[..2], ["fail stack", "skip version"], "{found:?}");
    assert!(!found.contains(&"skip secret".to_owned()), "{found:?}");

    let ran = Jwhook::of(&account, &jw, &["doctor", "--output", "json"]);
    let ran = ran.without("JWHOOK_STACK").run(&jw).await;
    assert_eq!(findings(&ran)[0], "fail stack");
    assert!(said(&ran, "stack").contains("give --stack NAME, or set JWHOOK_STACK"));

    let http = ["doctor", "--output", "json", "--webhook-url", "http://a.example/"];
    let ran = Jwhook::of(&account, &jw, &http).run(&jw).await;
    assert_eq!(findings(&ran)[0], "fail endpoint");
}

#[tokio::test]
async fn events_in_the_dead_letter_queue_are_reported() {
    let (account, jw) = working_setup().await;
    let send = account.sqs.send_message().queue_url(&account.dead_letter_queue_url);
    send.message_body("{}").send().await.unwrap();
    for without_stack in [false, true] {
        let mut arguments = vec!["doctor", "--output", "json"];
        if without_stack {
            arguments.extend(["--queue-url", &account.queue_url]);
        }
        let run = Jwhook::of(&account, &jw, &arguments);
        let run = if without_stack { run.without("JWHOOK_STACK") } else { run };
        let ran = run.run(&jw).await;
        assert!(findings(&ran).contains(&"fail dead_letter".to_owned()), "{ran:?}");
        let said = said(&ran, "dead_letter");
        assert!(said.starts_with("1 waiting, 0 with consumers, 0 delayed"), "{said}");
        assert!(said.contains("start-message-move-task --source-arn arn:aws:sqs:"), "{said}");
    }
}

#[tokio::test]
async fn clock_that_is_off_by_more_than_a_minute_is_reported() {
    let (account, jw) = working_setup().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = service_fn(async |_| {
                let body = "<GetCallerIdentityResponse/>".to_owned();
                let response = hyper::Response::builder();
                let response = response.header("date", "Tue, 14 Nov 2023 22:30:10 GMT");
                Ok::<_, Infallible>(response.body(body).unwrap())
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    let run = Jwhook::of(&account, &jw, &["doctor", "--output", "json"]);
    let ran = run.env("AWS_ENDPOINT_URL_STS", &url).run(&jw).await;
    serving.abort();
    assert!(findings(&ran).contains(&"fail clock".to_owned()), "{ran:?}");
    assert!(said(&ran, "clock").contains(" s ahead of AWS's clock; set this"), "{ran:?}");
}
