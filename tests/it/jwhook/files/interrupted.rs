//! `apply` is interrupted at each of its calls and run again.

use super::super::support::{Meet, Until, webhook};
use super::{FILE, File, KEY, account_and_api, assert_applied};
use serde_json::{Value, json};

/// Each call that changes something, by name and number: `("PATCH", 1)` is the first PATCH.
const CALLS: [(&str, usize); 8] = [
    ("POST", 1),
    ("PutSecretValue", 1),
    ("UpdateSecretVersionStage", 1),
    ("PATCH", 1), // activates the new webhook
    ("PATCH", 2),
    ("DELETE", 1),
    ("PutSecretValue", 2),
    ("UpdateSecretVersionStage", 2),
];

fn is_jws(call: &str) -> bool {
    call == call.to_uppercase()
}

#[tokio::test]
async fn apply_killed_at_any_call_is_finished_by_the_next_run() {
    for (call, n) in CALLS {
        for meet in [Meet::Hold, Meet::DoneThenHold] {
            let case = format!("{call} {n} {meet:?}");
            let (account, jw) = account_and_api().await;
            let file = File::new(FILE);
            let running = file.of("apply", &["--yes"], &account, &jw);
            let done = if matches!(meet, Meet::Hold) { Until::Begun } else { Until::Performed };
            if is_jws(call) {
                jw.nth(call, n, meet);
                let running = running.spawn();
                jw.until(done, call, n).await;
                running.kill(&jw).await;
            } else {
                account.nth(call, n, meet);
                let running = running.spawn();
                account.until(done, call, n).await;
                running.kill(&jw).await;
            }
            // If the interrupted run has lost a webhook's key, `apply` does not change this
            // webhook, but names it in a message.
            let ring = account.ring_ids().await;
            let keyless: Vec<String> = jw
                .ids()
                .into_iter()
                .filter(|id| id.starts_with("new") && !ring.contains(id))
                .collect();
            let again = file.run("apply", &["--yes"], &account, &jw).await;
            for id in &keyless {
                assert!(again.stderr.contains(&format!("jwhook delete {id}")), "{case}: {again:?}");
            }
            again.done();
            let keyless: Vec<&str> = keyless.iter().map(String::as_str).collect();
            assert_applied(&account, &jw, &keyless, &case).await;
        }
    }
}

#[tokio::test]
async fn apply_that_fails_at_any_call_is_finished_by_the_next_run() {
    for (call, n) in CALLS {
        for meet in
            [Meet::Answer(400, r#"{"__type":"AccessDeniedException"}"#), Meet::DoneThenClose]
        {
            let case = format!("{call} {n} {meet:?}");
            let (account, jw) = account_and_api().await;
            let file = File::new(FILE);
            // calls without an answer are retried, except POST
            let may_succeed = call != "POST" && matches!(meet, Meet::DoneThenClose);
            if is_jws(call) {
                jw.nth(call, n, meet)
            } else {
                account.nth(call, n, meet)
            }
            let ran = file.run("apply", &["--yes"], &account, &jw).await;
            if may_succeed {
                ran.done();
            } else {
                let step = match (call, n) {
                    ("PATCH", 2) => 2,
                    ("DELETE", _) | (_, 2) => 3,
                    _ => 1,
                };
                let error = ran.error();
                let stopped = format!("stopped at step {step} of 3 (");
                assert!(error.starts_with(&stopped), "{case}: {error}");
                assert!(
                    error.contains("run the same command again to continue"),
                    "{case}: {error}"
                );
                file.run("apply", &["--yes"], &account, &jw).await.done();
            }
            assert_applied(&account, &jw, &[], &case).await;
        }
    }
}

/// JW answers with this list of webhooks, even if the webhooks have changed since.
fn listed(webhooks: &[Value]) -> Meet {
    let list = json!({"page": 1, "page_length": 100, "webhooks": webhooks});
    Meet::Answer(200, list.to_string().leak())
}

#[tokio::test]
async fn webhook_that_changed_after_the_list_is_not_deleted_and_keeps_its_key() {
    let (account, jw) = account_and_api().await;
    let ours = [webhook("newsroom", "Newsroom"), webhook("live0000", "Live")];
    let file = File::new(&FILE[..FILE.find("- name: Live").unwrap()]);

    // a page may miss a webhook if another one was deleted meanwhile
    jw.next("GET", listed(&ours[..1]));
    account.set_secret(&json!({"newsroom": KEY, "live0000": KEY}).to_string()).await;
    let error = file.run("apply", &["--yes"], &account, &jw).await.error();
    assert!(error.contains("webhook live0000 exists at JW after all, so its key stays"), "{error}");

    jw.next("GET", listed(&ours));
    jw.state().webhooks[1]["metadata"]["webhook_url"] = json!("https://example.com/");
    let error = file.run("apply", &["--yes"], &account, &jw).await.error();
    assert!(error.contains("somebody changed the URL of webhook live0000 meanwhile"), "{error}");
    assert_eq!((jw.changes(), account.ring_ids().await.len()), (vec![], 2));
}

#[tokio::test]
async fn interrupted_apply_says_how_to_continue() {
    let (account, jw) = account_and_api().await;
    let file = File::new(FILE);
    jw.next("PATCH", Meet::Hold);
    let running = file.of("apply", &["--yes"], &account, &jw).spawn();
    jw.until(Until::Begun, "PATCH", 1).await;
    running.interrupt();
    let error = running.end(&jw).await.error();
    assert_eq!(error, "interrupted; run the same command again to continue");
    file.run("apply", &["--yes"], &account, &jw).await.done();
    assert_applied(&account, &jw, &[], "interrupted").await;
}
