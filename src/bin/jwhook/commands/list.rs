use anyhow::{Result, bail};

use crate::Verdict;
use crate::context::Context;

pub async fn run(_context: &Context) -> Result<Verdict> {
    bail!("unwritten")
}
