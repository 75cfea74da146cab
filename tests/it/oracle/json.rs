//! JSON values with the details that parsers drop. A value can be written in every way that JSON
//! allows.

use crate::support::Random;

/// A value as written: numbers keep their spelling, strings their UTF-16 units (which may include
/// lone surrogates), and members their order and duplicates.
#[derive(Clone, Debug)]
pub enum Json {
    Literal(&'static str),
    Number(String),
    Text(Vec<u16>),
    Array(Vec<Json>),
    Object(Vec<(Vec<u16>, Json)>),
}

impl Json {
    pub fn text(text: &str) -> Self {
        Json::Text(text.encode_utf16().collect())
    }

    /// Writes the value in any way that a signer or sender may choose: any white space, any
    /// spelling of strings, any order of members.
    pub fn write(&self, random: &mut Random) -> Vec<u8> {
        let airy = random.one_in(3);
        let mut out = Vec::new();
        write_value(self, random, airy, &mut out);
        out
    }
}

fn write_value(value: &Json, random: &mut Random, airy: bool, out: &mut Vec<u8>) {
    space(random, airy, out);
    match value {
        Json::Literal(text) => out.extend(text.bytes()),
        Json::Number(text) => out.extend(text.bytes()),
        Json::Text(units) => write_text(units, random, out),
        Json::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                out.extend((index > 0).then_some(b','));
                write_value(item, random, airy, out);
            }
            out.push(b']');
        }
        Json::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            if random.one_in(2) {
                random.shuffle(&mut members);
            }
            out.push(b'{');
            for (index, (name, value)) in members.into_iter().enumerate() {
                out.extend((index > 0).then_some(b','));
                space(random, airy, out);
                write_text(name, random, out);
                space(random, airy, out);
                out.push(b':');
                write_value(value, random, airy, out);
            }
            out.push(b'}');
        }
    }
    space(random, airy, out);
}

fn space(random: &mut Random, airy: bool, out: &mut Vec<u8>) {
    if airy && random.one_in(2) {
        out.push(*random.pick(b" \t\r\n"));
    }
}

fn write_text(units: &[u16], random: &mut Random, out: &mut Vec<u8>) {
    let escaping = *random.pick(&[0, 0, 5, 1]); // only what needs escaping, some characters, all
    out.push(b'"');
    for decoded in char::decode_utf16(units.iter().copied()) {
        match decoded {
            Ok(character) => write_character(character, escaping, random, out),
            Err(lone) => write_escape(lone.unpaired_surrogate(), random, out),
        }
    }
    out.push(b'"');
}

fn write_character(character: char, escaping: usize, random: &mut Random, out: &mut Vec<u8>) {
    const SHORT: [(char, &str); 8] = [
        ('"', r#"\""#),
        ('\\', r"\\"),
        ('/', r"\/"),
        ('\u{8}', r"\b"),
        ('\u{c}', r"\f"),
        ('\n', r"\n"),
        ('\r', r"\r"),
        ('\t', r"\t"),
    ];
    let needed = character < ' ' || character == '"' || character == '\\';
    if !needed && (escaping == 0 || !random.one_in(escaping)) {
        out.extend(character.encode_utf8(&mut [0; 4]).bytes());
        return;
    }
    let short = SHORT.iter().find(|(of, _)| *of == character);
    match short {
        Some((_, escape)) if random.one_in(2) => out.extend(escape.bytes()),
        _ => character
            .encode_utf16(&mut [0; 2])
            .iter()
            .for_each(|unit| write_escape(*unit, random, out)),
    }
}

fn write_escape(unit: u16, random: &mut Random, out: &mut Vec<u8>) {
    let escape = if random.one_in(2) { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") };
    out.extend(escape.bytes());
}
