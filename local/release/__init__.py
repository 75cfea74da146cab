"""`make release` writes what a team deploys without Rust. `make verify-release` builds a release again and compares."""
