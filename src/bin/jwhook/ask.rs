//! Questions before anything is changed that can't be changed back.

use std::io::{IsTerminal, stderr, stdin};

use anyhow::{Result, bail};
use dialoguer::Confirm;

/// Who answers questions.
#[derive(Clone, Copy, Debug)]
pub enum Answers {
    /// `--yes`.
    AllYes,
    /// The person at the terminal. Without one a question is an error, never a yes.
    FromTerminal,
}

/// Whether there is a person to ask: prompts are shown on stderr.
pub fn is_somebody_there() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

impl Answers {
    /// Goes on if the answer is yes; else ends with an error which says that nothing was changed.
    pub fn confirm(self, question: &str) -> Result<()> {
        let yes = match self {
            Answers::AllYes => true,
            Answers::FromTerminal if is_somebody_there() => {
                Confirm::new().with_prompt(question).default(false).interact()?
            }
            Answers::FromTerminal => bail!(
                "{question} There is no terminal to answer on, so nothing was changed: run it in \
                 one, or give --yes"
            ),
        };
        if yes { Ok(()) } else { bail!("the answer was no: nothing was changed") }
    }
}
