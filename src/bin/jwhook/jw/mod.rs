//! JW's Management API v2: webhooks and media.
//!
//! A call succeeds only with the documented status, so a 401 is never read as an empty list. An error
//! never quotes a response that may hold a secret.

mod answer;
pub mod media;
mod rate_limit;
pub mod secret;
pub mod webhook;

use std::time::Duration;

use anyhow::{Result, bail};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, Method, StatusCode, Url};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::sleep;
use zeroize::Zeroizing;

use self::answer::Answer;
pub use self::answer::Problem;
pub use self::rate_limit::least_time;
use self::rate_limit::{RateLimit, WINDOW};
use self::secret::ApiSecret;
use self::webhook::{Created, Webhook};
use crate::http::{self, is_this_machine};
use crate::progress;

/// The most webhooks or media that JW returns in a page.
const PAGE_LENGTH: usize = 100;

const TIMEOUT: Duration = Duration::from_secs(30);

/// How many times a call waits after a 429 before it fails.
const MAX_WAITS: u32 = 3;

/// The pauses before the retries of a call that got no response.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// How many pages in a row may have no new webhook. A webhook that is created meanwhile shifts the list,
/// so a page may repeat webhooks of the page before.
const MAX_REPEATED_PAGES: usize = 2;

/// JW's API, for one account.
pub struct Jw {
    http: Client,
    base: Url,
    secret: ApiSecret,
    limit: RateLimit,
}

/// A call of the API. `what` names the call in errors.
struct Request<'r> {
    method: Method,
    path: &'r str,
    body: Option<&'r Value>,
    what: &'r str,
}

/// A webhook's metadata: the members that a client sets.
pub type Metadata = Map<String, Value>;

