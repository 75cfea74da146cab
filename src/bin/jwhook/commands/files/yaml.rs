//! The file that says which webhooks there should be.

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

/// A webhook that there should be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub name: String,
    /// The webhook that is meant, whatever its name.
    pub id: Option<String>,
    description: Option<String>,
    events: Vec<String>,
    site_ids: Vec<String>,
}

impl Entry {
    /// What of a webhook's metadata it decides.
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
                return Some(format!("{member} has nothing in it, and JW needs one at least"));
            }
        }
        match &self.id {
            Some(id) if !is_id(id) => Some("the id isn't one of JW's".to_owned()),
            _ => None,
        }
    }
}

/// Reads the file.
pub fn read(path: &Path) -> Result<Vec<Entry>> {
    let name = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("{name} can't be read"))?;
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

/// Two entries must not be able to mean the same webhook.
fn check_pair(before: &Spanned<Entry>, entry: &Entry) -> Result<()> {
    let line = before.referenced.line();
    match (&before.value.id, &entry.id) {
        (Some(one), Some(other)) if one == other => {
            bail!("webhook {one} is in line {line} already")
        }
        (Some(_), Some(_)) => Ok(()),
        _ if before.value.name == entry.name => bail!(
            "the name {:?} is in line {line} already: give both entries their ids, or other names",
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
    fn texts_are_texts_whatever_yaml_could_take_them_for() {
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
    fn what_is_wrong_is_told_with_its_line() {
        let unknown = problem(&format!("{ONE}  webhook_url: https://example.com\n"));
        assert_eq!((unknown.0, unknown.1.contains("webhook_url")), (5, true), "{unknown:?}");
        assert_eq!(
            problem(&ONE.replace("name: Newsroom", "name: ' '")),
            (2, "the name is empty".into())
        );
        let empty = problem(&ONE.replace("[s]", "[]"));
        assert_eq!(empty, (2, "site_ids has nothing in it, and JW needs one at least".into()));
        let id = problem(&format!("{ONE}  id: ../x\n"));
        assert_eq!(id, (2, "the id isn't one of JW's".into()));
        let twice = problem(&format!("{ONE}{}", &ONE[10..]));
        assert!(twice.0 == 5 && twice.1.contains("is in line 2 already"), "{twice:?}");
        assert_eq!(problem(&format!("{ONE}  name: again\n")).0, 5);
        assert_eq!(problem("webhooks:\n- name: [\n").0, 2);
        assert!(parse("").is_err() && parse("webhooks:\n").is_err());
        assert!(parse(&format!("{ONE}---\n{ONE}")).is_err());
    }

    #[test]
    fn one_name_may_be_there_twice_if_ids_say_which_is_which() {
        let one = format!("{ONE}  id: c0Y6ebVU\n");
        assert_eq!(parse(&format!("{one}{}  id: 7Rav0hC5\n", &ONE[10..])).unwrap().len(), 2);
        let same = problem(&format!("{one}{}  id: c0Y6ebVU\n", &ONE[10..]));
        assert_eq!(same, (6, "webhook c0Y6ebVU is in line 2 already".into()));
        assert_eq!(problem(&format!("{one}{}", &ONE[10..])).0, 6);
    }
}
