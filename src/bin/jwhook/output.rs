//! Writes a command's result to stdout, as a table or as JSON, and everything else to stderr.

use std::io::{self, Write};

use anyhow::Result;
use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use jw_webhook_forwarder::OWN_TARGET;
use serde::Serialize;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The most characters that a table's cell shows, so that a row fits a terminal. `show` and JSON print
/// the whole text.
const MAX_CELL: usize = 36;

/// The output format.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For scripts: one JSON document (`tail` prints one document per line).
    Json,
}

impl Format {
    /// Writes a result as JSON or as text.
    pub fn result(self, json: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        let text = match self {
            Format::Table => text(),
            Format::Json => serde_json::to_string(json)?,
        };
        line(&text)
    }
}

/// Makes text from outside safe for a terminal. Control characters and line breaks become spaces. Marks
/// that change the text's direction are removed, because they can make one name look like another.
pub fn plain(text: &str) -> String {
    let shown = text.chars().filter(|character| !is_direction_mark(*character));
    shown.map(|character| if is_control(character) { ' ' } else { character }).collect()
}

fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// Unicode's `Bidi_Control` (UAX #9).
fn is_direction_mark(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// Writes a line to stdout. If stdout is closed (`| head`), returns an error that `main` does not print.
pub fn line(text: &str) -> Result<()> {
    Ok(writeln!(io::stdout().lock(), "{}", text.trim_end())?)
}

/// Writes a line to stderr.
pub fn note(text: &str) {
    // if stderr is closed there is nowhere to report the error
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether a command failed because its stdout is closed (`| head`).
pub fn is_closed(error: &anyhow::Error) -> bool {
    let causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.map(io::Error::kind).any(|kind| kind == io::ErrorKind::BrokenPipe)
}

/// A table with these headings and without borders.
pub fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(headings);
    table
}

/// Makes text from outside safe for a terminal, and shortens it to a table's cell.
pub fn cell(text: &str) -> String {
    let text = plain(text);
    match text.char_indices().nth(MAX_CELL) {
        None => text,
        Some(_) => text.chars().take(MAX_CELL - 1).chain(['…']).collect(),
    }
}

/// With `--verbose`, logs each call to JW, and the messages of this project's library, to stderr. Other
/// libraries stay silent, because they would log requests and the secrets in them.
pub fn init_diagnostics(verbose: bool) {
    let level = if verbose { LevelFilter::INFO } else { LevelFilter::OFF };
    let ours =
        Targets::new().with_target(env!("CARGO_CRATE_NAME"), level).with_target(OWN_TARGET, level);
    let lines = fmt::layer().with_writer(io::stderr).without_time().with_filter(ours);
    tracing_subscriber::registry().with(lines).init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_move_the_cursor_or_reverse_the_line() {
        assert_eq!(plain("a\u{1b}[2J\nb\u{2028}c\u{9b}d"), "a [2J b c d");
        assert_eq!(plain("\u{202e}txt.\u{2066}exe\u{200f}"), "txt.exe");
        assert_eq!(plain("Grüße, שלום, 東京"), "Grüße, שלום, 東京");
    }

    #[test]
    fn long_cell_is_truncated() {
        assert_eq!(cell(&"é".repeat(36)), "é".repeat(36));
        assert_eq!(cell(&"é".repeat(37)), "é".repeat(35) + "…");
    }
}
