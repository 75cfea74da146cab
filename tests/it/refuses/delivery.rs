//! Malformed HTTP requests.

use super::{all_refused, refused_by};
use crate::support::{
    Aws, Delivery, Function, GetSecretValue, MEDIA_AVAILABLE, SECRET, padded, token,
};
use serde_json::json;

fn good() -> Delivery {
    Delivery::of(MEDIA_AVAILABLE)
}

#[tokio::test]
async fn methods_other_than_post_are_not_allowed() {
    let methods = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "post", "PROPFIND"];
    let cases = methods.map(|method| (method, good().method(method)));
    all_refused("405 method_not_allowed", cases).await;
}

#[tokio::test]
async fn body_of_262145_bytes_is_too_large() {
    let body = padded(262_145);
    let cases = [
        ("as text", good().body(&body)),
        ("in base64", good().body(&body).in_base64()),
        ("not text", good().body(vec![0xff; 262_145])),
        ("much too large", good().body(vec![b' '; 4_000_000])),
        ("characters of two bytes each", good().body("é".repeat(131_073))),
    ];
    all_refused("413 body_too_large", cases).await;
}

#[tokio::test]
async fn content_encoding_other_than_identity_is_unsupported() {
    let encodings =
        ["gzip", "deflate", "br", "zstd", "identity, gzip", "gzip, identity", "", "none"];
    let cases = encodings.map(|encoding| (encoding, good().header("content-encoding", encoding)));
    all_refused("415 content_encoding_unsupported", cases).await;
}

#[tokio::test]
async fn second_content_encoding_is_checked() {
    let cases =
        [("gzip after identity", good().header("content-encoding", json!(["identity", "gzip"])))];
    all_refused("415 content_encoding_unsupported", cases).await;
}

#[tokio::test]
async fn request_with_no_or_two_authorization_headers_is_refused() {
    let token = token(r#"{"alg":"HS256","typ":"JWT"}"#, MEDIA_AVAILABLE, SECRET);
    let bearer = format!("Bearer {token}");
    let cases = [
        ("none", good().without_header("authorization")),
        ("two", good().header("authorization", json!([bearer, bearer]))),
        (
            "two headers, the second with another scheme",
            good().header("authorization", json!([bearer, "Basic YTpi"])),
        ),
        (
            "in another header",
            good().without_header("authorization").header("x-authorization", bearer),
        ),
    ];
    all_refused("401 authorization_missing", cases).await;
}

#[tokio::test]
async fn authorization_that_is_not_a_bearer_token_is_malformed() {
    let token = token(r#"{"alg":"HS256","typ":"JWT"}"#, MEDIA_AVAILABLE, SECRET);
    let values = [
        String::new(),
        "Bearer".into(),
        "Bearer ".into(),
        token.clone(),
        format!("Bearer{token}"),
        format!("Bearer\t{token}"),
        format!("Bearer: {token}"),
        format!("Basic {token}"),
        format!("JWT {token}"),
        format!("Token {token}"),
        format!("Bearer {token} "),
        format!(" Bearer {token}"),
        format!("Bearer {token} {token}"),
        format!("Bearer {token},{token}"),
        format!("Bearer {token}, Bearer {token}"),
        format!("Bearer \"{token}\""),
        format!("Bearer {token}="),
        format!("Bearer {token}+/"),
        format!("Bearer {token}%20"),
        format!("Bearer {token}é"),
        format!("Bearer Bearer {token}"),
    ];
    let cases = values.map(|value| (value.clone(), good().header("authorization", value)));
    all_refused("401 authorization_malformed", cases).await;
}

#[tokio::test]
async fn token_of_393217_bytes_is_malformed() {
    let claims = padded(294_852);
    let token = token(r#"{"alg":"HS256","typ":"JWT"}"#, &claims, SECRET);
    assert_eq!(token.len(), 393_217);
    all_refused("401 authorization_malformed", [("one byte too long", good().token(&token))]).await;
}

#[tokio::test]
async fn requests_without_authorization_do_not_fetch_the_secret() {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    let cases = (0..20).map(|n| (n.to_string(), good().without_header("authorization")));
    refused_by(&function, &aws, "401 authorization_missing", cases).await;
    assert_eq!(aws.calls(GetSecretValue), 1, "only the fetch at the start");
}
