//! The configuration that the clients of all AWS services share.

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_smithy_runtime_api::client::http::HttpClient;

use crate::https;

/// The configuration of the function: the SDK's defaults, over our HTTPS client.
///
/// The credential chain reads the environment first, where Lambda puts the credentials. It uses the
/// network only if it finds none before. It runs when the first call is signed.
pub async fn sdk_config() -> SdkConfig {
    loader(https::client()).load().await
}

/// The SDK's defaults over this HTTP client, and no retries.
pub fn loader(http_client: impl HttpClient + 'static) -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client)
        // `attempt` retries until an event's deadline, and has a timeout for calls that stall
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}
