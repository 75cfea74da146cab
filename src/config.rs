//! The function's configuration, which is read once from the environment variables. Apart from this module,
//! only the SDK and `https` read environment variables.

use std::env::VarError;
use std::fmt;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use crate::OWN_TARGET;
use crate::queue_url::QueueUrl;

/// The operator's settings.
#[derive(Debug, PartialEq)]
pub struct Config {
    /// `QUEUE_URL`: the queue for verified events.
    pub queue_url: QueueUrl,
    /// `WEBHOOK_SECRET_ID`: the name or ARN of the secret in Secrets Manager.
    pub secret_id: String,
    /// `HELD_QUEUE_URL`: the queue for events that the function cannot verify yet.
    pub held_queue_url: Option<QueueUrl>,
    /// `SECRET_TTL_SECONDS`: the age at which the function fetches the secret again.
    pub secret_ttl: Duration,
    /// `SECRET_MAX_STALE_SECONDS`: the highest age of the cached secret while Secrets Manager is unreachable.
    pub secret_max_stale: Duration,
    /// `MAX_EVENT_AGE_SECONDS`: the function refuses older events.
    pub max_event_age: Option<Duration>,
    /// `AWS_LAMBDA_LOG_LEVEL`, which Lambda sets from the function's logging configuration, or `RUST_LOG`.
    pub log_levels: Targets,
}

/// All missing and invalid variables, each with the value that it needs.
#[derive(PartialEq, thiserror::Error)]
pub struct ConfigError(Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the function cannot start: {}", self.0.join("; "))
    }
}

/// Writes the same text as `Display`, because Rust prints an error of `main` with `Debug`.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Config {
    /// Reads the process's environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|name| std::env::var(name))
    }

    /// Reads the variables with `lookup`.
    pub fn from_lookup(
        lookup: impl Fn(&str) -> Result<String, VarError>,
    ) -> Result<Self, ConfigError> {
        let mut environment = Environment { lookup, problems: Vec::new() };
        let queue_url = environment.required("QUEUE_URL", "the URL of the SQS queue, like https://sqs.eu-west-1.amazonaws.com/123456789012/events", QueueUrl::parse);
        let secret_id = environment.required(
            "WEBHOOK_SECRET_ID",
            "the name or ARN of the Secrets Manager secret",
            not_empty,
        );
        let is_for_events =
            |held: &QueueUrl| queue_url.as_ref().is_some_and(|queue| queue.is_same_queue(held));
        let held_queue_url = environment.optional(
            "HELD_QUEUE_URL",
            "the URL of a standard SQS queue other than QUEUE_URL, because consumers must not get tokens",
            |text| QueueUrl::parse(text).filter(|held| !held.is_fifo() && !is_for_events(held)),
        );
        let secret_ttl =
            environment.seconds("SECRET_TTL_SECONDS").unwrap_or(Duration::from_secs(300));
        let secret_max_stale =
            environment.seconds("SECRET_MAX_STALE_SECONDS").unwrap_or(Duration::from_secs(86_400));
        let max_event_age = environment.seconds("MAX_EVENT_AGE_SECONDS");
        let log_levels = environment.log_levels();
        match (queue_url, secret_id) {
            (Some(queue_url), Some(secret_id)) if environment.problems.is_empty() => Ok(Self {
                queue_url,
                secret_id,
                held_queue_url,
                secret_ttl,
                secret_max_stale,
                max_event_age,
                log_levels,
            }),
            _ => Err(ConfigError(environment.problems)),
        }
    }
}

struct Environment<L> {
    lookup: L,
    problems: Vec<String>,
}

impl<L: Fn(&str) -> Result<String, VarError>> Environment<L> {
    fn required<T>(
        &mut self,
        name: &str,
        wanted: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        if (self.lookup)(name) == Err(VarError::NotPresent) {
            self.problems.push(format!("{name} is not set; set it to {wanted}"));
        }
        self.optional(name, wanted, read)
    }

    fn seconds(&mut self, name: &str) -> Option<Duration> {
        self.optional(name, "a whole number of seconds", |text| {
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| is_number).map(Duration::from_secs)
        })
    }

    fn log_levels(&mut self) -> Targets {
        let lambda = self.optional(
            "AWS_LAMBDA_LOG_LEVEL",
            "TRACE, DEBUG, INFO, WARN, ERROR or FATAL",
            |level| match level.to_ascii_uppercase().as_str() {
                "FATAL" => Some("error".to_owned()), // ERROR is the highest level that we log
                level @ ("TRACE" | "DEBUG" | "INFO" | "WARN" | "ERROR") => Some(level.to_owned()),
                _ => None,
            },
        );
        let rust = self.optional(
            "RUST_LOG",
            "a level, or target=level pairs with commas between them",
            read_levels,
        );
        lambda.and_then(|level| level.parse().ok()).or(rust).unwrap_or_else(default_levels)
    }

    /// Reads a variable that may be missing. White space and characters that are not ASCII are errors, because
    /// a person who copies a value may not see them.
    fn optional<T>(
        &mut self,
        name: &str,
        wanted: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let is_printable = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let (value, problem) = match (self.lookup)(name) {
            Err(VarError::NotPresent) => return None,
            Ok(text) if is_printable(&text) => (read(&text), "has an invalid value"),
            Ok(_) | Err(VarError::NotUnicode(_)) => {
                (None, "contains white space or a character that is not ASCII")
            }
        };
        if value.is_none() {
            self.problems.push(format!("{name} {problem}; set it to {wanted}"));
        }
        value
    }
}

/// Parses `RUST_LOG`. A word without `=` must be a level or one of our modules. `Targets` would read a
/// misspelled level as a target, and would then log only this target.
fn read_levels(text: &str) -> Option<Targets> {
    if text.is_empty() {
        return Some(default_levels());
    }
    let is_known = |directive: &str| {
        directive.contains('=')
            || directive.starts_with(OWN_TARGET)
            || !directive.is_empty() && directive.parse::<LevelFilter>().is_ok()
    };
    text.split(',').all(is_known).then(|| text.parse().ok())?
}

fn default_levels() -> Targets {
    Targets::new().with_default(LevelFilter::INFO)
}

fn not_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
