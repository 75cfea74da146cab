//! All forms of outages of Secrets Manager and SQS, as the function sees them.

use super::aws::Reply;
use super::connection::Order;
use super::throttling::THROTTLING;
use serde_json::json;

/// SQS's failures after which a retry may succeed.
pub fn queue_faults() -> Vec<Reply> {
    let others = [
        Reply::Error(400, "KMS.ThrottlingException"),
        Reply::QueryError(400, "RequestThrottled", "RequestThrottled"),
        Reply::QueryError(400, "KmsThrottled", "KMS.ThrottlingException"),
        Reply::ErrorInHeader(400, "ThrottlingException"),
        Reply::Error(403, "RequestThrottled"),
        Reply::Raw(429, ""),
        Reply::Error(500, "InternalError"),
        Reply::Error(500, "InternalFailure"),
        Reply::Error(503, "ServiceUnavailable"),
        Reply::Raw(500, ""),
        Reply::Raw(502, "<html>Bad Gateway</html>"),
        Reply::Raw(503, "{}"),
        Reply::Raw(504, ""),
        Reply::Error(400, "RequestTimeout"),
        Reply::Error(400, "RequestExpired"), // signed before the process was frozen
        Reply::Break(Order::Reset),
        Reply::Break(Order::Close),
    ];
    let throttling = THROTTLING.map(|code| Reply::Error(400, code));
    throttling.into_iter().chain(others).chain(PROXY_ANSWERS).collect()
}

/// SQS's answers that look like success but prove nothing. The message is not in the queue, so a
/// function that accepts such an answer loses the event.
pub fn queue_lies() -> [Reply; 10] {
    [
        Reply::Lost(json!({"MD5OfMessageBody": "d41d8cd98f00b204e9800998ecf8427e"})),
        Reply::Lost(json!({"MD5OfMessageBody": ""})),
        Reply::Lost(json!({"MD5OfMessageBody": null})),
        Reply::Lost(json!({"MD5OfMessageAttributes": "d41d8cd98f00b204e9800998ecf8427e"})),
        Reply::Lost(json!({"MessageId": null})),
        Reply::Lost(json!({"MessageId": ""})),
        Reply::Raw(200, "{}"),
        Reply::Raw(200, ""),
        Reply::Raw(200, "<html>Welcome to the hotel's network</html>"),
        Reply::Raw(200, r#"{"MessageId":"#),
    ]
}

/// SQS's errors that a retry does not change.
pub fn queue_refusals() -> [Reply; 17] {
    [
        Reply::Error(400, "AccessDenied"),
        Reply::Error(403, "AccessDenied"),
        Reply::Error(400, "AccessDeniedException"),
        Reply::Error(403, "AccessDeniedException"),
        Reply::ErrorInHeader(403, "AccessDeniedException"),
        Reply::Error(400, "QueueDoesNotExist"),
        Reply::QueryError(400, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
        Reply::QueryError(400, "KmsDisabled", "KMS.DisabledException"),
        Reply::QueryError(400, "KmsAccessDenied", "KMS.AccessDeniedException"),
        Reply::QueryError(400, "KmsNotFound", "KMS.NotFoundException"),
        Reply::QueryError(400, "KmsInvalidState", "KMS.InvalidStateException"),
        Reply::QueryError(400, "KmsOptInRequired", "KMS.OptInRequired"),
        Reply::QueryError(400, "KmsInvalidKeyUsage", "KMS.InvalidKeyUsageException"),
        Reply::QueryError(400, "InvalidSecurity", "InvalidSecurity"),
        Reply::QueryError(400, "InvalidMessageContents", "InvalidMessageContents"),
        Reply::QueryError(
            400,
            "UnsupportedOperation",
            "AWS.SimpleQueueService.UnsupportedOperation",
        ),
        Reply::Error(400, "InvalidParameterValue"),
    ]
}

/// Failures that show that Secrets Manager is unavailable, not that it denies access.
pub fn secret_outages() -> Vec<Reply> {
    let others = [
        Reply::ErrorInHeader(400, "ThrottlingException"),
        Reply::Error(429, "TooManyRequestsException"),
        Reply::Raw(429, ""),
        Reply::Error(500, "InternalServiceError"),
        Reply::Error(500, "InternalFailure"),
        Reply::Error(503, "ServiceUnavailableException"),
        Reply::Raw(500, ""),
        Reply::Raw(502, "<html>Bad Gateway</html>"),
        Reply::Raw(503, "{}"),
        Reply::Raw(504, "<html>Gateway Timeout</html>"),
        Reply::Raw(200, "<html>Welcome to the hotel's network</html>"), // a proxy's page, not a denial
        Reply::Hang,
        Reply::Break(Order::Reset),
        Reply::Break(Order::Close),
    ];
    let throttling = THROTTLING.map(|code| Reply::Error(400, code));
    throttling.into_iter().chain(others).chain(PROXY_ANSWERS).collect()
}

/// Answers that a proxy may send instead of AWS.
const PROXY_ANSWERS: [Reply; 6] = [
    Reply::Raw(403, "<html>Forbidden</html>"),
    Reply::Raw(407, "<html>Proxy Authentication Required</html>"),
    Reply::Raw(400, ""),
    Reply::Raw(404, "no such host here"),
    Reply::Raw(403, r#"{"code":"FORBIDDEN","message":"blocked by policy"}"#),
    Reply::Raw(401, r#"{"code":"401","error":"who are you?"}"#),
];

/// Errors with which Secrets Manager denies or rejects the call.
pub fn secret_refusals() -> [Reply; 7] {
    [
        Reply::Error(400, "AccessDeniedException"),
        Reply::Error(403, "AccessDeniedException"),
        Reply::ErrorInHeader(400, "AccessDeniedException"),
        Reply::Error(400, "ResourceNotFoundException"),
        Reply::Error(400, "InvalidRequestException"), // marked for deletion
        Reply::Error(400, "DecryptionFailure"),
        Reply::ErrorInHeader(400, "ResourceNotFoundException"),
    ]
}
