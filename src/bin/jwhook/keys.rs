//! Reads and changes the secret with the webhooks' keys.
//!
//! A change replaces only the version that it was based on. If somebody stored another version
//! meanwhile, the change is applied again to that version. So two people who create webhooks at the same
//! time both keep their secrets, which JW shows only once.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow, bail};
use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use jw_webhook_forwarder::attempt::Fault;
use jw_webhook_forwarder::key_ring::edit::{EditableRing, NotEditable};
use jw_webhook_forwarder::key_ring::{EntryProblem, KeyRing, KeyRingError};
use zeroize::Zeroizing;

use crate::aws;
use crate::clock::AwsClock;
use crate::jw::webhook::is_id;

/// The stage of a version that is not current yet.
const STAGED: &str = "JWHOOK";

/// How many times a change is attempted if somebody else changes the secret each time.
const MAX_ATTEMPTS: u32 = 5;

/// The secret, and the client that calls Secrets Manager.
pub struct KeyStore {
    client: Client,
    secret_id: String,
}

/// The secret's value as it was read.
pub struct Keys {
    value: Zeroizing<Vec<u8>>,
    version_id: String,
}

/// What to do with a single key that no known webhook owns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum UnownedKey {
    /// Replace it with a ring: a person has agreed to lose the key.
    Replaced,
    /// Change nothing.
    Kept,
}

/// What the ring has for a webhook.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyStatus {
    /// The ring has a usable key for the webhook.
    InRing,
    /// The ring has an entry for the webhook, but the function cannot use the entry.
    Unusable,
    /// The ring has no entry for the webhook, so the function refuses the webhook's events.
    Missing,
    /// The secret is a single key, which the function tries for every webhook's tokens.
    SingleKey,
}

/// Lists names of ring entries. Does not show a name that is not a JW id, because it may be a secret in
/// the wrong place.
pub fn named<'i>(ids: impl IntoIterator<Item = &'i str>) -> String {
    let shown = ids.into_iter().map(|id| if is_id(id) { id } else { "one that is not a JW id" });
    let mut shown: Vec<&str> = shown.collect();
    shown.sort_unstable();
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}

impl KeyStatus {
    /// Whether the ring has an entry for this webhook.
    pub fn is_entry(self) -> bool {
        matches!(self, KeyStatus::InRing | KeyStatus::Unusable)
    }
}

impl fmt::Display for KeyStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyStatus::InRing => "in ring",
            KeyStatus::Unusable => "unusable",
            KeyStatus::Missing => "missing",
            KeyStatus::SingleKey => "single key",
        })
    }
}

impl Keys {
    /// The keys as the function reads them, and the entries that need a correction.
    pub fn ring(&self) -> Result<(KeyRing, Vec<EntryProblem>), KeyRingError> {
        KeyRing::parse(&self.value)
    }

    /// What the ring has for this webhook.
    pub fn status(&self, webhook_id: &str) -> KeyStatus {
        match self.ring() {
            Ok((KeyRing::Single(_), _)) => KeyStatus::SingleKey,
            Ok((ring, _)) if ring.key(Some(webhook_id)).is_ok() => KeyStatus::InRing,
            _ if self.editable().is_ok_and(|ring| ring.contains(webhook_id)) => KeyStatus::Unusable,
            _ => KeyStatus::Missing,
        }
    }

    /// Whether the secret is a single key, which does not name its webhook.
    pub fn is_single(&self) -> bool {
        matches!(self.editable(), Err(NotEditable::Single))
    }

    /// The ids in the ring, including those of unusable entries.
    pub fn ids(&self) -> Vec<String> {
        let ring = self.editable().ok();
        let ids = ring.iter().flat_map(EditableRing::ids).map(str::to_owned);
        ids.collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn editable(&self) -> Result<EditableRing, NotEditable> {
        EditableRing::parse(&self.value)
    }

    /// Turns the single key into a ring. If `owner` is known, the ring has the key; otherwise the ring
    /// is empty.
    fn ring_of(&self, owner: Option<&str>) -> Result<EditableRing> {
        match (self.ring(), owner) {
            (Ok((KeyRing::Single(key), _)), Some(id)) => EditableRing::of(id, &key).context(
                "the secret's single key is not text, and a key ring can only have text: \
                 store the key as text first",
            ),
            _ => Ok(EditableRing::default()),
        }
    }
}

impl KeyStore {
    pub fn new(sdk: &SdkConfig, secret_id: &str) -> Self {
        Self { client: Client::new(sdk), secret_id: secret_id.to_owned() }
    }

    pub async fn read(&self) -> Result<Keys> {
        let call = self.client.get_secret_value().secret_id(&self.secret_id);
        let answer = call.send().await.map_err(|error| self.failed("GetSecretValue", error))?;
        let text = answer.secret_string.map(String::into_bytes);
        let value = text.or_else(|| answer.secret_binary.map(|blob| blob.into_inner()));
        Ok(Keys {
            value: Zeroizing::new(
                value.with_context(|| format!("secret {} has no value", self.secret_id))?,
            ),
            version_id: answer.version_id.context("Secrets Manager returned no version id")?,
        })
    }

