//! What every command takes: which stack, which account, and how results are written.

use clap::Args;
use reqwest::Url;

use crate::output::Format;

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
