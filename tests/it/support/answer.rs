//! The result of a request: the answer, the operator's log line, and the check that the two agree.

use super::wide_event;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Debug)]
pub struct Answer {
    pub status: u64,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
    pub took: Duration,
    /// `took` minus the time in which the machine had no CPU for the function or the test.
    pub waited: Duration,
    /// The request's wide event.
    pub log: Value,
    request_id: String,
}

impl Answer {
    pub fn new(
        payload: &Value,
        (took, waited): (Duration, Duration),
        request_id: String,
        log: Value,
    ) -> Self {
        let headers = payload["headers"].as_object().into_iter().flatten();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Self {
            status: payload["statusCode"]
                .as_u64()
                .unwrap_or_else(|| panic!("not an HTTP answer: {payload}")),
            headers: headers.map(|(name, value)| (name.to_lowercase(), text(value))).collect(),
            body: serde_json::from_str(payload["body"].as_str().unwrap_or_default())
                .unwrap_or_default(),
            took,
            waited,
            log,
            request_id,
        }
    }

    /// Returns `200 accepted`, `503 held` with the reason, or the status with the reason. Also
    /// checks everything that the contract requires of such an answer and its log line.
    #[track_caller]
    pub fn verdict(&self) -> String {
        wide_event::check(&self.log);
        let reason = self.log["reason"].as_str().unwrap_or_default();
        let outcome = self.log["outcome"].as_str().unwrap_or_default();
        assert_eq!(self.log["status"], self.status, "{self:#?}");
        assert_eq!(self.log["request_id"], self.request_id, "{self:#?}");
        assert_eq!(self.log["source"], "webhook", "{self:#?}");
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:#?}");
        let outcomes: &[&str] = match (self.status, reason) {
            (200, _) => &["accepted"],
            (503, "secret_unavailable" | "secret_invalid") => &["held", "failed"],
            (503, _) => &["failed"],
            _ => &["refused"],
        };
        assert!(outcomes.contains(&outcome), "{self:#?}");
        if self.status == 200 {
            self.check_receipt();
        } else {
            let (body, header) = rejection(self.status);
            assert_eq!(self.body, json!({"error": body}), "{self:#?}");
            for (name, value) in
                [("allow", "POST"), ("www-authenticate", "Bearer"), ("retry-after", "5")]
            {
                let expected = (header == name).then_some(value);
                assert_eq!(self.header(name), expected, "{name}: {self:#?}");
            }
        }
        match outcome {
            "accepted" => "200 accepted".to_owned(),
            "held" => format!("503 held {reason}"),
            _ => format!("{} {reason}", self.status),
        }
    }

    pub fn is_lost(&self) -> bool {
        self.log["Lost"] == 1
    }

    /// The event ID in the receipt.
    pub fn event_id(&self) -> &str {
        self.body["event_id"].as_str().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    #[track_caller]
    fn check_receipt(&self) {
        let members: Vec<_> = self.body.as_object().expect("a receipt").keys().collect();
        assert_eq!(members, ["event_id", "message_id"]);
        assert_eq!(self.body["event_id"], self.log["event_id"]);
        assert_eq!(self.body["message_id"], self.log["message_id"]);
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        assert!(self.event_id().len() == 64 && self.event_id().bytes().all(hex), "{self:#?}");
    }
}

/// The error in the body and the header that an answer with this status must have.
#[track_caller]
fn rejection(status: u64) -> (&'static str, &'static str) {
    match status {
        400 => ("bad_request", ""),
        401 => ("unauthorized", "www-authenticate"),
        405 => ("method_not_allowed", "allow"),
        413 => ("content_too_large", ""),
        415 => ("unsupported_media_type", ""),
        503 => ("service_unavailable", "retry-after"),
        _ => panic!("not a status in the contract: {status}"),
    }
}
