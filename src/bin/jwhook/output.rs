//! What is shown: a command's result on stdout, as a table or as JSON, and all else on stderr.

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

/// The most characters of a cell: whole rows should fit a terminal. `show` and JSON have the rest.
const MAX_CELL: usize = 36;

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Format {
    /// For reading.
    Table,
    /// For scripts: one JSON document (`tail`: one a line).
    Json,
}

impl Format {
    /// Writes a result: its JSON, or the text that stands for it.
    pub fn result(self, json: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        let text = match self {
            Format::Table => text(),
            Format::Json => serde_json::to_string(json)?,
        };
        line(&text)
    }
}

/// Somebody else's text on one line, without characters that a terminal obeys. Control characters and
/// line breaks become spaces. Marks that change the direction of the text are left out: with them, a
/// name can look like another one.
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

/// Writes a line to stdout. Whoever reads no more (`| head`) ends the command, without noise.
pub fn line(text: &str) -> Result<()> {
    Ok(writeln!(io::stdout().lock(), "{}", text.trim_end())?)
}

/// Says on stderr what is going on.
pub fn note(text: &str) {
    // nobody is left to be told that it couldn't be said
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether a command ended because nobody reads its stdout any more (`| head`).
pub fn is_closed(error: &anyhow::Error) -> bool {
    let causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.map(io::Error::kind).any(|kind| kind == io::ErrorKind::BrokenPipe)
}

/// A table with these headings, without lines around it.
pub fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(headings);
    table
}

/// Somebody else's text as a table's cell.
pub fn cell(text: &str) -> String {
    let text = plain(text);
    match text.char_indices().nth(MAX_CELL) {
        None => text,
        Some(_) => text.chars().take(MAX_CELL - 1).chain(['…']).collect(),
    }
}

/// With `--verbose`, each call to JW and what the library says, on stderr. Never what libraries say
/// that would print requests, with the secrets in them.
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
    fn text_cannot_move_the_cursor_or_turn_the_line_round() {
        assert_eq!(plain("a\u{1b}[2J\nb\u{2028}c\u{9b}d"), "a [2J b c d");
        assert_eq!(plain("\u{202e}txt.\u{2066}exe\u{200f}"), "txt.exe");
        assert_eq!(plain("Grüße, שלום, 東京"), "Grüße, שלום, 東京");
    }

    #[test]
    fn long_cells_are_cut() {
        assert_eq!(cell(&"é".repeat(36)), "é".repeat(36));
        assert_eq!(cell(&"é".repeat(37)), "é".repeat(35) + "…");
    }
}
