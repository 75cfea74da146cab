//! Secrets Manager's `GetSecretValue`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

/// The secret's name in the function's configuration.
pub const SECRET_ID: &str = "jw/webhook-secret";

/// A secret's value: the response has it in the member `SecretString` or `SecretBinary`.
#[derive(Clone)]
pub enum Secret {
    Text(String),
    Binary(Vec<u8>),
}

impl Secret {
    pub fn text(&self) -> String {
        match self {
            Secret::Text(text) => text.clone(),
            Secret::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

impl Default for Secret {
    fn default() -> Self {
        Secret::Text(String::new())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Secret::Text(text.to_owned())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Secret::Text(text)
    }
}

impl From<Value> for Secret {
    fn from(ring: Value) -> Self {
        Secret::Text(ring.to_string())
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Secret::Binary(bytes)
    }
}

pub fn value_of(secret: &Secret, parameters: &Value) -> Result<Value, String> {
    if parameters["SecretId"] != SECRET_ID {
        return Err(format!("no such secret: {parameters}"));
    }
    let (string, binary) = match secret {
        Secret::Text(text) => (Some(text), None),
        Secret::Binary(bytes) => (None, Some(BASE64_STANDARD.encode(bytes))),
    };
    Ok(json!({
        "ARN": format!("arn:aws:secretsmanager:eu-west-1:123456789012:secret:{SECRET_ID}-AbCdEf"),
        "Name": SECRET_ID,
        "VersionId": "01234567-89ab-cdef-0123-456789abcdef",
        "VersionStages": ["AWSCURRENT"],
        "CreatedDate": 1_700_000_000.123,
        "SecretString": string,
        "SecretBinary": binary,
    }))
}
