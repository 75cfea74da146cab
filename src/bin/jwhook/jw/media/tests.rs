use serde_json::json;
use time::Duration;

use super::*;

const NOON: i64 = 1_700_000_000;

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(NOON + seconds).unwrap()
}

/// The media with these numbers: the medium with number n was created n seconds before noon.
fn page(numbers: impl IntoIterator<Item = i64>) -> Vec<Value> {
    let medium =
        |number: i64| json!({"id": number.to_string(), "created": moment::written(at(-number))});
    numbers.into_iter().map(medium).collect()
}

fn ids(listing: &Listing) -> Vec<&str> {
    listing.media.iter().map(|medium| medium.id.as_str()).collect()
}

#[test]
fn list_ends_at_an_older_medium_or_an_empty_page() {
    let mut listing = Listing::default();
    assert_eq!(listing.add(page([0, 1]), at(-3)), Next::Page);
    assert_eq!(listing.add(page([2, 3, 4]), at(-3)), Next::Enough);
    assert_eq!(ids(&listing), ["0", "1", "2", "3"]);

    let mut listing = Listing::default();
    assert_eq!(listing.add(page([0]), at(-3)), Next::Page); // a short page is not the last one
    assert_eq!(listing.add(page([1]), at(-3)), Next::Page);
    assert_eq!(listing.add(vec![], at(-3)), Next::Enough);
    assert_eq!(ids(&listing), ["0", "1"]);
}

#[test]
fn medium_repeated_by_a_shifted_list_is_listed_once() {
    let mut listing = Listing::default();
    listing.add(page([0, 1]), at(-9));
    assert_eq!(listing.add(page([0, 1]), at(-9)), Next::Page);
    assert_eq!(listing.add(page([1, 2]), at(-9)), Next::Page);
    assert_eq!(ids(&listing), ["0", "1", "2"]);
}

#[test]
fn list_that_repeats_a_page_three_times_is_endless() {
    for repeated in [page([0, 1]), vec![json!({"id": "odd", "created": 5})], vec![json!(null)]] {
        let mut listing = Listing::default();
        for _ in 0..3 {
            assert_eq!(listing.add(repeated.clone(), at(-9)), Next::Page);
        }
        assert_eq!(listing.add(repeated.clone(), at(-9)), Next::Endless);
    }
    let mut listing = Listing::default();
    for number in [0, 1, 2] {
        for _ in 0..3 {
            assert_eq!(listing.add(page([number]), at(-9)), Next::Page);
        }
    }
}

#[test]
fn malformed_media_are_read_as_far_as_possible() {
    let medium = Medium::read(&json!({"id": "a", "created": "2023-11-14T22:13:20.5+00:00"}));
    let medium = medium.unwrap();
    assert_eq!(medium.created, at(0) + Duration::milliseconds(500));
    assert!(medium.title.is_none() && medium.last_modified.is_none() && !medium.is_ready);
    assert_eq!([medium.publish_start, medium.publish_end], [Date::Unset; 2]);

    let medium = Medium::read(&json!({
        "id": "a",
        "created": "2023-11-14T22:13:20+00:00",
        "last_modified": "yesterday",
        "status": "ready",
        "metadata": {"title": 7, "publish_start_date": "soon", "publish_end_date": 5},
    }));
    let medium = medium.unwrap();
    assert!(medium.title.is_none() && medium.last_modified.is_none() && medium.is_ready);
    assert_eq!([medium.publish_start, medium.publish_end], [Date::Unreadable; 2]);

    for (odd, why) in [
        (json!("medium"), "a medium without an id"),
        (json!({"id": 5, "created": "2023-11-14T22:13:20+00:00"}), "a medium without an id"),
        (json!({"id": "a"}), "medium a with the creation time null"),
        (json!({"id": "a", "created": "now"}), r#"medium a with the creation time "now""#),
    ] {
        assert_eq!(Medium::read(&odd).unwrap_err(), why);
    }
}
