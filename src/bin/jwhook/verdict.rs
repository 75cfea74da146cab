//! What a command that did its work found.

/// It decides the exit code: 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// Done; accepted; all is well.
    Good,
    /// The answer is no: a request that would be refused, a check that found something, a record
    /// that cannot be sent.
    Bad,
}
