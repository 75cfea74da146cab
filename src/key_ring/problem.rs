//! The problems of a secret's value, and what to do about each. The texts never quote the value.

use std::fmt;

use super::MIN_KEY_BYTES;

/// The longest entry name in a text. A longer name may be a secret in the wrong place. JW's ids have 8
/// characters.
const MAX_SHOWN_BYTES: usize = 16;

/// An entry of the key ring that needs a correction. The function uses the other entries.
#[derive(Debug, PartialEq)]
pub struct EntryProblem {
    /// The entry's name. If the name may be a secret, the entry's position: `number 1` is the first entry.
    pub entry: String,
    /// What is wrong with the entry.
    pub flaw: Flaw,
}

impl EntryProblem {
    pub(super) fn new(name: &str, index: usize, flaw: Flaw) -> Self {
        let is_shown =
            name.len() <= MAX_SHOWN_BYTES && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let entry = if is_shown { name.to_owned() } else { format!("number {}", index + 1) };
        Self { entry, flaw }
    }
}

impl fmt::Display for EntryProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = match self.flaw {
            Flaw::Unusable(_) => "is disabled",
            Flaw::NotAnId => "verifies no event",
        };
        write!(f, "the key ring's entry {} {effect}: {}", self.entry, self.flaw)
    }
}

/// What is wrong with an entry of the ring.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Flaw {
    /// The entry has no usable key, so it is disabled.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// No event can select the entry, because the entry's name is not a webhook id. For example, a person chose
    /// the name in the console's key/value form.
    #[error("the name is not a webhook id")]
    NotAnId,
}

impl Flaw {
    /// What to do about the flaw.
    pub fn advice(self) -> &'static str {
        match self {
            Flaw::Unusable(Unusable::TooShort) => {
                "store the webhook's whole secret in this entry; if the secret is lost, delete the webhook \
                 and create another"
            }
            Flaw::Unusable(Unusable::WhiteSpace) => {
                "store the webhook's secret in this entry without spaces and line breaks"
            }
            Flaw::Unusable(Unusable::NotAString) => {
                "store the webhook's secret in this entry as a JSON string; if the secret is lost, \
                 delete the webhook and create another"
            }
            Flaw::Unusable(Unusable::NamedTwice) => {
                "keep only the entry that has the webhook's secret"
            }
            Flaw::NotAnId => {
                "rename this entry to the webhook's id (8 letters and digits), or remove the entry"
            }
        }
    }
}

/// Why a secret cannot be a key.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Unusable {
    /// The key is shorter than 32 bytes.
    #[error("the key is shorter than {MIN_KEY_BYTES} bytes")]
    TooShort,
    /// The key contains white space, which no secret of JW's has.
    #[error("the key contains white space")]
    WhiteSpace,
    /// The entry's value is not a string.
    #[error("the value is not a string")]
    NotAString,
    /// The key ring has two entries for this webhook id.
    #[error("the key ring has two entries with this name")]
    NamedTwice,
}

/// Why a secret's value has no usable key.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum KeyRingError {
    /// The value is a single secret that cannot be a key.
    #[error("the secret cannot be used: {0}")]
    Single(Unusable),
    /// The value begins like JSON but is not a JSON object.
    #[error("the value begins like JSON but is not a JSON object of webhook ids and secrets")]
    NotARing,
    /// The value is a ring without a usable key.
    #[error("the key ring has no usable key")]
    NoUsableKey(Vec<EntryProblem>),
}

impl KeyRingError {
    /// The problems of the ring's entries.
    pub fn problems(&self) -> &[EntryProblem] {
        match self {
            KeyRingError::NoUsableKey(problems) => problems,
            KeyRingError::Single(_) | KeyRingError::NotARing => &[],
        }
    }
}
