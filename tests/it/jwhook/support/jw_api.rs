//! A stand-in for JW's Management API v2 (webhooks and media), which behaves as documented and as
//! observed.

use super::command::API_SECRET;
use super::jw_media;
use super::server::{Meet, Server, Service, Until, answer};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::http::request::Parts;
use hyper::{Method, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// The endpoint of the stack in [`super::Account`].
pub const WEBHOOK_URL: &str =
    "https://abc123.execute-api.eu-west-1.amazonaws.com/webhooks/jwplayer";

/// The stack's other URL, the function URL.
pub const FUNCTION_URL: &str = "https://xyz789.lambda-url.eu-west-1.on.aws/webhooks/jwplayer";

/// The resource of a webhook that calls the stack.
pub fn webhook(id: &str, name: &str) -> Value {
    json!({
        "id": id,
        "type": "webhook",
        "created": "2026-01-02T03:04:05.678901+00:00",
        "last_modified": "2026-01-02T03:04:05.678901+00:00",
        "metadata": {
            "name": name,
            "description": "for the newsroom",
            "webhook_url": WEBHOOK_URL,
            "events": ["media_available", "conversions_complete"],
            "site_ids": ["jsPxIVHl"],
            "unknown_to_us": {"kept": [1, null]},
        },
        "relationships": {},
        "schema": null,
    })
}

/// A call to the API.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub method: String,
    /// The path with the query.
    pub path: String,
    pub body: Value,
}

#[derive(Default)]
pub struct State {
    pub webhooks: Vec<Value>,
    /// The media by site.
    pub media: BTreeMap<String, Vec<Value>>,
    /// The secrets of all webhooks that were ever created, including deleted ones.
    pub secrets: Vec<(String, String)>,
    pub calls: Vec<Call>,
    /// Whether lists come without `total`.
    pub without_total: bool,
    /// If set, the secret of every webhook that is created from now on.
    pub next_secret: Option<String>,
}

struct Api(Mutex<State>);

/// The stand-in for JW's API.
pub struct JwApi {
    api: Arc<Api>,
    server: Server,
}

impl JwApi {
    /// Starts the stand-in with these webhooks.
    pub async fn start(webhooks: impl IntoIterator<Item = Value>) -> Self {
        let state = State { webhooks: webhooks.into_iter().collect(), ..State::default() };
        let api = Arc::new(Api(Mutex::new(state)));
        let server = Server::start(api.clone()).await;
        Self { api, server }
    }

    pub fn url(&self) -> &str {
        &self.server.url
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.api.state()
    }

    pub fn webhooks(&self) -> Vec<Value> {
        self.state().webhooks.clone()
    }

    pub fn ids(&self) -> Vec<String> {
        self.webhooks().iter().map(|webhook| webhook["id"].as_str().unwrap().to_owned()).collect()
    }

    pub fn webhook(&self, id: &str) -> Option<Value> {
        self.webhooks().into_iter().find(|webhook| webhook["id"] == id)
    }

    /// The secret of a webhook that was created through the API.
    pub fn secret(&self, id: &str) -> String {
        let state = self.state();
        let secret = state.secrets.iter().find(|(of, _)| of == id);
        secret.expect("a webhook that was created").1.clone()
    }

    /// The calls that change something, including those that failed.
    pub fn changes(&self) -> Vec<Call> {
        self.state().calls.iter().filter(|call| call.method != "GET").cloned().collect()
    }

    /// Sets what happens to the next call with this method.
    pub fn next(&self, method: &str, meet: Meet) {
        self.server.next(method, meet);
    }

    /// From now on, each connection is closed without an answer at its second request.
    pub fn close_at_second_request(&self) {
        self.server.close_at_second_request();
    }

    /// Sets what happens to the n-th call with this method from now on.
    pub fn nth(&self, method: &str, n: usize, meet: Meet) {
        self.server.nth(method, n, meet);
    }

    /// How many calls with this method have begun, or how many were performed, as `until` says.
    pub fn count(&self, until: Until, method: &str) -> usize {
        self.server.count(until, method)
    }

    /// Waits until n calls with this method, counted from the start, have begun or were performed.
    pub async fn until(&self, until: Until, method: &str, n: usize) {
        self.server.until(until, method, n).await;
    }
}

