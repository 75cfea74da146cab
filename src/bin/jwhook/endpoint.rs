//! The URLs of a stack that JW can call: one URL, or two URLs while webhooks move from the old URL to
//! the new URL.

use std::fmt;

use reqwest::Url;

/// A stack's URLs.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    url: String,
    also: Vec<String>,
}

impl Endpoint {
    /// New webhooks call `url`. Webhooks that call a URL in `also` belong to the stack too.
    pub fn new(url: String, also: impl IntoIterator<Item = String>) -> Self {
        Self { url, also: also.into_iter().collect() }
    }

    /// The URL that new webhooks call.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether this is one of the stack's URLs.
    pub fn has(&self, url: &str) -> bool {
        self.also.iter().chain([&self.url]).any(|ours| is_same(ours, url))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

/// Whether both texts are the same URL after normalisation.
pub fn is_same(one: &str, other: &str) -> bool {
    one == other || Url::parse(one).is_ok_and(|one| Url::parse(other) == Ok(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_urls_are_compared_after_normalisation() {
        let endpoint = Endpoint::new("https://a.example/x".into(), ["https://b.example/x".into()]);
        for url in ["https://a.example/x", "https://B.example:443/x"] {
            assert!(endpoint.has(url), "{url}");
        }
        for url in ["https://a.example/", "https://c.example/x", "", "no URL"] {
            assert!(!endpoint.has(url), "{url}");
        }
        assert_eq!(endpoint.to_string(), "https://a.example/x");
    }
}
