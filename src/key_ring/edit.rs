//! Edits one webhook's entry in the text of a key ring. All other entries stay unchanged, even unusable ones,
//! because JW never shows a secret again.

use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{BYTE_ORDER_MARK, Key, KeyRing, KeyRingError, PLACEHOLDER, Unusable};
use crate::json::members::Members;

/// A key ring's entries in their original order, each value as JSON text.
#[derive(Default)]
pub struct EditableRing(Vec<(String, Zeroizing<String>)>);

/// Why a secret's value cannot be edited as a key ring. The text never quotes the value.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum NotEditable {
    /// The value is a single key, so it names no webhook.
    #[error("the value is a single key")]
    Single,
    /// The value is invalid for the function too.
    #[error(transparent)]
    Unreadable(#[from] KeyRingError),
}

impl EditableRing {
    /// Parses a secret's value as the function does.
    pub fn parse(value: &[u8]) -> Result<Self, NotEditable> {
        let value = value.strip_prefix(BYTE_ORDER_MARK).unwrap_or(value);
        if value.trim_ascii_start().first() != Some(&b'{') {
            KeyRing::parse(value)?;
            return Err(NotEditable::Single);
        }
        // drops serde_json's error, because it would quote the secret's value
        let entries = Members::of(value).map_err(|_| KeyRingError::NotARing)?;
        let entry =
            |(id, raw): (&str, &RawValue)| (id.to_owned(), Zeroizing::new(raw.get().to_owned()));
        Ok(Self(entries.iter().map(entry).collect()))
    }

    /// A key ring with one entry: this webhook's key.
    pub fn of(webhook_id: &str, key: &Key) -> Option<Self> {
        let secret = std::str::from_utf8(key.bytes()).ok()?;
        Some(Self(vec![(webhook_id.to_owned(), json_string(secret)?)]))
    }

    /// The ids of all entries except the placeholder, in their original order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(id, _)| id.as_str()).filter(|&id| id != PLACEHOLDER)
    }

    /// Whether the ring has no entry. The placeholder counts as an entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is an entry for this webhook, usable or not.
    pub fn contains(&self, webhook_id: &str) -> bool {
        self.0.iter().any(|(id, _)| id == webhook_id)
    }

    /// Adds a webhook's key, or replaces its old key.
    pub fn insert(&mut self, webhook_id: &str, secret: &str) -> Result<(), Unusable> {
        Key::new(Zeroizing::new(secret.as_bytes().to_vec()))?;
        let entry = json_string(secret).ok_or(Unusable::NotAString)?;
        self.0.retain(|(id, _)| id != webhook_id && id != PLACEHOLDER);
        self.0.push((webhook_id.to_owned(), entry));
        Ok(())
    }

    /// Removes a webhook's key. If no entry is left, adds a placeholder with the key `random`.
    pub fn remove(&mut self, webhook_id: &str, random: &[u8; 32]) {
        self.0.retain(|(id, _)| id != webhook_id);
        if self.0.is_empty() {
            let key = Zeroizing::new(format!("\"{}\"", hex::encode(random)));
            self.0.push((PLACEHOLDER.to_owned(), key));
        }
    }

    /// The text of this ring, to store as the secret's value.
    pub fn value(&self) -> Zeroizing<String> {
        // reserves the largest possible size, because a reallocation would leave a copy of a secret in memory
        let size = self.0.iter().map(|(id, secret)| 6 * id.len() + secret.len() + 4).sum::<usize>();
        let mut value = Zeroizing::new(String::with_capacity(size + 2));
        value.push('{');
        for (index, (id, secret)) in self.0.iter().enumerate() {
            if index > 0 {
                value.push(',');
            }
            value.push_str(&serde_json::Value::from(id.as_str()).to_string());
            value.push(':');
            value.push_str(secret);
        }
        value.push('}');
        value
    }
}

