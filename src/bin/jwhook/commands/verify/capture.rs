//! Reads a captured request.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use jw_webhook_forwarder::event::VerifiedEvent;
use jw_webhook_forwarder::http::captured;
use jw_webhook_forwarder::key_ring::KeyRing;
use jw_webhook_forwarder::rejection::Rejection;
use reqwest::header::HeaderValue;

/// A request, and the time and the age limit for its check.
pub struct Capture {
    pub authorization: HeaderValue,
    pub body: Vec<u8>,
    pub max_event_age: Option<Duration>,
    pub at: SystemTime,
}

impl Capture {
    /// Checks the request with the function's own rules.
    pub fn check(&self, ring: &KeyRing) -> Result<VerifiedEvent, Rejection> {
        let authorization = String::from_utf8_lossy(self.authorization.as_bytes());
        captured::check(&authorization, &self.body, ring, self.max_event_age, self.at)
    }
}

/// The Authorization header's value. The file holds the token alone, `Bearer` and the token, or the whole
/// header line.
pub fn authorization(bytes: &[u8], file: &str) -> Result<HeaderValue> {
    const NAME: &[u8] = b"authorization:";
    let line = bytes.trim_ascii();
    let value = match line.split_at_checked(NAME.len()) {
        Some((name, value)) if name.eq_ignore_ascii_case(NAME) => value.trim_ascii(),
        _ => line,
    };
    ensure!(!value.is_empty(), "{file} holds no token: give the token or the Authorization line");
    let is_bare =
        !value.iter().any(u8::is_ascii_whitespace) && !value.eq_ignore_ascii_case(b"Bearer");
    let value = if is_bare { [b"Bearer ", value].concat() } else { value.to_vec() };
    let mut value = HeaderValue::from_bytes(&value).ok().with_context(|| {
        format!(
            "{file} holds more than one line, or characters that a header cannot have: give only the \
             token or the Authorization line"
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_read_with_or_without_bearer_and_header_name() {
        for text in [
            "a.b.c",
            "a.b.c\n",
            "Bearer a.b.c\r\n",
            "Authorization: Bearer a.b.c\n",
            "authorization:Bearer a.b.c",
            "Authorization: a.b.c",
        ] {
            assert_eq!(authorization(text.as_bytes(), "f").unwrap(), "Bearer a.b.c", "{text:?}");
        }
        assert_eq!(authorization(b"Basic a.b.c", "f").unwrap(), "Basic a.b.c");
        assert_eq!(authorization(b"Bearer \n", "f").unwrap(), "Bearer");
        for text in ["", "\n", "Authorization:\n", "POST / HTTP/1.1\nAuthorization: Bearer a.b.c"] {
            assert!(authorization(text.as_bytes(), "f").is_err(), "{text:?}");
        }
    }
}
