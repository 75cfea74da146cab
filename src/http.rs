//! HTTP, and the only place that knows a status code.

use std::convert::Infallible;
use std::future::ready;
use std::time::{Duration, SystemTime};

use lambda_http::http::header::{
    ALLOW, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use lambda_http::{Body, BoxFuture, Context, IntoResponse, Request, RequestExt, Response};
use serde_json::json;

use crate::forwarder::{Delivery, Forwarder};
use crate::queue::Receipt;
use crate::rejection::{Failure, Refusal, Rejection};
use crate::telemetry::WideEvent;
use crate::trace::TraceHeader;

/// The size of an SQS message until AWS raised it in 2025; many queues still have that limit.
const MAX_BODY_BYTES: usize = 262_144;

/// The largest body takes 349,528 bytes in base64url; the rest is for the header, the signature and
/// escapes that the token spells longer than the body.
const MAX_TOKEN_BYTES: usize = 393_216;

/// Lambda's limit, 15 minutes.
const LONGEST_INVOCATION: Duration = Duration::from_secs(900);

/// A response whose body is text already.
///
/// `lambda_http` would ask its content type for a character set to decode it from, and keep the
/// tables of all of them in the binary: 3 % of it.
#[derive(Debug)]
pub struct TextResponse(pub Response<Body>);

impl IntoResponse for TextResponse {
    fn into_response(self) -> BoxFuture<'static, Response<Body>> {
        Box::pin(ready(self.0))
    }
}

/// Answers one request.
pub async fn handle(forwarder: &Forwarder, request: Request) -> Result<TextResponse, Infallible> {
    let context = request.lambda_context();
    let mut wide_event = WideEvent::begin(&context.env_config.function_name, &context.request_id);
    let result = match delivery(&request, &context) {
        Ok(delivery) => forwarder.accept(delivery, &mut wide_event).await,
        Err(refusal) => Err(refusal.into()),
    };
    let response = response(&result);
    wide_event.end(&result, response.status().as_u16());
    Ok(TextResponse(response))
}

fn delivery<'r>(request: &'r Request, context: &Context) -> Result<Delivery<'r>, Refusal> {
    if request.method() != Method::POST {
        return Err(Refusal::MethodNotAllowed);
    }
    if request.body().len() > MAX_BODY_BYTES {
        return Err(Refusal::BodyTooLarge);
    }
    if !request
        .headers()
        .get_all(CONTENT_ENCODING)
        .iter()
        .all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Err(Refusal::ContentEncodingUnsupported);
    }
    Ok(Delivery {
        token: bearer_token(request.headers())?,
        body: request.body(),
        trace: context.xray_trace_id.as_deref().and_then(TraceHeader::parse),
        time_left: time_left(context.deadline()),
    })
}

/// The time until Lambda stops the invocation. A deadline of another age is none: `cargo lambda
/// watch` sends one in 1970.
fn time_left(deadline: SystemTime) -> Duration {
    match deadline.duration_since(SystemTime::now()) {
        Ok(left) => left,
        Err(over) if over.duration() > LONGEST_INVOCATION => Duration::MAX,
        Err(_) => Duration::ZERO,
    }
}

/// The token of `Authorization: Bearer <token>` (RFC 6750, section 2.1).
fn bearer_token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Refusal::AuthorizationMissing);
    };
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .ok_or(Refusal::AuthorizationMalformed)?;
    let token = token.trim_start_matches(' ');
    let is_token = (1..=MAX_TOKEN_BYTES).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if scheme.eq_ignore_ascii_case("Bearer") && is_token {
        Ok(token)
    } else {
        Err(Refusal::AuthorizationMalformed)
    }
}

fn response(result: &Result<Receipt, Rejection>) -> Response<Body> {
    let (status, header, body) = match result {
        Ok(receipt) => (
            StatusCode::OK,
            None,
            json!({ "event_id": receipt.event_id, "message_id": receipt.message_id.to_string() }),
        ),
        Err(rejection) => {
            let (status, error, header) = answer(*rejection);
            (status, header, json!({ "error": error }))
        }
    };
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some((name, value)) = header {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What the caller is told. Why a token was refused is for the operator only.
fn answer(rejection: Rejection) -> (StatusCode, &'static str, Option<(HeaderName, &'static str)>) {
    match rejection {
        Rejection::Refused(refusal) => match refusal {
            Refusal::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", Some((ALLOW, "POST")))
            }
            Refusal::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "content_too_large", None),
            Refusal::ContentEncodingUnsupported => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", None)
            }
            Refusal::BodyMalformed => (StatusCode::BAD_REQUEST, "bad_request", None),
            Refusal::AuthorizationMissing
            | Refusal::AuthorizationMalformed
            | Refusal::TokenMalformed
            | Refusal::AlgorithmNotAllowed
            | Refusal::WebhookUnknown
            | Refusal::SignatureInvalid
            | Refusal::ClaimsMalformed
            | Refusal::ClaimsNotValid
            | Refusal::BodyMismatch
            | Refusal::EventStale => {
                (StatusCode::UNAUTHORIZED, "unauthorized", Some((WWW_AUTHENTICATE, "Bearer")))
            }
        },
        Rejection::Failed(failure) => match failure {
            Failure::SecretUnavailable
            | Failure::SecretInvalid
            | Failure::QueueUnavailable
            | Failure::QueueRefused => {
                (StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", Some((RETRY_AFTER, "5")))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorization(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn only_a_deadline_of_another_age_is_none() {
        assert_eq!(time_left(SystemTime::now() - Duration::from_millis(1)), Duration::ZERO);
        assert_eq!(time_left(SystemTime::UNIX_EPOCH + Duration::from_secs(600)), Duration::MAX);
        let left = time_left(SystemTime::now() + Duration::from_secs(3));
        assert!((Duration::from_secs(2)..=Duration::from_secs(3)).contains(&left), "{left:?}");
    }

    #[test]
    fn a_bearer_token_may_be_spelled_in_any_case_and_after_several_spaces() {
        for value in ["Bearer a.b-c_D9", "bearer a.b-c_D9", "BEARER    a.b-c_D9"] {
            assert_eq!(bearer_token(&authorization(&[value])), Ok("a.b-c_D9"), "{value}");
        }
    }

    #[test]
    fn anything_but_one_header_is_missing_authorization() {
        for values in [&[][..], &["Bearer a.b.c", "Bearer a.b.c"]] {
            assert_eq!(
                bearer_token(&authorization(values)),
                Err(Refusal::AuthorizationMissing),
                "{values:?}"
            );
        }
    }

    #[test]
    fn anything_but_bearer_and_one_token_is_malformed() {
        let longest = "a".repeat(MAX_TOKEN_BYTES);
        assert_eq!(
            bearer_token(&authorization(&[&format!("Bearer {longest}")])),
            Ok(longest.as_str())
        );
        let too_long = format!("Bearer {longest}a");
        for value in [
            "",
            "Bearer",
            "Bearer ",
            "a.b.c",
            "Basic a.b.c",
            "Bearer a.b.c ",
            "Bearer a b",
            "Bearer a.b.c, Bearer a.b.c",
            "Bearer\ta.b.c",
            " Bearer a.b.c",
            "Bearer a=",
            "Bearer a+/",
            "Bearer \u{e9}",
            &too_long,
        ] {
            assert_eq!(
                bearer_token(&authorization(&[value])),
                Err(Refusal::AuthorizationMalformed),
                "{value:.40}"
            );
        }
    }
}

#[cfg(feature = "cli")]
pub mod captured;
