//! Posts a signed event, only over HTTPS or to this machine.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{StatusCode, Url};

use crate::http::{self, is_this_machine};

/// How long API Gateway waits for a response.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A response.
pub struct Answer {
    pub status: StatusCode,
    pub body: Vec<u8>,
    pub took: Duration,
}

/// Rejects a URL that would show the signed event to the network. A signed event never expires, so
/// anybody who read it could send it again.
pub fn allow(url: &Url) -> Result<()> {
    if !url.username().is_empty() || url.password().is_some() {
        bail!(
            "the URL of {} has a user name or password, which would replace the event's token: \
             remove both from the URL",
            url.host_str().unwrap_or("the endpoint")
        );
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_this_machine(url) => Ok(()),
        _ => bail!(
            "{url} is not an HTTPS URL: the network could read the signed event and send it again for \
             ever. Use HTTPS; http works only for this machine (localhost)"
        ),
    }
}

/// The Authorization header, as JW sends it.
pub fn authorization(token: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Posts a body with its token, as JW does.
pub async fn post(url: &Url, token: &str, body: &str) -> Result<Answer> {
    let failed = |error: reqwest::Error| {
        let why = anyhow::Error::new(error.without_url());
        anyhow!(
            "no response from {url}: {why:#}; check the URL and the network. The event may have arrived \
             all the same. To send it again with the same event_id, give the same event with --file"
        )
    };
    let client = http::build(http::client(url).timeout(TIMEOUT))?;
    let request = client
        .post(url.clone())
        .header(AUTHORIZATION, authorization(token)?)
        .header(CONTENT_TYPE, "application/json");
    let began = Instant::now();
    let response = request.body(body.to_owned()).send().await.map_err(failed)?;
    let status = response.status();
    tracing::info!("POST {url}: {}", status.as_u16());
    let body = response.bytes().await.map_err(failed)?.to_vec();
    Ok(Answer { status, body, took: began.elapsed() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_event_is_sent_only_over_https_or_to_this_machine() {
        let allowed = |url: &str| allow(&Url::parse(url).unwrap()).is_ok();
        for url in
            ["https://a.example/", "http://localhost:3000/", "http://127.0.0.1/", "http://[::1]:1/"]
        {
            assert!(allowed(url), "{url}");
        }
        for url in [
            "http://a.example/",
            "http://localhost.a.example/",
            "http://10.0.0.1/",
            "ftp://localhost/",
            "https://user:password@a.example/",
            "https://user@a.example/",
        ] {
            assert!(!allowed(url), "{url}");
        }
    }
}
