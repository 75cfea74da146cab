//! The stack's outputs and parameters, and the options that replace them.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use aws_config::SdkConfig;
use aws_sdk_cloudformation::Client;
use clap::ValueEnum;
use reqwest::Url;

use crate::aws;
use crate::endpoint::Endpoint;
use crate::options::Options;

/// The template's default of `SecretTtlSeconds`.
pub const DEFAULT_SECRET_TTL: Duration = Duration::from_secs(300);

/// The kinds of endpoint that a stack can have.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Kind {
    /// The HTTP API
    HttpApi,
    /// The function's own URL
    FunctionUrl,
}

const KINDS: [Kind; 2] = [Kind::HttpApi, Kind::FunctionUrl];

impl Kind {
    fn output(self) -> &'static str {
        match self {
            Kind::HttpApi => "WebhookUrlHttpApi",
            Kind::FunctionUrl => "WebhookUrlFunctionUrl",
        }
    }
}

fn check_https(url: &str) -> Result<()> {
    if !Url::parse(url).is_ok_and(|url| url.scheme() == "https") {
        bail!(
            "the endpoint {url} is not an HTTPS URL, and JW calls only HTTPS; nothing was changed"
        );
    }
    Ok(())
}

/// A deployed stack, or the parts that the options give.
#[derive(Debug, Default)]
pub struct Stack {
    name: Option<String>,
    status: Option<String>,
    webhook_url: Option<String>,
    /// The URLs of the HTTP API and of the Function URL, if the stack has them.
    webhook_urls: [Option<String>; 2],
    queue_url: Option<String>,
    secret_id: Option<String>,
    dead_letter_queue_url: Option<String>,
    held_queue_url: Option<String>,
    held_dead_letter_queue_url: Option<String>,
    log_group: Option<String>,
    version: Option<String>,
    secret_ttl: Option<Duration>,
    max_event_age: Option<Duration>,
}

impl Stack {
    /// If the options name a stack, reads the stack. The other options take precedence over the stack's
    /// outputs.
    pub async fn find(options: &Options, sdk: &SdkConfig) -> Result<Self> {
        let given = Self::given(options);
        let Some(name) = &options.stack else { return Ok(given) };
        let stack = Self::describe(name, &Client::new(sdk)).await?;
        Ok(Self {
            // with --webhook-url, only that URL counts as the stack's
            webhook_urls: given.webhook_url.as_ref().map_or(stack.webhook_urls, |_| [None, None]),
            webhook_url: given.webhook_url.or(stack.webhook_url),
            queue_url: given.queue_url.or(stack.queue_url),
            secret_id: given.secret_id.or(stack.secret_id),
            ..stack
        })
    }

    /// The parts that the options give.
    pub fn given(options: &Options) -> Self {
        Self {
            webhook_url: options.webhook_url.as_ref().map(ToString::to_string),
            queue_url: options.queue_url.clone(),
            secret_id: options.secret_id.clone(),
            ..Self::default()
        }
    }

