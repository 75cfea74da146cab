//! A message of the queue, for the output.

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use serde::Serialize;

use crate::moment;
use crate::output::plain;

/// How many characters of an event's id a row shows. JSON has the whole id.
const SHORT_ID: usize = 12;

/// A message. If another program than the forwarder sent it, some members are missing.
#[derive(Debug, Serialize)]
pub struct Event {
    sent_at: String,
    event: Option<String>,
    media_id: Option<String>,
    channel_id: Option<String>,
    site_id: Option<String>,
    webhook_id: Option<String>,
    event_id: Option<String>,
    pub message_id: String,
    pub receive_count: u32,
    body: String,
    #[serde(skip)]
    pub sent_millis: i64,
}

impl From<Message> for Event {
    fn from(message: Message) -> Self {
        let system = |name| message.attributes.as_ref().and_then(|values| values.get(&name));
        let claim = |name: &str| {
            let value = message.message_attributes.as_ref()?.get(name)?.string_value.as_ref()?;
            Some(plain(value))
        };
        let sent_millis = system(MessageSystemAttributeName::SentTimestamp);
        let sent_millis = sent_millis.and_then(|millis| millis.parse().ok()).unwrap_or_default();
        let receives = system(MessageSystemAttributeName::ApproximateReceiveCount);
        Self {
            sent_at: moment::written_millis(sent_millis),
            event: claim("event"),
            media_id: claim("media_id"),
            channel_id: claim("channel_id"),
            site_id: claim("site_id"),
            webhook_id: claim("webhook_id"),
            event_id: claim("event_id"),
            receive_count: receives.and_then(|count| count.parse().ok()).unwrap_or(1),
            sent_millis,
            message_id: message.message_id.unwrap_or_default(),
            body: message.body.unwrap_or_default(),
        }
    }
}

impl Event {
    pub fn heading() -> String {
        columns(["sent", "event", "media/channel", "site", "webhook", "event_id", "receives"])
    }

    pub fn row(&self) -> String {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let subject = self.media_id.as_ref().or(self.channel_id.as_ref()).cloned();
        let event_id: String = text(&self.event_id).chars().take(SHORT_ID).collect();
        columns([
            &self.sent_at,
            &text(&self.event),
            &text(&subject),
            &text(&self.site_id),
            &text(&self.webhook_id),
            &event_id,
            &self.receive_count.to_string(),
        ])
    }
}

/// Formats columns of fixed width, because later rows are unknown. The widths fit JW's ids and names.
fn columns(cells: [&str; 7]) -> String {
    let [sent, event, subject, site, webhook, event_id, receives] = cells;
    format!(
        "{sent:25}  {event:20}  {subject:13}  {site:8}  {webhook:8}  {event_id:SHORT_ID$}  {receives}"
    )
}
