//! What is wrong with a secret's value, and what to do about it. No text here quotes the value.

use std::fmt;

use super::MIN_KEY_BYTES;

/// Longer names are not shown, because they may be secrets in the wrong place. JW's ids have 8 characters.
const MAX_SHOWN_BYTES: usize = 16;

/// An entry of the ring that needs a correction. The other entries are used.
#[derive(Debug, PartialEq)]
pub struct EntryProblem {
    /// The entry's name, or its position if the name may be a secret: `number 1` is the first.
    pub entry: String,
    /// What is wrong.
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
    /// The entry is disabled.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// No event can select the entry, because its name is not a webhook id. For example, the console's
    /// key/value form has names that a person chose.
    #[error("its name is not a webhook id")]
    NotAnId,
}

impl Flaw {
    /// What to do about the flaw.
    pub fn advice(self) -> &'static str {
        match self {
            Flaw::Unusable(Unusable::TooShort) => {
                "store the webhook's whole secret in it; if the secret is lost, delete the webhook \
                 and create another"
            }
            Flaw::Unusable(Unusable::WhiteSpace) => {
                "store the webhook's secret in it without spaces and line breaks"
            }
            Flaw::Unusable(Unusable::NotAString) => {
                "store the webhook's secret in it as a JSON string; if the secret is lost, delete \
                 the webhook and create another"
            }
            Flaw::Unusable(Unusable::NamedTwice) => {
                "keep only the entry that has the webhook's secret"
            }
            Flaw::NotAnId => {
                "give it the webhook's id as its name (8 letters and digits), or remove it"
            }
        }
    }
}

/// Why a secret cannot be a key.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Unusable {
    /// The key is shorter than 32 bytes.
    #[error("its key is shorter than {MIN_KEY_BYTES} bytes")]
    TooShort,
    /// The key contains white space, which no secret of JW's has.
    #[error("its key contains white space")]
    WhiteSpace,
    /// The entry's value is not a string.
    #[error("its value is not a string")]
    NotAString,
    /// The ring has two entries with this name.
    #[error("the ring has two entries with its name")]
    NamedTwice,
}

/// Why a secret's value holds no usable key.
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
