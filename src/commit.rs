//! The commit that a program was built from, so that a log or a report of a fault leads to its source.

/// Stands for the commit in a build without `JW_WEBHOOK_FORWARDER_COMMIT`, such as one by `cargo install`.
pub const NO_COMMIT: &str = "no-commit";

/// The commit of the program that uses this macro, as `local/commit.sh` printed it for the build.
///
/// A macro, because cargo rebuilds whatever reads a variable that has changed: so each commit rebuilds
/// the programs, and neither the library nor its tests.
#[macro_export]
macro_rules! commit {
    () => {
        match option_env!("JW_WEBHOOK_FORWARDER_COMMIT") {
            Some(commit) => commit,
            None => $crate::commit::NO_COMMIT,
        }
    };
}
