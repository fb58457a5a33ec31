# `make` alone lists the targets.
# PYTHON=python3.12 chooses the interpreter, VENV=/elsewhere the virtual environment (an environment
# that make did not create is never touched), ARGS="..." passes arguments on
# (make test ARGS="-k paging"), JOBS=8 tests in as many processes.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?=
VENV ?= .venv
ARGS ?=
JOBS ?= 2
PEERS ?=
SECONDS ?= 600

PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed

# Without compiled modules each of the tests' many processes would compile them anew.
unexport PYTHONDONTWRITEBYTECODE

# No target touches the Airflow that the caller's shell is set up for.
export PYTHONPATH := $(CURDIR)
export AIRFLOW_HOME := $(CURDIR)/airflow_home
export AIRFLOW__DATABASE__SQL_ALCHEMY_CONN := sqlite:///$(AIRFLOW_HOME)/airflow.db
export AIRFLOW__CORE__DAGS_FOLDER := $(CURDIR)/dags
export AIRFLOW__CORE__PLUGINS_FOLDER := $(CURDIR)/plugins
export AIRFLOW__CORE__LOAD_EXAMPLES := False

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@printf '\nVariables: PYTHON=python3.12, VENV=/elsewhere, JOBS=8, ARGS="-k paging"\n'

##@ Try it
.PHONY: install
install: $(INSTALLED) ## create .venv and install requirements.lock (a minute or two)

KERNEL := $(wildcard include/ticklake/kernel/*.c) include/ticklake/kernel/build.py

$(INSTALLED): requirements.lock .ci/make-venv tools/console_script.py $(KERNEL)
	@.ci/make-venv "$(VENV)" "$(PYTHON)"
	@touch $@

.PHONY: demo
demo: $(INSTALLED) ## run one hour of trades through the real DAG, offline (LIVE=1: the real API)
	@$(PY) -m tools.demo $(ARGS)

.PHONY: ui
ui: $(INSTALLED) ## start Airflow and its lake page over six hours of four feeds, offline (Ctrl-C ends it)
	@$(PY) -m tools.ui

.PHONY: feeds
feeds: $(INSTALLED) ## list and validate the feeds
	@$(PY) -m include.ticklake feeds --check

.PHONY: replay
replay: $(INSTALLED) ## serve every shipped feed's API from a simulation, on port 8900
	@$(PY) -m include.replay --port 8900 $(ARGS)

.PHONY: up
up: .env ## start Airflow, PostgreSQL, an S3 server and the replay in containers
	docker compose up --detach --build --wait

.PHONY: down
down: ## stop the containers and keep their volumes
	docker compose down

.env: | .env.example
	@.ci/make-env .env.example .env

##@ Change it
PYTEST := $(PY) -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder
QUICK := not (containers or dag or database or memory or s3 or slow)

.PHONY: test-quick
test-quick: $(INSTALLED) ## run the offline unit tests: no servers, no Airflow, two minutes
	@$(PYTEST) -m "$(QUICK)" --hypothesis-profile=quick tests/unit $(ARGS)

.PHONY: test
test: $(INSTALLED) ## run every test (40 minutes); lists what cannot run here
	@$(PYTEST) $(ARGS)

.PHONY: fuzz
fuzz: $(INSTALLED) ## look for lines that the kernel in C cannot bear (SECONDS=600; with clang, by what they reach)
	@$(PY) -m tests.contract.test_kernel_fuzz $(SECONDS)

AXE := build/npm/node_modules/axe-core/axe.min.js

.PHONY: axe
axe: $(AXE) ## fetch axe-core, with which a browser test checks accessibility (needs npm)

$(AXE): tests/browser/package-lock.json
	@mkdir -p build/npm
	@cp tests/browser/package.json tests/browser/package-lock.json build/npm/
	@npm ci --prefix build/npm --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@

.PHONY: spark
spark: $(INSTALLED) ## install Spark into build/spark, with which tests read the lake (400 MB, needs Java 17)
	@$(PY) -m tools.spark_home

.PHONY: test-spark
test-spark: spark ## run the tests that read the lake with Spark
	@$(PY) -m pytest tests/spark $(ARGS)

.PHONY: screenshots
screenshots: $(INSTALLED) ## take the pictures of the documentation again, from what `make ui` shows
	@$(PY) -m tools.screenshots

.PHONY: check
check: lint types generated docs ## run everything that CI runs before the tests

.PHONY: lint
lint: $(INSTALLED) ## ruff's rules and format; names that differ by case only; the feeds
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m tools.case_check
	@$(PY) -m include.ticklake feeds --check >/dev/null

.PHONY: types
types: $(INSTALLED) ## mypy, strict
	@$(PY) -m mypy

.PHONY: generated
generated: $(INSTALLED) ## fail if feed.schema.json, the lists of settings or the reference are out of date
	@$(PY) -m tools.schema_check
	@$(PY) -m tools.settings_docs
	@$(PY) -m tools.docs_reference

.PHONY: docs
docs: $(INSTALLED) ## build the site of docs/ into build/site; a broken link or anchor fails
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --quiet
	@echo "build/site/index.html"

.PHONY: format
format: $(INSTALLED) ## apply ruff's fixes and its format
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

LOCKED := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --custom-compile-command "make lock"

.PHONY: lock
lock: ## update requirements.lock and the image's requirements (needs uv)
	$(LOCKED) --output-file requirements.lock requirements-dev.txt
	$(LOCKED) --constraints requirements.lock \
	  --output-file include/images/convert/requirements.txt include/images/convert/requirements.in
	$(LOCKED) --constraints requirements.lock \
	  --output-file include/images/convert/build-requirements.txt include/images/convert/build-requirements.in

.PHONY: clean
clean: ## delete what these targets created here, but never the lake
	@if [ ! -e .venv ] || [ -e .venv/.ticklake-venv ]; then rm -rf .venv; fi
	rm -rf airflow_home build .cache .pytest_cache .ruff_cache .mypy_cache .hypothesis

##@ Measure and ship it
.PHONY: bench
bench: $(INSTALLED) $(if $(PEERS),$(VENV)/.installed-bench) ## measure on this machine (PEERS=1: other tools too, and write the docs)
	@$(PY) -m tools.bench $(if $(PEERS),--peers) $(ARGS)

$(VENV)/.installed-bench: requirements-bench.txt $(INSTALLED)
	@if command -v uv >/dev/null; then uv pip install --quiet --python $(PY) \
	  --constraint requirements.lock --requirement requirements-bench.txt; \
	else $(PY) -m pip install --quiet --requirement requirements-bench.txt; fi
	@touch $@

.PHONY: scale-trial
scale-trial: $(INSTALLED) ## run 100,000 planned units through a real scheduler (10 min, needs PostgreSQL)
	@$(PY) -m tools.scale_trial $(ARGS)

.PHONY: image
image: ## build the converter's image (BASE_IMAGE=... if no registry is reachable)
	docker build --file include/images/convert/Dockerfile --tag ticklake-convert:latest \
	  $(if $(BASE_IMAGE),--build-arg BASE_IMAGE=$(BASE_IMAGE)) .
