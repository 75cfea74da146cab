//! The HTTP client for all calls except those to AWS.

use std::env;
use std::net::IpAddr;

use anyhow::{Result, anyhow};
use reqwest::{Client, ClientBuilder, Url, redirect};
use rustls::crypto::ring;

/// A client for calls to this URL's host. A call to this machine never goes through a proxy, which would
/// see the call's secret.
pub fn client(url: &Url) -> ClientBuilder {
    let client = builder()
        .user_agent(concat!("jwhook/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none()); // a redirected POST becomes a GET
    if is_this_machine(url) { client.no_proxy() } else { client }
}

/// Builds a client. Reads the root certificates, and fails if there are none.
pub fn build(client: ClientBuilder) -> Result<Client> {
    client.build().map_err(|error| {
        let set = |name| env::var(name).map(|value| format!("; {name} is {value}"));
        let [file, directory] =
            ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(|name| set(name).unwrap_or_default());
        anyhow!(
            "cannot make TLS connections: no root certificate could be loaded ({:#}{file}{directory}). \
             Install the package ca-certificates, or set SSL_CERT_FILE to a PEM file of root certificates",
            anyhow::Error::new(error)
        )
    })
}

/// Fails if this machine has no usable root certificate. The SDK's client loads the same certificates,
/// but does not report a clear error if it finds none: a debug build panics, and a release build
/// rejects every server's certificate.
pub fn check_root_certificates() -> Result<()> {
    build(builder()).map(drop)
}

fn builder() -> ClientBuilder {
    let _ = ring::default_provider().install_default(); // fails if an earlier call has installed it
    Client::builder()
}

/// Whether the URL's host is this machine, so that no network can read the request.
pub fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
