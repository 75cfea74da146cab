//! A request: a line with the method, lines with headers (`name: value`), an empty line, the body. A value
//! that ends in `@` gets a token that signs the body in its place.
#![no_main]

use jw_webhook_forwarder_fuzz::stand_in::answer;
use jw_webhook_forwarder_fuzz::{HEADER, assert_sound, json, token};
use lambda_http::http::{HeaderName, HeaderValue, Method};
use lambda_http::{Body, Context, Request, RequestExt};
use libfuzzer_sys::fuzz_target;

fn split_once<'d>(data: &'d [u8], at: &[u8]) -> Option<(&'d [u8], &'d [u8])> {
    let index = data.windows(at.len()).position(|window| window == at)?;
    Some((&data[..index], &data[index + at.len()..]))
}

fn request(data: &[u8]) -> Option<Request> {
    let (head, body) = split_once(data, b"\n\n")?;
    let mut lines = head.split(|byte| *byte == b'\n');
    let mut request = Request::new(Body::Binary(body.to_vec()));
    *request.method_mut() = Method::from_bytes(lines.next()?).ok()?;
    let mut context = Context::default();
    for line in lines {
        let (name, value) = split_once(line, b": ")?;
        let value = if let Some(scheme) = value.strip_suffix(b"@") {
            [scheme, token(HEADER, body).as_bytes()].concat()
        } else {
            value.to_vec()
        };
        if name == b"x-amzn-trace-id" {
            context.xray_trace_id = String::from_utf8(value.clone()).ok();
        }
        request
            .headers_mut()
            .append(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(&value).ok()?);
    }
    Some(request.with_lambda_context(context))
}

fuzz_target!(|data: &[u8]| {
    let Some(request) = request(data) else { return };
    let body = request.body().to_vec();
    let is_post = request.method() == Method::POST;
    let values: Vec<_> = request.headers().get_all("authorization").iter().cloned().collect();
    let (response, sent) = answer(request);
    let status = response.status().as_u16();
    assert!(matches!(status, 200 | 400 | 401 | 405 | 413 | 415), "{status}");
    assert_eq!(sent.len(), usize::from(status == 200), "{status}");
    if status == 401 {
        assert_eq!(response.body().to_vec(), br#"{"error":"unauthorized"}"#);
    }
    if let [message] = &sent[..] {
        assert!(is_post, "accepted without POST");
        let [value] = &values[..] else { panic!("accepted without one Authorization") };
        let token = value.to_str().expect("ASCII").rsplit(' ').next().expect("a token");
        // U+FFFE and U+FFFF are written as escapes: the same JSON, and the payload otherwise
        let sent = json::parse(message.as_bytes()).expect("the message is JSON");
        assert_eq!(sent, json::parse(&body).expect("the body is JSON"));
        if !message.contains("\\ufff") {
            assert_sound(token, &body, message.as_bytes());
        }
    }
});
