//! Bad tokens that are refused before their claims are read.

use super::{all_refused, refused_by};
use crate::support::{
    Aws, CHANNEL_ACTIVE, Delivery, Function, MEDIA_AVAILABLE, OTHER_SECRET, SECRET, event, sign,
    token,
};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::json;

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

fn shown(token: &str) -> Delivery {
    Delivery::of(MEDIA_AVAILABLE).token(token)
}

/// The sample event with this header and a valid signature. Only the header is wrong.
fn under(header: impl AsRef<[u8]>) -> Delivery {
    shown(&token(header, MEDIA_AVAILABLE, SECRET))
}

/// The parts of a good token.
fn parts() -> [String; 3] {
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

#[tokio::test]
async fn event_of_a_webhook_that_is_not_in_the_ring_is_refused() {
    let aws = Aws::start().await;
    aws.keep(json!({"7Rav0hC5": SECRET}));
    let function = Function::start(&aws).await;
    let claims = [
        event(json!({"webhook_id": "c0Y6ebVU"})),
        event(json!({"webhook_id": null})),
        event(json!({"webhook_id": 7})),
        event(json!({"webhook_id": ["7Rav0hC5"]})),
        event(json!({"webhook_id": ""})),
        event(json!({"webhook_id": "7rav0hc5"})),
        event(json!({"webhook_id": "7Rav0hC5 "})),
        event(json!({"webhook_id": null, "data": {"webhook_id": "7Rav0hC5"}})),
        // Malformed claims name no webhook.
        "not JSON".into(),
        r#""7Rav0hC5""#.into(),
        r#"["7Rav0hC5"]"#.into(),
        r#"{"webhook_id":"7Rav0hC5","webhook_id":"7Rav0hC5"}"#.into(),
        r#"{"webhook_id":"7Rav0hC5""#.into(),
    ];
    let cases = claims.map(|claims| (claims.clone(), Delivery::of(claims)));
    refused_by(&function, &aws, "401 webhook_unknown", cases).await;
    let bytes = Delivery::of(b"{\"webhook_id\":\"7Rav0hC5\",\"a\":\"\xff\"}");
    refused_by(&function, &aws, "401 webhook_unknown", [("not UTF-8", bytes)]).await;
}

#[tokio::test]
async fn token_is_verified_only_with_its_own_webhooks_key() {
    let aws = Aws::start().await;
    aws.keep(json!({"7Rav0hC5": SECRET, "2yW4KmiG": OTHER_SECRET}));
    let function = Function::start(&aws).await;
    let body_of_the_other = Delivery::signed(MEDIA_AVAILABLE, OTHER_SECRET).body(CHANNEL_ACTIVE);
    let named = token(r#"{"alg":"HS256","kid":"2yW4KmiG"}"#, MEDIA_AVAILABLE, OTHER_SECRET);
    let cases = [
        ("7Rav0hC5's event, 2yW4KmiG's key", Delivery::signed(MEDIA_AVAILABLE, OTHER_SECRET)),
        ("2yW4KmiG's event, 7Rav0hC5's key", Delivery::signed(CHANNEL_ACTIVE, SECRET)),
        ("the body names the other webhook", body_of_the_other),
        ("the header names the other webhook", shown(&named)),
    ];
    refused_by(&function, &aws, "401 signature_invalid", cases).await;
    for (claims, key) in [(MEDIA_AVAILABLE, SECRET), (CHANNEL_ACTIVE, OTHER_SECRET)] {
        assert_eq!(function.invoke(&Delivery::signed(claims, key)).await.verdict(), "200 accepted");
    }
}

#[tokio::test]
async fn invalid_signature_is_refused() {
    let [header, claims, signature] = parts();
    let input = format!("{header}.{claims}");
    let raw = BASE64_URL_SAFE_NO_PAD.decode(&signature).expect("canonical");
    let with = |signature: &[u8]| format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature));
    let flipped = |index: usize| {
        let mut raw = raw.clone();
        raw[index] ^= 1;
        with(&raw)
    };
    let decoded = BASE64_STANDARD.encode(SECRET); // an encoded key is another key
    let upper = parts().map(|part| part.to_uppercase())[2].clone();
    let cases = [
        ("another key", token(HEADER, MEDIA_AVAILABLE, OTHER_SECRET)),
        ("another spelling of the key", token(HEADER, MEDIA_AVAILABLE, &decoded)),
        ("the key and a newline", token(HEADER, MEDIA_AVAILABLE, format!("{SECRET}\n"))),
        ("an empty key", token(HEADER, MEDIA_AVAILABLE, "")),
        ("none", format!("{input}.")),
        ("first bit", flipped(0)),
        ("last bit", flipped(31)),
        ("one byte too short", with(&raw[..31])),
        ("one byte too long", with(&[raw.as_slice(), &[0]].concat())),
        ("twice", with(&[raw.as_slice(), &raw].concat())),
        ("all zero", with(&[0; 32])),
        ("in hex", with(hex::encode(&raw).as_bytes())),
        ("signature of only the claims", format!("{input}.{}", sign(&claims, SECRET))),
        (
            "signature of other claims",
            format!("{input}.{}", sign(&format!("{header}.e30"), SECRET)),
        ),
        (
            "signature of another header",
            format!("{input}.{}", sign(&format!("e30.{claims}"), SECRET)),
        ),
        ("signature of nothing", format!("{input}.{}", sign("", SECRET))),
        ("changed case", with(&BASE64_URL_SAFE_NO_PAD.decode(&upper[..40]).expect("still base64"))),
    ];
    all_refused("401 signature_invalid", cases.map(|(case, token)| (case, shown(&token)))).await;
}

#[tokio::test]
async fn secret_is_used_as_the_key_without_decoding() {
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(SECRET).expect("it looks like base64url");
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    let token = token(HEADER, MEDIA_AVAILABLE, decoded);
    refused_by(&function, &aws, "401 signature_invalid", [("decoded", shown(&token))]).await;
}
