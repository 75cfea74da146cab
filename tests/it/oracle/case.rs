//! Requests, valid and invalid.

use super::json::Json;
use super::values;
use crate::support::{OTHER_SECRET, Random, SECRET, sign, token};

/// One request.
pub struct Case {
    pub token: String,
    pub body: Vec<u8>,
    /// Whether both checks must accept this request.
    pub is_good: bool,
    claims: Vec<u8>,
    /// How the valid request was changed.
    pub done: &'static str,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case")
            .field("done", &self.done)
            .field("token", &self.token)
            .field("claims", &String::from_utf8_lossy(&self.claims))
            .field("body", &String::from_utf8_lossy(&self.body))
            .finish_non_exhaustive()
    }
}

impl Case {
    pub fn generate(random: &mut Random) -> Self {
        let event =
            if random.one_in(3) { values::flat_event(random) } else { values::any_event(random) };
        let Json::Object(members) = &event else { unreachable!("an event is an object") };
        let (claims, body) = (event.write(random), event.write(random));
        let signed = token(header(random), &claims, SECRET);
        let good = Case { token: signed, body, is_good: true, claims, done: "nothing" };
        match random.below(22) {
            0..10 => good,
            10 => with_body(good, values::with_a_change(members, random), "a value", random),
            11 => with_body(good, values::twice(members, random), "a member twice", random),
            12 => with_body(good, values::less_or_more(members, random), "a member", random),
            13 => with_bytes_changed(good, random),
            14 | 15 => with_token_changed(good, random),
            16 => with_claims_bytes_changed(good, random),
            17 => signed_alike(values::twice(members, random), "a member twice in both", random),
            18 => signed_alike(values::registered(members, random), "a registered claim", random),
            19 => {
                signed_alike(values::extreme(members, random), "an extreme value in both", random)
            }
            20 => signed_alike(values::odd(members, random), "invalid JSON in both", random),
            _ => with_a_strange_header(good, random),
        }
    }
}

fn with_body(good: Case, body: Json, done: &'static str, random: &mut Random) -> Case {
    Case { body: body.write(random), is_good: false, done, ..good }
}

/// The same value as claims and as body. Either check may refuse the request because of the value.
fn signed_alike(value: Json, done: &'static str, random: &mut Random) -> Case {
    let (claims, body) = (value.write(random), value.write(random));
    Case { token: token(header(random), &claims, SECRET), body, is_good: false, claims, done }
}

fn header(random: &mut Random) -> &'static str {
    const HEADERS: [&str; 4] = [
        r#"{"alg":"HS256","typ":"JWT"}"#,
        r#"{"typ":"JWT","alg":"HS256"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"JWT","kid":"7Rav0hC5"}"#,
    ];
    HEADERS[random.below(HEADERS.len())]
}

fn damage(bytes: &mut Vec<u8>, alphabet: &[u8], random: &mut Random) {
    let index = random.below(bytes.len() + 1);
    let byte = *random.pick(alphabet);
    match random.below(6) {
        0 => bytes.insert(index, byte),
        1 => bytes.truncate(index),
        2 => bytes.extend([byte, byte]),
        _ if index == bytes.len() => bytes.insert(0, byte),
        3 => drop(bytes.remove(index)),
        _ => bytes[index] = byte,
    }
}

const OF_JSON: &[u8] = b"{}[]\",:\\u0189aftn-+.eE \t\n\0\x0b\x7f\xc3\xed\xef\xbb\xbf\xfe\xff";
const OF_TOKENS: &[u8] = b"AZaz09-_.=+/~%";

fn with_bytes_changed(mut case: Case, random: &mut Random) -> Case {
    damage(&mut case.body, OF_JSON, random);
    match random.below(8) {
        0 => case.body = [b"\xef\xbb\xbf".as_slice(), &case.body].concat(),
        1 => case.body = case.claims.iter().flat_map(|&byte| [byte, 0]).collect(), // UTF-16, if it is ASCII
        _ => {}
    }
    Case { is_good: false, done: "the body's bytes", ..case }
}

fn with_claims_bytes_changed(mut case: Case, random: &mut Random) -> Case {
    damage(&mut case.claims, OF_JSON, random);
    let token = token(header(random), &case.claims, SECRET);
    Case {
        token,
        body: case.claims.clone(),
        is_good: false,
        done: "the bytes of claims and body",
        ..case
    }
}

fn with_token_changed(mut case: Case, random: &mut Random) -> Case {
    let parts: Vec<_> = case.token.split('.').map(str::to_owned).collect();
    let input = format!("{}.{}", parts[0], parts[1]);
    case.token = match random.below(10) {
        8 => format!("{}.e30.{}", parts[0], parts[2]), // another token's claims
        9 => format!("e30.{}.{}", parts[1], parts[2]), // another token's header
        0 => format!("{input}.{}", sign(&input, OTHER_SECRET)),
        1 => format!("{}=", case.token),
        2 => format!("{}.{}.{}", parts[1], parts[0], parts[2]),
        3 => format!("{input}."),
        4 => {
            let padded = format!("{}==.{}==", parts[0], parts[1]);
            format!("{padded}.{}", sign(&padded, SECRET))
        }
        _ => {
            let mut bytes = case.token.into_bytes();
            damage(&mut bytes, OF_TOKENS, random);
            String::from_utf8(bytes).expect("ASCII")
        }
    };
    Case { is_good: false, done: "the token", ..case }
}

fn with_a_strange_header(case: Case, random: &mut Random) -> Case {
    let header = random.pick(&[
        r#"{"alg":"none"}"#,
        r#"{"alg":"HS512"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":"HS256","alg":"none"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"JWE"}"#,
        r#"{"alg":"HS256","typ":null}"#,
        r#"{"alg":"HS256","kid":1}"#,
        r#"{"alg":"HS256","crit":["exp"]}"#,
        r#"{"alg":"HS256","b64":false}"#,
        r#"{"alg":"HS256","zip":"DEF"}"#,
        r#"{"alg":"HS256","kid":""}"#,
        r#"{"alg":"HS256","x":NaN}"#,
        r#"["HS256"]"#,
        "HS256",
        "{}",
        "",
    ]);
    let token = token(header, &case.claims, SECRET);
    Case { token, is_good: false, done: "the header", ..case }
}
