# The words a developer says daily. `make help` prints them; each check may be run alone.
# A machine needs python3 (3.11 or newer, with venv) and git; tests/machine/prepare.sh says what the checks need besides.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2
PYTEST := $(BIN)/pytest
PARALLEL := -n $(JOBS) --dist loadfile

# Installed once per content of the lock files: a stamp carries their hash in its name.
hash = $(shell cat $(1) | sha256sum | cut -c1-12)
SHOP_READY := .venv/.ready-$(call hash,requirements.txt)
CHECKS_READY := .venv/.checks-$(call hash,requirements.txt requirements-server.txt requirements-dev.txt)
NPM_READY := tests/browser/node_modules/.ready-$(call hash,tests/browser/package-lock.json)

# ------------------------------------------------------------------ the shop

.PHONY: run
run: $(SHOP_READY) translations ## Start the shop with its demo world, on http://127.0.0.1:8000 (PORT changes it)
	@exec $(BIN)/python -m deploy.start

PO := $(wildcard shop/translations/*/LC_MESSAGES/*.po)

.PHONY: translations
translations: $(PO:.po=.mo) ## Compile the languages whose .po file is newer than its .mo

.PHONY: texts
texts: $(SHOP_READY) ## Collect the texts of the code into the .po files; then translate what is new
	$(BIN)/pybabel --quiet extract --ignore-dirs '.*' -F shop/translations/babel.cfg -k _l -k N_ --no-location --sort-output --project=Bodega --no-wrap -o shop/translations/messages.pot shop
	$(BIN)/pybabel --quiet update --no-fuzzy-matching --ignore-obsolete --no-wrap -i shop/translations/messages.pot -d shop/translations
	rm shop/translations/messages.pot

.PHONY: reference
reference: $(SHOP_READY) ## Write docs/reference from the code
	PYTHONPATH=. $(BIN)/python docs/reference/write.py

%.mo: %.po | $(SHOP_READY)
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@

$(SHOP_READY):
	@PYTHON="$(PYTHON)" tests/machine/install_python.sh requirements.txt
	@rm -f .venv/.ready-* && touch $@

# ---------------------------------------------------------------- the checks

.PHONY: test
test: ## Every check there is (keep going after a failure: make -k test)
test: machine lint types architecture unit unit-pg nginx deploy-check fire-drill journeys pages lighthouse
	@echo "All checks passed."

.PHONY: machine
machine: ## Find, start or install what the checks need on this machine; say clearly what is missing
	@tests/machine/prepare.sh

.PHONY: lint
lint: $(CHECKS_READY) ## Style and format (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: format
format: $(CHECKS_READY) ## Put the code into the house's format, mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: types
types: $(CHECKS_READY) ## Types (mypy --strict)
	$(BIN)/mypy

.PHONY: architecture
architecture: $(CHECKS_READY) translations ## The house's rules: imports point down, writes in services only, …
	$(BIN)/lint-imports
	tests/machine/with_postgres.sh $(PYTEST) tests/architecture $(PARALLEL)

SLOW := tests/deploy tests/architecture tests/machine tests/nginx tests/journeys tests/pages tests/bench tests/mutants tests/fire

.PHONY: unit
unit: $(CHECKS_READY) translations ## The tests of the features on SQLite
	$(PYTEST) tests $(SLOW:%=--ignore=%) $(PARALLEL)

.PHONY: unit-pg
unit-pg: $(CHECKS_READY) translations ## The same on a real PostgreSQL (TEST_DATABASE_URL, else a throw-away server)
	tests/machine/with_postgres.sh $(PYTEST) tests $(SLOW:%=--ignore=%) --ignore=tests/docs/test_samples.py $(PARALLEL)

.PHONY: nginx
nginx: $(CHECKS_READY) translations ## Real servers: make run itself, and nginx before the shop
	$(PYTEST) tests/nginx tests/machine $(PARALLEL)

.PHONY: deploy-check
deploy-check: $(CHECKS_READY) translations ## Units, log rotation, Dockerfile and compose.yaml by their checkers; the image's commands without Docker
	$(PYTEST) tests/deploy --ignore=tests/deploy/test_update.py $(PARALLEL)

.PHONY: deploy-drill
deploy-drill: $(CHECKS_READY) translations ## Orders go on through reloads, a restart and a change of tables: none may fail (a minute or more)
	tests/machine/with_postgres.sh $(PYTEST) tests/deploy/test_update.py -s

.PHONY: fire-drill
fire-drill: $(CHECKS_READY) translations ## Buyers race, workers are killed, statements fail: the short form, on both databases
	$(PYTEST) tests/fire
	tests/machine/with_postgres.sh $(PYTEST) tests/fire

.PHONY: fire
fire: $(CHECKS_READY) translations ## The same in full, with its figures: 10,000 checkouts, 2,000 buyers for ten pieces (most of an hour)
	FIRE=full $(PYTEST) tests/fire -s
	FIRE=full tests/machine/with_postgres.sh $(PYTEST) tests/fire -s

.PHONY: journeys
journeys: $(CHECKS_READY) translations ## Whole stories in a real Chromium, with and without JavaScript
	$(PYTEST) tests/journeys $(PARALLEL)

.PHONY: pages
pages: $(CHECKS_READY) $(NPM_READY) translations ## Every page: valid HTML (Nu), accessible (axe, WCAG 2.2 AA)
	$(PYTEST) tests/pages --ignore=tests/pages/test_lighthouse.py -n $(JOBS) --dist loadgroup

.PHONY: lighthouse
lighthouse: $(CHECKS_READY) $(NPM_READY) translations ## Lighthouse on a phone: at least 95 / 100 / 100 / 100
	$(PYTEST) tests/pages/test_lighthouse.py

.PHONY: bench
bench: $(CHECKS_READY) translations ## What a request costs, beside the floors (prints a table, judges nothing)
	$(BIN)/python -m tests.bench

MINUTES ?= 20

.PHONY: mutants
mutants: $(CHECKS_READY) ## Break the rules of prices and taxes in one place after the other; at least 95 of 100 must be noticed
	$(BIN)/python -m tests.mutants --minutes $(MINUTES) --jobs $(JOBS)

.PHONY: real-data
real-data: $(CHECKS_READY) ## Import every catalog under DATA=folder into an empty shop and print the counts
	@test -n "$(DATA)" || { echo "Say where the files are: make real-data DATA=folder" >&2; exit 2; }
	$(BIN)/python -m tests.real_data "$(DATA)"

$(CHECKS_READY): $(SHOP_READY)
	@PYTHON="$(PYTHON)" tests/machine/install_python.sh requirements.txt requirements-server.txt requirements-dev.txt
	@rm -f .venv/.checks-* && touch $@

$(NPM_READY):
	cd tests/browser && npm ci --no-audit --no-fund
	@touch $@

# -------------------------------------------------------------- housekeeping

.PHONY: lock
lock: ## Choose the newest versions that requirements*.in allow, with hashes (needs uv)
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url requirements.in -o requirements.txt
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url requirements-server.in -o requirements-server.txt
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url requirements-dev.in -o requirements-dev.txt
	cd tests/browser && npm update --package-lock-only --omit-lockfile-registry-resolved

.PHONY: clean
clean: ## Remove what can be made again (never the instance folder: it holds the shop's data)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache tests/.cache tests/browser/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help: ## Print this
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
