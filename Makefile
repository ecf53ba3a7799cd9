# `make help` lists the targets. Everything is installed into .venv, once.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# All but those that train for long, or need fetched weights, a checkout or a browser.
BENCHMARKS := $(filter-out authors simulated_bair ablation baselines metrics web,$(notdir $(basename $(shell grep -l __main__ benchmarks/*.py))))
SOURCES := setup.py pyproject.toml srvp_tf/_version.py

.DEFAULT_GOAL := help
.PHONY: help quickstart test test-long lint docs notebook benchmarks simulated-bair serve-local clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

quickstart: $(VENV)/.installed  ## train a small model, judge it, draw its predictions
	$(RUN) -m srvp_tf.quickstart

test: lint  ## lint, then the quick tests
	# In two parts: TensorFlow keeps memory, a worker of all tests ends with 10 GB.
	$(RUN) -m pytest -n 2 --dist loadfile tests/[a-g]*/
	$(RUN) -m pytest -n 2 --dist loadfile tests/[h-z]*/

test-long: $(VENV)/.installed-test-long  ## the tests that train for minutes
	$(RUN) -m pytest -m long

lint: $(VENV)/.installed-test  ## style and formatting
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

docs: $(VENV)/.installed-docs  ## the documentation: docs/_build/html/index.html
	$(RUN) -m sphinx -q -W --keep-going -b html docs docs/_build/html

notebook: $(VENV)/.installed-test  ## run the notebook again and store what it shows
	$(RUN) -m jupyter execute --inplace notebooks/first_steps.ipynb

benchmarks: $(VENV)/.installed-test-long  ## tables of speed and memory
	@for script in $(BENCHMARKS); do echo "\n## $$script\n"; $(RUN) -m benchmarks.$$script || exit 1; done

simulated-bair: $(VENV)/.installed-test-long  ## learn a simulated stand-in for BAIR: 25 minutes
	$(RUN) -m benchmarks.simulated_bair

serve-local: $(VENV)/.installed-test  ## serve models/srvp on this machine: a stand-in, for trials
	$(RUN) -m export.serve_local --model_dir=models/srvp

clean:  ## remove .venv and everything generated
	rm -rf $(VENV) build dist docs/_build *.egg-info .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/pip:
	@command -v $(PYTHON) > /dev/null || { \
	  echo "$(PYTHON) not found: install Python 3.11 or newer, or name it: make PYTHON=python3.11"; \
	  exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else \
	  "srvp-tf needs Python 3.11 or newer, $(PYTHON) is %d.%d; name another: make PYTHON=python3.11" \
	  % v[:2])'
	$(PYTHON) -m venv $(VENV)

# The stamps make repeated calls quick; pip runs again when a dependency or the version changes.
$(VENV)/.installed: $(SOURCES) | $(VENV)/bin/pip
	$(RUN) -m pip install --quiet --editable .
	touch $@

$(VENV)/.installed-test: $(SOURCES) | $(VENV)/bin/pip
	$(RUN) -m pip install --quiet --editable '.[test]'
	touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: $(SOURCES) | $(VENV)/bin/pip
	$(RUN) -m pip install --quiet --editable '.[docs]'
	touch $@ $(VENV)/.installed

$(VENV)/.installed-test-long: $(SOURCES) | $(VENV)/bin/pip
	$(RUN) -m pip install --quiet --editable '.[test,test-long]'
	touch $@ $(VENV)/.installed-test $(VENV)/.installed
