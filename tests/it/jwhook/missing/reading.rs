//! JW's answers: sites, unusual media, and lists that cannot be read completely.

use super::super::support::Meet;
use super::*;
use crate::support::seconds;
use std::time::Instant;

#[tokio::test]
async fn site_option_selects_among_the_webhooks_sites() {
    let mut webhook = caller("c0Y6ebVU");
    webhook["metadata"]["site_ids"] = json!([SITE, "another0"]);
    let scene = Scene::with([webhook], vec![video("first000", 30)]).await;
    scene.jw.state().media.insert("another0".into(), vec![video("second00", 30)]);
    scene.jw.state().media.insert("foreign0".into(), vec![video("third000", 30)]);
    let media = |document: &Value| {
        let mut media: Vec<_> =
            found(document, "missing").into_iter().map(|[_, media_id, _]| media_id).collect();
        media.dedup();
        media
    };
    assert_eq!(media(&scene.json(1, &[]).await), ["second00", "first000"]);
    let document = scene.json(1, &["--site", "another0"]).await;
    assert_eq!(media(&document), ["second00"]);
    assert_eq!(document["sites"], json!([{"site_id": "another0", "media": 1}]));
    let document = scene.json(1, &["--site", "another0,jsPxIVHl", "--site", SITE]).await;
    assert_eq!(media(&document), ["second00", "first000"]);

    let error = scene.missed(&["--site", "foreign0"]).await.error();
    let expected = "no webhook that calls this stack sends events of site foreign0: give --site with one of another0, jsPxIVHl";
    assert_eq!(error, expected);
    let ran = scene.missed(&["--site", "a/../b"]).await;
    assert!(ran.stderr.contains("not a JW id, which is 8"), "{ran:#?}");
}

#[tokio::test]
async fn malformed_media_are_reported_and_the_other_media_are_checked() {
    let mut ageless = video("ageless0", 30);
    ageless["created"] = json!("\u{1b}[2Jyesterday");
    let mut bare = video("bare0000", 30);
    bare["metadata"] = json!(null);
    bare["status"] = json!(null);
    let mut titled = video("titled00", 30);
    titled["metadata"]["title"] = json!("A\u{1b}[2J\u{202e}title ".repeat(20));
    let media = vec![json!(null), json!({"id": 5}), ageless, bare, titled];
    let scene = Scene::with([caller("c0Y6ebVU")], media).await;
    let ran = scene.missed(&[]).await;
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    for why in [
        "incomplete: site jsPxIVHl has a medium without an id: this medium is not checked\n",
        "site jsPxIVHl has medium ageless0 with the creation time \"\\u001b[2Jyesterday\": this",
    ] {
        assert!(ran.stderr.contains(why), "{ran:#?}");
    }
    let rows: Vec<&str> = ran.stdout.lines().skip(1).take_while(|row| !row.is_empty()).collect();
    let first = |row: &&str| row.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    let expected = [
        "media_created titled00 A",
        "conversions_complete titled00 A",
        "media_available titled00 A",
        "media_created bare0000 -",
    ];
    let mut rows: Vec<String> = rows.iter().map(first).collect();
    rows.sort();
    let mut expected = expected.map(str::to_owned);
    expected.sort();
    assert_eq!(rows, expected);
    let cut = "A [2Jtitle A [2Jtitle A [2Jtitle A …  jsPxIVHl";
    assert!(ran.stdout.contains(cut), "{ran:#?}");
    assert!(!ran.stdout.contains(['\u{1b}', '\u{202e}']), "{ran:#?}");

    let document = scene.json(1, &[]).await;
    assert_eq!(document["incomplete"].as_array().unwrap().len(), 2);
    assert_eq!(document["sites"], json!([{"site_id": SITE, "media": 2}]));
}

