//! Bad tokens that are refused before their claims are read.

use super::{all_refused, refused_by};
use crate::support::{Aws, Delivery, Function, MEDIA_AVAILABLE, SECRET, sign, token};
use serde_json::json;

pub(super) const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

pub(super) fn shown(token: &str) -> Delivery {
    Delivery::of(MEDIA_AVAILABLE).token(token)
}

/// The sample event with this header and a valid signature. Only the header is wrong.
fn under(header: impl AsRef<[u8]>) -> Delivery {
    shown(&token(header, MEDIA_AVAILABLE, SECRET))
}

/// The parts of a good token.
pub(super) fn parts() -> [String; 3] {
    let token = token(HEADER, MEDIA_AVAILABLE, SECRET);
    let parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    parts.try_into().expect("three parts")
}

/// This part with one of its unused bits set. The unused bits encode nothing.
fn with_an_unused_bit(part: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    assert_ne!(part.len() % 4, 0, "a part without unused bits");
    let (rest, last) = part.split_at(part.len() - 1);
    let value = ALPHABET.iter().position(|&byte| byte == last.as_bytes()[0]).expect("base64url");
    format!("{rest}{}", char::from(ALPHABET[value | 1]))
}

/// Signs the first two parts without changing them.
fn sign_again([header, claims, _]: [String; 3]) -> String {
    let input = format!("{header}.{claims}");
    format!("{input}.{}", sign(&input, SECRET))
}

#[tokio::test]
async fn token_that_is_not_three_parts_is_malformed() {
    let [header, claims, signature] = parts();
    let cases = [
        "abc".to_owned(),
        ".".into(),
        "..".into(),
        "...".into(),
        format!("{header}.{claims}"),
        format!("{header}.{claims}.{signature}."),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!(".{header}.{claims}.{signature}"),
        format!(".{claims}.{signature}"),
        format!("{header}..{claims}.{signature}"),
    ];
    all_refused("401 token_malformed", cases.map(|token| (token.clone(), shown(&token)))).await;
}

#[tokio::test]
async fn token_part_that_is_not_canonical_base64url_is_malformed() {
    // The header has 28 bytes and the claims have 100, so that base64url has unused bits in both
    // parts, as in a signature of 32 bytes.
    let claims = format!("{:100}", r#"{"event":"media_available"}"#);
    let good = token(format!("{HEADER} "), &claims, SECRET);
    let good: [String; 3] =
        good.split('.').map(str::to_owned).collect::<Vec<_>>().try_into().expect("three");
    let with = |index: usize, part: String| {
        let mut parts = good.clone();
        parts[index] = part;
        parts
    };
    let cases = [
        ("the header's unused bits", sign_again(with(0, with_an_unused_bit(&good[0])))),
        ("the claims' unused bits", sign_again(with(1, with_an_unused_bit(&good[1])))),
        ("the signature's unused bits", with(2, with_an_unused_bit(&good[2])).join(".")),
        ("a header of an impossible length", sign_again(with(0, format!("{}A", "A".repeat(36))))),
        ("claims of an impossible length", sign_again(with(1, format!("{}AAA", good[1])))),
        ("a signature of an impossible length", with(2, format!("{}AA", good[2])).join(".")),
    ];
    let delivery = |token: &str| Delivery::of(&claims).token(token);
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    refused_by(
        &function,
        &aws,
        "401 token_malformed",
        cases.map(|(case, token)| (case, delivery(&token))),
    )
    .await;
    let answer = function.invoke(&delivery(&good.join("."))).await;
    assert_eq!(answer.verdict(), "200 accepted", "nothing else is wrong with the token");
}

#[tokio::test]
async fn token_header_that_is_not_a_json_object_is_malformed() {
    let headers: [&[u8]; 14] = [
        b"",
        b"HS256",
        b"\"HS256\"",
        b"[]",
        b"[\"HS256\"]",
        b"null",
        b"1",
        b"{",
        b"{}}",
        br#"{"alg":"HS256",}"#,
        br#"{"alg":"HS256"} {"alg":"HS256"}"#,
        br#"{'alg':'HS256'}"#,
        b"\xef\xbb\xbf{\"alg\":\"HS256\"}",
        b"{\"alg\":\"HS256\",\"kid\":\"\xff\"}",
    ];
    let cases = headers.map(|header| (String::from_utf8_lossy(header).into_owned(), under(header)));
    all_refused("401 token_malformed", cases).await;
}

#[tokio::test]
async fn token_header_with_a_duplicate_member_is_malformed() {
    let headers = [
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","\u0061lg":"none"}"#,
        r#"{"alg":"HS256","typ":"JWT","typ":"JWT"}"#,
        r#"{"alg":"HS256","x":1,"x":2}"#,
    ];
    all_refused("401 token_malformed", headers.map(|header| (header, under(header)))).await;
}

#[tokio::test]
async fn token_header_nested_100000_deep_is_malformed() {
    let header = format!(r#"{{"alg":"HS256","a":{}}}"#, "[".repeat(100_000));
    all_refused("401 token_malformed", [("never closed", under(header))]).await;
}

#[tokio::test]
async fn token_with_another_algorithm_is_not_allowed_even_with_a_valid_signature() {
    let algorithms = [
        json!("none"),
        json!("None"),
        json!("NONE"),
        json!("HS384"),
        json!("HS512"),
        json!("hs256"),
        json!("HS256 "),
        json!("RS256"),
        json!("ES256"),
        json!("PS256"),
        json!("EdDSA"),
        json!(""),
        json!(null),
        json!(256),
        json!(true),
        json!(["HS256"]),
        json!({"HS256": 1}),
    ];
    let headers = algorithms.map(|algorithm| json!({"alg": algorithm, "typ": "JWT"}).to_string());
    let cases = headers.map(|header| (header.clone(), under(header)));
    all_refused("401 algorithm_not_allowed", cases.into_iter().chain([("{}".into(), under("{}"))]))
        .await;
}

#[tokio::test]
async fn unsigned_token_is_not_allowed() {
    let unsigned = |header: &str| {
        let token = token(header, MEDIA_AVAILABLE, SECRET);
        let (input, _) = token.rsplit_once('.').expect("a signature");
        (header.to_owned(), shown(&format!("{input}.")))
    };
    let cases = [r#"{"alg":"none"}"#, r#"{"alg":"None","typ":"JWT"}"#].map(unsigned);
    all_refused("401 algorithm_not_allowed", cases).await;
}

#[tokio::test]
async fn header_members_that_change_the_tokens_meaning_are_not_allowed() {
    let members = [
        r#""crit":["exp"]"#,
        r#""crit":[]"#,
        r#""crit":null"#,
        r#""crit":["b64"],"b64":false"#,
        r#""b64":true"#,
        r#""b64":false"#,
        r#""enc":"A128GCM""#,
        r#""enc":null"#,
        r#""zip":"DEF""#,
        r#""zip":null"#,
        r#""typ":"JWE""#,
        r#""typ":"JWS""#,
        r#""typ":"at+jwt""#,
        r#""typ":"""#,
        r#""typ":" JWT""#,
        r#""typ":null"#,
        r#""typ":1"#,
        r#""typ":["JWT"]"#,
        r#""kid":1"#,
        r#""kid":null"#,
        r#""kid":["a"]"#,
        r#""kid":{}"#,
        r#""kid":true"#,
        r#""\u0063rit":["exp"]"#,
    ];
    let headers = members.map(|member| format!(r#"{{"alg":"HS256",{member}}}"#));
    all_refused("401 algorithm_not_allowed", headers.map(|header| (header.clone(), under(header))))
        .await;
}
