//! The configuration: the environment, read once. No other module reads it, but for what the SDK and
//! `https` read by their own names.

use std::env::VarError;
use std::fmt;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use crate::telemetry::OWN_TARGET;

/// What the operator sets.
#[derive(Debug, PartialEq)]
pub struct Config {
    /// `QUEUE_URL`
    pub queue_url: String,
    /// `WEBHOOK_SECRET_ID`: the secret's name or ARN.
    pub secret_id: String,
    /// `SECRET_TTL_SECONDS`
    pub secret_ttl: Duration,
    /// `SECRET_MAX_STALE_SECONDS`
    pub secret_max_stale: Duration,
    /// `MAX_EVENT_AGE_SECONDS`
    pub max_event_age: Option<Duration>,
    /// `AWS_LAMBDA_LOG_LEVEL`, which Lambda sets from the function's logging configuration, else `RUST_LOG`.
    pub log_levels: Targets,
}

/// Every variable that is missing or can't be read, with what it should be.
#[derive(PartialEq, thiserror::Error)]
pub struct ConfigError(Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the function can't start with this environment: {}", self.0.join("; "))
    }
}

/// The same text: it is what `main` prints.
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

    /// Reads the variables that `lookup` finds.
    pub fn from_lookup(
        lookup: impl Fn(&str) -> Result<String, VarError>,
    ) -> Result<Self, ConfigError> {
        let mut environment = Environment { lookup, problems: Vec::new() };
        let config = Self {
            queue_url: environment.required("QUEUE_URL", "the URL of the SQS queue, like https://sqs.eu-west-1.amazonaws.com/123456789012/events", queue_url),
            secret_id: environment.required("WEBHOOK_SECRET_ID", "the name or ARN of the Secrets Manager secret", not_blank),
            secret_ttl: environment.seconds("SECRET_TTL_SECONDS").unwrap_or(Duration::from_secs(300)),
            secret_max_stale: environment.seconds("SECRET_MAX_STALE_SECONDS").unwrap_or(Duration::from_secs(86_400)),
            max_event_age: environment.seconds("MAX_EVENT_AGE_SECONDS"),
            log_levels: environment.log_levels(),
        };
        if environment.problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError(environment.problems))
        }
    }
}

struct Environment<L> {
    lookup: L,
    problems: Vec<String>,
}

impl<L: Fn(&str) -> Result<String, VarError>> Environment<L> {
    fn required(&mut self, name: &str, wanted: &str, read: fn(&str) -> Option<String>) -> String {
        let value = self.optional(name, wanted, read);
        if value.is_none() && (self.lookup)(name) == Err(VarError::NotPresent) {
            self.problems.push(format!("{name} isn't set; it must be {wanted}"));
        }
        value.unwrap_or_default()
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
                "FATAL" => Some("error".to_owned()), // nothing we log is above ERROR
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

    /// The variable's value, if it is set; a value that can't be read is a problem.
    fn optional<T>(
        &mut self,
        name: &str,
        wanted: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let found = match (self.lookup)(name) {
            Err(VarError::NotPresent) => return None,
            Err(VarError::NotUnicode(_)) => None,
            Ok(text) => read(&text),
        };
        if found.is_none() {
            self.problems.push(format!("{name} can't be read; it must be {wanted}"));
        }
        found
    }
}

/// `RUST_LOG`'s directives. `Targets` would take a level that is spelled wrong for the name of a
/// target, and log nothing else: a bare word is a level or a module of ours.
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

fn not_blank(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.to_owned())
}

fn queue_url(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let (host, path) = rest.split_once('/')?;
    let (_, queue) = path.rsplit_once('/').unwrap_or(("", path));
    let is_url = matches!(scheme, "https" | "http") && !host.is_empty() && !queue.is_empty();
    (is_url && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: (&str, &str) =
        ("QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/123456789012/events.fifo");
    const SECRET: (&str, &str) = ("WEBHOOK_SECRET_ID", "jw/webhook");

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
    fn the_two_required_variables_are_enough() {
        let expected = Config {
            queue_url: QUEUE.1.to_owned(),
            secret_id: SECRET.1.to_owned(),
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
        assert_eq!(config.log_levels, "warn,a=trace".parse().unwrap());
    }

    #[test]
    fn rust_log_may_be_empty_or_a_module_of_ours() {
        let levels = |value| config(&[QUEUE, SECRET, ("RUST_LOG", value)]).unwrap().log_levels;
        assert_eq!(levels(""), "info".parse().unwrap());
        let module = "jw_webhook_forwarder::queue";
        assert_eq!(levels(module), module.parse().unwrap());
    }

    #[test]
    fn lambdas_log_level_comes_before_rust_log() {
        let levels = |level| {
            config(&[QUEUE, SECRET, ("AWS_LAMBDA_LOG_LEVEL", level), ("RUST_LOG", "trace")])
                .unwrap()
                .log_levels
        };
        assert_eq!(levels("debug"), "debug".parse().unwrap());
        assert_eq!(levels("FATAL"), "error".parse().unwrap());
    }

    #[test]
    fn a_missing_variable_is_named() {
        let error = config(&[]).unwrap_err();
        assert!(
            error.contains("QUEUE_URL isn't set") && error.contains("WEBHOOK_SECRET_ID isn't set"),
            "{error}"
        );
    }

    #[test]
    fn a_value_that_can_not_be_read_is_named_and_never_replaced_by_a_default() {
        for (name, value) in [
            ("QUEUE_URL", ""),
            ("QUEUE_URL", "events"),
            ("QUEUE_URL", "sqs://host/1/events"),
            ("QUEUE_URL", "https://host/1/"),
            ("WEBHOOK_SECRET_ID", " "),
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
            let variables: Vec<_> = [(name, value)]
                .into_iter()
                .chain([QUEUE, SECRET].into_iter().filter(|(set, _)| *set != name))
                .collect();
            let error = config(&variables).unwrap_err();
            assert!(error.contains(&format!("{name} can't be read")), "{name}={value}: {error}");
            assert!(!error.contains("isn't set"), "{name}={value}: {error}");
        }
    }
}
