//! The input is a request: a line with the method, lines with headers (`name: value`), an empty
//! line, and the body. A token that signs the body replaces the `@` at the end of a header's value.
//! A line `@name: json` adds a member to the event, `@@name: json` to the event's `requestContext`,
//! and `@@@name: json` to the `http` in it. The function does not need these members.
#![no_main]

use jw_webhook_forwarder_fuzz::event::HttpEvent;
use jw_webhook_forwarder_fuzz::stand_in::{invoke, invoke_without_secret};
use jw_webhook_forwarder_fuzz::{HEADER, assert_may_be_held, assert_queued, token};
use libfuzzer_sys::fuzz_target;

fn split_once<'d>(data: &'d [u8], at: &[u8]) -> Option<(&'d [u8], &'d [u8])> {
    let index = data.windows(at.len()).position(|window| window == at)?;
    Some((&data[..index], &data[index + at.len()..]))
}

fn request(data: &[u8]) -> Option<HttpEvent> {
    let (head, body) = split_once(data, b"\n\n")?;
    let mut lines = std::str::from_utf8(head).ok()?.split('\n');
    let mut request = HttpEvent { body: body.to_vec(), ..HttpEvent::default() };
    request.method = lines.next()?.to_owned();
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        let unneeded = name.trim_start_matches('@');
        if let Some(depth) = (name.len() - unneeded.len()).checked_sub(1) {
            request.add_unneeded(depth, unneeded, value).then_some(())?;
            continue;
        }
        let value = match value.strip_suffix('@') {
            Some(scheme) => format!("{scheme}{}", token(HEADER, body)),
            None => value.to_owned(),
        };
        request.headers.push((name.to_owned(), value));
    }
    Some(request)
}

/// The token of a request that the function accepted or held.
fn the_token(request: &HttpEvent) -> &str {
    assert_eq!(request.method, "POST");
    let is_authorization = |name: &str| name.eq_ignore_ascii_case("authorization");
    let mut values = request.headers.iter().filter(|(name, _)| is_authorization(name));
    let (Some((_, value)), None) = (values.next(), values.next()) else {
        panic!("accepted or held a request without exactly one Authorization header")
    };
    value.rsplit(' ').next().expect("a token")
}

fuzz_target!(|data: &[u8]| {
    let Some(request) = request(data) else { return };
    let event = request.json();
    let is_trace = |name: &str| name == "x-amzn-trace-id";
    let trace = request.headers.iter().find(|(name, _)| is_trace(name));
    let outcome = invoke(&event, trace.map(|(_, trace)| trace.clone()));
    let status = outcome.status();
    assert!(matches!(status, 200 | 400 | 401 | 405 | 413 | 415), "{status}");
    assert_eq!(outcome.queued.len(), usize::from(status == 200), "{status}");
    assert!(outcome.held.is_empty(), "the function held an event although it has a secret");
    if status == 401 {
        assert_eq!(outcome.answer.expect("one")["body"], r#"{"error":"unauthorized"}"#);
    }
    if let [message] = &outcome.queued[..] {
        assert_queued(the_token(&request), &request.body, message);
    }

    let outcome = invoke_without_secret(&event);
    assert!([status, 503].contains(&outcome.status()), "{status} and {}", outcome.status());
    assert!(outcome.queued.is_empty(), "the function sent an event without a secret");
    assert!(
        status != 200 || outcome.held.len() == 1,
        "the function did not hold an event that its secret would verify"
    );
    if let [held] = &outcome.held[..] {
        assert_eq!(held, the_token(&request));
        assert_may_be_held(held, &request.body);
    }
});
