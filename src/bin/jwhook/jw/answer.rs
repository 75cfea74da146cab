//! What JW answers, and what is said of an answer that wasn't expected.

use reqwest::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::secret::ApiSecret;
use super::webhook::Webhook;
use crate::output::plain;

/// The most of an unexpected answer that is quoted: characters.
const MAX_QUOTE: usize = 300;

/// Why a call didn't do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// JW may have done it, or not.
    #[error("{what}: no answer from JW ({why}); check the network and JW_API_URL, then try again")]
    NoAnswer { what: String, why: String, timed_out: bool },
    /// JW never heard of it.
    #[error("{what}: the request cannot be made ({why}); check JW_API_URL and JW's API secret")]
    NotSent { what: String, why: String },
    /// JW said that it didn't do it.
    #[error("{what}: JW answered {}{}{}", .status.as_u16(), .said, advice(*.status))]
    Refused { what: String, status: StatusCode, said: String },
    /// JW did it, or says so, in words that we can't read.
    #[error("{what}: JW's answer ({}) isn't what its API documents", .status.as_u16())]
    Unreadable { what: String, status: StatusCode },
    /// JW has it, and says that it hasn't.
    #[error("JW lists webhook {id}, and says 404 when asked for it: try again")]
    Contradiction { id: String },
    /// JW answers with the same webhooks for ever.
    #[error(
        "JW's list of webhooks does not end: after {listed} webhooks, page after page brings only \
         webhooks that were listed before; try again, and check JW_API_URL"
    )]
    EndlessList { listed: usize },
    /// JW's limit, however long we waited.
    #[error("{what}: JW still says 429, too many requests; who else uses this API secret?")]
    TooManyRequests { what: String },
}

impl Problem {
    /// Whether JW may have done what was asked: a gateway that gave up says nothing of what is behind it.
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

/// An answer with any status.
pub(super) struct Answer {
    pub what: String,
    pub status: StatusCode,
    pub body: Zeroizing<Vec<u8>>,
    /// What JW says in it, where that may be quoted.
    pub said: Option<String>,
}

impl Answer {
    /// The answer, if its status is this one.
    pub fn expect(self, status: StatusCode) -> Result<Self, Problem> {
        match self.said {
            _ if self.status == status => Ok(self),
            None => Err(Problem::Unreadable { what: self.what, status: self.status }),
            Some(said) => Err(Problem::Refused { what: self.what, status: self.status, said }),
        }
    }

    /// What it holds.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        // serde_json's error could quote a secret
        serde_json::from_slice(&self.body).map_err(|_| self.unreadable())
    }

    /// The webhook that it holds. One without an id would not be JW's.
    pub fn resource(&self) -> Result<Webhook, Problem> {
        let webhook: Webhook = self.json()?;
        if webhook.id.is_empty() { Err(self.unreadable()) } else { Ok(webhook) }
    }

    fn unreadable(&self) -> Problem {
        Problem::Unreadable { what: self.what.clone(), status: self.status }
    }
}

/// What an error's body says: JW's codes and descriptions, a bare string, or whatever text it is.
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
        // a webhook's resource, perhaps, with the secret that JW shows once
        if text.contains("\"secret\"") { String::new() } else { text }
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = secret.cut_out_of(&line);
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