#[tokio::test]
async fn other_sites_are_checked_if_one_site_is_unreadable() {
    let mut webhook = caller("c0Y6ebVU");
    webhook["metadata"]["site_ids"] = json!(["gone0000", SITE, "../../x"]);
    let scene = Scene::with([webhook], vec![video("first000", 30)]).await;
    scene.log(&all_accepted(&["first000"])).await;
    let document = scene.json(1, &[]).await;
    assert_eq!(document["missing"], json!([]));
    assert_eq!(document["arrived"], 3);
    let incomplete = json!([
        "\"../../x\" is not the id of a JW site",
        "cannot list the media of site gone0000: JW answers 404; check that the site exists and \
         that the API secret may read it",
    ]);
    assert_eq!(document["incomplete"], incomplete);
    assert!(scene.jw.state().calls.iter().all(|call| !call.path.contains("x/media")));
}

#[tokio::test]
async fn endlessly_repeated_media_page_is_an_error() {
    let scene = Scene::with([caller("c0Y6ebVU")], vec![]).await;
    const PAGE: &str = r#"{"media": [{"id": "first000", "created": "2999-01-01T00:00:00+00:00"}]}"#;
    for n in [2, 1, 1, 1] {
        scene.jw.nth("GET", n, Meet::Answer(200, PAGE));
    }
    let error = scene.missed(&[]).await.error();
    let expected = "JW's list of the media of site jsPxIVHl does not end: JW returns the same \
                    1 media page after page; check JW_API_URL, then try again";
    assert_eq!(error, expected);
    assert_eq!(scene.jw.count(Until::Begun, "GET"), 5);
}

/// JW's rate limit makes this test take a minute.
#[tokio::test]
async fn library_larger_than_jw_lists_is_reported() {
    let mut webhook = caller("c0Y6ebVU");
    webhook["metadata"]["events"] = json!(["media_created"]);
    let media = (0..10_050).map(|number| video(&format!("vid{number:05}"), 20)).collect();
    let scene = Scene::with([webhook], media).await;
    let lines: Vec<String> =
        (0..10_000).map(|number| accepted("media_created", &format!("vid{number:05}"))).collect();
    scene.log(&lines).await;
    let began = Instant::now();
    let ran = scene.missed(&["--output", "json"]).await;
    assert!(began.elapsed() > seconds(59), "61 requests within a minute");
    assert_eq!(ran.code, Some(1), "{:?}", ran.stderr);
    assert!(ran.stderr.starts_with("waiting: JW accepts 60 requests a minute: "), "{ran:#?}");
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["sites"], json!([{"site_id": SITE, "media": 10_000}]));
    let why = "site jsPxIVHl has more than 10,000 media in this time, and JW lists only the newest \
               10,000: the older media are not checked; give a later --since";
    assert_eq!(document["incomplete"], json!([why]));
    assert!(ran.stderr.contains(&format!("incomplete: {why}\n")));
    assert_eq!(scene.jw.count(Until::Performed, "GET"), 1 + 100);
}

#[tokio::test]
async fn media_response_that_is_not_a_list_is_an_error() {
    for (status, body) in
        [(401, "no"), (500, "no"), (200, "{}"), (200, r#"{"media": {}}"#), (200, "no")]
    {
        let scene = Scene::with([caller("c0Y6ebVU")], vec![video("first000", 30)]).await;
        scene.jw.nth("GET", 2, Meet::Answer(status, body));
        let error = scene.missed(&[]).await.error();
        assert!(error.starts_with("GET of page 1 of the media of site jsPxIVHl: JW"), "{error}");
    }
}

#[tokio::test]
async fn missed_without_a_webhook_or_site_is_an_error() {
    let mut other = caller("c0Y6ebVU");
    other["metadata"]["webhook_url"] = json!("https://example.com/");
    let scene = Scene::with([other], vec![video("first000", 30)]).await;
    let error = scene.missed(&[]).await.error();
    assert!(error.starts_with("no webhook calls https://abc123."), "{error}");
    assert_eq!(scene.jw.count(Until::Begun, "GET"), 1);

    let mut without_sites = caller("c0Y6ebVU");
    without_sites["metadata"]["site_ids"] = json!(null);
    let scene = Scene::with([without_sites], vec![video("first000", 30)]).await;
    let error = scene.missed(&[]).await.error();
    let expected =
        "the webhooks that call this stack have no sites, so the webhooks send nothing: ";
    assert!(error.starts_with(expected), "{error}");
}
