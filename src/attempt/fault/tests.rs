use aws_credential_types::provider::{Result, future};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, ProvideCredentials, Region};
use aws_sdk_sqs::config::{Builder, Config};
use aws_sdk_sqs::error::ErrorMetadata;
use aws_sdk_sqs::operation::send_message::SendMessageError;

use super::*;

impl Fault {
    /// AWS's rejection of a call with this code, for the tests of other modules.
    pub(crate) fn refused(code: &str) -> Self {
        Fault::Refused(Cause { text: code.to_owned(), code: Some(code.to_owned()) })
    }
}

/// The fault of a response with this status and code.
fn answered(status: u16, code: Option<&str>) -> Fault {
    let mut metadata = ErrorMetadata::builder();
    metadata = match code {
        Some(code) => metadata.code(code),
        None => metadata,
    };
    let answer = HttpResponse::new(status.try_into().unwrap(), "<html>".into());
    SdkError::service_error(SendMessageError::generic(metadata.build()), answer).into()
}

#[test]
fn throttling_in_any_spelling_and_every_5xx_are_retried() {
    let throttling = [
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "KmsThrottled",
        "TooManyRequestsException",
        "SlowDown",
        "RequestLimitExceeded",
        "PriorRequestNotComplete",
    ];
    for code in throttling {
        assert!(matches!(answered(400, Some(code)), Fault::Unreachable(_)), "{code}");
    }
    for (status, code) in [
        (403, "InvalidSignatureException"),
        (403, "ExpiredToken"),
        (503, "AccessDenied"),
        (429, "AccessDenied"),
        (302, "AccessDenied"),
    ] {
        assert!(matches!(answered(status, Some(code)), Fault::Unreachable(_)), "{status} {code}");
    }
}

#[test]
fn call_that_aws_rejects_is_not_retried_and_its_code_is_logged() {
    for code in [
        "AccessDenied",
        "AccessDeniedException",
        "AWS.SimpleQueueService.NonExistentQueue",
        "KmsDisabled",
        "KMS.DisabledException",
        "ResourceNotFoundException",
        "InvalidParameterValue",
    ] {
        let fault = answered(400, Some(code));
        assert!(matches!(fault, Fault::Refused(_)), "{code}");
        assert_eq!(fault.code(), Some(code));
        let text = format!("refused: {code} (status 400, AWS request id none)");
        assert_eq!(fault.to_string(), text);
    }
}

#[test]
fn response_without_an_aws_code_is_retried_with_any_status() {
    for status in [400, 401, 403, 404, 407, 413, 451, 500, 502, 200, 302] {
        for code in [None, Some(""), Some("403"), Some("FORBIDDEN"), Some("forbidden"), Some("a b")]
        {
            let fault = answered(status, code);
            assert!(matches!(fault, Fault::Unreachable(_)), "{status} {code:?}");
            assert_eq!(fault.code(), None);
            let text = fault.to_string();
            assert!(text.contains("without an AWS error code, perhaps from a proxy"), "{text}");
            assert!(text.contains(&format!("(status {status}, ")), "{text}");
        }
    }
}

/// Sends a message with a client whose configuration cannot work. Returns the text of the fault.
async fn unsent(config: Builder) -> String {
    let config: Config = config.behavior_version(BehaviorVersion::latest()).build();
    let send = Client::from_conf(config).send_message().queue_url("-").message_body("-").send();
    Fault::from(send.await.unwrap_err()).to_string()
}

fn keys() -> Credentials {
    Credentials::new("AKIDEXAMPLE", "the secret key", None, None, "test")
}

type Failure = fn() -> CredentialsError;

#[derive(Debug)]
struct Failing(Failure);

impl ProvideCredentials for Failing {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Result::Err((self.0)()))
    }
}

#[tokio::test]
async fn error_says_that_credentials_are_missing_and_quotes_nothing() {
    let failures: [(Failure, &str); 5] = [
        (|| CredentialsError::not_loaded("the secret key"), "no AWS credentials found"),
        (|| CredentialsError::provider_timed_out(std::time::Duration::ZERO), "answer in time"),
        (|| CredentialsError::invalid_configuration("the secret key"), "check AWS_PROFILE"),
        (|| CredentialsError::provider_error("the secret key"), "they have not expired"),
        (|| CredentialsError::unhandled("the secret key"), "they have not expired"),
    ];
    for (failure, expected) in failures {
        let region = Region::from_static("eu-west-1");
        let config = Config::builder().region(region).credentials_provider(Failing(failure));
        let text = unsent(config).await;
        assert!(text.starts_with("unreachable: "), "{text}");
        assert!(text.contains(expected) && !text.contains("the secret key"), "{text}");
    }
}

#[tokio::test]
async fn error_names_a_missing_region_and_an_invalid_endpoint() {
    let text = unsent(Config::builder().credentials_provider(keys())).await;
    assert!(text.contains("Missing Region; check AWS_REGION"), "{text}");
    let region = Region::from_static("eu-west-1");
    let endpoint = "http://user:the secret key@host";
    let config = Config::builder().region(region).credentials_provider(keys());
    let text = unsent(config.endpoint_url(endpoint)).await;
    assert!(text.contains("check AWS_REGION and AWS_ENDPOINT_URL"), "{text}");
    assert!(!text.contains("the secret key"), "{text}");
}

#[test]
fn each_failure_without_a_response_has_its_own_text() {
    let answer = || HttpResponse::new(200.try_into().unwrap(), "the secret".into());
    let refused = || std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    let errors: [(SdkError<()>, &str); 6] = [
        (SdkError::response_error("the secret", answer()), "could not be read (status 200)"),
        (SdkError::construction_failure("the secret"), "could not build the request"),
        (SdkError::timeout_error("the secret"), "no response in time"),
        (
            SdkError::dispatch_failure(ConnectorError::timeout("the secret".into())),
            "no response in time",
        ),
        (
            SdkError::dispatch_failure(ConnectorError::io(refused().into())),
            "the connection failed: connection refused",
        ),
        (
            SdkError::dispatch_failure(ConnectorError::user("the secret".into())),
            "could not be addressed or signed",
        ),
    ];
    for (error, expected) in errors {
        let text = no_answer(&error);
        assert!(text.contains(expected) && !text.contains("the secret"), "{text}");
    }
}

#[test]
fn text_of_a_response_is_quoted_only_if_it_is_one_word() {
    assert_eq!(
        word("6fde8d1e-52cd-4581-8cd9-c512f4c64223"),
        "6fde8d1e-52cd-4581-8cd9-c512f4c64223"
    );
    assert_eq!(word("AWS4-HMAC-SHA256 Credential=x, Signature=y"), "unreadable");
    assert_eq!(word(""), "unreadable");
    assert!(is_aws_code("AWS.SimpleQueueService.NonExistentQueue"));
    assert!(!is_aws_code("AWS4-HMAC-SHA256 Credential=x, Signature=y"));
}
