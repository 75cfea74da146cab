//! Reads the media of a site, with the members that show which events each medium should have caused.
//!
//! Members may be null, missing or of another type. One malformed medium must not hide the others.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::{Jw, PAGE_LENGTH};
use crate::moment;

/// JW returns only the first 10,000 results of a query (JW's page "Listing Media").
const MAX_PAGES: usize = 10_000 / PAGE_LENGTH;

/// How many pages in a row may have no new medium. Media that are uploaded meanwhile shift the list, so
/// a page may repeat media of the page before.
const MAX_REPEATED_PAGES: usize = 2;

/// One of a site's media.
#[derive(Clone, Debug, PartialEq)]
pub struct Medium {
    pub id: String,
    pub title: Option<String>,
    pub created: OffsetDateTime,
    /// `None` if JW's value is missing or unreadable.
    pub last_modified: Option<OffsetDateTime>,
    pub is_ready: bool,
    pub publish_start: Date,
    pub publish_end: Date,
}

/// An optional date.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Date {
    Unset,
    At(OffsetDateTime),
    Unreadable,
}

/// The media of a site that were created since a given time.
#[derive(Debug, Default)]
pub struct Listing {
    /// Newest first.
    pub media: Vec<Medium>,
    /// Descriptions of the media whose id or creation time cannot be read.
    pub unreadable: BTreeSet<String>,
    /// Why the list may be incomplete; `None` if it is complete.
    pub cut_off: Option<String>,
    ids: BTreeSet<String>,
    repeated_pages: usize,
}

#[derive(Deserialize)]
struct Page {
    media: Vec<Value>,
}

/// What to do after a page.
#[derive(Debug, PartialEq)]
enum Next {
    Page,
    /// Stop: all media of the next pages are older than the window.
    Enough,
    /// The list does not end.
    Endless,
}

impl Jw {
    /// The media of a site that were created since `since`. After each page, calls `on_page` with the
    /// creation time of the oldest medium so far.
    pub async fn media(
        &self,
        site_id: &str,
        since: OffsetDateTime,
        on_page: impl Fn(OffsetDateTime),
    ) -> Result<Listing> {
        let mut listing = Listing::default();
        for number in 1..=MAX_PAGES {
            let path = format!(
                "v2/sites/{site_id}/media/?page={number}&page_length={PAGE_LENGTH}\
                 &sort=created:dsc"
            );
            let what = format!("page {number} of the media of site {site_id}");
            let answer = self.call(Method::GET, &path, None, &what).await?;
            if matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) {
                listing.cut_off = Some(format!(
                    "cannot list the media of site {site_id}: JW answers {}; check that the site exists \
                     and that the API secret may read it",
                    answer.status.as_u16()
                ));
                return Ok(listing);
            }
            let page: Page = answer.expect(StatusCode::OK)?.json()?;
            let next = listing.add(page.media, since);
            if let Some(oldest) = listing.media.last() {
                on_page(oldest.created);
            }
            match next {
                Next::Page => {}
                Next::Enough => return Ok(listing),
                Next::Endless => bail!(
                    "JW's list of the media of site {site_id} does not end: JW returns the same {} media \
                     page after page; check JW_API_URL, then try again",
                    listing.ids.len()
                ),
            }
        }
        listing.cut_off = Some(format!(
            "site {site_id} has more than 10,000 media in this time, and JW lists only the newest \
             10,000: the older media are not checked; give a later --since"
        ));
        Ok(listing)
    }
}

impl Listing {
    /// Adds a page of a list that is sorted by creation, newest first.
    fn add(&mut self, page: Vec<Value>, since: OffsetDateTime) -> Next {
        if page.is_empty() {
            return Next::Enough;
        }
        let (mut next, mut is_repeated) = (Next::Page, true);
        for resource in page {
            match Medium::read(&resource) {
                Ok(medium) if medium.created < since => {
                    next = Next::Enough;
                }
                Ok(medium) => {
                    if self.ids.insert(medium.id.clone()) {
                        is_repeated = false;
                        self.media.push(medium);
                    }
                }
                Err(why) => is_repeated &= !self.unreadable.insert(why),
            }
        }
        self.repeated_pages = if is_repeated { self.repeated_pages + 1 } else { 0 };
        if next == Next::Page && self.repeated_pages > MAX_REPEATED_PAGES {
            return Next::Endless;
        }
        next
    }
}

impl Medium {
    fn read(resource: &Value) -> Result<Self, String> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let Some(id) = text(&resource["id"]) else {
            return Err("a medium without an id".to_owned());
        };
        let Date::At(created) = Date::read(&resource["created"]) else {
            return Err(format!("medium {id} with the creation time {}", resource["created"]));
        };
        let metadata = &resource["metadata"];
        Ok(Self {
            id,
            title: text(&metadata["title"]),
            created,
            last_modified: match Date::read(&resource["last_modified"]) {
                Date::At(last_modified) => Some(last_modified),
                Date::Unset | Date::Unreadable => None,
            },
            is_ready: resource["status"] == "ready",
            publish_start: Date::read(&metadata["publish_start_date"]),
            publish_end: Date::read(&metadata["publish_end_date"]),
        })
    }
}

impl Date {
    fn read(value: &Value) -> Self {
        match value {
            Value::Null => Date::Unset,
            Value::String(text) => moment::read(text).map_or(Date::Unreadable, Date::At),
            _ => Date::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests;