impl Jw {
    pub fn new(mut base: Url, secret: ApiSecret) -> Result<Self> {
        if base.scheme() != "https" && !is_this_machine(&base) {
            bail!(
                "JW_API_URL is {base}, so the network could read the API secret: use an HTTPS URL"
            );
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path())); // `join` would drop a proxy's path otherwise
        }
        let http = http::client(&base)
            .pool_max_idle_per_host(0) // a POST would fail on a connection that JW has closed
            .timeout(TIMEOUT);
        let http = http::build(http)?;
        Ok(Self { http, base, secret, limit: RateLimit::default() })
    }

    /// All webhooks of the account.
    pub async fn list(&self) -> Result<Vec<Webhook>, Problem> {
        #[derive(Deserialize)]
        struct Page {
            total: Option<usize>,
            webhooks: Vec<Webhook>,
        }
        let mut webhooks = Vec::<Webhook>::new();
        let (mut number, mut repeated_pages) = (1, 0);
        loop {
            let path = format!("v2/webhooks/?page={number}&page_length={PAGE_LENGTH}");
            let what = format!("page {number} of JW's webhooks");
            let answer = self.call(Method::GET, &path, None, &what).await?;
            let page: Page = answer.expect(StatusCode::OK)?.json()?;
            let is_empty = page.webhooks.is_empty();
            let before = webhooks.len();
            for webhook in page.webhooks {
                // webhooks without an id are the same only if all members agree
                let is_listed = |listed: &Webhook| {
                    listed.id == webhook.id && (!webhook.id.is_empty() || *listed == webhook)
                };
                if !webhooks[..before].iter().any(is_listed) {
                    webhooks.push(webhook);
                }
            }
            // JW may omit `total`, and documents no other sign of the last page
            if is_empty || page.total.is_some_and(|total| webhooks.len() >= total) {
                return Ok(webhooks);
            }
            repeated_pages = if webhooks.len() > before { 0 } else { repeated_pages + 1 };
            if repeated_pages > MAX_REPEATED_PAGES {
                return Err(Problem::EndlessList { listed: webhooks.len() });
            }
            number += 1;
        }
    }

    /// The webhook with this id.
    pub async fn find(&self, id: &str) -> Result<Option<Webhook>, Problem> {
        let answer = self.call(Method::GET, &path(id), None, &format!("webhook {id}")).await?;
        if answer.status == StatusCode::NOT_FOUND {
            // a proxy may have sent the 404, so check JW's list
            let is_listed = self.list().await?.iter().any(|webhook| webhook.id == id);
            return if is_listed {
                Err(Problem::Contradiction { id: id.to_owned() })
            } else {
                Ok(None)
            };
        }
        answer.expect(StatusCode::OK)?.resource().map(Some)
    }

    /// Creates a webhook. After an error with [`Problem::may_be_done`] the webhook may exist.
    pub async fn create(&self, metadata: &Metadata) -> Result<Created, Problem> {
        #[derive(Deserialize)]
        struct Secret {
            secret: Option<String>,
        }
        let body = json!({ "metadata": metadata });
        let answer = self.call(Method::POST, "v2/webhooks/", Some(&body), "a new webhook").await?;
        let answer = answer.expect(StatusCode::CREATED)?;
        let Secret { secret } = answer.json()?;
        let secret = Zeroizing::new(secret.unwrap_or_default());
        Ok(Created { webhook: answer.resource()?, secret })
    }

    /// Replaces a webhook's whole metadata.
    pub async fn update(&self, id: &str, metadata: &Metadata) -> Result<Webhook, Problem> {
        let body = json!({ "metadata": metadata });
        let what = format!("webhook {id}");
        let answer = self.call(Method::PATCH, &path(id), Some(&body), &what).await?;
        answer.expect(StatusCode::OK)?.resource()
    }

    /// Deletes a webhook. Also succeeds if the webhook does not exist.
    pub async fn delete(&self, id: &str) -> Result<(), Problem> {
        let answer = self.call(Method::DELETE, &path(id), None, &format!("webhook {id}")).await?;
        if answer.status == StatusCode::NOT_FOUND && self.find(id).await?.is_none() {
            return Ok(());
        }
        answer.expect(StatusCode::NO_CONTENT).map(|_| ())
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        what: &str,
    ) -> Result<Answer, Problem> {
        let what = format!("{method} of {what}");
        let request = Request { method, path, body, what: &what };
        for waits in 0.. {
            self.limit.admit().await;
            let answer = self.send_until_answered(&request).await?;
            if answer.status != StatusCode::TOO_MANY_REQUESTS {
                return Ok(answer);
            }
            if waits == MAX_WAITS {
                break;
            }
            progress::wait(WINDOW, "waiting: JW's limit of 60 requests a minute is reached").await;
        }
        Err(Problem::TooManyRequests { what })
    }

    /// Sends a call, and retries it if no response comes. A POST is not retried, because it could
    /// create a second webhook. A timeout is not retried, because JW has already had 30 s.
    async fn send_until_answered(&self, request: &Request<'_>) -> Result<Answer, Problem> {
        for pause in PAUSES {
            match self.send(request).await {
                Err(Problem::NoAnswer { timed_out: false, why, what })
                    if request.method != Method::POST =>
                {
                    tracing::info!("{what}: no response ({why}); retrying");
                }
                ended => return ended,
            }
            sleep(pause).await;
            self.limit.admit().await;
        }
        self.send(request).await
    }

    async fn send(&self, request: &Request<'_>) -> Result<Answer, Problem> {
        let Request { method, path, body, what } = request;
        let not_sent = |error: anyhow::Error| Problem::NotSent {
            what: (*what).to_owned(),
            why: format!("{error:#}"),
        };
        let url = self.base.join(path).map_err(|error| not_sent(error.into()))?;
        let bearer = self.secret.bearer().map_err(not_sent)?;
        let mut request = self.http.request(method.clone(), url).header(AUTHORIZATION, bearer);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let no_answer = |error: reqwest::Error| Problem::NoAnswer {
            what: (*what).to_owned(),
            timed_out: error.is_timeout(),
            why: format!("{:#}", anyhow::Error::new(error.without_url())),
        };
        let response = request.send().await.map_err(no_answer)?;
        let status = response.status();
        let body = response.bytes().await.map_err(no_answer)?;
        tracing::info!("{method} {path}: {}", status.as_u16());
        let body = Zeroizing::new(body.to_vec());
        let said = if status.is_success() { None } else { Some(answer::said(&body, &self.secret)) };
        Ok(Answer { what: (*what).to_owned(), status, body, said })
    }
}

fn path(id: &str) -> String {
    format!("v2/webhooks/{id}/")
}
