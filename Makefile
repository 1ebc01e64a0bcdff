# make demo: the bot in a browser, on this machine, against a Slack and a DBS of its own; make demo-script plays its
# main job in the terminal instead.
# Needs Python 3.11 or later, as PYTHON if it is not called python3; VENV names another folder to install into.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# touched after everything is installed, so that the next run has nothing to do
INSTALLED := $(VENV)/installed
# tests start hundreds of processes, which are not to compile the bot anew each time, whatever the environment says
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo demo-script test test-browser chaos bench lint format clean

demo: $(INSTALLED)
	@$(BIN)/python -m bot demo

demo-script: $(INSTALLED)
	@$(BIN)/python -m bot demo --script

test: $(INSTALLED)
	@echo "leaving out tests/browser, which needs a Chromium: make test-browser"
	@# four files at a time, in the order of their names: the longest ones have few tests, and would come last otherwise
	@$(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder

test-browser: $(INSTALLED)
	@$(BIN)/pytest tests/browser

# make chaos STORE=postgres SEED=7 SEEDS=1 plays one run again
chaos: $(INSTALLED)
	@PYTHONPATH=tests $(BIN)/python -m chaos --write docs/reliability.md $(if $(STORE),--store $(STORE)) \
		$(if $(SEED),--seed $(SEED)) $(if $(SEEDS),--seeds $(SEEDS))

bench: $(INSTALLED)
	@PYTHONPATH=tests $(BIN)/python -m bench

lint: $(INSTALLED)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(INSTALLED)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	rm -rf .venv .venv-* $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(INSTALLED): requirements.txt requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11")'
	@echo "installing into $(VENV), once"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt -r requirements-dev.txt
	@# the warning that an editable installation is editable
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
