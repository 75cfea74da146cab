//! The input is a token and a body. If the first byte is even, the token's text, a newline and the
//! body follow. If it is odd, a header, claims and a body follow, with 0xff between them, and the
//! target signs the header and the claims. An empty header stands for JW's header, and an empty
//! body for the claims.
#![no_main]

use jw_webhook_forwarder::key_ring::KeyRing;
use jw_webhook_forwarder::token::UnverifiedToken;
use jw_webhook_forwarder_fuzz::{HEADER, SECRET, assert_sound, jw_may_send, token};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use std::time::SystemTime;

static RINGS: LazyLock<[KeyRing; 2]> = LazyLock::new(|| {
    [SECRET.to_owned(), format!(r#"{{"7Rav0hC5":"{SECRET}"}}"#)]
        .map(|value| KeyRing::parse(value.as_bytes()).expect("a ring").0)
});

/// Whether the single key and the ring accept the token. Checks that every acceptance is correct.
fn accepted(token: &str, body: &[u8]) -> [bool; 2] {
    let Ok(unverified) = UnverifiedToken::parse(token) else { return [false; 2] };
    RINGS.each_ref().map(|ring| match unverified.verify(ring, body, SystemTime::now()) {
        Ok(verified) => {
            assert_sound(token, body, verified.payload().as_bytes());
            true
        }
        Err(_) => false,
    })
}

fuzz_target!(|data: &[u8]| {
    let Some((first, data)) = data.split_first() else { return };
    if first % 2 == 0 {
        let mut parts = data.splitn(2, |byte| *byte == b'\n');
        let (token, body) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if let Ok(token) = std::str::from_utf8(token) {
            accepted(token, body);
        }
        return;
    }
    let mut parts = data.splitn(3, |byte| *byte == 0xff);
    let mut next = || parts.next().unwrap_or_default();
    let (header, claims, body) = (next(), next(), next());
    let is_jws = header.is_empty() && body.is_empty() && jw_may_send(claims);
    let header = if header.is_empty() { HEADER } else { header };
    let body = if body.is_empty() { claims } else { body };
    let [single, ring] = accepted(&token(header, claims), body);
    assert!(single || !is_jws, "the single key refuses an event that JW may send");
    assert!(single || !ring, "the ring accepts a token, but its key as a single key does not");
});
