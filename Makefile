# `make help` lists the targets. Needed: Python 3.11 to 3.14, and a package index.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=

# Theano 1.0.5 runs on Python 3.11 only, beside old versions of others: an environment of its own.
# PYTHON311 names it; by default the first of $(PYTHON), python3.11 and python3 that is one.
PYTHON311 ?=
VENV_THEANO ?= .venv-theano

PIP_INSTALL = -m pip install -qq --disable-pip-version-check
RUN = $(VENV)/bin/python

MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help sweep sweep-theano test test-compose test-arm test-objects bench gpu studies studies-full labels crash crash-objects every fuzz schedules chaos chaos-maps docs lint format lock clean python package env-runner env-dev env-theano env-theano-if-3.11

help:  ## List the targets
	@echo "Usage: make TARGET [ARGS='...'] [PYTHON=$(PYTHON)] [VENV=$(VENV)]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' Makefile

sweep: env-runner  ## Run an experiment; ARGS as for `python -m runner sweep`
	@$(RUN) -m runner sweep $(ARGS)

sweep-theano: env-theano  ## Run a small sweep on Theano 1.0.5 itself; Python 3.11 only
	@$(VENV_THEANO)/bin/python -m runner sweep experiments/gates.toml --engine theano \
	    --out results/gates-theano --restarts 200 --set training.max_steps=2000 $(ARGS)

