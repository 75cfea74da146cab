//! Reads the YAML file that says which webhooks should exist.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use serde_json::json;
use serde_saphyr::{SnippetMode, Spanned, UserMessageFormatter};

use crate::commands::create::list;
use crate::jw::Metadata;
use crate::jw::webhook::is_id;
use crate::output::plain;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    webhooks: Vec<Spanned<Entry>>,
}

/// A webhook that should exist.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub name: String,
    /// If given, the entry matches the webhook with this id, even if their names differ.
    pub id: Option<String>,
    description: Option<String>,
    events: Vec<String>,
    site_ids: Vec<String>,
}

impl Entry {
    /// The metadata that the webhook of this entry should have.
    pub fn metadata(&self, endpoint: &str) -> Metadata {
        let mut metadata = Metadata::new();
        metadata.insert("name".into(), json!(self.name));
        metadata.insert("webhook_url".into(), json!(endpoint));
        metadata.insert("events".into(), list(&self.events));
        metadata.insert("site_ids".into(), list(&self.site_ids));
        if let Some(description) = &self.description {
            metadata.insert("description".into(), json!(description));
        }
        metadata
    }

    fn problem(&self) -> Option<String> {
        let is_blank = |text: &String| text.trim().is_empty();
        if is_blank(&self.name) {
            return Some("the name is empty".to_owned());
        }
        for (member, texts) in [("events", &self.events), ("site_ids", &self.site_ids)] {
            if texts.is_empty() || texts.iter().any(is_blank) {
                return Some(format!(
                    "{member} needs at least one value, and no value may be empty"
                ));
            }
        }
        match &self.id {
            Some(id) if !is_id(id) => Some("the id is not a JW id".to_owned()),
            _ => None,
        }
    }
}

pub fn read(path: &Path) -> Result<Vec<Entry>> {
    let name = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    parse(&text).map_err(|(line, problem)| match line {
        Some(line) => anyhow!("{name}, line {line}: {problem}"),
        None => anyhow!("{name}: {problem}"),
    })
}

type Problem = (Option<u64>, String);

fn parse(text: &str) -> Result<Vec<Entry>, Problem> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| {
        let formatter = UserMessageFormatter;
        let message = error.render_with_options(serde_saphyr::render_options! {
            formatter: &formatter,
            snippets: SnippetMode::Off,
        });
        let without_place = message.rsplit_once(" at line ").map_or(&*message, |(what, _)| what);
        (
            error.location().map(|at| at.line()),
            plain(&without_place.replace("sequence start", "a list")),
        )
    })?;
    for (index, entry) in file.webhooks.iter().enumerate() {
        let problem = |problem| (Some(entry.referenced.line()), problem);
        if let Some(wrong) = entry.value.problem() {
            return Err(problem(wrong));
        }
        for before in &file.webhooks[..index] {
            check_pair(before, &entry.value).map_err(|error| problem(error.to_string()))?;
        }
    }
    Ok(file.webhooks.into_iter().map(|entry| entry.value).collect())
}

/// Checks that two entries cannot match the same webhook.
fn check_pair(before: &Spanned<Entry>, entry: &Entry) -> Result<()> {
    let line = before.referenced.line();
    match (&before.value.id, &entry.id) {
        (Some(one), Some(other)) if one == other => {
            bail!("webhook {one} is already in line {line}")
        }
        (Some(_), Some(_)) => Ok(()),
        _ if before.value.name == entry.name => bail!(
            "the name {:?} is already in line {line}: give both entries ids, or different names",
            entry.name
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "webhooks:\n- name: Newsroom\n  events: [media_available]\n  site_ids: [s]\n";

    fn problem(text: &str) -> (u64, String) {
        let (line, problem) = parse(text).unwrap_err();
        (line.unwrap(), problem)
    }

    #[test]
    fn yaml_numbers_and_booleans_are_read_as_text() {
        let text = "webhooks:\n- {name: no, id: 12345678, events: [on, 1], site_ids: [0x123456, 1e234567, 01234567]}\n";
        let entries = parse(text).unwrap();
        let metadata = entries[0].metadata("https://example.com/");
        assert_eq!(entries[0].id.as_deref(), Some("12345678"));
        assert_eq!(
            json!(metadata),
            json!({
                "name": "no",
                "webhook_url": "https://example.com/",
                "events": ["on", "1"],
                "site_ids": ["0x123456", "1e234567", "01234567"],
            })
        );
    }

    #[test]
    fn error_in_the_file_names_the_line() {
        let unknown = problem(&format!("{ONE}  webhook_url: https://example.com\n"));
        assert_eq!((unknown.0, unknown.1.contains("webhook_url")), (5, true), "{unknown:?}");
        assert_eq!(
            problem(&ONE.replace("name: Newsroom", "name: ' '")),
            (2, "the name is empty".into())
        );
        let empty = problem(&ONE.replace("[s]", "[]"));
        assert_eq!(
            empty,
            (2, "site_ids needs at least one value, and no value may be empty".into())
        );
        let id = problem(&format!("{ONE}  id: ../x\n"));
        assert_eq!(id, (2, "the id is not a JW id".into()));
        let twice = problem(&format!("{ONE}{}", &ONE[10..]));
        assert!(twice.0 == 5 && twice.1.contains("is already in line 2"), "{twice:?}");
        assert_eq!(problem(&format!("{ONE}  name: again\n")).0, 5);
        assert_eq!(problem("webhooks:\n- name: [\n").0, 2);
        assert!(parse("").is_err() && parse("webhooks:\n").is_err());
        assert!(parse(&format!("{ONE}---\n{ONE}")).is_err());
    }

    #[test]
    fn two_entries_with_ids_may_have_the_same_name() {
        let one = format!("{ONE}  id: c0Y6ebVU\n");
        assert_eq!(parse(&format!("{one}{}  id: 7Rav0hC5\n", &ONE[10..])).unwrap().len(), 2);
        let same = problem(&format!("{one}{}  id: c0Y6ebVU\n", &ONE[10..]));
        assert_eq!(same, (6, "webhook c0Y6ebVU is already in line 2".into()));
        assert_eq!(problem(&format!("{one}{}", &ONE[10..])).0, 6);
    }
}
