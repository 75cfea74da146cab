//! JW's responses, and the errors for unexpected responses.

use reqwest::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::secret::ApiSecret;
use super::webhook::Webhook;
use crate::output::plain;

/// How many characters of an unexpected response are quoted.
const MAX_QUOTE: usize = 300;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// JW may have performed the call, or not.
    #[error(
        "{what}: no response from JW ({why}); check the network and JW_API_URL, then try again"
    )]
    NoAnswer { what: String, why: String, timed_out: bool },
    /// The request was never sent.
    #[error("{what}: cannot build the request ({why}); check JW_API_URL and JW's API secret")]
    NotSent { what: String, why: String },
    /// JW's response is an error.
    #[error("{what}: JW answered {}{}{}", .status.as_u16(), .said, advice(*.status))]
    Refused { what: String, status: StatusCode, said: String },
    /// JW may have performed the call, but the response differs from the documentation of JW's API.
    #[error(
        "{what}: JW's response (status {}) differs from the documentation of JW's API; check JW_API_URL",
        .status.as_u16()
    )]
    Unreadable { what: String, status: StatusCode },
    /// JW lists the webhook, but does not return it.
    #[error("JW lists webhook {id}, but answers 404 to a request for it; try again")]
    Contradiction { id: String },
    /// JW's list of webhooks has no last page: it repeats the same webhooks.
    #[error(
        "JW's list of webhooks does not end: JW has listed {listed} webhooks, and all further \
         pages repeat them; check JW_API_URL, then try again"
    )]
    EndlessList { listed: usize },
    /// JW rejects the call because of its rate limit, even after jwhook has waited.
    #[error(
        "{what}: JW still answers 429 (too many requests); check which other programs use this API \
         secret, then try again"
    )]
    TooManyRequests { what: String },
}

impl Problem {
    /// Whether JW may have performed the call in spite of the error. A gateway's 5xx does not say
    /// whether the server behind the gateway performed the call.
    pub fn may_be_done(&self) -> bool {
        match self {
            Problem::NoAnswer { .. } | Problem::Unreadable { .. } => true,
            Problem::Refused { status, .. } => status.is_server_error(),
            Problem::NotSent { .. }
            | Problem::Contradiction { .. }
            | Problem::EndlessList { .. }
            | Problem::TooManyRequests { .. } => false,
        }
    }
}

/// A response with any status.
pub(super) struct Answer {
    pub what: String,
    pub status: StatusCode,
    pub body: Zeroizing<Vec<u8>>,
    /// JW's error text; `None` if the status is a success.
    pub said: Option<String>,
}

impl Answer {
    /// If the response has this status, returns the response; otherwise an error.
    pub fn expect(self, status: StatusCode) -> Result<Self, Problem> {
        match self.said {
            _ if self.status == status => Ok(self),
            None => Err(Problem::Unreadable { what: self.what, status: self.status }),
            Some(said) => Err(Problem::Refused { what: self.what, status: self.status, said }),
        }
    }

    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        // serde_json's error could quote a secret
        serde_json::from_slice(&self.body).map_err(|_| self.unreadable())
    }

    /// The webhook in the body, which must have an id.
    pub fn resource(&self) -> Result<Webhook, Problem> {
        let webhook: Webhook = self.json()?;
        if webhook.id.is_empty() { Err(self.unreadable()) } else { Ok(webhook) }
    }

    fn unreadable(&self) -> Problem {
        Problem::Unreadable { what: self.what.clone(), status: self.status }
    }
}

/// The error text in a response's body: JW's codes and descriptions, a JSON string, or plain text.
pub(super) fn said(body: &[u8], secret: &ApiSecret) -> String {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<One>,
    }
    #[derive(Deserialize)]
    struct One {
        code: Option<String>,
        description: Option<String>,
    }
    let text = if let Ok(Errors { errors }) = serde_json::from_slice(body) {
        let one = |error: One| {
            [error.code, error.description].into_iter().flatten().collect::<Vec<_>>().join(": ")
        };
        errors.into_iter().map(one).collect::<Vec<_>>().join("; ")
    } else if let Ok(text) = serde_json::from_slice::<String>(body) {
        text
    } else {
        let text = String::from_utf8_lossy(body).into_owned();
        // the text may be a new webhook with its secret
        if text.contains("\"secret\"") { String::new() } else { text }
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = secret.redact(&line);
    let quote: String = plain(&line).chars().take(MAX_QUOTE).collect();
    if quote.is_empty() { String::new() } else { format!(", {quote}") }
}

fn advice(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 | 403 => "; check JW's API secret: it must be a v2 secret with Admin permission",
        404 | 405 => "; check the webhook's id (jwhook list) and JW_API_URL",
        500..=599 => "; JW is at fault: try again later",
        _ => "",
    }
}