# Whole files side by side, the slow ones first (tests/conftest.py); TEST_WORKERS=0 for one process.
TEST_WORKERS ?= logical
SIDE_BY_SIDE = -n $(TEST_WORKERS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test: env-dev env-theano-if-3.11  ## Run the tests; ARGS as for pytest
	@RUNNER_VENV_THEANO=$(VENV_THEANO) $(RUN) -m pytest $(SIDE_BY_SIDE) $(ARGS)

test-compose: env-dev  ## Run the cluster's tests in real containers (needs Docker)
	@$(RUN) -m pytest tests/campaigns/compose.py $(ARGS)

test-arm: env-dev  ## Sweep as 64-bit Arm, emulated, and compare (needs root, debootstrap, qemu-user-static)
	@$(RUN) -m pytest tests/campaigns/arm.py --timeout 0 -s -rs $(ARGS)

# moto's requirements and the runner's cannot be in one environment (requirements/moto.in).
test-objects: env-dev  ## Push and pull with an S3 server of moto
	@$(RUN) $(PIP_INSTALL) --only-binary :all: --require-hashes --upgrade --target .moto -r requirements/moto.txt
	@RUNNER_MOTO=.moto $(RUN) -m pytest tests/campaigns/moto.py $(ARGS)

bench: env-dev  ## Measure the training beside other ways to do it
	@$(RUN) benchmarks/bench.py $(ARGS)

studies: env-dev  ## Train a part of what docs/studies and docs/reports.md tell of, and compare; minutes
	@$(RUN) docs/studies.py $(ARGS)

studies-full: env-dev  ## Train all of it and write the pages' tables anew
	@$(RUN) docs/studies.py --write $(ARGS)

labels: env-dev  ## Make the table of docs/labels.md again; ARGS="200 tanh" for fewer restarts of some
	@OPENBLAS_NUM_THREADS=1 $(RUN) docs/labels.py $(ARGS)

# On a machine with a GPU, whose Python has what benchmarks/gpu.py names: no environment is set up.
GPU_PYTHON ?= $(PYTHON)

gpu:  ## Compare a GPU's bits with a CPU's, and measure it; ARGS=--plan says how
	@$(GPU_PYTHON) benchmarks/gpu.py $(ARGS)

crash-objects: env-dev  ## Kill analyses, maps and sweeps of a URL at every request; minutes
	@$(RUN) -m pytest -v tests/campaigns/url_kills.py --timeout 0 -s $(ARGS)

crash: env-dev  ## Stop a study's work at every file operation; minutes
	@RUNNER_CRASH_STEP=1 $(RUN) -m pytest -v tests/dispatch/test_crash.py --timeout 0 $(ARGS)

every: env-dev  ## Train all combinations of an experiment file's choices; an hour
	@PYTHONPATH=.:tests OPENBLAS_NUM_THREADS=1 $(RUN) tests/campaigns/every.py $(ARGS)

fuzz: env-dev  ## Feed the readers of files and options with what breaks them; ARGS="--most-s 600"
	@$(RUN) $(PIP_INSTALL) --only-binary :all: --require-hashes --upgrade --target .fuzz -r requirements/fuzz.txt
	@PYTHONPATH=.fuzz $(RUN) tests/campaigns/fuzz.py $(ARGS)

schedules: env-dev  ## Drive the dispatcher through random schedules; ARGS="--schedules N"
	@$(RUN) -m pytest tests/dispatch/test_dispatcher.py -k many_schedules --schedules 100000 -o timeout=0 $(ARGS)

chaos: env-dev  ## Kill processes of sweeps at random; ARGS="--url --shared --trials 100"
	@PYTHONPATH=.:tests OPENBLAS_NUM_THREADS=1 $(RUN) tests/campaigns/chaos.py $(ARGS)

chaos-maps: env-dev  ## Kill processes of maps at random; ARGS="--trials 50"
	@PYTHONPATH=.:tests OPENBLAS_NUM_THREADS=1 $(RUN) tests/campaigns/chaos_maps.py $(ARGS)

lint: env-dev  ## Check the style and the types
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check
	@$(RUN) -m mypy

format: env-dev  ## Format the code and apply the safe fixes
	@$(RUN) -m ruff check --fix-only
	@$(RUN) -m ruff format

# It is read by nothing else, and -E does without what an earlier build has kept.
DOCS = -m sphinx -E -W --keep-going -n -q -c docs

docs: env-dev  ## Build the documentation as a site, into build/docs
	@$(RUN) $(DOCS) . build/docs
	@echo build/docs/index.html

package: env-dev  ## Build the wheel and the source archive into dist/, the same bytes every time
	@$(RUN) -m hatchling build

lock: python  ## Pin the requirements anew; ARGS=--upgrade takes the newest versions
	@rm -rf .lock-venv
	@$(PYTHON) -m venv .lock-venv
	@.lock-venv/bin/python $(PIP_INSTALL) uv
	@cd requirements && for name in runner jax objects dev cuda cuda-core fuzz moto; do \
	    echo "requirements/$$name.txt"; \
	    ../.lock-venv/bin/uv pip compile --quiet --universal --python-version 3.11 \
	        --fork-strategy requires-python --only-binary :all: --generate-hashes \
	        --no-header --no-emit-index-url $(ARGS) $$name.in --output-file $$name.txt \
	        || exit 1; \
	done
	@echo requirements/theano.txt
	@cd requirements && ../.lock-venv/bin/uv pip compile --quiet --python-version 3.11 \
	    --only-binary :all: --no-binary theano --generate-hashes \
	    --no-header --no-emit-index-url $(ARGS) theano.in --output-file theano.txt
	@rm -rf .lock-venv

clean:  ## Remove the environment and the caches; results stay
	@for folder in $(VENV) $(VENV_THEANO) .venv313; do \
	    if [ -e $$folder/pyvenv.cfg ]; then rm -rf $$folder; fi; \
	done
	@rm -rf .lock-venv .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist *.egg-info
	@for folder in runner tests benchmarks; do \
	    if [ -d $$folder ]; then find $$folder -name __pycache__ -prune -exec rm -rf {} +; fi; \
	done

# The environment. $(VENV)/runner.txt and $(VENV)/dev.txt are copies of the locks that were
# installed to the end: the environment is fresh while they equal those in requirements/ and
# its Python is the one asked for. dev.txt holds all of runner.txt, so it serves for both.

python:
	@command -v $(PYTHON) >/dev/null || { \
	    echo "$(PYTHON) is not there: install Python 3.11 to 3.14, or name one: make PYTHON=python3.12" >&2; \
	    exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; (3, 11) <= v < (3, 15) or sys.exit( \
	    "$(PYTHON) is Python %d.%d; 3.11 to 3.14 is needed. Name one: make PYTHON=python3.12" % v[:2])'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "$(PYTHON) has no venv module: install it (Debian, Ubuntu: apt install $$($(PYTHON) -c 'import sys; \
	print("python%d.%d-venv" % sys.version_info[:2])')), then run make again" >&2; \
	    exit 1; }

IDENTITY = -c 'import sys; print(sys.base_prefix, sys.version)'
SAME_PYTHON = [ "`$(RUN) $(IDENTITY) 2>/dev/null`" = "`$(PYTHON) $(IDENTITY)`" ]
HAS = cmp -s requirements/$(1).txt $(VENV)/$(1).txt

# A line in the environment that names this checkout, so that `import runner` works in any folder. It
# is relative where the environment lies inside, and so stays right when both are moved.
IMPORTABLE = -c 'import os, pathlib, sysconfig; \
	site = sysconfig.get_path("purelib"); here = os.getcwd(); \
	inside = os.path.commonpath([here, site]) == here; \
	line = (os.path.relpath(here, site) if inside else here) + "\n"; \
	file = pathlib.Path(site, "runner.pth"); \
	file.is_file() and file.read_text() == line or file.write_text(line)'

env-runner: python
	@if $(SAME_PYTHON) && { $(call HAS,runner) || $(call HAS,dev); }; then :; else \
	    $(call NEW) && $(call INSTALL,runner); \
	fi && $(RUN) $(IMPORTABLE)

env-dev: python
	@if $(SAME_PYTHON) && $(call HAS,dev); then :; else \
	    if $(SAME_PYTHON) && $(call HAS,runner); then \
	        echo "Adding the test tools to $(VENV) (once)"; \
	    else \
	        $(call NEW); \
	    fi && $(call INSTALL,dev); \
	fi && $(RUN) $(IMPORTABLE)

# A folder that is no virtual environment is left alone.
FREE = if [ -d $(1) ] && [ ! -e $(1)/pyvenv.cfg ]; then \
	    echo "$(1) is there and is no virtual environment: move it away, or name another: make $(2)=..." >&2; \
	    exit 1; \
	fi
NEW = $(call FREE,$(VENV),VENV); \
	echo "Setting up $(VENV) (about a minute, once)"; \
	rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)

INSTALL = rm -f $(VENV)/runner.txt $(VENV)/dev.txt && \
	$(RUN) $(PIP_INSTALL) --only-binary :all: --require-hashes -r requirements/$(1).txt && \
	cp requirements/$(1).txt $(VENV)/$(1).part && mv $(VENV)/$(1).part $(VENV)/$(1).txt

# The environment of the engine `theano`. Theano comes as source only, whose setup needs
# setuptools: that of the same lock goes in first.

FIND311 = for name in $(or $(PYTHON311),$(PYTHON) python3.11 python3) ""; do \
	    if $$name -c 'import sys, ensurepip, venv; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; \
	    then break; fi; \
	done

env-theano:
	@if cmp -s requirements/theano.txt $(VENV_THEANO)/theano.txt && $(VENV_THEANO)/bin/python $(IMPORTABLE); then exit 0; fi; \
	$(FIND311); \
	if [ -z "$$name" ]; then \
	    echo "Theano 1.0.5 needs Python 3.11, which is not there: install it, or name it: make PYTHON311=..." >&2; \
	    exit 1; \
	fi; \
	$(call FREE,$(VENV_THEANO),VENV_THEANO); \
	echo "Setting up $(VENV_THEANO) (about a minute, once)"; \
	rm -rf $(VENV_THEANO) && $$name -m venv $(VENV_THEANO) && \
	sed -n '/^setuptools==/,/^    #/p' requirements/theano.txt > $(VENV_THEANO)/setuptools.txt && \
	$(VENV_THEANO)/bin/python $(PIP_INSTALL) --only-binary :all: --require-hashes -r $(VENV_THEANO)/setuptools.txt && \
	$(VENV_THEANO)/bin/python $(PIP_INSTALL) --only-binary :all: --no-binary theano --no-build-isolation \
	    --require-hashes -r requirements/theano.txt && \
	cp requirements/theano.txt $(VENV_THEANO)/theano.part && mv $(VENV_THEANO)/theano.part $(VENV_THEANO)/theano.txt && \
	$(VENV_THEANO)/bin/python $(IMPORTABLE)

env-theano-if-3.11:
	@$(FIND311); if [ -n "$$name" ]; then $(MAKE) env-theano; fi
