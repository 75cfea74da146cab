//! Checks that the stack was deployed from the same build as this jwhook.

use std::cmp::Ordering;

use anyhow::Result;

use super::report::Report;
use crate::build::Build;
use crate::stack::Stack;

pub fn check(report: &mut Report, stack: &Stack) -> Result<()> {
    if stack.status().is_none() {
        return report.skip("version", "there is no stack to compare with", None);
    }
    let own = Build::own();
    match stack.version() {
        Some(output) => compare(report, &own, &Build::of_output(output)),
        None => report.warn(
            "version",
            format!("the version of the stack is unknown, and this jwhook has version {own}"),
            "the stack's template is too old to have the output Version: deploy the stack again",
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
        _ => ("different from", "use the jwhook of the deployed version"),
    };
    report.warn(
        "version",
        format!("the stack has version {deployed}, which is {which} this jwhook's version {own}"),
        advice,
    )
}

fn compare_commits(report: &mut Report, own: &Build, deployed: &Build) -> Result<()> {
    let reason = match (&own.commit, &deployed.commit) {
        (Some(own_commit), Some(commit)) if own_commit == commit => {
            return report.ok("version", format!("the stack and this jwhook have version {own}"));
        }
        (Some(_), Some(_)) => {
            return report.warn(
                "version",
                format!("the stack has version {deployed}, but this jwhook has version {own}, \
                         which was built from another commit"),
                "deploy the stack again from this jwhook's commit, or use the jwhook of the deployed \
                 commit",
            );
        }
        (None, _) => "this jwhook does not know its commit",
        (_, None) => "the stack's Revision does not begin with a commit",
    };
    let version = &own.version;
    report.ok(
        "version",
        format!(
            "the stack and this jwhook have version {version}; the commits \
             were not compared, because {reason}"
        ),
    )
}
