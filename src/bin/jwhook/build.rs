//! The version and the commit of a build.

use std::fmt;

use jw_webhook_forwarder::commit;
use jw_webhook_forwarder::commit::NO_COMMIT;

const COMMIT_DIGITS: usize = 9;
const DIRTY: &str = "-dirty";

#[derive(Clone, Debug, PartialEq)]
pub struct Build {
    pub version: String,
    /// Nine hex digits, and `-dirty` if a file had changed since that commit. `None` if unknown.
    pub commit: Option<String>,
}

impl Build {
    pub fn own() -> Self {
        Self { version: env!("CARGO_PKG_VERSION").to_owned(), commit: leading_commit(commit!()) }
    }

    /// Parses the stack's output `Version`, `1.0.0 (4b332e3c1-20261128T052500Z)`. The text in
    /// parentheses is the stack's parameter `Revision`, which may be any text.
    pub fn of_output(output: &str) -> Self {
        let (version, revision) = output.split_once(" (").unwrap_or((output, ""));
        Self { version: version.to_owned(), commit: leading_commit(revision.trim_end_matches(')')) }
    }

    /// The three numbers of the version, for comparisons.
    pub fn numbers(&self) -> Option<[u64; 3]> {
        let numbers: Option<Vec<u64>> =
            self.version.split('.').map(|number| number.parse().ok()).collect();
        numbers?.try_into().ok()
    }
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.version, self.commit.as_deref().unwrap_or(NO_COMMIT))
    }
}

/// The commit that a revision begins with.
fn leading_commit(revision: &str) -> Option<String> {
    let (commit, rest) = revision.split_at_checked(COMMIT_DIGITS)?;
    if !commit.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let changes = rest.strip_prefix(DIRTY);
    if !matches!(changes.unwrap_or(rest).bytes().next(), None | Some(b'-')) {
        return None;
    }
    Some(format!("{commit}{}", if changes.is_some() { DIRTY } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_commit_are_read_from_the_stacks_output() {
        for (output, version, commit) in [
            ("1.0.0 (4b332e3c1-20261128T052500Z)", "1.0.0", Some("4b332e3c1")),
            ("1.0.0 (4b332e3c1)", "1.0.0", Some("4b332e3c1")),
            ("1.0.0 (4b332e3c1-dirty-20261128T052500Z)", "1.0.0", Some("4b332e3c1-dirty")),
            ("1.0.0 (4b332e3c1-dirty)", "1.0.0", Some("4b332e3c1-dirty")),
            ("1.0.0 (no-commit-20261128T052500Z)", "1.0.0", None),
            ("1.0.0 (no-commit)", "1.0.0", None),
            ("1.0.0 (4b332e3c1a)", "1.0.0", None),
            ("1.0.0 (4b332e3c1-dirtyish)", "1.0.0", None),
            ("1.0.0 (4B332E3C1)", "1.0.0", None),
            ("1.0.0 (4b332e3c)", "1.0.0", None),
            ("1.0.0 (über 9 Zeichen)", "1.0.0", None),
            ("1.0.0 ()", "1.0.0", None),
            ("0.1.0", "0.1.0", None),
        ] {
            let expected = Build { version: version.to_owned(), commit: commit.map(str::to_owned) };
            assert_eq!(Build::of_output(output), expected, "{output}");
        }
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        let numbers = |version| Build::of_output(version).numbers();
        assert!(numbers("1.10.0") > numbers("1.9.9"));
        assert_eq!(numbers("1.10.0"), Some([1, 10, 0]));
        for version in ["", "1", "1.0", "1.0.0.0", "1.0.x", "1.0.0-rc.1"] {
            assert_eq!(numbers(version), None, "{version}");
        }
    }
}
