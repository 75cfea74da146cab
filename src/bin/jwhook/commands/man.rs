//! The manual page and the shells' completions, from the definitions that arguments are read by.

use std::io::{self, Write};

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use crate::Verdict;
use crate::cli::Cli;

#[derive(Debug, Args)]
pub struct Completions {
    /// The shell that you use
    shell: Shell,
}

pub fn completions(arguments: Completions) -> Result<Verdict> {
    let mut script = Vec::new(); // on a closed stdout `generate` would panic
    generate(arguments.shell, &mut Cli::command(), "jwhook", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(Verdict::Good)
}

pub fn run() -> Result<Verdict> {
    Man::new(Cli::command()).render(&mut io::stdout().lock())?;
    Ok(Verdict::Good)
}
