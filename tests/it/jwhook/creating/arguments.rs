//! The arguments of `create`: what it requires, and which values it accepts.

use super::super::support::{FUNCTION_URL, Jwhook};
use super::{CREATE, account_and_api};
use serde_json::json;

#[tokio::test]
async fn invalid_create_arguments_are_reported_before_any_change() {
    let (account, jw) = account_and_api().await;
    for left_out in [1, 3, 5] {
        let mut arguments = CREATE.to_vec();
        arguments.drain(left_out..left_out + 2);
        assert_eq!(Jwhook::of(&account, &jw, &arguments).run(&jw).await.code, Some(2));
    }
    for (place, text) in [(2, " "), (4, "a,,b"), (6, "")] {
        let mut arguments = CREATE;
        arguments[place] = text;
        assert_eq!(Jwhook::of(&account, &jw, &arguments).run(&jw).await.code, Some(2));
    }
    let arguments = [&CREATE[..], &["--webhook-url", "http://example.com/"]].concat();
    let error = Jwhook::of(&account, &jw, &arguments).run(&jw).await.error();
    assert!(error.starts_with("the endpoint http://example.com/ is not an HTTPS URL"), "{error}");
    let nowhere = Jwhook::of(&account, &jw, &CREATE).without("JWHOOK_STACK").run(&jw).await.error();
    assert_eq!(nowhere, "give --stack NAME (or JWHOOK_STACK), or --webhook-url URL");
    assert_eq!(jw.state().calls, []);
    account.set_secret("[]").await;
    let error = Jwhook::of(&account, &jw, &CREATE).run(&jw).await.error();
    assert!(error.contains("repair the value in Secrets Manager first"), "{error}");
    assert_eq!(jw.changes(), []);
}

#[tokio::test]
async fn value_may_begin_with_a_hyphen_unless_it_is_an_option() {
    let (account, jw) = account_and_api().await;
    let mut create = CREATE;
    create[2] = "-draft";
    let create = [&create[..], &["--description", "--not-yet"]].concat();
    Jwhook::of(&account, &jw, &create).run(&jw).await.done();
    let update = ["update", "new00001", "--name", "--draft", "--description", "-"];
    Jwhook::of(&account, &jw, &update).run(&jw).await.done();
    let metadata = &jw.webhook("new00001").unwrap()["metadata"];
    assert_eq!((&metadata["name"], &metadata["description"]), (&json!("--draft"), &json!("-")));
    for option in ["--event", "--site=jsPxIVHl", "-y", "--output", "--help"] {
        let mut create = CREATE;
        create[2] = option;
        let ran = Jwhook::of(&account, &jw, &create).run(&jw).await;
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains("the value is missing"), "{ran:?}");
    }
    assert_eq!(jw.ids().len(), 2);
}

#[tokio::test]
async fn create_with_to_function_url_registers_the_function_url() {
    let (account, jw) = account_and_api().await;
    let create = [&CREATE[..], &["--to", "function-url", "--output", "json"]].concat();
    let created = Jwhook::of(&account, &jw, &create).run(&jw).await.json();
    assert_eq!(created["metadata"]["webhook_url"], FUNCTION_URL);
    assert_eq!(created["calls_this_stack"], json!(true));
}
