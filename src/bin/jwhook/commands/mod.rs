//! The commands, each in a module of its own.

pub mod create;
pub mod delete;
pub mod doctor;
pub mod files;
pub mod list;
pub mod man;
pub mod recover;
pub mod rotate;
pub mod send;
pub mod show;
pub mod tail;
pub mod update;
pub mod verify;

use anyhow::Result;

use crate::Verdict;
use crate::cli::{Cli, Command};
use crate::context::Context;

/// Does what was asked.
pub async fn run(cli: Cli) -> Result<Verdict> {
    let command = match cli.command {
        // these need nothing
        Command::Completions(arguments) => return man::completions(arguments),
        Command::Man => return man::run(),
        command => command,
    };
    let context = Context::new(cli.options).await;
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
        Command::Doctor => doctor::run(&context).await,
        Command::Completions(_) | Command::Man => Ok(Verdict::Good),
    }
}
