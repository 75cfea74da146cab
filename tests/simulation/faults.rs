//! The faults that can happen to a call to AWS.

use crate::clock::Ms;
use crate::random::Random;
use crate::throttling::THROTTLING;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    SecretsManager,
    Sqs,
    HeldQueue,
    /// The provider of the function's credentials.
    Credentials,
}

/// The kinds of outage that the coverage table distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    None,
    Connection,
    Hang,
    Slow,
    Status5xx,
    Throttled,
    NotAws,
    Denied,
    NotFound,
    Kms,
    Invalid,
    Lie,
    Taken,
    Credentials,
}

/// The reply to a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reply {
    Normal,
    Refused,
    Reset(Ms),
    Hang,
    Slow(Ms),
    /// An AWS error with its code in the body.
    Error(u16, &'static str),
    /// An AWS error with its code in a header.
    ErrorInHeader(u16, &'static str),
    /// An SQS error: its code in the JSON protocol, and its code in the older query protocol.
    QueryError(u16, &'static str, &'static str),
    /// An arbitrary status and body.
    Raw(u16, &'static str),
    /// A secret with this value.
    Value(&'static str),
    /// A success response in which this member has this value. SQS did not queue the message.
    Lie(&'static str, &'static str),
    /// SQS queues the message, but the response never comes, or is an error, or is late.
    TakenThenHang,
    TakenThenReset,
    TakenThenError,
    TakenThenSlow(Ms),
}

/// A fault of the calls to a service between the times `from` and `to`. Only one call in `one_in`
/// has this fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    pub service: Service,
    pub from: Ms,
    pub to: Ms,
    pub reply: Reply,
    pub one_in: usize,
}

impl Fault {
    pub fn kind(&self) -> Kind {
        if self.service == Service::Credentials { Kind::Credentials } else { self.reply.kind() }
    }
}

/// SQS's error code when KMS throttles the calls for the queue's key.
const KMS_THROTTLING: &str = "KMS.ThrottlingException";

const PROXY: [Reply; 5] = [
    Reply::Raw(403, "<html>Forbidden</html>"),
    Reply::Raw(407, "<html>Proxy Authentication Required</html>"),
    Reply::Raw(404, "no such host here"),
    Reply::Raw(403, r#"{"code":"FORBIDDEN","message":"blocked by policy"}"#),
    Reply::Raw(200, "<html>Welcome to the hotel's network</html>"),
];

impl Reply {
    pub fn kind(self) -> Kind {
        match self {
            Reply::Normal => Kind::None,
            Reply::Refused | Reply::Reset(_) => Kind::Connection,
            Reply::Hang => Kind::Hang,
            Reply::Slow(_) => Kind::Slow,
            Reply::Raw(status, _) if status >= 500 => Kind::Status5xx,
            Reply::Raw(..) => Kind::NotAws,
            Reply::Error(_, code)
            | Reply::ErrorInHeader(_, code)
            | Reply::QueryError(_, _, code) => Kind::of_code(code),
            Reply::Value(_) => Kind::Invalid,
            Reply::Lie(..) => Kind::Lie,
            Reply::TakenThenHang
            | Reply::TakenThenReset
            | Reply::TakenThenError
            | Reply::TakenThenSlow(_) => Kind::Taken,
        }
    }

    /// A transient fault that any service may return. The next call may succeed.
    fn passing(random: &mut Random) -> Self {
        let error = |random: &mut Random, code| match random.below(3) {
            0 => Reply::ErrorInHeader(400, code),
            _ => Reply::Error(400, code),
        };
        match random.below(8) {
            0 => Reply::Refused,
            1 => Reply::Reset(ms(random, 1, 300)),
            2 => Reply::Hang,
            3 => Reply::Slow(ms(random, 100, 6_000)),
            4 => *random.pick(&[
                Reply::Error(500, "InternalFailure"),
                Reply::Error(503, "ServiceUnavailable"),
                Reply::Raw(500, ""),
                Reply::Raw(502, "<html>Bad Gateway</html>"),
                Reply::Raw(503, "{}"),
                Reply::Raw(504, ""),
            ]),
            5 | 6 => {
                let code = *random.pick(&[&THROTTLING[..], &[KMS_THROTTLING]].concat());
                error(random, code)
            }
            _ => *random.pick(&PROXY),
        }
    }

    pub fn of(service: Service, random: &mut Random) -> Self {
        match service {
            Service::SecretsManager => match random.below(10) {
                0 => *random.pick(&[
                    Reply::Error(400, "AccessDeniedException"),
                    Reply::ErrorInHeader(400, "AccessDeniedException"),
                ]),
                1 => *random.pick(&[
                    Reply::Error(400, "ResourceNotFoundException"),
                    Reply::Error(400, "InvalidRequestException"), // marked for deletion
                ]),
                2 => Reply::Error(400, "DecryptionFailure"),
                3 => Reply::Value(random.pick::<&str>(&["{}", "too short", "[]", ""])),
                4 | 5 => Reply::Slow(ms(random, 100, 6_000)),
                _ => Self::passing(random),
            },
            Service::Sqs | Service::HeldQueue => match random.below(12) {
                0 => *random.pick(&[
                    Reply::Error(403, "AccessDenied"),
                    Reply::ErrorInHeader(403, "AccessDeniedException"),
                ]),
                1 => Reply::QueryError(
                    400,
                    "QueueDoesNotExist",
                    "AWS.SimpleQueueService.NonExistentQueue",
                ),
                2 => Reply::QueryError(400, "KmsDisabled", "KMS.DisabledException"),
                3 => *random.pick(&[
                    Reply::Lie("MD5OfMessageBody", "d41d8cd98f00b204e9800998ecf8427e"),
                    Reply::Lie("MD5OfMessageBody", ""),
                    Reply::Lie("MessageId", ""),
                    Reply::Raw(200, "{}"),
                ]),
                4 => Reply::TakenThenHang,
                5 => Reply::TakenThenReset,
                6 => Reply::TakenThenError,
                7 => Reply::TakenThenSlow(ms(random, 100, 6_000)),
                _ => Self::passing(random),
            },
            Service::Credentials => *random.pick(&[Reply::Refused, Reply::Hang]),
        }
    }
}

impl Kind {
    /// The kind of a response with this AWS error code.
    pub fn of_code(code: &str) -> Self {
        match code {
            "AccessDenied" | "AccessDeniedException" => Kind::Denied,
            "ResourceNotFoundException"
            | "InvalidRequestException"
            | "AWS.SimpleQueueService.NonExistentQueue" => Kind::NotFound,
            "DecryptionFailure" | "KMS.DisabledException" => Kind::Kms,
            "ExpiredTokenException" => Kind::Credentials,
            KMS_THROTTLING => Kind::Throttled,
            code if THROTTLING.contains(&code) => Kind::Throttled,
            _ => Kind::Status5xx,
        }
    }

    /// Whether AWS rejects the call for a reason that a retry does not change.
    pub fn is_denial(self) -> bool {
        matches!(self, Kind::Denied | Kind::NotFound | Kind::Kms)
    }
}

fn ms(random: &mut Random, least: usize, most: usize) -> Ms {
    (least + random.below(most - least)) as Ms
}
