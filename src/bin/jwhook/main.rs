//! The operator's command line: creates JW's webhooks into the key ring, rotates them, and shows that
//! all is well.
//!
//! [`cli`] says what may be asked, a module of [`commands`] does it, with [`jw`]'s API, the [`stack`],
//! its [`keys`], and [`ask`], [`output`] and [`progress`] towards the person. What a key ring, a
//! signature or a message is, the library says.

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
        biased; // a command that listens itself says more
        ended = cli.run() => ended,
        () = interrupt::interrupted() => Err(anyhow::anyhow!("interrupted")),
    };
    match ended {
        Ok(Verdict::Good) => ExitCode::SUCCESS,
        Ok(Verdict::Bad) => ExitCode::from(1),
        Err(error) if output::is_closed(&error) => ExitCode::from(141), // as a shell reports SIGPIPE
        Err(error) => {
            output::note(&format!("error: {error:#}"));
            ExitCode::from(2) // as for arguments that can't be understood
        }
    }
}
