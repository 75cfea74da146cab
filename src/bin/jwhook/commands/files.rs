use anyhow::{Result, bail};
use clap::Args;

use crate::Verdict;
use crate::context::Context;

#[derive(Debug, Args)]
pub struct Arguments {}

pub async fn plan(_context: &Context, _arguments: Arguments) -> Result<Verdict> {
    bail!("unwritten")
}

pub async fn apply(_context: &Context, _arguments: Arguments) -> Result<Verdict> {
    bail!("unwritten")
}
