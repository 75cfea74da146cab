//! The HTTP client of everything that is not an AWS call.

use std::net::IpAddr;

use reqwest::{Client, ClientBuilder, Url, redirect};
use rustls::crypto::ring;

/// A client for calls to this URL's host. A call to this machine never goes through a proxy, which would
/// see the call's secret.
pub fn client(url: &Url) -> ClientBuilder {
    let _ = ring::default_provider().install_default(); // fails if an earlier call has installed it
    let client = Client::builder()
        .user_agent(concat!("jwhook/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none()); // a redirected POST becomes a GET
    if is_this_machine(url) { client.no_proxy() } else { client }
}

/// Whether no network is between this process and the URL's host.
pub fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
