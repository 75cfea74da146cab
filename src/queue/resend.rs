//! Sends the message of an undelivered record from the log.

use std::borrow::Cow;

use tokio::time::Instant;

use super::advice::{OPERATOR, advice};
use super::{EventQueue, MessageId};
use crate::attempt::{self, Fault};
use crate::undelivered::join::Undelivered;

impl EventQueue {
    /// Sends a record's message to this queue, as the function would have sent it.
    pub async fn resend(
        &self,
        record: &Undelivered,
        deadline: Instant,
    ) -> Result<MessageId, Fault> {
        let message = record.message();
        attempt::until("sqs:SendMessage", deadline, || self.send_once(&message, None)).await
    }

    /// What to do about a record that [`resend`](Self::resend) could not send.
    pub fn advice(&self, record: &Undelivered, fault: &Fault) -> Cow<'static, str> {
        let group_id = record.message().group_id;
        match fault {
            Fault::Refused(_) => {
                advice(&self.client, &self.url, &OPERATOR, group_id.as_deref(), fault)
            }
            Fault::Unreachable(_) => "check the region, the credentials and the network".into(),
        }
    }
}
