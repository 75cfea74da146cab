use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::forwarder::MAX_DURATION;

const QUEUE: (&str, &str) =
    ("QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/123456789012/events.fifo");
const SECRET: (&str, &str) = ("WEBHOOK_SECRET_ID", "jw/webhook");
const HELD: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/held";

fn config(variables: &[(&str, &str)]) -> Result<Config, String> {
    let lookup = |name: &str| {
        variables
            .iter()
            .find(|(set, _)| *set == name)
            .map(|(_, value)| (*value).to_owned())
            .ok_or(VarError::NotPresent)
    };
    Config::from_lookup(lookup).map_err(|error| error.to_string())
}

#[test]
fn two_required_variables_are_enough() {
    let expected = Config {
        queue_url: QueueUrl::parse(QUEUE.1).unwrap(),
        secret_id: SECRET.1.to_owned(),
        held_queue_url: None,
        secret_ttl: Duration::from_secs(300),
        secret_max_stale: Duration::from_secs(86_400),
        max_event_age: None,
        log_levels: "info".parse().unwrap(),
    };
    assert_eq!(config(&[QUEUE, SECRET]), Ok(expected));
}

#[test]
fn every_variable_is_used() {
    let config = config(&[
        QUEUE,
        SECRET,
        ("HELD_QUEUE_URL", HELD),
        ("SECRET_TTL_SECONDS", "1"),
        ("SECRET_MAX_STALE_SECONDS", "2"),
        ("MAX_EVENT_AGE_SECONDS", "3"),
        ("RUST_LOG", "warn,a=trace"),
    ])
    .unwrap();
    assert_eq!(
        (config.secret_ttl.as_secs(), config.secret_max_stale.as_secs(), config.max_event_age),
        (1, 2, Some(Duration::from_secs(3)))
    );
    assert_eq!(config.held_queue_url, QueueUrl::parse(HELD));
    assert_eq!(config.log_levels, "warn,a=trace".parse().unwrap());
}

#[test]
fn rust_log_may_be_empty_or_name_one_of_our_modules() {
    let levels = |value| config(&[QUEUE, SECRET, ("RUST_LOG", value)]).unwrap().log_levels;
    assert_eq!(levels(""), "info".parse().unwrap());
    let module = "jw_webhook_forwarder::queue";
    assert_eq!(levels(module), module.parse().unwrap());
}

#[test]
fn lambdas_log_level_takes_precedence_over_rust_log() {
    let levels = |level| {
        config(&[QUEUE, SECRET, ("AWS_LAMBDA_LOG_LEVEL", level), ("RUST_LOG", "trace")])
            .unwrap()
            .log_levels
    };
    assert_eq!(levels("debug"), "debug".parse().unwrap());
    assert_eq!(levels("FATAL"), "error".parse().unwrap());
}

#[test]
fn error_names_a_missing_variable() {
    let error = config(&[]).unwrap_err();
    assert!(
        error.contains("QUEUE_URL is not set; set it to the URL of the SQS queue")
            && error.contains("WEBHOOK_SECRET_ID is not set"),
        "{error}"
    );
}

/// The error if the variable `name` has this value, and the required variables have valid values.
fn problem(name: &str, value: &str) -> String {
    let variables: Vec<_> = [(name, value)]
        .into_iter()
        .chain([QUEUE, SECRET].into_iter().filter(|(set, _)| *set != name))
        .collect();
    let error = config(&variables).unwrap_err();
    error.strip_prefix("the function cannot start: ").unwrap().to_owned()
}

