//! What came of a request: the answer, the line that the operator reads, and whether they agree.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Decided before the signature is known to be right: nothing of the claims may be logged.
const UNVERIFIED: [&str; 9] = [
    "method_not_allowed",
    "body_too_large",
    "content_encoding_unsupported",
    "authorization_missing",
    "authorization_malformed",
    "token_malformed",
    "algorithm_not_allowed",
    "webhook_unknown",
    "signature_invalid",
];

#[derive(Debug)]
pub struct Answer {
    pub status: u64,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
    pub took: Duration,
    /// The request's wide event.
    pub log: Value,
    request_id: String,
}

impl Answer {
    pub fn new(payload: &Value, took: Duration, request_id: String, log: Value) -> Self {
        let headers = payload["headers"].as_object().into_iter().flatten();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Self {
            status: payload["statusCode"]
                .as_u64()
                .unwrap_or_else(|| panic!("no HTTP answer: {payload}")),
            headers: headers.map(|(name, value)| (name.to_lowercase(), text(value))).collect(),
            body: serde_json::from_str(payload["body"].as_str().unwrap_or_default())
                .unwrap_or_default(),
            took,
            log,
            request_id,
        }
    }

    /// `200 accepted`, or the status and the reason. Whatever the verdict, all that the contract
    /// says of such an answer and of its line in the log is checked on the way.
    #[track_caller]
    pub fn verdict(&self) -> String {
        let reason = self.log["reason"].as_str();
        assert_eq!(self.log["status"], self.status, "{self:#?}");
        assert_eq!(self.log["request_id"], self.request_id, "{self:#?}");
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:#?}");
        match self.status {
            200 => self.check_receipt(reason),
            503 => assert_eq!(self.log["outcome"], "failed", "{self:#?}"),
            _ => assert_eq!(self.log["outcome"], "refused", "{self:#?}"),
        }
        if self.status != 200 {
            let (body, header) = rejection(self.status);
            assert_eq!(self.body, json!({"error": body}), "{self:#?}");
            for (name, value) in
                [("allow", "POST"), ("www-authenticate", "Bearer"), ("retry-after", "5")]
            {
                let expected = (header == name).then_some(value);
                assert_eq!(self.header(name), expected, "{name}: {self:#?}");
            }
            assert!(self.log["message_id"].is_null(), "{self:#?}");
        }
        if UNVERIFIED.contains(&reason.unwrap_or_default()) {
            for name in ["event_id", "event", "webhook_id", "site_id", "event_age_ms"] {
                assert!(self.log[name].is_null(), "{name}: {self:#?}");
            }
        }
        format!("{} {}", self.status, reason.unwrap_or("accepted"))
    }

    /// The receipt's event id.
    pub fn event_id(&self) -> &str {
        self.body["event_id"].as_str().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    #[track_caller]
    fn check_receipt(&self, reason: Option<&str>) {
        assert_eq!((&self.log["outcome"], reason), (&json!("accepted"), None), "{self:#?}");
        let members: Vec<_> = self.body.as_object().expect("a receipt").keys().collect();
        assert_eq!(members, ["event_id", "message_id"]);
        assert_eq!(self.body["event_id"], self.log["event_id"]);
        assert_eq!(self.body["message_id"], self.log["message_id"]);
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        assert!(self.event_id().len() == 64 && self.event_id().bytes().all(hex), "{self:#?}");
    }
}

/// The error in the body, and the one header that comes with the status.
#[track_caller]
fn rejection(status: u64) -> (&'static str, &'static str) {
    match status {
        400 => ("bad_request", ""),
        401 => ("unauthorized", "www-authenticate"),
        405 => ("method_not_allowed", "allow"),
        413 => ("content_too_large", ""),
        415 => ("unsupported_media_type", ""),
        503 => ("service_unavailable", "retry-after"),
        _ => panic!("no status of the contract: {status}"),
    }
}
