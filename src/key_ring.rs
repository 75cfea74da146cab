//! The keys that sign JW's webhooks, as the secret's value holds them.
//!
//! JW gives each webhook one secret for life, and replaces it only with another webhook. So a
//! rotation needs two keys at once: the value is either one webhook's secret by itself, or a ring
//! from webhook id to secret.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// HMAC-SHA256 wants a key of at least its output's length (RFC 7518, section 3.2).
const MIN_KEY_BYTES: usize = 32;

/// What Windows editors put before a text. No secret of JW's has it.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// JW's ids have 8 characters. What is longer may be a secret in the wrong place, and isn't named.
const MAX_NAMED_ID_BYTES: usize = 16;

/// One webhook's key: the secret's bytes, as JW returned them, not decoded.
#[derive(PartialEq)]
pub struct Key(Zeroizing<Vec<u8>>);

impl Key {
    fn new(bytes: Zeroizing<Vec<u8>>) -> Result<Self, Unusable> {
        if bytes.len() < MIN_KEY_BYTES { Err(Unusable::TooShort) } else { Ok(Self(bytes)) }
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

/// no key
#[derive(Debug)]
pub enum NoKey {
    /// u
    Unknown,
    /// d
    Disabled,
}

/// The keys that a secret's value holds: at least one.
#[derive(PartialEq)]
pub enum KeyRing {
    /// One key, which verifies every webhook's tokens.
    Single(Key),
    /// A key for each webhook id, which verifies that webhook's tokens only.
    ByWebhook(HashMap<String, Key>),
}

/// Without the ids: one of them may be a secret in the wrong place.
impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyRing::Single(key) => f.debug_tuple("Single").field(key).finish(),
            KeyRing::ByWebhook(keys) => write!(f, "ByWebhook({} keys)", keys.len()),
        }
    }
}

impl KeyRing {
    /// key
    pub fn key(&self, id: Option<&str>) -> Result<&Key, NoKey> {
        match self {
            KeyRing::Single(key) => Ok(key),
            KeyRing::ByWebhook(keys) => id.and_then(|id| keys.get(id)).ok_or(NoKey::Unknown),
        }
    }
    /// Reads a secret's value, and says which entries of a ring can't be used.
    pub fn parse(value: &[u8]) -> Result<(Self, Vec<DisabledEntry>), KeyRingError> {
        let value = value.strip_prefix(BYTE_ORDER_MARK).unwrap_or(value);
        let value = value
            .strip_suffix(b"\n")
            .map_or(value, |line| line.strip_suffix(b"\r").unwrap_or(line));
        match value.trim_ascii_start().first() {
            Some(b'{') => Self::from_json(value),
            Some(b'[' | b'"') => Err(KeyRingError::NotARing),
            _ => {
                let key =
                    Key::new(Zeroizing::new(value.to_vec())).map_err(|_| KeyRingError::TooShort)?;
                Ok((Self::Single(key), Vec::new()))
            }
        }
    }

    fn from_json(value: &[u8]) -> Result<(Self, Vec<DisabledEntry>), KeyRingError> {
        // serde_json's error would quote what it found
        let entries: Entries = serde_json::from_slice(value).map_err(|_| KeyRingError::NotARing)?;
        let mut occurrences = HashMap::<&str, u32>::new();
        for (id, _) in &entries.0 {
            *occurrences.entry(id).or_default() += 1;
        }
        let mut keys = HashMap::new();
        let mut disabled = Vec::new();
        for (index, (id, secret)) in entries.0.iter().enumerate() {
            let key = if occurrences[id.as_str()] > 1 {
                Err(Unusable::NamedTwice)
            } else {
                read_key(secret)
            };
            match key {
                Ok(key) => _ = keys.insert(id.clone(), key),
                Err(why) => disabled.push(DisabledEntry { entry: entry_name(id, index), why }),
            }
        }
        if keys.is_empty() {
            Err(KeyRingError::NoUsableKey)
        } else {
            Ok((Self::ByWebhook(keys), disabled))
        }
    }
}

fn read_key(secret: &RawValue) -> Result<Key, Unusable> {
    let secret: String = serde_json::from_str(secret.get()).map_err(|_| Unusable::NotAString)?;
    Key::new(Zeroizing::new(secret.into_bytes()))
}

fn entry_name(id: &str, index: usize) -> String {
    let looks_like_an_id =
        id.len() <= MAX_NAMED_ID_BYTES && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if looks_like_an_id { id.to_owned() } else { format!("number {}", index + 1) }
}

/// An entry of the ring that is not used. The others are.
#[derive(Debug, PartialEq)]
pub struct DisabledEntry {
    /// The webhook's id; where that doesn't look like one, the entry's place, counted from 1.
    pub entry: String,
    /// What is wrong with it.
    pub why: Unusable,
}

/// Why an entry of the ring is not used.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Unusable {
    /// The key is shorter than 32 bytes.
    #[error("its key is shorter than {MIN_KEY_BYTES} bytes")]
    TooShort,
    /// The value isn't a string.
    #[error("its value isn't a string")]
    NotAString,
    /// The ring has two entries for this webhook.
    #[error("the ring names it twice")]
    NamedTwice,
}

