//! Decides whether a failed call to AWS is worth a retry.

use std::error::Error;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};
use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::RequestId;

/// A call that failed.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// AWS did not respond, or may respond differently to a retry.
    #[error("unreachable: {0}")]
    Unreachable(Cause),
    /// AWS rejected the call, and would reject a retry too.
    #[error("refused: {0}")]
    Refused(Cause),
}

/// What went wrong. The text quotes nothing that was sent or received, except single safe words.
///
/// The message of an AWS error may quote the request, with its signature and session token. An unreadable
/// response may contain the secret. So the text contains only AWS's error code, the HTTP status, the request
/// id, and the error of a failed connection. Our own texts replace all other texts of the SDK.
#[derive(Debug)]
pub struct Cause {
    text: String,
    code: Option<String>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Fault {
    /// The fault of a call that may succeed at a retry.
    pub fn unreachable(cause: impl Into<String>) -> Self {
        Fault::Unreachable(Cause { text: cause.into(), code: None })
    }

    /// AWS's error code, if AWS's response has a code.
    pub fn code(&self) -> Option<&str> {
        let (Fault::Unreachable(cause) | Fault::Refused(cause)) = self;
        cause.code.as_deref()
    }
}

impl<E: ProvideErrorMetadata> From<SdkError<E, HttpResponse>> for Fault {
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let SdkError::ServiceError(answer) = &error else {
            return Fault::unreachable(no_answer(&error));
        };
        let status = answer.raw().status().as_u16();
        let code = answer.err().code().filter(|code| is_aws_code(code));
        let name = code.unwrap_or("a response without an AWS error code, perhaps from a proxy");
        let request_id = answer.raw().request_id().unwrap_or("none");
        let text = format!("{name} (status {status}, AWS request id {})", word(request_id));
        let cause = Cause { text, code: code.map(str::to_owned) };
        match code {
            Some(code) if !may_change(status, code) => Fault::Refused(cause),
            _ => Fault::Unreachable(cause),
        }
    }
}

/// Says why there is no readable response.
fn no_answer<E>(error: &SdkError<E, HttpResponse>) -> String {
    match error {
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(error) => not_sent(error),
            None => "the request could not be sent".to_owned(),
        },
        SdkError::TimeoutError(_) => "no response in time".to_owned(),
        SdkError::ResponseError(answer) => {
            format!("the response could not be read (status {})", answer.raw().status().as_u16())
        }
        SdkError::ConstructionFailure(_) => {
            "the SDK could not build the request; check the names and \
            URLs in the configuration"
                .to_owned()
        }
        _ => "the SDK failed with an error of an unknown kind".to_owned(),
    }
}

/// Says why the SDK did not send a request. The SDK reports missing credentials and an invalid endpoint as
/// failed connections.
fn not_sent(error: &ConnectorError) -> String {
    let causes = || std::iter::successors(error.source(), |&error| error.source());
    if let Some(error) = causes().find_map(|error| error.downcast_ref::<CredentialsError>()) {
        return no_credentials(error).to_owned();
    }
    if error.is_timeout() {
        return "no response in time".to_owned();
    }
    let texts: Vec<String> = causes().map(ToString::to_string).collect();
    if error.is_io() {
        return format!("the connection failed: {}", texts.join(": "));
    }
    // the errors of the SDK's endpoint rules begin with these words, and never quote the request
    match texts.iter().find(|text| text.starts_with("Invalid Configuration: ")) {
        Some(rule) => format!("{rule}; check AWS_REGION and AWS_ENDPOINT_URL"),
        None => "the request could not be addressed or signed; check AWS_REGION and \
            AWS_ENDPOINT_URL"
            .to_owned(),
    }
}

/// Our own text for a credentials error, because the SDK's text may quote a credentials file or a program's
/// output.
fn no_credentials(error: &CredentialsError) -> &'static str {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => {
            "no AWS credentials found; use a role, set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY"
        }
        CredentialsError::ProviderTimedOut(_) => {
            "the provider of AWS credentials did not answer in time; check the role or AWS_PROFILE"
        }
        CredentialsError::InvalidConfiguration(_) => {
            "the configuration of AWS credentials is invalid; check AWS_PROFILE and its files"
        }
        _ => "the provider of AWS credentials failed; check that they have not expired",
    }
}

/// Whether `code` is an error code of AWS, which is a word like `AccessDenied`. A proxy's JSON may have a
/// `code` too, such as `403` or `FORBIDDEN`.
fn is_aws_code(code: &str) -> bool {
    is_word(code)
        && code.starts_with(|first: char| first.is_ascii_uppercase())
        && code.contains(|any: char| any.is_ascii_lowercase())
}

/// Returns `text` if it is one word, because one word is safe to log.
fn word(text: &str) -> &str {
    if is_word(text) { text } else { "unreadable" }
}

fn is_word(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

/// Whether a retry may get a different response. This is so for every status except 4xx, for throttling in the
/// spellings of AWS's services, and for an expired signature or expired credentials, because the process may
/// have been frozen between signing and sending the request.
fn may_change(status: u16, code: &str) -> bool {
    // codes that are missing from the SDK's lists
    const MORE: [&str; 10] = [
        "ExpiredToken",
        "ExpiredTokenException",
        "InternalFailure",
        "InternalServiceError",
        "InvalidSignatureException",
        "OverLimit",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "ServiceUnavailable",
        "SignatureDoesNotMatch",
    ];
    let is_in = |list: &[&str]| list.iter().any(|passing| passing.eq_ignore_ascii_case(code));
    !(400..500).contains(&status)
        || matches!(status, 408 | 429)
        || code.to_ascii_lowercase().contains("throttl")
        || is_in(THROTTLING_ERRORS)
        || is_in(TRANSIENT_ERRORS)
        || is_in(&MORE)
}

#[cfg(test)]
mod tests;
