//! Members of an invocation that the function does not need may have any value.

use super::{each_gets, good, with};
use crate::load::Process;
use crate::support::{Aws, SECRET, seconds, token};
use serde_json::{Map, Value, json};

/// Odd JSON values, as text, because a `Value` cannot represent all of them.
fn oddities() -> Vec<String> {
    let arrays = "[".repeat(200) + &"]".repeat(200);
    let objects = r#"{"a":"#.repeat(200) + "1" + &"}".repeat(200);
    let plain = [
        "null",
        "true",
        "7",
        "-1.5e-7",
        "1e999",
        "123456789012345678901234567890123456789012345678901234567890",
        r#""""#,
        r#""text""#,
        r#""2023-11-14T22:30:11Z""#,
        r#""\ud800""#,
        r#""\udc00\ud800x""#,
        r#""\u0000""#,
        "[]",
        r#"["\ud800",{}]"#,
        "{}",
        r#"{"a":1,"a":2}"#,
        r#"{"\ud800":"\ud800"}"#,
        r#"{"jwt":{"claims":null,"scopes":7},"lambda":"x","iam":[]}"#,
        r#"{"clientCert":{"subjectDN":"CN=x"}}"#,
        r#"{"clientCert":{"validity":null}}"#,
        r#"{"clientCert":{"validity":{"notBefore":7}}}"#,
    ];
    plain.into_iter().map(str::to_owned).chain([arrays, objects]).collect()
}

#[tokio::test]
async fn unused_member_of_a_request_may_have_any_value() {
    let members = [
        "/version",
        "/routeKey",
        "/rawPath",
        "/rawQueryString",
        "/cookies",
        "/queryStringParameters",
        "/pathParameters",
        "/stageVariables",
        "/unknown",
        "/multiValueHeaders",
        "/headers/x-odd",
        "/headers/host",
        "/requestContext/accountId",
        "/requestContext/apiId",
        "/requestContext/authentication",
        "/requestContext/authorizer",
        "/requestContext/domainName",
        "/requestContext/domainPrefix",
        "/requestContext/requestId",
        "/requestContext/routeKey",
        "/requestContext/stage",
        "/requestContext/time",
        "/requestContext/timeEpoch",
        "/requestContext/unknown",
        "/requestContext/http/path",
        "/requestContext/http/protocol",
        "/requestContext/http/sourceIp",
        "/requestContext/http/userAgent",
        "/requestContext/http/unknown",
    ];
    let aws = Aws::start().await;
    let mut process = Process::start(&aws, 1, seconds(300)).await;
    let mut accepted = 0;
    for member in members {
        let marked = with(member, json!("@odd@")).to_string();
        for odd in oddities() {
            let (answer, _) = process.api.invoke(marked.replace(r#""@odd@""#, &odd)).await;
            accepted += 1;
            assert_eq!(answer["statusCode"], 200, "{member}: {odd:.60}");
            assert_eq!(aws.sends().len(), accepted, "{member}: {odd:.60}");
        }
        let mut without = with(member, json!(null));
        let (parent, name) = member.rsplit_once('/').expect("a JSON pointer");
        let parent = without.pointer_mut(parent).and_then(Value::as_object_mut);
        parent.expect("the member's parent").remove(name);
        let (answer, _) = process.api.invoke(without.to_string()).await;
        accepted += 1;
        assert_eq!(answer["statusCode"], 200, "no {member}");
    }
    assert!(process.runs());
}

#[tokio::test]
async fn duplicate_unused_members_of_a_request_are_ignored() {
    let aws = Aws::start().await;
    let mut process = Process::start(&aws, 1, seconds(300)).await;
    let event = good().event().to_string();
    for member in ["version", "rawPath", "unknown", "cookies"] {
        let twice = event.replacen('{', &format!(r#"{{"{member}":1,"{member}":"2","#), 1);
        let (answer, _) = process.api.invoke(twice).await;
        assert_eq!(answer["statusCode"], 200, "{member}");
    }
    assert!(process.runs());
}

#[tokio::test]
async fn megabytes_in_unused_members_of_a_request_are_ignored() {
    let text = "x".repeat(5_500_000);
    let many: Map<_, _> = (0..200_000).map(|n| (format!("member{n}"), json!(n))).collect();
    let list: Vec<_> = (0..500_000).collect();
    let cases = [
        ("/unknown", json!(text)),
        ("/rawQueryString", json!(text)),
        ("/headers/x-large", json!(text)),
        ("/requestContext/authorizer", json!({"lambda": text})),
        ("/queryStringParameters", Value::Object(many)),
        ("/cookies", json!(list)),
    ];
    each_gets(cases.map(|(member, value)| (member, "200 accepted", with(member, value)))).await;
    let unsigned = with("/headers/authorization", json!(format!("Bearer {text}")));
    let forged = token(r#"{"alg":"HS256"}"#, "[", SECRET);
    let mut large_body = with("/headers/authorization", json!(format!("Bearer {forged}")));
    large_body["body"] = json!(text);
    each_gets([
        ("a token of megabytes", "401 authorization_malformed", unsigned),
        ("a body of megabytes", "413 body_too_large", large_body),
    ])
    .await;
}
