//! The options of every command: which stack, which account, and the output format.

use clap::Args;
use reqwest::Url;

use crate::output::Format;

/// The options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Options {
    /// The CloudFormation stack whose outputs name the endpoint, the queue and the secret
    #[arg(long, global = true, env = "JWHOOK_STACK", value_name = "NAME")]
    pub stack: Option<String>,
    /// The URL that JW calls (default: the stack's output)
    #[arg(long, global = true, value_name = "URL")]
    pub webhook_url: Option<Url>,
    /// The queue that events go to (default: the stack's output)
    #[arg(long, global = true, value_name = "URL")]
    pub queue_url: Option<String>,
    /// Name or ARN of the secret with the webhooks' keys (default: the stack's output)
    #[arg(long, global = true, value_name = "ID")]
    pub secret_id: Option<String>,
    /// Name or ARN of a secret that holds JW's API secret (default: JW_API_SECRET, else a hidden prompt)
    #[arg(long, global = true, value_name = "ID")]
    pub api_secret_id: Option<String>,
    /// The URL of JW's API, for tests and proxies
    #[arg(
        long,
        global = true,
        env = "JW_API_URL",
        value_name = "URL",
        default_value = "https://api.jwplayer.com"
    )]
    pub jw_api_url: Url,
    /// AWS region (default: AWS_REGION, or the profile's)
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// AWS profile (default: AWS_PROFILE)
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Output format
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub output: Format,
    /// Answer every question with yes
    #[arg(short, long, global = true)]
    pub yes: bool,
    /// Log each call to JW on stderr, never with secrets
    #[arg(short, long, global = true)]
    pub verbose: bool,
}
