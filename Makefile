# make run   the main job on the embedded sample, offline once installed
# make test  the quick tests; make test-all adds the long ones; make explore tries examples of its own; make check adds ruff, mypy and the docs check
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Prefect would otherwise start a heartbeat to its makers.
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false

.PHONY: run test test-all explore check lint types docs wheel install pictures clean

run: install
	$(BIN)/msminer run --source sample

test: install
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-all: install
	$(BIN)/python -m pytest -n 2 --dist loadfile

explore: install
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" --hypothesis-profile explore

check: lint types docs

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

docs: install
	$(BIN)/python -m pytest -q tests/test_docs.py

wheel: install
	rm -rf dist
	$(BIN)/python -m hatchling build -t wheel

pictures: install
	$(BIN)/python docs/pictures/make.py

install: $(INSTALLED)

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "msminer needs Python 3.11 or newer; name it with: make PYTHON=python3.12 run" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@# The lock holds every package, so nothing is left to resolve; pip's resolver with hashes fails on the extras of SQLAlchemy.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(INSTALLED)

clean:
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache
