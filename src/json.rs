//! A strict JSON parser, to compare a request's body with the signed payload.
//!
//! A general parser is too lenient: it ignores the first of two members with the same name, and rounds numbers
//! to floats. So it can find two different texts equal. This parser rejects duplicate members and compares
//! numbers as text. It follows RFC 8259 with the limits of [`Error`], and accepts a lone surrogate escape, as
//! Python's `json` does.

pub mod members;
mod parser;

use std::borrow::Cow;

/// The deepest nesting. JW's objects are flat, and Python's parser allows about a thousand levels.
const MAX_DEPTH: usize = 64;

/// The most digits of an integer. Python's `int()` rejects more digits (`sys.int_info.default_max_str_digits`),
/// so JW's documented check fails on a longer integer.
const MAX_INTEGER_DIGITS: usize = 4300;

/// A JSON value. Two objects are equal if they have equal members in any order. Two strings are equal if they
/// are equal after their escapes are resolved. Two numbers are equal if their texts are equal.
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

/// A string's content in WTF-8: UTF-8 in which a lone surrogate (`"\ud800"`) is encoded too. The order of the
/// bytes of two texts is the order of their code points.
pub type Text<'t> = Cow<'t, [u8]>;

/// An object without duplicate members, sorted by the code points of their names.
#[derive(Debug, PartialEq)]
pub struct Object<'t>(Vec<(Text<'t>, Value<'t>)>);

impl<'t> Object<'t> {
    /// Parses `text`, which must be one object. White space may surround the object.
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
