//! JSON for comparing what was signed with what was sent.
//!
//! A general parser is too kind for that: it keeps the last of two members with one name, and
//! rounds numbers through a float, so that two texts which differ can come out equal. This one
//! refuses the first and keeps a number's text. It follows RFC 8259, with three limits of its own
//! (see [`Error`]), and reads a lone surrogate escape as Python's `json` does.

pub mod members;
mod parser;

use std::borrow::Cow;

/// Python recurses about a thousand deep and JW's objects are flat; 64 is far from both.
const MAX_DEPTH: usize = 64;

/// Python's `int()` refuses an integer of more digits (`sys.int_info.default_max_str_digits`), so
/// that JW's documented check fails on it.
const MAX_INTEGER_DIGITS: usize = 4300;

/// A JSON value. Two are equal when they hold the same members and values, in any order and
/// spelling of escapes, and their numbers have the same text.
#[derive(Debug, PartialEq)]
pub enum Value<'t> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it was written.
    Number(&'t str),
    /// A string, its escapes resolved.
    String(Text<'t>),
    /// An array.
    Array(Vec<Value<'t>>),
    /// An object.
    Object(Object<'t>),
}

/// A string's content in WTF-8: UTF-8, and a lone surrogate (which `"\ud800"` spells) encoded in
/// the same manner. Its byte order is the order of its code points.
pub type Text<'t> = Cow<'t, [u8]>;

/// An object whose members have different names, in the order of those names' code points.
#[derive(Debug, PartialEq)]
pub struct Object<'t>(Vec<(Text<'t>, Value<'t>)>);

impl<'t> Object<'t> {
    /// Reads `text`, which must be one object and nothing else but white space.
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

    /// The value of the member called `name`, where it is a string.
    pub fn string(&self, name: &str) -> Option<&[u8]> {
        match self.get(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The members, in the order of their names' code points.
    pub fn members(&self) -> impl Iterator<Item = (&[u8], &Value<'t>)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }
}

/// Why a text isn't the JSON object that was wanted.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The bytes aren't UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// The text isn't JSON.
    #[error("not JSON")]
    Syntax,
    /// The text is JSON, but not an object.
    #[error("not a JSON object")]
    NotAnObject,
    /// An object names a member twice.
    #[error("a member is named twice")]
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
