//! What both of the SDK's clients are built with.

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, SdkConfig};

use crate::https;

/// The SDK's configuration: its environment variables, one HTTPS client, no retries.
pub async fn sdk_config() -> SdkConfig {
    let https = https::client();
    // Lambda gives credentials by the environment, and with SnapStart by the container's endpoint.
    // To be ready to ask for others, as the SDK's default chain is, takes a twentieth of a start.
    let container = ProviderConfig::without_region().with_http_client(https.clone());
    let container = EcsCredentialsProvider::builder().configure(&container).build();
    let environment = EnvironmentVariableCredentialsProvider::new();
    let credentials = CredentialsProviderChain::first_try("Environment", environment)
        .or_else("Container", container);
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(https)
        .credentials_provider(credentials)
        // `attempt` retries, for as long as an event's time allows, and gives up what stalls
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .load()
        .await
}
