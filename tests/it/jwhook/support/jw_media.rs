//! The list of a site's media in JW's Management API v2, as documented.

use super::jw_api::problem;
use super::server::answer;
use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The most results of a query that JW returns, on all pages together.
const MAX_RESULTS: usize = 10_000;

/// A time in JW's format for media.
pub fn written(moment: OffsetDateTime) -> String {
    moment.format(&Rfc3339).unwrap().replace('Z', "+00:00")
}

/// The resource of a media item that was ready as soon as it was created.
pub fn medium(id: &str, title: &str, created: OffsetDateTime) -> Value {
    json!({
        "id": id,
        "type": "media",
        "created": written(created),
        "last_modified": written(created),
        "status": "ready",
        "metadata": {
            "title": title,
            "tags": [],
            "publish_start_date": null,
            "publish_end_date": null,
        },
        "relationships": {},
        "schema": null,
    })
}

/// A page of a site's media. The answer has no `total`.
pub fn list(media: &[Value], query: &str) -> Response<Full<Bytes>> {
    let parameter = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
    };
    let number = |name, default| parameter(name).map_or(Some(default), |text| text.parse().ok());
    let (Some(page @ 1..), Some(page_length @ 1..=100)) =
        (number("page", 1_usize), number("page_length", 10_usize))
    else {
        return problem(400, "invalid_parameter", "page_length is from 1 to 100");
    };
    if page * page_length > MAX_RESULTS {
        return problem(400, "invalid_parameter", "only the first 10,000 results can be read");
    }
    let mut media: Vec<&Value> = media.iter().collect();
    if let Some(sort) = parameter("sort") {
        let (field, order) = sort.split_once(':').expect("a field and an order");
        media.sort_by(|one, other| one[field].as_str().cmp(&other[field].as_str()));
        if order == "dsc" {
            media.reverse();
        }
    }
    let of_page = media.into_iter().skip((page - 1) * page_length).take(page_length);
    let of_page: Vec<_> = of_page.collect();
    answer(200, json!({"page": page, "page_length": page_length, "media": of_page}).to_string())
}
