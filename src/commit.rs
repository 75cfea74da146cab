//! The git commit that a program was built from. Logs and bug reports name the commit, so that its source can
//! be found.

/// Stands in for the commit if `JW_WEBHOOK_FORWARDER_COMMIT` was not set at build time, as in a `cargo
/// install`.
pub const NO_COMMIT: &str = "no-commit";

/// The commit of the program that uses this macro, as `local/commit.sh` printed it at build time.
///
/// This is a macro, so that only the programs read the variable. Cargo rebuilds every crate that reads a
/// changed variable. A new commit then rebuilds the programs, but not the library and its tests.
#[macro_export]
macro_rules! commit {
    () => {
        match option_env!("JW_WEBHOOK_FORWARDER_COMMIT") {
            Some(commit) => commit,
            None => $crate::commit::NO_COMMIT,
        }
    };
}