impl Api {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it locks the state")
    }

    fn list(&self, query: &str) -> Response<Full<Bytes>> {
        let state = self.state();
        let parameter = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(key, _)| *key == name).find_map(|(_, value)| value.parse().ok())
        };
        let page: usize = parameter("page").unwrap_or(1);
        let page_length: usize = parameter("page_length").unwrap_or(10);
        if page < 1 || !(1..=100).contains(&page_length) {
            return problem(400, "invalid_parameter", "page_length is from 1 to 100");
        }
        let of_page = state.webhooks.iter().skip((page - 1) * page_length).take(page_length);
        let mut list = json!({
            "page": page,
            "page_length": page_length,
            "total": state.webhooks.len(),
            "webhooks": of_page.collect::<Vec<_>>(),
        });
        if state.without_total {
            list.as_object_mut().unwrap().remove("total");
        }
        answer(200, list.to_string())
    }

    fn media(&self, path: &str, query: &str) -> Response<Full<Bytes>> {
        let site_id = path.strip_prefix("/v2/sites/").and_then(|it| it.strip_suffix("/media/"));
        let state = self.state();
        match site_id.and_then(|site_id| state.media.get(site_id)) {
            Some(media) => jw_media::list(media, query),
            None => problem(404, "not_found", "The requested resource could not be found."),
        }
    }

    fn create(&self, body: &Value) -> Response<Full<Bytes>> {
        if let Some(refused) = fault(body) {
            return refused;
        }
        let mut state = self.state();
        let id = format!("new{:05}", state.secrets.len() + 1);
        let secret = state.next_secret.clone().unwrap_or_else(|| {
            let number = state.secrets.len() + 1;
            format!("{number:03}Canary-{}", "aZ9_".repeat(14))
        });
        let mut webhook = webhook(&id, "");
        let now = time::OffsetDateTime::now_utc();
        let now = now.format(&time::format_description::well_known::Rfc3339).unwrap();
        webhook["created"] = json!(now);
        webhook["metadata"] = body["metadata"].clone();
        state.webhooks.push(webhook.clone());
        state.secrets.push((id, secret.clone()));
        webhook["secret"] = json!(secret);
        answer(201, webhook.to_string())
    }

    fn one(&self, method: &Method, id: &str, body: &Value) -> Response<Full<Bytes>> {
        let mut state = self.state();
        let Some(place) = state.webhooks.iter().position(|webhook| webhook["id"] == id) else {
            return problem(404, "not_found", "The requested resource could not be found.");
        };
        match *method {
            Method::GET => answer(200, state.webhooks[place].to_string()),
            Method::DELETE => {
                state.webhooks.remove(place);
                answer(204, "")
            }
            _ => match fault(body) {
                Some(refused) => refused,
                None => {
                    // JW replaces the whole metadata, so omitted members are lost
                    state.webhooks[place]["metadata"] = body["metadata"].clone();
                    answer(200, state.webhooks[place].to_string())
                }
            },
        }
    }
}

impl Service for Api {
    fn name(&self, request: &Parts, _: &Bytes) -> String {
        request.method.to_string()
    }

    async fn perform(&self, request: Parts, body: Bytes) -> Response<Full<Bytes>> {
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let path = request.uri.path().to_owned();
        self.state().calls.push(Call {
            method: request.method.to_string(),
            path: request.uri.path_and_query().unwrap().to_string(),
            body: body.clone(),
        });
        let bearer = request.headers.get("authorization").map(|value| value.as_bytes());
        if bearer != Some(format!("Bearer {API_SECRET}").as_bytes()) {
            return problem(401, "unauthorized", "The API secret isn't valid.");
        }
        let has_body = request.headers.contains_key("content-type");
        let id = path.strip_prefix("/v2/webhooks/").and_then(|rest| rest.strip_suffix('/'));
        match (&request.method, path.as_str(), id) {
            (&Method::GET, "/v2/webhooks/", _) => {
                self.list(request.uri.query().unwrap_or_default())
            }
            (&Method::GET, path, None) if path.starts_with("/v2/sites/") => {
                self.media(path, request.uri.query().unwrap_or_default())
            }
            (&Method::POST, "/v2/webhooks/", _) if has_body => self.create(&body),
            (method @ (&Method::GET | &Method::PATCH | &Method::DELETE), _, Some(id)) => {
                self.one(method, id, &body)
            }
            _ => problem(405, "method_not_allowed", "That method isn't allowed here."),
        }
    }
}

fn fault(body: &Value) -> Option<Response<Full<Bytes>>> {
    let metadata = &body["metadata"];
    let url = metadata["webhook_url"].as_str().unwrap_or_default();
    let some = |member: &str| metadata[member].as_array().is_some_and(|list| !list.is_empty());
    if !url.starts_with("https://") {
        Some(problem(422, "invalid_body", "webhook_url must be HTTPS"))
    } else if metadata["name"].as_str().is_none_or(str::is_empty)
        || !some("events")
        || !some("site_ids")
    {
        Some(problem(422, "invalid_body", "name, events and site_ids are required"))
    } else {
        None
    }
}

pub(super) fn problem(status: u16, code: &str, description: &str) -> Response<Full<Bytes>> {
    let errors = json!({"errors": [{"code": code, "description": description}]});
    answer(status, errors.to_string())
}
