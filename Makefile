# Every command a person or CI needs; `make` alone lists them. Works with GNU make 3.81, which macOS has.

ifndef PYTHON
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
endif
BIN := .venv/bin
RUN := .venv/requirements.installed
DEV := .venv/requirements-dev.installed
NODE := tests/clients/node_modules/.package-lock.json
SDK1 := build/sdk1/installed
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes

.PHONY: help demo setup install run doctor test check format lint types imports docs bench conformance clients lock clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(RUN) ## Everything on an embedded Oura with invented data (PORT=…; ONCE=1 stops after the first answer)
	@exec $(BIN)/python -m app.commands.demo $(if $(ONCE),--once)

setup: $(RUN) ## Write .env: fresh secrets, and your Oura client id, secret and redirect URI
	@$(BIN)/python -m app.commands.setup

install: $(RUN) ## Install or update what the server needs; `make run` does it by itself

run: $(RUN) ## Start the server with .env
	@exec $(BIN)/gunicorn -c gunicorn.conf.py wsgi:app

doctor: $(RUN) ## Check settings, store, clock, Oura, the public address; say what to mend
	@$(BIN)/python -m gevent.monkey --module app.commands.doctor

test: $(DEV) ## Run every test; what needs Node, PostgreSQL or Chromium is skipped where that is missing
	@$(BIN)/pytest

check: $(DEV) format lint types imports test ## What CI runs: format, lint, types, imports, tests (REQUIRE_ALL=1: skips fail)

format: $(DEV)
	@$(BIN)/ruff format --check .

lint: $(DEV)
	@$(BIN)/ruff check .

types: $(DEV)
	@$(BIN)/mypy

imports: $(DEV)
	@$(BIN)/lint-imports

docs: $(RUN) ## Regenerate the tables in README.md and docs/, and .env.example, from the code
	@$(BIN)/python -m app.commands.docs

bench: $(RUN) ## Measure speed and memory against the bars (ROUNDS=3 for a quick look)
	@$(BIN)/python -m gevent.monkey --module bench

conformance: $(DEV) $(NODE) ## Run the official MCP conformance suite (needs npm)
	@$(BIN)/python -m tests.conformance.suite

clients: $(NODE) $(SDK1) ## Install the official clients that the end-to-end tests drive (needs npm)

lock: $(DEV) ## Pin the newest versions of requirements*.in with their hashes
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" requirements.in -o requirements.txt
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" -c requirements.txt requirements-dev.in -o requirements-dev.txt

clean: ## Remove what was installed and built; .env and tokens.json stay
	rm -rf .venv build tests/clients/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find app tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed and none was found. Debian: apt install python3 python3-venv. macOS: brew install python"; exit 1; }
	@echo "Setting up .venv, once; this takes about a minute"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "python3 could not make a virtual environment. Debian: apt install python3-venv"; exit 1; }

$(RUN): requirements.txt $(BIN)/python
	@$(BIN)/python $(PIP_INSTALL) -r requirements.txt
	@touch $@

$(DEV): requirements.txt requirements-dev.txt $(BIN)/python
	@$(BIN)/python $(PIP_INSTALL) -r requirements-dev.txt
	@touch $(RUN) $@

$(NODE): tests/clients/package-lock.json
	@command -v npm >/dev/null || { echo "npm is needed for the Node clients. Debian: apt install npm. macOS: brew install node"; exit 1; }
	@cd tests/clients && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(SDK1): tests/clients/python-1.txt $(BIN)/python
	@$(BIN)/python -m venv build/sdk1
	@build/sdk1/bin/python $(PIP_INSTALL) -r tests/clients/python-1.txt
	@touch $@
