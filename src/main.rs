//! The Lambda function: builds the clients, then serves requests.

use jw_webhook_forwarder::config::Config;
use jw_webhook_forwarder::forwarder::Forwarder;
use jw_webhook_forwarder::process::Process;
use jw_webhook_forwarder::queue::EventQueue;
use jw_webhook_forwarder::queue::held::HeldQueue;
use jw_webhook_forwarder::secrets::SecretStore;
use jw_webhook_forwarder::{aws, commit, invocation, telemetry};
use lambda_runtime::{Error, Runtime, service_fn};

/// One thread is enough: a request uses the CPU for microseconds, and otherwise waits for AWS.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from_env()?;
    telemetry::init_diagnostics(config.log_levels);
    telemetry::started(commit!());

    let sdk = aws::sdk_config().await;
    let secrets = aws_sdk_secretsmanager::Client::new(&sdk);
    let (ttl, max_stale) = (config.secret_ttl, config.secret_max_stale);
    let secrets =
        SecretStore::new(secrets, config.secret_id, ttl, max_stale, Process::OWN.wall_clock);
    let sqs = aws_sdk_sqs::Client::new(&sdk);
    let held_queue = config.held_queue_url.map(|url| HeldQueue::new(sqs.clone(), url));
    let queue = EventQueue::new(sqs, config.queue_url);

    let forwarder = Forwarder::new(secrets, queue, held_queue, config.max_event_age, Process::OWN);
    let forwarder: &'static Forwarder = Box::leak(Box::new(forwarder));
    forwarder.warm_up().await;
    // boxed, because the runtime nests the future so deeply that the compiler gives up
    Runtime::new(service_fn(move |event| Box::pin(invocation::handle(forwarder, event))))
        .run_concurrent()
        .await
}
