# `make` alone lists the targets.
# PYTHON=python3.12 chooses the interpreter, VENV=/elsewhere the virtual environment,
# ARGS="..." passes arguments on (make test ARGS="-k paging"), JOBS=8 tests in as many processes.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?=
VENV ?= .venv
ARGS ?=
JOBS ?= 2
PEERS ?=

PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed

# Whatever Airflow the caller's shell points at, nothing here touches it.
export PYTHONPATH := $(CURDIR)
export AIRFLOW_HOME := $(CURDIR)/airflow_home
export AIRFLOW__DATABASE__SQL_ALCHEMY_CONN := sqlite:///$(AIRFLOW_HOME)/airflow.db
export AIRFLOW__CORE__DAGS_FOLDER := $(CURDIR)/dags
export AIRFLOW__CORE__PLUGINS_FOLDER := $(CURDIR)/plugins
export AIRFLOW__CORE__LOAD_EXAMPLES := False

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sort \
	  | awk -F ':.*## ' '{ printf "  make %-11s %s\n", $$1, $$2 }'

.PHONY: install
install: $(INSTALLED) ## make .venv and install what is locked in requirements.lock

$(INSTALLED): requirements.lock .ci/make-venv
	@.ci/make-venv "$(VENV)" "$(PYTHON)"
	@touch $@

.PHONY: demo
demo: $(INSTALLED) ## one hour of trades through the real DAG, from a local stand-in (LIVE=1: the real API)
	@$(PY) -m tools.demo $(ARGS)

.PHONY: test
test: $(INSTALLED) ## the whole test suite, in JOBS processes
	@$(PY) -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: lint
lint: $(INSTALLED) ## ruff: rules and format; names that clash by case; feeds
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m tools.case_check
	@$(PY) -m include.ticklake feeds --check >/dev/null

.PHONY: format
format: $(INSTALLED) ## let ruff mend what it can
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

.PHONY: types
types: $(INSTALLED) ## mypy, strict, over the core
	@$(PY) -m mypy

.PHONY: feeds
feeds: $(INSTALLED) ## list and validate the feeds
	@$(PY) -m include.ticklake feeds --check

.PHONY: replay
replay: $(INSTALLED) ## the stand-in for every shipped API, on port 8900
	@$(PY) -m include.ticklake replay --port 8900 $(ARGS)

.PHONY: bench
bench: $(INSTALLED) $(if $(PEERS),$(VENV)/.installed-bench) ## measure on this machine (PEERS=1: others too, and write the docs)
	@$(PY) -m tools.bench $(if $(PEERS),--peers) $(ARGS)

$(VENV)/.installed-bench: requirements-bench.txt $(INSTALLED)
	@if command -v uv >/dev/null; then uv pip install --quiet --python $(PY) \
	  --constraint requirements.lock --requirement requirements-bench.txt; \
	else $(PY) -m pip install --quiet --requirement requirements-bench.txt; fi
	@touch $@

.PHONY: scale-trial
scale-trial: $(INSTALLED) ## 1,000 mapped batches through a real scheduler; ten minutes, needs PostgreSQL
	@$(PY) -m tools.scale_trial $(ARGS)

.PHONY: image
image: ## build the converter's image (BASE_IMAGE=... where no registry is reachable)
	docker build --file include/images/convert/Dockerfile --tag ticklake-convert:latest \
	  $(if $(BASE_IMAGE),--build-arg BASE_IMAGE=$(BASE_IMAGE)) .

.PHONY: up
up: .env ## Airflow, PostgreSQL, an S3 server and the replay in containers
	docker compose up --detach --build --wait

.PHONY: down
down: ## stop the containers and keep their volumes
	docker compose down

.env: | .env.example
	@.ci/make-env .env.example .env

LOCKED := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --custom-compile-command "make lock"

.PHONY: lock
lock: ## write requirements.lock and the image's requirements anew (needs uv)
	$(LOCKED) --output-file requirements.lock requirements-dev.txt
	$(LOCKED) --constraints requirements.lock \
	  --output-file include/images/convert/requirements.txt include/images/convert/requirements.in

.PHONY: clean
clean: ## remove what these targets made here, but never the lake
	rm -rf .venv airflow_home build .cache .pytest_cache .ruff_cache .mypy_cache .hypothesis
