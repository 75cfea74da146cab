//! Keys stay in the ring while events are held, because a held event may need its key.

use super::support::{Account, JwApi, Jwhook, Meet, Ran, TestFile, Until, webhook};
use crate::support::all_at_once;
use serde_json::json;

const KEY: &str = "ring.ring.ring.ring.ring.ring.ring";
const OTHER: &str = "other.other.other.other.other.other";
const COUNT: &str = "GetQueueAttributes";

/// A command that removes a key from the ring. Each command has its own account.
struct Removal {
    account: Account,
    jw: JwApi,
    arguments: Vec<String>,
    _file: TestFile,
}

/// The commands. Each command removes the key of `c0Y6ebVU`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Command {
    Delete,
    /// `delete` of a webhook that no longer exists at JW.
    DeleteKey,
    Rotate,
    Apply,
    /// `apply` after the webhook was deleted at JW.
    ApplyKey,
}

use Command::{Apply, ApplyKey, Delete, DeleteKey, Rotate};

const ALL: [Command; 5] = [Delete, DeleteKey, Rotate, Apply, ApplyKey];

/// The commands that change nothing before they wait.
const WAIT_FIRST: [Command; 4] = [Delete, DeleteKey, Apply, ApplyKey];

impl Removal {
    async fn of(command: Command) -> Self {
        let account =
            Account::start(&json!({"c0Y6ebVU": KEY, "7Rav0hC5": OTHER}).to_string()).await;
        let jw = JwApi::start([webhook("c0Y6ebVU", "Newsroom"), webhook("7Rav0hC5", "Live")]).await;
        if matches!(command, DeleteKey | ApplyKey) {
            jw.state().webhooks.remove(0);
        }
        let file = TestFile::of(
            "webhooks:\n- name: Live\n  events: [conversions_complete, media_available]\n  \
             site_ids: [jsPxIVHl]\n",
        );
        let arguments = match command {
            Delete | DeleteKey => &["delete", "c0Y6ebVU"][..],
            Rotate => &["rotate", "c0Y6ebVU", "--settle", "0", "--grace", "0"],
            Apply | ApplyKey => &["apply", file.path()],
        };
        let arguments = [arguments, &["--yes"]].concat().into_iter().map(str::to_owned).collect();
        Self { account, jw, arguments, _file: file }
    }

    fn with(&self, more: &[&str]) -> Jwhook {
        let arguments: Vec<_> = self.arguments.iter().map(String::as_str).collect();
        Jwhook::of(&self.account, &self.jw, &[&arguments[..], more].concat())
    }

    async fn run(&self, more: &[&str]) -> Ran {
        self.with(more).run(&self.jw).await
    }

    async fn has_key(&self) -> bool {
        self.account.ring_ids().await.contains(&"c0Y6ebVU".to_owned())
    }

    async fn hold(&self) {
        self.account.hold(&self.account.held_queue_url, "a.b.c").await;
    }

    /// Makes the function forward its held events.
    async fn release(&self) {
        self.account
            .sqs
            .purge_queue()
            .queue_url(&self.account.held_queue_url)
            .send()
            .await
            .unwrap();
    }

    /// Waits until jwhook has counted the messages in the held queue or its dead-letter queue this
    /// many times.
    async fn counted(&self, times: usize) {
        self.account.until(Until::Performed, COUNT, 2 * times).await;
    }
}

#[tokio::test]
async fn key_stays_until_no_event_is_held() {
    all_at_once(ALL, async |command| {
        let removal = Removal::of(command).await;
        removal.hold().await;
        removal.hold().await;
        let running = removal.with(&[]).spawn();
        removal.counted(2).await;
        assert!(removal.has_key().await, "{command:?}");
        let is_untouched = removal.jw.changes().is_empty();
        assert_eq!(is_untouched, command != Rotate, "{command:?}");
        removal.release().await;
        let ran = running.end(&removal.jw).await;
        let said =
            "2 events are held and may need the key: waiting until the function has forwarded";
        assert_eq!(ran.stderr.matches(said).count(), 1, "{ran:?}");
        ran.done();
        assert!(!removal.has_key().await, "{command:?}");
        assert_eq!(removal.jw.webhook("c0Y6ebVU"), None, "{command:?}");
    })
    .await;
}

