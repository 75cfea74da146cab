//! One fetch of the secret: calls `GetSecretValue` with retries, and logs what went wrong.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use tokio::time::Instant;

use super::{FETCH_TIMEOUT, FetchId, Secret, Store};
use crate::attempt::{self, Fault};
use crate::key_ring::KeyRing;
use crate::rejection::NoSecret;

/// What a fetch tells the waiting requests: `Calling` after each failed attempt, and `Ended` at the end.
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

/// The error of a failed fetch, and the time when its last attempt began.
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
    /// Calls Secrets Manager until it responds, or until [`FETCH_TIMEOUT`] is over.
    pub(super) async fn fetch(
        &self,
        id: FetchId,
        attempt_failed: impl Fn(),
    ) -> Result<Secret, Failed> {
        let secret_id = self.secret_id.as_str();
        // The number of attempts, and the time when the last attempt began. A secret's age counts from that
        // time, because the process may be frozen before it reads the response.
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
        // `FETCH_TIMEOUT` is enough for two attempts. After only one, the process was frozen, so fetch again
        if matches!(fetched, Err(Fault::Unreachable(_))) && attempts().0 == 1 {
            fetched = fetch().await;
        }
        let asked = attempts().1;
        let failed = |error| Failed { error, asked: asked.monotonic };
        let answer = fetched.map_err(|fault| match fault {
            Fault::Unreachable(_) => {
                tracing::warn!(%fault, secret_id, "cannot reach Secrets Manager: requests use a cached secret \
                    up to the age SECRET_MAX_STALE_SECONDS; check the region, the network and AWS's status page");
                failed(FetchError::Unreachable)
            }
            Fault::Refused(_) => {
                tracing::error!(%fault, secret_id, "Secrets Manager denied the call: check that the secret exists and is \
                    not marked for deletion, that the function's role has secretsmanager:GetSecretValue on the secret, \
                    and, if the secret has a KMS key, kms:Decrypt on the key");
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
