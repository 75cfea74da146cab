//! Checks a captured request with the function's rules, without sending its event.

use std::time::{Duration, SystemTime};

use lambda_http::http::Method;

use super::Request;
use crate::event::VerifiedEvent;
use crate::key_ring::KeyRing;
use crate::rejection::Rejection;
use crate::token::UnverifiedToken;

/// Checks a POST with this Authorization header and body as of `now`. Returns the request's event.
pub fn check(
    authorization: &str,
    body: &[u8],
    ring: &KeyRing,
    max_event_age: Option<Duration>,
    now: SystemTime,
) -> Result<VerifiedEvent, Rejection> {
    let request = Request {
        method: Method::POST.as_str().into(),
        authorization: vec![authorization.into()],
        content_encoding: Vec::new(),
        body: body.into(),
    };
    let delivery = request.delivery()?;
    let token = UnverifiedToken::parse(delivery.token)?;
    let event = VerifiedEvent::from(token.verify(ring, delivery.body, now)?);
    event.check_age(max_event_age, now)?;
    Ok(event)
}
