//! Runs one schedule: the function, and the result of each request.

use super::case::Case;
use super::held_queue::{HeldQueue, Left};
use super::schedule::{Incident, Schedule, Service};
use crate::support::{
    Answer, Aws, Function, GetSecretValue, HoldMessage, Message, SendMessage, millis,
    one_second_passes, seconds,
};
use serde_json::Value;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

/// The held queue delivers a batch after this many events.
const EVENTS_A_BATCH: usize = 12;

/// Lambda's timeout for a batch during the faults.
const BATCH_WITHIN: Duration = seconds(2);

/// The most times that the last event is sent, once a second. The first attempts may fail, because
/// in the second after a failed fetch a request does not wait for the secret.
const TRIES: usize = 8;

/// Everything that the promises are checked against at the end.
pub struct Run {
    pub answers: Vec<Answer>,
    /// The answer to the event that was sent after the faults were over.
    pub last: Answer,
    pub sends: Vec<Message>,
    pub queued: Vec<Message>,
    pub undelivered: Vec<Value>,
    /// All tokens that were ever held, and those that were left after the held queue was drained.
    pub held: Vec<String>,
    pub stay: Vec<String>,
    /// The messages that left the held queue: in all, and before the faults were over.
    pub left: Left,
    pub left_amid_faults: Left,
    /// Whether the original process is still running.
    pub lives: bool,
}

/// The two services. Each can become unreachable.
struct Services {
    secrets_manager: Aws,
    sqs: Aws,
}

/// How far the run is, for the tasks that wait for a point in the run.
struct Progress {
    events: watch::Sender<usize>,
    /// The time from which the new webhook may send.
    rotated: watch::Sender<Option<Instant>>,
}

pub async fn run(schedule: &Rc<Schedule>) -> Run {
    let mut services = Services { secrets_manager: Aws::start().await, sqs: Aws::start().await };
    services.secrets_manager.keep(schedule.secrets().0);
    services.secrets_manager.next(GetSecretValue, schedule.secret.iter().cloned());
    services.sqs.next(SendMessage, schedule.queue.iter().cloned());
    services.sqs.next(HoldMessage, schedule.held.iter().cloned());
    let mut start = Function::of(&services.secrets_manager)
        .also(&services.sqs)
        .env("AWS_ENDPOINT_URL_SQS", &services.sqs.url())
        .env("SECRET_TTL_SECONDS", &schedule.ttl.to_string())
        .env("SECRET_MAX_STALE_SECONDS", &schedule.max_stale.to_string())
        .concurrency(schedule.concurrency);
    if schedule.holding {
        start = start.holding();
    }
    if schedule.setting.fifo {
        start = start.fifo();
    }
    let function = Rc::new(start.start().await);

    let progress =
        Rc::new(Progress { events: watch::Sender::new(0), rotated: watch::Sender::new(None) });
    let answers = Rc::new(RefCell::new(Vec::new()));
    let held_queue = Rc::new(HeldQueue::of(services.sqs.shared.clone()));
    let mut senders = JoinSet::new();
    for _ in 0..schedule.concurrency {
        let (schedule, function) = (schedule.clone(), function.clone());
        let (progress, answers, held_queue) =
            (progress.clone(), answers.clone(), held_queue.clone());
        senders.spawn_local(async move {
            while let Some((index, case)) = next(&schedule, &progress) {
                if case.after_rotation {
                    rotation(&progress).await;
                }
                let answer = function.invoke(&case.delivery).within(case.within).await;
                answers.borrow_mut().push((index, answer));
                if index % EVENTS_A_BATCH == EVENTS_A_BATCH - 1 {
                    held_queue.deliver(&schedule, &function, BATCH_WITHIN).await;
                }
            }
        });
    }
    let sending = async {
        while let Some(sent) = senders.join_next().await {
            sent.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()));
        }
    };
    tokio::join!(sending, bring_about(schedule, &progress, &mut services));

    services.secrets_manager.works_again(GetSecretValue);
    services.sqs.works_again(SendMessage);
    services.sqs.works_again(HoldMessage);
    let left_amid_faults = held_queue.left();
    let mut function = Rc::into_inner(function).expect("all senders are done");
    let last = last(schedule, &function).await;
    held_queue.drain(schedule, &function).await;
    let mut answers = answers.take();
    answers.sort_by_key(|(index, _)| *index);
    Run {
        answers: answers.into_iter().map(|(_, answer)| answer).collect(),
        last,
        sends: services.sqs.sends(),
        queued: services.sqs.queued(),
        undelivered: function.undelivered(),
        held: services.sqs.held().into_iter().map(|message| message.body).collect(),
        stay: held_queue.tokens(),
        left: held_queue.left(),
        left_amid_faults,
        lives: function.runs(),
    }
}

/// Sends the event that comes after the faults are over.
async fn last(schedule: &Schedule, function: &Function) -> Answer {
    let mut tries = 1;
    loop {
        let answer = function.invoke(&schedule.last.delivery).within(schedule.last.within).await;
        if answer.status == 200 || tries == TRIES {
            return answer;
        }
        tries += 1;
        one_second_passes().await;
    }
}

/// The next request to send, if any.
fn next<'s>(schedule: &'s Schedule, progress: &Progress) -> Option<(usize, &'s Case)> {
    let index = *progress.events.borrow();
    let case = schedule.cases.get(index)?;
    progress.events.send_replace(index + 1);
    Some((index, case))
}

async fn rotation(progress: &Progress) {
    let mut rotated = progress.rotated.subscribe();
    let since = rotated.wait_for(Option::is_some).await.expect("the sender lives");
    let since = since.expect("waited for");
    sleep_until(since).await;
}

/// Causes each of the schedule's incidents at the incident's time.
async fn bring_about(schedule: &Schedule, progress: &Progress, services: &mut Services) {
    let mut events = progress.events.subscribe();
    for (after, incident) in &schedule.incidents {
        let after = (*after).min(schedule.cases.len());
        events.wait_for(|events| *events >= after).await.expect("the sender lives");
        match incident {
            Incident::Break(service, how) => services.of(*service).break_connections(*how),
            Incident::Gone(service) => services.of(*service).gone().await,
            Incident::Back(service) => services.of(*service).back(),
            Incident::Outage(reply) => {
                services.secrets_manager.works_again(GetSecretValue);
                services.secrets_manager.always(GetSecretValue, reply.clone());
            }
            Incident::Over => services.secrets_manager.works_again(GetSecretValue),
            Incident::Rotation { amid_fetch } => {
                let fetches = services.secrets_manager.calls(GetSecretValue);
                let fetch = services.secrets_manager.until_calls(GetSecretValue, fetches + 1);
                if *amid_fetch {
                    // there may be no more fetches if all events were sent
                    let _ = timeout(seconds(3), fetch).await;
                }
                services.secrets_manager.keep(schedule.secrets().1);
                // Waits until the secret's TTL is over. An event in the last moment of the TTL also
                // needs time for a fetch of the secret.
                let ttl = if schedule.setting.at_once { millis(0) } else { millis(1_050) };
                progress.rotated.send_replace(Some(Instant::now() + ttl));
            }
        }
    }
}

impl Services {
    fn of(&mut self, service: Service) -> &mut Aws {
        match service {
            Service::SecretsManager => &mut self.secrets_manager,
            Service::Sqs => &mut self.sqs,
        }
    }
}
