//! The input has one `Authorization` header per line, in which `@` stands for a valid token. The
//! function may accept a request only if its one header is `Bearer` and that token.
#![no_main]

use jw_webhook_forwarder_fuzz::event::HttpEvent;
use jw_webhook_forwarder_fuzz::stand_in::invoke;
use jw_webhook_forwarder_fuzz::{EVENT, HEADER, token};
use libfuzzer_sys::fuzz_target;

fn is_bearer(value: &str, token: &str) -> bool {
    let Some(rest) = value.strip_suffix(token) else { return false };
    let (scheme, spaces) = rest.split_at_checked(6).unwrap_or_default();
    scheme.eq_ignore_ascii_case("bearer")
        && !spaces.is_empty()
        && spaces.bytes().all(|byte| byte == b' ')
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let good = token(HEADER, EVENT.as_bytes());
    let values: Vec<_> = text.split('\n').map(|line| line.replace('@', &good)).collect();
    let is_good = matches!(&values[..], [value] if is_bearer(value, &good));
    let headers = values.into_iter().map(|value| ("authorization".to_owned(), value));
    let event = HttpEvent {
        method: "POST".to_owned(),
        headers: headers.collect(),
        body: EVENT.as_bytes().to_vec(),
        ..HttpEvent::default()
    };
    let outcome = invoke(&event.json(), None);
    assert_eq!(outcome.status(), if is_good { 200 } else { 401 });
    assert_eq!(outcome.queued.len(), usize::from(is_good));
});
