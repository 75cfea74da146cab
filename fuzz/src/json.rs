//! A JSON parser that does not share the forwarder's code. serde_json finds where values begin and
//! end, and decodes strings. A number stays text, and a duplicate member is an error.

use serde::Deserializer;
use serde::de::{Deserialize, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// A value whose strings are in WTF-8.
#[derive(Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(Vec<u8>),
    Array(Vec<Json>),
    Object(BTreeMap<Vec<u8>, Json>),
}

/// The deepest nesting: much deeper than the forwarder reads, but shallow enough for recursion.
const MAX_DEPTH: usize = 100;

pub fn parse(text: &[u8]) -> serde_json::Result<Json> {
    value(serde_json::from_slice(text)?, 0)
}

fn value(raw: &RawValue, depth: usize) -> serde_json::Result<Json> {
    if depth > MAX_DEPTH {
        return Err(serde_json::Error::custom("too deep"));
    }
    let text = raw.get();
    Ok(match text.as_bytes()[0] {
        b'n' => Json::Null,
        b't' => Json::Bool(true),
        b'f' => Json::Bool(false),
        b'"' => Json::Text(serde_json::from_str::<Wtf8>(text)?.0),
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            let items = items.into_iter().map(|item| value(item, depth + 1));
            Json::Array(items.collect::<Result<_, _>>()?)
        }
        b'{' => {
            let mut object = BTreeMap::new();
            for (name, member) in serde_json::from_str::<Members>(text)?.0 {
                if object.insert(name.0, value(member, depth + 1)?).is_some() {
                    return Err(serde_json::Error::custom("a member twice"));
                }
            }
            Json::Object(object)
        }
        _ => Json::Number(text.to_owned()),
    })
}

impl Json {
    /// The nesting depth of arrays and objects.
    pub fn depth(&self) -> usize {
        match self {
            Json::Array(items) => 1 + items.iter().map(Json::depth).max().unwrap_or(0),
            Json::Object(members) => 1 + members.values().map(Json::depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// The number of digits in the longest integer.
    pub fn longest_integer(&self) -> usize {
        match self {
            Json::Number(text) if !text.contains(['.', 'e', 'E']) => {
                text.trim_start_matches('-').len()
            }
            Json::Array(items) => items.iter().map(Json::longest_integer).max().unwrap_or(0),
            Json::Object(members) => members.values().map(Json::longest_integer).max().unwrap_or(0),
            _ => 0,
        }
    }
}

/// A string that may contain lone surrogates. serde_json returns such strings only as bytes.
struct Wtf8(Vec<u8>);

impl<'de> Deserialize<'de> for Wtf8 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Wtf8;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Wtf8, E> {
                Ok(Wtf8(bytes.to_vec()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Wtf8, E> {
                Ok(Wtf8(text.as_bytes().to_vec()))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// An object's members in order, including duplicates.
struct Members<'t>(Vec<(Wtf8, &'t RawValue)>);

impl<'de: 't, 't> Deserialize<'de> for Members<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Vec<(Wtf8, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(All).map(Members)
    }
}