#[test]
fn invalid_value_is_an_error_even_if_the_variable_has_a_default() {
    for (name, value) in [
        ("QUEUE_URL", ""),
        ("QUEUE_URL", "events"),
        ("QUEUE_URL", "sqs://host/1/events"),
        ("QUEUE_URL", "https://host/1/"),
        ("WEBHOOK_SECRET_ID", ""),
        ("HELD_QUEUE_URL", ""),
        ("HELD_QUEUE_URL", "held"),
        ("SECRET_TTL_SECONDS", ""),
        ("SECRET_TTL_SECONDS", "5m"),
        ("SECRET_TTL_SECONDS", "+5"),
        ("SECRET_MAX_STALE_SECONDS", "-1"),
        ("SECRET_MAX_STALE_SECONDS", "99999999999999999999"),
        ("MAX_EVENT_AGE_SECONDS", "1.5"),
        ("AWS_LAMBDA_LOG_LEVEL", "CHATTY"),
        ("RUST_LOG", "a=chatty"),
        ("RUST_LOG", "infoo"),
        ("RUST_LOG", "info,"),
    ] {
        let problem = problem(name, value);
        assert!(
            problem.starts_with(&format!("{name} has an invalid value; set it to ")),
            "{problem}"
        );
        assert!(!problem.contains("is not set"), "{name}={value}: {problem}");
    }
}

#[test]
fn white_space_in_any_variable_is_an_error() {
    for (name, good) in [
        QUEUE,
        SECRET,
        ("HELD_QUEUE_URL", HELD),
        ("SECRET_TTL_SECONDS", "300"),
        ("SECRET_MAX_STALE_SECONDS", "300"),
        ("MAX_EVENT_AGE_SECONDS", "300"),
        ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
        ("RUST_LOG", "info"),
        ("RUST_LOG", "info,a=debug"),
    ] {
        for value in [
            format!("{good}\n"),
            format!("{good}\r\n"),
            format!(" {good}"),
            format!("{good}\t"),
            format!("{good}\u{a0}"),
            format!("\u{feff}{good}"),
            good.replacen(',', ", ", 1) + " ",
            " ".to_owned(),
        ] {
            let problem = problem(name, &value);
            assert!(
                problem.starts_with(&format!("{name} contains white space")),
                "{name}={value:?}: {problem}"
            );
        }
    }
}

#[test]
fn held_events_never_go_to_a_fifo_queue_or_to_the_consumers_queue() {
    for held in [
        "https://sqs.eu-west-1.amazonaws.com/123456789012/held.fifo",
        QUEUE.1,
        "https://eu-west-1.queue.amazonaws.com/123456789012/events.fifo",
    ] {
        let problem = problem("HELD_QUEUE_URL", held);
        assert!(problem.starts_with("HELD_QUEUE_URL has an invalid value"), "{held}: {problem}");
    }
    let standard = "https://sqs.eu-west-1.amazonaws.com/123456789012/events";
    let legacy = "https://eu-west-1.queue.amazonaws.com/123456789012/events";
    for held in [standard, legacy] {
        let error = config(&[("QUEUE_URL", standard), SECRET, ("HELD_QUEUE_URL", held)]);
        assert!(error.unwrap_err().contains("consumers must not get tokens"), "{held}");
    }
}

/// `make template` compares template.yaml with settings.json, because its Python tests cannot read the Rust
/// code.
#[test]
fn settings_of_the_template_check_match_the_code() {
    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/local/checks/template/settings.json");
    let variables = RefCell::new(BTreeMap::new());
    let config = Config::from_lookup(|name| {
        variables.borrow_mut().insert(name.to_owned(), Value::Null);
        let set = [QUEUE, SECRET].into_iter().find(|(set, _)| *set == name);
        set.map(|(_, value)| value.to_owned()).ok_or(VarError::NotPresent)
    })
    .unwrap();
    let mut variables = variables.into_inner();
    variables.insert("SECRET_TTL_SECONDS".into(), config.secret_ttl.as_secs().into());
    variables.insert("SECRET_MAX_STALE_SECONDS".into(), config.secret_max_stale.as_secs().into());
    let settings = json!({
        "longest_request_seconds": MAX_DURATION.as_secs(),
        "variables_and_defaults": variables,
    });
    let recorded = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        serde_json::from_str::<Value>(&recorded).ok().as_ref() == Some(&settings),
        "local/checks/template/settings.json differs from the code. If the code is right, replace the \
         file's content with:\n{settings:#}"
    );
}
