//! Requests as JW sends them, and malformed or forged ones.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use std::time::{SystemTime, UNIX_EPOCH};

/// The sample secret in JW's documentation.
pub const SECRET: &str = "efZQiWvaaoqx1Hpgi-hhLGInZUhWa1UyWjVaVk5ZVldoR2FVZERja3BoV0hWNE4xTjYn";

/// The secret of another webhook.
pub const OTHER_SECRET: &str = "Xk2pQz7uVw9sTn4bYd1cRf6gHj3kLm8aQp5oWi0eZx7vBn2mAs9dFg4hJk1lPo6i";

/// The sample event in JW's documentation.
pub const MEDIA_AVAILABLE: &str = r#"{"event":"media_available","media_id":"UUhbHm6C","webhook_id":"7Rav0hC5","site_id":"jsPxIVHl","event_time":"2023-11-14T22:30:10+00:00"}"#;

/// A sample event of a live channel, from another webhook.
pub const CHANNEL_ACTIVE: &str = r#"{"event":"channel_active","channel_id":"YijbmYHJ","webhook_id":"2yW4KmiG","site_id":"9KboGBFu","event_time":"2024-08-29T03:01:24+00:00"}"#;

/// The sample event with these members replaced, added, or removed (null).
pub fn event(changes: Value) -> String {
    let mut claims: Value = serde_json::from_str(MEDIA_AVAILABLE).expect("JSON");
    for (name, value) in changes.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    claims.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    claims.to_string()
}

/// JSON of exactly this many bytes: the sample event and white space.
pub fn padded(length: usize) -> String {
    MEDIA_AVAILABLE.to_owned() + &" ".repeat(length - MEDIA_AVAILABLE.len())
}

/// The time this many seconds from now, in JW's format.
pub fn at(seconds_from_now: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let then = i64::try_from(now).expect("a time") + seconds_from_now;
    let t = time::OffsetDateTime::from_unix_timestamp(then).expect("a time");
    let (year, month, day) = t.to_calendar_date();
    let (hour, minute, second) = t.to_hms();
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+00:00", u8::from(month))
}

/// The signature part of a token with this signing input.
pub fn sign(input: &str, key: impl AsRef<[u8]>) -> String {
    let mut hmac =
        Hmac::<Sha256>::new_from_slice(key.as_ref()).expect("HMAC takes a key of any length");
    hmac.update(input.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(hmac.finalize().into_bytes())
}

/// A token with any header and claims, and a correct signature.
pub fn token(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> String {
    let input = format!(
        "{}.{}",
        BASE64_URL_SAFE_NO_PAD.encode(header),
        BASE64_URL_SAFE_NO_PAD.encode(claims)
    );
    format!("{input}.{}", sign(&input, key))
}

/// One HTTP request, before a gateway turns it into an event.
#[derive(Clone)]
pub struct Delivery {
    method: String,
    path: String,
    headers: Map<String, Value>,
    body: Vec<u8>,
    base64: bool,
}

impl Delivery {
    /// A delivery from JW: these claims, signed with the sample secret, and the same text as the
    /// body.
    pub fn of(claims: impl AsRef<[u8]>) -> Self {
        Self::signed(claims, SECRET)
    }

    pub fn signed(claims: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        let token = token(r#"{"alg":"HS256","typ":"JWT"}"#, &claims, key);
        let delivery = Self {
            method: "POST".into(),
            path: "/webhooks/jwplayer".into(),
            headers: Map::new(),
            body: Vec::new(),
            base64: false,
        };
        delivery
            .header("content-type", "application/json")
            .header("host", "abc123.execute-api.eu-west-1.amazonaws.com")
            .token(&token)
            .body(claims)
    }

    pub fn method(mut self, method: &str) -> Self {
        self.method = method.into();
        self
    }

    pub fn path(mut self, path: &str) -> Self {
        self.path = path.into();
        self
    }

    pub fn token(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Sets a header to one value, or to several as a JSON array.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// Sets the HTTP body. A body that is not text is encoded in base64, as by a gateway.
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    pub fn in_base64(mut self) -> Self {
        self.base64 = true;
        self
    }

    pub fn bearer(&self) -> &str {
        let value = self.headers["authorization"].as_str().expect("an Authorization header");
        value.strip_prefix("Bearer ").expect("a bearer token")
    }

    /// The HTTP API event (payload format 2.0).
    pub fn event(&self) -> Value {
        let (body, base64) = match std::str::from_utf8(&self.body) {
            Ok(text) if !self.base64 => (text.to_owned(), false),
            _ => (BASE64_STANDARD.encode(&self.body), true),
        };
        json!({
            "version": "2.0",
            "routeKey": format!("POST {}", self.path),
            "rawPath": self.path,
            "rawQueryString": "",
            "headers": self.headers,
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "abc123",
                "domainName": "abc123.execute-api.eu-west-1.amazonaws.com",
                "domainPrefix": "abc123",
                "http": {"method": self.method, "path": self.path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "jw"},
                "requestId": "gateway-request-id=",
                "routeKey": format!("POST {}", self.path),
                "stage": "$default",
                "time": "14/Nov/2023:22:30:11 +0000",
                "timeEpoch": 1_700_001_011_000_u64,
            },
            "body": body,
            "isBase64Encoded": base64,
        })
    }
}
