//! Sending once more what the log has as undelivered.

use tokio::time::Instant;

use super::{EventQueue, MessageId};
use crate::attempt::{self, Fault};
use crate::undelivered::join::Undelivered;

impl EventQueue {
    /// Sends a record's message to this queue, as the function would have sent it to the record's.
    pub async fn send_again(
        &self,
        record: &Undelivered,
        deadline: Instant,
    ) -> Result<MessageId, Fault> {
        let message = record.message();
        attempt::until("sqs:SendMessage", deadline, || self.send_once(&message, None)).await
    }
}
