//! The function finds credentials in the same places as the SDK's default chain.

use crate::support::{
    ACCESS_KEY_ID, Aws, Delivery, Function, MEDIA_AVAILABLE, SECRET_ACCESS_KEY, SESSION_TOKEN,
    Start, TestFile, at,
};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A function without credentials in its environment.
fn without_credentials(aws: &Aws) -> Start {
    Function::of(aws)
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY")
        .without("AWS_SESSION_TOKEN")
}

/// Expects a valid event to be accepted. The stand-in for AWS accepts only the test's credentials.
async fn is_accepted(start: Start) {
    let function = start.start().await;
    let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await;
    assert_eq!(answer.verdict(), "200 accepted");
}

/// Starts a server that answers one request. Returns the server's URL, and a task that returns the
/// received request in lower case.
async fn answers(content_type: &str, body: String) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let head = format!("content-type: {content_type}\r\ncontent-length: {}", body.len());
    let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}");
    let request = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a call");
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.expect("a request");
        stream.write_all(answer.as_bytes()).await.expect("a reader");
        String::from_utf8_lossy(&request[..length]).to_lowercase()
    });
    (url, request)
}

fn in_an_hour() -> String {
    at(3600).replace("+00:00", "Z")
}

#[tokio::test]
async fn credentials_in_the_environment_are_used_without_a_metadata_call() {
    let (aws, metadata) = (Aws::start().await, Aws::start().await);
    let start = Function::of(&aws)
        .without("AWS_EC2_METADATA_DISABLED")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &metadata.url());
    is_accepted(start).await;
    assert_eq!(metadata.connections(), 0);
}

#[tokio::test]
async fn credentials_are_read_from_the_profile_that_aws_profile_names() {
    let aws = Aws::start().await;
    let credentials = TestFile::of(format!(
        "[default]\naws_access_key_id = AKIAOFANOTHER\naws_secret_access_key = of-another\n\
         [jw]\naws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n\
         aws_session_token = {SESSION_TOKEN}\n"
    ));
    let config = TestFile::of("[profile jw]\nregion = eu-west-1\n");
    let start = without_credentials(&aws)
        .without("AWS_REGION")
        .env("AWS_PROFILE", "jw")
        .env("AWS_SHARED_CREDENTIALS_FILE", credentials.path())
        .env("AWS_CONFIG_FILE", config.path());
    is_accepted(start).await;
}

#[tokio::test]
async fn web_identity_is_exchanged_for_credentials_at_sts() {
    let aws = Aws::start().await;
    let body = format!(
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
         <AccessKeyId>{ACCESS_KEY_ID}</AccessKeyId>\
         <SecretAccessKey>{SECRET_ACCESS_KEY}</SecretAccessKey>\
         <SessionToken>{SESSION_TOKEN}</SessionToken><Expiration>{}</Expiration>\
         </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
        in_an_hour()
    );
    let (sts, request) = answers("text/xml", body).await;
    let token = TestFile::of("the-web-identity");
    let start = without_credentials(&aws)
        .env("AWS_ENDPOINT_URL_STS", &sts)
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/forwarder")
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", token.path());
    is_accepted(start).await;
    let request = request.await.expect("STS is called");
    assert!(request.contains("webidentitytoken=the-web-identity"), "{request}");
}

/// Lambda provides credentials this way to a function with SnapStart.
#[tokio::test]
async fn credentials_are_fetched_from_the_container_endpoint() {
    let aws = Aws::start().await;
    let credentials = json!({
        "AccessKeyId": ACCESS_KEY_ID,
        "SecretAccessKey": SECRET_ACCESS_KEY,
        "Token": SESSION_TOKEN,
        "Expiration": in_an_hour(),
    });
    let (container, request) = answers("application/json", credentials.to_string()).await;
    let start = without_credentials(&aws)
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{container}/credentials"))
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "the-containers-token");
    is_accepted(start).await;
    let request = request.await.expect("the endpoint is called");
    assert!(request.contains("authorization: the-containers-token"), "{request}");
}
