//! One fetch of the secret: the attempts at `GetSecretValue`, and their log lines.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use tokio::time::Instant;

use super::{FETCH_TIMEOUT, FetchId, Secret, Store};
use crate::attempt::{self, Fault};
use crate::key_ring::KeyRing;
use crate::rejection::NoSecret;

/// What a fetch tells the requests that wait for it. It sends `Calling` after each failed attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Progress {
    Calling,
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum FetchError {
    Unreachable,
    Denied,
    Invalid,
}

/// A fetch that failed, and when its last attempt began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed {
    pub(super) error: FetchError,
    pub(super) asked: Instant,
}

impl From<FetchError> for NoSecret {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Unreachable | FetchError::Denied => NoSecret::Unavailable,
            FetchError::Invalid => NoSecret::Invalid,
        }
    }
}

impl Store {
    /// Calls Secrets Manager until it responds or [`FETCH_TIMEOUT`] is over.
    pub(super) async fn fetch(
        &self,
        id: FetchId,
        attempt_failed: impl Fn(),
    ) -> Result<Secret, Failed> {
        let secret_id = self.secret_id.as_str();
        // The number of attempts, and when the last one began. A secret's age counts from its attempt,
        // because the process may be frozen before it reads the response.
        let attempts = Mutex::new((0, self.state().now()));
        let attempts = || attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let call = || async {
            let asked = self.state().now();
            {
                let mut attempts = attempts();
                *attempts = (attempts.0 + 1, asked);
            }
            self.client.get_secret_value().secret_id(secret_id).send().await.map_err(|error| {
                let fault = Fault::from(error);
                if matches!(fault, Fault::Unreachable(_)) {
                    attempt_failed();
                }
                fault
            })
        };
        let fetch = || {
            let deadline = Instant::now() + FETCH_TIMEOUT;
            attempt::until("secretsmanager:GetSecretValue", deadline, call)
        };
        let mut fetched = fetch().await;
        // `FETCH_TIMEOUT` allows two attempts, unless the process was frozen during the first
        if matches!(fetched, Err(Fault::Unreachable(_))) && attempts().0 == 1 {
            fetched = fetch().await;
        }
        let asked = attempts().1;
        let failed = |error| Failed { error, asked: asked.monotonic };
        let answer = fetched.map_err(|fault| match fault {
            Fault::Unreachable(_) => {
                tracing::warn!(%fault, secret_id, "cannot reach Secrets Manager: requests use the cached secret, if \
                    there is one, up to SECRET_MAX_STALE_SECONDS; check the region, the network and AWS's status page");
                failed(FetchError::Unreachable)
            }
            Fault::Refused(_) => {
                tracing::error!(%fault, secret_id, "Secrets Manager denied the call: check that the secret exists and is \
                    not marked for deletion, that the function's role has secretsmanager:GetSecretValue on it, and \
                    kms:Decrypt on its KMS key if it has one");
                failed(FetchError::Denied)
            }
        })?;
        let parsed = KeyRing::parse(value(&answer));
        let problems = match &parsed {
            Ok((_, problems)) => problems,
            Err(error) => error.problems(),
        };
        for problem in problems {
            tracing::warn!(secret_id, "{problem}. In the secret, {}", problem.flaw.advice());
        }
        let (ring, _) = parsed.map_err(|error| {
            tracing::error!(%error, secret_id, "the secret's value cannot be used: store the webhook's secret \
                as JW returned it, or a JSON object from webhook ids to secrets");
            failed(FetchError::Invalid)
        })?;
        Ok(Secret { ring: Arc::new(ring), asked, fetch: id })
    }
}

fn value(answer: &GetSecretValueOutput) -> &[u8] {
    match (answer.secret_string(), answer.secret_binary()) {
        (Some(text), _) => text.as_bytes(),
        (None, Some(blob)) => blob.as_ref(),
        (None, None) => b"",
    }
}
