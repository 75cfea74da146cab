//! Moving the held queue's dead letters back. SQS does it, in a task of its own: no message is received
//! here.

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

/// How often SQS is asked how far it is, and for how long. SQS moves up to 500 messages a second, and
/// reports a missing permission only as the end of the task.
const TICK: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(20);

/// What SQS's documentation lists for a redrive.
const PERMISSIONS: &str = "moving needs sqs:StartMessageMoveTask, ReceiveMessage, DeleteMessage, GetQueueAttributes and \
     ListMessageMoveTasks on the dead-letter queue, sqs:SendMessage on the held queue, and \
     kms:Decrypt and kms:GenerateDataKey on their KMS key if they have one";

/// A move that may be started.
pub struct Move<'w> {
    client: Client,
    from: &'w Waiting,
    to: &'w Waiting,
    /// When the last task of the dead-letter queue was started, in milliseconds since 1970; 0 if there
    /// was none, and `None` if SQS does not tell.
    last_started: Option<i64>,
}

/// A task that was started.
#[derive(Serialize)]
pub struct Moved {
    /// `COMPLETED`, or `RUNNING` if SQS was still moving when this command ended.
    status: String,
    /// How many events SQS had moved, as far as it knew.
    number: i64,
    /// By which the task can be cancelled.
    task_handle: String,
}

impl<'w> Move<'w> {
    /// The move, if SQS is not at one already: it runs one task at a time for a dead-letter queue.
    pub async fn of(context: &Context, from: &'w Waiting, to: &'w Waiting) -> Result<Self> {
        let client = Client::new(&context.sdk);
        // SQS refuses a second task by itself, so a list that cannot be read stops nobody
        let last = newest(&client, from).await;
        if let Ok(Some(Task { status: Some(status), .. })) = &last
            && matches!(status.as_str(), "RUNNING" | "CANCELLING")
        {
            bail!(
                "SQS is moving messages out of {} already (status {status}), and runs one such task at \
                 a time: wait until it has ended, then look again with jwhook recover --held --dry-run",
                from.url
            );
        }
        let last_started = last.ok().map(|task| task.map_or(0, |task| task.started_timestamp));
        Ok(Self { client, from, to, last_started })
    }

    /// Starts the task, and follows it to its end or for [`PATIENCE`].
    ///
    /// The destination is given. Without it SQS moves a message to the queue that it was dead-lettered
    /// from, which a message that was sent straight to this queue does not have.
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
        let give_up = Instant::now() + PATIENCE;
        while Instant::now() < give_up {
            spinner.inc(1);
            // the list may not have the task at once
            let Ok(newest) = newest(&self.client, self.from).await else { break };
            if let Some(task) = newest.filter(|task| task.started_timestamp > last_started) {
                moved.number = task.approximate_number_of_messages_moved;
                moved.status = task.status.unwrap_or_default();
                match moved.status.as_str() {
                    "RUNNING" => {}
                    "COMPLETED" => break,
                    status => bail!(
                        "SQS stopped moving messages out of {} after {} of them: {} ({}). Repair the \
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
                "SQS has moved {number} messages so far and goes on by itself: jwhook recover --held \
                 --dry-run shows how many are left"
            ),
        }
    }
}

/// The last task that was started for this dead-letter queue.
async fn newest(client: &Client, from: &Waiting) -> Result<Option<Task>> {
    let list = client.list_message_move_tasks().source_arn(&from.arn).max_results(1);
    let answer = list.send().await.map_err(|error| {
        aws::failed("sqs:ListMessageMoveTasks", &format!("queue {}", from.url), error)
    })?;
    Ok(answer.results.unwrap_or_default().into_iter().next())
}
