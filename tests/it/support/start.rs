//! Starts the forwarder. `lambda-simulator` cannot capture the output or clear the environment of
//! the process that it starts, so this module starts the process.

use super::aws::Aws;
use super::function::Function;
use super::secrets_manager::SECRET_ID;
use super::service::Shared;
use lambda_simulator::{FreezeMode, Simulator};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

pub const REGION: &str = "eu-west-1";
pub const ACCESS_KEY_ID: &str = "ASIAIOSFODNN7EXAMPLE";
pub const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYcanarykey0";
pub const SESSION_TOKEN: &str =
    "IQoJb3JpZ2luX2VjCanarySessionToken/8Jq2xWvT5nRkLmPz0yHs3dFgU7bAeCi";
pub const STANDARD_QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/jw-events";
pub const HELD_QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/jw-held";
pub const FIFO_QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/jw-events.fifo";

/// A function that is about to start.
pub struct Start {
    environment: BTreeMap<String, String>,
    aws: Vec<Arc<Shared>>,
    freeze: FreezeMode,
}

impl Start {
    /// A function with only the environment variables that it needs.
    pub fn of(aws: &Aws) -> Self {
        let environment = [
            ("QUEUE_URL", STANDARD_QUEUE),
            ("WEBHOOK_SECRET_ID", SECRET_ID),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
            ("AWS_SESSION_TOKEN", SESSION_TOKEN),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_ENDPOINT_URL", &aws.url()),
            ("AWS_LAMBDA_FUNCTION_NAME", "jw-forwarder"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            environment: environment.into(),
            aws: vec![aws.shared.clone()],
            freeze: FreezeMode::None,
        }
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    pub fn fifo(self) -> Self {
        self.env("QUEUE_URL", FIFO_QUEUE)
    }

    /// Sets the held queue.
    pub fn holding(self) -> Self {
        self.env("HELD_QUEUE_URL", HELD_QUEUE)
    }

    pub fn short_lived_secret(self) -> Self {
        self.env("SECRET_TTL_SECONDS", "1")
    }

    pub fn concurrency(self, limit: u8) -> Self {
        self.env("AWS_LAMBDA_MAX_CONCURRENCY", &limit.to_string())
    }

    pub fn frozen_between_invocations(mut self) -> Self {
        self.freeze = FreezeMode::Process;
        self
    }

    /// Also searches the output for the secrets of this second stand-in.
    pub fn also(mut self, aws: &Aws) -> Self {
        self.aws.push(aws.shared.clone());
        self
    }

    /// Starts only the process. It uses the Runtime API at this address.
    pub fn spawn(&self, runtime_api: SocketAddr) -> Child {
        // a Makefile target can name another build of the binary
        let binary = std::env::var_os("FORWARDER");
        Command::new(binary.unwrap_or_else(|| env!("CARGO_BIN_EXE_forwarder").into()))
            .env_clear()
            .envs(&self.environment)
            .env("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts")
    }

    pub async fn start(self) -> Function {
        let simulator =
            Simulator::builder().freeze_mode(self.freeze).build().await.expect("a Runtime API");
        let process = self.spawn(simulator.addr());
        simulator.register_freeze_pid(process.id());
        Function::new(simulator, process, self.aws)
    }
}
