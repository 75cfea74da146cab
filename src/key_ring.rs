//! The webhooks' keys, parsed from the value of the secret in Secrets Manager.
//!
//! JW never changes a webhook's secret. So a rotation replaces the webhook, and during the rotation the
//! function needs the keys of both webhooks. The value is either a single key, or a key ring that maps webhook
//! ids to keys.

mod problem;

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::json::members::Members;

pub use self::problem::{EntryProblem, Flaw, KeyRingError, Unusable};

/// The name of the only entry in a key ring that has no webhooks. If the ring had no key, the function would
/// answer 503, as if it were broken. So this entry has a random key that nobody knows. JW never gives a webhook
/// this id.
pub const PLACEHOLDER: &str = "placeholder";

/// HMAC-SHA256 needs a key of at least 32 bytes (RFC 7518, section 3.2).
const MIN_KEY_BYTES: usize = 32;

/// Windows editors put this mark before a text. JW's secrets never begin with the mark.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// One webhook's key: the bytes of the secret as JW returned it, not decoded.
///
/// `==` need not take constant time, because it only compares cached keys with fetched keys, and never a
/// caller's data.
#[derive(PartialEq)]
pub struct Key(Zeroizing<Vec<u8>>);

impl Key {
    /// Makes a key from a secret. Removes one trailing newline first.
    fn new(mut bytes: Zeroizing<Vec<u8>>) -> Result<Self, Unusable> {
        let length = without_newline(&bytes).len();
        bytes.truncate(length);
        if bytes.len() < MIN_KEY_BYTES {
            Err(Unusable::TooShort)
        } else if has_white_space(&bytes) {
            Err(Unusable::WhiteSpace)
        } else {
            Ok(Self(bytes))
        }
    }

    /// The key's bytes, for signing and verifying only.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The usable keys in a secret's value. There is at least one key.
#[derive(PartialEq)]
pub enum KeyRing {
    /// One key, which verifies every webhook's tokens.
    Single(Key),
    /// One key for each webhook, which verifies only that webhook's tokens.
    ByWebhook {
        /// The keys by webhook id.
        keys: HashMap<String, Key>,
        /// The names of the entries that have no usable key.
        disabled: HashSet<String>,
    },
}

/// Why a ring gives no key for a webhook.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NoKey {
    /// The ring has no entry for the webhook.
    Unknown,
    /// The ring's entry for the webhook is unusable.
    Disabled,
}

/// Prints no names, because somebody may have stored a secret in the place of a name.
impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyRing::Single(key) => f.debug_tuple("Single").field(key).finish(),
            KeyRing::ByWebhook { keys, disabled } => {
                write!(f, "ByWebhook({} keys, {} disabled)", keys.len(), disabled.len())
            }
        }
    }
}

impl KeyRing {
    /// Parses a secret's value. Also returns the problems of its entries.
    pub fn parse(value: &[u8]) -> Result<(Self, Vec<EntryProblem>), KeyRingError> {
        let value = value.strip_prefix(BYTE_ORDER_MARK).unwrap_or(value);
        match value.trim_ascii_start().first() {
            Some(b'{') => Self::from_json(value),
            Some(b'[' | b'"') => Err(KeyRingError::NotARing),
            _ => {
                let key = Key::new(Zeroizing::new(value.to_vec())).map_err(KeyRingError::Single)?;
                Ok((Self::Single(key), Vec::new()))
            }
        }
    }

    /// The key that verifies the tokens with this `webhook_id`.
    pub fn key(&self, webhook_id: Option<&str>) -> Result<&Key, NoKey> {
        match (self, webhook_id) {
            (KeyRing::Single(key), _) => Ok(key),
            (KeyRing::ByWebhook { .. }, None) => Err(NoKey::Unknown),
            (KeyRing::ByWebhook { disabled, .. }, Some(id)) if disabled.contains(id) => {
                Err(NoKey::Disabled)
            }
            (KeyRing::ByWebhook { keys, .. }, Some(id)) => keys.get(id).ok_or(NoKey::Unknown),
        }
    }

    fn from_json(value: &[u8]) -> Result<(Self, Vec<EntryProblem>), KeyRingError> {
        // drops serde_json's error, because it would quote the secret's value
        let entries = Members::of(value).map_err(|_| KeyRingError::NotARing)?;
        let mut occurrences = HashMap::<&str, u32>::new();
        for (id, _) in entries.iter() {
            *occurrences.entry(id).or_default() += 1;
        }
        let mut keys = HashMap::new();
        let mut disabled = HashSet::new();
        let mut problems = Vec::new();
        for (index, (id, secret)) in entries.iter().enumerate() {
            let key =
                if occurrences[id] > 1 { Err(Unusable::NamedTwice) } else { read_key(secret) };
            let flaw = match key {
                Ok(key) => {
                    keys.insert(id.to_owned(), key);
                    let may_be_asked_for = is_webhook_id(id) || id == PLACEHOLDER;
                    (!may_be_asked_for).then_some(Flaw::NotAnId)
                }
                Err(unusable) => {
                    disabled.insert(id.to_owned());
                    Some(unusable.into())
                }
            };
            problems.extend(flaw.map(|flaw| EntryProblem::new(id, index, flaw)));
        }
        if keys.is_empty() {
            Err(KeyRingError::NoUsableKey(problems))
        } else {
            Ok((Self::ByWebhook { keys, disabled }, problems))
        }
    }
}

/// Whether `name` has the form of a webhook's id. JW's ids are 8 characters of `[A-Za-z0-9]`.
pub fn is_webhook_id(name: &str) -> bool {
    name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn read_key(secret: &RawValue) -> Result<Key, Unusable> {
    let secret: String = serde_json::from_str(secret.get()).map_err(|_| Unusable::NotAString)?;
    Key::new(Zeroizing::new(secret.into_bytes()))
}

/// Removes one trailing newline, which editors and shells add: `\n`, or `\r\n` on Windows.
fn without_newline(secret: &[u8]) -> &[u8] {
    secret.strip_suffix(b"\n").map_or(secret, |line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// Whether a key contains white space. Text from a web page may contain spaces outside ASCII; two kinds have no
/// width. In bytes that are not UTF-8, only ASCII white space counts.
fn has_white_space(key: &[u8]) -> bool {
    let is_space = |c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}');
    match std::str::from_utf8(key) {
        Ok(text) => text.contains(is_space),
        Err(_) => key.iter().any(u8::is_ascii_whitespace),
    }
}

#[cfg(test)]
impl Key {
    /// Makes a key without the checks.
    pub(crate) fn for_test(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

#[cfg(test)]
mod tests;

#[cfg(feature = "cli")]
pub mod edit;
