//! JW's API secret, from the environment, from Secrets Manager or from a hidden prompt. It is never an
//! argument, because every process of the machine can read arguments.

use std::env::{self, VarError};

use anyhow::{Context, Result, bail};
use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use dialoguer::Password;
use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use crate::ask::is_interactive;
use crate::aws;
use crate::options::Options;

const VARIABLE: &str = "JW_API_SECRET";

/// A v2 API secret with Admin permission.
pub struct ApiSecret(Zeroizing<String>);

impl ApiSecret {
    /// Finds the secret: `--api-secret-id`, else `JW_API_SECRET`, else a prompt.
    pub async fn find(options: &Options, sdk: &SdkConfig) -> Result<Self> {
        if let Some(id) = &options.api_secret_id {
            let call = Client::new(sdk).get_secret_value().secret_id(id).send().await;
            let answer = call.map_err(|error| {
                aws::failed("secretsmanager:GetSecretValue", &format!("secret {id}"), error)
            })?;
            let text = answer.secret_string.with_context(|| format!("secret {id} is not text"))?;
            return Self::new(Zeroizing::new(text), &format!("secret {id}"));
        }
        match env::var(VARIABLE) {
            Ok(text) => return Self::new(Zeroizing::new(text), VARIABLE),
            Err(VarError::NotUnicode(_)) => bail!("{VARIABLE} is not text"),
            Err(VarError::NotPresent) => {}
        }
        if !is_interactive() {
            bail!(
                "JW's API secret is missing, and there is no terminal to ask for it: set {VARIABLE}, \
                 or give --api-secret-id (JW's dashboard shows the secret under Property > API \
                 Credentials; it must be a v2 secret with Admin permission)"
            );
        }
        let prompt = Password::new().with_prompt("JW API secret (v2, Admin)").interact()?;
        Self::new(Zeroizing::new(prompt), "the text that you typed")
    }

    /// Whether [`find`](Self::find) can get the secret from an option, from the environment or from a
    /// prompt.
    pub fn is_given(options: &Options) -> bool {
        options.api_secret_id.is_some() || env::var_os(VARIABLE).is_some() || is_interactive()
    }

    fn new(text: Zeroizing<String>, place: &str) -> Result<Self> {
        let text = Zeroizing::new(text.trim().to_owned());
        // rejects what a header's value cannot have (RFC 9110, section 5.5), so that no later error
        // quotes the secret
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            bail!(
                "{place} is not a JW API secret: it is empty, or has characters that no JW secret has"
            );
        }
        Ok(Self(text))
    }

    /// The Authorization header.
    pub fn bearer(&self) -> Result<HeaderValue> {
        let text = Zeroizing::new(format!("Bearer {}", self.0.as_str()));
        let mut value =
            HeaderValue::from_str(&text).context("an HTTP header cannot hold the API secret")?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Replaces the secret in a text that may quote it.
    pub fn redact(&self, text: &str) -> String {
        text.replace(self.0.as_str(), "[API secret]")
    }
}
