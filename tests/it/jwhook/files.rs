//! `apply` changes only the webhooks in the file, even if it is interrupted. `plan` shows these
//! changes.

mod interrupted;

use super::support::{Account, JwApi, Jwhook, Meet, Ran, TestFile, WEBHOOK_URL, webhook};
use serde_json::{Value, json};

const KEY: &str = "ring.ring.ring.ring.ring.ring.ring";

/// Compared with JW, Newsroom is unchanged, Live has another event, and Sports is new. Old is at JW
/// but not in the file.
const FILE: &str = "\
webhooks:
- name: Newsroom
  events: [conversions_complete, media_available]
  site_ids: [jsPxIVHl]
- name: Live
  events: [channel_active, media_available]
  site_ids: [jsPxIVHl]
- name: Sports
  description: for the desk
  events: [media_available]
  site_ids: [9KboGBFu, jsPxIVHl]
";

/// A file that describes webhooks.
struct File(TestFile);

impl File {
    fn new(text: &str) -> Self {
        Self(TestFile::of(text))
    }

    async fn run(&self, command: &str, more: &[&str], account: &Account, jw: &JwApi) -> Ran {
        self.of(command, more, account, jw).run(jw).await
    }

    fn of(&self, command: &str, more: &[&str], account: &Account, jw: &JwApi) -> Jwhook {
        let settle: &[&str] = if command == "apply" { &["--settle", "0"] } else { &[] };
        let arguments = [&[command, self.0.path()], more, settle].concat();
        Jwhook::of(account, jw, &arguments)
    }
}

/// Webhooks that other people created in the account.
fn others() -> Vec<Value> {
    let at = |id: &str, name: &str, url: &str| {
        let mut webhook = webhook(id, name);
        webhook["metadata"]["webhook_url"] = json!(url);
        webhook
    };
    let mut odd = webhook("dAshbrd1", "");
    odd["metadata"] = json!({});
    vec![at("zApier01", "Live", "https://hooks.zapier.com/hooks/catch/1/"), odd]
}

async fn account_and_api() -> (Account, JwApi) {
    let ring = json!({"newsroom": KEY, "live0000": KEY, "old00000": KEY});
    let ours =
        [webhook("newsroom", "Newsroom"), webhook("live0000", "Live"), webhook("old00000", "Old")];
    let jw = JwApi::start(ours.into_iter().chain(others())).await;
    (Account::start(&ring.to_string()).await, jw)
}

/// Checks the account's webhooks after a successful `apply`, and that the ring has a key for each
/// of our webhooks. An interrupted run may have left the webhooks `keyless` without a key.
async fn assert_applied(account: &Account, jw: &JwApi, keyless: &[&str], case: &str) {
    let webhooks = jw.webhooks();
    let is_ours = |webhook: &&Value| {
        webhook["metadata"]["webhook_url"] == WEBHOOK_URL
            && !keyless.iter().any(|id| webhook["id"] == *id)
    };
    let mut ours: Vec<&Value> = webhooks.iter().filter(is_ours).collect();
    ours.sort_by_key(|webhook| webhook["metadata"]["name"].to_string());
    let mut live = webhook("live0000", "Live");
    live["metadata"]["events"] = json!(["channel_active", "media_available"]);
    assert_eq!((ours.len(), ours[0]), (3, &live), "{case}");
    assert_eq!(ours[1], &webhook("newsroom", "Newsroom"), "{case}");
    assert_eq!(
        ours[2]["metadata"],
        json!({
            "name": "Sports",
            "description": "for the desk",
            "webhook_url": WEBHOOK_URL,
            "events": ["media_available"],
            "site_ids": ["9KboGBFu", "jsPxIVHl"],
        }),
        "{case}"
    );
    let id = ours[2]["id"].as_str().unwrap();
    let ring: Value = serde_json::from_str(&account.secret().await).unwrap();
    assert_eq!(ring, json!({"newsroom": KEY, "live0000": KEY, id: jw.secret(id)}), "{case}");
    for other in others() {
        assert!(webhooks.contains(&other), "{case}: {other}");
    }
    assert_eq!(webhooks.len(), 5 + keyless.len(), "{case}");
}

