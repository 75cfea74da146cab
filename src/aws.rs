//! The configuration that the clients of all AWS services share.

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_smithy_runtime_api::client::http::HttpClient;

use crate::https;

/// The function's configuration of the SDK: the SDK's defaults with our HTTPS client.
///
/// The SDK's credential chain first reads the environment variables, where Lambda puts the credentials. The
/// chain uses the network only if the other sources have no credentials. It runs when the first call is signed.
pub async fn sdk_config() -> SdkConfig {
    loader(https::client()).load().await
}

/// The SDK's defaults with this HTTP client and without retries.
pub fn loader(http_client: impl HttpClient + 'static) -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client)
        // our module `attempt` retries until the event's deadline, and has a timeout for calls that stall
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}
