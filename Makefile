# Everything a contributor or a reader runs. `make` alone lists the targets.

# The first Python >= 3.11 on PATH, unless one is named: make demo PYTHON=/path/to/python3.13
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

# pip asks for nothing, compares every hash, and builds nothing in isolation: what builds the package is pinned as well.
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
INSTALL := $(PIP) install --quiet --require-hashes

LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-annotate --no-header

# Stamps: each tells what the environment holds, so that a second run installs nothing.
MADE := $(VENV)/.made
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: audit bench bench-regression clean concurrency demo docs fleet-proof ground-truth help imports installs keyless lint lock \
	peers test types

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 26

demo: $(RUNTIME) ## assemble a real image and run the whole journey on it; everything ends up in out/demo
	@$(BIN)/python -m demo.run

test: $(DEVELOPMENT) ## run the tests; those whose peer program is missing are skipped and say so
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile $(TESTS)

ground-truth: $(DEVELOPMENT) ## infer from real packages and compare with what is known of them; downloads some 4 GB
	@$(BIN)/python -m tests.ground_truth $(CASES)

lint: $(DEVELOPMENT) ## check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(DEVELOPMENT) ## check types
	@$(BIN)/mypy

imports: $(DEVELOPMENT) ## check which package may import which
	@$(BIN)/lint-imports --no-logo

peers: $(MADE) ## build the programs the tests drive: oras, crane, regctl, cosign, nfd and more; needs Go
	@$(BIN)/python -m tests.peers.build

keyless: $(DEVELOPMENT) ## sign without a key, from end to end: builds sigstore's services (minutes) and cuts them off
	@$(BIN)/python -m tests.peers.build --services act cosign crane refregistry
	@unshare --map-root-user --net sh -c 'ip link set lo up && exec "$$@"' keyless \
		$(BIN)/python -m pytest $(LIVE) tests/keyless/live.py tests/keyless/live_action.py

docs: $(DEVELOPMENT) ## build the documentation as a site into out/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

installs: $(DEVELOPMENT) ## install on newer Pythons; build our image by its Dockerfile and run it (root, 250 MB)
	@$(BIN)/python -m tests.peers.build buildctl buildkitd buildx crane refregistry
	@$(BIN)/python -m pytest tests/installs/live_pythons.py tests/installs/live_image.py

bench: $(DEVELOPMENT) ## measure time and memory against decompressing the layers; BENCH=--all for images over 1 GB too
	@$(BIN)/python -m bench $(BENCH)

bench-regression: $(DEVELOPMENT) ## fail when inference takes over 10 % more CPU than recorded in bench/ratios.json
	@$(BIN)/python -m bench.regression

concurrency: $(DEVELOPMENT) ## let 64 processes attach to one image at once, 20 times on four registries (10 minutes)
	@$(BIN)/python -m tests.integration.concurrency

fleet-proof: $(DEVELOPMENT) ## check made-up fleets: 2,000 images on 300 layers, 10,000 with specifications; some ten minutes
	@$(BIN)/python -m tests.fleet layers
	@$(BIN)/python -m tests.fleet attached

audit: $(MADE) ## ask PyPI's advisories about every pinned package; needs PyPI itself, an index alone has none
	@$(PIP) install --quiet pip-audit==2.10.1
	@for lock in requirements*.lock github-action/requirements.lock; do \
		$(BIN)/pip-audit --requirement $$lock --require-hashes --disable-pip --strict --progress-spinner off || exit 1; done

lock: $(DEVELOPMENT) ## resolve the lock files anew, within the ranges of pyproject.toml
	@$(PIP) install --quiet uv==0.13.9
	@$(LOCK) pyproject.toml --output-file requirements.lock
	@$(LOCK) pyproject.toml --group dev --extra fleet --extra keyless --extra pkcs11 --output-file requirements-dev.lock
	@$(LOCK) pyproject.toml --extra keyless --constraints requirements-dev.lock --output-file github-action/requirements.lock
	@$(LOCK) --group build --constraints requirements-dev.lock --output-file requirements-build.lock

clean: ## remove the environment and all output; caches outside the tree stay
	rm -rf $(VENV) out build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(MADE):
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or later is on PATH." \
		"Install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) cannot be run or is older than 3.11. Name another: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make a virtual environment." \
		"On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

$(RUNTIME): $(MADE) requirements.lock requirements-build.lock pyproject.toml
	@echo "Installing compatbuild and what it needs, from requirements.lock"
	@$(INSTALL) --requirement requirements.lock --requirement requirements-build.lock
	@$(PIP) install --quiet --no-index --no-deps --no-build-isolation --editable .
	@touch $@

$(DEVELOPMENT): $(RUNTIME) requirements-dev.lock
	@echo "Installing what the tests need, from requirements-dev.lock"
	@$(INSTALL) --requirement requirements-dev.lock
	@touch $@