#[tokio::test]
async fn plan_shows_the_difference_and_changes_nothing() {
    let (account, jw) = account_and_api().await;
    let file = File::new(FILE);
    let plan = file.run("plan", &[], &account, &jw).await.done();
    assert_eq!(
        plan,
        format!(
            "create \"Sports\"
    description: \"for the desk\"
    webhook_url: \"{WEBHOOK_URL}\"
    events: [\"media_available\"]
    site_ids: [\"9KboGBFu\",\"jsPxIVHl\"]
change live0000 (\"Live\")
    events: +channel_active -conversions_complete
delete old00000 (\"Old\"), which is not in the file
1 to create, 1 to change, 1 to delete, 1 unchanged; 2 other webhooks are left alone
"
        )
    );
    let json = file.run("plan", &["--output", "json"], &account, &jw).await.json();
    let events = ["media_available", "conversions_complete"];
    let wanted = ["channel_active", "media_available"];
    let change = json!({"member": "events", "from": events, "to": wanted});
    assert_eq!(json["steps"][0]["action"], "create");
    assert_eq!(json["steps"][0]["metadata"]["name"], "Sports");
    assert_eq!(
        json["steps"].as_array().unwrap()[1..],
        [
            json!({"action": "change", "id": "live0000", "name": "Live", "changes": [change]}),
            json!({"action": "delete", "id": "old00000", "name": "Old"}),
        ]
    );
    assert_eq!((&json["unchanged"], &json["left_alone"]), (&json!(["newsroom"]), &json!(2)));
    let error = file.run("apply", &[], &account, &jw).await.error();
    assert!(error.starts_with("Do these steps (3)? There is no terminal to answer on"), "{error}");
    assert_eq!((jw.changes(), account.ring_ids().await.len()), (vec![], 3));
}

#[tokio::test]
async fn apply_makes_the_changes_in_order_and_does_nothing_when_repeated() {
    let (account, jw) = account_and_api().await;
    let file = File::new(FILE);
    let apply = file.of("apply", &[], &account, &jw);
    let ran = apply.run_on_terminal("Do these steps (3)?", "y", &jw).await.done();
    assert!(ran.contains("[1/3] create \"Sports\"") && ran.contains("3 steps done"), "{ran}");
    assert_applied(&account, &jw, &[], "on a terminal").await;
    let methods: Vec<String> = jw.changes().into_iter().map(|call| call.method).collect();
    assert_eq!(methods, ["POST", "PATCH", "PATCH", "DELETE"]);
    let again = file.run("apply", &[], &account, &jw).await;
    assert_eq!(again.stderr, "");
    assert_eq!(again.done(), "No difference: 3 unchanged; 2 other webhooks are left alone\n");
    assert_eq!(jw.changes().len(), 4);
    // if the file has a webhook's ID, the webhook can get another name
    let renamed = FILE.replace("- name: Live\n", "- name: Studio\n  id: live0000\n");
    let renamed = File::new(&renamed);
    let ran = renamed.run("apply", &["--yes", "--output", "json"], &account, &jw).await;
    let steps = ran.json()["steps"].clone();
    let change = json!({"member": "name", "from": "Live", "to": "Studio"});
    let step = json!({"action": "change", "id": "live0000", "name": "Live", "changes": [change]});
    assert_eq!(steps, json!([step]));
    let mut live = webhook("live0000", "Studio");
    live["metadata"]["events"] = json!(["channel_active", "media_available"]);
    assert_eq!(jw.webhook("live0000").unwrap(), live);
}

#[tokio::test]
async fn unexpected_list_response_is_not_taken_as_an_empty_list() {
    let (account, jw) = account_and_api().await;
    let file = File::new(FILE);
    for (status, body) in [(401, "\"Unauthorized\""), (500, "<html>"), (200, "{}"), (404, "")] {
        jw.next("GET", Meet::Answer(status, body));
        let error = file.run("apply", &["--yes"], &account, &jw).await.error();
        assert!(error.starts_with("GET of page 1 of JW's webhooks: JW"), "{error}");
    }
    assert_eq!((jw.changes(), account.ring_ids().await.len()), (vec![], 3));
}

#[tokio::test]
async fn error_in_the_file_is_reported_with_its_line() {
    let (account, jw) = account_and_api().await;
    for (text, said) in [
        (FILE.replace("site_ids: [j", "sites: [j"), ", line 4: "),
        (
            FILE.replace("name: Live", "name: Newsroom"),
            ", line 5: the name \"Newsroom\" is already in line 2",
        ),
        (
            FILE.replace("[media_available]", "[]"),
            ", line 8: events needs at least one value, and no value may be empty",
        ),
        (FILE.replace("  events: [c", "  webhook_url: x\n  events: [c"), ", line 3: "),
    ] {
        let file = File::new(&text);
        let error = file.run("plan", &[], &account, &jw).await.error();
        let expected = format!("{}{said}", file.0.path());
        assert!(error.starts_with(&expected), "{expected}: {error}");
    }
    let error = Jwhook::of(&account, &jw, &["plan", "nowhere.yaml"]).run(&jw).await.error();
    assert!(error.starts_with("cannot read nowhere.yaml: "), "{error}");
    assert_eq!(jw.state().calls, []);
}

#[tokio::test]
async fn apply_changes_nothing_if_a_webhook_or_key_is_ambiguous() {
    let (account, jw) = account_and_api().await;
    jw.state().webhooks.push(webhook("live0001", "Live"));
    let ring = json!({"newsroom": KEY, "live0000": KEY, "old00000": KEY, "live0001": KEY});
    account.set_secret(&ring.to_string()).await;
    let file = File::new(FILE);
    let error = file.run("apply", &["--yes"], &account, &jw).await.error();
    assert!(error.starts_with("2 webhooks have the name \"Live\""), "{error}");
    // a single key does not say which webhook it belongs to
    account.set_secret(KEY).await;
    let error = file.run("apply", &["--yes"], &account, &jw).await.error();
    assert!(
        error.contains("turn the secret into a key ring first, with jwhook rotate newsroom"),
        "{error}"
    );
    // JW does not call this endpoint, because it is not HTTPS
    let http = ["--yes", "--webhook-url", "http://example.com"];
    let error = file.run("apply", &http, &account, &jw).await.error();
    assert!(error.contains("calls only HTTPS"), "{error}");
    assert_eq!((jw.changes(), account.secret().await), (vec![], KEY.to_owned()));
}

#[tokio::test]
async fn apply_creates_the_first_webhooks_of_a_new_stack() {
    let account = Account::start(KEY).await;
    let jw = JwApi::start(others()).await;
    let file = File::new(FILE);
    let ran = file.run("apply", &["--yes"], &account, &jw).await;
    assert!(ran.stderr.contains("cannot tell which webhook the key belongs to"), "{ran:?}");
    ran.done();
    assert_eq!(account.ring_ids().await, ["new00001", "new00002", "new00003"]);
    assert_eq!(jw.webhooks()[..2], others());
    // with another account's API secret, all these webhooks are missing at JW
    let other = JwApi::start(others()).await;
    let nothing = File::new("webhooks: []\n");
    let ran = nothing.run("apply", &["--yes"], &account, &other).await;
    assert!(
        ran.stderr.contains("JW has none of the webhooks whose keys are in the ring"),
        "{ran:?}"
    );
    ran.done();
    assert_eq!(account.ring_ids().await.len(), 3);
    // in their own account, the webhooks and their keys are deleted
    nothing.run("apply", &["--yes"], &account, &jw).await.done();
    assert_eq!((account.ring_ids().await, jw.webhooks()), (vec!["placeholder".into()], others()));
}
