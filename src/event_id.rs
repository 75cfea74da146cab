//! The id of an event. JW's events have no id of their own.
//!
//! JW may send an event twice, and during a rotation through two webhooks. So the id is a digest of all claims
//! except the top-level `webhook_id`. Any consumer can compute the id, in Python:
//!
//! ```python
//! hashlib.sha256(json.dumps({k: v for k, v in claims.items() if k != "webhook_id"},
//!                           sort_keys=True, separators=(",", ":")).encode()).hexdigest()
//! ```
//!
//! This module therefore writes strings and floats exactly as Python's `json.dumps` writes them.

use std::fmt::Write;

use ring::digest::{SHA256, digest};

use crate::json::{Object, Value};

/// The `event_id` of these claims: 64 lower-case hexadecimal digits.
pub fn event_id(claims: &Object<'_>) -> String {
    let mut text = String::new();
    write_object(&mut text, claims.members().filter(|(name, _)| name != b"webhook_id"));
    hex::encode(digest(&SHA256, text.as_bytes()))
}

fn write_object<'v>(text: &mut String, members: impl Iterator<Item = (&'v [u8], &'v Value<'v>)>) {
    text.push('{');
    for (index, (name, value)) in members.enumerate() {
        if index > 0 {
            text.push(',');
        }
        write_string(text, name);
        text.push(':');
        write_value(text, value);
    }
    text.push('}');
}

fn write_value(text: &mut String, value: &Value<'_>) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => write_number(text, number),
        Value::String(content) => write_string(text, content),
        Value::Array(values) => {
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_value(text, value);
            }
            text.push(']');
        }
        Value::Object(object) => write_object(text, object.members()),
    }
}

/// Writes a string in ASCII. All other characters are written as escaped UTF-16 units.
fn write_string(text: &mut String, content: &[u8]) {
    text.push('"');
    for code_point in code_points(content) {
        match code_point {
            0x22 => text.push_str("\\\""),
            0x5c => text.push_str("\\\\"),
            0x08 => text.push_str("\\b"),
            0x09 => text.push_str("\\t"),
            0x0a => text.push_str("\\n"),
            0x0c => text.push_str("\\f"),
            0x0d => text.push_str("\\r"),
            0x20..0x7f => text.push(code_point as u8 as char),
            0x10000.. => {
                let offset = code_point - 0x10000;
                push_escape(text, 0xd800 + (offset >> 10));
                push_escape(text, 0xdc00 + (offset & 0x3ff));
            }
            _ => push_escape(text, code_point),
        }
    }
    text.push('"');
}

fn push_escape(text: &mut String, unit: u32) {
    // writing to a String cannot fail
    let _ = write!(text, "\\u{unit:04x}");
}

/// The code points of a text in WTF-8.
fn code_points(content: &[u8]) -> impl Iterator<Item = u32> {
    let mut bytes = content.iter().map(|byte| u32::from(*byte));
    std::iter::from_fn(move || {
        let first = bytes.next()?;
        let (mut code_point, continuations) = match first {
            0x00..0x80 => (first, 0),
            0x80..0xe0 => (first & 0x1f, 1),
            0xe0..0xf0 => (first & 0x0f, 2),
            _ => (first & 0x07, 3),
        };
        for byte in bytes.by_ref().take(continuations) {
            code_point = code_point << 6 | byte & 0x3f;
        }
        Some(code_point)
    })
}

/// Writes a number as Python writes it after parsing it. An integer stays unchanged. A float gets the fewest
/// digits that parse to the same float (`float.__repr__`).
fn write_number(text: &mut String, number: &str) {
    if number == "-0" {
        return text.push('0');
    }
    if !number.contains(['.', 'e', 'E']) {
        return text.push_str(number);
    }
    let Ok(float) = number.parse::<f64>() else {
        return text.push_str(number); // never reached, because every JSON number parses
    };
    if float.is_infinite() {
        return text.push_str(if float > 0.0 { "Infinity" } else { "-Infinity" });
    }
    let mut buffer = ryu::Buffer::new();
    let shortest = buffer.format_finite(float);
    // ryu writes the same digits as Python, but writes exponents and numbers below 1e-4 differently
    let _ = match (shortest.split_once('e'), shortest.split_once("0.0000")) {
        (Some((mantissa, exponent)), _) => match exponent.strip_prefix('-') {
            Some(exponent) => write!(text, "{mantissa}e-{exponent:0>2}"),
            None => write!(text, "{mantissa}e+{exponent:0>2}"),
        },
        (None, Some((sign @ ("" | "-"), digits))) => match digits.split_at(1) {
            (digit, "") => write!(text, "{sign}{digit}e-05"),
            (digit, more) => write!(text, "{sign}{digit}.{more}e-05"),
        },
        (None, _) => write!(text, "{shortest}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        let mut out = String::new();
        write_object(&mut out, Object::parse(text.as_bytes()).unwrap().members());
        out
    }

    /// Left: JSON that JW might send. Right: `json.dumps(json.loads(left), sort_keys=True, separators=(",", ":"))` in Python
    /// 3.11.
    #[test]
    fn numbers_and_strings_are_written_as_python_writes_them() {
        let cases = [
            (r#"{"n":[0,-0,-1,9007199254740993]}"#, r#"{"n":[0,0,-1,9007199254740993]}"#),
            (r#"{"n":[1.0,-0.0,1.50,1e5,1E+2,0.1]}"#, r#"{"n":[1.0,-0.0,1.5,100000.0,100.0,0.1]}"#),
            (
                r#"{"n":[802328206207007.25,0.00001234,-0.00009,100.00001,20.00005]}"#,
                r#"{"n":[802328206207007.2,1.234e-05,-9e-05,100.00001,20.00005]}"#,
            ),
            (
                r#"{"n":[1e15,1e16,123456789012345678.0]}"#,
                r#"{"n":[1000000000000000.0,1e+16,1.2345678901234568e+17]}"#,
            ),
            (r#"{"n":[0.0001,0.00001,1.5e-7,5e-324]}"#, r#"{"n":[0.0001,1e-05,1.5e-07,5e-324]}"#),
            (r#"{"n":[1e999,-1e999,1e-999,1e22]}"#, r#"{"n":[Infinity,-Infinity,0.0,1e+22]}"#),
            (
                r#"{"é":"\u00e9\u0000\u007f/\"\\\b\f\n\r\t"}"#,
                r#"{"\u00e9":"\u00e9\u0000\u007f/\"\\\b\f\n\r\t"}"#,
            ),
            (r#"{"s":"😀\ud83d\ude00\ud800x"}"#, r#"{"s":"\ud83d\ude00\ud83d\ude00\ud800x"}"#),
            (r#"{"b":[true,false,null,[],{}],"a":1}"#, r#"{"a":1,"b":[true,false,null,[],{}]}"#),
            (
                r#"{"\ud800":1,"😀":2,"\ue000":3,"Z":4}"#,
                r#"{"Z":4,"\ud800":1,"\ue000":3,"\ud83d\ude00":2}"#,
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }
}
