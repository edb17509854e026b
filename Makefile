# The developer's commands. `make` alone lists them.

# What is said is filtered: a failure before the filter is one.
SHELL := bash
.SHELLFLAGS := -o pipefail -c

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# The sidebar of JupyterLab: what it is built from, what is checked, what is built.
SIDEBAR := aim_jupyter/labextension/package.json
SOURCES := $(shell find labextension/src labextension/style labextension/schema -type f) \
	$(addprefix labextension/,package.json yarn.lock tsconfig.json install.json building.py)
LINKED  := $(VENV)/share/jupyter/labextensions/aim-jupyter
CHECKED := labextension/lib/.checked

# Nothing but what is locked, whatever the index serves today.
LOCKED  := --quiet --no-deps --require-hashes

.DEFAULT_GOAL := help
.PHONY: help setup labextension engine demo lab slurm image check test ordeal benchmarks docs proxy lock clean

help:        ## these lines
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(READY) labextension   ## .venv with the notebook's environment and the developer's tools

# The stamp holds what was installed from: a change of either file installs again.
$(READY): pyproject.toml Makefile locks/developer.txt
	@PYTHON="$(PYTHON)" sh .ci/python
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the notebook's environment into $(VENV) …"
	@$(BIN)/python -m pip install $(LOCKED) --requirement locks/developer.txt 2>&1 | sh .ci/quiet
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable . 2>&1 | sh .ci/quiet
	@$(BIN)/python -c "import aim_jupyter, jupyterlab, nbclient"
	@touch $(READY)

# A user's machine may have no node: everything but the sidebar works without.
labextension: $(READY)   ## the sidebar of JupyterLab, built and linked into .venv
	@if $(BIN)/python labextension/building.py --missing; then $(MAKE) -s $(LINKED); fi

$(SIDEBAR): $(SOURCES) | $(READY)
	@echo "building the sidebar of JupyterLab …"
	@$(BIN)/python labextension/building.py

$(LINKED): $(SIDEBAR)
	@mkdir -p $(@D)
	@ln -sfn $(abspath $(<D)) $@

# Only what has changed is checked again: the types and rules of the sidebar take half a minute.
$(CHECKED): $(SIDEBAR) $(SOURCES) $(shell find labextension/tests -type f) labextension/eslint.config.mjs
	@cd labextension && $(abspath $(BIN))/jlpm check
	@touch $@

engine: setup     ## the real vLLM for the CPU, in an environment of its own
	@$(BIN)/aim-engine engine install cpu --sources locks/engine.toml

demo: setup engine   ## the main job: run the quickstart on the real engine, leave it as HTML
	@$(BIN)/python notebooks/run.py notebooks/quickstart.ipynb build/quickstart.html

lab: setup engine    ## JupyterLab on the quickstart
	@$(BIN)/jupyter lab notebooks/quickstart.ipynb

slurm: setup         ## a real Slurm of two nodes on this machine, until Ctrl-C (as root)
	@$(BIN)/python -m tests.slurm.cluster

# With podman: make image DOCKER=podman. On another base: make image BASE=rocm/vllm:latest
DOCKER ?= docker
image: setup         ## the container image aim-engine: see docker/README.md
	@$(BIN)/python docker/prepare.py
	@command -v $(DOCKER) > /dev/null || { echo "$(DOCKER) is not here.\nTry: make image DOCKER=podman, or copy build/image and docker/ to where it is"; exit 1; }
	@$(DOCKER) build $(if $(BASE),--build-arg BASE=$(BASE)) -t aim-engine -f docker/Dockerfile build/image

check: $(READY)      ## ruff, mypy, import-linter; tsc, eslint, prettier where the sidebar is built
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports
	@if test -e $(SIDEBAR); then $(MAKE) -s $(CHECKED); fi

test: setup engine check   ## what every change needs: checks, tests, one run on the real engine
	@if test -e $(SIDEBAR); then cd labextension && $(abspath $(BIN))/jlpm test; fi
	@$(BIN)/python -m tests.running -n 3

# npm's proxy for the tests of JupyterHub; without npm they say so and are left out.
proxy: setup
	@if command -v npm > /dev/null && ! cmp -s locks/proxy/package-lock.json $(VENV)/proxy/package-lock.json; then \
	  mkdir -p $(VENV)/proxy && cp locks/proxy/package.json $(VENV)/proxy && cd $(VENV)/proxy && \
	  cp $(CURDIR)/locks/proxy/package-lock.json . && npm ci --silent --no-audit --no-fund || { rm -f package-lock.json; exit 1; }; \
	fi

ordeal: setup engine proxy   ## what takes minutes: the rows of tests/ordeals.toml (ORDEAL=NAME: one)
	@$(BIN)/python -m tests.ordeals $(ORDEAL)

docs: $(READY)       ## the documentation as plain files in build/docs
	@$(BIN)/python docs/site/building.py

benchmarks: setup engine   ## ratios against named baselines
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

# In an environment of its own: what is locked may be what is broken.
lock:        ## locks/*.txt anew, from what the package index serves today
	@$(PYTHON) -m venv build/uv
	@build/uv/bin/pip install --quiet uv 2>&1 | sh .ci/quiet
	@PATH="$(abspath build/uv/bin):$$PATH" build/uv/bin/python locks/renew.py
	@if command -v npm > /dev/null; then cd locks/proxy && rm package-lock.json && \
	  npm install --package-lock-only --omit-lockfile-registry-resolved --silent --no-audit --no-fund; fi

clean:       ## remove what the commands above made in this folder
	rm -rf $(VENV) build dist aim_jupyter/labextension labextension/lib labextension/node_modules .data .mypy_cache .pytest_cache .ruff_cache .hypothesis
