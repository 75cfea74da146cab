//! Events that JW may send, and changed versions of them.

use super::json::Json;
use crate::support::Random;

/// An object's members.
type Members = [(Vec<u16>, Json)];

/// A flat event of strings, like JW's events.
pub fn flat_event(random: &mut Random) -> Json {
    let mut members = vec![
        ("event", *random.pick(&["media_available", "channel_idle", "next_years_event"])),
        ("webhook_id", *random.pick(&["7Rav0hC5", "2yW4KmiG"])),
        ("site_id", "jsPxIVHl"),
        ("event_time", "2023-11-14T22:30:10+00:00"),
    ];
    members.push(if random.one_in(2) {
        ("media_id", "UUhbHm6C")
    } else {
        ("channel_id", "YijbmYHJ")
    });
    let mut members: Vec<_> = members
        .into_iter()
        .map(|(name, value)| (name.encode_utf16().collect(), Json::text(value)))
        .collect();
    if random.one_in(2) {
        members.push(("title".encode_utf16().collect(), Json::Text(text(random))));
    }
    Json::Object(members)
}

/// Any object without values that the two checks may treat differently.
pub fn any_event(random: &mut Random) -> Json {
    object(random, 4)
}

fn object(random: &mut Random, depth: usize) -> Json {
    let mut members: Vec<(Vec<u16>, Json)> = Vec::new();
    for _ in 0..random.below(7) {
        let name = text(random);
        if members.iter().all(|(other, _)| *other != name) && !is_registered(&name) {
            members.push((name, value(random, depth)));
        }
    }
    Json::Object(members)
}

fn is_registered(name: &[u16]) -> bool {
    let name = String::from_utf16_lossy(name);
    ["exp", "nbf", "iat", "aud", "sub", "jti", "iss"].contains(&name.as_str())
}

fn value(random: &mut Random, depth: usize) -> Json {
    match random.below(if depth == 0 { 8 } else { 10 }) {
        0 => Json::Literal(["true", "false", "null"][random.below(3)]),
        1..3 => Json::Number(number(random)),
        3..8 => Json::Text(text(random)),
        8 => Json::Array((0..random.below(4)).map(|_| value(random, depth - 1)).collect()),
        _ => object(random, depth - 1),
    }
}

fn number(random: &mut Random) -> String {
    let digits = |random: &mut Random, most: usize| -> String {
        (0..=random.below(most)).map(|_| char::from(b'0' + random.below(10) as u8)).collect()
    };
    let whole = digits(random, 25).trim_start_matches('0').to_owned();
    let mut number = if random.one_in(3) { "-".to_owned() } else { String::new() };
    number += if whole.is_empty() { "0" } else { &whole };
    if random.one_in(3) {
        number = number + "." + &digits(random, 20);
    }
    if random.one_in(4) {
        let sign = random.pick(&["e", "E", "e+", "E-", "e-"]);
        number = number + sign + &digits(random, 2);
    }
    number
}

/// Names and values: words with a meaning for the function, or characters of every kind.
fn text(random: &mut Random) -> Vec<u16> {
    const WORDS: [&str; 12] = [
        "",
        "a",
        "b",
        "event",
        "webhook_id",
        "media_id",
        "__proto__",
        "true",
        "1",
        "é",
        "e\u{301}",
        "😀",
    ];
    const UNITS: [u16; 20] = [
        0, 8, 0x1f, 0x20, 0x22, 0x2f, 0x5c, 0x61, 0x7e, 0x7f, 0x80, 0xe9, 0x3b1, 0x2028, 0xd800,
        0xdbff, 0xdc00, 0xdfff, 0xfffe, 0xffff,
    ];
    if random.one_in(2) {
        return random.pick(&WORDS).encode_utf16().collect();
    }
    (0..random.below(8)).map(|_| *random.pick(&UNITS)).collect()
}

/// Replaces one member's value, sometimes by a value that looks similar.
pub fn with_a_change(members: &Members, random: &mut Random) -> Json {
    let mut members = members.to_vec();
    if members.is_empty() {
        return less_or_more(&members, random);
    }
    let index = random.below(members.len());
    let changed = match &members[index].1 {
        Json::Literal("true") => Json::Number("1".into()),
        Json::Literal(literal) => Json::text(literal),
        Json::Number(number) => match random.below(4) {
            0 => Json::text(number),
            1 => Json::Number(format!("{number}0")),
            2 => Json::Number(number.replace('e', "E")),
            _ => Json::Literal("true"),
        },
        Json::Text(units) if random.one_in(2) => Json::Text(alike(units, random)),
        Json::Array(items) => Json::Array(items.iter().rev().cloned().collect()),
        _ => value(random, 2),
    };
    members[index].1 = changed;
    Json::Object(members)
}