fn json_string(text: &str) -> Option<Zeroizing<String>> {
    serde_json::to_string(text).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "old.old.old.old.old.old.old.old.";
    const NEW: &str = "new.new.new.\"\\new.new.new.new.ne";

    fn edited(value: &str, edit: impl FnOnce(&mut EditableRing)) -> String {
        let mut ring = EditableRing::parse(value.as_bytes()).ok().unwrap();
        edit(&mut ring);
        ring.value().as_str().to_owned()
    }

    #[test]
    fn edit_leaves_all_other_entries_unchanged() {
        let rest = format!(r#""short":"x","number":7,"a\nb":"{OLD}","twice":"1","twice":"2""#);
        let value = format!("{{{rest}}}");
        assert_eq!(edited(&value, |_| ()), value);
        let inserted = edited(&value, |ring| ring.insert("c0Y6ebVU", NEW).unwrap());
        assert_eq!(inserted, format!(r#"{{{rest},"c0Y6ebVU":{}}}"#, serde_json::json!(NEW)));
        assert_eq!(edited(&inserted, |ring| ring.remove("c0Y6ebVU", &[0; 32])), value);
    }

    #[test]
    fn inserted_key_replaces_the_old_key_and_the_placeholder() {
        let value = format!(r#"{{"placeholder":"{OLD}","c0Y6ebVU":"{OLD}"}}"#);
        let inserted = edited(&value, |ring| ring.insert("c0Y6ebVU", NEW).unwrap());
        assert_eq!(inserted, serde_json::json!({ "c0Y6ebVU": NEW }).to_string());
    }

    #[test]
    fn unusable_key_is_not_inserted() {
        let mut ring = EditableRing::parse(b"{}").ok().unwrap();
        assert_eq!(ring.insert("c0Y6ebVU", &NEW[1..]), Err(Unusable::TooShort));
        let spaced = NEW.replace('.', " ");
        assert_eq!(ring.insert("c0Y6ebVU", &spaced), Err(Unusable::WhiteSpace));
        assert_eq!(ring.value().as_str(), "{}");
    }

    #[test]
    fn removing_the_last_key_leaves_a_valid_placeholder() {
        let value = format!(r#"{{"c0Y6ebVU":"{OLD}"}}"#);
        let value = edited(&value, |ring| ring.remove("c0Y6ebVU", &[7; 32]));
        assert_eq!(value, format!(r#"{{"placeholder":"{}"}}"#, "07".repeat(32)));
        assert_eq!(KeyRing::parse(value.as_bytes()).unwrap().1, []);
    }

    #[test]
    fn value_is_written_without_reallocation() {
        let value = format!(r#"{{"\u0001\u0002\u0003":"{OLD}"}}"#);
        let value = EditableRing::parse(value.as_bytes()).ok().unwrap().value();
        assert_eq!(value.capacity(), value.len() + 1); // one unused byte, for a comma; a reallocation would double the capacity
    }

    #[test]
    fn single_key_cannot_be_edited_and_can_become_a_ring() {
        let refused = |value: &str| EditableRing::parse(value.as_bytes()).err().unwrap();
        assert_eq!(refused(OLD), NotEditable::Single);
        assert_eq!(
            refused("short"),
            NotEditable::Unreadable(KeyRingError::Single(Unusable::TooShort))
        );
        assert_eq!(refused("[]"), NotEditable::Unreadable(KeyRingError::NotARing));
        let (KeyRing::Single(key), _) = KeyRing::parse(format!("{OLD}\n").as_bytes()).unwrap()
        else {
            panic!("a ring");
        };
        let ring = EditableRing::of("c0Y6ebVU", &key).unwrap();
        assert_eq!(ring.value().as_str(), format!(r#"{{"c0Y6ebVU":"{OLD}"}}"#));
        assert!(ring.contains("c0Y6ebVU") && !ring.contains("7Rav0hC5"));
    }

    #[test]
    fn ids_do_not_include_the_placeholder() {
        let value = format!(r#"{{"placeholder":"{OLD}","c0Y6ebVU":7}}"#);
        let ring = EditableRing::parse(value.as_bytes()).ok().unwrap();
        assert_eq!(ring.ids().collect::<Vec<_>>(), ["c0Y6ebVU"]);
    }
}
