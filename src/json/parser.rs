//! A recursive descent parser for JSON (RFC 8259).

use std::borrow::Cow;

use super::{Error, MAX_DEPTH, MAX_INTEGER_DIGITS, Object, Text, Value};

/// Parses `text`, which must be one value. White space may surround the value.
pub(super) fn parse(text: &str) -> Result<Value<'_>, Error> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    parser.skip_whitespace();
    let value = parser.value()?;
    parser.skip_whitespace();
    if parser.at < text.len() { Err(Error::Syntax) } else { Ok(value) }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn value(&mut self) -> Result<Value<'t>, Error> {
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Null),
            _ => Err(Error::Syntax),
        }
    }

    fn nested(
        &mut self,
        read: fn(&mut Self) -> Result<Value<'t>, Error>,
    ) -> Result<Value<'t>, Error> {
        if self.depth == MAX_DEPTH {
            return Err(Error::TooDeep);
        }
        self.depth += 1;
        self.at += 1;
        self.skip_whitespace();
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<Value<'t>, Error> {
        let mut members = Vec::new();
        if !self.take(b'}') {
            loop {
                let name = self.string()?;
                self.skip_whitespace();
                self.expect(b':')?;
                self.skip_whitespace();
                members.push((name, self.value()?));
                if self.ends_list(b'}')? {
                    break;
                }
            }
        }
        members.sort_by(|(a, _), (b, _)| a.cmp(b));
        if members.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(Error::MemberTwice);
        }
        Ok(Value::Object(Object(members)))
    }

    fn array(&mut self) -> Result<Value<'t>, Error> {
        let mut values = Vec::new();
        if !self.take(b']') {
            loop {
                values.push(self.value()?);
                if self.ends_list(b']')? {
                    break;
                }
            }
        }
        Ok(Value::Array(values))
    }

    /// Reads `close` or a comma after a member or an element. Returns whether it was `close`.
    fn ends_list(&mut self, close: u8) -> Result<bool, Error> {
        self.skip_whitespace();
        if self.take(close) {
            return Ok(true);
        }
        self.expect(b',')?;
        self.skip_whitespace();
        Ok(false)
    }

    fn literal(&mut self, spelled: &str, value: Value<'t>) -> Result<Value<'t>, Error> {
        if !self.text.as_bytes()[self.at..].starts_with(spelled.as_bytes()) {
            return Err(Error::Syntax);
        }
        self.at += spelled.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Value<'t>, Error> {
        let start = self.at;
        self.take(b'-');
        let first = self.peek();
        let digits = self.digits()?;
        if first == Some(b'0') && digits > 1 {
            return Err(Error::Syntax);
        }
        let mut is_integer = true;
        if self.take(b'.') {
            is_integer = false;
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            is_integer = false;
            let _signed = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        if is_integer && digits > MAX_INTEGER_DIGITS {
            return Err(Error::IntegerTooLong);
        }
        Ok(Value::Number(&self.text[start..self.at]))
    }

    fn digits(&mut self) -> Result<usize, Error> {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(Error::Syntax) } else { Ok(count) }
    }

    fn string(&mut self) -> Result<Text<'t>, Error> {
        self.expect(b'"')?;
        let mut text = Cow::Borrowed(self.unescaped());
        loop {
            match self.next()? {
                b'"' => return Ok(text),
                b'\\' => {
                    let content = text.to_mut();
                    let code_point = self.escape()?;
                    push_wtf8(content, code_point);
                    content.extend_from_slice(self.unescaped());
                }
                _ => return Err(Error::Syntax), // a control character
            }
        }
    }

    /// Reads the bytes up to the next quote, backslash or control character.
    fn unescaped(&mut self) -> &'t [u8] {
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))
            .unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn escape(&mut self) -> Result<u32, Error> {
        let code_point = match self.next()? {
            literal @ (b'"' | b'\\' | b'/') => literal.into(),
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => 0x0a,
            b'r' => 0x0d,
            b't' => 0x09,
            b'u' => return self.unicode_escape(),
            _ => return Err(Error::Syntax),
        };
        Ok(code_point)
    }

    fn unicode_escape(&mut self) -> Result<u32, Error> {
        let unit = self.hex_unit()?;
        if !(0xd800..0xdc00).contains(&unit) {
            return Ok(unit);
        }
        let after_high = self.at;
        if self.take(b'\\') && self.take(b'u') {
            let low = self.hex_unit()?;
            if (0xdc00..0xe000).contains(&low) {
                return Ok(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
            }
        }
        self.at = after_high;
        Ok(unit)
    }

    fn hex_unit(&mut self) -> Result<u32, Error> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).ok_or(Error::Syntax)?;
        self.at += 4;
        digits.iter().try_fold(0, |unit, digit| {
            let value = char::from(*digit).to_digit(16).ok_or(Error::Syntax)?;
            Ok(unit << 4 | value)
        })
    }

    fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Result<u8, Error> {
        let byte = self.peek().ok_or(Error::Syntax)?;
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.take(byte) { Ok(()) } else { Err(Error::Syntax) }
    }
}

/// Appends a code point as UTF-8 encodes it, even a surrogate.
fn push_wtf8(bytes: &mut Vec<u8>, code_point: u32) {
    if let Some(character) = char::from_u32(code_point) {
        bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        let continuation = |shift: u32| 0x80 | (code_point >> shift & 0x3f) as u8;
        bytes.extend_from_slice(&[
            0xe0 | (code_point >> 12) as u8,
            continuation(6),
            continuation(0),
        ]);
    }
}
