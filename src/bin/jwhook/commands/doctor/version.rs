//! Whether the deployed function is of the same version as this command line.

use anyhow::Result;

use super::report::Report;
use crate::stack::Stack;

const OWN: &str = env!("CARGO_PKG_VERSION");

pub fn check(report: &mut Report, stack: &Stack) -> Result<()> {
    if stack.status().is_none() {
        return report.skip("version", "no stack was found that could tell it", None);
    }
    match stack.version() {
        Some(OWN) => report.ok("version", format!("{OWN}, deployed and here")),
        Some(deployed) => report.warn(
            "version",
            format!("{deployed} is deployed, and this jwhook is {OWN}"),
            "deploy the stack again from this version, or use the jwhook of the deployed version",
        ),
        None => report.warn(
            "version",
            format!("the stack does not tell its version, and this jwhook is {OWN}"),
            "the stack was deployed from a version before it had the output Version: deploy it again",
        ),
    }
}
