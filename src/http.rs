//! HTTP requests and responses. Only this module chooses status codes.

use std::borrow::Cow;

use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_http::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use lambda_http::http::{HeaderName, HeaderValue, Method, StatusCode};
use serde_json::json;

use crate::queue::Receipt;
use crate::rejection::{Failure, Refusal, Rejection};
use crate::token;

/// The largest body. 256 KiB was SQS's limit for a message until 2025, and is still the limit of many queues.
const MAX_BODY_BYTES: usize = 262_144;

/// The parts of an HTTP request that the forwarder reads. Nothing is verified yet.
#[derive(Debug, Default, PartialEq)]
pub struct Request<'e> {
    /// The method's name.
    pub method: Cow<'e, str>,
    /// The values of all `Authorization` headers.
    pub authorization: Vec<Cow<'e, str>>,
    /// The values of all `Content-Encoding` headers.
    pub content_encoding: Vec<Cow<'e, str>>,
    /// The body's bytes, after decoding the gateway's base64.
    pub body: Cow<'e, [u8]>,
}

/// The token and the body of a webhook's delivery. Nothing is verified yet.
#[derive(Clone, Copy)]
pub struct Delivery<'r> {
    /// The bearer token.
    pub token: &'r str,
    /// The body.
    pub body: &'r [u8],
}

impl Request<'_> {
    /// Returns the request's token and body, if the request has the form of a delivery.
    pub fn delivery(&self) -> Result<Delivery<'_>, Refusal> {
        if self.method != Method::POST.as_str() {
            return Err(Refusal::MethodNotAllowed);
        }
        if self.body.len() > MAX_BODY_BYTES {
            return Err(Refusal::BodyTooLarge);
        }
        if !self.content_encoding.iter().all(|coding| coding.eq_ignore_ascii_case("identity")) {
            return Err(Refusal::ContentEncodingUnsupported);
        }
        let [authorization] = self.authorization.as_slice() else {
            return Err(Refusal::AuthorizationMissing);
        };
        let token = bearer_token(authorization).ok_or(Refusal::AuthorizationMalformed)?;
        Ok(Delivery { token, body: &self.body })
    }
}

/// The token of `Authorization: Bearer <token>` (RFC 6750, section 2.1).
fn bearer_token(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    (scheme.eq_ignore_ascii_case("Bearer") && token::is_token(token)).then_some(token)
}

/// The response to a request, in the gateway's format.
pub fn response(result: &Result<Receipt, Rejection>) -> ApiGatewayV2httpResponse {
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
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = status.as_u16().into();
    response.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some((name, value)) = header {
        response.headers.insert(name, HeaderValue::from_static(value));
    }
    response.body = Some(body.to_string().into());
    response
}

/// The status, the error's name and a header. The response never says why a token was refused.
fn answer(rejection: Rejection) -> (StatusCode, &'static str, Option<(HeaderName, &'static str)>) {
    const UNAVAILABLE: (StatusCode, &str, Option<(HeaderName, &str)>) =
        (StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", Some((RETRY_AFTER, "5")));
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
        Rejection::Held(_) | Rejection::Lost(_) => UNAVAILABLE,
        Rejection::Failed(failure) => match failure {
            Failure::NoSecret(_) | Failure::QueueUnavailable | Failure::QueueRefused => UNAVAILABLE,
            Failure::Panicked => (StatusCode::INTERNAL_SERVER_ERROR, "internal_server_error", None),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_is_answered_with_500() {
        let response = response(&Err(Failure::Panicked.into()));
        assert_eq!(response.status_code, 500);
    }
}

#[cfg(feature = "cli")]
pub mod captured;
