//! The AWS SDK's settings, and the text of a failed AWS call.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use jw_webhook_forwarder::attempt::Fault;

use crate::options::Options;

/// The SDK's settings from the environment and the profile. The options take precedence.
pub async fn settings(options: &Options) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    if let Some(region) = &options.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    loader.load().await
}

/// The error of a failed call, with what to do next. It quotes nothing that was sent.
pub fn failed(call: &str, on: &str, fault: impl Into<Fault>) -> anyhow::Error {
    let fault = fault.into();
    let advice = match &fault {
        Fault::Unreachable(_) => {
            "check the region (--region), the credentials (aws sts get-caller-identity) and the \
             network, then try again"
        }
        Fault::Refused(_) => {
            "check that it exists in this region and account, and that your credentials may do this"
        }
    };
    anyhow::anyhow!("{call} on {on}: {fault}; {advice}")
}
