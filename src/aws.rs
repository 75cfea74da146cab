//! The configuration that the clients of all AWS services share.

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, SdkConfig};

use crate::https;

/// The SDK's defaults, its credential chain included, with one HTTPS client and no retries.
///
/// The chain begins with the environment, where Lambda puts the credentials, and asks the network
/// only if it finds none before. It looks for credentials when the first call is signed.
pub async fn sdk_config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(https::client())
        // `attempt` retries, for as long as an event's time allows, and ends a call that stalls
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .load()
        .await
}
