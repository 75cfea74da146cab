//! JW's responses, and the errors for unexpected ones.

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
    /// JW may have performed the call, but its response is not what its API documents.
    #[error(
        "{what}: JW's response ({}) is not what its API documents; check JW_API_URL",
        .status.as_u16()
    )]
    Unreadable { what: String, status: StatusCode },
    /// JW lists the webhook, but does not return it.
    #[error("JW lists webhook {id}, but answers 404 to a request for it; try again")]
    Contradiction { id: String },
    /// JW returns the same webhooks page after page.
    #[error(
        "JW's list of webhooks does not end: after {listed} webhooks, each page has only webhooks of \
         earlier pages; check JW_API_URL, then try again"
    )]
    EndlessList { listed: usize },
    /// JW's rate limit, even after waiting.
    #[error(
        "{what}: JW still answers 429 (too many requests); check what else uses this API secret, then \
         try again"
    )]
    TooManyRequests { what: String },
}

impl Problem {
    /// Whether JW may have performed the call in spite of the error. A gateway's 5xx does not say whether
    /// the server behind the gateway did.
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
    /// JW's error text, if it may be quoted.
    pub said: Option<String>,
}

impl Answer {
    /// The response, if it has this status.
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

/// The text of an error's body: JW's codes and descriptions, a JSON string, or plain text.
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
        // this may be a new webhook with its secret
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
