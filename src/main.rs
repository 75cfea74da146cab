//! The Lambda function: builds what a request needs, and serves.

use jw_webhook_forwarder::config::Config;
use jw_webhook_forwarder::forwarder::Forwarder;
use jw_webhook_forwarder::queue::EventQueue;
use jw_webhook_forwarder::secrets::SecretStore;
use jw_webhook_forwarder::{aws, http, telemetry};
use lambda_http::{Error, run_concurrent, service_fn};

/// One thread: a request costs its CPU for microseconds and waits for AWS the rest of the time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from_env()?;
    telemetry::init_diagnostics(config.log_levels);

    let sdk = aws::sdk_config().await;
    let secrets = aws_sdk_secretsmanager::Client::new(&sdk);
    let secrets =
        SecretStore::new(secrets, config.secret_id, config.secret_ttl, config.secret_max_stale);
    let queue = EventQueue::new(aws_sdk_sqs::Client::new(&sdk), config.queue_url);

    let forwarder: &'static Forwarder =
        Box::leak(Box::new(Forwarder::new(secrets, queue, config.max_event_age)));
    forwarder.warm_up().await;
    run_concurrent(service_fn(move |request| http::handle(forwarder, request))).await
}