#[tokio::test]
async fn interrupted_wait_keeps_the_key_and_the_same_command_continues() {
    all_at_once(ALL, async |command| {
        let removal = Removal::of(command).await;
        let before = removal.jw.webhooks();
        removal.hold().await;
        let running = removal.with(&[]).spawn();
        removal.counted(1).await;
        running.interrupt();
        let error = running.end(&removal.jw).await.error();
        assert!(error.contains("interrupted") && error.contains("continue"), "{error}");
        assert!(removal.has_key().await, "{command:?}");
        assert_eq!(removal.jw.webhooks() == before, command != Rotate, "{command:?}");
        removal.release().await;
        removal.run(&[]).await.done();
        assert!(!removal.has_key().await, "{command:?}");
    })
    .await;
}

#[tokio::test]
async fn dead_lettered_events_stop_the_removal_at_once() {
    all_at_once(ALL, async |command| {
        let removal = Removal::of(command).await;
        removal.account.hold(&removal.account.held_dead_letter_queue_url, "a.b.c").await;
        let error = removal.run(&[]).await.error();
        assert!(error.contains("1 event is in the held dead-letter queue"), "{error}");
        assert!(
            error.contains("run jwhook recover --held, then run this command again"),
            "{error}"
        );
        assert!(removal.has_key().await, "{command:?}");
        assert_eq!(removal.jw.changes().is_empty(), command != Rotate, "{command:?}");
    })
    .await;
}

#[tokio::test]
async fn drop_held_removes_the_key_and_says_how_many_events_are_held() {
    all_at_once(ALL, async |command| {
        let removal = Removal::of(command).await;
        removal.hold().await;
        removal.account.hold(&removal.account.held_dead_letter_queue_url, "a.b.c").await;
        let ran = removal.run(&["--drop-held"]).await;
        let said =
            "--drop-held: 2 events are held, and the held events that need this key are lost";
        assert!(ran.stderr.contains(said), "{ran:?}");
        ran.done();
        assert!(!removal.has_key().await, "{command:?}");
    })
    .await;
}

#[tokio::test]
async fn key_stays_if_the_held_events_cannot_be_counted() {
    const DENIED: Meet = Meet::Answer(400, r#"{"__type":"AccessDeniedException"}"#);
    all_at_once(WAIT_FIRST, async |command| {
        let removal = Removal::of(command).await;
        removal.account.next(COUNT, DENIED);
        let error = removal.run(&[]).await.error();
        assert!(error.contains("cannot count the held events, so the key stays"), "{error}");
        assert!(error.contains("--drop-held removes the key all the same"), "{error}");
        assert!(removal.has_key().await && removal.jw.changes().is_empty(), "{command:?}");

        removal.account.next(COUNT, DENIED);
        let ran = removal.run(&["--drop-held"]).await;
        assert!(ran.stderr.contains("--drop-held: cannot count the held events"), "{ran:?}");
        ran.done();
        assert!(!removal.has_key().await, "{command:?}");
    })
    .await;
}

#[tokio::test]
async fn key_stays_until_events_held_during_the_deletion_are_forwarded() {
    all_at_once([Delete, Apply], async |command| {
        let removal = Removal::of(command).await;
        removal.hold().await;
        for _ in 0..2 {
            removal.account.next(COUNT, Meet::Answer(200, "{}")); // the queue looks empty at first
        }
        let running = removal.with(&[]).spawn();
        removal.counted(1).await;
        assert_eq!(removal.jw.webhook("c0Y6ebVU"), None, "{command:?}");
        assert!(removal.has_key().await, "{command:?}");
        removal.release().await;
        running.end(&removal.jw).await.done();
        assert!(!removal.has_key().await, "{command:?}");
    })
    .await;
}

#[tokio::test]
async fn key_is_removed_with_a_warning_if_jwhook_knows_no_held_queue() {
    let removal = Removal::of(DeleteKey).await;
    removal.hold().await;
    let secret_id = removal.account.secret_arn.clone();
    let run = removal.with(&["--secret-id", &secret_id]).without("JWHOOK_STACK");
    let ran = run.run(&removal.jw).await;
    assert!(
        ran.stderr.contains("jwhook cannot tell whether a held event needs the key"),
        "{ran:?}"
    );
    ran.done();
    assert!(!removal.has_key().await);
}
