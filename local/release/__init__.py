"""`make release` writes what a team deploys without Rust. `make verify-release` builds it again and compares bytes."""
