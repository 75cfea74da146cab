//! A strict JSON parser, for comparing the signed payload with the body.
//!
//! A general parser is too lenient: it keeps the last of two members with the same name and rounds numbers
//! to floats, so different texts can compare as equal. This parser rejects duplicate members and keeps a
//! number's text. It follows RFC 8259 with the limits of [`Error`], and reads a lone surrogate escape as
//! Python's `json` does.

pub mod members;
mod parser;

use std::borrow::Cow;

/// JW's objects are flat, and Python's limit is about a thousand.
const MAX_DEPTH: usize = 64;

/// Python's `int()` rejects more digits (`sys.int_info.default_max_str_digits`), so JW's documented check
/// fails on them.
const MAX_INTEGER_DIGITS: usize = 4300;

/// A JSON value. Values are equal if they have the same members and values, in any order and with any
/// spelling of escapes. Numbers are equal if their texts are.
#[derive(Debug, PartialEq)]
pub enum Value<'t> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number's text.
    Number(&'t str),
    /// A string with its escapes resolved.
    String(Text<'t>),
    /// An array.
    Array(Vec<Value<'t>>),
    /// An object.
    Object(Object<'t>),
}

/// A string's content in WTF-8: UTF-8 in which a lone surrogate (`"\ud800"`) is encoded too. Its byte order
/// is the order of its code points.
pub type Text<'t> = Cow<'t, [u8]>;

/// An object without duplicate members, sorted by the code points of their names.
#[derive(Debug, PartialEq)]
pub struct Object<'t>(Vec<(Text<'t>, Value<'t>)>);

impl<'t> Object<'t> {
    /// Parses `text`, which must be one object, with white space around it at most.
    pub fn parse(text: &'t [u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(text).map_err(|_| Error::NotUtf8)?;
        match parser::parse(text)? {
            Value::Object(object) => Ok(object),
            _ => Err(Error::NotAnObject),
        }
    }

    /// The value of the member called `name`.
    pub fn get(&self, name: &str) -> Option<&Value<'t>> {
        let found = self.0.binary_search_by(|(member, _)| member.as_ref().cmp(name.as_bytes()));
        found.ok().map(|index| &self.0[index].1)
    }

    /// The value of the member called `name`, if it is a string.
    pub fn string(&self, name: &str) -> Option<&[u8]> {
        match self.get(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The members, sorted by the code points of their names.
    pub fn members(&self) -> impl Iterator<Item = (&[u8], &Value<'t>)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }
}

/// Why a text is not a valid JSON object.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The bytes are not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// The text is not JSON.
    #[error("not JSON")]
    Syntax,
    /// The text is JSON, but not an object.
    #[error("not a JSON object")]
    NotAnObject,
    /// An object has a duplicate member.
    #[error("duplicate member")]
    MemberTwice,
    /// Arrays and objects are nested more than 64 deep.
    #[error("nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// An integer has more than 4300 digits.
    #[error("an integer of more than {MAX_INTEGER_DIGITS} digits")]
    IntegerTooLong,
}

#[cfg(test)]
mod tests;
