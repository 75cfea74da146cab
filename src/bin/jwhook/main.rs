//! The operator's command line: creates and rotates JW's webhooks, stores their secrets in the key
//! ring, and checks a deployment.
//!
//! [`cli`] defines the commands, and each module of [`commands`] runs one of them. [`jw`] calls JW's API;
//! [`stack`] reads CloudFormation, and [`keys`] reads and changes the key ring; [`ask`], [`output`] and
//! [`progress`] talk to the operator. The library defines key rings, signatures and messages.

mod arguments;
mod ask;
mod aws;
mod build;
mod cli;
mod clock;
mod commands;
mod context;
mod creation;
mod difference;
mod endpoint;
mod held;
mod held_keys;
mod http;
mod input;
mod interrupt;
mod jw;
mod keys;
mod log;
mod moment;
mod options;
mod output;
mod parked;
mod progress;
mod settling;
mod stack;
mod standing;
mod verdict;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::verdict::Verdict;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    output::init_diagnostics(cli.options.verbose);
    let ended = tokio::select! {
        biased; // a command that handles Ctrl-C itself prints a better message
        ended = cli.run() => ended,
        () = interrupt::interrupted() => Err(anyhow::anyhow!("interrupted")),
    };
    match ended {
        Ok(Verdict::Good) => ExitCode::SUCCESS,
        Ok(Verdict::Bad) => ExitCode::from(1),
        Err(error) if output::is_closed(&error) => ExitCode::from(141), // a shell's exit code after SIGPIPE
        Err(error) => {
            output::note(&format!("error: {error:#}"));
            ExitCode::from(2) // clap also exits with 2, for invalid arguments
        }
    }
}
