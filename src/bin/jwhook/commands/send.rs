use anyhow::{Result, bail};
use clap::Args;

use crate::Verdict;
use crate::context::Context;

#[derive(Debug, Args)]
pub struct Arguments {}

pub async fn run(_context: &Context, _arguments: Arguments) -> Result<Verdict> {
    bail!("unwritten")
}
