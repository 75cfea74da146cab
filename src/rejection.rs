//! Why a request was not accepted.
//!
//! A fault of the sender and a fault of the function have different types, so that the function never answers
//! its own fault as if it were the sender's. `http` maps both types to status codes.

/// Why a request is not answered with 2xx.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The request is invalid, and would be invalid again.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// No secret could verify the request. Its token is in the held queue.
    #[error("held: {0}")]
    Held(NoSecret),
    /// No secret could verify the request, and its token could not be put into the held queue.
    #[error("lost: {0}")]
    Lost(NoSecret),
    /// The request may be valid, but the function failed.
    #[error("failed: {0}")]
    Failed(#[from] Failure),
}

impl From<NoSecret> for Rejection {
    fn from(why: NoSecret) -> Self {
        Rejection::Failed(why.into())
    }
}

impl Rejection {
    /// The reason's name in the log and in the metrics' dimension.
    pub fn reason(self) -> &'static str {
        match self {
            Rejection::Refused(refusal) => refusal.reason(),
            Rejection::Held(why) | Rejection::Lost(why) => why.reason(),
            Rejection::Failed(failure) => failure.reason(),
        }
    }
}

/// What is wrong with a request, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The method is not POST.
    #[error("the method is not POST")]
    MethodNotAllowed,
    /// The decoded body is larger than 262,144 bytes.
    #[error("the body is larger than 262,144 bytes")]
    BodyTooLarge,
    /// The body is compressed.
    #[error("the body has a Content-Encoding")]
    ContentEncodingUnsupported,
    /// There is no `Authorization` header, or more than one.
    #[error("there is not exactly one Authorization header")]
    AuthorizationMissing,
    /// The header is not `Bearer` and one token.
    #[error("the Authorization header is not Bearer and one token")]
    AuthorizationMalformed,
    /// The token is not three canonical base64url parts with a JSON object as the header.
    #[error("the token is not a compact JWS")]
    TokenMalformed,
    /// The token's header asks for anything other than HMAC-SHA256 over a plain payload.
    #[error("the token's header requires more than HS256")]
    AlgorithmNotAllowed,
    /// The key ring has no key for the token's webhook.
    #[error("the key ring has no key for this webhook")]
    WebhookUnknown,
    /// The webhook's key does not verify the signature.
    #[error("the webhook's key does not verify the signature")]
    SignatureInvalid,
    /// The signed payload is not a JSON object within the limits.
    #[error("the claims are not a JSON object within the limits")]
    ClaimsMalformed,
    /// A registered claim (RFC 7519, section 4.1) does not allow the token here or now.
    #[error("a registered claim is not valid")]
    ClaimsNotValid,
    /// The body is not a JSON object within the limits.
    #[error("the body is not a JSON object within the limits")]
    BodyMalformed,
    /// The body differs from the signed claims.
    #[error("the body differs from the signed claims")]
    BodyMismatch,
    /// The event is older or newer than the age limit allows, or has no readable time.
    #[error("the event's time is not within the age limit")]
    EventStale,
}

impl Refusal {
    fn reason(self) -> &'static str {
        match self {
            Refusal::MethodNotAllowed => "method_not_allowed",
            Refusal::BodyTooLarge => "body_too_large",
            Refusal::ContentEncodingUnsupported => "content_encoding_unsupported",
            Refusal::AuthorizationMissing => "authorization_missing",
            Refusal::AuthorizationMalformed => "authorization_malformed",
            Refusal::TokenMalformed => "token_malformed",
            Refusal::AlgorithmNotAllowed => "algorithm_not_allowed",
            Refusal::WebhookUnknown => "webhook_unknown",
            Refusal::SignatureInvalid => "signature_invalid",
            Refusal::ClaimsMalformed => "claims_malformed",
            Refusal::ClaimsNotValid => "claims_not_valid",
            Refusal::BodyMalformed => "body_malformed",
            Refusal::BodyMismatch => "body_mismatch",
            Refusal::EventStale => "event_stale",
        }
    }
}

/// Why no secret could verify a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSecret {
    /// Secrets Manager is unreachable or denied the call, and there is no usable cached secret.
    #[error("Secrets Manager did not return the secret")]
    Unavailable,
    /// The secret, or the key ring's entry for the request's webhook, has no usable key.
    #[error("the secret has no usable key")]
    Invalid,
}

impl NoSecret {
    fn reason(self) -> &'static str {
        match self {
            NoSecret::Unavailable => "secret_unavailable",
            NoSecret::Invalid => "secret_invalid",
        }
    }
}

/// How the function failed. The log has the details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No secret could verify the request.
    #[error(transparent)]
    NoSecret(#[from] NoSecret),
    /// SQS did not confirm the message in time.
    #[error("SQS did not confirm the message in time")]
    QueueUnavailable,
    /// SQS rejected the message, and would reject a retry too.
    #[error("SQS rejected the message")]
    QueueRefused,
    /// The forwarder panicked, which is a bug.
    #[error("the forwarder panicked")]
    Panicked,
}

impl Failure {
    fn reason(self) -> &'static str {
        match self {
            Failure::NoSecret(why) => why.reason(),
            Failure::QueueUnavailable => "queue_unavailable",
            Failure::QueueRefused => "queue_refused",
            Failure::Panicked => "internal_error",
        }
    }
}
