# The developer's commands. `make` alone lists them.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup engine demo lab check test ordeal benchmarks proxy clean

help:        ## these lines
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(READY)   ## .venv with the notebook's environment and the developer's tools

# The stamp holds what was installed from: a change of either file installs again.
$(READY): pyproject.toml Makefile
	@PYTHON="$(PYTHON)" sh .ci/python
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the notebook's environment into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1" 2>&1 | sh .ci/quiet
	@$(BIN)/python -m pip install --quiet --editable . --group dev 2>&1 | sh .ci/quiet
	@$(BIN)/python -c "import aim_jupyter, jupyterlab, nbclient"
	@touch $(READY)

engine: setup     ## the real vLLM for the CPU, in an environment of its own
	@$(BIN)/aim-engine engine install cpu

demo: setup engine   ## the main job: run the quickstart on the real engine, leave it as HTML
	@$(BIN)/python notebooks/run.py notebooks/quickstart.ipynb build/quickstart.html

lab: setup engine    ## JupyterLab on the quickstart
	@$(BIN)/jupyter lab notebooks/quickstart.ipynb

check: setup         ## ruff, mypy, import-linter
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

test: setup engine check   ## everything: checks, tests with the fake and with the real engine
	@$(BIN)/python -m pytest

# npm's proxy for the tests of JupyterHub; without npm they say so and are left out.
proxy: setup
	@if command -v npm > /dev/null; then \
	  test -d $(VENV)/proxy/node_modules/configurable-http-proxy || \
	  npm install --silent --no-audit --no-fund --prefix $(VENV)/proxy "configurable-http-proxy@^5"; \
	fi

ordeal: setup engine proxy   ## what takes minutes: chaos, the failure table on the real engine
	@$(BIN)/python -m pytest -m ordeal

benchmarks: setup engine   ## ratios against named baselines
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:       ## remove what the commands above made in this folder
	rm -rf $(VENV) build dist .data .mypy_cache .pytest_cache .ruff_cache .hypothesis
