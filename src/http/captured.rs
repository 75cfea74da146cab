//! A captured request, checked as the function would check it, without sending its event.

use std::time::{Duration, SystemTime};

use lambda_http::http::header::AUTHORIZATION;
use lambda_http::http::{HeaderValue, Method};
use lambda_http::{Context, Request};
use time::OffsetDateTime;

use super::delivery;
use crate::event::VerifiedEvent;
use crate::key_ring::KeyRing;
use crate::rejection::Refusal;
use crate::token::UnverifiedToken;

/// The event of a POST with this Authorization header and this body, as it is at `now`.
pub fn check(
    authorization: HeaderValue,
    body: Vec<u8>,
    ring: &KeyRing,
    max_event_age: Option<Duration>,
    now: SystemTime,
) -> Result<VerifiedEvent, Refusal> {
    let mut request = Request::new(body.into());
    *request.method_mut() = Method::POST;
    request.headers_mut().insert(AUTHORIZATION, authorization);
    let context = Context::default();
    let delivery = delivery(&request, &context)?;
    let token = UnverifiedToken::parse(delivery.token)?;
    let event: VerifiedEvent = token.verify(ring, delivery.body, now)?.into();
    let within = |limit| event.is_within(limit, OffsetDateTime::from(now));
    if max_event_age.is_none_or(within) { Ok(event) } else { Err(Refusal::EventStale) }
}
