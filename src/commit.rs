//! The commit that a program was built from, so that a log or a bug report leads to its source.

/// The commit of a build without `JW_WEBHOOK_FORWARDER_COMMIT`, such as a `cargo install`.
pub const NO_COMMIT: &str = "no-commit";

/// The commit of the program that uses this macro, as `local/commit.sh` printed it at build time.
///
/// It is a macro because cargo rebuilds every crate that reads a changed variable. So a new commit
/// rebuilds the programs, but not the library and its tests.
#[macro_export]
macro_rules! commit {
    () => {
        match option_env!("JW_WEBHOOK_FORWARDER_COMMIT") {
            Some(commit) => commit,
            None => $crate::commit::NO_COMMIT,
        }
    };
}
