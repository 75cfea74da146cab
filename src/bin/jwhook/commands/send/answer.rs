//! The endpoint's response, and what to do if it is not a 200.

use jw_webhook_forwarder::rejection::{Refusal, Rejection};
use reqwest::{StatusCode, Url};
use serde::Serialize;
use serde_json::{Map, Value};

use super::post::Answer;
use crate::output::plain;
use crate::verdict::Verdict;

/// How many characters of an unexpected response are quoted.
const MAX_QUOTE: usize = 100;

/// An event that was sent, and the response.
#[derive(Debug, Serialize)]
pub struct Sent {
    url: String,
    event: Option<String>,
    webhook_id: Option<String>,
    status: u16,
    duration_ms: u64,
    event_id: Option<String>,
    message_id: Option<String>,
    /// The text of an error response.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Sent {
    pub fn new(url: &Url, event: &Map<String, Value>, answer: Answer, token: &str) -> Self {
        let members: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let member = |name: &str| members.get(name).and_then(Value::as_str).map(printable);
        let was_taken = answer.status == StatusCode::OK;
        // the function says `error`, API Gateway `message`, Lambda `Message`
        let said = ["error", "message", "Message"].into_iter().find_map(member);
        let claim = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            url: url.to_string(),
            event: claim("event"),
            webhook_id: claim("webhook_id"),
            status: answer.status.as_u16(),
            duration_ms: u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX),
            event_id: was_taken.then(|| member("event_id")).flatten(),
            message_id: was_taken.then(|| member("message_id")).flatten(),
            answer: said.filter(|said| !was_taken && !quotes(said, token)),
            advice: None,
        }
    }

    /// Adds the advice. `refusal` is set if jwhook's own check refuses the event.
    pub fn advised(mut self, log_group: Option<&str>, refusal: Option<Refusal>) -> Self {
        self.advice = match self.verdict() {
            Verdict::Good => None,
            Verdict::Bad => Some(advice(self.status, log_group, refusal)),
        };
        self
    }

    /// Whether the event is in the queue: only the forwarder returns a message id.
    pub fn verdict(&self) -> Verdict {
        let is_queued = self.status == 200 && self.message_id.is_some();
        if is_queued { Verdict::Good } else { Verdict::Bad }
    }

    pub fn text(&self) -> String {
        let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let said = self.answer.as_ref().map(|said| format!(" ({said})")).unwrap_or_default();
        let mut lines = vec![
            format!("{} of webhook {} to {}", word(&self.event), word(&self.webhook_id), self.url),
            format!("status      {}{said}, after {} ms", self.status, self.duration_ms),
        ];
        lines.extend(self.event_id.as_ref().map(|id| format!("event_id    {id}")));
        lines.extend(self.message_id.as_ref().map(|id| format!("message_id  {id}")));
        lines.extend(self.advice.as_ref().map(|advice| format!("what to do  {advice}")));
        lines.join("\n")
    }
}

/// Makes text from outside safe for a terminal, and shortens it.
fn printable(text: &str) -> String {
    plain(text).chars().take(MAX_QUOTE).collect()
}

/// Whether a response repeats a part of the token, which must not be shown.
fn quotes(said: &str, token: &str) -> bool {
    said.split(|character: char| {
        !character.is_ascii_alphanumeric() && character != '-' && character != '_'
    })
    .any(|word| word.len() > 15 && token.contains(word))
}

fn advice(status: u16, log_group: Option<&str>, refusal: Option<Refusal>) -> String {
    let log = match log_group {
        Some(name) => format!("the function's log (aws logs tail {name} --since 5m)"),
        None => "the function's log".to_owned(),
    };
    match (status, refusal) {
        (401, Some(refusal)) => format!(
            "the function refuses the event. jwhook's own check with the current keys in the secret refuses \
             it too: {} ({refusal})",
            Rejection::from(refusal).reason()
        ),
        (401, None) => format!(
            "the event is good with the secret's current value, so the function may have an older \
             value: send the event again in a minute, because the function fetches the secret \
             again for such an event. If the function still refuses the event, it reads another \
             secret, or something other than the function answered; see `reason` in {log}"
        ),
        (404 | 405, _) => "the URL is wrong: compare it with the stack's output WebhookUrl; the \
                           function's path is POST /webhooks/jwplayer"
            .to_owned(),
        (400, _) => {
            "the gateway or the function cannot read the event as JSON. An event above about 7 KB \
             exceeds the gateway's limit of 10,240 bytes for all headers: deploy with \
             Endpoint=FunctionUrl"
                .to_owned()
        }
        (431 | 494, _) => {
            "the token, which holds the whole event, exceeds the gateway's limit of 10,240 bytes for all \
             headers: deploy with Endpoint=FunctionUrl"
                .to_owned()
        }
        (403, _) => "the gateway or the Function URL denies access, or the URL is wrong: check the URL, \
                     its resource policy, and the permission of the function's alias"
            .to_owned(),
        (413, _) => "the event is larger than 262,144 bytes".to_owned(),
        (429, _) => {
            "the gateway or Lambda throttled the request: raise ThrottlingRateLimit, or the \
             function's ReservedConcurrency".to_owned()
        }
        (503, _) => format!(
            "the function could not get the secret or send to the queue: the ERROR lines in {log} \
             say which of the two failed, and what to do. If the secret was the cause, the \
             function holds the event and forwards it later"
        ),
        (500..=599, _) => format!("the function or the gateway failed: see {log}"),
        (300..=399, _) => {
            "the endpoint redirects, and JW may not follow: use the URL to which the endpoint redirects".to_owned()
        }
        (200..=299, _) => "something other than the forwarder answered (the forwarder answers 200 with a \
                           message_id): check the URL"
            .to_owned(),
        _ => format!("the forwarder never answers with this status: check the URL, then {log}"),
    }
}
