//! Checks the credentials, and compares this machine's clock with AWS's.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use aws_config::SdkConfig;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::ProvideCredentials;

use super::report::Report;
use crate::aws;
use crate::clock::AwsClock;

/// How far this machine's clock may differ from AWS's clock. AWS rejects signatures that are five
/// minutes off, and an event's age limit is in seconds.
const MAX_SKEW: Duration = Duration::from_secs(60);

/// Returns whether there are credentials, valid or not, with which the other checks can call AWS.
pub async fn check(report: &mut Report, sdk: &SdkConfig) -> Result<bool> {
    let without = |report: &mut Report| {
        report.skip("clock", "AWS was not called", None)?;
        Ok(false)
    };
    let Some(region) = sdk.region() else {
        report.fail("credentials", "no AWS region is set", "give --region, or set AWS_REGION")?;
        return without(report);
    };
    let credentials = match sdk.credentials_provider() {
        Some(provider) => provider.provide_credentials().await.ok(),
        None => None,
    };
    if credentials.is_none() {
        report.fail(
            "credentials",
            "there are no AWS credentials, or they could not be renewed",
            "log in (aws sso login, aws configure), or give --profile",
        )?;
        return without(report);
    }
    let clock = AwsClock::default();
    let call = Client::new(sdk).get_caller_identity().customize().interceptor(clock.clone());
    match call.send().await {
        Ok(identity) => report.ok(
            "credentials",
            format!(
                "account {}, {region}, as {}",
                identity.account.unwrap_or_default(),
                identity.arn.unwrap_or_default()
            ),
        )?,
        Err(error) => {
            report.error("credentials", &aws::failed("sts:GetCallerIdentity", "AWS", error))?;
        }
    }
    clock_check(report, clock.last_date())?;
    Ok(true)
}

fn clock_check(report: &mut Report, theirs: Option<SystemTime>) -> Result<()> {
    let Some(theirs) = theirs else {
        return report.skip("clock", "AWS's response has no Date header", None);
    };
    let ours = SystemTime::now();
    let (skew, direction) = match ours.duration_since(theirs) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    if skew <= MAX_SKEW {
        return report.ok("clock", "within a minute of AWS's clock");
    }
    report.fail(
        "clock",
        format!("this machine's clock is {} s {direction} AWS's clock", skew.as_secs()),
        "set this machine's clock with NTP: until then jwhook's times and ages are wrong by the \
         same number of seconds",
    )
}