/// A text that looks the same to a reader, or to a careless comparison.
fn alike(units: &[u16], random: &mut Random) -> Vec<u16> {
    let text = String::from_utf16_lossy(units); // a lone surrogate becomes U+FFFD
    let changed = match random.below(6) {
        0 => return units.iter().rev().copied().collect(),
        1 => text.to_uppercase(),
        2 => text.replace('é', "e\u{301}"),
        3 => text.replace('a', "\u{430}"), // Cyrillic
        4 => text + "\u{200b}",
        _ => format!("\u{feff}{text}"),
    };
    changed.encode_utf16().collect()
}

pub fn twice(members: &Members, random: &mut Random) -> Json {
    let mut members = members.to_vec();
    let (name, old) = if members.is_empty() {
        (text(random), value(random, 1))
    } else {
        random.pick(&members).clone()
    };
    let new = if random.one_in(2) { old.clone() } else { value(random, 1) };
    members.push((name.clone(), new));
    members.push((name, old));
    Json::Object(members)
}

pub fn less_or_more(members: &Members, random: &mut Random) -> Json {
    let mut members = members.to_vec();
    if !members.is_empty() && random.one_in(2) {
        members.remove(random.below(members.len()));
    } else {
        members.push(("one more".encode_utf16().collect(), value(random, 1)));
    }
    Json::Object(members)
}

/// Adds a claim that PyJWT checks, with any value.
pub fn registered(members: &Members, random: &mut Random) -> Json {
    const VALUES: [&str; 26] = [
        "0",
        "-1",
        "1",
        "4000000000",
        "4000000000.5",
        "99999999999999999999",
        "1e9",
        "4e9",
        "1e400",
        "-1e400",
        "true",
        "false",
        "null",
        "\"\"",
        "\"0\"",
        "\"4000000000\"",
        "\" 4000000000 \"",
        "\"4_000_000_000\"",
        "\"a\"",
        "[]",
        "[\"\"]",
        "{}",
        "[4000000000]",
        "0.0",
        "NaN",
        "-Infinity",
    ];
    let mut members = members.to_vec();
    let name = random.pick(&["exp", "nbf", "iat", "aud", "sub", "jti", "iss"]);
    members.push((name.encode_utf16().collect(), Json::Number((*random.pick(&VALUES)).into())));
    Json::Object(members)
}

/// Adds a value that some parsers accept and others reject or read differently.
pub fn odd(members: &Members, random: &mut Random) -> Json {
    const ODD: [&str; 26] = [
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1e",
        "-01",
        "0x1F",
        "1_000",
        "٣",
        "tru",
        "True",
        "undefined",
        "'a'",
        "\"\t\"",
        r#""\x41""#,
        r#""\u00g0""#,
        r#""\u+041""#,
        "\"\\",
        "[1,]",
        "[,1]",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":1,\"a\":1}",
        "[{\"b\":{\"c\":1,\"c\":2}}]",
        "/* */ 1",
    ];
    let mut members = members.to_vec();
    members.push(("odd".encode_utf16().collect(), Json::Number((*random.pick(&ODD)).into())));
    Json::Object(members)
}

/// Adds a value that one parser accepts and another may not, because of its size or depth.
pub fn extreme(members: &Members, random: &mut Random) -> Json {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let text = match random.below(12) {
        0 => "NaN".into(),
        1 => "Infinity".into(),
        2 => "1e400".into(),
        3 => "-1e999999".into(),
        4 => "9".repeat(4_300),
        5 => "9".repeat(4_301),
        6 => format!("-{}", "9".repeat(4_301)),
        7 => format!("0.{}", "9".repeat(5_000)),
        8 => format!("1e{}", "9".repeat(5_000)),
        9 => deep(62),
        10 => deep(64),
        _ => deep(3_000),
    };
    let mut members = members.to_vec();
    members.push(("extreme".encode_utf16().collect(), Json::Number(text)));
    Json::Object(members)
}
