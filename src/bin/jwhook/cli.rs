//! What may be asked of `jwhook`, and how.

use clap::{Args, Parser, Subcommand};
use reqwest::Url;

use crate::commands::{
    create, delete, doctor, files, list, man, recover, rotate, send, show, tail, update, verify,
};
use crate::output::Format;

/// Creates and rotates JW Player's webhooks, with their secrets in AWS Secrets Manager.
#[derive(Debug, Parser)]
#[command(name = "jwhook", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub options: Options,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Options {
    /// The CloudFormation stack whose outputs name the endpoint, the queue and the secret
    #[arg(long, global = true, env = "JWHOOK_STACK", value_name = "NAME")]
    pub stack: Option<String>,
    /// The URL that JW calls, instead of the stack's
    #[arg(long, global = true, value_name = "URL")]
    pub webhook_url: Option<Url>,
    /// The queue that events go to, instead of the stack's
    #[arg(long, global = true, value_name = "URL")]
    pub queue_url: Option<String>,
    /// Name or ARN of the secret with the webhooks' keys, instead of the stack's
    #[arg(long, global = true, value_name = "ID")]
    pub secret_id: Option<String>,
    /// Name or ARN of a secret that holds JW's API secret (else JW_API_SECRET, else a hidden prompt)
    #[arg(long, global = true, value_name = "ID")]
    pub api_secret_id: Option<String>,
    /// JW's API, for tests and proxies
    #[arg(
        long,
        global = true,
        env = "JW_API_URL",
        value_name = "URL",
        default_value = "https://api.jwplayer.com"
    )]
    pub jw_api_url: Url,
    /// AWS region, instead of the shell's
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// AWS profile, instead of the shell's
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// How results are written
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub output: Format,
    /// Answer every question with yes
    #[arg(short, long, global = true)]
    pub yes: bool,
    /// Say on stderr which calls are made (never with secrets)
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List JW's webhooks, whether their keys are in the ring and whether they call this stack
    #[command(long_about = list::LONG_ABOUT)]
    List,
    /// Show one of JW's webhooks
    #[command(long_about = show::LONG_ABOUT)]
    Show(show::Arguments),
    /// Create a webhook at the stack's endpoint, its secret straight into the key ring
    #[command(long_about = create::LONG_ABOUT)]
    Create(create::Arguments),
    /// Change a webhook's name, description, events or sites
    #[command(long_about = update::LONG_ABOUT)]
    Update(update::Arguments),
    /// Delete a webhook, then take its key out of the ring
    #[command(long_about = delete::LONG_ABOUT)]
    Delete(delete::Arguments),
    /// Show how JW's webhooks differ from a file
    #[command(long_about = files::LONG_ABOUT_PLAN)]
    Plan(files::Arguments),
    /// Make JW's webhooks as a file has them
    #[command(long_about = files::LONG_ABOUT_APPLY)]
    Apply(files::Arguments),
    /// Replace a webhook and its secret, without refusing an event
    #[command(long_about = rotate::LONG_ABOUT)]
    Rotate(rotate::Arguments),
    /// Sign an event with the stack's key and post it
    #[command(long_about = send::LONG_ABOUT)]
    Send(send::Arguments),
    /// Check a captured request as the function does
    #[command(long_about = verify::LONG_ABOUT)]
    Verify(verify::Arguments),
    /// Show events as they reach the queue
    #[command(long_about = tail::LONG_ABOUT)]
    Tail(tail::Arguments),
    /// Send the log's undelivered events to the queue
    #[command(long_about = recover::LONG_ABOUT)]
    Recover(recover::Arguments),
    /// Check the whole way, from JW to the queue
    #[command(long_about = doctor::LONG_ABOUT)]
    Doctor,
    /// Print a completion script for your shell
    Completions(man::Completions),
    /// Print the manual page
    Man,
}
