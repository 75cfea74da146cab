//! The result of a command that ran without an error.

/// Decides the exit code: 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// Success.
    Good,
    /// For example, a request would be refused, a check failed, or a record cannot be sent.
    Bad,
}
