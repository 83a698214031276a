# What people type. Each target installs what it lacks first; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo lab lab-down lab-status lab-prune test test-long bench cross deb images web setup fmt lint clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## a rack on this machine, in the browser and in the terminal; ARGS='--boards 6 --for 30s'
	@tests/setup.sh build
	@$(MAKE) --no-print-directory manager/web/dist/index.html
	cargo build --release --locked -p pirack
	target/release/pirack demo $(ARGS)

# A lab needs root for its namespaces. It has the caches of whoever asks for it.
AS_ROOT := $(shell [ "$$(id -u)" -eq 0 ] || echo sudo --preserve-env=HOME,XDG_CACHE_HOME,PIRACK_LAB,PIRACK_AGENT_BIN)
# Never whatever an earlier tree left there: cargo says nothing, and is quick, when it is this tree's.
BUILD_LAB := cargo build --quiet --locked -p pirack-lab

lab: ## boards on this machine, each with a root, a Docker engine and an SSH door of its own; BOARDS=5
	@tests/setup.sh build lab
	@$(BUILD_LAB)
	@$(AS_ROOT) target/debug/lab up --boards $(or $(BOARDS),3)

lab-down: ## ends them, or what a killed run left of them
	@$(BUILD_LAB)
	@$(AS_ROOT) target/debug/lab down

lab-status: ## shows them
	@$(BUILD_LAB)
	@$(AS_ROOT) target/debug/lab status || [ $$? -eq 3 ]

lab-prune: ## removes from the cache what this tree does not use
	@$(BUILD_LAB)
	@$(AS_ROOT) target/debug/lab prune

test: ## every check, with what it needs; logs in target/logs
	@tests/run.sh

test-long: ## the same, and what takes hours: six boards, every kill, 10,000 schedules, systemd, armv7
	@tests/run.sh long

bench: ## the figures, measured on this machine in some forty minutes; OUTAGE=60 shortens the longest of them
	@tests/setup.sh build bench lab images package
	@$(MAKE) --no-print-directory manager/web/dist/index.html
	cargo build --release --locked -p pirack -p pirack-agent
	cargo build --release --locked -p pirack-agent --examples
	cargo test --release --locked -p pirack --lib --no-run
	cargo build --locked -p pirack-lab
	@OUTAGE=$(or $(OUTAGE),600) tests/bench/all.sh

cross: ## the agent for the boards, release builds for aarch64 and armv7 in target/cross
	@tests/setup.sh build cross-armv7
	tests/cross.sh aarch64 release
	tests/cross.sh armv7 release

# The processor in Debian's word, and in cross.sh's.
CROSS_arm64 := aarch64
CROSS_armhf := armv7
TRIPLE_arm64 := aarch64-unknown-linux-gnu
TRIPLE_armhf := armv7-unknown-linux-gnueabihf

deb: ## the agent's package, in target/debian; ARCH=arm64 or armhf for the boards
	@tests/setup.sh build package $(if $(ARCH),$(if $(filter armhf,$(ARCH)),cross-armv7,cross))
	$(if $(ARCH),tests/cross.sh $(CROSS_$(ARCH)) release,cargo build --release --locked -p pirack-agent)
	@agent/packaging/deb.sh $(or $(ARCH),$$(dpkg --print-architecture)) \
		$(if $(ARCH),target/cross/$(TRIPLE_$(ARCH))/release,target/release)/pirack-agent

images: ## what the rack runs, in the lab's registry; ARCH=arm64 for the boards, IMAGES='kafka' for some of them
	@tests/setup.sh build lab images
	$(if $(IMAGES),,$(if $(ARCH),@tests/setup.sh cross && tests/cross.sh aarch64 release,cargo build --release --locked -p pirack-agent))
	@$(BUILD_LAB)
	@$(AS_ROOT) target/debug/lab images $(if $(ARCH),--arch $(ARCH)) $(IMAGES)

web: ## the dashboard: checked, tested, bundled into manager/web/dist
	@tests/setup.sh build
	cd manager/web && npm ci --no-audit --no-fund && npm run check && npm run build

# Bundled again only when something that it is made of is newer.
manager/web/dist/index.html: $(shell find manager/web \( -name node_modules -o -name dist \) -prune -o -type f -print)
	cd manager/web && npm ci --no-audit --no-fund && npm run build
	@touch $@

setup: ## everything that any of these needs
	@tests/setup.sh build test lab images package cross-armv7 bench

fmt: ## formats the Rust
	cargo fmt

lint: ## what `make test` holds against the code without running it
	@tests/setup.sh build test
	cargo fmt --check
	cargo clippy --locked --workspace --all-targets -- -D warnings

clean: ## removes what was built, here and in the dashboard
	cargo clean
	rm -rf manager/web/dist manager/web/node_modules
