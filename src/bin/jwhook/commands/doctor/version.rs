//! Whether the stack was deployed from the build that this command line is.

use std::cmp::Ordering;

use anyhow::Result;

use super::report::Report;
use crate::build::Build;
use crate::stack::Stack;

pub fn check(report: &mut Report, stack: &Stack) -> Result<()> {
    if stack.status().is_none() {
        return report.skip("version", "no stack was found that could tell it", None);
    }
    let own = Build::own();
    match stack.version() {
        Some(output) => compare(report, &own, &Build::of_output(output)),
        None => report.warn(
            "version",
            format!("the stack does not tell its version, and this jwhook is {own}"),
            "the stack was deployed from a version before it had the output Version: deploy it again",
        ),
    }
}

fn compare(report: &mut Report, own: &Build, deployed: &Build) -> Result<()> {
    if own.version == deployed.version {
        return compare_commits(report, own, deployed);
    }
    let (which, advice) = match own.numbers().zip(deployed.numbers()).map(|(own, it)| it.cmp(&own))
    {
        Some(Ordering::Less) => ("older than", "deploy the stack again from this jwhook's version"),
        Some(Ordering::Greater) => ("newer than", "install the jwhook of the deployed version"),
        _ => ("another version than", "use the jwhook of the deployed version"),
    };
    report.warn("version", format!("{deployed} is deployed, {which} this jwhook, {own}"), advice)
}

fn compare_commits(report: &mut Report, own: &Build, deployed: &Build) -> Result<()> {
    let reason = match (&own.commit, &deployed.commit) {
        (Some(own_commit), Some(commit)) if own_commit == commit => {
            return report.ok("version", format!("{own}, deployed and here"));
        }
        (Some(_), Some(_)) => {
            return report.warn(
                "version",
                format!("{deployed} is deployed, and this jwhook, {own}, is of another commit"),
                "deploy the stack again from this jwhook's commit, or use the jwhook of the deployed one",
            );
        }
        (None, _) => "this jwhook was built without its commit",
        (_, None) => "the stack's Revision begins with no commit",
    };
    let version = &own.version;
    report.ok("version", format!("{version}, deployed and here; commits not compared: {reason}"))
}