    async fn describe(name: &str, client: &Client) -> Result<Self> {
        let answer = client.describe_stacks().stack_name(name).send().await.map_err(|error| {
            aws::failed("cloudformation:DescribeStacks", &format!("stack {name}"), error)
        })?;
        let described = answer
            .stacks()
            .first()
            .with_context(|| format!("there is no stack {name} in this region and account"))?;
        let output = |key: &str| {
            let output = described.outputs().iter().find(|output| output.output_key() == Some(key));
            output.and_then(|output| output.output_value()).map(str::to_owned)
        };
        let seconds = |key: &str| {
            let parameters = described.parameters().iter();
            let value = parameters
                .filter(|parameter| parameter.parameter_key() == Some(key))
                .find_map(|parameter| parameter.parameter_value());
            value.and_then(|value| value.parse().ok()).map(Duration::from_secs)
        };
        let stack = Self {
            name: Some(name.to_owned()),
            status: described.stack_status().map(|status| status.as_str().to_owned()),
            webhook_url: output("WebhookUrl"),
            webhook_urls: KINDS.map(|kind| output(kind.output())),
            queue_url: output("QueueUrl"),
            secret_id: output("SecretArn"),
            dead_letter_queue_url: output("DeadLetterQueueUrl"),
            held_queue_url: output("HeldQueueUrl"),
            held_dead_letter_queue_url: output("HeldDeadLetterQueueUrl"),
            log_group: output("LogGroup"),
            version: output("Version"),
            secret_ttl: seconds("SecretTtlSeconds"),
            max_event_age: seconds("MaxEventAgeSeconds"),
        };
        if stack.webhook_url.is_none() && stack.queue_url.is_none() && stack.secret_id.is_none() {
            let status = described.stack_status().map_or("none", |status| status.as_str());
            bail!(
                "stack {name} (status {status}) has no outputs WebhookUrl, QueueUrl and SecretArn: \
                 check that it is this project's stack, and that its deployment has ended"
            );
        }
        Ok(stack)
    }

    /// CloudFormation's status, for example `UPDATE_COMPLETE`.
    pub fn status(&self) -> Option<&str> {
        self.status.as_deref()
    }

    /// The URLs that JW calls.
    pub fn endpoint(&self) -> Result<Endpoint> {
        let url = self.part(&self.webhook_url, "WebhookUrl", "--webhook-url URL")?;
        Ok(Endpoint::new(url.to_owned(), self.webhook_urls.iter().flatten().cloned()))
    }

    /// The URLs that JW calls. Fails if the URL for new webhooks is not HTTPS, because JW calls only
    /// HTTPS.
    pub fn https_endpoint(&self) -> Result<Endpoint> {
        let endpoint = self.endpoint()?;
        check_https(endpoint.url())?;
        Ok(endpoint)
    }

    /// The URL of this kind of endpoint.
    pub fn webhook_url(&self, kind: Kind) -> Result<&str> {
        let [http_api, function_url] = &self.webhook_urls;
        let url = match kind {
            Kind::HttpApi => http_api,
            Kind::FunctionUrl => function_url,
        };
        let url = url.as_deref().with_context(|| {
            format!(
                "the stack has no output {}: deploy the stack with Endpoint=Both first",
                kind.output()
            )
        })?;
        check_https(url)?;
        Ok(url)
    }

    /// The queue that events go to.
    pub fn queue_url(&self) -> Result<&str> {
        self.part(&self.queue_url, "QueueUrl", "--queue-url URL")
    }

    /// The secret with the webhooks' keys.
    pub fn secret_id(&self) -> Result<&str> {
        self.part(&self.secret_id, "SecretArn", "--secret-id ID")
    }

    pub fn dead_letter_queue_url(&self) -> Option<&str> {
        self.dead_letter_queue_url.as_deref()
    }

    pub fn held_queue_url(&self) -> Option<&str> {
        self.held_queue_url.as_deref()
    }

    pub fn held_dead_letter_queue_url(&self) -> Option<&str> {
        self.held_dead_letter_queue_url.as_deref()
    }

    pub fn log_group(&self) -> Option<&str> {
        self.log_group.as_deref()
    }

    /// The version and the revision that the stack was deployed from.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// How long a warm function uses its cached key ring.
    pub fn secret_ttl(&self) -> Duration {
        self.secret_ttl.unwrap_or(DEFAULT_SECRET_TTL)
    }

    /// The stack's age limit for events, if it has one.
    pub fn max_event_age(&self) -> Option<Duration> {
        self.max_event_age
    }

    fn part<'s>(&self, part: &'s Option<String>, output: &str, option: &str) -> Result<&'s str> {
        part.as_deref().ok_or_else(|| match &self.name {
            Some(name) => {
                anyhow!(
                    "stack {name} has no output {output}: deploy the stack again, or give {option}"
                )
            }
            None => anyhow!("give --stack NAME (or JWHOOK_STACK), or {option}"),
        })
    }
}
