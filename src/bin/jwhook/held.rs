//! Counts held events: events that the function cannot verify until it has a usable secret.
//!
//! This module only counts messages and never reads them, because they contain tokens, which only the
//! function may read.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client as CloudWatch;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Statistic};
use aws_sdk_sqs::Client as Sqs;
use aws_sdk_sqs::types::QueueAttributeName;

use crate::aws;
use crate::stack::Stack;

/// How far back to look for the newest value of a queue's age. SQS reports a value every minute, some
/// minutes late.
const AGE_WINDOW: Duration = Duration::from_secs(15 * 60);

const PERIOD_S: i32 = 60;

/// The held events. `None` means that the stack does not have the queue.
#[derive(Debug, Default)]
pub struct Held {
    /// The events in the held queue, which the function retries.
    pub waiting: Option<Waiting>,
    /// The events in the held queue's dead-letter queue, which the function no longer retries.
    pub dead_lettered: Option<Waiting>,
}

/// The messages of a queue.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub url: String,
    pub arn: String,
    /// Messages that a consumer can receive now.
    pub visible: u64,
    /// Messages in flight or delayed.
    pub not_visible: u64,
}

impl Waiting {
    pub fn number(&self) -> u64 {
        self.visible + self.not_visible
    }
}

impl Held {
    /// Counts the stack's held events. SQS's counts are approximate.
    pub async fn count(sdk: &SdkConfig, stack: &Stack) -> Result<Self> {
        let client = Sqs::new(sdk);
        let count = async |url: Option<&str>| match url {
            Some(url) => Waiting::count(&client, url).await.map(Some),
            None => Ok(None),
        };
        Ok(Self {
            waiting: count(stack.held_queue_url()).await?,
            dead_lettered: count(stack.held_dead_letter_queue_url()).await?,
        })
    }

    /// The number of held events, including dead-lettered ones.
    pub fn number(&self) -> u64 {
        [&self.waiting, &self.dead_lettered].into_iter().flatten().map(Waiting::number).sum()
    }
}

impl Waiting {
    async fn count(client: &Sqs, url: &str) -> Result<Self> {
        use QueueAttributeName as Name;
        let call = client.get_queue_attributes().queue_url(url).attribute_names(Name::All);
        let answer = call.send().await.map_err(|error| {
            aws::failed("sqs:GetQueueAttributes", &format!("queue {url}"), error)
        })?;
        let attributes = answer.attributes.unwrap_or_default();
        let number = |name| {
            attributes.get(&name).and_then(|number| number.parse::<u64>().ok()).unwrap_or_default()
        };
        Ok(Self {
            url: url.to_owned(),
            arn: attributes.get(&Name::QueueArn).cloned().unwrap_or_default(),
            visible: number(Name::ApproximateNumberOfMessages),
            not_visible: number(Name::ApproximateNumberOfMessagesNotVisible)
                + number(Name::ApproximateNumberOfMessagesDelayed),
        })
    }

    /// When the oldest message was sent, by CloudWatch's `ApproximateAgeOfOldestMessage`; `None` if
    /// CloudWatch has no value. SQS ignores messages that were received three times or more, so the
    /// oldest message may be older. In a dead-letter queue the age counts from the time when SQS moved
    /// the message there.
    pub async fn since(&self, sdk: &SdkConfig) -> Result<Option<SystemTime>> {
        let name = self.url.rsplit('/').next().unwrap_or_default();
        let now = SystemTime::now();
        let call = CloudWatch::new(sdk).get_metric_statistics();
        let answer = call
            .namespace("AWS/SQS")
            .metric_name("ApproximateAgeOfOldestMessage")
            .dimensions(Dimension::builder().name("QueueName").value(name).build())
            .start_time(DateTime::from(now - AGE_WINDOW))
            .end_time(DateTime::from(now))
            .period(PERIOD_S)
            .statistics(Statistic::Maximum)
            .send()
            .await
            .map_err(|error| {
                aws::failed("cloudwatch:GetMetricStatistics", &format!("queue {name}"), error)
            })?;
        let points = answer.datapoints.unwrap_or_default();
        let newest = points.iter().filter_map(|point| Some((point.timestamp?, point.maximum?)));
        let newest = newest.max_by_key(|(at, _)| (at.secs(), at.subsec_nanos()));
        Ok(newest.and_then(|(at, age_s)| {
            let age = Duration::try_from_secs_f64(age_s).ok().filter(|age| !age.is_zero())?;
            SystemTime::try_from(at).ok()?.checked_sub(age)
        }))
    }
}
