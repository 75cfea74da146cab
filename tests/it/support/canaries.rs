//! Strings that the tested programs must never write, and the search for any part of these strings.

use super::delivery::sign;
use serde_json::Value;
use std::collections::HashSet;

/// The length of the parts. Shorter parts may match by accident; 16 consecutive characters of a
/// secret do not.
const PIECE: usize = 16;

#[derive(Default)]
pub struct Canaries(HashSet<[u8; PIECE]>);

impl Canaries {
    pub fn add(&mut self, text: &str) {
        // A token can be as long as its body. For long strings, every sixteenth part is enough.
        let step = if text.len() > 1024 { PIECE } else { 1 };
        let pieces = text.as_bytes().windows(PIECE).step_by(step);
        self.0.extend(pieces.filter_map(|piece| <[u8; PIECE]>::try_from(piece).ok()));
    }

    /// Adds a secret's value: the value itself, or every string in a key ring.
    pub fn add_secret(&mut self, value: &str) {
        for key in keys(value) {
            self.add(&key);
        }
    }

    /// Adds a token's signature and claims, and the signatures that the token should have had. The
    /// header is the same in every token and is not secret.
    pub fn add_token(&mut self, token: &str, secrets: &[String]) {
        let Some((input, signature)) = token.rsplit_once('.') else { return };
        self.add(signature);
        self.add(input.split_once('.').map_or(input, |(_, claims)| claims));
        for key in secrets.iter().flat_map(|secret| keys(secret)) {
            self.add(&sign(input, &key));
        }
    }

    pub fn first_in<'t>(&self, text: &'t str) -> Option<&'t str> {
        let found = text.as_bytes().windows(PIECE).any(|piece| self.0.contains(piece));
        found.then_some(text)
    }
}

fn keys(value: &str) -> Vec<String> {
    match serde_json::from_str(value) {
        Ok(Value::Object(ring)) => {
            ring.values().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => vec![value.trim_end().to_owned()],
    }
}
