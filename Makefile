# make demo · serve · dev · build · test · test-long · check · mutants · lint · bench · setup
#
# Every target sets up what it needs by itself: a virtual environment in .venv, npm packages, and, for the browser
# tests only, browsers from Debian's packages. Stamp files in .make keep a second run fast.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := build

VENV := .venv
PYTHON := $(VENV)/bin/python
KMS_PORT ?= 8501
APP_PORT ?= 8500
APP_ROOT ?= build/pieces/demo
# Where the build goes, so that two builds can be compared.
PIECES ?= build/pieces
RELEASE ?= build/enclave
# The benchmarks' options, say BENCH="--entries 1000 10000": the log of 100 000 entries is most of their time.
BENCH ?=
# The mutants' options, say MUTANTS="--only 'py/kms_enclave/leases/*'".
MUTANTS ?=
CONFIG ?= kms.config.json
# What `make check` compares with, say SINCE=origin/main.
SINCE ?= HEAD
CRYPTOGRAPHY ?=
# The adapters' contract inside Pyodide: makes an image of its own.
CONTRACT_IN_BROWSERS := tests/contract/browser
# Processes that run tests, each with a browser of its own. All tests of a module run in one of them.
WORKERS ?= 2
PYTEST := $(PYTHON) -m pytest --numprocesses $(WORKERS) --dist loadscope
# Python tests without a browser, and those with one. Playwright runs once in a process, and not beside
# the event loop of asynchronous tests: the contract in browsers is a run of its own too.
TEST_PYTHON = $(PYTEST) tests --ignore=$(CONTRACT_IN_BROWSERS)
TEST_BROWSERS = $(PYTEST) $(CONTRACT_IN_BROWSERS) && $(PYTEST) e2e

.PHONY: demo serve dev build pieces test test-long test-web test-python test-browsers check mutants lint format \
	contract bench setup browsers requirements clean

demo: pieces
	@$(PYTHON) -m tools.server --kms-port $(KMS_PORT) --app-port $(APP_PORT) --app-root $(APP_ROOT) --open

serve: pieces
	@$(PYTHON) -m tools.server --kms-port $(KMS_PORT) --app-port $(APP_PORT) --app-root $(APP_ROOT)

# Plain Pyodide and the sources of py/: an edit needs only a reload. Never part of a release.
# CRYPTOGRAPHY=FOLDER, of Pyodide's own build, runs the native crypto port there: see CONTRIBUTING.md.
dev: setup
	@node worker/build/main.mjs --out $(PIECES) --dev
	@$(PYTHON) -m tools.server --kms-port $(KMS_PORT) --app-port $(APP_PORT) --app-root $(APP_ROOT) --dev \
		$(if $(CRYPTOGRAPHY),--cryptography "$(CRYPTOGRAPHY)")

# A release: the files of $(RELEASE)/site, for the origins that $(CONFIG) names.
build: pieces
	@node worker/build/stamp.mjs --pieces $(PIECES) --config $(CONFIG) --out $(RELEASE)

# Decides by the content of its inputs what is made again; the memory image is what takes time.
pieces: setup
	@node worker/build/main.mjs --out $(PIECES)

test: lint test-web test-python test-browsers

# The page's own TypeScript, from its sources: in Node, and in Chromium where it needs a browser.
test-web: setup browsers
	npx --no-install vitest run

test-python: pieces
	$(TEST_PYTHON)

test-browsers: pieces browsers
	$(TEST_BROWSERS)

test-long: export KMS_LONG = 1
test-long: pieces browsers
	$(TEST_PYTHON)
	$(TEST_BROWSERS)

# Small faults, one by one: each must be noticed by the test that is named beside it.
mutants: pieces browsers
	$(PYTHON) -m tools.mutants $(MUTANTS)

# The inner loop: lint, types, and the tests in CPython of what differs from the commit $(SINCE).
check: lint
	$(PYTHON) -m tools.changed_tests $(SINCE) | xargs $(PYTEST) --quiet

lint: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	npx --no-install biome check
	npx --no-install tsc --noEmit

format: setup
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	npx --no-install biome check --write

# What is generated from Python; tests fail where it differs.
contract: setup
	$(PYTHON) -m kms_enclave.rpc.typescript > .make/generated && mv .make/generated web/protocol/contract.gen.ts
	for page in methods errors; do \
		$(PYTHON) -m kms_enclave.rpc.docs $$page > .make/generated && mv .make/generated docs/$$page.md; \
	done

bench: pieces browsers
	$(PYTHON) -m bench $(BENCH)

setup: .make/venv .make/npm .wheels/complete

.make/venv: requirements-dev.txt pyproject.toml
	@mkdir -p .make
	@.ci/ensure-venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Not 'npm ci': it refuses a lock file made where an optional package of another platform cannot be had
# (https://github.com/npm/cli/issues/9846). Versions and hashes of the lock file hold here too.
.make/npm: package-lock.json package.json
	@mkdir -p .make
	PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm install --no-save --no-fund --no-audit
	@touch $@

# What micropip puts into Pyodide, micropip itself, and the tests' compiled wheel: worker/wheels. Downloaded for the
# Python and the platform of Pyodide's own lock file, not for this machine's.
.wheels/complete: .make/venv $(wildcard worker/wheels/*.txt)
	@rm -rf .wheels
	for name in image micropip compiled; do \
		$(PYTHON) -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary=:all: \
			--python-version 3.14 --implementation cp --abi cp314 --platform pyemscripten_2026_0_wasm32 \
			--requirement worker/wheels/$$name.txt --dest .wheels/$$name; \
	done
	@touch $@

# Each time: a browser may have become too old since.
browsers:
	@.ci/ensure-browsers

# For maintainers, with uv: writes the pinned requirements anew. Neither names an index.
requirements:
	for name in requirements requirements-dev; do \
		uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
			--python-version 3.11 --custom-compile-command "make requirements" $$name.in --output-file $$name.txt; \
	done
	for name in image micropip compiled; do \
		uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
			--python-version 3.14 --custom-compile-command "make requirements" worker/wheels/$$name.in \
			--output-file worker/wheels/$$name.txt; \
	done

clean:
	rm -rf build .make
