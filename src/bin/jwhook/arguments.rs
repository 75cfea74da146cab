//! Value parsers that several commands use.

use clap::{Args, Command};

use crate::options::Options;

/// Parses an argument. Rejects an empty text.
pub fn some_text(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("the value is empty".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// Parses the free text of an option with `allow_hyphen_values`. Rejects text that is another option of
/// the command, because then the value was forgotten. `A` defines the command's options.
pub fn free_text<A: Args>(text: &str) -> Result<String, String> {
    let command = A::augment_args(Options::augment_args(Command::new("")));
    let name = text.split('=').next().unwrap_or_default();
    let is_option = command.get_arguments().any(|argument| {
        let long = argument.get_long().map(|long| format!("--{long}"));
        let short = argument.get_short().map(|short| format!("-{short}"));
        [long, short].iter().flatten().any(|option| option == name)
    });
    match name {
        _ if is_option => Err("this is another option, so the value is missing".to_owned()),
        "--help" | "-h" | "--version" | "-V" => Err("the value is missing".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// Like [`free_text`], but rejects an empty text.
pub fn some_free_text<A: Args>(text: &str) -> Result<String, String> {
    some_text(&free_text::<A>(text)?)
}
