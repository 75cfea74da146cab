//! The manual page and the shell completions, generated from the definition of the arguments.

use std::io::{self, Write};

use anyhow::Result;
use clap::{Args, Command};
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use crate::verdict::Verdict;

#[derive(Debug, Args)]
pub struct Completions {
    /// Your shell
    shell: Shell,
}

pub fn completions(arguments: Completions, command: &mut Command) -> Result<Verdict> {
    let mut script = Vec::new(); // `generate` would panic on a closed stdout
    generate(arguments.shell, command, "jwhook", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(Verdict::Good)
}

pub fn run(command: Command) -> Result<Verdict> {
    Man::new(command).render(&mut io::stdout().lock())?;
    Ok(Verdict::Good)
}
