//! AWS, as the shell's settings have it.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use jw_webhook_forwarder::attempt::Fault;

use crate::options::Options;

/// The SDK's settings: the environment's and the profile's, and the options that replace them.
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

/// What a failed call came to, in words that hold nothing of what was sent, and what to do about it.
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
