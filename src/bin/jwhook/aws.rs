//! The AWS SDK's settings, and the text of a failed AWS call.

use anyhow::Result;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jw_webhook_forwarder::attempt::Fault;

use crate::http::check_root_certificates;
use crate::options::Options;

/// The SDK's settings from the environment and the profile. The options take precedence.
pub async fn settings(options: &Options) -> Result<SdkConfig> {
    check_root_certificates()?;
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client());
    if let Some(region) = &options.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    Ok(loader.load().await)
}

/// The SDK's default HTTP client, but with ring instead of AWS-LC. Uses the proxy that the environment
/// names.
fn http_client() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        connector.build()
    })
}

/// The error for a failed call, with advice. Quotes nothing that was sent, because that may be a secret.
pub fn failed(call: &str, on: &str, fault: impl Into<Fault>) -> anyhow::Error {
    let fault = fault.into();
    let advice = match &fault {
        Fault::Unreachable(_) => {
            "check the region (--region), the credentials (aws sts get-caller-identity) and the \
             network, then try again"
        }
        Fault::Refused(_) => {
            "check that the resource exists in this region and account, and that your credentials \
             permit this call"
        }
    };
    anyhow::anyhow!("{call} on {on}: {fault}; {advice}")
}
