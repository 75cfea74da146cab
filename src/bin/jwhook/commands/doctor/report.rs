//! The report, with a line for each check.

use anyhow::Result;
use serde::Serialize;

use crate::output::{self, Format, plain};
use crate::verdict::Verdict;

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Ok,
    /// A problem that loses no event.
    Warn,
    Fail,
    /// Not checked.
    Skip,
}

#[derive(Debug, Serialize)]
pub struct Check {
    check: &'static str,
    status: Status,
    detail: String,
    advice: Option<String>,
}

/// The checks so far. In the table format, each check is printed as soon as it has ended.
#[derive(Debug, Serialize)]
pub struct Report {
    checks: Vec<Check>,
    ok: bool,
    #[serde(skip)]
    format: Format,
}

impl Report {
    pub fn new(format: Format) -> Self {
        Self { checks: Vec::new(), ok: true, format }
    }

    pub fn ok(&mut self, check: &'static str, detail: impl Into<String>) -> Result<()> {
        self.add(check, Status::Ok, detail.into(), None)
    }

    pub fn warn(
        &mut self,
        check: &'static str,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) -> Result<()> {
        self.add(check, Status::Warn, detail.into(), Some(advice.into()))
    }

    pub fn fail(
        &mut self,
        check: &'static str,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) -> Result<()> {
        self.ok = false;
        self.add(check, Status::Fail, detail.into(), Some(advice.into()))
    }

    /// Adds a failed check. The error's text says what to do.
    pub fn error(&mut self, check: &'static str, error: &anyhow::Error) -> Result<()> {
        self.ok = false;
        self.add(check, Status::Fail, format!("{error:#}"), None)
    }

    pub fn skip(
        &mut self,
        check: &'static str,
        why: impl Into<String>,
        advice: Option<&str>,
    ) -> Result<()> {
        self.add(check, Status::Skip, why.into(), advice.map(str::to_owned))
    }

    fn add(
        &mut self,
        check: &'static str,
        status: Status,
        detail: String,
        advice: Option<String>,
    ) -> Result<()> {
        let check = Check { check, status, detail, advice };
        if self.format == Format::Table {
            output::line(&check.line())?;
        }
        self.checks.push(check);
        Ok(())
    }

    pub fn verdict(&self) -> Verdict {
        if self.ok { Verdict::Good } else { Verdict::Bad }
    }

    /// Prints the summary.
    pub fn end(self) -> Result<()> {
        let number = |status| self.checks.iter().filter(|check| check.status == status).count();
        self.format.result(&self, || {
            let (fails, warns, skips) =
                (number(Status::Fail), number(Status::Warn), number(Status::Skip));
            format!("{fails} failed, {warns} warnings, {skips} skipped")
        })
    }
}

impl Check {
    fn line(&self) -> String {
        let status = match self.status {
            Status::Ok => "OK",
            Status::Warn => "WARN",
            Status::Fail => "FAIL",
            Status::Skip => "SKIP",
        };
        let advice = self.advice.as_ref().map(|advice| format!("; {advice}")).unwrap_or_default();
        plain(&format!("{status:4}  {:11}  {}{advice}", self.check, self.detail))
    }
}
