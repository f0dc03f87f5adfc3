# The three commands are `make try`, `make run` and `make test`; `make help` lists the rest.

# One set of flags for every command: see .cargo/config.toml.
unexport RUSTFLAGS
unexport CARGO_ENCODED_RUSTFLAGS

# A target directory outside of the checkout is shared by all checkouts, where someone has made one.
shared_target := $(HOME)/.cache/chainring/target
ifeq ($(CARGO_TARGET_DIR),)
ifneq ($(wildcard $(shared_target)/.),)
export CARGO_TARGET_DIR := $(shared_target)
endif
endif
target := $(or $(CARGO_TARGET_DIR),target)

# What a cluster is made of.
programs := $(addprefix --package ,programs chainring)

# The seeds that `make sweep` plays.
SEEDS ?= 0..1000

.PHONY: help deps build try run test rounds rest-fuzz reference sweep golden bench-rest bench fuzz lint doc hooks deny fmt

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## Install what is missing on this machine
	@scripts/deps

build: deps ## Build all programs
	cargo build --locked --workspace --bins

try: ## Start a cluster in memory, without waiting for RocksDB to compile; ARGS="--nodes 5"
	@scripts/deps --try
	cargo build --locked --target-dir $(target)/try --no-default-features --bins $(programs)
	$(target)/try/debug/chainring dev --memory $(ARGS)

run: ## Start a cluster on this machine; ARGS="--nodes 5" for another size
	@scripts/deps --run
	cargo build --locked --bins $(programs)
	$(target)/debug/chainring dev $(ARGS)

test: build ## Run all tests, and the programs of examples/
	cargo test --locked --workspace

rounds: build ## Play schedules of the simulation on real processes; ROUNDS=200
	ROUNDS=$(or $(ROUNDS),200) cargo test --locked --workspace --test suite -- --nocapture schedules_of_the_simulation

rest-fuzz: build ## Send hostile requests to every route of a real ring; SECONDS=600 SEED=7
	REST_FUZZ_SECONDS=$(or $(SECONDS),600) $(if $(SEED),REST_FUZZ_SEED=$(SEED)) \
		cargo test --locked --workspace --test suite -- --nocapture hostile_requests

reference: build ## Write docs/reference.md: the help of all programs
	UPDATE_REFERENCE=1 cargo test --locked --workspace --test suite -- the_reference_is

sweep: deps ## Play seeds of the simulation; SEEDS=0..1000
	cargo run --locked -p sim -- sweep --seeds $(SEEDS)

golden: deps ## Compare the events of fifty seeds with those in the repository, in the profiles dev and release
	cargo run --locked -p sim --no-default-features -- golden
	cargo run --locked --release -p sim --no-default-features -- golden

bench-rest: ## Measure rings over REST beside a bare axum server, and etcd if it is installed; ARGS="--pairs 3"
	@scripts/deps wrk
	cargo build --locked --release --bin gateway --bin db_process --bin bench-rest --bin bench-bare
	$(target)/release/bench-rest $(ARGS)

bench: deps ## Measure messages, cores, and a partition beside RocksDB; BENCH=partition ARGS="--disk /mnt"
	cargo bench --locked --workspace $(addprefix --bench ,$(or $(BENCH),micro partition)) -- $(ARGS)

fuzz: ## Fuzz each target; FUZZ="messages rows" FUZZ_SECONDS=1800
	@scripts/fuzz $(or $(FUZZ_SECONDS),60) $(FUZZ)

lint: deps ## Formatting, lints and the rules of the house, as CI checks them
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	@scripts/house

doc: deps ## Build the documentation of the code; a warning is an error
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items

hooks: ## Install a hook that formats before each commit
	@install -m 755 scripts/pre-commit "$$(git rev-parse --git-path hooks)/pre-commit"

deny: ## Check dependencies: licences, sources, versions that are there twice, known vulnerabilities
	@scripts/deny

fmt: ## Format the code
	cargo fmt --all
