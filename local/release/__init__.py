"""`make release` writes what a team deploys without Rust. `make verify-release` builds them again and compares."""
