# `make help` lists what there is. Everything is installed into .venv, from requirements with hashes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes
# Databases of tests are many and small: in memory where there is plenty of it.
TESTS_IN := $(shell [ "$$(df --output=avail -BG /dev/shm 2>/dev/null | tr -dc 0-9)" -ge 8 ] 2>/dev/null && echo /dev/shm || echo "$${TMPDIR:-/tmp}")
# One test at a time for each core: more are faster, and less sure of their times.
WORKERS ?= $(shell nproc)
INSTALL := DEBIAN_FRONTEND=noninteractive apt-get install -y -qq
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header

.PHONY: help demo run test torture check screenshots messages bench lock browser clean

help: ## This list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.run ## Everything, with a sample event and a payment sandbox
	@exec $(BIN)/gatepass demo $(ARGS)

run: $(VENV)/.run ## The server, set up by GATEPASS_* variables
	@exec $(BIN)/gatepass serve $(ARGS)

test: $(VENV)/.dev browser ## All tests, on SQLite and PostgreSQL and in a real browser
	TMPDIR=$(TESTS_IN) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

torture: $(VENV)/.dev ## The long form of tests/torture: hours of faults and kills (docs/reliability.md)
	TORTURE=long $(BIN)/python -m pytest tests/torture tests/remote/test_processes.py tests/remote/test_histories.py $(ARGS)

check: $(VENV)/.dev ## Style, types, and which way imports go
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

screenshots: $(VENV)/.dev browser ## A picture of every attendee page and state, in screenshots/
	$(BIN)/python -m tests.pages.contact_sheet $(ARGS)

messages: $(VENV)/.dev ## Every text of attendee pages and mails into the catalogues of src/gatepass/languages
	$(BIN)/python -m gatepass.languages.catalogues $(ARGS)

bench: $(VENV)/.dev ## Speed, as JSON lines, with the limits measured in the same run
	$(BIN)/python -m benchmarks $(ARGS)

lock: $(VENV)/.dev ## Renew the locked requirements
	$(BIN)/python -m pip --disable-pip-version-check install --quiet uv
	$(COMPILE) --extra build pyproject.toml -o requirements.txt
	$(COMPILE) --extra build --extra dev pyproject.toml -o requirements-dev.txt

browser: ## Chromium for the page tests, where it may be installed
	@command -v chromium-headless-shell >/dev/null || \
	{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	  { $(INSTALL) chromium-headless-shell fonts-noto-core || $(INSTALL) chromium fonts-noto-core; } >/dev/null; } || \
	command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	echo "No Chromium here and it cannot be installed: page tests will be skipped."

clean: ## Remove what can be made anew
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt pyproject.toml | $(VENV)/bin/python
	@[ -e $(VENV)/.dev ] || $(PIP) -r requirements.txt
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.txt pyproject.toml | $(VENV)/bin/python
	@$(PIP) -r requirements-dev.txt
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation -e .
	@touch $@
