//! Moves the dead letters back to the held queue. A task of SQS does this (StartMessageMoveTask), so
//! jwhook never reads a message.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::ListMessageMoveTasksResultEntry as Task;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::aws;
use crate::context::Context;
use crate::held::Waiting;
use crate::output::plain;
use crate::progress;

/// The pause between two reads of the task's progress.
const TICK: Duration = Duration::from_secs(1);

/// How long this command waits for the end of the task. SQS reports a missing permission only at the end.
/// In this time SQS moves up to 10,000 messages, 500 a second.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// The permissions that SQS's documentation lists for a redrive.
const PERMISSIONS: &str = "moving needs sqs:StartMessageMoveTask, ReceiveMessage, DeleteMessage, GetQueueAttributes and \
     ListMessageMoveTasks on the dead-letter queue, sqs:SendMessage on the held queue, and \
     kms:Decrypt and kms:GenerateDataKey on their KMS key if they have one";

/// A move that has not started yet.
pub struct Move<'w> {
    client: Client,
    from: &'w Waiting,
    to: &'w Waiting,
    /// When the dead-letter queue's last task started, in milliseconds since 1970. 0 if the queue had
    /// no task; `None` if the start is unknown.
    last_started: Option<i64>,
}

/// A started task.
#[derive(Serialize)]
pub struct Moved {
    /// `COMPLETED`, or `RUNNING` if SQS was still moving when this command ended.
    status: String,
    /// SQS's approximate number of moved events.
    number: i64,
    /// For `aws sqs cancel-message-move-task`.
    task_handle: String,
}

impl<'w> Move<'w> {
    /// Prepares a move. Fails if a task is running, because SQS runs one task at a time for a dead-letter
    /// queue.
    pub async fn of(context: &Context, from: &'w Waiting, to: &'w Waiting) -> Result<Self> {
        let client = Client::new(&context.sdk);
        // an error is ignored, because SQS itself rejects a second task
        let last = newest(&client, from).await;
        if let Ok(Some(Task { status: Some(status), .. })) = &last
            && matches!(status.as_str(), "RUNNING" | "CANCELLING")
        {
            bail!(
                "SQS is already moving messages out of {} (status {status}), and runs only one \
                 such task at a time: wait until the task has ended, then check with jwhook \
                 recover --held --dry-run",
                from.url
            );
        }
        let last_started = last.ok().map(|task| task.map_or(0, |task| task.started_timestamp));
        Ok(Self { client, from, to, last_started })
    }

    /// Starts the task, and follows it to its end or for [`MAX_WAIT`].
    ///
    /// The call names the destination. Otherwise SQS would move each message to its source queue, and a
    /// message that was sent directly to the dead-letter queue has no source queue.
    pub async fn perform(self) -> Result<Moved> {
        let start = self.client.start_message_move_task();
        let start = start.source_arn(&self.from.arn).destination_arn(&self.to.arn);
        let started = start.send().await.map_err(|error| {
            aws::failed("sqs:StartMessageMoveTask", &format!("queue {}", self.from.url), error)
        });
        let task_handle = started.context(PERMISSIONS)?.task_handle.unwrap_or_default();
        let mut moved = Moved { status: "RUNNING".to_owned(), number: 0, task_handle };
        let Some(last_started) = self.last_started else { return Ok(moved) };
        let spinner = progress::spinner("SQS is moving the dead letters back");
        let deadline = Instant::now() + MAX_WAIT;
        while Instant::now() < deadline {
            spinner.inc(1);
            // at first SQS's list may lack the new task
            let Ok(newest) = newest(&self.client, self.from).await else { break };
            if let Some(task) = newest.filter(|task| task.started_timestamp > last_started) {
                moved.number = task.approximate_number_of_messages_moved;
                moved.status = task.status.unwrap_or_default();
                match moved.status.as_str() {
                    "RUNNING" => {}
                    "COMPLETED" => break,
                    status => bail!(
                        "SQS stopped after it had moved {1} messages out of {0}: {2} ({3}). Repair the \
                         cause, then run the command again; {PERMISSIONS}",
                        self.from.url,
                        moved.number,
                        plain(status),
                        plain(task.failure_reason.as_deref().unwrap_or("no reason given"))
                    ),
                }
            }
            sleep(TICK).await;
        }
        spinner.finish_and_clear();
        Ok(moved)
    }
}

impl Moved {
    pub fn said(&self) -> String {
        let number = self.number;
        match self.status.as_str() {
            "COMPLETED" => format!("SQS moved {number} messages back to the held queue"),
            _ => format!(
                "SQS has moved {number} messages so far and continues by itself: jwhook recover --held \
                 --dry-run shows how many are left"
            ),
        }
    }
}

/// The last task of this dead-letter queue.
async fn newest(client: &Client, from: &Waiting) -> Result<Option<Task>> {
    let list = client.list_message_move_tasks().source_arn(&from.arn).max_results(1);
    let answer = list.send().await.map_err(|error| {
        aws::failed("sqs:ListMessageMoveTasks", &format!("queue {}", from.url), error)
    })?;
    Ok(answer.results.unwrap_or_default().into_iter().next())
}
