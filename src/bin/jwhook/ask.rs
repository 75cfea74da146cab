//! Asks for confirmation before a change that cannot be undone.

use std::io::{IsTerminal, stderr, stdin};

use anyhow::{Result, bail};
use dialoguer::Confirm;

/// Who answers questions.
#[derive(Clone, Copy, Debug)]
pub enum Answers {
    /// `--yes`.
    AllYes,
    /// The person at the terminal. Without a terminal a question is an error, never a yes.
    FromTerminal,
}

/// Whether a person can answer. Prompts are written to stderr.
pub fn is_interactive() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

impl Answers {
    /// Asks the question. Fails if the answer is not yes.
    pub fn confirm(self, question: &str) -> Result<()> {
        let yes = match self {
            Answers::AllYes => true,
            Answers::FromTerminal if is_interactive() => {
                Confirm::new().with_prompt(question).default(false).interact()?
            }
            Answers::FromTerminal => bail!(
                "{question} There is no terminal to answer on, so nothing was changed: run the \
                 command in a terminal, or give --yes"
            ),
        };
        if yes { Ok(()) } else { bail!("the answer was no: nothing was changed") }
    }
}
