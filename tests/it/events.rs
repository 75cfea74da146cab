//! The sample events in `events/`, which people also send by hand. Each file's name states the
//! answer that the function must return.

use crate::support::{Aws, Function, OTHER_SECRET, SECRET};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each file with the settings of the function and the expected verdict.
const EVENTS: [(&str, Setting, &str); 24] = [
    ("algorithm_not_allowed", Setting::Ring, "401 algorithm_not_allowed"),
    ("authorization_malformed", Setting::Ring, "401 authorization_malformed"),
    ("authorization_missing", Setting::Ring, "401 authorization_missing"),
    ("body_malformed", Setting::Ring, "400 body_malformed"),
    ("body_mismatch", Setting::Ring, "401 body_mismatch"),
    ("body_too_large", Setting::Ring, "413 body_too_large"),
    ("channel_active", Setting::Ring, "200 accepted"),
    ("channel_created", Setting::Ring, "200 accepted"),
    ("channel_idle", Setting::Ring, "200 accepted"),
    ("claims_malformed", Setting::Single, "401 claims_malformed"),
    ("claims_not_valid", Setting::Ring, "401 claims_not_valid"),
    ("content_encoding_unsupported", Setting::Ring, "415 content_encoding_unsupported"),
    ("conversions_complete", Setting::Ring, "200 accepted"),
    ("event_stale", Setting::AgeLimit, "401 event_stale"),
    ("forged", Setting::Ring, "401 signature_invalid"),
    ("media_available", Setting::Ring, "200 accepted"),
    ("media_created", Setting::Ring, "200 accepted"),
    ("media_deleted", Setting::Ring, "200 accepted"),
    ("media_reuploaded", Setting::Ring, "200 accepted"),
    ("media_updated", Setting::Ring, "200 accepted"),
    ("method_not_allowed", Setting::Ring, "405 method_not_allowed"),
    ("token_malformed", Setting::Ring, "401 token_malformed"),
    ("unknown_event", Setting::Ring, "200 accepted"),
    ("webhook_unknown", Setting::Ring, "401 webhook_unknown"),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Setting {
    /// A key ring with the two sample webhooks.
    Ring,
    /// The sample secret alone.
    Single,
    /// The sample secret alone, with a limit on the events' age.
    AgeLimit,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("events")
}

async fn each_gets_its_verdict(setting: Setting) {
    let aws = Aws::start().await;
    let start = match setting {
        Setting::Ring => {
            aws.keep(json!({"7Rav0hC5": SECRET, "2yW4KmiG": SECRET, "0therH00": OTHER_SECRET}));
            Function::of(&aws)
        }
        Setting::Single => Function::of(&aws),
        Setting::AgeLimit => Function::of(&aws).env("MAX_EVENT_AGE_SECONDS", "86400"),
    };
    let function = start.start().await;
    let mut accepted = 0;
    for (name, _, verdict) in EVENTS.iter().filter(|(_, of, _)| *of == setting) {
        let text =
            fs::read_to_string(folder().join(name).with_extension("json")).expect("the file");
        let event: Value = serde_json::from_str(&text).expect("JSON");
        let answer = function.invoke_event(event.clone()).await;
        assert_eq!(answer.verdict(), *verdict, "{name}");
        accepted += usize::from(answer.status == 200);
        if answer.status == 200 {
            assert_eq!(
                Some(aws.sends()[accepted - 1].body.as_str()),
                event["body"].as_str(),
                "{name}"
            );
        }
    }
    assert_eq!(aws.sends().len(), accepted);
}

#[tokio::test]
async fn sample_requests_get_the_expected_verdicts_with_a_key_ring() {
    each_gets_its_verdict(Setting::Ring).await;
}

#[tokio::test]
async fn sample_requests_get_the_expected_verdicts_with_a_single_secret() {
    each_gets_its_verdict(Setting::Single).await;
}

#[tokio::test]
async fn sample_requests_get_the_expected_verdicts_with_an_age_limit() {
    each_gets_its_verdict(Setting::AgeLimit).await;
}

#[test]
fn every_sample_file_has_an_expected_verdict() {
    let files =
        fs::read_dir(folder()).expect("the folder").map(|entry| entry.expect("an entry").path());
    let files: BTreeSet<_> =
        files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    let here: BTreeSet<_> = EVENTS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(files, here);
}