/// Why a secret's value holds no key that could be used. It never says what the value holds.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum KeyRingError {
    /// The value is a secret by itself, but a short one.
    #[error("the secret is shorter than {MIN_KEY_BYTES} bytes")]
    TooShort,
    /// The value begins as JSON does and isn't a JSON object.
    #[error("the value begins like JSON but isn't a JSON object of webhook ids and secrets")]
    NotARing,
    /// The value is a ring without a usable key.
    #[error("no entry of the key ring has a usable key")]
    NoUsableKey,
}

/// A JSON object's members in their order, those named twice too.
struct Entries<'v>(Vec<(String, &'v RawValue)>);

impl<'de: 'v, 'v> Deserialize<'de> for Entries<'v> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "efZQiWvaaoqx1Hpgi-hhLGInZUhWa1UyWjVaVk5ZVldoR2FVZERja3BoV0hWNE4xTjYn";
    const OTHER: &str = "00000000000000000000000000000032";

    fn single(value: &[u8]) -> Vec<u8> {
        match KeyRing::parse(value).unwrap().0 {
            KeyRing::Single(key) => key.bytes().to_vec(),
            KeyRing::ByWebhook(_) => panic!("a ring"),
        }
    }

    fn ring(value: &str) -> (Vec<String>, Vec<DisabledEntry>) {
        match KeyRing::parse(value.as_bytes()).unwrap() {
            (KeyRing::ByWebhook(keys), disabled) => {
                let mut ids: Vec<String> = keys.into_keys().collect();
                ids.sort();
                (ids, disabled)
            }
            (KeyRing::Single(_), _) => panic!("a single key"),
        }
    }

    #[test]
    fn a_secret_by_itself_is_the_key_without_one_trailing_newline() {
        assert_eq!(single(SECRET.as_bytes()), SECRET.as_bytes());
        assert_eq!(single(format!("{SECRET}\n").as_bytes()), SECRET.as_bytes());
        assert_eq!(single(format!("{SECRET}\r\n").as_bytes()), SECRET.as_bytes());
        assert_eq!(single(format!("{SECRET}\n\n").as_bytes()), format!("{SECRET}\n").as_bytes());
        assert_eq!(single(format!("\u{feff}{SECRET}").as_bytes()), SECRET.as_bytes());
        assert_eq!(single(&[0xff; 32]), [0xff; 32]);
    }

    #[test]
    fn a_ring_has_a_key_for_each_webhook() {
        let (ids, disabled) =
            ring(&format!("\u{feff}\n {{\"c0Y6ebVU\":\"{SECRET}\", \"7Rav0hC5\":\"{OTHER}\"}}\n"));
        assert_eq!(ids, ["7Rav0hC5", "c0Y6ebVU"]);
        assert_eq!(disabled, []);
    }

    #[test]
    fn a_bad_entry_is_disabled_and_named_and_the_others_go_on() {
        let (ids, disabled) = ring(&format!(
            r#"{{"good":"{SECRET}","short":"{}","number":7,"twice":"{SECRET}","twice":"{OTHER}","{SECRET}":"c0Y6ebVU"}}"#,
            "x".repeat(31)
        ));
        assert_eq!(ids, ["good"]);
        let entry = |entry: &str, why| DisabledEntry { entry: entry.to_owned(), why };
        assert_eq!(
            disabled,
            [
                entry("short", Unusable::TooShort),
                entry("number", Unusable::NotAString),
                entry("twice", Unusable::NamedTwice),
                entry("twice", Unusable::NamedTwice),
                entry("number 6", Unusable::TooShort), // a secret in the place of an id is not named
            ]
        );
    }

    /// A secret that holds no `-` or `_` is told from an id by its length alone.
    #[test]
    fn an_entry_is_named_where_its_id_looks_like_one_and_numbered_where_it_may_be_a_secret() {
        for (id, named) in [
            ("c0Y6ebVU", "c0Y6ebVU"),
            (&"a".repeat(16), &"a".repeat(16)),
            (&"a".repeat(17), "number 2"),
            ("a-secret", "number 2"),
            ("é", "number 2"),
        ] {
            let (_, disabled) = ring(&format!(r#"{{"good":"{SECRET}","{id}":""}}"#));
            assert_eq!(disabled[0].entry, named, "{id}");
        }
    }

    #[test]
    fn a_value_without_a_usable_key_says_why() {
        let cases = [
            ("", KeyRingError::TooShort),
            ("0123456789012345678901234567890", KeyRingError::TooShort),
            ("{}", KeyRingError::NoUsableKey),
            (r#"{"a":"short"}"#, KeyRingError::NoUsableKey),
            (r#"{"a":"00000000000000000000000000000000""#, KeyRingError::NotARing),
            (r#"["00000000000000000000000000000000"]"#, KeyRingError::NotARing),
            (r#""00000000000000000000000000000000""#, KeyRingError::NotARing),
        ];
        for (value, error) in cases {
            assert_eq!(KeyRing::parse(value.as_bytes()).unwrap_err(), error, "{value}");
        }
    }

    #[test]
    fn a_key_can_not_be_printed() {
        let (ring, _) = KeyRing::parse(format!(r#"{{"a":"{SECRET}"}}"#).as_bytes()).unwrap();
        let (single, _) = KeyRing::parse(SECRET.as_bytes()).unwrap();
        assert_eq!(format!("{ring:?} {single:?}"), "ByWebhook(1 keys) Single(Key(…))");
    }
}

#[cfg(feature = "cli")]
pub mod edit;