    /// The time since the secret was last modified in any way, by the clock of Secrets Manager. The
    /// current version has been current for at least this time. The version's own date proves nothing,
    /// because somebody may have made an older version current again.
    ///
    /// Returns zero if Secrets Manager does not say when the secret was modified.
    pub async fn current_for(&self) -> Duration {
        let clock = AwsClock::default();
        let call = self.client.describe_secret().secret_id(&self.secret_id).customize();
        let answer = call.interceptor(clock.clone()).send().await.ok();
        let modified = answer.and_then(|secret| secret.last_changed_date);
        let modified = modified.and_then(|date| SystemTime::try_from(date).ok());
        let elapsed = clock.last_date().zip(modified);
        elapsed.and_then(|(now, then)| now.duration_since(then).ok()).unwrap_or_default()
    }

    /// Reads the keys, and fails if the ring cannot be edited. Call it before the first change at JW.
    pub async fn read_to_change(&self) -> Result<Keys> {
        let keys = self.read().await?;
        match keys.editable() {
            Ok(_) | Err(NotEditable::Single) => Ok(keys),
            Err(NotEditable::Unreadable(problem)) => Err(self.unreadable(problem)),
        }
    }

    /// Changes the key ring, and returns whether the change made a difference. A single key becomes a
    /// ring that has this key for the webhook that `owner` returns. If `owner` returns no webhook, the
    /// single key is replaced only if `unowned` permits that and the edit inserts a key.
    pub async fn edit(
        &self,
        owner: impl AsyncFn() -> Result<Option<String>>,
        unowned: UnownedKey,
        edit: impl Fn(&mut EditableRing) -> Result<()>,
    ) -> Result<bool> {
        for _ in 0..MAX_ATTEMPTS {
            let keys = self.read().await?;
            let mut ring = match keys.editable() {
                Ok(ring) => ring,
                Err(NotEditable::Single) => match owner().await? {
                    None if unowned == UnownedKey::Kept => return Err(self.unowned()),
                    owner => keys.ring_of(owner.as_deref())?,
                },
                Err(NotEditable::Unreadable(problem)) => return Err(self.unreadable(problem)),
            };
            edit(&mut ring)?;
            let value = ring.value();
            if ring.is_empty() || value.as_bytes() == keys.value.as_slice() {
                return Ok(false); // the function cannot use an empty ring
            }
            if self.replace(&keys.version_id, &value).await? {
                return Ok(true);
            }
        }
        bail!(
            "cannot change secret {}: somebody else changed it at the same time, {MAX_ATTEMPTS} \
             times in a row; try again later",
            self.secret_id
        )
    }

    /// Replaces the version that was read. If another version is current by now, returns `false`.
    async fn replace(&self, read_version: &str, value: &str) -> Result<bool> {
        let staged = self
            .client
            .put_secret_value()
            .secret_id(&self.secret_id)
            .secret_string(value)
            .version_stages(STAGED)
            .send()
            .await
            .map_err(|error| self.failed("PutSecretValue", error))?;
        let new_version = staged.version_id.context("Secrets Manager returned no version id")?;
        let moved = self
            .client
            .update_secret_version_stage()
            .secret_id(&self.secret_id)
            .version_stage("AWSCURRENT")
            .move_to_version_id(&new_version)
            .remove_from_version_id(read_version)
            .send()
            .await;
        let Err(error) = moved else { return Ok(true) };
        // the call may have succeeded in spite of the error: read which version is current
        match self.read().await?.version_id {
            current if current == new_version => Ok(true),
            current if current != read_version => Ok(false),
            _ => Err(self.failed("UpdateSecretVersionStage", error)),
        }
    }

    fn unowned(&self) -> anyhow::Error {
        anyhow!(
            "secret {} is a single key, and jwhook cannot tell which webhook the key belongs to. \
             The secret was not changed, because the key would be lost. Find the key's webhook \
             (jwhook list), store the key as a key ring, {{\"ID\": \"…\"}}, then try again",
            self.secret_id
        )
    }

    /// The error for a value that is not a key ring.
    pub fn unreadable(&self, problem: KeyRingError) -> anyhow::Error {
        anyhow!(
            "secret {}: {problem}; repair the value in Secrets Manager first. The previous version \
             may be good (stage AWSPREVIOUS)",
            self.secret_id
        )
    }

    fn failed(&self, call: &str, error: impl Into<Fault>) -> anyhow::Error {
        aws::failed(&format!("secretsmanager:{call}"), &format!("secret {}", self.secret_id), error)
    }
}

/// Removes a webhook's key from a ring.
pub fn remove_key(ring: &mut EditableRing, webhook_id: &str) -> Result<()> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).context("the operating system returned no random bytes")?;
    ring.remove(webhook_id, &random);
    Ok(())
}
