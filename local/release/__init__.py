"""`make release` and `make verify-release`: what a team deploys without Rust, and how anybody checks it."""
