//! JW's API secret: from the environment, from Secrets Manager or from a hidden prompt, and never
//! from an argument, where every process of the machine could read it.

use std::env::{self, VarError};

use anyhow::{Context, Result, bail};
use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use dialoguer::Password;
use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use crate::ask::is_somebody_there;
use crate::aws;
use crate::options::Options;

const VARIABLE: &str = "JW_API_SECRET";

/// A v2 API secret with Admin permission.
pub struct ApiSecret(Zeroizing<String>);

impl ApiSecret {
    /// The secret, from the first place that is named: `--api-secret-id`, `JW_API_SECRET`, the person.
    pub async fn find(options: &Options, sdk: &SdkConfig) -> Result<Self> {
        if let Some(id) = &options.api_secret_id {
            let call = Client::new(sdk).get_secret_value().secret_id(id).send().await;
            let answer = call.map_err(|error| {
                aws::failed("secretsmanager:GetSecretValue", &format!("secret {id}"), error)
            })?;
            let text = answer.secret_string.with_context(|| format!("secret {id} has no text"))?;
            return Self::new(Zeroizing::new(text), &format!("secret {id}"));
        }
        match env::var(VARIABLE) {
            Ok(text) => return Self::new(Zeroizing::new(text), VARIABLE),
            Err(VarError::NotUnicode(_)) => bail!("{VARIABLE} isn't text"),
            Err(VarError::NotPresent) => {}
        }
        if !is_somebody_there() {
            bail!(
                "JW's API secret is needed, and there is no terminal to ask for it: set {VARIABLE}, \
                 or give --api-secret-id (JW's dashboard has it under Property > API Credentials; it \
                 must be a v2 secret with Admin permission)"
            );
        }
        let prompt = Password::new().with_prompt("JW API secret (v2, Admin)").interact()?;
        Self::new(Zeroizing::new(prompt), "what was typed")
    }

    /// Whether there is a place to find it in.
    pub fn is_given(options: &Options) -> bool {
        options.api_secret_id.is_some() || env::var_os(VARIABLE).is_some() || is_somebody_there()
    }

    fn new(text: Zeroizing<String>, place: &str) -> Result<Self> {
        let text = Zeroizing::new(text.trim().to_owned());
        // what a header's value may hold (RFC 9110, section 5.5), so that no error will quote it
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            bail!("{place} is no API secret of JW's: it is empty, or has characters that none has");
        }
        Ok(Self(text))
    }

    /// The Authorization header.
    pub fn bearer(&self) -> Result<HeaderValue> {
        let text = Zeroizing::new(format!("Bearer {}", self.0.as_str()));
        let mut value = HeaderValue::from_str(&text).context("the API secret fits no header")?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// A text of somebody else's, without the secret if it quotes it.
    pub fn cut_out_of(&self, text: &str) -> String {
        text.replace(self.0.as_str(), "[API secret]")
    }
}
