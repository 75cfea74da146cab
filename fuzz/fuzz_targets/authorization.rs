//! `Authorization` headers, a line each, `@` in them a good token: accepted when one header is `Bearer` and that.
#![no_main]

use jw_webhook_forwarder_fuzz::stand_in::answer;
use jw_webhook_forwarder_fuzz::{EVENT, HEADER, token};
use lambda_http::http::header::AUTHORIZATION;
use lambda_http::http::{HeaderValue, Method};
use lambda_http::{Body, Context, Request, RequestExt};
use libfuzzer_sys::fuzz_target;

fn is_bearer(value: &[u8], token: &str) -> bool {
    let Some(rest) = value.strip_suffix(token.as_bytes()) else { return false };
    rest.len() > 6
        && rest[..6].eq_ignore_ascii_case(b"bearer")
        && rest[6..].iter().all(|&byte| byte == b' ')
}

fuzz_target!(|data: &[u8]| {
    let good = token(HEADER, EVENT.as_bytes());
    let mut request = Request::new(Body::from(EVENT)).with_lambda_context(Context::default());
    *request.method_mut() = Method::POST;
    let mut values = Vec::new();
    for line in data.split(|byte| *byte == b'\n') {
        let parts: Vec<&[u8]> = line.split(|byte| *byte == b'@').collect();
        let value = parts.join(good.as_bytes());
        let Ok(header) = HeaderValue::from_bytes(&value) else { return };
        request.headers_mut().append(AUTHORIZATION, header);
        values.push(value);
    }
    let expected = if values.len() == 1 && is_bearer(&values[0], &good) { 200 } else { 401 };
    let (response, sent) = answer(request);
    assert_eq!(response.status().as_u16(), expected);
    assert_eq!(sent.len(), usize::from(expected == 200));
});
