//! The commands of `jwhook`.

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};

use crate::build::Build;
use crate::commands::{
    create, delete, doctor, files, list, man, missed, recover, rotate, send, show, tail, update,
    verify,
};
use crate::context::Context;
use crate::options::Options;
use crate::verdict::Verdict;

/// Creates and rotates JW Player's webhooks, with their secrets in AWS Secrets Manager.
#[derive(Debug, Parser)]
#[command(name = "jwhook", version = Build::own().to_string(), propagate_version = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub options: Options,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List JW's webhooks: which have a key in the ring, and which call this stack
    #[command(long_about = list::LONG_ABOUT)]
    List,
    /// Show one of JW's webhooks
    #[command(long_about = show::LONG_ABOUT)]
    Show(show::Arguments),
    /// Create a webhook that calls the stack, and store its secret in the key ring
    #[command(long_about = create::LONG_ABOUT)]
    Create(create::Arguments),
    /// Change a webhook's name, description, events or sites
    #[command(long_about = update::LONG_ABOUT)]
    Update(update::Arguments),
    /// Delete a webhook, then remove its key from the ring
    #[command(long_about = delete::LONG_ABOUT)]
    Delete(delete::Arguments),
    /// Show which changes would make JW's webhooks match a file
    #[command(long_about = files::LONG_ABOUT_PLAN)]
    Plan(files::Arguments),
    /// Create, change and delete JW's webhooks so that they match a file
    #[command(long_about = files::LONG_ABOUT_APPLY)]
    Apply(files::ApplyArguments),
    /// Replace a webhook and its secret without losing an event
    #[command(long_about = rotate::LONG_ABOUT)]
    Rotate(rotate::Arguments),
    /// Sign an event with a key of the stack, and post it to the endpoint
    #[command(long_about = send::LONG_ABOUT)]
    Send(send::Arguments),
    /// Check a captured request with the function's own rules
    #[command(long_about = verify::LONG_ABOUT)]
    Verify(verify::Arguments),
    /// Show events as they reach the queue
    #[command(long_about = tail::LONG_ABOUT)]
    Tail(tail::Arguments),
    /// Send undelivered events from the log to the queue, or count held events and retry them
    #[command(long_about = recover::LONG_ABOUT)]
    Recover(recover::Arguments),
    /// Find media whose events never reached the queue
    #[command(long_about = missed::LONG_ABOUT)]
    Missed(missed::Arguments),
    /// Check the whole path of an event, from JW to the queue
    #[command(long_about = doctor::LONG_ABOUT)]
    Doctor,
    /// Print a completion script for your shell
    Completions(man::Completions),
    /// Print the manual page
    Man,
}

impl Cli {
    pub async fn run(self) -> Result<Verdict> {
        let command = match self.command {
            // `completions` and `man` need no AWS settings
            Command::Completions(arguments) => {
                return man::completions(arguments, &mut Cli::command());
            }
            Command::Man => return man::run(Cli::command()),
            command => command,
        };
        let context = Context::new(self.options).await?;
        match command {
            Command::List => list::run(&context).await,
            Command::Show(arguments) => show::run(&context, arguments).await,
            Command::Create(arguments) => create::run(&context, arguments).await,
            Command::Update(arguments) => update::run(&context, arguments).await,
            Command::Delete(arguments) => delete::run(&context, arguments).await,
            Command::Plan(arguments) => files::plan(&context, arguments).await,
            Command::Apply(arguments) => files::apply(&context, arguments).await,
            Command::Rotate(arguments) => rotate::run(&context, arguments).await,
            Command::Send(arguments) => send::run(&context, arguments).await,
            Command::Verify(arguments) => verify::run(&context, arguments).await,
            Command::Tail(arguments) => tail::run(&context, arguments).await,
            Command::Recover(arguments) => recover::run(&context, arguments).await,
            Command::Missed(arguments) => missed::run(&context, arguments).await,
            Command::Doctor => doctor::run(&context).await,
            Command::Completions(_) | Command::Man => Ok(Verdict::Good),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;

    /// All spellings of the command's options, and whether each option takes a value.
    fn options(command: &clap::Command) -> BTreeMap<String, bool> {
        let mut found = BTreeMap::new();
        for option in command.get_arguments() {
            let takes_value = option.get_action().takes_values();
            for long in option.get_long_and_visible_aliases().unwrap_or_default() {
                found.insert(format!("--{long}"), takes_value);
            }
            for short in option.get_short_and_visible_aliases().unwrap_or_default() {
                found.insert(format!("-{short}"), takes_value);
            }
        }
        found
    }

    /// `make fmt` does not build `jwhook`. So it checks the commands in the Markdown pages against this
    /// file.
    #[test]
    fn recorded_options_match_the_commands() {
        const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/local/checks/pages/jwhook.json");
        let mut own = BTreeMap::new();
        for command in Cli::command().get_subcommands() {
            own.insert(command.get_name().to_owned(), options(command));
        }
        let mut root = Cli::command();
        root.build(); // adds --help, --version and the command `help`
        own.insert(String::new(), options(&root));
        own.insert("help".to_owned(), BTreeMap::new());
        let lines: Vec<_> = own
            .iter()
            .map(|(name, options)| format!("  {name:?}: {}", serde_json::json!(options)))
            .collect();
        let content = format!("{{\n{}\n}}\n", lines.join(",\n"));
        let recorded = std::fs::read_to_string(FILE).unwrap_or_default();
        let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        assert!(
            parsed(&recorded) == parsed(&content),
            "local/checks/pages/jwhook.json differs from the options in the code. If the code is \
             right, replace the content of the file with:\n{content}"
        );
    }
}
