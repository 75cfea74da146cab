//! Compares a webhook's metadata with the wanted metadata, member by member. The order in a list does not
//! matter.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::endpoint::is_same;
use crate::jw::Metadata;
use crate::output::plain;

/// The members that an operator can set, in the order of the output.
const MEMBERS: [&str; 5] = ["name", "description", "webhook_url", "events", "site_ids"];

/// A member whose value differs from the wanted value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    pub member: &'static str,
    pub from: Value,
    pub to: Value,
}

/// The changes from `current` to `wanted`. Members that `wanted` lacks are not compared.
pub fn between(current: &Metadata, wanted: &Metadata) -> Vec<Change> {
    let change = |&member: &&'static str| {
        let (from, to) = (current.get(member).unwrap_or(&Value::Null), wanted.get(member)?);
        (!same(member, from, to)).then(|| Change { member, from: from.clone(), to: to.clone() })
    };
    MEMBERS.iter().filter_map(change).collect()
}

/// The current metadata, in which the wanted members replace the current ones. An update sends this
/// metadata.
pub fn merged(current: &Metadata, wanted: &Metadata) -> Metadata {
    let mut metadata = current.clone();
    metadata.extend(wanted.clone());
    metadata
}

fn same(member: &str, from: &Value, to: &Value) -> bool {
    match (from, to) {
        (Value::Array(from), Value::Array(to)) => set(from) == set(to),
        (Value::String(from), Value::String(to)) if member == "webhook_url" => is_same(from, to),
        _ => from == to,
    }
}

fn set(list: &[Value]) -> BTreeSet<String> {
    list.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect()
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.member)?;
        let (Value::Array(from), Value::Array(to)) = (&self.from, &self.to) else {
            let from = if self.from.is_null() { "none".to_owned() } else { self.from.to_string() };
            return write!(f, "{from} -> {}", self.to);
        };
        let (from, to) = (set(from), set(to));
        let added = to.difference(&from).map(|one| format!("+{one}"));
        let removed = from.difference(&to).map(|one| format!("-{one}"));
        f.write_str(&plain(&added.chain(removed).collect::<Vec<_>>().join(" ")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changes(current: Value, wanted: Value) -> Vec<String> {
        let map = |value: Value| value.as_object().unwrap().clone();
        let changes = between(&map(current), &map(wanted));
        changes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lists_are_compared_as_sets_and_other_members_are_ignored() {
        let current = json!({"events": ["a", "b", "a"], "name": "n", "more": 1});
        assert_eq!(changes(current.clone(), json!({"events": ["b", "a"], "name": "n"})), [""; 0]);
        assert_eq!(
            changes(current, json!({"events": ["c", "b"], "name": "m", "description": "d"})),
            ["name: \"n\" -> \"m\"", "description: none -> \"d\"", "events: +c -a"]
        );
    }

    #[test]
    fn urls_are_compared_after_normalisation() {
        let current = json!({"webhook_url": "https://EXAMPLE.com:443"});
        assert_eq!(
            changes(current.clone(), json!({"webhook_url": "https://example.com/"})),
            [""; 0]
        );
        assert_eq!(changes(current, json!({"webhook_url": "https://example.com/x"})).len(), 1);
    }
}
