//! The plan as text for the operator.

use std::fmt;

use super::{Plan, Step};
use crate::difference::between;
use crate::jw::Metadata;
use crate::output::plain;

impl Plan {
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        for step in &self.steps {
            lines.push(step.to_string());
            lines.extend(step.details().iter().map(|detail| format!("    {detail}")));
        }
        lines.push(self.summary());
        lines.join("\n")
    }

    fn summary(&self) -> String {
        let count = |is: fn(&Step) -> bool| self.steps.iter().filter(|step| is(step)).count();
        let others = match self.left_alone {
            0 => String::new(),
            1 => "; 1 other webhook is left alone".to_owned(),
            number => format!("; {number} other webhooks are left alone"),
        };
        if self.steps.is_empty() {
            return format!("No difference: {} unchanged{others}", self.unchanged.len());
        }
        format!(
            "{} to create, {} to change, {} to delete, {} unchanged{others}",
            count(|step| matches!(step, Step::Create { .. })),
            count(|step| matches!(step, Step::Change { .. })),
            count(|step| matches!(step, Step::Delete { .. })),
            self.unchanged.len()
        )
    }
}

impl Step {
    /// The details of the step, with a line for each member of the metadata.
    pub fn details(&self) -> Vec<String> {
        match self {
            Step::Create { metadata, .. } => {
                let nothing = Metadata::new();
                let members = between(&nothing, metadata);
                let shown = members.iter().filter(|change| change.member != "name");
                shown
                    .map(|change| format!("{}: {}", change.member, plain(&change.to.to_string())))
                    .collect()
            }
            Step::Change { changes, .. } => changes.iter().map(ToString::to_string).collect(),
            Step::Delete { .. } | Step::RemoveKey { .. } => Vec::new(),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Create { id, metadata } => {
                let name = metadata.get("name").and_then(|name| name.as_str()).unwrap_or_default();
                let id = id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
                write!(f, "create{id} \"{}\"", plain(name))
            }
            Step::Change { id, name, .. } => write!(f, "change {id} (\"{}\")", plain(name)),
            Step::Delete { id, name } => {
                write!(f, "delete {id} (\"{}\"), which is not in the file", plain(name))
            }
            Step::RemoveKey { id } => write!(
                f,
                "remove the key of {id} from the ring: JW has no webhook with this id (answer no \
                 if a jwhook rotate {id} is still waiting for late deliveries)"
            ),
        }
    }
}
